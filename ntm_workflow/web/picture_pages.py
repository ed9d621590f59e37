"""The page of pictures: the year against its plan, the load of each week, commune by commune."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from ntm_workflow import texts
from ntm_workflow.reports import communes, pictures, tallies
from ntm_workflow.reports.communes import Commune
from ntm_workflow.reports.pictures import Point, Week
from ntm_workflow.texts import say
from ntm_workflow.web import svg
from ntm_workflow.web.desk import opened
from ntm_workflow.web.kept import by_quarter, commune_bodies, dues
from ntm_workflow.web.svg import Frame
from ntm_workflow.web.words import COUNTS

router = APIRouter()


@router.get("/bieu-do")
def all_pictures(request: Request) -> Response:
    with opened(request) as desk:
        session, plan, today = desk.session, desk.plan, desk.today
        due = dues(desk)
        load = pictures.weeks(due)
        done = desk.kept("done", lambda: tallies.completed(session, plan.id))
        points = pictures.progress(load, done, today)
        quarters = by_quarter(desk)
        found = communes.communes(desk.ends, commune_bodies(desk), quarters)
        return desk.page(
            "pictures.html", load=load, points=points, communes=found, states=svg.STATES,
            progress_svg=_progress(points, today), load_svg=_load(load, today),
            communes_svg=_communes(found), swatch=svg.swatch, week_said=week_said,
            due_by_now=sum(one.counts.total for one in due if one.due_on <= today),
            done_by_now=max((point.done or 0 for point in points), default=0),
        )  # fmt: skip


def _months(mondays: Sequence[date]) -> list[tuple[float, str]]:
    """Where each month begins among weeks: (place, "T6"); not where its name has no room."""
    found = []
    for place, monday in enumerate(mondays):
        for n in range(7):
            day = monday + timedelta(days=n)
            if day.day == 1 and place < len(mondays) - 1:
                name = texts.month_name(day.month, short=True)
                found.append((place + n / 7, say("picture.month", month=day.month, name=name)))
    return found


def _place(first: date, day: date) -> float:
    """Where a day's end lies among weeks that begin with `first`."""
    return ((day - first).days + 1) / 7


def _progress(points: Sequence[Point], today: date) -> Markup | None:
    if not points:
        return None
    first = points[0].sunday - timedelta(days=6)
    ticks = svg.scale(points[-1].due)
    frame = Frame(len(points), ticks[-1])
    mondays = [point.sunday - timedelta(days=6) for point in points]
    done = [point.done for point in points if point.done is not None]
    now = _place(first, today)
    parts: list[Markup] = [
        svg.axes(frame, ticks, _months(mondays)),
        svg.curve(frame, enumerate([0, *(point.due for point in points)]), "c-plan"),
        svg.curve(frame, [(min(n, now), count) for n, count in enumerate([0, *done])], "c-done"),
    ]
    if 0 < now <= len(points):
        parts.append(svg.as_of(frame, now, say("picture.today", day=today)))
    return svg.picture(
        "tien-do", frame.width, frame.height, say("picture.progress.title"),
        say("picture.progress.said", done=svg.number(done[-1] if done else 0),
            total=svg.number(points[-1].due), day=today), *parts,
    )  # fmt: skip


def _load(load: Sequence[Week], today: date) -> Markup | None:
    if not load:
        return None
    ticks = svg.scale(max(week.total for week in load))
    frame = Frame(len(load), ticks[-1])
    busiest = max(load, key=lambda week: week.total)
    columns = [[*(getattr(week.counts, name) for name in COUNTS), week.to_open] for week in load]
    now = _place(load[0].monday, today)
    parts = [
        svg.patterns("tuan"), svg.axes(frame, ticks, _months([week.monday for week in load])),
        svg.stacks("tuan", frame, columns),
    ]  # fmt: skip
    if 0 < now <= len(load):
        parts.append(svg.as_of(frame, now, say("picture.today", day=today)))
    return svg.picture(
        "tai-tuan", frame.width, frame.height, say("picture.load.title"),
        say("picture.load.said", count=svg.number(busiest.total), day=busiest.monday), *parts,
    )  # fmt: skip


def _communes(found: Sequence[Commune]) -> Markup | None:
    if not found:
        return None
    lines = [(one.name, [getattr(one.counts, name) for name in COUNTS]) for one in found]
    width = svg.names_width([name for name, _ in lines]) + svg.COLUMN * len(COUNTS)
    most = max(n for _, numbers in lines for n in numbers)
    heads = [say(f"picture.head.{name}") for name in COUNTS]
    late = sum(one.counts.open_overdue for one in found)
    return svg.picture(
        "cac-xa", width, 58 + 30 * len(found) + 2, say("picture.communes.title"),
        say("picture.communes.said", communes=len(found), late=svg.number(late)),
        svg.bubbles("xa", heads, lines, most), class_="narrow",
    )  # fmt: skip


def week_said(week: Week) -> str:
    """ "22/6 đến 28/6/2020"."""
    sunday = week.monday + timedelta(days=6)
    return say("picture.week", first=texts.short_day(week.monday),
               last=texts.day(sunday))  # fmt: skip
