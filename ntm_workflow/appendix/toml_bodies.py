"""[[body]] → Body, once for each unit where the entry says so."""

from __future__ import annotations

from typing import Any

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import Body, Unit
from ntm_workflow.appendix.toml_tables import Tables, closest


def read(
    tables: Tables, entries: list[dict[str, Any]], units: tuple[Unit, ...]
) -> tuple[Body, ...]:
    """The bodies of the entries, an entry with `each` once for each unit of that level."""
    bodies: list[Body] = []
    for entry in entries:
        each = entry.get("each")
        homes = [u for u in units if u.level is each] if each else [None]
        if each and "{unit}" not in entry["id"]:
            tables.fault("body.each", "id", "body", entry["#"], value=entry["id"])
        bodies.extend(make_body(entry, unit) for unit in homes)
    return tuple(bodies)


def check_members(tables: Tables, entries: list[dict[str, Any]], register: Register) -> None:
    for entry in entries:
        for member in entry.get("members", ()):
            if member not in register.bodies:
                nearest = closest(member, register.bodies)
                tables.fault("body.id_unknown", "members", "body", entry["#"],
                             value=member, nearest=nearest)  # fmt: skip


def make_body(entry: dict[str, Any], unit: Unit | None) -> Body:
    """The body of a checked [[body]] entry; with `each`, that of one unit."""

    def fill(text: str) -> str:
        if unit is None:
            return text
        filled = text.replace("{unit}", unit.id).replace("{type}", unit.type)
        return filled.replace("{Unit}", unit.name)

    name = fill(entry["name"])
    return Body(
        id=fill(entry["id"]), name=name, short=fill(entry.get("short", entry["name"])),
        level=entry["level"], kind=entry["kind"], unit=unit.id if unit else None,
        names=tuple(entry.get("names", ())),
        aliases=tuple(fill(alias) for alias in entry.get("aliases", ())),
        members=tuple(entry.get("members", ())),
    )  # fmt: skip
