"""A day in the office: thirty people at the pages while a quarter's run is being sent.

    python -m bench.office_day [--minutes 60] [--people 30] [--database sqlite|postgresql] [--quick]

The server is the real one, a process of its own. The people are twenty of the
communes, half of them by the link in their mail, who look and hand in files;
five reviewers, who return every third; leaders, inspectors and an administrator, who read.
They think for a second or five between pages. Meanwhile another process sends the
run of the quarter to the server in C of bench.deliver, again and again, so that
something is being sent all day. `idle_ms` is the p50 of each kind of page with one
person and nothing being sent; `ratio` is the p99 of the day over it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from html import unescape
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx
from sqlalchemy import select, update

from bench import deliver, world
from ntm_workflow import runtime, settings
from ntm_workflow.appendix import toml_file
from ntm_workflow.chase import outbox, quarterly
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account, AccountBody, Contact, ContactBody, Notice
from ntm_workflow.web import visitor
from ntm_workflow.work import links, people, plans, tasks, web_sessions
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.contacts import By
from ntm_workflow.work.web_sessions import Browser

ROOT = Path(__file__).parent.parent
DAY = date(2020, 7, 1)  # the first working day of a quarter
MINUTES, QUICK, PEOPLE = 3, 0.5, 30
BOTH = ("sqlite", "postgresql")
THINKS = (1.0, 5.0)  # seconds
UPLOAD = (50_000, 2_000_000)  # bytes of a file handed in
SPEAKERS = 20  # contacts of each body: the run of a province
ACCEPTS = 100  # milliseconds that the mail server needs for a mail
IDLE_ROUNDS = 15
MOST = 20  # p99 of the day over the idle p50
SECONDS = 60  # after which an answer counts as none


@dataclass
class Seen:
    """What the people met: seconds by kind of page, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # somebody else was first
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float, status: int) -> None:
        with self.lock:
            self.seconds[kind].append(seconds)
            if status >= 500 or status in (0, 401, 403, 404, 429):
                self.errors[f"{kind} {status}"] += 1
            elif status in (409, 422):
                self.refused[kind] += 1


def run(minutes: float, count: int = PEOPLE, kinds: tuple[str, ...] = BOTH) -> None:
    with world.postgres() as server:
        for kind in kinds:
            with world.database(kind, server) as engine, tempfile.TemporaryDirectory() as folder:
                url = engine.url.render_as_string(hide_password=False)
                engine.dispose()
                one(kind, url, Path(folder), minutes, count)


def one(kind: str, url: str, folder: Path, minutes: float, count: int) -> None:
    with deliver.sink(delay=ACCEPTS) as port:
        rt = _office(url, folder, port)
        with world.server(rt.settings) as base:
            made = _people(rt, base, count)
            idle, day = Seen(), Seen()
            for person in _of_each_kind(made):
                _idle(person, idle)
            stop = multiprocessing.get_context("fork").Event()
            rt.engine.dispose()  # the fork starts without a connection of ours
            with _sending(rt, stop) as sent:
                _day(made, day, minutes * 60)
                stop.set()
        _tell(kind, minutes, count, idle, day, sent())
        rt.engine.dispose()


# -- the office ------------------------------------------------------------------------


def _office(url: str, folder: Path, port: int) -> Runtime:
    """The plan of 2020 on the first of July: every task open, and the quarter's run queued."""
    data = (ROOT / "config" / "appendix.toml").read_bytes()
    plan = toml_file.parse(data, "appendix.toml")
    base = settings.load({
        "NTM_ROOT": str(ROOT), "NTM_VAR": str(folder), "NTM_DATABASE_URL": url,
        "NTM_BASE_URL": world.free_address(),
        "NTM_MAIL_URL": f"smtp://127.0.0.1:{port}/?from={deliver.SENDER}",
    })  # fmt: skip
    rt = runtime.assemble(base, plan)
    with rt.sessions.begin() as session:
        plans.put_in_force(session, plan, data, now=rt.now(), actor=world.ACTOR)
        lines = people.read_csv((ROOT / "config" / "contacts.example.csv").read_bytes(), plan)
        many = [replace(line, email=f"{n}.{line.email}") for n in range(SPEAKERS) for line in lines]
        people.import_contacts(session, many, now=rt.now(), actor=world.ACTOR)
    rt.set_simulated(DAY, world.ACTOR)
    with rt.sessions.begin() as session:
        tasks.open_due(session, plan, rt.days, DAY, now=rt.now(), actor=world.ACTOR)
        quarterly.queue(session, rt.all_plans, rt.days, DAY, now=rt.now(), actor=world.ACTOR)
    return rt


@contextmanager
def _sending(rt: Runtime, stop: Event) -> Iterator[Callable[[], int]]:
    """Send the run of the quarter until told to stop; afterwards, how many mails that were."""
    fork = multiprocessing.get_context("fork")
    told = fork.Value("q", 0)

    def act() -> None:
        while not stop.is_set():
            told.value += outbox.deliver(rt, actor=world.ACTOR).sent
            with rt.sessions.begin() as session:
                owed = update(Notice).where(Notice.state == "sent")
                session.execute(owed.values(state="pending", not_before=rt.now()))

    process = fork.Process(target=act)
    process.start()
    yield lambda: int(told.value)
    stop.set()
    process.join(60)
    assert process.exitcode == 0, process.exitcode


# -- the people ------------------------------------------------------------------------


class Person:
    """Somebody with a browser: what they do is a script of steps, each a kind of page."""

    def __init__(self, base: str, seed: int, cookie: str = "") -> None:
        self.dice = random.Random(seed)
        cookies = {visitor.COOKIE: cookie} if cookie else {}
        # People think longer than the server keeps a connection.
        self.browser = httpx.Client(
            base_url=base, cookies=cookies, timeout=SECONDS, headers={"connection": "close"}
        )
        self.thinks = (0.0, 0.0)  # seconds before each page
        self.steps: list[Callable[[Seen], None]] = []
        self.kind = ""

    def get(self, seen: Seen, kind: str, path: str) -> str:
        return self._ask(seen, kind, lambda: self.browser.get(path, follow_redirects=True))

    def _ask(self, seen: Seen, kind: str, ask: Callable[[], httpx.Response]) -> str:
        time.sleep(self.dice.uniform(*self.thinks))
        started = time.perf_counter()
        try:
            answer = ask()
            status, text = answer.status_code, answer.text
        except httpx.TransportError as error:
            print(f"{kind}: {error!r}", file=sys.stderr)
            status, text = 0, ""
        seen.note(kind, time.perf_counter() - started, status)
        return text

    def send(self, seen: Seen, kind: str, page: str, act: str, **typed: str) -> None:
        """Fill in the form of a page whose address ends so, if it is there."""
        form = re.search(rf'<form[^>]* action="([^"]*/{act})"(.*?)</form>', page, re.S)
        if form is None:
            return
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[2])
        fields = {**{name: unescape(value) for name, value in hidden}, **typed}
        files = {"tep": ("Báo cáo.pdf", self._file(), "application/pdf")} if act == "nop" else None
        self._ask(seen, kind, lambda: self.browser.post(
            form[1], data=fields, files=files, follow_redirects=True
        ))  # fmt: skip

    def _file(self) -> bytes:
        return b"%PDF-1.4\n" + self.dice.randbytes(self.dice.randint(*UPLOAD))

    def one_of(self, page: str, pattern: str) -> str:
        found = re.findall(rf'href="({pattern})"', page)
        return self.dice.choice(found) if found else ""


def _people(rt: Runtime, base: str, count: int) -> list[Person]:
    """Two thirds communes, half of them by link; a sixth reviewers; the others read."""
    communes = [body.id for body in rt.plan.bodies if body.id.startswith("bql-")]
    made = []
    for n in range(count):
        share = n / count
        if share < 1 / 3:
            made.append(_linked(rt, base, n, communes[n % len(communes)]))
        elif share < 2 / 3:
            made.append(_clerk(rt, base, n, communes[n % len(communes)]))
        elif share < 5 / 6:
            made.append(_reviewer(rt, base, n))
        else:
            made.append(_reader(rt, base, n))
    return made


def _of_each_kind(made: list[Person]) -> list[Person]:
    return list({person.kind: person for person in made}.values())


def _cookie(rt: Runtime, n: int, role: Role, *bodies: str) -> str:
    now = visitor.clock()
    with rt.sessions.begin() as session:
        account = Account(login=f"bench{n}", name=f"Bench {n}", role=role, made_at=now)
        session.add(account)
        session.flush()
        session.add_all(AccountBody(account_id=account.id, body_id=body) for body in bodies)
        session.flush()
        return web_sessions.start(session, account, "bench", Browser("127.0.0.1"), now)


def _typed(person: Person) -> dict[str, str]:
    return {
        "so_van_ban": f"{person.dice.randint(1, 10**6)}/BC-UBND", "ngay": "30/6/2020",
        "trich_yeu": "Báo cáo kết quả", "ly_do_qua_han": "mưa lũ", "xac_nhan": "1",
    }  # fmt: skip


def _linked(rt: Runtime, base: str, n: int, body: str) -> Person:
    with rt.sessions.begin() as session:
        contact = session.scalars(
            select(Contact.id).join(ContactBody).where(ContactBody.body_id == body)
        ).first()
        link = links.make(session, contact or 1, 45, By(world.ACTOR, rt.now()))
        own = f"/v/{links.token(rt.keys, link)}"
    person = Person(base, n)

    def hand_in(seen: Seen) -> None:
        page = person.get(seen, "link", own)
        if path := person.one_of(page, rf"{own}/viec/\d+"):
            page = person.get(seen, "link-task", path)
            person.send(seen, "link-upload", page, "nop", **_typed(person))

    person.kind, person.steps = "link", [hand_in]
    return person


def _clerk(rt: Runtime, base: str, n: int, body: str) -> Person:
    person = Person(base, n, _cookie(rt, n, Role.OFFICE, body))

    def hand_in(seen: Seen) -> None:
        page = person.get(seen, "own-list", "/viec")
        if path := person.one_of(page, r"/viec/\d+"):
            page = person.get(seen, "task", path)
            person.send(seen, "upload", page, "nop", **_typed(person))

    person.kind, person.steps = "clerk", [hand_in]
    return person


def _reviewer(rt: Runtime, base: str, n: int) -> Person:
    person = Person(base, n, _cookie(rt, n, Role.COORDINATION, rt.plan.coordination_office))

    def review(seen: Seen) -> None:
        person.get(seen, "board", "/")
        page = person.get(seen, "to-review", "/viec?tinh-trang=cho-tham-dinh")
        if path := person.one_of(page, r"/viec/\d+"):
            page = person.get(seen, "task", path)
            if person.dice.random() < 2 / 3:  # so that work never runs out
                person.send(seen, "return", page, "tra-lai", ly_do="thiếu phụ biểu")
            else:
                person.send(seen, "accept", page, "dat")

    def search(seen: Seen) -> None:
        person.get(seen, "list", "/viec")
        person.get(seen, "search", "/viec?tim=tan+lap&tinh-trang=qua-han")
        person.get(seen, "notices", "/thong-bao")

    person.kind, person.steps = "reviewer", [review, search]
    return person


def _reader(rt: Runtime, base: str, n: int) -> Person:
    person = Person(base, n, _cookie(rt, n, (Role.LEADER, Role.INSPECTOR)[n % 2]))
    pages = {"board": "/", "appendix": "/phu-luc", "year": "/lich", "month": "/lich/2020-07",
             "charts": "/bieu-do", "criteria": "/tieu-chi", "bodies": "/don-vi",
             "audit": "/nhat-ky", "list": "/viec"}  # fmt: skip

    def step(kind: str, path: str) -> Callable[[Seen], None]:
        def look(seen: Seen) -> None:
            person.get(seen, kind, path)

        return look

    person.kind, person.steps = "reader", [step(*one) for one in pages.items()]
    return person


# -- the day ---------------------------------------------------------------------------


def _idle(person: Person, seen: Seen) -> None:
    """Each of somebody's steps, with nobody else there."""
    for _ in range(IDLE_ROUNDS):
        for step in person.steps:
            step(seen)


def _day(made: list[Person], seen: Seen, seconds: float) -> None:
    end = time.monotonic() + seconds

    def live(person: Person) -> None:
        person.thinks = THINKS
        while time.monotonic() < end:
            person.dice.choice(person.steps)(seen)

    threads = [threading.Thread(target=live, args=(person,)) for person in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _tell(kind: str, minutes: float, count: int, idle: Seen, day: Seen, mails: int) -> None:
    worst = 0.0
    for name, taken in sorted(day.seconds.items()):
        p50, p99 = statistics.median(taken), _percentile(taken, 99)
        quiet = statistics.median(idle.seconds.get(name) or [p50])
        worst = max(worst, p99 / quiet)
        world.emit(
            "office_day", database=kind, page=name, asked=len(taken),
            idle_ms=round(1000 * quiet, 1), p50_ms=round(1000 * p50, 1),
            p99_ms=round(1000 * p99, 1), ratio=round(p99 / quiet, 1), most=MOST,
            refused=day.refused[name],
        )  # fmt: skip
    asked = sum(len(taken) for taken in day.seconds.values())
    world.emit(
        "office_day.all", database=kind, minutes=minutes, people=count, asked=asked,
        a_second=round(asked / (60 * minutes), 1), mails=mails, errors=day.errors.total(),
        what=dict(day.errors), worst_ratio=round(worst, 1), most=MOST,
        load=os.getloadavg()[0],
    )  # fmt: skip


def _percentile(taken: list[float], part: int) -> float:
    ordered = sorted(taken)
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]


def minutes(arguments: list[str]) -> float:
    return QUICK if "--quick" in arguments else MINUTES


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--database", choices=BOTH)
    parser.add_argument("--quick", action="store_true", help="half a minute")
    asked = parser.parse_args()
    kinds = (asked.database,) if asked.database else BOTH
    run(QUICK if asked.quick else asked.minutes, asked.people, kinds)


if __name__ == "__main__":
    main()
