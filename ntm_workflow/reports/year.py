"""The working calendar in words, and as a calendar file. Pure: reads no database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.calendar.year import Noted, YearTable
from ntm_workflow.reports import days_off
from ntm_workflow.reports.ical import Event, calendar_file
from ntm_workflow.texts import say

DOMAIN = "lich.ntm-workflow"  # the right side of our UIDs


@dataclass(frozen=True, slots=True)
class DueDay:
    """One occurrence that is due in the year, with how many tasks it makes."""

    day: date
    row_id: str
    period: str
    content: str
    tasks: int
    bodies: tuple[str, ...]


def said(one: Noted) -> str:
    """Why a day is off, or worked: "Tết Nguyên Đán, nghỉ theo 9859/VPCP-KGVX"."""
    if one.off:
        key = "holiday_ordered" if one.name and one.document else "off"
        key = key if one.document else "holiday"
    else:
        key = "worked" if one.document else "made_up"
    text = say(f"calendar.day.{key}", name=days_off.named(one.name), document=one.document)
    return say("calendar.day.expected", said=text) if one.expected else text


def due_days(plan: Plan, days: WorkCalendar, year: int) -> list[DueDay]:
    """The due days of a plan that fall into a year, in order, as the calendar gives them."""
    found = [
        DueDay(
            o.due_on, o.row_id, o.period, plan.row(o.row_id).content,
            len(plan.row(o.row_id).implementing),
            tuple(plan.body(b).short for b in plan.row(o.row_id).implementing),
        )
        for o in dated(plan, days)
        if o.due_on.year == year
    ]  # fmt: skip
    return sorted(found, key=lambda due: (due.day, due.row_id, due.period))


def as_ics(table: YearTable, plan: Plan | None, due: Iterable[DueDay], now: datetime) -> bytes:
    """The year as a calendar file; with a plan, its due days too."""
    name = say("calendar.ics_name", year=table.year)
    events = list(_days(table))
    if plan:
        name = say("calendar.ics_name_plan", plan=plan.code, year=table.year)
        events += _dues(plan, due)
    return calendar_file(name, events, now)


def _days(table: YearTable) -> Iterator[Event]:
    for one in table.noted:
        text = said(one)
        title = say("calendar.ics_holiday", said=text) if one.off and one.name else text
        title = title[:1].upper() + title[1:]
        yield Event(f"{one.day.isoformat()}@{DOMAIN}", one.day, title, tentative=one.expected)


def _dues(plan: Plan, due: Iterable[DueDay]) -> Iterator[Event]:
    for one in due:
        text = say(
            "calendar.ics_due_text", plan=plan.code, row=one.row_id,
            period=texts.period(one.period), count=one.tasks, bodies=", ".join(one.bodies),
        )  # fmt: skip
        title = say("calendar.ics_due", row=one.row_id, content=one.content)
        yield Event(f"{plan.id}/{one.row_id}/{one.period}@{DOMAIN}", one.day, title, text)
