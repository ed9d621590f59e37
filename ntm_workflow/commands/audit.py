"""`ntm audit`: read the audit, and check that nobody has rewritten it."""

from __future__ import annotations

import json
import sys

import click

from ntm_workflow import runtime, texts
from ntm_workflow.commands import show
from ntm_workflow.work import audit as chain


@click.group()
def audit() -> None:
    """Nhật ký: ai làm gì, khi nào."""


@audit.command("show")
@click.argument("subject", required=False, default="")
@click.option("--action", default="", help="Chỉ hành động này, ví dụ task.accepted.")
@click.option("--limit", default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def show_(subject: str, action: str, limit: int, as_json: bool) -> None:
    """Các mục mới nhất trước; SUBJECT là mã việc, một kỳ (III.1/2020-06) hay notice/12."""
    rt = runtime.load()
    with rt.reader() as session:
        found = chain.entries(session, subject, action, limit)
    if as_json:
        show.emit(
            [
                {"seq": e.seq, "at": e.at, "actor": e.actor, "role": e.role, "body": e.body,
                 "via": e.via, "run_id": e.run_id, "action": e.action, "subject": e.subject,
                 "data": json.loads(e.data), "hash": e.hash.hex()}
                for e in found
            ]
        )  # fmt: skip
        return
    show.table(
        [(e.seq, texts.clock(e.at), e.actor, texts.say(f"action.{e.action}"), e.subject)
         for e in found],
        "head.audit",
    )  # fmt: skip


@audit.command()
def verify() -> None:
    """Đọc lại cả chuỗi nhật ký; thoát 1 và nêu mục hỏng đầu tiên nếu có."""
    rt = runtime.load()
    with rt.reader() as session:
        broken = chain.verify(session)
        seq = chain.head(session)
    if broken:
        click.echo(texts.say(f"audit.{broken.why}", seq=broken.seq), err=True)
        sys.exit(1)
    click.echo(texts.say("audit.sound", count=seq))
