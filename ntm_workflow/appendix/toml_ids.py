"""The ids of an appendix file: their form, their length, and that each names one thing."""

from __future__ import annotations

import re
from typing import Any

from ntm_workflow.appendix.toml_tables import Tables

LONGEST_ID, LONGEST_ROW_ID = 60, 20  # characters; with a commune's id an id may reach 80
_ID = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
_ROW_ID = re.compile(r"^[A-Z0-9]+(\.[0-9]+[a-z]?)*$")


def check(tables: Tables, head: dict[str, Any], arrays: dict[str, list[dict[str, Any]]]) -> None:
    """Every id and printed number has its form, and none stands for two things."""
    plan_id = head["id"]
    if not _ID.match(plan_id) or len(plan_id) > LONGEST_ID:
        tables.fault("id.form", "id", "plan", value=plan_id)
    for table in ("unit", "body"):
        for entry in arrays[table]:
            plain = entry["id"].replace("{unit}", "x")
            if not _ID.match(plain) or len(plain) > LONGEST_ID:
                tables.fault("id.form", "id", table, entry["#"], value=entry["id"])
    for table in ("row", "criterion"):
        for entry in arrays[table]:
            if not _ROW_ID.match(entry["id"]) or len(entry["id"]) > LONGEST_ROW_ID:
                tables.fault("id.row_form", "id", table, entry["#"], value=entry["id"])
    for table in ("row", "section"):
        _check_numbers(tables, table, arrays[table])
    row_ids = {entry["id"] for entry in arrays["row"]}
    for entry in arrays["criterion"]:
        if entry["id"] in row_ids:
            tables.fault("id.twice", "id", "criterion", entry["#"], value=entry["id"], first=0)
    if (amends := head.get("amends", "")) and (not _ID.match(amends) or amends == plan_id):
        tables.fault("id.amends", "amends", "plan", value=amends)


def _check_numbers(tables: Tables, table: str, entries: list[dict[str, Any]]) -> None:
    """`printed` looks like an id, and no two entries print the same number."""
    seen: dict[str, int] = {}
    for entry in entries:
        printed, number = entry.get("printed", ""), entry.get("printed") or entry["id"]
        if printed and (not _ROW_ID.match(printed) or len(printed) > LONGEST_ROW_ID):
            tables.fault("id.row_form", "printed", table, entry["#"], value=printed)
        if number in seen and (printed or entries[seen[number]].get("printed")):
            first = tables.places.line(table, seen[number])
            tables.fault("id.twice", "printed", table, entry["#"], value=number, first=first)
        seen.setdefault(number, entry["#"])
