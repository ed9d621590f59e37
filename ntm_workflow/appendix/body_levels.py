"""The level words that the register reads: "cấp huyện", "các xã", "phường"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ntm_workflow.appendix.model import Level
from ntm_workflow.appendix.text import fold, nfc

_WORD = re.compile(r"\w+|[^\w\s]|\n")
BREAKS = {";", "\n"}  # a level never reaches across these
_PREFIXES = {"cấp", "các"}

# How the levels are written, after their prefix ("cấp", "các").
LEVEL_WORDS: dict[str, Level] = {
    "trung ương": Level.CENTRAL,
    "tỉnh": Level.PROVINCE,
    "thành phố": Level.PROVINCE,
    "tp": Level.PROVINCE,
    "huyện": Level.DISTRICT,
    "thị xã": Level.DISTRICT,
    "tx": Level.DISTRICT,
    "quận": Level.DISTRICT,
    "xã": Level.COMMUNE,
    "phường": Level.COMMUNE,
    "thị trấn": Level.COMMUNE,
    "đặc khu": Level.COMMUNE,
}
_CITY = {"thành phố", "tp"}  # of a province or, until 2025, of a district's rank
_FOLDED = {fold(part) for word in LEVEL_WORDS for part in word.split()}
_MARKED = {part for word in LEVEL_WORDS for part in word.split()}


@dataclass(frozen=True, slots=True)
class Token:
    raw: str
    key: str
    start: int
    end: int

    @property
    def separates(self) -> bool:
        return self.raw in {",", ";", "\n", ".", "/"} or self.raw.casefold() == "và"


@dataclass(frozen=True, slots=True)
class Printed:
    """A level as a cell prints it. `word` is "xã"; `one` is False for "các xã", "cấp xã"."""

    level: Level
    word: str
    one: bool

    @property
    def city(self) -> bool:
        return self.word in _CITY


def read_tokens(text: str) -> list[Token]:
    return [Token(m[0], fold(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]


@lru_cache(maxsize=4_096)
def name_key(text: str) -> tuple[str, ...]:
    """A name as it is compared: its words and signs, folded."""
    return tuple(token.key for token in read_tokens(nfc(text)))


def ends_here(found: list[Token], at: int) -> bool:
    return at >= len(found) or found[at].separates


def level_phrase(found: list[Token], at: int, plain: bool) -> tuple[Printed, int] | None:
    """Read "cấp huyện", "các xã", "xã", also after a comma or "và" that continues a list.

    After a separator a level stands alone ("cấp huyện, xã"): something else
    behind it would be another name. `plain`: the cell was typed without marks.
    """
    listed = 0 < at < len(found) and found[at].separates
    if listed and found[at].raw in BREAKS:
        return None
    at += listed
    prefixed = at < len(found) and _spelled(found[at], plain)
    at += prefixed
    for size in (2, 1):
        words = found[at : at + size]
        written = " ".join(token.key if plain else token.raw.casefold() for token in words)
        for word, level in LEVEL_WORDS.items():
            if len(words) == size and written == (fold(word) if plain else word):
                lone = not listed or ends_here(found, at + size)
                return (Printed(level, word, not prefixed), at + size) if lone else None
    return None


def _spelled(token: Token, plain: bool) -> bool:
    if plain:
        return token.key in {fold(word) for word in _PREFIXES}
    return token.raw.casefold() in _PREFIXES


def levels_spelled(name: str) -> bool:
    """False for "BQL cấp xa": a level written with other marks may be another word."""
    text = nfc(name)
    return text.isascii() or all(
        token.raw.casefold() in _MARKED for token in read_tokens(text) if token.key in _FOLDED
    )


@lru_cache(maxsize=4_096)
def without_level(name: str) -> tuple[str, Level] | None:
    """ "Phòng VHXH xã" → ("Phòng VHXH", commune); None for a name without a level behind it."""
    text = nfc(name)
    found = read_tokens(text)
    for at in range(max(1, len(found) - 3), len(found)):
        read = level_phrase(found, at, text.isascii())
        if read and read[1] == len(found) and not found[at].separates:
            return text[: found[at - 1].end], read[0].level
    return None


def home(name: str) -> tuple[Level, tuple[str, ...]] | None:
    """ "Công an xã Bắc Sơn" → (commune, ("bac", "son")): the place a name ends with."""
    found = read_tokens(nfc(name))
    for at in range(1, len(found) - 1):
        read = level_phrase(found, at, plain=False)
        if read and read[0].one and not found[at].separates:
            place = found[read[1] :]
            if place and all(token.raw[0].isupper() for token in place):
                return read[0].level, tuple(token.key for token in place)
    return None
