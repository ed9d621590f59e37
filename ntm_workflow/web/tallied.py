"""Answers that are kept until something happens: whatever changes a thing writes to the audit.

At a million tasks counting takes a second or two; looking again takes none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 64  # answers: a few for each plan and day that somebody looks at


class Tallied:
    """Answers of the database, each with a mark of what there was when it was given."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[Any, ...], tuple[object, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Any, ...], mark: object, work: Callable[[], T]) -> T:
        """What `work` gives, kept under a key; not asked again while the mark is the same.

        What it reads is read after the mark, so it is never older than that says.
        """
        with self._lock:
            known = self._found.get(key)
        if known and known[0] == mark:
            answer: T = known[1]
            return answer
        made = work()
        with self._lock:
            self._found[key] = (mark, made)
            self._found.move_to_end(key)
            if len(self._found) > MOST:
                self._found.popitem(last=False)
        return made
