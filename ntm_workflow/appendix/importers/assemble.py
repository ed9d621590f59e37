"""A document and a register → a draft: everything found, and everything to ask."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.claims import check, passages
from ntm_workflow.appendix.importers import criteria, head, meant, rows, segments, settle, targets
from ntm_workflow.appendix.importers.checks import Checks
from ntm_workflow.appendix.importers.document import Document, Place, Table, squash
from ntm_workflow.appendix.importers.known import Known
from ntm_workflow.appendix.importers.pieces import (
    NO_ANSWERS,
    Answers,
    Ask,
    Draft,
    Head,
    Ledger,
)
from ntm_workflow.appendix.importers.segments import Segment
from ntm_workflow.errors import Refused


@dataclass(frozen=True)
class Import:
    """What came of a document: the draft, the tables it was taken from, and who used what.

    `register` is the one it was read by, with what a person added to it.
    """

    draft: Draft
    segments: tuple[Segment, ...]
    left: tuple[Table, ...]
    ledger: Ledger
    register: Register | None = None


def assemble(
    document: Document, known: Known, by_hand: dict[str, int] | None = None,
    said: Answers = NO_ANSWERS,
) -> Import:  # fmt: skip
    """Make a draft of a document.

    `by_hand` says which column of the appendix holds what (`{"timing": 6}`,
    "criteria.count" for the criteria table, "3.timing" for table 3; 0: none
    does). `said` are answers to earlier questions, by their keys.

    Raises:
        Refused: no table is a responsibility appendix.
    """
    found = segments.find(document, columns_said(said) | (by_hand or {}))
    meaning = meant.with_answers(known, said)
    ledger = Ledger()
    appendix = [one for one in found.segments if one.kind == "appendix"]
    if not appendix:
        raise Refused("import.no_table", count=len(document.tables))
    read_rows = rows.read(appendix, ledger, said)
    if not read_rows.rows:
        raise Refused("import.no_rows")
    criteria_in = [s for s in found.segments if s.kind == "criteria"]
    read_lines = criteria.read(criteria_in, ledger, said)
    read_targets = targets.read(passages.read(document, found.segments))
    top, head_asks = _head(document, found.segments, known, meaning, said)
    read_rows = settle.work(read_rows, said, ledger)
    read_lines = settle.lines(read_lines, said, ledger)
    checked = Checks(known.register, meaning.register, top, said)
    made_rows = tuple(checked.row(row) for row in read_rows.rows)
    for line in read_lines.lines:
        checked.line(line)
    for segment in found.segments:
        _claim_headers(segment, ledger)
    asks = (
        *head_asks, *_columns(found.segments, said), *_left(document, found.left, said),
        *read_rows.asks, *read_lines.asks, *read_targets.asks, *checked.asks,
    )  # fmt: skip
    open_asks, settled = settle.partition(asks, said, checked.failed)
    draft = Draft(
        top, read_rows.sections, made_rows, read_lines.lines, settle.goals(read_targets, said),
        open_asks,
        columns=tuple((s.table.number, c.column, c.label, c.role)
                      for s in found.segments if not s.joined for c in s.header.columns),
        remarks=_remarks(found.segments), criteria_title=read_lines.title,
        criteria_total=read_lines.total, register=meaning.tables,
        criteria_rules=known.criteria, settled=settled,
    )  # fmt: skip
    draft = replace(draft, findings=check.find(document, found.segments, draft, meaning.register))
    return Import(draft, found.segments, found.left, ledger, meaning.register)


def columns_said(said: Answers) -> dict[str, int]:
    """What a person said of columns: "3.timing" → 6, "3.note" where it holds nothing of ours."""
    found: dict[str, int] = {}
    for key, answer in said.items():
        sort, _, rest = key.partition("|")
        table, _, column = rest.partition("|")
        if sort == "column" and answer.get("do") == "role":
            if was := answer.get("was"):
                found.setdefault(f"{table}.{was}", 0)
            if (role := str(answer.get("text", ""))) not in ("", "note"):
                found[f"{table}.{role}"] = int(column)
        elif sort == "table" and answer.get("do") == "columns":
            found |= {f"{table}.{role}": int(at) for role, at in answer["columns"].items() if at}
    return found


# -- head --------------------------------------------------------------------


def _head(
    document: Document, found: tuple[Segment, ...], known: Known, meaning: Known, said: Answers
) -> tuple[Head, tuple[Ask, ...]]:
    """The head, read by the register as it was, then with what a person said."""
    first = head.lines(document.blocks, [segment.table for segment in found])
    first += [line for cell in found[0].title_cells for line in cell.text.split("\n")]
    notes = [segment.note for segment in found if segment.note]
    top, asks = head.read(first, notes, known.register, [s.title for s in found if s.title])
    top, amended = head.with_amended(top, known.plans)
    asks = (*asks, *amended)
    printed = top
    top = settle.head(top, said, meaning.register)
    if not top.year and top.issued_on:
        top = replace(top, year=top.issued_on.year)
    # What the answer to another question brought is asked no more.
    asks = tuple(ask for ask in asks if ask.key in said or ask.code == "head.differs"
                 or getattr(top, ask.where[2]) == getattr(printed, ask.where[2]))  # fmt: skip
    office = known.offices.get(top.issuer, "")
    if office and not top.coordination_office:
        return replace(top, coordination_office=office), asks
    choices = _coordination_offices(meaning.register, top.level)
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


def _columns(found: tuple[Segment, ...], said: Answers) -> list[Ask]:
    asks: list[Ask] = []
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
            ask = Ask("column.unknown", ("plan", "", "columns"), column.label,
                      data={"table": number, "column": column.column})  # fmt: skip
            unknown = not column.role and used
            if column.column not in doubled and (unknown or ask.key in said):
                asks.append(ask)
    return asks


def _left(document: Document, left: tuple[Table, ...], said: Answers) -> list[Ask]:
    """Tables of some size that were not read: a person says whether that is right."""
    asks = []
    for table in document.tables:
        first = " | ".join(squash(cell.text) for cell in table.row(1))[:160]
        ask = Ask("table.left", ("plan", "", "tables"), first,
                  Place(table.number, 1, 1, table.page, table.sheet),
                  data={"table": table.number, "rows": table.height})  # fmt: skip
        if ask.key in said or (table in left and table.height >= 3 and table.width >= 3):
            asks.append(ask)
    return asks
