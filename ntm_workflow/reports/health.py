"""Reading what tells that the database answers, and which day it is there."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import AuditHead, SimulatedClock


def audit_length(session: Session) -> int:
    """How many entries the audit has: one row, so that it can be asked every second."""
    return session.execute(select(AuditHead.seq)).scalar_one()


def simulated_day(session: Session) -> date | None:
    return session.scalar(select(SimulatedClock.today))
