"""Whether the mailbox can be read, for whoever watches over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from ntm_workflow.channels.mailbox import Down
from ntm_workflow.store.tables import MailboxLook
from ntm_workflow.work import audit

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime


def note(rt: Runtime, down: Down | None) -> None:
    """Write down what came of a look into the mailbox; trouble counts from when it began."""
    now = rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)  # of two readers one writes first
        look = session.get(MailboxLook, 1)
        if look is None:
            look = MailboxLook(id=1)
            session.add(look)
        look.looked_at = now
        if down is None:
            look.read_at, look.trouble, look.trouble_at = now, "", None
            return
        look.trouble_at = look.trouble_at or now
        look.trouble = "login" if down.login else "down"


def forget(rt: Runtime) -> None:
    """There is no mailbox any more: nothing is to be watched."""
    with rt.reader() as session:
        if session.scalar(select(MailboxLook.id)) is None:
            return
    with rt.sessions.begin() as session:
        session.execute(delete(MailboxLook))
