"""Plans: put in force with their texts, amended, ended, and read back.

The database holds the text of every plan in force, because the page and the
workers of one office may sit on different machines. A use case never commits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import AppendixFaults, NotFound, Refused
from ntm_workflow.store.tables import PlanRecord, PlanVersion, RowRecord, RowRole
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit, body_names, ladders
from ntm_workflow.work.audit import Action, Actor, Entry

Marks = frozenset[tuple[str, str, date | None]]


@dataclass(frozen=True, slots=True)
class Known:
    """A plan the database knows, with its current version; version 0 has no text.

    `since` is when its first text was put in force, `document` what ordered the
    current one.
    """

    id: str
    number: int
    symbol: str
    year: int
    title: str
    digest: str
    version: int
    since: datetime
    document: str
    ended_on: date | None
    ended_by: str | None

    @property
    def code(self) -> str:
        return f"{self.number:02d}/{self.symbol}"


# -- putting in force and ending ---------------------------------------------


def put_in_force(
    session: Session,
    plan: Plan,
    text: bytes,
    *,
    now: datetime,
    actor: Actor,
    document: str = "",
) -> bool:
    """Put a plan, or a new text of it, in force; True if anything changed. Safe to repeat.

    `text` is what `plan` was read from, `document` the number of what ordered it.

    Raises:
        Refused: another plan of the same issuer has this number, this id
            belongs to a plan of another number, the plan has ended, or a body
            is printed under a name it never had.
    """
    if hashlib.sha256(text).hexdigest() != plan.digest:
        raise ValueError(f"the text is not that of plan {plan.id}")
    audit.lock(session)  # two machines that load the same text wait for each other
    current = _last_version(session, plan.id)
    must_be_in_force(session, plan.id)
    if current and current.digest == plan.digest:
        return False
    was = _readable(session, current) if current else None
    before = register(session, plan, now=now)
    if was:
        ladders.follow(session, was, plan, now.astimezone(ZONE).date())
    version = current.version + 1 if current else 1
    session.add(
        PlanVersion(
            plan_id=plan.id, version=version, digest=plan.digest, text=text,
            document=document, put_at=now, put_by=actor.name,
        )
    )  # fmt: skip
    session.flush()
    data = {
        "number": plan.code, "digest": plan.digest, "before": before, "version": version,
        "document": document,
    }  # fmt: skip
    audit.append(session, actor, now, [Entry(Action.PLAN_LOADED, plan.id, data)])
    return True


def register(session: Session, plan: Plan, *, now: datetime) -> str:
    """Write the tables that stand for the plan in every query; return the digest before.

    Its text is `put_in_force`'s business.
    """
    known = session.get(PlanRecord, plan.id, populate_existing=True)
    _refuse_twin(session, plan, known)
    record = known or PlanRecord(id=plan.id)
    before = record.digest if known else ""
    record.issuer, record.number, record.symbol = plan.issuer, plan.number, plan.symbol
    record.year, record.title = plan.year, plan.title
    record.digest, record.loaded_at = plan.digest, now
    session.add(record)
    session.flush()
    body_names.enrol(session, plan)
    _write_rows(session, plan)
    session.flush()
    return before


def end(
    session: Session, plan_id: str, document: str, *, now: datetime, today: date, actor: Actor
) -> None:
    """End a plan by a document: it opens no more tasks; open ones are chased until done.

    Raises:
        NotFound: nobody knows the plan, or its text is not kept.
        Refused: it has ended already, or the document is not named.
    """
    audit.lock(session)
    record = session.get(PlanRecord, plan_id, populate_existing=True)
    if record is None:
        raise NotFound("plan.unknown", id=plan_id)
    must_be_in_force(session, plan_id)
    if not document.strip():
        raise Refused("plan.no_document")
    text_of(session, plan_id)  # without its text nobody could chase what stays open
    record.ended_on, record.ended_by = today, document.strip()
    session.flush()
    code = f"{record.number:02d}/{record.symbol}"
    data = {"number": code, "day": today, "document": document.strip()}
    audit.append(session, actor, now, [Entry(Action.PLAN_ENDED, plan_id, data)])


def must_be_in_force(session: Session, plan_id: str) -> None:
    """Refuse what only a plan in force takes. Raises Refused."""
    query = select(PlanRecord.ended_on, PlanRecord.ended_by).where(PlanRecord.id == plan_id)
    found = session.execute(query).first()
    if found and found.ended_on:
        raise Refused("plan.has_ended", id=plan_id, day=found.ended_on, document=found.ended_by)


def _write_rows(session: Session, plan: Plan) -> None:
    query = select(RowRecord).where(RowRecord.plan_id == plan.id)
    known = {record.row_id: record for record in session.scalars(query)}
    for row in plan.all_rows:
        record = known.get(row.id) or RowRecord(plan_id=plan.id, row_id=row.id)
        record.section, record.content, record.secrecy = row.section, row.content, row.secrecy
        record.timing = row.timing_text
        session.add(record)
    session.flush()
    session.execute(delete(RowRole).where(RowRole.plan_id == plan.id))
    roles = [
        {"plan_id": plan.id, "row_id": row.id, "role": role, "body_id": body_id}
        for row in plan.all_rows
        for role, ids in (
            ("directing", row.directing or (plan.issuer,)),  # somebody always answers for a row
            ("coordinating", row.coordinating),
        )
        for body_id in _told(plan, ids)
    ]
    if roles:
        session.execute(insert(RowRole), roles)


def _told(plan: Plan, ids: tuple[str, ...]) -> Iterable[str]:
    """The bodies of a cell, groups replaced by their members."""
    return dict.fromkeys(m for b in ids for m in plan.body(b).members or (b,))


def _refuse_twin(session: Session, plan: Plan, known: PlanRecord | None) -> None:
    key = (plan.issuer, plan.number, plan.symbol, plan.year)
    if known and (known.issuer, known.number, known.symbol, known.year) != key:
        raise Refused("plan.id_taken", id=plan.id, number=f"{known.number}/{known.symbol}")
    twin = session.scalar(
        select(PlanRecord).where(
            PlanRecord.issuer == plan.issuer, PlanRecord.number == plan.number,
            PlanRecord.symbol == plan.symbol, PlanRecord.year == plan.year,
            PlanRecord.id != plan.id,
        )
    )  # fmt: skip
    if twin:
        raise Refused("plan.number_taken", number=plan.code, id=twin.id)


def _last_version(session: Session, plan_id: str) -> PlanVersion | None:
    query = select(PlanVersion).where(PlanVersion.plan_id == plan_id)
    return session.scalars(query.order_by(PlanVersion.version.desc()).limit(1)).first()


# -- reading -----------------------------------------------------------------


def marks(session: Session) -> Marks:
    """What changes whenever a plan is put in force, amended or ended; one cheap statement."""
    query = select(PlanRecord.id, PlanRecord.digest, PlanRecord.ended_on)
    return frozenset(session.execute(query).tuples())


def in_force(session: Session) -> frozenset[str]:
    """The ids of the plans that have not ended."""
    return frozenset(session.scalars(select(PlanRecord.id).where(PlanRecord.ended_on.is_(None))))


def known(session: Session) -> list[Known]:
    """Every plan the database knows, in the order of year and number; one statement."""
    last = (
        select(
            PlanVersion.plan_id, func.max(PlanVersion.version).label("version"),
            func.min(PlanVersion.put_at).label("since"),
        )
        .group_by(PlanVersion.plan_id)
        .subquery()
    )  # fmt: skip
    record = PlanRecord
    query = (
        select(
            record.id, record.number, record.symbol, record.year, record.title, record.digest,
            func.coalesce(last.c.version, 0), func.coalesce(last.c.since, record.loaded_at),
            func.coalesce(PlanVersion.document, ""), record.ended_on, record.ended_by,
        )
        .outerjoin(last, last.c.plan_id == record.id)
        .outerjoin(
            PlanVersion,
            (PlanVersion.plan_id == record.id) & (PlanVersion.version == last.c.version),
        )
        .order_by(record.year, record.number, record.id)
    )  # fmt: skip
    return [Known(*row) for row in session.execute(query)]


def had_text(session: Session, plan_id: str, digest: str) -> bool:
    """True if a text of this digest was in force before, or is now."""
    query = select(PlanVersion.version).where(
        PlanVersion.plan_id == plan_id, PlanVersion.digest == digest
    )
    return session.scalar(query.limit(1)) is not None


def text_of(session: Session, plan_id: str) -> bytes:
    """The current text of a plan.

    Raises:
        NotFound: nobody knows the plan, or it was put in force before texts were kept.
    """
    found = _last_version(session, plan_id)
    if found is None:
        raise NotFound("plan.no_text" if _known(session, plan_id) else "plan.unknown", id=plan_id)
    return found.text


def _known(session: Session, plan_id: str) -> bool:
    return session.get(PlanRecord, plan_id) is not None


_PARSED: dict[str, Plan] = {}  # by digest: a text never changes


def current(session: Session, at: Marks, have: Mapping[str, Plan]) -> dict[str, Plan]:
    """The plans of `at` by id; those of `have` are taken where their digest is the current one.

    Plans that have no text yet are left out: nobody can run them.

    Raises:
        AppendixFaults: a text cannot be read by this version of the program.
    """
    found: dict[str, Plan] = {}
    for plan_id, digest, _ in sorted(at, key=lambda mark: mark[0]):
        known = have.get(plan_id)
        plan = known if known and known.digest == digest else _PARSED.get(digest)
        plan = plan or _read(session, plan_id, digest)
        if plan:
            found[plan_id] = plan
    return found


def _readable(session: Session, version: PlanVersion) -> Plan | None:
    """A version's plan; None where it was written for an older program."""
    try:
        return _PARSED.get(version.digest) or _read(session, version.plan_id, version.digest)
    except AppendixFaults:
        return None


def _read(session: Session, plan_id: str, digest: str) -> Plan | None:
    version = _last_version(session, plan_id)
    if version is None or version.digest != digest:
        return None
    plan = toml_file.parse(version.text, f"{plan_id}, {version.version}")
    _PARSED[plan.digest] = plan
    return plan
