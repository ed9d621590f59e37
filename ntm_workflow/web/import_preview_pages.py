"""A draft before it is put in force: beside its source, what it will ask of whom; or dropped."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import bodies as reachable
from ntm_workflow.reports.ahead import Ahead, ahead
from ntm_workflow.texts import say
from ntm_workflow.web import import_forms, import_pages, import_view
from ntm_workflow.web.desk import opened
from ntm_workflow.web.forms import Trouble
from ntm_workflow.web.task_pages import Id
from ntm_workflow.web.workshop import shop
from ntm_workflow.work import import_drafts

router = APIRouter()


@router.get("/nhap/{draft_id}/doi-chieu")
def compare(request: Request, draft_id: Id) -> Response:
    with opened(request) as desk:
        found = import_drafts.find(desk.session, draft_id)
        made = shop(request).made(found)
        return desk.page(
            "import_compare.html", communes=_communes(made), draft=found, made=made,
            rows=import_view.understood(made),
            source=import_view.whole(made, shop(request).document(found)),
            made_columns=_columns(made), roles={k: import_forms.roles(k) for k in
                                           ("appendix", "criteria")},
            trouble=None,
        )  # fmt: skip


def _communes(made: Made) -> list[str]:
    register = made.found.register
    return [f"{unit.type} {unit.name}" for unit in register.units.values()] if register else []


def _columns(made: Made) -> list[tuple[int, str, list[tuple[int, str, str, str]]]]:
    """Each table that was read: its number, kind, and columns with label, role and mark."""
    found = []
    for segment in made.found.segments:
        if segment.joined or not segment.header.columns:
            continue
        number = segment.table.number
        columns = [(c.column, c.label, c.role, import_view.mark(f"column|{number}|{c.column}"))
                   for c in segment.header.columns]  # fmt: skip
        found.append((number, segment.kind, columns))
    return found


@router.get("/nhap/{draft_id}/phu-luc.toml")
def toml(request: Request, draft_id: Id) -> Response:
    with opened(request) as desk:
        found = import_drafts.find(desk.session, draft_id)
        made = shop(request).made(found)
    name = quote(f"{made.found.draft.head.id or 'phu-luc'}.toml")
    return Response(
        made.written, media_type="application/toml",
        headers={"content-disposition": f"attachment; filename*=utf-8''{name}"},
    )  # fmt: skip


@router.get("/nhap/{draft_id}/xem-truoc")
def preview(request: Request, draft_id: Id) -> Response:
    return show_preview(request, draft_id)


def show_preview(request: Request, draft_id: int, trouble: Trouble | None = None) -> Response:
    """What the plan will ask of whom and when, and what is still open."""
    with opened(request) as desk:
        found = import_drafts.find(desk.session, draft_id)
        made = shop(request).made(found)
        asked = import_view.questions(made)
        plan = made.plan
        year = _ahead(plan) if plan else None
        speakers = reachable.speakers(desk.session)
        return desk.page(
            "import_preview.html", trouble.status if trouble else 200, draft=found, made=made,
            asked=asked, new=plan, year=year, trouble=trouble,
            silent=_silent(plan, year, speakers) if plan and year else [],
            findings=import_view.findings(plan) if plan else [],
            faults=[(f.where, say(f.key, **f.data)) for f in made.faults],
            name=lambda body: plan.body(body).short if plan and plan.has_body(body) else body,
        )  # fmt: skip


def _ahead(plan: Plan) -> Ahead:
    return ahead(plan, WorkCalendar(plan.ordered_days))


def _silent(plan: Plan, year: Ahead, speakers: dict[str, Any]) -> list[str]:
    """The bodies that will owe something and cannot be written to."""
    return [
        one.body_id for one in year.bodies
        if one.tasks and not plan.body(one.body_id).open_group
        and not reachable.reachable(speakers.get(one.body_id, []))
    ]  # fmt: skip


@router.get("/nhap/{draft_id}/dang-chay")
def running(request: Request, draft_id: Id) -> Response:
    with opened(request) as desk:
        found = import_drafts.find(desk.session, draft_id)
        if found.state != "in_force":
            return RedirectResponse(f"/nhap/{draft_id}", 303)
        made = shop(request).made(found)
        if made.plan is None:
            raise NotFound("nhap.missing", id=draft_id)
        return desk.page(
            "import_running.html", draft=found, new=made.plan, year=_ahead(made.plan),
            done=import_pages.done(request),
        )  # fmt: skip


@router.get("/nhap/{draft_id}/bo")
def dropping(request: Request, draft_id: Id) -> Response:
    return show_dropping(request, draft_id)


def show_dropping(request: Request, draft_id: int, trouble: Trouble | None = None) -> Response:
    with opened(request) as desk:
        found = import_drafts.find(desk.session, draft_id)
        if found.state != "open" and trouble is None:
            return RedirectResponse(f"/nhap/{draft_id}", 303)
        status = trouble.status if trouble else 200
        return desk.page("import_drop.html", status, draft=found, trouble=trouble)
