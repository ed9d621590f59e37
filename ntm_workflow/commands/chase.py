"""Commands that chase: remind, deliver, notices, contacts."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.chase import outbox, quarterly, reminders
from ntm_workflow.chase.owed import Queued
from ntm_workflow.commands import show
from ntm_workflow.errors import NotFound
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import BodyRecord, Contact, ContactBody, Notice
from ntm_workflow.work import audit, body_names, people
from ntm_workflow.work.audit import Actor

JSON = click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")


@click.command()
@click.option("--on", type=show.DAY, help="Ngày nhắc, mặc định hôm nay.")
@click.option("--quarter", help="Chạy đợt đôn đốc của quý này thay vì bậc thang: 2020-Q2.")
@click.option("--kind", type=click.Choice(["opening", "owing"]), default="owing",
              help="Với --quarter: đầu quý (opening) hay trước hạn báo cáo (owing).")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Chỉ xem ai sẽ được nhắc, không ghi gì.")
@JSON
def remind(
    on: datetime | None, quarter: str | None, kind: str, dry_run: bool, as_json: bool
) -> None:
    """Lập thông báo nhắc: mỗi người nhận một thư gồm mọi việc. Chạy lại không nhắc thêm."""
    rt = runtime.load()
    today = show.as_day(on) or rt.today()
    actor = Actor(getpass.getuser(), via="cli")
    with rt.sessions() as session, session.begin() as transaction:
        if quarter:
            queued = _quarter(rt, session, quarter, kind, today, actor)
        else:
            queued = reminders.queue(
                session, rt.all_plans, rt.days, today, now=rt.moment(today), actor=actor
            )
        if dry_run:
            transaction.rollback()
    if as_json:
        show.emit(
            {
                "on": today, "dry_run": dry_run, "notices": queued.notices,
                "items": queued.items, "day_off": queued.day_off or None,
                "recipients": [{"name": n, "items": i} for n, i in queued.recipients],
            }
        )  # fmt: skip
        return
    _print(queued, today, dry_run)


def _quarter(
    rt: Runtime, session: Session, quarter: str, kind: str, today: date, actor: Actor
) -> Queued:
    runs = quarterly.find_runs(rt.all_plans, rt.days, quarter, kind)
    if not runs:
        raise NotFound("quarter.unknown", quarter=quarter)
    audit.lock(session)
    return quarterly.queue_runs(
        session, runs, rt.days, today, now=rt.moment(today), actor=actor, once=False
    )


def _print(queued: Queued, today: object, dry_run: bool) -> None:
    if queued.day_off:
        click.echo(texts.say("remind.day_off", day=today, reason=queued.day_off))
        return
    for name, items in queued.recipients:
        click.echo(texts.say("remind.line", name=name, items=items))
    key = "remind.dry" if dry_run else "remind.done"
    key = key if queued.notices else "remind.nothing"
    click.echo(texts.say(key, day=today, notices=queued.notices, items=queued.items))


@click.command()
@JSON
def deliver(as_json: bool) -> None:
    """Gửi các thông báo đang chờ. Gọi bằng tay thì gửi ngay, không xét giờ làm việc."""
    rt = runtime.load()
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


@click.command()
@click.option("--on", type=show.DAY, help="Chỉ ngày này.")
@click.option("--limit", default=50, show_default=True)
def notices(on: datetime | None, limit: int) -> None:
    """Thông báo đã lập và kết quả gửi, mới nhất trước."""
    rt = runtime.load()
    query = select(Notice, Contact.name).join(Contact, Contact.id == Notice.contact_id)
    if on:
        query = query.where(Notice.run_on == on.date())
    with rt.reader() as session:
        found = session.execute(query.order_by(Notice.id.desc()).limit(limit)).all()
    show.table(
        [(n.id, texts.day(n.run_on), name, n.subject or texts.say(f"kind.{n.kind}"),
          texts.say(f"notice.{n.state}"), n.error[:60]) for n, name in found],
        "head.notices",
    )  # fmt: skip


@click.group()
def contacts() -> None:
    """Đầu mối của các đơn vị."""


@contacts.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def import_(file: Path) -> None:
    """Nhập đầu mối từ tệp CSV (cột body, name, email, role). Nhập lại không thay đổi gì."""
    rt = runtime.load()
    with rt.reader() as session:
        given = body_names.given(session, rt.today())
    lines = people.read_csv(file.read_bytes(), rt.plan, rt.all_plans, given.values())
    with rt.sessions.begin() as session:
        changed = people.import_contacts(
            session, lines, now=rt.now(), actor=Actor(getpass.getuser(), via="cli")
        )
    click.echo(texts.say("contacts.done", count=len(lines), changed=changed))


@contacts.command("list")
def list_() -> None:
    """Đơn vị nào có đầu mối nào; đơn vị chưa có đầu mối."""
    rt = runtime.load()
    short = body_names.called("short", BodyRecord.id, rt.today())
    query = (
        select(short, func.count(ContactBody.contact_id), func.min(Contact.email))
        .select_from(BodyRecord)
        .outerjoin(ContactBody, ContactBody.body_id == BodyRecord.id)
        .outerjoin(Contact, Contact.id == ContactBody.contact_id)
        .where(body_names.known_by(BodyRecord.id, rt.today()))
        .group_by(BodyRecord.id, BodyRecord.short, BodyRecord.name)
        .order_by(BodyRecord.id)
    )
    with rt.reader() as session:
        show.table(
            [(short, email or "–", count) for short, count, email in session.execute(query)],
            "head.contacts",
        )
