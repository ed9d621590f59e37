"""Reading what tells that the database answers, and which day it is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import AuditHead, OrderedDayRecord, SimulatedClock


@dataclass(frozen=True, slots=True)
class Standing:
    """The simulated day (None: the real clock counts), and how many ordered days are recorded."""

    simulated_on: date | None
    ordered: int


def audit_length(session: Session) -> int:
    """How many entries the audit has: one row, so that it can be asked every second."""
    return session.execute(select(AuditHead.seq)).scalar_one()


def standing(session: Session) -> Standing:
    """What every page asks first, in one statement."""
    day = select(SimulatedClock.today).scalar_subquery()
    ordered = select(func.count()).select_from(OrderedDayRecord).scalar_subquery()
    return Standing(*session.execute(select(day, ordered)).one())
