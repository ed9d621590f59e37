"""A TOML file of events → changes to record; every fault at once, with the event's number."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ntm_workflow.errors import NtmError, Refused
from ntm_workflow.work.body_events import Change, Kind
from ntm_workflow.work.body_names import Called

_KEYS: dict[str, tuple[type, str]] = {
    "kind": (str, "chữ"), "on": (date, "ngày (2025-07-01)"), "document": (str, "chữ"),
    "from": (list, "danh sách mã"), "into": (list, "danh sách mã"), "note": (str, "chữ"),
    "example": (bool, "true hoặc false"), "new": (list, "bảng [[event.new]]"),
}  # fmt: skip
_NEW: dict[str, tuple[type, str]] = {
    "id": (str, "chữ"), "name": (str, "chữ"), "short": (str, "chữ"), "level": (str, "chữ"),
    "unit": (str, "chữ"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one event; `line` is always 0, the sentence names the event."""

    key: str
    data: dict[str, object]
    line: int = 0


class EventFaults(NtmError):
    """The file cannot be used; `faults` holds every one of them."""

    def __init__(self, path: str, faults: list[Fault]) -> None:
        super().__init__("event.file", path=path, count=len(faults))
        self.faults = tuple(faults)


def read(path: Path) -> list[Change]:
    """Read `[[event]]` tables; nothing is checked against the database.

    Raises:
        Refused: the file cannot be read, or is no TOML.
        EventFaults: every fault of every event.
    """
    try:
        tree = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError) as error:
        raise Refused("event.file_read", path=str(path), why=str(error)) from error
    tables = tree.get("event")
    if not isinstance(tables, list) or not tables:
        raise EventFaults(str(path), [Fault("event.file_empty", {})])
    faults = [fault for number, one in enumerate(tables, 1) for fault in _faults(one, number)]
    if faults:
        raise EventFaults(str(path), faults)
    return [_change(one) for one in tables]


def _faults(table: Any, number: int) -> list[Fault]:
    if not isinstance(table, dict):
        return [Fault("event.file_type", {"number": number, "name": "event", "wanted": "bảng"})]
    found = _checked(table, _KEYS, ("kind", "on", "document"), number)
    kind = table.get("kind")
    if isinstance(kind, str) and kind not in set(Kind):
        known = ", ".join(Kind)
        found.append(Fault("event.file_kind", {"number": number, "value": kind, "known": known}))
    for side in ("from", "into"):
        ids = table.get(side, [])
        if isinstance(ids, list) and not all(isinstance(one, str) for one in ids):
            data: dict[str, object] = {"number": number, "name": side, "wanted": _KEYS[side][1]}
            found.append(Fault("event.file_type", data))
    new = table.get("new", [])
    for one in new if isinstance(new, list) else ():
        found += _checked(one, _NEW, ("id", "name", "level"), number)
    return found


def _checked(
    table: Any, known: dict[str, tuple[type, str]], needed: tuple[str, ...], number: int
) -> list[Fault]:
    if not isinstance(table, dict):
        return [Fault("event.file_type", {"number": number, "name": "new", "wanted": "bảng"})]
    found = [
        Fault("event.file_missing", {"number": number, "name": name})
        for name in needed if name not in table
    ]  # fmt: skip
    for name, value in table.items():
        if name not in known:
            data: dict[str, object] = {"number": number, "name": name, "known": ", ".join(known)}
            found.append(Fault("event.file_key", data))
        elif not isinstance(value, known[name][0]) or isinstance(value, datetime):
            data = {"number": number, "name": name, "wanted": known[name][1]}
            found.append(Fault("event.file_type", data))
    return found


def _change(table: dict[str, Any]) -> Change:
    return Change(
        Kind(table["kind"]), table["on"], table["document"], tuple(table.get("from", ())),
        tuple(table.get("into", ())),
        tuple(
            Called(one["id"], one["name"], one.get("short", ""), one["level"], one.get("unit"))
            for one in table.get("new", ())
        ),
        table.get("note", ""), table.get("example", False),
    )  # fmt: skip
