"""The words of a body cell: tokens, and the names the lexicon knows among them.

The lexicon is data (`body_lexicon.toml`). Words are compared folded, so a cell
without marks, in NFD or in capitals reads the same; only words that mean
something else with other marks ("sở" and "số") are read with theirs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ntm_workflow.appendix.text import fold

_TOKEN = re.compile(r"[^\W_]+|\n|[^\w\s]|_")
DASHES = frozenset("-–—‐‑−")
_JOINTS = DASHES | {"&", "+"}
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """One word or sign: as printed, folded, and where it stands in the text."""

    raw: str
    key: str
    start: int
    end: int

    @property
    def word(self) -> bool:
        return self.raw[0].isalnum()

    @property
    def text(self) -> str:
        return "BCĐ" if self.key == "bcd" and self.raw.isupper() else self.raw  # often mistyped


def tokens(text: str) -> list[Token]:
    """The words and signs of a text; line breaks are signs, other white space vanishes."""
    found = []
    for match in _TOKEN.finditer(text):
        raw = match[0]
        key = "-" if raw in DASHES else fold(raw) or raw
        found.append(Token(raw, key, match.start(), match.end()))
    return found


def keys(text: str) -> Keys:
    return tuple(token.key for token in tokens(text))


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to write `span` parts of a field as words."""

    keys: Keys
    span: int


@dataclass(frozen=True, slots=True)
class _Field:
    name: Keys  # in full, without what joins its parts
    ways: tuple[tuple[_Way, ...], ...]  # by part: how a run of parts starting here is written
    commas: tuple[bool, ...]  # by part: may a comma stand before it


class Phrases:
    """Fixed phrases, longest first, by their first word."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._by_first: dict[str, list[tuple[Keys, str]]] = {}
        for phrase in phrases:
            written = keys(phrase)
            self._by_first.setdefault(written[0], []).append((written, phrase))
        for known in self._by_first.values():
            known.sort(key=lambda one: -len(one[0]))

    def at(self, cell: Words, at: int) -> tuple[str, int] | None:
        """The longest phrase that begins here, and where it ends."""
        if at >= len(cell.tokens):
            return None
        for written, phrase in self._by_first.get(cell.tokens[at].key, ()):
            end = cell.spells(written, at)
            if end and cell.meant(phrase, at):
                return phrase, end
        return None


class Lexicon:
    """What `body_lexicon.toml` says, ready to be matched."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._short: dict[str, list[str]] = data["parts"]
        self.heads: dict[str, list[str]] = data["heads"]
        words: dict[str, list[str]] = data["words"]
        self.levels: dict[str, str] = data["levels"]
        blocks: dict[str, list[str]] = data["blocks"]
        self.blocks = {head: [keys(word) for word in words_] for head, words_ in blocks.items()}
        parents: dict[str, list[str]] = data["parents"]
        self.parents = {fold(part): set(map(fold, whole)) for part, whole in parents.items()}
        self.strict = {word.casefold() for word in words["strict"]}
        self.full: dict[str, str] = data["full"]
        self.phrases = {name: Phrases(list_) for name, list_ in words.items()}
        self.phrases["heads"] = Phrases(list(self.heads))
        self.phrases["full"] = Phrases(list(self.full))
        begun: dict[str, str] = data["full_first"]
        self.phrases["full_first"] = Phrases(list(begun))
        self.full |= begun
        self.phrases["levels"] = Phrases(list(self.levels))
        fields: dict[str, list[str]] = data["fields"]
        self._fields: dict[str, dict[str, list[_Field]]] = {}
        fields["ministry"] = [*fields["office"], *fields["ministry"]]
        for family, names in fields.items():
            table = self._fields.setdefault(family, {})
            for name in dict.fromkeys(names):
                made = self._field(name)
                for first in {way.keys[0] for way in made.ways[0]}:
                    table.setdefault(first, []).append(made)

    def _field(self, name: str) -> _Field:
        parts: list[str] = []
        commas: list[bool] = []
        for chunk in name.split(" + "):
            pieces = chunk.split(", ")
            parts += pieces
            commas += [False] + [True] * (len(pieces) - 1)
        spelled = [self._spellings(part) for part in parts]
        ways = tuple(self._ways(spelled, first) for first in range(len(parts)))
        full = tuple(key for part in parts for key in keys(part))
        return _Field(full, ways, tuple(commas))

    def _spellings(self, part: str) -> list[Keys]:
        known = self._short.get(part.lower(), [])
        return [keys(part), *(keys(short) for short in known)]

    @staticmethod
    def _ways(spelled: list[list[Keys]], first: int) -> tuple[_Way, ...]:
        """Each spelling of the part; then this part and the next ones run together."""
        ways = [_Way(written, 1) for written in spelled[first]]
        glued = [""]
        for span, options in enumerate(spelled[first:], start=1):
            short = [written[0] for written in options[1:] if len(written) == 1]
            glued = [before + letters for before in glued for letters in short]
            if span > 1:
                ways += [_Way((run,), span) for run in glued]
        return tuple(ways)

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(self._fields)

    def fields(self, family: str, first: str) -> Sequence[_Field]:
        return self._fields.get(family, {}).get(first, ())


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once."""
    path = Path(__file__).with_name("body_lexicon.toml")
    return Lexicon(tomllib.loads(path.read_text("utf-8")))


class Words:
    """A text as tokens, with what the lexicon recognises at each place."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.lexicon = lexicon()
        self._found: dict[tuple[str, int], list[int]] = {}
        letters = [c for c in text if c.isalpha()]
        self.plain = text.isascii()  # typed without any marks
        self.cased = any(c.isupper() for c in letters) and any(c.islower() for c in letters)

    def __len__(self) -> int:
        return len(self.tokens)

    def key(self, at: int) -> str:
        return self.tokens[at].key if 0 <= at < len(self.tokens) else ""

    def is_word(self, at: int) -> bool:
        return 0 <= at < len(self.tokens) and self.tokens[at].word

    def capital(self, at: int) -> bool:
        """True when a proper name may begin here; always, where capitals say nothing."""
        return self.is_word(at) and (not self.cased or not self.tokens[at].raw[0].islower())

    def soft(self, at: int) -> int:
        """The next place that is no line break."""
        while self.key(at) == "\n":
            at += 1
        return at

    def spells(self, written: Keys, at: int) -> int:
        """Where these words end, beginning here; 0 if they do not stand here.

        A line break inside them, or a full stop after a shortened word, is no matter.
        """
        for number, key in enumerate(written):
            at = self.soft(at) if number else at
            if self.key(at) != key:
                return 0
            at += 1
        return at

    def meant(self, phrase: str, at: int) -> bool:
        """True unless a strict word of the phrase is written with other marks."""
        wanted = phrase.casefold()
        if self.plain or wanted not in self.lexicon.strict:
            return True
        size = len(keys(phrase))
        printed = " ".join(token.raw.casefold() for token in self.tokens[at : at + size])
        return printed == wanted

    def phrase(self, table: str, at: int) -> tuple[str, int] | None:
        return self.lexicon.phrases[table].at(self, at)

    # -- fields -----------------------------------------------------------

    def field_ends(self, family: str, at: int) -> list[int]:
        """Where the known names of a family that begin here may end, longest first."""
        found = self._found.get((family, at))
        if found is None:
            ends: set[int] = set()
            for known in self.lexicon.fields(family, self.key(at)):
                ends.update(self._ends(known, at, 0))
            found = self._found[family, at] = sorted(ends, reverse=True)
        return found

    def field_names(self, at: int) -> dict[int, set[Keys]]:
        """By where it ends: the full names that a shortened name here may stand for."""
        found: dict[int, set[Keys]] = {}
        for family in self.lexicon.families:
            for known in self.lexicon.fields(family, self.key(at)):
                for end in self._ends(known, at, 0):
                    found.setdefault(end, set()).add(known.name)
        return found

    def _ends(self, known: _Field, at: int, part: int) -> Iterator[int]:
        for way in known.ways[part]:
            end = self.spells(way.keys, at)
            if not end:
                continue
            after = part + way.span
            if after == len(known.ways):
                yield end
                continue
            for start in self._joints(end, known.commas[after]):
                yield from self._ends(known, start, after)

    def _joints(self, at: int, comma: bool) -> Iterator[int]:
        """Where the next part may begin, after the sign or word that joins it."""
        bare = self.soft(at)
        yield bare
        key = self.key(bare)
        if key in _JOINTS or key == "va" or (comma and key == ","):
            yield self.soft(bare + 1)
            if key == "," and self.key(self.soft(bare + 1)) == "va":
                yield self.soft(self.soft(bare + 1) + 1)


@lru_cache(maxsize=4_096)  # a register asks for each of its names several times
def full_forms(name: str) -> frozenset[str]:
    """The ways a name may be written out: "Phòng NN&PTNT" → "phong nong nghiep phat trien…".

    Folded, without "và" and signs, so that two spellings of one name meet.
    Several where letters are read in several ways ("VH-TT"); thirty-two at most.
    """
    cell = Words(name)
    forms: list[Keys] = [()]
    at = 0
    while at < len(cell):
        short = cell.phrase("full", at) or (None if at else cell.phrase("full_first", at))
        fields = cell.field_names(at)
        if short:
            options, at = {keys(cell.lexicon.full[short[0]])}, short[1]
        elif fields:
            at = max(fields)
            options = fields[at]
        else:
            alone = cell.is_word(at) and cell.key(at) != "va"
            options, at = {(cell.key(at),) if alone else ()}, at + 1
        forms = [before + more for before in forms for more in sorted(options)][:32]
    return frozenset(" ".join(form) for form in forms)
