"""The second step of signing in: a code of six digits that a telephone works out (RFC 6238)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import update
from sqlalchemy.orm import Session

from ntm_workflow.errors import ConfigError, Refused
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Account
from ntm_workflow.work import accounts, audit
from ntm_workflow.work.audit import Action
from ntm_workflow.work.contacts import By

_AROUND = 1  # steps of 30 seconds by which clocks may differ
OFFERED = timedelta(minutes=15)  # how long a new secret may wait for its first code


def new() -> str:
    """A secret for a telephone: 32 letters and digits."""
    return pyotp.random_base32()


def address(secret: str, login: str, issuer: str) -> str:
    """What a telephone's program opens: "otpauth://totp/…"."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def offer(keys: Keys, account: Account, secret: str, now: datetime) -> str:
    """A new secret as a form carries it until its first code: only we can read it."""
    said = f"{account.id} {int(now.timestamp())} {secret}"
    return urlsafe_b64encode(keys.hide(said.encode())).decode()


def offered(keys: Keys, account: Account, carried: str, now: datetime) -> str:
    """The secret of such a form. Raises Refused: another account's, old, or not ours."""
    try:
        number, at, secret = keys.reveal(urlsafe_b64decode(carried)).decode().split(" ")
    except (ConfigError, ValueError) as error:
        raise Refused("factor.old") from error
    if int(number) != account.id or now.timestamp() - int(at) > OFFERED.total_seconds():
        raise Refused("factor.old")
    return secret


def step(secret: str, code: str, now: datetime) -> int | None:
    """The step of time that a code belongs to; None where it is wrong, or not of now."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // totp.interval
    around = range(current - _AROUND, current + _AROUND + 1)
    right = [one for one in around if hmac.compare_digest(totp.generate_otp(one), typed)]
    return right[-1] if right else None


def turn_on(
    session: Session, account: Account, keys: Keys, secret: str, code: str, by: By, now: datetime
) -> None:
    """From now on ask for codes. Raises Refused: the first one is wrong."""
    audit.lock(session)
    found = step(secret, code, now)
    if found is None:
        raise Refused("factor.wrong")
    account.totp, account.totp_step = keys.hide(secret.encode()), found
    accounts.note(session, account, Action.ACCOUNT_FACTOR, by)


def turn_off(session: Session, account: Account, by: By) -> None:
    audit.lock(session)
    if account.totp is None:
        return
    account.totp, account.totp_step = None, 0
    accounts.note(session, account, Action.ACCOUNT_FACTOR_OFF, by)


def spend(session: Session, account: Account, keys: Keys, code: str, now: datetime) -> None:
    """Use a code up: of two who send the same one, one comes in.

    Raises:
        Refused: wrong, or used before.
    """
    found = step(keys.reveal(account.totp or b"").decode(), code, now)
    if found is None:
        raise Refused("factor.wrong")
    used = (
        update(Account)
        .where(Account.id == account.id, Account.totp_step < found)
        .values(totp_step=found)
        .returning(Account.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(used) is None:
        raise Refused("factor.used")
