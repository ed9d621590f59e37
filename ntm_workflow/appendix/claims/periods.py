"""One thing with two periods: "xã đạt chuẩn … giai đoạn 2016-2019" and "… 2017-2019"."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ntm_workflow.appendix.claims.passages import Passage
from ntm_workflow.appendix.model import Finding, Quote
from ntm_workflow.appendix.text import fold

_PERIOD = re.compile(
    r"giai đoạn\s*(?:từ\s+)?(?:năm\s+)?(?P<first>(?:19|20)\d\d)\s*(?:[-–]|đến(?:\s+năm)?)\s*"
    r"(?P<last>(?:19|20)\d\d)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.;:,()]")
_BEFORE = 160  # characters in which the thing itself is named
# What has a period of its own; the first that a clause names is the thing.
_THINGS = re.compile(
    r"\b(bo tieu chi|bo chi so|chuong trinh|phong trao|cuoc van dong|de an|du an|ke hoach|"
    r"nghi quyet|quy hoach|chien luoc)\b"
)
_COMMUNES = re.compile(
    r"\bxa (?:da )?(?:duoc )?(?:cong nhan )?(?P<yet>phan dau )?(?:dat chuan|ve dich)"
    r"(?P<what>(?: nong thon moi| ntm)?(?: nang cao| kieu mau)?)(?: nam)?$"
)
_EMPTY = frozenset(
    ("thuc", "hien", "nam", "cua", "cac", "ve", "theo", "trong", "tren", "tai", "cho", "duoc", "da")
)
_APART = 3  # years between the beginnings of what may be one period; more are two periods


@dataclass(frozen=True, slots=True)
class Period:
    first: int
    last: int
    quote: Quote

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def find(passages: Sequence[Passage]) -> Iterator[Finding]:
    """Periods of one thing that end in the same year and begin in different ones.

    Periods that follow each other, or of which one is a stage of the other, say
    nothing against each other.
    """
    by_thing: dict[tuple[str, int], list[Period]] = defaultdict(list)
    for passage in passages:
        for found in _PERIOD.finditer(passage.text):
            if key := thing(passage.text[max(0, found.start() - _BEFORE) : found.start()]):
                quote = passage.quote(found.start(), found.end())
                period = Period(int(found["first"]), int(found["last"]), quote)
                by_thing[key, period.last].append(period)
    for (_, last), periods in by_thing.items():
        firsts = sorted({period.first for period in periods})
        if len(firsts) > 1 and firsts[-1] - firsts[0] <= _APART and last > firsts[-1]:
            one_each = dict.fromkeys(str(period) for period in periods)
            data: dict[str, object] = {"periods": ", ".join(one_each), "count": len(one_each)}
            quotes = {str(p): p.quote for p in reversed(periods)}
            shown = tuple(quotes[said] for said in one_each)
            yield Finding("period.differs", periods[0].quote.place, data, shown)


def thing(before: str) -> str:
    """What the period is of, in a form that compares; "" where nothing is named."""
    clause = _CLAUSE.split(before.replace("“", " ").replace("”", " ").replace('"', " "))[-1]
    said = fold(clause)
    if found := _THINGS.search(said):
        words = [word for word in said[found.start() :].split() if word not in _EMPTY]
        named = len(words) > len(found[1].split())  # "kế hoạch" alone may be any plan
        return " ".join(words) if named or found[1] == "bo tieu chi" else ""
    if found := _COMMUNES.search(said):
        what = found["what"].replace("ntm", "nong thon moi").strip()
        return f"xa {found['yet'] or ''}{what}"
    return ""
