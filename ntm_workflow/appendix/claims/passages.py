"""A document → passages: whole paragraphs in order, each with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ntm_workflow.appendix.importers.document import Document, Paragraph, Table, squash
from ntm_workflow.appendix.importers.segments import Segment
from ntm_workflow.appendix.model import Quote

HEAD, END = "đầu văn bản", "nơi nhận"
APPENDIX, CRITERIA = "phụ lục", "biểu tiêu chí"

_ROMAN = re.compile(r"^(?:(?:phần|mục|chương)\s+)?([IVX]{1,6})\s*[.:)\-–]\s*(?=\S)", re.IGNORECASE)
_ORDINAL = re.compile(r"^phần thứ (\w+)", re.IGNORECASE)
_LETTER = re.compile(r"^([A-HĐ])\s*[.)\-–]\s+(?=\S)")
_ARTICLE = re.compile(r"^Điều\s+(\d{1,2})\b")
_ARABIC = re.compile(
    r"^(\d{1,2}(?:\.\d{1,2}){0,3})\s*[.)]\s*(?=[^\W\d])|^(\d{1,2}(?:\.\d{1,2}){1,3})\s+(?=[^\W\d])"
)
_ITEM = re.compile(r"^\(?([a-zđ]|\d{1,2})\)\s*(?=\S)")
_MARKS = re.compile(r"^(?:[-–—+*•●▪○]\s*){1,3}(?=\S)")
_CRITERION = re.compile(r"^\W{0,4}Tiêu chí(?:\s+số)?\s+(\d{1,2})\s*[-–.:]", re.IGNORECASE)
_RECIPIENTS = re.compile(r"^\W{0,4}Nơi nhận\b", re.IGNORECASE)
_BREAK = re.compile(r"[.;!?…](?=\s)")
_LONGEST = 5000  # characters: no paragraph that people write is longer
_BEFORE, _AFTER = 170, 90  # characters of a quote around what it is for


@dataclass(frozen=True, slots=True)
class Passage:
    """One paragraph on one line, with the pages' cuts mended.

    `place` is how a person finds it ("phần I.2, tiêu chí 5", "dòng IX.1");
    `part` the part it belongs to ("III"); `level` the depth of its bullet, 0
    without one.
    """

    text: str
    place: str
    part: str = ""
    level: int = 0

    def quote(self, start: int, end: int) -> Quote:
        """The words from `start` to `end` with the rest of their clause, verbatim."""
        return Quote(self.place, self.text[self._left(start) : self._right(end)].strip(" ,"))

    def around(self, start: int, end: int, words: int = 24) -> Quote:
        """The words from `start` to `end` and a few beside them."""
        left = self.text.rfind(" ", 0, max(0, start - words)) + 1 if start > words else 0
        right = self.text.find(" ", end + words)
        return Quote(self.place, self.text[left : right if right >= 0 else None].strip(" ,"))

    def _left(self, start: int) -> int:
        marked = _MARKS.match(self.text)
        first = marked.end() if marked else 0
        low = max(first, start - _BEFORE)
        breaks = [m.end() for m in _BREAK.finditer(self.text, low, start)]
        if breaks:
            return breaks[-1]
        return low if low == first else self.text.find(" ", low, start) + 1 or start

    def _right(self, end: int) -> int:
        if self.text[end - 1 : end] in (".", ";"):
            return end - 1
        ends = _BREAK.search(self.text, end, end + _AFTER)
        if ends:
            return ends.start()
        if len(self.text) - end <= _AFTER:
            return len(self.text.rstrip("./; "))
        cut = self.text.rfind(" ", end, end + _AFTER)
        return cut if cut > end else end


def read(document: Document, segments: Iterable[Segment]) -> tuple[Passage, ...]:
    """The paragraphs of a document, text over tables included, titles of the tables left out."""
    found = tuple(segments)
    titles = {squash(title) for segment in found for title in segment.titles}
    outline = _Outline()
    parts: list[tuple[Passage, list[str]]] = []
    for text in _lines(document, found):
        said = squash(text)
        if not said or said in titles:
            continue
        if parts and outline.goes_on(said) and _unfinished(parts[-1][1]):
            parts[-1][1].append(said)
        else:
            parts += [(outline.passage(cut), [cut]) for cut in _cut(said)]
    return tuple(replace(one, text=" ".join(said)) for one, said in parts)


def _lines(document: Document, segments: tuple[Segment, ...]) -> Iterator[str]:
    """The paragraphs in order; a head that stands in a table; what stands above tables in them."""
    chosen = {id(segment.table) for segment in segments}
    above: dict[int, list[Segment]] = {}
    for segment in segments:
        above.setdefault(id(segment.table), []).append(segment)
    first = True
    for block in document.blocks:
        if isinstance(block, Paragraph):
            yield from block.text.split("\n")
        elif id(block) in chosen:
            first = False
            for segment in above[id(block)]:
                yield from (line for c in segment.title_cells for line in c.text.split("\n"))
        elif first:
            yield from _head(block)


def _head(table: Table) -> Iterator[str]:
    """The lines of a table before all others, where it is small: number, place and date."""
    if table.height <= 4 and table.width <= 3:
        yield from (line for cell in table.cells for line in cell.text.split("\n"))


def _unfinished(said: list[str]) -> bool:
    return said[-1][-1] not in ".;:!?…" and sum(map(len, said)) < _LONGEST


def _cut(text: str) -> Iterator[str]:
    """The text in pieces of a length that every check gets through soon; nearly always one."""
    while len(text) > _LONGEST:
        at = text.rfind(" ", 1, _LONGEST)
        at = at if at > 0 else _LONGEST
        yield text[:at]
        text = text[at:].strip()
    if text:
        yield text


class _Outline:
    """Where the reader is: part, number, letter, criterion, and how deep in a list."""

    def __init__(self) -> None:
        self.part = ""
        self.number = ""
        self.letter = ""
        self.criterion: int | None = None
        self.ended = False
        self._marks: list[str] = []

    @staticmethod
    def goes_on(text: str) -> bool:
        """True for a line that goes on from the one before: a page cut the paragraph."""
        return text[0].islower() and not _ITEM.match(text)

    def passage(self, text: str) -> Passage:
        marked, level = _MARKS.match(text), 0
        if marked:
            level = self._depth(marked[0].split()[-1][-1])
        elif item := _ITEM.match(text):
            self.letter, level = item[1], self._depth(")")
        else:
            self._title(text)
        if _RECIPIENTS.match(text):
            self.ended = True
        if said := _CRITERION.match(text):
            self.criterion = int(said[1])
        part = self.part.partition(" ")[0]  # one part of all articles
        return Passage(text, self.place, part, level)

    @property
    def place(self) -> str:
        if self.ended:
            return END
        numbers = [one for one in (self.part, self.number, self.letter) if one]
        if not numbers:
            return HEAD
        where = ".".join(numbers)
        place = where if where.startswith("Điều") else f"phần {where}"
        return f"{place}, tiêu chí {self.criterion}" if self.criterion else place

    def _depth(self, mark: str) -> int:
        mark = "-" if mark in "–—" else mark
        if mark in self._marks:
            del self._marks[self._marks.index(mark) + 1 :]
        else:
            self._marks.append(mark)
        return len(self._marks)

    def _title(self, text: str) -> None:
        """Take the number of a title, where there is one."""
        for pattern in (_ROMAN, _ORDINAL, _ARTICLE, _LETTER):
            if (said := pattern.match(text)) and self._is_part(pattern, said, text):
                self.part = f"Điều {said[1]}" if pattern is _ARTICLE else said[1]
                self._fresh(number="", letter="")
                return
        if said := _ARABIC.match(text):
            self._fresh(number=said[1] or said[2], letter="")

    @staticmethod
    def _is_part(pattern: re.Pattern[str], said: re.Match[str], text: str) -> bool:
        if pattern is _ROMAN:
            return said[1].isupper()
        return pattern is not _LETTER or text.isupper()

    def _fresh(self, number: str, letter: str) -> None:
        self.number, self.letter, self.criterion = number, letter, None
        self.ended = False
        self._marks.clear()
