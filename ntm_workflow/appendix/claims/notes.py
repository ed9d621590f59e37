"""The head against the notes over the annexes: "(Kèm theo Kế hoạch số …, ngày …)", and titles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ntm_workflow.appendix.claims import documents
from ntm_workflow.appendix.claims.passages import APPENDIX, CRITERIA, HEAD, Passage
from ntm_workflow.appendix.importers.document import squash
from ntm_workflow.appendix.importers.head import NOTE
from ntm_workflow.appendix.importers.pieces import Head
from ntm_workflow.appendix.importers.segments import Segment
from ntm_workflow.appendix.model import Finding, Quote

_NUMBER = re.compile(r"\bSố\s*:", re.IGNORECASE)
_YEAR = re.compile(r"\bnăm\s+((?:19|20)\d\d)\b", re.IGNORECASE)


def find(head: Head, passages: Sequence[Passage], segments: Sequence[Segment]) -> Iterator[Finding]:
    notes = [Quote(place(s), squash(s.note)) for s in segments if s.note]
    own = tuple(_own(passages))
    yield from _blank(head, own, notes)
    for note in notes:
        yield from _differs(head, own, note)
    for segment in segments:
        yield from _title(head, segment, passages)


def place(segment: Segment) -> str:
    return CRITERIA if segment.kind == "criteria" else APPENDIX


def _own(passages: Sequence[Passage]) -> Iterator[Quote]:
    """Where the head says its number, and its day."""
    first = [one for one in passages if one.place == HEAD]
    for passage in first:
        if len(passage.text) < 200 and (said := _NUMBER.search(passage.text)):
            yield passage.quote(said.start(), len(passage.text))
            break
    yield from tuple(documents.dated(first))[:1]


def _blank(head: Head, own: tuple[Quote, ...], notes: Sequence[Quote]) -> Iterator[Finding]:
    """Notes whose number or day was never filled in, although the head has both."""
    if head.number is None or head.issued_on is None:
        return
    blank = [note for note in notes if (said := NOTE.search(note.text))
             and not (said["number"] and said["day"])]  # fmt: skip
    if blank:
        day = head.issued_on
        data: dict[str, object] = {
            "number": f"{head.number:02d}/{head.symbol}",
            "day": f"{day.day}/{day.month}/{day.year}", "count": len(blank),
        }  # fmt: skip
        yield Finding("note.blank", blank[0].place, data, (*own, *blank))


def _differs(head: Head, own: tuple[Quote, ...], note: Quote) -> Iterator[Finding]:
    said = NOTE.search(note.text)
    if not said:
        return
    day = head.issued_on
    pairs = {
        "number": (head.number, said["number"]),
        "day": (day.day if day else None, said["day"]),
        "month": (day.month if day else None, said["month"]),
        "year": (day.year if day else None, said["year"]),
    }
    for key, (mine, theirs) in pairs.items():
        if mine is not None and theirs and int(theirs) != mine:
            data: dict[str, object] = {"head": mine, "note": int(theirs)}
            yield Finding(f"note.{key}", note.place, data, (*own, note))
    if head.symbol and said["symbol"].upper() != head.symbol:
        data = {"head": head.symbol, "note": said["symbol"]}
        yield Finding("note.symbol", note.place, data, (*own, note))


def _title(head: Head, segment: Segment, passages: Sequence[Passage]) -> Iterator[Finding]:
    """An appendix of another year; the criteria table's title is in the plan, which checks it."""
    years = {int(year) for year in _YEAR.findall(segment.title)}
    if segment.kind != "appendix" or head.year is None or len(years) != 1 or head.year in years:
        return
    title = squash(head.title)
    data: dict[str, object] = {"year": years.pop(), "plan": head.year, "title": segment.title}
    quotes = (Quote(APPENDIX, segment.title), Quote(HEAD, title))
    yield Finding("title.year", APPENDIX, data, quotes)
