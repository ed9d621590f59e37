"""The tables of a parsed appendix file as values of the right types; the others are faults."""

from __future__ import annotations

from typing import Any

from rapidfuzz import process

from ntm_workflow.appendix.model import Fault
from ntm_workflow.appendix.places import Places
from ntm_workflow.appendix.toml_keys import ARRAYS, KEYS, REQUIRED, typed


class Tables:
    """What a file says, table by table, collecting faults instead of stopping at the first."""

    def __init__(self, tree: dict[str, Any], places: Places) -> None:
        self.tree = tree
        self.places = places
        self.faults: list[Fault] = []

    def fault(
        self, code: str, field: str = "", table: str = "", index: int = 0, **data: Any
    ) -> None:
        where = self._where(table, index, field)
        line = self.places.line(table, index, field.partition(".")[0])
        if not line and not table and field:
            line = self.places.line(field)
        self.faults.append(Fault(line, where, f"fault.{code}", code, data))

    def _where(self, table: str, index: int, key: str) -> str:
        if not table:
            return key
        if table not in ARRAYS:
            return f"[{table}] {key}".strip()
        entry = self.tree[table][index]
        name = entry.get("id") or entry.get("day") or entry.get("criterion")
        return f"{table} {name if name is not None else f'#{index + 1}'} {key}".strip()

    def table(self, name: str) -> dict[str, Any]:
        """Values of a single table that are of the right type; the others are faults."""
        value = self.tree.get(name, {})
        if not isinstance(value, dict):
            self.fault("table.single", name, table=name)
            return {}
        if not value and name in REQUIRED and name != "criteria":
            self.fault("table.missing", name)
            return {}
        return self._checked(name, 0, value)

    def array(self, name: str) -> list[dict[str, Any]]:
        value = self.tree.get(name, [])
        if not isinstance(value, list):
            self.fault("table.array", name)
            self.tree[name] = [value]
            return []
        return [self._checked(name, index, entry) for index, entry in enumerate(value)]

    def _checked(self, table: str, index: int, entry: dict[str, Any]) -> dict[str, Any]:
        known = KEYS[table]
        good: dict[str, Any] = {"#": index}
        for key, value in entry.items():
            if key not in known:
                nearest = closest(key, known)
                code = "key.unknown_near" if nearest else "key.unknown"
                self.fault(code, key, table, index, key=key, nearest=nearest)
                continue
            try:
                good[key] = typed(value, known[key])
            except ValueError as error:
                code, details = error.args
                self.fault(code, key, table, index, value=value, **details)
        for key in REQUIRED.get(table, ()):
            if key not in entry:
                self.fault("key.missing", key, table, index, key=key)
            elif entry[key] == "" and key != "symbol":
                self.fault("key.empty", key, table, index, key=key)
        return good

    def unique(self, table: str, entries: list[dict[str, Any]], key: str = "id") -> None:
        seen: dict[Any, int] = {}
        for entry in entries:
            value = entry.get(key)
            if value in seen:
                first = self.places.line(table, seen[value], key)
                self.fault("id.twice", key, table, entry["#"], value=value, first=first)
            elif value is not None:
                seen[value] = entry["#"]


def closest(word: str, known: Any) -> str:
    """The known word that is nearest, or "" where none is near."""
    found = process.extractOne(word, list(known), score_cutoff=60)
    return str(found[0]) if found else ""
