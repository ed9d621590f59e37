"""Zalo as Apprise plugins. The addresses name an account and hold no secret.

    zalooa://account/user-id
    zbs://account/template-id/phone-or-user-id
    zalobot://account/chat-id

What an account is, is put on the instance (`account`) before it sends. No
scheme is called `zalo`: newer versions of Apprise have one of their own.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, ClassVar

from apprise import NotifyBase, NotifyFormat, NotifyType
from apprise.manager_plugins import NotificationManager

from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.channels.zalo.senders import TEXT_LIMIT, Bot, OfficialAccount

_ACCOUNT = {"name": "account", "type": "string", "required": True}


class Zalo(NotifyBase):
    """`message` is what to send, `account` through what, `result` what came of it."""

    setup_url = ""
    request_rate_per_sec = 0  # how fast is the outbox's business
    notify_format = NotifyFormat.TEXT
    title_maxlen = 0
    body_maxlen = TEXT_LIMIT
    template_tokens = dict(
        NotifyBase.template_tokens,
        host=_ACCOUNT,
        target={"name": "target", "type": "string", "map_to": "targets"},
        targets={"name": "targets", "type": "list:string"},
    )
    templates = ("{schema}://{host}/{targets}",)
    scheme: ClassVar[str]

    def __init__(self, targets: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.targets = list(targets or ())
        if not self.host or len(self.targets) != self.wanted:
            raise TypeError(f"{self.scheme}:// names an account and one recipient")
        self.account: Any = None
        self.message: Message | None = None
        self.result = Result(Outcome.CONFIG, "nothing was sent")

    wanted: ClassVar[int] = 1  # parts after the account

    def send(
        self, body: str, title: str = "", notify_type: Any = NotifyType.INFO, **kwargs: Any
    ) -> bool:
        """Send `self.message`, or the body alone where there is none."""
        message = self.message or Message("", self.targets[-1], title, body, "", "")
        started = time.monotonic()
        found = self._sent(message)
        self.result = replace(found, seconds=round(time.monotonic() - started, 3))
        if found.outcome is not Outcome.OK:
            self.logger.warning("%s not sent outcome=%s", self.scheme, found.outcome)
        return found.outcome is Outcome.OK

    def _sent(self, message: Message) -> Result:
        raise NotImplementedError

    @property
    def url_identifier(self) -> tuple[Any, ...]:
        return (self.scheme, self.host)

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        *first, last = self.targets
        shown = [*first, self.pprint(last, privacy, mode="*") if privacy else last]
        path = "/".join(self.quote(one, safe="*") for one in shown)
        return f"{self.scheme}://{self.quote(self.host)}/{path}"

    @staticmethod
    def parse_url(url: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        found: dict[str, Any] | None = NotifyBase.parse_url(url, verify_host=False)
        if found:
            found["targets"] = NotifyBase.split_path(found["fullpath"])
        return found


class NotifyZaloOA(Zalo):
    """Consultation message of an Official Account, to a user id."""

    service_name = "Zalo Official Account"
    scheme = secure_protocol = "zalooa"

    def _sent(self, message: Message) -> Result:
        assert isinstance(self.account, OfficialAccount)
        return self.account.consult(message)


class NotifyZbs(Zalo):
    """Template message of an Official Account, to a phone number or a user id."""

    service_name = "Zalo ZBS template"
    scheme = secure_protocol = "zbs"
    wanted = 2

    def _sent(self, message: Message) -> Result:
        assert isinstance(self.account, OfficialAccount)
        return self.account.template(self.targets[0], message)


class NotifyZaloBot(Zalo):
    """Message of a Zalo Bot, to a chat id."""

    service_name = "Zalo Bot"
    scheme = secure_protocol = "zalobot"

    def _sent(self, message: Message) -> Result:
        assert isinstance(self.account, Bot)
        return self.account.send(message)


for _plugin in (NotifyZaloOA, NotifyZbs, NotifyZaloBot):
    NotificationManager().add(_plugin, force=True)
