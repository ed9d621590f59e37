"""Evidence in a bucket of an S3-compatible store, which several machines share.

    s3://KEY:SECRET@s3.tinh.example.vn/minh-chung/2020?region=vn-1
    s3://KEY:SECRET@127.0.0.1:9000/minh-chung        (without TLS on this machine only)

An object appears whole or not at all. Its name is the SHA-256 of its content.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from ntm_workflow.errors import ConfigError, NotFound
from ntm_workflow.store.evidence_files import CHUNK, Check, EvidenceFiles

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_GONE = ("NoSuchKey", "NoSuchObject")
_IN_MEMORY = 4 * CHUNK  # a larger file is read by way of the disk
_SEEN, _SEEN_KEPT = ".seen", 40  # copies of what was looked at last
_TIMEOUT = urllib3.Timeout(connect=10, read=60)
_ASK_TIMEOUT = urllib3.Timeout(connect=3, read=5)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is, and the key to it; `prefix` is "" or ends in "/"."""

    host: str
    secure: bool
    name: str
    prefix: str
    region: str
    key: str
    secret: str = field(repr=False)


def place(url: str) -> Bucket:
    """Read the address of a bucket. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise ConfigError("evidence.url") from error
    name, _, prefix = unquote(parts.path).strip("/").partition("/")
    asked = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = parts.hostname or ""
    if (
        parts.scheme != "s3" or not host or not parts.username or not parts.password
        or not _BUCKET.fullmatch(name)
    ):  # fmt: skip
        raise ConfigError("evidence.url")
    return Bucket(
        host=f"[{host}]{port}" if ":" in host else host + port, secure=host not in _LOOPBACK,
        name=name, prefix=f"{prefix}/" if prefix else "", region=asked.get("region", "us-east-1"),
        key=unquote(parts.username), secret=unquote(parts.password),
    )  # fmt: skip


def reach(url: str) -> None:
    """Ask a bucket once, for a few seconds, whether it can be read. Raises OSError, ConfigError."""
    BucketFiles(url, Path(), 0, tries=0, timeout=_ASK_TIMEOUT).reach()


class BucketFiles(EvidenceFiles):
    """The same in a bucket; `folder` holds only what is on its way there.

    Where the store cannot be reached or refuses, everything raises OSError
    without the key.
    """

    def __init__(
        self, url: str, folder: Path, limit: int, check: Check | None = None, tries: int = 3,
        timeout: urllib3.Timeout = _TIMEOUT,
    ) -> None:  # fmt: skip
        super().__init__(folder, limit, check)
        self._at = at = place(url)
        pool = urllib3.PoolManager(timeout=timeout, retries=urllib3.Retry(tries, backoff_factor=1))
        self._client = Minio(
            at.host, access_key=at.key, secret_key=at.secret, secure=at.secure, region=at.region,
            http_client=pool,
        )  # fmt: skip

    def path(self, sha256: str) -> Path:
        """A copy of a file on this machine, for what needs one; nothing is there if it is lost."""
        here = self.folder / _SEEN / sha256
        if not here.exists():
            self._fetch(sha256, here)
        return here

    def _fetch(self, sha256: str, here: Path) -> None:
        here.parent.mkdir(parents=True, exist_ok=True)
        beside = here.with_name(f".{sha256}.{os.getpid()}.{threading.get_ident()}")
        try:
            with self.opened(sha256) as source, beside.open("wb") as target:
                shutil.copyfileobj(source, target, CHUNK)
            os.replace(beside, here)
        except (NotFound, OSError):
            beside.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another process may clear up, too
            newest = sorted(here.parent.iterdir(), key=lambda one: one.stat().st_mtime)
            for old in newest[:-_SEEN_KEPT]:
                old.unlink(missing_ok=True)

    def raw(self, sha256: str) -> BinaryIO:
        target = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115

        def fetch() -> None:
            answer = self._client.get_object(self._at.name, self._name(sha256))
            try:
                for chunk in answer.stream(CHUNK):
                    target.write(chunk)
            finally:
                answer.close()
                answer.release_conn()

        try:
            self._tried(fetch)
        except BaseException:
            target.close()
            raise
        target.seek(0)
        return cast(BinaryIO, target)

    def every(self) -> Iterator[tuple[str, int]]:
        def listed() -> list[tuple[str, int]]:
            found = self._client.list_objects(self._at.name, self._at.prefix, recursive=True)
            return [((one.object_name or "").rpartition("/")[2], one.size or 0) for one in found]

        yield from sorted(one for one in self._tried(listed) if len(one[0]) == 64)

    def older(self, before: datetime) -> Iterator[str]:
        def listed() -> list[str]:
            found = self._client.list_objects(self._at.name, self._at.prefix, recursive=True)
            names = [(one.object_name or "", one.last_modified) for one in found]
            old = [name for name, at in names if at is not None and at < before]
            return [sha256 for name in old if self._name(sha256 := name[-64:]) == name]

        yield from sorted(self._tried(listed))

    def has(self, sha256: str) -> bool:
        try:
            self._tried(lambda: self._client.stat_object(self._at.name, self._name(sha256)))
        except FileNotFoundError:
            return False
        return True

    def remove(self, sha256: str) -> None:
        self._tried(lambda: self._client.remove_object(self._at.name, self._name(sha256)))
        (self.folder / _SEEN / sha256).unlink(missing_ok=True)

    def reach(self) -> None:
        """Ask for the first of what is there. Raises OSError."""
        self._tried(lambda: next(self._client.list_objects(self._at.name, self._at.prefix), None))

    def _keep(self, temporary: Path, sha256: str) -> None:
        """Send a file; what is there already has the same content."""
        size = temporary.stat().st_size

        def send() -> None:
            with temporary.open("rb") as source:
                self._client.put_object(self._at.name, self._name(sha256), source, size)

        self._tried(send)
        temporary.unlink()

    def _name(self, sha256: str) -> str:
        return f"{self._at.prefix}{sha256[:2]}/{sha256}"

    def _tried(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except S3Error as error:
            if error.code in _GONE:
                raise FileNotFoundError(error.code) from error
            raise OSError(f"{self._at.host}: {error.code}") from None
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            raise OSError(f"{self._at.host}: {type(error).__name__}") from None
