"""Reading what tells that the database answers, and which day it is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, literal, select, true
from sqlalchemy.orm import Session

from ntm_workflow.reports.trail import Head
from ntm_workflow.store.tables import AuditHead, OrderedDayRecord, PlanRecord, SimulatedClock
from ntm_workflow.work import body_lives
from ntm_workflow.work.body_lives import Mark
from ntm_workflow.work.plans import Marks


@dataclass(frozen=True, slots=True)
class Standing:
    """The simulated day (None: the real clock counts), and what shows that plans have changed.

    `ordered` counts the ordered days on record, `marks` are those of `plans.marks`, `events`
    that of `body_lives`; `head` is where the audit ends: what is read after it is never older.
    """

    simulated_on: date | None
    ordered: int
    marks: Marks
    events: Mark
    head: Head


def audit_length(session: Session) -> int:
    """How many entries the audit has: one row, so that it can be asked every second."""
    return session.execute(select(AuditHead.seq)).scalar_one()


def standing(session: Session) -> Standing:
    """What every page asks first, in one statement: one line for each plan, or one without."""
    day = select(SimulatedClock.today).scalar_subquery()
    ordered = select(func.count()).select_from(OrderedDayRecord).scalar_subquery()
    always = select(literal(1)).subquery()
    plan = PlanRecord
    query = (
        select(day, ordered, *body_lives.mark_columns(), AuditHead.seq, AuditHead.hash)
        .add_columns(plan.id, plan.digest, plan.ended_on)
        .select_from(always)
        .join(AuditHead, true())
        .outerjoin(plan, true())
    )
    lines = session.execute(query).all()
    marks = frozenset((id, digest, ended) for *_, id, digest, ended in lines if id is not None)
    day_set, days, events, told, seq, digest, *_ = lines[0]
    mark = body_lives.as_mark(events, told)
    return Standing(day_set, days, marks, mark, Head(seq, digest.hex()))
