"""Headers of a mail that anybody may have written, as text that can be kept.

The standard library stops at what is broken, mangles letters that were sent
bare, and cannot put together a letter that was cut between two encoded words.
"""

from __future__ import annotations

import quopri
import re
from base64 import b64decode
from collections.abc import Iterable
from email.message import Message
from email.utils import getaddresses

from ntm_workflow.appendix.text import nfc

LONGEST = 4000  # letters of a header that are looked at
_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]*)\?=")
_RUN = re.compile(rf"{_WORD.pattern}(?:\s*{_WORD.pattern})*")
_ID = re.compile(r"<[^<>\s]{1,300}>")
_ADDRESS = re.compile(r"[^@\s<>,;:\"()]{1,64}@[^@\s<>,;:\"()]{1,255}")


def text(mail: Message, name: str) -> str:
    """The first header of this name, decoded, on one line; "" where there is none."""
    return next(iter(texts(mail, name)), "")


def texts(mail: Message, name: str) -> list[str]:
    """Every header of this name, decoded, each on one line."""
    wanted = name.lower()
    return [decoded(value) for key, value in mail.raw_items() if key.lower() == wanted]


def decoded(value: object) -> str:
    """A header as it was sent, in letters."""
    bare = _bare(str(value)[:LONGEST])
    return " ".join(clean(_RUN.sub(lambda run: _run(run[0]), bare)).split())


def ids(mail: Message, name: str) -> list[str]:
    """The message ids in the headers of a name, in their order: "<…>"."""
    return [one for value in texts(mail, name) for one in _ID.findall(value)]


def addresses(mail: Message, *names: str) -> list[str]:
    """The addresses in the headers of these names, in small letters."""
    bare = (_bare(str(value)[:LONGEST]) for name in names for value in mail.get_all(name, ()))
    found = (address.strip().lower() for _, address in getaddresses(list(bare)))
    return [clean(one) for one in found if _ADDRESS.fullmatch(one)]


def clean(text: str) -> str:
    """Composed letters without what a database or a page cannot hold."""
    whole = nfc(text.encode("utf-8", "replace").decode("utf-8", "replace"))
    return "".join(sign for sign in whole if sign.isprintable() or sign in "\n\t")


def as_text(data: bytes, charset: str | None) -> str:
    """Bytes as text: by the charset they name, else UTF-8, else what Windows writes here."""
    for one in filter(None, (charset, "utf-8", "cp1258")):
        try:
            return data.decode(one)
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


def _bare(value: str) -> str:
    return as_text(value.encode("utf-8", "surrogateescape"), None)


def _run(run: str) -> str:
    """Encoded words that stand side by side: one text, even where a letter was cut in two."""
    parts: list[tuple[str, bytes]] = []
    for charset, how, coded in _WORD.findall(run):
        name = charset.partition("*")[0].lower()  # a language may follow
        data = _data(how.lower(), coded)
        if parts and parts[-1][0] == name:
            parts[-1] = name, parts[-1][1] + data
        else:
            parts.append((name, data))
    return "".join(as_text(data, name) for name, data in parts)


def _data(how: str, coded: str) -> bytes:
    if how == "q":
        return quopri.decodestring(coded.encode("utf-8", "replace"), header=True)
    try:
        return b64decode(coded + "=" * (-len(coded) % 4))
    except ValueError:
        return coded.encode("utf-8", "replace")


def first(found: Iterable[str]) -> str:
    return next(iter(found), "")
