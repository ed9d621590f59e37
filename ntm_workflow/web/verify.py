"""The page behind the link of a first mail: is this address yours? Open to everybody."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.chase import confirm
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.texts import say
from ntm_workflow.web import desk, forms
from ntm_workflow.web.forms import Posted
from ntm_workflow.work import contacts
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By

router = APIRouter()
OWNER = Actor("chủ địa chỉ", "office", via="link")


@router.get("/v/xac-nhan/{token}")
def ask(request: Request, token: str) -> Response:
    """Show the question. Scanners of mail open links: looking changes nothing."""
    return _page(request, token)


@router.post("/v/xac-nhan/{token}")
def answer(request: Request, token: str, form: Posted) -> Response:
    rt: Runtime = request.app.state.rt
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        with rt.sessions.begin() as session:
            address = confirm.meant(session, rt.keys, token)
            contacts.verify(session, address, By(OWNER, rt.now()))
    except NotFound as error:
        return _lost(request, error)
    except Refused as error:
        return _page(request, token, say(error.key, **error.data), 422)
    return RedirectResponse(f"{confirm.PATH}{token}", 303)


def _page(request: Request, token: str, problem: str = "", status: int = 200) -> Response:
    rt: Runtime = request.app.state.rt
    try:
        with rt.reader() as session:
            address = confirm.meant(session, rt.keys, token)
            value, done = address.value, address.verified_at
    except NotFound as error:
        return _lost(request, error)
    return desk.draw(
        request, "verify.html", status, value=value, done=done, problem=problem, seal=token
    )


def _lost(request: Request, error: NotFound) -> Response:
    return desk.draw(
        request, "verify.html", 404, value="", done=None, seal="",
        problem=say(error.key, **error.data),
    )  # fmt: skip
