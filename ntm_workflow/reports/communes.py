"""How the communes stand beside each other, each with what it was given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ntm_workflow.appendix.model import Level, Plan
from ntm_workflow.appendix.text import sort_key
from ntm_workflow.reports import pictures
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.pictures import Share
from ntm_workflow.work.body_names import Called
from ntm_workflow.work.successions import End

FEW = 5  # with fewer decided tasks than this a share says nothing about a commune


@dataclass(frozen=True, slots=True)
class Commune:
    """All bodies of one commune together. `ended`: every one of them has ended by now."""

    unit: str
    name: str
    bodies: tuple[str, ...]
    counts: Counts
    quarters: Mapping[int, Counts]
    ended: date | None = None

    @property
    def share(self) -> Share:
        return pictures.share(self.counts)

    def share_in(self, quarter: int) -> Share:
        return pictures.share(self.quarters.get(quarter, Counts()))

    @property
    def few(self) -> bool:
        return self.share.decided < FEW


Members = Mapping[tuple[str, str], Sequence[str]]


def communes(
    gone: Mapping[str, End], members: Members, found: Mapping[str, Mapping[int, Counts]]
) -> list[Commune]:
    """How communes stand, in the order of `members`.

    `gone` are the bodies that have ended, `found` is what `tallies.by_quarter`
    counts. Tasks stay with the body that had them: a commune that was merged keeps
    its name and what it did, the new one begins with what was handed over.
    """
    made = []
    for (unit, name), bodies in members.items():
        quarters = _sum(found[body] for body in bodies if body in found)
        ends = [gone[body].on for body in bodies if body in gone]
        made.append(Commune(
            unit, name, tuple(bodies), sum(quarters.values(), Counts()), quarters,
            max(ends) if bodies and len(ends) == len(bodies) else None,
        ))  # fmt: skip
    return made


def by_share(found: Iterable[Commune]) -> list[Commune]:
    """The highest share on time first; last those with too few tasks to compare."""
    return sorted(found, key=lambda one: (
        one.few, -one.share.on_time / (one.share.decided or 1), -one.share.decided,
        sort_key(one.name),
    ))  # fmt: skip


def members(plan: Plan, given: Mapping[str, Called]) -> dict[tuple[str, str], list[str]]:
    """The bodies of each commune of a plan's programme, and of those founded since.

    A commune is named as (id, name); they are in the order of the alphabet.
    """
    names = {unit.id: unit.name for unit in plan.units
             if unit.in_programme and unit.level is Level.COMMUNE}  # fmt: skip
    found: dict[tuple[str, str], list[str]] = {(u, name): [] for u, name in names.items()}
    for body in plan.bodies:
        if body.unit in names:
            found[body.unit, names[body.unit]].append(body.id)
    known = {unit.id for unit in plan.units}
    for one in given.values():  # founded since: called what its first body is called
        if one.unit and one.unit not in known and one.level == Level.COMMUNE:
            key = next((key for key in found if key[0] == one.unit), (one.unit, one.short))
            found.setdefault(key, []).append(one.id)
    return dict(sorted(found.items(), key=lambda one: sort_key(one[0][1])))


def _sum(several: Iterable[Mapping[int, Counts]]) -> dict[int, Counts]:
    total: dict[int, Counts] = {}
    for one in several:
        for number, counted in one.items():
            total[number] = total.get(number, Counts()) + counted
    return dict(sorted(total.items()))
