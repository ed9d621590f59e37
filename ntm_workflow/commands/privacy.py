"""`ntm privacy`: how long personal data is kept, and taking away what was kept long enough."""

from __future__ import annotations

import getpass
from datetime import timedelta

import click

from ntm_workflow import runtime, texts
from ntm_workflow.runtime import Runtime
from ntm_workflow.work import loose_files
from ntm_workflow.work import privacy as work
from ntm_workflow.work.audit import Actor


@click.group()
def privacy() -> None:
    """Dữ liệu cá nhân: giữ bao lâu, còn gì đã quá hạn. Xóa một người: `ntm contacts erase`."""


@privacy.command()
def show() -> None:
    """Thời hạn đang đặt, và những gì đã quá hạn."""
    rt = runtime.load(may_be_empty=True)
    rules = work.rules(rt.settings)
    with rt.reader() as session:
        found = work.due(session, rules, rt.now())
    for name, days, count in (
        ("mails", rules.mails, found.mails), ("contacts", rules.contacts, len(found.contacts))
    ):  # fmt: skip
        key = f"privacy.{name}" if days else f"privacy.{name}_kept"
        click.echo(texts.say(key, days=days, count=count))
    click.echo(_loose(rt))


def _loose(rt: Runtime) -> str:
    days = rt.settings.keep_loose_days
    if not days:
        return texts.say("privacy.files_kept")
    try:
        found = loose_files.loose(rt, rt.now() - timedelta(days=days))
    except OSError as error:
        return texts.say("doctor.store_away", why=error)
    return texts.say("privacy.files", days=days, count=len(found))


@privacy.command()
def apply() -> None:
    """Xóa ngay những gì đã quá hạn (mỗi đêm hệ thống cũng tự làm)."""
    rt: Runtime = runtime.load(may_be_empty=True)
    actor = Actor(getpass.getuser(), via="cli")
    done = work.apply(rt, actor=actor)
    files = 0 if rt.simulated else loose_files.sweep(rt, rt.now, actor=actor)
    click.echo(texts.say("privacy.applied", mails=done.mails, contacts=len(done.contacts)))
    click.echo(texts.say("privacy.swept", count=files))
