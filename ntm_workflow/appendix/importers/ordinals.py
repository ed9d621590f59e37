"""Numbers of sections and rows as printed: "I.", "II.1", "A", "1.2", "b)", "-"."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_LOWER = "abcdđeghiklmnopqrstuvxy"  # as Vietnamese lists go on: a, b, c, d, đ, e, g
_PLAIN = "abcdefghijklmnopqrstuvwxyz"
_ONE = r"[IVXLC]+|[A-ZĐ]|[a-zđ]|\d{1,3}"
_ALONE = re.compile(rf"^\(?(?P<said>(?:{_ONE})(?:[.\-/]\d{{1,3}})*)\s*[.):/]*\s*$")
_LEADING = re.compile(
    r"^(?P<all>(?:(?:phần|mục|nhóm)\s+)?\(?(?:"
    rf"(?P<said>(?:{_ONE})(?:\.\d{{1,3}})*)(?:\s*[.):]\s*|\s+[-–]\s+)"
    rf"|(?P<dotted>(?:{_ONE})(?:\.\d{{1,3}})+)\s+))(?=[^\W\d_].)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^[-–—+•*▪●o]$")


@dataclass(frozen=True, slots=True)
class Ordinal:
    """`kind` is letter, roman, arabic, lower or bullet; `depth` counts dotted parts."""

    printed: str
    kind: str
    value: int
    depth: int = 1
    prefix: str = ""

    @property
    def rank(self) -> tuple[str, int]:
        """Sections of one rank stand beside each other."""
        return self.kind, self.depth


def parse(text: str) -> Ordinal | None:
    """Read a cell that is nothing but a number, None where it is something else."""
    text = text.strip()
    if _BULLET.match(text):
        return Ordinal(text, "bullet", 0)
    match = _ALONE.match(text)
    return _read(match["said"]) if match else None


def leading(text: str) -> tuple[Ordinal, int] | None:
    """Read the number before a title: ("I. Kiện toàn" → I, and where the title starts)."""
    match = _LEADING.match(text)
    if not match:
        return None
    ordinal = _read(match["said"] or match["dotted"])
    return (ordinal, match.end("all")) if ordinal else None


def roman(number: int) -> str:
    said = ""
    for sign, value in (("C", 100), ("XC", 90), ("L", 50), ("XL", 40), ("X", 10), ("IX", 9),
                        ("V", 5), ("IV", 4), ("I", 1)):  # fmt: skip
        said += sign * (number // value)
        number %= value
    return said


def as_letter(ordinal: Ordinal) -> Ordinal:
    """The same sign read as a letter: "C" after "B" is no hundred."""
    return Ordinal(ordinal.printed, "letter", ord(ordinal.printed[0]) - 64)


def _read(said: str) -> Ordinal | None:
    parts = re.split(r"[.\-/]", said)
    first = _first(parts[0])
    if first is None or len(parts) == 1:
        return first
    value, prefix = int(parts[-1]), parts[-2]
    return Ordinal(said, first.kind if first.kind != "lower" else "arabic", value,
                   len(parts), prefix)  # fmt: skip


def _first(said: str) -> Ordinal | None:
    if said.isdigit():
        return Ordinal(said, "arabic", int(said))
    if (value := _from_roman(said)) and said.isupper():
        return Ordinal(said, "roman", value)
    if len(said) == 1 and said.isupper():
        return Ordinal(said, "letter", ord(said) - 64 if said != "Đ" else 4)
    if len(said) == 1:
        letters = _LOWER if said in _LOWER else _PLAIN
        return Ordinal(said, "lower", letters.index(said) + 1)
    return None


def _from_roman(said: str) -> int:
    """The value of a well-formed roman numeral, 0 otherwise."""
    if not said or any(sign not in _ROMAN for sign in said):
        return 0
    values = [_ROMAN[sign] for sign in said]
    following = [*values[1:], 0]
    total = sum(-a if a < b else a for a, b in zip(values, following, strict=True))
    return total if roman(total) == said else 0
