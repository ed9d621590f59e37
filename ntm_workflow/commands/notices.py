"""`ntm notices`: the record of every message, of a task, a body, a contact or all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.commands import show
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import chased, record, wording
from ntm_workflow.reports.chased import Chase
from ntm_workflow.reports.record import Line, Of
from ntm_workflow.store.tables import BodyRecord, Contact
from ntm_workflow.work import tasks


@click.command()
@click.option("--task", "code", help="Chỉ của việc này: III.1/2020-06/bql-tan-lap.")
@click.option("--body", help="Chỉ của đơn vị này (mã đơn vị).")
@click.option("--contact", type=int, help="Chỉ của đầu mối này (số của đầu mối).")
@click.option("--on", type=show.DAY, help="Chỉ ngày này.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON, cả nội dung và diễn biến.")
def notices(
    code: str | None, body: str | None, contact: int | None, on: datetime | None, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Thông báo đã lập và kết quả gửi, mới nhất trước; của một việc thì cả số lần đôn đốc."""
    if sum(one is not None for one in (code, body, contact)) > 1:
        raise Refused("record.one_of")
    rt, day = runtime.load(), show.as_day(on)
    with rt.reader() as session:
        of = _of(session, code, body, contact)
        lines = record.newest(session, of, limit, first=day, last=day)
        times = chased.of_task(session, of.task) if of.task is not None else None
    if as_json:
        _emit(lines, times)
        return
    if times is not None:
        click.echo(chased.sentence(times))
    show.table([_row(line) for line in lines], "head.record")


def _of(session: Session, code: str | None, body: str | None, contact: int | None) -> Of:
    if code is not None:
        return Of(task=tasks.find(session, code).id)
    if body is not None and session.get(BodyRecord, body) is None:
        raise NotFound("body.missing", body=body)
    if contact is not None and session.get(Contact, contact) is None:
        raise NotFound("contact.none_id", id=contact)
    return Of(body=body or "", contact=contact)


def _row(line: Line) -> tuple[Any, ...]:
    notice = line.notice
    return (
        notice.id, texts.day(notice.run_on), line.name, _why(line), _way(line),
        wording.masked(line.address), _outcome(line),
    )  # fmt: skip


def _why(line: Line) -> str:
    said = ", ".join(dict.fromkeys(wording.rung(rule.rung) for rule in line.rules))
    return said or texts.say(f"kind.{line.notice.kind}")


def _way(line: Line) -> str:
    return texts.say(f"channel.kind.{line.channel}") if line.channel else line.notice.channel


def _outcome(line: Line) -> str:
    said = [texts.say(f"notice.{line.notice.state}")]
    if line.notice.state != "suppressed" and line.notice.error:
        said.append(wording.reason(line.notice.error)[:60])
    said += [texts.say("record.took_over", id=after) for after in line.replaced_by]
    return "; ".join(said)


def _emit(lines: list[Line], times: list[Chase] | None) -> None:
    found: dict[str, Any] = {"notices": [_plain(line) for line in lines]}
    if times is not None:
        found["chased"] = [{"on": one.on, "seen": one.seen} for one in times]
        found["said"] = chased.sentence(times)
    show.emit(found)


def _plain(line: Line) -> dict[str, Any]:
    notice = line.notice
    return {
        "id": notice.id, "run_on": notice.run_on, "kind": notice.kind, "to": line.name,
        "why": [
            {"rung": r.rung, "role": r.role, "tasks": r.tasks, "said": wording.rung(r.rung)}
            for r in line.rules
        ],
        "channel": notice.channel, "address": wording.masked(line.address),
        "state": notice.state, "said": texts.say(f"notice.{notice.state}"),
        "sent_at": notice.sent_at, "delivered_at": notice.delivered_at,
        "seen_at": notice.seen_at, "subject": notice.subject,
        "text": wording.open_text(line.text),
        "attempts": [
            {"at": a.at, "outcome": a.outcome, "code": a.code, "seconds": a.seconds,
             "detail": wording.reason(a.detail), "said": wording.attempt(a)}
            for a in line.tries
        ],
        "events": [
            {"at": e.at, "kind": e.kind, "detail": wording.reason(e.detail),
             "said": texts.say(f"event.{e.kind}")}
            for e in line.events
        ],
        "instead_of": notice.instead_of, "replaced_by": line.replaced_by,
    }  # fmt: skip
