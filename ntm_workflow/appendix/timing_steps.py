"""Periodic timings: the steps of a cell, and the days and months that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ntm_workflow.appendix.model import Every, Kind, Question
from ntm_workflow.appendix.timing_days import (
    DAY,
    Impossible,
    cycle,
    every_months,
    months_of_quarters,
    phrase,
    twice_a_month,
    weekly,
    within,
)
from ntm_workflow.appendix.timing_item import STEP, Item, cap
from ntm_workflow.texts import later

FRIDAY = 4  # the working week ends on it, said or not
_WEEKDAYS = {"hai": 0, "ba": 1, "tu": 2, "nam": 3, "sau": 4, "bay": 5, "nhat": 6}
_OFTENER = {
    Every.WEEK: ("Thứ 3, thứ 6 hàng tuần", "Hàng tuần"),
    Every.MONTH: ("Ngày 15, 31 hàng tháng", "Hàng tuần", "Hàng tháng"),
    Every.QUARTER: ("Hàng tháng", "Hàng quý"),
    Every.YEAR: ("Hàng tháng", "Hàng quý", "6 tháng một lần"),
}
_ENDS = {Every.QUARTER: 4, Every.HALF_YEAR: 2, Every.NINE_MONTH: 1, Every.YEAR: 1}


class Cycle(NamedTuple):
    """A step: "hàng quý"; with a day, where in the step or after it that day lies.

    `loose` where no "hàng" stands before it; `which` for "cuối mỗi quý".
    `every` is None for a step that has no name: `months` is its length where a
    year has a whole number of them ("2 tháng một lần"), else `said` is asked about.
    `unsure` for "2 lần/năm", which says how often and not when; `uneven` where
    the times do not divide it ("2 lần/tháng").
    """

    every: Every | None
    loose: bool = False
    day: int = 0
    due: str = ""
    which: str = ""
    said: str = ""
    months: int = 0
    unsure: bool = False
    uneven: bool = False


def step(one: Cycle, bound: str, year: int) -> Item:
    """Return the item of one step. `bound` is the stronger word before it, or empty."""
    if one.every is None:
        return _unnamed(one, year)
    if one.due == "month":
        windows = months_of_quarters(one.which == "cuoi", year)
        return Item(Kind.PERIODIC, f"month-of-quarter-{one.which}", windows, (Every.QUARTER,))
    if one.due:
        item = _day_of(one.every, one.due, one.day, bound == "TRUOC", year)
        if one.unsure:
            item.ask = _which_month(one, item.day or one.day)
        return item
    item = Item(Kind.PERIODIC, f"every-{one.every}", every=(one.every,), loose=one.loose)
    if one.which in ("dau", "giua"):
        said = {"dau": "Đầu", "giua": "Giữa"}[one.which]
        item.ask = Question(
            later("timing.part_of_each", part=f"{said} {STEP[one.every]}"), days_of(one.every)
        )
    if one.unsure:
        choices = _OFTENER[one.every] if one.uneven else (f"Hàng {STEP[one.every]}",)
        item.ask = Question(later("timing.which_periods", said=one.said), choices)
    return item


def _which_month(one: Cycle, day: int) -> Question:
    said = f"Ngày {day} hàng tháng"
    if one.every is Every.MONTH:
        return Question(later("timing.week_of_each"), (said,))
    return Question(later("timing.last_month"), (f"Ngày {day} của tháng cuối quý", said))


def _unnamed(one: Cycle, year: int) -> Item:
    if not one.months:
        often = "tuần" in one.said or "tháng" in one.said
        choices = _OFTENER[Every.MONTH] if often else ("Hàng năm", f"Năm {year}")
        ask = Question(later("timing.other_step", said=one.said), choices)
        return Item(Kind.PERIODIC, "every-other", ask=ask)
    windows = every_months(one.months, year)
    said = f"{one.months} tháng một lần"
    ask = Question(later("timing.which_periods", said=one.said), (cap(said),))
    rule = f"every-{one.months}-months"
    return Item(Kind.PERIODIC, rule, windows, ask=ask if one.unsure else None, loose=one.loose)


def _day_of(every: Every, due: str, day: int, before: bool, year: int) -> Item:
    """Return "ngày 20 của tháng cuối quý" and its like with this year's deadlines."""
    if not 1 <= day <= 31:
        raise Impossible(later("timing.of.day", day=day))
    if before and day == 31:
        last = cycle(every, due, day, year)
        windows = tuple(replace(w, due_on=w.due_on - DAY) for w in last)
        return Item(Kind.PERIODIC, f"before-last-of-{due}", windows, (every,))
    if before and day == 1:
        if due == "last":
            raise Impossible(later("timing.of.before_first"))
        due, day = "last" if every is Every.QUARTER else "first", 31
    else:
        day -= before
    if every is Every.MONTH and due == "first":
        return Item(Kind.PERIODIC, "every-month-day", every=(every,), day=day)
    windows = cycle(every, due, day, year)
    return Item(Kind.PERIODIC, f"day-of-{due}", windows, (every,), day)


def days_of(every: Every) -> tuple[str, ...]:
    if every is Every.MONTH:
        return ("Ngày 10 hàng tháng", "Hàng tháng")
    return (f"Hàng {STEP[every]}",)


def on_weekdays(items: Sequence[Item], said: Sequence[str], year: int, before: bool) -> bool:
    """Give "hàng tuần" the weekdays named beside it ("thu 2", "chu nhat").

    `before`: the day before each is meant. False where there are weekdays and
    no week to take them.

    Raises:
        Impossible: a weekday no week has.
    """
    weekdays = sorted({(_weekday(name) - before) % 7 for name in said})
    weeks = [item for item in items if item.every == (Every.WEEK,)]
    for item in weeks if weekdays != [FRIDAY] else []:
        if weekdays:
            item.windows = weekly(weekdays, year)
            item.rule = "weekday-" + "-".join(str(day) for day in weekdays)
    return bool(weeks) or not weekdays


def _weekday(said: str) -> int:
    name = said.split()[-1]
    day = int(name) - 2 if name.isdigit() else _WEEKDAYS[name]
    if not 0 <= day <= 6:
        raise Impossible(later("timing.of.weekday", name=name))
    return day


# ---- Several steps, and dates beside them ----------------------------------------


def merge_steps(items: list[Item], year: int) -> list[Item]:
    """Join "hàng quý, 6 tháng, năm" into one item, and give it the dates beside it."""
    steps = [i for i in items if i.kind is Kind.PERIODIC]
    if not steps:
        return items
    rest = [i for i in items if i.kind is not Kind.PERIODIC]
    only_names = all(i.loose for i in steps) or not any(i.every or i.windows for i in steps)
    if rest and only_names and any(i.windows and not i.hard for i in rest):
        return rest  # "báo cáo 6 tháng trước 15/6": the step only names the report
    if rest and all(i.loose for i in steps) and not all(i.kind is Kind.AD_HOC for i in rest):
        return rest
    one = _one_step(steps)
    if len(items) == 1 and one.loose:
        said = f"Hàng {STEP[one.every[0]]}" if one.every else cap(one.rule[6:-7] + " tháng một lần")
        one.rule, one.ask = "unit-alone", Question(later("timing.is", said=said), (said,))
    at = items.index(steps[0])
    return _with_dates(one, rest, at, year) if rest else [one]


def _one_step(steps: list[Item]) -> Item:
    """Join "hàng quý, 6 tháng, năm", and a step with its day; ask where several have one."""
    one = next((i for i in steps if i.day or i.windows), None)
    one = one or next((i for i in steps if i.rule != "periodic"), steps[0])
    every = tuple(dict.fromkeys(e for i in steps for e in i.every))
    one.ask = next((i.ask for i in steps if i.ask), None)
    own = {(i.rule, i.day) for i in steps if i.day or i.windows}
    if own and (len(every) > 1 or len(own) > 1):
        choices = tuple(f"Hàng {STEP[e]}" for e in every)
        one.ask = Question(later("timing.several_periods"), choices)
    one.every = every if not one.windows else one.every
    return one


def _with_dates(one: Item, rest: list[Item], at: int, year: int) -> list[Item]:
    dated = [i for i in rest if i.windows]
    alone = [i for i in rest if i.rule == "day-alone"]
    taken: list[Item] = [i for i in dated if i.rule in ("year", "from-year", "year-range")]
    inside = [i for i in dated if i not in taken]
    if (one.every == (Every.YEAR,) and dated) or _ends_its_steps(one, inside):
        _take_dates(one, inside)
        taken = dated
    elif alone and one.every and not (one.day or one.windows):
        _take_days(one, alone, year)
        taken += alone
    elif one.every and not one.windows:
        inside = [i for i in inside if i.kind is Kind.WINDOW]
        if inside and not one.hard and not any(i.hard for i in inside):
            _take_months(one, inside)
            taken += inside
    left = [i for i in rest[:at] if i not in taken]
    return [*left, one, *(i for i in rest[at:] if i not in taken)]


def _ends_its_steps(one: Item, inside: list[Item]) -> bool:
    """True for "6 tháng, năm (trước ngày 15/6 và 15/12)": a deadline for each period."""
    ends = max((_ENDS.get(e, 0) for e in one.every), default=0)
    windows = {w for i in inside for w in i.windows if i.kind is Kind.DEADLINE and not i.opens}
    return 1 < ends == len(windows) and not one.hard and not one.windows and not one.day


def _take_dates(one: Item, inside: list[Item]) -> None:
    if inside and one.windows:
        one.ask = Question(later("timing.several_days"))
    one.windows = tuple(dict.fromkeys([*one.windows, *(w for i in inside for w in i.windows)]))
    one.rule = next((f"every-{one.every[0]}-{i.rule}" for i in inside), one.rule)
    one.day = None if inside else one.day
    one.ask = one.ask or next((i.ask for i in inside if i.ask), None)


def _take_days(one: Item, alone: list[Item], year: int) -> None:
    """Give "hàng tháng" its day, or its two ("ngày 1, 15"); a longer step asks which month's."""
    days = sorted({i.day for i in alone if i.day})
    if one.every == (Every.MONTH,) and len(days) > 1:
        one.windows, one.rule = twice_a_month(days, year), "days-of-month"
        return
    one.day, one.rule = alone[0].day, "every-month-day"
    if one.every != (Every.MONTH,):
        where = (f"Ngày {one.day} của tháng cuối quý", f"Ngày {one.day} tháng đầu quý sau")
        one.ask = one.ask or Question(later("timing.month_of_period", day=one.day), where)


def _take_months(one: Item, inside: list[Item]) -> None:
    """Make "hàng tháng từ tháng 3 đến tháng 7" the five months it says."""
    each = [within(w, one.every[0], one.day) for i in inside for w in i.windows]
    windows = tuple(dict.fromkeys(w for some in each for w in some))
    one.ask = one.ask or next((i.ask for i in inside if i.ask), None)
    if len(one.every) == 1 and windows and all(each):
        one.kind = Kind.WINDOW
        one.rule, one.windows, one.every, one.day = f"{one.rule}-within", windows, (), None
        return
    said = phrase(inside[0].windows[0].period, None)
    steps = ", ".join(STEP[e] for e in one.every)
    ask = later("timing.only", steps=f"hàng {steps}", said=said)
    one.ask = Question(ask, (f"Hàng {steps}", cap(said)))
