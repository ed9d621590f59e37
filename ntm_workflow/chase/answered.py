"""Which message a mail answers, and whether its sender may be believed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ntm_workflow.channels.mail_reading import Mail
from ntm_workflow.channels.mailbox import Place
from ntm_workflow.chase import notice_seal
from ntm_workflow.errors import NtmError
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Address, ContactBody, Notice, NoticeItem, Task
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import tasks

Kind = Literal["reply", "auto-reply", "bounce", "delay", "ignored", "unmatched"]
Why = Literal["", "forged", "stranger", "no_sender", "no_match", "ours", "bulk", "report",
              "unreadable", "unproved", "other_recipient"]  # fmt: skip

_OURS = re.compile(r"<ntm-(\d{1,10})@[^<>\s]+>")
CODE = re.compile(r"(?:[a-z0-9-]+:)?[A-Z0-9]+(?:\.\d+)?/\d{4}[\w.-]*/[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a mail is. `event` goes on the record of `notice`, with `detail` or the mail's words.

    `failed`: what follows from a bounce follows.
    """

    kind: Kind
    notice: Notice | None = None
    why: Why = ""
    event: str = ""
    detail: str = ""
    failed: bool = False


def judge(session: Session, keys: Keys, place: Place, mail: Mail) -> Verdict:
    """Decide about a mail that is no bounce.

    The sealed address that it came to says which message it answers; without
    one the ids it refers to do, then a task's code in its subject. Its sender
    must be an address of that message's contact: what anybody else writes, and
    what came to an address with a false seal, is left to a person.
    """
    if place.tag(mail.sender) is not None or _OURS.fullmatch(mail.message_id):
        return Verdict("ignored", why="ours")  # or two mailboxes would write to each other
    tags = [tag for tag in map(place.tag, mail.sent_to) if tag]
    sealed = by_seal(session, keys, tags)
    if mail.kind == "report" or (mail.kind == "bulk" and sealed is None):
        return Verdict("ignored", why=mail.kind)
    if mail.kind == "auto-reply":
        notice = sealed or _if_theirs(session, by_id(session, mail.answers), mail.sender)
        if notice is None:
            return Verdict("ignored", why="no_match")
        return Verdict("auto-reply", notice, event="auto-reply")
    if not mail.sender:
        return Verdict("unmatched", sealed, "no_sender")
    if tags and sealed is None:
        return Verdict("unmatched", why="forged")
    notice = sealed or by_id(session, mail.answers) or _by_code(session, mail)
    if notice is None:
        return Verdict("unmatched", why="no_match")
    if _if_theirs(session, notice, mail.sender) is None:
        return Verdict("unmatched", notice, "stranger")
    return Verdict("reply", notice, event="reply")


def by_seal(session: Session, keys: Keys, tags: Iterable[str]) -> Notice | None:
    """The message that one of these tags was sealed for."""
    for tag in tags:
        if notice := notice_seal.meant(session, keys, notice_seal.ANSWER, tag):
            return notice
    return None


def by_id(session: Session, ids: Iterable[str]) -> Notice | None:
    """The message of ours that the first of these ids names."""
    for one in ids:
        found = _OURS.fullmatch(one)
        number = int(found[1]) if found else 0
        notice = session.get(Notice, number) if 0 < number < 2**31 else None
        if notice and notice.message_id == one:
            return notice
    return None


def _by_code(session: Session, mail: Mail) -> Notice | None:
    """The last mail to this sender about a task that the subject names."""
    for code in CODE.findall(mail.subject)[:5]:
        try:
            task = tasks.find(session, code)
        except NtmError:  # nobody's, or of several plans
            continue
        query = (
            select(Notice)
            .join(NoticeItem, NoticeItem.notice_id == Notice.id)
            .join(Address, Address.contact_id == Notice.contact_id)
            .where(NoticeItem.task_id == task.id, Notice.channel == MAIL, Notice.message_id != "")
            .where(Address.channel == MAIL, Address.value == mail.sender)
            .order_by(Notice.id.desc())
        )
        if notice := session.scalars(query.limit(1)).first():
            return notice
    return None


def _if_theirs(session: Session, notice: Notice | None, sender: str) -> Notice | None:
    """The notice, if the sender is who it was sent to, or speaks for a body it was about."""
    if notice is None or not sender:
        return None
    if sender == notice.address.lower():
        return notice
    theirs = (
        select(ContactBody.contact_id)
        .join(Task, Task.body_id == ContactBody.body_id)
        .join(NoticeItem, NoticeItem.task_id == Task.id)
        .where(NoticeItem.notice_id == notice.id)
    )
    query = select(Address.id).where(
        Address.channel == MAIL, Address.value == sender,
        or_(Address.contact_id == notice.contact_id, Address.contact_id.in_(theirs)),
    )  # fmt: skip
    return notice if session.scalar(query.limit(1)) is not None else None
