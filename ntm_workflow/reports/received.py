"""The mails that came in, for whoever reads them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.paging import Page, ask, cut
from ntm_workflow.store.tables import ReceivedMail
from ntm_workflow.work.received import FOR_A_PERSON


def page(
    session: Session, *, everything: bool, older: int | None = None, newer: int | None = None
) -> Page[ReceivedMail]:
    """One page, the newest first: all that came in, or what a person has to look at."""
    query = select(ReceivedMail)
    if not everything:
        query = query.where(_open())
    found = session.scalars(ask(query, ReceivedMail.inbound_id, older, newer))
    return cut(found, lambda mail: mail.inbound_id, older, newer)


def count_open(session: Session) -> int:
    """How many mails a person has to look at."""
    return session.scalar(select(func.count()).select_from(ReceivedMail).where(_open())) or 0


def _open() -> ColumnElement[bool]:
    return and_(ReceivedMail.kind.in_(FOR_A_PERSON), ReceivedMail.seen_at.is_(None))
