"""The installation's key: what it seals nobody else can make, what it hides nobody else can read.

One key file, a line for each key, the first of which is used from now on; the
others still open what was sealed before. Losing it costs the stored tokens of
channels and every link that was sent.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ntm_workflow.errors import ConfigError
from ntm_workflow.store import whole_file

_BYTES = 32


class Keys:
    """Keys in use: `seal` and `sealed` for what leaves, `hide` and `reveal` for what stays.

    Those of a file are read again when it has changed, so that a rotation reaches
    processes that are running.
    """

    def __init__(self, keys: tuple[bytes, ...], path: Path | None = None) -> None:
        if not keys or any(len(key) != _BYTES for key in keys):
            raise ValueError(f"a key has {_BYTES} bytes")
        self._read = keys
        self._path = path
        self._mark = _mark(path)

    def __repr__(self) -> str:
        return f"Keys({len(self._read)})"

    @property
    def _keys(self) -> tuple[bytes, ...]:
        mark = _mark(self._path)
        if self._path and mark and mark != self._mark:
            self._read, self._mark = _lines(self._path), mark
        return self._read

    @property
    def names(self) -> tuple[str, ...]:
        """What each key is called, newest first: sixteen letters that tell nothing of it."""
        return tuple(_seal(key, "name", b"").hex()[:16] for key in self._keys)

    @property
    def newest(self) -> Keys:
        """The same with the newest key alone: what it does not open needs an older one."""
        return Keys(self._keys[:1])

    def seal(self, purpose: str, data: bytes, length: int = 16) -> bytes:
        """The seal of `data` for one purpose, `length` bytes of it; of the newest key."""
        return _seal(self._keys[0], purpose, data)[:length]

    def sealed(self, purpose: str, data: bytes, seal: bytes) -> bool:
        """True when a key of ours made this seal for this purpose (8 bytes at least)."""
        if len(seal) < 8:
            return False
        made = [_seal(key, purpose, data)[: len(seal)] for key in self._keys]
        return sum(hmac.compare_digest(one, seal) for one in made) > 0  # each is compared

    def hide(self, secret: bytes) -> bytes:
        """Encrypt what is kept in the database."""
        return self._fernet().encrypt(secret)

    def reveal(self, hidden: bytes) -> bytes:
        """Decrypt it.

        Raises:
            ConfigError: the key file is not the one it was hidden with.
        """
        try:
            return self._fernet().decrypt(hidden)
        except InvalidToken as error:
            raise ConfigError("keys.foreign") from error

    def _fernet(self) -> MultiFernet:
        derived = (urlsafe_b64encode(_seal(key, "fernet", b"")) for key in self._keys)
        return MultiFernet([Fernet(one) for one in derived])


def _seal(key: bytes, purpose: str, data: bytes) -> bytes:
    own = hmac.digest(key, b"ntm\0" + purpose.encode(), sha256)
    return hmac.digest(own, data, sha256)


def load(path: Path) -> Keys:
    """Read the key file; made on the spot, readable by nobody else, where there is none.

    Raises:
        ConfigError: the file cannot be read or holds something else.
    """
    make_once(path)
    return Keys(_lines(path), path)


def _lines(path: Path) -> tuple[bytes, ...]:
    try:
        found = tuple(urlsafe_b64decode(line) for line in path.read_text("ascii").split())
        Keys(found)
    except (OSError, ValueError) as error:
        raise ConfigError("keys.unreadable", path=str(path)) from error
    return found


def _mark(path: Path | None) -> tuple[int, ...]:
    """Changes when the file does; empty where there is none."""
    try:
        found = path.stat() if path else None
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ino, found.st_size) if found else ()


def add(path: Path) -> None:
    """Put a fresh key before those of a file: it is used from now on, the others still open.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    kept = path.read_text("ascii").split()
    _write(path, [urlsafe_b64encode(os.urandom(_BYTES)).decode(), *kept])


def drop(path: Path) -> int:
    """Leave nothing but the newest key in a file; return how many are gone. Raises OSError."""
    kept = path.read_text("ascii").split()
    _write(path, kept[:1])
    return len(kept) - 1


def _write(path: Path, lines: list[str]) -> None:
    whole_file.replace(path, "".join(f"{line}\n" for line in lines).encode("ascii"))


def make_once(path: Path) -> None:
    """Write a fresh key to a file that only its owner reads, unless there is one already."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(urlsafe_b64encode(os.urandom(_BYTES)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # fails where another process was first: its key counts
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
