"""How often signing in may be tried: counted in the database, which several web processes share.

One statement counts and tells, so that guesses sent at once are all counted.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, literal, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import Instant, LoginTry

WINDOW = timedelta(minutes=15)
OF_ACCOUNT = 10  # wrong tries within WINDOW
OF_ADDRESS = 60  # a whole commune shares one


@dataclass(frozen=True, slots=True)
class Tried:
    """When to come back, where there were too many; `newly`: the account just reached it."""

    until: datetime | None = None
    newly: bool = False


def count(session: Session, login: str, address: str, now: datetime) -> Tried:
    """Count a try before it is looked at. `login` names the account, however it was typed."""
    since, tried = _count(session, _account(login), now)
    begun, together = _count(session, _address(address), now)
    over = [since] * (tried > OF_ACCOUNT) + [begun] * (together > OF_ADDRESS)
    return Tried(max(over) + WINDOW if over else None, tried == OF_ACCOUNT + 1)


def _count(session: Session, key: str, now: datetime) -> tuple[datetime, int]:
    insert: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    over, begun = LoginTry.since <= now - WINDOW, literal(now, Instant)
    statement = insert.insert(LoginTry).values(key=key, since=now, count=1)
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "since": case((over, begun), else_=LoginTry.since),
            "count": case((over, 1), else_=LoginTry.count + 1),
        },
    ).returning(LoginTry.since, LoginTry.count)
    found = session.execute(statement).one()
    return found[0], found[1]


def forgive(session: Session, login: str, address: str, now: datetime) -> None:
    """After a right password: the account begins anew, the address has one wrong try less."""
    session.execute(delete(LoginTry).where(LoginTry.key == _account(login)))
    session.execute(delete(LoginTry).where(LoginTry.since <= now - WINDOW))
    session.execute(
        update(LoginTry)
        .where(LoginTry.key == _address(address), LoginTry.count > 0)
        .values(count=LoginTry.count - 1)
        .execution_options(synchronize_session=False)
    )


def _account(login: str) -> str:
    return _digest(f"account {login}")


def _address(address: str) -> str:
    return _digest(f"address {network(address)}")


def network(address: str) -> str:
    """What one household has: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
