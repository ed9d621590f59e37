"""Working days: Monday to Friday, less public holidays, plus ordered make-up days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import holidays

from ntm_workflow.appendix.model import OrderedDay

DAY = timedelta(days=1)

# Orders that the package misses; a plan's own ordered days come on top.
ORDERED = (
    OrderedDay(date(2026, 1, 2), True, "12729/VPCP-KGVX"),
    OrderedDay(date(2026, 1, 10), False, "12729/VPCP-KGVX"),
)


class WorkCalendar:
    """Which days are worked, and why not.

    Public holidays and the weekends worked in exchange come from the package
    `holidays` (country VN, lunar days included); `ordered` days, off or worked,
    override them and carry the document that ordered them. Days are calendar
    days in Asia/Ho_Chi_Minh.

    Source: Labour Code 2019, Article 112; Civil Code 2015, Article 148(5).
    """

    def __init__(self, ordered: Iterable[OrderedDay] = ()) -> None:
        self._ordered = {day.day: day for day in (*ORDERED, *ordered)}
        self._years: dict[int, tuple[dict[date, str], frozenset[date]]] = {}

    def reason_off(self, day: date) -> str | None:
        """Why `day` is not worked, in Vietnamese; None when it is worked."""
        if ordered := self._ordered.get(day):
            return f"nghỉ theo {ordered.document}" if ordered.off else None
        public, made_up = self._year(day.year)
        if day in public:
            return public[day]
        if day in made_up or day.weekday() < 5:
            return None
        return "thứ Bảy" if day.weekday() == 5 else "Chủ nhật"

    def worked(self, day: date) -> bool:
        return self.reason_off(day) is None

    def next(self, day: date) -> date:
        """The first working day on or after `day`."""
        while not self.worked(day):
            day += DAY
        return day

    def previous(self, day: date) -> date:
        """The last working day on or before `day`."""
        while not self.worked(day):
            day -= DAY
        return day

    def add(self, day: date, working_days: int) -> date:
        """The day that is `working_days` working days after (negative: before) `day`."""
        step = DAY if working_days >= 0 else -DAY
        for _ in range(abs(working_days)):
            day += step
            while not self.worked(day):
                day += step
        return day

    def shift(self, day: date, rule: str) -> date:
        """Move a day off by the rule "next", "previous" or "none"."""
        if rule == "next":
            return self.next(day)
        if rule == "previous":
            return self.previous(day)
        return day

    def _year(self, year: int) -> tuple[dict[date, str], frozenset[date]]:
        if year not in self._years:
            found = holidays.country_holidays("VN", years=year, language="vi")
            public = {day: str(name) for day, name in found.items()}
            self._years[year] = (public, frozenset(found.weekend_workdays))
        return self._years[year]
