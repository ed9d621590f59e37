"""Handing work over: what ended bodies leave behind, confirmed or refused one by one or by event.

What `ntm bodies proposals`, `confirm` and `refuse` do, for all plans at once.
`/ban-giao?su-kien=5` shows one event, `?xem=da-tu-choi` what was refused and can
still be confirmed.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import NotFound, NtmError, Refused, StaleEdit
from ntm_workflow.reports import body_history, paging
from ntm_workflow.reports.body_history import Open, Place, Told, Waiting
from ntm_workflow.reports.paging import Part
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import BodyEvent, Handover
from ntm_workflow.texts import say
from ntm_workflow.web import forms, visitor
from ntm_workflow.web.desk import Desk, opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble, Typed
from ntm_workflow.web.rights import Forbidden
from ntm_workflow.web.task_pages import Id
from ntm_workflow.web.which_plan import FIELD
from ntm_workflow.work import body_names, handovers
from ntm_workflow.work.accounts import Who
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.handovers import Confirmed, Left

log = logging.getLogger("ntm.web")
router = APIRouter()
PATH = "/ban-giao"
CONFIRM, REFUSE = "xac-nhan", "tu-choi"
REFUSED = "da-tu-choi"  # what `?xem=` asks for
_KEPT = ("xem", "su-kien", "sau", "truoc", FIELD)  # of an address: what the list shows
SHOWN = 20  # proposals of a preview by name


@dataclass(frozen=True, slots=True)
class Group:
    """What a page shows of one event; `total` proposals wait, `plain` have one successor."""

    told: Told
    total: int
    plain: int
    lines: list[Waiting]


@dataclass(frozen=True, slots=True)
class Line:
    """What one confirmation would do: the old task's code, and where the work goes."""

    old: tuple[int, str] | None
    body: str
    to: str


@dataclass(frozen=True, slots=True)
class Look:
    """What confirming all of an event would do: to how many, the first few by name.

    `reasons` say of how many that are left why they are. `seal` is another one as soon
    as it would do anything else.
    """

    done: int
    opened: int
    joined: int
    standing: int
    lines: list[Line]
    left: int
    reasons: list[tuple[str, int]]
    seal: str


# -- the list ----------------------------------------------------------------------------


@router.get(PATH)
def proposals(request: Request) -> Response:
    return _show(request)


def _show(request: Request, typed: Typed | None = None, trouble: Trouble | None = None) -> Response:
    asked = request.query_params
    refused, event = asked.get("xem") == REFUSED, forms.integer(asked.get("su-kien"))
    with opened(request) as desk:
        session, today = desk.session, desk.today
        state = "refused" if refused else "proposed"
        places = body_history.places(session, today, state, event)
        part = paging.part(
            [str(one.id) for one in places], asked.get("sau", ""), asked.get("truoc", "")
        )
        lines = body_history.these(session, today, map(int, part.items))
        groups = _groups(desk, places)
        for one in lines:
            groups[one.event.id].lines.append(one)
        may_decide = partial(_coordinates, desk.rt, who=visitor.somebody(request))
        return desk.page(
            "handovers.html", trouble.status if trouble else 200,
            groups=list(groups.values()), part=part, refused=refused, event=event,
            findings=_findings(desk) if not (refused or event) else Part(0, (), None, None),
            may_decide=may_decide, plan_code=partial(_code, desk.rt), mark=handovers.mark,
            may_all=lambda group: all(may_decide(one.handover.plan_id) for one in group.lines),
            typed=typed or Typed("", {}), trouble=trouble, done=_done(request),
            in_list=typed is not None
            and typed.act.rpartition("-")[2] in {str(one.handover.id) for one in lines},
            rest=_rest(request, *_KEPT), narrowed=_rest(request, "xem", "su-kien"),
        )  # fmt: skip


def _groups(desk: Desk, places: list[Place]) -> dict[int, Group]:
    """The events of these proposals, in their order; no lines yet."""
    total = Counter(one.event_id for one in places)
    plain = Counter(one.event_id for one in places if one.plain)
    events = partial(body_history.events, desk.session)
    told = desk.kept("events", events, of_events=True) if total else []
    if not total.keys() <= {one.event.id for one in told}:  # recorded while this page was read
        told = events()
    found = {one.event.id: one for one in told}
    return {n: Group(found[n], total[n], plain[n], []) for n in total}


def _findings(desk: Desk) -> Part:
    """What no proposal settles, a page of sentences: `?cho-sau=` and `?cho-truoc=`."""
    asked = desk.request.query_params
    several = len(desk.rt.in_force) > 1
    found = [
        (f"{plan.code}: " if several else "") + body_history.said(one)
        for plan in desk.rt.in_force
        for one in _open(desk, plan)
    ]
    keys = [str(n) for n in range(len(found))]
    part = paging.part(keys, asked.get("cho-sau", ""), asked.get("cho-truoc", ""))
    return Part(part.total, [found[int(key)] for key in part.items], part.before, part.after)


def _open(desk: Desk, plan: Plan) -> list[Open]:
    asked, of_plan = (desk.session, plan, desk.ends), f"{plan.id} {plan.digest}"
    text = desk.kept(f"text {of_plan}", partial(body_history.of_text, *asked), of_events=True)
    return desk.kept(
        f"succession {of_plan}", partial(body_history.still_open, *asked, text, desk.today)
    )


def _code(rt: Runtime, plan_id: str) -> str:
    return rt.plans[plan_id].code if plan_id in rt.plans else plan_id


def _rest(request: Request, *names: str) -> str:
    """What of an address the next one keeps: "su-kien=5&"."""
    asked = request.query_params
    kept = {name: forms.clean(asked[name])[:40] for name in names if asked.get(name)}
    return f"{urlencode(kept)}&" if kept else ""


def _done(request: Request) -> str:
    """What was done a moment ago, in words."""
    asked = request.query_params
    count, left = (forms.integer(asked.get(name)) or 0 for name in ("so", "con"))
    match asked.get("xong", ""):
        case "ca":
            return say("handover.page.all", count=count) + (
                " " + say("handover.page.left", count=left) if left else ""
            )
        case "xac-nhan" | "gop" | "sau-nay" | "tu-choi" as done:
            return say(f"handover.page.{done}")
    return ""


# -- all of an event ---------------------------------------------------------------------


@router.post("/ban-giao/su-kien/{number}")
def decide_all(request: Request, number: Id, form: Posted) -> Response:
    """`buoc=xem` shows what would be done, `buoc=lam` does exactly what was seen."""
    rt, typed = up_to_date(request), forms.typed("su-kien", form)
    who, step = visitor.somebody(request), typed.get("buoc")
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if step not in ("xem", "lam"):
            raise Refused("form.unknown")
        look = _all(rt, number, who, typed.get("dau") if step == "lam" else None)
    except StaleEdit as error:
        log.info("refused handover event=%s key=%s", number, error.key)
        look, trouble = _all(rt, number, who), forms.trouble("su-kien", error)
        return _show_look(request, number, look, trouble)
    except (Refused, NotFound) as error:
        log.info("refused handover event=%s key=%s", number, error.key)
        return _show(request, trouble=_trouble("su-kien", error))
    if step == "xem" or not look.done:
        return _show_look(request, number, look)
    done = urlencode({"xong": "ca", "so": look.done, "con": look.left})
    return RedirectResponse(f"{PATH}?{_rest(request, FIELD)}{done}", 303)


@router.get("/ban-giao/su-kien/{number}")
def one_event(number: Id) -> Response:
    """Reloading the address of a preview leads back to the event."""
    return RedirectResponse(f"{PATH}?su-kien={number}", 303)


def _all(rt: Runtime, number: int, who: Who, seen: str | None = None) -> Look:
    """Confirm all of an event in one transaction; without `seen` it is a look, taken back.

    Raises:
        Forbidden: this account may not.
        StaleEdit: it would not do what was `seen`; nothing was done.
    """
    now, today = rt.now(), rt.today()
    with rt.sessions() as session, session.begin() as transaction:
        plans = set(session.scalars(
            select(Handover.plan_id).distinct()
            .where(Handover.event_id == number, Handover.state == "proposed")
        ))  # fmt: skip
        by = _actor(rt, plans, who)
        done, left = handovers.confirm_all(
            session, number, rt.days, now=now, today=today, actor=by
        )  # fmt: skip
        look = _look(session, rt, done, left)
        if seen is not None and not hmac.compare_digest(look.seal.encode(), seen.encode()):
            raise StaleEdit("handover.all_changed")
        if seen is None:
            transaction.rollback()
    return look


def _look(session: Session, rt: Runtime, done: list[Confirmed], left: list[Left]) -> Look:
    first = [one.handover for one in done[:SHOWN]]
    names = body_names.history(session, {b for h in first for b in (h.body_id, h.to_body) if b})

    def called(body: str | None) -> str:
        return body_names.at(names[body], rt.today()).short if body else "–"

    def line(one: Confirmed) -> Line:
        old = (one.old.id, one.old.code) if one.old else None
        return Line(old, called(one.handover.body_id), called(one.handover.to_body))

    told = [(one.handover.id, one.handover.to_body, one.joined) for one in done]
    seal = repr((told, [(one.handover.id, one.why.key) for one in left]))
    return Look(
        len(done), sum(one.new is not None and not one.joined for one in done),
        sum(one.joined for one in done), sum(one.new is None for one in done),
        [line(one) for one in done[:SHOWN]],
        len(left), list(Counter(_why(one.why) for one in left).items()),
        hashlib.sha256(seal.encode()).hexdigest()[:32],
    )  # fmt: skip


def _why(error: Refused) -> str:
    """The reason, the same for every proposal that has it."""
    key = f"left.{error.key}"
    return say(key, **error.data) if texts.has(key) else forms.sentence(error)


def _show_look(
    request: Request, number: int, look: Look, trouble: Trouble | None = None
) -> Response:
    with opened(request) as desk:
        told = body_history.events(desk.session, BodyEvent.id == number)[0]
        return desk.page(
            "handover_all.html", trouble.status if trouble else 200, told=told, look=look,
            trouble=trouble, address=f"{PATH}/su-kien/{number}?{_rest(request, FIELD)}",
            back=f"{PATH}?su-kien={number}",
        )  # fmt: skip


# -- one proposal ------------------------------------------------------------------------


@router.post("/ban-giao/{number}/{name}")
def decide(request: Request, number: Id, name: str, form: Posted) -> Response:
    """Confirm one, for the body that was proposed or chosen, or refuse it."""
    if name not in (CONFIRM, REFUSE):
        raise NotFound("page.missing")
    rt, typed = up_to_date(request), forms.typed(f"{name}-{number}", form)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        done = _decide(rt, number, name, typed, visitor.somebody(request))
    except (Refused, NotFound) as error:
        log.info("refused handover=%s act=%s key=%s", number, name, error.key)
        return _show(request, typed, _trouble(typed.act, error))
    return RedirectResponse(f"{PATH}?{_rest(request, *_KEPT)}xong={done}", 303)


@router.get("/ban-giao/{number}/{name}")
def back_to_list(number: Id, name: str) -> Response:
    """Reloading the address of a form leads back to the list."""
    return RedirectResponse(PATH, 303)


def _decide(rt: Runtime, number: int, name: str, typed: Typed, who: Who) -> str:
    """Decide as it was seen, in one transaction; the word for what was done. Raises Forbidden."""
    now, today = rt.now(), rt.today()
    with rt.sessions.begin() as session:
        found = handovers.as_seen(session, number, typed.get("thay"))
        by = _actor(rt, [found.plan_id], who)
        if name == REFUSE:
            handovers.refuse(session, number, typed.get("ly_do"), now=now, actor=by)
            return name
        heir = _heir(session, rt, typed)
        made = handovers.confirm(session, number, rt.days, heir, now=now, today=today, actor=by)
    if made.new is None:
        return "sau-nay"
    return "gop" if made.joined else name


def _heir(session: Session, rt: Runtime, typed: Typed) -> str | None:
    """The body that was typed, else chosen; None where the proposed one is meant.

    Raises:
        Refused: nobody knows it; with the nearest by name.
    """
    said = typed.get("don_vi")
    try:
        return body_names.find(session, said, rt.today()).id if said else typed.get("chon") or None
    except NotFound as error:
        names = body_names.history(session, str(error.data["nearest"]).split(", "))
        near = [f"{body_names.at(of, rt.today()).short} ({body})" for body, of in names.items()]
        raise Refused("page.body.unknown", body=said, nearest=", ".join(near) or "–") from error


def _coordinates(rt: Runtime, plan_id: str, who: Who) -> bool:
    plan = rt.plans.get(plan_id)
    return who.coordinates(plan.coordination_office if plan else "")


def _actor(rt: Runtime, plans: Iterable[str], who: Who) -> Actor:
    """Who decides about proposals of these plans. Raises Forbidden."""
    if not all(_coordinates(rt, plan_id, who) for plan_id in plans):
        raise Forbidden("rights.act")
    offices = {rt.plans[one].coordination_office for one in plans if one in rt.plans}
    return who.actor(offices.pop() if len(offices) == 1 else "")


def _trouble(act: str, error: NtmError) -> Trouble:
    """Why a form is shown again, without the commands that others type."""
    key, data = f"page.{error.key}", dict(error.data)
    if error.key == "handover.changed":
        said = {"what": say(f"handover.state.{data['state']}"), "at": texts.clock(data["at"])}
        return forms.trouble(act, StaleEdit(error.key, who=data["who"], **said))
    if texts.has(key):
        error = Refused(key, **data)
    return forms.trouble(act, error)
