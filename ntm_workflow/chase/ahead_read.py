"""What a bundle of notices needs for its last look and its words, read for all at once.

One mail asks a dozen questions of the database, and so do fifty together. What
was read counts for a second. Only ordinary
notices are known here: a daily digest to its own contact, at an address that
works, of items that are all its own. Of anything else nothing is known, and
whoever sends it looks for itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Bundle, Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import confirm, digest, head_mail, personal, postmark, recheck, stand_in
from ntm_workflow.store.tables import Address, Channel, Contact, Notice

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

FRESH = 1.0  # seconds of the real clock that what was read counts


@dataclass(frozen=True, slots=True)
class Known:
    """What the words of a digest need. `own` is None where the contact's link is to be made."""

    contact: Contact
    address: str
    kind: str
    entries: list[digest.Entry]
    own: str | None
    confirm: str = ""
    stead: str = ""
    ahead: Sequence[tuple[Plan, digest.Line]] = ()
    thread: tuple[str, ...] = ()
    head: str = ""


class AheadRead:
    """What is known of claimed notices, for one run of one deliverer."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._known: dict[int, Known] = {}
        self._asked: set[int] = set()
        self._until = 0.0

    def tells_of(self, notice: Notice) -> bool:
        """True where `of` can answer from what was read."""
        return notice.id in self._asked and time.monotonic() <= self._until

    def of(self, notice: Notice, now: datetime) -> Known | None:
        """What there is to know of a notice, once; None: it is no ordinary one."""
        known = self._known.pop(notice.id, None)
        if known is None or not recheck.may_be_told(self._rt, known.contact, notice, now):
            return None
        return known

    def read(self, notices: Sequence[Notice], now: datetime) -> None:
        """Read about notices of which the first is the next to leave."""
        self._until = time.monotonic() + FRESH
        ids = [one.id for one in notices if one.kind == recheck.DAILY and one.instead_of is None]
        found: dict[int, _Row] = {}
        told: set[int] = set()
        with self._rt.reader() as session:
            rows = session.execute(_ROWS, {"ids": ids}).tuples().all() if ids else ()
            for one in (_Row(*row) for row in rows):
                # A second mail to somebody is read when the first has left: it may follow it.
                if one.contact.id not in told:
                    told.add(one.contact.id)
                    found[one.notice] = one
            self._known = self._all(session, found, now) if found else {}
        later = {row.id for row in notices if row.contact_id in told} - set(found)
        self._asked = {one.id for one in notices} - later

    def _all(self, session: Session, found: dict[int, _Row], now: datetime) -> dict[int, Known]:
        rt = self._rt
        foreign = {one for one, _ in stand_in.foreign_of(session, list(found), rt.all_plans)}
        entries = digest.still_owed_of(session, [one for one in found if one not in foreign])
        rows = [found[one] for one in entries]
        own = personal.addresses(rt, session, [row.contact.id for row in rows], now)
        heads = head_mail.lines(session, [row.contact.id for row in rows], rt.all_plans)
        asked = confirm.asked_of(rt, session, [row.address for row in rows])
        topics = {one: digest.topic(told, ahead=False) for one, told in entries.items()}
        threads = postmark.threads(session, topics)
        return {
            row.notice: Known(
                row.contact, row.address.value, row.kind, entries[row.notice],
                own.get(row.contact.id), asked.get(row.address.id, ""),
                thread=threads.get(row.notice, ()), head=heads.get(row.contact.id, ""),
            )
            for row in rows
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    notice: int
    contact: Contact
    address: Address
    kind: str


_REACHED = and_(
    Address.contact_id == Notice.contact_id, Address.channel == Notice.channel,
    Address.unusable_at.is_(None),
)  # fmt: skip
# Past the ORM: columns by their names, which is all that anybody asks of these two.
_CONTACT: Bundle[Any] = Bundle(
    "contact", Contact.id, Contact.name, Contact.email, Contact.active, Contact.absent_from,
    Contact.absent_until, Contact.quiet_from, Contact.quiet_until, Contact.digest_at,
)  # fmt: skip
_ADDRESS: Bundle[Any] = Bundle(
    "address", Address.id, Address.contact_id, Address.channel, Address.value,
    Address.verified_at,
)  # fmt: skip
_ROWS = (
    select(Notice.id, _CONTACT, _ADDRESS, Channel.kind)
    .join(Contact, Contact.id == Notice.contact_id)
    .join(Address, _REACHED)
    .join(Channel, Channel.name == Address.channel)
    .where(Notice.id.in_(bindparam("ids", expanding=True)))
    .order_by(Notice.not_before, Notice.id)
)
