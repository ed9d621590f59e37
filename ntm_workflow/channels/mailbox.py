"""The mailbox that answers and bounces come to, over IMAP. Knows no database.

    imaps://user:password@host/INBOX?address=traloi@huyen.example.vn
    imap://user:password@host/?address=…&tls=starttls&done=Processed

The mailbox must take traloi+anything@huyen.example.vn as its own: what stands
after "+" says which message an answer is to.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError

from ntm_workflow.errors import ConfigError

TIMEOUT_SECONDS = 30
MOST_BYTES = 25_000_000  # of a larger mail only the header is fetched
AT_ONCE = 500  # mails of one run; the rest waits for the next
LONGEST_TAG = 29  # letters after "+": twelve figures, a hyphen, sixteen letters
_LONGEST_LOCAL = 64  # letters before "@", by RFC 5321
_LOCAL = re.compile(r"[a-z0-9][a-z0-9._-]*")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_UID = re.compile(rb"UID (\d+)")
_TLS_MODES = ("starttls", "none")
T = TypeVar("T")


class Down(Exception):
    """The mailbox cannot be read now; says why, without its password.

    `login`: it does not let us in, which another try will not mend.
    """

    login = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mailbox is, and what its own address is. `done` takes what has been read."""

    host: str
    port: int
    secure: bool
    tls: str
    user: str
    password: str = field(repr=False)
    folder: str
    done: str
    local: str
    domain: str

    @property
    def address(self) -> str:
        return f"{self.local}@{self.domain}"

    def tagged(self, tag: str) -> str:
        """The address that brings what is sent to it here, with this tag."""
        return f"{self.local}+{tag}@{self.domain}"

    def tag(self, address: str) -> str | None:
        """What an address of this mailbox holds after "+"; None: not one of it."""
        local, _, domain = address.strip().lower().rpartition("@")
        name, _, tag = local.partition("+")
        return tag if (name, domain) == (self.local, self.domain) else None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as it lies in the mailbox. `whole` is False where only its header was fetched.

    `arrived` is when the server got it, None where it does not say.
    """

    uid: str
    size: int
    whole: bool
    raw: bytes = field(repr=False)
    arrived: datetime | None = None


def place(url: str) -> Place:
    """Read the address of a mailbox. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError("mailbox.url") from error
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    user = unquote(parts.username or "")
    local, _, domain = asked.get("address", user).strip().lower().rpartition("@")
    secure, host = parts.scheme == "imaps", parts.hostname or ""
    tls = asked.get("tls") or ("none" if host in ("127.0.0.1", "localhost", "::1") else "starttls")
    if (
        parts.scheme not in ("imap", "imaps") or not host or not user or tls not in _TLS_MODES
        or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain)
        or len(local) + 1 + LONGEST_TAG > _LONGEST_LOCAL
    ):  # fmt: skip
        raise ConfigError("mailbox.url")
    return Place(
        host=host, port=port or (993 if secure else 143), secure=secure, tls=tls, user=user,
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX", done=asked.get("done", "Processed"),
        local=local, domain=domain,
    )  # fmt: skip


class Mailbox:
    """One connection to a mailbox: `fetch` what lies in it, `put_away` what has been kept.

    Looking leaves no mark. Everything raises Down where the server or the way
    to it fails.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._box: BaseMailBox = _tried(lambda: _signed_in(place))

    def waiting(self) -> list[str]:
        """The numbers of the mails that lie here, the oldest first, as many as one run takes."""
        return _tried(lambda: self._box.uids("ALL", charset=None))[:AT_ONCE]

    def fetch(self, uids: Sequence[str]) -> Iterator[Fetched]:
        """Yield mails one by one; one that has vanished meanwhile is left out."""
        for uid in uids:
            if found := _tried(partial(self._fetch, uid)):
                yield found

    def _fetch(self, uid: str) -> Fetched | None:
        found = self._about(uid)
        if found is None:
            return None
        size, arrived = found
        whole = size <= MOST_BYTES
        part = "BODY.PEEK[]" if whole else "BODY.PEEK[HEADER]"
        raw = next((one[1] for one in self._ask(uid, f"({part})") if isinstance(one, tuple)), None)
        return None if raw is None else Fetched(uid, size, whole, raw, arrived)

    def _about(self, uid: str) -> tuple[int, datetime | None] | None:
        """How large a mail is, and when the server got it."""
        for one in self._ask(uid, "(RFC822.SIZE INTERNALDATE)"):
            said = one[0] if isinstance(one, tuple) else one
            if said and (found := _SIZE.search(said)):
                at = imaplib.Internaldate2tuple(said)
                arrived = datetime.fromtimestamp(time.mktime(at), UTC) if at else None
                return int(found[1]), arrived
        return None

    def _ask(self, uid: str, what: str) -> list[Any]:
        status, found = self._box.client.uid("FETCH", uid, what)
        if status != "OK":
            raise imaplib.IMAP4.error(f"FETCH: {status}")
        return [one for one in found if one is not None]

    def wait(self, seconds: int, pause: Callable[[float], object]) -> None:
        """Wait until a mail arrives, that long at most; a server that cannot say so: that long."""
        _, able = _tried(self._box.client.capability)  # before signing in it may say less
        if b"IDLE" not in (able[0] or b"").upper().split():
            pause(seconds)
        elif not self.waiting():  # what came since the last look is not announced again
            _tried(lambda: self._box.idle.wait(timeout=seconds))

    def put_away(self, uids: Sequence[str]) -> None:
        """Move mails to the folder for what has been read; made where there is none."""
        if uids:
            _tried(lambda: self._put_away(uids))

    def _put_away(self, uids: Sequence[str]) -> None:
        if not self._box.folder.exists(self._place.done):
            self._box.folder.create(self._place.done)
        self._box.move(list(uids), self._place.done, chunks=100)

    def close(self) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
            self._box.logout()


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Mailbox]:
    """A mailbox until the block ends. Raises Down."""
    box = Mailbox(place)
    try:
        yield box
    finally:
        box.close()


def _signed_in(place: Place) -> BaseMailBox:
    at = place.host, place.port, TIMEOUT_SECONDS
    if place.secure:
        box: BaseMailBox = MailBox(*at, ssl_context=ssl.create_default_context())
    elif place.tls == "starttls":
        box = MailBoxStartTls(*at, ssl_context=ssl.create_default_context())
    else:
        box = MailBoxUnencrypted(*at)
    login = box.login if (place.user + place.password).isascii() else box.login_utf8
    try:
        login(place.user, place.password, initial_folder=place.folder)
    except BaseException:
        box.client.shutdown()
        raise
    return box


def _tried(act: Callable[[], T]) -> T:
    try:
        return act()
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        said = " ".join(str(error).split())[:200]
        down = Down(f"{type(error).__name__}: {said}")
        down.login = isinstance(error, MailboxLoginError)
        raise down from error
