"""Replacing a file: a reader, or a power cut, finds the old text or the new one, never half."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file; a link stays a link.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
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
