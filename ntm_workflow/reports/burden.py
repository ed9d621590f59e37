"""How much a plan's chasing asks of people: messages for each task done and each contact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.chased import REALLY_SENT
from ntm_workflow.store.tables import Notice, NoticeAttempt, NoticeItem, Task


@dataclass(frozen=True, slots=True)
class Burden:
    """Of what was really sent. `rungs` are what would have been messages without digests.

    One rung of one task to one recipient through one channel is one. `contacts`
    are those that were told anything, `completed` the tasks whose evidence was
    accepted.
    """

    rungs: int
    messages: int
    contacts: int
    completed: int

    def figures(self) -> dict[str, float | int]:
        """Totals and ratios, before digests and after; two decimals."""
        return {
            "rungs": self.rungs, "messages": self.messages, "contacts": self.contacts,
            "completed": self.completed,
            "per_completed_before": _ratio(self.rungs, self.completed),
            "per_completed_after": _ratio(self.messages, self.completed),
            "per_contact_before": _ratio(self.rungs, self.contacts),
            "per_contact_after": _ratio(self.messages, self.contacts),
        }  # fmt: skip


def of(session: Session, kinds: tuple[str, ...] = ()) -> Burden:
    """The burden of all notices, or of these kinds; three statements."""
    sent = [Notice.state.in_(REALLY_SENT), *([Notice.kind.in_(kinds)] if kinds else [])]
    messages, contacts = session.execute(
        select(func.count(), func.count(Notice.contact_id.distinct())).where(*sent)
    ).one()
    items = select(func.count()).select_from(NoticeItem)
    rungs = session.scalar(items.join(Notice, Notice.id == NoticeItem.notice_id).where(*sent))
    done = session.scalar(select(func.count()).where(Task.state == "accepted"))
    return Burden(rungs or 0, messages, contacts, done or 0)


def outside(session: Session, allowed: Callable[[datetime], bool]) -> list[datetime]:
    """The instants of tries that were not allowed, oldest first, whatever came of them."""
    tries = select(NoticeAttempt.at).where(NoticeAttempt.detail.not_in(_UNTRIED))
    return [at for at in session.scalars(tries.order_by(NoticeAttempt.at)) if not allowed(at)]


_UNTRIED = ("too late to be of use", "nothing left to say", "process died")


def _ratio(one: int, other: int) -> float:
    return round(one / other, 2) if other else 0.0
