"""What a chaos run is made of: servers that fail one time in ten, deliverers that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from scene import Scene

DELIVERER = Path(__file__).parent / "deliverer.py"
PATIENCE = 1.0  # as in deliverer.py
ONE_IN = 10


class Deliverer:
    """One process; `begin` starts a delivery in a fork, `kill` ends it at whatever it is doing."""

    def __init__(self, scene: Scene, clock: Path) -> None:
        settings = scene.rt.settings
        self._popen = subprocess.Popen(
            [sys.executable, str(DELIVERER), settings.database_url, settings.mail_url,
             str(settings.var), str(clock)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._read() == "ready"
        self.begin()

    def begin(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write("go\n")
        self._popen.stdin.flush()
        self._fork = int(self._read())

    def kill(self) -> None:
        import os

        os.kill(self._fork, signal.SIGKILL)

    def close(self) -> None:
        assert self._popen.stdin is not None
        self.kill()
        self._popen.stdin.close()
        self._popen.wait(20)

    def _read(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()
