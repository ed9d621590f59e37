"""The bodies of a plan as its pages list them: by the alphabet, and found by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import SortKey, fold, sort_key
from ntm_workflow.reports import task_reach
from ntm_workflow.reports.plan_memory import PlanMemory
from ntm_workflow.work.body_names import Called

_keys: PlanMemory[dict[str, SortKey]] = PlanMemory()  # of ten thousand names they take a while


def in_order(plan: Plan, given: Mapping[str, Called], ids: Iterable[str]) -> list[str]:
    """Bodies by their short names as they are called now; `given` by events."""
    keys = _keys.of(plan, lambda: {one.id: sort_key(one.short) for one in plan.bodies})
    keys = keys | {body: sort_key(one.short) for body, one in given.items()}
    return sorted(ids, key=lambda body: (keys.get(body) or sort_key(body), body))


def found(
    plan: Plan, given: Mapping[str, Called], ids: Iterable[str], text: str,
    also: Mapping[str, str] | None = None,
) -> list[str]:  # fmt: skip
    """Those whose id and names have each word of a text, with or without its marks.

    `also`: what else, folded, is said of each.
    """
    words, named, more = task_reach.words(text), task_reach.names(plan).bodies, also or {}
    later = {body: fold(f"{one.name} {one.short}") for body, one in given.items()}

    def said(body: str) -> str:
        return f"{named.get(body, fold(body))} {later.get(body, '')} {more.get(body, '')}"

    return [body for body in ids if all(word in said(body) for word in words)]
