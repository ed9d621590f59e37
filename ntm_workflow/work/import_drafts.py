"""Drafts of the import page: made of a file, answered, dropped, put in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import fold
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.store.evidence_files import Stored
from ntm_workflow.store.tables import ImportDraft, Learnt, PlanRecord
from ntm_workflow.work import audit, plans
from ntm_workflow.work.audit import Action, Actor, Entry

Answer = dict[str, Any]
# Answers that are worth remembering: what a name or a timing means. A date is of one plan only.
_LEARNT = {"body": ("is", "new", "group", "skip"), "unit": ("is", "unit", "skip"),
           "timing": ("read",)}  # fmt: skip


def find(session: Session, draft_id: int) -> ImportDraft:
    draft = session.get(ImportDraft, draft_id)
    if draft is None:
        raise NotFound("nhap.missing", id=draft_id)
    return draft


def all_drafts(session: Session, limit: int = 200) -> list[ImportDraft]:
    """The drafts that were not dropped, the newest first."""
    query = select(ImportDraft).where(ImportDraft.state != "dropped")
    return list(session.scalars(query.order_by(ImportDraft.id.desc()).limit(limit)))


def of_file(session: Session, sha256: str) -> ImportDraft | None:
    """The draft that a file already has."""
    query = select(ImportDraft).where(ImportDraft.sha256 == sha256, ImportDraft.state != "dropped")
    return session.scalar(query)


def create(
    session: Session, stored: Stored, asked: int, *, now: datetime, actor: Actor
) -> ImportDraft:
    """Begin a draft of a file that was read; the one it already has, where it has one."""
    audit.lock(session)
    if known := of_file(session, stored.sha256):
        return known
    draft = ImportDraft(
        name=stored.name, sha256=stored.sha256, size=stored.size, created_at=now, changed_at=now,
        by=actor.name, answers={}, asked=asked, answered=0,
    )  # fmt: skip
    session.add(draft)
    session.flush()
    data = {"name": stored.name, "sha256": stored.sha256}
    audit.append(session, actor, now, [Entry(Action.IMPORT_CREATED, _subject(draft), data)])
    return draft


def answer(
    session: Session, draft: ImportDraft, given: Mapping[str, Answer | None],
    counts: tuple[int, int], version: int, *, now: datetime, actor: Actor,
) -> None:  # fmt: skip
    """Keep answers by their keys; None takes one back. `counts` are answered and asked then.

    Raises:
        StaleEdit: somebody answered after this person's page was made.
        Refused: the draft is no longer open.
    """
    audit.lock(session)
    same_version(draft, version)
    _still_open(draft)
    kept = dict(draft.answers)
    for key, one in given.items():
        if one is None:
            kept.pop(key, None)
        else:
            kept[key] = one
    draft.answers, draft.changed_at = kept, now
    draft.answered, draft.asked = counts
    session.flush()
    entries = [
        Entry(Action.IMPORT_ANSWERED, _subject(draft),
              {"key": key, "question": (one or {}).get("printed") or key, "answer": one})
        for key, one in given.items()
    ]  # fmt: skip
    audit.append(session, actor, now, entries)
    _learn(session, given, now, actor)


def drop(
    session: Session, draft: ImportDraft, version: int, *, now: datetime, actor: Actor
) -> None:
    """Put a draft away. Its answers stay in the database, its file in the store."""
    audit.lock(session)
    same_version(draft, version)
    _still_open(draft)
    draft.state, draft.changed_at = "dropped", now
    session.flush()
    audit.append(session, actor, now, [Entry(Action.IMPORT_DROPPED, _subject(draft), {})])


def put_in_force(
    session: Session, draft: ImportDraft, plan: Plan, text: bytes, version: int, *,
    now: datetime, actor: Actor,
) -> bool:  # fmt: skip
    """Make the draft's plan a running one; False where it already runs just so.

    Raises:
        Refused: a plan of this number runs already, from another text.
        StaleEdit: somebody answered after this person's page was made.
    """
    audit.lock(session)
    if draft.state == "in_force":
        return False
    same_version(draft, version)
    _still_open(draft)
    if plan.amends:
        raise Refused("nhap.amends", plan=plan.amends)
    _refuse_other(session, plan)
    changed = _run(session, plan, text, draft.name, now, actor)
    draft.state, draft.plan_id, draft.changed_at = "in_force", plan.id, now
    session.flush()
    data = {"plan": plan.id, "number": plan.code, "digest": plan.digest}
    audit.append(session, actor, now, [Entry(Action.IMPORT_IN_FORCE, _subject(draft), data)])
    return changed


def _refuse_other(session: Session, plan: Plan) -> None:
    """A plan that runs from another text is amended on purpose, never by a second file."""
    same = (PlanRecord.issuer == plan.issuer, PlanRecord.number == plan.number,
            PlanRecord.symbol == plan.symbol, PlanRecord.year == plan.year)  # fmt: skip
    twin = session.scalar(select(PlanRecord).where(or_(PlanRecord.id == plan.id, and_(*same))))
    if twin and twin.digest != plan.digest:
        raise Refused("nhap.plan_runs", number=plan.code, year=plan.year)


def _run(
    session: Session, plan: Plan, text: bytes, document: str, now: datetime, actor: Actor
) -> bool:
    """The one place where a plan of the import page goes to work."""
    return plans.put_in_force(session, plan, text, now=now, actor=actor, document=document)


def same_version(draft: ImportDraft, version: int) -> None:
    if draft.version != version:
        raise StaleEdit("nhap.changed", name=draft.name)


def _still_open(draft: ImportDraft) -> None:
    if draft.state != "open":
        raise Refused(f"nhap.state.{draft.state}", name=draft.name)


def _subject(draft: ImportDraft) -> str:
    return f"import/{draft.id}"


# -- what was learnt ---------------------------------------------------------------


def _learn(
    session: Session, given: Mapping[str, Answer | None], now: datetime, actor: Actor
) -> None:
    for key, one in given.items():
        kind = key.partition("|")[0]
        if one and one.get("printed") and one.get("do") in _LEARNT.get(kind, ()):
            printed = fold(str(one["printed"]))
            query = select(Learnt).where(Learnt.kind == kind, Learnt.printed == printed)
            known = session.scalar(query) or Learnt(kind=kind, printed=printed)
            known.meaning, known.learnt_at, known.by = dict(one), now, actor.name
            session.add(known)
    session.flush()


def learnt(session: Session) -> dict[str, Answer]:
    """What was answered before, by the key that the same question has: "body|bql cap xa"."""
    return {
        f"{one.kind}|{one.printed[:120]}": one.meaning for one in session.scalars(select(Learnt))
    }
