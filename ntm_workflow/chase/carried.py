"""What still waits when the next digest is written goes into that one: never two at once.

A mail server that was away for a week would else send everybody five digests
on the day it comes back.
"""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session, aliased

from ntm_workflow.store.tables import Notice, NoticeItem
from ntm_workflow.work.audit import Action, Entry

WHY = "carried over into a later digest"


def over(session: Session, run_id: int) -> list[Entry]:
    """Carry what waits for a recipient and channel over into the digest of this run.

    The older one expires, and `instead_of` of the newer one names it. What both
    speak of is said once, by the newer rung; the rest of its tasks moves. A
    digest that may have arrived already (`resent`) or is being sent stays.
    """
    old, new = aliased(Notice), aliased(Notice)
    waiting = (
        select(old.id, new.id.label("into"))
        .join(new, (new.contact_id == old.contact_id) & (new.channel == old.channel))
        .where(
            new.run_id == run_id, old.run_id != run_id, old.kind == new.kind,
            old.state == "pending", old.resent == 0,
        )
        .order_by(old.id.desc())
        .with_for_update(of=old, skip_locked=True)
    )  # fmt: skip
    pairs = session.execute(waiting).tuples().all()
    if not pairs:
        return []
    named = [{"id": into, "instead_of": one} for one, into in reversed(pairs)]
    session.execute(update(Notice), named)
    session.execute(
        update(Notice), [{"id": one, "state": "expired", "error": WHY} for one, _ in pairs]
    )
    session.connection().execute(_MOVED, [{"one": one, "into": into} for one, into in pairs])
    return [
        Entry(Action.NOTICE_EXPIRED, f"notice/{one}", {"into": into, "why": WHY})
        for one, into in pairs
    ]


_said = aliased(NoticeItem)
_MOVED = (
    update(NoticeItem)
    .where(
        NoticeItem.notice_id == bindparam("one"),
        ~exists().where(_said.notice_id == bindparam("into"), _said.task_id == NoticeItem.task_id),
    )
    .values(notice_id=bindparam("into"))
)
