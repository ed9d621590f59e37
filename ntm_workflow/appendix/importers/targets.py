"""Targets in the text: "… thêm 01 xã …, nâng … lên 9/17 xã, chiếm tỷ lệ 52%" → figures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ntm_workflow.appendix.claims.passages import Passage
from ntm_workflow.appendix.importers.document import squash
from ntm_workflow.appendix.importers.pieces import Ask, DraftTarget

_BEGINS = re.compile(
    r"^[-–+•*]?\s*Tiêu chí(?:\s+số)?\s+(\d{1,2})\s*[-–.:]\s*([^:]{2,120}?)\s*:\s*(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_HEADING = re.compile(r"^\s*(?:[IVX]+|[A-Z]|\d{1,2}|Phần [IVX]+)\s*[.):]\s*\S|^\s*PHỤ LỤC")
_UNIT = r"(?:xã|phường|đơn vị cấp xã|địa phương)"
_FRACTION = re.compile(rf"(\d+)\s*/\s*(\d+)\s*{_UNIT}\b", re.IGNORECASE)
_ADDED = re.compile(rf"(?<![\d/.,])(\d+)\s*{_UNIT}\b", re.IGNORECASE)
_PERCENT = re.compile(r"^[^.;]*?(\d+(?:,\d+)?\s*%)")
_KEPT = re.compile(r"duy trì", re.IGNORECASE)
_RAISED = re.compile(r"nâng", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    targets: tuple[DraftTarget, ...]
    asks: tuple[Ask, ...]


@dataclass(slots=True)
class _Said:
    """A criterion with all that the text says of it, and where."""

    number: int
    name: str
    text: str
    place: str


def read(passages: Iterable[Passage]) -> Found:
    """Find the passages that set a criterion's target."""
    targets: list[DraftTarget] = []
    asks: list[Ask] = []
    for said in _gathered(passages):
        number, text = said.number, said.text
        found = _target(said)
        if isinstance(found, Ask):
            asks.append(found)
        elif any(one.criterion == number for one in targets):
            asks.append(Ask("target.twice", ("target", str(number), ""), squash(text)[:200],
                            data={"number": number}))  # fmt: skip
        else:
            targets.append(found)
    return Found(tuple(targets), tuple(asks))


def _gathered(passages: Iterable[Passage]) -> list[_Said]:
    """Each criterion with its whole text, up to the next one or a heading."""
    found: list[_Said] = []
    inside = False
    for passage in passages:
        text = passage.text
        if begins := _BEGINS.match(text):
            said = _Said(int(begins[1]), begins[2].strip(), begins[3], passage.place)
            found.append(said)
            inside = True
        elif _HEADING.match(text):
            inside = False
        elif inside:
            found[-1].text = f"{found[-1].text} {text}"
    return found


def _target(said: _Said) -> DraftTarget | Ask:
    number, name, text = said.number, said.name, said.text
    fractions = list(_FRACTION.finditer(text))
    if not fractions:
        return Ask("target.no_figures", ("target", str(number), ""), squash(text)[-200:],
                   data={"number": number, "name": name})  # fmt: skip
    last = fractions[-1]  # what comes before it explains, or counts something else
    percent = _PERCENT.match(text[last.end() :])
    end = last.end() + (percent.end() if percent else 0)
    # The sentence: a full stop, not the dot of "1.000".
    start = max((m.end() for m in re.finditer(r"[.;]\s", text[: last.start()])), default=0)
    added = _added(text[start : last.start()])
    if added is None:
        return Ask("target.no_added", ("target", str(number), "added"),
                   squash(text[start : last.end()]),
                   data={"number": number, "name": name})  # fmt: skip
    return DraftTarget(
        number, name, added, int(last[1]), int(last[2]),
        percent[1].replace(" ", "") if percent else "", said.place, text[start:end],
    )  # fmt: skip


def _added(before: str) -> int | None:
    """How many communes more, from the sentence up to its fraction; None where it is unclear."""
    raised = list(_RAISED.finditer(before))
    kept = list(_KEPT.finditer(before))
    if kept and (not raised or kept[-1].start() > raised[-1].start()):
        return 0
    clause = before[: raised[-1].start()] if raised else before
    figures = _ADDED.findall(clause)
    return int(figures[-1]) if figures else None
