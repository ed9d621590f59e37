"""Reading channels: whether each works, what broke it, what waits for it and what it sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session, defer

from ntm_workflow.store.tables import Channel, Notice

TROUBLES = 5  # of a channel, the most frequent
WEEK = timedelta(days=6)  # with today, seven days


@dataclass(frozen=True, slots=True)
class Trouble:
    """So many notices of the week are in this state after this answer."""

    state: str
    outcome: str
    code: str
    count: int


@dataclass(slots=True)
class ChannelLine:
    """A channel, and its notices: what waits (since when), today's and the week's by state.

    `troubles` are the week's answers for which messages wait, failed or are in
    doubt, the most frequent first.
    """

    channel: Channel
    waiting: int = 0
    since: datetime | None = None
    today: Counter[str] = field(default_factory=Counter)
    week: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)


def overview(session: Session, today: date) -> list[ChannelLine]:
    """Every channel, mail first; four statements. No secret is read."""
    query = select(Channel).options(defer(Channel.secret)).order_by(Channel.name != "mail")
    channels = session.scalars(query.order_by(Channel.name))
    lines = {one.name: ChannelLine(one) for one in channels}
    for name, count, since in session.execute(
        select(Notice.channel, func.count(), func.min(Notice.not_before))
        .where(Notice.state == literal_column("'pending'"))
        .group_by(Notice.channel)
    ):
        if name in lines:
            lines[name].waiting, lines[name].since = count, since
    for name, state, count, of_today in session.execute(
        select(
            Notice.channel, Notice.state, func.count(),
            func.count().filter(Notice.run_on == today),
        )
        .where(Notice.run_on >= today - WEEK, Notice.run_on <= today)
        .group_by(Notice.channel, Notice.state)
    ):  # fmt: skip
        if name in lines:
            lines[name].week[state] += count
            lines[name].today[state] += of_today
    for name, trouble in _troubles(session, today):
        if name in lines and len(lines[name].troubles) < TROUBLES:
            lines[name].troubles.append(trouble)
    return list(lines.values())


def _troubles(session: Session, today: date) -> list[tuple[str, Trouble]]:
    query = (
        select(Notice.channel, Notice.state, Notice.outcome, Notice.code, func.count())
        .where(
            Notice.run_on >= today - WEEK, Notice.run_on <= today,
            Notice.state.in_(("pending", "failed", "unknown")),
            Notice.outcome.not_in(("", "ok")),
        )
        .group_by(Notice.channel, Notice.state, Notice.outcome, Notice.code)
        .order_by(func.count().desc(), Notice.state, Notice.code)
    )  # fmt: skip
    return [(name, Trouble(*rest)) for name, *rest in session.execute(query)]
