"""Say a reading: to a clerk in one sentence, and as a timing phrase that reads the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from ntm_workflow import texts
from ntm_workflow.appendix.model import Every, Kind, Reading, Window
from ntm_workflow.appendix.text import nfc
from ntm_workflow.appendix.timing_days import phrase
from ntm_workflow.appendix.timing_item import STEP
from ntm_workflow.texts import say

_DAY_OF = {
    "last": {Every.QUARTER: "tháng cuối quý"},
    "first": {Every.QUARTER: "tháng đầu quý"},
    "next": {Every.QUARTER: "tháng đầu quý sau", Every.MONTH: "tháng liền kề"},
}


_WEEKDAYS = ("thứ 2", "thứ 3", "thứ 4", "thứ 5", "thứ 6", "thứ 7", "chủ nhật")


def canonical(reading: Reading) -> str:
    """Return a phrase that `read` understands in the same way, in the same year.

    Same kind, windows, steps and day; the year is written only where one of
    the windows lies outside the plan's. A relative or unreadable reading says
    its own text.
    """
    kind = reading.kind
    if kind in (Kind.WINDOW, Kind.WINDOWS):
        return _cap(_windows(reading.windows, _plain_year(reading)))
    if kind is Kind.DEADLINE:
        return "; ".join(_deadline(w, _plain_year(reading)) for w in reading.windows)
    if kind is Kind.PERIODIC:
        return _periodic(reading)
    if kind is Kind.CONTINUOUS:
        return "Thường xuyên"
    if kind is Kind.AD_HOC:
        return "Đột xuất"
    if kind is Kind.MIXED:
        year = _plain_year(reading)
        return "; ".join(_cap(_part(part, year)) for part in reading.parts)
    if reading.rule == "duration" and re.fullmatch(r"[\d\s.–-]+", reading.text):
        return f"{reading.text.strip(' .')} ngày"
    return nfc(reading.text)


def describe(reading: Reading) -> str:
    """Return one short sentence, without its full stop: how it was understood.

    In the language that is spoken. What only Vietnamese has words for ("Ngày 10
    hàng tháng") is quoted.
    """
    kind = reading.kind
    if kind is Kind.WINDOW and reading.windows:
        window = reading.windows[0]
        first, last = _day(window.opens_on), _day(window.due_on)
        return say("reading.window", period=_period(window), first=first, last=last)
    if kind is Kind.WINDOWS:
        number, said = len(reading.windows), _joined(map(_period, reading.windows))
        return say("reading.windows", number=_count(number), count=number, periods=said)
    if kind is Kind.DEADLINE:
        days = (say("reading.until", day=_day(w.due_on)) for w in reading.windows)
        return say("reading.deadline", days=_joined(days))
    if kind is Kind.PERIODIC:
        return _describe_periodic(reading)
    if kind is Kind.MIXED:
        return say("reading.mixed", parts="; ".join(_low(describe(part)) for part in reading.parts))
    known = (Kind.CONTINUOUS, Kind.AD_HOC, Kind.RELATIVE)
    return say(f"reading.{kind.name.lower()}" if kind in known else "reading.unreadable")


def _describe_periodic(reading: Reading) -> str:
    if not reading.every and reading.windows:
        said = say("reading.periodic", phrase=_low(_periodic(reading)))
    elif not reading.every:
        return say("reading.of_plan")
    else:
        said = say("reading.steps", steps=_joined(say(f"every.{e}") for e in reading.every))
    if reading.windows:
        shown = reading.windows[:4]
        exact = reading.rule.startswith(("weekday-", "days-of"))
        due = exact or reading.windows[0].opens_on is None
        days = (_day(w.due_on) if due else _period(w) for w in shown)
        more = " …" if len(shown) < len(reading.windows) else ""
        key = "reading.due_in" if due else "reading.periods_in"
        return say(key, said=said, year=reading.year, days=f"{', '.join(days)}{more}")
    return say("reading.due_day", said=said, day=reading.day) if reading.day else said


def _period(window: Window) -> str:
    vietnamese = texts.language() == "vi"
    return phrase(window.period, None) if vietnamese else texts.period(window.period)


def _plain_year(reading: Reading) -> int | None:
    """The plan's year where no window leaves it, so that it need not be written."""
    parts = [reading, *reading.parts]
    days = [d for r in parts for w in r.windows for d in (w.opens_on, w.due_on) if d]
    named = [y for r in parts for w in r.windows for y in re.findall(r"\b\d{4}\b", w.period)]
    same = all(d.year == reading.year for d in days) and all(int(y) == reading.year for y in named)
    return reading.year if same else None


def _windows(windows: Iterable[Window], year: int | None) -> str:
    said = [phrase(w.period, year) for w in windows]
    for unit in ("tháng ", "quý "):
        if len(said) > 1 and all(s.startswith(unit) for s in said):
            return unit + ", ".join(s.removeprefix(unit) for s in said)
    return "; ".join(said)


def _deadline(window: Window, year: int | None) -> str:
    said = phrase(window.period, year)
    return f"Chậm nhất {said}" if said.startswith("ngày") else f"Hoàn thành trong {said}"


def _part(part: Reading, year: int | None) -> str:
    if part.kind in (Kind.WINDOW, Kind.WINDOWS):
        return _windows(part.windows, year)
    if part.kind is Kind.DEADLINE:
        return "; ".join(_deadline(w, year) for w in part.windows)
    return canonical(part)


def _periodic(reading: Reading) -> str:
    if not reading.every:
        length = re.fullmatch(r"every-(\d+)-months", reading.rule)
        return f"{length[1]} tháng một lần" if length else "Định kỳ"
    if reading.rule.startswith("month-of-quarter-"):
        return f"Tháng {'đầu' if reading.rule.endswith('dau') else 'cuối'} mỗi quý"
    if reading.rule == "days-of-month":
        return f"Ngày {_days(reading)} hàng tháng"
    if reading.rule.startswith("weekday-"):
        days = reading.rule.removeprefix("weekday-").split("-")
        return _cap(", ".join(_WEEKDAYS[int(d)] for d in days)) + " hàng tuần"
    if reading.rule.startswith("before-last-of-"):
        every = reading.every[0]
        where = _DAY_OF[reading.rule.removeprefix("before-last-of-")].get(every)
        return f"Trước ngày 31 của {where}" if where else f"Trước ngày cuối cùng của {STEP[every]}"
    if reading.rule == "day-of-last" and reading.every == (Every.YEAR,):
        return "Ngày cuối cùng của năm"
    if reading.windows and not reading.rule.startswith("day-of-"):
        year = _plain_year(reading)
        said = [
            _deadline(w, year) if w.opens_on is None else _windows([w], year)
            for w in reading.windows
        ]
        steps = ", ".join(STEP[e] for e in reading.every)
        return _cap("; ".join(said)) + f" hàng {steps}"
    if reading.windows:
        last = reading.rule.removeprefix("day-of-")
        return f"Chậm nhất ngày {reading.day} của {_DAY_OF[last][reading.every[0]]}"
    steps = "Hàng " + ", ".join(STEP[e] for e in reading.every)
    return f"Ngày {reading.day} {_low(steps)}" if reading.day else steps


def _days(reading: Reading) -> str:
    """The days of the month of a reading that has several: the longest month shows them all."""
    months: dict[int, list[int]] = {}
    for window in reading.windows:
        months.setdefault(window.due_on.month, []).append(window.due_on.day)
    return ", ".join(map(str, max((len(days), days) for days in months.values())[1]))


def _day(day: date | None) -> str:
    if texts.language() == "vi":
        return f"{day:%d/%m/%Y}" if day else ""
    return texts.day(day) if day else ""


def _count(n: int) -> str:
    return say(f"number.{n}") if 0 < n < 10 else str(n)


def _joined(said: Iterable[str]) -> str:
    *most, last = said
    return f"{', '.join(most)} {say('word.and')} {last}" if most else last


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]


def _low(text: str) -> str:
    return text[:1].lower() + text[1:]
