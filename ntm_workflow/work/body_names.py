"""What bodies are called, and when: a name is valid from a day until the next one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from rapidfuzz import process
from sqlalchemy import ColumnElement, Date, case, exists, func, insert, literal, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Body, Plan
from ntm_workflow.appendix.text import fold
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import BodyName, BodyRecord, Task
from ntm_workflow.work import successions

ALWAYS = date.min  # the first name of a body that no event founded
_MANY = 500  # ids in one statement; SQLite takes 999 values on old systems


@dataclass(frozen=True, slots=True)
class Called:
    """A body as it is called: its id, official and short name, level and unit."""

    id: str
    name: str
    short: str
    level: str
    unit: str | None = None


# -- a plan's register --------------------------------------------------------


def enrol(session: Session, plan: Plan) -> None:
    """Make the bodies of a plan known. What others call them is not touched.

    The plan that first declared a body may correct its name, as a slip of the
    pen. Any other plan must print a name the body has had: a new name is an
    event, with its day and its document.

    Raises:
        Refused: the plan prints a name that a known body never had.
    """
    ids = [body.id for body in plan.bodies]
    records = {one.id: one for one in _in(session, BodyRecord, BodyRecord.id, ids)}
    names = history(session, ids)
    for body in plan.bodies:
        if body.id not in records:
            continue
        if _is_own(names[body.id][0], plan):
            _correct(records[body.id], names[body.id], body, plan)
        else:
            _must_have_had(names[body.id], body, plan)
    new = [body for body in plan.bodies if body.id not in records]
    if new:
        first = {"valid_from": ALWAYS, "plan_id": plan.id}
        session.execute(insert(BodyRecord), [{"id": body.id, **_said(body)} for body in new])
        session.execute(
            insert(BodyName), [{"body_id": body.id, **first, **_said(body)} for body in new]
        )
    session.flush()


def _said(body: Body) -> dict[str, Any]:
    return {"name": body.name, "short": body.short, "level": str(body.level), "unit": body.unit}


def _is_own(first: BodyName, plan: Plan) -> bool:
    """True where this plan said the body's first name, or nobody knows which plan did."""
    return first.event_id is None and first.plan_id in (None, plan.id)


def _correct(record: BodyRecord, names: list[BodyName], body: Body, plan: Plan) -> None:
    names[0].plan_id = plan.id
    if fold(body.name) in {fold(one.name) for one in names[1:]}:
        return  # what it was called later; its first name stays
    for one in (record, names[0]):
        for column, value in _said(body).items():
            setattr(one, column, value)


def _must_have_had(names: list[BodyName], body: Body, plan: Plan) -> None:
    if fold(body.name) in {fold(one.name) for one in names}:
        return
    then = at(names, plan.effective_on)
    raise Refused(
        "body.other_name", body=body.id, plan=plan.code, printed=body.name, known=then.name,
        day=plan.effective_on,
    )  # fmt: skip


# -- names as of a day ----------------------------------------------------------


def history(session: Session, ids: Iterable[str]) -> dict[str, list[BodyName]]:
    """All names of each body, the first one first."""
    found: dict[str, list[BodyName]] = {}
    for one in _in(session, BodyName, BodyName.body_id, list(ids)):
        found.setdefault(one.body_id, []).append(one)
    for names in found.values():
        names.sort(key=lambda one: one.valid_from)
    return found


def at(names: list[BodyName], day: date) -> BodyName:
    """The name valid on a day; before the first one, the first."""
    return next((one for one in reversed(names) if one.valid_from <= day), names[0])


def on(session: Session, body_id: str, day: date) -> Called:
    """What a body is called on a day.

    Raises:
        NotFound: no such body.
    """
    names = history(session, [body_id]).get(body_id)
    if not names:
        raise NotFound("body.missing", body=body_id)
    one = at(names, day)
    return Called(body_id, one.name, one.short, one.level, one.unit)


def called(column: str, body_id: Any, day: Any) -> ColumnElement[Any]:
    """SQL: a body's "name", "short", "level" as of a day; its first where it had none yet.

    The statement joins BodyRecord on the same body.
    """
    found = (
        select(getattr(BodyName, column))
        .where(BodyName.body_id == body_id, BodyName.valid_from <= day)
        .order_by(BodyName.valid_from.desc())
        .limit(1)
        .correlate_except(BodyName)
        .scalar_subquery()
    )
    return func.coalesce(found, getattr(BodyRecord, column))


def known_by(body_id: Any, day: date) -> ColumnElement[bool]:
    """SQL: the body had a name by a day; one that is founded later had none."""
    return exists().where(BodyName.body_id == body_id, BodyName.valid_from <= day)


def of_task(column: str, day: date | ColumnElement[date]) -> ColumnElement[Any]:
    """SQL: what the body of a task was called when the task was settled, else on a day."""
    otherwise = literal(day, Date) if isinstance(day, date) else day
    when = func.coalesce(Task.completed_on, Task.cancelled_on, otherwise)
    return called(column, Task.body_id, when)


def page_day(plan: Plan, today: date) -> date:
    """The day whose names a plan's pages print: today, and never later than its year."""
    return min(today, date(plan.year, 12, 31))


def page_day_of_task(plans: Iterable[Plan], today: date) -> date | ColumnElement[date]:
    """The same of the plan that a task belongs to; in SQL, where it is not one day for all."""
    days = {plan.id: page_day(plan, today) for plan in plans}
    if set(days.values()) <= {today}:
        return today
    by_plan = [(Task.plan_id == plan_id, literal(day, Date)) for plan_id, day in days.items()]
    return case(*by_plan, else_=literal(today, Date))


def given(session: Session, day: date) -> dict[str, Called]:
    """The bodies that an event had founded or given a new name by a day, as called then."""
    return latest(by_events(session), day)


def by_events(session: Session) -> list[tuple[date, Called]]:
    """Every name that an event gave, with the day from which it is valid, in that order."""
    query = select(BodyName).where(BodyName.event_id.is_not(None)).order_by(BodyName.valid_from)
    return [
        (one.valid_from, Called(one.body_id, one.name, one.short, one.level, one.unit))
        for one in session.scalars(query)
    ]


def latest(names: Iterable[tuple[date, Called]], day: date) -> dict[str, Called]:
    """Of names in the order of their first days, each body's last by a day."""
    return {one.id: one for since, one in names if since <= day}


def named(bodies: dict[str, Called], printed: str) -> str | None:
    """The one of these bodies that has this official or short name; None if none or several."""
    wanted = fold(printed)
    found = [b for b, one in bodies.items() if wanted in (fold(one.name), fold(one.short))]
    return found[0] if len(found) == 1 else None


# -- finding ----------------------------------------------------------------------


def find(session: Session, printed: str, day: date) -> Called:
    """The body of this id, or of this official or short name on a day.

    Where several bore the name, the one that had not ended is meant.

    Raises:
        NotFound: none, or several; names the nearest ids.
    """
    everyone = history(session, session.scalars(select(BodyRecord.id)))
    if printed in everyone:
        return on(session, printed, day)
    wanted = fold(printed)
    then = {b: at(names, day) for b, names in everyone.items() if names[0].valid_from <= day}
    found = [b for b, one in then.items() if wanted in (fold(one.name), fold(one.short))]
    if len(found) > 1:
        gone = successions.ends(session, day)
        found = [body for body in found if body not in gone] or found
    if len(found) == 1:
        return on(session, found[0], day)
    if not found:
        shorts = {body: fold(one.short) for body, one in then.items()}
        close = process.extract(wanted, shorts, limit=3, score_cutoff=60)
        found = [body for _, _, body in close]
    raise NotFound("body.unknown", body=printed, nearest=", ".join(sorted(found)) or "–")


def _in(session: Session, table: Any, column: Any, ids: list[str]) -> Iterable[Any]:
    for start in range(0, len(ids), _MANY):
        yield from session.scalars(select(table).where(column.in_(ids[start : start + _MANY])))
