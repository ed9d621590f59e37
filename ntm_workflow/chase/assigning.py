"""A person decides about a mail that was not clear: it belongs to this task, with this document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

from ntm_workflow.channels import mail_reading
from ntm_workflow.chase import incoming
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import Inbound, ReceivedMail, Submission, Task
from ntm_workflow.work import hand_in, received, tasks
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.hand_in import Paper

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person said of a mail. Without a number nothing is handed in."""

    task: str
    number: str = ""
    issued_on: date | None = None
    subject: str = ""
    late_reason: str = ""


def files(rt: Runtime, number: int) -> list[tuple[str, bytes]]:
    """The files of a mail, from the mail as it came. Raises NotFound: it is gone."""
    with rt.reader() as session:
        if session.get(ReceivedMail, number) is None:
            raise NotFound("received.gone")
        kept = session.get_one(Inbound, number)
        if not kept.raw:
            raise NotFound("received.pruned")
        return mail_reading.attached(incoming.raw(rt, kept))


def assign(
    rt: Runtime, number: int, wanted: Wanted, actor_for: Callable[[Task], Actor]
) -> Submission | None:
    """Give a mail to a task, and hand in what it brings where a document is named.

    What it brings counts as received when the mail came. `actor_for` says who
    acts, for the body of the task, and may refuse.

    Raises:
        NotFound: no such mail or task.
        Refused: somebody decided already, a file is not taken, or as `hand_in` does.
    """
    code = wanted.task.strip()
    with rt.reader() as session:
        actor_for(tasks.find(session, code))  # before anything is kept
    sent = files(rt, number) if wanted.number else []
    if wanted.number and not sent:
        raise Refused("received.no_files")
    kept = hand_in.keep(rt.files, [(name, BytesIO(data)) for name, data in sent])
    now, today = rt.now(), rt.today()
    with rt.sessions.begin() as session:
        mail = received.locked(session, number)
        if mail.seen_at:
            raise Refused("received.decided", who=mail.seen_by)
        task = tasks.find(session, code)
        by = actor_for(task)
        made = None
        if wanted.number:
            paper = Paper(wanted.number, wanted.issued_on, wanted.subject, wanted.late_reason)
            made = hand_in.hand_in(
                session, rt, task, paper, kept, by=by, now=now, today=today,
                received_at=mail.received_at,
            ).submission  # fmt: skip
        received.assigned(session, mail, task, made, now=now, actor=by)
        return made
