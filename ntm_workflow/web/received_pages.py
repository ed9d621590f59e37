"""Mails that came in: what answers no message of ours waits here for a person."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.errors import Refused
from ntm_workflow.reports import received
from ntm_workflow.web import forms, visitor
from ntm_workflow.web.desk import opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble
from ntm_workflow.web.records import rest
from ntm_workflow.web.task_pages import Id
from ntm_workflow.work import received as work

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


@router.get("/thu-tra-loi/{number}/da-xem")
def back_to_list(number: Id) -> Response:
    """Reloading the address of the form leads back to the list."""
    return RedirectResponse(PATH, 303)


def _show(request: Request, trouble: Trouble | None = None) -> Response:
    asked = dict(request.query_params)
    everything = asked.get("xem") == "tat-ca"
    with opened(request) as desk:
        found = received.page(
            desk.session, everything=everything, older=forms.integer(asked.get("cu-hon")),
            newer=forms.integer(asked.get("moi-hon")),
        )  # fmt: skip
        return desk.page(
            "received.html", trouble.status if trouble else 200, found=found,
            everything=everything, trouble=trouble, done="xong" in asked,
            address=rest(PATH, asked, "cu-hon", "moi-hon", "xong"),
        )  # fmt: skip
