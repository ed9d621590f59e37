"""The quarter's summary for who directs: the four counts of each body, which add up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import sort_key
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import digest, head_mail, stand_in
from ntm_workflow.chase.digest import Entry
from ntm_workflow.chase.quarter_letter import run_of
from ntm_workflow.reports import counts
from ntm_workflow.reports.counts import Counts
from ntm_workflow.store.tables import Notice, RowRecord, RowRole
from ntm_workflow.work import body_names

KIND = "quarter-summary"


@dataclass(frozen=True, slots=True)
class Part:
    """The counts under one plan: of each body by name, then of all together."""

    plan: str
    bodies: tuple[tuple[str, Counts], ...]
    total: Counts


def compose(
    message: Message, session: Session, notice: Notice, entries: Sequence[Entry],
    plans: Sequence[Plan], days: WorkCalendar, base_url: str, today: date,
) -> Message:  # fmt: skip
    """The summary of the rows that the reader directs, as of `today`.

    Rows that are confidential are not counted: the mail says that they are not.
    """
    mine = stand_in.bodies(session, notice)
    parts = [part for plan in plans if (part := _part(session, plan, mine, today))]
    run = next(found for plan in plans if (found := run_of(session, notice, plan, days)))
    left = sum(part.total.open_in_time + part.total.open_overdue for part in parts)
    overdue = sum(part.total.open_overdue for part in parts)
    said = {
        "quarter": texts.period(run.quarter), "day": texts.full_day(today),
        "left": left, "overdue": overdue,
    }  # fmt: skip
    values: dict[str, object] = {
        "to": message.to_name, "stead": stand_in.said(session, notice), "parts": parts,
        "lead": texts.say(f"{KIND}.counts", **said), "several": len(parts) > 1,
        "secret": any(entry.secret for entry in entries), "url": base_url,
        "offices": list(dict.fromkeys(p.body(p.coordination_office).name for p in plans)),
        "head": head_mail.printed(session),
        "plans": [texts.say("digest.plan", plan=p.code, day=p.issued_on) for p in plans],
    }  # fmt: skip
    return replace(
        message,
        subject=texts.say(f"{KIND}.heading", **said),
        text=digest.rendered("counts.txt", values), html=digest.rendered("counts.html", values),
    )  # fmt: skip


def _part(session: Session, plan: Plan, mine: Collection[str], today: date) -> Part | None:
    rows = _rows(session, plan, mine)
    found = counts.grouped(session, plan.id, today, "body", row_id=rows) if rows else {}
    if not found:
        return None
    names = body_names.history(session, found)
    called = [(body_names.at(names[body], today).short, one) for body, one in found.items()]
    bodies = tuple(sorted(called, key=lambda named: sort_key(named[0])))
    return Part(plan.code, bodies, sum(found.values(), Counts()))


def _rows(session: Session, plan: Plan, mine: Collection[str]) -> list[str]:
    """The rows of a plan that these bodies direct, but for confidential ones."""
    query = (
        select(RowRole.row_id)
        .join(
            RowRecord,
            (RowRecord.plan_id == RowRole.plan_id) & (RowRecord.row_id == RowRole.row_id),
        )
        .where(
            RowRole.plan_id == plan.id, RowRole.role == "directing", RowRole.body_id.in_(mine),
            RowRecord.secrecy == "",
        )
        .distinct()
    )  # fmt: skip
    return list(session.scalars(query))
