"""Chase by hand: what was chosen → a look at what will be sent → sent, once a day each.

The address says what is chosen, as the list of tasks does: `?viec=412`, `?dong=III.1`,
`?don-vi=bql-tan-lap`, `?tinh-trang=qua-han`. Forms keep it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import by_hand
from ntm_workflow.chase.by_hand import Chosen, Preview
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import dossier, tasks
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import say
from ntm_workflow.web import forms, task_filter, ticks, visitor
from ntm_workflow.web.desk import Desk, opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble
from ntm_workflow.web.rights import Forbidden
from ntm_workflow.web.which_plan import FIELD
from ntm_workflow.work.accounts import Who
from ntm_workflow.work.audit import Actor

log = logging.getLogger("ntm.web")
router = APIRouter()
PATH = "/don-doc"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an address chooses: tasks of one plan, what they are called, where they are seen."""

    plan: Plan
    ids: Chosen
    name: str
    back: str
    query: str


@router.get(PATH)
def ask(request: Request) -> Response:
    return _show(request)


@router.post(PATH)
def chase(request: Request, form: Posted) -> Response:
    """`buoc=xem` shows what will be sent, `buoc=gui` lets it be sent."""
    note, step = forms.clean(str(form.get("y_kien", ""))), str(form.get("buoc", ""))
    rt = up_to_date(request)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if step not in ("xem", "gui"):
            raise Refused("form.unknown")
        with opened(request) as desk:
            choice = _choice(desk)
            when: dict[str, Any] = {"today": desk.today, "now": desk.now, "note": note}
        if step == "xem":
            seen = by_hand.preview(rt, choice.plan, choice.ids, **when)
            return _show(request, note=note, seen=seen)
        by = _actor(visitor.somebody(request), choice.plan)
        with rt.sessions.begin() as session:
            done = by_hand.queue(session, choice.plan, choice.ids, actor=by, **when)
    except NotFound:
        raise
    except Refused as error:
        log.info("refused chase key=%s", error.key)
        return _show(request, note=note, trouble=forms.trouble("don-doc", error))
    counted = {"thu": len(done.told), "so-viec": done.tasks}
    return RedirectResponse(f"{PATH}?{choice.query}&{urlencode({'xong': 1, **counted})}", 303)


def _actor(who: Who, plan: Plan) -> Actor:
    """Who chases, for the plan's coordination office. Raises Forbidden."""
    if not who.coordinates(plan.coordination_office):
        raise Forbidden("rights.act")
    return who.actor(plan.coordination_office)


def _show(
    request: Request, note: str = "", seen: Preview | None = None, trouble: Trouble | None = None
) -> Response:
    asked = request.query_params
    told, count = (forms.integer(asked.get(name)) or 0 for name in ("thu", "so-viec"))
    done = say("hand.done" if told else "hand.nobody", notices=told, tasks=count)
    with opened(request) as desk:
        choice = _choice(desk)
        return desk.page(
            "chase.html", trouble.status if trouble else 200, choice.plan, choice=choice,
            standing=by_hand.standing(desk.session, choice.ids, desk.today), note=note, seen=seen,
            trouble=trouble, done=done if asked.get("xong") and not (seen or trouble) else "",
            limit=by_hand.NOTE_LIMIT, most=by_hand.TEXTS,
        )  # fmt: skip


def _choice(desk: Desk) -> Choice:
    """What the address chooses. Raises NotFound for a task, row or body that is not there."""
    asked = desk.request.query_params
    if "viec" in asked:
        return _of_task(desk, asked["viec"])
    found = task_filter.read(asked, desk)
    if found.problems:
        raise NotFound("page.missing")  # never more than was meant
    back = f"/viec?{found.query}"
    ticked = ticks.read(asked)
    if ticks.MARK in asked and not ticked:
        raise Refused("many.unticked")  # not the whole list instead
    if ticked:
        ids = select(Task.id).where(Task.plan_id == desk.plan.id, Task.id.in_(ticked))
        name = say("hand.of.ticked", count=len(ticked))
        return Choice(desk.plan, ids, name, back, ticks.query(found, ticked))
    ids = tasks.ids(desk.session, desk.plan, found.only, desk.today)
    return Choice(desk.plan, ids, _name(desk, found.only, found.values), back, found.query)


def _of_task(desk: Desk, typed: str) -> Choice:
    number = forms.integer(typed)
    task = dossier.task(desk.session, number) if number else None
    if task is None:
        raise NotFound("task.unknown", task=typed)
    query = urlencode({"viec": typed, **task_filter.kept(desk.request.query_params)})
    ids = select(Task.id).where(Task.id == task.id)
    plan = desk.rt.plan_of(task.plan_id)
    return Choice(plan, ids, say("hand.of.task", name=task.code), f"/viec/{task.id}", query)


def _name(desk: Desk, only: Filter, asked: dict[str, str]) -> str:
    given = {name for name in asked if name != FIELD}
    if given == {"dong"}:
        return say("hand.of.row", name=only.row)
    if given == {"don-vi"}:
        return say("hand.of.body", name=desk.body_name(only.body))
    if given == {"tinh-trang"}:
        return say("hand.of.standing", name=say(f"standing.{only.standing}").lower())
    return say("hand.of.list")
