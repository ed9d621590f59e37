"""The channels: whether each works, and what a person can do about one that does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.chase import switches
from ntm_workflow.errors import Refused
from ntm_workflow.reports import channels
from ntm_workflow.web import forms, visitor
from ntm_workflow.web.desk import opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble

log = logging.getLogger("ntm.web")
router = APIRouter()
SWITCHES: dict[str, Callable[..., Any]] = {
    "thu-lai": switches.try_again, "dong": switches.shut, "mo": switches.open_,
}  # fmt: skip


@router.get("/kenh")
def channel_list(request: Request) -> Response:
    return _show(request)


def _show(request: Request, trouble: Trouble | None = None) -> Response:
    asked = request.query_params
    done = asked.get("xong", "")
    with opened(request) as desk:
        return desk.page(
            "channels.html", trouble.status if trouble else 200,
            lines=channels.overview(desk.session, desk.today), trouble=trouble,
            done=done if done in SWITCHES else "", name=forms.clean(asked.get("kenh", ""))[:20],
        )  # fmt: skip


@router.post("/kenh/{name}")
def switch(request: Request, name: str, form: Posted) -> Response:
    act = str(form.get("viec", ""))
    rt = up_to_date(request)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if act not in SWITCHES:
            raise Refused("form.unknown")
        with rt.sessions.begin() as session:
            SWITCHES[act](session, name, now=rt.now(), actor=visitor.actor(request))
    except Refused as error:
        log.info("refused channel act=%s key=%s", act, error.key)
        return _show(request, forms.trouble("kenh", error))
    return RedirectResponse(f"/kenh?xong={act}&kenh={name}", 303)


@router.get("/kenh/{name}")
def back_to_channels(name: str) -> Response:
    """Reloading the address of a form leads back to the list."""
    return RedirectResponse("/kenh", 303)
