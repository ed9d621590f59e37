"""Who knew what when about one task: what the audit tells of it and every message about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.reports import trail
from ntm_workflow.store.tables import (
    AuditEntry,
    Contact,
    Notice,
    NoticeEvent,
    NoticeItem,
    Task,
)
from ntm_workflow.texts import ZONE, has, say
from ntm_workflow.work import replay
from ntm_workflow.work.replay import Told

_TOLD = ("reason", "number", "late_reason", "due_on", "from", "to", "wanted", "note", "document")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: when, who did or was told it, what, through what."""

    at: datetime
    who: str
    what: str
    through: str
    detail: str


@dataclass(frozen=True, slots=True)
class Knew:
    """A task as it was at the end of a day, and the steps up to then, oldest first."""

    code: str
    told: Told | None
    steps: list[Step]

    @property
    def state(self) -> str:
        """The state in words: how it stood, and its due day then."""
        if self.told is None:
            return say("knew.not_opened")
        key = "suspended" if self.told.suspended else self.told.state
        return say("knew.state", state=say(f"state.{key}"), due=self.told.due_on)


def of_task(session: Session, task: Task, day: date) -> Knew:
    """What was known about a task at the end of a day. Three statements."""
    end = datetime.combine(day, time(), ZONE) + timedelta(days=1)
    entries = list(_entries(session, task, end))
    told: Told | None = None
    for entry, said in entries:
        told = replay.step(told, entry.action, said) if _moves(entry) else told
    steps = [_done(entry, said) for entry, said in entries]
    steps += [*_messages(session, task, end), *_answers(session, task, end)]
    return Knew(task.code, told, sorted(steps, key=lambda step: step.at))


def _moves(entry: AuditEntry) -> bool:
    return entry.action.startswith(replay.PREFIX)


def _entries(
    session: Session, task: Task, end: datetime
) -> Iterator[tuple[AuditEntry, dict[str, Any]]]:
    query = trail.entries().where(AuditEntry.subject == task.code, AuditEntry.at < end)
    for entry in session.scalars(query.order_by(AuditEntry.seq)):
        said = json.loads(entry.data)
        if said.get("plan") == task.plan_id:  # another plan may have a task of this code
            yield entry, said


def _done(entry: AuditEntry, said: dict[str, Any]) -> Step:
    detail = "; ".join(f"{say(f'field.{name}')}: {said[name]}" for name in _TOLD if said.get(name))
    called = trail.called(entry)
    who = f"{called} ({entry.body})" if entry.body else called
    return Step(entry.at, who, say(f"action.{entry.action}"), trail.way(entry), detail)


def _messages(session: Session, task: Task, end: datetime) -> Iterator[Step]:
    """Every message about the task that left: who was told, at which address."""
    query = (
        select(Notice.id, Notice.sent_at, Notice.channel, Notice.address, Notice.kind)
        .add_columns(Contact.name, NoticeItem.rung)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .where(NoticeItem.task_id == task.id, Notice.sent_at < end)
        .order_by(Notice.id)
    )
    for one in session.execute(query):
        what = say("knew.told", kind=say(f"kind.{one.kind}"), rung=_rung(one.rung))
        detail = f"notice/{one.id}"
        yield Step(one.sent_at, one.name, what, f"{one.channel} {one.address}".strip(), detail)


def _answers(session: Session, task: Task, end: datetime) -> Iterator[Step]:
    """What came back about these messages: delivered, seen, bounced, answered."""
    query = (
        select(NoticeEvent, Contact.name, Notice.channel)
        .join(Notice, Notice.id == NoticeEvent.notice_id)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .where(NoticeItem.task_id == task.id, NoticeEvent.at < end)
        .order_by(NoticeEvent.id)
    )
    for event, name, channel in session.execute(query):
        detail = f"notice/{event.notice_id}"
        yield Step(event.at, name, say(f"event.{event.kind}"), channel, detail)


def _rung(rung: str) -> str:
    return say(f"rung.{rung}") if has(f"rung.{rung}") else rung
