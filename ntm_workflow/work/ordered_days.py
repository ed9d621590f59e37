"""Ordered days: recorded for all plans, withdrawn, never rewritten.

What is recorded overlays the days that come with the program and those of the
plan's file. Recording moves the open due days that depend on the day, in the
same transaction (`recount`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import OrderedDay, Plan
from ntm_workflow.appendix.text import nfc
from ntm_workflow.calendar.quarters import quarter_runs
from ntm_workflow.calendar.workdays import YEARS, WorkCalendar
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import OrderedDayRecord
from ntm_workflow.texts import full_day, say
from ntm_workflow.work import audit, recount
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.recount import Move

DOCUMENT_LIMIT = 100  # characters


@dataclass(frozen=True, slots=True)
class Change:
    """What an order or a withdrawal does.

    `new` is False where the very same was recorded before: then nothing
    happens. `moves` lists the due days that move; `elsewhere` counts open tasks
    of plans that were not given, which stay as they are. `runs` is True where
    the days of quarterly runs move, so that Prefect's schedules are out of date.
    """

    day: date
    act: str
    document: str
    new: bool = True
    moves: tuple[Move, ...] = ()
    elsewhere: int = 0
    runs: bool = False

    @property
    def tasks(self) -> int:
        return sum(move.tasks for move in self.moves)


# -- what is recorded ---------------------------------------------------------


def ordered_days(session: Session) -> tuple[OrderedDay, ...]:
    """The ordered days that stand, in order."""
    newest = {record.day: record for record in history(session)}
    return tuple(
        OrderedDay(record.day, record.act == "off", record.document)
        for record in newest.values()
        if record.act != "withdrawn"
    )


def history(session: Session) -> list[OrderedDayRecord]:
    """Everything that was recorded, day by day, the oldest of a day first."""
    query = select(OrderedDayRecord).order_by(OrderedDayRecord.day, OrderedDayRecord.number)
    return list(session.scalars(query))


def count(session: Session) -> int:
    """How many entries are recorded: another number, another calendar."""
    return session.scalar(select(func.count()).select_from(OrderedDayRecord)) or 0


def current(session: Session, days: WorkCalendar) -> WorkCalendar:
    """The calendar with what is recorded now; the same one where nothing was added since.

    One count of a small table, so that a sweep can ask each time.
    """
    mark = count(session)
    if mark == days.mark:
        return days
    return days.recording(ordered_days(session), mark)


# -- recording ----------------------------------------------------------------


def order(
    session: Session,
    plans: Sequence[Plan],
    day: date,
    off: bool,
    document: str,
    note: str = "",
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> Change:
    """Record that a document orders a day off, or worked. The same again changes nothing.

    Due days of open tasks move where they depend on the day, whether it is
    ahead or past; see `recount`. To look only, roll the transaction back.

    Raises:
        Refused: no document, a year out of reach, or the day is that already.
    """
    audit.lock(session)  # orders come one after the other
    document = _document(document)
    act = "off" if off else "worked"
    newest = _newest(session, day)
    if newest and (newest.act, newest.document) == (act, document):
        return Change(day, act, document, new=False)
    standing = newest is not None and newest.act == act  # another document says the same
    if not standing:
        _refuse_as_it_is(current(session, WorkCalendar()), day, off, today)
    return _record(session, plans, day, act, document, note, newest, by, now, today)


def withdraw(
    session: Session,
    plans: Sequence[Plan],
    day: date,
    document: str,
    note: str = "",
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> Change:
    """Take back what was recorded for a day; `document` must be the one recorded.

    Raises:
        Refused: nothing is recorded for the day, or by another document.
    """
    audit.lock(session)
    document = _document(document)
    newest = _newest(session, day)
    if newest is None:
        built_in = WorkCalendar.of(plans).order_of(day)
        key = "calendar.withdraw_built_in" if built_in else "calendar.withdraw_none"
        raise Refused(key, day=day, document=built_in.document if built_in else "")
    if newest.document != document:
        raise Refused("calendar.withdraw_other", day=day, document=newest.document, given=document)
    if newest.act == "withdrawn":
        return Change(day, "withdrawn", document, new=False)
    return _record(session, plans, day, "withdrawn", document, note, newest, by, now, today)


def _record(
    session: Session,
    plans: Sequence[Plan],
    day: date,
    act: str,
    document: str,
    note: str,
    newest: OrderedDayRecord | None,
    by: Actor,
    now: datetime,
    today: date,
) -> Change:
    before = WorkCalendar.of(plans, ordered_days(session))
    session.add(
        OrderedDayRecord(
            day=day, number=newest.number + 1 if newest else 1, act=act, document=document,
            note=nfc(note).strip(), recorded_at=now, recorded_by=by.name,
        )
    )  # fmt: skip
    session.flush()
    data = {"day": day, "document": document, "note": nfc(note).strip()}
    entry = Entry(Action(f"day.{act}"), f"day/{day.isoformat()}", data)
    audit.append(session, by, now, [entry])
    after = WorkCalendar.of(plans, ordered_days(session))
    undone = f"_{newest.act}" if newest and act == "withdrawn" else ""
    reason = say(f"calendar.reason.{act}{undone}", day=day, document=document)
    moves = [
        move
        for plan in plans
        for move in recount.recount(
            session, plan, before, after, reason, by=by, now=now, today=today
        )
    ]
    return Change(
        day, act, document, moves=tuple(moves),
        elsewhere=recount.open_elsewhere(session, plans),
        runs=any(_runs(plan, before) != _runs(plan, after) for plan in plans),
    )  # fmt: skip


def _runs(plan: Plan, days: WorkCalendar) -> list[date]:
    return [run.day for run in quarter_runs(plan, days)]


def _newest(session: Session, day: date) -> OrderedDayRecord | None:
    query = select(OrderedDayRecord).where(OrderedDayRecord.day == day)
    return session.scalars(query.order_by(OrderedDayRecord.number.desc()).limit(1)).first()


def _document(text: str) -> str:
    document = " ".join(nfc(text).split())
    if not document:
        raise Refused("calendar.no_document")
    if len(document) > DOCUMENT_LIMIT:
        raise Refused("calendar.long_document", limit=DOCUMENT_LIMIT)
    return document


def _refuse_as_it_is(days: WorkCalendar, day: date, off: bool, today: date) -> None:
    """Refuse an order that changes nothing about a day, or about a year out of reach.

    A holiday that is only expected may be ordered off: that makes it certain.
    """
    if day.year not in YEARS:
        raise Refused("calendar.year", first=YEARS[0], last=YEARS[-1])
    reason = days.reason_off(day)
    if off and reason and (not days.holiday(day) or days.certain(day.year, today)):
        raise Refused("calendar.off_already", day=full_day(day), reason=reason)
    if not off and not reason:
        order = days.order_of(day)
        key = "calendar.worked_by_order" if order else "calendar.worked_already"
        raise Refused(key, day=full_day(day), document=order.document if order else "")
