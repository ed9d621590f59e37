"""Import a plan: the files, the questions beside their source, and the names that are unknown."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.appendix.model import BodyKind, Level
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import ImportDraft
from ntm_workflow.texts import say
from ntm_workflow.web import forms, import_forms, import_question, import_view, workshop
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble, Typed
from ntm_workflow.web.import_view import Question
from ntm_workflow.web.task_pages import Id
from ntm_workflow.web.workshop import shop
from ntm_workflow.work import import_drafts

router = APIRouter()
MANY_NAMES = 3  # unknown names from which all of them can be added on one page
_DONE = ("created", "answered", "exists", "runs")
NO_TYPED = Typed("", {})


@router.get("/nhap")
def drafts(request: Request) -> Response:
    return show_drafts(request)


def show_drafts(request: Request, trouble: Trouble | None = None) -> Response:
    with opened(request) as desk:
        return desk.page(
            "imports.html", trouble.status if trouble else 200, trouble=trouble,
            drafts=import_drafts.all_drafts(desk.session), dropped="bo" in request.query_params,
        )  # fmt: skip


@router.get("/nhap/doc/{token}")
def progress(request: Request, token: str) -> Response:
    """How far the reading of a file is; the page asks again by itself until it is done."""
    reading = shop(request).reading(token)
    if reading is None:
        return show_drafts(request, forms.trouble("nhap", Refused("nhap.lost")))
    if reading.stage == "done":
        return RedirectResponse(f"/nhap/{reading.draft}?xong=created", 303)
    if reading.refused:
        return show_drafts(request, forms.trouble("nhap", reading.refused))
    with opened(request) as desk:
        data = {"page": reading.page, "pages": reading.pages}
        return desk.page(
            "import_wait.html", reading=reading, said=say(f"nhap.progress.{reading.stage}", **data)
        )


# -- one draft -------------------------------------------------------------------------


@router.get("/nhap/{draft_id}")
def draft(request: Request, draft_id: Id) -> Response:
    return show(request, draft_id)


def show(
    request: Request, draft_id: int, typed: Typed = NO_TYPED, trouble: Trouble | None = None,
    said: tuple[str, str] | None = None,
) -> Response:  # fmt: skip
    """The next question, or the one that is asked for, beside its source."""
    with opened(request) as desk:
        found = import_drafts.find(desk.session, draft_id)
        made, refused = _made(desk, found)
        asked = import_view.questions(made) if made else _pointing(desk, found)
        settled = import_view.settled(made) if made else []
        proposals = import_view.proposals(made, import_drafts.learnt(desk.session)) if made else {}
        wanted = typed.get("hoi") or request.query_params.get("hoi", "")
        current = _current(asked, settled, wanted) if found.state == "open" else None
        row = _row_of(made, current)
        width = _width(desk, found, current)
        return desk.page(
            "import.html", trouble.status if trouble else 200, draft=found, made=made,
            asked=asked, settled=settled, current=current, typed=typed, trouble=trouble,
            proposals=proposals, proposal=proposals.get(current.key) if current else None,
            source=_source(desk, found, made, current), row=row, said=said, refused=refused,
            names=_names(asked), done=done(request), width=width,
            findings=import_view.findings(made.plan) if made and made.plan else [],
            **import_question.form(current, made, proposals, typed),
        )  # fmt: skip


def _made(desk: Desk, found: ImportDraft) -> tuple[Made | None, str]:
    """The draft as understood, and why it is not."""
    try:
        return shop(desk.request).made(found), ""
    except Refused as error:
        return None, forms.sentence(error)


def _pointing(desk: Desk, found: ImportDraft) -> list[Question]:
    """Where no table is an appendix by its words: a person points at the table."""
    tables = workshop.unread(shop(desk.request).document(found))
    asks = [
        Ask("table.left", ("plan", "", "tables"),
            " | ".join(cell.text for cell in table.row(1))[:160],
            data={"table": table.number, "rows": table.height})
        for table in tables[:3]
    ]  # fmt: skip
    return [Question(ask.key, ask, ()) for ask in asks]


def _current(asked: list[Question], settled: list[Question], wanted: str) -> Question | None:
    every = {question.mark: question for question in (*asked, *settled)}
    return every.get(wanted) or (asked[0] if asked else None)


def _row_of(made: Made | None, current: Question | None) -> import_view.Understood | None:
    if made is None or current is None or current.ask.where[0] not in ("row", "criterion"):
        return None
    return import_view.one_understood(made, current.ask.where[1])


def _source(desk: Desk, found: ImportDraft, made: Made | None, current: Question | None) -> Any:
    if current is None:
        return None
    return import_view.excerpt(made, shop(desk.request).document(found), current)


def _names(asked: list[Question]) -> int:
    """How many names are unknown, where they are many enough to be added together."""
    count = sum(question.ask.code in ("body.unknown", "unit.unknown") for question in asked)
    return count if count >= MANY_NAMES else 0


def _width(desk: Desk, found: ImportDraft, current: Question | None) -> int:
    """How many columns the table has that a person is asked to read for us."""
    if current is None or current.ask.code != "table.left":
        return 0
    number = current.ask.data["table"]
    tables = shop(desk.request).document(found).tables
    return next((table.width for table in tables if table.number == number), 0)


def done(request: Request) -> str:
    """What was just done, as the address says it."""
    asked = request.query_params.get("xong", "")
    return say(f"nhap.{asked}") if asked in _DONE else ""


# -- all names at once -----------------------------------------------------------------


@router.get("/nhap/{draft_id}/don-vi")
def names(request: Request, draft_id: Id) -> Response:
    return show_names(request, draft_id)


def show_names(
    request: Request, draft_id: int, typed: Typed = NO_TYPED, trouble: Trouble | None = None
) -> Response:
    """Every unknown name with what its words say of it, to be added together."""
    with opened(request) as desk:
        found = import_drafts.find(desk.session, draft_id)
        made = shop(request).made(found)
        register = made.found.register
        own = register.level if register else Level.COMMUNE
        asked = [q for q in import_view.questions(made)
                 if q.ask.code in ("body.unknown", "unit.unknown")]  # fmt: skip
        if not asked:
            return RedirectResponse(f"/nhap/{draft_id}", 303)
        return desk.page(
            "import_names.html", trouble.status if trouble else 200, draft=found, asked=asked,
            guess={q.key: import_forms.proposed(q.ask.quote, own) for q in asked},
            near_keys={q.key for q in asked if import_view.one_slip(q.ask)},
            fans=own is not Level.COMMUNE,
            levels=list(Level), kinds=list(BodyKind), typed=typed, trouble=trouble,
        )  # fmt: skip
