"""The tokens of an Official Account, in the database: refreshed by one process at a time."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.channels.result import Outcome
from ntm_workflow.channels.zalo import oauth, wire
from ntm_workflow.channels.zalo.oauth import App, NoToken, Pair
from ntm_workflow.channels.zalo.wire import Hosts
from ntm_workflow.errors import ConfigError, NotFound, Refused
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Channel
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

T = TypeVar("T")
FRESH = timedelta(hours=20)  # of the 25 that an access token lives


def packed(app: App, pair: Pair) -> str:
    """Application and tokens, as they are hidden in `Channel.secret`."""
    kept = {
        "app_id": app.app_id, "secret": app.secret, "access": pair.access, "refresh": pair.refresh,
        "webhook": app.webhook, "oa_id": app.oa_id,
    }  # fmt: skip
    return json.dumps(kept)


def read(text: str) -> tuple[App, Pair]:
    """Read what a person pasted: lines app_id, secret and refresh_token.

    And, if known, access_token, oa_secret_key (what signs Zalo's calls to us) and oa_id.

    Raises:
        Refused: a line is missing or cannot be read.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise Refused("channel.credentials", missing=", ".join(_NEEDED)) from None
    if missing := [name for name in _NEEDED if not isinstance(found.get(name), str)]:
        raise Refused("channel.credentials", missing=", ".join(missing))
    pair = Pair(str(found.get("access_token", "")), found["refresh_token"])
    more = (str(found.get(name, "")) for name in ("oa_secret_key", "oa_id"))
    return App(found["app_id"], found["secret"], *more), pair


_NEEDED = ("app_id", "secret", "refresh_token")


def unpack(keys: Keys, channel: Channel) -> tuple[App, Pair]:
    """What was packed and hidden. Raises ConfigError where nothing usable is there."""
    if channel.secret is None:
        raise ConfigError("channel.no_secret", name=channel.name)
    try:
        kept = json.loads(keys.reveal(channel.secret))
        app = App(kept["app_id"], kept["secret"], kept.get("webhook", ""), kept.get("oa_id", ""))
        return app, Pair(kept["access"], kept["refresh"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError("channel.no_secret", name=channel.name) from None


@dataclass(frozen=True, slots=True)
class BotAccess:
    """A bot's token, and what its webhook was set with ("" where it has none)."""

    token: str = field(repr=False)
    webhook: str = field(default="", repr=False)

    @property
    def bot_id(self) -> str:
        return self.token.partition(":")[0]


def read_bot(text: str) -> BotAccess:
    """Read what a person pasted: the token alone, or lines token and webhook_secret.

    Raises:
        Refused: it is neither.
    """
    if not re.search(r"^\s*(token|webhook_secret)\s*=", text, re.M):
        return BotAccess(text.strip())
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        found = {}
    access = BotAccess(str(found.get("token", "")), str(found.get("webhook_secret", "")))
    if not access.token or not 8 <= len(access.webhook or "x" * 8) <= 256:
        raise Refused("channel.bot_credentials")
    return access


def packed_bot(access: BotAccess) -> str:
    """As it is hidden: the token alone, as ever, where there is nothing else."""
    if not access.webhook:
        return access.token
    return json.dumps({"token": access.token, "webhook": access.webhook})


def unpack_bot(keys: Keys, channel: Channel) -> BotAccess:
    """What was packed and hidden. Raises ConfigError where nothing usable is there."""
    if channel.secret is None:
        raise ConfigError("channel.no_secret", name=channel.name)
    text = keys.reveal(channel.secret).decode()
    if not text.startswith("{"):
        return BotAccess(text)
    try:
        kept = json.loads(text)
        return BotAccess(kept["token"], kept["webhook"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError("channel.no_secret", name=channel.name) from None


def pasted(keys: Keys, before: Channel | None, kind: str, text: str) -> str:
    """A new secret from what a person pasted; what it leaves out of the webhook stays.

    Raises:
        Refused: it cannot be read.
    """
    if kind == "zalooa":
        app, pair = read(text)
        old = _known(keys, before, unpack, (App("", ""), Pair("", "")))[0]
        if old.app_id == app.app_id:  # another application has other keys
            app = replace(app, webhook=app.webhook or old.webhook, oa_id=app.oa_id or old.oa_id)
        return packed(app, pair)
    if kind == "zalobot":
        access = read_bot(text)
        hook = access.webhook or _known(keys, before, unpack_bot, access).webhook
        return packed_bot(replace(access, webhook=hook))
    return text


def _known(
    keys: Keys, channel: Channel | None, read: Callable[[Keys, Channel], T], nothing: T
) -> T:
    """What a channel has; `nothing` where it has none, or none that this key opens."""
    try:
        return read(keys, channel) if channel else nothing
    except ConfigError:
        return nothing


class KeptTokens:
    """The tokens of one channel. See `oauth.Tokens`."""

    def __init__(self, rt: Runtime, name: str, http: httpx.Client, hosts: Hosts) -> None:
        self._rt, self._name, self._http, self._hosts = rt, name, http, hosts

    def access(self) -> str:
        """The token to use now; one about to expire is renewed first."""
        with self._rt.reader() as session:
            channel = session.get_one(Channel, self._name)
            _, pair = unpack(self._rt.keys, channel)
        if pair.access and channel.token_until and channel.token_until > _soon(self._rt.now()):
            return pair.access
        return self.renew(pair.access)

    def renew(self, failed: str) -> str:
        """A token other than the one that failed.

        The one place where a network call is made inside a transaction: Zalo
        takes each refresh token once, so whoever asks must hold the row until
        the new pair is kept. A death in between costs the sign-in, and a person
        is told to repeat it; without the lock every second process would.
        """
        now = self._rt.now()  # the clock asks the database: not while the row is held
        with self._rt.sessions.begin() as session:
            channel = _held(session, self._name)
            app, pair = unpack(self._rt.keys, channel)
            if pair.access and pair.access != failed:
                return pair.access  # somebody was first
            if not pair.refresh:
                raise NoToken(Outcome.AUTH, "signed in nowhere")
            made = oauth.refresh(self._http, self._hosts, app, pair.refresh)
            keep(channel, self._rt.keys, app, made, now)
        return made.access


def sign_in(rt: Runtime, name: str, code: str, verifier: str, actor: Actor) -> datetime:
    """Trade a code of Zalo's permission page for the first tokens; return how long they last.

    Raises:
        NotFound: no such Official Account.
        Refused: Zalo does not take the code.
    """
    with rt.reader() as session:
        channel = session.get(Channel, name)
        if channel is None or channel.kind != "zalooa":
            raise NotFound("channel.none", name=name)
    app, _ = unpack(rt.keys, channel)
    hosts = Hosts(**channel.settings.get("hosts", {}))
    with wire.client() as http:
        try:
            pair = oauth.exchange(http, hosts, app, code, verifier)
        except NoToken as error:
            raise Refused("channels.refused", why=error.detail) from None
    now = rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)
        held = _held(session, name)
        keep(held, rt.keys, app, pair, now)
        held.state, held.broken_at, held.retry_at = "active", None, None
        held.broken_class = held.broken_why = ""
        entry = Entry(Action.CHANNEL_SET, f"channel/{name}", {"kind": held.kind})
        audit.append(session, actor, now, [entry])
    return now + timedelta(seconds=pair.expires_in)


def keep(channel: Channel, keys: Keys, app: App, pair: Pair, now: datetime) -> None:
    """Write a new pair down."""
    channel.secret = keys.hide(packed(app, pair).encode())
    channel.generation += 1
    channel.renewed_at = now
    channel.token_until = now + timedelta(seconds=pair.expires_in)


def _soon(now: datetime) -> datetime:
    return now + timedelta(hours=25) - FRESH


def _held(session: Session, name: str) -> Channel:
    """The row, locked; on SQLite the transaction has the write lock from its first statement."""
    query = select(Channel).where(Channel.name == name).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()
