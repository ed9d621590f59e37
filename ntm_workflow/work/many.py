"""One act on many tasks, in one transaction: each that can be done is, the others are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ntm_workflow.errors import Refused, StaleEdit
from ntm_workflow.store.tables import Task
from ntm_workflow.work import audit

MOST = 500  # tasks of one act
_NAMED = 5  # changed tasks that a refusal names


@dataclass(slots=True)
class Outcome:
    """What an act did, or would do, by number and code; `left` are refused, with the reason."""

    done: list[tuple[int, str]] = field(default_factory=list)
    left: list[tuple[int, str, Refused]] = field(default_factory=list)


class Changed(StaleEdit):
    """Tasks were changed by others since they were seen; nothing was done."""

    def __init__(self, tasks: list[Task]) -> None:
        names = ", ".join(task.code for task in tasks[:_NAMED])
        super().__init__("many.changed", count=len(tasks), tasks=names)


def act(
    session: Session, plan_id: str, seen: Mapping[int, int], deed: Callable[[Task], object]
) -> Outcome:
    """Do a deed to each of these tasks of a plan: `seen` are their versions, by number.

    A deed raises Refused before it changes anything.

    Raises:
        Refused: more than MOST, or none.
        Changed: some have another version now.
    """
    if len(seen) > MOST:
        raise Refused("many.too_many", count=len(seen), most=MOST)
    audit.lock(session)
    tasks = list(session.scalars(_tasks(plan_id, seen)))
    if not tasks:
        raise Refused("many.none")
    if changed := [task for task in tasks if task.version != seen[task.id]]:
        raise Changed(changed)
    found = Outcome()
    for task in tasks:
        try:
            deed(task)
        except Refused as why:
            found.left.append((task.id, task.code, why))
        else:
            found.done.append((task.id, task.code))
    return found


def _tasks(plan_id: str, ids: Iterable[int]) -> Select[tuple[Task]]:
    query = select(Task).where(Task.plan_id == plan_id, Task.id.in_(list(ids)))
    query = query.order_by(Task.due_on, Task.id)
    return query.execution_options(populate_existing=True)


def versions(session: Session, ids: Select[tuple[int]]) -> dict[int, int]:
    """The versions of the tasks that a statement names; one more than MOST at most."""
    some = ids.limit(MOST + 1).subquery()
    query = select(Task.id, Task.version).where(Task.id.in_(select(some)))
    return dict(session.execute(query).tuples().all())


def versions_of(session: Session, ids: Iterable[int]) -> dict[int, int]:
    """The versions of these tasks now."""
    query = select(Task.id, Task.version).where(Task.id.in_(list(ids)))
    return dict(session.execute(query).tuples().all())
