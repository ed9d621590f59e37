"""Amendments (kế hoạch điều chỉnh): the running plan gets a new text, its tasks go on.

The plan keeps its id, a row that is the same row keeps its id, so a task keeps
its code and its history. What was handed in or accepted is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.appendix import amendment_text, toml_file, toml_rows
from ntm_workflow.appendix.amendment import Amendment, amends, compare, sense
from ntm_workflow.appendix.model import Plan, Row
from ntm_workflow.calendar import ladder
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import Refused, StaleEdit
from ntm_workflow.store.tables import (
    DueChange,
    Extension,
    OccurrenceRecord,
    PlanRecord,
    RowRecord,
    Task,
)
from ntm_workflow.work import audit, plans, tasks
from ntm_workflow.work.amendment_effects import Fate, Move, Preview, calendar_of, preview
from ntm_workflow.work.audit import Action, Actor, Entry

CAUSE = "amendment"
LIVE = ("open", "submitted")


@dataclass(frozen=True)
class Prepared:
    """An amendment ready to be applied: what changes, and the text that goes in force.

    `document` is what it rests on ("45/KH-UBND ngày 10/8/2020"); nothing that
    was over before `starts_on` is asked of anybody new.
    """

    amendment: Amendment
    plan: Plan
    text: bytes
    document: str
    starts_on: date


# -- getting ready -----------------------------------------------------------------


def prepare(
    session: Session,
    old: Plan,
    paper: Plan,
    text: bytes,
    *,
    document: str = "",
    answers: Iterable[tuple[str, str]] = (),
    today: date,
) -> Prepared:
    """Hold an amended paper, and the text it was read from, against the plan that runs.

    Raises:
        Refused: it amends another plan or year, or takes effect later than today.
    """
    _check(old, paper, today)
    amendment = compare(old, paper, answers)
    own_paper = amends(old, paper)
    if not amendment.changes and not amendment.doubts:
        return Prepared(amendment, old, b"", document, today)
    if own_paper and not document:
        document = named(paper)
    starts_on = paper.effective_on if own_paper else today
    if amendment.doubts:
        return Prepared(amendment, old, b"", document, starts_on)
    made = amendment_text.in_force(
        text, old, paper, amendment, _ids_ever_used(session, old),
        _kept_periods(session, old, paper, amendment),
    )  # fmt: skip
    new = paper if made == text else toml_file.parse(made)
    return Prepared(amendment, new, made, document, starts_on)


def named(plan: Plan) -> str:
    """A paper as others cite it: "45/KH-UBND ngày 10/8/2020"."""
    day = plan.issued_on
    return f"{plan.code} ngày {day.day}/{day.month}/{day.year}"


def _check(old: Plan, new: Plan, today: date) -> None:
    if new.id != old.id and new.amends != old.id:
        raise Refused("amend.other_plan", plan=old.code, id=old.id, found=new.amends or new.id)
    if new.year != old.year:
        raise Refused("amend.other_year", plan=old.code, year=old.year, found=new.year)
    if amends(old, new) and new.effective_on > today:
        raise Refused("amend.too_early", document=new.code, day=new.effective_on)


def _ids_ever_used(session: Session, plan: Plan) -> set[str]:
    return set(session.scalars(select(RowRecord.row_id).where(RowRecord.plan_id == plan.id)))


def _kept_periods(session: Session, old: Plan, new: Plan, amendment: Amendment) -> dict[str, str]:
    """Rows that keep the period of their one window, though the window is another now.

    Where somebody still has the task, it is the same work at another time: it
    keeps its code, and whoever has finished is not asked again. Where all have
    finished, it is another round. A `period` in the paper's file decides first.
    """
    live = set(
        session.execute(
            select(Task.row_id, Task.period)
            .where(Task.plan_id == old.id, Task.state.in_(LIVE)).distinct()
        ).tuples()
    )  # fmt: skip
    found = {}
    for row in new.rows:
        was = old.row(amendment.rows[row.id]) if row.id in amendment.rows else None
        if was is None or not (_one_window(was) and _one_window(row)):
            continue
        period = row.period or was.period or was.reading.windows[0].period
        moved = sense(was.reading) != sense(row.reading)
        if row.period or not moved or (was.id, period) in live:
            found[was.id] = period
    return found


def _one_window(row: Row) -> bool:
    return row.reading.kind in toml_rows.ONE_WINDOW and len(row.reading.windows) == 1 and (
        not row.every
    )  # fmt: skip


# -- doing it ----------------------------------------------------------------------


def apply(
    session: Session,
    old: Plan,
    prepared: Prepared,
    days: WorkCalendar,
    *,
    now: datetime,
    today: date,
    actor: Actor,
) -> Preview:
    """Put an amendment in force and let the tasks follow. Without changes it does nothing.

    Raises:
        StaleEdit: another text came in force after it was prepared.
        Refused: a question is open, or no document was named.
    """
    if prepared.amendment.doubts:
        raise Refused("amend.questions", count=len(prepared.amendment.doubts))
    if not prepared.amendment.changes:
        return Preview()
    if not prepared.document.strip():
        raise Refused("amend.no_document")
    audit.lock(session)
    _same_text(session, old)
    new = prepared.plan
    # What the old text asked up to the day before is still owed under it.
    eve = min(today, prepared.starts_on) - timedelta(days=1)
    tasks.open_due(session, old, days, eve, now=now, actor=actor)
    found = preview(session, old, new, days, today, prepared.starts_on)
    _put_in_force(session, prepared, now, actor)
    _write_down(session, old, prepared, found, now, actor)
    _settle_over(session, new, found, now)
    calendar = calendar_of(old, new, days)
    _follow(session, prepared, found, calendar, now, today, actor)
    tasks.open_due(session, new, calendar, today, now=now, actor=actor)
    return found


def _put_in_force(session: Session, prepared: Prepared, now: datetime, actor: Actor) -> None:
    plans.put_in_force(
        session, prepared.plan, prepared.text, now=now, actor=actor, document=prepared.document
    )


def _same_text(session: Session, old: Plan) -> None:
    digest = session.scalar(select(PlanRecord.digest).where(PlanRecord.id == old.id))
    if digest != old.digest:
        raise StaleEdit("amend.stale", plan=old.code)


def _write_down(
    session: Session, old: Plan, prepared: Prepared, found: Preview, now: datetime, actor: Actor
) -> None:
    amendment = prepared.amendment
    rows = [c for c in amendment.changes if c.table in ("row", "criterion")]
    data = {
        "document": prepared.document, "before": old.digest, "digest": prepared.plan.digest,
        "added": [c.name for c in rows if c.kind == "added"],
        "removed": [c.was for c in rows if c.kind == "removed"],
        "changed": [c.name for c in rows if c.cells],
        "renumbered": [f"{c.was} → {c.name}" for c in rows if c.renumbered],
        "tasks_moved": len(found.of(Fate.MOVED)), "tasks_cancelled": len(found.cancelled),
    }  # fmt: skip
    audit.append(session, actor, now, [Entry(Action.PLAN_AMENDED, old.id, data)])


def _settle_over(session: Session, new: Plan, found: Preview, now: datetime) -> None:
    """What was over before the amendment counts as opened: nobody new is asked for it."""
    for one in found.over:
        owing = tasks.owing_digest(new.row(one.row_id))
        key = {"plan_id": new.id, "row_id": one.row_id, "period": one.period}
        session.merge(OccurrenceRecord(**key, owing=owing, opened_at=now))
    session.flush()


def _follow(
    session: Session, prepared: Prepared, found: Preview, days: WorkCalendar, now: datetime,
    today: date, actor: Actor,
) -> None:  # fmt: skip
    """Move and cancel the tasks; the audit and the history name the document."""
    moves = (*found.of(Fate.MOVED), *found.cancelled)
    query = select(Task).where(
        Task.plan_id == prepared.plan.id, Task.state == "open",
        Task.row_id.in_({move.row_id for move in moves}),
    )  # fmt: skip
    by_id = {task.id: task for task in session.scalars(query)}
    waiting = _waiting(session, prepared.plan)
    document = prepared.document
    entries: list[Entry] = []
    for move in moves:
        task = by_id[move.task_id]
        if move.fate.cancels:
            entries.append(_cancel(task, move, document, today))
        else:
            entries.append(_move_due(session, task, move, document, prepared.plan, days, today))
            if (asked := waiting.get(task.id)) and asked.wanted_due <= task.due_on:
                entries.append(_grant(asked, task, document, now, actor))
    session.flush()
    audit.append(session, actor, now, entries)


def _cancel(task: Task, move: Move, document: str, today: date) -> Entry:
    task.state, task.cancelled_on, task.next_action_on = "cancelled", today, None
    data = {"plan": task.plan_id, "why": move.fate.value, **_by(document)}
    return Entry(Action.TASK_CANCELLED, task.code, data)


def _move_due(
    session: Session, task: Task, move: Move, document: str, plan: Plan, days: WorkCalendar,
    today: date,
) -> Entry:  # fmt: skip
    due = move.due_to
    task.due_on, task.opens_on = due, min(task.opens_on, due)
    if task.suspended_on is None:
        rules = plan.reminders_of(task.row_id)
        task.next_action_on = ladder.first_day(due, today, rules, days)
    session.add(
        DueChange(
            task_id=task.id, changed_on=today, old_due=move.due_from, new_due=due,
            reason=_by(document)["reason"], cause=CAUSE,
        )
    )  # fmt: skip
    data = {"plan": task.plan_id, "from": move.due_from, "to": due, **_by(document)}
    return Entry(Action.TASK_DUE_CHANGED, task.code, data)


def _waiting(session: Session, plan: Plan) -> dict[int, Extension]:
    query = select(Extension).join(Task, Task.id == Extension.task_id)
    query = query.where(Task.plan_id == plan.id, Extension.granted.is_(None))
    return {asked.task_id: asked for asked in session.scalars(query)}


def _grant(asked: Extension, task: Task, document: str, now: datetime, actor: Actor) -> Entry:
    """A request that waits is granted where the amendment gives as much or more."""
    asked.granted, asked.decision_reason = True, _by(document)["reason"]
    asked.decided_at, asked.decided_by = now, actor.name
    data = {"plan": task.plan_id, "wanted": asked.wanted_due, **_by(document)}
    return Entry(Action.EXTENSION_GRANTED, task.code, data)


def _by(document: str) -> dict[str, str]:
    return {"document": document, "reason": f"theo {document}"}
