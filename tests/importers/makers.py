"""The reference plan in the formats that offices send: written by those formats' own writers."""

from __future__ import annotations

import html
import io
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import docx
import openpyxl
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from ntm_workflow.appendix.importers import files
from ntm_workflow.appendix.importers.document import Document, Paragraph, Table

DATA = Path(__file__).parent / "data"
TEXT = (DATA / "plan-28-2020.txt").read_bytes()
Grid = list[list[str]]


def text() -> Document:
    return files.read(TEXT)


def grid(table: Table) -> Grid:
    """A table as rows of texts; every place that no cell covers is empty."""
    return [
        [(cell.text if (cell := table.at(row, column)) else "")
         for column in range(1, table.width + 1)]
        for row in range(1, table.height + 1)
    ]  # fmt: skip


# -- Word ----------------------------------------------------------------------


def word(blocks: Iterable[Paragraph | Table]) -> bytes:
    """A .docx: the head in a table, sections merged across, headers repeated by hand."""
    made = docx.Document()
    grids: list[Grid] = []
    for block in blocks:
        if isinstance(block, Paragraph):
            _flush(made, grids)
            made.add_paragraph(block.text)
        elif grids and grids[-1][0] == grid(block)[0]:
            grids[-1] += grid(block)  # one table, its header typed again after the page break
        else:
            _flush(made, grids)
            grids.append(grid(block))
    _flush(made, grids)
    return _saved(made)


def _flush(made: Any, grids: list[Grid]) -> None:
    for rows in grids:
        add_table(made, rows)
    grids.clear()


def add_table(made: Any, rows: Grid) -> Any:
    """Write a table; a row with nothing but a number and a title is merged over its columns."""
    table = made.add_table(rows=len(rows), cols=len(rows[0]))
    table.style = "Table Grid"
    mark = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(mark)
    for row, texts in zip(table.rows, rows, strict=True):
        cells = row.cells
        for cell, said in zip(cells, texts, strict=True):
            cell.text = said
        if len(texts) > 2 and texts[1] and not any(texts[2:]):
            merged = cells[1].merge(cells[-1])
            merged.text = texts[1]
    return table


def _saved(made: Any) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def document_with(change: Any) -> bytes:
    """A .docx that `change(document)` filled."""
    made = docx.Document()
    change(made)
    return _saved(made)


def element(tag: str, said: str = "", **attributes: str) -> Any:
    """An element of Word's own language: `element("w:ins")`."""
    made = OxmlElement(tag)
    for name, value in attributes.items():
        made.set(qn(name.replace("_", ":")), value)
    if said:
        made.text = said
    return made


# -- Excel ---------------------------------------------------------------------


def workbook(blocks: Iterable[Paragraph | Table]) -> bytes:
    """A .xlsx: all on one sheet, titles above their tables, section rows merged."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    row = 1
    for block in blocks:
        if isinstance(block, Paragraph):
            sheet.cell(row, 1, block.text)
            row += 1
            continue
        for texts in grid(block):
            for column, said in enumerate(texts, start=1):
                if said:
                    sheet.cell(row, column, int(said) if said.isdigit() else said)
            if len(texts) > 2 and texts[1] and not any(texts[2:]):
                sheet.merge_cells(start_row=row, end_row=row, start_column=2,
                                  end_column=len(texts))  # fmt: skip
            row += 1
    return book_bytes(book)


def book_bytes(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_of(rows: list[list[Any]], formats: dict[tuple[int, int], str] | None = None) -> bytes:
    """A .xlsx of these values; `formats` maps (row, column) to a number format."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for (row_at, column), form in (formats or {}).items():
        sheet.cell(row_at, column).number_format = form
    return book_bytes(book)


def day(year: int, month: int, day_: int = 1) -> datetime:
    return datetime(year, month, day_)  # noqa: DTZ001 - workbooks know no zones


def with_part(data: bytes, name: str, part: bytes) -> bytes:
    """The same archive with one part put in, or in the place of the old one."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info.filename))
        new.writestr(name, part)
    return out.getvalue()


# -- HTML and PDF --------------------------------------------------------------


def page(blocks: Iterable[Paragraph | Table], repeat: bool = True) -> bytes:
    """An HTML page; with `repeat` a browser prints each table's header on every page."""
    out = [
        "<!DOCTYPE html><html lang='vi'><head><meta charset='utf-8'><title>Kế hoạch</title><style>"
        "body{font:13pt 'Liberation Serif','DejaVu Serif',serif}table{border-collapse:collapse;"
        "width:100%}td,th{border:1px solid #000;padding:3pt;text-align:left;vertical-align:top}"
        "</style></head><body>"
    ]
    for block in blocks:
        if isinstance(block, Paragraph):
            out.append(f"<p>{html.escape(block.text)}</p>")
            continue
        first, *rest = grid(block)
        tag = "thead" if repeat else "tbody"
        out.append(f"<table><{tag}>{_line(first, 'th')}</{tag}><tbody>")
        out += [_line(texts) for texts in rest]
        out.append("</tbody></table>")
    return "\n".join([*out, "</body></html>"]).encode()


def _line(texts: list[str], tag: str = "td") -> str:
    if len(texts) > 2 and texts[1] and not any(texts[2:]):
        number, title = html.escape(texts[0]), html.escape(texts[1])
        return f"<tr><td>{number}</td><td colspan='{len(texts) - 1}'><b>{title}</b></td></tr>"
    return "<tr>" + "".join(f"<{tag}>{html.escape(said)}</{tag}>" for said in texts) + "</tr>"


def chromium() -> str:
    """The browser that prints, "" where there is none."""
    found = (Path(folder) / name for folder in os.environ["PATH"].split(os.pathsep)
             for name in ("chromium", "chromium-browser", "google-chrome"))  # fmt: skip
    return next((str(path) for path in found if path.exists()), "")


def printed(html_page: bytes) -> bytes:
    """The page as a browser prints it to a PDF."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_bytes(html_page)
        subprocess.run(
            [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
             f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri()],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        return target.read_bytes()
