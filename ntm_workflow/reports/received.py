"""The mails that came in, for whoever reads them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.paging import Page, ask, cut
from ntm_workflow.store.tables import ReceivedMail, Task
from ntm_workflow.work.received import asks


def page(
    session: Session, *, everything: bool, older: int | None = None, newer: int | None = None
) -> Page[ReceivedMail]:
    """One page, the newest first: all that came in, or what a person has to look at."""
    query = select(ReceivedMail)
    if not everything:
        query = query.where(_open())
    found = session.scalars(ask(query, ReceivedMail.inbound_id, older, newer))
    return cut(found, lambda mail: mail.inbound_id, older, newer)


def codes(session: Session, mails: Iterable[ReceivedMail]) -> dict[int, str]:
    """The codes of the tasks that some mails were handed in for, or given to."""
    numbers = {mail.task_id for mail in mails if mail.task_id}
    found = session.scalars(select(Task).where(Task.id.in_(numbers))) if numbers else ()
    return {task.id: task.code for task in found}


def count_open(session: Session) -> int:
    """How many mails a person has to look at."""
    return session.scalar(select(func.count()).select_from(ReceivedMail).where(_open())) or 0


def _open() -> ColumnElement[bool]:
    return and_(asks(), ReceivedMail.seen_at.is_(None))
