"""What a mail carries besides its words: its thread, where answers and bounces go, how to stop it.

A notice of exactly one task continues the thread of that task with that
contact, so that asking, returning and urging again stand together in the
reader's mailbox. A digest of several tasks begins no thread and continues none:
its tasks change every day, and a mail program would hide today's list below
yesterday's under a subject that is no longer true. Thunderbird, Outlook and
Apple Mail follow References; Gmail also parts a thread where the subject
changes, and ours says how many days are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session, aliased

from ntm_workflow.channels import mailbox
from ntm_workflow.channels.mailbox import Place
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import alerts, mail_receipt, notice_seal, personal
from ntm_workflow.store.tables import Notice

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

STOP_PATH = "/v/ngung/"
_ARRIVED = ("sent", "delivered", "seen")
_REMEMBERED = 10  # mails of a thread that are named: its first and the newest
_ASKED_FOR = (alerts.KIND, personal.KIND, mail_receipt.KIND)  # kinds that nobody needs to stop


def place(rt: Runtime) -> Place | None:
    """The mailbox that answers come to; None where there is none. Raises ConfigError."""
    return _place(rt.settings.mailbox_url) if rt.settings.mailbox_url else None


_place = lru_cache(mailbox.place)


def stamped(
    rt: Runtime, session: Session, notice: Notice, message: Message, domain: str
) -> Message:
    """A mail with all that it carries; `domain` is the sender's."""
    thread = threads(session, {notice.id: message.topic}).get(notice.id, ())
    return carrying(rt, notice, message, domain, thread)


def carrying(
    rt: Runtime, notice: Notice, message: Message, domain: str, thread: tuple[str, ...]
) -> Message:
    """The same where the mails of its thread are known."""
    headers = {"List-Id": f"<nhac-viec.{domain}>"} if domain else {}
    if rt.settings.base_url and notice.kind not in _ASKED_FOR:
        url = stop_url(rt, notice)
        headers["List-Unsubscribe"] = f"<{url}>"
        if url.startswith("https://"):  # RFC 8058 allows nothing else
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    changed: dict[str, Any] = {
        "headers": {**message.headers, **headers}, "thread": thread or message.thread,
    }  # fmt: skip
    if box := place(rt):
        answers = box.tagged(notice_seal.made(rt.keys, notice_seal.ANSWER, notice))
        changed |= {"reply_to": answers, "return_to": answers}
    return replace(message, **changed)


def stop_url(rt: Runtime, notice: Notice) -> str:
    """Where the reader of a notice says that this address is to get no more."""
    return f"{rt.settings.base_url}{STOP_PATH}{notice_seal.made(rt.keys, notice_seal.STOP, notice)}"


def threads(session: Session, topics: Mapping[int, str]) -> dict[int, tuple[str, ...]]:
    """Notice → the mails of its thread that were really sent, the first one first.

    `topics` says what the thread of each notice is about.
    """
    asked = {notice: topic for notice, topic in topics.items() if topic}
    if not asked:
        return {}
    found: dict[int, list[str]] = {}
    what = {"notices": list(asked), "topics": list(set(asked.values()))}
    for notice, topic, message_id in session.execute(_THREADS, what).tuples():
        if asked[notice] == topic:
            found.setdefault(notice, []).append(message_id)
    return {notice: (ids[0], *ids[1:][1 - _REMEMBERED :]) for notice, ids in found.items()}


_mine = aliased(Notice)
_THREADS = (
    select(_mine.id, Notice.thread, Notice.message_id)
    .join(
        Notice,
        and_(
            Notice.contact_id == _mine.contact_id, Notice.channel == _mine.channel,
            Notice.id != _mine.id,
        ),
    )
    .where(
        _mine.id.in_(bindparam("notices", expanding=True)),
        Notice.thread.in_(bindparam("topics", expanding=True)),
        Notice.state.in_(_ARRIVED), Notice.message_id != "",
    )
    .order_by(Notice.sent_at, Notice.id)
)  # fmt: skip
