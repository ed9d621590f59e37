"""The web application: `uvicorn --factory ntm_workflow.web.app:create_app`."""

from __future__ import annotations

import contextlib
import logging
import secrets
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ntm_workflow import __version__, runtime
from ntm_workflow.errors import NotFound, NtmError
from ntm_workflow.reports import health
from ntm_workflow.runtime import Runtime
from ntm_workflow.texts import say
from ntm_workflow.web import (
    actions,
    auth,
    board,
    body_pages,
    channel_pages,
    chase_pages,
    contact_actions,
    contact_pages,
    criteria_pages,
    desk,
    export_pages,
    feeds,
    forecast_pages,
    handover_pages,
    import_actions,
    import_pages,
    import_preview_pages,
    languages,
    many_pages,
    parked,
    personal_pages,
    picture_pages,
    plan_pages,
    question_pages,
    received_pages,
    record_pages,
    records,
    review_pages,
    rights,
    second_step,
    single_sign_on,
    stop_pages,
    task_list_pages,
    task_pages,
    user_pages,
    verify,
    visitor,
    year_pages,
    zalo_hook,
)
from ntm_workflow.web.door import Throttle
from ntm_workflow.web.guard import Guard, shown
from ntm_workflow.web.porter import Porter
from ntm_workflow.web.previews import Previews
from ntm_workflow.web.provider import Provider
from ntm_workflow.web.tallied import Tallied
from ntm_workflow.web.workshop import Workshop

log = logging.getLogger("ntm.web")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
# Documents and pictures are packed already; pages, sheets and CSV become a quarter.
PACKED = ("application/*", "image/*", "audio/*", "video/*", "font/*", "text/event-stream")
FILES_AT_ONCE = 4  # files of the largest size that one form may bring


class Kept(StaticFiles):
    """Files whose address changes when they do, so that browsers keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def create_app(rt: Runtime | None = None) -> FastAPI:
    """The pages and actions of all plans. Loads the runtime where none is given.

    Starts without any plan too: one may be put in force through the pages.

    Raises:
        NtmError: the appendix, the settings or the database cannot be used.
    """
    rt = (rt or runtime.load(may_be_empty=True)).refreshed()
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(rights.ask)]
    )  # fmt: skip
    app.state.rt = rt
    app.state.secret = secrets.token_bytes(32)  # seals forms; a restart asks for files again
    app.state.workshop = Workshop(rt)
    app.state.throttle = Throttle()
    app.state.porter = Porter(lambda: app.state.rt.refreshed())
    app.state.provider = Provider(rt.settings)
    app.state.tallied = Tallied()
    app.state.previews = Previews()
    pages = (board, plan_pages, body_pages, record_pages, task_pages, actions, records)
    for module in (*pages, question_pages, channel_pages):
        app.include_router(module.router)
    for module in (import_pages, import_preview_pages, import_actions):
        app.include_router(module.router)
    for module in (chase_pages, forecast_pages, criteria_pages, feeds, picture_pages, year_pages):
        app.include_router(module.router)
    for module in (task_list_pages, many_pages, export_pages, review_pages, parked, handover_pages):
        app.include_router(module.router)
    for module in (contact_actions, contact_pages, received_pages, verify, stop_pages):
        app.include_router(module.router)
    for module in (
        personal_pages,
        zalo_hook,
        auth,
        second_step,
        single_sign_on,
        languages,
        user_pages,
    ):
        app.include_router(module.router)
    app.add_api_route("/healthz", healthz)
    app.add_api_route("/livez", livez)
    app.mount("/static", Kept(directory=desk.HERE / "static"))
    app.add_exception_handler(personal_pages.Lost, personal_pages.lost)
    app.add_exception_handler(rights.SignInFirst, _sign_in_first)
    app.add_exception_handler(rights.ChangeFirst, _change_first)
    app.add_exception_handler(rights.Forbidden, _forbidden)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(NtmError, _refused)
    app.add_exception_handler(RequestValidationError, _no_such_page)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(
        Guard, hosts=LOCAL | {urlsplit(rt.settings.base_url).hostname or "localhost"},
        limit=FILES_AT_ONCE * rt.settings.evidence_limit + 1_000_000, refuse=error_page,
        https=rt.settings.base_url.startswith("https:"),
    )  # fmt: skip
    app.add_middleware(GZipMiddleware, compresslevel=4, exclude_content_types=PACKED)
    return app


def healthz(request: Request) -> Response:
    """For whoever watches over us: 503 where a person must look, with what it is about.

    Keys only: what they mean is in docs/watching.md, and on the board.
    """
    try:
        with desk.opened(request) as open_desk:
            found = open_desk.look().faults
    except SQLAlchemyError as error:
        log.error("database does not answer: %s", type(error).__name__)
        return JSONResponse({"status": "no database"}, 503)
    if found:
        keys = list(dict.fromkeys(fault.key for fault in found))
        return JSONResponse({"status": "faulty", "faults": keys}, 503)
    return JSONResponse({"status": "ok", "version": __version__})


def livez(request: Request) -> Response:
    """For whoever starts us: 200 as long as the database answers, whatever else is wrong."""
    try:
        with request.app.state.rt.reader() as session:
            entries = health.audit_length(session)
    except SQLAlchemyError as error:
        log.error("database does not answer: %s", type(error).__name__)
        return JSONResponse({"status": "no database"}, 503)
    return JSONResponse({"status": "ok", "version": __version__, "audit": entries})


def error_page(request: Request, status: int, key: str, **data: object) -> Response:
    """What happened and what to do next, without touching the database."""
    rt: Runtime = request.app.state.rt
    total = (FILES_AT_ONCE * rt.settings.evidence_limit) // 1_000_000
    shown = {"limit_mb": rt.settings.evidence_limit // 1_000_000, "total_mb": total, **data}
    return desk.draw(
        request, "error.html", status, title=say(f"{key}.title"), sentence=say(key, **shown),
        error_id=getattr(request.state, "error_id", ""),
    )  # fmt: skip


async def _sign_in_first(request: Request, error: Exception) -> Response:
    response = await parked.keep(request) or RedirectResponse(visitor.way_in(request), 303)
    if visitor.COOKIE in request.cookies:  # it has ended, or never was one
        visitor.forget(request, response)
    return response


async def _change_first(request: Request, error: Exception) -> Response:
    return RedirectResponse(auth.OWN, 303)


async def _forbidden(request: Request, error: Exception) -> Response:
    assert isinstance(error, rights.Forbidden)
    return desk.draw(
        request, "error.html", 403, title=say("rights.title"),
        sentence=say(error.key, **error.data), error_id="",
    )  # fmt: skip


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotFound)
    log.info("not found key=%s path=%s", error.key, shown(request.url.path))
    return desk.draw(
        request, "error.html", 404, title=say("page.missing.title"),
        sentence=say(error.key, **error.data), error_id="",
    )  # fmt: skip


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, NtmError)
    none = error.key == "plan.none"  # nothing is wrong: there is only nothing to show
    title = say("plan.none.title" if none else "page.refused.title")
    return desk.draw(
        request, "error.html", 200 if none else 422, title=title,
        sentence=say(error.key, **error.data), error_id="",
    )  # fmt: skip


async def _no_such_page(request: Request, error: Exception) -> Response:
    return error_page(request, 404, "page.missing")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    with contextlib.suppress(SQLAlchemyError):  # an error is shown to whoever is signed in
        await run_in_threadpool(visitor.known, request)
    key = {404: "page.missing", 405: "page.missing", 400: "page.form"}.get(error.status_code)
    response = error_page(request, error.status_code, key or "page.broken")
    response.headers.update(error.headers or {})
    return response
