"""`ntm db`: the database itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click
from sqlalchemy import make_url

from ntm_workflow import settings, texts
from ntm_workflow.errors import Refused
from ntm_workflow.store import engine as engines
from ntm_workflow.store import grants, schema


@click.group()
def db() -> None:
    """Cơ sở dữ liệu: nâng cấp, quyền của chương trình, sao lưu."""


@db.command()
def upgrade() -> None:
    """Đưa cơ sở dữ liệu lên phiên bản mới nhất. Chạy lại không thay đổi gì."""
    engine = engines.open_engine(settings.load().database_url)
    schema.upgrade(engine)
    click.echo(texts.say("db.upgraded", version=schema.HEAD))


@db.command()
@click.argument("role")
def grant(role: str) -> None:
    """PostgreSQL: cho vai ROLE đúng những quyền chương trình cần; nhật ký chỉ được ghi thêm.

    Chạy bằng vai chủ của các bảng; rồi cho NTM_DATABASE_URL của chương trình dùng vai ROLE.
    """
    engine = engines.open_engine(settings.load().database_url)
    schema.check(engine)
    count = grants.grant(engine, role)
    click.echo(texts.say("grant.done", role=role, count=count))


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Sao lưu cơ sở dữ liệu SQLite ra FILE trong khi đang chạy."""
    url = make_url(settings.load().database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise Refused("db.backup_sqlite_only")
    if file.exists():
        raise Refused("db.backup_exists", path=str(file))
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with sqlite3.connect(url.database) as source, sqlite3.connect(part) as target:
        source.backup(target)
    target.close()
    source.close()
    part.rename(file)
    click.echo(texts.say("db.backed_up", path=str(file), size=f"{file.stat().st_size:,}"))
