"""Delivering through the outbox, against smtplib with a kept connection; and queueing.

    python -m bench.deliver [--quick]

Both sides send mails of the same bytes to the same sink, a server in C that
takes everything (bench/sink.c, compiled here; without a C compiler smtp-sink
of Postfix). Ours claims, looks again, words, sends, settles and audits each
mail. The peer that the target speaks of has each mail lying ready and only sends
it (`bytes`); `script` first makes each mail of its finished text with the
standard library. `delay_ms` is how long the sink takes to
accept a text, as one that writes to disk does.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text, update
from sqlalchemy.orm import Session

from bench import sweep, world
from ntm_workflow import runtime, settings
from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.mail import NotifySmtp
from ntm_workflow.chase import outbox, reminders
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import engine as engines
from ntm_workflow.store.tables import Address, Contact, ContactBody, Notice
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import tasks

ROUNDS = 5
MAILS = 400  # a round, for each sender
NOTICES = 200_000
SENDER = "vpdp@bench.example.vn.invalid"
SINK = Path(__file__).parent / "sink.c"
CASES = ((1, 1, 0), (20, 1, 0), (1, 4, 0), (1, 1, 10), (1, 4, 10))  # tasks a mail, senders, delay

Mail = tuple[str, bytes]  # to whom, and all of it


def run(mails: int, notices: int, cases: tuple[tuple[int, int, int], ...] = CASES) -> None:
    with world.postgres() as server:
        for kind in ("sqlite", "postgresql"):
            for tasks_a_mail, senders, delay in cases:
                with world.database(kind, server) as engine, sink(delay) as port:
                    delivering(
                        kind, engine, port, Case(tasks_a_mail, senders, delay, senders * mails)
                    )
            with world.database(kind, server) as engine:
                queueing(kind, engine, notices)


@dataclass(frozen=True, slots=True)
class Case:
    tasks: int
    senders: int
    delay: int
    mails: int


# -- the sink --------------------------------------------------------------------------


@contextmanager
def sink(delay: int = 0) -> Iterator[int]:
    """A mail server in C on a free port; yields the port."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        made = Path(folder) / "sink"
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler:
            subprocess.run([compiler, "-O2", "-o", made, SINK], check=True)
            command = [str(made), str(Path(folder) / "port"), str(delay)]
        elif found := shutil.which("smtp-sink"):
            print("No C compiler: smtp-sink of Postfix takes the mails.", file=sys.stderr)
            port = _free()
            Path(folder, "port").write_text(f"{port}\n")
            command = [found, *(["-w", "1"] if delay else []), f"127.0.0.1:{port}", "100"]
        else:
            raise SystemExit("bench.deliver needs a C compiler (cc), or smtp-sink of Postfix.")
        process = stack.enter_context(subprocess.Popen(command))
        stack.callback(process.kill)
        yield _port(Path(folder) / "port")


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _port(path: Path) -> int:
    for _ in range(1000):
        if path.exists() and (said := path.read_text()).endswith("\n"):
            return int(said)
        time.sleep(0.01)
    raise SystemExit("the sink did not start")


# -- delivering ------------------------------------------------------------------------


def delivering(kind: str, engine: Engine, port: int, case: Case) -> None:
    plan = _plan(case.mails, case.tasks)
    rt = _runtime(engine, port, plan)
    _people(rt.engine, plan, case.mails, 1)
    _queued(rt, plan)
    mails = _written(rt)
    assert len(mails) == case.mails
    ours, plain, written = [], [], []
    for _ in range(ROUNDS):
        _again(rt)
        ours.append(_together(case, lambda n: _deliver(rt)))
        plain.append(_together(case, lambda n: _send(port, mails[n :: case.senders])))
        written.append(_together(case, lambda n: _make(port, mails[n :: case.senders])))
    with rt.reader() as session:
        assert {one.state for one in session.query(Notice)} == {"sent"}
    a_second = {name: case.mails / world.median(found) for name, found in
                (("ours", ours), ("bytes", plain), ("script", written))}  # fmt: skip
    world.emit(
        "deliver", database=kind, tasks_a_mail=case.tasks, senders=case.senders,
        delay_ms=case.delay, bytes_a_mail=sum(len(mail) for _, mail in mails) // len(mails),
        mails_a_second=round(a_second["ours"]), script_a_second=round(a_second["script"]),
        ratio_to_script=round(a_second["ours"] / a_second["script"], 3),
        bytes_a_second=round(a_second["bytes"]),
        ratio=round(a_second["ours"] / a_second["bytes"], 3), target=0.8,
    )  # fmt: skip
    rt.engine.dispose()


def _together(case: Case, act: Callable[[int], None]) -> float:
    """Seconds that so many processes need together, from the moment all are there."""
    if case.senders == 1:
        return world.seconds(lambda: act(0))
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(case.senders + 1)

    def one(number: int) -> None:
        gate.wait()
        act(number)

    made = [fork.Process(target=one, args=(n,)) for n in range(case.senders)]
    for process in made:
        process.start()
    gate.wait()

    def ended() -> None:
        for process in made:
            process.join()

    elapsed = world.seconds(ended)
    assert not any(process.exitcode for process in made)
    return elapsed


def _deliver(rt: Runtime) -> None:
    outbox.deliver(rt, actor=world.ACTOR)


def _send(port: int, mails: list[Mail]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for to, mail in mails:
            connection.sendmail(SENDER, [to], mail)


def _make(port: int, mails: list[Mail]) -> None:
    """As a script does that has only the texts."""
    known = [message_from_bytes(mails[0][1], policy=SMTP)]
    parts = [part.get_content() for one in known for part in one.iter_parts()]
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for to, _ in mails:
            made = EmailMessage(policy=SMTP)
            made["Subject"], made["From"], made["To"] = str(known[0]["Subject"]), SENDER, to
            made["Date"], made["Message-ID"] = datetime.now(UTC), f"<{to}>"
            made.set_content(parts[0])
            made.add_alternative(parts[1], subtype="html")
            connection.sendmail(SENDER, [to], made.as_bytes())


def _plan(bodies: int, rows: int) -> Plan:
    made = tuple(world._row(n, bodies, date(2020, 6, 30)) for n in range(1, rows + 1))
    return replace(world.plan(10), rows=made)


def _runtime(engine: Engine, port: int, plan: Plan) -> Runtime:
    folder = Path(tempfile.mkdtemp(prefix="ntm-bench-"))
    base = settings.load({"NTM_VAR": str(folder), "NTM_BASE_URL": "https://ntm.bench.invalid"})
    url = engine.url.render_as_string(hide_password=False)
    mail_url = f"smtp://127.0.0.1:{port}/?from={SENDER}"
    return runtime.assemble(replace(base, database_url=url, mail_url=mail_url), plan)


def _people(engine: Engine, plan: Plan, bodies: int, contacts_a_body: int) -> None:
    """Each body has so many contacts, and each contact one body."""
    world.people(engine, plan)
    numbers = range(bodies * contacts_a_body)
    with engines.writer(engine).begin() as session:
        for table in ("contact_body", "address", "contact"):
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(insert(Contact), [
            {"id": n + 1, "name": f"Văn thư {n}", "active": True} for n in numbers])  # fmt: skip
        session.execute(insert(Address), [
            {"contact_id": n + 1, "channel": MAIL, "value": f"vt{n}@example.vn.invalid",
             "added_at": datetime.now(UTC), "verified_at": datetime.now(UTC)}
            for n in numbers])  # fmt: skip
        session.execute(insert(ContactBody), [
            {"contact_id": n + 1, "body_id": f"body-{n % bodies}", "role": ""}
            for n in numbers])  # fmt: skip


def _opened(session: Session, plan: Plan) -> None:
    tasks.open_due(session, plan, world.DAYS, world.OPENING, now=world.NOW, actor=world.ACTOR)


def _queued(rt: Runtime, plan: Plan) -> None:
    with rt.sessions.begin() as session:
        _opened(session, plan)
        reminders.queue(session, [plan], world.DAYS, world.SWEEP, now=world.NOW, actor=world.ACTOR)
    rt.set_simulated(world.SWEEP, world.ACTOR)
    with rt.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def _written(rt: Runtime) -> list[Mail]:
    """What a first delivery sends; it also makes the personal links, which last for weeks."""
    found: list[Mail] = []
    build = NotifySmtp._build

    def kept(self: NotifySmtp, message: Any) -> bytes:
        found.append((message.to_address, build(self, message)))
        return found[-1][1]

    NotifySmtp._build = kept  # type: ignore[method-assign]
    _deliver(rt)
    NotifySmtp._build = build  # type: ignore[method-assign]
    return found


def _again(rt: Runtime) -> None:
    """Let everything be owed once more; forks start without a connection of ours."""
    with rt.sessions.begin() as session:
        session.execute(update(Notice).values(state="pending", not_before=world.NOW))
    rt.engine.dispose()


# -- queueing --------------------------------------------------------------------------


def queueing(kind: str, engine: Engine, notices: int) -> None:
    bodies = min(world.BODIES, notices)
    plan = _plan(bodies, 1)
    _people(engine, plan, bodies, notices // bodies)
    with engines.writer(engine).begin() as session:
        _opened(session, plan)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    ours, plain, audited, queued = [], [], [], 0

    def queue(session: Session) -> None:
        nonlocal queued
        queued = sweep._queue(session, plan).notices

    for _ in range(ROUNDS):
        ours.append(sweep._rolled_back(engine, queue))
        plain.append(sweep._rolled_back(engine, lambda session: sweep._plain(session, plan)))
        audited.append(sweep._rolled_back(engine, lambda session: _audited(session, plan)))
    assert queued == notices
    world.emit(
        "queue", database=kind, notices=notices, seconds=world.median(ours),
        plain_sql_seconds=world.median(plain), with_audit_seconds=world.median(audited),
        ratio=round(world.median(ours) / world.median(audited), 2), target=2.0,
        ratio_unaudited=round(world.median(ours) / world.median(plain), 2),
        notices_a_second=round(notices / world.median(ours)),
    )  # fmt: skip


def _audited(session: Session, plan: Plan) -> None:
    """Plain SQL, and for each notice a link of the chain as a script would write it."""
    sweep._plain(session, plan)
    connection = session.connection()
    seq, prev = connection.execute(text("SELECT seq, hash FROM audit_head")).one()
    query = text("SELECT n.id, n.contact_id, count(*) FROM notice n JOIN notice_item i"
                 " ON i.notice_id = n.id WHERE n.run_id = (SELECT max(id) FROM reminder_run)"
                 " GROUP BY n.id, n.contact_id ORDER BY n.id")  # fmt: skip
    if connection.dialect.name == "postgresql":  # it knows nothing yet of what was just put in
        connection.execute(text("SET LOCAL enable_nestloop = off"))
    at, rows = "2020-06-16T01:00:00.000000Z", []
    for notice, contact, items in connection.execute(query):
        seq += 1
        data = json.dumps({"contact": contact, "day": "2020-06-16", "items": items})
        said = [
            seq,
            at,
            "bench",
            "system",
            "",
            "cli",
            "",
            "notice.queued",
            f"notice/{notice}",
            data,
        ]
        hashed = hashlib.sha256(bytes(prev) + json.dumps(said).encode()).digest()
        rows.append({"s": seq, "n": said[8], "d": data, "p": bytes(prev), "h": hashed})
        prev = hashed
    connection.execute(text(
        "INSERT INTO audit (seq, at, actor, role, body, via, run_id, action, subject, data,"
        " prev, hash) VALUES (:s, '2020-06-16 01:00:00+00', 'bench', 'system', '', 'cli', '',"
        " 'notice.queued', :n, :d, :p, :h)"), rows)  # fmt: skip
    connection.execute(text("UPDATE audit_head SET seq = :s, hash = :h"), {"s": seq, "h": prev})


def sizes(arguments: list[str]) -> tuple[int, int]:
    return (MAILS // 4, NOTICES // 10) if "--quick" in arguments else (MAILS, NOTICES)


if __name__ == "__main__":
    run(*sizes(sys.argv[1:]))
