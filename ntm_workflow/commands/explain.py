"""`ntm explain`: how a timing is read, and why it gives those days."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from ntm_workflow import settings as settings_module
from ntm_workflow import texts
from ntm_workflow.appendix import timing
from ntm_workflow.appendix.model import Every, Kind, Level, Plan, Question, Reading, Row, Rules
from ntm_workflow.appendix.timing_say import describe
from ntm_workflow.calendar.occurrences import Occurrence, occurrences
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.commands import show
from ntm_workflow.reports import why

PERIOD_RULES = click.Choice(["decree-09-2019", "calendar"])


@click.command()
@click.argument("text", required=False)
@click.option("--year", type=int, default=None, help="Năm của kế hoạch; mặc định năm nay.")
@click.option("--header", default="", help="Tên cột thời gian.")
@click.option("--period-rule", type=PERIOD_RULES, default="decree-09-2019", show_default=True,
              help="Kỳ báo cáo.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
@click.option("--jsonl", is_flag=True, help="Đọc từng dòng JSON từ đầu vào, trả từng dòng JSON.")
def explain(
    text: str | None, year: int | None, header: str, period_rule: str, as_json: bool, jsonl: bool
) -> None:
    """Thời gian TEXT được hiểu thế nào, và vì sao ra những ngày ấy."""
    year = year or datetime.now(texts.ZONE).year
    if jsonl:
        _lines(year, header, period_rule)
        return
    if text is None:
        raise click.UsageError("TEXT")
    days = _days()
    reading = timing.read(text, year, header)
    dated = _dated(reading, period_rule, days)
    if as_json:
        show.emit(_as_json(reading, dated))
        return
    click.echo(texts.say("explain.head", text=text, year=year))
    click.echo(f"  {texts.say('explain.reading', said=describe(reading), rule=reading.rule)}")
    if reading.question:
        click.echo(f"  {texts.say('explain.question', question=reading.question.text)}")
        for choice in reading.question.choices:
            click.echo(f"    - {choice}")
    for occurrence in dated:
        for line in _why(occurrence):
            click.echo(f"  {line}")


def _days() -> WorkCalendar:
    """The calendar with the days that were recorded, where there is a database to ask."""
    wanted = settings_module.load()
    file = wanted.database_url.removeprefix("sqlite:///")
    if file != wanted.database_url and not Path(file).exists():
        return WorkCalendar()
    from sqlalchemy.exc import SQLAlchemyError

    from ntm_workflow import runtime

    try:
        return runtime.recorded_days(wanted)
    except SQLAlchemyError:
        click.echo(texts.say("calendar.not_asked"), err=True)
        return WorkCalendar()


def _why(o: Occurrence) -> list[str]:
    return why.steps(o.period, o.nominal_due, o.due_on, o.rule, o.day_off)


def _lines(year: int, header: str, period_rule: str) -> None:
    """Answer every line with one line; a line that is no question is answered and reported."""
    days, wrong = _days(), 0
    for number, line in enumerate(sys.stdin, start=1):
        if not line.strip():
            continue
        asked: Any = None
        try:
            asked = json.loads(line)
            text = asked["text"] or ""
            of_year = int(asked.get("year") or year)
            reading = timing.read(str(text), of_year, str(asked.get("header") or header))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
            why, wrong = texts.say("explain.line", line=number), wrong + 1
            reading = Reading("", year, Kind.UNREADABLE, "bad-line", question=Question(why))
            click.echo(why, err=True)
        name = asked.get("id") if isinstance(asked, dict) else None
        answer = {"id": name, **_short(reading, period_rule, days)}
        click.echo(json.dumps(answer, ensure_ascii=False, default=date.isoformat))
    if wrong:
        raise SystemExit(1)


def _short(reading: Reading, period_rule: str, days: WorkCalendar) -> dict[str, Any]:
    return {
        **_sense(reading, period_rule, days),
        "parts": [_sense(part, period_rule, days) for part in reading.parts],
        "question": _question(reading),
        "rule": reading.rule,
    }


def _sense(reading: Reading, period_rule: str, days: WorkCalendar) -> dict[str, Any]:
    """What is understood, be it asked about or not: nominal days, before any shift."""
    periodic = [p for p in (reading, *reading.parts) if p.kind is Kind.PERIODIC]
    understood = [replace(p, question=None) for p in periodic if p.windows or _steps(p)]
    due = [o.nominal_due for part in understood for o in _dated(part, period_rule, days)]
    every = [e for part in periodic for e in _steps(part)]
    return {
        "kind": str(reading.kind),
        "windows": _windows(reading),
        "every": [str(e) for e in dict.fromkeys(every)],
        "due_dates": sorted(set(due)),
    }


def _steps(reading: Reading) -> tuple[Every, ...]:
    """The steps of a periodic reading; "Định kỳ" alone has those of the plan's rules."""
    return Rules().periodic if reading.rule == "periodic" else reading.every


def _windows(reading: Reading) -> list[dict[str, date | None]]:
    """The windows of a reading, or of the parts of a mixed one; a period gives `due_dates`."""
    dated = [r for r in (reading, *reading.parts) if r.kind is not Kind.PERIODIC]
    return [{"opens_on": w.opens_on, "due_on": w.due_on} for r in dated for w in r.windows]


def _question(reading: Reading) -> dict[str, Any] | None:
    if reading.question is None:
        return None
    return {"text": reading.question.text, "choices": list(reading.question.choices)}


def _dated(reading: Reading, period_rule: str, days: WorkCalendar) -> list[Occurrence]:
    """Date a reading on its own, as if its plan took effect on the first day it names."""
    if reading.question:
        return []
    row = Row("X.1", "X", "", "", "x", "", reading.text, reading)
    starts = [date(reading.year, 1, 1), *(w.opens_on for w in reading.windows if w.opens_on)]
    start = min(*starts, *(date(w.due_on.year, 1, 1) for w in reading.windows), date.max)
    made = Plan(
        id="x", number=1, symbol="KH", issuer="x", title="", year=reading.year,
        level=Level.DISTRICT, issued_on=start, effective_on=start, coordination_office="x",
        sections=(), rows=(row,), criteria=(), targets=(), bodies=(), units=(),
        rules=Rules(period_rule=period_rule),
    )  # fmt: skip
    return list(occurrences(row, made, days))


def _as_json(reading: Reading, dated: list[Occurrence]) -> dict[str, Any]:
    return {
        "text": reading.text, "year": reading.year, "kind": str(reading.kind),
        "rule": reading.rule, "windows": _windows(reading),
        "every": [str(e) for e in reading.every], "day": reading.day,
        "parts": [{"kind": str(part.kind)} for part in reading.parts],
        "other_years": list(reading.other_years),
        "occurrences": [
            {"period": o.period, "opens_on": o.opens_on, "nominal_due": o.nominal_due,
             "due_on": o.due_on, "rule": o.rule, "day_off": o.day_off, "why": _why(o)}
            for o in dated
        ],
        "question": _question(reading),
    }  # fmt: skip
