"""The ways out: from a channel in the database to something that sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from ntm_workflow.channels.hush import hush
from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.chase import blanks, tokens
from ntm_workflow.errors import ConfigError
from ntm_workflow.store.tables import Channel

if TYPE_CHECKING:
    import httpx

    from ntm_workflow.channels.zalo.senders import Bot, OfficialAccount
    from ntm_workflow.runtime import Runtime

Meanwhile = Callable[[], None] | None


class Way(Protocol):
    """One open account. `paid` messages are never sent twice on a doubt; `domain` names ours."""

    paid: bool
    domain: str

    def send(self, message: Message, meanwhile: Meanwhile = None) -> Result:
        """Send one message; never raises for what the network or the provider does.

        A way that can calls `meanwhile` while the provider thinks; it must not raise.
        """

    def close(self) -> None:
        """Hang up."""


def opened(rt: Runtime, channel: Channel) -> Way:
    """Open the way of a channel. Apprise is slow to import, so only here.

    Raises:
        ConfigError: its settings cannot be used.
    """
    from ntm_workflow.channels.mail import MailChannel

    hush()
    if channel.kind == "mail":
        return MailChannel(rt.settings.mail_url)
    if channel.kind == "apprise":
        return _Other(rt, channel)
    return _Zalo(rt, channel)


class _Zalo:
    """A Zalo account: a kept connection, and its tokens only in memory."""

    domain = ""

    def __init__(self, rt: Runtime, channel: Channel) -> None:
        from apprise import Apprise

        from ntm_workflow.channels.zalo import plugins, wire

        self.paid = channel.kind == "zbs"
        self._names = channel.settings.get("parameters", {})
        self._http = wire.client()
        try:
            self._account = _account(rt, channel, self._http)
            self._head = f"{channel.kind}://{channel.name}/{_template(channel)}"
        except ConfigError:
            self._http.close()
            raise
        self._make = Apprise.instantiate
        self._plugin = plugins.Zalo

    def send(self, message: Message, meanwhile: Meanwhile = None) -> Result:
        service = self._make(
            f"{self._head}{quote(message.to_address, safe='')}", suppress_exceptions=True
        )
        if not isinstance(service, self._plugin):
            return Result(Outcome.RECIPIENT, "not an address of this channel")
        values = blanks.named(message.parameters, self._names)
        service.account, service.message = self._account, replace(message, parameters=values)
        service.notify(body=message.text or " ")
        return service.result

    def close(self) -> None:
        self._http.close()


def _account(rt: Runtime, channel: Channel, http: httpx.Client) -> Bot | OfficialAccount:
    from ntm_workflow.channels.zalo import senders, wire

    if channel.kind == "zalobot":
        hosts = wire.Hosts(**channel.settings.get("hosts", {}))
        return senders.Bot(http, hosts, tokens.unpack_bot(rt.keys, channel).token)
    holder = _holder(rt, channel)
    hosts = wire.Hosts(**holder.settings.get("hosts", {}))
    app, _ = tokens.unpack(rt.keys, holder)
    return senders.OfficialAccount(
        http, hosts, tokens.KeptTokens(rt, holder.name, http, hosts), app
    )


def _holder(rt: Runtime, channel: Channel) -> Channel:
    """The channel whose tokens this one sends with."""
    if channel.tokens_of is None:
        return channel
    with rt.reader() as session:
        return session.get_one(Channel, channel.tokens_of)


def _template(channel: Channel) -> str:
    if channel.kind != "zbs":
        return ""
    if not (template := channel.settings.get("template")):
        raise ConfigError("channel.no_template", name=channel.name)
    return f"{template}/"


class _Other:
    """Any service Apprise knows, by a URL in which {address} stands for the recipient.

    Apprise says only yes or no: a no may have been sent, so it is ambiguous.
    """

    paid, domain = False, ""

    def __init__(self, rt: Runtime, channel: Channel) -> None:
        self._url = _secret(rt, channel)
        if "{address}" not in self._url:
            raise ConfigError("channel.no_address", name=channel.name)

    def send(self, message: Message, meanwhile: Meanwhile = None) -> Result:
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
