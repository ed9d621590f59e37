"""`ntm bodies` through time: events, and names as of a day. On the database."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from ntm_workflow import runtime, settings, texts
from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Level
from ntm_workflow.commands import show
from ntm_workflow.errors import NtmError, Refused
from ntm_workflow.reports import body_history
from ntm_workflow.reports.body_history import Told
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import schema
from ntm_workflow.store.tables import BodyEvent
from ntm_workflow.work import body_event_file, body_events, body_names, successions
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.body_events import Change, Kind, Recorded
from ntm_workflow.work.body_names import ALWAYS, Called

JSON = click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
LEVEL = click.option("--level", type=click.Choice([str(one) for one in Level]), help="Cấp.")
Body = Callable[..., Any]


def dated(needed: bool = True) -> Callable[[Body], Body]:
    """The options of every event."""

    def add(command: Body) -> Body:
        for option in (
            click.option("--yes", is_flag=True, help="Không hỏi lại."),
            click.option("--dry-run", is_flag=True, help="Chỉ xem trước, không ghi gì."),
            click.option("--example", is_flag=True, help="Đánh dấu là ví dụ, chưa có nguồn."),
            click.option("--note", default="", help="Ghi chú."),
            click.option("--document", required=needed, default="", help="Số, ký hiệu văn bản."),
            click.option("--on", type=show.DAY, required=needed, help="Từ ngày (2025-07-01)."),
        ):
            command = option(command)
        return command

    return add


# -- the runtime, also where the plan's file is ahead of the events ------------------


def load() -> Runtime:
    """The runtime; where a plan waits for a renaming to be recorded, without it registered."""
    try:
        return runtime.load()
    except Refused as error:
        if error.key != "body.other_name":
            raise
        wanted = settings.load()
        rt = runtime.assemble(wanted, toml_file.load(wanted.appendix))
        schema.check(rt.engine)
        return rt


def actor() -> Actor:
    """Who runs the command."""
    return Actor(getpass.getuser(), "coordination", via="cli")


def _ids(rt: Runtime, names: tuple[str, ...], on: date) -> tuple[str, ...]:
    """The bodies of these ids or names, as they were called on the day before."""
    with rt.reader() as session:
        return tuple(body_names.find(session, one, on - timedelta(days=1)).id for one in names)


# -- recording ------------------------------------------------------------------------


def _record(rt: Runtime, changes: list[Change], dry_run: bool, yes: bool, where: str = "") -> None:
    """Show what recording would do, ask, and record; all of it or nothing."""
    today = rt.today()
    if dry_run or not yes:
        with rt.sessions() as session, session.begin() as transaction:
            recorded = _all(session, rt, changes, today, where)
            for line in _preview(session, recorded, today):
                click.echo(line)
            transaction.rollback()
        if dry_run:
            click.echo(texts.say("event.dry"))
            return
        click.confirm(texts.say("event.ask"), abort=True)
    with rt.sessions.begin() as session:
        recorded = _all(session, rt, changes, today, where)
    new = [one for one in recorded if one.new]
    proposed = sum(one.proposed for one in recorded)
    known = len(recorded) - len(new)
    click.echo(texts.say("event.done", count=len(new), known=known, proposed=proposed))


def _all(
    session: Session, rt: Runtime, changes: list[Change], today: date, where: str
) -> list[Recorded]:
    now, by, found = rt.moment(today), actor(), []
    for number, change in enumerate(changes, 1):
        try:
            found.append(body_events.record(session, change, now=now, today=today, actor=by))
        except NtmError as error:
            if not where:
                raise
            kind = texts.say(f"body_event.{change.kind.value}")
            raise Refused("event.in_file", path=where, number=number, kind=kind, day=change.on,
                          why=show.sentence(error)) from error  # fmt: skip
    for plan in rt.in_force:
        successions.keep_up(session, plan, rt.days, today, now=now, actor=by)
    return found


def _preview(session: Session, recorded: list[Recorded], today: date) -> list[str]:
    ids = [one.id for one in recorded]
    told = body_history.events(session, BodyEvent.id.in_(ids))
    lines = [_line(one) for one in told]
    bodies = [body for one in told for body, _ in one.bodies]
    speaking = body_history.contacts(session, bodies)
    names = body_names.history(session, speaking)
    for body, contacts in speaking.items():
        said = {"body": body_names.at(names[body], today).short, "contacts": ", ".join(contacts)}
        lines.append(texts.say("event.preview_contact", **said))
    return [*lines, texts.say("event.preview", count=sum(one.proposed for one in recorded))]


def _line(told: Told) -> str:
    return texts.say(
        "event.line", day=told.event.on_day, document=told.event.document,
        kind=texts.say(f"body_event.{told.event.kind}"), what=_what(told),
        example=texts.say("event.example") if told.event.example else "",
    )  # fmt: skip


def _what(told: Told) -> str:
    sides = [", ".join(name for _, name in side) for side in (told.bodies, told.into)]
    return " → ".join(side for side in sides if side)


# -- one command for each kind ---------------------------------------------------------


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="ĐƠN-VỊ...")
@click.option("--into", required=True, help="Mã đơn vị nhận; vẫn tồn tại thì nêu cả ở ĐƠN-VỊ.")
@click.option("--new", "name", help="Tên chính thức, khi đơn vị nhận là đơn vị mới.")
@click.option("--short", default="", help="Tên gọn của đơn vị mới.")
@LEVEL
@click.option("--unit", help="Mã xã của đơn vị mới.")
@dated()
def merge(
    names: tuple[str, ...], into: str, name: str | None, short: str, level: str | None,
    unit: str | None, on: datetime, document: str, note: str, example: bool, dry_run: bool,
    yes: bool,
) -> None:  # fmt: skip
    """Sáp nhập các ĐƠN-VỊ thành một, từ một ngày, theo một văn bản."""
    rt, day = load(), on.date()
    called = (_new(into, name, short, level, unit),) if name else ()
    to = (into,) if name else _ids(rt, (into,), day)
    change = Change(Kind.MERGE, day, document, _ids(rt, names, day), to, called, note, example)
    _record(rt, [change], dry_run, yes)


def split(
    name: str, into: tuple[str, ...], new: tuple[str, ...], level: str | None, on: datetime | None,
    document: str, note: str, example: bool, dry_run: bool, yes: bool,
) -> None:  # fmt: skip
    """Record that a body was split; `new` holds "ID=name" of what it founds."""
    if on is None:
        raise click.UsageError("--on NGÀY")
    rt, day = load(), on.date()
    called = tuple(_new(*_pair(one), "", level, None) for one in new)
    founded = {one.id for one in called}
    kept = tuple(one for one in into if one not in founded)
    change = Change(Kind.SPLIT, day, document, _ids(rt, (name,), day), _ids(rt, kept, day), called,
                    note, example)  # fmt: skip
    _record(rt, [change], dry_run, yes)


def _pair(new: str) -> tuple[str, str]:
    body, equals, name = new.partition("=")
    if not equals or not body.strip() or not name.strip():
        raise click.UsageError('--new "MÃ=Tên"')
    return body.strip(), name.strip()


def _new(body: str, name: str, short: str, level: str | None, unit: str | None) -> Called:
    if not level:
        raise Refused("event.new_level", body=body)
    return Called(body, name, short, level, unit)


@click.command()
@click.argument("name", metavar="ĐƠN-VỊ")
@click.argument("called", metavar="TÊN-MỚI")
@click.option("--short", default="", help="Tên gọn mới; mặc định như tên mới.")
@dated()
def rename(
    name: str, called: str, short: str, on: datetime, document: str, note: str, example: bool,
    dry_run: bool, yes: bool,
) -> None:  # fmt: skip
    """Đổi tên ĐƠN-VỊ từ một ngày. Mã giữ nguyên, việc giữ nguyên."""
    rt, day = load(), on.date()
    old = _now(rt, name, day)
    new = Called(old.id, called, short, old.level, old.unit)
    _record(rt, [_same_body(Kind.RENAME, new, day, document, note, example)], dry_run, yes)


@click.command()
@click.argument("name", metavar="ĐƠN-VỊ")
@click.option("--level", type=click.Choice([str(one) for one in Level]), required=True, help="Cấp.")
@click.option("--name", "called", help="Tên chính thức mới, nếu đổi.")
@click.option("--short", help="Tên gọn mới, nếu đổi.")
@click.option("--unit", help="Mã xã mới, nếu có.")
@dated()
def move(
    name: str, level: str, called: str | None, short: str | None, unit: str | None, on: datetime,
    document: str, note: str, example: bool, dry_run: bool, yes: bool,
) -> None:  # fmt: skip
    """Chuyển ĐƠN-VỊ sang cấp khác từ một ngày. Mã giữ nguyên, việc giữ nguyên."""
    rt, day = load(), on.date()
    old = _now(rt, name, day)
    new = Called(old.id, called or old.name, short or (called or old.short), level, unit)
    _record(rt, [_same_body(Kind.MOVE, new, day, document, note, example)], dry_run, yes)


def _now(rt: Runtime, name: str, day: date) -> Called:
    with rt.reader() as session:
        return body_names.find(session, name, day - timedelta(days=1))


def _same_body(
    kind: Kind, new: Called, day: date, document: str, note: str, example: bool
) -> Change:
    return Change(kind, day, document, (new.id,), (new.id,), (new,), note, example)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="ĐƠN-VỊ...")
@click.option("--to", multiple=True, help="Đơn vị có thể nhận việc; một thì đề xuất thẳng.")
@dated()
def end(
    names: tuple[str, ...], to: tuple[str, ...], on: datetime, document: str, note: str,
    example: bool, dry_run: bool, yes: bool,
) -> None:  # fmt: skip
    """Các ĐƠN-VỊ kết thúc hoạt động từ một ngày (ngày đầu tiên không còn đơn vị)."""
    rt, day = load(), on.date()
    heirs = _ids(rt, to, day + timedelta(days=1))
    change = Change(Kind.END, day, document, _ids(rt, names, day), heirs, (), note, example)
    _record(rt, [change], dry_run, yes)


@click.command()
@click.argument("body", metavar="MÃ")
@click.argument("name", metavar="TÊN")
@click.option("--short", default="", help="Tên gọn.")
@LEVEL
@click.option("--unit", help="Mã xã.")
@dated()
def found(
    body: str, name: str, short: str, level: str | None, unit: str | None, on: datetime,
    document: str, note: str, example: bool, dry_run: bool, yes: bool,
) -> None:  # fmt: skip
    """Thành lập một đơn vị mới từ một ngày, không từ đơn vị nào trước đó."""
    rt, day = load(), on.date()
    called = _new(body, name, short, level, unit)
    change = Change(Kind.FOUND, day, document, (), (), (called,), note, example)
    _record(rt, [change], dry_run, yes)


# -- reading events ---------------------------------------------------------------------


@click.group(invoke_without_command=True)
@JSON
@click.pass_context
def events(context: click.Context, as_json: bool) -> None:
    """Các sự kiện đã ghi; `import TỆP` ghi nhiều sự kiện một lần."""
    if context.invoked_subcommand:
        return
    with load().reader() as session:
        told = body_history.events(session)
    if as_json:
        show.emit([_as_json(one) for one in told])
    elif told:
        show.table(
            [(one.event.id, texts.day(one.event.on_day),
              texts.say(f"body_event.{one.event.kind}"), _what(one), one.event.document,
              texts.say("event.example").strip() if one.event.example else "") for one in told],
            "head.body_events",
        )  # fmt: skip
    else:
        click.echo(texts.say("event.nothing"))


def _as_json(told: Told) -> dict[str, Any]:
    event = told.event
    return {
        "id": event.id, "kind": event.kind, "on": event.on_day, "document": event.document,
        "from": [{"id": body, "name": name} for body, name in told.bodies],
        "into": [{"id": body, "name": name} for body, name in told.into],
        "note": event.note, "example": event.example, "recorded_by": event.recorded_by,
    }  # fmt: skip


@events.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Chỉ xem trước, không ghi gì.")
@click.option("--yes", is_flag=True, help="Không hỏi lại.")
def import_(file: Path, dry_run: bool, yes: bool) -> None:
    """Ghi mọi sự kiện của tệp TOML, hoặc không ghi gì. Ghi lại không thay đổi gì."""
    changes = body_event_file.read(file)
    _record(load(), changes, dry_run, yes, where=str(file))


@events.command()
@click.argument("event", type=int, metavar="SỐ")
@click.option("--reason", required=True, help="Lý do.")
def withdraw(event: int, reason: str) -> None:
    """Rút một sự kiện ghi nhầm, khi chưa bàn giao việc nào theo nó."""
    rt = load()
    now = rt.moment(rt.today())
    with rt.sessions.begin() as session:
        body_events.withdraw(session, event, reason, now=now, actor=actor())
    click.echo(texts.say("event.withdrawn", id=event))


@click.command()
@click.argument("name", metavar="ĐƠN-VỊ")
@JSON
def history(name: str, as_json: bool) -> None:
    """Tên gọi và sự kiện của ĐƠN-VỊ qua các thời kỳ."""
    rt = load()
    with rt.reader() as session:
        body = body_names.find(session, name, rt.today()).id
        life = body_history.life(session, body)
    assert life is not None
    if as_json:
        names = [{"from": None if one.valid_from == ALWAYS else one.valid_from, "name": one.name,
                  "short": one.short, "level": one.level, "unit": one.unit}
                 for one in life.names]  # fmt: skip
        ended = life.end.on if life.end else None
        events_ = [_as_json(one) for one in life.events]
        show.emit({"id": body, "names": names, "events": events_, "ended_on": ended})
        return
    click.echo(body)
    for one in life.names:
        key = "history.first" if one.valid_from == ALWAYS else "history.name"
        click.echo("  " + _called(key, one, one.valid_from))
    for told in life.events:
        click.echo(f"  {_line(told)}")


def _called(key: str, one: Any, day: date) -> str:
    level = texts.say(f"level.{one.level}")
    return texts.say(key, day=day, name=one.name, short=one.short, level=level)


def show_on(name: str, on: date, as_json: bool) -> None:
    """Say what a body was called on a day, and whether it was there."""
    with load().reader() as session:
        body = body_names.find(session, name, on).id
        life = body_history.life(session, body)
    assert life is not None
    one, first = body_names.at(life.names, on), life.names[0].valid_from
    gone = life.end if life.end and life.end.on <= on else None
    if as_json:
        exists = first <= on and not gone
        show.emit({"id": body, "on": on, "exists": exists, "name": one.name, "short": one.short,
                   "level": one.level, "unit": one.unit,
                   "ended_on": life.end.on if life.end else None})  # fmt: skip
        return
    click.echo(_called("history.on", one, on))
    if first > on:
        click.echo(texts.say("history.not_yet", day=on, founded=first))
    if gone:
        click.echo(texts.say("history.ended", day=on, end=gone.on, document=gone.document))


COMMANDS = (merge, rename, move, end, found, events, history)
