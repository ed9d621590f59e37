"""Everything the audit can be held against: itself, its signed heads, the files, the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow.store.evidence_files import EvidenceFiles
from ntm_workflow.store.tables import AuditEntry, EvidenceFile, Task
from ntm_workflow.texts import day, say
from ntm_workflow.work import audit, heads, replay
from ntm_workflow.work.audit import Action
from ntm_workflow.work.replay import Told


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold: the key of its sentence, and what fills it."""

    key: str
    data: dict[str, Any] = field(default_factory=dict)


def faults(
    session: Session, trusted: frozenset[bytes], files: EvidenceFiles, *, reread: bool = True
) -> Iterator[Fault]:
    """Yield what does not hold, the chain first; `reread` reads every evidence file again.

    Where the chain is broken its first broken entry is named, and heads are
    still held against it: they say from which day on.
    """
    broken = audit.verify(session)
    if broken:
        yield Fault(f"audit.{broken.why}", {"seq": broken.seq})
    for one in heads.faults(session, trusted):
        yield of_head(one)
    yield from evidence(session, files, reread=reread)
    if not broken:
        yield from tasks(session)


def of_head(one: heads.Fault) -> Fault:
    return Fault(f"head.{one.why}", {"day": one.day, "seq": one.seq, "first": one.first})


def evidence(session: Session, files: EvidenceFiles, *, reread: bool) -> Iterator[Fault]:
    """Files that were handed in, by the audit or by the tables, and are not there or not whole."""
    told = handed_in(session)
    query = select(EvidenceFile.sha256, func.min(EvidenceFile.name)).group_by(EvidenceFile.sha256)
    listed = dict(session.execute(query).tuples().all())
    for sha256 in sorted(told.keys() - listed.keys()):
        yield Fault("proof.unlisted", {"sha256": sha256, "task": told[sha256]})
    for sha256 in sorted(listed.keys() - told.keys()):
        yield Fault("proof.untold", {"sha256": sha256, "name": listed[sha256]})
    every = sorted(told.keys() | listed.keys())
    gone = files.damaged(every) if reread else _absent(files, every)
    for sha256 in gone:
        data = {"sha256": sha256, "task": told.get(sha256, ""), "name": listed.get(sha256, "")}
        yield Fault("proof.file", data)


def _absent(files: EvidenceFiles, every: list[str]) -> Iterator[str]:
    there = {sha256 for sha256, _ in files.every()}
    return (sha256 for sha256 in every if sha256 not in there)


def handed_in(session: Session) -> dict[str, str]:
    """SHA-256 of every file that was handed in, by the audit → the task it was handed in for."""
    query = select(AuditEntry.subject, AuditEntry.data).where(
        AuditEntry.action == Action.TASK_SUBMITTED, AuditEntry.data.contains('"files":["')
    )
    found: dict[str, str] = {}
    for subject, data in session.execute(query.order_by(AuditEntry.seq)):
        for sha256 in json.loads(data).get("files", ()):
            found.setdefault(sha256, subject)
    return found


def tasks(session: Session) -> Iterator[Fault]:
    """Tasks that are in another state than the audit tells."""
    for one in replay.differences(replay.replay(task_entries(session)), in_tables(session)):
        yield Fault("proof.task", {"task": one.task, "told": _said(one.told),
                                   "found": _said(one.found)})  # fmt: skip


def task_entries(session: Session) -> Iterator[tuple[str, str, str]]:
    """(action, subject, data) of every entry about a task, in order."""
    query = select(AuditEntry.action, AuditEntry.subject, AuditEntry.data).where(
        AuditEntry.action.startswith(replay.PREFIX)
    )
    rows = session.execute(query.order_by(AuditEntry.seq).execution_options(yield_per=10_000))
    yield from rows.tuples()


def in_tables(session: Session) -> dict[str, Told]:
    """Full code → state, as the tables have it."""
    query = select(
        Task.plan_id, Task.row_id, Task.period, Task.body_id, Task.state, Task.due_on,
        Task.suspended_on, Task.completed_on,
    )  # fmt: skip
    return {
        f"{plan}:{row}/{period}/{body}": Told(state, due, suspended is not None, completed)
        for plan, row, period, body, state, due, suspended, completed in session.execute(query)
    }


def _said(told: Told | None) -> str:
    """A state in words; with `suspended` and the day it was completed, where there are any."""
    if told is None:
        return say("knew.not_opened")
    words = [say("knew.state", state=say(f"state.{told.state}"), due=told.due_on)]
    words += [say("state.suspended")] if told.suspended else []
    words += [say("field.completed_on") + f" {day(told.completed_on)}"] if told.completed_on else []
    return ", ".join(words)
