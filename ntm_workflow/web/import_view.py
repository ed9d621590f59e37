"""What the import page shows of a draft: its questions, the source beside them, what was read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from rapidfuzz import fuzz

from ntm_workflow import texts
from ntm_workflow.appendix import finding_text, timing
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.importers import answers, sentences
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Place, Table
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.pieces import Answer, Ask, DraftLine, DraftRow
from ntm_workflow.appendix.model import Kind, Plan, Reading
from ntm_workflow.appendix.text import fold
from ntm_workflow.appendix.timing_say import describe
from ntm_workflow.errors import Refused
from ntm_workflow.texts import day, say

ROLES = ("directing", "implementing", "coordinating")
_AROUND = 2  # rows shown before and after the one a question is about
_HEAD_LINES = 16
_SLIP = 85  # how like a known name, of a hundred, a printed one is that may be meant for it


def mark(key: str) -> str:
    """A question's key as addresses carry it."""
    return sha256(key.encode()).hexdigest()[:12]


# -- questions -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """One question, wherever it stands: the same words in several rows are asked once."""

    key: str
    ask: Ask
    rows: tuple[str, ...]
    answer: Answer | None = None
    made: Made | None = None

    @property
    def mark(self) -> str:
        return mark(self.key)

    @property
    def sentence(self) -> str:
        """What is asked, for a person at a page: the importers' sentence where it has none."""
        key = f"nhap.ask.{self.ask.code}"
        data = {"quote": self.ask.quote, **self.ask.data}
        if self.ask.code == "head.differs":
            data["what"] = say(f"nhap.head.{self.ask.where[2]}").lower()
        return say(key, **data)

    @property
    def meaning(self) -> str:
        return sentences.meaning(self.answer) if self.answer else ""

    @property
    def place(self) -> str:
        return sentences.place(self.ask.place)


def questions(made: Made) -> list[Question]:
    """The open questions in the order in which they are asked."""
    groups: dict[str, list[Ask]] = {}
    for ask in sorted(made.found.draft.asks, key=_last):
        groups.setdefault(ask.key, []).append(ask)
    return [Question(key, asks[0], _rows(asks)) for key, asks in groups.items()]


def settled(made: Made) -> list[Question]:
    """The questions that have an answer, those of one answer together."""
    groups: dict[str, list[tuple[Ask, Answer]]] = {}
    for ask, answer in made.found.draft.settled:
        key = f"{ask.key}|{ask.where[1]}" if answer.get("row") else ask.key
        groups.setdefault(key, []).append((ask, answer))
    return [Question(key, found[0][0], _rows(ask for ask, _ in found), found[0][1])
            for key, found in groups.items()]  # fmt: skip


def one_slip(ask: Ask) -> bool:
    """True where a printed name may be a known one, mistyped."""
    return bool(ask.choices) and fuzz.ratio(fold(ask.quote), fold(ask.choices[0])) >= _SLIP


def _last(ask: Ask) -> int:
    """Who coordinates is asked last: most often one of the bodies that were asked before."""
    return 1 if ask.code == "head.no_coordination_office" else 0


def _rows(asks: Iterable[Ask]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a.where[1] for a in asks if a.where[0] in ("row", "criterion")))


# -- the source ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """One cell as drawn; `before`, `marked` and `after` are its text around the words asked."""

    before: str
    marked: str
    after: str
    columns: int
    rows: int
    hot: bool
    header: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of the source: lines of text, or rows of a table with their numbers."""

    title: str
    lines: tuple[tuple[str, bool], ...] = ()
    rows: tuple[tuple[int, tuple[Shown, ...]], ...] = ()
    table: int = 0


def excerpt(made: Made | None, document: Document, question: Question) -> Excerpt:
    """The part of the source that a question is about, its cell marked."""
    ask = question.ask
    table_number, row, column = _cell(made, ask)
    table = next((t for t in document.tables if t.number == table_number), None)
    if table is None:
        return _head(document, ask.quote)
    first = ask.code.startswith("column.") or ask.code == "table.left"
    header = _header_rows(made, table)
    if first:
        wanted: set[int] = set(range(1, min(table.height, max(header, default=0) + 4) + 1))
    else:
        wanted = header | set(range(max(1, row - _AROUND), min(table.height, row + _AROUND) + 1))
    hot = {(table_number, row, column)} if row else set()
    if ask.code.startswith("column."):
        hot = {(table_number, at, column) for at in wanted}
    return Excerpt(_title(table), rows=tuple(_drawn(table, sorted(wanted), hot, header, ask.quote)),
                   table=table.number)  # fmt: skip


def whole(made: Made, document: Document) -> list[Excerpt]:
    """Every table that was read, whole."""
    found = []
    for number in dict.fromkeys(s.table.number for s in made.found.segments):
        table = next(t for t in document.tables if t.number == number)
        rows = tuple(
            _drawn(table, range(1, table.height + 1), set(), _header_rows(made, table), "")
        )
        found.append(Excerpt(_title(table), rows=rows, table=number))
    return found


def _cell(made: Made | None, ask: Ask) -> tuple[int, int, int]:
    """Table, row and column of the cell that a question is about."""
    if ask.code.startswith(("column.", "table.")):
        return int(str(ask.data["table"])), 1, int(str(ask.data.get("column", 0)))
    if made is not None:
        for claim in made.found.ledger:
            if claim.target == ask.where:
                return claim.table, claim.row, claim.column
    place = ask.place
    if not place.table:
        return 0, 0, 0
    offset = _offset(made, place)
    return place.table, place.row - offset, place.column


def _offset(made: Made | None, place: Place) -> int:
    if made is None:
        return 0
    tables = [segment.table for segment in made.found.segments]
    return next((t.first_row - 1 for t in tables if t.number == place.table), 0)


def _head(document: Document, quote: str) -> Excerpt:
    """The first lines of the document, head tables included."""
    lines: list[str] = []
    for block in document.blocks:
        if isinstance(block, Table) and block.height > 3:
            break
        texts = [block.text] if isinstance(block, Paragraph) else [c.text for c in block.cells]
        lines += [line for text in texts for line in text.split("\n") if line.strip()]
        if len(lines) >= _HEAD_LINES:
            break
    shown = tuple((line, bool(quote) and quote in line) for line in lines[:_HEAD_LINES])
    return Excerpt(say("nhap.source.head"), lines=shown)


def _title(table: Table) -> str:
    where = Place(table.number, 0, 0, table.page, table.sheet)
    return say("nhap.source.table", where=sentences.place(where))


def _header_rows(made: Made | None, table: Table) -> set[int]:
    if made is None:
        return set()
    rows = [at for s in made.found.segments if s.table.number == table.number
            for at in range(s.header.first, s.header.last + 1) if s.header.first]  # fmt: skip
    return set(rows)


def _drawn(
    table: Table, rows: Sequence[int], hot: set[tuple[int, int, int]], header: set[int], quote: str
) -> Iterator[tuple[int, tuple[Shown, ...]]]:
    """The rows as table rows; a merged cell spans the shown rows that it covers."""
    seen: set[tuple[int, int]] = set()
    for at in rows:
        cells: list[Shown] = []
        column = 1
        while column <= table.width:
            cell = table.at(at, column)
            if cell is None:
                cells.append(Shown("", "", "", 1, 1, (table.number, at, column) in hot, False))
                column += 1
                continue
            if (cell.row, cell.column) not in seen:
                seen.add((cell.row, cell.column))
                covered = sum(cell.row <= one < cell.row + cell.rows for one in rows)
                is_hot = (table.number, cell.row, cell.column) in hot
                cells.append(_shown(cell, covered, is_hot, at in header, quote))
            column = cell.column + cell.columns
        yield at + table.first_row - 1, tuple(cells)


def _shown(cell: Cell, rows: int, hot: bool, header: bool, quote: str) -> Shown:
    text = cell.text
    words = r"\s+".join(map(re.escape, quote.split()))
    found = re.search(words, text) if hot and quote else None
    if found is None:
        return Shown(text, "", "", cell.columns, max(rows, 1), hot, header)
    return Shown(text[: found.start()], found[0], text[found.end() :], cell.columns,
                 max(rows, 1), hot, header)  # fmt: skip


# -- what was understood ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meant:
    """A name as printed, and who it is: a few short names, and how many there are.

    Left out where the one short name is what is printed.
    """

    printed: str
    names: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Understood:
    """A row as read: its cells, the bodies of each, its timing in words and in dates."""

    id: str
    place: str
    content: str
    cells: dict[str, str]
    bodies: dict[str, tuple[Meant, ...]]
    timing: str
    reading: str
    dates: str
    waits: bool
    asked: int


def understood(made: Made) -> list[Understood]:
    """All rows and criteria lines as read so far."""
    draft = made.found.draft
    asked: dict[str, int] = {}
    for ask in draft.asks:
        if ask.where[0] in ("row", "criterion"):
            asked[ask.where[1]] = asked.get(ask.where[1], 0) + 1
    rows: list[DraftRow | DraftLine] = [*draft.rows, *draft.lines]
    return [_understood(made, row, asked.get(row.id, 0)) for row in rows]


def one_understood(made: Made, row_id: str) -> Understood | None:
    draft = made.found.draft
    rows: list[DraftRow | DraftLine] = [*draft.rows, *draft.lines]
    found = next((row for row in rows if row.id == row_id), None)
    return _understood(made, found, 0) if found else None


def _understood(made: Made, row: DraftRow | DraftLine, asked: int) -> Understood:
    register = made.found.register
    cells = {role: str(getattr(row, role, "")) for role in ROLES}
    place = sentences.place(replace(row.place, column=0))
    if isinstance(row, DraftLine):
        bodies = {"directing": _meant(register, cells["directing"])}
        return Understood(row.id, place, row.name, cells, bodies, "", "", "", False, asked)
    bodies = {role: _meant(register, cell) for role, cell in cells.items()}
    said, when, waits = "", "", True
    if row.timing and (year := made.found.draft.head.year):
        reading = timing.read(row.read_as or row.timing, year)
        waits = reading.question is not None
        said = reading.question.text if reading.question else describe(reading)
        when = "" if waits else dates(reading)
    return Understood(row.id, place, row.content, cells, bodies, row.timing, said, when, waits,
                      asked)  # fmt: skip


def _meant(register: Register | None, cell: str) -> tuple[Meant, ...]:
    if register is None or not cell:
        return ()
    named, _ = register.resolve(cell)
    return tuple(
        Meant(one.printed, tuple(register.bodies[body].short for body in one.bodies[:2]),
              len(one.bodies))
        for one in named
        if [fold(register.bodies[body].short) for body in one.bodies] != [fold(one.printed)]
    )  # fmt: skip


def dates(reading: Reading) -> str:
    """The windows of a list of them: "1/6/2020–30/6/2020; 1/10/2020–31/10/2020".

    A single window or a deadline is described with its days as it is.
    """
    if reading.kind not in (Kind.WINDOWS, Kind.PERIODIC, Kind.MIXED):
        return ""
    return "; ".join(
        f"{day(w.opens_on)}–{day(w.due_on)}" if w.opens_on else say("nhap.until", day=w.due_on)
        for w in reading.windows[:12]
    )


def preview(text: str, year: int | None) -> tuple[str, str]:
    """How a timing that somebody types would be read, and its dates; a sentence where it is not."""
    reading = timing.read(text, year or 2000)  # what can be dated is so in every year
    if reading.question:
        return reading.question.text, ""
    return describe(reading), dates(reading)


# -- bodies to choose from -----------------------------------------------------------


def body_choices(register: Register | None) -> list[tuple[str, str]]:
    """What can be chosen as a body: ids of single ones, a spelling for one in each commune."""
    if register is None:
        return []
    found: dict[str, str] = {}
    for body in register.bodies.values():
        if body.unit is None:
            found[body.id] = body.name
        elif body.names:
            with texts.speaking("vi"):  # as documents spell it: it is read again
                spelling = say("nhap.spelled", name=body.names[0],
                               level=say(f"nhap.level.{body.level}"))  # fmt: skip
            alike = (b.unit for b in register.bodies.values()
                     if b.names == body.names and b.level == body.level)  # fmt: skip
            count = sum(unit is not None and register.units[unit].in_programme for unit in alike)
            found.setdefault(spelling, say("nhap.each", name=spelling, count=count))
    return sorted(found.items(), key=lambda one: one[1])


def proposals(made: Made, learnt: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What was answered to open questions the last time, where it can still be used."""
    draft = made.found.draft
    found = {}
    for ask in draft.asks:
        before = learnt.get(ask.key)
        if before and ask.key not in found:
            try:
                answers.check(ask, before, draft.head.year, made.found.register)
            except Refused:  # a body that this register does not have
                continue
            found[ask.key] = {**before, "printed": ask.quote}
    return found


def findings(plan: Plan) -> list[tuple[str, str]]:
    """Each finding of a plan: where it is, and its sentence."""
    return [(finding_text.named(one.where), finding_text.sentence(one)) for one in plan.findings]
