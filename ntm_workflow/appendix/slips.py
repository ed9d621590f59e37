"""Usual slips of the pen ("trú trọng"), from `slips.toml`: found as printed, never mended."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Slip:
    """What is printed from `start` to `end` of a text, and what is meant."""

    printed: str
    meant: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """Slips of one key are one slip, in capitals or not."""
        return self.printed.casefold()


def find(text: str) -> Iterator[Slip]:
    """The slips of a text, by kind and then by place; `meant` in the capitals that are printed."""
    lower = text.lower()
    for stem, word, meant in _known():
        if stem in lower:
            for found in word.finditer(text):
                yield Slip(found[0], _capitals(meant, found[0]), found.start(), found.end())


@cache
def _known() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    path = Path(__file__).with_suffix(".toml")
    entries = tomllib.loads(path.read_text("utf-8"))["slip"]
    return tuple((one["printed"].lower(), _pattern(one), one["meant"]) for one in entries)


def _pattern(entry: dict[str, object]) -> re.Pattern[str]:
    def words(key: str) -> list[str]:
        value = entry.get(key, [])
        return [re.escape(str(one)) for one in value] if isinstance(value, list) else []

    said = rf"\b{re.escape(str(entry['printed']))}\b"
    if after := words("only_after"):
        said += rf"(?=\s+(?:{'|'.join(after)})\b)"
    if after := words("unless_after"):
        said += rf"(?!\s+(?:{'|'.join(after)})\b)"
    for before in words("unless_before"):
        said = rf"(?<!{before} )" + said
    if before_any := words("only_before"):
        said = "(?:" + "|".join(rf"(?<={one} )" for one in before_any) + ")" + said
    return re.compile(said, 0 if entry.get("case") else re.IGNORECASE)


def _capitals(meant: str, printed: str) -> str:
    if printed.isupper():
        return meant.upper()
    return meant[0].upper() + meant[1:] if printed[0].isupper() else meant
