"""Sessions of browsers: a cookie nobody can guess, kept as a digest, that ends by itself.

`now` is the real clock even in a simulation: the days of a plan may be played,
how long a browser stays signed in may not.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound
from ntm_workflow.store.tables import Account, AccountBody, Ticket, WebSession
from ntm_workflow.work.accounts import Role, Who

LONGEST = timedelta(days=7)  # however much it is used
IDLE = timedelta(hours=8)  # unused: a working day
_NOTED = timedelta(minutes=5)  # use is written down no more often

FIRST_LIVES = timedelta(minutes=30)
SECOND_LIVES = timedelta(minutes=5)
Purpose = Literal["first", "second"]


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody comes from, for their own list of sessions."""

    address: str = ""
    name: str = ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# -- sessions --------------------------------------------------------------------------


def start(session: Session, account: Account, way: str, browser: Browser, now: datetime) -> str:
    """Sign a browser in; return what its cookie holds, which is kept nowhere."""
    forget_old(session, now)
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            account_id=account.id, digest=_digest(token), way=way, made_at=now, seen_at=now,
            ends_at=now + LONGEST, address=browser.address[:45], browser=browser.name[:200],
        )
    )  # fmt: skip
    session.flush()
    return token


def who(session: Session, token: str, now: datetime) -> Who | None:
    """Who this cookie belongs to, if it still opens; one statement."""
    if len(token) != 43:
        return None
    query = (
        select(Account, WebSession, AccountBody.body_id)
        .join(WebSession, WebSession.account_id == Account.id)
        .outerjoin(AccountBody, AccountBody.account_id == Account.id)
        .where(WebSession.digest == _digest(token), Account.active)
        .order_by(AccountBody.body_id)
    )
    rows = session.execute(query).all()
    if not rows or not _alive(rows[0][1], now):
        return None
    account, mine = rows[0][0], rows[0][1]
    return Who(
        account.id, account.login, account.name, Role(account.role),
        tuple(row[2] for row in rows if row[2]), account.must_change, mine.id, mine.seen_at,
    )  # fmt: skip


def _alive(one: WebSession, now: datetime) -> bool:
    return now < one.ends_at and now < one.seen_at + IDLE


def unwritten(who: Who, now: datetime) -> bool:
    """Whether the use of a session ought to be written down again."""
    return who.seen_at is None or now - who.seen_at > _NOTED


def touch(session: Session, number: int, now: datetime) -> None:
    """Write down that a session is used, unless somebody just did."""
    session.execute(
        update(WebSession)
        .where(WebSession.id == number, WebSession.seen_at < now - _NOTED)
        .values(seen_at=now)
        .execution_options(synchronize_session=False)
    )


def end(session: Session, number: int, account_id: int) -> bool:
    """End one session of an account; False where it has none of this number."""
    mine = (WebSession.id == number, WebSession.account_id == account_id)
    if session.scalar(select(WebSession.id).where(*mine)) is None:
        return False
    gone = delete(WebSession).where(*mine).returning(WebSession.id)
    return session.scalar(gone) is not None


def of_account(session: Session, account_id: int, now: datetime) -> list[WebSession]:
    """The live sessions of an account, the one used last first."""
    query = select(WebSession).where(WebSession.account_id == account_id)
    found = session.scalars(query.order_by(WebSession.seen_at.desc(), WebSession.id.desc()))
    return [one for one in found if _alive(one, now)]


def forget_old(session: Session, now: datetime) -> None:
    """Delete what opens nothing any more."""
    session.execute(
        delete(WebSession).where(
            (WebSession.ends_at <= now) | (WebSession.seen_at <= now - IDLE)
        )
    )  # fmt: skip
    session.execute(delete(Ticket).where(Ticket.ends_at <= now))


# -- tickets ---------------------------------------------------------------------------


def ticket(session: Session, purpose: Purpose, account_id: int | None, now: datetime) -> str:
    """Something that opens once and soon; earlier ones for the same open nothing any more."""
    old = delete(Ticket).where(Ticket.purpose == purpose)
    session.execute(old.where(Ticket.account_id == account_id) if account_id else old)
    token = secrets.token_urlsafe(24)
    lives = FIRST_LIVES if purpose == "first" else SECOND_LIVES
    made = Ticket(
        purpose=purpose, account_id=account_id, digest=_digest(token), ends_at=now + lives
    )
    session.add(made)
    session.flush()
    return token


def held(session: Session, purpose: Purpose, token: str, now: datetime) -> Ticket:
    """A ticket that opens, not used up by looking. Raises NotFound."""
    query = select(Ticket).where(Ticket.digest == _digest(token), Ticket.purpose == purpose)
    found = session.scalars(query).first()
    if found is None or now >= found.ends_at:
        raise NotFound(f"ticket.{purpose}")
    return found


def use(session: Session, purpose: Purpose, token: str, now: datetime) -> Ticket:
    """Use a ticket up: of two who try, one does. Raises NotFound."""
    found = held(session, purpose, token, now)
    gone = delete(Ticket).where(Ticket.id == found.id).returning(Ticket.id)
    if session.scalar(gone.execution_options(synchronize_session=False)) is None:
        raise NotFound(f"ticket.{purpose}")
    session.expunge(found)
    return found


def account_of(session: Session, found: Ticket) -> Account:
    """The account a ticket was made for, still in use. Raises NotFound."""
    account = session.get(Account, found.account_id) if found.account_id else None
    if account is None or not account.active:
        raise NotFound("ticket.second")
    return account
