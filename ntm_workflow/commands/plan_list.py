"""`ntm plan list` and `ntm plan end`: the plans the database knows."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from ntm_workflow import runtime, settings, texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.commands import show
from ntm_workflow.errors import Refused
from ntm_workflow.reports import counts
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import engine as engines
from ntm_workflow.store import schema
from ntm_workflow.work import plans
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.plans import Known


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def list_(as_json: bool) -> None:
    """Các kế hoạch: đang thực hiện hay đã kết thúc, từ khi nào, bản nào, theo văn bản nào."""
    rt = runtime.load(may_be_empty=True)
    with rt.reader() as session:
        found = plans.known(session)
        open_tasks = counts.unfinished(session)
    if as_json:
        show.emit([{**_listed(one, rt), "unfinished": open_tasks.get(one.id, 0)} for one in found])
        return
    if not found:
        click.echo(texts.say("plan.list_none"))
        return
    show.table([_line(one, rt, open_tasks.get(one.id, 0)) for one in found], "head.plans")


def _listed(one: Known, rt: Runtime) -> dict[str, Any]:
    return {
        "id": one.id, "code": one.code, "year": one.year, "title": one.title,
        "state": _state(one), "own": one.id == rt.own, "effective_on": _effective(one, rt),
        "since": one.since, "version": one.version, "document": one.document or None,
        "ended_on": one.ended_on, "ended_by": one.ended_by,
    }  # fmt: skip


def _line(one: Known, rt: Runtime, unfinished: int) -> tuple[object, ...]:
    since = _effective(one, rt)
    state = texts.say(f"plan.state.{_state(one)}", day=one.ended_on, document=one.ended_by)
    return (
        one.id, one.code, one.year, texts.day(since) if since else "–", one.version,
        one.document or "–", unfinished, state,
    )  # fmt: skip


def _state(one: Known) -> str:
    if one.ended_on:
        return "ended"
    return "in_force" if one.version else "no_text"


def _effective(one: Known, rt: Runtime) -> date | None:
    return rt.plans[one.id].effective_on if one.id in rt.plans else None


@click.command()
@click.argument("plan_id", metavar="ID")
@click.option("--document", required=True, help="Văn bản kết thúc: 15/TB-UBND.")
@click.option("--on", type=show.DAY, help="Ngày kết thúc, mặc định hôm nay.")
def end(plan_id: str, document: str, on: datetime | None) -> None:
    """Kết thúc kế hoạch ID: không mở thêm việc; việc chưa xong vẫn được đôn đốc đến khi xong."""
    rt = runtime.load()
    today = show.as_day(on) or rt.today()
    actor = Actor(getpass.getuser(), via="cli")
    with rt.sessions.begin() as session:
        plans.end(session, plan_id, document, now=rt.moment(today), today=today, actor=actor)
        unfinished = counts.unfinished(session).get(plan_id, 0)
    ended = {
        "plan": rt.plan_of(plan_id).code, "document": document.strip(), "count": unfinished
    }  # fmt: skip
    click.echo(texts.say("plan.ended_now", **ended))


@click.command()
@click.argument("plan_id", metavar="ID")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def text(plan_id: str, path: Path) -> None:
    """Ghi văn bản đang chạy của kế hoạch ID ra tệp PATH, nguyên từng byte."""
    rt = runtime.load()
    with rt.reader() as session:
        data = plans.text_of(session, plan_id)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Refused("bodies.unwritable", path=str(path), why=error.strerror) from error
    click.echo(texts.say("plan.text_written", id=plan_id, path=path))


def standing(made: Plan) -> str | None:
    """How the installation's file stands to the database; None where that cannot be asked.

    Checking a file needs no database, and makes none.
    """
    url = settings.load().database_url
    made_url = make_url(url)
    if made_url.get_backend_name() == "sqlite" and not Path(made_url.database or "").exists():
        return None
    engine = engines.open_engine(url)
    try:
        if schema.version(engine) != schema.HEAD:
            return None
        with engines.reader(engine)() as session:
            return runtime.file_standing(session, made)
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()
