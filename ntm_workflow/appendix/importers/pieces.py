"""What an import is made of: sections, rows, lines, targets, what to ask, who used which cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ntm_workflow.appendix.importers.document import Cell, Place, Table
from ntm_workflow.appendix.model import Finding
from ntm_workflow.appendix.text import fold

NOWHERE = Place()
Target = tuple[str, str, str]  # table of the draft, id of the entry, key


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that a person must decide, in the words of the source.

    `code` names the sentence and `data` fills it; `where` is the entry of the
    draft it stands at, `place` the place in the source; `choices` are what is
    nearest, best first.
    """

    code: str
    where: tuple[str, str, str]
    quote: str = ""
    place: Place = NOWHERE
    choices: tuple[str, ...] = ()
    data: dict[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What an answer is kept under. The same words in several cells are one question.

        It holds no id of the draft: other answers change those.
        """
        sort, words = self.code.partition(".")[0], fold(self.quote)[:120]
        if sort == "register":
            return sort
        if sort == "head":
            return f"{sort}|{self.where[2]}"
        if self.code == "body.none":
            return f"cell|{self.where[2]}|{words}"
        if sort in ("body", "unit", "timing"):
            return f"{sort}|{words}"
        if sort in ("column", "table"):
            return "|".join(str(part) for part in (sort, self.data["table"],
                                                   self.data.get("column", "")))  # fmt: skip
        at = self.where[1] if sort == "target" else f"{self.place.table}.{self.place.row}"
        return f"{self.code}|{at}|{self.where[2]}|{words}"


Answer = Mapping[str, Any]
Answers = Mapping[str, Answer]  # by the key of their question
NO_ANSWERS: Answers = {}


def answer_to(ask: Ask, said: Answers) -> Answer | None:
    """The answer to a question; one for this row alone goes before one for its words."""
    return said.get(f"{ask.key}|{ask.where[1]}") or said.get(ask.key)


@dataclass(frozen=True, slots=True)
class Claim:
    """These characters of this cell stand in this entry of the draft."""

    table: int
    row: int
    column: int
    start: int
    end: int
    target: Target


class Ledger:
    """Who used which characters of which cell."""

    def __init__(self) -> None:
        self._claims: dict[tuple[int, int, int], list[Claim]] = {}

    def claim(
        self, table: Table, cell: Cell, target: Target, start: int = 0, end: int | None = None
    ) -> None:
        """Write down that a cell's text, or the part from `start` to `end`, went to a target."""
        stop = len(cell.text) if end is None else end
        claim = Claim(table.number, cell.row, cell.column, start, stop, target)
        self._claims.setdefault((table.number, cell.row, cell.column), []).append(claim)

    def drop(self, table: str, entry: str) -> None:
        """An entry was left out of the draft: its cells stand in the remark that says so."""
        for claims in self._claims.values():
            for at, one in enumerate(claims):
                if one.target[:2] == (table, entry):
                    claims[at] = replace(one, target=("question", "", ""))

    def of(self, table: Table, cell: Cell) -> tuple[Claim, ...]:
        return tuple(self._claims.get((table.number, cell.row, cell.column), ()))

    def __iter__(self) -> Iterator[Claim]:
        return (claim for claims in self._claims.values() for claim in claims)


@dataclass(frozen=True, slots=True)
class DraftSection:
    id: str
    title: str
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One row as printed. `timing_header` can change what the timing means."""

    id: str
    section: str
    content: str = ""
    directing: str = ""
    implementing: str = ""
    coordinating: str = ""
    timing: str = ""
    note: str = ""
    read_as: str = ""
    timing_header: str = ""
    day: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line of the criteria table. `printed` is its row number where that is not its id."""

    id: str
    name: str
    implementing: str = ""
    directing: str = ""
    count: int | None = None
    printed: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class DraftTarget:
    """A target with the words that set it (`quote`) and where they stand."""

    criterion: int
    name: str
    added: int
    reached: int
    of: int
    percent: str = ""
    place: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What the head and the annex note say of the document; None or "" where they do not.

    `issuer` is a body's id; `issuer_text` how the paper calls it. `amends` is the
    id of the plan it amends.
    """

    number: int | None = None
    symbol: str = ""
    issuer: str = ""
    issuer_text: str = ""
    title: str = ""
    place: str = ""
    issued_on: date | None = None
    year: int | None = None
    level: str = ""
    coordination_office: str = ""
    amends: str = ""

    @property
    def id(self) -> str:
        """ "28-kh-ubnd-2020", "" while a part of it is missing."""
        if self.number is None or not self.symbol or self.year is None:
            return ""
        words = "".join(c if c.isalnum() else "-" for c in fold(self.symbol)).strip("-")
        return f"{self.number:02d}-{words}-{self.year}"


@dataclass(frozen=True)
class Draft:
    """A whole import, ready to be written. `settled` are questions that have an answer."""

    head: Head
    sections: tuple[DraftSection, ...]
    rows: tuple[DraftRow, ...]
    lines: tuple[DraftLine, ...]
    targets: tuple[DraftTarget, ...]
    asks: tuple[Ask, ...]
    columns: tuple[tuple[int, int, str, str], ...] = ()  # table, column, label, role
    remarks: tuple[str, ...] = ()
    criteria_title: str = ""
    criteria_total: int | None = None
    register: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    criteria_rules: dict[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    settled: tuple[tuple[Ask, Answer], ...] = ()
