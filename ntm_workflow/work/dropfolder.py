"""The drop folder: evidence that somebody lays down as files.

    var/drop/III.1_2020-06_bql-tan-lap/
        van-ban.txt        Số: 12/BC-UBND
                           Ngày: 25/6/2020
                           Trích yếu: Kết quả rà soát theo bộ tiêu chí
                           Lý do quá hạn: …      (only when late)
        bao-cao.pdf …

A folder is named after its task with "_" for "/"; where several plans have such
a task, with the plan's id before it: 28-kh-ubnd-2020_III.1_2020-06_bql-tan-lap.
It is taken once van-ban.txt
is there, then moved to var/drop/.taken; what cannot be taken gets a LOI.txt
that says why, and is tried again when something in it changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ntm_workflow.calendar import typed
from ntm_workflow.errors import NtmError, Refused
from ntm_workflow.texts import say
from ntm_workflow.work import doc_number, hand_in, tasks
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.hand_in import Paper

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

CARD, FAULT, TAKEN = "van-ban.txt", "LOI.txt", ".taken"
FIELDS = {  # labels of van-ban.txt, folded; mails may have such lines too
    "so": "number", "ngay": "issued", "trich yeu": "subject",
    "ly do qua han": "late_reason", "ghi chu": "note",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one folder: the task it was for, or why it stays."""

    folder: str
    task: str
    fault: str = ""


def collect(rt: Runtime, *, actor: Actor) -> list[Taken]:
    """Take every folder that is ready. Safe to repeat and to kill at any point."""
    return [_take(rt, folder, actor) for folder in _ready(rt.settings.var / "drop")]


def _ready(drop: Path) -> Iterator[Path]:
    if not drop.is_dir():
        return
    for folder in sorted(drop.iterdir()):
        if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
            continue
        card, fault = folder / CARD, folder / FAULT
        if not card.is_file():
            continue
        newest = max(path.stat().st_mtime for path in folder.iterdir() if path != fault)
        if not fault.exists() or newest > fault.stat().st_mtime:
            yield folder


def _take(rt: Runtime, folder: Path, actor: Actor) -> Taken:
    code = _code(folder.name)
    try:
        card = _read_card(folder / CARD)
        today = rt.today()
        paper = Paper(
            card.get("number", ""), _day(card.get("issued", "")), card.get("subject", ""),
            card.get("late_reason", ""), card.get("note", ""),
        )  # fmt: skip
        with rt.reader() as session:
            body = tasks.find(session, code).body_id
        files = hand_in.keep_paths(rt.files, (
            path for path in sorted(folder.iterdir())
            if path.name not in (CARD, FAULT) and path.is_file()
        ))  # fmt: skip
        by = Actor(actor.name, "office", body, "drop", actor.run_id)
        with rt.sessions.begin() as session:
            task = tasks.find(session, code)
            hand_in.hand_in(session, rt, task, paper, files, by=by, now=rt.now(), today=today)
    except NtmError as error:
        why = say(error.key, **error.data)
        (folder / FAULT).write_text(why + "\n", "utf-8")
        return Taken(folder.name, code, why)
    _put_away(folder)
    return Taken(folder.name, code)


def _code(name: str) -> str:
    """ "28-kh-ubnd-2020_III.1_2020-06_bql-x" → "28-kh-ubnd-2020:III.1/2020-06/bql-x"."""
    parts = name.split("_")
    plan = f"{parts.pop(0)}:" if len(parts) == 4 else ""
    return plan + "/".join(parts)


def _read_card(path: Path) -> dict[str, str]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("drop.unreadable", name=path.name) from error
    return doc_number.fields(text, FIELDS)


def _day(text: str) -> date:
    if (found := typed.day(text)) is None:
        raise Refused("evidence.date", value=text)
    return found


def _put_away(folder: Path) -> None:
    away = folder.parent / TAKEN
    away.mkdir(exist_ok=True)
    target, number = away / folder.name, 1
    while target.exists():
        number += 1
        target = away / f"{folder.name}.{number}"
    os.replace(folder, target)
