"""`ntm audit`: read the audit, and check that nobody has rewritten it."""

from __future__ import annotations

import dataclasses
import getpass
import json
import sys
from datetime import datetime
from pathlib import Path

import click

from ntm_workflow import runtime, texts
from ntm_workflow.chase import head_mail
from ntm_workflow.commands import show
from ntm_workflow.errors import Refused
from ntm_workflow.reports import bundle, knew, trail
from ntm_workflow.work import audit as chain
from ntm_workflow.work import heads, proof, tasks
from ntm_workflow.work.audit import Action, Actor, Entry


@click.group()
def audit() -> None:
    """Nhật ký: ai làm gì, khi nào."""


@audit.command("show")
@click.argument("subject", required=False, default="")
@click.option("--action", default="", help="Chỉ hành động này, ví dụ task.accepted.")
@click.option("--who", default="", help="Một phần tên người làm, có dấu hay không.")
@click.option("--limit", default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def show_(subject: str, action: str, who: str, limit: int, as_json: bool) -> None:
    """Các mục mới nhất trước; SUBJECT là mã việc, một kỳ (III.1/2020-06) hay notice/12."""
    rt = runtime.load()
    with rt.reader() as session:
        found = trail.newest(session, limit, trail.Filter(action, who, subject))
    if as_json:
        show.emit(
            [
                {"seq": e.seq, "at": e.at, "actor": e.actor, "contact_name": e.contact_name,
                 "role": e.role, "body": e.body, "via": e.via, "run_id": e.run_id,
                 "action": e.action, "subject": e.subject, "data": json.loads(e.data),
                 "hash": e.hash.hex()}
                for e in found
            ]
        )  # fmt: skip
        return
    show.table(
        [(e.seq, texts.clock(e.at), trail.called(e), texts.say(f"action.{e.action}"), e.subject)
         for e in found],
        "head.audit",
    )  # fmt: skip


@audit.command()
@click.option(
    "--head",
    "kept",
    multiple=True,
    help="Dấu ngày đã giữ ở nơi khác (một dòng trong thư), đối chiếu thêm.",
)
@click.option("--quick", is_flag=True, help="Không đọc lại nội dung từng tệp minh chứng.")
def verify(kept: tuple[str, ...], quick: bool) -> None:
    """Đối chiếu nhật ký với chính nó, dấu ngày, tệp minh chứng và bảng việc; thoát 1 nếu hỏng."""
    rt = runtime.load()
    trusted = rt.signer.trusted
    with rt.reader() as session:
        seq = chain.head(session)
        found = list(proof.faults(session, trusted, rt.files, reread=not quick))
        held = (heads.against(session, line, trusted) for line in kept)
        found += [proof.of_head(fault) for fault in held if fault]
        newest = heads.newest(session)
    for one in found:
        click.echo(texts.say(one.key, **one.data), err=True)
    if found:
        sys.exit(1)
    click.echo(texts.say("audit.sound", count=seq))
    if newest:
        click.echo(texts.say("head.sound", day=newest.day, seq=newest.seq))


@audit.command()
def key() -> None:
    """Khóa công khai để kiểm tra chữ ký của nhật ký; trao cho người thanh tra."""
    rt = runtime.load(may_be_empty=True)
    click.echo(rt.signer.public.hex())


@audit.command("head")
def head_() -> None:
    """Ký dấu của hôm nay nếu chưa ký, và in ra để giữ ở nơi khác."""
    rt = runtime.load()
    today, now = rt.today(), rt.now()
    with rt.sessions.begin() as session:
        made = heads.sign(session, rt.signer, today=today, now=now, actor=_actor())
        if made is None:
            raise Refused("head.nothing")
        head_mail.queue(session, rt.all_plans, rt.settings.head_to, made, now=now, actor=_actor())
    click.echo(heads.written(made))


@audit.command()
@click.option("--from", "first", type=show.DAY, required=True, help="Từ ngày.")
@click.option("--to", "last", type=show.DAY, required=True, help="Đến hết ngày.")
@click.argument("out", type=click.Path(path_type=Path))
def export(first: datetime, last: datetime, out: Path) -> None:
    """Hồ sơ cho thanh tra: nhật ký, minh chứng, dấu ngày, kèm chương trình tự kiểm tra."""
    rt = runtime.load()
    days = (first.date(), last.date())
    data = {"from": days[0], "to": days[1], "file": out.name}
    with rt.sessions.begin() as session:  # before it is made: what was begun is known too
        chain.append(session, _actor(), rt.now(), [Entry(Action.AUDIT_EXPORTED, "audit", data)])
    try:
        with rt.reader() as session:
            made = bundle.write(session, rt.files, rt.signer, days, out, rt.now())
    except OSError as error:
        raise Refused("bundle.unwritten", path=str(out), why=error.strerror) from error
    click.echo(
        texts.say("bundle.made", path=str(out), first=made.first, last=made.last,
                  heads=made.heads, files=made.files, size=f"{out.stat().st_size:,}")
    )  # fmt: skip
    for sha256 in made.missing:
        click.echo(texts.say("bundle.missing", sha256=sha256), err=True)


@audit.command()
@click.argument("code")
@click.option("--as-of", "as_of", type=show.DAY, help="Chỉ đến hết ngày này.")
@click.option("--plan", "plan_id", help="Mã kế hoạch; xem `ntm plan list`.")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def task(code: str, as_of: datetime | None, plan_id: str | None, as_json: bool) -> None:
    """Ai biết gì khi nào về một việc: ai được báo qua đâu, ai nộp, ai thẩm định, theo thời gian."""
    rt = runtime.load()
    day = show.as_day(as_of) or rt.today()
    with rt.reader() as session:
        found = knew.of_task(session, tasks.find(session, code, plan_id), day)
    if as_json:
        show.emit([dataclasses.asdict(one) for one in found.steps])
        return
    click.echo(texts.say("knew.title", task=found.code, day=day, state=found.state))
    show.table(
        [(texts.clock(s.at), s.who, s.what, s.through, s.detail) for s in found.steps], "head.knew"
    )


def _actor() -> Actor:
    return Actor(getpass.getuser(), via="cli")
