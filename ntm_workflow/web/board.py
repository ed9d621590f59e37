"""The board: what today asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.calendar.workdays import DAY
from ntm_workflow.chase import reminders
from ntm_workflow.errors import NtmError
from ntm_workflow.reports import (
    bodies,
    body_history,
    glance,
    notices,
    review_queue,
    tasks,
    trail,
    watch,
)
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.tasks import Listed
from ntm_workflow.web import visitor, words
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble
from ntm_workflow.web.guard import LIVE_POLICY
from ntm_workflow.work import extensions, objections
from ntm_workflow.work.accounts import Role

router = APIRouter()
FEW = 6
MANY = 10_000  # tasks whose turn has come: more are not counted
_LISTS = {"open_overdue": FEW, "this_week": 8, "to_review": FEW}
_NUMBERS = (*words.COUNTS, "this_week", "to_review")


@dataclass(frozen=True, slots=True)
class Some:
    """The first few of `total` tasks."""

    total: int
    items: list[Listed]


@dataclass(frozen=True, slots=True)
class Ahead:
    """Rows that open on one day soon: the day, and (row, period, due day, tasks) of each."""

    day: date
    items: list[tuple[str, str, date, int]]


@dataclass(frozen=True, slots=True)
class Run:
    """A kind of run: when it last finished, and the day of the next one."""

    name: str
    last: datetime | None
    next: date | None


@router.get("/")
def overview(request: Request) -> Response:
    if visitor.somebody(request).role is Role.OFFICE:  # the board counts everybody's work
        return RedirectResponse("/viec", 303)
    return show(request)


def show(request: Request, trouble: Trouble | None = None) -> Response:
    with opened(request) as desk:
        session, plan, today = desk.session, desk.plan, desk.today
        running = _running() if desk.simulated_on else False
        turns = _next_turns(desk)
        seen, firsts = desk.kept("board", lambda: (
            glance.glance(
                session, plan, _NUMBERS, today,
                unreached=bodies.unreached(session, plan), handed=body_history.count(today),
                extension=extensions.count(plan.id), objection=objections.count(plan.id),
                turns=reminders.coming(plan, turns, MANY + 1),
            ),
            tasks.firsts(session, plan, _LISTS, today),
        ))  # fmt: skip
        numbers, looked = seen.numbers, desk.look()
        response = desk.page(
            "board.html", trouble.status if trouble else 200,
            trouble=trouble, running=running,
            counts=Counts(*(numbers[name] for name in words.COUNTS)),
            late=Some(numbers["open_overdue"], firsts["open_overdue"]),
            week=Some(numbers["this_week"], firsts["this_week"]),
            review=Some(numbers["to_review"], firsts["to_review"]),
            office=desk.kept("office", lambda: review_queue.of_office(session, plan)),
            named=desk.body_name,
            mails=notices.of_day(session, plan.id, today, FEW),
            trail=desk.kept("deeds", lambda: trail.deeds(session, 6)),
            ahead=_ahead(desk), faults=looked.faults, numbers=numbers, many=MANY,
            at_risk=seen.at_risk, soon_until=glance.soon_until(today),
            silent=seen.silent, silent_is_least=seen.is_least,
            undated=sum(row.reading.question is not None for row in plan.all_rows), few=FEW,
            runs=_runs(desk, looked.ran), turns=turns,
        )  # fmt: skip
    response.headers["content-security-policy"] = LIVE_POLICY
    return response


def _ahead(desk: Desk, days: int = 3) -> list[Ahead]:
    """The next days on which rows open."""
    coming = (o for o in desk.occurrences if o.opens_on > desk.today)
    made = []
    for day, group in groupby(coming, key=lambda o: o.opens_on):
        items = [
            (o.row_id, o.period, o.due_on, len(desk.plan.row(o.row_id).implementing)) for o in group
        ]
        made.append(Ahead(day, items))
        if len(made) == days:
            break
    return made


def _next_turns(desk: Desk) -> date:
    """The working day after today: what will be sent by then is told on the board."""
    return desk.rt.days.next(desk.today + DAY)


def _runs(desk: Desk, ran: Mapping[str, datetime]) -> list[Run]:
    """Each kind of run: when it last finished, and the day of the next one."""
    coming = watch.next_runs(desk.rt.in_force, desk.rt.days, desk.today, ran)
    return [Run(name, ran.get(name), coming.get(name)) for name in watch.RUNS
            if name in ran or name in coming]  # fmt: skip


def _running() -> bool:
    """Whether a step of the simulation is under way; no, where nobody can tell."""
    try:
        from ntm_workflow.serve import control

        return control.progress().running
    except (ImportError, NtmError):
        return False
