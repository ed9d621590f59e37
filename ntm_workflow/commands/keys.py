"""`ntm keys`: the key that hides what is kept and seals what is sent."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ntm_workflow import runtime, texts
from ntm_workflow.errors import Refused
from ntm_workflow.work import key_rotation
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.key_rotation import Needed


@click.group()
def keys() -> None:
    """Khóa của máy: thay khóa, xem khóa cũ còn cần không, bỏ khóa cũ."""


@keys.command()
def rotate() -> None:
    """Tạo khóa mới và mã hóa lại mọi bí mật bằng khóa ấy; bị ngắt thì chạy lại, làm nốt."""
    rt = runtime.load(may_be_empty=True)
    with _writing(rt.settings.key_file):
        moved = key_rotation.rotate(rt, _actor())
    for name, count in moved.items():
        click.echo(texts.say("keys.moved", name=texts.say(f"keys.of.{name}"), count=count))
    with rt.reader() as session:
        still = key_rotation.needed(session, rt.keys, rt.now())
    click.echo(texts.say("keys.rotated", key=rt.keys.names[0], path=str(rt.settings.key_file)))
    _tell(still, len(rt.keys.names))
    if still.lost:
        sys.exit(1)


@keys.command()
def check() -> None:
    """Có mấy khóa, và còn gì cần đến khóa cũ; thoát 1 nếu còn, hoặc có bí mật không khóa nào mở."""
    rt = runtime.load(may_be_empty=True)
    with rt.reader() as session:
        still = key_rotation.needed(session, rt.keys, rt.now())
    for number, name in enumerate(rt.keys.names):
        click.echo(texts.say("keys.newest" if not number else "keys.older", key=name))
    _tell(still, len(rt.keys.names))
    if still.lost or sum(still.old.values()):
        sys.exit(1)


@keys.command()
@click.option("--force", is_flag=True, help="Khóa đã lộ: bỏ ngay, đường dẫn đã gửi thôi mở được.")
def drop(force: bool) -> None:
    """Bỏ mọi khóa cũ; từ chối nếu còn bí mật hay đường dẫn đã gửi cần đến."""
    rt = runtime.load(may_be_empty=True)
    with _writing(rt.settings.key_file):
        gone = key_rotation.drop(rt, _actor(), force=force)
    click.echo(texts.say("keys.dropped", count=gone))


def _tell(still: Needed, known: int) -> None:
    for name, count in still.lost.items():
        said = texts.say("keys.lost", name=texts.say(f"keys.of.{name}"), count=count)
        click.echo(said, err=True)
    for name, count in still.old.items():
        if count:
            click.echo(texts.say("keys.old", name=texts.say(f"keys.of.{name}"), count=count))
    if known > 1 and still.links:
        click.echo(texts.say("keys.links", count=still.links))
    elif known > 1 and not sum(still.old.values()):
        click.echo(texts.say("keys.can_go"))


@contextmanager
def _writing(path: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused("keys.unwritten", path=str(path), why=error.strerror or "") from error


def _actor() -> Actor:
    return Actor(getpass.getuser(), via="cli")
