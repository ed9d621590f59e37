"""`ntm plan check --paper`: what the file says of the paper against what the paper shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ntm_workflow import texts
from ntm_workflow.appendix.model import Finding, Plan
from ntm_workflow.commands import plan_import, show


def compare(made: Plan, paper: Path, file: Path) -> dict[str, Any]:
    """Read the paper again, with the file's own register. Raises Refused."""
    from ntm_workflow.appendix.importers import drafting, guard, known

    document = guard.read(plan_import.read_bytes(paper))
    register = known.load(file.read_bytes())
    again = drafting.make(document, register, paper.name).found.draft.findings
    told = {_key(one) for one in made.paper}
    seen = {_key(one) for one in again}
    return {
        "file": str(paper), "count": len(again),
        "missing": [show.finding(one) for one in again if _key(one) not in told],
        "extra": [show.finding(one) for one in made.paper if _key(one) not in seen],
    }  # fmt: skip


def _key(one: Finding) -> tuple[str, str, str]:
    """What makes two findings the same: code, place and figures; quotes may be cut elsewhere."""
    return one.code, one.where, str(sorted(one.data.items()))


def print_report(report: dict[str, Any]) -> None:
    for key in ("missing", "extra"):
        if report[key]:
            count = len(report[key])
            click.echo(texts.say(f"finding.paper.{key}", paper=report["file"], count=count))
            show.findings(report[key])
    if not (report["missing"] or report["extra"]):
        click.echo(texts.say("finding.paper.same", paper=report["file"], count=report["count"]))
