"""`[reminders]`, and the ladder of its own that a row may have, as checked values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ntm_workflow.appendix.toml_keys import KEYS, OWN_LADDER, typed

Fault = Callable[..., None]  # (code, key, **data): a fault at a key of the table being read
Own = tuple[tuple[str, Any], ...]


def checked(given: Mapping[str, Any], fault: Fault) -> dict[str, Any]:
    """Values of the right types, brought into order; what makes no sense is a fault."""
    values = dict(given)
    for key, value in values.items():
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(n, int) and n < 0 for n in numbers):
            fault("key.negative", key, value=value)
    if values.get("then_every", 1) < 1:
        fault("key.negative", "then_every", value=values["then_every"])
    for key in ("before", "after"):
        if key in values:
            values[key] = tuple(sorted(set(values[key]), reverse=key == "before"))
    return values


def own(given: Mapping[str, Any], fault: Fault, nearest: Callable[..., str]) -> Own:
    """What one row says otherwise, as (key, value); what it leaves out is the plan's."""
    good: dict[str, Any] = {}
    for key, value in given.items():
        if key not in OWN_LADDER:
            near = "" if key in KEYS["reminders"] else nearest(key, OWN_LADDER)
            fault("key.unknown_near" if near else "key.unknown", key, key=key, nearest=near)
            continue
        try:
            good[key] = typed(value, KEYS["reminders"][key])
        except ValueError as error:
            code, details = error.args
            fault(code, key, value=value, **details)
    return tuple(sorted(checked(good, fault).items()))
