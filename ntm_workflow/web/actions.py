"""What forms do. Each answers with a redirect, or shows the form again with what was typed."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm.exc import StaleDataError

from ntm_workflow.calendar.periods import last_day
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.runtime import Runtime
from ntm_workflow.web import acts, board, forms, task_pages, visitor
from ntm_workflow.web.acts import ACTS, Act, Deed
from ntm_workflow.web.desk import up_to_date
from ntm_workflow.web.forms import Posted, Typed
from ntm_workflow.work import tasks
from ntm_workflow.work.accounts import Who

log = logging.getLogger("ntm.web")
router = APIRouter()


@router.post("/viec/{task_id}/{name}")
def act_on_task(request: Request, task_id: task_pages.Id, name: str, form: Posted) -> Response:
    if name not in ACTS:
        raise NotFound("page.missing")
    rt = up_to_date(request)
    typed = forms.typed(name, form)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if name == "nop":
            secret = request.app.state.secret
            forms.keep_files(form, typed, rt.files, secret, f"task/{task_id}")
        _act(rt, task_id, ACTS[name], typed, visitor.somebody(request))
    except Refused as error:
        log.info("refused task=%s act=%s key=%s", task_id, name, error.key)
        seen = forms.integer(typed.get("moc"))
        trouble = forms.trouble(name, error)
        return task_pages.show(request, task_id, typed=typed, trouble=trouble, seen=seen)
    return RedirectResponse(f"/viec/{task_id}?xong={name}", 303)


def _act(rt: Runtime, task_id: int, act: Act, typed: Typed, who: Who) -> None:
    today, now = rt.today(), rt.now()
    code = str(task_id)
    try:
        with rt.sessions.begin() as session:
            task = tasks.find(session, code)
            code = task.code
            plan = rt.plan_of(task.plan_id)
            by = acts.actor(act.role, task, plan, who)
            tasks.same_version(task, forms.integer(typed.get("phien_ban")) or 0)
            act.run(Deed(rt, plan, session, task, by, now, today, typed))
    except StaleDataError as error:  # somebody was faster between our reading and our writing
        raise StaleEdit("task.changed", task=code) from error


@router.get("/viec/{task_id}/{name}")
def back_to_task(task_id: task_pages.Id, name: str) -> Response:
    """Reloading the address of a form leads back to its task."""
    return RedirectResponse(f"/viec/{task_id}", 303)


# -- the simulation ----------------------------------------------------------------


@router.post("/mo-phong")
def move_on(request: Request, form: Posted) -> Response:
    rt: Runtime = request.app.state.rt
    step = str(form.get("buoc", ""))
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        today = rt.simulated_on()
        if today is None:
            raise Refused("control.no_simulation")
        _start(_target(step, today))
    except (Refused, NotFound) as error:
        return board.show(request, forms.trouble("mo-phong", error))
    return RedirectResponse("/", 303)


def _target(step: str, today: date) -> date:
    """The day up to which a step of the simulation goes, inclusive."""
    tomorrow = today + timedelta(days=1)
    match step:
        case "ngay":
            return tomorrow
        case "tuan":
            return today + timedelta(days=7)
        case "thang":
            return last_day(today.year, today.month) + timedelta(days=1)
        case "quy":
            return last_day(tomorrow.year, (tomorrow.month + 2) // 3 * 3)
    raise Refused("form.unknown")


def _start(to: date) -> None:
    try:
        from ntm_workflow.serve import control
    except ImportError as error:
        raise Refused("control.missing") from error
    control.start_advance(to)
