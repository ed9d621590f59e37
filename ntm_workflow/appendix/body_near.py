"""Spellings of the register's bodies: abbreviated, run together, with a slip of the pen."""

from __future__ import annotations

from collections import defaultdict

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from ntm_workflow.appendix.body_levels import levels_spelled, name_key, without_level
from ntm_workflow.appendix.body_words import full_forms
from ntm_workflow.appendix.model import Level
from ntm_workflow.appendix.text import fold

_LONG_WORD = 5  # letters: in a shorter word another letter makes another word ("TC-KM", "xa")
_WORD = 4  # letters: a letter lost, doubled or swapped is still seen ("chín" for "chính")
_LIKE = 58  # of 100: a name below it is no candidate
_RUN = 8  # letters of a name that is known without its spaces: "Phòng Nộivụ"


class Spellings:
    """What each spelling may mean. Nothing here decides between two bodies."""

    def __init__(self) -> None:
        self._printed: dict[str, str] = {}  # as printed → folded, for the nearest names
        self._full: dict[str, set[str]] = defaultdict(set)
        self._whole: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._level: dict[str, Level] = {}

    def learn(self, name: str, body: str, level: Level, single: bool) -> None:
        """A name as printed. `single`: no commune's, whose names differ by a letter as it is."""
        self._printed[name] = fold(name)
        self._level[body] = level
        self.learn_full(name, body)
        if single:
            self._whole[name_key(name)].add(body)

    def learn_shown(self, name: str) -> None:
        """A name to be offered as a nearest one."""
        self._printed[name] = fold(name)

    def learn_full(self, name: str, body: str) -> None:
        for form in full_forms(name):
            self._full[form].add(body)

    def find(self, name: str) -> set[str]:
        """The bodies this name means, by the surest way that finds any."""
        ways = (self._by_abbreviation, self._without_level, self._run_together, self._slipped)
        return next((ids for way in ways if (ids := way(name))), set())

    def nearest(self, printed: str, count: int) -> tuple[str, ...]:
        found = process.extract(
            fold(printed), self._printed, scorer=_likeness, limit=count, score_cutoff=_LIKE
        )
        return tuple(match[2] for match in found)

    def _by_abbreviation(self, name: str) -> set[str]:
        if not levels_spelled(name):
            return set()
        return {body for form in full_forms(name) for body in self._full.get(form, ())}

    def _without_level(self, name: str) -> set[str]:
        """ "Phòng VHXH xã", of the register's one "Phòng Văn hóa - Xã hội" of a commune."""
        base = without_level(name)
        if base is None:
            return set()
        return {body for body in self._by_abbreviation(base[0]) if self._level[body] is base[1]}

    def _run_together(self, name: str) -> set[str]:
        letters = _letters(name_key(name))
        if len(letters) < _RUN:
            return set()
        same = (ids for words, ids in self._whole.items() if _letters(words) == letters)
        return {body for ids in same for body in ids}

    def _slipped(self, name: str) -> set[str]:
        """The body one slip away, in one word; none where two are."""
        printed = name_key(name)
        near: set[str] = set()
        for words, ids in self._whole.items():
            if len(words) == len(printed):
                wrong = [(a, b) for a, b in zip(printed, words, strict=True) if a != b]
                near |= ids if len(wrong) == 1 and _slip(*wrong[0]) else set()
        return near if len(near) == 1 else set()


def _likeness(a: str, b: str, **_: object) -> float:
    """Of 100. The whole counts as much as the parts: "UBND xã" is nearer to "UBND huyện"
    than a long name with "UBND" in it.
    """
    return (fuzz.ratio(a, b) + fuzz.WRatio(a, b)) / 2


def _letters(words: tuple[str, ...]) -> str:
    return "".join(word for word in words if word.isalnum())


def _slip(a: str, b: str) -> bool:
    """One slip of the pen or the scanner lies between two words."""
    moved = len(a) != len(b) or sorted(a) == sorted(b)
    long = min(len(a), len(b)) >= (_WORD if moved else _LONG_WORD)
    return long and OSA.distance(a, b, score_cutoff=1) == 1
