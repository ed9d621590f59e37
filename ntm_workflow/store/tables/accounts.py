"""Who may sign in, as what, for which bodies; and the browsers that have."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ntm_workflow.store.tables.base import Base


class Account(Base):
    """Somebody who signs in. `login` is folded; `name` is how pages and the audit call them.

    `password_hash` is empty where only single sign-on or a first address opens it.
    `subject` is "issuer|subject" at the OpenID provider, kept from the first
    sign-in by a registered mail address. `totp` is hidden with the installation's
    key; codes up to the step `totp_step` were used.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str]
    role: Mapped[str] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    subject: Mapped[str | None] = mapped_column(String(600), unique=True)
    password_hash: Mapped[str] = mapped_column(default="")
    must_change: Mapped[bool] = mapped_column(default=False)
    totp: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime]


class AccountBody(Base):
    """The bodies for which an account sees and acts."""

    __tablename__ = "account_body"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"), primary_key=True)


class WebSession(Base):
    """A browser that is signed in. Its cookie is kept as a SHA-256 only; ended ones are deleted.

    `way` is how it came in: password, oidc, first, demo. `ends_at` is final,
    however much it is used.
    """

    __tablename__ = "web_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    way: Mapped[str] = mapped_column(String(20))
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")


class Ticket(Base):
    """Something that opens once and soon: the first administrator's address, a second step.

    Kept as a SHA-256 only; deleted when it is used.
    """

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    ends_at: Mapped[datetime]


class LoginTry(Base):
    """How often one account, or one address, was tried since `since`. `key` is a SHA-256."""

    __tablename__ = "login_try"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]
