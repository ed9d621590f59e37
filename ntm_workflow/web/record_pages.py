"""The record of every message: lists, one message, what a person decides, logs to print."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow import texts
from ntm_workflow.calendar.periods import last_day
from ntm_workflow.chase import head_mail
from ntm_workflow.chase.settling import Answer, settle_unknown
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import chased, dossier, notices, received, record, wording
from ntm_workflow.reports.chased import Chase
from ntm_workflow.reports.record import Line, Of
from ntm_workflow.store.tables import Contact
from ntm_workflow.web import forms, visitor
from ntm_workflow.web.desk import Desk, opened, up_to_date
from ntm_workflow.web.forms import Posted, Trouble
from ntm_workflow.web.records import FRAMING_POLICY, asked_day, framed, rest
from ntm_workflow.web.task_pages import Id

log = logging.getLogger("ntm.web")
router = APIRouter()
LOGGED = 500  # messages of a printed log; a body that was told more gets the newest
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose record a page shows (`kind` is task, body or contact), and where its own page is."""

    kind: str
    name: str
    link: str
    said: str = ""


# -- lists -----------------------------------------------------------------------


@router.get("/thong-bao")
def notice_list(request: Request) -> Response:
    asked = dict(request.query_params)
    state, of = asked.get("trang-thai", ""), _of(asked)
    with opened(request) as desk:
        found = record.page(
            desk.session, of, plan_id=desk.plan.id if of.everybody else "",
            state=state if state in notices.STATES else "",
            day=asked_day(asked.get("ngay", "")), older=forms.integer(asked.get("cu-hon")),
            newer=forms.integer(asked.get("moi-hon")),
        )  # fmt: skip
        return desk.page(
            "notices.html", found=found, chosen=asked, states=notices.STATES,
            heading=_heading(desk, of),
            unmatched=received.count_open(desk.session) if of.everybody else 0,
            answers=bool(desk.rt.settings.mailbox_url),
            address=rest("/thong-bao", asked, "cu-hon", "moi-hon"),
        )  # fmt: skip


@router.get("/thu")
def short_address(request: Request) -> Response:
    """The same list under the name that people say."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/thong-bao{query}", 303)


def _of(asked: Mapping[str, str]) -> Of:
    """Whose record an address asks for; the narrowest counts."""
    task, contact = (forms.integer(asked.get(name)) for name in ("viec", "lien-he"))
    if task is not None:
        return Of(task=task)
    if contact is not None:
        return Of(contact=contact)
    return Of(body=forms.clean(asked.get("don-vi", ""))[:80])


def _heading(desk: Desk, of: Of) -> Heading | None:
    if of.task is not None:
        task = dossier.task(desk.session, of.task)
        if task is None:
            raise NotFound("task.unknown", task=str(of.task))
        said = chased.sentence(chased.of_task(desk.session, of.task))
        return Heading("task", task.code, f"/viec/{task.id}", said)
    if of.contact is not None:
        contact = desk.session.get(Contact, of.contact)
        if contact is None:
            raise NotFound("contact.none_id", id=of.contact)
        return Heading("contact", contact.name, f"/lien-he/{contact.id}")
    if of.body:
        return Heading("body", _body_name(desk, of.body), f"/don-vi/{of.body}")
    return None


def _body_name(desk: Desk, body_id: str) -> str:
    if not desk.plan.has_body(body_id) and body_id not in desk.given:
        raise NotFound("body.missing", body=body_id)
    return desk.body_name(body_id)


# -- one message -----------------------------------------------------------------


@router.get("/thong-bao/{notice_id}")
def one_notice(request: Request, notice_id: Id) -> Response:
    done = request.query_params.get("xong", "")
    return _show(request, notice_id, done if done in get_args(Answer) else "")


def _show(
    request: Request, notice_id: int, done: str = "", trouble: Trouble | None = None
) -> Response:
    with opened(request) as desk:
        told = _notice(desk, notice_id)
        response = desk.page(
            "notice.html", trouble.status if trouble else 200, told=told, notice=told.notice,
            tasks=notices.tasks_of(desk.session, notice_id), done=done, trouble=trouble,
        )  # fmt: skip
    response.headers["content-security-policy"] = FRAMING_POLICY
    return response


@router.get("/thong-bao/{notice_id}/thu")
def notice_message(request: Request, notice_id: Id) -> Response:
    """The message as its reader sees it, where it can do nothing."""
    with opened(request) as desk:
        return framed(wording.open_text(_notice(desk, notice_id).notice.html))


@router.post("/thong-bao/{notice_id}/quyet-dinh")
def settle(request: Request, notice_id: Id, form: Posted) -> Response:
    """A person decides about a message in doubt."""
    answer = str(form.get("cach", ""))
    rt = up_to_date(request)
    try:
        if not forms.from_us(request, form):
            raise Refused("form.expired")
        if answer not in get_args(Answer):
            raise Refused("form.unknown")
        chosen: Answer = "arrived" if answer == "arrived" else "again"
        with rt.sessions.begin() as session:
            settle_unknown(session, notice_id, chosen, now=rt.now(), actor=visitor.actor(request))
    except Refused as error:
        log.info("refused notice=%s key=%s", notice_id, error.key)
        return _show(request, notice_id, trouble=forms.trouble("quyet-dinh", error))
    return RedirectResponse(f"/thong-bao/{notice_id}?xong={answer}", 303)


@router.get("/thong-bao/{notice_id}/quyet-dinh")
def back_to_notice(notice_id: Id) -> Response:
    """Reloading the address of the form leads back to its message."""
    return RedirectResponse(f"/thong-bao/{notice_id}", 303)


def _notice(desk: Desk, notice_id: int) -> Line:
    told = record.one(desk.session, notice_id)
    if told is None:
        raise NotFound("notice.none", id=notice_id)
    return told


# -- logs to print -----------------------------------------------------------------


@router.get("/viec/{task_id}/don-doc")
def log_of_task(request: Request, task_id: Id) -> Response:
    """How a task's body was chased, on paper."""
    with opened(request) as desk:
        task = dossier.task(desk.session, task_id)
        if task is None:
            raise NotFound("task.unknown", task=str(task_id))
        plan = desk.rt.plan_of(task.plan_id)
        content = plan.row(task.row_id).content if plan.has_row(task.row_id) else task.row_id
        lines = record.newest(desk.session, Of(task=task_id), LOGGED)
        return desk.page(
            "chase_task.html", plan=plan, task=task, content=content,
            times=_times(desk, task_id, lines), lines=lines[::-1], most=LOGGED,
            head=head_mail.printed(desk.session),
        )  # fmt: skip


def _times(desk: Desk, task_id: int, lines: list[Line]) -> list[Chase]:
    """When a task's body was chased, of the messages of its log if these are all of them."""
    if len(lines) == LOGGED:
        return chased.of_task(desk.session, task_id)
    told = ((line.notice, rule.role) for line in lines for rule in line.rules)
    return chased.times({notice: None for notice, role in told if chased.counts(notice, role)})


@router.get("/don-vi/{body_id}/don-doc")
def log_of_body(request: Request, body_id: str) -> Response:
    """How a body was chased in a quarter, on paper: `?quy=2020-Q2`, else the quarter of today."""
    with opened(request) as desk:
        name = _body_name(desk, body_id)
        year, number = _quarter(request.query_params.get("quy", ""), desk.today)
        first, last = date(year, 3 * number - 2, 1), last_day(year, 3 * number)
        lines = record.newest(desk.session, Of(body=body_id), LOGGED, first=first, last=last)
        return desk.page(
            "chase_body.html", body_id=body_id, name=name, quarter=f"{year}-Q{number}",
            said=texts.period(f"{year}-Q{number}"), first=first, last=last,
            before=_beside(year, number, -1), after=_beside(year, number, 1),
            tasks=chased.of_body(desk.session, body_id, first, last, LOGGED),
            lines=lines[::-1], most=LOGGED, head=head_mail.printed(desk.session),
        )  # fmt: skip


def _quarter(text: str, today: date) -> tuple[int, int]:
    found = _QUARTER.fullmatch(text)
    if found and 1 < int(found[1]) < date.max.year:
        return int(found[1]), int(found[2])
    return today.year, (today.month + 2) // 3


def _beside(year: int, number: int, step: int) -> str:
    """The quarter before or after: "2020-Q2"."""
    count = 4 * year + number - 1 + step
    return f"{count // 4}-Q{count % 4 + 1}"
