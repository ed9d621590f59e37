"""ZBS templates: what Zalo approved, and whether our values fit before anything is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ntm_workflow.appendix.text import nfc


@dataclass(frozen=True, slots=True)
class Parameter:
    """One blank of a template. Lengths count letters of the NFC text."""

    name: str
    required: bool = True
    longest: int | None = None
    shortest: int = 0
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A registered template; only an enabled one may be sent."""

    id: str
    enabled: bool
    parameters: tuple[Parameter, ...]


def read(template_id: str, data: dict[str, Any]) -> Template:
    """Read the answer of /template/info/v2."""
    found = [
        Parameter(
            str(one["name"]), bool(one.get("require", True)), _length(one.get("maxLength")),
            _length(one.get("minLength")) or 0, bool(one.get("acceptNull", False)),
        )
        for one in data.get("listParams") or ()
    ]  # fmt: skip
    return Template(template_id, data.get("status") == "ENABLE", tuple(found))


def _length(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() else None


def filled(template: Template, values: dict[str, str]) -> dict[str, str]:
    """The values as the template takes them, those it has no blank for left out."""
    names = {parameter.name for parameter in template.parameters}
    return {name: nfc(value) for name, value in values.items() if name in names}


def faults(template: Template, values: dict[str, str]) -> list[str]:
    """What would make Zalo refuse these values: a line for each blank."""
    if not template.enabled:
        return [f"template {template.id} is not enabled"]
    return [why for parameter in template.parameters if (why := _fault(parameter, values))]


def _fault(blank: Parameter, values: dict[str, str]) -> str:
    value = values.get(blank.name)
    if value is None:
        return f"{blank.name}: missing" if blank.required else ""
    if not value.strip():
        return "" if blank.may_be_empty else f"{blank.name}: empty"
    if blank.longest is not None and len(value) > blank.longest:
        return f"{blank.name}: {len(value)} letters, {blank.longest} fit"
    if len(value) < blank.shortest:
        return f"{blank.name}: {len(value)} letters, at least {blank.shortest} wanted"
    return ""
