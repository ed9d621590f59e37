"""A sign that only we can have made, for one message: in the addresses that answers come to.

The number of the notice and a seal over what it is, in letters that survive a
relay which writes addresses small.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode

from sqlalchemy.orm import Session

from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Notice

ANSWER = "mail answer"
STOP = "mail stop"
_SEAL = 10  # bytes: sixteen letters without filling
_TAG = re.compile(r"([1-9]\d{0,11})-([a-z2-7]{16})", re.ASCII)


def made(keys: Keys, purpose: str, notice: Notice) -> str:
    """ "4812-" and sixteen letters; the same each time, for a key."""
    seal = keys.seal(purpose, _meant(notice), _SEAL)
    return f"{notice.id}-{b32encode(seal).decode().lower()}"


def meant(session: Session, keys: Keys, purpose: str, tag: str) -> Notice | None:
    """The notice that a sign was made for; None where it is none of ours."""
    found = _TAG.fullmatch(tag.lower())
    number = int(found[1]) if found else 0
    notice = session.get(Notice, number) if 0 < number < 2**31 else None
    if notice is None or not found:
        return None
    sealed = keys.sealed(purpose, _meant(notice), b32decode(found[2].upper()))
    return notice if sealed else None


def _meant(notice: Notice) -> bytes:
    return f"{notice.id}\n{notice.contact_id}\n{notice.run_on.isoformat()}".encode()
