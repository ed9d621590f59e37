"""A filter of the audit as an address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from ntm_workflow.errors import Refused
from ntm_workflow.reports.trail import Filter
from ntm_workflow.texts import has, say
from ntm_workflow.web import forms
from ntm_workflow.work import audit

FIELDS = ("hanh-dong", "ai", "doi-tuong", "qua", "tu-ngay", "den-ngay", "ngay")


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter, what was asked for, and a sentence for each thing it cannot mean."""

    only: Filter
    values: dict[str, str]
    problems: tuple[str, ...]

    @property
    def query(self) -> str:
        return urlencode(self.values)


def read(asked: Mapping[str, str]) -> Asked:
    """What an address asks for. `ngay` is one day, kept for the links that say it."""
    values = {name: forms.clean(asked.get(name, ""))[:200] for name in FIELDS}
    values = {name: value for name, value in values.items() if value}
    problems: list[str] = []

    def day(name: str) -> date | None:
        try:
            return forms.day(values[name]) if name in values else None
        except Refused:
            problems.append(say("filter.day", name=say(f"filter.{name}"), value=values[name]))
            return None

    action, one = values.get("hanh-dong", ""), day("ngay")
    if action and action not in set(audit.Action):
        problems.append(say("filter.unknown", name=say("filter.hanh-dong"), value=action))
        action = ""
    way = values.get("qua", "")
    if way and not has(f"via.{way}"):
        problems.append(say("filter.unknown", name=say("filter.qua"), value=way))
        way = ""
    only = Filter(
        action, values.get("ai", ""), values.get("doi-tuong", ""), way,
        day("tu-ngay") or one, day("den-ngay") or one,
    )  # fmt: skip
    if only.first and only.last and only.first > only.last:
        problems.append(say("filter.order", first=only.first, last=only.last))
        only = replace(only, first=None, last=None)
    return Asked(only, values, tuple(problems))
