"""Words that a body cell writes once for several names: heads to the right, levels to the left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ntm_workflow.appendix.text import fold

# Heads that are one another's shortened form.
_SAME = {
    "uy ban nhan dan": "ubnd",
    "hoi dong nhan dan": "hdnd",
    "ban chi dao": "bcd",
    "ban quan ly": "bql",
    "ban ql": "bql",
    "p.": "phong",
    "van phong": "vp",
    "vp.": "vp",
    "tt hdnd": "thuong truc hdnd",
    "ttr hdnd": "thuong truc hdnd",
}
# Committees that cannot stand without a level; with a level of the right they are whole.
_BARE = {"ubnd", "hdnd", "bcd", "bql", "dang uy", "chinh quyen", "ban thuong vu", "btv", "cap uy"}
_BARE |= {"thuong truc hdnd", "thuong truc hoi dong nhan dan"}
_LOOSE = " ,.;:/-–—‑+*•&…|_()[]{}"  # signs that are no part of a name at its ends
_HOME = {"p", "d", "pd", "x"}  # the tiers of one Front
_PARTY_HEADS = {"party", "bureau"}


@dataclass(frozen=True, slots=True)
class Level:
    """ "cấp xã", "các huyện, thành phố", "xã Tân Lập", "Huyện ủy": where a name belongs.

    `word` is the level word alone ("xã"), `place` the proper name behind it,
    `tier` which of c, p, d, x, v it may be; "o" is a party committee that owns.
    `start` is its place among the tokens.
    """

    text: str
    word: str
    tier: str
    plural: bool = False
    place: bool = False
    start: int = 0


@dataclass(slots=True)
class Item:
    """One name of a cell, in pieces, before what is shared has been shared."""

    start: int
    sort: str = "open"
    family: str = ""
    title: str = ""
    head: str = ""
    core: str = ""
    levels: list[Level] = field(default_factory=list)
    tail: str = ""
    named: bool = False  # its head stands before it, not taken from another
    known: bool = False  # the lexicon knows all of its own words
    listing: bool = False  # its places are being listed: "các thôn Nà Lùng, Bản Thí"
    glued: bool = False  # "P.KT": no space behind the head
    collective: bool = False
    segment: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    lends: list[Level] = field(default_factory=list)  # a class's level: "các đoàn thể huyện"

    @property
    def same(self) -> str:
        """The head as it is compared with another's."""
        key = fold(self.head)
        return _SAME.get(key, key)

    def names(self) -> list[str]:
        """The names it stands for, one for each level."""
        own = f"{self.head}{'' if self.glued else ' '}{self.core}"
        return [
            tidy(" ".join((self.title, own, level, self.tail)))
            for level in ([one.text for one in self.levels] or [""])
        ]

    def classes(self) -> list[str]:
        """Those of its names that are a class of bodies."""
        if self.collective:
            return self.names()
        plural = [one for one in self.levels if one.plural and not one.place]
        return replace(self, levels=plural).names() if plural else []


def tidy(text: str) -> str:
    """One printed name as a clerk would list it: single spaces, no loose signs around it."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([,.;)])", r"\1", text)
    text = re.sub(r"(?<=\S) &(?=\S)|(?<=\S)& (?=\S)", "&", text)  # "TB &XH", not "TB & XH"
    text = _unbracketed(text.strip(_LOOSE))
    whole = text.count('"') % 2 == 0 and text.count("“") == text.count("”")
    return text if whole else text.strip(_LOOSE + '"“”')


def _unbracketed(text: str) -> str:
    """The bracket that closes a name's own bracket is no loose sign."""
    return text + ")" if text.count("(") == text.count(")") + 1 else text


def share(items: Sequence[Item]) -> None:
    """Give each name the level, and committees the purpose, written once on its right.

    The Front's level goes on to the right as well: "UBMTTQ xã, Hội Nông dân".
    """
    _share_left(items)
    _share_right(items)


def _share_right(items: Sequence[Item]) -> None:
    """Mass organisations, and forces, behind one with a level are of that level too."""
    before: Item | None = None
    for item in items:
        kin = item.sort in {"society", "force"} and not item.collective and not item.title
        same = before is not None and (before.sort, before.segment) == (item.sort, item.segment)
        if before and kin and same and not item.levels and (item.known or not item.core):
            item.levels = list(before.levels)
        alone = kin and len(item.levels) == 1 and item.levels[0].tier in _HOME
        before = item if alone and not item.levels[0].plural else None


def _share_left(items: Sequence[Item]) -> None:
    following: Item | None = None
    for item in reversed(items):
        if following is not None and following.segment == item.segment:
            _share_purpose(item, following)
            _share_office(item, following)
            if not item.levels and not item.tail and not item.collective:
                lent = following.levels or following.lends
                item.levels = [one for one in lent if _takes(item, following, one)]
        following = item


def _share_purpose(item: Item, following: Item) -> None:
    """ "BCĐ, BQL xây dựng NTM các xã": both are for the programme."""
    if item.core or item.levels or item.sort != "board" or item.collective:
        return
    kin = following.sort == "coord" or following.same in {"bcd", "bql"}
    if kin and following.same != item.same:
        item.core = following.core


def _share_office(item: Item, following: Item) -> None:
    """ "Chủ tịch, Phó Chủ tịch UBND huyện": both are of the same body."""
    if item.title and following.title and not (item.head or item.core or item.levels):
        item.head, item.core, item.tail = following.head, following.core, following.tail
        item.levels = list(following.levels)
        several = fold(following.title).startswith(("cac ", "nhung "))
        item.collective = following.collective and not several


def _takes(item: Item, following: Item, level: Level) -> bool:
    same = item.same == following.same and bool(item.head)
    if level.tier == "v" or fold(item.core).endswith(" uy"):
        return False
    if level.tier == "o":
        return item.sort in _PARTY_HEADS and following.sort in _PARTY_HEADS and bool(item.head)
    if same:
        return not (item.sort in {"office", "open"} and following.named and item.named)
    if item.sort in {"committee", "board"}:
        bare = item.same in _BARE and (not item.core or following.sort in {"board", "coord"})
        return bare and following.sort != "open"
    if item.sort == "coord":
        singular = not level.plural and level.tier not in {"x", "v"}
        return singular and following.sort in {"committee", "board"}
    if item.sort == "society":
        return following.sort in {"society", "class"}
    return item.sort == "force" and following.sort in {"force", "society"}
