"""What comes in from Zalo: kept as it came, once, answered at once, and handled after that.

What was kept and not handled, because the process ended in between, is handled
by the next `sweep`. Every effect is in the transaction that marks it handled.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from ntm_workflow.channels.result import Message
from ntm_workflow.channels.zalo import webhook
from ntm_workflow.channels.zalo.webhook import Call, Event, masked
from ntm_workflow.chase import linked, personal, receipts, tokens, ways
from ntm_workflow.errors import ConfigError, NtmError, Refused
from ntm_workflow.store.tables import Channel, Contact, Inbound
from ntm_workflow.texts import say
from ntm_workflow.work import audit, linking
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

log = logging.getLogger("ntm.zalo")

KINDS = ("zalooa", "zalobot")  # of channels that Zalo calls us about
WRONG_TRIES = 5  # codes that do not fit, of one sender within WRONG_WITHIN
WRONG_WITHIN = timedelta(hours=1)
ANSWER_EVERY = timedelta(days=1)  # how often somebody is told how to answer
EARLY = timedelta(minutes=30)  # a receipt may come in before the sender has written the id down
LATE = timedelta(hours=1)  # what is older is not answered any more
GIVE_UP = timedelta(days=1)  # what could not be handled for so long never will
AT_ONCE = 500  # of one sweep
_BY = Actor("người nhắn Zalo", "office", via="zalo")
# Zalo's numbers for "has not written to us lately": who writes is within reach again.
_OUT_OF_REACH = ("-230", "-232")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a call: the HTTP status to answer with, and what is now to be handled."""

    status: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to somebody on Zalo. `contact` gets its personal link with it."""

    channel: str
    to: str = field(repr=False)
    key: str
    data: dict[str, Any] = field(default_factory=dict, repr=False)
    contact: int | None = None


# -- taking --------------------------------------------------------------------------------


def take(rt: Runtime, name: str, call: Call, clock: datetime) -> Taken:
    """Keep a call that is Zalo's. `clock` is the real time, which Zalo's is compared with.

    404: no such channel, or none that can be called; 401: not Zalo's, or too
    old; 400: not to be read; 503: it could not be written down, and Zalo calls
    again. Then nothing is kept.
    """
    with rt.reader() as session:
        channel = session.get(Channel, name)
    if channel is None or channel.kind not in KINDS:
        return Taken(404)
    try:
        event = (_bot if channel.kind == "zalobot" else _account)(rt, channel, call, clock)
    except ConfigError:
        return Taken(404)
    except webhook.Unreadable:
        return Taken(400)
    except _NotZalo as error:
        log.warning("zalo call refused channel=%s why=%s", name, error)
        return Taken(401)
    try:
        return Taken(200, _kept(rt, name, call.body, event) if event else None)
    except SQLAlchemyError as error:  # its words hold what was to be written
        log.error("zalo call not kept channel=%s error=%s", name, type(error).__name__)
        return Taken(503)


class _NotZalo(Exception):
    """Nobody shows that this call is Zalo's and new."""


def _account(rt: Runtime, channel: Channel, call: Call, clock: datetime) -> Event | None:
    app, _ = tokens.unpack(rt.keys, channel)
    said = webhook.read(call.body)
    first = webhook.signed_with(call, said, app)
    if not first:
        raise _NotZalo("signature")
    if not call.retry and not webhook.fresh(said, clock):
        raise _NotZalo("old")
    log.info("zalo call channel=%s signed_with=%s server=%s", channel.name, first,
             "ZNS" if call.server else "OA")  # fmt: skip
    return webhook.oa_event(said, app.oa_id, call.server)


def _bot(rt: Runtime, channel: Channel, call: Call, clock: datetime) -> Event | None:
    access = tokens.unpack_bot(rt.keys, channel)
    if not access.webhook:
        raise ConfigError("channel.no_secret", name=channel.name)
    if not webhook.same_secret(call, access.webhook):
        raise _NotZalo("secret")
    return webhook.bot_event(webhook.read(call.body), access.bot_id)


def _kept(rt: Runtime, channel: str, body: bytes, event: Event) -> int | None:
    """Write it down as it came; None where it is there already."""
    now = rt.now()
    row = Inbound(channel=channel, key=event.key, sender=event.sender, received_at=now, raw=body)
    try:
        with rt.sessions.begin() as session:
            session.add(row)
            session.flush()
            return row.id
    except IntegrityError:
        return None


# -- handling ------------------------------------------------------------------------------


def sweep(rt: Runtime) -> int:
    """Handle what was kept and nobody has handled; return how many. Safe to repeat."""
    with rt.reader() as session:
        query = (
            select(Inbound.id)
            .join(Channel, Channel.name == Inbound.channel)
            .where(Inbound.handled_at.is_(None), Channel.kind.in_(KINDS))
            .order_by(Inbound.id)
            .limit(AT_ONCE)
        )
        waiting = list(session.scalars(query))
    for number in waiting:
        if found := handle(rt, number):
            answer(rt, found)
    return len(waiting)


def handle(rt: Runtime, number: int) -> Answer | None:
    """Do what one call says, once; what to answer, if anything. Raises nothing of its own.

    What fails stays for the next sweep, for a day.
    """
    now = rt.now()
    try:
        return _handled(rt, number, now)
    except Exception as error:
        # Only what kind of error: its words may hold somebody's id, or what they wrote.
        log.error("zalo event failed id=%s error=%s", number, type(error).__name__)
        _given_up(rt, number, now)
        return None


def _handled(rt: Runtime, number: int, now: datetime) -> Answer | None:
    with rt.sessions.begin() as session:
        audit.lock(session)  # first, as everywhere; two handlers come one after the other
        row = session.get(Inbound, number)
        if row is None or row.handled_at is not None:
            return None
        one = _One(rt, session, row, now)
        word, said = one.made()
        if not word and now - row.received_at < EARLY:
            return None
        row.handled_at, row.handled = now, word or "unmatched"
        log.info("zalo event handled id=%s channel=%s event=%s from=%s made=%s", number,
                 row.channel, one.event.name if one.event else "-", masked(row.sender),
                 row.handled)  # fmt: skip
    return said if now - row.received_at <= LATE else None


def _given_up(rt: Runtime, number: int, now: datetime) -> None:
    with rt.sessions.begin() as session:
        row = session.get(Inbound, number)
        if row and row.handled_at is None and now - row.received_at >= GIVE_UP:
            row.handled_at, row.handled = now, "failed"


Made = tuple[str, Answer | None]  # what was made of it in a word, "" for nothing yet; the answer


class _One:
    """One call at work, inside its transaction."""

    def __init__(self, rt: Runtime, session: Session, row: Inbound, now: datetime) -> None:
        self.rt, self.session, self.row, self.now = rt, session, row, now
        self.channel = session.get_one(Channel, row.channel)
        self.channels = _family(session, row.channel)
        self.by = By(_BY, now)
        self.event = self._read()
        happened = self.event.at if self.event else None
        # Zalo's own time, where it can be true: a call may come an hour late.
        self.at = happened if happened and now - LATE * 2 <= happened <= now else now

    def _read(self) -> Event | None:
        said = webhook.read(self.row.raw)
        is_bot = self.channel.kind == "zalobot"
        return webhook.bot_event(said) if is_bot else webhook.oa_event(said)

    def made(self) -> Made:
        event = self.event
        if event is None:
            return "nothing", None
        if event.kind == "delivered" or event.kind == "seen":
            return self._receipt(event, event.kind), None
        if not self.row.sender or event.kind == "other":
            return "nothing", None
        if event.kind == "unfollow":
            return self._unlinked("zalo.unfollowed"), None
        if event.kind == "follow":
            linking.revive(
                self.session, self.channels, self.row.sender, (say("zalo.unfollowed"),), self.by
            )
            return self._told("follow")
        linking.revive(self.session, self.channels, self.row.sender, _OUT_OF_REACH, self.by)
        wish = linking.meant(event.text)
        if wish == linking.STOP:
            word = self._unlinked("zalo.stopped")
            return word, self._answer("zalo.answer.stopped") if word == "unlinked" else None
        return self._code(wish) if wish else self._said(event)

    # -- receipts

    def _receipt(self, event: Event, receipt: receipts.Receipt) -> str:
        notices = receipts.meant(self.session, self.channels, event.ids, event.tracking)
        if not notices or any(notice.state == "sending" for notice in notices):
            return ""  # the deliverer has not written its end of it down yet
        entries = []
        for notice in notices:
            entries += receipts.mark(self.session, notice, receipt, self.at)
            if event.tracking and event.ids and not notice.provider_id:
                notice.provider_id = event.ids[0]
        audit.append(self.session, _BY, self.now, entries)
        return receipt

    # -- who says something

    def _said(self, event: Event) -> Made:
        text = event.text or say("zalo.said_other")
        receipts.answered(
            self.session, self.channels, self.row.sender, "reply", text, self.at, self._source
        )
        return self._told("reply")

    def _told(self, word: str) -> Made:
        """How to answer us, or how to be linked: once a day to one sender."""
        if self._lately("answered", ANSWER_EVERY):
            return word, None
        contact = linking.contact_of(self.session, self.channels, self.row.sender)
        if contact is not None and word == "follow":
            return word, None
        key = "zalo.answer.how" if contact is not None else "zalo.answer.stranger"
        return "answered", self._answer(key, contact)

    def _unlinked(self, key: str) -> str:
        ended = linking.unlink(self.session, self.channels, self.row.sender, say(key), self.by)
        if not ended:
            return "nothing"
        receipts.answered(
            self.session, self.channels, self.row.sender, "stop", say(key), self.at, self._source
        )
        return "unlinked"

    # -- who brings a code

    def _code(self, code: str) -> Made:
        self.row.raw = webhook.without_text(self.row.raw)  # a code may yet be good
        tries = self._lately("wrong-code", WRONG_WITHIN)
        if tries >= WRONG_TRIES:
            return "locked", None
        try:
            found = linking.redeem(self.session, self.channels, self.row.sender, code, self.by)
        except Refused as error:
            wrong = error.key == "linkcode.wrong"
            key = "linkcode.locked" if wrong and tries + 1 >= WRONG_TRIES else error.key
            return "wrong-code" if wrong else "refused-code", self._answer(f"zalo.answer.{key}")
        if not found.again and self.rt.plans:
            plan = self.rt.plan.id
            entries = linked.queue(self.session, found.contact.id, found.channel, plan, self.now)
            audit.append(self.session, _BY, self.now, entries)
        return "linked", self._answer("zalo.answer.linked", name=found.contact.name)

    # -- what both need

    @property
    def _source(self) -> str:
        return f"zalo/{self.row.channel}/{self.row.key}"

    def _lately(self, word: str, within: timedelta) -> int:
        query = select(func.count()).where(
            Inbound.channel == self.row.channel, Inbound.sender == self.row.sender,
            Inbound.received_at > self.now - within, Inbound.handled == word,
        )  # fmt: skip
        return self.session.scalar(query) or 0

    def _answer(self, key: str, contact: int | None = None, **data: Any) -> Answer | None:
        if self.channel.state != "active":
            return None
        data["office"] = office(self.rt)
        return Answer(self.channel.name, self.row.sender, key, data, contact)


def _family(session: Session, name: str) -> Sequence[str]:
    """The channel, and the template channels that send with its tokens."""
    query = select(Channel.name).where(or_(Channel.name == name, Channel.tokens_of == name))
    return list(session.scalars(query))


def office(rt: Runtime) -> str:
    """Who it is that speaks: the coordination offices by name."""
    names = dict.fromkeys(plan.body(plan.coordination_office).name for plan in rt.in_force)
    return ", ".join(names) or say("zalo.office")


def code(rt: Runtime, session: Session, contact: Contact, channel: str, by: By) -> str:
    """A code that links a contact on a channel: see `linking.make`.

    Raises:
        NotFound, Refused: as there; also where nobody's calls about the channel are heard.
    """
    made = linking.make(session, contact, channel, by)
    if not _listens(rt, session.get_one(Channel, channel), session):
        raise Refused("linkcode.deaf", name=channel)
    return made


def _listens(rt: Runtime, channel: Channel, session: Session) -> bool:
    """True where Zalo's calls about a channel can be told from anybody's."""
    if channel.tokens_of:
        channel = session.get_one(Channel, channel.tokens_of)
    try:
        if channel.kind == "zalobot":
            return bool(tokens.unpack_bot(rt.keys, channel).webhook)
        return bool(tokens.unpack(rt.keys, channel)[0].secret)
    except ConfigError:
        return False


# -- answering -------------------------------------------------------------------------------


def answer(rt: Runtime, said: Answer) -> None:
    """Say it through the channel it came in by. A lost answer is not repeated."""
    try:
        text = _text(rt, said)
        with rt.reader() as session:
            channel = session.get_one(Channel, said.channel)
        way = ways.opened(rt, channel)
    except NtmError as error:
        log.warning("zalo answer not sent channel=%s key=%s", said.channel, error.key)
        return
    try:
        result = way.send(Message("", said.to, "", text, "", ""))
        log.info("zalo answer channel=%s to=%s said=%s outcome=%s", said.channel,
                 masked(said.to), said.key, result.outcome)  # fmt: skip
    finally:
        way.close()


def _text(rt: Runtime, said: Answer) -> str:
    if said.contact is None:
        return say(said.key, **said.data)
    url = personal.address(rt, said.contact, rt.now())
    return say(said.key if url else f"{said.key}_plain", **said.data, url=url)
