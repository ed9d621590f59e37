"""`ntm bodies`: the register of bodies, and how body cells are split.

No database is touched here; what happens to bodies is in `bodies_time`.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ntm_workflow import settings, texts
from ntm_workflow.appendix.body_cells import Split, split
from ntm_workflow.appendix.body_edit import Sheet
from ntm_workflow.appendix.model import BodyKind, Level
from ntm_workflow.appendix.text import fold, nfc
from ntm_workflow.commands import bodies_time, handovers, show
from ntm_workflow.errors import Refused

FILE = click.option("--file", "path", type=click.Path(path_type=Path),
                    help="Tệp phụ lục; mặc định là phụ lục đang dùng.")  # fmt: skip


@click.group()
def bodies() -> None:
    """Đơn vị: danh sách, cách gọi, tách một ô; và sáp nhập, đổi tên, kết thúc theo thời gian."""


for _command in (*bodies_time.COMMANDS, *handovers.COMMANDS):
    bodies.add_command(_command)


@bodies.command("split")
@click.argument("text", required=False)
@click.option("--jsonl", is_flag=True, help="Đọc từng dòng JSON từ đầu vào, trả từng dòng JSON.")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
@click.option("--into", multiple=True, help="Chia đơn vị TEXT thành các mã này.")
@click.option("--new", multiple=True, help='Chia đơn vị TEXT; đơn vị mới "MÃ=Tên".')
@bodies_time.LEVEL
@bodies_time.dated(needed=False)
def split_(
    text: str | None, jsonl: bool, as_json: bool, into: tuple[str, ...], new: tuple[str, ...],
    level: str | None, **event: Any,
) -> None:  # fmt: skip
    """Tách ô TEXT thành từng đơn vị; với --into hay --new: ghi việc chia đơn vị TEXT."""
    if into or new:
        if text is None:
            raise click.UsageError("TEXT")
        bodies_time.split(text, into, new, level, **event)
        return
    if jsonl:
        _lines()
        return
    if text is None:
        raise click.UsageError("TEXT")
    found = split(text)
    if as_json:
        show.emit(_as_json(found))
        return
    for name in found.bodies:
        mark = f"  ({texts.say('bodies.class')})" if name in found.collective else ""
        click.echo(f"- {name}{mark}")
    if not found.bodies:
        click.echo(texts.say("bodies.none"))


def _as_json(found: Split) -> dict[str, Any]:
    return {"bodies": list(found.bodies), "collective": list(found.collective)}


def _lines() -> None:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            text = asked["text"]
            if not isinstance(text, str | None):
                raise TypeError(text)
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("bodies.line", line=number) from error
        answer = {"id": asked.get("id"), **_as_json(split(text or ""))}
        click.echo(json.dumps(answer, ensure_ascii=False))


@bodies.command("list")
@FILE
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def list_(path: Path | None, as_json: bool) -> None:
    """Các đơn vị đã khai báo."""
    entries = [_told(entry) for entry in _sheet(path).entries]
    if as_json:
        show.emit(entries)
        return
    rows = [(e["id"], e["short"], e["level"], e["kind"], len(e["names"] + e["aliases"]))
            for e in entries]  # fmt: skip
    show.table(rows, "head.bodies")


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    """A body as the file declares it, every key there."""
    empty = {"each": None, "short": entry["name"], "names": [], "aliases": [], "members": []}
    return {**empty, **entry}


@bodies.command("show")
@click.argument("name")
@FILE
@click.option("--on", type=show.DAY, help="Tên và cấp vào ngày này, theo các sự kiện đã ghi.")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def show_(name: str, path: Path | None, on: datetime | None, as_json: bool) -> None:
    """Đơn vị có mã hay tên là NAME, và mọi cách gọi của nó."""
    if on:
        bodies_time.show_on(name, on.date(), as_json)
        return
    sheet = _sheet(path)
    entry = _told(sheet.entries[sheet.find(name)])
    if as_json:
        show.emit(entry)
        return
    keys = ("id", "name", "short", "level", "kind", "each", "names", "aliases", "members")
    for key, label in zip(keys, texts.say("head.body").split("|"), strict=True):
        value = entry[key]
        if value:
            click.echo(f"{label + ':':16}{'; '.join(value) if isinstance(value, list) else value}")


@bodies.command("add")
@click.argument("name")
@click.option("--id", "body_id", help="Mã; mặc định đặt theo tên gọn.")
@click.option("--short", help="Tên gọn.")
@click.option("--level", type=click.Choice([str(one) for one in Level]), required=True, help="Cấp.")
@click.option("--kind", type=click.Choice([str(one) for one in BodyKind]), default="office",
              show_default=True, help="Loại.")  # fmt: skip
@click.option("--alias", "aliases", multiple=True, help="Cách in khác; dùng nhiều lần được.")
@click.option("--name-without-level", "names", multiple=True, help="Cách gọi còn thiếu cấp.")
@click.option("--member", "members", multiple=True, help="Mã thành viên của một nhóm.")
@FILE
def add(
    name: str, body_id: str | None, short: str | None, level: str, kind: str,
    aliases: tuple[str, ...], names: tuple[str, ...], members: tuple[str, ...], path: Path | None,
) -> None:  # fmt: skip
    """Thêm đơn vị NAME vào tệp phụ lục. Chú thích và thứ tự trong tệp giữ nguyên."""
    sheet = _sheet(path)
    made = body_id or _id(short or name)
    for printed in (name, short, *aliases):
        if printed:
            _not_another(sheet, printed, made)
    entry: dict[str, Any] = {"id": made, "name": _clean(name)}
    if short:
        entry["short"] = _clean(short)
    entry |= {"level": level, "kind": kind}
    lists = {"names": names, "aliases": aliases, "members": members}
    entry |= {key: [_clean(one) for one in values] for key, values in lists.items() if values}
    _write(sheet, lambda: sheet.add(entry))
    click.echo(texts.say("bodies.added", id=made, name=entry["name"], path=str(sheet.path)))
    _say_faults(sheet)


@bodies.command("alias")
@click.argument("name")
@click.argument("printed")
@FILE
def alias(name: str, printed: str, path: Path | None) -> None:
    """Dạy rằng PRINTED, như in trên giấy, là đơn vị NAME (mã hay tên)."""
    sheet = _sheet(path)
    printed = _clean(printed)
    index = sheet.find(name)
    body_id = sheet.entries[index]["id"]
    if _not_another(sheet, printed, body_id):
        click.echo(texts.say("bodies.alias_known", printed=printed, id=body_id))
        return
    _write(sheet, lambda: sheet.alias(index, printed))
    click.echo(texts.say("bodies.alias_learnt", printed=printed, id=body_id, path=str(sheet.path)))
    _say_faults(sheet)


def _sheet(path: Path | None) -> Sheet:
    path = path or settings.load().appendix
    try:
        return Sheet(path)
    except OSError as error:
        raise Refused("bodies.unwritable", path=str(path), why=error.strerror) from error


def _write(sheet: Sheet, edit: Any) -> None:
    try:
        edit()
    except OSError as error:
        raise Refused("bodies.unwritable", path=str(sheet.path), why=error.strerror) from error


def _clean(printed: str) -> str:
    cleaned = " ".join(nfc(printed).split())
    if not cleaned:
        raise Refused("bodies.empty_name")
    return cleaned


def _id(name: str) -> str:
    made = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")
    if not made:
        raise Refused("bodies.no_id", name=name)
    return made


def _not_another(sheet: Sheet, printed: str, body_id: str) -> bool:
    """True if this spelling is the body's already. Raises Refused if it is another's."""
    found = sheet.known_as(printed)
    others = sorted(found - {body_id})
    if others:
        raise Refused("bodies.alias_taken", printed=printed, id=body_id, other=", ".join(others))
    return bool(found)


def _say_faults(sheet: Sheet) -> None:
    if sheet.faults:
        click.echo(texts.say("bodies.faults_left", count=len(sheet.faults)))
