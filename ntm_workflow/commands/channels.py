"""Commands on the ways out: channels, and the addresses contacts have on them."""

from __future__ import annotations

import getpass
from typing import TextIO

import click
from sqlalchemy import select

from ntm_workflow import runtime, texts
from ntm_workflow.store.tables import Channel
from ntm_workflow.work import channels as work
from ntm_workflow.work.audit import Actor


@click.group()
def channels() -> None:
    """Kênh gửi thông báo: thư điện tử, Zalo Bot, dịch vụ khác."""


@channels.command("list")
def list_() -> None:
    """Các kênh và tình trạng; kênh hỏng thì nêu lý do."""
    rt = runtime.load()
    with rt.reader() as session:
        for one in session.scalars(select(Channel).order_by(Channel.name)):
            state = texts.say(f"channel.{one.state}")
            click.echo(texts.say("channels.line", name=one.name, kind=one.kind, state=state))
            if one.broken_why:
                click.echo(f"  {one.broken_why}")


@channels.command("set")
@click.argument("name")
@click.option("--kind", type=click.Choice(work.KINDS), required=True)
@click.option("--secret-file", type=click.File(), default="-",
              help="Tệp chứa mã truy cập hoặc địa chỉ Apprise; không có: đọc stdin.")  # fmt: skip
def set_(name: str, kind: str, secret_file: TextIO) -> None:
    """Thêm kênh hoặc thay mã truy cập. Mã được mã hóa, không hiện ra ở đâu nữa."""
    rt = runtime.load()
    secret = secret_file.read().strip()
    with rt.sessions.begin() as session:
        work.put(
            session, name, kind, secret, rt.keys, now=rt.now(),
            actor=Actor(getpass.getuser(), via="cli"),
        )  # fmt: skip
    click.echo(texts.say("channels.set", name=name, kind=kind))


@channels.command("address")
@click.argument("email")
@click.argument("channel")
@click.argument("value")
@click.option("--always", is_flag=True, help="Luôn gửi thêm qua kênh này.")
@click.option("--rank", default=1, show_default=True, help="Thứ tự: nhỏ thì thử trước; thư là 0.")
def address(email: str, channel: str, value: str, always: bool, rank: int) -> None:
    """Ghi địa chỉ của một đầu mối trên một kênh khác, ví dụ mã hội thoại Zalo Bot."""
    rt = runtime.load()
    with rt.sessions.begin() as session:
        work.add_address(
            session, email, channel, value, always=always, rank=rank, now=rt.now(),
            actor=Actor(getpass.getuser(), via="cli"),
        )  # fmt: skip
    click.echo(texts.say("channels.address", email=email, channel=channel))
