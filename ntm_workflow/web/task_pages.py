"""The page of one task."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathField
from fastapi.responses import FileResponse, RedirectResponse

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.timing_say import describe
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import dossier, why
from ntm_workflow.reports.dossier import Dossier
from ntm_workflow.store.tables import AuditEntry
from ntm_workflow.texts import say
from ntm_workflow.web import (
    acts,
    downloads,
    forms,
    handing_in,
    parked,
    previews,
    task_filter,
    visitor,
)
from ntm_workflow.web.acts import Asked
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble, Typed
from ntm_workflow.web.guard import LIVE_POLICY
from ntm_workflow.work import body_names, recount
from ntm_workflow.work import tasks as work_tasks

router = APIRouter()
Id = Annotated[int, PathField(ge=1, le=2**31 - 1)]  # what both databases can hold


@router.get("/viec/ma/{row}/{period}/{body}")
def by_code(request: Request, row: str, period: str, body: str) -> Response:
    code = forms.clean(f"{row}/{period}/{body}")
    with opened(request) as desk:
        try:
            found = work_tasks.find(desk.session, code, desk.plan.id)
        except NotFound:  # the code of another plan
            found = work_tasks.find(desk.session, code)
        return RedirectResponse(f"/viec/{found.id}", 303)


# -- one task ---------------------------------------------------------------------


@router.get("/viec/{task_id}")
def task_page(request: Request, task_id: Id) -> Response:
    done = request.query_params.get("xong", "")
    return show(request, task_id, done=done if done in acts.ACTS else "")


def again(typed: Typed) -> Trouble:
    """Why a form is shown again that came after its session had ended."""
    return Trouble(typed.act, (("", say("kept.again")),), status=200)


def show(
    request: Request, task_id: int, done: str = "", typed: Typed | None = None,
    trouble: Trouble | None = None, seen: int | None = None,
) -> Response:  # fmt: skip
    """The page of a task; after a refusal with what was typed, and what others did since."""
    with opened(request) as desk:
        found, plan = whole(desk, task_id)
        own = visitor.own(request)
        if own is not None:  # that a document went to another body's task is not for all to see
            found = dossier.without_others(found, own)
        if typed is None and (typed := parked.typed(desk.session, request, f"/viec/{task_id}")):
            trouble = again(typed)
        offers = _offers(found, plan, desk)
        sheet = None
        if "nop" in offers:
            owner = f"account/{visitor.somebody(request).id}"
            sheet, typed = handing_in.sheet(
                desk.session, found.task, found.content, owner, "page", desk.today,
                typed, trouble is not None,
            )  # fmt: skip
        response = desk.page(
            "task.html", trouble.status if trouble else 200, plan,
            found=found, task=found.task, done=done, typed=typed or Typed("", {}),
            trouble=trouble, offers=offers, why=_why(found, plan), sheet=sheet,
            row=plan.row(found.task.row_id) if plan.has_row(found.task.row_id) else None,
            since=since(found, seen) if trouble and trouble.stale else [],
            saved=request.query_params.get("xong") == handing_in.SAVE,
            limit=desk.rt.settings.evidence_limit,
            bodies=task_filter.bodies(desk) if "chuyen-don-vi" in offers else [],
            mark=found.history[-1].seq if found.history else 0,
            seal=lambda file: forms.seal(file, request.app.state.secret, f"task/{task_id}"),
        )  # fmt: skip
        if "nop" in offers:
            response.headers["content-security-policy"] = LIVE_POLICY
        return response


def whole(desk: Desk, task_id: int) -> tuple[Dossier, Plan]:
    """A task with all that belongs to it, named as on the pages of its own plan. Raises NotFound.

    The plan is mostly, but not always, the one that is looked at.
    """
    day = body_names.page_day_of_task(desk.rt.all_plans, desk.today)
    found = dossier.one(desk.session, task_id, day)
    if found is None:
        raise NotFound("task.unknown", task=str(task_id))
    return found, desk.rt.plan_of(found.task.plan_id)


def _offers(found: Dossier, plan: Plan, desk: Desk) -> dict[str, str]:
    """The acts that are possible now, each with the name of the body that would act."""
    offers = {}
    who = visitor.known(desk.request)
    for name, act in acts.ACTS.items():
        body = acts.speaker(act.role, found.task, plan, who) if who else None
        if body and act.offered(found.task, Asked(found.asked, found.objected)):
            offers[name] = desk.body_name(body, plan)
    return offers


def since(found: Dossier, seen: int | None) -> list[AuditEntry]:
    return [entry for entry in found.history if seen is None or entry.seq > seen][-10:]


def _why(found: Dossier, plan: Plan) -> list[str]:
    """The steps from the printed text to the due day, a sentence each."""
    task, day = found.task, texts.full_day
    steps = [say("why.text", timing=found.timing)]
    if plan.has_row(task.row_id):
        steps.append(say("why.reading", reading=describe(plan.row(task.row_id).reading)))
    moves = [json.loads(e.data) for e in found.history if e.action == "task.due_changed"]
    first_due = date.fromisoformat(moves[0]["from"]) if moves else task.due_on
    steps += why.steps(task.period, task.nominal_due, first_due, task.due_rule, task.day_off)
    for move in moves:
        to = date.fromisoformat(move["to"])
        key = "why.recounted" if move.get("cause") == recount.CAUSE else "why.moved"
        key = "why.amended" if "document" in move else key
        steps.append(say(key, due=day(to), **move))
    return [step[:1].upper() + step[1:] for step in map(str.strip, steps)]


@router.get("/minh-chung/{file_id}")
def evidence_file(request: Request, file_id: Id) -> Response:
    """A file of evidence, as a download: what is in it cannot be trusted.

    `?xem=anh` shows a picture, `?xem=3` the third page of a PDF as a picture.
    """
    with opened(request) as desk:
        found = dossier.evidence_file(desk.session, file_id)
    if found is None:
        raise NotFound("file.unknown")
    if found.scan in ("waiting", "infected"):
        raise NotFound(f"file.{found.scan}", name=found.name)
    if wanted := request.query_params.get("xem"):
        return _look(request, desk.rt.files.path(found.sha256), wanted)
    return downloads.stored(desk.rt.files, found.sha256, found.name, found.size)


def _look(request: Request, path: Path, wanted: str) -> Response:
    """What of a file can be looked at without running any of it. Raises NotFound."""
    kind, headers = previews.kind(path), {"content-security-policy": previews.POLICY}
    if wanted == "anh" and kind.startswith("image/"):
        return FileResponse(path, media_type=kind, headers=headers)
    number = forms.integer(wanted) or 0
    if kind == "application/pdf" and number:
        drawn: previews.Previews = request.app.state.previews
        _, pages = drawn.pages(path)
        if number <= len(pages):
            return Response(pages[number - 1], media_type="image/png", headers=headers)
    raise NotFound("file.no_look")
