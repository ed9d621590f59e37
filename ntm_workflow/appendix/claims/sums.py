"""Parts and totals of money: "tổng … 222.500 triệu đồng, trong đó: …", lists within lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, zip_longest

from ntm_workflow.appendix import figures
from ntm_workflow.appendix.claims import shares
from ntm_workflow.appendix.claims.passages import Passage
from ntm_workflow.appendix.claims.shares import Share
from ntm_workflow.appendix.figures import Amount, Figure
from ntm_workflow.appendix.model import Finding, Quote

_OPENS = re.compile(r"\b(trong đó|bao gồm|gồm|cụ thể|chia ra|cơ cấu)\b", re.IGNORECASE)
_WHOLLY = re.compile(r"\b(gồm|chia ra|cơ cấu)\b", re.IGNORECASE)
_ALONE = re.compile(r"^\W*(trong đó|bao gồm|gồm|cụ thể|cụ thể như sau|chia ra)\s*:?$", re.I)
_TOTAL = re.compile(r"\btổng\b", re.IGNORECASE)
_INSIDE = re.compile(r"\b(trong đó|bao gồm|gồm|chia ra)\b", re.IGNORECASE)
_STOP = re.compile(r"\.(?=\s|$)")
_EACH = re.compile(
    r"\b(?:mỗi|giải|suất|bình quân)\b", re.IGNORECASE
)  # amounts that are many times one
_NEAR = 60  # characters between a total and the word that opens its parts
_FAR = 15  # passages between a total and the list of its parts
_MOST = 40  # parts of one total


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount at its place, with the share printed beside it."""

    passage: Passage
    amount: Amount
    share: Figure | None = None

    @property
    def quote(self) -> Quote:
        return self.passage.quote(self.amount.start, self.amount.end)


@dataclass(frozen=True, slots=True)
class Whole:
    """A total and its parts. `all_named`: the paper says, or its shares show, that these are all.

    `listed` parts stand one below the other; `above` are the totals that this
    one is itself a part of.
    """

    total: Sum
    parts: tuple[Sum, ...]
    all_named: bool
    listed: bool
    above: tuple[Sum, ...] = ()


def find(passages: Sequence[Passage]) -> Iterator[Finding]:
    """Sums that do not add up, and shares of them that are wrong."""
    for whole in (*_lists(passages), *_sentences(passages)):
        yield from _added(whole)
        yield from _shared(whole)


# -- what is checked -----------------------------------------------------------------


def _added(whole: Whole) -> Iterator[Finding]:
    everything = (whole.total, *whole.parts)
    if len(whole.parts) < 2 or any(one.amount.about for one in everything):
        return
    values = _outer([one.amount.value for one in whole.parts])
    total, added = whole.total.amount.value, sum(values, Fraction(0))
    if abs(added - total) <= _tolerance(everything):
        return
    if added < total and not (whole.all_named or whole.listed):
        return
    code = "sum.differs" if added > total or whole.all_named else "sum.short"
    data: dict[str, object] = {
        "total": whole.total.amount.printed, "added": whole.total.amount.like(added),
        "parts": " + ".join(one.amount.printed for one in whole.parts),
        "difference": whole.total.amount.like(abs(added - total)),
    }  # fmt: skip
    quotes = (whole.total.quote, *(one.quote for one in whole.parts))
    yield Finding(code, whole.total.passage.place, data, tuple(dict.fromkeys(quotes)))


def _tolerance(sums: Sequence[Sum]) -> Fraction:
    """Half the last digit of each number, where one of them was rounded; else nothing."""
    steps = {one.amount.step for one in sums}
    if len(steps) == 1 and all(one.amount.whole for one in sums):
        return Fraction(0)
    return sum((one.amount.step for one in sums if not _exact(one)), Fraction(0)) / 2


def _exact(one: Sum) -> bool:
    return one.amount.whole and one.amount.step < 10**9


def _outer(values: list[Fraction]) -> list[Fraction]:
    """The values without those that the one before them is made of: 60 (40, 20), 40 → 60, 40."""
    kept: list[Fraction] = []
    at = 0
    while at < len(values):
        kept.append(values[at])
        inner = Fraction(0)
        skip = 0
        for ahead in range(at + 1, len(values)):
            inner += values[ahead]
            if inner >= values[at]:
                skip = ahead - at if inner == values[at] and ahead > at + 1 else 0
                break
        at += skip + 1
    return kept


def _shared(whole: Whole) -> Iterator[Finding]:
    """Shares of this total; of a total above it, where they fit that."""
    told: list[Share] = []
    for one in whole.parts:
        if one.share is None or one.amount.about:
            continue
        options = [s for t in (whole.total, *whole.above) if (s := _share(one, one.share, t))]
        if options:
            told.append(next((s for s in options if s.fits == "right"), options[0]))
    yield from shares.judged(told)


def _share(part: Sum, printed: Figure, total: Sum) -> Share | None:
    if not total.amount.value or total.amount.about:
        return None
    exact = 100 * part.amount.value / total.amount.value
    return Share(part.amount.printed, total.amount.printed, exact, printed,
                 (part.quote, total.quote))  # fmt: skip


# -- lists -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A total whose parts are still being read, at the depth of its own line."""

    level: int
    total: Sum
    wholly: bool
    above: tuple[Sum, ...]
    parts: list[Sum]

    @property
    def whole(self) -> Whole:
        said = sum((one.share.value for one in self.parts if one.share), Fraction(0))
        shared = all(one.share for one in self.parts) and abs(said - 100) < 1
        return Whole(self.total, tuple(self.parts), self.wholly or shared, True, self.above)


class _Lists:
    """Reads lines in order: each belongs to the open total above it that is less deep."""

    def __init__(self) -> None:
        self.made: list[_Open] = []
        self._open: list[_Open] = []
        self._grand: tuple[int, Sum] | None = None  # where "tổng nguồn vốn là …" stands
        self._before: Sum | None = None
        self._part = ""

    def line(self, at: int, passage: Passage) -> None:
        if passage.part != self._part:
            self._part, self._grand, self._before = passage.part, None, None
            self._open.clear()
        if _ALONE.match(passage.text):
            if self._before and not (self._open and self._open[-1].total is self._before):
                self._start(self._before, wholly=bool(_WHOLLY.search(passage.text)))
            return
        while self._open and self._open[-1].level >= passage.level:
            self._open.pop()
        one = self._before = _principal(passage)
        if one is not None:
            self._sum(at, one)

    def _sum(self, at: int, one: Sum) -> None:
        text, level = one.passage.text, one.passage.level
        near = self._grand is not None and at - self._grand[0] <= _FAR
        if level and not self._open and one.share and self._grand and near:
            self._start(self._grand[1], wholly=False, level=0)
        if level and self._open:
            self._open[-1].parts.append(one)
        if text.endswith(":") or _opens(text[one.amount.end :]):
            self._start(one, wholly=bool(_WHOLLY.search(text, one.amount.end)))
        elif not level and _TOTAL.search(text, 0, one.amount.start):
            self._grand = (at, one)

    def _start(self, total: Sum, wholly: bool, level: int | None = None) -> None:
        above = tuple(one.total for one in reversed(self._open))
        depth = total.passage.level if level is None else level
        self._open.append(_Open(depth, total, wholly, above, []))
        self.made.append(self._open[-1])


def _lists(passages: Sequence[Passage]) -> Iterator[Whole]:
    lists = _Lists()
    for at, passage in enumerate(passages):
        lists.line(at, passage)
    yield from (one.whole for one in lists.made if 1 <= len(one.parts) <= _MOST)


def _opens(rest: str) -> bool:
    """True where a list is announced and nothing of it follows on the same line."""
    said = _OPENS.search(rest)
    return said is not None and next(figures.money(rest[said.end() :]), None) is None


def _principal(passage: Passage) -> Sum | None:
    """The amount that a line is about: the first one, the last one before "trong đó"."""
    text = passage.text
    amounts = list(figures.money(text))
    if not amounts:
        return None
    opens = _OPENS.search(text)
    before = [one for one in amounts if opens and one.end <= opens.start()]
    chosen = before[-1] if before else amounts[0]
    return Sum(passage, chosen, shares.after(text, chosen.end))


# -- sentences ---------------------------------------------------------------------------


def _sentences(passages: Sequence[Passage]) -> Iterator[Whole]:
    """ "… 500 triệu đồng, gồm 300 triệu đồng từ …, 200 triệu đồng từ …" in one sentence."""
    for passage in passages:
        words = list(islice(_INSIDE.finditer(passage.text), _MOST))
        amounts = list(figures.money(passage.text)) if words else []
        for word, following in zip_longest(words, words[1:]):
            if whole := _sentence(passage, amounts, word, following):
                yield whole


def _sentence(
    passage: Passage, amounts: list[Amount], word: re.Match[str], following: re.Match[str] | None
) -> Whole | None:
    """The total before the word and the parts after it; None where parts have parts again."""
    text = passage.text
    stop = _STOP.search(text, word.end())
    end = stop.start() if stop else len(text)
    before = [one for one in amounts if 0 <= word.start() - one.end <= _NEAR]
    inside = [one for one in amounts if word.end() <= one.start and one.end <= end]
    if not before or (following and following.start() < end):
        return None
    if _EACH.search(text, word.end(), end):
        return None
    if _STOP.search(text, before[-1].end, word.start()):
        return None
    plain = [one for one in inside[:_MOST] if not _bracketed(text, word.end(), one.start)]
    parts = tuple(Sum(passage, one, shares.after(text, one.end)) for one in plain)
    wholly = word[1].lower() != "trong đó"
    return Whole(Sum(passage, before[-1]), parts, wholly, False)


def _bracketed(text: str, start: int, at: int) -> bool:
    return text.count("(", start, at) > text.count(")", start, at)
