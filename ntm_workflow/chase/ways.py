"""The ways out: from a channel in the database to something that sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ntm_workflow.channels.result import Message, Result
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

    if channel.kind != "mail":
        raise ConfigError("channel.kind", kind=channel.kind)
    return MailChannel(rt.settings.mail_url)
