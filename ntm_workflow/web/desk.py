"""What one request works with: the runtime, a reading session, the day, and templates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import Occurrence, dated
from ntm_workflow.reports import health
from ntm_workflow.runtime import Runtime
from ntm_workflow.web import guard, words

HERE = Path(__file__).parent
NAV = (
    ("/", "Tổng quan"), ("/phu-luc", "Phụ lục"), ("/viec", "Việc"), ("/tieu-chi", "Tiêu chí"),
    ("/don-vi", "Đơn vị"), ("/thong-bao", "Thông báo"), ("/nhat-ky", "Nhật ký"),
    ("/nhap", "Nhập kế hoạch"),
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """One request at work. `simulated_on` is None where the real clock counts."""

    request: Request
    rt: Runtime
    session: Session
    simulated_on: date | None
    today: date = field(init=False)

    def __post_init__(self) -> None:
        today = self.simulated_on or datetime.now(texts.ZONE).date()
        object.__setattr__(self, "today", today)

    @property
    def plan(self) -> Plan:
        return self.rt.plan

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """Every dated occurrence of the plan; the plan does not change while we run."""
        found: tuple[Occurrence, ...] = self.request.app.state.occurrences
        return found

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Draw a page."""
        shared = {"today": self.today, "simulated_on": self.simulated_on}
        return draw(self.request, template, status, **shared, **values)


@contextmanager
def opened(request: Request) -> Iterator[Desk]:
    """Open the database for one request and ask it which day it is."""
    rt: Runtime = request.app.state.rt
    with rt.reader() as session:
        yield Desk(request, rt, session, health.simulated_day(session))


def all_occurrences(rt: Runtime) -> tuple[Occurrence, ...]:
    return tuple(sorted(dated(rt.plan, rt.days), key=lambda o: (o.opens_on, o.due_on)))


def draw(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Draw a page that needs no database of its own."""
    plan: Plan = request.app.state.rt.plan
    shared = {
        "plan": plan, "nav": NAV, "path": request.url.path, "simulated_on": None,
        "form_token": guard.token(request), "form_field": guard.FIELD,
        "body_name": lambda body_id: words.body(plan, body_id),
    }  # fmt: skip
    html = environment().get_template(template).render({**shared, **values})
    response = HTMLResponse(html, status)
    guard.keep_token(request, response)
    return response


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "day": texts.day, "full_day": texts.full_day, "clock": texts.clock,
        "period": words.period, "number": words.number, "size": words.size,
        "cap": words.upper_first, "iso": words.iso, "bar": words.bar, "span": words.span,
    }  # fmt: skip
    made.globals |= {
        "say": texts.say, "static": static_url, "standing": words.standing, "who": words.who,
        "details": words.details, "subject": words.subject, "subject_url": words.subject_url,
        "weekday": texts.weekday, "rung": words.rung,
    }  # fmt: skip
    return made


@cache
def static_url(name: str) -> str:
    """The address of a file of ours; changes when the file does, so it can be kept for ever."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
