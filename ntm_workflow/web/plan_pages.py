"""The plan as on paper, its criteria and its bodies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response

from ntm_workflow.appendix import finding_text
from ntm_workflow.appendix.model import Body, BodyKind, Level, Row
from ntm_workflow.appendix.text import sort_key
from ntm_workflow.appendix.timing_say import describe
from ntm_workflow.calendar.occurrences import Occurrence
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import (
    bodies,
    body_history,
    communes,
    counts,
    pictures,
    record,
    tallies,
    tally,
    tasks,
)
from ntm_workflow.reports.agenda import Due
from ntm_workflow.reports.bodies import Speaker
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.freshness import Freshness
from ntm_workflow.reports.pictures import Share
from ntm_workflow.reports.record import Of
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import say
from ntm_workflow.web import kept, visitor
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.words import Tag
from ntm_workflow.work import body_names, successions

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the appendix with how it stands."""

    row: Row
    counts: Counts
    next: Occurrence | None
    tag: Tag | None
    findings: list[str]
    dues: list[Due]
    freshness: Freshness | None
    bodies: Sequence[str]


@router.get("/phu-luc")
def appendix(request: Request) -> Response:
    if visitor.own(request) is not None:
        return _own_appendix(request)
    with opened(request) as desk:
        by_row = tally.counts(desk.session, desk.plan.id, desk.today)
        whole = sum(by_row.values(), Counts())
        fresh = kept.fresh(desk)
        dues = defaultdict(list)
        for one in kept.dues(desk):
            dues[one.row_id].append(one)
        lines = {r.id: _line(r, desk, by_row, fresh, dues[r.id]) for r in desk.plan.all_rows}
        general = [f for f in desk.plan.findings if f.where not in lines]
        said = [f"{finding_text.named(f.where)}: {finding_text.full(f)}" for f in general]
        return _appendix(desk, lines, whole, said)


def _own_appendix(request: Request) -> Response:
    """The paper as everybody has it; how it stands is told of an office's own tasks alone."""
    own = frozenset(visitor.own(request) or ())
    with opened(request) as desk:
        dues: dict[str, list[Due]] = defaultdict(list)
        for one in kept.dues(desk):
            dues[one.row_id].append(one)
        lines = {}
        for row in desk.plan.all_rows:
            counted = sum((one.counts for one in dues[row.id]), Counts())
            line = _line(row, desk, {row.id: counted}, {}, dues[row.id])
            mine = tuple(body for body in row.implementing if body in own)
            tag = line.tag if mine or line.dues else None
            lines[row.id] = replace(line, tag=tag, findings=[], bodies=mine)
        whole = sum((line.counts for line in lines.values()), Counts())
        return _appendix(desk, lines, whole, [])


def _appendix(desk: Desk, lines: dict[str, Line], whole: Counts, general: list[str]) -> Response:
    return desk.page(
        "appendix.html", lines=lines, whole=whole, general=general,
        own=visitor.own(desk.request) is not None,
        sections=[
            (s, [lines[r.id] for r in desk.plan.rows if r.section == s.id])
            for s in desk.plan.sections
        ],
        criteria=[lines[row.id] for row in desk.plan.criteria],
    )  # fmt: skip


def _line(
    row: Row, desk: Desk, by_row: dict[str, Counts], fresh: dict[str, Freshness],
    dues: Sequence[Due] = (),
) -> Line:  # fmt: skip
    found = by_row.get(row.id, Counts())
    ahead = [o for o in desk.occurrences if o.row_id == row.id and o.due_on >= desk.today]
    coming = min(ahead, key=lambda o: o.due_on, default=None)
    said = [finding_text.full(one) for one in desk.plan.findings if one.where == row.id]
    state = _state(row, found, coming)
    return Line(row, found, coming, state, said, list(dues), fresh.get(row.id), row.implementing)


def _state(row: Row, found: Counts, coming: Occurrence | None) -> Tag:
    if row.reading.question:
        return Tag(say("row.question"), "wait")
    if found.open_overdue:
        return Tag(say("row.overdue", count=found.open_overdue), "late")
    if found.open_in_time:
        return Tag(say("row.running", count=found.open_in_time), "soon")
    if coming:
        return Tag(say("row.ahead"), "calm")
    return Tag(say("row.over"), "done")


@router.get("/phu-luc/{row_id}")
def one_row(request: Request, row_id: str) -> Response:
    with opened(request) as desk:
        if not desk.plan.has_row(row_id):
            raise NotFound("row.unknown", row=row_id)
        row = desk.plan.row(row_id)
        by_row = tally.counts(desk.session, desk.plan.id, desk.today, row_id)
        fresh = kept.fresh(desk)
        dated = sorted(
            (o for o in desk.occurrences if o.row_id == row_id), key=lambda o: (o.due_on, o.period)
        )
        cells: dict[str, dict[str, Task]] = defaultdict(dict)
        for listed in tasks.of_row(desk.session, desk.plan, row_id, desk.today):
            cells[listed.task.body_id][listed.task.period] = listed.task
        order = dict.fromkeys([*row.implementing, *cells])
        periods = dict.fromkeys([o.period for o in dated])
        periods |= dict.fromkeys(t.period for line in cells.values() for t in line.values())
        return desk.page(
            "row.html", line=_line(row, desk, by_row, fresh), row=row, dated=dated,
            reading=describe(row.reading), order=list(order), cells=cells, periods=list(periods),
            section=desk.plan.section_title(row.section) or desk.plan.criteria_title,
        )  # fmt: skip


# -- bodies --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BodyLine:
    body: Body
    counts: Counts
    share: Share
    speakers: list[Speaker]
    reachable: bool


@router.get("/don-vi")
def all_bodies(request: Request) -> Response:
    asked = request.query_params.get("xep", "")
    with opened(request) as desk:
        quarters = kept.by_quarter(desk)
        by_body = {body: sum(found.values(), Counts()) for body, found in quarters.items()}
        speakers = bodies.speakers(desk.session)
        lines = [
            BodyLine(body, counted, pictures.share(counted), found, bodies.reachable(found))
            for body in sorted(_shown(desk, by_body), key=lambda body: sort_key(body.short))
            for found in [speakers.get(body.id, [])]
            for counted in [by_body.get(body.id, Counts())]
        ]
        compared = communes.communes(desk.session, desk.plan, desk.given, quarters, desk.today)
        by_share = asked == "dung-han"
        return desk.page(
            "bodies.html", groups=_by_level(lines), by_share=by_share, few=communes.FEW,
            compared=communes.by_share(compared) if by_share else compared,
        )  # fmt: skip


def _shown(desk: Desk, owing: Iterable[str]) -> list[Body]:
    """The plan's bodies, and those founded since that owe it something, as called now."""
    later = [b for b in owing if b in desk.given and not desk.plan.has_body(b)]
    return [_as_called(body, desk) for body in (*(b.id for b in desk.plan.bodies), *later)]


def _as_called(body_id: str, desk: Desk) -> Body:
    """A body under the name of the page's day."""
    one = desk.given.get(body_id)
    if one is None:
        return desk.plan.body(body_id)
    level = Level(one.level)
    if desk.plan.has_body(body_id):
        return replace(desk.plan.body(body_id), name=one.name, short=one.short, level=level)
    return Body(body_id, one.name, one.short, level, BodyKind.OFFICE, one.unit)


def _by_level(lines: list[BodyLine]) -> list[tuple[Level, list[BodyLine]]]:
    groups = [(level, [line for line in lines if line.body.level == level]) for level in Level]
    return [(level, found) for level, found in groups if found]


@router.get("/don-vi/{body_id}")
def one_body(request: Request, body_id: str) -> Response:
    with opened(request) as desk:
        if not desk.plan.has_body(body_id) and body_id not in desk.given:
            raise NotFound("body.missing", body=body_id)
        speakers = bodies.speakers(desk.session, body_id).get(body_id, [])
        found = tallies.by_quarter(
            desk.session, desk.plan.id, desk.plan.year, desk.today, [body_id]
        ).get(body_id, {})
        shares = [(n, pictures.share(counted)) for n, counted in sorted(found.items())]
        return desk.page(
            "body.html", body=_as_called(body_id, desk), speakers=speakers,
            end=successions.ends(desk.session, desk.today).get(body_id),
            reachable=bodies.reachable(speakers),
            counts=counts.counts(desk.session, desk.plan.id, desk.today, body_id=body_id),
            found=tasks.page(desk.session, desk.plan, Filter(body=body_id), desk.today),
            shares=shares, few=communes.FEW, share=pictures.share(sum(found.values(), Counts())),
            mails=record.few(desk.session, Of(body=body_id), 6),
        )  # fmt: skip


@router.get("/don-vi/{body_id}/lich-su")
def body_through_time(request: Request, body_id: str) -> Response:
    with opened(request) as desk:
        life = body_history.life(desk.session, body_id)
        if life is None:
            raise NotFound("body.missing", body=body_id)
        name = body_names.at(life.names, desk.today).short
        return desk.page(
            "body_history.html", body_id=body_id, name=name, life=life, always=body_names.ALWAYS
        )
