"""The criteria of the programme: every criterion, every commune, how each stands."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request, Response

from ntm_workflow.appendix.model import Criterion, Plan, Row, Unit
from ntm_workflow.appendix.text import sort_key
from ntm_workflow.reports import tasks
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import say
from ntm_workflow.web import svg, visitor, words
from ntm_workflow.web.desk import opened

router = APIRouter()
KINDS = ("done", "done_late", "submitted", "late", "running", "suspended", "to_open")
Key = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """How one commune stands with one criterion: its year's task, and its check-ins."""

    kind: str
    task: Task | None
    checked: int
    check_ins: int

    @property
    def done(self) -> bool:
        return self.kind in ("done", "done_late")


@dataclass(frozen=True, slots=True)
class Line:
    """A criterion: the row that gives it to communes, its target in the text, its cells."""

    number: int
    name: str
    row: Row | None
    target: Criterion | None
    cells: Mapping[str, Cell]

    @property
    def done(self) -> int:
        return sum(cell.done for cell in self.cells.values())

    @property
    def differs(self) -> bool:
        """The paper's own numbers are not the same: those it names, its table, its text."""
        said = {len(self.cells)}
        if self.row and self.row.count is not None:
            said.add(self.row.count)
        if self.target:
            said.add(self.target.added)
        return len(said) > 1


@router.get("/tieu-chi")
def criteria(request: Request) -> Response:
    with opened(request) as desk:
        plan, own = desk.plan, visitor.own(request)
        found = tasks.of_criteria(desk.session, plan, own)
        communes = sorted((unit for unit in plan.units if unit.in_programme),
                          key=lambda unit: sort_key(unit.name))  # fmt: skip
        lines = _lines(plan, found, communes, desk.today, own)
        if own is not None:  # of another body's criteria no column may say that there are none
            ours = {unit for line in lines for unit in line.cells}
            communes = [unit for unit in communes if unit.id in ours]
        kinds = Counter(cell.kind for line in lines for cell in line.cells.values())
        return desk.page(
            "criteria.html", lines=lines, communes=communes, kinds=kinds, every_kind=KINDS,
            sign=svg.sign, target_bar=svg.target_bar, cell_said=cell_said,
            total=sum(kinds.values()), own=own is not None,
        )  # fmt: skip


def _lines(
    plan: Plan, found: Sequence[Task], communes: Sequence[Unit], today: date,
    own: Collection[str] | None,
) -> list[Line]:  # fmt: skip
    cells = _cells(plan, found, today)
    rows = {row.criterion: row for row in plan.criteria if row.criterion is not None}
    targets = {target.number: target for target in plan.targets}
    made = []
    for number in sorted({*rows, *targets}):
        row, target = rows.get(number), targets.get(number)
        name = target.name if target else row.content if row else ""
        given = _given(plan, row, own) if row else frozenset()
        made.append(Line(number, name, row, target, {
            unit.id: cells.get((unit.id, row.id), Cell("to_open", None, 0, 0))
            for unit in communes if row and (unit.id in given or (unit.id, row.id) in cells)
        }))  # fmt: skip
    return made


def _given(plan: Plan, row: Row, own: Collection[str] | None) -> frozenset[str | None]:
    """The communes that a row gives its criterion to; to `own` bodies where they are named."""
    owing = (body for body in row.implementing if own is None or body in own)
    return frozenset(plan.body(body).unit for body in owing)


def _cells(plan: Plan, found: Sequence[Task], today: date) -> dict[Key, Cell]:
    grouped: dict[Key, list[Task]] = defaultdict(list)
    for task in found:
        unit = plan.body(task.body_id).unit if plan.has_body(task.body_id) else None
        grouped[unit, task.row_id].append(task)
    return {key: _cell(group, plan, today) for key, group in grouped.items()}


def _cell(group: Sequence[Task], plan: Plan, today: date) -> Cell:
    year = next((task for task in group if task.period == str(plan.year)), None)
    others = [task for task in group if task is not year]
    done = sum(task.state == "accepted" for task in others)
    return Cell(_kind(year, group, today), year, done, len(others))


def _kind(year: Task | None, group: Sequence[Task], today: date) -> str:
    """The state of a cell, a key of svg.SIGNS: what most needs a look comes first."""
    if year and year.state == "accepted":
        late = year.completed_on is not None and year.completed_on > year.due_on
        return "done_late" if late else "done"
    if any(words.standing(task, today).tone == "late" for task in group):
        return "late"
    if any(task.state == "submitted" for task in group):
        return "submitted"
    return "suspended" if year and year.suspended_on else "running"


def cell_said(cell: Cell | None) -> str:
    """What a cell says in words."""
    if cell is None:
        return say("criteria.none")
    said = say(f"criteria.kind.{cell.kind}")
    if not cell.check_ins:
        return said
    return say("criteria.checked", said=said, done=cell.checked, count=cell.check_ins)
