"""Commands on tasks: open, hand in, review, extend, count."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.chase import daily
from ntm_workflow.commands import show
from ntm_workflow.errors import NotFound
from ntm_workflow.reports.counts import By, grouped
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.work import assign, body_names, extensions, hand_in, review, tasks
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.body_names import Called
from ntm_workflow.work.hand_in import Paper

JSON = click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
ON = click.option("--on", type=show.DAY, help="Ngày làm, mặc định hôm nay (2020-06-22).")
PLAN = click.option("--plan", "plan_id", help="Mã kế hoạch; xem `ntm plan list`.")
BY = click.option("--by", "by", default="", help="Đơn vị thẩm quyền; mặc định cơ quan điều phối.")


def chosen(rt: Runtime, plan_id: str | None) -> Plan:
    """The plan that was named, else that of the installation. Raises NotFound."""
    return rt.plan_of(plan_id) if plan_id else rt.plan


def actor_for(rt: Runtime, plan: Plan, body: str, role: str) -> Actor:
    """Who runs the command, speaking for a body named by id or as printed."""
    return Actor(getpass.getuser(), role, find_body(rt, plan, body).id, via="cli")


def find_body(rt: Runtime, plan: Plan, name: str) -> Called:
    """A body by its id or by a name that means just one today.

    Raises:
        NotFound: none or several; names the nearest.
    """
    today = rt.today()
    with rt.reader() as session:
        given = body_names.given(session, today)
        found = name if name in given else body_names.named(given, name) or _of_plan(plan, name)
        return body_names.on(session, found, today)


def _of_plan(plan: Plan, name: str) -> str:
    if plan.has_body(name):
        return name
    register = Register(plan.bodies, plan.units, plan.level)
    named, lost = register.resolve(name)
    if not lost and len(named) == 1 and len(named[0].bodies) == 1:
        return named[0].bodies[0]
    raise NotFound("body.unknown", body=name, nearest=", ".join(register.nearest(name)) or "–")


@click.command("open")
@ON
@PLAN
@JSON
def open_(on: datetime | None, plan_id: str | None, as_json: bool) -> None:
    """Mở các việc đến ngày mở, kể cả những ngày bị lỡ. Chạy lại không mở thêm gì."""
    rt = runtime.load()
    plans = [rt.plan_of(plan_id)] if plan_id else rt.in_force
    today = show.as_day(on) or rt.today()
    actor = Actor(getpass.getuser(), via="cli")
    with rt.sessions.begin() as session:
        opened = tasks.open_all(session, plans, rt.days, today, now=rt.moment(today), actor=actor)
        if plan_id is None and today == rt.today():  # by hand it is the day's run too
            daily.finished(session, daily.OPEN, today, rt.now())
    total = sum(one.count for one in opened)
    if as_json:
        show.emit(
            {
                "on": today, "opened": total,
                "occurrences": [
                    {"plan": o.plan_id, "row": o.row_id, "period": o.period, "opens_on": o.opens_on,
                     "due_on": o.due_on, "tasks": o.count}
                    for o in opened
                ],
            }
        )  # fmt: skip
        return
    several = len({o.plan_id for o in opened}) > 1
    for o in opened:
        row = f"{rt.plan_of(o.plan_id).code} {o.row_id}" if several else o.row_id
        click.echo(
            texts.say("open.line", row=row, period=texts.period(o.period), count=o.count,
                      due=texts.full_day(o.due_on))
        )  # fmt: skip
    click.echo(texts.say("open.total" if total else "open.nothing", day=today, count=total))


@click.command("tasks")
@click.option("--state", type=click.Choice(["open", "submitted", "accepted", "cancelled"]))
@click.option("--row", "row_id", help="Mã dòng, ví dụ III.1.")
@click.option("--body", help="Đơn vị.")
@click.option("--late", is_flag=True, help="Chỉ việc quá hạn.")
@click.option("--limit", default=50, show_default=True)
@PLAN
@JSON
def tasks_(
    state: str | None, row_id: str | None, body: str | None, late: bool, limit: int,
    plan_id: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Danh sách việc của một kế hoạch, hạn gần nhất trước."""
    rt = runtime.load()
    today, plan = rt.today(), chosen(rt, plan_id)
    query = select(Task).where(Task.plan_id == plan.id)
    if state:
        query = query.where(Task.state == state)
    if row_id:
        query = query.where(Task.row_id == row_id)
    if body:
        query = query.where(Task.body_id == find_body(rt, plan, body).id)
    if late:
        query = query.where(Task.state == "open", Task.due_on < today)
    with rt.reader() as session:
        found = list(session.scalars(query.order_by(Task.due_on, Task.id).limit(limit)))
    if as_json:
        show.emit([{"id": t.id, "task": t.code, "state": t.state, "due_on": t.due_on}
                   for t in found])  # fmt: skip
        return
    show.table(
        [(t.code, texts.say(f"state.{t.state}"), texts.day(t.due_on),
          texts.distance(t.due_on, today) if t.state == "open" else "") for t in found],
        "head.tasks",
    )  # fmt: skip


@click.command()
@click.argument("task")
@click.option("--number", required=True, help="Số/ký hiệu văn bản: 12/BC-UBND.")
@click.option("--date", "issued", type=show.DAY, required=True, help="Ngày ban hành.")
@click.option("--subject", required=True, help="Trích yếu.")
@click.option("--file", "files", multiple=True, type=click.Path(path_type=Path), help="Tệp.")
@click.option("--as", "body", required=True, help="Đơn vị nộp.")
@click.option("--late-reason", default="", help="Lý do, khi đã quá hạn.")
@click.option("--note", default="")
@PLAN
@ON
def submit(
    task: str, number: str, issued: datetime, subject: str, files: tuple[Path, ...], body: str,
    late_reason: str, note: str, plan_id: str | None, on: datetime | None,
) -> None:  # fmt: skip
    """Nộp minh chứng cho một việc."""
    rt = runtime.load()
    today = show.as_day(on) or rt.today()
    with rt.reader() as session:
        plan = rt.plan_of(tasks.find(session, task, plan_id).plan_id)
    by = actor_for(rt, plan, body, "office")
    paper = Paper(number, issued.date(), subject, late_reason, note)
    stored = hand_in.keep_paths(rt.files, files)
    with rt.sessions.begin() as session:
        found = tasks.find(session, task, plan_id)
        done = hand_in.hand_in(
            session, rt, found, paper, stored, by=by, now=rt.moment(today), today=today
        )
    click.echo(texts.say("submit.done", task=found.code, number=number))
    if done.elsewhere:
        codes = ", ".join(done.elsewhere)
        click.echo(texts.say("evidence.again", number=number, tasks=codes))


@click.command("assign")
@click.argument("row")
@click.option("--to", "bodies", multiple=True, required=True, help="Đơn vị nhận việc.")
@click.option("--due", type=show.DAY, required=True, help="Hạn.")
@click.option("--note", required=True, help="Phải làm gì.")
@BY
@PLAN
@ON
def assign_(
    row: str, bodies: tuple[str, ...], due: datetime, note: str, by: str, plan_id: str | None,
    on: datetime | None,
) -> None:  # fmt: skip
    """Giao việc đột xuất trên một dòng phụ lục, với hạn riêng."""
    rt = runtime.load()
    today = show.as_day(on) or rt.today()
    plan = chosen(rt, plan_id)
    actor = actor_for(rt, plan, by or plan.coordination_office, "coordination")
    ids = [find_body(rt, plan, name).id for name in bodies]
    with rt.sessions.begin() as session:
        made = assign.assign(
            session, plan, rt.days, row, ids, due.date(), note,
            by=actor, now=rt.moment(today), today=today,
        )  # fmt: skip
        for task in made:
            click.echo(texts.say("assign.done", task=task.code, due=texts.full_day(task.due_on)))


@dataclass(frozen=True, slots=True)
class Move:
    """A step on one task, inside its transaction, by the rules of the task's plan."""

    session: Session
    task: Task
    plan: Plan
    days: WorkCalendar
    by: Actor
    now: datetime
    today: date


def _move(
    task: str, plan_id: str | None, by: str, on: datetime | None, role: str, done: str,
    act: Callable[[Move], object],
) -> None:  # fmt: skip
    rt = runtime.load()
    today = show.as_day(on) or rt.today()
    now = rt.moment(today)
    with rt.sessions.begin() as session:
        found = tasks.find(session, task, plan_id)
        plan = rt.plan_of(found.plan_id)
        actor = actor_for(rt, plan, by or plan.coordination_office, role)
        act(Move(session, found, plan, rt.days, actor, now, today))
    click.echo(texts.say(done, task=found.code, due=found.due_on))


@click.command()
@click.argument("task")
@BY
@PLAN
@ON
def accept(task: str, by: str, plan_id: str | None, on: datetime | None) -> None:
    """Thẩm định: đạt."""
    _move(
        task, plan_id, by, on, "coordination", "accept.done",
        lambda m: review.accept(m.session, m.task, m.plan, by=m.by, now=m.now, today=m.today),
    )  # fmt: skip


@click.command("return")
@click.argument("task")
@click.option("--reason", required=True, help="Lý do trả lại.")
@BY
@PLAN
@ON
def return_(task: str, reason: str, by: str, plan_id: str | None, on: datetime | None) -> None:
    """Thẩm định: trả lại, kèm lý do."""
    _move(
        task, plan_id, by, on, "coordination", "return.done",
        lambda m: review.return_(
            m.session, m.task, m.plan, m.days, reason, by=m.by, now=m.now, today=m.today
        ),
    )  # fmt: skip


@click.command()
@click.argument("task")
@click.option("--to", "to", type=show.DAY, help="Hạn mới.")
@click.option("--reason", default="", help="Lý do.")
@click.option("--as", "asker", default="", help="Đơn vị đề nghị gia hạn (chỉ xin, chưa đổi hạn).")
@click.option("--grant", "decision", flag_value="grant", help="Đồng ý đề nghị đang chờ.")
@click.option("--refuse", "decision", flag_value="refuse", help="Không đồng ý đề nghị đang chờ.")
@BY
@PLAN
@ON
def extend(
    task: str, to: datetime | None, reason: str, asker: str, decision: str | None, by: str,
    plan_id: str | None, on: datetime | None,
) -> None:  # fmt: skip
    """Gia hạn một việc; xin gia hạn (--as); hay quyết định đề nghị đang chờ."""

    def act(m: Move) -> None:
        if decision:
            extensions.decide(
                m.session, m.task, m.plan, m.days, decision == "grant", reason,
                by=m.by, now=m.now, today=m.today,
            )  # fmt: skip
        elif to is None:
            raise click.UsageError("--to NGÀY")
        elif asker:
            extensions.ask(m.session, m.task, to.date(), reason, by=m.by, now=m.now)
        else:
            extensions.extend(
                m.session, m.task, m.plan, m.days, to.date(), reason,
                by=m.by, now=m.now, today=m.today,
            )  # fmt: skip

    done = {"grant": "extend.granted", "refuse": "extend.refused"}.get(
        decision or "", "extend.asked" if asker else "extend.done"
    )
    role = "office" if asker else "coordination"
    _move(task, plan_id, asker or by, on, role, done, act)


@click.command()
@click.argument("task")
@click.option("--reason", required=True)
@BY
@PLAN
@ON
def cancel(task: str, reason: str, by: str, plan_id: str | None, on: datetime | None) -> None:
    """Hủy một việc, kèm lý do; việc vẫn còn trong lịch sử."""
    _move(
        task, plan_id, by, on, "coordination", "cancel.done",
        lambda m: tasks.cancel(m.session, m.task, reason, now=m.now, today=m.today, actor=m.by),
    )  # fmt: skip


@click.command()
@click.argument("task")
@click.option("--reason", required=True)
@BY
@PLAN
@ON
def suspend(task: str, reason: str, by: str, plan_id: str | None, on: datetime | None) -> None:
    """Tạm dừng một việc: không nhắc, không tính quá hạn."""
    _move(
        task, plan_id, by, on, "coordination", "suspend.done",
        lambda m: tasks.suspend(m.session, m.task, reason, now=m.now, today=m.today, actor=m.by),
    )  # fmt: skip


@click.command()
@click.argument("task")
@BY
@PLAN
@ON
def resume(task: str, by: str, plan_id: str | None, on: datetime | None) -> None:
    """Tiếp tục một việc đã tạm dừng."""
    _move(
        task, plan_id, by, on, "coordination", "resume.done",
        lambda m: tasks.resume(
            m.session, m.task, m.plan, m.days, now=m.now, today=m.today, actor=m.by
        ),
    )  # fmt: skip


@click.command()
@click.option("--as-of", "as_of", type=show.DAY, help="Tính đến hết ngày này.")
@click.option("--by", "by", type=click.Choice(["section", "row", "body", "level"]))
@PLAN
@JSON
def status(as_of: datetime | None, by: By | None, plan_id: str | None, as_json: bool) -> None:
    """Bốn số của kế hoạch, của từng mục, dòng, đơn vị hay cấp, tính đến một ngày."""
    rt = runtime.load()
    day, plan = show.as_day(as_of) or rt.today(), chosen(rt, plan_id)
    with rt.reader() as session:
        whole = grouped(session, plan.id, day, "plan").get("")
        parts = grouped(session, plan.id, day, by) if by else {}
        names = _names(session, plan, by, parts, day)
    total = whole.as_dict() if whole else dict.fromkeys(_COUNTS, 0)
    if as_json:
        data: dict[str, Any] = {"as_of": day, "plan": plan.id, **total}
        if by:
            data["by"] = by
            data["parts"] = {key: parts[key].as_dict() for key in sorted(parts)}
        show.emit(data)
        return
    click.echo(texts.say("status.title", plan=plan.code, day=texts.full_day(day)))
    rows = [(names[key], *parts[key].as_dict().values()) for key in sorted(parts)]
    show.table([*rows, (texts.say("word.total"), *total.values())], "head.counts")


_COUNTS = ("done_on_time", "done_late", "open_in_time", "open_overdue", "total")


def _names(
    session: Session, plan: Plan, by: str | None, keys: Iterable[str], day: date
) -> dict[str, str]:
    """What to call each part; a body as it was called on the day."""
    if by == "body":
        on = body_names.page_day(plan, day)
        known = body_names.history(session, keys)
        return {body: body_names.at(names, on).short for body, names in known.items()}
    return {key: texts.say(f"level.{key}") if by == "level" else key for key in keys}
