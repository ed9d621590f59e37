"""What was done: the mail that arrived in a simulation, the audit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from email.message import EmailMessage
from itertools import islice
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import trail
from ntm_workflow.runtime import Runtime
from ntm_workflow.web import audit_filter, forms
from ntm_workflow.web.desk import opened
from ntm_workflow.web.guard import POLICY
from ntm_workflow.work import audit, heads, proof

router = APIRouter()
MAILS_SHOWN = 200
_MAIL_NAME = re.compile(r"[0-9a-f]{64}\.\d{1,6}")
# A message may hold styles of its own, and its links open in a new window; nothing runs.
_MESSAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
FRAMING_POLICY = f"{POLICY}; frame-src 'self'"


def asked_day(text: str) -> date | None:
    """The day that an address asks for; what it cannot mean is ignored."""
    try:
        return forms.day(text) if text else None
    except Refused:
        return None


def rest(path: str, asked: Mapping[str, str], *pages: str) -> str:
    """The address of a list without its page: "/thong-bao?ngay=22/6/2020&"."""
    kept = {k: v for k, v in asked.items() if v and k not in pages}
    return f"{path}?{urlencode(kept)}&" if kept else f"{path}?"


def framed(html: str) -> Response:
    """A message as its reader sees it, where it can do nothing."""
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
    response.headers["content-security-policy"] = FRAMING_POLICY
    return response


@router.get("/thu-den/{name}/thu")
def mail_message(request: Request, name: str) -> Response:
    return framed(_part(_mail(request, name), "html"))


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

FAULTS_SHOWN = 20


def _faults(rt: Runtime, session: Session) -> list[proof.Fault]:
    """The first few things that do not hold; files are looked for, not read again."""
    found = proof.faults(session, rt.signer.trusted, rt.files, reread=False)
    return list(islice(found, FAULTS_SHOWN))


def _ways() -> list[tuple[str, str]]:
    """What an entry may say of the way somebody acted, and how it is called."""
    return [(key.partition(".")[2], texts.say(key)) for key in texts.keys("via.")]


@router.get("/nhat-ky")
def audit_list(request: Request) -> Response:
    query = dict(request.query_params)
    asked, checking = audit_filter.read(query), "kiem-tra" in query
    with opened(request) as desk:
        found = trail.page(
            desk.session, asked.only, older=forms.integer(query.get("cu-hon")),
            newer=forms.integer(query.get("moi-hon")),
        )  # fmt: skip
        head = trail.head(desk.session)
        return desk.page(
            "audit.html", found=found, asked=asked, actions=list(audit.Action),
            ways=_ways(), head=head, signed=heads.newest(desk.session), checked=checking,
            faults=_faults(desk.rt, desk.session) if checking else [],
            address=rest("/nhat-ky", query, "cu-hon", "moi-hon", "kiem-tra"),
        )  # fmt: skip
