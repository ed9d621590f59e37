"""What a person decides about a message of which nobody knows whether it arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, literal, select, update
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import Notice, NoticeAttempt
from ntm_workflow.store.tables.base import Instant
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

Answer = Literal["arrived", "again"]


def settle_unknown(
    session: Session, notice_id: int, answer: Answer, *, now: datetime, actor: Actor
) -> None:
    """Settle a notice in state "unknown": it arrived after all, or it is to be sent again.

    What arrived was sent at its last attempt and counts as delivered. What is
    sent again goes out with the next delivery; lost once more, it is in doubt
    once more. One conditional statement: of two people one decides.

    Raises:
        NotFound: there is no such notice.
        Refused: it is not in doubt, or not any more.
    """
    audit.lock(session)
    values = _values(notice_id, answer, now)
    settled = session.scalar(
        update(Notice)
        .where(Notice.id == notice_id, Notice.state == "unknown")
        .values(**values)
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    )
    if settled is None:
        known = session.scalar(select(Notice.id).where(Notice.id == notice_id))
        if known is None:
            raise NotFound("notice.none", id=notice_id)
        raise Refused("notice.not_unknown", id=notice_id)
    entry = Entry(Action.NOTICE_SETTLED, f"notice/{notice_id}", {"state": values["state"]})
    audit.append(session, actor, now, [entry])


def _values(notice_id: int, answer: Answer, now: datetime) -> dict[str, Any]:
    if answer == "again":
        return {"state": "pending", "not_before": now}
    tried = select(func.max(NoticeAttempt.at)).where(NoticeAttempt.notice_id == notice_id)
    sent_at = func.coalesce(Notice.sent_at, tried.scalar_subquery(), literal(now, Instant))
    return {"state": "delivered", "sent_at": sent_at, "delivered_at": now, "error": ""}
