"""A real SMTP server on loopback that keeps what it gets and misbehaves when told to."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

HOST = "127.0.0.1"
SENDER = "vpdp@bacson.example.vn.invalid"


@dataclass
class Sink:
    """`mails` in the order they were taken; `refuse_…` holds what to answer instead of 250."""

    port: int = 0
    password: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)  # the same as they came over the wire
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    nobodys: list[bytes] = field(default_factory=list)  # texts that had no recipient
    connections: int = 0
    refuse_recipient: dict[str, str] = field(default_factory=dict)
    refuse_text: str = ""
    refuse_sender: str = ""
    refuse_login: str = ""  # what a login is answered whatever the password
    before_text: str = ""  # what the word DATA is answered
    drop_on_reset: bool = False  # hang up as soon as a refusal has been read
    drop_after_text: int = 0  # hang up instead of answering, so many times, text kept
    keep_text: bool = True
    in_groups: bool = False  # take several commands at once, and say so (RFC 2920)
    waits_for_text: bool = False  # answer DATA with 354 whatever was refused before
    on_mail: Callable[[], None] | None = None
    _live: set[Any] = field(default_factory=set)
    _loop: Any = None

    @property
    def url(self) -> str:
        login = f"vpdp:{self.password}@" if self.password else ""
        return f"smtp://{login}{HOST}:{self.port}/?from={SENDER}&name=VP%C4%90P%20huy%E1%BB%87n"

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID was taken."""
        return Counter(str(mail["Message-ID"]) for mail in self.mails)

    def hang_up(self) -> None:
        """Drop every open connection without a word, as a server does to an idle one."""
        done = threading.Event()

        def act() -> None:
            for transport in list(self._live):
                transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(act)
        assert done.wait(5)

    # aiosmtpd looks for these names

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if reply := self.refuse_recipient.get(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, host: str, said: list[str]
    ) -> list[str]:
        session.host_name = host
        return [*said[:-1], "250-PIPELINING", said[-1]] if self.in_groups else said

    async def handle_RSET(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.drop_on_reset:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refuse_text:
            return self.refuse_text
        if self.keep_text:
            mail = message_from_bytes(envelope.original_content or b"", policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.raw.append(envelope.original_content or b"")
        self.recipients.extend(envelope.rcpt_tos)
        self.senders.append(envelope.mail_from or "")
        if self.on_mail:
            self.on_mail()
        if self.drop_after_text:
            self.drop_after_text -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"

    def check(
        self, server: Any, session: Any, envelope: Any, mechanism: Any, data: Any
    ) -> AuthResult:
        message = self.refuse_login or None
        right = data.password == self.password.encode() and not message
        return AuthResult(success=right, handled=False, message=message)


class _Server(SMTP):
    """Counts connections, and knows them so that they can be dropped."""

    def connection_made(self, transport: Any) -> None:
        self.event_handler.connections += 1
        self.event_handler._live.add(transport)
        super().connection_made(transport)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if refused := self.event_handler.before_text:
            await self.push(refused)
        elif self.event_handler.waits_for_text and not (self.envelope and self.envelope.rcpt_tos):
            await self.push("354 Go on")
            self.event_handler.nobodys.append(await self._reader.readline())
            await self.push("554 5.5.1 No valid recipients")
        else:
            await super().smtp_DATA(arg)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler._live.discard(self.transport)
        super().connection_lost(error)


@contextmanager
def running(password: str = "", in_groups: bool = False) -> Iterator[Sink]:
    """A sink that answers until the block ends."""
    sink = Sink(password=password, in_groups=in_groups)
    loop = asyncio.new_event_loop()
    sink._loop = loop

    def make() -> SMTP:
        return _Server(
            sink, hostname="localhost", loop=loop, enable_SMTPUTF8=True,
            authenticator=sink.check if password else None, auth_required=bool(password),
            auth_require_tls=False,
        )  # fmt: skip

    server = loop.run_until_complete(loop.create_server(make, HOST, 0))
    sink.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
