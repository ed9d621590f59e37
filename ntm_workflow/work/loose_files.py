"""Files of the evidence store that nothing names: of refused forms, of mails set aside.

What is removed may come in again in the same moment, and be handed in: under the same
name, for it has the same content. So what is going is written down before it goes.
Who hands in a file that stands there looks whether the store has it, and not before
SETTLED: by then no removal is on its way any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ntm_workflow.errors import Refused
from ntm_workflow.store.evidence_files import EvidenceFiles, Stored
from ntm_workflow.store.tables import Draft, EvidenceFile, SweptFile
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

log = logging.getLogger("ntm")
MANY = 50  # files that are written down together
AT_ONCE = timedelta(minutes=1)  # after writing down, no removal begins later than this
SETTLED = timedelta(minutes=10)  # and none ends later: a bucket is tried for five minutes


def loose(rt: Runtime, before: datetime) -> list[str]:
    """SHA-256 of what was stored before a moment and is named by no submission nor draft.

    None at all where that is more than what is named: then the store is hardly this
    database's. Raises OSError: the store is away.
    """
    old = list(rt.files.older(before))
    with rt.reader() as session:
        found = _unnamed(session, old)
    if len(found) > len(old) - len(found):
        log.warning("evidence left alone: unnamed=%d of=%d", len(found), len(old))
        return []
    return found


def _unnamed(session: Session, sha256s: Sequence[str]) -> list[str]:
    named = {
        sha256
        for draft in session.scalars(select(Draft.held))
        for _, sha256, _ in draft.get("files", ())
    }
    for start in range(0, len(sha256s), 500):
        some = EvidenceFile.sha256.in_(sha256s[start : start + 500])
        named.update(session.scalars(select(EvidenceFile.sha256).where(some)))
    return [one for one in sha256s if one not in named]


def sweep(rt: Runtime, clock: Callable[[], datetime], *, actor: Actor) -> int:
    """Remove what was kept long enough; how many files. Safe to repeat, together, to kill.

    Where the store is away the rest stays for the next night. Half-received files of
    processes that were killed go, too.
    """
    if not rt.settings.keep_loose_days:
        return 0
    before, count = clock() - timedelta(days=rt.settings.keep_loose_days), 0
    try:
        rt.files.forget_incoming(before)
        found = loose(rt, before)
        for start in range(0, len(found), MANY):
            count += _removed(rt, found[start : start + MANY], clock, actor)
    except OSError as error:
        log.warning("evidence not swept: %s", error)
    return count


def _removed(rt: Runtime, some: Sequence[str], clock: Callable[[], datetime], actor: Actor) -> int:
    with rt.sessions.begin() as session:
        audit.lock(session)  # whoever hands one of them in does it before this, or sees it
        going, at = _unnamed(session, some), clock()
        session.execute(delete(SweptFile).where(SweptFile.sha256.in_(going)))
        session.add_all([SweptFile(sha256=one, at=at) for one in going])
    gone: list[str] = []
    try:
        for sha256 in going:
            if clock() - at > AT_ONCE:
                break
            rt.files.remove(sha256)
            gone.append(sha256)
    finally:
        if gone:
            with rt.sessions.begin() as session:
                data = {"files": gone}
                audit.append(session, actor, clock(), [Entry(Action.FILES_REMOVED, "files", data)])
    return len(gone)


def there(session: Session, files: EvidenceFiles, kept: Sequence[Stored], now: datetime) -> None:
    """Before files are handed in, in the same transaction: none of them has been removed.

    Raises:
        Refused: one has, or may be just now; it is to be sent again.
    """
    audit.lock(session)
    names = {one.sha256: one.name for one in kept}
    query = select(SweptFile).where(SweptFile.sha256.in_(names))
    for one in session.scalars(query).all() if names else ():
        if abs(now - one.at) < SETTLED or not _has(files, one.sha256, names[one.sha256]):
            raise Refused("evidence.swept", name=names[one.sha256])
        session.delete(one)


def _has(files: EvidenceFiles, sha256: str, name: str) -> bool:
    """The store is asked inside a transaction, but for files that were removed before only."""
    try:
        return files.has(sha256)
    except OSError as error:
        raise Refused("evidence.store_away", name=name) from error
