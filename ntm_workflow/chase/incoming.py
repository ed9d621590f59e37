"""Mails that come in: kept once as they came, then read and put beside the message they answer.

Fetching and handling are two steps, each mail a transaction of its own in both:
killed anywhere and repeated, the result is the same. What an answer says is for
a person to read; what it brings is handed in, or asked about: see replied.py.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from ntm_workflow.channels import mail_reading, mailbox
from ntm_workflow.channels.mail_reading import Mail
from ntm_workflow.channels.mailbox import Fetched, Place
from ntm_workflow.chase import answered, bounced, looks, postmark, replied
from ntm_workflow.chase.answered import Verdict
from ntm_workflow.chase.replied import Became, Kept
from ntm_workflow.store.tables import Inbound, NoticeEvent, ReceivedMail
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import say
from ntm_workflow.work import audit, links
from ntm_workflow.work.audit import Actor

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

log = logging.getLogger("ntm")
MOST_TEXT = 4000  # letters of a reply on the record; the mail itself is kept whole
MOST_AUTOMATIC = 500
MOST_FILES = 20  # names that are listed
_AT_ONCE = 20  # mails that are kept before they leave the mailbox


@dataclass(frozen=True, slots=True)
class Checked:
    """What one look into the mailbox did. `trouble` says why it could not be read."""

    fetched: int = 0
    handled: dict[str, int] = field(default_factory=dict)
    trouble: str = ""

    @property
    def for_a_person(self) -> int:
        return sum(self.handled.get(one, 0) for one in ("unmatched", "broken", "question"))


def check(rt: Runtime, *, actor: Actor) -> Checked:
    """Fetch what lies in the mailbox and handle it. Safe to repeat and to kill at any point.

    Raises:
        ConfigError: the mailbox's address cannot be one.
    """
    place = postmark.place(rt)
    if place is None:
        looks.forget(rt)
        return Checked()
    fetched, down = _fetch(rt, place)
    looks.note(rt, down)
    handled = dict(_handle_all(rt, place, actor))
    return Checked(fetched, handled, str(down) if down else "")


def raw(rt: Runtime, inbound: Inbound) -> bytes:
    """A mail as it came. Raises ConfigError: it was kept under another key."""
    return rt.keys.reveal(inbound.raw)


# -- fetching ----------------------------------------------------------------------------


def _fetch(rt: Runtime, place: Place) -> tuple[int, mailbox.Down | None]:
    """Keep what lies in the mailbox and put it away there; how many, and what went wrong."""
    fetched, kept = 0, list[str]()
    try:
        with mailbox.opened(place) as box:
            for one in box.fetch(box.waiting()):
                fetched += keep(rt, one)
                kept.append(one.uid)
                if len(kept) == _AT_ONCE:
                    box.put_away(kept)
                    kept = []
            box.put_away(kept)
    except mailbox.Down as error:
        log.warning("mailbox not read: %s", type(error.__cause__).__name__)
        return fetched, error
    return fetched, None


def keep(rt: Runtime, mail: Fetched) -> bool:
    """Keep a mail as it came; False where it is kept already.

    A mail is known by its own id and by what it says, so that it is there once
    if it came twice, lies in the mailbox still, or the mailbox was moved; one
    that borrows another's id is another mail. It is kept encrypted: what it
    quotes may hold a personal link.
    """
    key, now = _key(mail.raw), rt.now()
    with rt.reader() as session:
        if _known(session, key):
            return False
    came = min(mail.arrived or now, now)  # the server's clock; a simulated day is before it
    kept = Inbound(
        channel=MAIL, key=key, received_at=came, raw=rt.keys.hide(mail.raw), size=mail.size
    )
    try:
        with rt.sessions.begin() as session:
            session.add(kept)
    except IntegrityError:
        with rt.reader() as session:
            if _known(session, key):
                return False  # another run was first
        raise
    return True


def _known(session: Session, key: str) -> bool:
    query = select(Inbound.id).where(Inbound.channel == MAIL, Inbound.key == key)
    return session.scalar(query) is not None


def _key(raw: bytes) -> str:
    own = mail_reading.message_id(raw)
    told = mail_reading.body_of(raw) if own else raw
    return f"{own or 'sha256'} {hashlib.sha256(told).hexdigest()[:32]}"


# -- handling ----------------------------------------------------------------------------


def _handle_all(rt: Runtime, place: Place, actor: Actor) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number in _unhandled(rt):
        counts[_handle(rt, place, number, actor)] += 1
    del counts[""]  # what another run handled meanwhile
    return counts


def _unhandled(rt: Runtime) -> Iterator[int]:
    query = select(Inbound.id).where(Inbound.channel == MAIL, Inbound.handled_at.is_(None))
    with rt.reader() as session:
        yield from session.scalars(query.order_by(Inbound.id)).all()


def _handle(rt: Runtime, place: Place, number: int, actor: Actor) -> str:
    """Read one mail and write down what it is; one that cannot be read is for a person."""
    try:
        with rt.reader() as session:
            kept = session.get_one(Inbound, number)
            source, size = raw(rt, kept), kept.size or 0
            mail = mail_reading.read(source)
            brought = mail_reading.attached(source) if mail.kind == "reply" else []
            ours = bool(brought) and _of_ours(session, rt, place, mail)
        files = replied.keep(rt.files, brought) if ours else Kept(replied.names(brought))
        return _written(rt, place, number, mail, size > mailbox.MOST_BYTES, actor, files)
    except SQLAlchemyError:
        raise  # the database fails, not this mail
    except OSError as error:  # the store, or the scanner, is away: the mail waits
        log.warning("mail waits id=%s: %s", number, error)
        return "waiting"
    except Exception as error:
        log.warning("mail not read id=%s: %s", number, type(error).__name__)
        return _broken(rt, number)


def _of_ours(session: Session, rt: Runtime, place: Place, mail: Mail) -> bool:
    """True for the answer of somebody we know: its files are to be kept."""
    known = replied.sender(session, mail.sender) is not None
    return known and _judged(session, rt, place, mail).kind == "reply"


def _written(
    rt: Runtime, place: Place, number: int, mail: Mail, cut: bool, actor: Actor, files: Kept
) -> str:
    now = rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)  # of two runs one handles it
        kept = session.get_one(Inbound, number, populate_existing=True)
        if kept.handled:
            return ""
        found = _judged(session, rt, place, mail)
        text = _text(mail, cut)
        if found.event and found.notice:
            most = MOST_AUTOMATIC if found.event == "auto-reply" else MOST_TEXT
            detail = found.detail or text[:most]
            session.add(NoticeEvent(notice_id=found.notice.id, at=now, kind=found.event,
                                    detail=detail, source=f"mail/{number}"))  # fmt: skip
        if found.failed and found.notice and mail.report:
            entries = bounced.follow(session, found.notice, mail.report, now)
            audit.append(session, actor, now, entries)
        became = _evidence(session, rt, found, mail, files, cut, kept.received_at, now)
        _keep_reading(session, kept, found, mail, text, now, became, files.names)
        if became.contact and found.why != "forged":
            audit.append(session, actor, now, replied.receipt(session, rt, number, became, now))
        return "question" if became.question and found.kind == "reply" else found.kind


def _evidence(
    session: Session, rt: Runtime, found: Verdict, mail: Mail, files: Kept, cut: bool,
    came: datetime, now: datetime,
) -> Became:  # fmt: skip
    """What the files of a mail become; nothing where it brings none, or is no person's."""
    if cut and found.kind == "reply":  # so much is hardly words
        return Became(replied.sender(session, mail.sender), question="large")
    if not files.names or found.kind not in ("reply", "unmatched"):
        return Became()
    notice = found.notice if found.kind == "reply" else None
    return replied.propose(session, rt, notice, mail, files, came, now)


def _judged(session: Session, rt: Runtime, place: Place, mail: Mail) -> Verdict:
    if mail.kind in ("bounce", "delay"):
        return bounced.judge(session, rt.keys, place, mail)
    return answered.judge(session, rt.keys, place, mail)


def _text(mail: Mail, cut: bool) -> str:
    """What a mail says, on the record: without what would let its reader act for anybody."""
    lines = [links.masked(mail.text)[:MOST_TEXT]]
    if mail.files:
        lines.append(say("mail.files", names=", ".join(mail.files[:MOST_FILES])))
    if cut:
        lines.append(say("mail.too_large", limit_mb=mailbox.MOST_BYTES // 1_000_000))
    return "\n\n".join(line for line in lines if line)


def _keep_reading(
    session: Session, kept: Inbound, found: Verdict, mail: Mail, text: str, now: datetime,
    became: Became, names: tuple[str, ...],
) -> None:  # fmt: skip
    kept.sender, kept.handled, kept.handled_at = mail.sender, found.kind, now
    session.add(
        ReceivedMail(
            inbound_id=kept.id, received_at=kept.received_at, kind=found.kind, why=found.why,
            sender=mail.sender, subject=mail.subject, text=text,
            files=list((names or mail.files)[:MOST_FILES]),
            notice_id=found.notice.id if found.notice else None,
            question=became.question, found=became.found,
            contact_id=became.contact.id if became.contact else None,
            task_id=became.task.id if became.task else None,
            submission_id=became.submission.id if became.submission else None,
        )
    )  # fmt: skip


def _broken(rt: Runtime, number: int) -> str:
    now = rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)
        kept = session.get_one(Inbound, number, populate_existing=True)
        if kept.handled:
            return ""
        kept.handled, kept.handled_at = "broken", now
        session.add(ReceivedMail(inbound_id=number, received_at=kept.received_at, kind="broken",
                                 why="broken"))  # fmt: skip
    return "broken"
