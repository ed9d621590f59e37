"""What was said and done: notices, the mail that arrived in a simulation, the audit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from email.message import EmailMessage
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import notices, trail
from ntm_workflow.web import forms
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.guard import POLICY
from ntm_workflow.web.task_pages import Id
from ntm_workflow.work import audit

router = APIRouter()
MAILS_SHOWN = 200
_MAIL_NAME = re.compile(r"[0-9a-f]{64}\.\d{1,6}")
# A message may hold styles of its own, and its links open in a new window; nothing runs.
_MESSAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_FRAMING_POLICY = f"{POLICY}; frame-src 'self'"


def _day(text: str) -> date | None:
    try:
        return forms.day(text) if text else None
    except Refused:
        return None


def _rest(path: str, asked: Mapping[str, str], *pages: str) -> str:
    kept = {k: v for k, v in asked.items() if v and k not in pages}
    return f"{path}?{urlencode(kept)}&" if kept else f"{path}?"


# -- notices -------------------------------------------------------------------------


@router.get("/thong-bao")
def notice_list(request: Request) -> Response:
    asked = dict(request.query_params)
    state = asked.get("trang-thai", "")
    with opened(request) as desk:
        found = notices.page(
            desk.session, desk.plan.id,
            state=state if state in notices.STATES else "",
            day=_day(asked.get("ngay", "")), older=forms.integer(asked.get("cu-hon")),
            newer=forms.integer(asked.get("moi-hon")),
        )  # fmt: skip
        return desk.page(
            "notices.html", found=found, chosen=asked, states=notices.STATES,
            address=_rest("/thong-bao", asked, "cu-hon", "moi-hon"),
        )  # fmt: skip


@router.get("/thong-bao/{notice_id}")
def one_notice(request: Request, notice_id: Id) -> Response:
    with opened(request) as desk:
        told = _notice(desk, notice_id)
        response = desk.page(
            "notice.html", told=told, notice=told.notice,
            attempts=notices.attempts(desk.session, notice_id),
            tasks=notices.tasks_of(desk.session, notice_id),
        )  # fmt: skip
    response.headers["content-security-policy"] = _FRAMING_POLICY
    return response


@router.get("/thong-bao/{notice_id}/thu")
def notice_message(request: Request, notice_id: Id) -> Response:
    """The message as its reader sees it, where it can do nothing."""
    with opened(request) as desk:
        return _message(_notice(desk, notice_id).notice.html)


def _notice(desk: Desk, notice_id: int) -> notices.Told:
    told = notices.one(desk.session, notice_id)
    if told is None:
        raise NotFound("notice.none", id=notice_id)
    return told


def _message(html: str) -> Response:
    opened_outside = html.replace("<body", '<base target="_blank"><body', 1)
    return HTMLResponse(opened_outside, headers={"content-security-policy": _MESSAGE_POLICY})


# -- the mail that arrived -----------------------------------------------------------


@router.get("/thu-den")
def mail_list(request: Request) -> Response:
    from ntm_workflow.serve import mail_catcher  # only a simulation has one

    with opened(request) as desk:
        folder = desk.rt.settings.var / "mail"
        found = mail_catcher.caught(folder, MAILS_SHOWN) if folder.is_dir() else []
        return desk.page("mails.html", found=found, shown=MAILS_SHOWN)


@router.get("/thu-den/{name}")
def one_mail(request: Request, name: str) -> Response:
    message = _mail(request, name)
    with opened(request) as desk:
        response = desk.page(
            "mail.html", name=name, message=message, text=_part(message, "plain"),
            has_html=bool(_part(message, "html")),
        )  # fmt: skip
    response.headers["content-security-policy"] = _FRAMING_POLICY
    return response


@router.get("/thu-den/{name}/thu")
def mail_message(request: Request, name: str) -> Response:
    return _message(_part(_mail(request, name), "html"))


def _mail(request: Request, name: str) -> EmailMessage:
    from ntm_workflow.serve import mail_catcher

    path = request.app.state.rt.settings.var / "mail" / f"{name}.eml"
    if not _MAIL_NAME.fullmatch(name) or not path.is_file():
        raise NotFound("mail.none_such")
    return mail_catcher.read(path)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""


# -- the audit -----------------------------------------------------------------------


@router.get("/nhat-ky")
def audit_list(request: Request) -> Response:
    asked = dict(request.query_params)
    action, checking = asked.get("hanh-dong", ""), "kiem-tra" in asked
    with opened(request) as desk:
        found = trail.page(
            desk.session,
            action=action if action in set(audit.Action) else "",
            subject=forms.clean(asked.get("doi-tuong", ""))[:200],
            day=_day(asked.get("ngay", "")), older=forms.integer(asked.get("cu-hon")),
            newer=forms.integer(asked.get("moi-hon")),
        )  # fmt: skip
        head = trail.head(desk.session)
        return desk.page(
            "audit.html", found=found, chosen=asked, actions=list(audit.Action),
            head=head, checked=checking, broken=audit.verify(desk.session) if checking else None,
            address=_rest("/nhat-ky", asked, "cu-hon", "moi-hon", "kiem-tra"),
        )  # fmt: skip
