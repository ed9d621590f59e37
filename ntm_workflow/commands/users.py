"""Commands on accounts: who may sign in. A password is never part of a command line."""

from __future__ import annotations

import getpass
import sys

import click
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.commands import show
from ntm_workflow.commands.work import find_body
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account
from ntm_workflow.work import accounts, passwords, second_factor
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By

ASK = click.option("--ask", is_flag=True, help="Hỏi mật khẩu hai lần, thay vì in một mật khẩu.")


@click.group()
def users() -> None:
    """Tài khoản đăng nhập: lập, xem, đặt lại mật khẩu, khóa, kết thúc phiên."""


@users.command("add")
@click.argument("login", metavar="NAME")
@click.option("--role", type=click.Choice([one.value for one in Role]), required=True,
              help="administrator quản trị; coordination cơ quan điều phối; office đơn vị; "
                   "leader lãnh đạo; inspector thanh tra.")  # fmt: skip
@click.option("--body", "bodies", multiple=True, help="Đơn vị (mã hoặc tên); nhiều lần được.")
@click.option("--email", default="", help="Địa chỉ thư: để đăng nhập, và đăng nhập một lần.")
@click.option("--called", default="", help="Tên hiện trên trang và trong nhật ký.")
@click.option("--no-password", is_flag=True, help="Không mật khẩu: chỉ đăng nhập một lần (OIDC).")
@ASK
def add(
    login: str, role: str, bodies: tuple[str, ...], email: str, called: str,
    no_password: bool, ask: bool,
) -> None:  # fmt: skip
    """Lập tài khoản NAME. In mật khẩu dùng một lần, hoặc hỏi mật khẩu với --ask."""
    rt = runtime.load(may_be_empty=True)
    mine = [find_body(rt, rt.plan, one).id for one in bodies]
    typed = _typed(login, ask) if not no_password else ""
    by = _by(rt)
    with rt.sessions.begin() as session:
        made = accounts.add(session, login, Role(role), mine, by, name=called, email=email)
        said = texts.say("users.added", login=made.login, role=_role(role), name=made.name)
        if typed:
            _give(session, made, typed, ask, by)
    click.echo(said)
    _tell(typed, ask)


@users.command("list")
def list_() -> None:
    """Mọi tài khoản: vai, đơn vị, tình trạng, lần dùng cuối của phiên đang mở."""
    rt = runtime.load(may_be_empty=True)
    with rt.reader() as session:
        seen = accounts.last_sign_in(session)
        rows = [
            (one.login, one.name, _role(one.role), ", ".join(bodies), _state(one),
             texts.clock(seen[one.id]) if one.id in seen else "")
            for one, bodies in accounts.listed(session)
        ]  # fmt: skip
    if rows:
        show.table(rows, "head.users")
    else:
        click.echo(texts.say("users.none"))


@users.command("password")
@click.argument("login", metavar="NAME")
@ASK
def password(login: str, ask: bool) -> None:
    """Đặt lại mật khẩu của NAME; mọi nơi đang đăng nhập phải đăng nhập lại."""
    rt = runtime.load(may_be_empty=True)
    with rt.reader() as session:
        name = accounts.find(session, login).login
    typed = _typed(name, ask)
    with rt.sessions.begin() as session:
        _give(session, accounts.find(session, login), typed, ask, _by(rt))
    click.echo(texts.say("users.password", login=name))
    _tell(typed, ask)


@users.command("disable")
@click.argument("login", metavar="NAME")
def disable(login: str) -> None:
    """Khóa tài khoản NAME và kết thúc mọi phiên của nó."""
    _active(login, False)


@users.command("enable")
@click.argument("login", metavar="NAME")
def enable(login: str) -> None:
    """Mở lại tài khoản NAME."""
    _active(login, True)


def _active(login: str, active: bool) -> None:
    rt = runtime.load(may_be_empty=True)
    with rt.sessions.begin() as session:
        found = accounts.find(session, login)
        name = found.login
        accounts.set_active(session, found, active, _by(rt))
    click.echo(texts.say("users.on" if active else "users.off", login=name))


@users.command("end-sessions")
@click.argument("login", metavar="NAME")
def end_sessions(login: str) -> None:
    """Kết thúc mọi phiên của NAME: mọi nơi phải đăng nhập lại."""
    rt = runtime.load(may_be_empty=True)
    with rt.sessions.begin() as session:
        found = accounts.find(session, login)
        name, count = found.login, accounts.end_all(session, found, _by(rt))
    click.echo(texts.say("users.ended", login=name, count=count))


@users.group()
def totp() -> None:
    """Bước thứ hai (mã trên điện thoại)."""


@totp.command("reset")
@click.argument("login", metavar="NAME")
def reset(login: str) -> None:
    """Tắt bước thứ hai của NAME, khi mất điện thoại."""
    rt = runtime.load(may_be_empty=True)
    with rt.sessions.begin() as session:
        found = accounts.find(session, login)
        name = found.login
        second_factor.turn_off(session, found, _by(rt))
    click.echo(texts.say("users.no_factor", login=name))


def _typed(login: str, ask: bool) -> str:
    """A password that a person types twice, or a new one that is told once."""
    if not ask:
        return passwords.first()
    if not sys.stdin.isatty():  # from a file or a pipe: a line, and the same again
        typed, again = (sys.stdin.readline().rstrip("\n") for _ in range(2))
    else:
        typed, again = (getpass.getpass(texts.say(f"users.ask{n}")) for n in ("", "_again"))
    accounts.same(typed, again)
    passwords.check(typed, accounts.folded(login))
    return typed


def _give(session: Session, account: Account, typed: str, ask: bool, by: By) -> None:
    accounts.give_password(session, account, passwords.hashed(typed), not ask, by)


def _tell(typed: str, ask: bool) -> None:
    if typed and not ask:
        click.echo(texts.say("users.once"), err=True)
        click.echo(typed)


def _role(role: str) -> str:
    return texts.say(f"account.role.{role}")


def _state(one: Account) -> str:
    return texts.say("users.state.on" if one.active else "users.state.off")


def _by(rt: Runtime) -> By:
    return By(Actor(getpass.getuser(), via="cli"), rt.now())
