"""Reading bodies: who can be written to for each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import BodyKind, Plan
from ntm_workflow.chase import owed
from ntm_workflow.reports import task_reach
from ntm_workflow.reports.plan_memory import PlanMemory
from ntm_workflow.store.tables import Contact, ContactBody, Task


@dataclass(frozen=True, slots=True)
class Speaker:
    """A contact that speaks for a body. `reached`: it has an address that works."""

    id: int
    name: str
    email: str | None
    role: str
    active: bool
    reached: bool


def speakers(
    session: Session, bodies: Collection[str] | None = None
) -> dict[str, list[Speaker]]:  # fmt: skip
    """The contacts of each body, or of each of some; one statement."""
    query = (
        select(ContactBody.body_id, Contact.id, Contact.name, Contact.email, ContactBody.role)
        .add_columns(Contact.active, owed.reached(Contact.id))
        .join(Contact, Contact.id == ContactBody.contact_id)
        .order_by(Contact.id)
    )
    if bodies is not None:
        query = query.where(task_reach.among(session, ContactBody.body_id, frozenset(bodies)))
    found: dict[str, list[Speaker]] = {}
    for body, *rest in session.execute(query):
        found.setdefault(body, []).append(Speaker(*rest))
    return found


def reachable(speakers: list[Speaker]) -> bool:
    """True when somebody of them can be written to."""
    return any(one.active and one.reached for one in speakers)


def owing(session: Session, plan: Plan, ids: Collection[str]) -> list[str]:
    """Those of some bodies that have tasks of a plan; no statement where there are none."""
    if not ids:
        return []
    query = select(Task.body_id).distinct().where(
        task_reach.unindexed(Task.plan_id) == plan.id, Task.state != "cancelled",
        task_reach.among(session, Task.body_id, frozenset(ids)),
    )  # fmt: skip
    return list(session.scalars(query))


def working(plan: Plan) -> list[str]:
    """The bodies that have work under a plan and ought to be reached.

    Not the groups whose members nobody has listed: they have no mailbox to be found.
    """
    found = dict.fromkeys(body for row in plan.all_rows for body in row.implementing)
    return [body for body in found if plan.body(body).kind != BodyKind.GROUP]


def unreached(session: Session, plan: Plan) -> Select[tuple[int]]:
    """How many of them nobody can be written to for."""
    working = at_work(plan)
    return (
        select(len(working) - func.count(ContactBody.body_id.distinct()))
        .join(Contact, Contact.id == ContactBody.contact_id)
        .where(Contact.active, owed.reached(Contact.id))
        .where(task_reach.among(session, ContactBody.body_id, working))
    )


def at_work(plan: Plan) -> frozenset[str]:
    """The same as a set; worked out once for a plan that stays in memory."""
    return _sets.of(plan, lambda: frozenset(working(plan)))


_sets: PlanMemory[frozenset[str]] = PlanMemory()
