"""`ntm calendar`: the year's working days, ordered days, and what they move."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from ntm_workflow import runtime, texts
from ntm_workflow.appendix.model import OrderedDay
from ntm_workflow.calendar import typed
from ntm_workflow.calendar.documents import ORDERED
from ntm_workflow.calendar.workdays import YEARS
from ntm_workflow.calendar.year import Noted, YearTable, year_table
from ntm_workflow.commands import show
from ntm_workflow.errors import ConfigError, Refused
from ntm_workflow.reports import year as reports
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import OrderedDayRecord
from ntm_workflow.work import ordered_days
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.ordered_days import Change
from ntm_workflow.work.recount import Move

JSON = click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
DOCUMENT = click.option("--document", default="", help="Số, ký hiệu văn bản: 12729/VPCP-KGVX.")
NOTE = click.option("--note", default="", help="Ghi chú.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Chỉ xem hạn nào sẽ chuyển, không ghi gì.")
YES = click.option("--yes", is_flag=True, help="Không hỏi lại.")


class ByYear(click.Group):
    """`ntm calendar 2026` is `ntm calendar year 2026`; without anything, this year."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        if not args or args[0] not in known:
            args = ["year", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ByYear)
def calendar() -> None:
    """Lịch làm việc: ntm calendar 2026; ghi ngày nghỉ, ngày làm bù theo văn bản."""


# -- the year -------------------------------------------------------------------


@calendar.command("year")
@click.argument("year", type=int, required=False)
@click.option("--ics", help="Ghi tệp lịch .ics; dấu - là in ra màn hình.")
@click.option("--plan", "with_plan", is_flag=True, help="Kèm hạn của kế hoạch.")
@JSON
def year_(year: int | None, ics: str | None, with_plan: bool, as_json: bool) -> None:
    """Bảng lịch làm việc của một năm (mặc định năm nay)."""
    rt = runtime.load()
    today = rt.today()
    year = today.year if year is None else year
    if year not in YEARS:
        raise Refused("calendar.year", first=YEARS[0], last=YEARS[-1])
    table = year_table(year, rt.days, today)
    due = reports.due_days(rt.plan, rt.days, year) if with_plan else []
    if ics:
        events = len(table.noted) + len(due)
        made = reports.as_ics(table, rt.plan if with_plan else None, due, rt.now())
        _write(ics, made, events)
    elif as_json:
        show.emit(_as_json(table, due if with_plan else None))
    else:
        _print(table)
        if with_plan:
            _print_due(rt, year, due)


def _write(to: str, made: bytes, events: int) -> None:
    if to == "-":
        sys.stdout.buffer.write(made)
        sys.stdout.buffer.flush()
        return
    try:
        Path(to).write_bytes(made)
    except OSError as error:
        raise ConfigError("calendar.ics_unwritable", path=to, why=error.strerror) from error
    click.echo(texts.say("calendar.ics_written", path=to, count=events))


def _print(table: YearTable) -> None:
    key = "calendar.title" if table.certain else "calendar.title_expected"
    click.echo(texts.say(key, year=table.year, count=table.working_days))
    if not table.certain:
        click.echo(texts.say("calendar.expected", year=table.year))
    if table.documents:
        click.echo(texts.say("calendar.documents", documents=", ".join(table.documents)))
    click.echo()
    show.table(_lines(table), "head.calendar")


def _lines(table: YearTable) -> Iterator[Sequence[Any]]:
    for month in table.months:
        head: Sequence[Any] = (month.number, month.working_days)
        for one in month.noted:
            yield (*head, texts.full_day(one.day), reports.said(one))
            head = ("", "")
        if not month.noted:
            yield (*head, "", "")
    yield (texts.say("word.total"), table.working_days, "", "")


def _print_due(rt: Runtime, year: int, due: list[reports.DueDay]) -> None:
    click.echo()
    key = "calendar.due_title" if due else "calendar.due_none"
    click.echo(texts.say(key, plan=rt.plan.code, year=year))
    if due:
        show.table(
            [(texts.full_day(d.day), d.row_id, texts.period(d.period), d.tasks, d.content)
             for d in due],
            "head.calendar_due",
        )  # fmt: skip


def _as_json(table: YearTable, due: list[reports.DueDay] | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "year": table.year, "certain": table.certain, "working_days": table.working_days,
        "documents": list(table.documents),
        "months": [
            {"month": m.number, "working_days": m.working_days, "days": [_day(d) for d in m.noted]}
            for m in table.months
        ],
    }  # fmt: skip
    if due is not None:
        data["due"] = [
            {"due_on": d.day, "row": d.row_id, "period": d.period, "tasks": d.tasks} for d in due
        ]
    return data


def _day(one: Noted) -> dict[str, Any]:
    return {
        "day": one.day, "off": one.off, "reason": reports.said(one),
        "document": one.document or None, "expected": one.expected,
    }  # fmt: skip


# -- ordered days ---------------------------------------------------------------


@calendar.command()
@click.argument("day")
@click.argument("what", type=click.Choice(["off", "worked"]))
@DOCUMENT
@NOTE
@DRY_RUN
@YES
@JSON
def order(
    day: str, what: str, document: str, note: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Ghi ngày DAY nghỉ (off) hoặc làm việc (worked) theo văn bản; hạn đang mở chuyển theo.

    Xem trước hạn nào chuyển bằng --dry-run. Ghi lại đúng nội dung cũ không thay đổi gì.
    """
    rt = runtime.load()
    on = _a_day(day)

    def act(session: Any, when: dict[str, Any]) -> Change:
        return ordered_days.order(session, rt.all_plans, on, what == "off", document, note, **when)

    _carry_out(rt, act, dry_run, yes, as_json)


@calendar.command()
@click.argument("day")
@DOCUMENT
@NOTE
@DRY_RUN
@YES
@JSON
def withdraw(day: str, document: str, note: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Rút nội dung đã ghi cho ngày DAY theo văn bản nêu ở --document; hạn đang mở chuyển lại."""
    rt = runtime.load()
    on = _a_day(day)

    def act(session: Any, when: dict[str, Any]) -> Change:
        return ordered_days.withdraw(session, rt.all_plans, on, document, note, **when)

    _carry_out(rt, act, dry_run, yes, as_json)


def _carry_out(rt: Runtime, act: Any, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Look at what would move, ask, then do it; each in a transaction of its own."""
    by = Actor(getpass.getuser(), "coordination", rt.plan.coordination_office, via="cli")
    when = {"by": by, "now": rt.now(), "today": rt.today()}
    ahead = None
    if dry_run or not yes:
        with rt.sessions() as session, session.begin() as transaction:
            ahead = act(session, when)
            transaction.rollback()
        if dry_run or not ahead.new:
            _say(ahead, as_json, done=False, dry_run=dry_run)
            return
        if as_json or not sys.stdin.isatty():
            raise Refused("calendar.not_sure")
        _say(ahead, as_json, done=False, dry_run=False)
        if not click.confirm(texts.say("calendar.ask")):
            click.echo(texts.say("calendar.not_done"))
            return
    with rt.sessions.begin() as session:
        change = act(session, when)
    seen = ahead is not None and ahead.moves == change.moves
    _say(change, as_json, done=True, dry_run=False, seen=seen)


def _say(change: Change, as_json: bool, done: bool, dry_run: bool, seen: bool = False) -> None:
    """Print a change; `seen` where the person has just read which due days it moves."""
    if as_json:
        show.emit(_change(change, done and change.new, dry_run))
        return
    data = {"day": texts.full_day(change.day), "document": change.document}
    if not change.new:
        click.echo(texts.say("calendar.same"))
        return
    click.echo(texts.say(f"calendar.{'done' if done else 'head'}.{change.act}", **data))
    _print_moves(change, done, seen)
    if change.elsewhere:
        click.echo(texts.say("calendar.elsewhere", count=change.elsewhere))
    if change.runs:
        click.echo(texts.say("calendar.apply_again"))
    if dry_run:
        click.echo(texts.say("calendar.dry"))


def _print_moves(change: Change, done: bool, seen: bool) -> None:
    if not change.moves:
        click.echo(texts.say("calendar.no_moves"))
        return
    key = "all_moved" if seen else "moved" if done else "moves"
    click.echo(texts.say(f"calendar.{key}", count=change.tasks))
    if not seen:
        show.table(
            [(_row(change, m), texts.period(m.period), texts.full_day(m.from_on),
              texts.full_day(m.to_on), m.tasks) for m in change.moves],
            "head.calendar_moves",
        )  # fmt: skip


def _row(change: Change, move: Move) -> str:
    several = len({one.plan_id for one in change.moves}) > 1
    return f"{move.plan_id}:{move.row_id}" if several else move.row_id


def _change(change: Change, recorded: bool, dry_run: bool) -> dict[str, Any]:
    return {
        "day": change.day, "act": change.act, "document": change.document,
        "recorded": recorded, "dry_run": dry_run, "tasks": change.tasks,
        "tasks_elsewhere": change.elsewhere, "runs_move": change.runs,
        "moves": [
            {"plan": m.plan_id, "row": m.row_id, "period": m.period, "from": m.from_on,
             "to": m.to_on, "tasks": m.tasks}
            for m in change.moves
        ],
    }  # fmt: skip


@calendar.command("orders")
@JSON
def orders_(as_json: bool) -> None:
    """Các ngày có văn bản: có sẵn, trong tệp kế hoạch và đã ghi, kể cả đã rút."""
    rt = runtime.load()
    with rt.reader() as session:
        recorded = ordered_days.history(session)
    printed = [day for plan in rt.all_plans for day in plan.ordered_days]
    built_in = [_built_in(one) for one in dict.fromkeys((*ORDERED, *printed))]
    rows = sorted([*built_in, *map(_recorded, recorded)], key=_day_of)
    if as_json:
        show.emit(rows)
        return
    show.table([_order_line(row) for row in rows], "head.calendar_orders")
    if not recorded:
        click.echo(texts.say("calendar.no_orders"))


def _day_of(row: dict[str, Any]) -> date:
    day: date = row["day"]
    return day


def _built_in(one: OrderedDay) -> dict[str, Any]:
    return {
        "day": one.day, "act": "off" if one.off else "worked", "document": one.document,
        "recorded_at": None, "recorded_by": "", "note": "", "built_in": True,
    }  # fmt: skip


def _recorded(one: OrderedDayRecord) -> dict[str, Any]:
    return {
        "day": one.day, "act": one.act, "document": one.document,
        "recorded_at": one.recorded_at, "recorded_by": one.recorded_by, "note": one.note,
        "built_in": False,
    }  # fmt: skip


def _order_line(row: dict[str, Any]) -> Sequence[Any]:
    at = row["recorded_at"]
    built_in = texts.say("calendar.act.built_in")
    act = texts.say(f"calendar.act.{row['act']}")
    return (texts.full_day(row["day"]), act, row["document"],
            texts.clock(at) if at else built_in, row["recorded_by"], row["note"])  # fmt: skip


def _a_day(given: str) -> date:
    """The day a person wrote, as 2/1/2026 or 2026-01-02.

    Raises:
        Refused: there is no such day.
    """
    if (found := typed.day(given)) is None:
        raise Refused("calendar.not_a_day", given=given)
    return found
