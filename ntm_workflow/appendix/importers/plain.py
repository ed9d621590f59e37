"""Plain text: paragraphs on lines, tables as lines whose cells a tab keeps apart."""

from __future__ import annotations

import codecs

from ntm_workflow.appendix.importers import limits
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Table, clean
from ntm_workflow.errors import Refused

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(data: bytes) -> Document:
    """Read a text file. Raises Refused."""
    lines = decode(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    limits.rows(sum("\t" in line for line in lines))
    blocks: list[Paragraph | Table] = []
    rows: list[str] = []
    tables = 0
    for line in [*lines, ""]:
        if "\t" in line and line.strip():
            rows.append(line)
            continue
        if rows:
            tables += 1
            blocks.append(_table(rows, tables))
            rows = []
        if text := clean(line):
            blocks.append(Paragraph(text))
    return Document("txt", tuple(blocks))


def decode(data: bytes) -> str:
    """UTF-8, or UTF-16 that says so. Raises Refused."""
    code = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(code)
    except UnicodeDecodeError:
        raise Refused("import.encoding") from None
    if "\0" in text:
        raise Refused("import.unknown")
    return text


def _table(rows: list[str], number: int) -> Table:
    split = [[clean(cell) for cell in row.split("\t")] for row in rows]
    cells = tuple(
        Cell(row, column, text)
        for row, line in enumerate(split, start=1)
        for column, text in enumerate(line, start=1)
        if text
    )
    limits.cells(len(cells))
    width = max((cell.column for cell in cells), default=1)
    return Table(number, len(split), width, cells)
