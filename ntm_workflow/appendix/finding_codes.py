"""The closed vocabulary of findings: what kind each is, and what its sentence is filled with."""

from __future__ import annotations

import enum


class FindingKind(enum.StrEnum):
    """In the order in which a reader wants them."""

    CONTRADICTION = "contradiction"
    OPEN = "open"
    SLIP = "slip"


_C, _O, _S = FindingKind

# What an import finds in the text; kept in the file, so its data is checked when it is read.
PAPER: dict[str, tuple[FindingKind, tuple[str, ...]]] = {
    "share.wrong": (_C, ("part", "whole", "exact", "printed")),
    "share.cut": (_C, ("part", "whole", "exact", "printed")),
    "share.forced": (_C, ("part", "whole", "exact", "printed")),
    "sum.differs": (_C, ("total", "parts", "added", "difference")),
    "sum.short": (_O, ("total", "parts", "added", "difference")),
    "count.names": (_C, ("count", "noun", "named", "names")),
    "count.places": (_O, ("count", "noun", "named", "names")),
    "count.parts": (_C, ("total", "noun", "parts", "added")),
    "commune.criteria": (_C, ("name", "said", "count", "lines")),
    "groups.differ": (_C, ("added", "of", "parts")),
    "groups.above_target": (_C, ("count", "criteria", "criterion", "reached")),
    "average.differs": (_C, ("said", "reached", "of", "average", "before")),
    "communes.without": (_O, ("unfinished", "of", "named", "short")),
    "period.differs": (_C, ("periods", "count")),
    "note.blank": (_O, ("number", "day", "count")),
    "note.number": (_C, ("head", "note")),
    "note.symbol": (_C, ("head", "note")),
    "note.day": (_C, ("head", "note")),
    "note.month": (_C, ("head", "note")),
    "note.year": (_C, ("head", "note")),
    "title.year": (_C, ("year", "plan", "title")),
    "document.two_days": (_C, ("document", "day", "other")),
    "document.number_year": (_C, ("document", "day")),
    "document.later": (_C, ("document", "day", "issued")),
    "date.impossible": (_C, ("printed",)),
    "range.and_up": (_O, ("places",)),
    "row.no_content": (_O, ("content",)),
    "row.no_implementing": (_O, ("content",)),
    "row.no_timing": (_O, ("content",)),
    "name.variant": (_S, ("printed", "meant")),
    "name.tone": (_S, ("pairs",)),
    "spelling": (_S, ("printed", "meant", "places")),
    "repeat.words": (_S, ("printed",)),
    "repeat.sentence": (_S, ("printed", "words")),
    "repeat.item": (_S, ("printed",)),
}

# What the file itself shows, found again whenever it is read.
PLAN: dict[str, FindingKind] = {
    "criteria.title_year": _C,
    "criteria.count": _C,
    "criteria.total": _C,
    "criteria.total_targets": _C,
    "target.no_line": _C,
    "target.differs": _C,
    "target.count_differs": _C,
    "line.no_target": _C,
    "target.percent_wrong": _C,
    "target.percent_cut": _C,
    "timing.over": _C,
    "timing.other_year": _O,
    "timing.question": _O,
    "group.open": _O,
    "role.above": _O,
    "row.no_directing": _O,
    "criterion.name": _S,
    "name.forms": _S,
}


def kind(code: str) -> FindingKind:
    """The kind of a finding's code."""
    return PAPER[code][0] if code in PAPER else PLAN[code]
