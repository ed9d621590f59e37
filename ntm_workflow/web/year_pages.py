"""The plan's calendar: a year of rows and months, a month, a week."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from ntm_workflow import texts
from ntm_workflow.appendix.model import Row
from ntm_workflow.calendar.periods import last_day
from ntm_workflow.calendar.workdays import DAY, YEARS
from ntm_workflow.calendar.year import Month, Noted, YearTable, year_table
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import year as reports
from ntm_workflow.reports.agenda import Span
from ntm_workflow.texts import day as said_day
from ntm_workflow.texts import say
from ntm_workflow.web import kept, svg, visitor, words
from ntm_workflow.web.desk import Desk, opened

router = APIRouter()
_WHEN = re.compile(r"(\d{4})(?:-(\d\d)|-W(\d\d))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cell:
    """One day as the calendar shows it: what is noted of it, what opens, what is due."""

    day: date
    off: bool
    noted: Noted | None
    due: tuple[Span, ...]
    opens: tuple[Span, ...]

    @property
    def due_tasks(self) -> int:
        return sum(one.tasks for one in self.due)

    @property
    def overdue(self) -> int:
        return sum(one.counts.open_overdue for one in self.due)

    @property
    def opening(self) -> int:
        return sum(one.tasks for one in self.opens)

    @property
    def kind(self) -> str:
        """What the day looks like: holiday, off, worked (though a weekend), weekend or ""."""
        if self.noted:
            return "worked" if not self.off else "holiday"
        return "weekend" if self.off else ""


@dataclass(frozen=True, slots=True)
class MonthCard:
    """A month: its weeks from Monday to Sunday, None where a day is another month's."""

    month: Month
    first: date
    weeks: tuple[tuple[Cell | None, ...], ...]

    @property
    def days(self) -> Iterator[Cell]:
        return (cell for week in self.weeks for cell in week if cell)

    @property
    def due(self) -> list[Cell]:
        return [cell for cell in self.days if cell.due]


@dataclass(frozen=True, slots=True)
class Lane:
    """A row with its bars."""

    row: Row
    drawn: Markup | None
    said: str
    overdue: int
    next: Span | None


@router.get("/lich")
def this_year(request: Request) -> Response:
    with opened(request) as desk:
        return _year(desk, desk.plan.year)


@router.get("/lich/{when}")
def some_time(request: Request, when: str) -> Response:
    """A year, a month or a week: "2020", "2020-06", "2020-W26"."""
    found = _WHEN.fullmatch(when)
    with opened(request) as desk:
        if found is None or int(found[1]) not in YEARS:
            raise NotFound("page.missing")
        year, month, week = (int(part or 0) for part in found.groups())
        if found[2]:
            return _month(desk, year, month)
        return _week(desk, year, week) if found[3] else _year(desk, year)


# -- a year -------------------------------------------------------------------------


def _year(desk: Desk, year: int) -> Response:
    table = year_table(year, desk.rt.days, desk.today)
    spans = kept.spans(desk)
    cells = _cells(desk, date(year, 1, 1), date(year, 12, 31), spans, [table])
    within = [one for one in spans if one.due_on.year == year or one.opens_on.year == year]
    return desk.page(
        "year.html", table=table, cards=[_card(year, month, cells) for month in table.months],
        lanes=_lanes(desk, year, within, table.noted), head=svg.year_head(year, _month_names()),
        due=sum(one.tasks for one in within if one.due_on.year == year), said=reports.said,
        patterns=svg.patterns("lich"), swatch=svg.swatch, states=svg.STATES, years=YEARS,
    )  # fmt: skip


def _month_names() -> list[str]:
    return [_month_said(n) for n in range(1, 13)]


def _lanes(
    desk: Desk, year: int, spans: Sequence[Span], noted: Iterable[Noted]
) -> list[tuple[str, list[Lane]]]:
    """Every row of the plan under its section, with its bars of the year."""
    by_row: dict[str, list[Span]] = defaultdict(list)
    for one in spans:
        by_row[one.row_id].append(one)
    off = [one.day for one in noted if one.off]
    today = desk.today if desk.today.year == year else None
    plan = desk.plan
    made: dict[str, list[Lane]] = {}
    own = visitor.own(desk.request)
    for row in plan.all_rows:
        if own is not None and not by_row[row.id] and not set(own) & set(row.implementing):
            continue
        title = plan.section_title(row.section)
        head = f"{plan.section_number(row.section)}. {title}" if title else plan.criteria_title
        made.setdefault(head, []).append(_lane(row, year, by_row[row.id], off, today, desk))
    return list(made.items())


def _lane(
    row: Row, year: int, spans: Sequence[Span], off: Sequence[date], today: date | None, desk: Desk
) -> Lane:
    bars = [(one.opens_on, one.due_on, one.state) for one in spans]
    return Lane(
        row, svg.year_bars("lich", year, bars, off, today) if bars else None,
        "; ".join(say("year.span", opens=said_day(one.opens_on), due=said_day(one.due_on),
                      count=one.tasks) for one in spans),
        sum(one.counts.open_overdue for one in spans),
        next((one for one in spans if one.due_on >= desk.today), None),
    )  # fmt: skip


def _card(year: int, month: Month, cells: dict[date, Cell]) -> MonthCard:
    first = date(year, month.number, 1)
    return MonthCard(month, first, _weeks(first, last_day(year, month.number), cells))


def _weeks(first: date, last: date, cells: dict[date, Cell]) -> tuple[tuple[Cell | None, ...], ...]:
    monday = first - timedelta(days=first.weekday())
    weeks = []
    while monday <= last:
        days = (monday + timedelta(days=n) for n in range(7))
        weeks.append(tuple(cells[day] if first <= day <= last else None for day in days))
        monday += timedelta(days=7)
    return tuple(weeks)


# -- a month, a week ------------------------------------------------------------------


def _month_said(number: int) -> str:
    return say("picture.month", month=number, name=texts.month_name(number, short=True))


def _month(desk: Desk, year: int, number: int) -> Response:
    if not 1 <= number <= 12:
        raise NotFound("page.missing")
    first, last = date(year, number, 1), last_day(year, number)
    title = words.upper_first(texts.month(number, year))
    return _pages(desk, first, last, title, f"{first - DAY:%Y-%m}", f"{last + DAY:%Y-%m}", "month")


def _week(desk: Desk, year: int, number: int) -> Response:
    try:
        monday = date.fromisocalendar(year, number, 1)
    except ValueError:
        raise NotFound("page.missing") from None
    sunday = monday + 6 * DAY
    title = say("year.week", week=number, first=said_day(monday), last=said_day(sunday))
    before, after = (week_name(monday + n * DAY) for n in (-7, 7))
    return _pages(desk, monday, sunday, title, before, after, "week")


def week_name(day: date) -> str:
    """The week of a day as an address names it: "2020-W26"."""
    return f"{day.isocalendar().year}-W{day.isocalendar().week:02d}"


def _pages(
    desk: Desk, first: date, last: date, title: str, before: str, after: str, kind: str
) -> Response:
    years = dict.fromkeys(day.year for day in (first, last))
    if not all(year in YEARS for year in years):
        raise NotFound("page.missing")
    tables = [year_table(year, desk.rt.days, desk.today) for year in years]
    spans = kept.spans(desk)
    cells = _cells(desk, first, last, spans, tables)
    return desk.page(
        "month.html", title=title, kind=kind, weeks=_weeks(first, last, cells), first=first,
        before=before if int(before[:4]) in YEARS else "", said=reports.said,
        after=after if int(after[:4]) in YEARS else "", week_name=week_name,
        due=sum(cell.due_tasks for cell in cells.values()), sign=svg.sign,
        opening=sum(cell.opening for cell in cells.values()), lines=_lines(desk),
        worked=sum(not cell.off for cell in cells.values()),
        certain=all(table.certain for table in tables),
    )  # fmt: skip


def _lines(desk: Desk) -> dict[str, str]:
    """What each row is about, by its id; a row that left the plan is not there."""
    return {row.id: f"{row.number}. {row.content}" for row in desk.plan.all_rows}


def _cells(
    desk: Desk, first: date, last: date, spans: Sequence[Span], tables: Sequence[YearTable]
) -> dict[date, Cell]:
    due: dict[date, list[Span]] = defaultdict(list)
    opens: dict[date, list[Span]] = defaultdict(list)
    for one in spans:
        due[one.due_on].append(one)
        opens[one.opens_on].append(one)
    noted = {one.day: one for table in tables for one in table.noted}
    days = (first + n * DAY for n in range((last - first).days + 1))
    return {
        day: Cell(
            day, not desk.rt.days.worked(day), noted.get(day), tuple(due.get(day, ())),
            tuple(opens.get(day, ())),
        )
        for day in days
    }  # fmt: skip
