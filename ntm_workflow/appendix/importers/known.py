"""The bodies and units that an import may name: those of an appendix file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ntm_workflow.appendix import toml_bodies, toml_file
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import BodyKind, Level, Unit
from ntm_workflow.appendix.text import fold
from ntm_workflow.appendix.toml_keys import KEYS
from ntm_workflow.errors import Refused

TABLES = ("unit", "body", "name")


@dataclass(frozen=True)
class Known:
    """A register and the tables it was made of, which the draft takes over as they are.

    `offices` maps an issuer to the coordination office that the same file names,
    `plans` a number and symbol ("28/KH-UBND", folded) to the plan's id.
    """

    register: Register | None
    tables: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    offices: dict[str, str] = field(default_factory=dict)
    criteria: dict[str, object] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)


NOBODY = Known(None)


def load(data: bytes, level: Level | None = None) -> Known:
    """Read the [[unit]] and [[body]] tables of an appendix file; other tables may be missing.

    `level` is the plan's own, where a name without one is at home; else the
    file's, else the highest that has a body.

    Raises:
        Refused: not such a file.
    """
    try:
        tree = tomllib.loads(toml_file.tidy(data).decode())
        plan = tree.get("plan", {})
        own = level or Level(plan.get("level") or tree["body"][0]["level"])
        register = build(tree, own)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, ValueError, TypeError,
            AttributeError, IndexError) as error:  # fmt: skip
        raise Refused("import.register", why=str(error)) from None
    if not register.bodies:
        raise Refused("import.register", why="[[body]]")
    tables = {
        name: [{key: entry[key] for key in KEYS[name] if key in entry} for entry in tree[name]]
        for name in TABLES if name in tree
    }  # fmt: skip
    offices = {}
    if "issuer" in plan and "coordination_office" in plan:
        offices[plan["issuer"]] = plan["coordination_office"]
    rules = {k: v for k, v in tree.get("criteria", {}).items() if k in ("body", "check_in")}
    plans = {}
    if "id" in plan and "number" in plan:
        plans[fold(f"{plan['number']}/{plan.get('symbol', '')}")] = str(plan["id"])
    return Known(register, tables, offices, rules, plans)


def build(tables: Mapping[str, Any], level: Level) -> Register:
    """The register of [[unit]], [[body]] and [[name]] entries. Raises what a wrong one raises."""
    units = [_unit(entry) for entry in tables.get("unit", ())]
    bodies = [body for entry in tables.get("body", ()) for body in _each(entry, units)]
    names = {entry["printed"]: entry.get("read_as", "") for entry in tables.get("name", ())}
    return Register(bodies, units, level, names)


def _unit(entry: dict[str, Any]) -> Unit:
    return Unit(entry["id"], entry["name"], Level(entry["level"]),
                entry.get("in_programme", True), entry.get("type", "xã"))  # fmt: skip


def _each(entry: dict[str, Any], units: list[Unit]) -> list[Any]:
    """The body of an entry, or one for each unit of its level."""
    typed = {**entry, "level": Level(entry["level"]), "kind": BodyKind(entry["kind"])}
    if "each" not in entry:
        return [toml_bodies.make_body(typed, None)]
    return [
        toml_bodies.make_body(typed, unit) for unit in units if unit.level is Level(entry["each"])
    ]
