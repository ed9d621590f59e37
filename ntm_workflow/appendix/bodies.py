"""Body cells: "BCĐ, BQL cấp xã" → the bodies it names, through the register.

A cell is read left to right as names, levels and separators. A name printed
without its level ("BCĐ") takes the level of the next name that has one in the
same part of the cell, or the column's level, or the plan's own. A cell that is
not wholly understood so is split into names written out in full (`body_cells.py`)
and each is looked up: as printed, with its abbreviations in full, and last with
one slip of the pen in a long word where a single body is that near. What a person
said a printed name means goes before all of that. What matches nothing, or two
bodies, comes back unresolved with the nearest names: never guessed, never dropped.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from ntm_workflow.appendix.body_cells import split
from ntm_workflow.appendix.body_words import full_forms
from ntm_workflow.appendix.model import Body, Level, Named, Unit
from ntm_workflow.appendix.text import fold, nfc

_WORD = re.compile(r"\w+|[^\w\s]|\n")
_BREAKS = {";", "\n"}  # a level never reaches across these

# How the levels are written, after their prefix ("cấp", "các").
LEVEL_WORDS: dict[str, Level] = {
    "trung ương": Level.CENTRAL,
    "tỉnh": Level.PROVINCE,
    "thành phố": Level.PROVINCE,
    "huyện": Level.DISTRICT,
    "thị xã": Level.DISTRICT,
    "quận": Level.DISTRICT,
    "xã": Level.COMMUNE,
    "phường": Level.COMMUNE,
    "thị trấn": Level.COMMUNE,
}
_PREFIXES = {"cấp", "các"}
_SLIP_FROM = 5  # letters: in a shorter word one slip makes another word ("TC-KM", "xa")
_LEVEL_LABEL = {
    Level.CENTRAL: "trung ương",
    Level.PROVINCE: "tỉnh",
    Level.DISTRICT: "huyện",
    Level.COMMUNE: "xã",
}


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A printed name that is no body, or more than one."""

    printed: str
    nearest: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    raw: str
    key: str
    start: int
    end: int


@dataclass(slots=True)
class _Mention:
    """One name in a cell. `said` are the bodies that a person said it means."""

    printed: str
    name: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    levels: list[Level] = field(default_factory=list)
    unit: str | None = None
    segment: int = 0
    said: tuple[str, ...] | None = None


def _tokens(text: str) -> list[_Token]:
    return [_Token(m[0], fold(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]


def _key(text: str) -> tuple[str, ...]:
    return tuple(token.key for token in _tokens(nfc(text)))


class Register:
    """The bodies a plan knows, and every way their names are printed.

    `names` says what printed words mean, where a person had to: another name, a
    body's id, or "" for words that name nobody.
    """

    def __init__(
        self, bodies: Iterable[Body], units: Sequence[Unit], level: Level,
        names: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.bodies = {body.id: body for body in bodies}
        self.units = {unit.id: unit for unit in units}
        self.level = level
        self._alias: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._family: dict[tuple[str, ...], dict[Level, list[str]]] = defaultdict(dict)
        self._unit = {_key(unit.name): unit.id for unit in units}
        self._spellings: dict[str, str] = {}  # as printed → folded
        self._full: dict[str, set[str]] = defaultdict(set)
        for body in self.bodies.values():
            self._learn(body)
        self._meant = {_key(printed): said for printed, said in (names or {}).items()}
        self._longest_meant = max(map(len, self._meant), default=0)
        lengths = [len(key) for key in (*self._alias, *self._family, *self._unit)]
        self._longest = max(lengths, default=1)

    def _learn(self, body: Body) -> None:
        for name in (body.name, body.short, *body.aliases):
            self._alias[_key(name)].add(body.id)
            self._spellings[name] = fold(name)
            for form in full_forms(name):
                self._full[form].add(body.id)
        for name in body.names:
            self._family[_key(name)].setdefault(body.level, []).append(body.id)
            label = _LEVEL_LABEL[body.level]
            for spelling in (f"{name} {label}", f"{name} cấp {label}"):
                self._spellings[spelling] = fold(spelling)
                self._learn_full(spelling, body)
            self._learn_full(f"{name} các {label}", body)

    def _learn_full(self, name: str, body: Body) -> None:
        """A name with its abbreviations in full; a body outside the programme is not meant."""
        if body.unit is None or self.units[body.unit].in_programme:
            for form in full_forms(name):
                self._full[form].add(body.id)

    # -- the cell ---------------------------------------------------------

    def resolve(
        self, cell: str, level: Level | None = None
    ) -> tuple[tuple[Named, ...], tuple[Unresolved, ...]]:
        """Read one cell. Names come in the order printed, each with its bodies.

        A commune-level name stands for that body in every commune of the
        programme, unless the commune is named ("BCĐ xã Tân Lập"). `level` is the
        column's, for names without one.
        """
        named, lost = self._as_printed(cell, level)
        if not lost:
            return named, lost
        found = [self._one(name, level) for name in split(cell).bodies]
        unknown = [one for _, ones in found for one in ones]
        if len(unknown) < len(lost):
            return tuple(one for ones, _ in found for one in ones), tuple(unknown)
        return named, lost

    def _as_printed(
        self, cell: str, level: Level | None, meant: bool = True
    ) -> tuple[tuple[Named, ...], tuple[Unresolved, ...]]:
        text = nfc(cell)
        mentions = self._read(text, _tokens(text), meant)
        self._share_levels(mentions)
        named: list[Named] = []
        lost: list[Unresolved] = []
        for mention in mentions:
            found = self._bodies_of(mention, level)
            if isinstance(found, Unresolved):
                lost.append(found)
            else:
                named.append(Named(mention.printed, found))
        return tuple(named), tuple(lost)

    def _one(
        self, name: str, level: Level | None, meant: bool = True
    ) -> tuple[tuple[Named, ...], tuple[Unresolved, ...]]:
        """Look up one name that `split` wrote out."""
        named, lost = self._as_printed(name, level, meant)
        if not lost:
            return named, lost
        if any(one.ambiguous for one in lost):
            return (), (Unresolved(name, ambiguous=lost[0].ambiguous),)
        ids: set[str] = set()
        if _levels_spelled(name):
            ids = {one for form in full_forms(name) for one in self._full.get(form, ())}
        ids = ids or self._slipped(name)
        if ids and (len(ids) == 1 or self._one_kind(ids)):
            return (Named(name, tuple(sorted(ids))),), ()
        if ids:
            return (), (Unresolved(name, ambiguous=tuple(sorted(ids))),)
        return (), (Unresolved(name, self.nearest(name)),)

    def _one_kind(self, ids: set[str]) -> bool:
        """The same body of every commune of the programme: a fan-out, no ambiguity."""
        kinds = {body.removesuffix(self.bodies[body].unit or "") for body in ids}
        communes = all(self.bodies[body].unit is not None for body in ids)
        return communes and len(kinds) == 1

    def _slipped(self, name: str) -> set[str]:
        """The body one slip away, in one word of five letters or more; none where two are."""
        printed = fold(name).split()
        near: set[str] = set()
        for key, ids in self._alias.items():
            if any(self.bodies[body].unit for body in ids):
                continue  # communes' names differ by a letter as it is
            words = " ".join(key).split()
            if len(words) != len(printed):
                continue
            wrong = [(a, b) for a, b in zip(printed, words, strict=True) if a != b]
            if len(wrong) == 1 and min(map(len, wrong[0])) >= _SLIP_FROM:
                a, b = wrong[0]
                near |= ids if Levenshtein.distance(a, b, score_cutoff=1) == 1 else set()
        return near if len(near) == 1 else set()

    def _read(self, text: str, tokens: list[_Token], meant: bool = True) -> list[_Mention]:
        plain = text.isascii()  # a cell typed without any marks is read without them
        mentions: list[_Mention] = []
        at = segment = 0
        while at < len(tokens):
            if meant and (size := self._meant_at(tokens, at)):
                printed = text[tokens[at].start : tokens[at + size - 1].end]
                said = self._meant[tuple(token.key for token in tokens[at : at + size])]
                mentions += self._as_meant(printed, said, segment)
                at += size
                continue
            if _is_separator(tokens[at]):
                segment += tokens[at].raw in _BREAKS
                at += 1
                continue
            mention, end = self._mention(tokens, at, plain)
            mention.printed = text[tokens[at].start : tokens[end - 1].end]
            mention.segment = segment
            mentions.append(mention)
            at = end
        return mentions

    def _meant_at(self, tokens: list[_Token], at: int) -> int:
        """How many tokens from here a person has said the meaning of, 0 where none."""
        for size in range(min(self._longest_meant, len(tokens) - at), 0, -1):
            key = tuple(token.key for token in tokens[at : at + size])
            if key in self._meant and _ends_here(tokens, at + size):
                return size
        return 0

    def _as_meant(self, printed: str, said: str, segment: int) -> list[_Mention]:
        """What a printed name means, read as if it were printed; it keeps its own print."""
        if not said or said in self.bodies:
            return [_Mention(printed, said=(said,) if said else (), segment=segment)]
        mentions = self._read(said, _tokens(nfc(said)), meant=False)
        if not all(one.name or one.fixed for one in mentions):
            found = [self._one(name, None, meant=False) for name in split(said).bodies]
            if not found or any(lost for _, lost in found):
                return [_Mention(printed, segment=segment)]
            ids = tuple(body for named, _ in found for name in named for body in name.bodies)
            return [_Mention(printed, said=ids, segment=segment)]
        for one in mentions:
            one.printed, one.segment = printed, segment
        return mentions

    def _mention(self, tokens: list[_Token], at: int, plain: bool) -> tuple[_Mention, int]:
        size, fixed, name = self._longest_name(tokens, at)
        if not size:
            return _Mention(""), self._end_of_unknown(tokens, at)
        mention = _Mention("", name=name, fixed=fixed)
        end = at + size
        while levels := _level_phrase(tokens, end, plain):
            level, after = levels
            if fixed and any(self.bodies[body].level is not level for body in fixed):
                break
            mention.levels.append(level)
            end = after
            if unit := self._unit_at(tokens, end, level):
                mention.unit, end = unit
                break
        if not _ends_here(tokens, end):  # "BCĐ xyz": a name of its own, not ours and a rest
            return _Mention(""), self._end_of_unknown(tokens, at)
        return mention, end

    def _longest_name(
        self, tokens: list[_Token], at: int
    ) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
        for size in range(min(self._longest, len(tokens) - at), 0, -1):
            key = tuple(token.key for token in tokens[at : at + size])
            if key in self._alias:
                return size, tuple(sorted(self._alias[key])), ()
            if key in self._family:
                return size, (), key
        return 0, (), ()

    def _unit_at(self, tokens: list[_Token], at: int, level: Level) -> tuple[str, int] | None:
        for size in range(min(4, len(tokens) - at), 0, -1):
            key = tuple(token.key for token in tokens[at : at + size])
            unit = self._unit.get(key)
            if unit and self.units[unit].level is level:
                return unit, at + size
        return None

    def _end_of_unknown(self, tokens: list[_Token], at: int) -> int:
        end = at + 1
        while end < len(tokens) and not _is_separator(tokens[end]):
            end += 1
        return end

    @staticmethod
    def _share_levels(mentions: list[_Mention]) -> None:
        """Give "BCĐ" in "BCĐ, BQL cấp xã" the level written once, on the right."""
        following: _Mention | None = None
        for mention in reversed(mentions):
            if not mention.name:
                following = mention if mention.fixed else None
                continue
            if following and following.segment != mention.segment:
                following = None
            if not mention.levels and following and following.name:
                mention.levels = list(following.levels)
                mention.unit = following.unit
            following = mention

    def _bodies_of(self, mention: _Mention, level: Level | None) -> tuple[str, ...] | Unresolved:
        if mention.said is not None:
            return mention.said
        if mention.fixed:
            if len(mention.fixed) > 1:
                return Unresolved(mention.printed, ambiguous=mention.fixed)
            return mention.fixed
        if not mention.name:
            return Unresolved(mention.printed, self.nearest(mention.printed))
        family = self._family[mention.name]
        levels = mention.levels or [self._default_level(family, level)]
        found: list[str] = []
        for one in levels:
            bodies = self._in_programme(family.get(one, []), mention.unit)
            if not bodies:
                return Unresolved(mention.printed, self.nearest(mention.printed))
            if len(bodies) > 1 and self.bodies[bodies[0]].unit is None:
                return Unresolved(mention.printed, ambiguous=tuple(bodies))
            found.extend(bodies)
        return tuple(found)

    def _default_level(self, family: dict[Level, list[str]], level: Level | None) -> Level:
        if level in family:
            return level
        return self.level if self.level in family else next(iter(family))

    def _in_programme(self, bodies: list[str], unit: str | None) -> list[str]:
        if unit:
            return [body for body in bodies if self.bodies[body].unit == unit]
        return [
            body
            for body in bodies
            if (home := self.bodies[body].unit) is None or self.units[home].in_programme
        ]

    # -- other questions to the register ----------------------------------

    def read_units(self, cell: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Read "Xã Vũ Lễ, Tân Lập" → ((printed, unit id), …) and what is no unit."""
        text = nfc(cell)
        known: list[tuple[str, str]] = []
        lost: list[str] = []
        for part in re.split(r"[,;\n]|\bvà\b", text):
            name = re.sub(r"^\s*(các\s+)?(xã|phường|thị trấn)\s+", "", part, flags=re.I).strip(" .")
            if not name:
                continue
            meant = self._meant.get(_key(part.strip()))
            if meant == "":
                continue
            unit = meant if meant in self.units else self._unit.get(_key(meant or name))
            if unit:
                known.append((part.strip(), unit))
            else:
                lost.append(part.strip())
        return tuple(known), tuple(lost)

    def nearest(self, printed: str, count: int = 3) -> tuple[str, ...]:
        """Return the known spellings most like `printed`, best first; none if all are far."""
        found = process.extract(fold(printed), self._spellings, limit=count, score_cutoff=72)
        return tuple(match[2] for match in found)

    def nearest_unit(self, printed: str) -> tuple[str, ...]:
        """Return the names of units most like `printed`."""
        choices = {unit.name: fold(unit.name) for unit in self.units.values()}
        found = process.extract(fold(printed), choices, limit=3, score_cutoff=60)
        return tuple(match[2] for match in found)


def _is_separator(token: _Token) -> bool:
    return token.raw in {",", ";", "\n", ".", "/"} or token.raw.casefold() == "và"


def _levels_spelled(name: str) -> bool:
    """False for "BQL cấp xa": a level written with other marks may be another word."""
    known = {word for phrase in LEVEL_WORDS for word in phrase.split()}
    folded = {fold(word) for word in known}
    text = nfc(name)
    return text.isascii() or all(
        token.raw.casefold() in known for token in _tokens(text) if token.key in folded
    )


def _ends_here(tokens: list[_Token], at: int) -> bool:
    return at >= len(tokens) or _is_separator(tokens[at])


def _level_phrase(tokens: list[_Token], at: int, plain: bool) -> tuple[Level, int] | None:
    """Read "cấp huyện", "các xã", "xã", also after a comma or "và" that continues a list.

    After a separator a level stands alone ("cấp huyện, xã"): something else
    behind it would be another name.
    """
    listed = at < len(tokens) and at > 0 and _is_separator(tokens[at])
    if listed:
        if tokens[at].raw in _BREAKS:
            return None
        at += 1
    if at < len(tokens) and _spelled(tokens[at], _PREFIXES, plain):
        at += 1
    for size in (2, 1):
        words = tokens[at : at + size]
        if len(words) < size:
            continue
        written = " ".join(token.key if plain else token.raw.casefold() for token in words)
        for word, level in LEVEL_WORDS.items():
            if written == (fold(word) if plain else word):
                end = at + size
                return None if listed and not _ends_here(tokens, end) else (level, end)
    return None


def _spelled(token: _Token, words: set[str], plain: bool) -> bool:
    if plain:
        return token.key in {fold(word) for word in words}
    return token.raw.casefold() in words
