"""Reading the mailbox the moment something arrives: a process that waits (IDLE).

It is a convenience: what it misses, the flow collect-evidence reads within five
minutes, and both may run at once.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ntm_workflow import runtime
from ntm_workflow.channels import mailbox
from ntm_workflow.chase import incoming, postmark
from ntm_workflow.serve.supervisor import ready
from ntm_workflow.work.audit import Actor

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

log = logging.getLogger("ntm")
WAIT = 300  # seconds after which it is looked at whatever the server says
PAUSE = 60  # seconds after trouble
BREATH = 2  # seconds between two looks at least


def watch(rt: Runtime, stop: threading.Event | None = None) -> None:
    """Read, wait until something arrives, read again, until `stop` is set.

    Trouble of any kind is logged and tried again: nothing else stops for it.
    """
    stop = stop or threading.Event()
    while not stop.is_set():
        try:
            well = _once(rt, stop)
        except Exception as error:  # the database may be away, too
            log.error("mailbox not watched: %s", type(error).__name__)
            well = False
        if not well:
            stop.wait(PAUSE)


def _once(rt: Runtime, stop: threading.Event) -> bool:
    """Read what is there and wait for more; False where it cannot be read."""
    rt = rt.refreshed()
    place = postmark.place(rt)
    done = incoming.check(rt, actor=Actor("ntm", via="mailbox"))
    if place is None or done.trouble:
        return False
    stop.wait(BREATH)
    with mailbox.opened(place) as box:
        box.wait(WAIT, stop.wait)
    return True


if __name__ == "__main__":
    found = runtime.load(may_be_empty=True)
    ready()
    watch(found)
