"""One HTTP call to Zalo: what was answered, or how certain it is that nothing was taken."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from ntm_workflow.channels.result import Outcome

# Zalo answers within seconds, under load within twenty.
TIMEOUT = httpx.Timeout(30, connect=5)
# Nothing of the request had left when these were raised.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where Zalo's services are; the tests put their own server here."""

    oauth: str = "https://oauth.zaloapp.com"
    openapi: str = "https://openapi.zalo.me"
    business: str = "https://business.openapi.zalo.me"
    bot: str = "https://bot-api.zaloplatforms.com"


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is the JSON object answered; where there is none, `trouble` says what happened.

    Neither holds an address or a token: what is said here ends in logs.
    """

    body: dict[str, Any] = field(default_factory=dict)
    trouble: Outcome | None = None
    detail: str = ""


def client() -> httpx.Client:
    """A client with kept connections, which follows no redirect and no proxy setting.

    httpx logs the address of each call, and the token of a bot is in it: it is
    told to log no calls.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(verify=_tls(), timeout=TIMEOUT, follow_redirects=False, trust_env=False)


@cache
def _tls() -> ssl.SSLContext:
    """The TLS context, built once: building it costs forty milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


def call(http: httpx.Client, method: str, url: str, **what: Any) -> Reply:
    """Make one call. Never raises for what the network or the server does."""
    try:
        answer = http.request(method, url, **what)
    except _NOT_SENT as error:
        return Reply(trouble=Outcome.TRANSIENT, detail=type(error).__name__)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Reply(trouble=Outcome.AMBIGUOUS, detail=type(error).__name__)
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return Reply(body)
    return Reply(trouble=_of_status(answer.status_code), detail=f"HTTP {answer.status_code}")


def _of_status(status: int) -> Outcome:
    """An answer that is no JSON object comes from something in between."""
    if status == 429 or status in (500, 503):
        return Outcome.TRANSIENT
    if 400 <= status < 500:
        return Outcome.CONFIG
    return Outcome.AMBIGUOUS  # 502, 504, a page of a gateway: it may have been passed on


def number(value: object) -> int | None:
    """An error number, which some answers give as a quoted string; None if it is none."""
    try:
        return int(str(value))
    except ValueError:
        return None
