"""`ntm privacy`: how long personal data is kept, and taking away what was kept long enough."""

from __future__ import annotations

import getpass

import click

from ntm_workflow import runtime, texts
from ntm_workflow.runtime import Runtime
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


@privacy.command()
def apply() -> None:
    """Xóa ngay những gì đã quá hạn (mỗi đêm hệ thống cũng tự làm)."""
    rt: Runtime = runtime.load(may_be_empty=True)
    done = work.apply(rt, actor=Actor(getpass.getuser(), via="cli"))
    click.echo(texts.say("privacy.applied", mails=done.mails, contacts=len(done.contacts)))
