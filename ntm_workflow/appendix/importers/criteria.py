"""The criteria table: which commune is to reach which criterion, and who guides it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ntm_workflow.appendix.importers.document import Cell, Place, squash
from ntm_workflow.appendix.importers.pieces import (
    NO_ANSWERS,
    Answers,
    Ask,
    DraftLine,
    Ledger,
    answer_to,
)
from ntm_workflow.appendix.importers.segments import Segment
from ntm_workflow.appendix.text import fold

_TOTAL = re.compile(r"^(tong cong|tong so|tong|cong)\b")
_NUMBER = re.compile(r"\btieu chi\s*(?:so\s*)?(\d{1,2}(?:\.\d{1,2})?)|^(\d{1,2}(?:\.\d{1,2})?)\b")


@dataclass(frozen=True, slots=True)
class Found:
    lines: tuple[DraftLine, ...] = ()
    asks: tuple[Ask, ...] = ()
    title: str = ""
    total: int | None = None


def read(segments: Sequence[Segment], ledger: Ledger, said: Answers = NO_ANSWERS) -> Found:
    """Read all criteria segments as one table."""
    reader = _Reader(ledger, said)
    for segment in segments:
        for row in segment.rows:
            if cells := segment.table.row(row):
                reader.row(segment, row, cells)
    title = next((segment.title for segment in segments if segment.title), "")
    return Found(tuple(reader.lines), tuple(reader.asks), title, reader.total)


def is_total(cells: Sequence[Cell]) -> bool:
    """True for the row "Tổng cộng: 18 tiêu chí", with or without a number column."""
    return any(_TOTAL.match(fold(cell.text)) for cell in cells[:2])


class _Reader:
    def __init__(self, ledger: Ledger, said: Answers) -> None:
        self.ledger = ledger
        self.said = said
        self.lines: list[DraftLine] = []
        self.asks: list[Ask] = []
        self.total: int | None = None

    def row(self, segment: Segment, row: int, cells: tuple[Cell, ...]) -> None:
        by_role: dict[str, Cell] = {}
        others: list[Cell] = []
        for cell in cells:
            role = segment.header.role(cell.column)
            if role and role not in by_role:
                by_role[role] = cell
            else:
                others.append(cell)
        place = replace(segment.table.place(cells[0]), row=row + segment.table.first_row - 1)
        if is_total(cells):
            self._total(segment, cells, place)
        elif "name" in by_role:
            self._line(segment, by_role, others, place)
        else:
            self._unread(segment, cells, place)

    def _total(self, segment: Segment, cells: tuple[Cell, ...], place: Place) -> None:
        said = squash(" ".join(cell.text for cell in cells))
        figures = re.findall(r"\d+", said)
        if len(figures) == 1 and self.total is None:
            self.total = int(figures[0])
            for cell in cells:
                self.ledger.claim(segment.table, cell, ("comment", "", ""))
            return
        self._unread(segment, cells, place)

    def _line(
        self, segment: Segment, by_role: dict[str, Cell], others: list[Cell], place: Place
    ) -> None:
        name = by_role["name"]
        line = self._id(by_role, place)
        number = _text(by_role, "number")
        own = bool(number) and _same_number(line, number)
        for role, cell in by_role.items():
            target = ("criterion", line, "id" if role == "number" else role)
            if role == "number" and not own:
                target = ("comment", "", "")
            self.ledger.claim(segment.table, cell, target)
        count = self._count(by_role.get("count"), line, place, segment)
        self.lines.append(
            DraftLine(line, name.text, _text(by_role, "implementing"),
                      _text(by_role, "directing"), count,
                      "" if own else squash(number), place)
        )  # fmt: skip
        for role in ("implementing", "directing"):
            if role not in by_role:
                whole = squash(" | ".join(cell.text for cell in (*by_role.values(), *others)))
                self.asks.append(Ask(f"line.no_{role}", ("criterion", line, role), whole, place))
        notes = [note for cell in by_role.values() for note in cell.notes]
        for quote in [*(cell.text for cell in others), *notes]:
            self.asks.append(Ask("cell.aside", ("criterion", line, ""), squash(quote), place))
        for cell in others:
            self.ledger.claim(segment.table, cell, ("question", "", ""))

    def _id(self, by_role: dict[str, Cell], place: Place) -> str:
        """ "TC02" of "Tiêu chí số 2 - Giao thông", else of the number column, else by order."""
        number = by_role["number"].text if "number" in by_role else ""
        found = _NUMBER.search(fold(by_role["name"].text)) or _NUMBER.search(fold(number))
        printed = (found[1] or found[2]) if found else ""
        whole, dot, part = printed.partition(".")
        given = f"TC{int(whole):02d}{dot}{part}" if printed else f"TC{len(self.lines) + 1:02d}"
        taken = {line.id for line in self.lines}
        if printed and given not in taken:
            return given
        quote = squash(by_role["name"].text)
        stem, at = given, 1
        while given in taken:
            given, at = f"{stem}.{at}", at + 1
        ask = Ask("line.number", ("criterion", given, "id"), quote, place)
        said = str((answer_to(ask, self.said) or {}).get("text", ""))
        if said.isdigit() and 0 < int(said) < 100 and f"TC{int(said):02d}" not in taken:
            given = f"TC{int(said):02d}"
        self.asks.append(replace(ask, where=("criterion", given, "id"), data={"given": given}))
        return given

    def _count(self, cell: Cell | None, line: str, place: Place, segment: Segment) -> int | None:
        if cell is None:
            return None
        figures = re.findall(r"\d+", cell.text)
        if len(figures) == 1 and not re.search(r"\d[.,/]\d", cell.text):
            rest = re.sub(r"\d+|xã|thôn|,|\.", "", cell.text, flags=re.IGNORECASE).strip()
            if not rest:
                return int(figures[0])
        self.asks.append(Ask("line.count", ("criterion", line, "count"), squash(cell.text), place))
        self.ledger.claim(segment.table, cell, ("question", "", ""))
        return None

    def _unread(self, segment: Segment, cells: tuple[Cell, ...], place: Place) -> None:
        for cell in cells:
            self.ledger.claim(segment.table, cell, ("question", "", ""))
        quote = squash(" | ".join(cell.text for cell in cells))
        self.asks.append(Ask("row.unread", ("criteria", "", ""), quote, place))


def _same_number(line: str, printed: str) -> bool:
    """True where the row's number is the criterion's: "02" and TC02."""
    return line.removeprefix("TC").lstrip("0") == printed.strip(" .)").lstrip("0")


def _text(by_role: dict[str, Cell], role: str) -> str:
    return by_role[role].text if role in by_role else ""
