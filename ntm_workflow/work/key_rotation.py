"""A new key: what is kept encrypted is encrypted anew with it, so that the old one can go.

In batches, each a transaction with its own entry: whoever is killed goes on where
it stopped, and whoever repeats it finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from ntm_workflow.errors import ConfigError, Refused
from ntm_workflow.store import keys as store
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Account, AuditEntry, Channel, Inbound, PersonalLink
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

BATCH = 200  # rows of one transaction


@dataclass(frozen=True, slots=True)
class Hidden:
    """A column that `Keys.hide` fills, of rows in the order of `number`; `only` narrows them."""

    model: type[Any]
    number: InstrumentedAttribute[Any]
    column: InstrumentedAttribute[Any]
    only: ColumnElement[bool] | None = None

    @property
    def name(self) -> str:
        return f"{self.model.__tablename__}.{self.column.key}"


# All that is kept encrypted. A test holds it against the tables.
HIDDEN = (
    Hidden(Channel, Channel.name, Channel.secret),
    Hidden(Account, Account.id, Account.totp),
    Hidden(Inbound, Inbound.id, Inbound.raw, Inbound.channel == MAIL),
)


@dataclass(frozen=True, slots=True)
class Needed:
    """What an older key is still for: values by column, values that no key opens, live links.

    `links` were sealed before the newest key came; where nobody wrote down when that
    was, all that open.
    """

    old: dict[str, int]
    lost: dict[str, int]
    links: int


def rotate(rt: Runtime, actor: Actor) -> dict[str, int]:
    """Make a new key unless an earlier rotation is unfinished; return what was moved to it.

    Values that none of the keys opens stay as they are: `needed` counts them.

    Raises:
        ConfigError: the key file cannot be read.
        OSError: it could not be written; nothing was changed.
    """
    if not _unfinished(rt):
        store.add(rt.settings.key_file)
    with rt.sessions.begin() as session:
        audit.lock(session)
        if _since(session, rt.keys) is None:  # of a key that a person added, or a run that died
            entry = Entry(Action.KEYS_ADDED, "keys", {"key": rt.keys.names[0]})
            audit.append(session, actor, rt.now(), [entry])
    return {one.name: _moved(rt, one, actor) for one in HIDDEN}


def _unfinished(rt: Runtime) -> bool:
    """A new key is there whose work is not done."""
    if len(rt.keys.names) < 2:
        return False
    with rt.reader() as session:
        told = _since(session, rt.keys)
        return told is None or any(needed(session, rt.keys, rt.now()).old.values())


def _moved(rt: Runtime, one: Hidden, actor: Actor) -> int:
    moved, after = 0, None
    while True:
        with rt.sessions.begin() as session:
            audit.lock(session)
            rows = _page(session, one, after)
            done = sum(_move(session, rt.keys, one, row) for row in rows)
            if done:
                data = {"column": one.name, "count": done, "key": rt.keys.names[0]}
                audit.append(session, actor, rt.now(), [Entry(Action.KEYS_MOVED, "keys", data)])
        moved += done
        if len(rows) < BATCH:
            return moved
        after = rows[-1][0]


def _page(session: Session, one: Hidden, after: Any) -> list[tuple[Any, bytes]]:
    query = select(one.number, one.column).where(one.column.is_not(None), one.column != b"")
    if one.only is not None:
        query = query.where(one.only)
    if after is not None:
        query = query.where(one.number > after)
    return list(session.execute(query.order_by(one.number).limit(BATCH)).tuples())


def _move(session: Session, keys: Keys, one: Hidden, row: tuple[Any, bytes]) -> bool:
    number, hidden = row
    if _opened(keys.newest, hidden) is not None or (clear := _opened(keys, hidden)) is None:
        return False
    change = update(one.model).where(one.number == number, one.column == hidden)
    session.execute(change.values({one.column: keys.hide(clear)}))
    return True


def _opened(keys: Keys, hidden: bytes) -> bytes | None:
    try:
        return keys.reveal(hidden)
    except ConfigError:
        return None


# -- whether the old one can go ------------------------------------------------------------


def needed(session: Session, keys: Keys, now: datetime) -> Needed:
    """What would be lost with all keys but the newest; reads every encrypted value."""
    old = dict.fromkeys((one.name for one in HIDDEN), 0)
    lost: dict[str, int] = {}
    newest = keys.newest
    for one in HIDDEN:
        for hidden in _every(session, one):
            if _opened(newest, hidden) is not None:
                continue
            found = old if _opened(keys, hidden) is not None else lost
            found[one.name] = found.get(one.name, 0) + 1
    return Needed(old, lost, _links(session, keys, now))


def _every(session: Session, one: Hidden) -> Iterator[bytes]:
    after = None
    while rows := _page(session, one, after):
        yield from (hidden for _, hidden in rows)
        after = rows[-1][0]


def _links(session: Session, keys: Keys, now: datetime) -> int:
    query = select(func.count()).select_from(PersonalLink).where(
        PersonalLink.revoked_at.is_(None), PersonalLink.expires_at > now
    )  # fmt: skip
    since = _since(session, keys)
    return session.scalar(query.where(PersonalLink.made_at <= since) if since else query) or 0


def _since(session: Session, keys: Keys) -> datetime | None:
    """When the newest key came, if that was written down."""
    said = f'"key":"{keys.names[0]}"'
    return session.scalar(
        select(func.min(AuditEntry.at)).where(
            AuditEntry.action == Action.KEYS_ADDED, AuditEntry.data.contains(said)
        )
    )


def drop(rt: Runtime, actor: Actor, *, force: bool = False) -> int:
    """Forget all keys but the newest; return how many.

    `force` leaves links that were sent out of account: they open no more. What is kept
    encrypted must have been moved in any case.

    Raises:
        Refused: something still needs an older key; nothing was changed.
    """
    names = rt.keys.names
    if len(names) == 1:
        raise Refused("keys.only_one")
    with rt.sessions.begin() as session:
        audit.lock(session)
        still = needed(session, rt.keys, rt.now())
        if count := sum(still.old.values()):
            raise Refused("keys.still_hidden", count=count)
        if still.links and not force:
            raise Refused("keys.still_links", count=still.links)
        entry = Entry(Action.KEYS_DROPPED, "keys", {"keys": list(names[1:])})
        audit.append(session, actor, rt.now(), [entry])
    return store.drop(rt.settings.key_file)
