"""How commands print: faults, findings, tables, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import click

from ntm_workflow.appendix import finding_text
from ntm_workflow.appendix.finding_codes import FindingKind, kind
from ntm_workflow.appendix.model import Fault, Finding
from ntm_workflow.errors import AppendixFaults, NtmError
from ntm_workflow.texts import say

DAY = click.DateTime(formats=["%Y-%m-%d", "%d/%m/%Y"])


def as_day(value: datetime | None) -> date | None:
    return value.date() if value else None


def sentence(error: NtmError) -> str:
    return say(error.key, **error.data)


def faults(error: AppendixFaults) -> str:
    return "\n".join([sentence(error), *(f"  {fault(one)}" for one in error.faults)])


def fault(one: Fault) -> str:
    return place(one.line, one.where) + say(one.key, **one.data)


def place(line: int, where: str) -> str:
    """ "dòng 41, row II.2 timing: "; empty where there is no place."""
    parts = [say("place.line", line=line)] if line else []
    parts += [where] if where else []
    return f"{', '.join(parts)}: " if parts else ""


def line_fault(one: Any) -> str:
    return f"  {place(one.line, '')}{say(one.key, **one.data)}"


def finding(one: Finding) -> dict[str, Any]:
    """A finding as `--json` has it."""
    return {
        "code": one.code, "kind": str(kind(one.code)), "where": one.where,
        "message": finding_text.sentence(one),
        "quotes": [{"place": quote.place, "text": quote.text} for quote in one.quotes],
    }  # fmt: skip


def findings(found: list[dict[str, Any]]) -> None:
    """Print findings by kind, contradictions first, with the words they are about.

    A slip says its words itself.
    """
    for group in FindingKind:
        ones = [one for one in found if one["kind"] == group]
        if ones:
            click.echo(f"  {say(f'finding.kind.{group}', count=len(ones))}")
        for one in ones:
            click.echo(f"    {finding_text.named(one['where'])}: {one['message']}")
            for quote in one["quotes"] if group is not FindingKind.SLIP else ():
                click.echo(f"        {say('finding.quote', **quote)}")


def emit(data: Any) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=_plain))


def table(rows: Iterable[Sequence[Any]], head: str) -> None:
    """Print aligned columns; numbers to the right. `head` names the columns' sentence."""
    cells = [[str(cell) for cell in row] for row in rows]
    kept = [say(head).split("|"), *cells]
    widths = [max(len(row[i]) for row in kept) for i in range(len(kept[0]))]
    for number, row in enumerate(kept):
        parts = [
            cell.rjust(width) if number and cell.lstrip("-").isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        click.echo("  ".join(parts).rstrip())
        if not number:
            click.echo("  ".join("─" * width for width in widths))


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
