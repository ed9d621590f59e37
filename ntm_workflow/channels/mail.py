"""E-mail as an Apprise plugin on smtplib.

    smtp://user:password@host:587/?from=vpdp@example.vn&name=VPĐP&tls=starttls
    smtps://user:password@host/?from=vpdp@example.vn

Apprise's own mail plugin breaks Vietnamese attachment names, doubles the
Message-ID and builds a TLS context for every mail; this one keeps one
connection and says what happened to each message.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
import time
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from email.utils import quote as escaped
from functools import lru_cache
from typing import Any

from apprise import Apprise, NotifyBase, NotifyFormat, NotifyType
from apprise.manager_plugins import NotificationManager

from ntm_workflow.appendix.text import nfc
from ntm_workflow.channels import mail_bytes, mail_transfer
from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.errors import ConfigError

# The default may send 8-bit bodies, and encodes an address or link that is longer than a line.
_POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
TIMEOUT_SECONDS = 30
_TLS_MODES = ("starttls", "none")


class NotifySmtp(NotifyBase):
    """One kept SMTP connection. `message` is what to send, `result` what came of it.

    `meanwhile` is what to do while the server thinks about it.
    """

    service_name = "NTM mail"
    protocol = "smtp"
    secure_protocol = "smtps"
    setup_url = ""
    request_rate_per_sec = 0
    notify_format = NotifyFormat.TEXT
    body_maxlen = 10_000_000
    title_maxlen = 500
    templates = ("{schema}://{host}", "{schema}://{host}:{port}",
                 "{schema}://{user}:{password}@{host}:{port}")  # fmt: skip
    template_tokens = dict(
        NotifyBase.template_tokens,
        host={"name": "host", "type": "string", "required": True},
        port={"name": "port", "type": "int", "min": 1, "max": 65535},
        user={"name": "user", "type": "string"},
        password={"name": "password", "type": "string", "private": True},
    )
    template_args = dict(
        NotifyBase.template_args,
        **{
            "from": {"name": "sender", "type": "string", "map_to": "sender"},
            "name": {"name": "sender name", "type": "string", "map_to": "sender_name"},
            "tls": {"name": "tls", "type": "choice:string", "values": _TLS_MODES},
        },
    )

    def __init__(
        self, sender: str = "", sender_name: str = "", tls: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not sender or "@" not in sender:
            raise TypeError("smtp:// needs ?from=address")
        local = self.host in {"127.0.0.1", "localhost", "::1"}
        self.tls = tls or ("none" if self.secure or local else "starttls")
        if self.tls not in _TLS_MODES:
            raise TypeError(f"tls={self.tls}: not one of {', '.join(_TLS_MODES)}")
        self.sender, self.sender_name = sender, sender_name
        self.message: Message | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.result = Result(Outcome.CONFIG, "nothing was sent")
        self._connection: smtplib.SMTP | None = None

    def send(
        self, body: str, title: str = "", notify_type: Any = NotifyType.INFO, **kwargs: Any
    ) -> bool:
        """Send `self.message`; `self.result` says what came of it."""
        assert self.message is not None
        started = time.monotonic()
        outcome, detail = self._try(self.message)
        if outcome is not Outcome.OK:
            self.logger.warning("mail not sent outcome=%s", outcome)
        seconds = round(time.monotonic() - started, 3)
        self.result = Result(outcome, detail, seconds, _code(detail), _queued_as(detail))
        return outcome is Outcome.OK

    def _try(self, message: Message) -> tuple[Outcome, str]:
        try:
            mail = self._build(message)
            sender = mail_transfer.path(message.return_to or self.sender)
        except ValueError as error:
            return Outcome.PAYLOAD, str(error)
        if not message.to_address.isascii():
            return Outcome.RECIPIENT, f"not an ASCII address: {message.to_address}"
        to = mail_transfer.path(message.to_address)
        for fresh in (self._connection is None, True):
            try:
                connection = self._connect()
            except (OSError, smtplib.SMTPException) as error:
                self.close()
                return _unreached(error), mail_transfer.reply_of(error)
            outcome, detail, gone = mail_transfer.transfer(
                connection, sender, to, mail, self.meanwhile
            )
            if gone:
                self.close()
                if not fresh and outcome is Outcome.TRANSIENT:
                    continue  # the kept connection had died; nothing was sent on it
            return outcome, detail
        return outcome, detail

    def _connect(self) -> smtplib.SMTP:
        if self._connection is None:
            port = self.port or (465 if self.secure else 25)
            if self.secure:
                made: smtplib.SMTP = smtplib.SMTP_SSL(
                    self.host, port, timeout=TIMEOUT_SECONDS, context=_context()
                )
            else:
                made = smtplib.SMTP(self.host, port, timeout=TIMEOUT_SECONDS)
                if self.tls == "starttls":
                    made.starttls(context=_context())
            made.ehlo_or_helo_if_needed()
            if self.user:
                made.login(self.user, self.password or "")
            self._connection = made
        return self._connection

    def close(self) -> None:
        """Hang up; the next message connects anew."""
        if self._connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
            self._connection = None

    def _build(self, message: Message) -> bytes:
        if not message.attachments:
            seed = message.message_id
            return mail_bytes.alternative(self._head(message), message.text, message.html, seed)
        mail = EmailMessage(policy=_POLICY)
        for name, value in self._head(message):
            mail.set_raw(name, value)
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        for one in message.attachments:
            kind, _, subtype = one.kind.partition("/")
            mail.add_attachment(one.data, kind, subtype, filename=_file_name(one.name))
        return mail.as_bytes()

    def _head(self, message: Message) -> Iterator[tuple[str, str]]:
        """The headers, each encoded and folded."""
        yield "Subject", _encoded(message.subject)
        yield "From", _address(self.sender_name, self.sender)
        yield "To", _address(message.to_name, message.to_address)
        yield "Date", _date(int(time.time()))
        yield "Message-ID", _plain(message.message_id)
        yield "Auto-Submitted", "auto-generated"
        yield "X-Auto-Response-Suppress", "OOF, AutoReply"
        if message.thread:
            yield "In-Reply-To", message.thread[-1]
            yield "References", "\r\n ".join(message.thread)
        if message.reply_to:
            yield "Reply-To", _address("", message.reply_to)
        for name, value in message.headers.items():
            yield name, _plain(value)

    @property
    def url_identifier(self) -> tuple[Any, ...]:
        return (self.secure_protocol if self.secure else self.protocol, self.host, self.port,
                self.user, self.password)  # fmt: skip

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        auth = ""
        if self.user:
            password = self.pprint(self.password, privacy, mode="*") if self.password else ""
            auth = f"{self.quote(self.user)}:{self.quote(password, safe='*')}@"
        schema = self.secure_protocol if self.secure else self.protocol
        port = f":{self.port}" if self.port else ""
        args_ = {"from": self.sender, "name": self.sender_name, "tls": self.tls}
        return f"{schema}://{auth}{self.host}{port}/?{self.urlencode(args_)}"

    @staticmethod
    def parse_url(url: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        found: dict[str, Any] | None = NotifyBase.parse_url(url, verify_host=False)
        if found:
            qsd = found["qsd"]
            found["sender"] = NotifyBase.unquote(qsd.get("from", ""))
            found["sender_name"] = NotifyBase.unquote(qsd.get("name", ""))
            found["tls"] = qsd.get("tls", "").lower()
        return found


NotificationManager().add(NotifySmtp, force=True)


class MailChannel:
    """Sends messages through an Apprise URL of the scheme smtp:// or smtps://."""

    def __init__(self, url: str) -> None:
        found = Apprise.instantiate(url, suppress_exceptions=True)
        if not isinstance(found, NotifySmtp):
            raise ConfigError("mail.url")
        self._service = found
        self.paid = False
        self.domain = found.sender.rpartition("@")[2]

    def send(self, message: Message, meanwhile: Callable[[], None] | None = None) -> Result:
        """Send one message; never raises for what the network or the server does."""
        self._service.message, self._service.meanwhile = message, meanwhile
        self._service.notify(
            body=message.text or " ", title=message.subject, body_format=NotifyFormat.TEXT
        )
        return self._service.result

    def close(self) -> None:
        self._service.close()


@lru_cache(maxsize=1)  # many mails leave in a second
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


@lru_cache(maxsize=64)  # many mails have the same subject
def _encoded(text: str) -> str:
    """Header text as RFC 2047 words that keep each line below 78 characters.

    The standard library's own folding loses the space at which it breaks a
    long Vietnamese line. Words end at a space where they can, and hold it:
    between two of them a space does not count, and some readers show one.
    """
    if "\n" in text or "\r" in text:
        raise ValueError("a header cannot hold a line break")
    if text.isascii() and len(text) < 60:
        return text
    chunks = [""]
    for piece in _pieces(nfc(text)):
        if len((chunks[-1] + piece).encode()) > _CHUNK:
            chunks.append("")
        chunks[-1] += piece
    words = (f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?=" for chunk in chunks if chunk)
    return "\r\n ".join(words)


_CHUNK = 36  # bytes of text in an RFC 2047 word


def _pieces(text: str) -> Iterator[str]:
    """Words with the space after them; of a word that is too long its letters, marks included."""
    for word in re.findall(r"\S*\s?", text):
        if len(word.encode()) <= _CHUNK:
            yield word
            continue
        letter = ""
        for sign in word:
            if letter and not unicodedata.combining(sign):
                yield letter
                letter = ""
            letter += sign
        yield letter


def _plain(value: str) -> str:
    """A header of ours: ASCII, one line that servers and readers leave whole."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("a header of ours is one line of ASCII")
    return value


@lru_cache(maxsize=64)  # the sender is the same each time
def _address(name: str, address: str) -> str:
    try:
        if not mail_transfer.plain(address):
            Address(addr_spec=address)  # refuses what is no address
    except LookupError as error:  # how the standard library says that a part is missing
        raise ValueError(f"not an address: {address!r}") from error
    if not name:
        return address
    return f"{_encoded(name) if not name.isascii() else _quoted(name)} <{address}>"


def _file_name(name: str) -> str:
    """The name of an attachment: composed letters, no folder, nothing that cannot be seen."""
    return "".join(" " if c in "/\\" else c for c in nfc(name) if c.isprintable()).strip()


def _quoted(name: str) -> str:
    if "\n" in name or "\r" in name:
        raise ValueError("a header cannot hold a line break")
    return f'"{escaped(name)}"'


_tls: list[ssl.SSLContext] = []


def _context() -> ssl.SSLContext:
    """The TLS context, built once: building it costs twenty milliseconds."""
    if not _tls:
        _tls.append(ssl.create_default_context())
    return _tls[0]


def _unreached(error: Exception) -> Outcome:
    """What a connection that was not made asks for: patience, or a person.

    A server that says "later" (4xx) at the login has not judged the password; a
    certificate that is not to be trusted, a login it does not offer and a
    refusal for good (5xx) do not pass by themselves.
    """
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500:
        wrong = isinstance(error, smtplib.SMTPAuthenticationError)
        return Outcome.AUTH if wrong else Outcome.CONFIG
    if isinstance(error, (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError)):
        return Outcome.CONFIG
    return Outcome.TRANSIENT


def _code(detail: str) -> str:
    """The server's own number, where its answer begins with one."""
    found = re.match(r"[245]\d\d(?= )", detail)
    return found[0] if found else ""


def _queued_as(detail: str) -> str:
    """The server's name for the mail, where it says one."""
    found = re.search(r"queued as ([0-9A-Za-z]+)", detail)
    return found[1] if found else ""
