"""Evidence files, kept under their SHA-256 and never overwritten."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ntm_workflow.errors import Refused

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store: the name it came with, its size in bytes, its SHA-256."""

    name: str
    sha256: str
    size: int


class EvidenceFiles:
    """A folder of files named by content. What is in it never changes."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit  # bytes of one file

    def put(self, name: str, source: BinaryIO) -> Stored:
        """Keep a file: to a temporary name, synced, then renamed to its hash.

        Raises:
            Refused: larger than the limit, or empty; nothing is kept.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as target:
                while chunk := source.read(CHUNK):
                    size += len(chunk)
                    if size > self.limit:
                        raise Refused(
                            "evidence.too_large", name=name, limit_mb=self.limit // 1_000_000
                        )
                    digest.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            if size == 0:
                raise Refused("evidence.empty", name=name)
            place = self.path(digest.hexdigest())
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return Stored(safe_name(name), digest.hexdigest(), size)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def damaged(self, sha256s: Iterator[str]) -> Iterator[str]:
        """Yield those that are missing or no longer have the content of their name."""
        for sha256 in sha256s:
            path = self.path(sha256)
            if not path.exists():
                yield sha256
                continue
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    yield sha256


def safe_name(name: str) -> str:
    """The last part of a file name as sent, in NFC, without control characters."""
    from ntm_workflow.appendix.text import nfc

    last = nfc(name).replace("\\", "/").rpartition("/")[2]
    # Characters that reorder or hide text would let "gpj.exe" be shown as "exe.jpg".
    shown = "".join(c for c in last if c.isprintable() and not "\u202a" <= c <= "\u2069")
    return shown.strip(" .")[:200] or "tep"
