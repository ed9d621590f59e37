"""Which row of an amended paper is which row of the running one.

An amended paper that inserts a row shifts the numbers behind it, so the words
decide before the number does. What neither decides is a doubt for a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz import fuzz

from ntm_workflow.appendix.model import Plan, Row, Section
from ntm_workflow.appendix.text import fold
from ntm_workflow.errors import Refused

NOBODY = "-"  # in an answer: the other side has no such row

# Likeness of two contents, 0-100. In the plan of 2020 two different rows are up to 78 alike.
SAME_NUMBER = 80  # with the same number it is the same row, reworded
OTHER_NUMBER = 90  # with another number too, if nothing else comes near
NEAR = 10  # how far the next best must stay behind
DOUBT = 60  # from here on a person is asked


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two rows that may be the same: `old` and `new` are their numbers, `likeness` 0-100."""

    old: str
    new: str
    old_content: str
    new_content: str
    likeness: int


class Pair(NamedTuple):
    old: Row
    new: Row


def rows(
    old: Plan, new: Plan, answers: Iterable[tuple[str, str]] = ()
) -> tuple[list[Pair], list[Doubt]]:
    """Pair the rows of two papers, and say which pairs are in doubt.

    `answers` are (old, new) numbers or ids that a person gave; "-" on one side
    says that the row has no partner.

    Raises:
        Refused: an answer names a row that is not there, or one row twice.
    """
    matching = _Matching(old.rows, new.rows, same_file=old.id == new.id)
    matching.answer(answers)
    matching.same_words()
    matching.alike()
    return sorted(matching.pairs, key=lambda p: new.rows.index(p.new)), matching.doubts()


def criteria(old: Plan, new: Plan) -> list[Pair]:
    """Criteria lines are the same where their criterion is: numbers of a set do not shift."""
    known = {row.id: row for row in new.criteria}
    return [Pair(row, known[row.id]) for row in old.criteria if row.id in known]


def sections(old: Plan, new: Plan, pairs: Iterable[Pair]) -> dict[str, str]:
    """Old section of each new one, by title, else by the rows in it, else by number."""
    found: dict[str, str] = {}
    free = {section.id: section for section in old.sections}

    def take(section: Section, old_id: str | None) -> None:
        if section.id not in found and old_id in free:
            found[section.id] = old_id
            del free[old_id]

    titles = {fold(section.title): section.id for section in reversed(old.sections)}
    for section in new.sections:
        take(section, titles.get(fold(section.title)))
    votes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for pair in pairs:
        votes[pair.new.section][pair.old.section] += 1
    for section in new.sections:
        here = votes.get(section.id, {})
        best = max((one for one in here if one in free), key=lambda one: here[one], default=None)
        if best is not None and 2 * here[best] > sum(here.values()):
            take(section, best)
    for section in new.sections:
        twins = (one for one in free.values() if one.number == section.number)
        take(section, next((t.id for t in twins if _likeness(t.title, section.title) >= DOUBT),
                           None))  # fmt: skip
    return found


def _likeness(one: str, other: str) -> float:
    return fuzz.ratio(fold(one), fold(other))


class _Matching:
    def __init__(self, old: Iterable[Row], new: Iterable[Row], same_file: bool) -> None:
        self.old = {row.id: row for row in old}
        self.new = {row.id: row for row in new}
        self.same_file = same_file
        self.pairs: list[Pair] = []
        self._all_old, self._all_new = dict(self.old), dict(self.new)
        self._scores: dict[tuple[str, str], float] = {}

    # -- steps ----------------------------------------------------------------

    def answer(self, answers: Iterable[tuple[str, str]]) -> None:
        for said_old, said_new in answers:
            old = self._named(said_old, self.old, self._all_old)
            new = self._named(said_new, self.new, self._all_new)
            if old and new:
                self._pair(old, new)
            elif old:
                del self.old[old.id]
            elif new:
                del self.new[new.id]

    def same_words(self) -> None:
        """The same content: one of each, else with the same number, else with the same cells."""
        groups: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
        for row in self.old.values():
            groups[fold(row.content)][0].append(row)
        for row in self.new.values():
            groups[fold(row.content)][1].append(row)
        for olds, news in groups.values():
            for one in olds:
                self._only(one, [n for n in news if n.id in self.new and self._near(one, n)])
            for one in olds:
                self._only(one, [n for n in news if n.id in self.new and _cells(one) == _cells(n)])
            left = [one for one in olds if one.id in self.old]
            here = [n for n in news if n.id in self.new]
            if len(left) == len(here) == 1:
                self._pair(left[0], here[0])

    def alike(self) -> None:
        """Reworded rows: the same number first, then others where nothing else comes near."""
        for old in list(self.old.values()):
            for new in [n for n in self.new.values() if self._near(old, n)]:
                if self._score(old, new) >= SAME_NUMBER and self._best(old, new, 0):
                    self._pair(old, new)
                    break
        for old in list(self.old.values()):
            for new in list(self.new.values()):
                if (
                    self._score(old, new) >= OTHER_NUMBER
                    and _digits(old) == _digits(new)
                    and self._best(old, new, NEAR)
                ):
                    self._pair(old, new)
                    break

    def doubts(self) -> list[Doubt]:
        return [
            Doubt(old.number, new.number, old.content, new.content, round(score))
            for old in self.old.values()
            for new in self.new.values()
            if (score := self._score(old, new)) >= DOUBT or self._near(old, new)
        ]

    # -- parts ----------------------------------------------------------------

    def _named(self, said: str, free: Mapping[str, Row], every: Mapping[str, Row]) -> Row | None:
        if said == NOBODY:
            return None
        by_number = {row.number: row for row in every.values()}
        row = by_number.get(said) or every.get(said)
        if row is None:
            known = ", ".join(by_number)
            raise Refused("amend.match_unknown", row=said, rows=known)
        if row.id not in free:
            raise Refused("amend.match_twice", row=said)
        return row

    def _near(self, old: Row, new: Row) -> bool:
        """The same number; in the same plan's file the same id will do."""
        return old.number == new.number or (self.same_file and old.id == new.id)

    def _score(self, old: Row, new: Row) -> float:
        key = (old.id, new.id)
        if key not in self._scores:
            self._scores[key] = _likeness(old.content, new.content)
        return self._scores[key]

    def _best(self, old: Row, new: Row, margin: int) -> bool:
        score = self._score(old, new) - margin
        others = [self._score(old, n) for n in self.new.values() if n is not new]
        others += [self._score(o, new) for o in self.old.values() if o is not old]
        return all(other <= score for other in others)

    def _only(self, old: Row, candidates: list[Row]) -> None:
        if len(candidates) == 1 and old.id in self.old:
            self._pair(old, candidates[0])

    def _pair(self, old: Row, new: Row) -> None:
        self.pairs.append(Pair(self.old.pop(old.id), self.new.pop(new.id)))


def _cells(row: Row) -> tuple[str, str]:
    return fold(row.implementing_text), fold(row.timing_text)


def _digits(row: Row) -> list[str]:
    """The numbers in a content: "vốn năm 2020" is not "vốn năm 2021"."""
    return "".join(c if c.isdigit() else " " for c in row.content).split()
