"""Files that were handed in while the virus scanner was away: looked at as soon as it is back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store import clamd
from ntm_workflow.store.evidence_check import Check
from ntm_workflow.store.evidence_files import CHUNK
from ntm_workflow.store.tables import EvidenceFile, Submission, Task
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime


def catch_up(rt: Runtime, *, actor: Actor) -> int:
    """Scan what waits; how many were. Without a scanner now, what waited waits for nothing.

    Safe to repeat: what was found is written down file by file.
    """
    with rt.reader() as session:
        query = select(EvidenceFile.sha256, EvidenceFile.name).where(EvidenceFile.scan == "waiting")
        waiting = dict(session.execute(query).tuples().all())
    check, done = Check(rt.settings), 0
    for sha256, name in waiting.items():
        try:
            _settle(rt, sha256, _scanned(rt, check, sha256, name), actor)
        except (clamd.Away, NotFound, OSError):
            continue  # the next run tries again; a lost file is said by `ntm evidence verify`
        done += 1
    return done


def _scanned(rt: Runtime, check: Check, sha256: str, name: str) -> str:
    with tempfile.NamedTemporaryFile() as copy, rt.files.opened(sha256, name) as source:
        while part := source.read(CHUNK):
            copy.write(part)
        copy.flush()
        try:
            return check.scan(Path(copy.name), name)
        except Refused:
            return "infected"


def _settle(rt: Runtime, sha256: str, found: str, actor: Actor) -> None:
    now = rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)
        query = (
            select(Task)
            .join(Submission, Submission.task_id == Task.id)
            .join(EvidenceFile, EvidenceFile.submission_id == Submission.id)
            .where(EvidenceFile.sha256 == sha256, EvidenceFile.scan == "waiting")
        )
        about = [(task.code, task.plan_id) for task in session.scalars(query.distinct())]
        session.execute(
            update(EvidenceFile)
            .where(EvidenceFile.sha256 == sha256, EvidenceFile.scan == "waiting")
            .values(scan=found)
        )
        audit.append(session, actor, now, [
            Entry(Action.FILE_SCANNED, code, {"plan": plan, "file": sha256, "found": found})
            for code, plan in about
        ])  # fmt: skip
