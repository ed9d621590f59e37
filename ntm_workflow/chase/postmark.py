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

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.channels import mailbox
from ntm_workflow.channels.mailbox import Place
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import alerts, notice_seal, personal
from ntm_workflow.chase.digest import Entry
from ntm_workflow.store.tables import Notice

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

STOP_PATH = "/v/ngung/"
_ARRIVED = ("sent", "delivered", "seen")
_REMEMBERED = 10  # mails of a thread that are named: its first and the newest
_ASKED_FOR = (alerts.KIND, personal.KIND)  # kinds that nobody needs to stop


def place(rt: Runtime) -> Place | None:
    """The mailbox that answers come to; None where there is none. Raises ConfigError."""
    return _place(rt.settings.mailbox_url) if rt.settings.mailbox_url else None


_place = lru_cache(mailbox.place)


def topic(entries: list[Entry], ahead: bool) -> str:
    """What the thread of a message is about: its only task; "" where it has none, or several."""
    return f"task/{entries[0].task.id}" if len(entries) == 1 and not ahead else ""


def stamped(
    rt: Runtime, session: Session, notice: Notice, message: Message, domain: str
) -> Message:
    """A mail with all that it carries; `domain` is the sender's."""
    headers = {"List-Id": f"<nhac-viec.{domain}>"} if domain else {}
    if rt.settings.base_url and notice.kind not in _ASKED_FOR:
        url = stop_url(rt, notice)
        headers["List-Unsubscribe"] = f"<{url}>"
        if url.startswith("https://"):  # RFC 8058 allows nothing else
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = replace(
        message, headers={**message.headers, **headers}, thread=_thread(session, notice, message)
    )
    if box := place(rt):
        answers = box.tagged(notice_seal.made(rt.keys, notice_seal.ANSWER, notice))
        message = replace(message, reply_to=answers, return_to=answers)
    return message


def stop_url(rt: Runtime, notice: Notice) -> str:
    """Where the reader of a notice says that this address is to get no more."""
    return f"{rt.settings.base_url}{STOP_PATH}{notice_seal.made(rt.keys, notice_seal.STOP, notice)}"


def _thread(session: Session, notice: Notice, message: Message) -> tuple[str, ...]:
    """The mails of the thread that were really sent, the first one first."""
    if not message.topic:
        return ()
    query = (
        select(Notice.message_id)
        .where(
            Notice.contact_id == notice.contact_id, Notice.channel == notice.channel,
            Notice.thread == message.topic, Notice.state.in_(_ARRIVED), Notice.message_id != "",
            Notice.id != notice.id,
        )
        .order_by(Notice.sent_at, Notice.id)
    )  # fmt: skip
    found = tuple(session.scalars(query))
    return (found[0], *found[1:][1 - _REMEMBERED :]) if found else ()
