"""What the form of one question draws from: its choices, what is known, what is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ntm_workflow.appendix.importers import answers, meant
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.appendix.model import Level
from ntm_workflow.texts import day, say
from ntm_workflow.web import import_forms, import_view
from ntm_workflow.web.forms import Typed
from ntm_workflow.web.import_view import Question


def form(
    current: Question | None, made: Made | None, proposals: dict[str, dict[str, Any]], typed: Typed
) -> dict[str, Any]:
    """What the form of one question draws from: choices, what is known, what is chosen."""
    if current is None or made is None:
        blank: dict[str, Any] = {
            "choices": [], "bodies": [], "units": [], "readings": [], "guess": ("", ""),
            "roles": (), "before": {}, "before_day": "", "issuer": "", "differs": [],
        }  # fmt: skip
        return {**blank, "verbs": ("columns",), "chosen": typed.get("do"), "first": "columns|"}
    ask, draft, register = current.ask, made.found.draft, made.found.register
    before = current.answer or proposals.get(current.key) or {}
    texts = list(ask.choices) if ask.code.startswith("timing.") else []
    if before.get("do") == "read" and before.get("text") not in texts:
        texts.append(str(before["text"]))
    found: dict[str, Any] = {
        "verbs": answers.verbs(ask), "bodies": import_view.body_choices(register),
        "units": sorted(register.units.values(), key=lambda u: u.name) if register else [],
        "readings": [(text, *import_view.preview(text, draft.head.year)) for text in texts],
        "guess": import_forms.proposed(ask.quote or draft.head.issuer_text,
                                       register.level if register else Level.COMMUNE),
        "choices": _choices(made, ask),
        "roles": import_forms.roles(_kind_of(made, ask)), "before": before,
        "before_day": _as_day(before), "issuer": meant.in_words(draft.head.issuer_text),
        "differs": [(_plain(ask.data[key]), _shown(ask.data[key])) for key in ("head", "note")]
        if ask.code == "head.differs" else [],
    }  # fmt: skip
    values = _values(ask, found)
    chosen = typed.get("do") or _chosen(before, values) or (values[0] if len(values) == 1 else "")
    return {**found, "chosen": chosen, "first": chosen or values[0]}


def _values(ask: Ask, found: dict[str, Any]) -> list[str]:
    """The radio buttons of a form, by value, in their order."""
    made: list[str] = []
    for verb in found["verbs"]:
        if verb == "is":
            made += [f"is|{value}" for value, _ in found["choices"]]
            others = found["units" if ask.code == "unit.unknown" else "bodies"]
            made += ["is|"] if others else []
        elif verb == "read":
            made += [*(f"read|{text}" for text, *_ in found["readings"]), "read|"]
        elif verb == "role":
            made += [f"role|{role}" for role in dict.fromkeys((*found["roles"], "note"))]
        elif verb == "text":
            made += [f"text|{value}" for value, _ in found["differs"]] or [
                f"text|{level}" for level in Level
            ]
        else:
            made.append(f"{verb}|")
    return made


def _chosen(before: Mapping[str, Any], values: list[str]) -> str:
    """The radio button of an answer that was given before."""
    if not before:
        return ""
    verb = before.get("do")
    exact = f"{verb}|{before.get('body') or before.get('text') or ''}"
    return exact if exact in values else f"{verb}|"


def _as_day(before: Mapping[str, Any]) -> str:
    """The day of an answer as people write it."""
    text = str(before.get("text", ""))
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return ""


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _shown(value: object) -> str:
    return day(value) if isinstance(value, date) else str(value)


def _choices(made: Made, ask: Ask) -> list[tuple[str, str]]:
    """What is nearest, in full; two spellings of one body are one choice."""
    found: dict[str, str] = {}
    for choice in ask.choices:
        found.setdefault(_choice_name(made, choice), choice)
    return [(choice, name) for name, choice in found.items()]


def _choice_name(made: Made, choice: str) -> str:
    register = made.found.register
    if register is None:
        return choice
    if choice in register.bodies:
        return register.bodies[choice].name
    ids = {body for name in register.resolve(choice)[0] for body in name.bodies}
    if len(ids) > 1:
        return say("nhap.each", name=choice, count=len(ids))
    return register.bodies[ids.pop()].name if ids else choice


def _kind_of(made: Made, ask: Ask) -> str:
    number = ask.data.get("table")
    return next((s.kind for s in made.found.segments if s.table.number == number), "appendix")
