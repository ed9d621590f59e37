"""Working days: Monday to Friday, less public holidays, plus ordered make-up days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import holidays

from ntm_workflow.appendix.model import OrderedDay, Plan
from ntm_workflow.calendar.documents import ORDERED

DAY = timedelta(days=1)
YEARS = range(1976, 2100)  # what the lunar tables and the law since reunification reach


class WorkCalendar:
    """Which days are worked, and why not.

    Public holidays and the weekends worked in exchange come from the package
    `holidays` (country VN, lunar days included). Ordered days, off or worked,
    override them and carry the document that ordered them: first those of
    `documents.ORDERED`, then those of the plans (`ordered`), then those recorded
    in the database (`recorded`, of which `mark` entries had been seen). Days
    are calendar days in Asia/Ho_Chi_Minh.

    Source: Labour Code 2019, Article 112; Civil Code 2015, Article 148(5).
    """

    def __init__(
        self,
        ordered: Iterable[OrderedDay] = (),
        recorded: Iterable[OrderedDay] = (),
        mark: int = 0,
    ) -> None:
        self.mark = mark
        self._of_plan, self._recorded = tuple(ordered), tuple(recorded)
        known = (*ORDERED, *self._of_plan, *self._recorded)
        self._ordered = {day.day: day for day in known}
        self._years: dict[int, tuple[dict[date, str], frozenset[date]]] = {}

    @classmethod
    def of(
        cls, plans: Iterable[Plan], recorded: Iterable[OrderedDay] = (), mark: int = 0
    ) -> WorkCalendar:
        """One calendar for all plans: a day off is off for everybody, whichever plan says so."""
        ordered = sorted(plans, key=lambda plan: (plan.effective_on, plan.id))
        return cls((day for plan in ordered for day in plan.ordered_days), recorded, mark)

    def recording(self, recorded: Iterable[OrderedDay], mark: int) -> WorkCalendar:
        """The same calendar with other recorded days."""
        return WorkCalendar(self._of_plan, recorded, mark)

    def ordering(self, before: Iterable[OrderedDay], now: Iterable[OrderedDay]) -> WorkCalendar:
        """The same calendar where a plan orders days `now` instead of `before`."""
        gone = set(before) - set(now)
        kept = (day for day in self._of_plan if day not in gone)
        return WorkCalendar((*kept, *now), self._recorded, self.mark)

    def reason_off(self, day: date) -> str | None:
        """Why `day` is not worked, in Vietnamese; None when it is worked."""
        public, made_up = self._year(day.year)
        if ordered := self._ordered.get(day):
            if not ordered.off:
                return None
            name = public.get(day)
            return f"{name}, theo {ordered.document}" if name else f"nghỉ theo {ordered.document}"
        if day in public:
            return public[day]
        if day in made_up or day.weekday() < 5:
            return None
        return "thứ Bảy" if day.weekday() == 5 else "Chủ nhật"

    def order_of(self, day: date) -> OrderedDay | None:
        """The order that decides about `day`, if any."""
        return self._ordered.get(day)

    def holiday(self, day: date) -> str | None:
        """The public holiday of `day`, by law or by the package's guess; None if none."""
        return self._year(day.year)[0].get(day)

    def documents(self, year: int) -> tuple[str, ...]:
        """The documents that ordered days of a year, in the order of their first day."""
        found = [self._ordered[day].document for day in sorted(self._ordered) if day.year == year]
        return tuple(dict.fromkeys(found))

    def certain(self, year: int, today: date) -> bool:
        """Whether the days off of a year are known, and not only expected.

        They are where the year is this one or past, and where a document has
        ordered any day of it: Tết and the swaps are settled year by year.
        """
        return year <= today.year or bool(self.documents(year))

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
