"""Documents that the paper cites: one number and two days, days that cannot be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ntm_workflow.appendix.claims.passages import HEAD, Passage
from ntm_workflow.appendix.model import Finding, Quote
from ntm_workflow.appendix.text import fold

_DAY = (
    r"ngày\s+(?P<day>\d{1,2})\s*(?:/|-|\.|tháng)\s*(?P<month>\d{1,2})\s*(?:/|-|\.|năm)\s*"
    r"(?P<year>\d{4})(?!\d)"
)
_DATE = re.compile(_DAY, re.IGNORECASE)
_CITED = re.compile(
    r"(?<![\d.,/])(?P<number>\d{1,5})(?P<of>/(?:19|20)\d\d)?\s?[/\-]\s?(?P<symbol>[A-ZĐ][\wĐđ&]*(?:[\-/][\wĐđ&]+)*)"
    rf"\s*,?\s*{_DAY}(?:\s+của\s+(?P<issuer>[^,.;()]{{2,60}}))?",
)


@dataclass(frozen=True, slots=True)
class Cited:
    key: str
    day: date
    issuer: str
    quote: Quote


def find(passages: Sequence[Passage], issued_on: date | None) -> Iterator[Finding]:
    """Impossible days; documents that are younger than the plan; one document, two days."""
    cited: dict[str, list[Cited]] = defaultdict(list)
    own = tuple(dated(passages))[:1]
    for passage in passages:
        yield from _impossible(passage)
        for found in _CITED.finditer(passage.text):
            if one := _cited(passage, found):
                cited[one.key].append(one)
                yield from _younger(one, found["of"], issued_on, own)
    for found_all in cited.values():
        yield from _two_days(found_all)


def _cited(passage: Passage, found: re.Match[str]) -> Cited | None:
    day = day_of(found)
    key = f"{int(found['number'])}{found['of'] or ''}/{found['symbol']}".upper()
    quote = passage.quote(found.start(), found.end())
    return Cited(key, day, fold(found["issuer"] or ""), quote) if day else None


def _younger(
    one: Cited, of: str | None, issued_on: date | None, own: tuple[Quote, ...]
) -> Iterator[Finding]:
    """A number of another year ("51/2025/… ngày 29/12/2024"); a day after the plan's own."""
    data: dict[str, object] = {"document": one.key, "day": _shown(one.day)}
    if of and int(of[1:]) != one.day.year:
        yield Finding("document.number_year", one.quote.place, data, (one.quote,))
    if issued_on and one.day > issued_on:
        late = {**data, "issued": _shown(issued_on)}
        yield Finding("document.later", one.quote.place, late, (one.quote, *own))


def day_of(found: re.Match[str]) -> date | None:
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def dated(passages: Sequence[Passage]) -> Iterator[Quote]:
    """Where the head says the plan's own day."""
    for passage in passages:
        if passage.place != HEAD:
            return
        found = _DATE.search(passage.text)
        if found and len(passage.text) < 200 and "số" not in passage.text.lower()[:60]:
            yield passage.quote(found.start(), found.end())


def _impossible(passage: Passage) -> Iterator[Finding]:
    for found in _DATE.finditer(passage.text):
        if day_of(found) is None:
            quote = passage.quote(found.start(), found.end())
            yield Finding("date.impossible", passage.place, {"printed": found[0]}, (quote,))


def _two_days(found: list[Cited]) -> Iterator[Finding]:
    first = found[0]
    for other in found[1:]:
        if other.day == first.day or not _same(first, other):
            continue
        data: dict[str, object] = {
            "document": first.key, "day": _shown(first.day), "other": _shown(other.day),
        }  # fmt: skip
        yield Finding("document.two_days", first.quote.place, data, (first.quote, other.quote))
        return


def _same(one: Cited, other: Cited) -> bool:
    """True where two citations mean one document: numbers begin again each year and place."""
    if any(a != b for a, b in zip(_words(one.issuer), _words(other.issuer), strict=False)):
        return False
    same_year = one.day.year == other.day.year
    return same_year or (one.day.day, one.day.month) == (other.day.day, other.day.month)


def _words(issuer: str) -> list[str]:
    """The words that say who: "uy ban nhan dan tinh"; what follows says of what."""
    full = issuer.replace("ubnd", "uy ban nhan dan").replace("hdnd", "hoi dong nhan dan")
    return full.split()[:5]


def _shown(day: date) -> str:
    return f"{day.day}/{day.month}/{day.year}"
