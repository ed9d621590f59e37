"""`ntm chase`: chase by hand."""

from __future__ import annotations

import getpass
from typing import Any

import click
from sqlalchemy import select

from ntm_workflow import runtime
from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import by_hand
from ntm_workflow.chase.by_hand import Chased, Told
from ntm_workflow.commands import show
from ntm_workflow.commands.work import chosen as chosen_plan
from ntm_workflow.commands.work import find_body
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import days_off, wording
from ntm_workflow.reports import tasks as listed
from ntm_workflow.reports.standings import SLUGS
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import say
from ntm_workflow.work import tasks
from ntm_workflow.work.audit import Actor


@click.command()
@click.option("--task", "task", help="Một việc: III.1/2020-06/bql-tan-lap hay số của việc.")
@click.option("--row", help="Mọi việc đang mở của một dòng: III.1.")
@click.option("--body", help="Mọi việc đang mở của một đơn vị: mã hay tên.")
@click.option("--filter", "standing", help="Một danh sách: qua-han, den-han-tuan-nay, bi-tra-lai…")
@click.option("--note", default="", help="Ý kiến kèm theo, nằm ở đầu thư.")
@click.option("--plan", "plan_id", help="Mã kế hoạch; xem `ntm plan list`.")
@click.option("--dry-run", is_flag=True, help="Chỉ xem ai nhận gì, với nội dung; không ghi gì.")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def chase(
    task: str | None, row: str | None, body: str | None, standing: str | None, note: str,
    plan_id: str | None, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Đôn đốc bằng tay những việc đang mở đã chọn. Mỗi người một lần một ngày về mỗi việc."""
    if sum(bool(one) for one in (task, row, body, standing)) != 1:
        raise Refused("hand.one_of")
    rt = runtime.load()
    plan = chosen_plan(rt, plan_id)
    if task:
        plan, ids = _task(rt, task, plan_id)
    else:
        ids = _list(rt, plan, row, body, standing)
    when: dict[str, Any] = {"today": rt.today(), "now": rt.now(), "note": note.strip()}
    texts: dict[int, tuple[str, str]] = {}
    if dry_run:
        seen = by_hand.preview(rt, plan, ids, **when)
        chased, texts = seen.chased, seen.texts
    else:
        with rt.sessions.begin() as session:
            actor = Actor(getpass.getuser(), "coordination", plan.coordination_office, via="cli")
            chased = by_hand.queue(session, plan, ids, actor=actor, **when)
    if as_json:
        show.emit(_data(chased, dry_run))
    else:
        _print(rt, chased, texts, dry_run)


def _task(rt: Runtime, name: str, plan_id: str | None) -> tuple[Plan, by_hand.Chosen]:
    with rt.reader() as session:
        found = tasks.find(session, name, plan_id)
    return rt.plan_of(found.plan_id), select(Task.id).where(Task.id == found.id)


def _list(
    rt: Runtime, plan: Plan, row: str | None, body: str | None, standing: str | None
) -> by_hand.Chosen:
    if row and not plan.has_row(row):
        raise NotFound("hand.row", row=row)
    if standing and standing not in SLUGS:
        raise NotFound("hand.filter", name=standing, known=", ".join(SLUGS))
    only = Filter(
        standing=SLUGS.get(standing or "", ""), row=row or "",
        body=find_body(rt, plan, body).id if body else "",
    )  # fmt: skip
    with rt.reader() as session:
        return listed.ids(session, plan, only, rt.today())


def _print(
    rt: Runtime, chased: Chased, texts: dict[int, tuple[str, str]], dry_run: bool
) -> None:  # fmt: skip
    for one in chased.told:
        click.echo(line(one))
        if one.notice_id in texts:
            subject, text = texts[one.notice_id]
            click.echo(f"\n  {subject}\n")
            click.echo("\n".join(f"  {part}" for part in wording.open_text(text).splitlines()))
            click.echo()
    for name, items in chased.standing.again:
        click.echo(say("hand.again", name=name, items=items))
    if chased.told and (reason := rt.days.reason_off(rt.today())):
        click.echo(say("hand.day_off", reason=days_off.said(reason)))
    key = "hand.dry" if dry_run else "hand.done"
    key = key if chased.told else "hand.nobody"
    click.echo(say(key, notices=len(chased.told), tasks=chased.tasks))


def line(one: Told) -> str:
    """Who is told, about how much, how: the address masked."""
    kind = say(f"channel.kind.{one.channel}")
    where = wording.masked(one.address) or f"({say('hand.no_address')})"
    said = say("hand.line", name=one.name, items=one.items, channel=kind, address=where)
    instead = say("hand.instead", names=", ".join(one.instead)) if one.instead else ""
    return f"{said} ({instead})" if instead else said


def _data(chased: Chased, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run, "tasks": chased.tasks, "notices": len(chased.told),
        "left_out": chased.standing.others,
        "told": [
            {"name": t.name, "items": t.items, "channel": t.channel,
             "address": wording.masked(t.address), "instead": list(t.instead)}
            for t in chased.told
        ],
        "told_before_today": [{"name": n, "items": i} for n, i in chased.standing.again],
    }  # fmt: skip
