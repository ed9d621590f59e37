"""How an amendment is told to a clerk: what changes, what is asked, what it means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

import click

from ntm_workflow import texts
from ntm_workflow.appendix.amendment import REMOVED, Amendment, Cell, Change
from ntm_workflow.appendix.model import Plan
from ntm_workflow.texts import say
from ntm_workflow.work.amendment_effects import Fate, Preview
from ntm_workflow.work.amendments import Prepared
from ntm_workflow.work.tasks import Opened

_NAMED = 6  # bodies or tasks named one by one
_BODIES = ("owing", "directing", "coordinating")


def changes(amendment: Amendment, old: Plan, new: Plan, document: str) -> None:
    """The changes in the order of the file, each with the cells that differ."""
    if not amendment.changes and not amendment.doubts:
        click.echo(say("amend.nothing"))
        return
    key = "amend.head_by" if document else "amend.head"
    click.echo(say(key, plan=old.code, document=document, count=len(amendment.changes)))
    for change in amendment.changes:
        click.echo(f"  {_change(change)}")
        for cell in change.cells:
            click.echo(f"      {_cell(cell, old, new)}")
    gone = len(amendment.of("row", REMOVED))
    if 2 * gone > len(old.rows):
        click.echo(f"\n{say('amend.many_gone', gone=gone, rows=len(old.rows))}")


def doubts(amendment: Amendment) -> None:
    if not amendment.doubts:
        return
    click.echo(f"\n{say('amend.ask_head', count=len(amendment.doubts))}")
    for doubt in amendment.doubts:
        said = {"old": doubt.old, "new": doubt.new, "likeness": doubt.likeness,
                "old_content": doubt.old_content, "new_content": doubt.new_content}  # fmt: skip
        click.echo(f"  - {say('amend.ask', **said)}")
        click.echo(f"      {say('amend.ask_answer', old=doubt.old, new=doubt.new)}")


def effects(found: Preview, old: Plan, prepared: Prepared, today: date) -> None:
    """What it means for the tasks, in figures, then where."""
    click.echo(f"\n{say('amend.means', day=today)}")
    told = _Told(old, prepared.plan)
    told.moved(found)
    told.kept(found)
    told.cancelled(found)
    for key in ("opens", "later", "over"):
        told.opened(key, getattr(found, key), prepared.starts_on)
    told.done(found)
    if found.stays_cancelled:
        named = _some(found.stays_cancelled)
        click.echo(
            f"  {say('amend.stays_cancelled', count=len(found.stays_cancelled), tasks=named)}"
        )
    states = found.states
    same = {"open": found.carried, "submitted": states.get("submitted", 0),
            "accepted": states.get("accepted", 0)}  # fmt: skip
    click.echo(f"  {say('amend.same', **same)}\n")


class _Told:
    """Tasks by row and period, in the numbers of the paper."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.old = old
        self.new = new

    def row(self, row_id: str) -> str:
        plan = self.new if self.new.has_row(row_id) else self.old
        return plan.row(row_id).number

    def body(self, body_id: str) -> str:
        return _body(body_id, self.new, self.old)

    def moved(self, found: Preview) -> None:
        moves = found.of(Fate.MOVED)
        self._head("amend.moved", len(moves))
        groups = Counter((m.row_id, m.period, m.due_from, m.due_to) for m in moves)
        for (row, period, before, after), count in groups.items():
            self._line("amend.moved_line", row, period, count, before=before, after=after)

    def kept(self, found: Preview) -> None:
        moves = found.of(Fate.KEPT_LATER)
        self._head("amend.kept", len(moves))
        for move in moves:
            click.echo(f"      {say('amend.kept_line', task=move.code, due=move.due_to)}")

    def cancelled(self, found: Preview) -> None:
        self._head("amend.cancelled", len(found.cancelled))
        groups: dict[tuple[str, str, Fate], list[str]] = {}
        for m in found.cancelled:
            groups.setdefault((m.row_id, m.period, m.fate), []).append(m.body_id)
        for (row, period, fate), bodies in groups.items():
            why = say(f"amend.why.{fate}", bodies=_some(map(self.body, bodies)))
            self._line("amend.cancelled_line", row, period, len(bodies), why=why)

    def opened(self, key: str, them: Iterable[Opened], starts_on: date) -> None:
        them = list(them)
        self._head(f"amend.{key}", sum(one.count for one in them), day=starts_on)
        for o in them:
            self._line("amend.open_line", o.row_id, o.period, o.count, opens=o.opens_on,
                       due=o.due_on)  # fmt: skip

    def done(self, found: Preview) -> None:
        for one in found.done:
            if one.count:
                key = "amend.done_again" if one.asked_again else "amend.done_once"
                other = one.was if one.asked_again else one.window
                said = say(key, row=self.row(one.row_id), count=one.count, other=other,
                           was=texts.period(one.was), window=texts.period(one.window))  # fmt: skip
                click.echo(f"  {said}")

    def _head(self, key: str, count: int, **said: Any) -> None:
        if count:
            click.echo(f"  {say(key, count=count, **said)}")

    def _line(self, key: str, row: str, period: str, count: int, **said: Any) -> None:
        shown = say(key, row=self.row(row), period=texts.period(period), count=count, **said)
        click.echo(f"      {shown}")


# -- one change -----------------------------------------------------------------------


def _change(change: Change) -> str:
    known = change.renumbered and texts.has(f"amend.{change.table}.renumbered")
    kind = "renumbered" if known else change.kind
    return say(f"amend.{change.table}.{kind}", name=change.name, was=change.was, text=change.text)


def _cell(cell: Cell, old: Plan, new: Plan) -> str:
    label = say(f"amend.cell.{cell.name}") if texts.has(f"amend.cell.{cell.name}") else cell.name
    if cell.name in _BODIES:
        parts = [("amend.come", cell.after), ("amend.gone", cell.before)]
        said = "; ".join(say(key, names=_some(_body(one, new, old) for one in bodies))
                         for key, bodies in parts if bodies)  # fmt: skip
        return say("amend.bodies", label=label, said=said)
    before, after = _value(cell, cell.before, old), _value(cell, cell.after, new)
    return say("amend.value", label=label, before=before, after=after)


def _value(cell: Cell, value: Any, plan: Plan) -> str:
    if cell.name == "scope":
        names = {unit.id: unit.name for unit in plan.units}
        return ", ".join(names.get(one, one) for one in value) or say("amend.everywhere")
    if cell.name in ("issuer", "coordination_office"):
        return _body(value, plan, plan)
    if cell.name == "reminders" and value:
        return "; ".join(f"{key} = {_value(Cell(key, one, one), one, plan)}" for key, one in value)
    if isinstance(value, bool):
        return say("amend.yes" if value else "amend.no")
    if isinstance(value, date):
        return texts.day(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or say("amend.empty")
    if isinstance(value, str) and cell.name.endswith(("_text", "content", "title", "note")):
        return f"“{value}”" if value else say("amend.empty")
    return say("amend.empty") if value in (None, "") else str(value)


def _body(body_id: str, *plans: Plan) -> str:
    return next((p.body(body_id).short for p in plans if p.has_body(body_id)), body_id)


def _some(names: Iterable[str]) -> str:
    found = list(names)
    said = ", ".join(found[:_NAMED])
    more = len(found) - _NAMED
    return say("amend.and_more", names=said, count=more) if more > 0 else said
