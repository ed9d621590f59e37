"""What a deliverer has begun and ended, on this machine's disk.

The database hears of a bundle of messages when the bundle is over. A process
that is killed before leaves here which of them it had begun and what came of
each: nothing that arrived is sent again, nothing that never left is in doubt.
After a crash of the whole machine the last lines may be missing; then a message
that is not here may have left all the same.

Each line is one message: its notice's number, and behind it, once it is over,
what came of it as JSON. The first line says whose journal it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_SUFFIX = ".journal"
# Made once: json.dumps with options makes an encoder for every call.
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(slots=True)
class Left:
    """What a process left behind. `complete`: what is not here was not begun."""

    path: Path
    owner: str
    complete: bool
    begun: set[int] = field(default_factory=set)
    ended: dict[int, dict[str, Any]] = field(default_factory=dict)


class Journal:
    """The journal of one run of a deliverer. `sound` is False where it cannot be written.

    One system call a line, and none waits for the disk: it is for what follows
    the death of a process.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.sound = False
        self._path = folder / f"{uuid.uuid4().hex}{_SUFFIX}"
        self._head = json.dumps({"owner": owner, "boot": _boot()}).encode() + b"\n"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(
                self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600
            )
            self.sound = True
            self._write(self._head)

    def begins(self, notice_id: int) -> None:
        """Say that a message is about to leave."""
        self._write(b"%d\n" % notice_id)

    def ended(self, notice_id: int, what: dict[str, Any]) -> None:
        """Say what came of it, in what JSON can hold."""
        self._write(b"%d %s\n" % (notice_id, _text(what).encode()))

    def clear(self) -> None:
        """Forget all: the database knows it now."""
        if self.sound:
            os.ftruncate(self._file, len(self._head))

    def close(self) -> None:
        """Close it; it stays on the disk where something in it was not cleared."""
        if not hasattr(self, "_file"):
            return
        if os.fstat(self._file).st_size <= len(self._head):
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        if not self.sound:
            return
        try:
            whole = os.write(self._file, line) == len(line)
        except OSError:
            whole = False
        if not whole:  # a full disk: what cannot say all must not be believed
            self.sound = False
            os.ftruncate(self._file, 0)


def left(folder: Path) -> Iterator[Left]:
    """The journals in a folder, also those of the living."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            lines = path.read_bytes().split(b"\n")[:-1]  # what has no end was not all written
            head = json.loads(lines[0])
        except (OSError, IndexError, ValueError):
            continue
        found = Left(path, head["owner"], bool(_boot()) and head["boot"] == _boot())
        for line in lines[1:]:
            number, _, said = line.partition(b" ")
            found.begun.add(int(number))
            if said:
                found.ended[int(number)] = json.loads(said)
        yield found


@cache
def _boot() -> str:
    """Names this run of the machine; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
