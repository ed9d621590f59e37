"""All that the text of a paper contradicts, leaves open or misspells, in the order of reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ntm_workflow.appendix import slips
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.claims import (
    communes,
    counts,
    documents,
    names,
    notes,
    passages,
    periods,
    repeats,
    shares,
    sums,
)
from ntm_workflow.appendix.claims.communes import Table
from ntm_workflow.appendix.claims.passages import APPENDIX, Passage
from ntm_workflow.appendix.importers.document import Document, squash
from ntm_workflow.appendix.importers.pieces import Draft
from ntm_workflow.appendix.importers.segments import Segment
from ntm_workflow.appendix.model import Finding, Quote

_CELLS = ("content", "directing", "implementing", "coordinating", "timing")


def find(
    document: Document, segments: Sequence[Segment], draft: Draft, register: Register | None
) -> tuple[Finding, ...]:
    """Check the paragraphs of a document, among themselves and against the tables as read.

    What the tables alone show is not here: `appendix.findings` has it.
    """
    text = passages.read(document, segments)
    cells = _cells(draft)
    table = Table(draft.lines, draft.targets, draft.head.year)
    found = (
        *notes.find(draft.head, text, segments),
        *documents.find(text, draft.head.issued_on),
        *shares.of_fractions(text, [one.quote for one in draft.targets]),
        *sums.find(text),
        *counts.find((*text, *cells)),
        *communes.find(text, table),
        *periods.find((*text, *cells)),
        *_empty(draft),
        *names.find(text, cells, register),
        *_slips((*text, *_titles(segments))),
        *repeats.find(text),
    )
    return tuple(found)


def _cells(draft: Draft) -> tuple[Passage, ...]:
    """The texts of the tables, as passages at their rows."""
    found = [Passage(squash(one.title), f"mục {one.id}") for one in draft.sections]
    for row in draft.rows:
        found += [Passage(squash(getattr(row, key)), f"dòng {row.id}") for key in _CELLS]
    for line in draft.lines:
        found += [Passage(squash(said), f"dòng {line.id}")
                  for said in (line.name, line.implementing, line.directing)]  # fmt: skip
    return tuple(one for one in found if one.text)


def _titles(segments: Sequence[Segment]) -> tuple[Passage, ...]:
    """Titles of the appendix; that of the criteria table is in the plan, which reads it."""
    said = [squash(s.title) for s in segments if s.kind == "appendix" and s.title]
    return tuple(Passage(text, APPENDIX) for text in dict.fromkeys(said))


def _slips(text: Sequence[Passage]) -> Iterator[Finding]:
    """Each slip once, with all the places where it stands."""
    found: dict[str, list[Quote]] = defaultdict(list)
    meant: dict[str, tuple[str, str]] = {}
    for passage in text:
        for slip in slips.find(passage.text):
            found[slip.key].append(passage.around(slip.start, slip.end))
            meant.setdefault(slip.key, (slip.printed, slip.meant))
    for key, quotes in found.items():
        places = "; ".join(dict.fromkeys(one.place for one in quotes))
        printed, right = meant[key]
        data: dict[str, object] = {"printed": printed, "meant": right, "places": places}
        yield Finding("spelling", quotes[0].place, data, tuple(quotes))


def _empty(draft: Draft) -> Iterator[Finding]:
    """Cells that the paper left empty, in columns that it fills elsewhere."""
    for key in ("content", "implementing", "timing"):
        filled = sum(bool(getattr(row, key)) for row in draft.rows)
        for row in draft.rows:
            if not getattr(row, key) and 2 * filled > len(draft.rows):
                said = squash(" | ".join(v for k in _CELLS if (v := getattr(row, k))))
                quote = (Quote(f"dòng {row.id}", said[:200]),) if said else ()
                yield Finding(f"row.no_{key}", row.id, {"content": row.content[:120]}, quote)
