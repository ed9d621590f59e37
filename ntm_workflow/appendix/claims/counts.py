"""Counts against names: "02 xã (Nhất Hòa, Vũ Lễ)", "18 đơn vị, gồm 17 xã và 01 thị trấn"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ntm_workflow.appendix.claims.passages import Passage
from ntm_workflow.appendix.model import Finding

_PLACE = (
    r"(?:đơn vị cấp xã|xã|phường|thị trấn|huyện|thị xã|thành phố|quận|thôn|xóm|bản|ấp|buôn|làng|"
    r"tổ dân phố|khu phố|khu dân cư|đơn vị|địa phương)"
)
_COUNTED = re.compile(
    rf"(?<![\d.,/\-–])(?P<count>\d{{1,3}})\s+(?P<noun>{_PLACE}(?:(?:\s*[,/]\s*|\s+và\s+){_PLACE})*)"
    r"\b(?P<gap>[^().:;,\d]{0,60}?)\s*(?P<opens>\(|:|,?\s*(?:bao\s+)?gồm:?\s)\s*",
    re.IGNORECASE,
)
_AT = re.compile(
    r"(?<![\d.,/\-–])(?P<count>\d{1,3})\s+(?P<noun>(?:khu dân cư|mô hình|vườn|thôn|dự án|"
    r"công trình|lớp|điểm|nhà văn hóa)[^().:;,\d]{0,40}?)\s+(?:tại|ở)\s+(?:các\s+)?"
    rf"(?P<gap>(?:\d{{1,3}}\s+)?{_PLACE}[^().:;,\d]{{0,20}}?)\s*(?P<opens>\(|:)\s*",
    re.IGNORECASE,
)
_QUANTITIES = re.compile(
    r"(?<![\d.,/\-–])(?P<total>\d{1,5})\s+(?P<noun>đơn vị|xã|thôn|tiêu chí|chỉ tiêu|nhiệm vụ|"
    r"công trình|dự án|mô hình|sản phẩm|hợp tác xã|trường|lớp)\b(?P<gap>[^().:;\d]{0,60}?),?\s*\(?"
    r"(?:bao\s+)?gồm:?\s+(?P<parts>(?:có\s+)?\d{1,5}\s[^.;()]{1,200})",
    re.IGNORECASE,
)
_PART = re.compile(r"^(?:có\s+)?(\d{1,5})\s+[^\W\d]")
_LEAD = re.compile(rf"\s*(?:(?:các|và|tại|ở)\s+|(?P<noun>{_PLACE})\s+|[,;&]\s*)+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_][\w'’]*|\d{1,3}\b")
_UNFINISHED = re.compile(r"\s*(?:\.\.|…|v\.?v|,?\s*(?:như|ví dụ|chẳng hạn)\b)", re.IGNORECASE)
_NEXT = re.compile(r"\s*(?:,|và\b)")
_NEXT_INSIDE = re.compile(r"\s*(?:[,;]|và\b)")
_CLOSES = re.compile(r"\s*\)")
_BRACKETED = re.compile(r"\s*\([^()]{0,200}\)")
_SOME = re.compile(r"\b(?:như|ví dụ|chẳng hạn|trừ|ngoài)\b", re.IGNORECASE)
_MOST = 60  # names of one list


@dataclass(frozen=True, slots=True)
class Names:
    """Names in a row and where they end."""

    names: tuple[str, ...]
    end: int


def find(passages: Sequence[Passage]) -> Iterator[Finding]:
    for passage in passages:
        seen: set[int] = set()
        for found in _AT.finditer(passage.text):
            seen.add(found.end())
            yield from _compared(passage, found, "count.places")
        for found in _COUNTED.finditer(passage.text):
            if found.end() not in seen:
                yield from _compared(passage, found, "count.names")
        for found in _QUANTITIES.finditer(passage.text):
            yield from _quantities(passage, found)


def listed(text: str, noun: str) -> Names | None:
    """The names that a bracket after "02 xã" holds, None where it holds anything else."""
    return _names(text, 0, noun, bracket=True)


def _compared(passage: Passage, found: re.Match[str], code: str) -> Iterator[Finding]:
    bracket = found["opens"].startswith("(")
    read = _names(passage.text, found.end(), found["noun"], bracket)
    count = int(found["count"])
    if read is None or _SOME.search(found["gap"]) or len(read.names) == count:
        return
    if not read.names or (len(read.names) < 2 and not bracket):
        return
    data: dict[str, object] = {
        "count": count, "noun": " ".join(found["noun"].split()), "named": len(read.names),
        "names": ", ".join(read.names),
    }  # fmt: skip
    yield Finding(code, passage.place, data, (passage.quote(found.start(), read.end),))


def _names(text: str, at: int, noun: str, bracket: bool) -> Names | None:
    """Read names up to the bracket's end, or to the end of the clause where there is none."""
    names, nouns, end = _row(text, at, _NEXT_INSIDE if bracket else _NEXT)
    open_end = bracket and not _CLOSES.match(text, end)
    if open_end or _UNFINISHED.match(text, end) or len(names) > _MOST:
        return None
    mixed = len(nouns) > 1 and not all(one in noun.lower() for one in nouns)
    shouted = any(name.isupper() and len(name) > 1 for name in names)  # "(NTM)" is no name
    return None if mixed or shouted else Names(tuple(names), end)


def _row(text: str, at: int, following: re.Pattern[str]) -> tuple[list[str], set[str], int]:
    """Names in a row, the nouns said before them ("thôn", "xã"), and where the row ends."""
    names: list[str] = []
    nouns: set[str] = set()
    while len(names) <= _MOST:
        if lead := _LEAD.match(text, at):
            at = lead.end()
            nouns |= {lead["noun"].lower()} if lead["noun"] else set()
        name, after = _name(text, at)
        if not name or _UNFINISHED.match(text, after):
            break
        names.append(name)
        bracketed = _BRACKETED.match(text, after)  # "(thôn Hồng Phong)" after a name
        at = bracketed.end() if bracketed else after
        if not following.match(text, at):
            break
    return names, nouns, at


def _name(text: str, at: int) -> tuple[str, int]:
    """Words with capitals from here on ("Vũ Lễ", "Hồng Phong 1"), or a number alone."""
    start = end = at
    first = True
    while word := _WORD.match(text, end if first else end + 1):
        if not first and text[end] != " ":
            break
        if not (word[0][0].isupper() or word[0][0].isdigit()):
            break
        end, first = word.end(), False
    return text[start:end], end


def _quantities(passage: Passage, found: re.Match[str]) -> Iterator[Finding]:
    """Numbers of things that are said to be all of them: 18 = 17 + 1."""
    said = re.split(r",\s*(?=(?:và\s+)?(?:có\s+)?\d)|\s+và\s+(?=\d)", found["parts"])
    parts = [_PART.match(re.sub(r"^và\s+", "", one.strip())) for one in said]
    counts = [int(part[1]) for part in parts if part]
    total = int(found["total"])
    if len(counts) < 2 or len(counts) != len(parts) or sum(counts) == total:
        return
    if any("," in one for one in said):  # something without a number is among them
        return
    data: dict[str, object] = {
        "total": total, "noun": found["noun"], "parts": " + ".join(map(str, counts)),
        "added": sum(counts),
    }  # fmt: skip
    quote = passage.quote(found.start(), found.end())
    yield Finding("count.parts", passage.place, data, (quote,))
