"""Counts that several pages share, kept until something happens."""

from __future__ import annotations

from ntm_workflow.reports import agenda, bodies, body_history, communes, freshness, tallies
from ntm_workflow.reports.agenda import Due, Span
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.freshness import Freshness
from ntm_workflow.web import visitor
from ntm_workflow.web.desk import Desk


def by_quarter(desk: Desk) -> dict[str, dict[int, Counts]]:
    """The four counts of each body of the plan by the quarter its tasks are due in."""
    return desk.kept("quarters", lambda: tallies.by_quarter(
        desk.session, desk.plan.id, desk.plan.year, desk.today
    ))  # fmt: skip


def unreached(desk: Desk) -> int:
    """How many bodies of the plan have work and nobody to be written to."""
    return desk.kept("unreached", lambda: desk.session.scalars(
        bodies.unreached(desk.session, desk.plan)
    ).one())  # fmt: skip


def handed(desk: Desk) -> int:
    """How many proposals of handing over wait; asked only where some body has ended."""
    if not desk.ends:
        return 0
    return desk.kept("handed", lambda: desk.session.scalars(
        body_history.count(desk.today)
    ).one())  # fmt: skip


def commune_bodies(desk: Desk) -> dict[tuple[str, str], list[str]]:
    """The bodies of each commune of the plan, by the alphabet."""
    return desk.kept("communes", lambda: communes.members(desk.plan, desk.given))


def spans(desk: Desk) -> list[Span]:
    """Every span of the plan, in the order they are due; an office's own, never kept."""
    asked = desk.session, desk.plan, desk.occurrences, desk.today
    own = visitor.own(desk.request)
    if own is not None:
        return agenda.spans(*asked, own)
    return desk.kept("spans", lambda: agenda.spans(*asked))


def dues(desk: Desk) -> list[Due]:
    """What is due of the plan on each day, in that order; of an office its own, never kept."""
    asked = desk.session, desk.plan, desk.occurrences, desk.today
    own = visitor.own(desk.request)
    if own is not None:
        return agenda.dues(*asked, own)
    return desk.kept("dues", lambda: agenda.dues(*asked))


def fresh(desk: Desk) -> dict[str, Freshness]:
    """How fresh each continuous row of the plan is."""
    return desk.kept("fresh", lambda: freshness.by_row(desk.session, desk.plan, desk.today))
