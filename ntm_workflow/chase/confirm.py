"""Whether a mail address belongs to its contact: asked in its first mail, said on a page."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Address, Notice
from ntm_workflow.store.tables.people import MAIL

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

PATH = "/v/xac-nhan/"
_PURPOSE = "verify"
_TOLD = ("sent", "delivered", "seen")


def asked(rt: Runtime, session: Session, notice: Notice) -> str:
    """The address of the page to confirm at, for the first mail to a new address; else ""."""
    if notice.channel != MAIL:
        return ""
    address = session.scalar(
        select(Address).where(Address.contact_id == notice.contact_id, Address.channel == MAIL)
    )
    return asked_of(rt, session, [address]).get(address.id, "") if address else ""


def asked_of(rt: Runtime, session: Session, addresses: Iterable[Address]) -> dict[int, str]:
    """The same of many addresses, by their numbers; of those that are not asked nothing."""
    new = [one for one in addresses if one.channel == MAIL and not one.verified_at]
    written_to = {(MAIL, *told) for told in _written_to(session, new)} if new else set()
    return {
        one.id: f"{rt.settings.base_url}{PATH}{token(rt.keys, one)}"
        for one in new
        if (one.channel, one.contact_id, one.value) not in written_to
    }


def _written_to(session: Session, addresses: Iterable[Address]) -> Iterable[tuple[int, str]]:
    """(contact, address): mails that were sent to these contacts."""
    contacts = {one.contact_id for one in addresses}
    return session.execute(_WRITTEN_TO, {"contacts": sorted(contacts)}).tuples().all()


_WRITTEN_TO = (
    select(Notice.contact_id, Notice.address)
    .where(
        Notice.contact_id.in_(bindparam("contacts", expanding=True)), Notice.channel == MAIL,
        Notice.state.in_(_TOLD),
    )
    .distinct()
)  # fmt: skip


def token(keys: Keys, address: Address) -> str:
    """What the link holds: the address by its number, sealed together with what it is."""
    seal = keys.seal(_PURPOSE, _meant(address))
    return f"{address.id}.{urlsafe_b64encode(seal).decode().rstrip('=')}"


def meant(session: Session, keys: Keys, token: str) -> Address:
    """The address that a link asks about.

    Raises:
        NotFound: not a link of ours, or the address has been changed since.
    """
    number, _, sealed = token.partition(".")
    known = number.isascii() and number.isdigit() and len(number) < 10
    address = session.get(Address, int(number)) if known else None
    if address is None or not keys.sealed(_PURPOSE, _meant(address), _bytes(sealed)):
        raise NotFound("confirm.unknown")
    return address


def _meant(address: Address) -> bytes:
    return f"{address.id}\n{address.channel}\n{address.value}".encode()


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
