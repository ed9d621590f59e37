"""`ntm backup` and `ntm restore`: the database and the evidence, together."""

from __future__ import annotations

import getpass
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from ntm_workflow import runtime, settings, texts
from ntm_workflow.errors import Refused
from ntm_workflow.store import backup as backups_store
from ntm_workflow.store import restore as restoring
from ntm_workflow.store.backup import About
from ntm_workflow.work import backups, proof
from ntm_workflow.work.audit import Actor

FOLDER = click.Path(path_type=Path)


class _OrMake(click.Group):
    """`ntm backup FOLDER` is `ntm backup make FOLDER`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["make", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_OrMake)
def backup() -> None:
    """Sao lưu khi đang chạy: `ntm backup THƯ-MỤC`; đọc lại: `ntm backup verify THƯ-MỤC`."""


@backup.command()
@click.argument("out", type=FOLDER)
@click.option("--with-key", is_flag=True, help="Kèm tệp khóa; ai có bản này đọc được mọi bí mật.")
def make(out: Path, with_key: bool) -> None:
    """Sao lưu cơ sở dữ liệu và minh chứng ra thư mục OUT trong khi hệ thống đang chạy."""
    rt = runtime.load(may_be_empty=True)
    with _storage(out):
        made = backups.make(rt, out, actor=_actor(), with_key=with_key)
    click.echo(_said("backup.made", out, made))
    click.echo(texts.say("backup.with_key" if with_key else "backup.without_key",
                         key=str(rt.settings.key_file)))  # fmt: skip
    for sha256 in made.lost:
        click.echo(texts.say("backup.lost", sha256=sha256), err=True)


@backup.command()
@click.argument("place", type=FOLDER)
def verify(place: Path) -> None:
    """Đọc lại từng tệp của một bản sao lưu; thoát 1 và nêu tên tệp nếu hỏng."""
    found = list(backups_store.damaged(place))
    for one in found:
        click.echo(texts.say(f"backup.{one.why}", path=str(place), name=one.name), err=True)
    if found:
        sys.exit(1)
    click.echo(_said("backup.sound", place, backups_store.about(place)))


@click.command()
@click.argument("place", type=FOLDER)
@click.option("--into", type=FOLDER, help="Thư mục dữ liệu nhận; mặc định NTM_VAR.")
@click.option("--database", default="", help="Cơ sở dữ liệu nhận, khi là PostgreSQL.")
@click.option("--force", is_flag=True, help="Thay cả cơ sở dữ liệu đã có công việc.")
def restore(place: Path, into: Path | None, database: str, force: bool) -> None:
    """Khôi phục bản sao lưu PLACE: đọc lại cả bản trước, rồi thay tất cả hoặc không thay gì."""
    wanted = settings.load()
    if into:
        into = into.resolve()
        wanted = replace(wanted, var=into, database_url=f"sqlite:///{into / 'ntm.db'}",
                         key_file=into / wanted.key_file.name)  # fmt: skip
    if database:
        wanted = replace(wanted, database_url=database)
    with _storage(wanted.var):
        told = restoring.restore(wanted, place, force=force)
    rt = runtime.load(wanted, may_be_empty=True)
    backups.restored(rt, place, told, actor=_actor())
    click.echo(_said("backup.restored", place, told))
    with rt.reader() as session:
        found = list(proof.faults(session, rt.signer.trusted, rt.files))
    for one in found:
        click.echo(texts.say(one.key, **one.data), err=True)
    if found:
        sys.exit(1)
    click.echo(texts.say("backup.proved"))


@contextmanager
def _storage(place: Path) -> Iterator[None]:
    """Say what a disk or database refused in one sentence."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise Refused("backup.unwritten", path=error.filename or str(place), why=why) from error
    except (sqlite3.Error, DBAPIError) as error:
        why = str(getattr(error, "orig", error)).splitlines()[0]
        raise Refused("backup.unwritten", path=str(place), why=why) from error


def _said(key: str, place: Path, told: About) -> str:
    return texts.say(
        key, path=str(place), seq=told.seq, rows=sum(told.rows.values()), files=told.files,
        size=f"{told.size:,}", made_at=told.made_at,
    )  # fmt: skip


def _actor() -> Actor:
    return Actor(getpass.getuser(), via="cli")
