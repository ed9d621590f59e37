"""A filter of tasks as an address says it: read, explained, offered as a form and as chips."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from fastapi import Request

from ntm_workflow import texts
from ntm_workflow.appendix.model import Body, Plan
from ntm_workflow.appendix.text import fold, sort_key
from ntm_workflow.errors import Refused
from ntm_workflow.reports.plan_memory import PlanMemory
from ntm_workflow.reports.standings import SLUGS
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.texts import say
from ntm_workflow.web import forms, visitor, words
from ntm_workflow.web.desk import Desk
from ntm_workflow.web.which_plan import FIELD
from ntm_workflow.work.assign import AD_HOC
from ntm_workflow.work.body_names import Called

LEVELS = {"tinh": "province", "huyen": "district", "xa": "commune", "trung-uong": "central"}
TO_DO = "con-phai-lam"
FIELDS = ("tim", "tinh-trang", "don-vi", "cap", "muc", "dong", "ky", "tu", "den")
ALL = "/viec?tinh-trang="  # the list without a condition
KEPT = (*FIELDS, FIELD)  # of an address: what says which tasks
MOST_OFFERED = 60  # bodies of one list; where there are more, people type
MOST_ROWS = 60  # rows and periods of one
LONGEST_CHOICE = 40
_AD_HOC = re.compile(rf"\d{{4}}-{AD_HOC}\d{{1,6}}", re.ASCII)

Choices = list[tuple[str, str]]
_levels: PlanMemory[set[str]] = PlanMemory()


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition in words, and the address of the list without it."""

    name: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter, what was asked for, and a sentence for each thing it cannot mean."""

    only: Filter
    values: dict[str, str]
    problems: tuple[str, ...]

    @property
    def query(self) -> str:
        """The address's query that says this filter: "tinh-trang=qua-han&cap=xa"."""
        return urlencode(self.values)

    @property
    def filters(self) -> bool:
        return self.only != Filter(bodies=self.only.bodies)


def kept(asked: Mapping[str, str]) -> dict[str, str]:
    """What of an address says which tasks, in one order."""
    return {name: asked[name] for name in KEPT if asked.get(name)}


def begins(query: Mapping[str, str], request: Request) -> bool:
    """True where an office opens the list without saying what: it sees what it has to do."""
    return visitor.own(request) is not None and not any(name in query for name in FIELDS)


def read(asked: Mapping[str, str], desk: Desk) -> Asked:
    """What an address asks for. What it cannot mean is said, and narrows nothing."""
    values = {name: forms.clean(value)[:200] for name, value in kept(asked).items()}
    values = {name: value for name, value in values.items() if value}
    problems: list[str] = []

    def ask(name: str, meant: Callable[[str], str | None]) -> str:
        value = values.get(name, "")
        found = meant(value) if value else ""
        if found is None:
            problems.append(say("filter.unknown", name=say(f"filter.{name}"), value=value))
        return found or ""

    def day(name: str) -> date | None:
        try:
            return forms.day(values[name]) if name in values else None
        except Refused:
            problems.append(say("filter.day", name=say(f"filter.{name}"), value=values[name]))
            return None

    plan = desk.plan
    only = Filter(
        standing=ask("tinh-trang", SLUGS.get),
        section=ask("muc", lambda v: v if v == "TC" or plan.section_title(v) else None),
        row=ask("dong", lambda v: v if plan.has_row(v) else None),
        body=ask("don-vi", lambda v: body(v, desk)),
        level=ask("cap", LEVELS.get),
        period=ask("ky", lambda v: v if _is_period(v, desk) else None),
        text=values.get("tim", ""), due_from=day("tu"), due_to=day("den"),
        bodies=visitor.own(desk.request),
    )  # fmt: skip
    if only.due_from and only.due_to and only.due_from > only.due_to:
        problems.append(say("filter.order", first=only.due_from, last=only.due_to))
        only = replace(only, due_from=None, due_to=None)
    return Asked(only, values, tuple(problems))


def body(typed: str, desk: Desk) -> str | None:
    """The one body of this id or name, else whose name has this; None if none or several.

    For an office there are its own bodies only.
    """
    return body_of(typed, desk.plan, desk.given, visitor.own(desk.request))


def body_of(
    typed: str, plan: Plan, given: Mapping[str, Called], own: Collection[str] | None = None
) -> str | None:
    """The same of a plan whose events have `given` names; among `own` alone, where they are."""
    known: dict[str, Body | Called] = {one.id: one for one in plan.bodies}
    known |= given
    if own is not None:
        known = {body: one for body, one in known.items() if body in own}
    if typed in known:
        return typed
    wanted = fold(typed)
    found = [b for b, one in known.items() if wanted in (fold(one.name), fold(one.short))]
    if not found:
        found = [b for b, one in known.items() if wanted in fold(f"{one.name} {one.short}")]
    return found[0] if len(found) == 1 else None


# -- in words ------------------------------------------------------------------------


def chips(asked: Asked, desk: Desk) -> list[Chip]:
    """Each active condition, to be read and to be taken off."""
    only = asked.only
    said = {
        "tim": f"“{only.text}”" if only.text else "",
        "tinh-trang": say(f"standing.{only.standing}") if only.standing else "",
        "don-vi": desk.body_name(only.body) if only.body else "",
        "cap": say(f"level.{only.level}") if only.level else "",
        "muc": only.section, "dong": only.row,
        "ky": words.upper_first(texts.period(only.period)) if only.period else "",
        "tu": texts.day(only.due_from) if only.due_from else "",
        "den": texts.day(only.due_to) if only.due_to else "",
    }  # fmt: skip
    return [
        Chip(say(f"filter.{name}"), value, _without(asked, name))
        for name, value in said.items()
        if value
    ]


def _without(asked: Asked, name: str) -> str:
    left = {key: value for key, value in asked.values.items() if key != name}
    return f"/viec?{urlencode(left)}" if left else ALL


# -- as a form -------------------------------------------------------------------------


def choices(desk: Desk, only: Filter) -> dict[str, Choices]:
    """What each list of the form offers, as (value, words); none where it would be endless."""
    plan = desk.plan
    levels = _levels.of(plan, lambda: {str(one.level) for one in plan.bodies})
    titles = [(s.id, f"{s.id}. {s.title}") for s in plan.sections]
    return {
        "tinh-trang": [(slug, say(f"standing.{name}")) for slug, name in SLUGS.items()],
        "muc": titles + ([("TC", say("criteria.section"))] if plan.criteria else []),
        "dong": _few([(row.id, shortened(f"{row.id} {row.content}")) for row in plan.all_rows]),
        "don-vi": bodies(desk, only.body),
        "cap": [(slug, say(f"level.{name}")) for slug, name in LEVELS.items() if name in levels],
        "ky": _few(_periods(desk)),
    }


def bodies(desk: Desk, *also: str, most: int = MOST_OFFERED) -> Choices:
    """The bodies of the plan, an office's own, by name; none where they are more than `most`."""
    own = visitor.own(desk.request)
    ids = dict.fromkeys([*(one.id for one in desk.plan.bodies), *filter(None, also)])
    if own is not None:
        ids = dict.fromkeys(own)
    elif len(desk.plan.bodies) > most:
        return []
    return sorted(((i, desk.body_name(i)) for i in ids), key=lambda one: sort_key(one[1]))


def _periods(desk: Desk) -> Choices:
    """The periods of the plan's occurrences, in the order they open."""
    names = dict.fromkeys(one.period for one in desk.occurrences)
    return [(name, words.upper_first(texts.period(name))) for name in names]


def _is_period(name: str, desk: Desk) -> bool:
    """True for the plan's periods, and for those that people open when the need arises."""
    return name in {one.period for one in desk.occurrences} or bool(_AD_HOC.fullmatch(name))


def _few(found: Choices) -> Choices:
    return found if len(found) <= MOST_ROWS else []


def shortened(text: str) -> str:
    """A text as a list of choices shows it."""
    return text if len(text) <= LONGEST_CHOICE else text[: LONGEST_CHOICE - 1].rstrip() + "…"
