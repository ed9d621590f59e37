"""PDF with a text layer: ruled tables as grids, the rest as paragraphs."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any

from ntm_workflow.appendix.importers import limits, ordinals
from ntm_workflow.appendix.importers.document import (
    Cell,
    Document,
    Paragraph,
    Table,
    clean,
    squash,
)
from ntm_workflow.errors import Refused

_NEAR = 3.0  # points: lines of a grid this close are one line
_WORDS: dict[str, Any] = {"x_tolerance_ratio": 0.15, "y_tolerance": 3, "keep_blank_chars": False}
_ITEM = re.compile(
    r"^\s*(?:[-–+•*]\s|\(?[a-zđ]\)|\d{1,2}[.)]\s|[IVX]+\.\s|Căn cứ\b|\((?:Kèm|Ban)\b|Tiêu chí số\b)"
)
_DASH = re.compile(r"^\s*[-–]\s", re.MULTILINE)
_PAGE_NUMBER = re.compile(r"^[-–\s]*\d{1,3}[-–\s]*$|^(?:trang|page)\s*\d{1,3}$", re.IGNORECASE)

Box = tuple[float, float, float, float]


def read(data: bytes) -> Document:
    """Read a PDF. Raises Refused; a scan has no text layer and is refused too."""
    import pdfplumber  # half a second, only when it is a PDF
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    try:
        with pdfplumber.open(io.BytesIO(data)) as file:
            return _document(file)
    except Refused:
        raise
    except (PDFPasswordIncorrect, PdfminerException) as error:
        cause = error.args[0] if error.args else error
        locked = isinstance(cause, PDFPasswordIncorrect) or isinstance(error, PDFPasswordIncorrect)
        raise Refused("import.password" if locked else "import.damaged") from None
    except MemoryError:
        raise
    except Exception:  # a damaged PDF breaks the parser in any way it likes
        raise Refused("import.damaged") from None


def _document(file: Any) -> Document:
    if len(file.pages) > limits.PAGES:
        raise Refused("import.too_many_pages", count=len(file.pages), limit=limits.PAGES)
    blocks: list[Paragraph | Table] = []
    tables = cells = 0
    for number, page in enumerate(file.pages, start=1):
        limits.tell(number, len(file.pages))
        for block in _page(page):
            if isinstance(block, Table):
                tables += 1
                block = replace(block, number=tables)
                cells += len(block.cells)
            blocks.append(block)
        limits.cells(cells)
        page.close()
    if file.pages and not blocks:
        raise Refused("import.scan")
    return Document("pdf", tuple(blocks))


def _page(page: Any) -> Iterator[Paragraph | Table]:
    """Blocks of one page from top to bottom; its page number is none of them."""
    chars = _once(char for char in page.chars if char.get("upright", True))
    turned = "".join(char["text"] for char in page.chars if not char.get("upright", True))
    found: list[tuple[float, Paragraph | Table]] = []
    for table in page.find_tables(_closed(page)):
        inside = [char for char in chars if _within(char, table.bbox)]
        if len(table.cells) > 1 and inside:
            chars = [char for char in chars if not _within(char, table.bbox)]
            found.append((table.bbox[1], _grid(table.cells, inside, page.page_number)))
    found += _paragraphs(chars, page)
    if text := clean(turned):  # written upwards: not in lines, but not lost
        found.append((float(page.height), Paragraph(text, page.page_number)))
    for _, block in sorted(found, key=lambda one: one[0]):
        yield block


def _once(chars: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Characters without those printed again upon themselves, as some printers make bold."""
    seen: dict[tuple[str, int, int], tuple[float, float]] = {}
    found = []
    for char in chars:
        x, y = char["x0"], char["top"]
        near = [(char["text"], int(x) + a, int(y) + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        places = (seen[key] for key in near if key in seen)
        if not any(abs(x - px) < 1 and abs(y - py) < 1 for px, py in places):
            found.append(char)
            seen[near[4]] = (x, y)
    return found


def _closed(page: Any) -> dict[str, Any]:
    """Lines at both ends of the vertical ones: a row that a page break cut has none there."""
    upright = [edge for edge in page.edges if edge["orientation"] == "v" and edge["height"] > 8]
    if not upright:
        return {}
    ends = [min(edge["top"] for edge in upright), max(edge["bottom"] for edge in upright)]
    return {"explicit_horizontal_lines": ends}


def _within(char: dict[str, Any], box: Box) -> bool:
    x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


# -- tables ----------------------------------------------------------------


def _grid(boxes: list[Box], chars: list[dict[str, Any]], page: int) -> Table:
    """The cells of a table, each as many rows and columns as the ruled lines say."""
    lefts = _lines(edge for box in boxes for edge in (box[0], box[2]))
    tops = _lines(edge for box in boxes for edge in (box[1], box[3]))
    cells = []
    for box in sorted(boxes, key=lambda b: (b[1], b[0])):
        row, last_row = _index(tops, box[1]), _index(tops, box[3])
        column, last_column = _index(lefts, box[0]), _index(lefts, box[2])
        inside = [char for char in chars if _within(char, box)]
        if last_row > row and last_column > column:
            cells.append(
                Cell(row + 1, column + 1, _cell_text(inside), last_row - row, last_column - column)
            )
    return Table(0, len(tops) - 1, len(lefts) - 1, tuple(cells), page=page, edges=tuple(lefts))


def _lines(edges: Iterable[float]) -> list[float]:
    found: list[float] = []
    for edge in sorted(edges):
        if not found or edge - found[-1] > _NEAR:
            found.append(edge)
    return found


def _index(lines: list[float], edge: float) -> int:
    return min(range(len(lines)), key=lambda at: abs(lines[at] - edge))


def _cell_text(chars: list[dict[str, Any]]) -> str:
    """Lines that a narrow column broke are put together again; items of a list are not."""
    said = ""
    for line in _text_lines(chars):
        if not said:
            said = line["text"]
        elif _ITEM.match(line["text"]) and not _inside_a_name(said, line["text"]):
            said += "\n" + line["text"]
        else:
            said = _joined(said, line["text"])
    return clean(said)


def _inside_a_name(before: str, line: str) -> bool:
    """True for the dash of "TC - KH" where the line broke: a list begins after a colon or dash."""
    if not _DASH.match(line):
        return False
    return not _DASH.search(before) and before.rstrip()[-1:] not in {":", ";", "."}


def _joined(first: str, second: str) -> str:
    """Put a broken line together: nothing comes between "TC-" and "KH"."""
    glued = re.search(r"\w[-/]$", first) is not None
    return first + ("" if glued else " ") + second


def _text_lines(chars: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of text from top to bottom: text, x0, x1, top, bottom. A wide gap is a tab."""
    from pdfplumber.utils.text import extract_words

    lines: list[list[dict[str, Any]]] = []
    for word in sorted(extract_words(chars, **_WORDS), key=lambda w: w["bottom"] + w["top"]):
        middle = (word["top"] + word["bottom"]) / 2
        if lines and middle < lines[-1][0]["bottom"] - 0.2 * (word["bottom"] - word["top"]):
            lines[-1].append(word)
        else:
            lines.append([word])
    found = []
    for words in lines:
        words.sort(key=lambda w: w["x0"])
        text = words[0]["text"]
        for before, word in pairwise(words):
            wide = word["x0"] - before["x1"] > 3 * (word["bottom"] - word["top"])
            text += ("\t" if wide else " ") + word["text"]
        found.append({
            "text": text, "x0": words[0]["x0"], "x1": max(w["x1"] for w in words),
            "top": min(w["top"] for w in words), "bottom": max(w["bottom"] for w in words),
        })  # fmt: skip
    return found


# -- paragraphs --------------------------------------------------------------


def _paragraphs(chars: list[dict[str, Any]], page: Any) -> list[tuple[float, Paragraph]]:
    lines = _text_lines(chars)
    while lines and _is_page_number(lines[0]):
        lines = lines[1:]
    while lines and _is_page_number(lines[-1]):
        lines = lines[:-1]
    if not lines:
        return []
    steps = [b["top"] - a["top"] for a, b in pairwise(lines)]
    usual = median(steps) if steps else 0
    right = max(line["x1"] for line in lines)
    left = min(line["x0"] for line in lines)
    found: list[tuple[float, str]] = []
    before: dict[str, Any] | None = None
    for line in lines:
        if before is None or _begins(line, before, usual, left, right):
            found.append((line["top"], line["text"]))
        else:
            top, text = found[-1]
            found[-1] = (top, _joined(text, line["text"]))
        before = line
    return [
        (top, Paragraph(clean(part), page.page_number))
        for top, text in found
        for part in text.split("\t")
        if squash(part)
    ]


def _begins(
    line: dict[str, Any], before: dict[str, Any], usual: float, left: float, right: float
) -> bool:
    """True where a paragraph begins: an item, a gap, or after a line that ends early."""
    step, height = line["top"] - before["top"], line["bottom"] - line["top"]
    gap = step > 1.4 * usual or step > 1.9 * height
    early = before["x1"] < right - 0.12 * (right - left)
    indented = line["x0"] > before["x0"] + 12
    item = _ITEM.match(line["text"]) and not _inside_a_range(before["text"], line["text"])
    return bool(gap or early or indented or item)


def _inside_a_range(before: str, line: str) -> bool:
    """True for the dash of "2016 - 2020" where the line broke."""
    return before.rstrip()[-1:].isdigit() and re.match(r"[-–]\s*\d", line) is not None


def _is_page_number(line: dict[str, Any]) -> bool:
    return _PAGE_NUMBER.match(line["text"]) is not None and not ordinals.leading(line["text"])
