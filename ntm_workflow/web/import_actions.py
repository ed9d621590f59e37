"""What the import page's forms do. Each answers with a redirect, or shows the form again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from starlette.datastructures import FormData, UploadFile

from ntm_workflow.appendix.importers import answers, limits
from ntm_workflow.appendix.importers.checks import meaning_of
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.evidence_files import Stored, safe_name
from ntm_workflow.store.tables import ImportDraft
from ntm_workflow.web import (
    forms,
    import_forms,
    import_pages,
    import_preview_pages,
    import_view,
    visitor,
    workshop,
)
from ntm_workflow.web.forms import Typed
from ntm_workflow.web.import_forms import Posted
from ntm_workflow.web.task_pages import Id
from ntm_workflow.web.workshop import Reading, shop
from ntm_workflow.work import import_drafts

log = logging.getLogger("ntm.web")
router = APIRouter()
PATIENCE = 2.5  # seconds that an upload waits for its reading before the page of its progress

Given = Mapping[str, dict[str, Any] | None]


# -- a file ----------------------------------------------------------------------------


@router.post("/nhap")
def upload(request: Request, form: Posted) -> Response:
    try:
        _ours(request, form)
        stored = _stored(request, form)
        with _runtime(request).reader() as session:
            known = import_drafts.of_file(session, stored.sha256)
        if known:
            return _to_known(known)
        return _when_read(shop(request).start(stored, visitor.actor(request)))
    except Refused as error:
        log.info("file refused key=%s", error.key)
        return import_pages.show_drafts(request, forms.trouble("nhap", error))


def _stored(request: Request, form: FormData) -> Stored:
    sent = form.get("tep")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise Refused("nhap.no_file")
    try:
        return shop(request).files.put(safe_name(sent.filename), sent.file)
    except Refused as error:
        if error.key == "evidence.empty":
            raise Refused("import.empty") from None
        if error.key == "evidence.too_large":
            limit = limits.megabytes(limits.FILE)
            size = limits.megabytes(sent.size or 0)
            raise Refused("import.too_large", size_mb=size, limit_mb=limit) from None
        raise


def _to_known(draft: ImportDraft) -> Response:
    if draft.state == "in_force":
        return RedirectResponse(f"/nhap/{draft.id}/dang-chay?xong=runs", 303)
    return RedirectResponse(f"/nhap/{draft.id}?xong=exists", 303)


def _when_read(reading: Reading) -> Response:
    """Most files are read in less than a second; the others have a page that waits."""
    until = time.monotonic() + PATIENCE
    while reading.stage not in ("done", "refused") and time.monotonic() < until:
        time.sleep(0.02)
    if reading.refused:
        raise reading.refused
    return RedirectResponse(f"/nhap/doc/{reading.token}", 303)


# -- answers ---------------------------------------------------------------------------


@router.post("/nhap/{draft_id}/tra-loi")
def answer(request: Request, draft_id: Id, form: Posted) -> Response:
    typed = forms.typed("tra-loi", form)
    try:
        _ours(request, form)
        made, draft = _draft(request, draft_id)
        ask = _asked(request, draft, made, typed.get("hoi"))
        given = import_forms.read(ask, typed)
        year = made.found.draft.head.year if made else None
        if "xem" in form:
            text = meaning_of({**given, "do": "read", "text": typed.get("text_read")})
            said = import_view.preview(text, year)
            return import_pages.show(request, draft_id, typed, said=said)
        key = ask.key
        if "rut" in form:
            keys = (key, f"{key}|{ask.where[1]}")
            _keep(request, draft_id, dict.fromkeys(k for k in keys if k in draft.answers), typed)
            return RedirectResponse(f"/nhap/{draft_id}?hoi={typed.get('hoi')}", 303)
        answers.check(ask, given, year, made.found.register if made else None)
        if typed.get("mot_dong"):
            key, given = f"{key}|{ask.where[1]}", {**given, "row": ask.where[1]}
        _keep(request, draft_id, {key: given}, typed)
    except Refused as error:
        log.info("refused draft=%s key=%s", draft_id, error.key)
        return import_pages.show(request, draft_id, typed, forms.trouble("tra-loi", error))
    return RedirectResponse(f"/nhap/{draft_id}?xong=answered", 303)


@router.post("/nhap/{draft_id}/cot")
def columns(request: Request, draft_id: Id, form: Posted) -> Response:
    """Say what a column is that was recognised, perhaps wrongly."""
    typed = forms.typed("cot", form)
    try:
        _ours(request, form)
        table, column = forms.integer(typed.get("bang")), forms.integer(typed.get("cot"))
        ask = Ask("column.unknown", ("plan", "", "columns"), typed.get("nhan"),
                  data={"table": table or 0, "column": column or 0})  # fmt: skip
        given = import_forms.read(ask, typed)
        answers.check(ask, given, None, None)
        _keep(request, draft_id, {ask.key: given}, typed)
    except Refused as error:
        return import_pages.show(request, draft_id, typed, forms.trouble("cot", error))
    return RedirectResponse(f"/nhap/{draft_id}/doi-chieu#cot", 303)


@router.post("/nhap/{draft_id}/xa")
def communes(request: Request, draft_id: Id, form: Posted) -> Response:
    """Say which communes the plan has, one a line: bodies of each commune fan out to them."""
    typed = forms.typed("xa", form)
    try:
        _ours(request, form)
        text = typed.get("cac_xa")
        given = {"do": "units", "printed": "", "text": text} if text else None
        _keep(request, draft_id, {"units": given}, typed)
    except Refused as error:
        return import_pages.show(request, draft_id, typed, forms.trouble("xa", error))
    return RedirectResponse(f"/nhap/{draft_id}/doi-chieu#xa", 303)


@router.post("/nhap/{draft_id}/don-vi")
def add_names(request: Request, draft_id: Id, form: Posted) -> Response:
    """Add every ticked name as a body, or as a commune."""
    typed = forms.typed("don-vi", form)
    try:
        _ours(request, form)
        made, _ = _draft(request, draft_id)
        if made is None:
            raise Refused("nhap.nothing_chosen")
        given: dict[str, Any] = {}
        for question in import_view.questions(made):
            if typed.get(f"chon_{question.mark}"):
                given[question.key] = _named(question.ask, typed, question.mark)
                answers.check(question.ask, given[question.key], None, made.found.register)
        if not given:
            raise Refused("nhap.nothing_chosen")
        _keep(request, draft_id, given, typed)
    except Refused as error:
        return import_pages.show_names(request, draft_id, typed, forms.trouble("don-vi", error))
    return RedirectResponse(f"/nhap/{draft_id}?xong=answered", 303)


def _named(ask: Ask, typed: Typed, mark: str) -> dict[str, Any]:
    name, kind = typed.get(f"ten_{mark}") or ask.quote, typed.get(f"loai_{mark}")
    base = {"printed": ask.quote, "name": name}
    if ask.code == "unit.unknown":
        return {"do": "unit", **base}
    if kind == "group":
        return {"do": "group", **base}
    each = {"each": True} if typed.get(f"moi_{mark}") else {}
    return {"do": "new", **base, "level": typed.get(f"cap_{mark}"), "kind": kind, **each}


@router.post("/nhap/{draft_id}/lan-truoc")
def as_before(request: Request, draft_id: Id, form: Posted) -> Response:
    """Answer everything that was answered before as it was then."""
    typed = forms.typed("lan-truoc", form)
    try:
        _ours(request, form)
        made, _ = _draft(request, draft_id)
        with _runtime(request).reader() as session:
            learnt = import_drafts.learnt(session)
        given = import_view.proposals(made, learnt) if made else {}
        _keep(request, draft_id, {k: {**v, "before": True} for k, v in given.items()}, typed)
    except Refused as error:
        return import_pages.show(request, draft_id, typed, forms.trouble("lan-truoc", error))
    return RedirectResponse(f"/nhap/{draft_id}?xong=answered", 303)


def _keep(request: Request, draft_id: int, given: Given, typed: Typed) -> None:
    """Read the draft again with the answers; keep them where it can be read so."""
    rt = _runtime(request)
    with rt.reader() as session:
        draft = import_drafts.find(session, draft_id)
        said = {k: v for k, v in {**draft.answers, **given}.items() if v is not None}
    made = shop(request).made(draft, said)
    counts = len(import_view.settled(made)), len(import_view.questions(made))
    version = forms.integer(typed.get("phien_ban")) or 0

    def keep(session: Session, found: ImportDraft) -> None:
        import_drafts.answer(
            session,
            found,
            given,
            counts,
            version,
            now=rt.now(),
            actor=visitor.actor(request),
        )

    _change(request, draft_id, keep)


def _draft(request: Request, draft_id: int) -> tuple[Made | None, ImportDraft]:
    with _runtime(request).reader() as session:
        draft = import_drafts.find(session, draft_id)
    try:
        return shop(request).made(draft), draft
    except Refused:
        return None, draft


def _asked(request: Request, draft: ImportDraft, made: Made | None, mark: str) -> Ask:
    if made is None:
        document = shop(request).document(draft)
        for table in workshop.unread(document):
            ask = Ask("table.left", ("plan", "", "tables"), data={"table": table.number})
            if import_view.mark(ask.key) == mark:
                return ask
    else:
        for question in (*import_view.questions(made), *import_view.settled(made)):
            if question.mark == mark:
                return question.ask
    raise Refused("form.unknown")


# -- the end of a draft ----------------------------------------------------------------


@router.post("/nhap/{draft_id}/thuc-hien")
def put_in_force(request: Request, draft_id: Id, form: Posted) -> Response:
    typed, rt = forms.typed("thuc-hien", form), _runtime(request)
    try:
        _ours(request, form)
        if not typed.get("da_xem"):
            raise Refused("nhap.unconfirmed")
        made, _ = _draft(request, draft_id)
        plan = made.plan if made else None
        if made is None or plan is None:
            count = len(import_view.questions(made)) if made else 1
            raise Refused("nhap.not_ready", count=count)
        version, written = forms.integer(typed.get("phien_ban")) or 0, made.written

        def act(session: Session, found: ImportDraft) -> None:
            import_drafts.put_in_force(
                session,
                found,
                plan,
                written,
                version,
                now=rt.now(),
                actor=visitor.actor(request),
            )

        _change(request, draft_id, act)
    except Refused as error:
        return import_preview_pages.show_preview(
            request, draft_id, forms.trouble("thuc-hien", error)
        )
    return RedirectResponse(f"/nhap/{draft_id}/dang-chay", 303)


@router.post("/nhap/{draft_id}/bo")
def drop(request: Request, draft_id: Id, form: Posted) -> Response:
    typed, rt = forms.typed("bo", form), _runtime(request)
    try:
        _ours(request, form)
        version = forms.integer(typed.get("phien_ban")) or 0

        def act(session: Session, found: ImportDraft) -> None:
            import_drafts.drop(session, found, version, now=rt.now(), actor=visitor.actor(request))

        _change(request, draft_id, act)
    except Refused as error:
        return import_preview_pages.show_dropping(request, draft_id, forms.trouble("bo", error))
    return RedirectResponse("/nhap?bo=1", 303)


@router.get("/nhap/{draft_id}/{name}")
def back_to_draft(draft_id: Id, name: str) -> Response:
    """Reloading the address of a form leads back to its draft."""
    if name not in ("tra-loi", "cot", "xa", "lan-truoc", "thuc-hien"):
        raise NotFound("page.missing")
    return RedirectResponse(f"/nhap/{draft_id}", 303)


def _ours(request: Request, form: FormData) -> None:
    if not forms.from_us(request, form):
        raise Refused("form.expired")


def _change(request: Request, draft_id: int, act: Callable[[Session, ImportDraft], None]) -> None:
    """One transaction on one draft; whoever comes second hears of it."""
    name = ""
    try:
        with _runtime(request).sessions.begin() as session:
            draft = import_drafts.find(session, draft_id)
            name = draft.name
            act(session, draft)
    except StaleDataError as error:
        raise StaleEdit("nhap.changed", name=name) from error


def _runtime(request: Request) -> Runtime:
    found: Runtime = request.app.state.rt
    return found
