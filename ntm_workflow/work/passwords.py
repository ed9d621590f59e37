"""Passwords: how they are kept, compared and chosen. Argon2id, through argon2-cffi."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from ntm_workflow.appendix.text import nfc
from ntm_workflow.errors import Refused

SHORTEST, LONGEST = 10, 200  # characters
_FEWEST = 5  # different characters
AT_ONCE = 4  # each takes 32 MiB while it is worked out
_HASHER = PasswordHasher(time_cost=3, memory_cost=32_768, parallelism=1)
_TURN = threading.BoundedSemaphore(AT_ONCE)
# What nobody's password is compared with, so that an unknown name takes as long as a known one.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(24))
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is read as another


def hashed(password: str) -> str:
    with _TURN:
        return _HASHER.hash(nfc(password))


def right(kept: str, password: str) -> bool:
    """Whether this is the password that was kept; as slow where none was."""
    with _TURN:
        try:
            _HASHER.verify(kept or _NOBODY, nfc(password[:LONGEST]))
        except (VerifyMismatchError, InvalidHashError):
            return False
    return bool(kept)


def old(kept: str) -> bool:
    """Whether it was kept in a way that is weaker than today's."""
    return _HASHER.check_needs_rehash(kept)


def check(password: str, login: str) -> None:
    """Whether a password may be chosen. Raises Refused.

    Long rather than full of signs: people keep what they can remember.
    """
    if len(password) < SHORTEST:
        raise Refused("password.short", least=SHORTEST)
    if len(password) > LONGEST:
        raise Refused("password.long", most=LONGEST)
    folded = password.casefold()
    few = len(set(folded)) < _FEWEST
    if few or login.casefold() in folded or folded.isdigit():  # a telephone number, a birthday
        raise Refused("password.easy")


def first() -> str:
    """A password to be told once and changed at the first sign-in: "k7mq-x2pd-9fht-w4nb"."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)
