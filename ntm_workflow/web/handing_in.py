"""Handing in: one document for several tasks of a body, drafts, and a button pressed twice.

The same for the signed-in page and for the page behind a personal link.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.errors import Refused
from ntm_workflow.reports import task_reach
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.evidence_files import Stored
from ntm_workflow.store.tables import Draft, RowRecord, Submission, Task
from ntm_workflow.texts import say
from ntm_workflow.web.forms import Typed
from ntm_workflow.work import drafts, evidence, tasks

SAVE = "luu-nhap"  # the act that keeps a draft
FIELDS = ("so_van_ban", "loai", "ngay", "trich_yeu", "ly_do_qua_han", "ghi_chu")
MOST = 40  # other tasks that a form offers, and however many were ticked


@dataclass(frozen=True, slots=True)
class Other:
    """Another open task of the same body, and what it is about."""

    task: Task
    content: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form of handing in, as its page shows it; `late` asks why, `itself` of this task.

    `guess` is a summary that is proposed; `saved_at` says when the draft was kept.
    `most`: there are more other tasks than these so many; else 0.
    """

    content: str
    others: list[Other]
    saved_at: datetime | None
    guess: str
    kinds: list[tuple[str, str, str]]
    late: bool
    itself: bool
    most: int = 0


def sheet(
    session: Session, task: Task, content: str, owner: str, via: str, today: date,
    typed: Typed | None, wrong: bool,
) -> tuple[Sheet, Typed | None]:  # fmt: skip
    """The form for a task, with what was typed: now, or else in this owner's draft."""
    draft, saved_at = kept(session, owner, task.id)
    now = typed or draft
    ticked = list(now.ticked) if now else []
    offers, most = offered(session, task, via, ticked), max(MOST, len(ticked))
    others = sorted(offers[:most], key=lambda one: (one.task.due_on, one.task.id))
    itself = is_late(task, today)
    made = Sheet(
        content, others, saved_at, guess(typed, content) if wrong else "", kinds(),
        itself or any(is_late(one.task, today) for one in others), itself,
        most if len(offers) > most else 0,
    )  # fmt: skip
    return made, now


def is_late(task: Task, today: date) -> bool:
    return today > task.due_on and task.suspended_on is None


# -- several tasks, one document -----------------------------------------------------


def offered(session: Session, task: Task, via: str, ticked: Collection[int] = ()) -> list[Other]:
    """The other tasks that a document may be handed in for too: those `ticked`, then the most
    urgent; at most one more than a form shows.
    """
    most = max(MOST, len(ticked))
    order = case((Task.id.in_(ticked), 0), else_=1), Task.due_on, Task.id
    found = session.execute(_others(task, via).order_by(*order).limit(most + 1))
    return [Other(one, content) for one, content in found.tuples()]


def _others(task: Task, via: str) -> Select[tuple[Task, str]]:
    """Open tasks of the same body and plan. A link does not open confidential rows."""
    query = (
        select(Task, RowRecord.content)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .where(
            task_reach.unindexed(Task.plan_id) == task.plan_id, Task.body_id == task.body_id,
            Task.state == "open", Task.id != task.id,
        )
    )  # fmt: skip
    return query.where(RowRecord.secrecy == "") if via == "link" else query


def others(session: Session, task: Task, typed: Typed, via: str) -> list[Task]:
    """The other tasks that were ticked, as they were seen.

    Raises:
        StaleEdit: one has changed since.
        Refused: one is closed, or not to be handed in for with this task.
    """
    ticked = {one: seen for one, seen in typed.ticked.items() if one != task.id}
    if not ticked:
        return []
    query = _others(task, via).where(Task.id.in_(list(ticked))).order_by(Task.due_on, Task.id)
    found = [one for one, _ in session.execute(query).tuples()]
    if len(found) != len(ticked):
        raise Refused("handin.not_one")
    for one in found:
        tasks.same_version(one, ticked[one.id])
    return found


def again(session: Session, task: Task, typed: Typed, via: str, name: str) -> bool:
    """Whether exactly this was handed in a moment ago: a button that was pressed twice."""
    chosen = [task, *_ticked(session, task, typed)]
    return all(_same(evidence.waiting(session, one), typed, via, name) for one in chosen)


def _ticked(session: Session, task: Task, typed: Typed) -> Iterable[Task]:
    query = select(Task).where(Task.id.in_(list(typed.ticked)), Task.body_id == task.body_id)
    return session.scalars(query)


def _same(waiting: Submission | None, typed: Typed, via: str, name: str) -> bool:
    if waiting is None or (waiting.via, waiting.by_name) != (via, name):
        return False
    number = f"{waiting.number}/{waiting.symbol}", waiting.subject, waiting.note
    said = typed.get("so_van_ban").replace(" ", ""), typed.get("trich_yeu"), typed.get("ghi_chu")
    files = {one.sha256 for one in waiting.files} == {one.sha256 for one in typed.files}
    return number == said and files


# -- drafts ----------------------------------------------------------------------------


def place(task_id: int) -> str:
    """The name of a task's form among the drafts of its owner."""
    return f"task/{task_id}"


def keep(rt: Runtime, owner: str, task_id: int, typed: Typed, now: datetime) -> bool:
    """Keep what is typed as this owner's draft; False where nothing is, and none is left."""
    held = _held(typed)
    with rt.sessions.begin() as session:
        if held:
            drafts.keep(session, owner, place(task_id), held, now)
        else:
            drafts.drop(session, owner, place(task_id))
    return bool(held)


def _held(typed: Typed) -> dict[str, Any]:
    said: dict[str, Any] = {name: typed.get(name) for name in FIELDS if typed.get(name)}
    fields = {"fields": said} if said else {}
    files = {"files": [[f.name, f.sha256, f.size] for f in typed.files]} if typed.files else {}
    return {**fields, **files, "ticked": list(typed.ticked)} if fields or files else {}


def kept(session: Session, owner: str, task_id: int) -> tuple[Typed | None, datetime | None]:
    """This owner's draft, as if it had just been typed, and when it was saved."""
    found = drafts.find(session, owner, place(task_id))
    return (_typed(found), found.saved_at) if found else (None, None)


def _typed(found: Draft) -> Typed:
    held = found.held
    files = [Stored(name, sha256, size) for name, sha256, size in held.get("files", ())]
    ticked = dict.fromkeys(held.get("ticked", ()), 0)  # whatever their versions are by now
    return Typed("nop", dict(held.get("fields", {})), files, ticked=ticked)


def saved(request: Request, now: datetime, something: bool, back: Response) -> Response:
    """What to answer where a draft was kept: a sentence for our script, a page for people."""
    said = say("draft.saved", at=texts.clock(now)) if something else say("draft.empty")
    return JSONResponse({"said": said}) if scripted(request) else back


def refused(request: Request, sentence: str, back: Response) -> Response:
    return JSONResponse({"said": sentence}, 422) if scripted(request) else back


def scripted(request: Request) -> bool:
    """Whether our script asks, and not a person's browser."""
    return request.headers.get("accept") == "application/json"


def done(request: Request, address: str) -> Response:
    """Lead to what came of it; our script is told where that is."""
    if scripted(request):
        return JSONResponse({"to": address})
    return RedirectResponse(address, 303)


def kinds() -> list[tuple[str, str, str]]:
    """The types of documents to choose from; first: by the symbol.

    Each is (abbreviation, words, words in the installation's language: documents are in it).
    """
    names = texts.keys("doc.")
    with texts.officially():
        official = [say(key) for key in names]
    named = zip(names, official, strict=True)
    found = [(key.removeprefix("doc."), say(key), said) for key, said in named]
    return [("", say("handin.by_symbol"), ""), *found]


def guess(typed: Typed | None, content: str) -> str:
    """A summary for "12/BC-UBND" or a chosen type: "Báo cáo rà soát …"; "" where none is known."""
    if typed is None or typed.get("trich_yeu"):
        return ""
    kind = typed.get("loai") or typed.get("so_van_ban").partition("/")[2].partition("-")[0].strip()
    if kind not in evidence.DOC_TYPES:
        return ""
    with texts.officially():
        named = say(f"doc.{kind}")
    return f"{named} {content[:1].lower()}{content[1:]}"[: evidence.SUBJECT_LIMIT]
