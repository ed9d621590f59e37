"""Say a reading: to a clerk in one sentence, and as a timing phrase that reads the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from ntm_workflow.appendix.model import Every, Kind, Reading, Window
from ntm_workflow.appendix.text import nfc
from ntm_workflow.appendix.timing_days import phrase
from ntm_workflow.appendix.timing_item import STEP

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
    """Return one short Vietnamese sentence, without its full stop: how it was understood."""
    kind = reading.kind
    said = [phrase(w.period, None) for w in reading.windows]
    if kind is Kind.WINDOW and reading.windows:
        window = reading.windows[0]
        return f"Một kỳ: {said[0]} ({_day(window.opens_on)}–{_day(window.due_on)})"
    if kind is Kind.WINDOWS:
        return f"{_count(len(said))} kỳ: {_listed(said)}"
    if kind is Kind.DEADLINE:
        return "Hạn: " + _listed(f"hết ngày {_day(w.due_on)}" for w in reading.windows)
    if kind is Kind.PERIODIC:
        return _describe_periodic(reading)
    if kind is Kind.CONTINUOUS:
        return "Thường xuyên: báo tình hình mỗi quý"
    if kind is Kind.AD_HOC:
        return "Đột xuất: có việc khi được giao"
    if kind is Kind.MIXED:
        return "Nhiều loại: " + "; ".join(_low(describe(part)) for part in reading.parts)
    if kind is Kind.RELATIVE:
        return "Chưa có ngày: phụ thuộc vào việc khác, chờ nhập ngày"
    return "Không đọc được, chờ nhập lại"


def _describe_periodic(reading: Reading) -> str:
    if not reading.every and reading.windows:
        said = f"Định kỳ: {_low(_periodic(reading))}"
    elif not reading.every:
        return "Định kỳ: theo các kỳ báo cáo của kế hoạch"
    else:
        said = f"Định kỳ: hàng {_listed(STEP[e] for e in reading.every)}"
    if reading.windows:
        shown = reading.windows[:4]
        exact = reading.rule.startswith(("weekday-", "days-of"))
        due = exact or reading.windows[0].opens_on is None
        days = (_day(w.due_on) if due else phrase(w.period, None) for w in shown)
        kind = "hạn " if due else ""
        more = " …" if len(shown) < len(reading.windows) else ""
        return f"{said}; năm {reading.year}: {kind}{', '.join(days)}{more}"
    return f"{said}, hạn ngày {reading.day}" if reading.day else said


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
    return f"{day:%d/%m/%Y}" if day else ""


def _count(n: int) -> str:
    return (
        ("", "Một", "Hai", "Ba", "Bốn", "Năm", "Sáu", "Bảy", "Tám", "Chín")[n] if n < 10 else str(n)
    )


def _listed(said: Iterable[str]) -> str:
    *most, last = said
    return f"{', '.join(most)} và {last}" if most else last


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]


def _low(text: str) -> str:
    return text[:1].lower() + text[1:]
