"""A child that dies with its parent, so that `kill -9` leaves nothing running."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # before any fork


def hold(parent: int) -> None:
    """Ask to be sent SIGTERM when the process `parent` dies (Linux; else nothing).

    To be called in the child, right after the fork. It outlives an exec.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)
