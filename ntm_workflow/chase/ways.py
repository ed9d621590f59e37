"""The ways out: from a channel in the database to something that sends."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.errors import ConfigError
from ntm_workflow.store.tables import Channel

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime


class Way(Protocol):
    """One open account. `paid` messages are never sent twice on a doubt; `domain` names ours."""

    paid: bool
    domain: str

    def send(self, message: Message) -> Result:
        """Send one message; never raises for what the network or the provider does."""

    def close(self) -> None:
        """Hang up."""


def opened(rt: Runtime, channel: Channel) -> Way:
    """Open the way of a channel. Apprise is slow to import, so only here.

    Raises:
        ConfigError: its settings cannot be used.
    """
    from ntm_workflow.channels.mail import MailChannel

    if channel.kind == "mail":
        return MailChannel(rt.settings.mail_url)
    if channel.kind == "zalobot":
        return _Bot(rt, channel)
    if channel.kind == "apprise":
        return _Other(rt, channel)
    raise ConfigError("channel.kind", kind=channel.kind)


class _Bot:
    """A Zalo Bot: a kept connection, and the token only in memory."""

    paid, domain = False, ""

    def __init__(self, rt: Runtime, channel: Channel) -> None:
        from ntm_workflow.channels.zalo import senders, wire

        self._http = wire.client()
        hosts = wire.Hosts(**channel.settings.get("hosts", {}))
        self._bot = senders.Bot(self._http, hosts, _secret(rt, channel))

    def send(self, message: Message) -> Result:
        started = time.monotonic()
        result = self._bot.send(message)
        return replace(result, seconds=round(time.monotonic() - started, 3))

    def close(self) -> None:
        self._http.close()


class _Other:
    """Any service Apprise knows, by a URL in which {address} stands for the recipient.

    Apprise says only yes or no: a no may have been sent, so it is ambiguous.
    """

    paid, domain = False, ""

    def __init__(self, rt: Runtime, channel: Channel) -> None:
        self._url = _secret(rt, channel)
        if "{address}" not in self._url:
            raise ConfigError("channel.no_address", name=channel.name)

    def send(self, message: Message) -> Result:
        from apprise import Apprise, NotifyFormat

        started = time.monotonic()
        url = self._url.replace("{address}", quote(message.to_address, safe=""))
        service = Apprise.instantiate(url, suppress_exceptions=True)
        if service is None:
            return Result(Outcome.CONFIG, "Apprise does not know this URL")
        sent = service.notify(
            body=message.text, title=message.subject, body_format=NotifyFormat.TEXT
        )
        seconds = round(time.monotonic() - started, 3)
        return Result(Outcome.OK if sent else Outcome.AMBIGUOUS, "" if sent else "no", seconds)

    def close(self) -> None:
        """Nothing is kept open."""


def _secret(rt: Runtime, channel: Channel) -> str:
    if channel.secret is None:
        raise ConfigError("channel.no_secret", name=channel.name)
    return rt.keys.reveal(channel.secret).decode()
