"""The audit told again from the beginning: which state it says each task is in. Pure.

What the tables say can be held against it: a task that was changed past the
audit differs, even where the chain of the audit is whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ntm_workflow.work.audit import Action

PREFIX = "task."
_STATES = {
    Action.TASK_SUBMITTED: "submitted", Action.TASK_ACCEPTED: "accepted",
    Action.TASK_RETURNED: "open", Action.TASK_CANCELLED: "cancelled",
    Action.TASK_REASSIGNED: "cancelled",  # the other body's was opened beside it
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What the audit tells of a task. `completed_on` is None while it is not accepted."""

    state: str
    due_on: date
    suspended: bool = False
    completed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A task, named with its plan, of which the tables say something else than the audit."""

    task: str
    told: Told | None
    found: Told | None


def replay(entries: Iterable[tuple[str, str, str]]) -> dict[str, Told]:
    """Full code → state, from (action, subject, data) in the order of the chain.

    A full code names the plan too ("28-kh-ubnd-2020:III.1/2020-06/bql-tan-lap").
    Entries about anything but tasks may be left in.
    """
    found: dict[str, Told] = {}
    for action, subject, data in entries:
        if not action.startswith(PREFIX):
            continue
        said = json.loads(data)
        name = f"{said.get('plan', '')}:{subject}"
        after = step(found.get(name), action, said)
        if after is not None:
            found[name] = after
    return found


def step(before: Told | None, action: str, said: dict[str, Any]) -> Told | None:
    """What one entry makes of a task; None where it tells of one that was never opened."""
    if action == Action.TASK_OPENED:
        return Told("open", date.fromisoformat(said["due_on"]), bool(said.get("suspended")))
    if before is None:
        return None
    if action == Action.TASK_DUE_CHANGED:
        return replace(before, due_on=date.fromisoformat(said["to"]))
    if action in (Action.TASK_SUSPENDED, Action.TASK_RESUMED):
        return replace(before, suspended=action == Action.TASK_SUSPENDED)
    if action == Action.TASK_ACCEPTED:
        return replace(
            before, state="accepted", completed_on=date.fromisoformat(said["completed_on"])
        )
    return replace(before, state=_STATES.get(Action(action), before.state))


def differences(told: dict[str, Told], found: dict[str, Told]) -> Iterator[Difference]:
    """Yield, by name, the tasks of which the audit and the tables say different things."""
    for name in sorted(told.keys() | found.keys()):
        if told.get(name) != found.get(name):
            yield Difference(name, told.get(name), found.get(name))
