"""Does what came in from outside after its answer has left: in threads of its own.

What providers are told must leave within two seconds, and what follows may take
long. So pages never wait for it, one thread works and another talks to the
provider. What is lost with the process, or does not fit, is found in the
database by the next delivery.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Full, Queue
from typing import Generic, TypeVar

from ntm_workflow.chase import inbound
from ntm_workflow.chase.inbound import Answer
from ntm_workflow.runtime import Runtime

log = logging.getLogger("ntm.zalo")
MOST = 1000  # things that wait for one thread
T = TypeVar("T")


class Line(Generic[T]):
    """Things to be done one after the other, by a thread that begins with the first."""

    def __init__(self, name: str, act: Callable[[T], None]) -> None:
        self._name, self._act = name, act
        self._waiting: Queue[T] = Queue(MOST)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def give(self, thing: T) -> bool:
        """Take it on; False where too much is waiting already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(thing)
        except Full:
            return False
        return True

    def join(self) -> None:
        """Wait until everything has been done."""
        self._waiting.join()

    def _run(self) -> None:
        while True:
            thing = self._waiting.get()
            try:
                self._act(thing)
            except Exception as error:
                log.error("%s failed error=%s", self._name, type(error).__name__)
            finally:
                self._waiting.task_done()


class Porter:
    """Handles what Zalo called about, and says what there is to be said."""

    def __init__(self, current: Callable[[], Runtime]) -> None:
        self._current = current
        self._work: Line[int] = Line("zalo-work", self._handle)
        self._talk: Line[Answer] = Line("zalo-talk", self._answer)

    def give(self, number: int) -> None:
        self._work.give(number)

    def join(self) -> None:
        """Wait until everything that was given is handled and answered."""
        self._work.join()
        self._talk.join()

    def _handle(self, number: int) -> None:
        if said := inbound.handle(self._current(), number):
            self._talk.give(said)

    def _answer(self, said: Answer) -> None:
        inbound.answer(self._current(), said)
