"""Body cells: "BCĐ, BQL cấp xã" → the bodies it names, through the register.

A cell is read left to right as names, levels and separators. A name printed
without its level ("BCĐ") takes the level of the next name that has one in the
same part of the cell, or the column's level, or the plan's own. A cell that is
not wholly understood so is split into names written out in full (`body_cells.py`)
and each is looked up: as printed, then as `body_near.py` knows it: abbreviated,
run together, or with one slip of the pen where a single body is that near. What
a person said a printed name means goes before all of that. What matches nothing,
or two bodies, comes back unresolved with the nearest names: never guessed, never
dropped.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process

from ntm_workflow.appendix.body_cells import split
from ntm_workflow.appendix.body_levels import (
    BREAKS,
    Printed,
    Token,
    ends_here,
    home,
    level_phrase,
    name_key,
    read_tokens,
    without_level,
)
from ntm_workflow.appendix.body_near import Spellings
from ntm_workflow.appendix.model import Body, Level, Named, Unit
from ntm_workflow.appendix.text import fold, nfc

_LEVEL_LABEL = {
    Level.CENTRAL: "trung ương",
    Level.PROVINCE: "tỉnh",
    Level.DISTRICT: "huyện",
    Level.COMMUNE: "xã",
}
_UNIT_TYPE = re.compile(r"\s*(?:các\s+)?(xã|phường|thị trấn|đặc khu)\s+", re.I)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A printed name that is no body, or more than one."""

    printed: str
    nearest: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


@dataclass(slots=True)
class _Mention:
    """One name in a cell. `said` are the bodies that a person said it means."""

    printed: str
    name: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    levels: list[Printed] = field(default_factory=list)
    units: tuple[str, ...] | None = None  # the communes named; none of them known: ()
    segment: int = 0
    said: tuple[str, ...] | None = None


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
        self._unit: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._home: dict[Level, set[tuple[str, ...]]] = defaultdict(set)
        self._spellings = Spellings()
        for unit in units:
            self._unit[name_key(unit.name)].append(unit.id)
        for body in self.bodies.values():
            self._learn(body)
        self._learn_home()
        self._answers = {name_key(printed): said for printed, said in (names or {}).items()}
        self._longest_meant = max(map(len, self._answers), default=0)
        lengths = [len(known) for known in (*self._alias, *self._family, *self._unit)]
        self._longest = max(lengths, default=1)

    def _learn(self, body: Body) -> None:
        for name in (body.name, body.short, *body.aliases):
            self._alias[name_key(name)].add(body.id)
            self._spellings.learn(name, body.id, body.level, single=body.unit is None)
        if body.unit is None and (place := home(body.name)):
            self._home[place[0]].add(place[1])
        for name in body.names:
            self._family[name_key(name)].setdefault(body.level, []).append(body.id)
            label = _LEVEL_LABEL[body.level]
            for spelling in (f"{name} {label}", f"{name} cấp {label}"):
                self._spellings.learn_shown(spelling)
                self._learn_full(spelling, body)
            self._learn_full(f"{name} các {label}", body)

    def _learn_home(self) -> None:
        """ "Công an xã Bắc Sơn" in a plan of xã Bắc Sơn is its "Công an xã"."""
        for written, ids in list(self._alias.items()):
            own = without_level(" ".join(written))
            for place in self._home[own[1]] if own else ():
                single = {body for body in ids if self.bodies[body].unit is None}
                if single:
                    self._alias[written + place] |= single

    def _learn_full(self, name: str, body: Body) -> None:
        """A name with its abbreviations in full; a body outside the programme is not meant."""
        if body.unit is None or self.units[body.unit].in_programme:
            self._spellings.learn_full(name, body.id)

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
        twins = len(unknown) == len(lost) and any(one.ambiguous for one in unknown)
        if len(unknown) < len(lost) or twins:
            return tuple(one for ones, _ in found for one in ones), tuple(unknown)
        return named, lost

    def _as_printed(
        self, cell: str, level: Level | None, meant: bool = True
    ) -> tuple[tuple[Named, ...], tuple[Unresolved, ...]]:
        text = nfc(cell)
        mentions = self._read(text, read_tokens(text), meant)
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
        ids = self._spellings.find(name)
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

    def _read(self, text: str, tokens: list[Token], meant: bool = True) -> list[_Mention]:
        plain = text.isascii()  # a cell typed without any marks is read without them
        mentions: list[_Mention] = []
        at = segment = 0
        while at < len(tokens):
            if meant and (size := self._meant_at(tokens, at)):
                printed = text[tokens[at].start : tokens[at + size - 1].end]
                said = self._answers[tuple(token.key for token in tokens[at : at + size])]
                mentions += self._as_meant(printed, said, segment)
                at += size
                continue
            if tokens[at].separates:
                segment += tokens[at].raw in BREAKS
                at += 1
                continue
            mention, end = self._mention(tokens, at, plain)
            mention.printed = text[tokens[at].start : tokens[end - 1].end]
            mention.segment = segment
            mentions.append(mention)
            at = end
        return mentions

    def _meant_at(self, tokens: list[Token], at: int) -> int:
        """How many tokens from here a person has said the meaning of, 0 where none."""
        for size in range(min(self._longest_meant, len(tokens) - at), 0, -1):
            key = tuple(token.key for token in tokens[at : at + size])
            if key in self._answers and ends_here(tokens, at + size):
                return size
        return 0

    def _as_meant(self, printed: str, said: str, segment: int) -> list[_Mention]:
        """What a printed name means, read as if it were printed; it keeps its own print."""
        if not said or said in self.bodies:
            return [_Mention(printed, said=(said,) if said else (), segment=segment)]
        mentions = self._read(said, read_tokens(nfc(said)), meant=False)
        if not all(one.name or one.fixed for one in mentions):
            found = [self._one(name, None, meant=False) for name in split(said).bodies]
            if not found or any(lost for _, lost in found):
                return [_Mention(printed, segment=segment)]
            ids = tuple(body for named, _ in found for name in named for body in name.bodies)
            return [_Mention(printed, said=ids, segment=segment)]
        for one in mentions:
            one.printed, one.segment = printed, segment
        return mentions

    def _mention(self, tokens: list[Token], at: int, plain: bool) -> tuple[_Mention, int]:
        size, fixed, name = self._longest_name(tokens, at)
        if not size:
            return _Mention(""), self._end_of_unknown(tokens, at)
        mention = _Mention("", name=name, fixed=fixed)
        end = at + size
        while read := level_phrase(tokens, end, plain):
            printed, after = read
            if fixed and any(self.bodies[body].level is not printed.level for body in fixed):
                break
            mention.levels.append(printed)
            end = after
            if place := self._place_at(tokens, end, printed):
                mention.units, end = place
                break
        if not ends_here(tokens, end):  # "BCĐ xyz": a name of its own, not ours and a rest
            return _Mention(""), self._end_of_unknown(tokens, at)
        return mention, end

    def _longest_name(
        self, tokens: list[Token], at: int
    ) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
        for size in range(min(self._longest, len(tokens) - at), 0, -1):
            written = tuple(token.key for token in tokens[at : at + size])
            if written in self._alias:
                return size, tuple(sorted(self._alias[written])), ()
            if written in self._family:
                return size, (), written
        return 0, (), ()

    def _place_at(
        self, tokens: list[Token], at: int, printed: Printed
    ) -> tuple[tuple[str, ...] | None, int] | None:
        """The communes of the name that stands here, and its end; (None, end) for the plan's own.

        "phường Đông Kinh" is no "xã Đông Kinh", even if that is the only one known.
        """
        for size in range(min(4, len(tokens) - at), 0, -1):
            written = tuple(token.key for token in tokens[at : at + size])
            known = [u for u in self._unit.get(written, ()) if self._is_at(u, printed)]
            if known:
                right = [u for u in known if not printed.one or self._is_type(u, printed.word)]
                return tuple(right), at + size
            if printed.one and written in self._home[printed.level]:
                return None, at + size
        return None

    def _is_at(self, unit: str, printed: Printed) -> bool:
        return self.units[unit].level is printed.level

    def _is_type(self, unit: str, word: str) -> bool:
        return fold(self.units[unit].type) == fold(word)

    def _end_of_unknown(self, tokens: list[Token], at: int) -> int:
        end = at + 1
        while end < len(tokens) and not tokens[end].separates:
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
                mention.units = following.units
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
        meant = [self._meant(one, family) for one in mention.levels]
        found: list[str] = []
        for one in dict.fromkeys(meant or [self._default_level(family, level)]):
            bodies = self._in_programme(family.get(one, []), mention.units)
            if not bodies:
                return Unresolved(mention.printed, self.nearest(mention.printed))
            if len(bodies) > 1 and (mention.units or self.bodies[bodies[0]].unit is None):
                return Unresolved(mention.printed, ambiguous=tuple(bodies))
            found.extend(bodies)
        return tuple(found)

    def _meant(self, printed: Printed, family: dict[Level, list[str]]) -> Level:
        """ "thành phố" was a province's rank or a district's: the plan's own, or the one known."""
        if not printed.city or Level.DISTRICT not in family:
            return printed.level
        own = self.level is Level.DISTRICT or Level.PROVINCE not in family
        return Level.DISTRICT if own else Level.PROVINCE

    def _default_level(self, family: dict[Level, list[str]], level: Level | None) -> Level:
        if level in family:
            return level
        return self.level if self.level in family else next(iter(family))

    def _in_programme(self, bodies: list[str], units: tuple[str, ...] | None) -> list[str]:
        if units is not None:
            return [body for body in bodies if self.bodies[body].unit in units]
        return [
            body
            for body in bodies
            if (place := self.bodies[body].unit) is None or self.units[place].in_programme
        ]

    # -- other questions to the register ----------------------------------

    def read_units(self, cell: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Read "Xã Vũ Lễ, Tân Lập" → ((printed, unit id), …) and what is no unit, or two."""
        known: list[tuple[str, str]] = []
        lost: list[str] = []
        for part in re.split(r"[,;\n]|\bvà\b", nfc(cell)):
            typed = _UNIT_TYPE.match(part)
            name = (part[typed.end() :] if typed else part).strip(" .")
            if not name:
                continue
            meant = self._answers.get(name_key(part.strip()))
            if meant == "":
                continue
            units = [meant] if meant in self.units else self._unit.get(name_key(meant or name), [])
            if len(units) > 1 and typed:
                units = [unit for unit in units if self._is_type(unit, typed[1])]
            if len(units) == 1:
                known.append((part.strip(), units[0]))
            else:
                lost.append(part.strip())
        return tuple(known), tuple(lost)

    def nearest(self, printed: str, count: int = 3) -> tuple[str, ...]:
        """Return the known spellings most like `printed`, best first; none if all are far."""
        return self._spellings.nearest(printed, count)

    def nearest_unit(self, printed: str) -> tuple[str, ...]:
        """Return the names of units most like `printed`."""
        choices = {unit.name: fold(unit.name) for unit in self.units.values()}
        found = process.extract(fold(printed), choices, limit=3, score_cutoff=60)
        return tuple(match[2] for match in found)
