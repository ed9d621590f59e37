"""A form that came after its session had ended: what was typed is kept for who comes back.

A sealed cookie says whose browser this was. It opens nothing; it only names the
account that alone is shown what was kept, once it has signed in again. Files are
not kept, nor is anything that an account's own page asks for.
"""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from ntm_workflow.runtime import Runtime
from ntm_workflow.texts import say
from ntm_workflow.web import desk, forms, guard, handing_in, rights, ticks, visitor
from ntm_workflow.web.forms import Typed
from ntm_workflow.work import drafts

log = logging.getLogger("ntm.web")
router = APIRouter()
PATH = "/giu-lai"
SEEN = "giu"  # asks a page to show what was kept for its form
PLACE = "form"
LIVES = timedelta(days=1)
_NEVER = ("/vao", "/ra", "/tai-khoan", "/mo-phong")
_PAGE = re.compile(r"(/(?:viec|tham-dinh)/\d{1,9})/([a-z-]+)", re.ASCII)


def _owner(account: int) -> str:
    return f"account/{account}"


# -- keeping -----------------------------------------------------------------------------


async def keep(request: Request) -> Response | None:
    """Keep the form of a request that nobody is signed in for; None where it cannot be."""
    path = request.url.path
    if request.method != "POST" or path.startswith(_NEVER):
        return None
    account = await run_in_threadpool(visitor.whose, request)
    kind = request.headers.get("content-type", "")
    if account is None or not kind.startswith(
        ("multipart/form-data", "application/x-www-form-urlencoded")
    ):
        return None
    async with forms.read(request) as form:
        if not forms.from_us(request, form):
            return None
        fields = _fields(form)
    held: dict[str, object] = {
        "path": _meant(path),
        "query": request.url.query[:500],
        "fields": fields,
    }
    await run_in_threadpool(_write, request, account, held)
    log.info("form kept for who signs in again path=%s", guard.shown(path))
    back = f"{visitor.SIGN_IN}?{visitor.BACK}={PATH}&xong={SEEN}"
    if handing_in.scripted(request):
        return JSONResponse({"said": say("draft.ended"), "to": back}, 401)
    return RedirectResponse(back, 303)


def _meant(path: str) -> str:
    """A draft that came too late is kept as the form that it is a draft of."""
    before, _, name = path.rpartition("/")
    return f"{before}/nop" if name == handing_in.SAVE else path


def _fields(form: FormData) -> list[list[str]]:
    return [
        [name[:100], forms.clean(value)]
        for name, value in form.multi_items()
        if isinstance(value, str) and name not in (guard.FIELD, "giu") and value
    ]


def _write(request: Request, account: int, held: dict[str, object]) -> None:
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        drafts.keep(session, _owner(account), PLACE, held, visitor.clock())


# -- and coming back -----------------------------------------------------------------------


def _found(session: Session, request: Request) -> tuple[str, str, list[list[str]]] | None:
    who = visitor.somebody(request)
    found = drafts.find(session, _owner(who.id), PLACE)
    if found is None or found.saved_at < visitor.clock() - LIVES:
        return None
    return found.held["path"], found.held["query"], found.held["fields"]


def typed(session: Session, request: Request, page: str) -> Typed | None:
    """What was kept for a form of this page ("/viec/140"), where its address asks for it."""
    if request.query_params.get(SEEN) != "1" or not visitor.known(request):
        return None
    found = _found(session, request)
    inside = _PAGE.fullmatch(found[0]) if found else None
    if not found or not inside or inside[1] != page:
        return None
    form = FormData([(name, value) for name, value in found[2]])
    made = forms.typed(inside[2], form)
    made.ticked = ticks.read(form)
    return made


@router.get(PATH)
def again(request: Request) -> Response:
    """Lead to the form, filled in as it was; where its page cannot, offer to send it."""
    rt: Runtime = request.app.state.rt
    with rt.reader() as session:
        found = _found(session, request)
    if found is None or not rights.may(visitor.known(request), found[0], "POST"):
        return RedirectResponse("/", 303)
    path, query, fields = found
    if inside := _PAGE.fullmatch(path):
        return RedirectResponse(f"{inside[1]}?{SEEN}=1", 303)
    address = urlsplit(path).path + (f"?{query}" if query else "")
    shown = [value for _, value in fields if not _for_programs(value)]
    return desk.draw(request, "kept.html", action=address, fields=fields, shown=shown)


def _for_programs(value: str) -> bool:
    """Numbers and names of buttons: nothing that somebody typed at length."""
    return re.fullmatch(r"[\w.-]{1,30}", value, re.ASCII) is not None
