"""The proof that nothing was lost: each character of each cell, looked up in the draft.

It trusts no reader: what a claim says is looked for in the bytes that were
written, parsed again.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ntm_workflow.appendix.importers import ordinals
from ntm_workflow.appendix.importers.assemble import Import
from ntm_workflow.appendix.importers.document import Cell, Place, Table, squash
from ntm_workflow.appendix.importers.pieces import Claim

# Tables of the draft → what a cell that went there is called.
_KINDS = {"row": "field", "criterion": "field", "section": "section", "comment": "header",
          "question": "question"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """Characters of a cell that are nowhere in the draft, or not where they should be."""

    place: Place
    cell: str
    lost: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """`cells` and `characters` (without white space) of the chosen tables; what is missing."""

    cells: int
    characters: int
    covered: int
    kinds: dict[str, int]
    gaps: tuple[Gap, ...]


def check(made: Import, written: bytes) -> Coverage:
    """Look up every non-empty cell of the chosen tables in the draft as it was written."""
    text = written.decode()
    draft = _Draft(tomllib.loads(text), text)
    cells = characters = covered = 0
    kinds: Counter[str] = Counter()
    gaps: list[Gap] = []
    for table in dict.fromkeys(segment.table for segment in made.segments):
        for cell in table.cells:
            if not cell.text:
                continue
            found = [claim for claim in made.ledger.of(table, cell) if draft.holds(claim, cell)]
            lost = _lost(cell, found)
            count = len("".join(cell.text.split()))
            cells, characters = cells + 1, characters + count
            covered += count - len("".join(lost.split()))
            kinds.update({_KINDS[claim.target[0]] for claim in found})
            gaps += [Gap(table.place(cell), squash(cell.text), lost)] if lost else []
    gaps += [gap for table in dict.fromkeys(s.table for s in made.segments)
             for gap in _lost_notes(table, draft)]  # fmt: skip
    return Coverage(cells, characters, covered, dict(sorted(kinds.items())), tuple(gaps))


def _lost(cell: Cell, claims: list[Claim]) -> str:
    """The characters that no claim covers, white space between them kept as one space."""
    seen = bytearray(len(cell.text))
    for claim in claims:
        seen[claim.start : claim.end] = b"\1" * (claim.end - claim.start)
    return squash("".join(" " if seen[at] else c for at, c in enumerate(cell.text)))


def _lost_notes(table: Table, draft: _Draft) -> list[Gap]:
    """Footnotes and comments of cells that the draft does not hold."""
    return [Gap(table.place(cell), squash(cell.text), note) for cell in table.cells
            for note in cell.notes if not draft.says(note)]  # fmt: skip


class _Draft:
    """The draft as it will be read: its values, and its text with the remarks."""

    def __init__(self, tree: dict[str, Any], text: str) -> None:
        lines = [line.removeprefix("# ") for line in text.split("\n") if line.startswith("#")]
        self._remarks = squash(" ".join(lines))
        self._values: dict[tuple[str, str], dict[str, Any]] = {}
        for table in ("row", "section", "criterion"):
            for entry in tree.get(table, []):
                self._values[table, entry["id"]] = entry
        self._all = squash(" ".join(
            str(value) for entry in self._values.values() for value in entry.values()
        ))  # fmt: skip

    def holds(self, claim: Claim, cell: Cell) -> bool:
        """True where the claimed characters really stand where the claim says."""
        said = squash(cell.text[claim.start : claim.end])
        table, entry, key = claim.target
        if table in ("comment", "question"):
            return _printable(said) in self._remarks
        value = self._values.get((table, entry), {}).get(key)
        if value is None:
            return False
        if key == "id":
            return _numbers(str(value), said)
        if key == "count":
            return str(value) in said.lstrip("0") or said.strip("0") == "" == str(value).strip("0")
        return said in squash(str(value))

    def says(self, text: str) -> bool:
        said = squash(text)
        return said in self._all or _printable(said) in self._remarks


def _printable(text: str) -> str:
    return squash("".join(c if c.isprintable() else " " for c in text))


def _numbers(entry: str, printed: str) -> bool:
    """True where a printed number is the one that the entry is called by.

    A bullet and the words "Tiêu chí số" number nothing.
    """
    leading = ordinals.leading(f"{printed} X.")
    ordinal = ordinals.parse(printed) or (leading[0] if leading else None)
    if ordinal is None:
        return False
    last = ordinals.parse(entry.removeprefix("TC").rpartition(".")[2].lstrip("0") or "0")
    first = ordinals.parse(entry)
    return ordinal.kind == "bullet" or ordinal.printed.upper() == entry or any(
        one is not None and one.value == ordinal.value for one in (last, first)
    )  # fmt: skip
