"""What one request works with: the runtime, a reading session, the day, and templates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session

from ntm_workflow import template_texts, texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import Occurrence
from ntm_workflow.reports import chased, days_off, health, trail, watch, wording
from ntm_workflow.reports.trail import Head
from ntm_workflow.reports.watch import Look
from ntm_workflow.runtime import SIMULATED_HOUR, Runtime
from ntm_workflow.web import guard, languages, rights, visitor, which_plan, words
from ntm_workflow.web.tallied import Tallied
from ntm_workflow.web.which_plan import asked_plan
from ntm_workflow.work import body_names
from ntm_workflow.work.accounts import Role, Who
from ntm_workflow.work.body_names import Called
from ntm_workflow.work.successions import End

T = TypeVar("T")
HERE = Path(__file__).parent
# Only what the role of who looks may use is shown.
NAV = (
    ("/", "nav.board"), ("/phu-luc", "nav.appendix"), ("/viec", "nav.tasks"),
    ("/tham-dinh", "nav.review"), ("/lich", "nav.calendar"), ("/tieu-chi", "nav.criteria"),
    ("/bieu-do", "nav.pictures"), ("/don-vi", "nav.bodies"), ("/lien-he", "nav.contacts"),
    ("/thong-bao", "nav.notices"), ("/nhat-ky", "nav.audit"),
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """One request at work. `simulated_on` is None where the real clock counts.

    `head` is where the audit ended before anything else was read.
    """

    request: Request
    rt: Runtime
    session: Session
    simulated_on: date | None
    head: Head
    today: date = field(init=False)

    def __post_init__(self) -> None:
        today = self.simulated_on or datetime.now(texts.ZONE).date()
        object.__setattr__(self, "today", today)

    @property
    def now(self) -> datetime:
        """The present instant; on a simulated day its working hour."""
        if self.simulated_on:
            return datetime.combine(self.simulated_on, SIMULATED_HOUR, texts.ZONE)
        return datetime.now(UTC)

    def look(self) -> Look:
        """What a person must look at for the system to run as it should; one statement."""
        return watch.look(self.session, self.rt.in_force, self.rt.days, self.now)

    @cached_property
    def plan(self) -> Plan:
        """The plan that the address asks for. Raises Refused where there is none at all."""
        return asked_plan(self.request, self.rt) or self.rt.plan

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """Every dated occurrence of the plan."""
        return self.rt.dated(self.plan)

    @cached_property
    def given(self) -> dict[str, Called]:
        """The bodies that events have founded or renamed, as called on the page's day."""
        return self._given(self.plan)

    def _given(self, plan: Plan) -> dict[str, Called]:
        return self.rt.bodies.given(body_names.page_day(plan, self.today))

    @cached_property
    def ends(self) -> dict[str, End]:
        """The bodies that have ended by the day of the page."""
        return self.rt.bodies.ends(self.today)

    def kept(self, name: str, work: Callable[[], T], *, of_events: bool = False) -> T:
        """What `work` gives for the plan, the calendar and the day of the page; no statement
        where it is known. What it reads belongs to no session: others are given it too.

        It holds until something happens; `of_events`: until something happens to a body, or a
        plan changes, which may correct what one is called.
        """
        key = (name, self.plan.id, self.plan.digest, self.rt.days.mark, self.today)
        found: Tallied = self.request.app.state.tallied
        mark = (self.rt.bodies.mark, self.rt.seen) if of_events else self.head
        return found.get(key, mark, partial(self._detached, work))

    def _detached(self, work: Callable[[], T]) -> T:
        read = self.session.identity_map
        mine = frozenset(read.keys())
        made = work()
        for key in frozenset(read.keys()) - mine:
            if (one := read.get(key)) is not None:
                self.session.expunge(one)
        return made

    def body_name(self, body_id: str, plan: Plan | None = None) -> str:
        """The short name of a body on the day of the page, or of a page of another plan."""
        if plan is None or plan is self.plan:
            one = self.given.get(body_id)
            return one.short if one else words.body(self.plan, body_id)
        one = self._given(plan).get(body_id)
        return one.short if one else words.body(plan, body_id)

    def page(
        self, template: str, status: int = 200, plan: Plan | None = None, **values: Any
    ) -> Response:
        """Draw a page of the plan that was asked for, or of another."""
        plan = plan or self.plan
        shared = {"today": self.today, "simulated_on": self.simulated_on,
                  "body_name": partial(self.body_name, plan=plan)}  # fmt: skip
        return draw(self.request, template, status, plan, **shared, **values)


@contextmanager
def opened(request: Request) -> Iterator[Desk]:
    """Open the database for one request; ask it which plans there are and which day it is."""
    state = request.app.state
    with state.rt.reader() as session:
        standing = health.standing(session)
        now = standing.marks, standing.ordered, standing.events
        state.rt = rt = state.rt.following(session, *now)
        yield Desk(request, rt, session, standing.simulated_on, standing.head)


def up_to_date(request: Request) -> Runtime:
    """The runtime with the plans as they are now; kept for the requests to come."""
    state = request.app.state
    state.rt = rt = state.rt.refreshed()
    return cast(Runtime, rt)


def draw(
    request: Request, template: str, status: int = 200, plan: Plan | None = None, **values: Any
) -> Response:
    """Draw a page that needs no database of its own."""
    rt: Runtime = request.app.state.rt
    default = rt.plan if rt.plans else None
    me = visitor.seen(request)
    plan = plan or asked_plan(request, rt) or default
    shared = {
        "plan": plan, "plans": rt.all_plans, "ended": rt.ended, "me": me,
        "nav": _nav(me), "may": partial(rights.may, me),
        "path": request.url.path, "here": which_plan.page(request.url.path, NAV),
        "simulated_on": None,
        "form_token": guard.token(request), "form_field": guard.FIELD,
        "languages": languages.offered(), "here_url": languages.place(request),
        "body_name": lambda body_id: words.body(plan, body_id),
        "plan_of": lambda entry: words.plan_of(entry, rt.plans, plan),
    }  # fmt: skip
    html = environment().get_template(template).render({**shared, **values})
    if me and me.role not in rights.DESK:
        html = rights.pruned(html, me)
    if plan and plan is not default:
        html = which_plan.keep(html, plan.id)
    response = HTMLResponse(html, status)
    guard.keep_token(request, response)
    visitor.remember(request, response, me)
    return response


def _nav(me: Who | None) -> list[tuple[str, str]]:
    """The pages that somebody's role may use; an office has no board."""
    shown = [(path, texts.say(name)) for path, name in NAV if rights.may(me, path)]
    return shown[1:] if me and me.role is Role.OFFICE else shown


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    template_texts.teach(made)
    made.filters |= {
        "day": texts.day, "full_day": texts.full_day, "clock": texts.clock,
        "period": words.period, "size": words.size,
        "cap": words.upper_first, "iso": words.iso, "bar": words.bar, "span": words.span,
        "day_off": days_off.said, "short_day": texts.short_day,
    }  # fmt: skip
    made.globals |= {
        "static": static_url, "standing": words.standing, "who": words.who,
        "called": trail.called, "way": trail.way,
        "details": words.details, "subject": words.subject, "subject_url": words.subject_url,
        "chased_said": chased.sentence, "fault_said": watch.said, "fault_todo": watch.todo,
        "weekday": texts.weekday, "month": texts.month, "month_name": texts.month_name,
        "distance": texts.distance, "rung": wording.rung, "wording": wording,
        "offered_reasons": texts.keys("review.reason."),
        "asked_for": which_plan.address,
    }  # fmt: skip
    return made


@cache
def static_url(name: str) -> str:
    """The address of a file of ours; changes when the file does, so it can be kept for ever."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
