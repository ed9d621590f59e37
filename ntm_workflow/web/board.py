"""The board: what today asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.errors import NtmError
from ntm_workflow.reports import (
    bodies,
    body_history,
    notices,
    review_queue,
    standings,
    tally,
    tasks,
    trail,
)
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.tasks import Listed
from ntm_workflow.web import visitor, words
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble
from ntm_workflow.web.guard import LIVE_POLICY
from ntm_workflow.work import objections
from ntm_workflow.work.accounts import Role

router = APIRouter()
FEW = 8
_LISTS = {"open_overdue": 6, "this_week": FEW, "to_review": 6}
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


@router.get("/")
def overview(request: Request) -> Response:
    if visitor.somebody(request).role is Role.OFFICE:  # the board counts everybody's work
        return RedirectResponse("/viec", 303)
    return show(request)


def show(request: Request, trouble: Trouble | None = None) -> Response:
    with opened(request) as desk:
        session, plan, today = desk.session, desk.plan, desk.today
        running = _running() if desk.simulated_on else False
        numbers, firsts = desk.kept("board", lambda: (
            tally.numbers(
                session, plan.id, _NUMBERS, today, standings.week_end(today),
                unreached=bodies.unreached(session, plan), objected=objections.count(plan.id),
                handed=body_history.count(today),
            ),
            tasks.firsts(session, plan, _LISTS, today),
        ))  # fmt: skip
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
            ahead=_ahead(desk), faults=desk.faults(),
            unreached=numbers["unreached"], objected=numbers["objected"],
            handed=numbers["handed"],
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


def _running() -> bool:
    """Whether a step of the simulation is under way; no, where nobody can tell."""
    try:
        from ntm_workflow.serve import control

        return control.progress().running
    except (ImportError, NtmError):
        return False
