"""A plan at work, in a few words: what the tests of chasing, of a year and of faults share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ntm_workflow import runtime, settings
from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import outbox, quarterly, reminders
from ntm_workflow.chase.outbox import Delivered
from ntm_workflow.chase.owed import Queued
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import schema
from ntm_workflow.store.tables import Contact, Notice, NoticeItem, Task
from ntm_workflow.work import (
    audit,
    evidence,
    extensions,
    people,
    plans,
    proof,
    review,
    tasks,
)
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.people import ContactLine

ROOT = Path(__file__).parent.parent
CONTACTS = ROOT / "config" / "contacts.example.csv"
SYSTEM = Actor("kiểm thử", via="test")
DOMAIN = "bacson.example.vn.invalid"


def only(plan: Plan, *rows: str) -> Plan:
    """The plan with nothing but these rows."""
    return replace(
        plan,
        rows=tuple(row for row in plan.rows if row.id in rows),
        criteria=tuple(row for row in plan.criteria if row.id in rows),
        digest="only " + " ".join(rows),
    )


def put(session: Session, plan: Plan, now: datetime) -> None:
    """Put the plan in force: the real one with its text, one that a test made without."""
    text = (ROOT / "config" / "appendix.toml").read_bytes()
    if plan.digest == hashlib.sha256(text).hexdigest():
        plans.put_in_force(session, plan, text, now=now, actor=SYSTEM)
    else:
        audit.lock(session)
        plans.register(session, plan, now=now)


def fresh(url: str, plan: Plan, var: Path, **changes: Any) -> Scene:
    """A scene on a new database, for fixtures that outlive one test."""
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(var)})
    rt = runtime.assemble(replace(base, database_url=url, **changes), plan)
    schema.check(rt.engine)
    with rt.sessions.begin() as session:
        put(session, plan, rt.now())
    return Scene(rt)


def every_day(first: date, last: date, step: int = 1) -> Iterable[date]:
    while first <= last:
        yield first
        first += timedelta(days=step)


@dataclass(frozen=True, order=True)
class Said:
    """One task in one notice: who was told what, on which day."""

    day: date
    to: str
    task: str
    rung: str
    role: str
    kind: str


class Scene:
    """One database. Days are arguments; `now` is eight in the morning of the day."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt

    # -- people

    def contact(self, address: str, *bodies: str) -> None:
        """Let an address speak for bodies; the part after "@" may be left out."""
        line = ContactLine(bodies, address, self.email(address), "")
        with self.rt.sessions.begin() as session:
            people.import_contacts(session, [line], now=self.rt.now(), actor=SYSTEM)

    def example_contacts(self) -> None:
        """Everybody in config/contacts.example.csv."""
        lines = people.read_csv(CONTACTS.read_bytes(), self.rt.plan)
        with self.rt.sessions.begin() as session:
            people.import_contacts(session, lines, now=self.rt.now(), actor=SYSTEM)

    @staticmethod
    def email(address: str) -> str:
        return address if "@" in address else f"{address}@{DOMAIN}"

    # -- the day's runs

    def open(self, day: date) -> int:
        with self.rt.sessions.begin() as session:
            opened = tasks.open_all(
                session, self.rt.in_force, self.rt.days, day, now=self.rt.moment(day), actor=SYSTEM
            )
        return sum(one.count for one in opened)

    def remind(self, day: date) -> Queued:
        with self.rt.sessions.begin() as session:
            return reminders.queue(
                session, self.rt.all_plans, self.rt.days, day, now=self.rt.moment(day), actor=SYSTEM
            )

    def quarter(self, day: date) -> Queued:
        with self.rt.sessions.begin() as session:
            return quarterly.queue(
                session, self.rt.all_plans, self.rt.days, day, now=self.rt.moment(day), actor=SYSTEM
            )

    def remind_through(self, first: date, last: date) -> None:
        for day in every_day(first, last):
            self.tell(day)

    def tell(self, day: date) -> Queued:
        """Remind, and let what was queued be sent: what still waits would go into the next."""
        queued = self.remind(day)
        with self.rt.sessions.begin() as session:
            session.execute(update(Notice).where(Notice.run_on == day).values(state="sent"))
        return queued

    def deliver_at(self, now: datetime) -> Delivered:
        """Deliver as the flow does, minding the hours, with a clock that stands still."""

        class Frozen(Runtime):
            def now(self) -> datetime:
                return now

        rt = self.rt
        frozen = Frozen(rt.settings, rt.plans, rt.days, rt.engine, rt.sessions, rt.reader, rt.files)
        return outbox.deliver(frozen, actor=SYSTEM, respect_hours=True)

    def deliver(self, day: date, respect_hours: bool = False) -> Delivered:
        self.rt.set_simulated(day, SYSTEM)
        return outbox.deliver(self.rt, actor=SYSTEM, respect_hours=respect_hours)

    # -- what people do

    def submit(self, code: str, day: date, late_reason: str = "mưa lũ") -> None:
        with self.rt.sessions.begin() as session:
            task = tasks.find(session, code)
            doc = evidence.document("12/BC-BQL", day, "Báo cáo kết quả rà soát", "BQL xã", day)
            evidence.submit(
                session, task, self.rt.plan, self.rt.days, doc,
                by=Actor("An", "office", task.body_id, via="test"), now=self.rt.moment(day),
                today=day, late_reason=late_reason,
            )  # fmt: skip

    def accept(self, code: str, day: date) -> None:
        with self.rt.sessions.begin() as session:
            task = tasks.find(session, code)
            by = self.reviewer(task)
            review.accept(session, task, self.rt.plan, by=by, now=self.rt.moment(day), today=day)

    def return_(self, code: str, day: date, reason: str = "thiếu phụ biểu") -> None:
        with self.rt.sessions.begin() as session:
            task = tasks.find(session, code)
            review.return_(
                session, task, self.rt.plan, self.rt.days, reason, by=self.reviewer(task),
                now=self.rt.moment(day), today=day,
            )  # fmt: skip

    def reviewer(self, task: Task) -> Actor:
        body = review.reviewers(task, self.rt.plan)[0]
        return Actor("Bình", "coordination", body, via="test")

    def cancel(self, code: str, day: date) -> None:
        with self.rt.sessions.begin() as session:
            tasks.cancel(
                session, tasks.find(session, code), "gộp việc", now=self.rt.moment(day),
                today=day, actor=SYSTEM,
            )  # fmt: skip

    def suspend(self, code: str, day: date) -> None:
        with self.rt.sessions.begin() as session:
            tasks.suspend(
                session, tasks.find(session, code), "chờ vốn", now=self.rt.moment(day),
                today=day, actor=SYSTEM,
            )  # fmt: skip

    def resume(self, code: str, day: date) -> None:
        with self.rt.sessions.begin() as session:
            tasks.resume(
                session, tasks.find(session, code), self.rt.plan, self.rt.days,
                now=self.rt.moment(day), today=day, actor=SYSTEM,
            )  # fmt: skip

    def extend(self, code: str, to: date, day: date) -> None:
        office = Actor("Bình", "coordination", self.rt.plan.coordination_office, via="test")
        with self.rt.sessions.begin() as session:
            extensions.extend(
                session, tasks.find(session, code), self.rt.plan, self.rt.days, to, "mưa lũ",
                by=office, now=self.rt.moment(day), today=day,
            )  # fmt: skip

    # -- what is known

    def task(self, code: str) -> Task:
        with self.rt.reader() as session:
            return tasks.find(session, code)

    def codes(self) -> list[str]:
        """Every task, each as often as it is there."""
        with self.rt.reader() as session:
            query = select(Task.row_id, Task.period, Task.body_id)
            return sorted("/".join(row) for row in session.execute(query))

    def said(self, day: date | None = None, task: str = "", role: str = "") -> list[Said]:
        """What was queued, oldest first; narrowed by day, task or role."""
        with self.rt.reader() as session:
            return [
                one
                for one in _said(session)
                if (day is None or one.day == day)
                and (not task or one.task == task)
                and (not role or one.role == role)
            ]

    def notices(self) -> list[Notice]:
        with self.rt.reader() as session:
            return list(session.scalars(select(Notice).order_by(Notice.id)))

    def states(self) -> dict[str, int]:
        """How many notices are in each state."""
        found: dict[str, int] = {}
        for notice in self.notices():
            found[notice.state] = found.get(notice.state, 0) + 1
        return found

    def broken_audit(self) -> object:
        """What breaks the chain, or a task in another state than the audit tells."""
        with self.rt.reader() as session:
            return audit.verify(session) or next(proof.tasks(session), None)


def _said(session: Session) -> list[Said]:
    query = (
        select(
            Notice.run_on, Contact.email, Contact.name, Task, NoticeItem.rung, NoticeItem.role,
            Notice.kind,
        )
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .join(Contact, Contact.id == NoticeItem.contact_id)
        .join(Task, Task.id == NoticeItem.task_id)
    )  # fmt: skip
    return sorted(
        Said(day, (email or name).removesuffix(f"@{DOMAIN}"), task.code, rung, role, kind)
        for day, email, name, task, rung, role, kind in session.execute(query)
    )
