"""How a try to send ends: state, attempt and audit of its notice, in one transaction."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from ntm_workflow.channels import hush
from ntm_workflow.channels.result import Again, Message, Outcome, Result
from ntm_workflow.chase import fallback
from ntm_workflow.store import bulk
from ntm_workflow.store.tables import Channel, Notice, NoticeAttempt
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit, links
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

FIRST_PAUSE = timedelta(minutes=2)  # between tries, doubled each time, with full jitter
LONGEST_PAUSE = timedelta(hours=6)
FEW = 4  # tries of what is worth a few
_MINUTE = timedelta(minutes=1)
_MORNING = time(6, 5)  # when quotas begin anew and providers' nights are over
# Without the ORM: each mail asks for these.
_NOTICE, _TRIES = cast(Table, Notice.__table__), cast(Table, NoticeAttempt.__table__)
_TRIED = ("notice_id", "outcome", "detail", "seconds", "code", "provider_id")
_TRYING = insert(_TRIES).inline()
_MINE = (
    select(_NOTICE.c.id)
    .where(
        _NOTICE.c.id.in_(bindparam("ids", expanding=True)),
        _NOTICE.c.claimed_by == bindparam("me"), _NOTICE.c.state == "sending",
    )
    .with_for_update()
)  # fmt: skip
_SENT = update(_NOTICE).where(_NOTICE.c.id == bindparam("one"))
_ENDING = (
    _SENT.where(_NOTICE.c.claimed_by == bindparam("me"))
    .values(resent=_NOTICE.c.resent + bindparam("again"))
    .returning(_NOTICE.c.resent)
)


def next_state(notice: Notice, result: Result, paid: bool) -> str:
    match result.outcome:
        case Outcome.OK:
            return "sent"
        case Outcome.RECIPIENT | Outcome.PAYLOAD:
            return "failed"
        case Outcome.AMBIGUOUS:
            return "unknown" if notice.resent or paid else "pending"
        case Outcome.AUTH | Outcome.CONFIG:
            return "pending"  # ours to mend, however long it takes
    if result.again is Again.FEW and notice.tries >= FEW:
        return "failed"
    return "pending"  # a mail server that is away for a week loses nothing


# -- many that were sent ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """A message its provider took, in what JSON can hold: it may wait in a journal."""

    notice_id: int
    at: str
    values: dict[str, Any]
    tried: dict[str, Any]
    data: dict[str, Any]

    def kept(self) -> dict[str, Any]:
        """Its fields by their names; nothing is copied."""
        return {name: getattr(self, name) for name in self.__slots__}


def sent(
    claimed: Notice, result: Result, now: datetime, message: Message, codes: list[str]
) -> Sent:
    """What `settle_sent` is to write of a message that was taken at an instant."""
    values = _values(claimed, "sent", result, now, message)
    del values["sent_at"], values["again"]
    return Sent(
        claimed.id, now.isoformat(), values, _tried(claimed.id, result),
        {"contact": claimed.contact_id, "resent": claimed.resent, "tasks": codes},
    )  # fmt: skip


def settle_sent(
    session: Session, many: Sequence[Sent], me: str, now: datetime, actor: Actor,
    head: tuple[int, bytes],
) -> int:  # fmt: skip
    """End the tries of many that were sent; return how many were still `me`'s to end.

    `head` is what `audit.lock` said in this transaction.
    """
    connection = session.connection()
    ids = {"ids": [one.notice_id for one in many], "me": me}
    mine = set(connection.scalars(_MINE, ids))
    ours = [(one, datetime.fromisoformat(one.at)) for one in many if one.notice_id in mine]
    if not ours:
        return 0
    connection.execute(_SENT, [one.values | {"sent_at": at} for one, at in ours])
    bulk.put(session, NoticeAttempt, {}, ("at", *_TRIED), [
        (at, *(one.tried[name] for name in _TRIED)) for one, at in ours
    ])  # fmt: skip
    audit.append(session, actor, now, [
        Entry(Action.NOTICE_SENT, f"notice/{one.notice_id}", one.data) for one, _ in ours
    ], head)  # fmt: skip
    return len(ours)


# -- one, whatever came of it ----------------------------------------------------------


def settle(
    rt: Runtime, claimed: Notice, state: str, result: Result, now: datetime, actor: Actor,
    me: str, data: dict[str, Any], message: Message | None = None,
) -> None:  # fmt: skip
    """End a try in a transaction of its own.

    `claimed` is the notice as it was when it was taken, with its last outcome.
    Nothing changes where it was taken for dead and released meanwhile: what
    happens next is not ours.
    """
    values = _values(claimed, state, result, now, message) | {"me": me}
    with rt.sessions.begin() as session:
        head = audit.lock(session)
        resent = session.connection().scalar(_ENDING, values)
        if resent is None:
            return
        if result.quota_left is not None:
            session.get_one(Channel, claimed.channel).quota_left = result.quota_left
        attempt(session, claimed.id, now, result)
        entries = []
        if state == "failed":
            entries = fallback.after(session, session.get_one(Notice, claimed.id), result, now)
        if action := _ENDS.get(state):
            details = {"contact": claimed.contact_id, "resent": resent, **data}
            entries.insert(0, Entry(action, f"notice/{claimed.id}", details))
            audit.append(session, actor, now, entries, head)


_ENDS = {
    "sent": Action.NOTICE_SENT, "failed": Action.NOTICE_FAILED,
    "suppressed": Action.NOTICE_SUPPRESSED, "expired": Action.NOTICE_EXPIRED,
}  # fmt: skip


def _values(
    claimed: Notice, state: str, result: Result, now: datetime, message: Message | None
) -> dict[str, Any]:
    """What of a notice changes when one try has come to an end, for `_ENDING`."""
    lost = state == "pending" and result.outcome is Outcome.AMBIGUOUS
    values: dict[str, Any] = {
        "one": claimed.id, "again": int(lost),
        "state": state, "claimed_by": None, "claimed_at": None,
        "error": "" if state == "sent" else result.detail, "outcome": str(result.outcome),
        "code": result.code, "provider_id": result.provider_id,
    }  # fmt: skip
    if message:
        values |= {
            "address": message.to_address, "subject": message.subject,
            "body": links.masked(message.text), "html": links.masked(message.html),
            "message_id": message.message_id, "thread": message.topic,
        }  # fmt: skip
        if message.parameters:
            values["parameters"] = links.masked_values(message.parameters)
        if message.attachments:
            values["attachments"] = [one.name for one in message.attachments]
    if state == "sent":
        values["sent_at"] = now
    elif state == "pending":
        values["not_before"] = again_at(claimed, result, now)
    return values


def attempt(session: Session, notice_id: int, now: datetime, result: Result) -> None:
    """Record one try of a notice."""
    session.connection().execute(_TRYING, _tried(notice_id, result) | {"at": now})


def _tried(notice_id: int, result: Result) -> dict[str, Any]:
    return {
        "notice_id": notice_id, "outcome": str(result.outcome),
        "detail": hush.unaddressed(result.detail), "seconds": result.seconds,
        "code": result.code, "provider_id": result.provider_id,
    }  # fmt: skip


def again_at(notice: Notice, result: Result, now: datetime) -> datetime:
    """When to try again: tomorrow where a quota or the night says so, else after a pause.

    A limit by the minute waits for the next one. A quota that may be one of the
    minute is believed to be the day's when the next minute's try meets it too.
    """
    if result.again is Again.MINUTE and not (
        result.outcome is Outcome.QUOTA and notice.outcome == Outcome.QUOTA
    ):
        spread = _jitter(min(_MINUTE * 2 ** min(notice.tries - 1, 9), LONGEST_PAUSE))
        return _minute_after(now, result.outcome) + spread
    if result.outcome not in (Outcome.QUOTA, Outcome.NIGHT):
        return now + pause(notice.tries)
    local = now.astimezone(ZONE)
    early = local.time() < _MORNING and result.outcome is Outcome.NIGHT
    day = local.date() if early else local.date() + timedelta(days=1)
    return datetime.combine(day, _MORNING, ZONE) + pause(2)  # not everybody at once


def pause(tries: int) -> timedelta:
    """Full jitter: anything up to the pause that doubles with each try."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(tries, 12)
    return _jitter(min(doubled, LONGEST_PAUSE))


def _jitter(longest: timedelta) -> timedelta:
    spread = random.random()  # noqa: S311  # nosec B311
    return longest * spread


def _minute_after(now: datetime, outcome: Outcome) -> datetime:
    """The first instant of the next minute; a whole minute from now where a quota was met."""
    whole = outcome is Outcome.QUOTA
    return (now if whole else now.replace(second=0, microsecond=0)) + _MINUTE
