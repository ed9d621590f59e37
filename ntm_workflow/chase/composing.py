"""The words of a notice: what it says, to whom, and in the name of which plans."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import (
    alerts,
    confirm,
    digest,
    head_mail,
    linked,
    mail_receipt,
    personal,
    postmark,
    quarter_said,
    short,
    stand_in,
)
from ntm_workflow.chase.ahead_read import Known
from ntm_workflow.store.tables import Address, Channel, Contact, Notice
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import ZONE, officially

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

_ABOUT_NO_TASK = (alerts.KIND, head_mail.KIND, linked.KIND)


def compose(
    rt: Runtime, domain: str, notice: Notice, now: datetime
) -> tuple[Message | None, list[str]]:
    """The message of a notice, with the codes of its tasks; None: nothing is left to say."""
    message, codes = _worded(rt, domain, notice, now)
    if message is None:
        return None, codes
    with rt.reader() as session:
        if _where_to(session, notice)[1] == MAIL:
            message = postmark.stamped(rt, session, notice, message, domain)
    return message, codes


def _worded(
    rt: Runtime, domain: str, notice: Notice, now: datetime
) -> tuple[Message | None, list[str]]:
    today = now.astimezone(ZONE).date()
    own = "" if notice.kind in _ABOUT_NO_TASK else personal.address(rt, notice.contact_id, now)
    with rt.reader() as session:
        contact = session.get_one(Contact, notice.contact_id)
        address, kind = _where_to(session, notice)
        if notice.kind == personal.KIND:
            fresh = personal.compose(session, notice, own, rt.settings.link_days, now, domain)
            return (fresh and short.fitted(fresh, address, kind, own)), []
        if notice.kind == alerts.KIND:
            alert = alerts.compose(session, notice, rt.settings.base_url, domain)
            return (alert and short.fitted(alert, address, kind, rt.settings.base_url)), []
        if notice.kind == linked.KIND:
            return linked.compose(session, notice, _office(rt, notice), domain), []
        if notice.kind == mail_receipt.KIND:
            return mail_receipt.compose(session, notice, own, _office(rt, notice), domain), []
        if notice.kind == head_mail.KIND:
            return head_mail.compose(session, notice, domain), []
        entries = digest.still_owed(session, notice)
        ahead = digest.ahead(session, notice, rt.in_force, rt.days, today)
        if not entries and not ahead:
            return None, []
        known = Known(
            contact, address, kind, entries, own, confirm.asked(rt, session, notice),
            stand_in.said(session, notice), ahead,
            head=head_mail.lines(session, [contact.id], rt.all_plans).get(contact.id, ""),
        )  # fmt: skip
        plans = _plans(rt, known)
        message = _digest(rt, domain, notice, known, plans, today)
        if write := quarter_said.WRITERS.get(notice.kind):
            url = rt.settings.base_url
            message = write(message, session, notice, entries, plans, rt.days, url, today)
        message = short.fitted(message, address, kind, own or rt.settings.base_url)
        return message, [entry.code for entry in entries]


def _plans(rt: Runtime, known: Known) -> list[Plan]:
    """The plans that a digest speaks of."""
    about = {e.plan_id for e in known.entries} | {plan.id for plan, _ in known.ahead}
    return [plan for plan in rt.all_plans if plan.id in about] or [rt.plan]


def _digest(
    rt: Runtime, domain: str, notice: Notice, known: Known, plans: list[Plan], today: date
) -> Message:
    return digest.compose(
        notice, known.contact, known.entries, known.ahead, plans, rt.settings.base_url, today,
        domain, stead=known.stead, confirm=known.confirm, own=known.own or "",
        answer=known.kind == MAIL and postmark.place(rt) is not None, head=known.head,
    )  # fmt: skip


def ordinary(
    rt: Runtime, domain: str, notice: Notice, known: Known, now: datetime
) -> tuple[Message, list[str]]:
    """The message of a digest of which all is known that its words need."""
    if known.own is None:
        known = replace(known, own=personal.address(rt, notice.contact_id, now))
    today = now.astimezone(ZONE).date()
    message = _digest(rt, domain, notice, known, _plans(rt, known), today)
    own = known.own or rt.settings.base_url
    message = short.fitted(message, known.address, known.kind, own)
    if known.kind == MAIL:
        message = postmark.carrying(rt, notice, message, domain, known.thread)
    return message, [entry.code for entry in known.entries]


def _office(rt: Runtime, notice: Notice) -> str:
    plan = rt.plan_of(notice.plan_id)
    return plan.body(plan.coordination_office).name


class _Here:
    """Sessions that are all one: what is read and written stays in its transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self) -> nullcontext[Session]:
        return nullcontext(self._session)

    begin = __call__


@officially()
def written(rt: Runtime, session: Session, notice: Notice, now: datetime) -> Message | None:
    """The message of a notice that a transaction has written and may yet take back."""
    here: Any = _Here(session)
    inside = replace(rt, reader=here, sessions=here)
    return compose(inside, urlsplit(rt.settings.base_url).hostname or "", notice, now)[0]


def _where_to(session: Session, notice: Notice) -> tuple[str, str]:
    """The address of a notice and the kind of its channel."""
    where = {"contact": notice.contact_id, "channel": notice.channel}
    return session.execute(_WHERE_TO, where).tuples().first() or ("", notice.channel)


_WHERE_TO = (  # made once: every notice asks for it
    select(Address.value, Channel.kind)
    .join(Channel, Channel.name == Address.channel)
    .where(Address.contact_id == bindparam("contact"), Address.channel == bindparam("channel"))
)
