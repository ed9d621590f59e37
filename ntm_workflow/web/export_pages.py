"""Lists as files: everything that a filter lists, streamed, and an audit entry that says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import Refused
from ntm_workflow.reports import sheet, tasks, trail
from ntm_workflow.reports.sheet import Cell
from ntm_workflow.runtime import Runtime
from ntm_workflow.texts import say
from ntm_workflow.web import audit_filter, forms, task_filter, visitor, words
from ntm_workflow.web.desk import opened, up_to_date
from ntm_workflow.web.forms import Posted
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

router = APIRouter()
TASKS = ("code", "section", "row", "content", "body", "period", "opens", "due", "state",
         "acknowledged", "submitted", "completed", "note")  # fmt: skip
AUDIT = ("seq", "at", "actor", "role", "of_body", "via", "action", "subject", "data", "hash")


@router.post("/xuat/viec")
def export_tasks(request: Request, form: Posted) -> Response:
    rt, kind = up_to_date(request), _kind(request, form)
    with opened(request) as desk:
        asked = task_filter.read(dict(request.query_params), desk)
        _all_meant(asked.problems)
        plan, today, only = desk.plan, desk.today, asked.only
        count = tasks.at_most(desk.session, plan, only, today, sheet.MOST)
    if count > sheet.MOST:
        raise Refused("export.tasks", most=words.number(sheet.MOST))
    data = {"plan": plan.id, "query": asked.query, "format": kind, "items": count}
    _note(rt, visitor.actor(request), Action.TASKS_EXPORTED, "export/tasks", data)

    def lines() -> Iterator[list[Cell]]:
        with rt.reader() as session:
            for one in tasks.each(session, plan, only, today):
                yield _of_task(one, plan, today)

    return _file(kind, "viec", TASKS, lines())


@router.post("/xuat/nhat-ky")
def export_audit(request: Request, form: Posted) -> Response:
    rt, kind = up_to_date(request), _kind(request, form)
    with opened(request) as desk:
        asked = audit_filter.read(dict(request.query_params))
        _all_meant(asked.problems)
        count = trail.at_most(desk.session, asked.only, sheet.MOST)
    if count > sheet.MOST:
        raise Refused("export.audit", most=words.number(sheet.MOST))
    data = {"query": asked.query, "format": kind, "items": count}
    _note(rt, visitor.actor(request), Action.AUDIT_EXPORTED, "export/audit", data)

    def lines() -> Iterator[list[Cell]]:
        with rt.reader() as session:
            for entry in trail.each(session, asked.only, sheet.MOST):
                yield _of_entry(entry)

    return _file(kind, "nhat-ky", AUDIT, lines())


@router.get("/xuat/{name}")
def back(name: str) -> Response:
    """Reloading the address of a download leads back to its list."""
    return RedirectResponse("/nhat-ky" if name == "nhat-ky" else "/viec", 303)


def _kind(request: Request, form: Any) -> str:
    if not forms.from_us(request, form):
        raise Refused("form.expired")
    kind = str(form.get("dang", ""))
    if kind not in sheet.TYPES:
        raise Refused("form.unknown")
    return kind


def _all_meant(problems: Iterable[str]) -> None:
    """A file never holds more than was meant."""
    if found := " ".join(problems):
        raise Refused("filter.bad", problems=found)


def _note(rt: Runtime, by: Actor, action: Action, subject: str, data: dict[str, Any]) -> None:
    with rt.sessions.begin() as session:
        audit.append(session, by, rt.now(), [Entry(action, subject, data)])


def _file(kind: str, name: str, head: tuple[str, ...], lines: Iterator[list[Cell]]) -> Response:
    titles = [say(f"export.{column}") for column in head]
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    parts = sheet.parts(kind, titles, lines)
    return StreamingResponse(parts, media_type=sheet.TYPES[kind], headers=headers)


def _of_task(one: tasks.Listed, plan: Plan, today: date) -> list[Cell]:
    task = one.task
    section = plan.row(task.row_id).section if plan.has_row(task.row_id) else ""
    return [
        task.code, section, task.row_id, one.content, one.body, texts.period(task.period),
        task.opens_on, task.due_on, words.standing(task, today).text, task.acknowledged_on,
        task.submitted_on, task.completed_on, task.note,
    ]  # fmt: skip


def _of_entry(entry: Any) -> list[Cell]:
    return [
        entry.seq, texts.clock(entry.at), trail.called(entry), entry.role, entry.body,
        trail.way(entry), say(f"action.{entry.action}"), entry.subject, entry.data,
        entry.hash.hex(),
    ]  # fmt: skip
