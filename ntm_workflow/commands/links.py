"""Commands on personal links: give one by hand, revoke, see which there are."""

from __future__ import annotations

import getpass

import click

from ntm_workflow import runtime, texts
from ntm_workflow.commands import show
from ntm_workflow.errors import ConfigError
from ntm_workflow.runtime import Runtime
from ntm_workflow.work import contacts as work
from ntm_workflow.work import links as personal
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By


@click.group()
def links() -> None:
    """Đường dẫn cá nhân: đầu mối xem việc, nộp minh chứng không cần mật khẩu."""


@links.command("new")
@click.argument("who")
def new(who: str) -> None:
    """Lập đường dẫn mới cho đầu mối WHO (địa chỉ thư hoặc tên) và in ra."""
    rt = runtime.load()
    if not rt.settings.base_url:
        raise ConfigError("links.no_base")
    with rt.sessions.begin() as session:
        contact = work.find(session, who)
        made = personal.make(session, contact.id, rt.settings.link_days, _by(rt))
        url = f"{rt.settings.base_url}{personal.PATH}{personal.token(rt.keys, made)}"
        until = texts.clock(made.expires_at)
        said = texts.say("links.made", id=made.id, name=contact.name, until=until)
    click.echo(said, err=True)
    click.echo(url)


@links.command("revoke")
@click.argument("who")
@click.option("--link", "number", type=int, help="Chỉ đường dẫn số này; không có: tất cả.")
def revoke(who: str, number: int | None) -> None:
    """Thu hồi đường dẫn của đầu mối WHO: tất cả, hoặc một đường dẫn."""
    rt = runtime.load()
    with rt.sessions.begin() as session:
        contact = work.find(session, who)
        name = contact.name
        if number is None:
            personal.revoke_all(session, contact, _by(rt))
        else:
            personal.revoke(session, contact, number, _by(rt))
    key = "links.revoked" if number is None else "links.revoked_one"
    click.echo(texts.say(key, name=name, id=number))


@links.command("list")
@click.argument("who", required=False)
def list_(who: str | None) -> None:
    """Các đường dẫn mới nhất: của mọi đầu mối, hoặc của WHO. Không in đường dẫn."""
    rt = runtime.load()
    with rt.reader() as session:
        contact = work.find(session, who).id if who else None
        now = rt.now()
        rows = [
            (link.id, one.name, texts.clock(link.made_at), texts.clock(link.expires_at),
             texts.say(f"links.state.{personal.state(link, one, now)}"))
            for link, one in personal.listed(session, contact)
        ]  # fmt: skip
    if rows:
        show.table(rows, "head.links")
    else:
        click.echo(texts.say("links.none"))


def _by(rt: Runtime) -> By:
    return By(Actor(getpass.getuser(), via="cli"), rt.now())
