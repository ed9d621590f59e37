"""The board: what today asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.errors import NtmError
from ntm_workflow.reports import bodies, counts, notices, tasks, trail
from ntm_workflow.web import visitor
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble
from ntm_workflow.work.accounts import Role

router = APIRouter()
FEW = 8
# What the machine does all day; the board shows what people did.
_ROUTINE = ("notice.queued", "notice.sent", "task.opened", "clock.set", "account.signed_in",
            "account.signed_out")  # fmt: skip


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
        return desk.page(
            "board.html", trouble.status if trouble else 200,
            trouble=trouble, running=running,
            counts=counts.counts(session, plan.id, today),
            late=tasks.first(session, plan, "open_overdue", today, 6),
            week=tasks.first(session, plan, "this_week", today, FEW),
            review=tasks.first(session, plan, "to_review", today, 6),
            mails=notices.of_day(session, plan.id, today, FEW),
            trail=trail.newest(session, 6, without=_ROUTINE),
            ahead=_ahead(desk), faults=desk.faults(), unreached=bodies.unreached(session, plan),
        )  # fmt: skip


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
