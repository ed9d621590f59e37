"""Import a plan: the files, the questions, the source beside them, and the preview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.appendix import finding_text
from ntm_workflow.appendix.importers import answers, meant
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.appendix.model import BodyKind, Finding, Level, Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import bodies as reachable
from ntm_workflow.reports.ahead import Ahead, ahead
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import ImportDraft
from ntm_workflow.texts import day, say
from ntm_workflow.web import forms, import_forms, import_view, workshop
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble, Typed
from ntm_workflow.web.import_view import Question
from ntm_workflow.web.task_pages import Id
from ntm_workflow.web.workshop import Workshop
from ntm_workflow.work import import_drafts

router = APIRouter()
MANY_NAMES = 3  # unknown names from which all of them can be added on one page
_DONE = ("created", "answered", "exists", "runs")
NO_TYPED = Typed("", {})


def shop(request: Request) -> Workshop:
    found: Workshop = request.app.state.workshop
    return found


# -- files -----------------------------------------------------------------------------


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
            names=_names(asked), done=_done(request), width=width,
            findings=_said(made.plan.findings) if made and made.plan else [],
            **_form(current, made, proposals, typed),
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


def _done(request: Request) -> str:
    asked = request.query_params.get("xong", "")
    return say(f"nhap.{asked}") if asked in _DONE else ""


def _form(
    current: Question | None, made: Made | None, proposals: dict[str, dict[str, Any]], typed: Typed
) -> dict[str, Any]:
    """What the form of one question draws from: choices, what is known, what is chosen."""
    if current is None or made is None:
        blank: dict[str, Any] = {
            "choices": [], "bodies": [], "units": [], "readings": [], "guess": ("", ""),
            "roles": (), "before": {}, "before_day": "", "issuer": "", "differs": [],
        }  # fmt: skip
        return {**blank, "verbs": ("columns",), "chosen": typed.get("do"), "first": "columns|"}
    ask, draft, register = current.ask, made.found.draft, made.found.register
    before = current.answer or proposals.get(current.key) or {}
    texts = list(ask.choices) if ask.code.startswith("timing.") else []
    if before.get("do") == "read" and before.get("text") not in texts:
        texts.append(str(before["text"]))
    found: dict[str, Any] = {
        "verbs": answers.verbs(ask), "bodies": import_view.body_choices(register),
        "units": sorted(register.units.values(), key=lambda u: u.name) if register else [],
        "readings": [(text, *import_view.preview(text, draft.head.year)) for text in texts],
        "guess": import_forms.proposed(ask.quote or draft.head.issuer_text,
                                       register.level if register else Level.COMMUNE),
        "choices": _choices(made, ask),
        "roles": import_forms.roles(_kind_of(made, ask)), "before": before,
        "before_day": _as_day(before), "issuer": meant.in_words(draft.head.issuer_text),
        "differs": [(_plain(ask.data[key]), _shown(ask.data[key])) for key in ("head", "note")]
        if ask.code == "head.differs" else [],
    }  # fmt: skip
    values = _values(ask, found)
    chosen = typed.get("do") or _chosen(before, values) or (values[0] if len(values) == 1 else "")
    return {**found, "chosen": chosen, "first": chosen or values[0]}


def _values(ask: Ask, found: dict[str, Any]) -> list[str]:
    """The radio buttons of a form, by value, in their order."""
    made: list[str] = []
    for verb in found["verbs"]:
        if verb == "is":
            made += [f"is|{value}" for value, _ in found["choices"]]
            others = found["units" if ask.code == "unit.unknown" else "bodies"]
            made += ["is|"] if others else []
        elif verb == "read":
            made += [*(f"read|{text}" for text, *_ in found["readings"]), "read|"]
        elif verb == "role":
            made += [f"role|{role}" for role in dict.fromkeys((*found["roles"], "note"))]
        elif verb == "text":
            made += [f"text|{value}" for value, _ in found["differs"]] or [
                f"text|{level}" for level in Level
            ]
        else:
            made.append(f"{verb}|")
    return made


def _chosen(before: Mapping[str, Any], values: list[str]) -> str:
    """The radio button of an answer that was given before."""
    if not before:
        return ""
    verb = before.get("do")
    exact = f"{verb}|{before.get('body') or before.get('text') or ''}"
    return exact if exact in values else f"{verb}|"


def _as_day(before: Mapping[str, Any]) -> str:
    """The day of an answer as people write it."""
    text = str(before.get("text", ""))
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return ""


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _shown(value: object) -> str:
    return day(value) if isinstance(value, date) else str(value)


def _choices(made: Made, ask: Ask) -> list[tuple[str, str]]:
    """What is nearest, in full; two spellings of one body are one choice."""
    found: dict[str, str] = {}
    for choice in ask.choices:
        found.setdefault(_choice_name(made, choice), choice)
    return [(choice, name) for name, choice in found.items()]


def _choice_name(made: Made, choice: str) -> str:
    register = made.found.register
    if register is None:
        return choice
    if choice in register.bodies:
        return register.bodies[choice].name
    ids = {body for name in register.resolve(choice)[0] for body in name.bodies}
    if len(ids) > 1:
        return say("nhap.each", name=choice, count=len(ids))
    return register.bodies[ids.pop()].name if ids else choice


def _kind_of(made: Made, ask: Ask) -> str:
    number = ask.data.get("table")
    return next((s.kind for s in made.found.segments if s.table.number == number), "appendix")


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


# -- the source and what was understood, side by side ----------------------------------


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


# -- before it is put in force ---------------------------------------------------------


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
            findings=_said(plan.findings) if plan else [],
            faults=[(f.where, say(f.key, **f.data)) for f in made.faults],
            name=lambda body: plan.body(body).short if plan and plan.has_body(body) else body,
        )  # fmt: skip


def _ahead(plan: Plan) -> Ahead:
    return ahead(plan, WorkCalendar(plan.ordered_days))


def _said(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Each finding: where it is, and its sentence."""
    return [(finding_text.named(one.where), finding_text.sentence(one)) for one in findings]


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
            done=_done(request),
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


def runtime_of(request: Request) -> Runtime:
    found: Runtime = request.app.state.rt
    return found
