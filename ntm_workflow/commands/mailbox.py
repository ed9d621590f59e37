"""`ntm mailbox`: the mailbox that answers and bounces come to."""

from __future__ import annotations

import contextlib
import getpass
import sys

import click

from ntm_workflow import runtime, texts
from ntm_workflow.chase import incoming
from ntm_workflow.chase.incoming import Checked
from ntm_workflow.commands import show
from ntm_workflow.errors import ConfigError
from ntm_workflow.work.audit import Actor


@click.group()
def mailbox() -> None:
    """Hộp thư nhận trả lời và thư bị trả về."""


@mailbox.command("check")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def check(as_json: bool) -> None:
    """Đọc hộp thư ngay, ghép từng thư với thông báo của nó. Không đọc được thì mã thoát là 1."""
    rt = runtime.load()
    if not rt.settings.mailbox_url:
        raise ConfigError("mailbox.none")
    done = incoming.check(rt, actor=Actor(getpass.getuser(), via="cli"))
    if as_json:
        show.emit({"fetched": done.fetched, **done.handled, "trouble": done.trouble or None})
    else:
        click.echo(_said(done))
    if done.trouble:
        click.echo(texts.say("mailbox.down", why=done.trouble), err=True)
        sys.exit(1)


@mailbox.command("watch")
def watch() -> None:
    """Đợi thư và đọc ngay khi có (IDLE), đến khi dừng bằng Ctrl-C. `ntm up` tự chạy phần này."""
    from ntm_workflow.serve import mail_watch

    rt = runtime.load(may_be_empty=True)
    if not rt.settings.mailbox_url:
        raise ConfigError("mailbox.none")
    with contextlib.suppress(KeyboardInterrupt):
        mail_watch.watch(rt)


def _said(done: Checked) -> str:
    found = done.handled.get
    return texts.say(
        "mailbox.checked", fetched=done.fetched, reply=found("reply", 0),
        auto=found("auto-reply", 0), bounce=found("bounce", 0), delay=found("delay", 0),
        ignored=found("ignored", 0), person=done.for_a_person,
    )  # fmt: skip
