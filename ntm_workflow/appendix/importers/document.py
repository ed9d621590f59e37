"""What every reader gives: a document as blocks in order, paragraphs and tables of cells."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

_SPACES = re.compile(r"[^\S\n]")
_NOTHING = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands, as a person counts: from 1; 0 or "" where there is no such thing."""

    table: int = 0
    row: int = 0
    column: int = 0
    page: int = 0
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, merged or not: `row` and `column` are its upper left corner, from 1.

    `notes` are its footnotes and comments; `day` is the date behind a number
    that is shown as a date, in ISO form.
    """

    row: int
    column: int
    text: str
    rows: int = 1
    columns: int = 1
    notes: tuple[str, ...] = ()
    day: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph with its number as shown ("1.", "a)"); `page` is 0 where unknown."""

    text: str
    page: int = 0


@dataclass(frozen=True)
class Table:
    """A grid of cells. `number` counts the tables of the document from 1.

    `edges` are the places of its vertical lines on the page, in a PDF only: a
    table there is a part of one that pages cut.
    """

    number: int
    height: int
    width: int
    cells: tuple[Cell, ...]
    page: int = 0
    sheet: str = ""
    first_row: int = 1
    edges: tuple[float, ...] = ()

    @cached_property
    def _grid(self) -> dict[tuple[int, int], Cell]:
        grid: dict[tuple[int, int], Cell] = {}
        for cell in self.cells:
            for row in range(cell.row, cell.row + cell.rows):
                for column in range(cell.column, cell.column + cell.columns):
                    grid.setdefault((row, column), cell)
        return grid

    def at(self, row: int, column: int) -> Cell | None:
        """The cell that covers this place, merged ones included."""
        return self._grid.get((row, column))

    def row(self, row: int) -> tuple[Cell, ...]:
        """The non-empty cells that cover a row, each once, from left to right."""
        found = (self.at(row, column) for column in range(1, self.width + 1))
        return tuple(dict.fromkeys(cell for cell in found if cell is not None and cell.text))

    def place(self, cell: Cell) -> Place:
        return Place(self.number, cell.row + self.first_row - 1, cell.column, self.page, self.sheet)


@dataclass(frozen=True, slots=True)
class Document:
    """A file as read. `kind` is docx, xlsx, html, pdf or txt."""

    kind: str
    blocks: tuple[Paragraph | Table, ...] = field(default=())

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Table))

    def before(self, table: Table) -> Iterator[Paragraph | Table]:
        """The blocks before a table, nearest first."""
        at = self.blocks.index(table)
        yield from reversed(self.blocks[:at])


def clean(text: str) -> str:
    """Text as stored: NFC, ordinary spaces, no invisible characters; line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\v", "\n").replace("\f", "\n")
    text = unicodedata.normalize("NFC", _NOTHING.sub("", text))
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def squash(text: str) -> str:
    """Text on one line with single spaces: how quotes are shown and compared."""
    return " ".join(text.split())
