"""Long tables as files, written as they are read: CSV and Excel, safe to open."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from ntm_workflow.work.contact_sheet import guarded

MOST = 100_000  # lines of one file
_PART = 500  # lines, and 64 KB, that go out at once
_BYTES = 65_536
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Cell = str | int | date | None


def parts(kind: str, head: Sequence[str], lines: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The bytes of a file of this kind, piece by piece."""
    return (_csv if kind == "csv" else _xlsx)(head, lines)


def _csv(head: Sequence[str], lines: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """As a Vietnamese Excel opens it: BOM, semicolons, days as 30/06/2020."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(head)
    for number, line in enumerate(lines, start=1):
        writer.writerow([_text(cell) for cell in line])
        if number % _PART == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _text(cell: Cell) -> str:
    if isinstance(cell, date):
        return f"{cell:%d/%m/}{cell.year:04d}"
    return guarded(cell) if isinstance(cell, str) else "" if cell is None else str(cell)


def _xlsx(head: Sequence[str], lines: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """One sheet with its head in bold; only a line at a time is in memory."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for number in range(1, len(head) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = 18
    titles = [WriteOnlyCell(sheet, value=name) for name in head]
    for title in titles:
        title.font = Font(bold=True)
    sheet.append(titles)
    for line in lines:
        sheet.append([_cell(sheet, cell) for cell in line])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while part := file.read(_BYTES):
            yield part


def _cell(sheet: Any, cell: Cell) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(cell, str):
        return ILLEGAL_CHARACTERS_RE.sub(" ", guarded(cell))
    if isinstance(cell, date):
        made = WriteOnlyCell(sheet, value=cell)
        made.number_format = "dd/mm/yyyy"
        return made
    return cell
