"""Whose a notice is while it is being sent, and what becomes of it when they die."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psutil
from sqlalchemy import Row, Table, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from ntm_workflow.channels.result import Outcome, Result
from ntm_workflow.chase import ending, journal, owed
from ntm_workflow.chase.ending import Sent
from ntm_workflow.chase.journal import Left
from ntm_workflow.store.tables import Address, Channel, Contact, Notice
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

STUCK_AFTER = timedelta(minutes=15)  # a claim older than this belongs to a dead process
PAID = ("zbs",)  # kinds of channel whose messages are never sent twice on a doubt
SAME_START = 2.0  # seconds: the system's own idea of a start moves when its clock is set
_NOTICE = cast(Table, Notice.__table__)  # without the ORM: each mail asks for it
# What sending fills in, which nobody asks of a notice that is to be sent.
_OF_SENDING = (
    "state", "claimed_at", "sent_at", "address", "subject", "body", "html", "message_id",
    "thread", "error", "code", "provider_id", "delivered_at", "seen_at",
)  # fmt: skip
_LETTING_GO = (
    update(_NOTICE)
    .where(
        _NOTICE.c.id.in_(bindparam("ids", expanding=True)),
        _NOTICE.c.claimed_by == bindparam("me"), _NOTICE.c.state == "sending",
    )
    .values(state="pending", claimed_by=None, claimed_at=None, tries=_NOTICE.c.tries - 1)
)  # fmt: skip


def claim(
    session: Session, now: datetime, shut: Sequence[str] = (), channels: Collection[str] = (MAIL,),
    many: int = 1,
) -> list[Notice]:  # fmt: skip
    """Take up to so many notices of these channels, those first that have been due longest.

    None of the plans `shut`, nor any whose contact has no address that works.

    One statement, so two deliverers never take the same notice. Commit before
    sending: a crash in mid-send leaves the rows in "sending", where
    `release_stuck` finds them.
    """
    what = {
        "now": now, "channels": list(channels), "shut": list(shut), "me": me(), "many": many,
    }  # fmt: skip
    # Past the ORM: its columns by their names, which is all that anybody asks of it.
    found: list[Row[Any]] = list(session.connection().execute(_claiming(), what))
    return cast(list[Notice], sorted(found, key=lambda one: (one.not_before, one.id)))


@cache  # building it costs more than running it
def _claiming() -> ReturningUpdate[Any]:
    waiting = (
        select(Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .outerjoin(
            Address,
            and_(
                Address.contact_id == Notice.contact_id, Address.channel == Notice.channel,
                Address.unusable_at.is_(None),
            ),
        )
        .where(
            Notice.state == "pending", Notice.not_before <= bindparam("now"),
            Notice.channel.in_(bindparam("channels", expanding=True)),
            Notice.plan_id.not_in(bindparam("shut", expanding=True)),
            or_(Address.id.is_not(None), ~Contact.active, owed.reached(Notice.contact_id)),
        )
        .order_by(Notice.not_before, Notice.id)
        .limit(bindparam("many"))
        .with_for_update(skip_locked=True, of=Notice)
        .cte("waiting")  # looked for once, whatever the plan
    )  # fmt: skip
    return (
        update(_NOTICE)
        .where(_NOTICE.c.id.in_(select(waiting.c.id)), _NOTICE.c.state == "pending")
        .values(state="sending", claimed_at=bindparam("now"), claimed_by=bindparam("me"),
                tries=_NOTICE.c.tries + 1)
        .returning(*(one for one in _NOTICE.c if one.name not in _OF_SENDING))
    )  # fmt: skip


def let_go(session: Session, ids: Iterable[int]) -> None:
    """Give back what was claimed and never begun."""
    session.connection().execute(_LETTING_GO, {"ids": list(ids), "me": me()})


def release_stuck(rt: Runtime, now: datetime, actor: Actor) -> int:
    """Take back what a dead process was sending; return how many were in doubt.

    Its journal says what it had not begun, which is owed as before, and what it
    had sent, which is sent. Of the rest nobody knows: it may have been taken by
    the server, so it is sent once more and marked so. What was sent twice into
    silence becomes "unknown", for a person to look at.
    """
    folder, doubtful = journals(rt), 0
    over = [left.path for left in journal.left(folder) if _gone(left.owner)]
    with rt.sessions.begin() as session:
        query = select(Notice.id, Notice.claimed_by, Notice.claimed_at)
        sending = session.execute(query.where(Notice.state == "sending")).tuples().all()
        if stuck := [one for one, by, at in sending if dead(by, at, now)]:
            known = list(journal.left(folder))
            doubtful = _told(session, stuck, known, now, actor)
    for path in over:  # its owner was dead before we looked: all that it says has been heard
        path.unlink(missing_ok=True)
    return doubtful


def journals(rt: Runtime) -> Path:
    """The folder of this machine's journals."""
    return rt.settings.var / "outbox"


def _told(
    session: Session, stuck: list[int], known: list[Left], now: datetime, actor: Actor
) -> int:
    """Settle what a journal knows of, and mark what none does; return how many of those."""
    head = audit.lock(session)
    begun = {one for left in known for one in left.begun}
    ended = {one: said for left in known for one, said in left.ended.items()}
    told = {left.owner for left in known if left.complete and _gone(left.owner)}
    paid = set(session.scalars(select(Channel.name).where(Channel.kind.in_(PAID))))
    entries, idle, sent = [], [], defaultdict(list)
    query = select(Notice).where(Notice.id.in_(stuck), Notice.state == "sending")
    for notice in session.scalars(query.order_by(Notice.id).with_for_update()):
        if not dead(notice.claimed_by, notice.claimed_at, now):
            continue  # somebody else took it back meanwhile; it may be on its way again
        if notice.id in ended:
            sent[notice.claimed_by or ""].append(Sent(**ended[notice.id]))
        elif notice.claimed_by in told and notice.id not in begun:
            idle.append(notice)
        else:
            entries.append(_in_doubt(session, notice, paid, now))
    for notice in idle:
        notice.state, notice.tries = "pending", notice.tries - 1
        notice.claimed_by = notice.claimed_at = None
    for owner, many in sent.items():
        session.flush()
        ending.settle_sent(session, many, owner, now, actor, head)
        head = audit.lock(session)
    audit.append(session, actor, now, entries, head)
    return len(entries)


def _in_doubt(session: Session, notice: Notice, paid: set[str], now: datetime) -> Entry:
    notice.state = "unknown" if notice.resent or notice.channel in paid else "pending"
    notice.resent += 1
    notice.claimed_by = notice.claimed_at = None
    ending.attempt(session, notice.id, now, Result(Outcome.AMBIGUOUS, "process died"))
    data = {"state": notice.state, "resent": notice.resent}
    return Entry(Action.NOTICE_RESENT, f"notice/{notice.id}", data)


def me() -> str:
    """This process, so that others can tell whether it still lives."""
    return _process(os.getpid())  # now, not at import: a fork is a process of its own


@lru_cache(maxsize=1)
def _process(pid: int) -> str:
    return f"{socket.gethostname()}/{pid}/{psutil.Process(pid).create_time():.2f}"


def dead(claimed_by: str | None, claimed_at: datetime | None, now: datetime) -> bool:
    """True where whoever claimed a notice will not end its try any more."""
    if claimed_at and now - claimed_at >= STUCK_AFTER:
        return True
    return _gone(claimed_by or "")


def _gone(owner: str) -> bool:
    """True for a process of this machine that lives no more."""
    host, _, rest = owner.partition("/")
    pid, _, started = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        apart = psutil.Process(int(pid)).create_time() - float(started)
        return bool(abs(apart) > SAME_START)
    except psutil.NoSuchProcess:
        return True
