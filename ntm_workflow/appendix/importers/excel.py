"""Excel (.xlsx): each sheet as one table, its cells as Excel shows them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import Any

from ntm_workflow.appendix.importers import excel_format, limits, package
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Table, clean
from ntm_workflow.appendix.importers.package import Package
from ntm_workflow.errors import Refused

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT = b"http://purl.oclc.org/ooxml/"
_REFERENCE = re.compile(r"^([A-Z]{1,3})([0-9]{1,7})$")
_TRUTH = {"1": "TRUE", "0": "FALSE"}

Grid = dict[tuple[int, int], Cell]


def read(data: bytes) -> Document:
    """Read the bytes of a .xlsx, its sheets in order. Raises Refused."""
    return Document("xlsx", _Reader(Package(data)).blocks())


class _Reader:
    def __init__(self, parts: Package) -> None:
        self._parts = parts
        if _STRICT in (parts.part("xl/workbook.xml") or b""):
            raise Refused("import.old_format", name="Strict Open XML")
        self._book = parts.tree("xl/workbook.xml")
        self._strings = [_rich(one) for one in parts.stream("xl/sharedStrings.xml", f"{_S}si")]
        self._formats = _formats(parts.tree("xl/styles.xml"))
        properties = self._book.find(f"{_S}workbookPr")
        said = "" if properties is None else properties.get("date1904", "")
        self._from_1904 = said in ("1", "true")

    def blocks(self) -> tuple[Paragraph | Table, ...]:
        targets = _relations(self._parts, "xl/workbook.xml")
        found: list[Paragraph | Table] = []
        total = rows = 0
        for sheet in self._book.iterfind(f"{_S}sheets/{_S}sheet"):
            path = targets.get(sheet.get(f"{_R}id") or "", ("", ""))[0]
            raw = self._parts.part(path)
            if raw is None or "worksheets" not in path:
                continue
            # Cells that hold something have a child; empty ones only carry a style.
            total += package.count(raw, b"v") + package.count(raw, b"is")
            rows += _filled_rows(raw)
            limits.rows(rows)
            limits.cells(total)
            table = self._table(path, sheet.get("name") or "", len(found) + 1)
            found += [table] if table else []
        return tuple(found)

    def _table(self, path: str, name: str, number: int) -> Table | None:
        grid: Grid = {}
        merged: list[str] = []
        for element in self._parts.stream(path, f"{_S}c", f"{_S}mergeCell"):
            if element.tag == f"{_S}mergeCell":
                merged.append(element.get("ref") or "")
            elif (at := _at(element.get("r") or "")) and (cell := self._cell(element, *at)):
                grid[at] = cell
        if not grid:
            return None
        for at, note in _comments(self._parts, path).items():
            if at in grid:
                grid[at] = replace(grid[at], notes=(note,))
        return _trimmed(grid, merged, name, number)

    def _cell(self, element: Any, row: int, column: int) -> Cell | None:
        kind = element.get("t") or "n"
        value = element.find(f"{_S}v")
        said = "" if value is None else value.text or ""
        if kind == "inlineStr":
            inline = element.find(f"{_S}is")
            return _filled(row, column, "" if inline is None else _rich(inline))
        if kind == "s":
            index = int(said) if said.isdigit() else -1
            return _filled(row, column, self._strings[index] if index in
                           range(len(self._strings)) else said)  # fmt: skip
        if kind == "b":
            said = _TRUTH.get(said, said)
        formula = element.find(f"{_S}f")
        if not said and formula is not None:  # never calculated: the formula is all there is
            return _filled(row, column, f"={formula.text or ''}")
        if kind != "n":
            return _filled(row, column, said)
        return self._number(said, element.get("s") or "0", row, column)

    def _number(self, said: str, style: str, row: int, column: int) -> Cell | None:
        try:
            value = float(said)
        except ValueError:
            return _filled(row, column, said)
        if value != value or abs(value) > 1e300:
            return _filled(row, column, said)
        form = self._formats[int(style)] if style.isdigit() and int(style) < len(
            self._formats) else "General"  # fmt: skip
        day = excel_format.day(value, self._from_1904) if excel_format.is_day(form) else ""
        made = _filled(row, column, excel_format.show(value, form, self._from_1904))
        return replace(made, day=day) if made else None


def _filled(row: int, column: int, text: str) -> Cell | None:
    text = clean(text)
    return Cell(row, column, text) if text else None


def _trimmed(grid: Grid, merged: list[str], name: str, number: int) -> Table:
    """The used part of a sheet, merged ranges as wide as they are but inside it."""
    top = min(row for row, _ in grid)
    left = min(column for _, column in grid)
    bottom = max(row for row, _ in grid)
    right = max(column for _, column in grid)
    taken: dict[tuple[int, int], tuple[int, int]] = {}
    for reference in merged:
        first, _, last = reference.partition(":")
        start, end = _at(first), _at(last)
        if start and end and start in grid:
            taken[start] = (min(end[0], bottom), min(end[1], right))
    cells = []
    for (row, column), cell in sorted(grid.items()):
        last_row, last_column = taken.get((row, column), (row, column))
        cells.append(
            replace(
                cell, row=row - top + 1, column=column - left + 1,
                rows=last_row - row + 1, columns=last_column - column + 1,
            )
        )  # fmt: skip
    # A range over all of a large sheet would cover more places than the sheet has cells.
    if sum(cell.rows * cell.columns for cell in cells) > 4 * limits.CELLS:
        raise Refused("import.bomb")
    return Table(number, bottom - top + 1, right - left + 1, tuple(cells), sheet=name,
                 first_row=top)  # fmt: skip


def _at(reference: str) -> tuple[int, int] | None:
    """ "C7" → (7, 3)."""
    match = _REFERENCE.match(reference.replace("$", ""))
    if not match:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


def _filled_rows(raw: bytes) -> int:
    """How many rows of a sheet hold a value, without parsing it."""
    return sum(b"<v" in row or b"<is" in row for row in re.split(rb"<row[\s>]", raw)[1:])


def _rich(element: Any) -> str:
    """The text of a string item: its runs, without the phonetic guide."""
    return "".join(
        text.text or ""
        for text in element.iter(f"{_S}t")
        if text.getparent() is None or text.getparent().tag != f"{_S}rPh"
    )


def _formats(tree: Any) -> list[str]:
    """The number format of each cell style, by its index."""
    if tree is None:
        return []
    named = {
        one.get("numFmtId"): one.get("formatCode") or "General"
        for one in tree.iterfind(f"{_S}numFmts/{_S}numFmt")
    }
    found = []
    for style in tree.iterfind(f"{_S}cellXfs/{_S}xf"):
        number = style.get("numFmtId") or "0"
        own = excel_format.BUILT_IN.get(int(number), "General") if number.isdigit() else "General"
        found.append(named.get(number, own))
    return found


def _relations(parts: Package, path: str) -> dict[str, tuple[str, str]]:
    """id → (part, type) of what a part refers to."""
    folder, name = posixpath.split(path)
    tree = parts.tree(f"{folder}/_rels/{name}.rels")
    found: dict[str, tuple[str, str]] = {}
    for one in () if tree is None else tree:
        target = one.get("Target") or ""
        full = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
        found[one.get("Id") or ""] = (posixpath.normpath(full), one.get("Type") or "")
    return found


def _comments(parts: Package, path: str) -> dict[tuple[int, int], str]:
    found = {}
    for target, kind in _relations(parts, path).values():
        if not kind.endswith("/comments"):
            continue
        tree = parts.tree(target)
        for one in () if tree is None else tree.iter(f"{_S}comment"):
            if (at := _at(one.get("ref") or "")) and (text := clean(_rich(one))):
                found[at] = text
    return found
