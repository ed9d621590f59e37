"""The due days of some bodies as a calendar that telephones follow.

Of a confidential row a calendar says only that there is a task: no day, no
row, no body. It is one event, which lies on the day the calendar is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import Occurrence
from ntm_workflow.reports import tallies
from ntm_workflow.reports.ical import Event, calendar_file
from ntm_workflow.reports.year import DOMAIN
from ntm_workflow.store.tables import BodyRecord, RowRecord, Task
from ntm_workflow.texts import say
from ntm_workflow.work import body_names, successions

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

MOST = 2_000  # events of tasks: what a telephone still reads
_ANY = datetime(2000, 1, 1, tzinfo=UTC)


def events(
    session: Session, rt: Runtime, bodies: Collection[str], today: date, url: str = ""
) -> list[Event]:
    """Every task of these bodies in a plan that is in force, what older plans left open, and
    what is still to come. With `url`, the address of the pages, each leads to its task."""
    found = _tasks(session, rt, bodies, today)
    made = [_event(task, content, short, rt, url)
            for task, content, short, secret in found if not secret]  # fmt: skip
    hushed = any(secret and task.state == "open" for task, _, _, secret in found)
    for plan in rt.in_force:
        made += _coming(session, plan, rt.dated(plan), bodies, today)
    secret = [Event(f"mat@{DOMAIN}", today, say("digest.secret"))] if hushed else []
    return [*secret, *sorted(made, key=lambda one: (one.day, one.uid))]


def file(name: str, found: Sequence[Event], now: datetime) -> tuple[bytes, str]:
    """The calendar, and a tag that is the same as long as nothing in it changed but its stamp."""
    tag = sha256(calendar_file(name, found, _ANY)).hexdigest()[:32]
    return calendar_file(name, found, now), f'W/"{tag}"'


def _tasks(
    session: Session, rt: Runtime, bodies: Collection[str], today: date
) -> Sequence[tuple[Task, str, str, str]]:
    plans = [plan.id for plan in rt.in_force]
    query = (
        select(Task, RowRecord.content, body_names.of_task("short", today), RowRecord.secrecy)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .where(
            Task.body_id.in_(bodies), Task.state != "cancelled",
            or_(Task.plan_id.in_(plans), Task.state.in_(("open", "submitted"))),
        )
        .order_by(Task.due_on.desc(), Task.id.desc())
        .limit(MOST)
    )  # fmt: skip
    return [tuple(row) for row in session.execute(query)]


def _event(task: Task, content: str, short: str, rt: Runtime, url: str) -> Event:
    state = "suspended" if task.suspended_on and task.state == "open" else task.state
    key = "feed.title" if state == "open" else f"feed.title.{state}"
    plan = rt.plans.get(task.plan_id)
    lines = [_text(plan.code if plan else task.plan_id, task, short)]
    if url:
        lines.append(f"{url}/viec/{task.id}")
    return Event(
        uid(task.plan_id, task.row_id, task.period, task.body_id), task.due_on,
        say(key, content=content, body=short), "\n".join(lines), tentative=state == "suspended",
    )  # fmt: skip


def _coming(
    session: Session, plan: Plan, dated: Sequence[Occurrence], bodies: Collection[str], today: date
) -> Iterator[Event]:
    """What a plan will open for these bodies, under the names that the tasks will have."""
    opened = tallies.opened(session, plan.id)
    stands = successions.stands(session, plan.id, today)
    names = body_names.history(session, bodies)
    for one in dated:
        row = plan.row(one.row_id)
        if row.secrecy or one.due_on < today or (one.row_id, one.period) in opened:
            continue
        for body in stands.of(row.implementing):
            if body in bodies:
                short = body_names.at(names[body], today).short
                text = f"{_text(plan.code, one, short)}\n{say('feed.opens', opens=one.opens_on)}"
                yield Event(
                    uid(plan.id, one.row_id, one.period, body), one.due_on,
                    say("feed.title.to_open", content=row.content, body=short), text,
                    tentative=True,
                )  # fmt: skip


def _text(code: str, one: Any, short: str) -> str:
    return say("feed.text", plan=code, row=one.row_id, period=texts.period(one.period),
               body=short, due=texts.full_day(one.due_on))  # fmt: skip


def uid(plan: str, row: str, period: str, body: str) -> str:
    """What a task is called in calendars, from before it opens until it is settled."""
    return f"{plan}/{row}/{period}/{body}@{DOMAIN}"
