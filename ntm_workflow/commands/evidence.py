"""`ntm evidence`: what has been handed in, read again."""

from __future__ import annotations

import sys

import click

from ntm_workflow import runtime, texts
from ntm_workflow.commands import show
from ntm_workflow.work import proof


@click.group()
def evidence() -> None:
    """Kho minh chứng."""


@evidence.command("verify")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def verify(as_json: bool) -> None:
    """Đọc lại mọi tệp minh chứng, nêu từng tệp mất hay đã đổi. Có tệp hỏng thì mã thoát là 1."""
    rt = runtime.load(may_be_empty=True)
    with rt.reader() as session:
        count = len(proof.handed_in(session))
        found = list(proof.evidence(session, rt.files, reread=True))
    if as_json:
        show.emit([{"fault": one.key, **one.data} for one in found])
    else:
        for one in found:
            click.echo(texts.say(one.key, **one.data))
        click.echo(texts.say("evidence.verified", count=count, faults=len(found)))
    sys.exit(1 if found else 0)
