"""The plan as on paper, and one row of it with its bodies and tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response

from ntm_workflow.appendix import finding_text
from ntm_workflow.appendix.model import Row
from ntm_workflow.appendix.timing_say import describe
from ntm_workflow.calendar.occurrences import Occurrence
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import tally, tasks
from ntm_workflow.reports.agenda import Due
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.freshness import Freshness
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import say
from ntm_workflow.web import body_list, kept, visitor
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.words import Tag

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
        return _appendix(desk, lines, whole)


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
        return _appendix(desk, lines, whole)


def _appendix(desk: Desk, lines: dict[str, Line], whole: Counts) -> Response:
    return desk.page(
        "appendix.html", lines=lines, whole=whole,
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
        known = list(dict.fromkeys(o.period for o in dated))
        others, later = desk.kept(f"beside {row_id}", lambda: (
            tasks.others_of_row(desk.session, desk.plan, row),
            tasks.other_periods(desk.session, desk.plan, row_id, known),
        ))  # fmt: skip
        periods, everyone = [*known, *later], [*dict.fromkeys(row.implementing), *others]
        shown = body_list.shown(desk, everyone)
        cells: dict[str, dict[str, Task]] = defaultdict(dict)
        for one in tasks.of_row(desk.session, desk.plan, row_id, desk.today, shown.part.items):
            cells[one.task.body_id][one.task.period] = one.task
        return desk.page(
            "row.html", line=_line(row, desk, by_row, fresh), row=row, dated=dated,
            reading=describe(row.reading), shown=shown, cells=cells, periods=periods,
            section=desk.plan.section_title(row.section) or desk.plan.criteria_title,
            most=body_list.PAGE,
        )  # fmt: skip
