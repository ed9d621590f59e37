"""The rows of the appendix tables: sections, and rows numbered inside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ntm_workflow.appendix.importers import ordinals
from ntm_workflow.appendix.importers.document import Cell, Place, Table, squash
from ntm_workflow.appendix.importers.ordinals import Ordinal
from ntm_workflow.appendix.importers.pieces import (
    NO_ANSWERS,
    Answers,
    Ask,
    DraftRow,
    DraftSection,
    Ledger,
    answer_to,
)
from ntm_workflow.appendix.importers.segments import Segment
from ntm_workflow.appendix.text import fold

_CELLS = ("content", "directing", "implementing", "coordinating", "timing")
_CLOSING = re.compile(
    r"^(tong cong|tong so|tong\b|cong\b[: ]|ghi chu|luu y|chu thich|noi nhan|nguoi lap|"
    r"(tm|kt|tl|tuq)\.|chu tich|pho chu tich|truong phong)"
)
_SECTION_ID = re.compile(r"[A-Z0-9]{1,12}(\.[0-9]{1,3})*")
_BULLETS = ("-", "–", "+", "•", "*")


@dataclass(frozen=True, slots=True)
class Found:
    sections: tuple[DraftSection, ...]
    rows: tuple[DraftRow, ...]
    asks: tuple[Ask, ...]


@dataclass(slots=True)
class _Open:
    """A section that rows and sections go into.

    `rank` says which numbers stand beside it, `ranks` which its rows have;
    `inside` counts what is in it, rows and sections together.
    """

    id: str
    rank: tuple[str, int]
    value: int
    inside: int = 0
    ranks: set[tuple[str, int]] = field(default_factory=set)


@dataclass(slots=True)
class _Line:
    """One row of a table: its cells by role, its number, where its content starts."""

    table: Table
    row: int
    cells: dict[str, Cell]
    notes: list[tuple[str, Cell]]
    others: list[tuple[str, Cell]]
    number: Ordinal | None = None
    start: int = 0
    wide: bool = False
    asides: list[tuple[str, Cell]] = field(default_factory=list)
    spread: list[tuple[str, Cell]] = field(default_factory=list)

    def text(self, role: str) -> str:
        return self.cells[role].text if role in self.cells else ""

    @property
    def alone(self) -> bool:
        """True where nothing but a number and a title stands in the row."""
        used = set(self.cells) - {"number", "content"}
        return not used and not self.notes and not self.others and bool(self.title)

    @property
    def title(self) -> str:
        return self.text("content")[self.start :]

    @property
    def place(self) -> Place:
        cell = self.cells.get("content") or next(iter(self.cells.values()), None)
        at = cell or Cell(self.row, 1, "")
        return replace(self.table.place(at), row=self.row + self.table.first_row - 1)


def read(segments: Sequence[Segment], ledger: Ledger, said: Answers = NO_ANSWERS) -> Found:
    """Read all appendix segments as one list of sections and rows."""
    walker = _Walker(ledger, said)
    for segment in segments:
        walker.segment(segment)
    return Found(tuple(walker.sections), tuple(walker.rows), tuple(walker.asks))


class _Walker:
    def __init__(self, ledger: Ledger, said: Answers) -> None:
        self.ledger = ledger
        self.said = said
        self.sections: list[DraftSection] = []
        self.rows: list[DraftRow] = []
        self.asks: list[Ask] = []
        self._stack: list[_Open] = []
        self._top = 0
        self._numbered = self._sectioned = False
        self._prefix = ""
        self._annexes = 0

    def segment(self, segment: Segment) -> None:
        lines = [line for row in segment.rows if (line := _line(segment, row))]
        self._annexes += not segment.joined
        if not segment.joined and self.rows:
            self._new_table(segment, lines)
        self._numbered = any(line.number and not line.alone for line in lines)
        self._sectioned = any(line.alone and (line.number or line.wide) for line in lines)
        for at, line in enumerate(lines):
            following = lines[at + 1] if at + 1 < len(lines) else None
            if at == 0 and segment.joined and self.rows and self._goes_on(segment, line):
                self._joined(segment, line)
            elif line.alone and not _closes(line) and self._is_section(line, following):
                self._section(line)
            else:
                self._row(segment, line)

    def _verb(self, code: str, key: str, line: _Line, quote: str) -> str:
        """What a person said to a question about this line, "" where nothing yet."""
        ask = Ask(code, ("", "", key), squash(quote), line.place)
        return str((answer_to(ask, self.said) or {}).get("do", ""))

    def _new_table(self, segment: Segment, lines: list[_Line]) -> None:
        """Another annex may number its sections from I again: then they get a prefix."""
        numbers = {line.number.printed for line in lines if line.number and line.alone}
        taken = {section.id.split(".")[0] for section in self.sections}
        if numbers & taken or not numbers:
            self._stack.clear()
            self._prefix = f"PL{self._annexes}"

    # -- sections -----------------------------------------------------------

    def _is_section(self, line: _Line, following: _Line | None) -> bool:
        number = line.number
        if line.wide or (number and number.kind in ("roman", "letter")):
            return True
        if self._verb("section.unsure", "title", line, line.title) == "row":
            self._ask("section.unsure", ("row", "", "title"), line, line.title)
            return False
        if following is None:
            return False
        if number is None:
            if line.title[0] in _BULLETS or line.title[0].islower():
                return False
            return not following.alone or line.title.upper() == line.title
        if number.kind == "bullet":
            return False
        deeper = following.number is None or following.number.kind in ("bullet", "lower")
        below = following.number is not None and following.number.depth > number.depth
        again = following.number is not None and following.number.value == 1 != number.value
        same = following.number is not None and following.number.rank == number.rank
        first = same and following.number is not None and following.number.value == 1
        return number.kind != "lower" and (deeper or below or again or first)

    def _section(self, line: _Line) -> None:
        self._stack = [one for one in self._stack if one.rank[0] != "whole"]
        number = self._as_sibling(line.number)
        rank = number.rank if number else ("plain", 1)
        ranks = [one.rank for one in self._stack]
        if rank in ranks:
            del self._stack[ranks.index(rank) :]
        elif number and number.kind in ("roman", "letter") and ranks:
            shallow = [at for at, one in enumerate(ranks) if one[0] not in ("roman", "letter")]
            del self._stack[min(shallow, default=len(ranks)) :]
        section = self._section_id(number, line)
        self._stack.append(_Open(section, rank, number.value if number else 0))
        self.sections.append(DraftSection(section, line.title, line.place))
        content = line.cells["content"]
        self.ledger.claim(line.table, content, ("section", section, "title"), line.start)
        # A number that another section has is only in the question about it.
        own = number is not None and (
            section == number.printed.upper() or section.split(".")[-1] == f"{number.value}"
        )
        target = ("section", section, "id") if own else ("question", "", "")
        if line.start:
            self.ledger.claim(line.table, content, target, 0, line.start)
        if "number" in line.cells and line.cells["number"] is not content:
            self.ledger.claim(line.table, line.cells["number"], target)
            if number is None:
                self._ask("section.number", ("section", section, "id"), line,
                          line.text("number"), given=section)  # fmt: skip
        if number is None and not line.wide and line.title.upper() != line.title:
            self._ask("section.unsure", ("section", section, "title"), line, line.title)
        self._asides(line, ("section", section, "title"))

    def _as_sibling(self, number: Ordinal | None) -> Ordinal | None:
        """ "C" after "B" is a letter, "I" after nothing is roman."""
        if number is None or number.kind != "roman" or len(number.printed) != 1:
            return number
        letter = ordinals.as_letter(number)
        beside = [one for one in self._stack if one.rank == letter.rank]
        return letter if beside and beside[-1].value + 1 == letter.value else number

    def _said_number(self, code: str, line: _Line, quote: str) -> str:
        """The section number that a person gave instead, "" where none can be used."""
        said = answer_to(Ask(code, ("section", "", "id"), squash(quote), line.place), self.said)
        given = str(said.get("text", "")).strip(" .").upper() if said else ""
        taken = {section.id for section in self.sections}
        return given if _SECTION_ID.fullmatch(given) and given not in taken else ""

    def _section_id(self, number: Ordinal | None, line: _Line) -> str:
        taken = {section.id for section in self.sections}
        if number is None and (said := self._said_number("section.number", line,
                                                         line.text("number"))):  # fmt: skip
            return said
        if not self._stack:
            self._top += 1
            wanted = number.printed.upper() if number else ordinals.roman(self._top)
            if self._prefix:
                wanted = f"{self._prefix}.{number.value if number else self._top}"
        else:
            parent = self._stack[-1]
            parent.inside += 1
            wanted = f"{parent.id}.{number.value if number else parent.inside}"
        if wanted not in taken:
            return wanted
        stem, _, last = wanted.rpartition(".")
        at = next(n for n in range(1, len(taken) + 2)
                  if (f"{stem}.{n}" if stem else ordinals.roman(n)) not in taken)  # fmt: skip
        given = f"{stem}.{at}" if stem else ordinals.roman(at)
        quote = number.printed if number else last
        given = self._said_number("section.twice", line, quote) or given
        self._ask("section.twice", ("section", given, "id"), line, quote, given=given)
        return given

    # -- rows ---------------------------------------------------------------

    def _row(self, segment: Segment, line: _Line) -> None:
        if _closes(line):
            line.asides += [("", cell) for cell in line.cells.values()]
            line.cells.clear()
        if not line.cells and not line.notes and not self._wanted(line):
            self._unread(line)
            return
        self._leave(line.number)
        if not self._stack:
            self._without_section(segment, line)
        section = self._stack[-1]
        section.inside += 1
        section.ranks |= {line.number.rank} if line.number else set()
        row = f"{section.id}.{section.inside}"
        start = line.start if self._fits(line.number, section) else 0
        notes = self._number(line, row, section, start)
        values = {role: line.text(role) for role in _CELLS}
        values["content"] = values["content"][start:]
        for role in _CELLS:
            if role in line.cells:
                at = start if role == "content" else 0
                self.ledger.claim(line.table, line.cells[role], ("row", row, role), at)
        for label, cell in line.notes + line.others:
            notes.append(f"{label}: {cell.text}" if label else cell.text)
            self.ledger.claim(line.table, cell, ("row", row, "note"))
        notes += dict.fromkeys(note for cell in line.cells.values() for note in cell.notes)
        timing = line.cells.get("timing")
        header = next((c.label for c in segment.header.of("timing")), "")
        self.rows.append(
            DraftRow(row, section.id, **values, note="; ".join(notes), timing_header=header,
                     day=timing.day if timing else "", place=line.place)
        )  # fmt: skip
        self._asides(line, ("row", row, "note"))
        for role, cell in line.spread:
            roles = _covered(segment, cell)
            self._ask("cell.wide", ("row", row, role), line, cell.text, roles=roles)
        for role in ("content", "implementing", "timing"):
            if not values[role]:
                self._ask(f"row.no_{role}", ("row", row, role), line, _whole(line.table, line.row))

    def _leave(self, number: Ordinal | None) -> None:
        """Close the section "1" before the row "2": it stands beside it, not in it."""
        for at, one in enumerate(self._stack):
            beside = number is not None and number.rank == one.rank and number.rank not in one.ranks
            if beside and number is not None and number.value == one.value + 1 and one.inside:
                del self._stack[at:]
                return

    @staticmethod
    def _fits(number: Ordinal | None, section: _Open) -> bool:
        if number is None or number.value not in (0, section.inside):
            return False
        above = ordinals.parse(number.prefix) if number.prefix else None
        return above is None or above.value == section.value

    def _number(self, line: _Line, row: str, section: _Open, start: int) -> list[str]:
        """Claim the printed number; where it is not the row's own it is kept in the note."""
        cell = line.cells.get("number")
        if start:
            self.ledger.claim(line.table, line.cells["content"], ("row", row, "id"), 0, start)
        if cell is None:
            return []
        if self._fits(line.number, section):
            self.ledger.claim(line.table, cell, ("row", row, "id"))
            return []
        self.ledger.claim(line.table, cell, ("row", row, "note"))
        return [f"Số trong bản giấy: {cell.text}"]

    def _without_section(self, segment: Segment, line: _Line) -> None:
        """A table without sections is one section, called like its annex."""
        self._top += 1
        given = f"{self._prefix}.1" if self._prefix else "0" if self._sectioned else "I"
        taken = {section.id for section in self.sections}
        while given in taken:  # rows that stand between two sections
            self._top += 1
            given = f"{self._prefix or '0'}.{self._top}"
        title = segment.title
        self._stack.append(_Open(given, ("whole", 0), self._top))
        self.sections.append(DraftSection(given, title or "Phụ lục", line.place))
        self._ask("section.none", ("section", given, "title"), line, title, given=given)

    # -- the rest -----------------------------------------------------------

    def _goes_on(self, segment: Segment, line: _Line) -> bool:
        """True for a row that a page break cut: its second half has no number of its own.

        Only where the paper breaks rows, in a PDF: Word and Excel never do.
        """
        if not segment.table.edges or line.number or line.wide:
            return False
        content = line.title
        if not content:
            return True
        if line.alone:  # among sections that are merged or numbered, what is neither is a rest
            return self._sectioned or content[0].islower()
        return content[0].islower() or self._numbered

    def _joined(self, segment: Segment, line: _Line) -> None:
        """A row that a page break cut, unless a person says that it is one of its own."""
        quote = " | ".join(cell.text for cell in line.table.row(line.row))
        if self._verb("row.cut", "content", line, quote) == "apart":
            self._ask("row.cut", ("row", "", "content"), line, quote)
            self._row(segment, line)
        else:
            self._append(line)

    def _append(self, line: _Line) -> None:
        last = self.rows[-1]
        added: dict[str, Any] = {}
        for role, cell in line.cells.items():
            if role in _CELLS:
                added[role] = squash(f"{getattr(last, role)} {cell.text}")
                self.ledger.claim(line.table, cell, ("row", last.id, role))
        notes = [last.note] if last.note else []
        for label, cell in line.notes + line.others:
            notes.append(f"{label}: {cell.text}" if label else cell.text)
            self.ledger.claim(line.table, cell, ("row", last.id, "note"))
        self.rows[-1] = replace(last, note="; ".join(notes), **added)
        self.asks = [ask for ask in self.asks
                     if not (ask.where[1] == last.id and ask.code.startswith("row.no_")
                             and added.get(ask.where[2]))]  # fmt: skip
        quote = " | ".join(cell.text for cell in line.table.row(line.row))
        self._ask("row.cut", ("row", last.id, "content"), line, quote)

    def _wanted(self, line: _Line) -> bool:
        """Make work of a line that was none, where a person says that it is."""
        for cells in (line.asides, line.others):
            for at, (_, cell) in enumerate(cells):
                if self._verb("row.unread", "", line, cell.text) == "row":
                    self._ask("row.unread", ("rows", "", ""), line, cell.text)
                    line.cells["content"] = cells.pop(at)[1]
                    return True
        return False

    def _unread(self, line: _Line) -> None:
        for _, cell in line.asides + line.others:
            self._ask("row.unread", ("rows", "", ""), line, cell.text)
            self.ledger.claim(line.table, cell, ("question", "", ""))

    def _asides(self, line: _Line, where: tuple[str, str, str]) -> None:
        for label, cell in line.asides:
            self._ask("cell.aside", where, line, cell.text, label=label)
            self.ledger.claim(line.table, cell, ("question", "", ""))

    def _ask(
        self, code: str, where: tuple[str, str, str], line: _Line, quote: str, **data: object
    ) -> None:
        self.asks.append(Ask(code, where, squash(quote), line.place, data=data))


def _whole(table: Table, row: int) -> str:
    return " | ".join(part for cell in table.row(row) for part in (cell.text, *cell.notes))


def _covered(segment: Segment, cell: Cell) -> list[str]:
    """The roles of the columns that a cell covers."""
    columns = range(cell.column, cell.column + cell.columns)
    return [role for column in columns if (role := segment.header.role(column)) in _CELLS]


def _closes(line: _Line) -> bool:
    """True for what stands under a table: a total, a remark, who signed."""
    return line.alone and not line.number and _CLOSING.match(fold(line.title)) is not None


def _line(segment: Segment, row: int) -> _Line | None:
    """Sort the cells of a row by the roles of their columns; None for an empty row."""
    table, header = segment.table, segment.header
    made = _Line(table, row, {}, [], [])
    for cell in table.row(row):
        covered = range(cell.column, cell.column + cell.columns)
        roles = [role for column in covered if (role := header.role(column))]
        label = next((c.label for c in header.columns if c.column in covered and c.label), "")
        role = roles[0] if roles else ""
        if "content" in roles and role != "content":
            role = "content" if len(set(roles)) > 2 or not ordinals.parse(cell.text) else role
        if role == "note":
            made.notes.append((label, cell))
        elif not role:
            made.others.append((label, cell))
        elif role in made.cells:
            made.asides.append((label, cell))
        else:
            made.cells[role] = cell
        if role not in ("", "note", "content") and len(set(roles) - {"number", "note"}) > 1:
            made.spread.append((role, cell))
        made.wide = made.wide or ("content" in roles and bool(set(roles) & {
            "directing", "implementing", "coordinating", "timing"}))  # fmt: skip
    _find_number(made)
    return made if made.cells or made.notes or made.others or made.asides else None


def _find_number(line: _Line) -> None:
    """The number from its own column, else from the beginning of the content."""
    cell = line.cells.get("number")
    if cell:
        line.number = ordinals.parse(cell.text)
        if line.number is None and "content" not in line.cells:  # a title in the wrong column
            line.cells["content"] = line.cells.pop("number")
    if line.number is None and "content" in line.cells:
        found = ordinals.leading(line.text("content"))
        if found and not line.cells.get("number"):
            line.number, line.start = found
