"""What the next days will bring, and what a rung or an ordered day would change."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from ntm_workflow.calendar.typed import day as typed_day
from ntm_workflow.chase import forecast
from ntm_workflow.chase.forecast import Change, Difference, Forecast, Ordered, Rung
from ntm_workflow.errors import Refused
from ntm_workflow.reports import coming
from ntm_workflow.runtime import Runtime
from ntm_workflow.web import forms
from ntm_workflow.web.desk import opened
from ntm_workflow.web.forms import Trouble

router = APIRouter()
SPANS = (7, 14, 30, 60, 90)  # days
MOST_TASKS = 50_000  # copied for one page: a second or two
SHOWN = 60  # recipients of one day, or of all of them
_SIDES = {"truoc": "before", "sau": "after"}


@router.get("/du-bao")
def coming_days(request: Request) -> Response:
    asked = dict(request.query_params)
    span = forms.integer(asked.get("so-ngay"))
    days = span if span in SPANS else 30
    with opened(request) as desk:
        plan = desk.plan  # without any, there is nothing to forecast: it says so
        found, different, trouble = _found(desk.rt, forecast.size(desk.session), days, asked)
        return desk.page(
            "forecast.html", trouble.status if trouble else 200, plan, found=found, trouble=trouble,
            by_day=coming.by_day(found) if found else [],
            recipients=coming.by_recipient(found) if found else [],
            different=different, chosen=asked, span=days, spans=SPANS, shown=SHOWN,
            moved=coming.moved(different.more, different.less) if different else [],
        )  # fmt: skip


def _found(
    rt: Runtime, tasks: int, days: int, asked: Mapping[str, str]
) -> tuple[Forecast | None, Difference | None, Trouble | None]:
    found = None
    try:
        if tasks > MOST_TASKS:
            raise Refused("forecast.too_many", tasks=tasks, days=days)
        found = forecast.forecast(rt, days)
        if change := _change(asked):
            return found, forecast.compare(found, forecast.forecast(rt, days, change)), None
    except Refused as error:
        return found, None, forms.trouble("du-bao", error)
    return found, None, None


def _change(asked: Mapping[str, str]) -> Change:
    """What the form of the page tries; an empty field tries nothing."""
    rungs: tuple[Rung, ...] = ()
    ordered: tuple[Ordered, ...] = ()
    if text := forms.clean(asked.get("bac-ngay", "")):
        days = forms.integer(text)
        if days is None:
            raise Refused("forecast.rung_days", most=forecast.LONGEST)
        rungs = (Rung(_SIDES.get(asked.get("bac", ""), "before"), days),)
    if text := forms.clean(asked.get("ngay", "")):
        day = typed_day(text)
        if day is None:
            raise Refused("evidence.date", value=text)
        ordered = (Ordered(day, asked.get("la") != "lam-viec"),)
    return Change(rungs, ordered)
