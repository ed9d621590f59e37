"""Targets in the text: "… thêm 01 xã …, nâng … lên 9/17 xã, chiếm tỷ lệ 52%" → figures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ntm_workflow.appendix.importers.document import Paragraph, squash
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


def read(paragraphs: Iterable[Paragraph]) -> Found:
    """Find the paragraphs that set a criterion's target, with what a page break cut off."""
    targets: list[DraftTarget] = []
    asks: list[Ask] = []
    for number, name, text in _gathered(paragraphs):
        found = _target(number, name, text)
        if isinstance(found, Ask):
            asks.append(found)
        elif any(one.criterion == number for one in targets):
            asks.append(Ask("target.twice", ("target", str(number), ""), squash(text)[:200],
                            data={"number": number}))  # fmt: skip
        else:
            targets.append(found)
    return Found(tuple(targets), tuple(asks))


def _gathered(paragraphs: Iterable[Paragraph]) -> list[tuple[int, str, str]]:
    """Number, name and whole text of each criterion, up to the next one or a heading."""
    found: list[tuple[int, str, str]] = []
    inside = False
    for paragraph in paragraphs:
        text = squash(paragraph.text)
        if begins := _BEGINS.match(text):
            found.append((int(begins[1]), begins[2].strip(), begins[3]))
            inside = True
        elif _HEADING.match(text):
            inside = False
        elif inside:
            number, name, so_far = found[-1]
            found[-1] = (number, name, f"{so_far} {text}")
    return found


def _target(number: int, name: str, text: str) -> DraftTarget | Ask:
    fractions = list(_FRACTION.finditer(text))
    if not fractions:
        return Ask("target.no_figures", ("target", str(number), ""), squash(text)[-200:],
                   data={"number": number, "name": name})  # fmt: skip
    last = fractions[-1]  # what comes before it explains, or counts something else
    percent = _PERCENT.match(text[last.end() :])
    # The sentence: a full stop, not the dot of "1.000".
    start = max((m.end() for m in re.finditer(r"[.;]\s", text[: last.start()])), default=0)
    added = _added(text[start : last.start()])
    if added is None:
        return Ask("target.no_added", ("target", str(number), "added"),
                   squash(text[start : last.end()]),
                   data={"number": number, "name": name})  # fmt: skip
    return DraftTarget(
        number, name, added, int(last[1]), int(last[2]), percent[1].replace(" ", "") if percent
        else "",
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
