"""Who is written to, and at which addresses."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, String, Time, UniqueConstraint, select
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from ntm_workflow.store.tables.base import Base

MAIL = "mail"  # the channel that every installation has


class Address(Base):
    """Where a contact is reached through one channel, and whether that works.

    Contacts are told at the first usable address by `rank`; where that fails,
    at the next. An address with `always` is told too, whatever became of the
    others. `unusable_why` is what the channel said when it refused for good.
    """

    __tablename__ = "address"
    __table_args__ = (
        UniqueConstraint("contact_id", "channel"),
        UniqueConstraint("channel", "value"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    channel: Mapped[str] = mapped_column(String(20), ForeignKey("channel.name"))
    value: Mapped[str]
    rank: Mapped[int] = mapped_column(default=0)
    always: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    unusable_at: Mapped[datetime | None]
    unusable_why: Mapped[str] = mapped_column(default="")


class Contact(Base):
    """A person or mailbox, whatever bodies it speaks for.

    While absent (both days inclusive; no last day: until further notice) the
    deputy is told instead. Nothing leaves in the quiet hours, which may run
    over midnight, and the digest not before `digest_at`; both are local times.
    Raising `link_version` revokes every personal link. From `erased_at` on nothing
    is left of it but its number, which the audit and the record of messages name.
    """

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    absent_from: Mapped[date | None]
    absent_until: Mapped[date | None]
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_until: Mapped[time | None] = mapped_column(Time)
    digest_at: Mapped[time | None] = mapped_column(Time)
    link_version: Mapped[int] = mapped_column(default=0, server_default="0")
    erased_at: Mapped[datetime | None]

    addresses: Mapped[list[Address]] = relationship(order_by="(Address.rank, Address.id)")
    email: Mapped[str | None] = column_property(  # usable or not; None where there is none
        select(Address.value)
        .where(Address.contact_id == id, Address.channel == MAIL)
        .correlate_except(Address)
        .scalar_subquery()
    )

    @property
    def pseudonym(self) -> str:
        """What stands for its name where that must not."""
        return f"contact/{self.id}"


class ContactBody(Base):
    """Which bodies a contact speaks for."""

    __tablename__ = "contact_body"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(default="")


class PersonalLink(Base):
    """A link by which a contact works on its tasks without a password.

    The link itself is not here: it is sealed with the installation's key
    (work/links.py). One with an older `version` than its contact's `link_version`
    is revoked, and so is one with `revoked_at`.
    """

    __tablename__ = "personal_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    version: Mapped[int]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class LinkCode(Base):
    """A code that a contact sends once to the Official Account or bot: "LIENKET 4F7K-9Q2M".

    Kept as its SHA-256 only. `used_at` is when it came in.
    """

    __tablename__ = "link_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    channel: Mapped[str] = mapped_column(String(20), ForeignKey("channel.name"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
