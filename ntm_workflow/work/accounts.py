"""Accounts: who may sign in, in which role, for which bodies."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.text import nfc
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import Account, AccountBody, BodyRecord, Ticket, WebSession
from ntm_workflow.work import audit, passwords
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.contacts import By

_LOGIN = re.compile(r"[^\s/@\x00-\x1f]{2,80}")
_MAIL = re.compile(r"[^\s@<>,;\x00-\x1f]{1,64}@[^\s@<>,;\x00-\x1f]{1,188}")
FIRST = "quan-tri"  # what the first administrator signs in as


class Role(enum.StrEnum):
    """What somebody may do; web/rights.py says it page by page."""

    ADMINISTRATOR = "administrator"
    COORDINATION = "coordination"
    OFFICE = "office"
    LEADER = "leader"
    INSPECTOR = "inspector"


_OF_A_BODY = (Role.COORDINATION, Role.OFFICE)  # nobody is one without a body


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who is signed in: the account, and the browser's session."""

    id: int
    login: str
    name: str
    role: Role
    bodies: tuple[str, ...] = ()
    must_change: bool = False
    session: int = 0
    seen_at: datetime | None = None

    def actor(self, body: str = "") -> Actor:
        """Who acts, for the audit; for a body where it is for one."""
        return Actor(self.name, self.role.value, body or self._own, via="page")

    def coordinates(self, office: str) -> bool:
        """Whether this is who runs the plans of a coordination office."""
        mine = self.role is Role.COORDINATION and office in self.bodies
        return mine or self.role is Role.ADMINISTRATOR

    @property
    def _own(self) -> str:
        return self.bodies[0] if len(self.bodies) == 1 else ""


# -- finding ---------------------------------------------------------------------------


def folded(login: str) -> str:
    """How a sign-in name is kept and compared."""
    return nfc(login).strip().casefold()


def by_login(session: Session, said: str) -> Account | None:
    """The account of this sign-in name or mail address."""
    wanted = folded(said)[:300]
    return session.scalars(
        select(Account).where(or_(Account.login == wanted, Account.email == wanted))
    ).first()


def find(session: Session, said: str) -> Account:
    """The same. Raises NotFound."""
    found = by_login(session, said)
    if found is None:
        raise NotFound("account.unknown", login=said)
    return found


def bodies_of(session: Session, account_id: int) -> tuple[str, ...]:
    query = select(AccountBody.body_id).where(AccountBody.account_id == account_id)
    return tuple(session.scalars(query.order_by(AccountBody.body_id)))


def listed(session: Session) -> list[tuple[Account, tuple[str, ...]]]:
    """Every account with its bodies, by sign-in name."""
    found: dict[int, list[str]] = {}
    for number, body in session.execute(
        select(AccountBody.account_id, AccountBody.body_id).order_by(AccountBody.body_id)
    ).tuples():
        found.setdefault(number, []).append(body)
    query = select(Account).order_by(Account.login)
    return [(one, tuple(found.get(one.id, ()))) for one in session.scalars(query)]


def needs_first(session: Session) -> bool:
    """True while no administrator has a way in of their own."""
    query = select(func.count()).select_from(Account).where(
        Account.role == Role.ADMINISTRATOR.value, Account.active,
        or_(Account.password_hash != "", Account.email.is_not(None)),  # nosec B105
    )  # fmt: skip
    return not session.scalar(query)


# -- changing --------------------------------------------------------------------------


def add(
    session: Session, login: str, role: Role, bodies: Iterable[str], by: By, *,
    name: str = "", email: str = "",
) -> Account:  # fmt: skip
    """A new account, without a password.

    Raises:
        Refused: the name or address is taken or cannot be one, the role needs a
            body, or nobody knows the body.
    """
    audit.lock(session)
    wanted, mine = folded(login), sorted(set(bodies))
    if not _LOGIN.fullmatch(wanted):
        raise Refused("account.login", login=login)
    mail = _mail(email)
    if by_login(session, wanted):
        raise Refused("account.taken", login=wanted)
    if mail and by_login(session, mail):
        raise Refused("account.mail_taken", email=mail)
    _check_bodies(session, role, mine)
    made = Account(
        login=wanted, name=nfc(name).strip()[:120] or nfc(login).strip(), role=role.value,
        email=mail, made_at=by.now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.add_all(AccountBody(account_id=made.id, body_id=body) for body in mine)
    data = {"called": made.name, "account_role": role.value, "bodies": mine}
    note(session, made, Action.ACCOUNT_ADDED, by, **data)
    return made


def _mail(email: str) -> str | None:
    mail = email.strip().casefold()
    if mail and not _MAIL.fullmatch(mail):
        raise Refused("account.mail", email=email)
    return mail or None


def _check_bodies(session: Session, role: Role, bodies: list[str]) -> None:
    if role in _OF_A_BODY and not bodies:
        raise Refused("account.no_body")
    known = set(session.scalars(select(BodyRecord.id).where(BodyRecord.id.in_(bodies))))
    for body in bodies:
        if body not in known:
            raise Refused("account.body", body=body)


def change(
    session: Session, account: Account, role: Role, bodies: Iterable[str], by: By, *,
    name: str, email: str,
) -> None:  # fmt: skip
    """Another name, address, role or other bodies; counts from the next page on.

    Raises:
        Refused: as `add`, or it is the last administrator.
    """
    audit.lock(session)
    mine, before = sorted(set(bodies)), bodies_of(session, account.id)
    mail, called = _mail(email), nfc(name).strip()[:120] or account.name
    taken = by_login(session, mail) if mail else None
    if taken is not None and taken.id != account.id:
        raise Refused("account.mail_taken", email=mail)
    _check_bodies(session, role, mine)
    if role is not Role.ADMINISTRATOR:
        _keep_one_administrator(session, account)
    data: dict[str, object] = {}
    if called != account.name:
        data["called"] = called
    if mail != account.email:
        data["email"] = mail or ""
    if role != account.role:
        data["account_role"] = role.value
    if mine != list(before):
        data["bodies"] = mine
        session.execute(delete(AccountBody).where(AccountBody.account_id == account.id))
        session.add_all(AccountBody(account_id=account.id, body_id=body) for body in mine)
    if data:
        account.name, account.email, account.role = called, mail, role.value
        note(session, account, Action.ACCOUNT_CHANGED, by, **data)


def give_password(session: Session, account: Account, kept: str, once: bool, by: By) -> None:
    """Keep a password as `passwords.hashed` made it, and end every session.

    `once`: it must be changed at the next sign-in.
    """
    audit.lock(session)
    account.password_hash, account.must_change = kept, once
    session.flush()
    end_sessions(session, account)
    note(session, account, Action.ACCOUNT_PASSWORD, by)


def choose_password(account: Account, typed: str, again: str) -> str:
    """What to keep of a password that somebody chose. Raises Refused."""
    same(typed, again)
    passwords.check(typed, account.login)
    return passwords.hashed(typed)


def same(typed: str, again: str) -> None:
    if typed != again:
        raise Refused("password.differ")


def set_active(session: Session, account: Account, active: bool, by: By) -> None:
    """Open or shut an account; shut, it is signed out everywhere.

    Raises:
        Refused: it is the last administrator.
    """
    audit.lock(session)
    if account.active == active:
        return
    if not active:
        _keep_one_administrator(session, account)
    account.active = active
    session.flush()
    if not active:
        end_sessions(session, account)
    note(session, account, Action.ACCOUNT_ON if active else Action.ACCOUNT_OFF, by)


def _keep_one_administrator(session: Session, account: Account) -> None:
    if account.role != Role.ADMINISTRATOR:
        return
    query = select(func.count()).select_from(Account).where(
        Account.role == Role.ADMINISTRATOR.value, Account.active, Account.id != account.id
    )  # fmt: skip
    if not session.scalar(query):
        raise Refused("account.last", login=account.login)


def end_all(session: Session, account: Account, by: By) -> int:
    """Sign an account out everywhere; return of how many browsers."""
    audit.lock(session)
    ended = end_sessions(session, account)
    note(session, account, Action.ACCOUNT_ENDED, by, sessions=ended)
    return ended


def end_sessions(session: Session, account: Account) -> int:
    """End all sessions, and what was on its way to become one; return how many there were."""
    session.execute(delete(Ticket).where(Ticket.account_id == account.id))
    gone = delete(WebSession).where(WebSession.account_id == account.id).returning(WebSession.id)
    return len(session.scalars(gone).all())


def note(session: Session, account: Account, action: Action, by: By, **data: object) -> None:
    session.flush()
    audit.append(session, by.actor, by.now, [Entry(action, f"account/{account.login}", data)])


def first_administrator(session: Session, by: By) -> Account:
    """The account behind the first address: made on its first opening."""
    found = by_login(session, FIRST)
    if found is None:
        found = add(session, FIRST, Role.ADMINISTRATOR, (), by, name="Quản trị")
    if not found.active or found.role != Role.ADMINISTRATOR:
        raise Refused("account.first_taken", login=FIRST)
    found.must_change = True
    return found


def by_identity(session: Session, identity: str, email: str | None, by: By) -> Account | None:
    """The account that an identity at the OpenID provider opens; None where nobody has one.

    `email` only where the provider has verified it. The first sign-in by it binds
    the account to the identity: whoever gets the address later does not get in.
    """
    audit.lock(session)
    found = session.scalars(select(Account).where(Account.subject == identity)).first()
    if found is None and email:
        query = select(Account).where(Account.email == email.strip().casefold())
        found = session.scalars(query.where(Account.subject.is_(None))).first()
        if found is not None and found.active:
            found.subject = identity
            note(session, found, Action.ACCOUNT_CHANGED, by, identity=identity)
    return found if found is not None and found.active else None


def last_sign_in(session: Session) -> dict[int, datetime]:
    """When each account that is signed in was last seen."""
    query = select(WebSession.account_id, func.max(WebSession.seen_at))
    return dict(session.execute(query.group_by(WebSession.account_id)).tuples().all())
