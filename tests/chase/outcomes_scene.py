"""Every answer of every_class.tsv given to a notice of its own, by real servers on loopback.

Each Zalo row has a channel of its own, so that one that breaks breaks alone; mail
has one channel, whose rows are delivered one after the other.
"""

from __future__ import annotations

import csv
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest import mock

import httpx
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ntm_workflow.channels import mail
from ntm_workflow.channels.zalo import wire
from ntm_workflow.channels.zalo.oauth import App, Pair
from ntm_workflow.channels.zalo.wire import Hosts
from ntm_workflow.chase import alerts, tokens
from ntm_workflow.store.tables import Address, AuditEntry, Channel, Notice, NoticeAttempt
from ntm_workflow.work import channels, people
from ntm_workflow.work.people import ContactLine
from tests import fake_zalo
from tests.fake_zalo import APP_ID, BOT_TOKEN, SECRET, FakeZalo, Fault, Template, User
from tests.scene import SYSTEM, Scene
from tests.signing import client
from tests.smtp_sink import Sink

TABLE = Path(__file__).parent / "every_class.tsv"
DAY = date(2020, 6, 16)
BODY, OFFICE = "bql-tan-lap", "vpdp-huyen"
TEMPLATE = "204"
BLANKS = {"ma": 30, "noi_dung": 90, "han": 20, "trang_thai": 30}
SAID = "Zalo noi gi do"  # what the provider says beside its number
FAR = datetime(2030, 1, 1, tzinfo=UTC)
PATIENCE = 0.7  # seconds, of the client that meets a silent server
KINDS = {"oa": "zalooa", "oauth": "zalooa", "zbs": "zbs", "uid": "zbs", "bot": "zalobot"}


@dataclass(frozen=True)
class Row:
    """One line of the table; `number` makes its contact, its channel and its addresses."""

    number: int
    channel: str
    code: str
    fault: str
    outcome: str
    state: str
    circuit: str
    address: str
    fallback: str
    again: str
    words: str

    @property
    def name(self) -> str:
        """What the database calls its channel."""
        return "mail" if self.channel == "mail" else f"{self.channel}-{self.number}"

    @property
    def who(self) -> str:
        return f"nguoi{self.number:03}"

    @property
    def to(self) -> str:
        """Its contact's address on that channel."""
        return {
            "mail": Scene.email(self.who), "zbs": f"84900{self.number:06}",
            "bot": f"chat-{self.number}",
        }.get(self.channel, f"2512523625{self.number:06}")  # fmt: skip

    def __str__(self) -> str:
        return " ".join(part for part in (self.channel, self.code, self.fault) if part)


def table() -> list[Row]:
    with TABLE.open(encoding="utf-8") as file:
        lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Row(number, **line) for number, line in enumerate(lines, 1)]


@dataclass
class Seen:
    """What is known of a row's notice after a delivery, and what its page says."""

    notice: Notice
    tried: list[NoticeAttempt]
    usable: bool
    circuit: Channel
    actions: set[str]
    instead: list[Notice]
    alert: str
    page: str = ""
    channels: str = ""


@dataclass
class Office:
    """The scene with its servers; `seen` after the first delivery, `later` after the others."""

    scene: Scene
    zalo: FakeZalo
    sink: Sink
    rows: Sequence[Row]
    nowhere: int  # a port at which nobody listens
    silent: int  # one at which nobody answers
    seen: dict[Row, Seen] = field(default_factory=dict)
    later: dict[Row, Seen] = field(default_factory=dict)
    marks: tuple[int, int] = (0, 0)  # the last audit entry and notice before the delivery

    def live(self) -> None:
        with self.scene.rt.sessions.begin() as session:
            self._people(session)
        self._queue()
        for row in self.mails:
            self._deliver_mail(row)
        self._mark()
        with mock.patch.object(wire, "TIMEOUT", httpx.Timeout(PATIENCE)):
            self._deliver([row for row in self.zalos if row.fault == "silence"])
        self._deliver([row for row in self.zalos if row.fault != "silence"])
        with self.scene.rt.sessions.begin() as session:
            self._only(session, self.zalos)
        listed = self.read("/kenh")
        for row in self.zalos:
            self.seen[row] = self.look(row, listed)

    def live_on(self) -> None:
        """The days after: what is in doubt or was over a limit is tried again, and again."""
        again = [row for row in self.rows if _goes_on(row)]
        for number in (1, 2, 3):
            due = again if number == 1 else [row for row in again if row.code == "-200"]
            with ExitStack() as stack:
                stack.enter_context(mock.patch.object(wire, "TIMEOUT", httpx.Timeout(PATIENCE)))
                for lost in (row for row in due if row.channel == "mail"):
                    stack.enter_context(self._mail_server(lost))
                self._deliver(due, DAY + timedelta(days=number))
            if number == 1:
                self.later = {row: self.look(row) for row in again}
        self.later |= {row: self.look(row) for row in again if row.code == "-200"}

    @property
    def mails(self) -> list[Row]:
        return [row for row in self.rows if row.channel == "mail"]

    @property
    def zalos(self) -> list[Row]:
        return [row for row in self.rows if row.channel != "mail"]

    # -- setting the scene

    def _people(self, session: Session) -> None:
        rt = self.scene.rt
        lines = [ContactLine((BODY,), row.who, Scene.email(row.who), "") for row in self.rows]
        lines.append(ContactLine((OFFICE,), "binh", Scene.email("binh"), ""))
        people.import_contacts(session, lines, now=rt.now(), actor=SYSTEM)
        self._account(session, "bot", "zalobot", BOT_TOKEN, self.zalo.hosts)
        self._account(session, "mau", "zalooa", self._signed_in("RT-0"), self.zalo.hosts)
        self._address(session, "binh", "bot", "chat-office", 1)
        for row in self.mails:
            self._address(session, row.who, "bot", f"chat-{row.number}", 1)
        for row in self.zalos:
            hosts = self._elsewhere(row) if row.fault == "refused" else self.zalo.hosts
            self._account(session, row.name, KINDS[row.channel], self._secret(row), hosts)
            self._address(session, row.who, row.name, row.to, -1)
            self._fate(row)
        held = (Channel.kind == "zalooa") & Channel.name.not_like("oauth-%")
        session.execute(update(Channel).where(held).values(token_until=FAR))

    def _queue(self) -> None:
        scene, rt = self.scene, self.scene.rt
        scene.open(date(2020, 6, 1))
        scene.remind(DAY)
        with rt.sessions.begin() as session:  # each when its turn comes
            session.execute(update(Notice).values(not_before=FAR))

    def _account(self, session: Session, name: str, kind: str, secret: str, hosts: Hosts) -> None:
        rt = self.scene.rt
        channels.put(
            session, name, kind, secret, rt.keys, now=rt.now(), actor=SYSTEM,
            settings={"hosts": asdict(hosts), "template": TEMPLATE},
            tokens_of=self._holder(session, name) if kind == "zbs" else None,
        )  # fmt: skip

    def _holder(self, session: Session, name: str) -> str:
        """Templates send with the tokens, and to the hosts, of an Official Account."""
        row = next(row for row in self.rows if row.name == name)
        if row.fault != "refused":
            return "mau"
        secret, hosts = self._signed_in("RT-0"), self._elsewhere(row)
        self._account(session, f"oa-{name}", "zalooa", secret, hosts)
        return f"oa-{name}"

    def _elsewhere(self, row: Row) -> Hosts:
        """Only what the row is about is out of reach."""
        nowhere = f"http://127.0.0.1:{self.nowhere}"
        hosts = self.zalo.hosts
        if row.channel == "oauth":
            return replace(hosts, oauth=nowhere)
        return replace(hosts, openapi=nowhere, bot=nowhere, business=nowhere)

    def _signed_in(self, refresh: str) -> str:
        return tokens.packed(App(APP_ID, SECRET), Pair(self.zalo.sign_in(), refresh))

    def _secret(self, row: Row) -> str:
        if row.channel == "bot":
            return BOT_TOKEN
        if row.channel in ("zbs", "uid"):
            return ""
        return self._signed_in(f"R{row.number}")

    def _address(self, session: Session, who: str, channel: str, value: str, rank: int) -> None:
        self.zalo.users[value] = User(last_interaction=self.zalo.now)
        self.zalo.phones[value] = self.zalo.chats[value] = 0
        channels.add_address(
            session, Scene.email(who), channel, value, always=False, rank=rank,
            now=self.scene.rt.now(), actor=SYSTEM,
        )  # fmt: skip

    def _fate(self, row: Row) -> None:
        about = f"R{row.number}" if row.channel == "oauth" else row.to
        fates = self.zalo.fates
        what, _, rest = row.fault.partition(" ")
        if what in ("answer", "quoted", "chat"):
            fates[about] = Fault(body=_body(row))
        elif what == "http":
            fates[about] = Fault(status=int(rest), body="<html>busy</html>")
        elif what == "empty":
            fates[about] = Fault()
        elif what in ("lost", "silence"):
            seconds = 2 * PATIENCE if what == "silence" else 0
            fates[about] = Fault("after", seconds=seconds)
        if (
            row.channel != "oauth" and row.outcome == "auth"
        ):  # the refresh goes well, and is no help
            refresh = f"R{row.number}" if row.channel == "oa" else "RT-0"
            pair = {"access_token": self.zalo.sign_in(), "refresh_token": refresh,
                    "expires_in": "90000"}  # fmt: skip
            fates[refresh] = Fault(body=json.dumps(pair))

    # -- delivering

    def _deliver(self, rows: Sequence[Row], day: date = DAY) -> None:
        self._due(rows, day)
        self.scene.deliver(day)

    def _due(self, rows: Sequence[Row], day: date) -> None:
        rt = self.scene.rt
        ids = [self._notice(row).id for row in rows]
        with rt.sessions.begin() as session:
            waiting = (Notice.state == "pending") & (Notice.kind == "digest")
            kept = Notice.instead_of.is_(None) & waiting
            session.execute(
                update(Notice)
                .where(kept, Notice.id.not_in(ids), Notice.not_before <= rt.moment(day))
                .values(not_before=FAR)
            )
            self._only(session, rows)
            now = datetime.combine(day, datetime.min.time(), rt.moment(day).tzinfo)
            session.execute(update(Notice).where(Notice.id.in_(ids)).values(not_before=now))

    def _only(self, session: Session, rows: Sequence[Row]) -> None:
        """Have no other row's channel opened: opening each takes its time."""
        names, mine = [row.name for row in self.zalos], [row.name for row in rows]
        others = Channel.name.in_(names) & Channel.name.not_in(mine)
        fine = Channel.state == "active"
        session.execute(update(Channel).where(others, fine).values(state="closed"))
        shut = Channel.name.in_(mine) & (Channel.state == "closed")
        session.execute(update(Channel).where(shut).values(state="active"))

    def _deliver_mail(self, row: Row) -> None:
        self._mark()
        with self._mail_server(row):
            self._deliver([row])
        self.seen[row] = self.look(row, self.read("/kenh"))
        rt = self.scene.rt
        with rt.sessions.begin() as session:
            whole = {"state": "active", "broken_class": "", "broken_why": "", "broken_at": None}
            session.execute(update(Channel).where(Channel.name == "mail").values(**whole))

    @contextmanager
    def _mail_server(self, row: Row) -> Iterator[None]:
        """The mail server as this row meets it."""
        what, _, rest = row.fault.partition(" ")
        answer, before = f"{row.code} {rest}", self.scene.rt
        port = {"refused": self.nowhere, "silence": self.silent}.get(what, self.sink.port)
        url = self.sink.url.replace(f":{self.sink.port}/", f":{port}/")
        sink = self.sink
        if what == "rcpt":
            sink.refuse_recipient[row.to] = answer
        sink.refuse_sender = answer if what == "sender" else ""
        sink.refuse_text = answer if what == "text" else ""
        sink.before_text = answer if what == "data" else ""
        sink.refuse_login = answer if what == "login" else ""
        sink.drop_after_text = 1 if what == "lost" else 0
        self.scene.rt = replace(before, settings=replace(before.settings, mail_url=url))
        try:
            with mock.patch.object(mail, "TIMEOUT_SECONDS", PATIENCE if what == "silence" else 30):
                yield
        finally:
            self.scene.rt = before
            sink.refuse_sender = sink.refuse_text = sink.before_text = sink.refuse_login = ""
            sink.drop_after_text = 0

    # -- looking

    def _notice(self, row: Row) -> Notice:
        with self.scene.rt.reader() as session:
            query = select(Notice).join(Address, Address.contact_id == Notice.contact_id)
            mine = (Address.value == Scene.email(row.who)) & (Notice.channel == row.name)
            return session.scalars(query.where(mine, Notice.instead_of.is_(None))).one()

    def look(self, row: Row, listed: str = "") -> Seen:
        notice = self._notice(row)
        with self.scene.rt.reader() as session:
            about = [f"notice/{notice.id}", f"contact/{notice.contact_id}", f"channel/{row.name}"]
            return Seen(
                notice,
                list(
                    session.scalars(
                        select(NoticeAttempt)
                        .where(NoticeAttempt.notice_id == notice.id)
                        .order_by(NoticeAttempt.id)
                    )
                ),
                session.scalars(
                    select(Address.unusable_at).where(
                        Address.contact_id == notice.contact_id, Address.channel == row.name
                    )
                ).one() is None,
                session.get_one(Channel, row.name),
                set(
                    session.scalars(
                        select(AuditEntry.action).where(
                            AuditEntry.subject.in_(about), AuditEntry.seq > self.marks[0]
                        )
                    )
                ),
                list(session.scalars(select(Notice).where(Notice.instead_of == notice.id))),
                self._alert(row),
                self.read(f"/thong-bao/{notice.id}"),
                listed,
            )  # fmt: skip

    def _alert(self, row: Row) -> str:
        """What the office was told about the row's channel since the mark."""
        with self.scene.rt.reader() as session:
            query = select(Notice).where(Notice.kind == alerts.KIND, Notice.id > self.marks[1])
            told = [n for n in session.scalars(query) if n.parameters.get("channel") == row.name]
            return told[-1].body if told else ""

    def read(self, path: str) -> str:
        """A page as its reader gets it."""
        if not hasattr(self, "_browser"):
            self._browser = client(self.scene.rt)
        answer = self._browser.get(path)
        assert answer.status_code == 200, path
        page: str = answer.text
        return page

    def _mark(self) -> None:
        with self.scene.rt.reader() as session:
            found = (select(func.max(one)) for one in (AuditEntry.seq, Notice.id))
            seq, notice = (session.scalar(query) or 0 for query in found)
        self.marks = seq, notice


def _goes_on(row: Row) -> bool:
    free = row.channel in ("oa", "bot", "mail")
    return free and (row.outcome == "ambiguous" or row.code in ("429", "-200"))


def _body(row: Row) -> str:
    code = row.code if row.fault == "quoted" else int(row.code)
    if row.channel == "bot":
        said = "Bad Request: chat not found" if row.fault == "chat" else SAID
        return json.dumps({"ok": False, "error_code": code, "description": said})
    name = "error_name" if row.channel == "oauth" else "message"
    return json.dumps({"error": code, name: SAID})


@contextmanager
def open_office(scene: Scene, rows: Sequence[Row], sink: Sink) -> Iterator[Office]:
    """The scene with its servers; nothing is delivered yet."""
    with ExitStack() as stack:
        zalo = stack.enter_context(fake_zalo.running())
        zalo.templates[TEMPLATE] = Template(BLANKS)
        closed, silent = (stack.enter_context(socket.socket()) for _ in range(2))
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        ports = closed.getsockname()[1], silent.getsockname()[1]
        yield Office(scene, zalo, sink, rows, *ports)
