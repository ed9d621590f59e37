"""Days of a timing: from a point of the calendar to the window it covers, and its name."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from ntm_workflow.appendix.model import Every, Window
from ntm_workflow.texts import Sentence, later

DAY = timedelta(days=1)


class Impossible(ValueError):
    """A day, month or quarter that no calendar has. `nearest` is a phrase, or empty."""

    def __init__(self, what: Sentence | str, nearest: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.nearest = nearest


class Point(NamedTuple):
    """A place in the calendar as written: some of it may still have to be lent.

    `unit` is day, month, quarter, months (the first or last `n` of a year),
    year, part (of `of`), week (the `n`th of the month `of`), day alone or
    number. `bare` where no word named the unit.
    """

    unit: str
    n: int = 0
    month: int = 0
    year: int = 0
    bare: bool = False
    which: str = ""
    of: Point | None = None


def last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def stretch(point: Point, plan_year: int) -> Window:
    """Return the days a point covers and the name of that period.

    Raises:
        Impossible: 30/2, month 13, quarter V.
    """
    year = point.year or plan_year
    if point.unit == "day":
        day = _day(year, point.month, point.n)
        return Window(day, day, day.isoformat())
    if point.unit == "month":
        if not 1 <= point.n <= 12:
            raise Impossible(later("timing.of.month", month=point.n))
        return _months(year, point.n, point.n)
    if point.unit == "quarter":
        if not 1 <= point.n <= 4:
            raise Impossible(later("timing.of.quarter", quarter=point.n))
        return _months(year, 3 * point.n - 2, 3 * point.n)
    if point.unit == "months":
        if not 1 <= point.n <= 12:
            raise Impossible(later("timing.of.months", count=point.n))
        if point.which == "cuoi":
            return _months(year, 13 - point.n, 12)
        return _months(year, 1, point.n)
    if point.unit == "year":
        return _months(year, 1, 12)
    if point.of is None:
        raise Impossible(str(point.n))
    return _inside(point, stretch(point.of, plan_year))


def _day(year: int, month: int, day: int) -> date:
    if not 1 <= month <= 12:
        raise Impossible(later("timing.of.day", day=f"{day}/{month}"))
    if not 1 <= day <= monthrange(year, month)[1]:
        nearest = f"Ngày {last_day(year, month):%d}/{month}/{year}" if 28 < day <= 31 else ""
        raise Impossible(later("timing.of.day", day=f"{day}/{month}/{year}"), nearest)
    return date(year, month, day)


_SPANS = {(1, 6): "H1", (7, 12): "H2", (1, 9): "9M", (1, 12): ""} | {
    (3 * q - 2, 3 * q): f"Q{q}" for q in range(1, 5)
}


def _months(year: int, first: int, last: int) -> Window:
    name = _SPANS.get((first, last))
    if first == last:
        period = f"{year}-{first:02d}"
    elif name is None:
        period = f"{year}-{first:02d}..{year}-{last:02d}"
    else:
        period = f"{year}-{name}".rstrip("-")
    return Window(date(year, first, 1), last_day(year, last), period)


def _inside(point: Point, whole: Window) -> Window:
    """Return a part of a month, quarter or year: a reading to be confirmed where it is loose."""
    start = whole.opens_on or whole.due_on
    end = whole.due_on
    if point.unit == "week":
        if point.which == "cuoi":
            return between(end - 6 * DAY, end)
        n = point.n or 1
        if not 1 <= n <= 5:
            raise Impossible(later("timing.of.week", week=n))
        return between(start + 7 * (n - 1) * DAY, min(start + (7 * n - 1) * DAY, end))
    if point.which == "last day":
        return Window(end, end, end.isoformat())
    if start.month == end.month:
        first, last = {
            **{"dau": (1, 10), "giua": (11, 20), "cuoi": (21, end.day)},
            **{"nua dau": (1, 15), "nua cuoi": (16, end.day)},
        }[point.which]
        return between(start.replace(day=first), start.replace(day=last))
    if end.month - start.month == 2:
        if point.which.startswith("nua"):
            middle = date(start.year, start.month + 1, 15)
            return (
                between(start, middle) if point.which == "nua dau" else between(middle + DAY, end)
            )
        month = start.month + ("dau", "giua", "cuoi").index(point.which)
        return _months(start.year, month, month)
    first, last = {
        **{"dau": (1, 3), "giua": (6, 6), "cuoi": (10, 12)},
        **{"nua dau": (1, 6), "nua cuoi": (7, 12)},
    }[point.which]
    return _months(start.year, first, last)


def between(first: date, last: date) -> Window:
    if first == last:
        return Window(first, last, first.isoformat())
    return Window(first, last, f"{first.isoformat()}..{last.isoformat()}")


def join(first: Window, last: Window) -> Window:
    """Return the window from the first day of one to the last day of the other."""
    if first.period == last.period:
        return first
    if first.opens_on == first.due_on and last.opens_on == last.due_on:
        return between(first.due_on, last.due_on)
    start, end = first.period.partition("..")[0], last.period.rpartition("..")[2]
    return Window(first.opens_on, last.due_on, start if start == end else f"{start}..{end}")


def cycle(every: Every, due: str, day: int, year: int) -> tuple[Window, ...]:
    """Return the year's deadlines of "ngày 20 của tháng cuối quý" and its like.

    `due` says in which month `day` lies: "last" or "first" of the period, or
    "next", the first after it, which for the last period is in the next year.
    A day that a month does not have is that month's last.
    """
    length = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}[every]
    windows = []
    for first in range(1, 13, length):
        last = first + length - 1
        months = {"first": first, "last": last, "next": last + 1}[due]
        y, m = year + (months - 1) // 12, (months - 1) % 12 + 1
        day_due = date(y, m, min(day, monthrange(y, m)[1]))
        windows.append(Window(None, day_due, _months(year, first, last).period))
    return tuple(windows)


def every_months(length: int, year: int) -> tuple[Window, ...]:
    """Return the year in stretches of `length` months, a divisor of 12."""
    return tuple(_months(year, first, first + length - 1) for first in range(1, 13, length))


def months_of_quarters(last: bool, year: int) -> tuple[Window, ...]:
    """Return the first or the last month of each quarter of the year."""
    return tuple(_months(year, m, m) for m in range(3 if last else 1, 13, 3))


def twice_a_month(days: Sequence[int], year: int) -> tuple[Window, ...]:
    """Return each of these days of every month; each opens on the day after the one before.

    A day that a month does not have is that month's last.
    """
    windows = []
    for month in range(1, 13):
        opens = date(year, month, 1)
        for day in sorted({min(d, last_day(year, month).day) for d in days}):
            due = date(year, month, day)
            windows.append(Window(opens, due, due.isoformat()))
            opens = due + DAY
    return tuple(windows)


def weekly(weekdays: Sequence[int], year: int) -> tuple[Window, ...]:
    """Return the year's days that fall on these weekdays (Monday is 0), each opening its week."""
    first = date(year, 1, 1)
    days = [first + i * DAY for i in range((date(year, 12, 31) - first).days + 1)]
    due = [day for day in days if day.weekday() in weekdays]
    return tuple(Window(d - d.weekday() * DAY, d, d.isoformat()) for d in due)


def within(whole: Window, every: Every, day: int | None) -> tuple[Window, ...]:
    """Return the months or quarters that make up `whole`, or none where they do not fit it.

    With `day`, each month ends on that day.
    """
    length = {Every.MONTH: 1, Every.QUARTER: 3}.get(every)
    first, last = whole.opens_on, whole.due_on
    if length is None or first is None or first.day != 1 or last != last_day(last.year, last.month):
        return ()
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months % length or (first.month - 1) % length or months > 120:
        return ()
    windows = []
    for start in range(first.month - 1, first.month - 1 + months, length):
        y, m = first.year + start // 12, start % 12 + 1
        one = _months(y, m, m + length - 1)
        if day:
            one = between(date(y, m, 1), date(y, m, min(day, one.due_on.day)))
        windows.append(one)
    return tuple(windows)


_ROMAN = ("", "I", "II", "III", "IV")
_NAME = re.compile(r"(\d{4})(?:-(?:Q(\d)|H(\d)|(9)M|(\d\d)(?:-(\d\d))?))?$")


def phrase(period: str, year: int | None) -> str:
    """Say a period's name in Vietnamese; the year is left out where it is `year`."""
    if ".." in period:
        first, _, last = period.partition("..")
        if year is not None and not first[:4] == last[:4] == str(year):
            year = None
        return f"từ {phrase(first, year)} đến {phrase(last, year)}"
    match = _NAME.match(period)
    if match is None:
        return period
    y, quarter, half, nine, month, day = match.groups()
    tail = "" if year is not None and int(y) == year else f"/{y}"
    if day:
        return f"ngày {day}/{int(month)}{tail}"
    if month:
        return f"tháng {int(month)}{tail}"
    if quarter:
        return f"quý {_ROMAN[int(quarter)]}{tail}"
    tail = tail and f" {y}"
    if half:
        return f"6 tháng {'đầu' if half == '1' else 'cuối'} năm{tail}"
    return f"9 tháng đầu năm{tail}" if nine else f"năm {y}"
