"""Shares: a percentage beside a fraction ("9/17 xã, chiếm 52%") or beside a part of a sum."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from ntm_workflow.appendix import figures
from ntm_workflow.appendix.claims.passages import Passage
from ntm_workflow.appendix.figures import NUMBER, Figure
from ntm_workflow.appendix.model import Finding, Quote

_WHOLE = r"(?:\d{1,3}(?:\.\d{3})+|\d{1,7})"
_FRACTION = re.compile(
    rf"(?<![\d.,/])(?P<part>{_WHOLE})\s*/\s*(?P<of>{_WHOLE})(?![\d/]|[.,]\d)"
    r"(?P<between>[^\d%.;:()]{0,60}?)[\s,(]*"
    r"(?:(?<=[,(])\s*(?:tỷ lệ|tỉ lệ)|chiếm|đạt|bằng|tương đương|tương ứng|=|(?<=\())"
    rf"\s*(?:tỷ lệ|tỉ lệ|với)?\s*(?P<percent>{NUMBER})\s*%(?P<after>.{{0,14}})",
    re.IGNORECASE,
)
_SHARE = re.compile(
    rf"[\s,(]{{0,3}}(?:chiếm|bằng|tương đương|=)?\s*(?:tỷ lệ|tỉ lệ)?\s*(?P<percent>{NUMBER})\s*%"
    r"(?P<after>.{0,14})",
    re.IGNORECASE,
)
# "đạt 95% kế hoạch" is a share of something else.
_OTHER = re.compile(r"\s*(?:kế hoạch|KH\b|dự toán|chỉ tiêu|so\b|cùng kỳ|dân số|mục tiêu|/)", re.I)
_NO_COUNT = re.compile(r"(?:ngày|số|điều|khoản|hướng dẫn|quyết định)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Share:
    """A printed percentage of `part` in `whole`. `quotes` say where both stand."""

    part: str
    whole: str
    exact: Fraction
    printed: Figure
    quotes: tuple[Quote, ...]

    @property
    def fits(self) -> str:
        return figures.percent_fits(self.printed, self.exact)


def after(text: str, at: int) -> Figure | None:
    """The share that follows a sum: "110.000 triệu đồng chiếm 49,4%"."""
    found = _SHARE.match(text, at)
    if not found or _OTHER.match(found["after"]):
        return None
    return figures.figure(found["percent"])


def of_fractions(passages: Sequence[Passage], known: Iterable[str]) -> Iterator[Finding]:
    """Shares beside fractions. `known` are the quotes of targets, which the plan checks itself."""
    targets = tuple(known)
    for _, group in groupby(passages, key=lambda one: (one.part, one.place, one.level)):
        yield from judged([s for p in group for s in _beside(p, targets)])


def _beside(passage: Passage, targets: tuple[str, ...]) -> Iterator[Share]:
    if "%" not in passage.text or "/" not in passage.text:
        return
    for found in _FRACTION.finditer(passage.text):
        part, of = (int(found[name].replace(".", "")) for name in ("part", "of"))
        printed = figures.figure(found["percent"])
        said = passage.text[found.start("part") : found.end("percent")]
        before = passage.text[max(0, found.start() - 12) : found.start()]
        if not of or printed is None or any(said in quote for quote in targets):
            continue
        if _OTHER.match(found["after"]) or _NO_COUNT.search(before):
            continue
        quote = passage.quote(found.start("part"), found.end("percent") + 1)
        exact = Fraction(100 * part, of)
        yield Share(found["part"], found["of"], exact, printed, (quote,))


def _without_unit(part: str, whole: str) -> str:
    """ "2.500" of "2.500 triệu đồng", where the whole has the same unit."""
    number, _, unit = part.partition(" ")
    return number if unit and whole.partition(" ")[2] == unit else part


def judged(shares: Sequence[Share]) -> Iterator[Finding]:
    """Say which of the shares of one list are wrong; which were bent so that all make 100."""
    complete = len(shares) > 1 and sum(share.printed.value for share in shares) == 100
    for share in shares:
        if share.fits == "right":
            continue
        near = abs(share.printed.value - share.exact) < share.printed.step
        code = "share.forced" if complete and near else f"share.{share.fits}"
        digits = len(share.printed.printed.partition(",")[2]) + 1
        data: dict[str, object] = {
            "part": _without_unit(share.part, share.whole), "whole": share.whole,
            "exact": figures.shown(share.exact, max(2, digits)), "printed": share.printed.printed,
        }  # fmt: skip
        yield Finding(code, share.quotes[0].place, data, share.quotes)
