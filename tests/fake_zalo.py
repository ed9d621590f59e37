"""A Zalo on loopback: answers as Zalo's documents and field notes say, faults included.

One port serves the sign-in, Official Account, template and bot addresses. Tests set its users,
phones, templates, quotas, clock and faults as plain attributes, and read `delivered`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from ntm_workflow.channels.zalo.wire import Hosts

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
APP_ID, SECRET, OA_ID = "1000", "app-secret", "3880000000000000001"
OA_KEY = "oa-secret-key"  # signs what Zalo tells the office
BOT_TOKEN, BOT_HOOK = "123456:bot-secret", "bot-webhook-secret"
TEXT_LIMIT = 2000


@dataclass
class User:
    """Somebody on Zalo as the Official Account knows them."""

    last_interaction: datetime | None = None
    blocked: int = 0  # the error their messages end in, 0 for none


@dataclass
class Template:
    parameters: dict[str, int]  # name → longest value
    status: str = "ENABLE"
    by_uid: bool = True


@dataclass
class Fault:
    """What goes wrong with the next call of a path.

    `when` is "before" (nothing is done), "after" (done, the answer lost) or ""
    (answer `status` and `body` instead of doing it). `seconds` delays, `until` waits.
    """

    when: str = ""
    status: int = 200
    body: str = ""
    seconds: float = 0
    until: threading.Event | None = None


@dataclass
class Delivered:
    channel: str
    to: str
    what: Any
    tracking_id: str = ""


@dataclass
class FakeZalo:
    port: int = 0
    now: datetime = field(default_factory=lambda: datetime(2026, 6, 22, 8, 0, tzinfo=ZONE))
    access: dict[str, datetime] = field(default_factory=dict)  # token → when it expires
    dead: set[str] = field(default_factory=set)
    refresh_token: str = "RT-0"
    used_refresh: set[str] = field(default_factory=set)
    refreshes: int = 0
    codes: dict[str, str] = field(default_factory=dict)  # of the permission page → verifier
    arrived: list[float] = field(default_factory=list)  # when each message was delivered
    users: dict[str, User] = field(default_factory=dict)
    phones: dict[str, int] = field(default_factory=dict)  # number → error, 0 for none
    templates: dict[str, Template] = field(default_factory=dict)
    chats: dict[str, int] = field(default_factory=dict)  # chat → error, 0 for none
    calls_left: int = 10_000  # of this minute
    template_quota: int = 500
    bot_quota: int = 3000
    webhook: tuple[str, str] = ("", "")  # where the bot was told to call, and with what secret
    delivered: list[Delivered] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    fates: dict[str, Fault] = field(default_factory=dict)  # who is written to, refresh token → …
    lock: threading.RLock = field(default_factory=threading.RLock)
    server: Any = None  # the HTTP server, for who wants to shut its door

    @property
    def hosts(self) -> Hosts:
        here = f"http://127.0.0.1:{self.port}"
        return Hosts(here, here, here, here)

    def sign_in(self) -> str:
        """Give out an access token as the operator's page does."""
        token = f"AT-{len(self.access)}"
        self.access[token] = self.now + timedelta(hours=25)
        return token

    def fail(self, path: str, *faults: Fault) -> None:
        self.faults[path].extend(faults)

    # -- the services -----------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes
               ) -> tuple[int, str]:  # fmt: skip
        with self.lock:
            if path == "/v4/oa/access_token":
                return 200, self._token(headers, parse_qs(body.decode()))
            if path.startswith("/bot"):
                return self._bot(path, body)
            data = _json(body)
            return 200, json.dumps(self._open_api(path, query, headers, data))

    def _token(self, headers: Any, form: dict[str, list[str]]) -> str:
        if headers.get("secret_key") != SECRET:
            return json.dumps({"error": -14004, "error_name": "Invalid secret key."})
        if form.get("grant_type") == ["authorization_code"]:
            if (
                self.codes.pop(form.get("code", [""])[0], None)
                != form.get("code_verifier", [""])[0]
            ):
                return json.dumps({"error": -14010, "error_name": "Invalid code."})
            return json.dumps({"access_token": self.sign_in(), "refresh_token": self.refresh_token,
                               "expires_in": "90000"})  # fmt: skip
        asked = form.get("refresh_token", [""])[0]
        if asked in self.used_refresh:
            return ""  # seen in production: an empty page
        if asked != self.refresh_token:
            return json.dumps({"error": "-14014", "error_name": "Invalid refresh token."})
        self.used_refresh.add(asked)
        self.refreshes += 1
        self.refresh_token = f"RT-{self.refreshes}"
        self.dead |= set(self.access)
        return json.dumps({"access_token": self.sign_in(), "refresh_token": self.refresh_token,
                           "expires_in": "90000"})  # fmt: skip

    def _open_api(self, path: str, query: dict[str, str], headers: Any, data: Any) -> Any:
        zbs = path in ("/message/template", "/template/info/v2", "/message/status")
        if error := self._no_token(headers, zbs):
            return error
        if path == "/v3.0/oa/message/cs":
            return self._consult(data)
        if path == "/v3.0/oa/message/template":
            return self._template(data, data.get("user_id", ""), by_uid=True)
        if path == "/message/template":
            return self._by_phone(data)
        if path == "/template/info/v2":
            return self._info(query.get("template_id", ""))
        return _error(-240, "MessageV2 API has been shut down, please switch to MessageV3")

    def _no_token(self, headers: Any, zbs: bool) -> Any:
        token = headers.get("access_token", "")
        if token not in self.access or token in self.dead:
            return _error(-124 if zbs else -216, "Access token is invalid")
        if self.access[token] <= self.now:
            return _error(-124 if zbs else -220, "access_token is expired or removed")
        if not zbs:
            self.calls_left -= 1
            if self.calls_left < 0:
                return _error(-32, "Your OA reached limit call api")
        return None

    def _consult(self, data: Any) -> Any:
        to = data.get("recipient", {}).get("user_id", "")
        text = data.get("message", {}).get("text", "")
        user = self.users.get(to)
        if user is None or not text:
            return _error(-201, "user_id is invalid!")
        if len(text) > TEXT_LIMIT:
            return _error(-210, "Parameter exceeds allowable limit")
        if user.blocked:
            return _error(user.blocked, "The user does not receive this")
        if user.last_interaction is None:
            return _error(-232, "User has not interacted with the OA")
        if self.now - user.last_interaction > timedelta(days=7):
            return _error(-230, "User has not interacted with the OA in the past 7 days")
        return self._done("oa", to, text)

    def _template(self, data: Any, to: str, by_uid: bool) -> Any:
        template = self.templates.get(str(data.get("template_id")))
        values = data.get("template_data") or {}
        if template is None:
            return _error(-109, "Template id invalid")
        if by_uid and not template.by_uid:
            return _error(-249, "Template does not support send via UID")
        if template.status != "ENABLE":
            return _error(-131, "ZNS template not approved")
        if not values:
            return _error(-111, "Template data is empty")
        if missing := template.parameters.keys() - values.keys():
            return _error(-1122, f"Missing parameter {sorted(missing)[0]}")
        if any(len(values[name]) > most for name, most in template.parameters.items()):
            return _error(-1121, "Parameter too long")
        if by_uid:
            user = self.users.get(to)
            if user is None:
                return _error(-201, "user_id is invalid!")
            if user.blocked:
                return _error(user.blocked, "The user does not receive this")
        elif not 6 <= self.now.hour < 22:
            return _error(-133, "Not sent at night")
        return self._done("zbs", to, values, str(data.get("tracking_id", "")))

    def _by_phone(self, data: Any) -> Any:
        to = str(data.get("phone", ""))
        if not data.get("tracking_id"):
            return _error(-122, "Body is not in the right format")
        if to not in self.phones:
            return _error(-108, "Phone number is invalid: " + to)
        if self.phones[to]:
            return _error(self.phones[to], f"Phone {to} refuses")
        if self.template_quota <= 0:
            return _error(-144, "OA reached the daily limit")
        reply = self._template(data, to, by_uid=False)
        if not reply["error"]:
            self.template_quota -= 1
            reply["data"] |= {
                "msg_id": reply["data"].pop("message_id"), "sending_mode": "1",
                "quota": {"dailyQuota": "500", "remainingQuota": str(self.template_quota)},
            }  # fmt: skip
        return reply

    def _info(self, template_id: str) -> Any:
        template = self.templates.get(template_id)
        if template is None:
            return _error(-109, "Template id invalid")
        parameters = [
            {"name": name, "require": True, "type": "STRING", "maxLength": most, "minLength": 0,
             "acceptNull": False}
            for name, most in template.parameters.items()
        ]  # fmt: skip
        return {"error": 0, "message": "Success",
                "data": {"status": template.status, "listParams": parameters}}  # fmt: skip

    def _done(self, channel: str, to: str, what: Any, tracking_id: str = "") -> Any:
        self._keep(Delivered(channel, to, what, tracking_id))
        sent = {"message_id": f"m{len(self.delivered)}", "user_id": to,
                "sent_time": str(int(self.now.timestamp() * 1000))}  # fmt: skip
        return {"error": 0, "message": "Success", "data": sent}

    def _keep(self, told: Delivered) -> None:
        self.delivered.append(told)
        self.arrived.append(time.monotonic())

    def _bot(self, path: str, body: bytes) -> tuple[int, str]:
        token, _, name = path.removeprefix("/bot").partition("/")
        if token != BOT_TOKEN:
            return 401, _bot_error(401, "Unauthorized")
        data = _json(body)
        if name == "setWebhook":
            if not str(data.get("url")).startswith("https://"):
                return 200, _bot_error(400, "Bad Request: url must be https")
            self.webhook = (data["url"], data.get("secret_token", ""))
            return 200, json.dumps({"ok": True, "result": {"url": data["url"]}})
        if name != "sendMessage":
            return 404, _bot_error(404, "Not Found")
        chat, text = data.get("chat_id", ""), data.get("text", "")
        if chat not in self.chats:
            return 200, _bot_error(400, "Bad Request: chat not found")
        if not 1 <= len(text) <= TEXT_LIMIT:
            return 200, _bot_error(400, "Bad Request: message text is empty or too long")
        if self.chats[chat]:
            return 200, _bot_error(self.chats[chat], "Internal server error")
        if self.bot_quota <= 0:
            return 200, _bot_error(429, "Quota exceeded")
        self.bot_quota -= 1
        self._keep(Delivered("bot", chat, text))
        sent = {"message_id": f"m{len(self.delivered)}", "date": 1749632637199}
        return 200, json.dumps({"ok": True, "result": sent})


def _json(body: bytes) -> Any:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": code, "message": message}


def _bot_error(code: int, message: str) -> str:
    return json.dumps({"ok": False, "error_code": code, "description": message})


def _meant(body: bytes) -> str:
    """Whom a call is about: a user, phone or chat, or the refresh token it brings."""
    data = _json(body)
    to = data.get("recipient", data)
    found = to.get("user_id") or data.get("phone") or data.get("chat_id")
    form = parse_qs(body.decode("utf-8", "replace"))
    return str(found or form.get("refresh_token", [""])[0])


@contextmanager
def running() -> Iterator[FakeZalo]:
    """Serve until the block ends."""
    zalo = FakeZalo()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            with zalo.lock:
                zalo.calls[parts.path] += 1
                waiting = zalo.faults.get(parts.path)
                fault = waiting.popleft() if waiting else zalo.fates.get(_meant(body))
            if fault:
                time.sleep(fault.seconds)
                if fault.until:
                    fault.until.wait(30)
                if fault.when == "before":
                    return self._hang_up()
            query = {key: found[0] for key, found in parse_qs(parts.query).items()}
            if fault and not (fault.when or fault.seconds or fault.until):
                status, text = fault.status, fault.body
            else:
                status, text = zalo.answer(self.command, parts.path, query, self.headers, body)
            if fault and fault.when == "after":
                return self._hang_up()
            sent = text.encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)
            return None

        do_GET = do_POST = _serve  # noqa: N815 - the names the library calls

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.close()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the token of a bot is in the address."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    zalo.port, zalo.server = server.server_address[1], server
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield zalo
    finally:
        server.shutdown()
        server.server_close()


# -- what Zalo tells the office ------------------------------------------------------------

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """One call of a webhook: what is posted, and how it shows that it is Zalo's."""

    body: bytes
    headers: dict[str, str]


def signed(
    said: dict[str, Any] | bytes, *, first: str = APP_ID, key: str = OA_KEY, prefix: str = "mac=",
    **headers: str,
) -> Call:  # fmt: skip
    """A call of an Official Account's webhook, signed over the bytes that are sent."""
    body = said if isinstance(said, bytes) else json.dumps(said, ensure_ascii=False).encode()
    at = _json(body).get("timestamp", "")
    made = hashlib.sha256(first.encode() + body + str(at).encode() + key.encode()).hexdigest()
    return Call(body, {"x-zevent-signature": prefix + made, **headers})


def event(name: str, *, at: datetime | None = None, **what: Any) -> dict[str, Any]:
    """An event of the Official Account as Zalo words it; `at` by the real clock, else now."""
    moment = at.timestamp() if at else time.time()
    return {"app_id": APP_ID, "event_name": name, **what, "timestamp": str(int(moment * 1000))}


def text(user: str, said: str, *, at: datetime | None = None, msg_id: str = "") -> dict[str, Any]:
    message = {"text": said, "msg_id": msg_id or f"in{next(_numbers)}"}
    return event(
        "user_send_text", at=at, sender={"id": user}, recipient={"id": OA_ID},
        user_id_by_app="55", message=message,
    )  # fmt: skip


def received(user: str, msg_id: str) -> dict[str, Any]:
    return event(
        "user_received_message", sender={"id": OA_ID}, recipient={"id": user},
        message={"msg_id": msg_id},
    )  # fmt: skip


def seen(user: str, *msg_ids: str) -> dict[str, Any]:
    return event(
        "user_seen_message", sender={"id": OA_ID}, recipient={"id": user},
        message={"msg_ids": list(msg_ids)},
    )  # fmt: skip


def followed(user: str, name: str = "follow") -> dict[str, Any]:
    return event(
        name, oa_id=OA_ID, follower={"id": user}, user_id_by_app="55", source="testing",
    )  # fmt: skip


def template_received(phone: str, tracking: str, msg_id: str = "") -> Call:
    """What became of a template message by phone comes from another of Zalo's servers."""
    message = {"delivery_time": "1592350000000", "msg_id": msg_id, "tracking_id": tracking}
    said = event(
        "user_received_message", sender={"id": OA_ID}, recipient={"id": phone}, message=message
    )
    return signed(said, **{"x-zevent-server": "ZNS"})


def bot_update(
    chat: str, said: str | None, *, wrapped: bool = True, private: bool = True,
    sender: str = "", is_bot: bool = False, secret: str = BOT_HOOK,
) -> Call:  # fmt: skip
    """A call of a bot's webhook. Without a text it is about something else, as a document."""
    message: dict[str, Any] = {
        "from": {"id": sender or chat, "display_name": "Bộ phận văn thư", "is_bot": is_bot},
        "chat": {"id": chat, "chat_type": "PRIVATE" if private else "GROUP"},
        "message_id": f"b{next(_numbers)}", "date": int(time.time() * 1000),
    }  # fmt: skip
    if said is not None:
        message["text"] = said
    kind = "text" if said is not None else "unsupported"
    update = {"event_name": f"message.{kind}.received", "message": message}
    body = json.dumps({"ok": True, "result": update} if wrapped else update).encode()
    return Call(body, {"x-bot-api-secret-token": secret})
