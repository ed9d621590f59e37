"""Answers put into what was read: cells that were empty, lines left out, targets, the head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.importers import criteria, meant, rows, targets
from ntm_workflow.appendix.importers.pieces import (
    Answers,
    Ask,
    DraftLine,
    DraftRow,
    DraftTarget,
    Head,
    Ledger,
    answer_to,
)
from ntm_workflow.appendix.model import Level
from ntm_workflow.errors import Refused

LATER = "Ghi ngày sau"  # reads as a timing that waits for a date
_EMPTY = {
    "content": "Nội dung", "implementing": "Thực hiện", "timing": "Thời gian",
    "directing": "Phụ trách",
}  # fmt: skip
_WORDS = ("symbol", "title", "place")
_NUMBERS = ("number", "year")


def head(top: Head, said: Answers, register: Register | None) -> Head:
    """The head with what a person said of it."""
    changes: dict[str, Any] = {}
    for key in ("number", "symbol", "issued_on", "title", "place", "year", "level", "amends"):
        text = str(said.get(f"head|{key}", {}).get("text", ""))
        if text and (value := _value(key, text)) is not None:
            changes[key] = value
    for key in ("issuer", "coordination_office"):
        answer = said.get(f"head|{key}")
        if answer and register and (body := meant.body_id(register, answer)):
            changes[key] = body
            if key == "issuer":
                changes.setdefault("level", str(register.bodies[body].level))
    return replace(top, **changes)


def _value(key: str, text: str) -> object | None:
    try:
        if key == "issued_on":
            return date.fromisoformat(text)
        if key in _NUMBERS:
            return int(text)
        return str(Level(text)) if key == "level" else text
    except ValueError:
        return None


def work(read: rows.Found, said: Answers, ledger: Ledger) -> rows.Found:
    """Rows and sections with their empty cells filled, asides noted, and some left out."""
    made = {row.id: row for row in read.rows}
    titles: dict[str, str] = {}
    for ask in read.asks:
        answer = answer_to(ask, said) or {}
        do, entry = answer.get("do"), ask.where[1]
        if do == "title":
            titles[entry] = str(answer["text"])
        elif entry not in made or not do:
            continue
        elif do == "drop":
            del made[entry]
            ledger.drop("row", entry)
        else:
            made[entry] = _row(made[entry], ask, do, str(answer.get("text", "")))
    if not made:
        raise Refused("import.no_rows")
    sections = tuple(replace(s, title=titles.get(s.id, s.title)) for s in read.sections)
    asks = _without({row.id for row in read.rows} - made.keys(), read.asks, said)
    return rows.Found(sections, tuple(made.values()), asks)


def _without(dropped: set[str], asks: Iterable[Ask], said: Answers) -> tuple[Ask, ...]:
    """The questions without those about entries that were left out."""
    return tuple(
        ask for ask in asks
        if ask.where[1] not in dropped or (answer_to(ask, said) or {}).get("do") == "drop"
    )  # fmt: skip


def _row(row: DraftRow, ask: Ask, do: str, text: str) -> DraftRow:
    key = ask.where[2]
    if ask.code.startswith("row.no_") and do in ("fill", "wait"):
        note = f"Ô {_EMPTY[key]} trong bản giấy để trống; ghi khi nhập"
        changes: dict[str, Any] = {key: LATER if do == "wait" else text}
        return replace(row, note="; ".join(filter(None, (row.note, note))), **changes)
    if ask.code == "cell.aside" and do == "note":
        return replace(row, note="; ".join(filter(None, (row.note, ask.quote))))
    if ask.code == "cell.wide" and do == "all":
        roles: Any = ask.data.get("roles", ())
        empty = [role for role in roles if not getattr(row, role)]
        return replace(row, **dict.fromkeys(empty, getattr(row, key)))
    return row


def lines(read: criteria.Found, said: Answers, ledger: Ledger) -> criteria.Found:
    """Criteria lines with what was missing, and without those that a person left out."""
    made = {line.id: line for line in read.lines}
    for ask in read.asks:
        answer = answer_to(ask, said) or {}
        do, entry = answer.get("do"), ask.where[1]
        if entry not in made or not do:
            continue
        if do == "drop":
            del made[entry]
            ledger.drop("criterion", entry)
        elif do in ("fill", "count"):
            made[entry] = _line(made[entry], ask, str(answer.get("text", "")))
    asks = _without({line.id for line in read.lines} - made.keys(), read.asks, said)
    return replace(read, lines=tuple(made.values()), asks=asks)


def _line(line: DraftLine, ask: Ask, text: str) -> DraftLine:
    if ask.code == "line.count":
        return replace(line, count=int(text)) if text.isdigit() else line
    changes: dict[str, Any] = {ask.where[2]: text}
    return replace(line, **changes) if ask.where[2] in ("implementing", "directing") else line


def goals(read: targets.Found, said: Answers) -> tuple[DraftTarget, ...]:
    """Targets with those whose figures a person gave."""
    made = {target.criterion: target for target in read.targets}
    for ask in read.asks:
        answer = answer_to(ask, said) or {}
        figures = [str(answer.get(key, "")) for key in ("added", "reached", "of")]
        if answer.get("do") == "target" and all(map(str.isdigit, figures)):
            number = int(ask.where[1])
            old = made.get(number)
            name = str(ask.data.get("name") or (old.name if old else f"Tiêu chí {number}"))
            made[number] = DraftTarget(number, name, int(figures[0]), int(figures[1]),
                                       int(figures[2]))  # fmt: skip
    return tuple(made[number] for number in sorted(made)) if said else read.targets


def partition(
    asks: Iterable[Ask], said: Answers, failed: set[str]
) -> tuple[tuple[Ask, ...], tuple[tuple[Ask, Any], ...]]:
    """The questions that are open, and those that have an answer; `failed` ones are open."""
    open_, settled = [], []
    for ask in asks:
        answer = answer_to(ask, said)
        if answer is None or ask.key in failed:
            open_.append(ask)
        else:
            settled.append((ask, answer))
    return tuple(open_), tuple(settled)
