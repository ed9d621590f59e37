"""A forecast in sums: by day and by recipient."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ntm_workflow.chase.forecast import Forecast, Item, Mail


@dataclass(frozen=True, slots=True)
class Day:
    """What one day brings. `kinds` are the kinds of notices, each with how many."""

    day: date
    mails: tuple[Mail, ...]

    @property
    def items(self) -> int:
        return sum(mail.items for mail in self.mails)

    @property
    def kinds(self) -> dict[str, int]:
        return dict(Counter(mail.kind for mail in self.mails))


@dataclass(frozen=True, slots=True)
class Recipient:
    """What one recipient gets in all, and on how many days."""

    name: str
    contact_id: int
    mails: int
    items: int
    days: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change adds to one rung of one day, or takes away (`count` below 0)."""

    day: date
    kind: str
    rung: str
    count: int


def by_day(found: Forecast) -> list[Day]:
    """The days that bring something, in order; those with most tasks first within a day."""
    days: dict[date, list[Mail]] = defaultdict(list)
    for mail in found.mails:
        days[mail.day].append(mail)
    return [
        Day(day, tuple(sorted(mails, key=lambda mail: (-mail.items, mail.to))))
        for day, mails in sorted(days.items())
    ]


def by_recipient(found: Forecast) -> list[Recipient]:
    """Everybody who gets something, who gets most first."""
    each: dict[int, list[Mail]] = defaultdict(list)
    for mail in found.mails:
        each[mail.contact_id].append(mail)
    told = [
        Recipient(mails[0].to, contact, len(mails), sum(mail.items for mail in mails),
                  len({mail.day for mail in mails}))
        for contact, mails in each.items()
    ]  # fmt: skip
    return sorted(told, key=lambda one: (-one.items, one.name, one.contact_id))


def moved(more: Iterable[Item], less: Iterable[Item]) -> list[Moved]:
    """A difference by day and rung, what is added before what is taken away."""
    counts = Counter((one.day, one.kind, one.rung, 1) for one in more)
    counts += Counter((one.day, one.kind, one.rung, -1) for one in less)
    return [
        Moved(day, kind, rung, sign * count)
        for (day, kind, rung, sign), count in sorted(
            counts.items(), key=lambda each: (each[0][0], -each[0][3], each[0][1:3])
        )
    ]
