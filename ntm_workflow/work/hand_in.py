"""Handing in a document whatever the way it came: a mail, the drop folder, the command line.

Files are kept before the transaction; what of them no submission names is removed later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sqlalchemy.orm import Session

from ntm_workflow.errors import Refused
from ntm_workflow.store.evidence_files import MOST_FILES, EvidenceFiles, Stored
from ntm_workflow.store.tables import Submission, Task
from ntm_workflow.work import audit, body_names, evidence, loose_files
from ntm_workflow.work.audit import Actor

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as its sender describes it: "12/BC-UBND", its day, its summary."""

    number: str
    issued_on: date | None
    subject: str
    late_reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What was handed in; `again`: it had been before, and nothing was changed.

    `elsewhere` are the codes of other tasks that got the same document or file.
    """

    submission: Submission
    again: bool = False
    elsewhere: tuple[str, ...] = ()


def keep(files: EvidenceFiles, sent: Sequence[tuple[str, BinaryIO]]) -> list[Stored]:
    """Keep files by their names; the same content under one name once.

    Raises:
        Refused: too many, or one that is not taken: names it.
    """
    if len(sent) > MOST_FILES:
        raise Refused("form.too_many_files", limit=MOST_FILES)
    kept: dict[tuple[str, str], Stored] = {}
    for name, source in sent:
        one = _kept(files, name, source)
        kept[one.sha256, one.name] = one
    return list(kept.values())


def _kept(files: EvidenceFiles, name: str, source: BinaryIO) -> Stored:
    try:
        return files.put(name, source)
    except OSError as error:
        raise Refused("evidence.store_away", name=name) from error


def keep_paths(files: EvidenceFiles, paths: Iterable[Path]) -> list[Stored]:
    """Keep files of a folder. Raises Refused: as `keep`, or a file that cannot be read."""
    every = list(paths)
    if len(every) > MOST_FILES:
        raise Refused("form.too_many_files", limit=MOST_FILES)
    kept = []
    for path in every:
        if path.is_symlink():
            raise Refused("evidence.file_missing", name=path.name, why="liên kết")
        try:
            with path.open("rb") as source:
                kept.append(files.put(path.name, source))
        except OSError as error:
            raise Refused("evidence.file_missing", name=str(path), why=error.strerror) from error
    return kept


def hand_in(
    session: Session, rt: Runtime, task: Task, paper: Paper, files: Sequence[Stored], *,
    by: Actor, now: datetime, today: date, received_at: datetime | None = None,
) -> Done:  # fmt: skip
    """Hand in a document for an open task; the same one again changes nothing.

    `received_at` is when it came in, where that is not now: the day that counts.

    Raises:
        Refused: as `evidence.document`, `evidence.submit` and `loose_files.there` do.
    """
    audit.lock(session)
    issuer = body_names.on(session, task.body_id, today).name
    doc = evidence.document(paper.number, paper.issued_on, paper.subject, issuer, today)
    if had := _had(session, task, doc, files):
        return Done(had, again=True)
    loose_files.there(session, rt.files, files, now)
    elsewhere = evidence.elsewhere(session, doc, [one.sha256 for one in files], task.id)
    made = evidence.submit(
        session, task, rt.plan_of(task.plan_id), rt.days, doc, by=by, now=now, today=today,
        files=files, late_reason=paper.late_reason, note=paper.note, received_at=received_at,
    )  # fmt: skip
    return Done(made, elsewhere=tuple(elsewhere))


def _had(
    session: Session, task: Task, doc: evidence.Document, files: Sequence[Stored]
) -> Submission | None:
    """The same document with the same files, where it was not returned meanwhile."""
    wanted = doc.number, doc.symbol, {one.sha256 for one in files}
    for one in evidence.of_task(session, task):
        found = one.number, one.symbol, {file.sha256 for file in one.files}
        if found == wanted and one.verdict != "returned":
            return one
    return None
