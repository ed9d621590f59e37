"""The language of the pages: chosen by a button, kept by a cookie; Vietnamese where none is."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow import texts
from ntm_workflow.errors import Refused
from ntm_workflow.web import guard, visitor

A_YEAR = 365 * 86_400  # seconds

router = APIRouter()


def offered() -> list[tuple[str, str]]:
    """The other languages, each by its own name: [("en", "English")]."""
    now = texts.language()
    return [(code, name) for code, name in texts.LANGUAGES.items() if code != now]


def place(request: Request) -> str:
    """Where somebody is, to be led back to."""
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


@router.post(guard.SPEAK)
def choose(
    request: Request, chosen: str = Form("", alias="ngon-ngu"),
    back: str = Form("", alias="ve_trang"), token: str = Form("", alias=guard.FIELD),
) -> Response:  # fmt: skip
    """Speak another language from now on, and lead back to the same page."""
    if not guard.ours(request, token):
        raise Refused("form.expired")
    response = RedirectResponse(back if visitor.is_local(back) else "/", 303)
    if chosen in texts.LANGUAGES:
        response.set_cookie(
            guard.LANGUAGE, chosen, httponly=True, samesite="lax", secure=guard.secure(request),
            max_age=A_YEAR,
        )  # fmt: skip
    return response


@router.get(guard.SPEAK)
def nothing_here(request: Request) -> Response:
    """A reload of an answer to the form."""
    return RedirectResponse("/", 303)
