"""The pages behind a personal link: one contact's own tasks, for one minute on a phone.

Looking changes nothing, since programs that check mail open links too: what is
done is done by a form. Guard keeps the link out of other sites' sight.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from starlette.datastructures import FormData

from ntm_workflow.chase import personal as chase
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.reports import feeds as feed_events
from ntm_workflow.reports import personal
from ntm_workflow.reports.personal import Opened, Scope
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Contact, Task
from ntm_workflow.texts import say
from ntm_workflow.web import desk, feeds, forms, handing_in, ticks, visitor
from ntm_workflow.web.acts import ACTS, Asked, Deed
from ntm_workflow.web.desk import Desk, opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble, Typed
from ntm_workflow.web.guard import LIVE_POLICY
from ntm_workflow.work import body_names, drafts, links, tasks
from ntm_workflow.work.audit import Action, Actor
from ntm_workflow.work.links import PATH, Held

log = logging.getLogger("ntm.web")
router = APIRouter()

# What a contact may do by its link, and the entry that is its receipt.
OWN = {
    "nop": Action.TASK_SUBMITTED,
    "xin-gia-han": Action.EXTENSION_ASKED,
    "khong-phai-viec": Action.OBJECTION_RAISED,
    "tiep-nhan": Action.TASK_ACKNOWLEDGED,
}


class Lost(NotFound):
    """A link that opens nothing, or not this: `status` says which, `may_ask` offers a new one."""

    def __init__(self, key: str, status: int, may_ask: bool = False) -> None:
        super().__init__(key)
        self.status = status
        self.may_ask = may_ask


@dataclass(frozen=True)
class Own:
    """One request by a link that opens."""

    desk: Desk
    held: Held
    token: str

    @property
    def contact(self) -> Contact:
        return self.held.contact

    @property
    def scope(self) -> Scope:
        return personal.scope(self.desk.session, self.contact, self.desk.today)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        request = self.desk.request
        shared: dict[str, Any] = {
            "contact": self.contact, "base": f"{PATH}{self.token}", "today": self.desk.today,
            "simulated_on": self.desk.simulated_on, "until": self.held.link.expires_at,
        }  # fmt: skip
        return desk.draw(request, template, status, **shared, **values)


@contextmanager
def _own(request: Request, token: str) -> Iterator[Own]:
    """Open the link of a request. Raises Lost."""
    with opened(request) as at:
        yield Own(at, _live(at.session, at.rt, token, at), token)


def _live(session: Session, rt: Runtime, token: str, at: Desk | None = None) -> Held:
    try:
        held = links.held(session, rt.keys, token, at.now if at else rt.now())
    except NotFound as error:
        raise Lost(error.key, 404) from None
    if held.state != "live":
        raise Lost(f"link.{held.state}", 410, may_ask=held.state == "expired")
    return held


def lost(request: Request, error: Exception) -> Response:
    """One page for whatever does not open: what happened, and what to do."""
    assert isinstance(error, Lost)
    status, key = error.status, error.key
    if status == 404 and request.app.state.throttle.wrong(_from(request)):
        status, key = 429, "link.too_many"
    log.info("link refused key=%s", key)
    return _lost_page(request, status, say(key), may_ask=error.may_ask)


def _lost_page(
    request: Request, status: int, sentence: str, *, may_ask: bool = False, good: bool = False
) -> Response:
    rt: Runtime = request.app.state.rt
    offices = dict.fromkeys(p.body(p.coordination_office).name for p in rt.in_force)
    token = request.path_params.get("token", "")
    return desk.draw(
        request, "personal_lost.html", status, sentence=sentence, offices=list(offices),
        good=good, ask=f"{PATH}{token}/moi" if may_ask else "",
    )  # fmt: skip


def _from(request: Request) -> str:
    return request.client.host if request.client else ""


# -- looking -----------------------------------------------------------------------------


@router.get("/v/{token}")
def all_tasks(request: Request, token: str) -> Response:
    with _own(request, token) as own:
        scope, at = own.scope, own.desk
        found, total = personal.tasks(at.session, scope.bodies, at.today)
        names = body_names.history(at.session, scope.bodies)
        bodies = [body_names.at(names[one], at.today).short for one in sorted(scope.bodies)]
        return own.page(
            "personal.html", found=found, total=total, bodies=bodies, absent=scope.absent
        )


@router.get("/v/{token}/lich.ics")
def calendar(request: Request, token: str) -> Response:
    """Its due days, to be followed for as long as the link opens; no link is in it."""
    with _own(request, token) as own:
        at = own.desk
        found = feed_events.events(at.session, at.rt, own.scope.bodies, at.today)
        return feeds.answer(at, own.contact.name, found)


@router.get("/v/{token}/viec/{task}")
def one_task(request: Request, token: str, task: str) -> Response:
    return _show(request, token, task)


def _show(
    request: Request, token: str, task: str, typed: Typed | None = None,
    trouble: Trouble | None = None,
) -> Response:  # fmt: skip
    """The page of a task; after a refusal with what was typed."""
    with _own(request, token) as own:
        found = _task(own, task)
        status = trouble.status if trouble else 200
        secret, offers = request.app.state.secret, _offers(found)
        sheet = None
        if "nop" in offers:
            sheet, typed = handing_in.sheet(
                own.desk.session, found.task, found.content, _drafter(own.contact), "link",
                own.desk.today, typed, trouble is not None,
            )  # fmt: skip
        response = own.page(
            "personal_task.html", status, found=found, task=found.task, trouble=trouble,
            typed=typed or Typed("", {}), offers=offers, sheet=sheet,
            saved=request.query_params.get("xong") == handing_in.SAVE,
            limit=own.desk.rt.settings.evidence_limit,
            seal=lambda file: forms.seal(file, secret, _owner(own.held, found.task)),
        )  # fmt: skip
        if "nop" in offers:
            response.headers["content-security-policy"] = LIVE_POLICY
        return response


def _task(own: Own, number: str) -> Opened:
    """The task of this number. Raises Lost: no such task, or another body's."""
    at, wanted = own.desk, forms.integer(number)
    found = personal.one(at.session, wanted, own.scope.bodies, at.today) if wanted else None
    if found is None:
        raise Lost("link.unknown", 404)
    return found


def _offers(found: Opened) -> dict[str, str]:
    """What can be done now, each with the name of the body it is done for."""
    if found.secret:
        return {}
    asked = Asked(found.asked, found.objected)
    return {name: found.body for name in OWN if ACTS[name].offered(found.task, asked)}


def _drafter(contact: Contact) -> str:
    """Whose drafts these are: a fresh link finds them too."""
    return f"contact/{contact.id}"


def _owner(held: Held, task: Task) -> str:
    return f"link/{held.link.id}/task/{task.id}"


@router.get("/v/{token}/viec/{task}/bien-nhan/{number}")
def receipt(request: Request, token: str, task: str, number: str) -> Response:
    with _own(request, token) as own:
        found = _task(own, task)
        seq = forms.integer(number)
        got = personal.receipt(own.desk.session, found.task, seq) if seq else None
        if got is None or found.secret:
            raise Lost("link.unknown", 404)
        return own.page("personal_receipt.html", found=found, task=found.task, got=got)


@router.get("/v/{token}/viec/{task}/{name}")
def back_to_task(token: str, task: str, name: str) -> Response:
    """Reloading the address of a form leads back to its task."""
    return RedirectResponse(f"{PATH}{token}/viec/{task}", 303)


# -- acting ------------------------------------------------------------------------------


def _checked(request: Request, token: str) -> None:
    """Before anything that was sent is read: is this a link that opens?"""
    rt = up_to_date(request)
    with rt.reader() as session:
        _live(session, rt, token)


@router.post("/v/{token}/viec/{task}/{name}")
def act(
    request: Request, token: str, task: str, name: str,
    _: Annotated[None, Depends(_checked)], form: Posted,
) -> Response:  # fmt: skip
    if name == handing_in.SAVE:
        return _save(request, token, task, form)
    if name not in OWN:
        raise Lost("link.unknown", 404)
    typed = forms.typed(name, form)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        with _own(request, token) as own:
            found = _task(own, task)
            held, number = own.held, found.task.id
            if name == "nop" and not found.secret:
                _arrived(request, held, found.task, typed, form)
        if name == "nop" and not typed.get("xac_nhan"):
            typed.refused.append(Refused("link.confirm"))
        seq = _act(request.app.state.rt, token, number, name, typed)
    except Refused as error:
        log.info("refused by link act=%s key=%s", name, error.key)
        if name == "nop" and error.key != "form.expired":  # it outlives this page too
            _keep(request, token, task, typed)
        return _show(request, token, task, typed, forms.trouble(name, error))
    return handing_in.done(request, f"{PATH}{token}/viec/{number}/bien-nhan/{seq}")


def _arrived(request: Request, held: Held, task: Task, typed: Typed, form: FormData) -> None:
    """Take in the files and the ticks of a form that hands in."""
    typed.ticked = ticks.read(form)
    rt, secret = request.app.state.rt, request.app.state.secret
    forms.keep_files(form, typed, rt.files, secret, _owner(held, task))


def _save(request: Request, token: str, task: str, form: FormData) -> Response:
    back = RedirectResponse(f"{PATH}{token}/viec/{task}?xong={handing_in.SAVE}#nop", 303)
    if not forms.from_us(request, form):
        return handing_in.refused(request, say("form.expired"), back)
    with _own(request, token) as own:
        found = _task(own, task)
        if "nop" not in _offers(found):
            return handing_in.refused(request, say("draft.empty"), back)
        held = own.held
    typed = forms.typed("nop", form)
    _arrived(request, held, found.task, typed, form)
    return handing_in.saved(request, visitor.clock(), _keep(request, token, task, typed), back)


def _keep(request: Request, token: str, task: str, typed: Typed) -> bool:
    """Keep what is typed for a task as a draft of the link's contact."""
    with _own(request, token) as own:
        found = _task(own, task)
        owner, number, rt = _drafter(own.contact), found.task.id, own.desk.rt
    if found.secret:
        return False
    return handing_in.keep(rt, owner, number, typed, visitor.clock())


def _act(rt: Runtime, token: str, number: int, name: str, typed: Typed) -> int:
    """Do it, in one transaction with the last look at the link; return the receipt's number."""
    today, now = rt.today(), rt.now()
    task = None
    try:
        with rt.sessions.begin() as session:
            held = _live(session, rt, token)
            bodies = personal.scope(session, held.contact, today).bodies
            found = personal.one(session, number, bodies, today)
            if found is None or found.secret:
                raise Lost("link.unknown", 404)
            task = found.task
            again = _again(session, task, name, held.contact, typed)
            if again is not None:
                return again
            tasks.same_version(task, forms.integer(typed.get("phien_ban")) or 0)
            by = Actor(held.contact.name, "office", task.body_id, "link", contact=held.contact.id)
            plan = rt.plan_of(task.plan_id)
            ACTS[name].run(Deed(rt, plan, session, task, by, now, today, typed))
            if name == "nop":
                drafts.drop(session, _drafter(held.contact), handing_in.place(task.id))
            session.flush()
            return personal.newest(session, task, OWN[name]) or 0
    except StaleDataError as error:  # somebody was faster between our reading and our writing
        raise StaleEdit("task.changed", task=task.code if task else "") from error


def _again(session: Session, task: Task, name: str, contact: Contact, typed: Typed) -> int | None:
    """The receipt of the same thing done before: a button that was pressed twice."""
    if name == "tiep-nhan" and task.acknowledged_on is not None:
        return personal.newest(session, task, OWN[name])
    if name == "nop" and handing_in.again(session, task, typed, "link", contact.name):
        return personal.newest(session, task, OWN[name])
    return None


# -- a fresh link ------------------------------------------------------------------------


@router.post("/v/{token}/moi")
def ask(request: Request, token: str, form: Posted) -> Response:
    """Ask for a fresh link. The answer is the same whatever came of it."""
    rt = up_to_date(request)
    if forms.from_us(request, form):
        _ask(rt, token)
    return _lost_page(request, 200, say("link.asked"), good=True)


def _ask(rt: Runtime, token: str) -> None:
    now = rt.now()
    if not rt.plans:
        return
    with rt.sessions.begin() as session:
        try:
            held = links.held(session, rt.keys, token, now)
        except NotFound:
            return
        chase.ask(session, held, rt.plan.id, now)


@router.get("/v/{token}/moi")
def back_to_link(token: str) -> Response:
    return RedirectResponse(f"{PATH}{token}", 303)
