"""The page behind List-Unsubscribe: no more mail to this address. Open to everybody.

Looking changes nothing. A mail provider's own button sends one POST that
carries no form token (RFC 8058); the sealed link is what it may do that by.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from ntm_workflow.chase import stopping
from ntm_workflow.chase.postmark import STOP_PATH
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.texts import say
from ntm_workflow.web import desk, forms
from ntm_workflow.web.forms import Posted

router = APIRouter()
ONE_CLICK = ("List-Unsubscribe", "One-Click")


@router.get("/v/ngung/{token}")
def ask(request: Request, token: str) -> Response:
    return _page(request, token)


@router.post("/v/ngung/{token}")
def stop(request: Request, token: str, form: Posted) -> Response:
    rt: Runtime = request.app.state.rt
    by_provider = form.get(ONE_CLICK[0]) == ONE_CLICK[1]
    try:
        if not by_provider and not forms.from_us(request, form):
            raise Refused("form.expired")
        with rt.sessions.begin() as session:
            stopping.stop(session, rt.keys, token, rt.now())
    except NotFound as error:
        return _lost(request, error)
    except Refused as error:
        return _page(request, token, say(error.key, **error.data), 422)
    if by_provider:
        return PlainTextResponse("OK")
    return RedirectResponse(f"{STOP_PATH}{token}", 303)


def _page(request: Request, token: str, problem: str = "", status: int = 200) -> Response:
    rt: Runtime = request.app.state.rt
    try:
        with rt.reader() as session:
            found = stopping.asked(session, rt.keys, token)
    except NotFound as error:
        return _lost(request, error)
    return desk.draw(
        request, "stop.html", status, found=found, problem=problem,
        form_action=f"{STOP_PATH}{token}",
    )  # fmt: skip


def _lost(request: Request, error: NotFound) -> Response:
    if request.app.state.throttle.wrong(request.client.host if request.client else ""):
        error = NotFound("link.too_many")
    return desk.draw(
        request, "stop.html", 429 if error.key == "link.too_many" else 404, found=None,
        problem=say(error.key, **error.data), form_action="",
    )  # fmt: skip
