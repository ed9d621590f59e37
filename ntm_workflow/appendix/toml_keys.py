"""The keys of appendix.toml and what they hold."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from ntm_workflow.appendix.model import BodyKind, Every, Level
from ntm_workflow.texts import later

Words = list[str]
Numbers = list[int]
Pairs = list[list[str]]
Data = dict[str, str | int]
Ladder = dict[str, Any]  # `[reminders]` of one row; its keys are checked where it is read
PERIOD_RULES = ("decree-09-2019", "calendar")
# Law on Protection of State Secrets 2018, Article 8.
SECRECY = ("mật", "tối mật", "tuyệt mật")
DAY_OFF_RULES = ("next", "previous", "none")

# What a row may say otherwise in its own `reminders`.
OWN_LADDER = (
    "before", "after", "then_every", "tell_coordinating_from", "tell_directing_from",
    "review_working_days",
)  # fmt: skip

# The keys of each table and what they hold; those in REQUIRED must be there.
KEYS: dict[str, dict[str, Any]] = {
    "": {"schema": int},
    "plan": {
        "id": str, "number": int, "symbol": str, "issuer": str, "title": str, "place": str,
        "issued_on": date, "effective_on": date, "year": int, "level": Level,
        "coordination_office": str, "amends": str,
    },
    "rules": {
        "period_rule": PERIOD_RULES, "send_within_working_days": int,
        "day_off": DAY_OFF_RULES, "lead_days": int, "periodic": Words,
    },
    "reminders": {
        "before": Numbers, "after": Numbers, "then_every": int,
        "tell_coordinating_from": int, "tell_directing_from": int,
        "review_working_days": int, "quarter_letter_working_days": int,
        "send_from": time, "send_until": time,
    },
    "ordered_day": {"day": date, "off": bool, "document": str},
    "unit": {"id": str, "name": str, "level": Level, "type": str, "in_programme": bool},
    "body": {
        "id": str, "each": Level, "name": str, "short": str, "level": Level, "kind": BodyKind,
        "names": Words, "aliases": Words, "members": Words,
    },
    "name": {"printed": str, "read_as": str},
    "section": {"id": str, "printed": str, "title": str},
    "row": {
        "id": str, "printed": str, "content": str, "directing": str, "implementing": str,
        "coordinating": str, "timing": str, "read_as": str, "reading": ("windows", "span"),
        "period": str, "scope": Words, "note": str, "day_off": DAY_OFF_RULES,
        "lead_days": int, "every": Words, "secrecy": SECRECY, "reminders": Ladder,
    },
    "criteria": {"title": str, "total": int, "body": str, "timing": str, "check_in": Every},
    "criterion": {"id": str, "name": str, "count": int, "implementing": str, "directing": str,
                  "reminders": Ladder},
    "target": {
        "criterion": int, "name": str, "added": int, "reached": int, "of": int, "percent": str,
        "place": str, "quote": str,
    },
    "finding": {"code": str, "where": str, "quotes": Pairs, "data": Data},
}  # fmt: skip
ARRAYS = (
    "ordered_day", "unit", "body", "name", "section", "row", "criterion", "target", "finding",
)  # fmt: skip
REQUIRED = {
    "plan": ("id", "number", "symbol", "issuer", "title", "issued_on", "year", "level",
             "coordination_office"),
    "ordered_day": ("day", "off", "document"),
    "unit": ("id", "name", "level"),
    "body": ("id", "name", "level", "kind"),
    "name": ("printed",),
    "section": ("id", "title"),
    "row": ("id", "content", "implementing", "timing"),
    "criteria": ("body", "timing"),
    "criterion": ("id", "name", "implementing", "directing"),
    "target": ("criterion", "name", "added", "reached", "of"),
    "finding": ("code", "where"),
}  # fmt: skip


def typed(value: Any, kind: Any) -> Any:
    """Return the value as its key's type; ValueError(code, data) says what is wrong."""
    if isinstance(kind, tuple):
        if value not in kind:
            raise ValueError("key.choice", {"options": ", ".join(kind)})
        return value
    if kind in (Level, BodyKind, Every):
        try:
            return kind(value)
        except ValueError:
            raise ValueError("key.choice", {"options": ", ".join(kind)}) from None
    if kind in (Words, Numbers):
        inner = str if kind == Words else int
        if isinstance(value, list) and all(type(item) is inner for item in value):
            return value
    elif kind == Pairs:
        if isinstance(value, list) and all(_is_pair(item) for item in value):
            return value
    elif kind == Data:
        if isinstance(value, dict) and all(type(one) in (str, int) for one in value.values()):
            return value
    elif kind == Ladder:
        if isinstance(value, dict):
            return value
    elif type(value) is kind:
        return value.strip() if kind is str else value
    raise ValueError("key.type", {"wanted": _WANTED.get(str(kind), "?")})


def _is_pair(item: Any) -> bool:
    """True for ["phần I.1", "chữ in ở đó"]."""
    return isinstance(item, list) and len(item) == 2 and all(type(one) is str for one in item)


_WANTED = {
    str(str): later("fault.wanted.str"),
    str(int): later("fault.wanted.int"),
    str(bool): later("fault.wanted.bool"),
    str(date): later("fault.wanted.date"),
    str(time): later("fault.wanted.time"),
    str(Words): later("fault.wanted.words"),
    str(Numbers): later("fault.wanted.numbers"),
    str(Pairs): later("fault.wanted.pairs"),
    str(Ladder): later("fault.wanted.ladder"),
    str(Data): later("fault.wanted.data"),
}
