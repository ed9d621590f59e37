"""Calendars to follow: of a body, and behind a personal link of its contact's bodies."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from ntm_workflow.errors import NotFound
from ntm_workflow.reports import feeds
from ntm_workflow.reports.ical import Event
from ntm_workflow.texts import say
from ntm_workflow.web.desk import Desk, opened

router = APIRouter()


@router.get("/don-vi/{body_id}/lich.ics")
def of_body(request: Request, body_id: str) -> Response:
    with opened(request) as desk:
        if not desk.plan.has_body(body_id) and body_id not in desk.given:
            raise NotFound("body.missing", body=body_id)
        url = desk.rt.settings.base_url
        found = feeds.events(desk.session, desk.rt, {body_id}, desk.today, url)
        return answer(desk, desk.body_name(body_id), found)


def answer(desk: Desk, name: str, found: Sequence[Event]) -> Response:
    """The calendar; nothing but its tag where whoever asks has it already."""
    data, tag = feeds.file(say("feed.name", name=name), found, desk.now)
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if _has(desk.request, tag):
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = 'inline; filename="lich.ics"'
    return Response(data, headers=headers, media_type="text/calendar; charset=utf-8")


def _has(request: Request, tag: str) -> bool:
    """Whether If-None-Match names this tag; weak or not does not matter there (RFC 9110)."""
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    return "*" in known or tag.removeprefix("W/") in {one.removeprefix("W/") for one in known}
