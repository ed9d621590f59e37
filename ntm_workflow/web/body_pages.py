"""The bodies of a plan, page by page, and one of them: its tasks, its contacts, its past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response

from ntm_workflow.appendix.model import Body, BodyKind, Level
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import (
    bodies,
    body_history,
    communes,
    paging,
    pictures,
    record,
    register,
    tallies,
    tasks,
)
from ntm_workflow.reports.bodies import Speaker
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.paging import Part
from ntm_workflow.reports.pictures import Share
from ntm_workflow.reports.record import Of
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.web import body_list, kept
from ntm_workflow.web.body_list import Shown
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.work import body_names

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Line:
    body: Body
    counts: Counts
    share: Share
    speakers: list[Speaker]
    reachable: bool


@dataclass(frozen=True, slots=True)
class Group:
    """What a page shows of the bodies of one level; there are `total`."""

    level: Level
    total: int
    lines: list[Line]


@router.get("/don-vi")
def all_bodies(request: Request) -> Response:
    """The bodies by level; over the first of them, the communes beside each other.

    Where they are many both go from page to page, `?sau=` and `?xa-sau=`.
    """
    asked = request.query_params
    by_share = asked.get("xep") == "dung-han"
    with opened(request) as desk:
        levels = desk.kept("bodies", lambda: _by_level(desk))
        shown = body_list.shown(desk, [body for ids in levels.values() for body in ids])
        units = Part(0, (), None, None)
        if shown.first:
            ranked = desk.kept("ranked", lambda: _ranked(desk)) if by_share else _units(desk)
            units = paging.part(
                ranked, asked.get("xa-sau", ""), asked.get("xa-truoc", ""), body_list.PAGE
            )
        members = _members(desk, units.items)
        quarters = tallies.by_quarter(
            desk.session, desk.plan.id, desk.plan.year, desk.today,
            {*shown.part.items, *(body for several in members.values() for body in several)},
        )  # fmt: skip
        return desk.page(
            "bodies.html", groups=_groups(desk, levels, shown, quarters),
            shown=shown, units=units, by_share=by_share, few=communes.FEW,
            compared=communes.communes(desk.ends, members, quarters),
            handed=kept.handed(desk),
        )  # fmt: skip


def _by_level(desk: Desk) -> dict[Level, list[str]]:
    """The plan's bodies, and those founded since that owe it something, in their order."""
    later = [body for body in desk.given if not desk.plan.has_body(body)]
    ids = [body.id for body in desk.plan.bodies] + bodies.owing(desk.session, desk.plan, later)
    groups: dict[Level, list[str]] = {level: [] for level in Level}
    for body in register.in_order(desk.plan, desk.given, ids):
        groups[_as_called(body, desk).level].append(body)
    return groups


def _as_called(body_id: str, desk: Desk) -> Body:
    """A body under the name of the page's day."""
    one = desk.given.get(body_id)
    if one is None:
        return desk.plan.body(body_id)
    level = Level(one.level)
    if desk.plan.has_body(body_id):
        return replace(desk.plan.body(body_id), name=one.name, short=one.short, level=level)
    return Body(body_id, one.name, one.short, level, BodyKind.OFFICE, one.unit)


def _groups(
    desk: Desk, levels: Mapping[Level, Sequence[str]], shown: Shown,
    quarters: Mapping[str, Mapping[int, Counts]],
) -> list[Group]:  # fmt: skip
    """What a page shows of each level, and how many of the level were found."""
    speakers = bodies.speakers(desk.session, shown.part.items)
    found, wanted = set(shown.found), set(shown.part.items)
    groups = []
    for level, ids in levels.items():
        lines = [
            Line(_as_called(body, desk), counted, pictures.share(counted), contacts,
                 bodies.reachable(contacts))
            for body in ids if body in wanted
            for contacts in [speakers.get(body, [])]
            for counted in [sum(quarters.get(body, {}).values(), Counts())]
        ]  # fmt: skip
        if lines:
            groups.append(Group(level, sum(body in found for body in ids), lines))
    return groups


def _units(desk: Desk) -> list[str]:
    """The communes by the alphabet."""
    return [unit for unit, _ in kept.commune_bodies(desk)]


def _ranked(desk: Desk) -> list[str]:
    """The communes by the share of their tasks that is done on time."""
    members, quarters = kept.commune_bodies(desk), kept.by_quarter(desk)
    found = communes.communes(desk.ends, members, quarters)
    return [one.unit for one in communes.by_share(found)]


def _members(desk: Desk, units: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """The bodies of some communes, in that order."""
    known = {key[0]: (key, found) for key, found in kept.commune_bodies(desk).items()}
    return dict(known[unit] for unit in units)


@router.get("/don-vi/{body_id}")
def one_body(request: Request, body_id: str) -> Response:
    with opened(request) as desk:
        if not desk.plan.has_body(body_id) and body_id not in desk.given:
            raise NotFound("body.missing", body=body_id)
        speakers = bodies.speakers(desk.session, [body_id]).get(body_id, [])
        found = tallies.by_quarter(
            desk.session, desk.plan.id, desk.plan.year, desk.today, [body_id]
        ).get(body_id, {})
        shares = [(n, pictures.share(counted)) for n, counted in sorted(found.items())]
        four = sum(found.values(), Counts())
        return desk.page(
            "body.html", body=_as_called(body_id, desk), speakers=speakers,
            end=desk.ends.get(body_id), reachable=bodies.reachable(speakers), counts=four,
            found=tasks.page(desk.session, desk.plan, Filter(body=body_id), desk.today),
            shares=shares, few=communes.FEW, share=pictures.share(four),
            mails=record.few(desk.session, Of(body=body_id), 6),
        )  # fmt: skip


@router.get("/don-vi/{body_id}/lich-su")
def body_through_time(request: Request, body_id: str) -> Response:
    with opened(request) as desk:
        life = body_history.life(desk.session, body_id)
        if life is None:
            raise NotFound("body.missing", body=body_id)
        name = body_names.at(life.names, desk.today).short
        events = [told.event.id for told in life.events]
        return desk.page(
            "body_history.html", body_id=body_id, name=name, life=life, always=body_names.ALWAYS,
            handed=body_history.by_event(desk.session, desk.today, events) if events else {},
        )  # fmt: skip
