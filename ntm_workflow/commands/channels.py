"""Commands on the ways out: channels, and the addresses contacts have on them."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import Any, TextIO

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.reports import wording
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Channel
from ntm_workflow.work import channels as work
from ntm_workflow.work import contacts, linking
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By


@click.group()
def channels() -> None:
    """Kênh gửi thông báo: thư điện tử, Zalo OA, mẫu tin ZBS, Zalo Bot, dịch vụ khác."""


@channels.command("list")
def list_() -> None:
    """Các kênh và tình trạng; kênh hỏng thì nêu lý do."""
    from ntm_workflow.chase import hooks

    rt = runtime.load()
    with rt.reader() as session:
        for one in session.scalars(select(Channel).order_by(Channel.name)):
            state = texts.say(f"channel.{one.state}")
            click.echo(texts.say("channels.line", name=one.name, kind=one.kind, state=state))
            for line in _facts(one):
                click.echo(line)
            if url := hooks.address(rt, one):
                click.echo(texts.say("hook.address", url=url))


def _facts(one: Channel) -> Iterator[str]:
    if one.broken_class:
        yield f"  {wording.broken(one)}"
    if one.broken_why:
        yield f"  {wording.quote(one.broken_why)}"
    if one.token_until:
        yield texts.say("channels.token", until=texts.clock(one.token_until))
    if one.quota_left is not None:
        yield texts.say("channels.quota", left=one.quota_left)
    if one.per_minute:
        yield texts.say("channels.pace", number=one.per_minute)


@channels.command("set")
@click.argument("name")
@click.option("--kind", type=click.Choice(work.KINDS), required=True)
@click.option(
    "--secret-file",
    type=click.File(),
    default="-",
    help="Tệp chứa mã truy cập, tài khoản Zalo hoặc địa chỉ Apprise; không có: stdin.",
)
@click.option("--template", help="Mã mẫu tin ZBS đã được Zalo duyệt.")
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="CỦA-MẪU=CỦA-TA",
    help="Tên chỗ trống trong mẫu và điều điền vào, ví dụ ma_nv=ma.",
)
@click.option("--tokens-of", help="Kênh zalooa mà kênh ZBS gửi bằng.")
@click.option("--per-minute", type=click.IntRange(1), help="Nhiều nhất bao nhiêu tin một phút.")
def set_(
    name: str,
    kind: str,
    secret_file: TextIO,
    template: str | None,
    parameters: tuple[str, ...],
    tokens_of: str | None,
    per_minute: int | None,
) -> None:
    """Thêm kênh hoặc thay mã truy cập. Mã được mã hóa, không hiện ra ở đâu nữa."""
    rt = runtime.load()
    settings: dict[str, Any] = {"template": template} if template else {}
    if parameters:
        settings["parameters"] = dict(one.split("=", 1) for one in parameters if "=" in one)
    pasted = "" if kind == "zbs" else secret_file.read().strip()
    with rt.sessions.begin() as session:
        work.put(
            session, name, kind, _secret(rt, session, name, kind, pasted), rt.keys, now=rt.now(),
            actor=_person(), settings=settings, tokens_of=tokens_of, per_minute=per_minute,
        )  # fmt: skip
    click.echo(texts.say("channels.set", name=name, kind=kind))


def _secret(rt: Runtime, session: Session, name: str, kind: str, pasted: str) -> str:
    from ntm_workflow.chase import tokens

    return tokens.pasted(rt.keys, session.get(Channel, name), kind, pasted)


@channels.command("authorize")
@click.argument("name")
@click.option("--code", prompt=True, hide_input=True, help="Mã trên trang cấp quyền của Zalo.")
@click.option("--verifier", prompt=True, hide_input=True, help="code_verifier của ứng dụng.")
def authorize(name: str, code: str, verifier: str) -> None:
    """Đăng nhập lại Official Account bằng mã mà trang cấp quyền của Zalo vừa cho."""
    from ntm_workflow.chase import tokens

    rt = runtime.load()
    until = tokens.sign_in(rt, name, code.strip(), verifier.strip(), _person())
    click.echo(texts.say("channels.signed_in", name=name, until=texts.clock(until)))


@channels.command("webhook")
@click.argument("name")
def webhook(name: str) -> None:
    """Để Zalo gọi về khi có người nhắn: đặt cho bot, hoặc in địa chỉ cần nhập cho OA."""
    from ntm_workflow.chase import hooks

    rt = runtime.load()
    url = hooks.set_up(rt, name, _person())
    with rt.reader() as session:
        kind = session.get_one(Channel, name).kind
    click.echo(texts.say(f"hook.{kind}", name=name), err=True)
    click.echo(url)


@channels.command("link")
@click.argument("who")
@click.argument("channel")
def link(who: str, channel: str) -> None:
    """Cấp mã liên kết Zalo cho đầu mối WHO (thư hoặc tên) trên kênh CHANNEL; in ra một lần."""
    from ntm_workflow.chase import inbound

    rt = runtime.load()
    by = By(_person(), rt.now())
    with rt.sessions.begin() as session:
        contact = contacts.find(session, who)
        code = inbound.code(rt, session, contact, channel, by)
        name = contact.name
    until = texts.clock(by.now + linking.VALID)
    click.echo(texts.say("linkcode.made", name=name, channel=channel, until=until), err=True)
    click.echo(texts.say("linkcode.say", code=code))


def _person() -> Actor:
    return Actor(getpass.getuser(), via="cli")


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
            actor=_person(),
        )  # fmt: skip
    click.echo(texts.say("channels.address", email=email, channel=channel))
