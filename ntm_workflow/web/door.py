"""The public door: what is open to whoever is not signed in, and how often it may be tried."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

# All that the outside may reach where nobody signs in from there: a proxy passes on nothing
# else. What needs no signing in is in rights.py, and is this and the page that signs in.
FOLDERS = ("/v/", "/zalo/", "/static/")
PAGES = ("/healthz",)

TRIES = 20  # wrong links from one address within WINDOW
WINDOW = 600.0  # seconds
MOST = 10_000  # addresses that are remembered


def is_public(path: str) -> bool:
    """True for an address that needs no signing in."""
    tricky = any(part in (".", "..", "") for part in path.split("/")[1:-1]) or "\\" in path
    return not tricky and (path in PAGES or path.startswith(FOLDERS))


class Throttle:
    """Counts wrong tries by address. What is right is never refused: a commune shares one.

    Kept in memory: a guess costs nothing against 120 bits, so this only keeps
    noise away, and may forget.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wrong(self, who: str) -> bool:
        """Note one wrong try; True where there have been too many."""
        now = self._clock()
        with self._lock:
            tries = self._tries.setdefault(who, deque(maxlen=TRIES))
            self._tries.move_to_end(who)
            while tries and tries[0] <= now - WINDOW:
                tries.popleft()
            full = len(tries) == TRIES
            tries.append(now)
            if len(self._tries) > MOST:
                self._tries.popitem(last=False)
        return full
