"""The installation's signing key (Ed25519): what it signs, anybody with its public part can check.

Two files beside the key file: `audit.key`, the private keys, a line for each,
the first of which signs; `audit.pub`, every public key whose signatures count,
a line for each in hexadecimal. Losing the first costs nothing that was signed.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from ntm_workflow.errors import ConfigError
from ntm_workflow.store import whole_file
from ntm_workflow.store.keys import make_once

PUBLIC = ".pub"
_BYTES = 32


@dataclass(frozen=True)
class Signer:
    """Signs with the newest key; `trusted` are all public keys whose signatures count."""

    key: Ed25519PrivateKey
    trusted: frozenset[bytes]

    def __repr__(self) -> str:
        return f"Signer({self.public.hex()})"

    @property
    def public(self) -> bytes:
        """The public part of the key that signs from now on, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> bytes:
        """The signature of a text, 64 bytes (RFC 8032)."""
        return self.key.sign(text)


def signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """True when the owner of a public key signed exactly this text."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def load(path: Path) -> Signer:
    """Read the keys; made on the spot, readable by nobody else, where there are none.

    Raises:
        ConfigError: a file cannot be read or holds something else.
    """
    try:
        make_once(path)
        seeds = [urlsafe_b64decode(line) for line in path.read_text("ascii").split()]
        keys = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        own = [key.public_key().public_bytes_raw() for key in keys]
        return Signer(keys[0], frozenset(trust(path, own)))
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError("keys.unreadable", path=str(path)) from error


def trusted(path: Path) -> list[bytes]:
    """The public keys beside a key file, oldest first. Raises OSError, ValueError."""
    beside = path.with_suffix(PUBLIC)
    if not beside.exists():
        return []
    found = [bytes.fromhex(line) for line in beside.read_text("ascii").split()]
    if any(len(key) != _BYTES for key in found):
        raise ValueError(f"a public key has {_BYTES} bytes")
    return found


def trust(path: Path, keys: Iterable[bytes]) -> list[bytes]:
    """Let signatures of these public keys count too; return all that do."""
    known = trusted(path)
    every = list(dict.fromkeys([*known, *keys]))
    if every != known:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{key.hex()}\n" for key in every)
        whole_file.replace(path.with_suffix(PUBLIC), text.encode())
    return every
