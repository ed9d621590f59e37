"""Word (.docx): paragraphs and tables as Word shows them with all changes accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ntm_workflow.appendix.importers import limits, package
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Table, clean
from ntm_workflow.appendix.importers.package import Package
from ntm_workflow.appendix.importers.word_numbers import Numbering, W
from ntm_workflow.errors import Refused

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Containers that only wrap what is shown; deletions and moved-away text are not here.
_WRAPPERS = {
    f"{W}{name}"
    for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "hyperlink",
                 "fldSimple", "r", "body", "pict", "drawing")
} | {f"{_MC}AlternateContent", f"{_MC}Choice"}  # fmt: skip
_GONE = {f"{W}del", f"{W}moveFrom", f"{_MC}Fallback", f"{W}rPr", f"{W}pPr", f"{W}instrText"}
_SIGNS = {f"{W}tab": " ", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_DEEPEST = 60  # nested wrappers; Word itself stops at about twenty


def read(data: bytes) -> Document:
    """Read the bytes of a .docx. Raises Refused."""
    parts = Package(data)
    raw = parts.part("word/document.xml") or b""
    limits.rows(package.count(raw, b"w:tr"))
    tree = package.parse(raw)
    body = tree.find(f"{W}body")
    if body is None:
        raise Refused("import.damaged")
    return Document("docx", _Reader(parts).blocks(body))


class _Reader:
    def __init__(self, parts: Package) -> None:
        self._numbering = Numbering(parts)
        self._notes = {
            **_notes(parts.tree("word/footnotes.xml"), "footnote"),
            **_notes(parts.tree("word/endnotes.xml"), "endnote"),
        }
        self._tables = 0

    def blocks(self, parent: Any, depth: int = 0) -> tuple[Paragraph | Table, ...]:
        """Paragraphs and tables of a body, a cell or a text box, in order."""
        if depth > _DEEPEST:
            raise Refused("import.damaged")
        found: list[Paragraph | Table] = []
        for child in parent:
            if child.tag == f"{W}p":
                text, boxes, notes = self._paragraph(child)
                found += [Paragraph(text)] if text else []
                for box in boxes:
                    found += self.blocks(box, depth + 1)
                found += [Paragraph(note) for note in notes]
            elif child.tag == f"{W}tbl":
                found += self._table(child, depth)
            elif child.tag in _WRAPPERS:
                found += self.blocks(child, depth + 1)
        return tuple(found)

    def _paragraph(self, paragraph: Any) -> tuple[str, list[Any], list[str]]:
        """Text with its number, the text boxes anchored in it, and its notes."""
        number = self._numbering.number(paragraph)
        pieces: list[str] = []
        boxes: list[Any] = []
        notes: list[str] = []
        self._collect(paragraph, pieces, boxes, notes, 0)
        text = clean("".join(pieces))
        return (f"{number} {text}".strip() if number else text), boxes, notes

    def _collect(
        self, parent: Any, pieces: list[str], boxes: list[Any], notes: list[str], depth: int
    ) -> None:
        if depth > _DEEPEST:
            raise Refused("import.damaged")
        for child in parent:
            tag = child.tag
            if tag == f"{W}t":
                pieces.append(child.text or "")
            elif tag in _SIGNS:
                pieces.append(_SIGNS[tag])
            elif tag == f"{W}sym":
                pieces.append(_symbol(child))
            elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
                key = (tag.removeprefix(W).removesuffix("Reference"), child.get(f"{W}id") or "")
                notes += [self._notes[key]] if self._notes.get(key) else []
            elif tag == f"{W}txbxContent":
                boxes.append(child)
            elif tag not in _GONE and isinstance(tag, str):
                self._collect(child, pieces, boxes, notes, depth + 1)

    # -- tables -----------------------------------------------------------

    def _table(self, element: Any, depth: int) -> list[Paragraph | Table]:
        """The table, then the tables inside its cells."""
        self._tables += 1
        number = self._tables
        cells: list[Cell] = []
        inner: list[Paragraph | Table] = []
        above: dict[int, int] = {}  # column → index of the cell that goes on downwards
        row = width = 0
        for line in _children(element, f"{W}tr"):
            if line.find(f"{W}trPr/{W}del") is not None:
                continue
            row += 1
            column = 1 + _count(line.find(f"{W}trPr/{W}gridBefore"))
            for box in _children(line, f"{W}tc"):
                properties = box.find(f"{W}tcPr")
                span = max(_count(_child(properties, "gridSpan")), 1)
                text, notes, nested = self._cell(box, depth)
                inner += nested
                if _goes_on(properties) and column in above:
                    at = above[column]
                    text = "\n".join(part for part in (cells[at].text, text) if part)
                    rows = row - cells[at].row + 1
                    cells[at] = replace(cells[at], rows=rows, text=text)
                else:
                    above[column] = len(cells)
                    cells.append(Cell(row, column, text, columns=span, notes=notes))
                column += span
            width = max(width, column - 1)
            limits.cells(len(cells))
        return [Table(number, row, width, tuple(cells)), *inner]

    def _cell(self, box: Any, depth: int) -> tuple[str, tuple[str, ...], list[Table]]:
        """Text of a cell, one line for each paragraph; inner tables give their text too."""
        lines: list[str] = []
        nested: list[Table] = []
        notes: list[str] = []
        for child in _flat(box, depth):
            if child.tag == f"{W}p":
                text, boxes, found = self._paragraph(child)
                notes += found
                lines.append(text)
                for inside in boxes:
                    lines += [b.text for b in self.blocks(inside, depth + 1)
                              if isinstance(b, Paragraph)]  # fmt: skip
            else:
                tables = self._table(child, depth + 1)
                nested += [table for table in tables if isinstance(table, Table)]
                lines += [cell.text for cell in nested[-len(tables)].cells]
        return clean("\n".join(lines)), tuple(notes), nested


def _flat(box: Any, depth: int) -> list[Any]:
    """Paragraphs and tables of a cell, out of their wrappers."""
    if depth > _DEEPEST:
        raise Refused("import.damaged")
    found = []
    for child in box:
        if child.tag in (f"{W}p", f"{W}tbl"):
            found.append(child)
        elif child.tag in _WRAPPERS:
            found += _flat(child, depth + 1)
    return found


def _children(parent: Any, tag: str, depth: int = 0) -> list[Any]:
    """Rows of a table or cells of a row, out of content controls and changes."""
    found = []
    for child in parent:
        if child.tag == tag:
            found.append(child)
        elif child.tag in _WRAPPERS and depth < _DEEPEST:
            found += _children(child, tag, depth + 1)
    return found


def _goes_on(properties: Any) -> bool:
    merge = _child(properties, "vMerge")
    return merge is not None and merge.get(f"{W}val", "continue") == "continue"


def _child(properties: Any, name: str) -> Any:
    return None if properties is None else properties.find(f"{W}{name}")


def _count(element: Any) -> int:
    said = "" if element is None else element.get(f"{W}val") or ""
    return min(int(said), 1000) if said.isdigit() and len(said) < 6 else 0


def _symbol(element: Any) -> str:
    code = int(element.get(f"{W}char") or "0", 16)
    return "-" if 0xE000 <= code <= 0xF8FF or not code else chr(code)


def _notes(tree: Any, kind: str) -> dict[tuple[str, str], str]:
    if tree is None:
        return {}
    found = {}
    for note in tree.iterfind(f"{W}{kind}"):
        if note.get(f"{W}type") is None:  # separators have a type
            text = clean("".join(t.text or "" for t in note.iter(f"{W}t")))
            found[kind, note.get(f"{W}id") or ""] = text
    return found
