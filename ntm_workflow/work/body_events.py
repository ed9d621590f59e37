"""What happens to bodies: renamed, merged, split, moved, ended, founded. Recorded once."""

from __future__ import annotations

import enum
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Level
from ntm_workflow.appendix.text import fold, nfc
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import (
    BodyEvent,
    BodyEventPart,
    BodyName,
    BodyRecord,
    ContactBody,
    Handover,
    RowRole,
    Task,
)
from ntm_workflow.work import audit, body_names, successions
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.body_names import ALWAYS, Called
from ntm_workflow.work.successions import ENDING, End

EARLIEST, YEARS_AHEAD = date(1945, 9, 2), 10  # a day outside is a slip of the pen
_ID = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
_LONGEST_ID = 80


class Kind(enum.StrEnum):
    RENAME = "rename"
    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"
    END = "end"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Change:
    """One event, as it is to be recorded.

    `on` is the first day of the new state. `bodies` is where it starts from,
    `into` where it leads; a body on both sides goes on existing (xã B nhập vào
    xã A). `called` names what it founds, renames or moves, as of that day.
    """

    kind: Kind
    on: date
    document: str
    bodies: tuple[str, ...] = ()
    into: tuple[str, ...] = ()
    called: tuple[Called, ...] = ()
    note: str = ""
    example: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """The event, whether it is new, and how many open tasks were proposed to a successor."""

    id: int
    new: bool
    proposed: int = 0


def rename(body: Called, on: date, document: str, **more: Any) -> Change:
    """The same body under another name."""
    return Change(Kind.RENAME, on, document, (body.id,), (body.id,), (body,), **more)


def record(
    session: Session, change: Change, *, now: datetime, today: date, actor: Actor
) -> Recorded:
    """Record an event and propose its successors. Recording it twice changes nothing.

    Raises:
        Refused: the event contradicts itself, or what is known of its bodies.
        NotFound: one of its bodies does not exist.
    """
    change = _tidied(change)
    audit.lock(session)
    if known := _same(session, change):
        return Recorded(known, new=False)
    _check_shape(change, today)
    _check_bodies(session, change)
    event = BodyEvent(
        kind=change.kind.value, on_day=change.on, document=change.document, bodies=_digest(change),
        note=change.note, example=change.example, recorded_at=now, recorded_by=actor.name,
    )  # fmt: skip
    session.add(event)
    session.flush()
    _write_names(session, change, event.id)
    parts = (BodyEventPart(event_id=event.id, body_id=b, role=role) for role, b in _parts(change))
    session.add_all(parts)
    session.flush()
    data = _data(change)
    audit.append(session, actor, now, [Entry(Action.BODY_CHANGED, f"body-event/{event.id}", data)])
    return Recorded(event.id, True, successions.propose(session, today, now=now, actor=actor))


def withdraw(
    session: Session, event_id: int, reason: str, *, now: datetime, actor: Actor
) -> BodyEvent:
    """Take back an event that was recorded by mistake, while nothing has come of it.

    Raises:
        NotFound: no such event.
        Refused: no reason; work was handed over by it; or a body it founded is
            in use.
    """
    audit.lock(session)
    event = session.get(BodyEvent, event_id)
    if event is None:
        raise NotFound("event.none", id=event_id)
    if not reason.strip():
        raise Refused("reason.missing")
    founded = _founded_by(session, event_id)
    for used, found in _uses(session, event_id, founded):
        if found:
            raise Refused(f"event.used_{used}", id=event_id, count=found)
    for table in (Handover, BodyName, BodyEventPart):
        session.execute(delete(table).where(table.event_id == event_id))
    session.execute(delete(BodyRecord).where(BodyRecord.id.in_(founded)))
    session.delete(event)
    session.flush()
    successions.reopen(session)
    data = {"event": event.kind, "on": event.on_day, "document": event.document,
            "reason": reason.strip()}  # fmt: skip
    entry = Entry(Action.BODY_WITHDRAWN, f"body-event/{event_id}", data)
    audit.append(session, actor, now, [entry])
    return event


def _founded_by(session: Session, event_id: int) -> list[str]:
    """The bodies whose first name this event gave."""
    mine = select(BodyName.body_id).where(BodyName.event_id == event_id)
    names = body_names.history(session, session.scalars(mine))
    return [body for body, given in names.items() if given[0].event_id == event_id]


def _uses(session: Session, event_id: int, founded: list[str]) -> Iterator[tuple[str, int]]:
    """What would hang in the air without the event: ("handovers", 3)."""

    def count(*conditions: Any) -> int:
        return session.scalar(select(func.count()).where(*conditions)) or 0

    yield "handovers", count(Handover.event_id == event_id, Handover.state == "confirmed")
    yield "tasks", count(Task.body_id.in_(founded))
    yield "contacts", count(ContactBody.body_id.in_(founded))
    yield "rows", count(RowRole.body_id.in_(founded))
    yield (
        "events",
        (
            count(BodyEventPart.body_id.in_(founded), BodyEventPart.event_id != event_id)
            + count(Handover.to_body.in_(founded), Handover.event_id != event_id)
        ),
    )


def _data(change: Change) -> dict[str, object]:
    data: dict[str, object] = {
        "event": change.kind.value, "on": change.on, "document": change.document,
        "bodies": list(change.bodies), "into": list(change.into),
    }  # fmt: skip
    return {**data, "example": True} if change.example else data


def _tidied(change: Change) -> Change:
    def tidy(text: str) -> str:
        return " ".join(nfc(text).split())

    called = tuple(
        Called(one.id, tidy(one.name), tidy(one.short) or tidy(one.name), one.level, one.unit)
        for one in change.called
    )
    founded = tuple(one.id for one in called)
    into = tuple(dict.fromkeys((*change.into, *founded)))
    return Change(
        change.kind, change.on, tidy(change.document), tuple(dict.fromkeys(change.bodies)), into,
        called, tidy(change.note), change.example,
    )  # fmt: skip


def _parts(change: Change) -> Iterator[tuple[str, str]]:
    yield from (("from", body) for body in change.bodies)
    yield from (("into", body) for body in change.into)


def _digest(change: Change) -> str:
    called = sorted([one.id, one.name, one.short, one.level] for one in change.called)
    parts = [sorted(change.bodies), sorted(change.into), called]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _same(session: Session, change: Change) -> int | None:
    return session.scalar(
        select(BodyEvent.id).where(
            BodyEvent.kind == change.kind.value, BodyEvent.on_day == change.on,
            BodyEvent.document == change.document, BodyEvent.bodies == _digest(change),
        )
    )  # fmt: skip


def _write_names(session: Session, change: Change, event_id: int) -> None:
    for one in change.called:
        said = {"name": one.name, "short": one.short, "level": one.level, "unit": one.unit}
        if one.id not in change.bodies:
            session.add(BodyRecord(id=one.id, **said))
            session.flush()
        session.add(BodyName(body_id=one.id, valid_from=change.on, event_id=event_id, **said))


# -- what an event must be ------------------------------------------------------

# How many bodies an event starts from and leads into: at least, at most.
_SHAPES = {
    Kind.RENAME: ((1, 1), (1, 1)), Kind.MOVE: ((1, 1), (1, 1)), Kind.MERGE: ((2, 999), (1, 1)),
    Kind.SPLIT: ((1, 1), (2, 999)), Kind.END: ((1, 999), (0, 999)), Kind.FOUND: ((0, 0), (1, 999)),
}  # fmt: skip


def _check_shape(change: Change, today: date) -> None:
    if not change.document:
        raise Refused("event.no_document")
    if change.on < EARLIEST or change.on.year > today.year + YEARS_AHEAD:
        raise Refused("event.day", day=change.on)
    for bounds, side in zip(_SHAPES[change.kind], (change.bodies, change.into), strict=True):
        if not bounds[0] <= len(side) <= bounds[1]:
            raise Refused(f"event.shape_{change.kind.value}")
    if change.kind in (Kind.RENAME, Kind.MOVE) and change.bodies != change.into:
        raise Refused(f"event.shape_{change.kind.value}")
    if change.kind is Kind.END and set(change.bodies) & set(change.into):
        raise Refused("event.ends_into_itself")
    for one in change.called:
        if not one.name:
            raise Refused("event.no_name", body=one.id)
        if one.level not in set(Level):
            raise Refused("event.level", body=one.id, level=one.level, levels=", ".join(Level))


def _check_bodies(session: Session, change: Change) -> None:
    """The bodies exist on that day, and nothing that is known comes after their end."""
    touched = (*change.bodies, *change.into)
    names = body_names.history(session, touched)
    gone = successions.ends(session)
    founded = {one.id for one in change.called} - set(change.bodies)
    for body in dict.fromkeys(touched):
        if body in founded:
            _check_new(body, names, change)
        elif body not in names:
            body_names.find(session, body, change.on)  # says which are nearest
            raise NotFound("body.missing", body=body)
        else:
            _check_alive(body, names[body], gone.get(body), change)
    for one in change.called:
        if one.id in change.bodies:
            _check_called(one, names[one.id], change)


def _check_new(body: str, names: dict[str, list[BodyName]], change: Change) -> None:
    if body in names:
        raise Refused("event.id_taken", body=body, name=names[body][-1].name)
    if change.kind is Kind.END or not _ID.match(body) or len(body) > _LONGEST_ID:
        raise Refused("event.id", body=body)


def _check_alive(body: str, names: list[BodyName], end: End | None, change: Change) -> None:
    called = body_names.at(names, change.on).name
    first = names[0].valid_from
    leaves = change.kind.value in ENDING and body in change.bodies and body not in change.into
    if first != ALWAYS and (change.on < first or (change.on == first and body in change.bodies)):
        raise Refused("event.not_yet", body=called, day=first, on=change.on)
    if end and (end.on <= change.on or leaves):
        raise Refused("event.ended", body=called, day=end.on, document=end.document, on=change.on)
    later = names[-1].valid_from
    if leaves and later != ALWAYS and later >= change.on:
        raise Refused(
            "event.named_later", body=called, name=names[-1].name, day=later, on=change.on
        )


def _check_called(one: Called, names: list[BodyName], change: Change) -> None:
    """A rename gives another name, a move another level or unit; one of them a day."""
    before = body_names.at(names, change.on)
    if before.valid_from == change.on:
        raise Refused("event.named_that_day", body=one.id, name=before.name, day=change.on)
    if change.kind is Kind.RENAME:
        same = (fold(one.name), fold(one.short)) == (fold(before.name), fold(before.short))
        if same and (one.name, one.short) == (before.name, before.short):
            raise Refused("event.same_name", body=one.id, name=before.name)
    elif (one.level, one.unit) == (before.level, before.unit):
        raise Refused("event.same_level", body=one.id, level=before.level)
