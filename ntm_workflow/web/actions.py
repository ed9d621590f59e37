"""What forms do. Each answers with a redirect, or shows the form again with what was typed."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm.exc import StaleDataError
from starlette.datastructures import FormData

from ntm_workflow.calendar.periods import last_day
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.runtime import Runtime
from ntm_workflow.texts import say
from ntm_workflow.web import acts, board, forms, handing_in, task_pages, ticks, visitor
from ntm_workflow.web.acts import ACTS, Act, Deed
from ntm_workflow.web.desk import up_to_date
from ntm_workflow.web.forms import Posted, Typed
from ntm_workflow.work import drafts, tasks
from ntm_workflow.work.accounts import Who

log = logging.getLogger("ntm.web")
router = APIRouter()


@router.post("/viec/{task_id}/{name}")
def act_on_task(request: Request, task_id: task_pages.Id, name: str, form: Posted) -> Response:
    if name == handing_in.SAVE:
        return _save(request, task_id, form)
    if name not in ACTS:
        raise NotFound("page.missing")
    rt, who = up_to_date(request), visitor.somebody(request)
    typed = forms.typed(name, form)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if name == "nop":
            _arrived(request, task_id, typed, form)
        do(rt, task_id, ACTS[name], typed, who)
    except Refused as error:
        log.info("refused task=%s act=%s key=%s", task_id, name, error.key)
        if name == "nop" and error.key != "form.expired":  # it outlives this page too
            handing_in.keep(rt, _owner(who), task_id, typed, visitor.clock())
        seen = forms.integer(typed.get("moc"))
        trouble = forms.trouble(name, error)
        return task_pages.show(request, task_id, typed=typed, trouble=trouble, seen=seen)
    return handing_in.done(request, f"/viec/{task_id}?xong={name}")


def _arrived(request: Request, task_id: int, typed: Typed, form: FormData) -> None:
    """Take in the files and the ticks of a form that hands in."""
    typed.ticked = ticks.read(form)
    rt, secret = request.app.state.rt, request.app.state.secret
    forms.keep_files(form, typed, rt.files, secret, f"task/{task_id}")


def _owner(who: Who) -> str:
    return f"account/{who.id}"


def _save(request: Request, task_id: int, form: FormData) -> Response:
    """Keep a draft of what somebody may hand in. Raises Forbidden."""
    rt, who, now = up_to_date(request), visitor.somebody(request), visitor.clock()
    back = RedirectResponse(f"/viec/{task_id}?xong={handing_in.SAVE}#nop", 303)
    if not forms.from_us(request, form):
        return handing_in.refused(request, say("form.expired"), back)
    with rt.reader() as session:
        task = tasks.find(session, str(task_id))
        acts.actor("office", task, rt.plan_of(task.plan_id), who)
        if task.state != "open":
            return handing_in.refused(request, say("draft.empty"), back)
    typed = forms.typed("nop", form)
    _arrived(request, task_id, typed, form)
    return handing_in.saved(
        request, now, handing_in.keep(rt, _owner(who), task_id, typed, now), back
    )


def do(rt: Runtime, task_id: int, act: Act, typed: Typed, who: Who) -> None:
    """Do one act on a task as it was seen, in one transaction.

    Raises:
        Forbidden: this account may not.
        StaleEdit: somebody else changed it since. Refused: the rules do not allow it.
    """
    today, now = rt.today(), rt.now()
    code = str(task_id)
    try:
        with rt.sessions.begin() as session:
            task = tasks.find(session, code)
            code = task.code
            plan = rt.plan_of(task.plan_id)
            by = acts.actor(act.role, task, plan, who)
            if typed.act == "nop" and handing_in.again(session, task, typed, by.via, by.name):
                return
            tasks.same_version(task, forms.integer(typed.get("phien_ban")) or 0)
            act.run(Deed(rt, plan, session, task, by, now, today, typed))
            if typed.act == "nop":
                drafts.drop(session, _owner(who), handing_in.place(task.id))
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
