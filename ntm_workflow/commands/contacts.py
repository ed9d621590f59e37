"""Commands on contacts: who speaks for a body, where and when they are told."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.calendar import typed
from ntm_workflow.commands import show
from ntm_workflow.reports import contacts as reports
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import BodyRecord, Contact, ContactBody
from ntm_workflow.work import (
    body_names,
    contact_card,
    contact_import,
    contact_lines,
    contact_match,
    contact_sheet,
    privacy,
)
from ntm_workflow.work import contacts as work
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contact_import import Comparison
from ntm_workflow.work.contacts import By

T = TypeVar("T")


@click.group()
def contacts() -> None:
    """Đầu mối của các đơn vị."""


@contacts.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Chỉ xem sẽ đổi những gì, không ghi.")
@click.option("--remove-missing", is_flag=True, help="Ngừng dùng đầu mối không có trong tệp.")
def import_(file: Path, dry_run: bool, remove_missing: bool) -> None:
    """Nhập đầu mối từ tệp CSV hay Excel. Có lỗi thì không đổi gì; nhập lại không đổi thêm.

    Cột: body (Đơn vị), name (Đầu mối), email (Thư điện tử); không bắt buộc: role, một cột
    cho mỗi kênh khác, order, absent_from, absent_until, deputy, quiet, digest_at.
    """
    rt = runtime.load()
    with rt.reader() as session:
        known = reports.known(session, rt.plan, rt.all_plans, rt.today())
    lines = contact_lines.parse(file.read_bytes(), known)
    by = _by(rt)
    with rt.sessions() as session, session.begin() as transaction:
        found = contact_import.apply(
            session, lines, now=by.now, actor=by.actor, remove_missing=remove_missing
        )
        _tell(found, len(lines), dry_run, remove_missing)
        if dry_run:
            transaction.rollback()


def _tell(found: Comparison, count: int, dry_run: bool, removed: bool) -> None:
    for one in found.changes:
        click.echo(f"  {reports.said(one)}")
    for card in found.missing:
        key = "contacts.removed" if removed else "contacts.missing"
        click.echo(f"  {texts.say(key, name=card.contact.name)}")
    if not all(contact_match.keys(one.line) for one in found.changes):
        click.echo(texts.say("contacts.some_unreached"))
    done = "contacts.would" if dry_run else "contacts.done"
    click.echo(texts.say(done, count=count, changed=len(found.changes)))


@contacts.command("erase")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Không hỏi lại.")
def erase(who: str, yes: bool) -> None:
    """Xóa dữ liệu cá nhân của đầu mối WHO (địa chỉ thư hoặc tên). Không lấy lại được.

    Nhật ký giữ nguyên vẹn: chỉ còn số của đầu mối. Văn bản và tệp đã nộp vẫn giữ.
    """
    rt = runtime.load()
    with rt.reader() as session:
        found = work.find(session, who)
        number, name = found.id, found.name
    if not yes:
        click.confirm(texts.say("contacts.erase_sure", name=name, id=number), abort=True)
    with rt.sessions.begin() as session:
        count = privacy.erase(session, work.edited(session, number), _by(rt))
    click.echo(texts.say("contacts.erased", id=number, **count))


@contacts.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(file: Path) -> None:
    """Ghi mọi đầu mối đang dùng ra tệp .csv hay .xlsx; sửa rồi nhập lại được."""
    rt = runtime.load()
    with rt.reader() as session:
        rows = contact_card.rows(session, reports.short_names(session, rt.today()))
    xlsx = file.suffix.lower() == ".xlsx"
    data = contact_sheet.as_xlsx(rows) if xlsx else contact_sheet.as_csv(rows)
    file.write_bytes(data)
    click.echo(texts.say("contacts.exported", count=len(rows) - 1, path=str(file)))


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


@contacts.command("absent")
@click.argument("who")
@click.option("--from", "first", type=show.DAY, help="Vắng từ ngày này; không có: không vắng nữa.")
@click.option("--until", "last", type=show.DAY, help="Đến hết ngày này; không có: chưa rõ ngày về.")
@click.option("--deputy", help="Ai nhận thay: địa chỉ thư hoặc tên.")
def absent(who: str, first: datetime | None, last: datetime | None, deputy: str | None) -> None:
    """Ghi đầu mối WHO (địa chỉ thư hoặc tên) vắng mặt; thư gửi cho người thay."""
    rt = runtime.load()
    from_on, until_on = show.as_day(first), show.as_day(last)

    def act(session: Session, contact: Contact, by: By) -> None:
        known = session.get(Contact, contact.deputy_id) if contact.deputy_id else None
        other = work.find(session, deputy) if deputy else known
        work.be_absent(session, contact, from_on, until_on, other, by)

    name = _edit(rt, who, act)
    key = "contacts.absent" if from_on else "contacts.present"
    click.echo(texts.say(key, name=name, day=from_on or ""))


@contacts.command("set")
@click.argument("who")
@click.option("--name", help="Tên mới.")
@click.option("--email", help="Địa chỉ thư mới.")
@click.option("--order", help='Thứ tự kênh, như "bot, mail+"; dấu + là luôn gửi thêm.')
@click.option("--quiet", help='Giờ yên lặng, như 22:00-6:00; "" là bỏ.')
@click.option("--digest-at", help='Giờ nhận thư nhắc, như 8:30; "" là bỏ.')
@click.option("--active/--inactive", default=None, help="Dùng lại, hoặc ngừng dùng.")
@click.option("--reuse", help="Kênh có địa chỉ đã sửa, dùng lại.")
def set_(
    who: str, name: str | None, email: str | None, order: str | None, quiet: str | None,
    digest_at: str | None, active: bool | None, reuse: str | None,
) -> None:  # fmt: skip
    """Sửa đầu mối WHO (địa chỉ thư hoặc tên)."""
    rt = runtime.load()

    def act(session: Session, contact: Contact, by: By) -> None:
        if name is not None:
            (card,) = contact_card.load(session, [contact.id])
            work.describe(session, contact, name, card.roles, by)
        if email is not None:
            work.give_address(session, contact, "mail", email, by)
        if order is not None:
            work.reorder(session, contact, [n.strip() for n in order.split(",")], by)
        if quiet is not None or digest_at is not None:
            _hours(rt, session, contact, quiet, digest_at, by)
        if active is not None:
            work.set_active(session, contact, active, by)
        if reuse is not None:
            work.reuse(session, contact, reuse, by)

    click.echo(texts.say("contacts.set", name=_edit(rt, who, act)))


def _hours(
    rt: Runtime, session: Session, contact: Contact, quiet: str | None, digest_at: str | None,
    by: By,
) -> None:  # fmt: skip
    start, end = contact.quiet_from, contact.quiet_until
    kept = (start, end) if start and end else None
    wanted = kept if quiet is None else _read(quiet, typed.stretch, "--quiet")
    hour = contact.digest_at if digest_at is None else _read(digest_at, typed.clock, "--digest-at")
    office = [(p.reminders.send_from, p.reminders.send_until) for p in rt.in_force]
    work.set_hours(session, contact, wanted, hour, office, by)


def _read(text: str, read: Callable[[str], T | None], option: str) -> T | None:
    if not text:
        return None
    if (value := read(text)) is None:
        raise click.BadParameter(text, param_hint=option)
    return value


def _by(rt: Runtime) -> By:
    return By(Actor(getpass.getuser(), via="cli"), rt.now())


def _edit(rt: Runtime, who: str, act: Callable[[Session, Contact, By], None]) -> str:
    by = _by(rt)
    with rt.sessions.begin() as session:
        contact = work.edited(session, work.find(session, who).id)
        act(session, contact, by)
        return contact.name
