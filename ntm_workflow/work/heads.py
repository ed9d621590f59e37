"""Signed daily heads: a past that somebody rewrote, hashes and all, no longer fits them.

The chain shows what was changed by whoever cannot compute it anew. A head says,
under a signature and outside the database too, how the chain ended on a day.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.errors import Refused
from ntm_workflow.store.signing import Signer, signed
from ntm_workflow.store.tables import AuditEntry, SignedHead
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

_PREFIX = "ntm-head-1"
_PRINTED = 32  # letters of the hash that are printed: 128 bits
_SHORT = re.compile(r"(\d{4}-\d\d-\d\d) (\d{1,9}) ((?:[0-9a-f]{8} ?){4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """A head that the audit does not fit. `why` is the key of a sentence.

    "signature" and "key": the head itself was touched; "rewritten": an entry
    from `first` to `seq` is not what it was on the day; "cut": entries up to
    `seq` are gone; "dropped": the head is gone.
    """

    day: date
    seq: int
    why: str
    first: int = 1


def text(day: date, seq: int, hashed: bytes) -> bytes:
    """What is signed: four lines of ASCII. Fixed by test vectors, like `audit.canonical`."""
    return f"{_PREFIX}\n{day.isoformat()}\n{seq}\n{hashed.hex()}\n".encode()


def sign(
    session: Session, signer: Signer, *, today: date, now: datetime, actor: Actor
) -> SignedHead | None:
    """Sign how the chain ends today, once a day; None where there is nothing to sign.

    Repeated, or run twice at once, it returns the head that is there: the
    chain's head is locked.
    """
    seq, hashed = audit.lock(session)
    if found := session.get(SignedHead, today):
        return found
    if not seq:
        return None
    signature = signer.sign(text(today, seq, hashed))
    head = SignedHead(
        day=today, seq=seq, hash=hashed, at=now, key=signer.public, signature=signature
    )
    session.add(head)
    session.flush()
    entry = Entry(Action.AUDIT_SIGNED, f"head/{today}", {"seq": seq, "hash": hashed.hex()})
    audit.append(session, actor, now, [entry])
    return head


def newest(session: Session) -> SignedHead | None:
    """The head of the last day that has one."""
    return session.scalars(_NEWEST).first()


_NEWEST = select(SignedHead).order_by(SignedHead.day.desc()).limit(1)  # each bundle asks for it


def faults(session: Session, trusted: frozenset[bytes]) -> Iterator[Fault]:
    """Yield the heads that do not hold, oldest first; the chain itself must be sound."""
    query = (
        select(SignedHead, AuditEntry.hash)
        .outerjoin(AuditEntry, AuditEntry.seq == SignedHead.seq)
        .order_by(SignedHead.seq, SignedHead.day)
    )
    known, first = set(), 1
    for head, hashed in session.execute(query):
        known.add(head.day)
        why = _touched(head, trusted) or _differs(head, hashed)
        if why:
            yield Fault(head.day, head.seq, why, first)
        else:
            first = head.seq + 1
    told = select(AuditEntry.subject, AuditEntry.data).where(
        AuditEntry.action == Action.AUDIT_SIGNED
    )
    for subject, data in session.execute(told.order_by(AuditEntry.seq)):
        day = date.fromisoformat(subject.partition("/")[2])
        if day not in known:
            yield Fault(day, json.loads(data)["seq"], "dropped")


def _touched(head: SignedHead, trusted: frozenset[bytes]) -> str:
    if head.key not in trusted:
        return "key"
    sound = signed(head.key, text(head.day, head.seq, head.hash), head.signature)
    return "" if sound else "signature"


def _differs(head: SignedHead, hashed: bytes | None) -> str:
    if hashed is None:
        return "cut"
    return "" if hashed == head.hash else "rewritten"


# -- a head outside the database ------------------------------------------------


def written(head: SignedHead) -> str:
    """A head on one line, as it is mailed: day, number, hash, signature."""
    signature = base64.b64encode(head.signature).decode()
    return f"{head.day.isoformat()} {head.seq} {head.hash.hex()} {signature}"


def short(head: SignedHead) -> str:
    """A head as it is printed: day, number, half of the hash. Paper needs no signature."""
    half = head.hash.hex()[:_PRINTED]
    groups = " ".join(half[at : at + 8] for at in range(0, _PRINTED, 8))
    return f"{head.day.isoformat()} {head.seq} {groups}"


def against(session: Session, line: str, trusted: frozenset[bytes]) -> Fault | None:
    """Hold the audit against a head that was kept elsewhere, as mailed or as printed.

    Raises:
        Refused: the line is not one of ours.
    """
    if printed := _SHORT.fullmatch(" ".join(line.split()).lower()):
        return _against_printed(session, printed)
    try:
        day, seq, hashed, signature = line.split()
        said = date.fromisoformat(day), int(seq), bytes.fromhex(hashed)
        sealed = base64.b64decode(signature, validate=True)
    except ValueError as error:
        raise Refused("head.unreadable", line=line.strip()[:200]) from error
    if not any(signed(key, text(*said), sealed) for key in trusted):
        return Fault(said[0], said[1], "signature")
    found = session.scalar(select(AuditEntry.hash).where(AuditEntry.seq == said[1]))
    if found is None:
        return Fault(said[0], said[1], "cut")
    return None if found == said[2] else Fault(said[0], said[1], "rewritten")


def _against_printed(session: Session, printed: re.Match[str]) -> Fault | None:
    seq, half = int(printed[2]), printed[3].replace(" ", "")
    try:
        day = date.fromisoformat(printed[1])
    except ValueError as error:
        raise Refused("head.unreadable", line=printed[0]) from error
    found = session.scalar(select(AuditEntry.hash).where(AuditEntry.seq == seq))
    if found is None:
        return Fault(day, seq, "cut")
    return None if found.hex().startswith(half) else Fault(day, seq, "rewritten")
