"""A contacts file as rows of cells: CSV or Excel, read and written. Knows no contact."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ntm_workflow.appendix.importers import limits
from ntm_workflow.appendix.text import nfc
from ntm_workflow.errors import NtmError, Refused

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_ACTIVE = re.compile(r"'*[=+\-@\t\r＝＋－＠]")  # what a spreadsheet would run as a formula
_QUOTED = re.compile(r"'+[=+\-@\t\r＝＋－＠]")
_WIDTHS = (34, 34, 30, 18, 34)


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with one line of a contacts file (1-based, the header is line 1)."""

    line: int
    key: str
    data: dict[str, object]


class ContactFaults(NtmError):
    """The contacts file cannot be used; `faults` holds every one of them."""

    def __init__(self, faults: tuple[LineFault, ...]) -> None:
        super().__init__("contacts.faults", count=len(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Row:
    """One line and its cells, clean: NFC, on one line, no control characters."""

    line: int
    cells: tuple[str, ...]


def read(data: bytes) -> list[Row]:
    """The rows of a file, the header first; empty lines are left out.

    CSV is UTF-8, with or without BOM, separated by comma, semicolon or tab. Of
    a workbook the first sheet counts, as Excel shows its cells; nothing in it
    is run.

    Raises:
        ContactFaults: not UTF-8, or no table at all.
        Refused: a workbook that is broken, locked or a bomb, or too large a file.
    """
    limits.size(len(data))
    rows = _workbook(data) if data[:4] in (_ZIP, _OLD_OFFICE) else _csv(data)
    found = [row for row in rows if any(row.cells)]
    limits.rows(len(found))
    if not found:
        raise ContactFaults((LineFault(1, "contacts.nothing", {}),))
    return found


def _csv(data: bytes) -> Iterable[Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContactFaults((LineFault(1, "contacts.not_utf8", {}),)) from error
    head = text.split("\n", 1)[0]
    mark = max(";\t,", key=lambda one: (head.count(one), one == ","))
    reader = csv.reader(io.StringIO(text.replace("\0", "")), delimiter=mark)
    try:
        return [Row(reader.line_num, tuple(map(clean, cells))) for cells in reader]
    except csv.Error as error:
        fault = LineFault(reader.line_num, "contacts.not_csv", {"why": str(error)})
        raise ContactFaults((fault,)) from error


def _workbook(data: bytes) -> Iterable[Row]:
    from ntm_workflow.appendix.importers import guard

    document = guard.read(data)
    if document.kind != "xlsx" or not document.tables:
        raise Refused("contacts.not_table")
    table = document.tables[0]
    for number in range(1, table.height + 1):
        cells = [table.at(number, column) for column in range(1, table.width + 1)]
        texts = tuple(clean(c.day or c.text) if c else "" for c in cells)
        yield Row(number + table.first_row - 1, texts)


def clean(cell: str) -> str:
    """A cell as stored; the apostrophe that kept it from running as a formula is taken off.

    Line breaks in a cell separate like "|".
    """
    text = nfc(cell).strip(" \n")
    text = text[1:] if _QUOTED.match(text) else text
    lines = (" ".join(_printable(line).split()) for line in text.splitlines())
    return "|".join(line for line in lines if line)


def _printable(text: str) -> str:
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def guarded(cell: str) -> str:
    """A cell as written: a spreadsheet takes it for text, whatever it begins with."""
    return f"'{cell}" if _ACTIVE.match(cell) else cell


def as_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as a CSV file that a Vietnamese Excel opens: BOM, semicolons."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as a workbook of text cells, the first row as its head."""
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column)
            cell.value = ILLEGAL_CHARACTERS_RE.sub(" ", guarded(value))
            cell.data_type, cell.number_format = "s", "@"
            if number == 1:
                cell.font = Font(bold=True)
                width = _WIDTHS[column - 1] if column <= len(_WIDTHS) else 18
                sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
