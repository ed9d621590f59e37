"""Handing over: a person decides about each proposal, or about all that are plain at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.store.tables import BodyEvent, Handover, Suspension, Task
from ntm_workflow.texts import say
from ntm_workflow.work import audit, body_names, successions
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.successions import End

NEWS = "handed-over"  # what the successor's next digest says instead of a rung


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirmation did: the old task and the one that answers for it now.

    `joined` says that the successor had that task already. Both are empty where
    the plan's future tasks were handed over.
    """

    handover: Handover
    old: Task | None = None
    new: Task | None = None
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A proposal that could not be confirmed with the others, and why."""

    handover: Handover
    why: Refused


@dataclass(frozen=True, slots=True)
class _Deed:
    """A person's decisions under way, inside one transaction; `gone` are the ended bodies."""

    session: Session
    days: WorkCalendar
    now: datetime
    today: date
    actor: Actor
    gone: dict[str, End]


def confirm(
    session: Session,
    handover_id: int,
    days: WorkCalendar,
    to_body: str | None = None,
    *,
    now: datetime,
    today: date,
    actor: Actor,
) -> Confirmed:
    """Hand a task over: the old one is closed, the successor gets one like it.

    The successor that has the task already keeps its own, and the old one
    points at it. Evidence that was handed in stays with the old task.

    Raises:
        NotFound: no such proposal, or no such body.
        Refused: it was confirmed before; the task is not open; nobody was
            chosen; or the successor cannot take it.
    """
    audit.lock(session)
    deed = _Deed(session, days, now, today, actor, successions.ends(session, today))
    return _confirm(deed, get(session, handover_id), to_body)


def confirm_all(
    session: Session,
    event_id: int,
    days: WorkCalendar,
    *,
    now: datetime,
    today: date,
    actor: Actor,
) -> tuple[list[Confirmed], list[Left]]:
    """Confirm every proposal of an event that has one successor, earliest due day first.

    Those that need a person's choice, or that the successor cannot take, are left.
    """
    audit.lock(session)
    if session.get(BodyEvent, event_id) is None:
        raise NotFound("event.none", id=event_id)
    query = (
        select(Handover)
        .outerjoin(Task, Task.id == Handover.task_id)
        .where(
            Handover.event_id == event_id, Handover.state == "proposed",
            Handover.task_id.is_(None) | (Task.state == "open"),
        )
        .order_by(Task.due_on, Handover.id)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    deed = _Deed(session, days, now, today, actor, successions.ends(session, today))
    done: list[Confirmed] = []
    left: list[Left] = []
    for handover in session.scalars(query).all():
        try:
            done.append(_confirm(deed, handover, None))
        except Refused as why:
            left.append(Left(handover, why))
    return done, left


def refuse(
    session: Session, handover_id: int, reason: str, *, now: datetime, actor: Actor
) -> Handover:
    """Leave a task with the old body; who has no contact is spoken for by the coordination office.

    A refused proposal can still be confirmed later.
    """
    audit.lock(session)
    handover = get(session, handover_id)
    if handover.state != "proposed":
        raise Refused("handover.decided", id=handover.id, state=handover.state)
    if not reason.strip():
        raise Refused("reason.missing")
    _decide(handover, "refused", reason.strip(), now, actor)
    session.flush()
    data = {"reason": reason.strip(), "document": _event(session, handover).document}
    subject = _subject(session, handover)
    audit.append(session, actor, now, [Entry(Action.HANDOVER_REFUSED, subject, data)])
    return handover


def get(session: Session, handover_id: int) -> Handover:
    found = session.get(Handover, handover_id, populate_existing=True)
    if found is None:
        raise NotFound("handover.none", id=handover_id)
    return found


def mark(handover: Handover) -> str:
    """What a person saw of a proposal; another one once it is decided, or is another's."""
    h = handover
    text = repr((h.id, h.event_id, h.plan_id, h.body_id, h.task_id, h.to_body, h.choices, h.state))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_seen(session: Session, handover_id: int, seen: str) -> Handover:
    """The proposal, which nobody else decides before this transaction ends.

    Raises:
        NotFound: no such proposal.
        StaleEdit: it is not what `mark` said it was when it was seen.
    """
    audit.lock(session)
    found = get(session, handover_id)
    if mark(found) == seen:
        return found
    if found.decided_at is None:
        raise StaleEdit("handover.other")
    raise StaleEdit("handover.changed", state=found.state, who=found.decided_by,
                    at=found.decided_at)  # fmt: skip


# -- one confirmation -----------------------------------------------------------


def _confirm(deed: _Deed, handover: Handover, to_body: str | None) -> Confirmed:
    session = deed.session
    if handover.state == "confirmed":
        raise Refused("handover.decided", id=handover.id, state=handover.state)
    heir = _heir(deed, handover, to_body)
    event = _event(session, handover)
    called = body_names.on(session, heir, deed.today)
    reason = say("handover.reason", to=called.name, document=event.document)
    if handover.task_id is None:
        handover.to_body = heir
        _decide(handover, "confirmed", reason, deed.now, deed.actor)
        successions.reopen(session, handover.plan_id)
        _note(deed, handover, [], {"to": heir, "reason": reason})
        return Confirmed(handover)
    old = session.get_one(Task, handover.task_id, populate_existing=True)
    if old.state != "open":
        raise Refused("handover.not_open", task=old.code, state=old.state)
    twin = _twin(session, old, heir)
    new = twin or like(session, old, heir, deed.days, deed.today)
    close(old, deed.today)
    handover.to_body, handover.new_task_id = heir, new.id
    _decide(handover, "confirmed", reason, deed.now, deed.actor)
    opened = {"plan": new.plan_id, "opens_on": new.opens_on, "due_on": new.due_on,
              "reason": reason, "from": old.code}  # fmt: skip
    if new.suspended_on:
        opened["suspended"] = True
    closed = {"plan": old.plan_id, "reason": reason, "to": new.code}
    entries = [] if twin else [Entry(Action.TASK_OPENED, new.code, opened)]
    _note(deed, handover, [*entries, Entry(Action.TASK_CANCELLED, old.code, closed)], {})
    return Confirmed(handover, old, new, joined=twin is not None)


def _heir(deed: _Deed, handover: Handover, to_body: str | None) -> str:
    heir = to_body or handover.to_body
    if heir is None:
        raise Refused("handover.choose", id=handover.id, choices=", ".join(handover.choices) or "–")
    if heir == handover.body_id:
        raise Refused("handover.itself", id=handover.id, body=heir)
    names = body_names.history(deed.session, [heir]).get(heir)
    if not names:
        raise NotFound("body.unknown", body=heir, nearest=", ".join(handover.choices) or "–")
    if end := deed.gone.get(heir):
        raise Refused("event.ended", body=names[-1].name, day=end.on, document=end.document,
                      on=deed.today)  # fmt: skip
    if names[0].valid_from > deed.today:
        raise Refused("event.not_yet", body=names[0].name, day=names[0].valid_from, on=deed.today)
    return heir


def _twin(session: Session, old: Task, heir: str) -> Task | None:
    """The successor's own task of the same row and period, if that is still to be done."""
    twin = session.scalar(
        select(Task).where(
            Task.plan_id == old.plan_id, Task.row_id == old.row_id, Task.period == old.period,
            Task.body_id == heir,
        )
    )  # fmt: skip
    if twin is not None and twin.state in ("accepted", "cancelled"):
        raise Refused(f"handover.twin_{twin.state}", task=old.code, twin=twin.code)
    return twin


def like(session: Session, old: Task, heir: str, days: WorkCalendar, today: date) -> Task:
    """A task like the old one, for another body; suspended if the old one is."""
    stretch = session.scalar(
        select(Suspension).where(Suspension.task_id == old.id, Suspension.until_on.is_(None))
    )
    new = Task(
        plan_id=old.plan_id, row_id=old.row_id, period=old.period, body_id=heir,
        opens_on=old.opens_on, nominal_due=old.nominal_due, due_on=old.due_on,
        due_rule=old.due_rule, day_off=old.day_off, opened_on=today, note=old.note,
        suspended_on=today if stretch else None, news="" if stretch else NEWS,
        next_action_on=None if stretch else days.next(today),
    )  # fmt: skip
    session.add(new)
    session.flush()
    if stretch:
        session.add(Suspension(task_id=new.id, from_on=today, reason=stretch.reason))
    return new


def close(old: Task, today: date) -> None:
    old.state, old.cancelled_on, old.next_action_on, old.news = "cancelled", today, None, ""


def _decide(handover: Handover, state: str, reason: str, now: datetime, actor: Actor) -> None:
    handover.state, handover.reason = state, reason
    handover.decided_at, handover.decided_by = now, actor.name


def _note(deed: _Deed, handover: Handover, entries: list[Entry], data: dict[str, object]) -> None:
    deed.session.flush()
    if not entries:
        subject = _subject(deed.session, handover)
        entries = [Entry(Action.HANDOVER_CONFIRMED, subject, {"plan": handover.plan_id, **data})]
    audit.append(deed.session, deed.actor, deed.now, entries)


def _event(session: Session, handover: Handover) -> BodyEvent:
    return session.get_one(BodyEvent, handover.event_id)


def _subject(session: Session, handover: Handover) -> str:
    if handover.task_id is None:
        return f"handover/{handover.id}"
    return session.get_one(Task, handover.task_id).code
