"""A mail of a text and an HTML part in bytes, put together directly.

The standard library parses each header it is given and walks each text by the
line; of a mail whose every line is known that costs ten times what this does.
"""

from __future__ import annotations

from binascii import b2a_base64, b2a_qp
from collections.abc import Iterable
from hashlib import blake2b


def alternative(headers: Iterable[tuple[str, str]], text: str, html: str, seed: str) -> bytes:
    """A multipart/alternative mail; the headers are ASCII and folded already.

    Raises:
        ValueError: a header holds something else than ASCII.
    """
    head = "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("ascii")
    # "=_" stands in no text that is encoded as below (RFC 2045, 6.7).
    boundary = b"=_" + blake2b(seed.encode(), digest_size=12).hexdigest().encode()
    return (
        b'%bMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n\r\n'
        b"--%b\r\n%b\r\n--%b\r\n%b\r\n--%b--\r\n"
    ) % (head, boundary, boundary, _part(b"plain", text), boundary, _part(b"html", html), boundary)


def _part(subtype: bytes, text: str) -> bytes:
    """A part in whichever of the two encodings is shorter, ending with a line break."""
    data = b"\r\n".join([*(text.encode().splitlines() or [b""]), b""])
    size = 4 * -(-len(data) // 3) + 2 * -(-len(data) // _BASE64_LINE)  # as base64
    foreign = len(data.translate(None, _ASCII))  # each of its bytes is three when quoted
    if len(data) + 2 * foreign <= size and len(quoted := b2a_qp(data)) <= size:
        name, body = b"quoted-printable", quoted
    else:
        name, body = b"base64", _base64(data)
    return (
        b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: %b\r\n\r\n%b'
    ) % (subtype, name, body)


_ASCII = bytes(range(128))
_BASE64_LINE = 57  # bytes of text in a line of 76 letters


def _base64(data: bytes) -> bytes:
    whole = b2a_base64(data, newline=False)
    lines = [whole[at : at + 76] for at in range(0, len(whole), 76)]
    return b"\r\n".join([*lines, b""])
