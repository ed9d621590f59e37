"""The tables of an appendix file → Plan."""

from __future__ import annotations

from functools import partial
from typing import Any

from ntm_workflow.appendix import finding_codes, toml_bodies, toml_ids, toml_ladder
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import (
    Criterion,
    Finding,
    OrderedDay,
    Plan,
    Quote,
    Reminders,
    Rules,
    Section,
    Unit,
)
from ntm_workflow.appendix.toml_keys import ARRAYS, KEYS
from ntm_workflow.appendix.toml_rows import Rows, steps
from ntm_workflow.appendix.toml_tables import Tables, closest


def read(tables: Tables) -> Plan | None:
    """The plan, as far as it can be read; None where the tables themselves have faults."""
    for key in tables.tree:
        if key not in KEYS and key != "schema":
            nearest = closest(key, [name for name in KEYS if name])
            tables.fault("table.unknown", key, name=key, nearest=nearest)
    schema = tables.tree.get("schema")
    if schema != 1:
        tables.fault("schema.unknown", "schema", found=schema)
    head = tables.table("plan")
    rules_in, reminders_in = tables.table("rules"), tables.table("reminders")
    arrays = {name: tables.array(name) for name in ARRAYS}
    for name in ("unit", "body", "section", "row", "criterion"):
        tables.unique(name, arrays[name])
    tables.unique("name", arrays["name"], "printed")
    tables.unique("target", arrays["target"], "criterion")
    tables.unique("ordered_day", arrays["ordered_day"], "day")
    if not arrays["row"]:
        tables.fault("table.missing", "row")
    if tables.faults:  # what follows would only repeat them
        return None
    return _resolved(tables, head, rules_in, reminders_in, arrays)


def _resolved(
    tables: Tables,
    head: dict[str, Any],
    rules_in: dict[str, Any],
    reminders_in: dict[str, Any],
    arrays: dict[str, list[dict[str, Any]]],
) -> Plan:
    units = tuple(
        Unit(u["id"], u["name"], u["level"], u.get("in_programme", True), u.get("type", "xã"))
        for u in arrays["unit"]
    )
    bodies = toml_bodies.read(tables, arrays["body"], units)
    names = {n["printed"]: n.get("read_as", "") for n in arrays["name"]}
    register = Register(bodies, units, head["level"], names)
    for key in ("issuer", "coordination_office"):
        if head[key] not in register.bodies:
            nearest = closest(head[key], register.bodies)
            tables.fault("body.id_unknown", key, "plan", value=head[key], nearest=nearest)
    toml_bodies.check_members(tables, arrays["body"], register)
    toml_ids.check(tables, head, arrays)
    rules = _rules(tables, rules_in)
    sections = tuple(Section(s["id"], s["title"], s.get("printed", "")) for s in arrays["section"])
    reader = Rows(tables, register, sections, head["year"])
    rows = tuple(reader.row(r) for r in arrays["row"])
    criteria_in = tables.table("criteria") if arrays["criterion"] else {}
    criteria = tuple(reader.criterion(c, criteria_in) for c in arrays["criterion"])
    return Plan(
        id=head["id"], number=head["number"], symbol=head["symbol"], issuer=head["issuer"],
        title=head["title"], year=head["year"], level=head["level"], issued_on=head["issued_on"],
        effective_on=head.get("effective_on", head["issued_on"]),
        coordination_office=head["coordination_office"],
        sections=sections, rows=rows, criteria=criteria,
        targets=tuple(
            Criterion(t["criterion"], t["name"], t["added"], t["reached"], t["of"],
                      t.get("percent", ""), t.get("place", ""), t.get("quote", ""))
            for t in arrays["target"]
        ),
        bodies=bodies, units=units, rules=rules,
        reminders=_reminders(tables, reminders_in),
        ordered_days=tuple(
            OrderedDay(d["day"], d["off"], d["document"]) for d in arrays["ordered_day"]
        ),
        criteria_title=criteria_in.get("title", ""),
        criteria_total=criteria_in.get("total"), amends=head.get("amends", ""),
        place=head.get("place", ""),
        paper=tuple(one for f in arrays["finding"] if (one := _finding(tables, f))),
    )  # fmt: skip


def _finding(tables: Tables, entry: dict[str, Any]) -> Finding | None:
    """A [[finding]] whose sentence can be filled in."""
    code, data, index = entry["code"], entry.get("data", {}), entry["#"]
    if code not in finding_codes.PAPER:
        nearest = closest(code, finding_codes.PAPER)
        tables.fault("finding.unknown", "code", "finding", index, value=code, nearest=nearest)
        return None
    for key in finding_codes.PAPER[code][1]:
        if key not in data:
            tables.fault("finding.data", "data", "finding", index, value=code, key=key)
    quotes = tuple(Quote(place, text) for place, text in entry.get("quotes", ()))
    return Finding(code, entry["where"], data, quotes)


def _rules(tables: Tables, given: dict[str, Any]) -> Rules:
    values = {key: value for key, value in given.items() if key != "#"}
    for key in ("send_within_working_days", "lead_days"):
        if values.get(key, 0) < 0:
            tables.fault("key.negative", key, "rules", value=values[key])
    if "periodic" in values:
        values["periodic"] = steps(tables, "rules", 0, "periodic", values["periodic"])
    return Rules(**values)


def _reminders(tables: Tables, given: dict[str, Any]) -> Reminders:
    given = {key: value for key, value in given.items() if key != "#"}
    values = toml_ladder.checked(given, partial(tables.fault, table="reminders"))
    made = Reminders(**values)
    if made.send_from >= made.send_until:
        tables.fault("reminders.hours", "send_until", "reminders", value=made.send_until)
    return made
