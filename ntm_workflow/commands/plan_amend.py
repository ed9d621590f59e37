"""`ntm plan diff` and `ntm plan apply`: what an amended paper changes, and putting it in force."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from ntm_workflow import runtime, settings, texts
from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.amendment import Amendment, amends, compare
from ntm_workflow.appendix.model import Plan
from ntm_workflow.commands import plan_amend_print as printed
from ntm_workflow.commands import show
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import whole_file
from ntm_workflow.work import amendments, plans
from ntm_workflow.work.amendment_effects import Fate, Preview
from ntm_workflow.work.amendments import Prepared
from ntm_workflow.work.audit import Actor

Answers = tuple[tuple[str, str], ...]


def _answers(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> Answers:
    found = []
    for value in values:
        old, equals, new = (part.strip() for part in value.partition("="))
        if not (old and equals and new) or old == new == "-":
            raise click.BadParameter(texts.say("amend.match_form", value=value))
        found.append((old, new))
    return tuple(found)


MATCH = click.option("--match", "answers", multiple=True, callback=_answers, metavar="CŨ=MỚI",
                     help="Dòng cũ là dòng mới nào: II.1=II.2; II.1=-; -=II.3.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@MATCH
@JSON
def diff(old: Path, new: Path, answers: Answers, as_json: bool) -> None:
    """So hai bản của một kế hoạch: dòng thêm, bỏ, sửa, đổi số; không đụng gì đến việc."""
    before, after = toml_file.load(old), toml_file.load(new)
    amendment = compare(before, after, answers)
    if as_json:
        show.emit({"old": _head(before), "new": _head(after), **_as_json(amendment)})
        return
    by = amendments.named(after) if amends(before, after) else ""
    printed.changes(amendment, before, after, by)
    printed.doubts(amendment)


@click.command()
@click.argument("new", type=FILE)
@click.option("--document", default="", metavar="VĂN_BẢN",
              help='Điều chỉnh theo văn bản nào: "45/KH-UBND ngày 10/8/2020".')  # fmt: skip
@MATCH
@click.option("--yes", is_flag=True, help="Áp dụng luôn, không hỏi lại.")
@click.option("--dry-run", is_flag=True, help="Chỉ xem trước.")
@click.option("--on", type=show.DAY, help="Ngày áp dụng, mặc định hôm nay.")
@JSON
def apply(
    new: Path, document: str, answers: Answers, yes: bool, dry_run: bool, on: datetime | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Đưa bản điều chỉnh NEW vào thực hiện: việc đang mở đi theo, lịch sử giữ nguyên."""
    in_use = settings.load().appendix
    if new.exists() and in_use.exists() and new.samefile(in_use):
        raise Refused("amend.same_file", path=str(new))
    text = _bytes(new)
    paper = toml_file.parse(text, str(new))
    rt = runtime.load()
    old, today = _running(rt, paper), show.as_day(on) or rt.today()
    with rt.reader() as session:
        prepared = amendments.prepare(
            session, old, paper, text, document=document, answers=answers, today=today
        )
    settled = bool(prepared.amendment.changes) and not prepared.amendment.doubts
    found = _rehearse(rt, old, prepared, today) if settled else Preview()
    if not as_json:
        _tell(old, paper, prepared, found, today)
    agreed = settled and not dry_run and _agreed(prepared, yes)
    trouble = ""
    if agreed:
        found = _apply(rt, old, prepared, today)
    nothing = not (prepared.amendment.changes or prepared.amendment.doubts)
    if agreed or (nothing and not dry_run):
        trouble = _follow(rt, old, in_use)
    if as_json:
        show.emit(_report(old, prepared, found, agreed, in_use, trouble))
    else:
        _say_end(prepared, found, agreed, dry_run, trouble, in_use, new)
    sys.exit(1 if prepared.amendment.doubts or trouble else 0)


def _running(rt: Runtime, paper: Plan) -> Plan:
    """The plan in force that a paper is about. Raises NotFound."""
    return rt.plan_of(paper.amends or paper.id)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused("amend.unreadable", path=str(path), why=error.strerror) from error


def _rehearse(rt: Runtime, old: Plan, prepared: Prepared, today: date) -> Preview:
    """What applying does, found by doing it and taking it back."""
    prepared = replace(prepared, document=prepared.document or "–")
    with rt.sessions() as session:
        found = _act(session, rt, old, prepared, today)
        session.rollback()
    return found


def _agreed(prepared: Prepared, yes: bool) -> bool:
    """A person says yes; without a document there is nothing to say yes to."""
    if not prepared.document.strip():
        raise Refused("amend.no_document")
    return yes or click.confirm(texts.say("amend.confirm", document=prepared.document), err=True)


def _apply(rt: Runtime, old: Plan, prepared: Prepared, today: date) -> Preview:
    with rt.sessions.begin() as session:
        return _act(session, rt, old, prepared, today)


def _act(session: Session, rt: Runtime, old: Plan, prepared: Prepared, today: date) -> Preview:
    actor = Actor(getpass.getuser(), "coordination", old.coordination_office, via="cli")
    return amendments.apply(
        session, old, prepared, rt.days, now=rt.moment(today), today=today, actor=actor
    )


def _follow(rt: Runtime, old: Plan, path: Path) -> str:
    """Let the file in use be the text in force, if it is that plan's; what went wrong, or ""."""
    if old.id != rt.own:
        return ""
    with rt.reader() as session:
        text = plans.text_of(session, old.id)
    try:
        if path.read_bytes() == text:
            return ""
        whole_file.replace(path, text)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _tell(old: Plan, paper: Plan, prepared: Prepared, found: Preview, today: date) -> None:
    printed.changes(prepared.amendment, old, paper, prepared.document)
    printed.doubts(prepared.amendment)
    if prepared.amendment.changes and not prepared.amendment.doubts:
        printed.effects(found, old, prepared, today)


def _say_end(
    prepared: Prepared, found: Preview, agreed: bool, dry_run: bool, trouble: str, in_use: Path,
    new: Path,
) -> None:  # fmt: skip
    if not prepared.amendment.changes or prepared.amendment.doubts:
        if trouble:
            _say_unwritten(trouble, in_use, new)
        return
    if not agreed:
        click.echo(texts.say("amend.dry_run" if dry_run else "amend.not_confirmed"))
        return
    click.echo(
        texts.say("amend.done", document=prepared.document,
                  moved=len(found.of(Fate.MOVED)), cancelled=len(found.cancelled),
                  opened=sum(one.count for one in found.opens))
    )  # fmt: skip
    if trouble:
        _say_unwritten(trouble, in_use, new)
    else:
        click.echo(texts.say("amend.file_written", path=str(in_use)))


def _say_unwritten(trouble: str, in_use: Path, new: Path) -> None:
    said = texts.say("amend.file_not_written", path=str(in_use), why=trouble, new=str(new))
    click.echo(said, err=True)


# -- JSON ---------------------------------------------------------------------------


def _head(plan: Plan) -> dict[str, Any]:
    return {"id": plan.id, "code": plan.code, "amends": plan.amends or None,
            "issued_on": plan.issued_on, "effective_on": plan.effective_on}  # fmt: skip


def _as_json(amendment: Amendment) -> dict[str, Any]:
    return {
        "same": not amendment.changes and not amendment.doubts,
        "changes": [asdict(change) for change in amendment.changes],
        "questions": [asdict(doubt) for doubt in amendment.doubts],
    }


def _report(
    old: Plan, prepared: Prepared, found: Preview, applied: bool, in_use: Path, trouble: str
) -> dict[str, Any]:
    moves = [
        {"task": m.code, "fate": m.fate, "due_from": m.due_from, "due_to": m.due_to}
        for m in found.moves
    ]
    return {
        "plan": _head(old), "document": prepared.document or None,
        "starts_on": prepared.starts_on, **_as_json(prepared.amendment), "tasks": moves,
        **{key: [asdict(one) for one in getattr(found, key)] for key in ("opens", "later", "over")},
        "stays_cancelled": list(found.stays_cancelled),
        "done": [{**asdict(one), "asked_again": one.asked_again} for one in found.done],
        "applied": applied,
        "file": str(in_use) if applied and not trouble else None,
        "file_trouble": trouble or None,
    }  # fmt: skip
