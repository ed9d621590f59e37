"""Commands that chase: remind, deliver."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.chase import daily, inbound, outbox, quarterly, reminders
from ntm_workflow.chase.owed import Queued
from ntm_workflow.commands import show
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import days_off
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Contact, Notice, NoticeItem
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Actor

# What each kind is: which run of the quarter, and what of it alone.
KINDS = {
    "owed": ("opening", ""),
    "still-owes": ("owing", "quarter-owing"),
    "summary": ("owing", quarterly.SUMMARY),
}
JSON = click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")


class Told(NamedTuple):
    """One message of a quarterly run: of which kind, to whom, through what, about how many."""

    kind: str
    name: str
    channel: str
    items: int


@click.command()
@click.option("--on", type=show.DAY, help="Ngày nhắc, mặc định hôm nay.")
@click.option("--quarter", help="Chạy đợt đôn đốc của quý này thay vì bậc thang: 2020-Q2.")
@click.option("--kind", type=click.Choice(list(KINDS)),
              help="Với --quarter: việc của quý (owed), việc còn nợ kèm dự thảo công văn "
                   "(still-owes), tổng hợp (summary). Mặc định: còn nợ và tổng hợp.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Chỉ xem ai sẽ được nhắc, không ghi gì.")
@JSON
def remind(
    on: datetime | None, quarter: str | None, kind: str | None, dry_run: bool, as_json: bool
) -> None:
    """Lập thông báo nhắc: mỗi người nhận một thư gồm mọi việc. Chạy lại không nhắc thêm."""
    rt = runtime.load()
    today = show.as_day(on) or rt.today()
    actor = Actor(getpass.getuser(), via="cli")
    told: list[Told] = []
    with rt.sessions() as session, session.begin() as transaction:
        if quarter:
            queued = _quarter(rt, session, quarter, kind, today, actor)
            told = _told(session, queued)
        else:
            queued = reminders.queue(
                session, rt.all_plans, rt.days, today, now=rt.moment(today), actor=actor
            )
        if today == rt.today():  # by hand it is the day's run too
            daily.finished(session, daily.QUARTER if quarter else daily.REMIND, today, rt.now())
        if dry_run:
            transaction.rollback()
    if as_json:
        show.emit(
            {
                "on": today, "dry_run": dry_run, "notices": queued.notices,
                "items": queued.items, "day_off": queued.day_off or None,
                "recipients": [one._asdict() for one in told]
                or [{"name": n, "items": i} for n, i in queued.recipients],
            }
        )  # fmt: skip
        return
    _print(queued, told, today, dry_run)


def _quarter(
    rt: Runtime, session: Session, quarter: str, kind: str | None, today: date, actor: Actor
) -> Queued:
    which, only = KINDS.get(kind or "", ("owing", ""))
    runs = quarterly.find_runs(rt.all_plans, rt.days, quarter, which)
    if not runs:
        raise NotFound("quarter.unknown", quarter=quarter)
    audit.lock(session)
    return quarterly.queue_runs(
        session, runs, rt.days, today, now=rt.moment(today), actor=actor, once=False, only=only
    )


def _told(session: Session, queued: Queued) -> list[Told]:
    """Who would get what, by kind of message, as queued."""
    query = (
        select(Notice.kind, Contact.name, Notice.channel, func.count(NoticeItem.id))
        .join(Contact, Contact.id == Notice.contact_id)
        .outerjoin(NoticeItem, NoticeItem.notice_id == Notice.id)
        .where(Notice.run_id.in_(queued.runs))
        .group_by(Notice.id, Notice.kind, Contact.name, Notice.channel)
        .order_by(Notice.id)
    )
    return [Told(*row) for row in session.execute(query)]


def _print(queued: Queued, told: list[Told], today: object, dry_run: bool) -> None:
    if queued.day_off:
        click.echo(texts.say("remind.day_off", day=today, reason=days_off.said(queued.day_off)))
        return
    for kind, group in groupby(told, key=lambda one: one.kind):
        mine = list(group)
        click.echo(texts.say("remind.kind", kind=texts.say(f"kind.{kind}"), count=len(mine)))
        for one in mine:
            click.echo(texts.say("remind.to", **one._asdict()))
    for name, items in () if told else queued.recipients:
        click.echo(texts.say("remind.line", name=name, items=items))
    key = "remind.dry" if dry_run else "remind.done"
    key = key if queued.notices else "remind.nothing"
    click.echo(texts.say(key, day=today, notices=queued.notices, items=queued.items))


@click.command()
@JSON
def deliver(as_json: bool) -> None:
    """Gửi các thông báo đang chờ. Gọi bằng tay thì gửi ngay, không xét giờ làm việc."""
    rt = runtime.load()
    inbound.sweep(rt)
    done = outbox.deliver(rt, actor=Actor(getpass.getuser(), via="cli"))
    if as_json:
        show.emit(
            {
                "sent": done.sent, "failed": done.failed, "suppressed": done.suppressed,
                "retried": done.retried, "waiting": done.waiting, "stopped": done.stopped or None,
            }
        )  # fmt: skip
        return
    click.echo(
        texts.say("deliver.done", sent=done.sent, failed=done.failed, waiting=done.waiting,
                  suppressed=done.suppressed)
    )  # fmt: skip
    if done.stopped:
        click.echo(f"  {texts.say(done.stopped)}")
