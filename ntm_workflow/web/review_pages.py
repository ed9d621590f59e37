"""Reviewing: a queue, the oldest first, and one task after the other."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import ColumnElement

from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import review_queue
from ntm_workflow.reports.dossier import Dossier
from ntm_workflow.reports.review_queue import Place, Waiting
from ntm_workflow.store.tables import EvidenceFile, Submission
from ntm_workflow.texts import say
from ntm_workflow.web import actions, acts, forms, parked, previews, task_pages, visitor
from ntm_workflow.web.acts import ACTS
from ntm_workflow.web.desk import Desk, opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble, Typed
from ntm_workflow.web.task_pages import Id

log = logging.getLogger("ntm.web")
router = APIRouter()
PATH = "/tham-dinh"
VERDICTS = ("dat", "tra-lai")
DRAWN = 5  # files of one submission that are shown at once


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as it can be looked at: a picture, or so many `pages` of `total`; else neither."""

    file: EvidenceFile
    picture: bool = False
    pages: int = 0
    total: int = 0


@router.get(PATH)
def queue(request: Request) -> Response:
    with opened(request) as desk:
        mine, who = _mine(request, desk), visitor.somebody(request)
        found = review_queue.first(desk.session, mine, desk.today)
        return desk.page(
            "reviews.html", shares=review_queue.shares(desk.session, who, desk.rt.all_plans, mine),
            found=[(one, _due(desk, one.submission, one)) for one in found],
            total=review_queue.count(desk.session, mine), done=_done(request),
            named=desk.body_name,
        )  # fmt: skip


def _mine(request: Request, desk: Desk) -> ColumnElement[bool]:
    return review_queue.reviewed_by(visitor.somebody(request), desk.rt.all_plans)


def _due(desk: Desk, submission: Submission, one: Waiting | Dossier) -> date:
    """The reviewer's own due day: so many working days after the evidence came in."""
    rules = desk.rt.plan_of(one.task.plan_id).reminders_of(one.task.row_id)
    return desk.rt.days.add(submission.received_on, rules.review_working_days)


def _done(request: Request) -> tuple[str, int | None]:
    """What was done a moment ago, in words, and to which task."""
    done = request.query_params.get("xong", "")
    said = say(f"review.done.{done}") if done in VERDICTS else ""
    return said, forms.integer(request.query_params.get("viec"))


@router.get("/tham-dinh/{task_id}")
def one_task(request: Request, task_id: Id) -> Response:
    return show(request, task_id)


def show(
    request: Request, task_id: int, typed: Typed | None = None, trouble: Trouble | None = None,
    seen: int | None = None,
) -> Response:  # fmt: skip
    """The page on which a task is reviewed; after a refusal with what was typed."""
    with opened(request) as desk:
        found, plan = task_pages.whole(desk, task_id)
        if typed is None and (typed := parked.typed(desk.session, request, f"{PATH}/{task_id}")):
            trouble = task_pages.again(typed)
        offers = _offers(request, found, plan, desk)
        if not offers and trouble is None:
            return RedirectResponse(f"/viec/{task_id}", 303)
        given = found.submissions[0] if found.submissions else None
        place = Place(given.received_at, given.id) if given else None
        return desk.page(
            "review.html", trouble.status if trouble else 200, plan,
            found=found, task=found.task, given=given, offers=offers,
            around=review_queue.around(desk.session, _mine(request, desk), place),
            files=_shown(desk, given.files) if given else [],
            due=_due(desk, given, found) if given else None, done=_done(request),
            typed=typed or Typed("", {}),
            trouble=trouble, since=task_pages.since(found, seen) if trouble else [],
            mark=found.history[-1].seq if found.history else 0,
        )  # fmt: skip


def _offers(request: Request, found: Dossier, plan: Plan, desk: Desk) -> dict[str, str]:
    """Both verdicts, with the name of the body that gives them; {} where none is to be given."""
    body = acts.speaker("review", found.task, plan, visitor.somebody(request))
    if body is None or found.task.state != "submitted":
        return {}
    return dict.fromkeys(VERDICTS, desk.body_name(body, plan))


def _shown(desk: Desk, files: list[EvidenceFile]) -> list[Shown]:
    found: previews.Previews = desk.request.app.state.previews
    shown = []
    for number, file in enumerate(files):
        shut = number >= DRAWN or file.scan in ("waiting", "infected")
        path = desk.rt.files.path(file.sha256)
        kind = "" if shut else previews.kind(path)
        total, pages = found.pages(path) if kind == "application/pdf" else (0, [])
        shown.append(Shown(file, kind.startswith("image/"), len(pages), total))
    return shown


@router.post("/tham-dinh/{task_id}/{name}")
def decide(request: Request, task_id: Id, name: str, form: Posted) -> Response:
    """Accept or return, then go on to the next; back to the queue after the last."""
    if name not in VERDICTS:
        raise NotFound("page.missing")
    rt, typed = up_to_date(request), forms.typed(name, form)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        actions.do(rt, task_id, ACTS[name], typed, visitor.somebody(request))
    except Refused as error:
        log.info("refused review task=%s act=%s key=%s", task_id, name, error.key)
        seen = forms.integer(typed.get("moc"))
        return show(request, task_id, typed, forms.trouble(name, error), seen)
    return RedirectResponse(f"{_next(request, task_id)}?xong={name}&viec={task_id}", 303)


def _next(request: Request, task_id: int) -> str:
    """The page of the next in the queue; what was passed over comes after the last."""
    with opened(request) as desk:
        mine = _mine(request, desk)
        place = review_queue.place(desk.session, task_id)
        after = review_queue.around(desk.session, mine, place).after
        after = after or review_queue.around(desk.session, mine, None).after
        return f"{PATH}/{after}" if after else PATH


@router.get("/tham-dinh/{task_id}/{name}")
def back(task_id: Id, name: str) -> Response:
    """Reloading the address of a form leads back to its task."""
    return RedirectResponse(f"{PATH}/{task_id}", 303)
