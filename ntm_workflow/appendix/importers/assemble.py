"""A document and a register → a draft: everything found, and everything to ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from ntm_workflow.appendix import timing
from ntm_workflow.appendix.bodies import Register, Unresolved
from ntm_workflow.appendix.claims import check, passages
from ntm_workflow.appendix.importers import criteria, head, rows, segments, targets
from ntm_workflow.appendix.importers.document import Document, Place, Table, squash
from ntm_workflow.appendix.importers.known import Known
from ntm_workflow.appendix.importers.pieces import Ask, Draft, DraftLine, DraftRow, Head, Ledger
from ntm_workflow.appendix.importers.segments import Segment
from ntm_workflow.appendix.model import Kind, Named, Reading
from ntm_workflow.errors import Refused

_ROLES = ("directing", "implementing", "coordinating")


@dataclass(frozen=True)
class Import:
    """What came of a document: the draft, the tables it was taken from, and who used what."""

    draft: Draft
    segments: tuple[Segment, ...]
    left: tuple[Table, ...]
    ledger: Ledger


def assemble(document: Document, known: Known, by_hand: dict[str, int] | None = None) -> Import:
    """Make a draft of a document.

    `by_hand` says which column of the appendix holds what (`{"timing": 6}`,
    "criteria.count" for the criteria table; 0: none does).

    Raises:
        Refused: no table is a responsibility appendix.
    """
    found = segments.find(document, by_hand)
    ledger = Ledger()
    appendix = [one for one in found.segments if one.kind == "appendix"]
    if not appendix:
        raise Refused("import.no_table", count=len(document.tables))
    read_rows = rows.read(appendix, ledger)
    if not read_rows.rows:
        raise Refused("import.no_rows")
    read_lines = criteria.read([s for s in found.segments if s.kind == "criteria"], ledger)
    read_targets = targets.read(passages.read(document, found.segments))
    top, head_asks = _head(document, found.segments, known)
    year = top.year or (top.issued_on.year if top.issued_on else None)
    checked = _Checks(known.register, year)
    made_rows = tuple(checked.row(row) for row in read_rows.rows)
    for line in read_lines.lines:
        checked.line(line)
    for segment in found.segments:
        _claim_headers(segment, ledger)
    asks = (
        *head_asks, *_columns(found.segments), *_left(found.left), *read_rows.asks,
        *read_lines.asks, *read_targets.asks, *checked.asks,
    )  # fmt: skip
    draft = Draft(
        top, read_rows.sections, made_rows, read_lines.lines, read_targets.targets, asks,
        columns=tuple((s.table.number, c.column, c.label, c.role)
                      for s in found.segments if not s.joined for c in s.header.columns),
        remarks=_remarks(found.segments), criteria_title=read_lines.title,
        criteria_total=read_lines.total, register=known.tables, criteria_rules=known.criteria,
    )  # fmt: skip
    draft = replace(draft, findings=check.find(document, found.segments, draft, known.register))
    return Import(draft, found.segments, found.left, ledger)


# -- head --------------------------------------------------------------------


def _head(
    document: Document, found: tuple[Segment, ...], known: Known
) -> tuple[Head, tuple[Ask, ...]]:
    first = head.lines(document.blocks, [segment.table for segment in found])
    first += [line for cell in found[0].title_cells for line in cell.text.split("\n")]
    notes = [segment.note for segment in found if segment.note]
    top, asks = head.read(first, notes, known.register, [s.title for s in found if s.title])
    top, amended = head.with_amended(top, known.plans)
    asks = (*asks, *amended)
    office = known.offices.get(top.issuer, "")
    if office:
        return replace(top, coordination_office=office), asks
    choices = _coordination_offices(known.register, top.level)
    ask = Ask("head.no_coordination_office", ("plan", "", "coordination_office"), choices=choices)
    return top, (*asks, ask)


def _coordination_offices(register: Register | None, level: str) -> tuple[str, ...]:
    if register is None:
        return ()
    return tuple(body.id for body in register.bodies.values()
                 if "Điều phối" in body.name and (not level or body.level == level))  # fmt: skip


# -- what the columns and tables leave open ----------------------------------------


def _claim_headers(segment: Segment, ledger: Ledger) -> None:
    for row in segment.header_rows:
        for cell in segment.table.row(row):
            ledger.claim(segment.table, cell, ("comment", "", ""))
    for cell in segment.title_cells:
        ledger.claim(segment.table, cell, ("comment", "", ""))


def _remarks(found: tuple[Segment, ...]) -> tuple[str, ...]:
    """Titles, headers and totals: what stands in the draft as remarks, each once."""
    said: list[str] = []
    for segment in found:
        said += [squash(title) for title in segment.titles]
        said += [squash(cell.text) for cell in segment.title_cells]
        for row in segment.header_rows:
            said.append(" | ".join(squash(cell.text) for cell in segment.table.row(row)))
        if segment.kind == "criteria":
            for row in segment.rows:
                cells = segment.table.row(row)
                if cells and criteria.is_total(cells):
                    said.append(" | ".join(squash(cell.text) for cell in cells))
    return tuple(dict.fromkeys(said))


def _columns(found: tuple[Segment, ...]) -> list[Ask]:
    asks = []
    for segment in found:
        if segment.joined:
            continue
        number = segment.table.number
        doubled = {column.column for column in segment.header.doubled}
        asks += [
            Ask("column.doubled", ("plan", "", "columns"), column.label,
                data={"table": number, "column": column.column, "role": column.role})
            for column in segment.header.doubled
        ]  # fmt: skip
        for column in segment.header.columns:
            used = any(cell.column == column.column for row in segment.rows
                       for cell in segment.table.row(row))  # fmt: skip
            if not column.role and column.column not in doubled and used:
                asks.append(Ask("column.unknown", ("plan", "", "columns"), column.label,
                                data={"table": number, "column": column.column}))  # fmt: skip
    return asks


def _left(left: tuple[Table, ...]) -> list[Ask]:
    """Tables of some size that were not read: a person says whether that is right."""
    asks = []
    for table in left:
        if table.height >= 3 and table.width >= 3:
            first = " | ".join(squash(cell.text) for cell in table.row(1))[:160]
            asks.append(Ask("table.left", ("plan", "", "tables"), first,
                            Place(table.number, 1, 1, table.page, table.sheet),
                            data={"table": table.number, "rows": table.height}))  # fmt: skip
    return asks


# -- what the cells leave open -------------------------------------------------------


class _Checks:
    """Reads body and timing cells as the plan will, and asks about what it could not."""

    def __init__(self, register: Register | None, year: int | None) -> None:
        self.register = register
        self.year = year
        self._read: dict[str, tuple[tuple[Named, ...], tuple[Unresolved, ...]]] = {}
        self.asks: list[Ask] = []

    def row(self, row: DraftRow) -> DraftRow:
        for role in _ROLES:
            self._bodies(getattr(row, role), ("row", row.id, role), row)
        return self._timing(row) if row.timing else row

    def line(self, line: DraftLine) -> None:
        self._bodies(line.directing, ("criterion", line.id, "directing"), line)
        if self.register and line.implementing:
            _, lost = self.register.read_units(line.implementing)
            for name in lost:
                near = self.register.nearest_unit(name)
                self._ask("unit.unknown", ("criterion", line.id, "implementing"), name, line, near)

    def _bodies(self, cell: str, where: tuple[str, str, str], at: DraftRow | DraftLine) -> None:
        if not cell or self.register is None:
            return
        if cell not in self._read:
            self._read[cell] = self.register.resolve(cell)
        named, lost = self._read[cell]
        for name in lost:
            if name.ambiguous:
                choices = tuple(self.register.bodies[body].name for body in name.ambiguous)
                self._ask("body.ambiguous", where, name.printed, at, choices)
            else:
                self._ask("body.unknown", where, name.printed, at, name.nearest)
        if not named and not lost:
            self._ask("body.none", where, cell, at, ())

    def _timing(self, row: DraftRow) -> DraftRow:
        where = ("row", row.id, "timing")
        if self.year is None:
            return row
        reading = timing.read(row.timing, self.year, row.timing_header)
        plain = timing.read(row.timing, self.year)
        if reading.question is not None:
            choices = (*_from_day(row.day), *reading.question.choices)
            self._ask("timing.question", where, row.timing, row, choices,
                      why=reading.question.text)  # fmt: skip
            return row
        if _same(reading, plain):
            return row
        said = timing.canonical(reading)  # the header changes what the cell means
        if not _same(reading, timing.read(said, self.year)):
            self._ask("timing.header", where, row.timing, row, (said,), header=row.timing_header)
            return row
        return replace(row, read_as=said)

    def _ask(
        self, code: str, where: tuple[str, str, str], quote: str, at: DraftRow | DraftLine,
        choices: tuple[str, ...], **data: object,
    ) -> None:  # fmt: skip
        self.asks.append(Ask(code, where, squash(quote), at.place, choices, data))


def _same(one: Reading, other: Reading) -> bool:
    """True where two readings open the same days."""

    def days(reading: Reading) -> tuple[object, ...]:
        return (reading.kind, reading.windows, reading.every, reading.day, reading.question,
                tuple(days(part) for part in reading.parts))  # fmt: skip

    if one.kind is Kind.UNREADABLE and other.kind is Kind.UNREADABLE:
        return True
    return days(one) == days(other)


def _from_day(iso: str) -> tuple[str, ...]:
    """The month and the day behind a workbook's date, as choices."""
    if not iso:
        return ()
    day = date.fromisoformat(iso)
    return (f"Tháng {day.month}/{day.year}", f"Ngày {day.day}/{day.month}/{day.year}")
