"""Plan → what runs when. Pure: the one list behind Prefect's deployments and the simulation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan, Row
from ntm_workflow.calendar.occurrences import Occurrence, occurrences
from ntm_workflow.calendar.quarters import quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

EVERY_DAY = frozenset(range(7))
# Saturday is in it for the Saturdays that are worked in exchange; on a day off
# the flows themselves find that nothing may be sent.
WORK_DAYS = frozenset(range(6))
DATES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Planned:
    """One deployment: a flow, its parameters, and the days it runs on.

    `days` are explicit days; None means every day whose weekday (Monday is 0)
    is in `weekdays`. `at` is the (first) local time of such a day and `cron`
    what Prefect is given where there are no explicit days. `row` is the row it
    opens, None for the runs of all plans; `plan` its plan, None for that of the
    installation's own file.
    """

    name: str
    flow: str
    at: time
    title: str
    description: str
    days: tuple[date, ...] | None = None
    weekdays: frozenset[int] = frozenset()
    cron: str | None = None
    row: str | None = None
    plan: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def runs_on(self, day: date) -> bool:
        return day.weekday() in self.weekdays if self.days is None else day in self.days

    def next_day(self, today: date) -> date | None:
        """The first explicit day on or after `today`; None where there is none."""
        return min((day for day in self.days or () if day >= today), default=None)


def planned(plan: Plan, days: WorkCalendar) -> tuple[Planned, ...]:
    """Return everything that runs where `plan` is the only one."""
    return _all([plan], days, plan.id)


@lru_cache(maxsize=4)
def of(rt: Runtime) -> tuple[Planned, ...]:
    """Return everything that runs under the plans in force, in the order of a day."""
    return _all(rt.in_force, rt.days, rt.own)


def _all(plans: Sequence[Plan], days: WorkCalendar, own: str) -> tuple[Planned, ...]:
    """The rows of each plan, and what runs for all of them.

    A row runs on the days its occurrences open, whether or not they are worked;
    what a missed run leaves closed, the daily "open-due" opens. Only the plan
    `own` goes without its id, so that its runs keep their names whatever other
    plans come and go.
    """
    rows = [_row(row, plan, days, plan.id == own) for plan in plans for row in plan.all_rows]
    quarterly = sorted({run.day for plan in plans for run in quarter_runs(plan, days)})
    whole = [
        _every("open-due", "open_due", time(6, 45), "45 6", EVERY_DAY),
        _every("nightly-backup", "nightly_backup", time(1, 30), "30 1", EVERY_DAY),
        _every("sign-audit", "sign_audit", time(7, 0), "0 7", EVERY_DAY),
        _every("send-reminders", "send_reminders", time(7, 30), "30 7", WORK_DAYS),
        _dated("quarterly-reminder", "quarterly_reminder", time(7, 45), quarterly),
        _every("collect-evidence", "collect_evidence", time(8, 5), "*/5 7-17", WORK_DAYS),
        _every("deliver", "deliver", time(8, 10), "*/10 7-17", WORK_DAYS),
    ]
    return tuple(sorted([*rows, *whole], key=lambda item: item.at))


def due_on_day(items: Iterable[Planned], day: date) -> Iterator[Planned]:
    """Yield, in order, what runs on a day; what repeats within the day comes once."""
    return (item for item in sorted(items, key=lambda item: item.at) if item.runs_on(day))


def days_to(first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` to `last`, both inclusive; `first` even if it is later."""
    yield first
    while first < last:
        first += timedelta(days=1)
        yield first


def deployment_name(row_id: str) -> str:
    """The deployment of a row: "II.2" → "row-ii-2"."""
    return "row-" + re.sub(r"[^a-z0-9]+", "-", row_id.lower()).strip("-")


def _row(row: Row, plan: Plan, days: WorkCalendar, own: bool) -> Planned:
    found = [] if row.reading.question else list(occurrences(row, plan, days))
    name, parameters = deployment_name(row.id), {"row_id": row.id}
    return Planned(
        name=name if own else f"{plan.id}-{name}",
        flow="open_tasks",
        at=time(6, 30),
        title=f"{row.id} — {row.content}",
        description=_row_description(row, plan, found),
        days=tuple(sorted({occurrence.opens_on for occurrence in found})),
        row=row.id,
        plan=None if own else plan.id,
        parameters=parameters if own else {**parameters, "plan_id": plan.id},
    )


def _row_description(row: Row, plan: Plan, found: list[Occurrence]) -> str:
    dates = [
        texts.say(
            "schedule.date", period=texts.period(o.period), opens_on=o.opens_on, due_on=o.due_on
        )
        for o in found[:DATES_SHOWN]
    ]
    if len(found) > DATES_SHOWN:
        dates.append(texts.say("schedule.more", count=len(found) - DATES_SHOWN))
    if row.reading.question:
        dates = [texts.say("schedule.question", question=row.reading.question.text)]
    cells = texts.say(
        "schedule.row",
        plan=plan.code,
        row=row.id,
        content=row.content,
        timing=row.timing_text,
        implementing=row.implementing_text,
    )
    return "\n".join([cells, "", *(f"- {one}" for one in dates)])


def _every(name: str, flow: str, at: time, minutes: str, weekdays: frozenset[int]) -> Planned:
    cron = f"{minutes} * * {'*' if weekdays == EVERY_DAY else '1-6'}"
    title, description = _said(name)
    return Planned(name, flow, at, title, description, weekdays=weekdays, cron=cron)


def _dated(name: str, flow: str, at: time, days: list[date]) -> Planned:
    title, description = _said(name)
    return Planned(name, flow, at, title, description, days=tuple(days))


def _said(name: str) -> tuple[str, str]:
    key = f"schedule.{name.replace('-', '_')}"
    return texts.say(f"{key}.title"), texts.say(key)
