"""Notices that replace one: for whoever is told instead, each thing once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from ntm_workflow.chase import owed
from ntm_workflow.chase.stand_in import Share
from ntm_workflow.store.tables import Notice, NoticeItem, ReminderRun
from ntm_workflow.work.audit import Action, Entry


def tell(session: Session, notice: Notice, found: Sequence[Share], now: datetime) -> list[Entry]:
    """Write the notices that replace one, less what their contacts have heard before."""
    ways = owed.channels(session, [one.contact_id for one in found])
    run, entries = None, []
    for one in found:
        fresh = _unheard(session, notice, one)
        if fresh is None:
            continue
        if run is None:  # of its own: the contact may have a notice of the same run
            run = ReminderRun(kind=notice.kind, run_on=notice.run_on, started_at=now)
            session.add(run)
            session.flush()
        for channel in ways[one.contact_id]:
            made = _copy(session, notice, run, one.contact_id, channel, now)
            _fill(session, made, fresh)
            data = {"kind": made.kind, "contact": made.contact_id, "items": len(fresh),
                    "instead_of": notice.id}  # fmt: skip
            entries.append(Entry(Action.NOTICE_QUEUED, f"notice/{made.id}", data))
    session.flush()
    return entries


Key = tuple[int, str, date]  # task, rung, due day
_KEY = (NoticeItem.task_id, NoticeItem.rung, NoticeItem.due_on)
_DEAD = ("suppressed", "expired")  # nobody was told by it


def _unheard(session: Session, notice: Notice, share: Share) -> dict[Key, str] | None:
    """What this contact has not been told yet; None where nothing is left to tell."""
    rows = session.execute(select(NoticeItem.id, *_KEY).where(NoticeItem.notice_id == notice.id))
    wanted = {(t, r, d): share.items[i] for i, t, r, d in rows.tuples() if i in share.items}
    if not wanted:
        return None if _replaced(session, notice, share.contact_id) else {}
    known = session.execute(
        select(*_KEY)
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .where(
            NoticeItem.contact_id == share.contact_id, Notice.state.not_in(_DEAD),
            tuple_(*_KEY).in_(select(*_KEY).where(NoticeItem.notice_id == notice.id)),
        )
    )  # fmt: skip
    for heard in known.tuples():
        wanted.pop(heard, None)
    return wanted or None


def _replaced(session: Session, notice: Notice, contact_id: int) -> bool:
    """True where a notice of the same run was passed on to this contact, by another channel."""
    siblings = select(Notice.id).where(
        Notice.run_id == notice.run_id, Notice.contact_id == notice.contact_id,
        Notice.kind == notice.kind,
    )  # fmt: skip
    query = select(Notice.id).where(
        Notice.contact_id == contact_id, Notice.instead_of.in_(siblings)
    )
    return session.scalar(query.limit(1)) is not None


def _copy(
    session: Session, notice: Notice, run: ReminderRun, contact_id: int, channel: str, now: datetime
) -> Notice:
    made = Notice(
        run_id=run.id, contact_id=contact_id, channel=channel, kind=notice.kind,
        plan_id=notice.plan_id, run_on=notice.run_on, not_before=now, expires_at=notice.expires_at,
        note=notice.note, attachments=notice.attachments, parameters=notice.parameters,
        instead_of=notice.id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _fill(session: Session, made: Notice, items: Mapping[Key, str]) -> None:
    """Put items into a notice; one that stood in a notice nobody got is taken over."""
    query = select(NoticeItem).where(
        NoticeItem.contact_id == made.contact_id, NoticeItem.channel == made.channel,
        NoticeItem.task_id.in_({task for task, _, _ in items}),
    )  # fmt: skip
    stale = {(i.task_id, i.rung, i.due_on): i for i in session.scalars(query)}
    for key, role in items.items():
        if key in stale:
            stale[key].notice_id, stale[key].role = made.id, role
            continue
        task, rung, due_on = key
        session.add(
            NoticeItem(notice_id=made.id, task_id=task, rung=rung, due_on=due_on, role=role,
                       contact_id=made.contact_id, channel=made.channel)
        )  # fmt: skip
