"""Who stands where an ended body stood: proposals, and what opening does about them.

A program proposes; only a person hands work over (`work.handovers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, exists, insert, select, update
from sqlalchemy.orm import Session, aliased

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import occurrences
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.store.tables import (
    BodyEvent,
    BodyEventPart,
    Handover,
    OccurrenceRecord,
    Task,
)
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

ENDING = ("merge", "split", "end")


@dataclass(frozen=True, slots=True)
class End:
    """How a body ended: its event, the first day without it, and where the event leads."""

    body_id: str
    event_id: int
    on: date
    document: str
    into: tuple[str, ...]
    example: bool

    @property
    def heir(self) -> str | None:
        """The one successor; None where there are several, or none."""
        return self.into[0] if len(self.into) == 1 else None


def ends(session: Session, today: date | None = None) -> dict[str, End]:
    """The bodies that have ended by a day, or that any event ends; two statements."""
    query = _ended()
    if today is not None:
        query = query.where(BodyEvent.on_day <= today)
    found = session.execute(query).all()
    if not found:
        return {}
    into: dict[int, list[str]] = {}
    parts = select(BodyEventPart).where(BodyEventPart.role == "into")
    for part in session.scalars(parts.order_by(BodyEventPart.body_id)):
        into.setdefault(part.event_id, []).append(part.body_id)
    return {
        body: End(body, e.id, e.on_day, e.document, tuple(into.get(e.id, ())), e.example)
        for body, e in found
    }


def _ended() -> Select[Any]:
    """(body, event) of what events end: on their first side and not on the second."""
    stays = aliased(BodyEventPart)
    return (
        select(BodyEventPart.body_id, BodyEvent)
        .join(BodyEvent, BodyEvent.id == BodyEventPart.event_id)
        .where(
            BodyEventPart.role == "from", BodyEvent.kind.in_(ENDING),
            ~exists().where(
                stays.event_id == BodyEvent.id, stays.role == "into",
                stays.body_id == BodyEventPart.body_id,
            ),
        )
    )  # fmt: skip


# -- proposing ------------------------------------------------------------------


def propose(session: Session, today: date, *, now: datetime, actor: Actor) -> int:
    """Propose a successor for each open task of a body that has ended. Safe to repeat.

    What was handed in is left to its reviewer; if it comes back, it is proposed then.
    """
    gone = ends(session, today)
    if not gone or not _orphans(session, gone):
        return 0
    audit.lock(session)
    found = _orphans(session, gone)  # again: somebody may have been before us
    rows = [_proposal(gone[body], plan, today, task) for task, plan, body in found]
    return _put(session, rows, gone, now, actor)


def keep_up(
    session: Session, plan: Plan, days: WorkCalendar, today: date, *, now: datetime, actor: Actor
) -> int:
    """Propose what is due today: for open tasks, and for what the plan is yet to open."""
    made = propose(session, today, now=now, actor=actor)
    gone = ends(session, today)
    if not gone:
        return made
    wanted = set(_will_owe(plan, days, gone)) - _standing(session, plan.id).keys()
    if not wanted:
        return made
    audit.lock(session)
    wanted -= _standing(session, plan.id).keys()  # again: somebody may have been before us
    rows = [_proposal(gone[body], plan.id, today) for body in sorted(wanted)]
    return made + _put(session, rows, gone, now, actor)


def _orphans(session: Session, gone: dict[str, End]) -> list[tuple[int, str, str]]:
    """(task, plan, body) of the open tasks of ended bodies that nothing is proposed for."""
    ended = _ended().subquery()
    query = (
        select(Task.id, Task.plan_id, Task.body_id)
        .join(ended, ended.c.body_id == Task.body_id)
        .where(
            Task.state == "open",
            ended.c.id.in_({end.event_id for end in gone.values()}),
            ~exists().where(Handover.task_id == Task.id, Handover.event_id == ended.c.id),
        )
        .order_by(Task.id)
    )
    return [(task, plan, body) for task, plan, body in session.execute(query)]


def _will_owe(plan: Plan, days: WorkCalendar, gone: dict[str, End]) -> Iterable[str]:
    """The ended bodies for which the plan has work that falls due after their end."""
    for row in plan.all_rows:
        ended = [gone[body] for body in row.implementing if body in gone]
        if not ended or row.reading.question:
            continue
        last = max((o.due_on for o in occurrences(row, plan, days)), default=date.min)
        yield from (end.body_id for end in ended if end.on <= last)


def _proposal(end: End, plan_id: str, today: date, task_id: int | None = None) -> dict[str, Any]:
    return {
        "event_id": end.event_id, "plan_id": plan_id, "body_id": end.body_id, "task_id": task_id,
        "to_body": end.heir, "choices": [] if end.heir else list(end.into), "state": "proposed",
        "proposed_on": today, "decided_by": "", "reason": "",
    }  # fmt: skip


def _put(
    session: Session, rows: list[dict[str, Any]], gone: dict[str, End], now: datetime, actor: Actor
) -> int:
    if not rows:
        return 0
    session.execute(insert(Handover), rows)
    counted: dict[int, int] = {}
    for row in rows:
        counted[row["event_id"]] = counted.get(row["event_id"], 0) + 1
    entries = [
        Entry(Action.HANDOVER_PROPOSED, f"body-event/{event}", {"items": count})
        for event, count in sorted(counted.items())
    ]
    audit.append(session, actor, now, entries)
    return len(rows)


# -- opening ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stands:
    """Who gets a plan's new tasks on a day, in the place of bodies that have ended."""

    gone: frozenset[str]
    heirs: dict[str, str | None]

    def of(self, bodies: Sequence[str], known: Iterable[str] = ()) -> list[str]:
        """These bodies, each ended one replaced by the successor a person confirmed, if any.

        A successor among `known` has the task already and is left out.
        """
        taken = {body: None for body in bodies if body not in self.gone}
        for body in bodies:
            heir: str | None = body
            while heir in self.gone:
                heir = self.heirs.get(heir)
            if heir is not None and heir not in known:
                taken.setdefault(heir)
        return list(taken)


def stands(
    session: Session, plan_id: str, today: date, gone: dict[str, End] | None = None
) -> Stands:
    """Who gets a plan's new tasks; three statements, one where it is known who is `gone`."""
    gone = ends(session, today) if gone is None else gone
    decided = _standing(session, plan_id) if gone else {}
    heirs = {body: to for body, (state, to) in decided.items() if state == "confirmed"}
    return Stands(frozenset(gone), heirs)


def _standing(session: Session, plan_id: str) -> dict[str, tuple[str, str | None]]:
    """For each ended body of a plan: what was decided about its future tasks, and for whom."""
    query = select(Handover.body_id, Handover.state, Handover.to_body).where(
        Handover.plan_id == plan_id, Handover.task_id.is_(None)
    )
    return {body: (state, to) for body, state, to in session.execute(query)}


def reopen(session: Session, plan_id: str | None = None) -> None:
    """Let the next opening look at every occurrence again, of a plan or of all.

    Somebody who was passed over may get a task now; who has one gets no other.
    """
    again = update(OccurrenceRecord).values(owing="")
    session.execute(again.where(OccurrenceRecord.plan_id == plan_id) if plan_id else again)
