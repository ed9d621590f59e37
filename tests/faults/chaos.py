"""What a chaos run is made of: servers that fail one time in ten, deliverers that are killed.

Nothing is mocked in the deliverers: they are processes, their servers answer on
loopback. Each server keeps its own record of what arrived, which is compared
with the database when all is over.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from ntm_workflow.channels.zalo.oauth import App, Pair
from ntm_workflow.chase import blanks, tokens
from ntm_workflow.store.tables import Address, Channel, Contact, ContactBody, Notice, NoticeAttempt
from ntm_workflow.texts import ZONE
from ntm_workflow.work import channels
from tests import fake_zalo
from tests.fake_zalo import APP_ID, BOT_TOKEN, SECRET, FakeZalo, Fault, Template, User
from tests.scene import DOMAIN, ROOT, SYSTEM, Scene

PATIENCE = 0.5  # seconds a deliverer waits for a server; a fault holds its answer for longer
TOO_LONG = 0.8
ONE_IN = 10  # calls goes wrong
DELIVERERS = 4
DAY = date(2020, 6, 16)
TEMPLATE = "204"
CONSULT, BY_UID, BY_PHONE, SIGN_IN, INFO = (
    "/v3.0/oa/message/cs", "/v3.0/oa/message/template", "/message/template",
    "/v4/oa/access_token", "/template/info/v2",
)  # fmt: skip
BOT = f"/bot{BOT_TOKEN}/sendMessage"
WAYS = ("mail", "oa", "mau", "mau-uid", "bot")
PAID = ("mau", "mau-uid")


# -- what goes wrong -------------------------------------------------------------------


class Chance:
    """Draws what goes wrong with a call, one time in so many (0: never), and counts it by kind."""

    def __init__(self, seed: int, one_in: int = ONE_IN) -> None:
        self._one_in, self.calm = one_in, not one_in
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.drawn: Counter[str] = Counter()
        self._decks: dict[tuple[str, ...], list[str]] = {}  # each kind once, then anew
        self.calls = 0
        self.quiet_from = 0.0  # by time.monotonic: when the last late answer is over

    def draw(self, kinds: tuple[str, ...]) -> str:
        with self._lock:
            self.calls += 1
            if self.calm or self._random.randrange(self._one_in):
                return ""
            deck = self._decks.setdefault(kinds, [])
            if not deck:
                deck += self._random.sample(kinds, len(kinds))
            kind = deck.pop()
            self.drawn[kind] += 1
            if kind.startswith("timeout"):
                self.quiet_from = time.monotonic() + TOO_LONG + 1
            return kind


_OF_MAIL = (
    "timeout before the text", "timeout after the text", "lost reply", "cut", "4xx", "421", "552",
    "5xx recipient",
)  # fmt: skip
_OF_ZALO = (
    "timeout", "lost reply", "cut", "429", "500", "502", "503", "403", "expired token", "limit -32",
)  # fmt: skip
_STATUS = {"429": 429, "500": 500, "502": 502, "503": 503, "403": 403}


class ZaloFaults:
    """Stands in for the faults of a fake Zalo: drawn instead of listed."""

    def __init__(self, zalo: FakeZalo, chance: Chance) -> None:
        self._zalo, self._chance = zalo, chance

    def get(self, path: str) -> deque[Fault]:
        kind = self._chance.draw(_OF_ZALO)
        if kind == "expired token":  # whoever calls next with it must renew it
            self._zalo.dead |= set(self._zalo.access)
        found = self._fault(kind)
        return deque([found] if found else [])

    def _fault(self, kind: str) -> Fault | None:
        if kind in _STATUS:
            return Fault(status=_STATUS[kind], body="<html>")
        if kind == "limit -32":
            return Fault(body='{"error": -32, "message": "Your OA reached limit call api"}')
        return {
            "timeout": Fault("after", seconds=TOO_LONG), "lost reply": Fault("after"),
            "cut": Fault("before"),
        }.get(kind)  # fmt: skip


@contextmanager
def unreliable_zalo(chance: Chance) -> Iterator[FakeZalo]:
    with fake_zalo.running() as zalo:
        zalo.faults = ZaloFaults(zalo, chance)  # type: ignore[assignment]
        zalo.server.handle_error = lambda *_: None  # the other side was killed
        zalo.calls_left = zalo.template_quota = zalo.bot_quota = 10_000_000
        zalo.templates[TEMPLATE] = Template(dict.fromkeys(blanks.LIMITS, 200))
        yield zalo


class _Mail(socketserver.StreamRequestHandler):
    """One connection of a mail server that takes a mail at a time."""

    server: MailServer

    def handle(self) -> None:
        try:
            self._say("220 sink")
            while line := self.rfile.readline():
                if not self._take(line.decode("ascii").strip()):
                    return
        except OSError:
            return  # the other side was killed

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def _take(self, line: str) -> bool:
        """Answer one command; False hangs up."""
        verb = line[:4].upper()
        if verb == "MAIL":
            self.fault = self.server.chance.draw(_OF_MAIL)
        if verb == "RCPT":
            return self._recipient(line)
        if verb == "DATA":
            self._say("354 go on")
            return self._text()
        self._say({"EHLO": "250 sink", "QUIT": "221 bye"}.get(verb, "250 ok"))
        return verb != "QUIT"

    def _recipient(self, line: str) -> bool:
        to = line.partition("<")[2].rstrip(">")
        if self.fault == "timeout before the text":
            time.sleep(TOO_LONG)
        said = {
            "4xx": "451 busy", "421": "421 closing", "552": "552 mailbox full",
            # The office's own mailbox is never refused for good: alerts need it.
            "5xx recipient": "250 ok" if to.startswith("vpdp") else f"550 <{to}>: no such user",
        }  # fmt: skip
        self._say(said.get(self.fault, "250 ok"))
        return self.fault != "421"

    def _text(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False  # killed in mid-mail: nothing arrived
            lines.append(line)
        if self.fault == "cut":
            return False
        found = re.search(rb"(?mi)^Message-ID: (\S+)\r?$", b"".join(lines))
        assert found
        with self.server.lock:
            self.server.arrived[found[1].decode()] += 1
        if self.fault == "timeout after the text":
            time.sleep(TOO_LONG)
        if self.fault.startswith(("timeout", "lost")):
            return False
        self._say("250 ok queued as 1")
        return True


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps how often each Message-ID arrived."""

    daemon_threads = allow_reuse_address = True
    request_queue_size = 100

    def __init__(self, chance: Chance) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.chance, self.lock = chance, threading.Lock()
        self.arrived: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}/?from=vpdp@{DOMAIN}"


@contextmanager
def unreliable_mail(chance: Chance) -> Iterator[MailServer]:
    server = MailServer(chance)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def door_shut(server: Any) -> Iterator[None]:
    """Refuse new connections to a server of the standard library."""
    server.shutdown()
    server.socket.close()
    yield
    server.socket = socket.socket(server.address_family, server.socket_type)
    server.server_bind()
    server.server_activate()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


# -- whom there is to tell -------------------------------------------------------------


def value(way: str, number: int) -> str:
    """The address of a contact on a channel."""
    return {
        "mail": f"van-thu-{number}@{DOMAIN}", "oa": f"25125236{number:08}",
        "mau": f"849{number:08}", "mau-uid": f"26125236{number:08}", "bot": f"c0ffee{number:08x}",
    }[way]  # fmt: skip


def accounts(scene: Scene, zalo: FakeZalo) -> None:
    """An Official Account with its template channels, and a bot."""
    rt, hosts = scene.rt, {"hosts": asdict(zalo.hosts), "template": TEMPLATE}
    first = tokens.packed(App(APP_ID, SECRET), Pair(zalo.sign_in(), zalo.refresh_token))
    kinds = {"oa": "zalooa", "mau": "zbs", "mau-uid": "zbs", "bot": "zalobot"}
    with rt.sessions.begin() as session:
        for name, kind in kinds.items():
            made = channels.put(
                session, name, kind, {"oa": first, "bot": BOT_TOKEN}.get(name, ""), rt.keys,
                now=rt.now(), actor=SYSTEM, settings=hosts,
                tokens_of="oa" if kind == "zbs" else None,
                per_minute=30_000 if name == "oa" else None,  # so that the pace is part of it
            )  # fmt: skip
            made.token_until = rt.moment(DAY) + timedelta(hours=25) if name == "oa" else None


def people(scene: Scene, zalo: FakeZalo, number: int) -> None:
    """So many contacts of the communes' boards, each on one channel first and one after it.

    One in 41 is known to no Zalo account any more.
    """
    units = sorted(unit.removeprefix("bql-") for unit in _boards(scene))
    rows: dict[str, list[dict[str, Any]]] = {"contact": [], "body": [], "address": []}
    for n in range(1, number + 1):
        first = WAYS[n % len(WAYS)]
        rows["contact"].append({"id": 1000 + n, "name": f"Văn thư {n}", "active": True})
        rows["body"].append({"contact_id": 1000 + n, "body_id": f"bql-{units[n % len(units)]}",
                             "role": ""})  # fmt: skip
        for rank, way in enumerate((first, "bot" if first == "mail" else "mail")):
            rows["address"].append({
                "contact_id": 1000 + n, "channel": way, "value": value(way, n), "rank": rank,
                "always": False, "added_at": scene.rt.now(), "unusable_why": "",
            })  # fmt: skip
        if n % 41:
            _know(zalo, n)
    with scene.rt.sessions.begin() as session:
        session.execute(insert(Contact), rows["contact"])
        session.execute(insert(ContactBody), rows["body"])
        session.execute(insert(Address), rows["address"])


def _know(zalo: FakeZalo, n: int) -> None:
    far = datetime(2099, 1, 1, tzinfo=ZONE)
    for way in ("oa", "mau-uid"):
        zalo.users[value(way, n)] = User(last_interaction=far)
    zalo.phones[value("mau", n)] = 0
    zalo.chats[value("bot", n)] = 0


def _boards(scene: Scene) -> list[str]:
    return [code.rpartition("/")[2] for code in scene.codes() if "/bql-" in code]


# -- who tells them --------------------------------------------------------------------


class Clock:
    """The simulated clock, in a file: it moves when the run says so, never by itself."""

    def __init__(self, path: Path, zalo: FakeZalo) -> None:
        self.path, self._zalo = path, zalo
        self.set(datetime.combine(DAY, datetime.min.time(), ZONE).replace(hour=8))

    def set(self, now: datetime) -> None:
        self.now = now
        self._zalo.now = now.astimezone(ZONE)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(str(now.timestamp()))
        fresh.replace(self.path)

    def advance(self, scene: Scene, alive: Collection[int]) -> None:
        """A minute on, or to when something is due; over the night at once.

        Never so far that one of those alive is taken for dead.
        """
        with scene.rt.reader() as session:
            query = select(Notice.claimed_by, Notice.claimed_at).where(Notice.state == "sending")
            claims = [
                at
                for by, at in session.execute(query)
                if by and at and int(by.split("/")[1]) in alive
            ]
            oldest = min(claims, default=None)
            due = _next_due(session)
        then = self.now + timedelta(minutes=1)
        if oldest is None and due is not None:
            then = max(then, due)
        local = then.astimezone(ZONE)
        if oldest is None and (local.hour >= 17 or not scene.rt.days.worked(local.date())):
            then = (local + timedelta(days=1)).replace(hour=8, minute=0)
        if oldest is None or then - oldest < timedelta(minutes=10):
            self.set(then)


def _next_due(session: Session) -> datetime | None:
    """When the first of what waits may leave."""
    first = func.min(Notice.not_before).label("first")
    query = (
        select(first, Channel.retry_at)
        .join(Channel, Channel.name == Notice.channel)
        .where(Notice.state == "pending")
        .group_by(Channel.name, Channel.retry_at)
    )
    dues = [max(due, retry or due) for due, retry in session.execute(query).tuples()]
    return min(dues, default=None)


class Deliverers:
    """Forks of one process; `kill` ends one at whatever it is doing, `replace` starts another."""

    def __init__(self, scene: Scene, clock: Path) -> None:
        settings = scene.rt.settings
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.deliverer", settings.database_url,
             settings.mail_url, str(settings.var), str(clock)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert self._read() == "ready"
        self.alive = [self._begin() for _ in range(DELIVERERS)]

    def kill(self, where: random.Random) -> int:
        """Kill one of them; return its process id."""
        pid = self.alive.pop(where.randrange(len(self.alive)))
        os.kill(pid, signal.SIGKILL)
        return pid

    def replace(self, killed: int) -> None:
        self.alive.append(self._begin(killed))

    def close(self) -> None:
        for pid in self.alive:
            os.kill(pid, signal.SIGKILL)
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait(20)

    def _begin(self, killed: int = 0) -> int:
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{killed}\n")
        self._popen.stdin.flush()
        return int(self._read())

    def _read(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()


# -- the run ---------------------------------------------------------------------------


@dataclass
class Run:
    """One chaos run. `live` returns when nothing waits any more, or nothing has moved for long."""

    scene: Scene
    zalo: FakeZalo
    mail: MailServer
    chance: Chance
    clock: Clock
    kills: int
    signed_in: int = 0
    killed: int = 0
    early: dict[int, tuple[Any, ...]] = field(default_factory=dict)  # attempts, as first seen

    def live(self, notices: int, patience: float) -> None:
        each = notices / (self.kills + 1)
        where = random.Random(28)
        moved, until = 0, 0.0
        with closing(Deliverers(self.scene, self.clock.path)) as deliverers:
            while self.killed < self.kills or self._busy():
                if moved != (moved := self.chance.calls + self.killed):
                    until = time.monotonic() + patience
                assert time.monotonic() < until, f"stuck: {self.scene.states()}"
                if self.killed < self.kills and self.chance.calls >= each * (self.killed + 1):
                    time.sleep(where.random() * 0.02)
                    self._kill(deliverers, where)
                    continue
                self.clock.advance(self.scene, deliverers.alive)
                self._mend()
                time.sleep(0.02)
        time.sleep(max(0.0, self.chance.quiet_from - time.monotonic()))

    def _kill(self, deliverers: Deliverers, where: random.Random) -> None:
        pid = deliverers.kill(where)
        self.killed += 1
        if self.killed % 10:
            deliverers.replace(pid)
            return
        self.early |= self.attempts()
        before = self.refused()
        with door_shut(self.mail), door_shut(self.zalo.server):
            deliverers.replace(pid)
            until = time.monotonic() + 2
            while self.refused() == before and time.monotonic() < until:
                time.sleep(0.02)

    def _busy(self) -> int:
        with self.scene.rt.reader() as session:
            waits = Notice.state.in_(("pending", "sending"))
            return session.scalar(select(func.count()).where(waits)) or 0

    def _mend(self) -> None:
        """What a person does who is told that the Official Account is signed out."""
        with self.scene.rt.reader() as session:
            lost = session.scalar(
                select(Channel.name).where(
                    Channel.name.in_(("oa", *PAID)), Channel.state == "broken",
                    Channel.broken_class == "auth",
                )
            )  # fmt: skip
        if lost is None or self._works():
            return
        self.zalo.codes["mã"] = "verifier"
        self.chance.calm = True  # a person tries until it works
        tokens.sign_in(self.scene.rt, "oa", "mã", "verifier", SYSTEM)
        self.chance.calm = False
        self.signed_in += 1

    def _works(self) -> bool:
        """True where the tokens that are kept can still be used, or renewed."""
        with self.scene.rt.reader() as session:
            channel = session.get_one(Channel, "oa")
            _, pair = tokens.unpack(self.scene.rt.keys, channel)
        good = pair.access in self.zalo.access and pair.access not in self.zalo.dead
        return good or pair.refresh == self.zalo.refresh_token

    # -- what is known

    def refused(self) -> int:
        """How often a connection was refused, by the deliverers' own account."""
        with self.scene.rt.reader() as session:
            why = NoticeAttempt.detail
            refused = why.like("ConnectError%") | why.like("ConnectionRefusedError%")
            return session.scalar(select(func.count()).where(refused)) or 0

    def attempts(self) -> dict[int, tuple[Any, ...]]:
        with self.scene.rt.reader() as session:
            table = NoticeAttempt.__table__
            return {row.id: tuple(row) for row in session.execute(select(table))}

    def arrived(self) -> Counter[tuple[str, str]]:
        """How often each (channel, Message-ID or address) arrived, by the servers' record."""
        found = Counter({("mail", name): n for name, n in self.mail.arrived.items()})
        for told in self.zalo.delivered:
            name = {"oa": "oa", "bot": "bot"}.get(told.channel)
            found[name or ("mau" if told.tracking_id else "mau-uid"), told.to] += 1
        return found


def begun(scene: Scene, zalo: FakeZalo, mail: MailServer, chance: Chance, kills: int) -> Run:
    clock = Clock(scene.rt.settings.var / "clock", zalo)
    return Run(scene, zalo, mail, chance, clock, kills)
