"""`ntm plan`: the files of plans, and which plans are in force."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from ntm_workflow import settings, texts
from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan, Row
from ntm_workflow.appendix.timing_say import describe
from ntm_workflow.calendar.occurrences import occurrences
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.commands import plan_paper, show
from ntm_workflow.commands.plan_amend import apply, diff
from ntm_workflow.commands.plan_import import import_
from ntm_workflow.commands.plan_list import end, list_, standing, text
from ntm_workflow.errors import AppendixFaults


@click.group()
def plan() -> None:
    """Kiểm tra, xem, nhập, điều chỉnh kế hoạch; kế hoạch nào đang thực hiện."""


@plan.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
@click.option("--paper", type=click.Path(path_type=Path),
              help="Đọc lại bản giấy (Word, PDF, …) và so với tệp.")  # fmt: skip
def check(files: tuple[Path, ...], paper: Path | None, as_json: bool) -> None:
    """Kiểm tra tệp phụ lục: lỗi (thoát 1) và những chỗ bản giấy tự mâu thuẫn."""
    found: list[dict[str, Any]] = []
    plans: dict[tuple[str, int, str, int], Path] = {}
    for path in files or (settings.load().appendix,):
        report, made = _check(path)
        if made and not files:
            report["standing"] = standing(made)
        if made and (twin := plans.setdefault(_number(made), path)) != path:
            report["faults"].append(_twin(made, twin))
        if made and paper:
            report["paper"] = plan_paper.compare(made, paper, path)
        found.append(report)
    sound = not any(report["faults"] for report in found)
    if as_json:
        show.emit(found[0] if len(found) == 1 else found)
    else:
        for report in found:
            _print_report(report)
    sys.exit(0 if sound else 1)


def _check(path: Path) -> tuple[dict[str, Any], Plan | None]:
    report: dict[str, Any] = {"file": str(path), "faults": [], "findings": []}
    try:
        made = toml_file.load(path)
    except AppendixFaults as error:
        report["faults"] = [
            {
                "line": f.line,
                "where": f.where,
                "code": f.code,
                "message": texts.say(f.key, **f.data),
            }
            for f in error.faults
        ]
        return report, None
    report["findings"] = _findings(made)
    report["id"], report["rows"], report["criteria"] = made.id, len(made.rows), len(made.criteria)
    return report, made


def _number(made: Plan) -> tuple[str, int, str, int]:
    return made.issuer, made.number, made.symbol, made.year


def _twin(made: Plan, other: Path) -> dict[str, Any]:
    message = texts.say("plan.number_taken", number=made.code, id=str(other))
    return {"line": 0, "where": "[plan] number", "code": "plan.number_taken", "message": message}


def _print_report(report: dict[str, Any]) -> None:
    if faults := report["faults"]:
        click.echo(texts.say("appendix.faults", path=report["file"], count=len(faults)))
        for fault in faults:
            click.echo(f"  {show.place(fault['line'], fault['where'])}{fault['message']}")
        return
    click.echo(
        texts.say("plan.sound", path=report["file"], rows=report["rows"],
                  criteria=report["criteria"], count=len(report["findings"]))
    )  # fmt: skip
    show.findings(report["findings"])
    if "paper" in report:
        plan_paper.print_report(report["paper"])
    if report.get("standing") in ("older_file", "file_of_ended"):
        click.echo(texts.say(f"plan.{report['standing']}", path=report["file"], id=report["id"]))


@plan.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def show_(file: Path | None, as_json: bool) -> None:
    """Các dòng với đơn vị, cách hiểu thời gian, các kỳ và số việc."""
    made = toml_file.load(file or settings.load().appendix)
    days = WorkCalendar(made.ordered_days)
    if as_json:
        show.emit(_as_json(made, days))
    else:
        _print_plan(made, days)


plan.add_command(show_, "show")
plan.add_command(import_, "import")
plan.add_command(list_, "list")
plan.add_command(end)
plan.add_command(diff)
plan.add_command(apply)
plan.add_command(text)


def _as_json(made: Plan, days: WorkCalendar) -> dict[str, Any]:
    return {
        "plan": {
            "id": made.id, "number": made.number, "symbol": made.symbol, "code": made.code,
            "issuer": made.issuer, "title": made.title, "year": made.year,
            "level": str(made.level), "issued_on": made.issued_on,
            "effective_on": made.effective_on, "coordination_office": made.coordination_office,
        },
        "rows": [_row(row, made, days) for row in made.rows],
        "criteria": [_row(row, made, days) for row in made.criteria],
        "findings": _findings(made),
    }  # fmt: skip


def _row(row: Row, made: Plan, days: WorkCalendar) -> dict[str, Any]:
    dated = [] if row.reading.question else list(occurrences(row, made, days))
    return {
        "id": row.id, "number": row.number, "section": row.section, "content": row.content,
        "timing": row.timing_text, "kind": str(row.reading.kind),
        "question": row.reading.question.text if row.reading.question else None,
        "directing": list(row.directing), "implementing": list(row.implementing),
        "coordinating": list(row.coordinating),
        "occurrences": [
            {"period": o.period, "opens_on": o.opens_on, "due_on": o.due_on,
             "nominal_due": o.nominal_due}
            for o in dated
        ],
        "tasks": len(dated) * len(row.implementing),
    }  # fmt: skip


def _findings(made: Plan) -> list[dict[str, Any]]:
    return [show.finding(one) for one in made.findings]


def _print_plan(made: Plan, days: WorkCalendar) -> None:
    click.echo(texts.say("plan.head", plan=made.code, day=made.issued_on, year=made.year))
    click.echo(made.title)
    total = 0
    section = ""
    for row in made.all_rows:
        if row.section != section:
            section = row.section
            number, title = made.section_number(section), made.section_title(section)
            click.echo(f"\n{number}. {title}" if section != "TC" else f"\n{made.criteria_title}")
        dated = [] if row.reading.question else list(occurrences(row, made, days))
        count = len(dated) * len(row.implementing)
        total += count
        code = texts.say("plan.row_code", row=row.id) if row.printed else ""
        click.echo(f"\n  {row.number}  {row.content}{code}")
        said = {
            "timing": row.timing_text, "reading": describe(row.reading),
            "implementing": row.implementing_text, "bodies": len(row.implementing),
        }  # fmt: skip
        click.echo(f"      {texts.say('plan.timing', **said)}")
        click.echo(f"      {texts.say('plan.implementing', **said)}")
        for o in dated:
            period, due = texts.period(o.period), texts.full_day(o.due_on)
            line = texts.say("plan.occurrence", period=period, opens=o.opens_on, due=due)
            click.echo(f"      {line}")
        click.echo(f"      {texts.say('plan.count', count=count)}")
    click.echo(f"\n{texts.say('plan.total', count=total)}")


@plan.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def tidy(file: Path) -> None:
    """Sửa mã chữ của tệp: bỏ BOM, xuống dòng LF, ghép dấu (NFC)."""
    before = file.read_bytes()
    after = toml_file.tidy(before)
    if after == before:
        click.echo(texts.say("plan.tidy_already", path=str(file)))
        return
    beside = file.with_name(f".{file.name}.tidy")
    beside.write_bytes(after)
    os.replace(beside, file)
    click.echo(texts.say("plan.tidied", path=str(file)))
