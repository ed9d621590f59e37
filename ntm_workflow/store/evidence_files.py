"""Evidence files, kept under their SHA-256 and never overwritten: in a folder, or a bucket.

What is read is held against its name first: a file that has changed on its disk
is never shown as what was handed in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from ntm_workflow.errors import NotFound, Refused

CHUNK = 1 << 20
MOST_FILES = 20  # of one submission


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store: the name it came with, its size in bytes, its SHA-256.

    `kind` is what it is by its content ("pdf", "" where nobody knows); `scan` is
    "clean", "waiting" (the scanner was away) or "" where there is no scanner.
    """

    name: str
    sha256: str
    size: int
    kind: str = ""
    scan: str = ""


Check = Callable[[Path, str], tuple[str, str]]  # a file and its name → kind and scan, or Refused


class EvidenceFiles:
    """A folder of files named by content. What is in it never changes.

    `check` looks at each file before it is kept: see evidence_check.py.
    """

    def __init__(self, folder: Path, limit: int, check: Check | None = None) -> None:
        self.folder = folder
        self.limit = limit  # bytes of one file
        self.check = check

    def put(self, name: str, source: BinaryIO) -> Stored:
        """Keep a file: to a temporary name, synced, then renamed to its hash.

        What is there already is put again, and counts as new: see work/loose_files.py.

        Raises:
            Refused: larger than the limit, empty, or of a kind that is not taken;
                nothing is kept.
            OSError: it could not be written; nothing is kept.
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
            shown = safe_name(name)
            kind, scan = self.check(Path(temporary), shown) if self.check else ("", "")
            self._keep(Path(temporary), digest.hexdigest())
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return Stored(shown, digest.hexdigest(), size, kind, scan)

    def path(self, sha256: str) -> Path:
        """Where a file of the folder is."""
        return self.folder / sha256[:2] / sha256

    @contextmanager
    def opened(self, sha256: str, name: str = "") -> Iterator[BinaryIO]:
        """A file to be read, at its start, after all of it was found to be what it was.

        Raises:
            NotFound: it is not there, or has changed since it was handed in.
            OSError: the store cannot be reached.
        """
        name = name or sha256
        try:
            source = self.raw(sha256)
        except FileNotFoundError as error:
            raise NotFound("file.lost", name=name) from error
        with source:
            if _digest(source) != sha256:
                raise NotFound("file.changed", name=name)
            source.seek(0)
            yield source

    def damaged(self, sha256s: Iterable[str]) -> Iterator[str]:
        """Yield those that are missing or no longer have the content of their name."""
        for sha256 in sha256s:
            try:
                with self.opened(sha256):
                    pass
            except NotFound:
                yield sha256

    def take(self, source: Path, sha256: str) -> None:
        """Keep a file of a backup, unless it is there and sound. Raises OSError."""
        if next(self.damaged([sha256]), None) is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.folder / f".incoming-{os.getpid()}"
        try:
            copy(source, beside)
            self._keep(beside, sha256)
        finally:
            beside.unlink(missing_ok=True)

    def forget_incoming(self, before: datetime) -> None:
        """Remove what was on its way in before a moment, and whose process was killed."""
        for path in self.folder.glob(".incoming-*"):
            if path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)

    # -- where they are: a bucket does these otherwise

    def raw(self, sha256: str) -> BinaryIO:
        """A file as it is now. Raises FileNotFoundError."""
        return self.path(sha256).open("rb")

    def every(self) -> Iterator[tuple[str, int]]:
        """SHA-256 and size of every file, in order."""
        for path in self._paths():
            yield path.name, path.stat().st_size

    def older(self, before: datetime) -> Iterator[str]:
        """SHA-256 of every file that was last put before a moment. Raises OSError."""
        for path in self._paths():
            if path.stat().st_mtime < before.timestamp():
                yield path.name

    def _paths(self) -> list[Path]:
        return [path for path in sorted(self.folder.glob("??/*")) if len(path.name) == 64]

    def has(self, sha256: str) -> bool:
        """Whether a file is there. Raises OSError."""
        return self.path(sha256).exists()

    def remove(self, sha256: str) -> None:
        """Remove a file that nothing names: see work/loose_files.py. Raises OSError."""
        self.path(sha256).unlink(missing_ok=True)

    def _keep(self, temporary: Path, sha256: str) -> None:
        """Give a synced file its place. What is there already has the same content."""
        place = self.path(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, place)
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _digest(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    while part := source.read(CHUNK):
        digest.update(part)
    return digest.hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copy a file and wait until it is on the disk."""
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copyfileobj(read, write, CHUNK)
        write.flush()
        os.fsync(write.fileno())


def safe_name(name: str) -> str:
    """The last part of a file name as sent, in NFC, without control characters."""
    from ntm_workflow.appendix.text import nfc

    last = nfc(name).replace("\\", "/").rpartition("/")[2]
    # Characters that reorder or hide text would let "gpj.exe" be shown as "exe.jpg".
    shown = "".join(c for c in last if c.isprintable() and not "\u202a" <= c <= "\u2069")
    return shown.strip(" .")[:200] or "tep"
