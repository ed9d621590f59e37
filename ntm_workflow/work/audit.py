"""The audit: who did what to which thing, when. A chain that shows a rewritten past.

Each entry carries the SHA-256 over the entry before it and its own canonical
form, so that a changed, dropped, inserted or reordered entry breaks the chain.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast

from sqlalchemy import Row, Table, bindparam, select, update
from sqlalchemy.orm import Session

from ntm_workflow.store import bulk
from ntm_workflow.store.tables import AuditEntry, AuditHead

_TABLE = cast(Table, AuditEntry.__table__)  # read without the ORM: it is many rows
_HEAD = cast(Table, AuditHead.__table__)
# Made once: every change asks for these.
_LOCK = select(_HEAD.c.seq, _HEAD.c.hash).with_for_update()
_MOVE = update(_HEAD).values(seq=bindparam("to_seq"), hash=bindparam("to_hash"))
GENESIS = bytes(32)  # the hash before the first entry
_BY = ("actor", "role", "body", "via", "run_id")
_WHAT = ("action", "subject", "data")


class Action(enum.StrEnum):
    """Everything that can be done. Nothing else is an audit entry."""

    PLAN_LOADED = "plan.loaded"
    PLAN_ENDED = "plan.ended"
    PLAN_AMENDED = "plan.amended"
    CLOCK_SET = "clock.set"
    TASK_OPENED = "task.opened"
    TASK_ACKNOWLEDGED = "task.acknowledged"
    TASK_SUBMITTED = "task.submitted"
    TASK_ACCEPTED = "task.accepted"
    TASK_RETURNED = "task.returned"
    TASK_CANCELLED = "task.cancelled"
    TASK_SUSPENDED = "task.suspended"
    TASK_RESUMED = "task.resumed"
    TASK_CHASED = "task.chased"
    TASK_DUE_CHANGED = "task.due_changed"
    TASK_REASSIGNED = "task.reassigned"
    TASKS_EXPORTED = "tasks.exported"
    AUDIT_EXPORTED = "audit.exported"
    FILTER_SAVED = "filter.saved"
    FILTER_REMOVED = "filter.removed"
    EXTENSION_ASKED = "extension.asked"
    EXTENSION_GRANTED = "extension.granted"
    EXTENSION_REFUSED = "extension.refused"
    OBJECTION_RAISED = "objection.raised"
    OBJECTION_ACCEPTED = "objection.accepted"
    OBJECTION_REFUSED = "objection.refused"
    OBJECTION_WITHDRAWN = "objection.withdrawn"
    NOTICE_QUEUED = "notice.queued"
    NOTICE_SENT = "notice.sent"
    NOTICE_FAILED = "notice.failed"
    NOTICE_SUPPRESSED = "notice.suppressed"
    NOTICE_RESENT = "notice.resent"
    NOTICE_EXPIRED = "notice.expired"
    ADDRESS_UNUSABLE = "address.unusable"
    CHANNEL_SET = "channel.set"
    ADDRESS_ADDED = "address.added"
    CHANNEL_BROKEN = "channel.broken"
    CHANNEL_MENDED = "channel.mended"
    NOTICE_SETTLED = "notice.settled"
    MAIL_SEEN = "mail.seen"
    MAIL_ASSIGNED = "mail.assigned"
    FILE_SCANNED = "file.scanned"
    CHANNEL_RETRIED = "channel.retried"
    CHANNEL_SHUT = "channel.shut"
    CHANNEL_OPENED = "channel.opened"
    CONTACT_IMPORTED = "contact.imported"
    CONTACT_ADDED = "contact.added"
    CONTACT_CHANGED = "contact.changed"
    CONTACT_OFF = "contact.off"
    CONTACT_ERASED = "contact.erased"
    MAILS_FORGOTTEN = "mails.forgotten"
    FILES_REMOVED = "files.removed"
    CONTACT_ON = "contact.on"
    ADDRESS_REMOVED = "address.removed"
    ADDRESS_REUSED = "address.reused"
    ADDRESS_VERIFIED = "address.verified"
    LINK_MADE = "link.made"
    LINK_REVOKED = "link.revoked"
    LINKCODE_MADE = "linkcode.made"
    DAY_OFF = "day.off"
    DAY_WORKED = "day.worked"
    DAY_WITHDRAWN = "day.withdrawn"
    BODY_CHANGED = "body.changed"
    BODY_WITHDRAWN = "body.withdrawn"
    HANDOVER_PROPOSED = "handover.proposed"
    HANDOVER_CONFIRMED = "handover.confirmed"
    HANDOVER_REFUSED = "handover.refused"
    IMPORT_CREATED = "import.created"
    IMPORT_ANSWERED = "import.answered"
    IMPORT_DROPPED = "import.dropped"
    IMPORT_IN_FORCE = "import.in_force"
    AUDIT_SIGNED = "audit.signed"
    KEYS_ADDED = "keys.added"
    KEYS_MOVED = "keys.moved"
    KEYS_DROPPED = "keys.dropped"
    BACKUP_MADE = "backup.made"
    BACKUP_RESTORED = "backup.restored"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_OFF = "account.off"
    ACCOUNT_ON = "account.on"
    ACCOUNT_PASSWORD = "account.password"  # noqa: S105 # nosec B105
    ACCOUNT_SIGNED_IN = "account.signed_in"
    ACCOUNT_SIGNED_OUT = "account.signed_out"
    ACCOUNT_ENDED = "account.ended"
    ACCOUNT_TRIED = "account.tried"
    ACCOUNT_FACTOR = "account.factor"
    ACCOUNT_FACTOR_OFF = "account.factor_off"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: name, role, body, through what, and the Prefect run where a flow did it.

    `contact` is the number of a contact that acts: entries then say "contact/12" and not
    its name, so that the name can be erased while the chain holds.
    """

    name: str
    role: str = "system"
    body: str = ""
    via: str = "cli"
    run_id: str = ""
    contact: int | None = None

    @property
    def called(self) -> str:
        """What entries call who acts."""
        return self.name if self.contact is None else f"contact/{self.contact}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry to append: the action, the thing it was done to, and what changed."""

    action: Action
    subject: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit the chain, and how."""

    seq: int
    why: str


def append(
    session: Session, actor: Actor, now: datetime, entries: Iterable[Entry],
    head: tuple[int, bytes] | None = None,
) -> int:  # fmt: skip
    """Append entries in the transaction of the change they describe; return how many.

    Takes the lock on the chain's head: two writers append one after the other.
    `head` is what `lock` said in this transaction, where nothing was appended since.
    """
    found = list(entries)
    if not found:
        return 0
    seq, prev = head or lock(session)
    instant = now.astimezone(UTC)
    at = _instant(instant)
    by = (actor.called, actor.role, actor.body or "", actor.via, actor.run_id)
    rows: list[tuple[Any, ...]] = []
    shared, data = None, ""  # many entries in a row often share one dict
    for entry in found:
        seq += 1
        if entry.data is not shared:
            shared, data = entry.data, _json(entry.data)
        what = (entry.action.value, entry.subject, data)
        hashed = _hash(prev, (seq, at, *by, *what))
        rows.append((seq, *what, prev, hashed))
        prev = hashed
    same = {"at": instant, **dict(zip(_BY, by, strict=True))}
    bulk.put(session, AuditEntry, same, ("seq", *_WHAT, "prev", "hash"), rows)
    session.connection().execute(_MOVE, {"to_seq": seq, "to_hash": prev})
    return len(rows)


def lock(session: Session) -> tuple[int, bytes]:
    """Lock the head of the chain for this transaction; return its (seq, hash).

    Whoever changes tasks calls it before the first change: sweeps then run one
    after the other, and no two writers wait for each other in a circle.
    """
    seq, last = session.connection().execute(_LOCK).one()
    return seq, last


def head(session: Session) -> int:
    """How many entries the chain has."""
    return session.execute(select(AuditHead.seq)).scalar_one()


def verify(session: Session) -> Broken | None:
    """Re-read the whole chain; return the first entry that breaks it, or None."""
    seq, prev = 0, GENESIS
    for found, at, *said, before, hashed in _stream(session):
        seq += 1
        if found != seq:
            return Broken(seq, "missing")
        if before != prev:
            return Broken(seq, "reordered")
        if hashed != _hash(prev, (seq, _instant(at), *said)):
            return Broken(seq, "changed")
        prev = hashed
    last = session.execute(select(AuditHead.seq, AuditHead.hash)).one()
    if (last.seq, last.hash) != (seq, prev):
        return Broken(seq + 1, "missing")
    return None


def lines(session: Session, first: int, last: int) -> Iterator[tuple[int, str, str, Row[Any]]]:
    """Yield (seq, hash in hexadecimal, canonical form, row) of entries, both ends included."""
    for row in _stream(session, first, last):
        yield row.seq, row.hash.hex(), canonical(dict(row._mapping)), row


def _stream(session: Session, first: int = 0, last: int | None = None) -> Iterator[Row[Any]]:
    columns = (_TABLE.c[name] for name in ("seq", "at", *_BY, *_WHAT, "prev", "hash"))
    query = select(*columns).order_by(_TABLE.c.seq).where(_TABLE.c.seq >= first)
    if last is not None:
        query = query.where(_TABLE.c.seq <= last)
    for page in session.execute(query.execution_options(yield_per=10_000)).partitions():
        yield from page


def _hash(prev: bytes, fields: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(prev + _text(fields).encode()).digest()


def canonical(row: Mapping[str, Any]) -> str:
    """The text that is hashed: a JSON array of the fields in this order, UTF-8, no spaces.

    The instant is UTC to the microsecond ("2020-06-22T01:00:00.000000Z"); `data`
    is the JSON text as stored. Fixed by test vectors: changing it breaks every
    chain that exists.
    """
    return _text((row["seq"], _instant(row["at"]), *(row[name] for name in (*_BY, *_WHAT))))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _day(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"not for the audit: {type(value).__name__}")


# Made once: json.dumps with options makes an encoder for every call.
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_json = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_day
).encode
