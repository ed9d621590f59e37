"""Counts that are kept until something happens: whatever changes a task writes to the audit.

At a million tasks counting takes a second or two; looking again takes none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from ntm_workflow.reports import agenda, bodies, communes, freshness, tallies
from ntm_workflow.reports.agenda import Due, Span
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.freshness import Freshness
from ntm_workflow.reports.trail import Head
from ntm_workflow.web import visitor
from ntm_workflow.web.desk import Desk

T = TypeVar("T")
MOST = 64  # answers: a few for each plan and day that somebody looks at


class Tallied:
    """Answers of the database, each with the audit's head it was given at."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[Any, ...], tuple[Head, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, desk: Desk, name: str, work: Callable[[], T]) -> T:
        """What `work` gives for the plan, the calendar and the day of a page; no statement
        where it is known. Read after the head, so it is never older than that says."""
        key = (name, desk.plan.id, desk.plan.digest, desk.rt.days.mark, desk.today)
        with self._lock:
            known = self._found.get(key)
        if known and known[0] == desk.head:
            answer: T = known[1]
            return answer
        made = work()
        with self._lock:
            self._found[key] = (desk.head, made)
            self._found.move_to_end(key)
            if len(self._found) > MOST:
                self._found.popitem(last=False)
        return made


def kept(desk: Desk, name: str, work: Callable[[], T]) -> T:
    """What `work` gives, kept by the application that answers."""
    found: Tallied = desk.request.app.state.tallied
    return found.get(desk, name, work)


def by_quarter(desk: Desk) -> dict[str, dict[int, Counts]]:
    """The four counts of each body of the plan by the quarter its tasks are due in."""
    return kept(desk, "quarters", lambda: tallies.by_quarter(
        desk.session, desk.plan.id, desk.plan.year, desk.today
    ))  # fmt: skip


def unreached(desk: Desk) -> int:
    """How many bodies of the plan have work and nobody to be written to."""
    return kept(desk, "unreached", lambda: desk.session.scalars(
        bodies.unreached(desk.session, desk.plan)
    ).one())  # fmt: skip


def commune_bodies(desk: Desk) -> dict[tuple[str, str], list[str]]:
    """The bodies of each commune of the plan, by the alphabet."""
    return kept(desk, "communes", lambda: communes.members(desk.plan, desk.given))


def spans(desk: Desk) -> list[Span]:
    """Every span of the plan, in the order they are due; an office's own, never kept."""
    asked = desk.session, desk.plan, desk.occurrences, desk.today
    own = visitor.own(desk.request)
    if own is not None:
        return agenda.spans(*asked, own)
    return kept(desk, "spans", lambda: agenda.spans(*asked))


def dues(desk: Desk) -> list[Due]:
    """What is due of the plan on each day, in that order; of an office its own, never kept."""
    asked = desk.session, desk.plan, desk.occurrences, desk.today
    own = visitor.own(desk.request)
    if own is not None:
        return agenda.dues(*asked, own)
    return kept(desk, "dues", lambda: agenda.dues(*asked))


def fresh(desk: Desk) -> dict[str, Freshness]:
    """How fresh each continuous row of the plan is."""
    return kept(desk, "fresh", lambda: freshness.by_row(desk.session, desk.plan, desk.today))
