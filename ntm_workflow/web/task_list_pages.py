"""The list of tasks: filtered by its address, with the filters that the office has named."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import tasks
from ntm_workflow.reports.task_order import Cursor
from ntm_workflow.texts import say
from ntm_workflow.web import forms, many_pages, task_filter, visitor
from ntm_workflow.web.desk import Desk, opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble
from ntm_workflow.web.task_filter import Asked
from ntm_workflow.web.task_pages import Id
from ntm_workflow.work import many, saved_filters

log = logging.getLogger("ntm.web")
router = APIRouter()
_PAGES = ("sau", "truoc")


@router.get("/viec")
def task_list(request: Request) -> Response:
    return _show(request)


def _show(request: Request, trouble: Trouble | None = None, name: str = "") -> Response:
    query = dict(request.query_params)
    begun = task_filter.begins(query, request)
    if begun:
        query["tinh-trang"] = task_filter.TO_DO
    with opened(request) as desk:
        asked = task_filter.read(query, desk)
        places = {key: Cursor.parse(query[key]) for key in _PAGES if query.get(key)}
        found = tasks.page(
            desk.session, desk.plan, asked.only, desk.today,
            after=places.get("sau"), before=places.get("truoc"),
        )  # fmt: skip
        lost = [say("filter.place")] if None in places.values() else []
        return desk.page(
            "tasks.html", trouble.status if trouble else 200, found=found, asked=asked,
            begun=begun, only=asked.only, chips=task_filter.chips(asked, desk),
            problems=[*asked.problems, *lost], choices=task_filter.choices(desk, asked.only),
            hidden=[(k, v) for k, v in asked.values.items() if k in task_filter.FIELDS],
            saved=_saved(desk, asked), done=_done(query), trouble=trouble, name=name,
            address=f"/viec?{asked.query}&" if asked.query else "/viec?", most=many.MOST,
        )  # fmt: skip


def _saved(desk: Desk, asked: Asked) -> list[tuple[int, str, str, bool]]:
    """The named filters: number, name, address, and whether it is the one that is shown.

    They are the coordination office's, and their names may tell of other bodies.
    """
    if asked.only.bodies is not None:
        return []
    here = _of_filter(asked)
    return [
        (one.id, one.name, f"/viec?{one.query}", one.query == here)
        for one in saved_filters.every(desk.session)
    ]


def _of_filter(asked: Asked) -> str:
    """The query of a filter without its plan: a saved filter is for every year."""
    return urlencode({k: v for k, v in asked.values.items() if k in task_filter.FIELDS})


def _done(query: dict[str, str]) -> str:
    """What was done a moment ago, in words."""
    done, count = query.get("xong", ""), forms.integer(query.get("so-viec"))
    if done == "luu":
        return say("filter.saved", name=forms.clean(query.get("ten", ""))[: saved_filters.LONGEST])
    if done == "xoa":
        return say("filter.removed")
    return say(f"many.{done}.done", count=count) if done in many_pages.ACTS and count else ""


@router.post("/bo-loc")
def save(request: Request, form: Posted) -> Response:
    """Keep the filter of the address under a name."""
    rt, name = up_to_date(request), forms.clean(str(form.get("ten", "")))
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        with opened(request) as desk:
            asked = task_filter.read(dict(request.query_params), desk)
        if asked.problems:
            raise Refused("filter.bad", problems=" ".join(asked.problems))
        with rt.sessions.begin() as session:
            by = visitor.actor(request)
            kept = saved_filters.save(session, name, _of_filter(asked), now=rt.now(), by=by)
            done = urlencode({"xong": "luu", "ten": kept.name})
    except NotFound:
        raise
    except Refused as error:
        log.info("refused filter key=%s", error.key)
        return _show(request, forms.trouble("luu", error), name)
    return RedirectResponse(f"/viec?{asked.query}&{done}", 303)


@router.post("/bo-loc/{filter_id}/xoa")
def remove(request: Request, filter_id: Id, form: Posted) -> Response:
    rt = up_to_date(request)
    if not forms.from_us(request, form):
        raise Refused("form.expired")
    with rt.sessions.begin() as session:
        saved_filters.remove(session, filter_id, now=rt.now(), by=visitor.actor(request))
    kept = [(k, v) for k, v in parse_qsl(request.url.query) if k in task_filter.KEPT]
    return RedirectResponse(f"/viec?{urlencode([*kept, ('xong', 'xoa')])}", 303)


@router.get("/bo-loc")
@router.get("/bo-loc/{filter_id}/xoa")
def back(filter_id: int = 0) -> Response:
    """Reloading the address of a form leads back to the list."""
    return RedirectResponse("/viec", 303)
