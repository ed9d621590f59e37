"""Telling a watchdog outside that all is well: where we fall silent, it raises the alarm."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ntm_workflow.reports import watch

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

log = logging.getLogger("ntm.ping")
TIMEOUT = 5.0  # seconds


def all_is_well(rt: Runtime) -> bool:
    """Call `settings.ping_url` unless something is wrong; return whether it answered.

    Never raises for what the network does, and logs no part of the address: it
    is a secret. Silent while a simulation runs.
    """
    url = rt.settings.ping_url
    if not url or rt.simulated:
        return False
    if not usable(url):
        log.warning("ping not sent: NTM_PING_URL is not http or https")
        return False
    with rt.reader() as session:
        found = watch.faults(session, rt.in_force, rt.days, rt.now())
    if found:
        log.warning("ping withheld faults=%s", ",".join(sorted({one.key for one in found})))
        return False
    return _call(url)


def usable(url: str) -> bool:
    """Whether an address is one of http or https with a host; nothing else is ever called."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _call(url: str) -> bool:
    import httpx

    for name in ("httpx", "httpcore"):  # they log the address of each call
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        answer = httpx.get(url, timeout=TIMEOUT, follow_redirects=False, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.warning("ping failed: %s", type(error).__name__)
        return False
    if answer.is_success:
        return True
    log.warning("ping answered status=%s", answer.status_code)
    return False
