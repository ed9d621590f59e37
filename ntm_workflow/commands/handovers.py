"""`ntm bodies proposals`, `confirm`, `refuse`: a person hands work over."""

from __future__ import annotations

from datetime import date
from typing import Any

import click
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.commands import show
from ntm_workflow.commands.bodies_time import JSON, actor, load
from ntm_workflow.reports import body_history
from ntm_workflow.reports.body_history import Waiting
from ntm_workflow.work import body_names, handovers, successions


@click.command()
@click.option("--event", "event_id", type=int, help="Chỉ của sự kiện này.")
@JSON
def proposals(event_id: int | None, as_json: bool) -> None:
    """Đề xuất bàn giao đang chờ, và những chỗ cần một người xem."""
    rt = load()
    today = rt.today()
    with rt.sessions.begin() as session:
        for plan in rt.in_force:
            successions.keep_up(session, plan, rt.days, today, now=rt.moment(today), actor=actor())
    with rt.reader() as session:
        waiting = body_history.waiting(session, today, event_id)
        findings = [f for p in rt.in_force for f in body_history.findings(session, p, today)]
    if as_json:
        show.emit({
            "proposals": [_proposal(one) for one in waiting],
            "findings": [{"code": one.key, **one.data, "message": body_history.said(one)}
                         for one in findings],
        })  # fmt: skip
        return
    _print_proposals(waiting)
    if findings:
        click.echo(texts.say("proposals.findings"))
        for one in findings:
            click.echo(f"  {body_history.said(one)}")


def _proposal(one: Waiting) -> dict[str, Any]:
    h = one.handover
    return {
        "id": h.id, "event": h.event_id, "document": one.event.document, "plan": h.plan_id,
        "body": h.body_id, "task": one.task.code if one.task else None,
        "due_on": one.task.due_on if one.task else None, "to": h.to_body, "choices": h.choices,
        "example": one.event.example,
    }  # fmt: skip


def _print_proposals(waiting: list[Waiting]) -> None:
    before = None
    for one in waiting:
        if one.event.id != before:
            before = one.event.id
            kind = texts.say(f"body_event.{one.event.kind}")
            example = texts.say("event.example") if one.event.example else ""
            click.echo(texts.say("proposals.event", id=one.event.id, kind=kind,
                                 day=one.event.on_day, document=one.event.document,
                                 example=example))  # fmt: skip
        to = one.to or _choices(one)
        if one.task:
            click.echo(texts.say("proposals.task", id=one.handover.id, task=one.task.code,
                                 due=one.task.due_on, body=one.body, to=to))  # fmt: skip
        else:
            click.echo(texts.say("proposals.standing", id=one.handover.id,
                                 plan=one.handover.plan_id, body=one.body, to=to))  # fmt: skip
    key = "proposals.count" if waiting else "proposals.none"
    click.echo(texts.say(key, count=len(waiting)))


def _choices(one: Waiting) -> str:
    if not one.choices:
        return texts.say("proposals.nobody")
    return texts.say("proposals.choose", choices=", ".join(one.choices))


@click.command()
@click.argument("proposal", type=int, required=False, metavar="SỐ")
@click.option(
    "--all-of",
    "event_ids",
    type=int,
    multiple=True,
    help="Mọi đề xuất rõ ràng của sự kiện này; dùng nhiều lần được.",
)
@click.option("--to", help="Đơn vị nhận, khi đề xuất có nhiều hoặc chưa có.")
def confirm(proposal: int | None, event_ids: tuple[int, ...], to: str | None) -> None:
    """Xác nhận bàn giao: việc cũ đóng lại, đơn vị nhận có việc như vậy."""
    if (proposal is None) != bool(event_ids):
        raise click.UsageError(texts.say("handover.which"))
    rt = load()
    today = rt.today()
    when: dict[str, Any] = {"now": rt.moment(today), "today": today, "actor": actor()}
    with rt.sessions.begin() as session:
        done: list[handovers.Confirmed] = []
        left: list[handovers.Left] = []
        for event in event_ids:
            confirmed, not_plain = handovers.confirm_all(session, event, rt.days, **when)
            done, left = done + confirmed, left + not_plain
        if proposal is not None:
            heir = body_names.find(session, to, today).id if to else None
            done = [handovers.confirm(session, proposal, rt.days, heir, **when)]
        lines = [_confirmed(session, one, today) for one in done]
    for line in lines:
        click.echo(line)
    for one in left:
        why = show.sentence(one.why)
        click.echo(texts.say("handover.left", id=one.handover.id, why=why))
    if event_ids:
        click.echo(texts.say("handover.total", count=len(done), left=len(left)))


def _confirmed(session: Session, one: handovers.Confirmed, today: date) -> str:
    if one.old is None or one.new is None:
        h = one.handover
        assert h.to_body is not None
        names = {key: body_names.on(session, body, today).short
                 for key, body in (("body", h.body_id), ("to", h.to_body))}  # fmt: skip
        return texts.say("handover.standing", plan=h.plan_id, **names)
    key = "handover.joined" if one.joined else "handover.done"
    said = {"old": one.old.code, "new": one.new.code, "due": one.new.due_on,
            "old_due": one.old.due_on}  # fmt: skip
    return texts.say(key, **said)


@click.command()
@click.argument("proposal", type=int, metavar="SỐ")
@click.option("--reason", required=True, help="Lý do.")
def refuse(proposal: int, reason: str) -> None:
    """Không bàn giao: việc ở lại với đơn vị cũ."""
    rt = load()
    now = rt.moment(rt.today())
    with rt.sessions.begin() as session:
        handovers.refuse(session, proposal, reason, now=now, actor=actor())
    click.echo(texts.say("handover.refused", id=proposal))


COMMANDS = (proposals, confirm, refuse)
