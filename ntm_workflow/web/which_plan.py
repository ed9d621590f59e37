"""Which plan a page shows: that of `?ke-hoach=ID`, which every link of the page then keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from fastapi import Request

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime

FIELD = "ke-hoach"
# Only what our templates write: a quote in a text of somebody's is escaped.
_LINK = re.compile(r' href="(/(?!static/)[^"#]*)(#[^"]*)?"')
_FORM = re.compile(r'<form [^>]*method="get"[^>]*>')


def asked_plan(request: Request, rt: Runtime) -> Plan | None:
    """The plan that an address asks for; what it cannot mean is ignored."""
    return rt.plans.get(request.query_params.get(FIELD, ""))


def address(path: str, plan_id: str) -> str:
    """A page of a plan: "/viec?ke-hoach=12-kh-ubnd-2021"."""
    return f"{path}{'&' if '?' in path else '?'}{FIELD}={quote(plan_id)}"


def page(path: str, nav: Sequence[tuple[str, str]]) -> str:
    """The page of the navigation that a path belongs to: every plan has it."""
    return next((known for known, _ in nav if known != "/" and path.startswith(known)), "/")


def keep(html: str, plan_id: str) -> str:
    """Let every link and search form of a page lead to the same plan.

    In one place for all templates. Links that name a plan stay as they are; a
    page of the plan that is shown without being asked for is left alone.
    """
    said = f'<input type="hidden" name="{FIELD}" value="{escape(plan_id)}">'
    html = _FORM.sub(lambda form: form[0] + said, html)
    return _LINK.sub(lambda link: _kept(link[0], link[1], link[2] or "", plan_id), html)


def _kept(link: str, path: str, place: str, plan_id: str) -> str:
    if f"{FIELD}=" in path:
        return link
    joint = "&amp;" if "?" in path else "?"
    return f' href="{path}{joint}{FIELD}={quote(plan_id)}{place}"'
