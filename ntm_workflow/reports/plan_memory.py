"""What was worked out from a plan, kept while the plan stays in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from ntm_workflow.appendix.model import Plan

T = TypeVar("T")
KEPT = 8  # plans; a plan is large to hash, so it is known by being the same object


class PlanMemory(Generic[T]):
    """One value for each of the plans that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Plan, T]] = OrderedDict()

    def of(self, plan: Plan, make: Callable[[], T]) -> T:
        """The value of a plan, made where it is not there. Two threads may both make it."""
        found = self._kept.get(id(plan))
        if found and found[0] is plan:
            return found[1]
        made = make()
        self._kept[id(plan)] = (plan, made)
        for old in list(self._kept)[:-KEPT]:
            self._kept.pop(old, None)
        return made
