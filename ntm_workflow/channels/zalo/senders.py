"""The four ways to write to somebody on Zalo. Each call sends one message to one recipient."""

from __future__ import annotations

import re
from typing import Any

import httpx

from ntm_workflow.appendix.text import nfc
from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.channels.zalo import codes, oauth, templates, wire
from ntm_workflow.channels.zalo.oauth import NoToken, Tokens
from ntm_workflow.channels.zalo.templates import Template
from ntm_workflow.channels.zalo.wire import Hosts, Reply

TEXT_LIMIT = 2000  # letters, NFC
TRACKING_LIMIT = 48
_MENTION = re.compile(r"\[@([^\]]*)\]")  # in an OA message this would call somebody


def phone(printed: str) -> str | None:
    """A Vietnamese mobile number as Zalo wants it ("84987654321"); None if it is none."""
    digits = re.sub(r"\D", "", printed)
    if digits.startswith("0"):
        digits = "84" + digits[1:]
    return digits if re.fullmatch(r"84\d{9}", digits) else None


def free_text(message: Message) -> str:
    """The text as it leaves: NFC, and calling nobody by name."""
    return _MENTION.sub(r"@\1", nfc(message.text))


class OfficialAccount:
    """Consultation messages, and templates by UID or phone, of one Official Account."""

    def __init__(
        self, http: httpx.Client, hosts: Hosts, tokens: Tokens, app: oauth.App | None = None
    ) -> None:
        self._http, self._hosts, self._tokens, self._app = http, hosts, tokens, app
        self._templates: dict[str, Template] = {}

    def consult(self, message: Message) -> Result:
        """Send free text to a user id: possible for seven days after they last wrote."""
        text = free_text(message)
        if not text.strip() or len(text) > TEXT_LIMIT:
            return Result(Outcome.PAYLOAD, f"{len(text)} letters, {TEXT_LIMIT} fit")
        body = {"recipient": {"user_id": message.to_address}, "message": {"text": text}}
        url = f"{self._hosts.openapi}/v3.0/oa/message/cs"
        return self._send(url, body, codes.OA, "message_id")

    def template(self, template_id: str, message: Message) -> Result:
        """Send an approved template, to a phone number or to a user id. It is paid for."""
        number = phone(message.to_address)
        known, trouble = self._known(template_id)
        if known is None:
            return trouble
        values = templates.filled(known, message.parameters)
        if wrong := templates.faults(known, values):
            return Result(Outcome.PAYLOAD if known.enabled else Outcome.CONFIG, "; ".join(wrong))
        body: dict[str, Any] = {"template_id": template_id, "template_data": values}
        if number is None:
            url = f"{self._hosts.openapi}/v3.0/oa/message/template"
            return self._send(url, {"user_id": message.to_address, **body}, codes.OA, "message_id")
        url = f"{self._hosts.business}/message/template"
        body |= {"phone": number, "tracking_id": tracking(message.message_id)}
        return self._send(url, body, codes.ZBS, "msg_id")

    def _known(self, template_id: str) -> tuple[Template | None, Result]:
        if template_id not in self._templates:
            url = f"{self._hosts.business}/template/info/v2"
            reply, trouble = self._call("GET", url, codes.ZBS, params={"template_id": template_id})
            if trouble.outcome is not Outcome.OK:
                # Asking sends nothing, so no answer is no harm.
                lost = trouble.outcome is Outcome.AMBIGUOUS
                return None, Result(Outcome.TRANSIENT, trouble.detail) if lost else trouble
            data = reply.body.get("data")
            self._templates[template_id] = templates.read(
                template_id, data if isinstance(data, dict) else {}
            )
        return self._templates[template_id], Result(Outcome.OK)

    def _send(
        self, url: str, body: dict[str, Any], table: dict[int, Outcome], id_key: str
    ) -> Result:
        reply, result = self._call("POST", url, table, json=body)
        if result.outcome is not Outcome.OK:
            return result
        data = reply.body.get("data")
        sent = data.get(id_key) if isinstance(data, dict) else None
        return Result(
            Outcome.OK, provider_id=str(sent or ""), code="0", quota_left=_quota_left(data)
        )

    def _call(
        self, method: str, url: str, table: dict[int, Outcome], **what: Any
    ) -> tuple[Reply, Result]:
        """Call with the access token; a dead one is renewed once and the call repeated."""
        try:
            access = self._tokens.access()
            reply, result = self._once(method, url, table, access, what)
            if result.outcome is Outcome.AUTH:
                access = self._tokens.renew(access)
                reply, result = self._once(method, url, table, access, what)
        except NoToken as error:
            again = codes.again(wire.number(error.code) or 0)
            return Reply(), Result(error.outcome, error.detail, code=error.code, again=again)
        return reply, result

    def _once(
        self, method: str, url: str, table: dict[int, Outcome], access: str, what: dict[str, Any]
    ) -> tuple[Reply, Result]:  # fmt: skip
        headers = {"access_token": access}
        if self._app is not None:
            headers["appsecret_proof"] = oauth.proof(self._app, access)
        reply = wire.call(self._http, method, url, headers=headers, **what)
        return reply, _judged(reply, table)


def _quota_left(data: object) -> int | None:
    """How many messages of today's quota are left, where the answer says so."""
    quota = data.get("quota") if isinstance(data, dict) else None
    return wire.number(quota.get("remainingQuota")) if isinstance(quota, dict) else None


def _judged(reply: Reply, table: dict[int, Outcome]) -> Result:
    if reply.trouble is not None:
        return Result(reply.trouble, reply.detail)
    code = wire.number(reply.body.get("error"))
    if code is None:
        return Result(Outcome.AMBIGUOUS, "an answer without an error number")
    found = codes.outcome(table, code)
    detail = f"{code} {_said(reply.body.get('message'))}".strip()
    return Result(found, "" if code == 0 else detail, code=str(code), again=codes.again(code))


def _said(words: object) -> str:
    """What Zalo says, without a number in it that could be somebody's."""
    return re.sub(r"\d{6,}", lambda m: f"…{m[0][-4:]}", str(words or ""))[:200]


def tracking(message_id: str) -> str:
    """Our name of a message as ZBS echoes it: plain letters, 48 at most."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", message_id).strip("-")[:TRACKING_LIMIT]


class Bot:
    """Messages of a Zalo Bot. Its token is in the address: no address is ever logged."""

    def __init__(self, http: httpx.Client, hosts: Hosts, token: str) -> None:
        self._http, self._hosts, self._token = http, hosts, token

    def send(self, message: Message) -> Result:
        """Send free text to a chat id: to whoever has written to the bot once."""
        text = nfc(message.text)
        if not text.strip() or len(text) > TEXT_LIMIT:
            return Result(Outcome.PAYLOAD, f"{len(text)} letters, {TEXT_LIMIT} fit")
        url = f"{self._hosts.bot}/bot{self._token}/sendMessage"
        reply = wire.call(
            self._http, "POST", url, json={"chat_id": message.to_address, "text": text}
        )
        if reply.status == 429 and reply.trouble is not None:
            return Result(Outcome.QUOTA, reply.detail, code="429", again=codes.again(429))
        if reply.trouble is not None:
            return Result(reply.trouble, reply.detail)
        if reply.body.get("ok") is True:
            sent = reply.body.get("result")
            sent_id = sent.get("message_id") if isinstance(sent, dict) else None
            return Result(Outcome.OK, code="0", provider_id=str(sent_id or ""))
        return _refused(reply)

    def call_at(self, url: str, secret: str) -> Result:
        """Have Zalo call an address (public, HTTPS) with what is said to the bot."""
        here = f"{self._hosts.bot}/bot{self._token}/setWebhook"
        reply = wire.call(self._http, "POST", here, json={"url": url, "secret_token": secret})
        if reply.trouble is not None:
            return Result(reply.trouble, reply.detail)
        return Result(Outcome.OK) if reply.body.get("ok") is True else _refused(reply)


def _refused(reply: Reply) -> Result:
    code = wire.number(reply.body.get("error_code"))
    if code is None:
        return Result(Outcome.AMBIGUOUS, "an answer without an error number")
    said = _said(reply.body.get("description"))
    found = codes.BOT.get(code, Outcome.TRANSIENT if code >= 500 else Outcome.CONFIG)
    if code == 400 and "chat" in said.casefold():
        found = Outcome.RECIPIENT
    return Result(found, f"{code} {said}".strip(), code=str(code), again=codes.again(code))
