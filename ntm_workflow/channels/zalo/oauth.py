"""OAuth v4 of an Official Account: a refresh token is good for one refresh and is then dead."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from ntm_workflow.channels.result import Outcome
from ntm_workflow.channels.zalo import codes, wire
from ntm_workflow.channels.zalo.wire import Hosts

_LIFETIME = 90_000  # seconds: 25 hours


@dataclass(frozen=True, slots=True)
class App:
    """The application that speaks for an Official Account.

    `webhook` is the account's own secret key, which signs what comes in; "" where
    it is the application's. `oa_id` names the account, "" where nobody said.
    """

    app_id: str
    secret: str = field(repr=False)
    webhook: str = field(default="", repr=False)
    oa_id: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token with its lifetime in seconds, and the refresh token that goes with it."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: int = _LIFETIME


class NoToken(Exception):
    """No access token can be had now.

    TRANSIENT: try later; AUTH: a person must sign in anew; CONFIG: the
    application is not known by what it calls itself. `code` is Zalo's number.
    """

    def __init__(self, outcome: Outcome, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.outcome, self.detail, self.code = outcome, detail, code


class Tokens(Protocol):
    """Where the access token is kept. Raises NoToken."""

    def access(self) -> str:
        """The token to use now."""

    def renew(self, failed: str) -> str:
        """A token other than the one that failed; refreshes only if nobody has done so."""


def refresh(http: httpx.Client, hosts: Hosts, app: App, refresh_token: str) -> Pair:
    """Trade a refresh token for a new pair: commit it before using it.

    A lost answer may have consumed the token, so it is asked once more; only
    then is it known to be dead.

    Raises:
        NoToken: TRANSIENT where the same token may still work later.
    """
    form = {
        "refresh_token": refresh_token, "app_id": app.app_id, "grant_type": "refresh_token",
    }  # fmt: skip
    return _asked(lambda: _post(http, hosts, app, form), refresh_token)


def exchange(http: httpx.Client, hosts: Hosts, app: App, code: str, verifier: str) -> Pair:
    """Trade the code that Zalo's permission page gave (ten minutes, once) for the first pair."""
    form = {
        "code": code, "app_id": app.app_id, "grant_type": "authorization_code",
        "code_verifier": verifier,
    }  # fmt: skip
    return _read(_post(http, hosts, app, form), "")


def proof(app: App, access: str) -> str:
    """The header appsecret_proof: lowercase hex HMAC-SHA256 of the access token."""
    return hmac.new(app.secret.encode(), access.encode(), hashlib.sha256).hexdigest()


def _post(http: httpx.Client, hosts: Hosts, app: App, form: dict[str, str]) -> wire.Reply:
    return wire.call(
        http, "POST", f"{hosts.oauth}/v4/oa/access_token", data=form,
        headers={"secret_key": app.secret},
    )  # fmt: skip


def _asked(ask: Callable[[], wire.Reply], before: str) -> Pair:
    reply = ask()
    if reply.trouble is Outcome.AMBIGUOUS and not reply.detail.startswith("HTTP"):
        reply = ask()  # the answer was lost on the way
    return _read(reply, before)


def _read(reply: wire.Reply, before: str) -> Pair:
    if reply.status == 200 and reply.empty:
        # How a refresh token that was used before is answered: an empty page.
        raise NoToken(Outcome.AUTH, "refresh token used before")
    if reply.trouble is not None:  # no answer, or the page of a gateway
        raise NoToken(Outcome.TRANSIENT, reply.detail)
    access = reply.body.get("access_token")
    if isinstance(access, str) and access:
        lifetime = wire.number(reply.body.get("expires_in")) or _LIFETIME
        return Pair(access, str(reply.body.get("refresh_token") or before), lifetime)
    code = wire.number(reply.body.get("error"))
    said = reply.body.get("error_name") or reply.body.get("message") or ""
    if code is None and reply.status >= 500:
        raise NoToken(Outcome.TRANSIENT, f"HTTP {reply.status} {said}".strip())
    detail = f"{code} {said}".strip() if code is not None else str(said)
    found = codes.OAUTH.get(code or 0, Outcome.AUTH)
    raise NoToken(found, detail, "" if code is None else str(code))
