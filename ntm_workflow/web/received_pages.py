"""Mails that came in: what is not clear waits here for a person, who gives it to a task."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.chase import assigning, mail_receipt
from ntm_workflow.chase.assigning import Wanted
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import received
from ntm_workflow.store.tables import Task
from ntm_workflow.web import acts, downloads, forms, visitor
from ntm_workflow.web.desk import opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble, Typed
from ntm_workflow.web.records import rest
from ntm_workflow.web.task_pages import Id
from ntm_workflow.work import received as work
from ntm_workflow.work.audit import Actor

router = APIRouter()
PATH = "/thu-tra-loi"


@router.get("/thu-tra-loi")
def mail_list(request: Request) -> Response:
    return _show(request)


@router.post("/thu-tra-loi/{number}/da-xem")
def seen(request: Request, number: Id, form: Posted) -> Response:
    rt = up_to_date(request)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        with rt.sessions.begin() as session:
            work.seen(session, number, now=rt.now(), actor=visitor.actor(request))
    except Refused as error:
        return _show(request, forms.trouble("da-xem", error))
    return RedirectResponse(f"{PATH}?xong=1", 303)


@router.post("/thu-tra-loi/{number}/giao")
def assign(request: Request, number: Id, form: Posted) -> Response:
    """Give a mail to a task; with a document, hand in what it brings."""
    rt, typed = up_to_date(request), forms.typed(f"giao-{number}", form)

    def actor_for(task: Task) -> Actor:
        who = visitor.somebody(request)
        return acts.actor("office", task, rt.plan_of(task.plan_id), who)

    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if not typed.get("viec"):
            raise Refused("received.no_task")
        made = assigning.assign(rt, number, _wanted(typed), actor_for)
    except (Refused, NotFound) as error:
        if error.key == "received.gone":
            raise
        return _show(request, forms.trouble(typed.act, error), typed)
    return RedirectResponse(f"{PATH}?xong={'nop' if made else 'giao'}", 303)


def _wanted(typed: Typed) -> Wanted:
    number = typed.get("so_van_ban")
    if not number:
        return Wanted(typed.get("viec"))
    day = typed.day("ngay") if typed.get("ngay") else None
    return Wanted(typed.get("viec"), number, day, typed.get("trich_yeu"),
                  typed.get("ly_do_qua_han"))  # fmt: skip


@router.get("/thu-tra-loi/{number}/tep/{index}")
def one_file(request: Request, number: Id, index: int) -> Response:
    """A file of a mail, only ever as a download."""
    found = assigning.files(up_to_date(request), number)
    if not 0 < index <= len(found):
        raise NotFound("file.unknown")
    name, data = found[index - 1]
    return downloads.held(data, name)


@router.get("/thu-tra-loi/{number}/{name}")
def back_to_list(number: Id, name: str) -> Response:
    """Reloading the address of a form leads back to the list."""
    return RedirectResponse(PATH, 303)


def _day_typed(iso: str) -> str:
    """A day as it is typed in either language: "25/6/2020"."""
    day = date.fromisoformat(iso)
    return f"{day.day}/{day.month}/{day.year}"


def _show(request: Request, trouble: Trouble | None = None, typed: Typed | None = None) -> Response:
    asked = dict(request.query_params)
    everything = asked.get("xem") == "tat-ca"
    with opened(request) as desk:
        found = received.page(
            desk.session, everything=everything, older=forms.integer(asked.get("cu-hon")),
            newer=forms.integer(asked.get("moi-hon")),
        )  # fmt: skip
        return desk.page(
            "received.html", trouble.status if trouble else 200, found=found,
            everything=everything, trouble=trouble, done=asked.get("xong", ""),
            typed=typed or Typed("", {}), question=mail_receipt.data, day_typed=_day_typed,
            codes=received.codes(desk.session, found.items),
            address=rest(PATH, asked, "cu-hon", "moi-hon", "xong"),
        )  # fmt: skip
