"""Replacing a file: a reader, or a power cut, finds the old text or the new one, never half."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file; a link stays a link.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666
        beside.unlink(missing_ok=True)
        # Never readable by more people than the old one, not even while it is written.
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that is there under its name when all of it is, and not before.

    Raises:
        FileExistsError: there is a file of this name already.
        OSError: it could not be written; nothing of it stays.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        os.rename(beside, path)
    finally:
        beside.unlink(missing_ok=True)
