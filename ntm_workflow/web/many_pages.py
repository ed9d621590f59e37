"""One act on many tasks: what was ticked, or a whole filter → a look at what will be → done.

`/xu-ly?lam=gia-han&chon=412.3&chon=413.1` is what was ticked, each with the version
that was seen; `/xu-ly?lam=chuyen&ca=1&tinh-trang=qua-han` is a whole filter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.reports import tasks
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import say
from ntm_workflow.web import acts, forms, task_filter, ticks, visitor
from ntm_workflow.web.desk import Desk, opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble, Typed
from ntm_workflow.web.rights import Forbidden
from ntm_workflow.web.task_filter import Asked
from ntm_workflow.work import extensions, many, reassign
from ntm_workflow.work.accounts import Who
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.many import Outcome

log = logging.getLogger("ntm.web")
router = APIRouter()
PATH = "/xu-ly"
ACTS = ("gia-han", "chuyen")
SHOWN = 20  # tasks of a preview by name


@dataclass(frozen=True, slots=True)
class Chosen:
    """The act, the tasks with the versions seen, and the list that they were chosen in."""

    act: str
    asked: Asked
    seen: dict[int, int]
    whole: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person typed: the new due day or the other body, and why."""

    reason: str
    day: date | None = None
    body: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an act would do: how many, the first few by code, and who is left out by reason."""

    done: int
    codes: list[tuple[int, str]]
    left: int
    reasons: list[tuple[str, list[tuple[int, str]], int]]
    will: str


@router.get(PATH)
def ask(request: Request) -> Response:
    return _show(request, _chosen(request))


@router.post(PATH)
def do(request: Request, form: Posted) -> Response:
    """`buoc=xem` shows what would be done, `buoc=lam` does it to exactly what was seen."""
    rt, typed = up_to_date(request), forms.typed("xu-ly", form)
    carried, step = ticks.read(form), typed.get("buoc")
    chosen = _chosen(request, carried)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if step not in ("xem", "lam"):
            raise Refused("form.unknown")
        with opened(request) as desk:
            plan, wanted = desk.plan, _wanted(chosen.act, typed, desk)
        who = visitor.somebody(request)
        outcome = _act(rt, plan, chosen, wanted, who, keep=step == "lam")
    except StaleEdit as error:
        log.info("refused many act=%s key=%s", chosen.act, error.key)
        chosen = _chosen(request, _now(rt, chosen.seen))
        return _show(request, chosen, typed, trouble=forms.trouble("xu-ly", error))
    except Refused as error:
        log.info("refused many act=%s key=%s", chosen.act, error.key)
        return _show(request, chosen, typed, trouble=forms.trouble("xu-ly", error))
    if step == "xem" or not outcome.done:
        return _show(request, chosen, typed, seen=_seen(request, chosen.act, outcome, wanted))
    done = urlencode({"xong": chosen.act, "so-viec": len(outcome.done)})
    return RedirectResponse(f"/viec?{chosen.asked.query}&{done}", 303)


def _show(
    request: Request, chosen: Chosen, typed: Typed | None = None, seen: Seen | None = None,
    trouble: Trouble | None = None,
) -> Response:  # fmt: skip
    with opened(request) as desk:
        query = {**chosen.asked.values, "lam": chosen.act, **({"ca": "1"} if chosen.whole else {})}
        return desk.page(
            "many.html", trouble.status if trouble else 200, chosen=chosen, seen=seen,
            typed=typed or Typed("", {}), trouble=trouble, address=f"{PATH}?{urlencode(query)}",
            told=ticks.told(chosen.seen), back=f"/viec?{chosen.asked.query}",
            bodies=task_filter.bodies(desk, most=500), name=say(f"many.{chosen.act}"),
        )  # fmt: skip


def _chosen(request: Request, carried: dict[int, int] | None = None) -> Chosen:
    """What an address chooses; `carried` is what a form saw of it before."""
    query = request.query_params
    if query.get("lam") not in ACTS:
        raise NotFound("page.missing")
    with opened(request) as desk:
        asked = task_filter.read(dict(query), desk)
        if asked.problems:
            raise Refused("filter.bad", problems=" ".join(asked.problems))
        seen, whole = carried or ticks.read(query), query.get("ca") == "1"
        if whole and not seen:
            ids = tasks.ids(desk.session, desk.plan, asked.only, desk.today)
            seen = many.versions(desk.session, ids)
    if not seen:
        raise Refused("many.none" if whole else "many.unticked")
    if len(seen) > many.MOST:
        raise Refused("many.too_many", count=len(seen), most=many.MOST)
    return Chosen(query["lam"], asked, seen, whole)


def _now(rt: Runtime, seen: dict[int, int]) -> dict[int, int]:
    """The same tasks as they are now."""
    with rt.reader() as session:
        return many.versions_of(session, seen)


# -- the acts --------------------------------------------------------------------------


def _wanted(act: str, typed: Typed, desk: Desk) -> Wanted:
    reason = typed.get("ly_do")
    if act == "gia-han":
        forms.check(lambda: typed.day("ngay"), lambda: _given(reason))
        return Wanted(reason, day=typed.day("ngay"))
    forms.check(lambda: _body(typed, desk), lambda: _given(reason))
    return Wanted(reason, body=_body(typed, desk))


def _body(typed: Typed, desk: Desk) -> str:
    found = task_filter.body(typed.get("don_vi"), desk)
    if not found:
        raise Refused("reassign.no_body", value=typed.get("don_vi"))
    return found


def _given(reason: str) -> None:
    if not reason:
        raise Refused("reason.missing")


def _act(rt: Runtime, plan: Plan, chosen: Chosen, wanted: Wanted, who: Who, keep: bool) -> Outcome:
    """Do it in one transaction; a look at it is the same, taken back. Raises Forbidden."""
    if not who.coordinates(plan.coordination_office):
        raise Forbidden("rights.act")
    now, today = rt.now(), rt.today()
    with rt.sessions() as session, session.begin() as transaction:
        when = {"now": now, "today": today}
        make = _extending if wanted.day else _reassigning
        deed = make(rt, plan, session, wanted, who, when)
        found = many.act(session, plan.id, chosen.seen, deed)
        if not keep:
            transaction.rollback()
    return found


def _extending(
    rt: Runtime, plan: Plan, session: Session, wanted: Wanted, who: Who, when: dict[str, Any]
) -> Callable[[Task], object]:
    def deed(task: Task) -> None:
        if extensions.waiting(session, task):
            raise Refused("extension.waiting", task=task.code)
        by = _actor(task, plan, who)
        day = wanted.day or task.due_on
        extensions.extend(session, task, plan, rt.days, day, wanted.reason, by=by, **when)

    return deed


def _reassigning(
    rt: Runtime, plan: Plan, session: Session, wanted: Wanted, who: Who, when: dict[str, Any]
) -> Callable[[Task], object]:
    def deed(task: Task) -> None:
        by = _actor(task, plan, who)
        reassign.reassign(
            session, task, plan, rt.days, wanted.body, wanted.reason, by=by, **when
        )  # fmt: skip

    return deed


def _actor(task: Task, plan: Plan, who: Who) -> Actor:
    """Who acts on one of the tasks. Raises Refused: that one is left out."""
    try:
        return acts.actor("decide", task, plan, who)
    except Forbidden as error:
        raise Refused(error.key) from error


# -- a look at it ------------------------------------------------------------------------


def _seen(request: Request, act: str, outcome: Outcome, wanted: Wanted) -> Seen:
    with opened(request) as desk:
        body = desk.body_name(wanted.body) if wanted.body else ""
    will = say(f"many.{act}.will", count=len(outcome.done), day=wanted.day, body=body)
    by_reason: dict[str, list[tuple[int, str]]] = {}
    for number, code, why in outcome.left:
        shown = forms.sentence(why).replace(code, "…")
        by_reason.setdefault(shown, []).append((number, code))
    return Seen(
        len(outcome.done), outcome.done[:SHOWN], len(outcome.left),
        [(why, named[:SHOWN], len(named)) for why, named in by_reason.items()], will,
    )  # fmt: skip
