"""HTML pages: what a browser would show, as paragraphs and tables."""

from __future__ import annotations

import re
from typing import Any

import lxml.html
from lxml import etree

from ntm_workflow.appendix.importers import limits, ordinals, plain
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Table, clean
from ntm_workflow.errors import Refused

_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?\s*([\w-]+)", re.IGNORECASE)
_HIDDEN = {"script", "style", "head", "del", "template", "noscript", "select", "svg", "title"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt",
    "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "li", "main", "nav", "ol", "p", "pre", "section", "ul", "caption",
}  # fmt: skip
_SPACES = re.compile(r"[ \t\r\n\f]+")


def read(data: bytes) -> Document:
    """Read an HTML page. Raises Refused."""
    limits.rows(len(re.findall(rb"<tr[\s>]", data, re.IGNORECASE)))
    limits.cells(len(re.findall(rb"<t[dh][\s>]", data, re.IGNORECASE)))
    parser = lxml.html.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")
    try:
        root = lxml.html.document_fromstring(_text(data).encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        raise Refused("import.damaged") from None
    if any("depth" in entry.message.lower() for entry in parser.error_log):
        raise Refused("import.damaged")  # what lies deeper than the parser goes would be lost
    body = root.find("body")
    return Document("html", tuple(_Reader().blocks(root if body is None else body)))


def _text(data: bytes) -> str:
    declared = _CHARSET.search(data[:4096])
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if name in ("utf-8", "utf8") or data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return plain.decode(data)
    try:
        return data.decode(name)
    except (LookupError, UnicodeDecodeError):
        raise Refused("import.encoding") from None


class _Reader:
    def __init__(self) -> None:
        self._tables = 0

    def blocks(self, parent: Any) -> list[Paragraph | Table]:
        flow = _Flow()
        self._walk(parent, flow)
        flow.end()
        return flow.blocks

    def _walk(self, element: Any, flow: _Flow) -> None:
        flow.add(element.text)
        for child in element:
            self._child(child, flow)
            flow.add(child.tail)

    def _child(self, child: Any, flow: _Flow) -> None:
        tag = child.tag
        if not isinstance(tag, str) or tag in _HIDDEN:
            return
        if tag == "br":
            flow.line()
        elif tag == "table":
            flow.end()
            flow.blocks += self._table(child)
        elif tag in _BLOCKS:
            flow.end()
            if tag == "li":
                flow.add(_item(child))
            self._walk(child, flow)
            flow.end()
        else:
            self._walk(child, flow)

    def _table(self, element: Any) -> list[Paragraph | Table]:
        """The caption, the table, then the tables inside its cells."""
        self._tables += 1
        number = self._tables
        cells: list[Cell] = []
        inner: list[Paragraph | Table] = []
        taken: set[tuple[int, int]] = set()
        lines = _rows(element)
        for row, line in enumerate(lines, start=1):
            column = 1
            for box in line:
                if box.tag not in ("td", "th"):
                    continue
                while (row, column) in taken:
                    column += 1
                rows, columns = _span(box, "rowspan", len(lines) - row + 1), _span(box, "colspan")
                taken |= {(r, c) for r in range(row, row + rows)
                          for c in range(column, column + columns)}  # fmt: skip
                text, nested = self._cell(box)
                inner += nested
                cells.append(Cell(row, column, text, rows, columns))
                column += columns
            if len(taken) > 4 * limits.CELLS:
                raise Refused("import.bomb")
        width = max((column for _, column in taken), default=0)
        captions = [Paragraph(clean(c.text_content())) for c in element.iterchildren("caption")]
        return [*captions, Table(number, len(lines), width, tuple(cells)), *inner]

    def _cell(self, box: Any) -> tuple[str, list[Table]]:
        lines: list[str] = []
        nested: list[Table] = []
        for block in self.blocks(box):
            if isinstance(block, Table):
                nested.append(block)
                lines += [cell.text for cell in block.cells]
            else:
                lines.append(block.text)
        return clean("\n".join(lines)), nested


class _Flow:
    """Text as it is gathered: white space collapses, blocks and breaks begin lines."""

    def __init__(self) -> None:
        self.blocks: list[Paragraph | Table] = []
        self._pieces: list[str] = []

    def add(self, text: str | None) -> None:
        if text:
            self._pieces.append(_SPACES.sub(" ", text))

    def line(self) -> None:
        self._pieces.append("\n")

    def end(self) -> None:
        text = clean(re.sub(r" +", " ", "".join(self._pieces)))
        self._pieces.clear()
        if text:
            self.blocks.append(Paragraph(text))


def _rows(element: Any) -> list[Any]:
    found = []
    for child in element:
        if child.tag == "tr":
            found.append(child)
        elif child.tag in ("thead", "tbody", "tfoot"):
            found += [line for line in child if line.tag == "tr"]
    return found


def _span(box: Any, name: str, most: int = 100) -> int:
    said = (box.get(name) or "1").strip()
    count = int(said) if said.isdigit() and len(said) < 6 else 1
    return max(1, min(count or most, most))  # rowspan="0" means all that follow


def _item(element: Any) -> str:
    """The number that a browser shows before an item of an ordered list."""
    parent = element.getparent()
    if parent is None or parent.tag != "ol":
        return "- " if parent is not None and parent.tag == "ul" else ""
    start = parent.get("start") or "1"
    first = int(start) if start.isdigit() and len(start) < 6 else 1
    value = first + sum(1 for _ in element.itersiblings("li", preceding=True))
    kind = parent.get("type") or "1"
    if kind in "Ii":
        said = ordinals.roman(value)
    elif kind in "Aa":
        said = chr(ord("A") + (value - 1) % 26)
    else:
        said = str(value)
    return f"{said.lower() if kind in 'ia' else said}. "
