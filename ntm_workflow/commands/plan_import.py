"""`ntm plan import`: a Word, Excel, HTML, PDF or text file becomes a draft appendix."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ntm_workflow import settings, texts
from ntm_workflow.commands import show
from ntm_workflow.errors import Refused

if TYPE_CHECKING:  # the readers are loaded when they are needed
    from ntm_workflow.appendix.importers.drafting import Made
    from ntm_workflow.appendix.importers.known import Known

_COLUMNS = ("number", "content", "directing", "implementing", "coordinating", "timing", "note",
            "criteria.number", "criteria.name", "criteria.count", "criteria.implementing",
            "criteria.directing")  # fmt: skip


def _columns(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    asked = {}
    for value in values:
        role, _, column = value.partition("=")
        if role not in _COLUMNS or not column.isdigit():
            raise click.BadParameter(
                texts.say("import.column", value=value, roles=", ".join(_COLUMNS))
            )
        asked[role] = int(column)
    return asked


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Ghi bản nháp vào tệp này.")
@click.option("--register", type=click.Path(path_type=Path),
              help="Tệp có [[unit]] và [[body]]; mặc định là phụ lục đang dùng.")  # fmt: skip
@click.option("--column", "columns", multiple=True, callback=_columns, metavar="VAI=CỘT",
              help="Nói rõ cột nào là gì, như timing=6; 0: không cột nào.")  # fmt: skip
@click.option("--answers", type=click.Path(path_type=Path),
              help="Tệp JSON: câu trả lời theo `answer_key` của câu hỏi (xem --json).")  # fmt: skip
@click.option("--coverage", is_flag=True, help="Chứng minh từng ô đã vào bản nháp.")
@click.option("--force", is_flag=True, help="Ghi đè bản nháp đã có.")
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def import_(
    file: Path, output: Path | None, register: Path | None, columns: dict[str, int],
    answers: Path | None, coverage: bool, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Đọc tệp Word, Excel, HTML, PDF hay văn bản thành bản nháp phụ lục, kèm câu hỏi."""
    from ntm_workflow.appendix.importers import drafting, guard, sniff

    document = guard.read(read_bytes(file))
    said = _answers(answers) if answers else {}
    made = drafting.make(document, _known(register), file.name, columns, said)
    if output:
        _keep(output, made.written, force)
    claimed = sniff.claimed(file.name)
    remark = ""
    if claimed in ("docx", "xlsx", "html", "pdf", "txt") and claimed != document.kind:
        remark = texts.say("import.wrong_suffix", claimed=claimed, kind=document.kind)
    if as_json:
        show.emit(_as_json(file, output, document.kind, remark, made))
    else:
        if remark:
            click.echo(remark, err=True)
        _print(file, output, made, coverage)
    sys.exit(1 if made.coverage.gaps else 0)


def read_bytes(path: Path) -> bytes:
    """The bytes of the file; its size is looked at before it is read."""
    from ntm_workflow.appendix.importers import limits

    try:
        if not path.is_file():
            raise Refused("import.no_file", path=str(path))
        limits.size(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise Refused("import.unreadable", path=str(path), why=error.strerror) from error


def _known(path: Path | None) -> Known:
    from ntm_workflow.appendix.importers import known

    path = path or settings.load().appendix
    try:
        return known.load(path.read_bytes())
    except OSError as error:
        raise Refused("import.unreadable", path=str(path), why=error.strerror) from error


def _answers(path: Path) -> dict[str, dict[str, Any]]:
    """What was answered, by the keys of the questions."""
    try:
        found = json.loads(path.read_bytes())
        if not all(isinstance(one, dict) for one in found.values()):
            raise ValueError("{}")
    except (OSError, ValueError, AttributeError) as error:
        raise Refused("import.bad.answers", why=str(error)) from error
    return dict(found)


def _keep(path: Path, written: bytes, force: bool) -> None:
    try:
        if path.exists() and not force and path.read_bytes() != written:
            raise Refused("import.draft_exists", path=str(path))
        path.write_bytes(written)
    except OSError as error:
        raise Refused("import.unwritable", path=str(path), why=error.strerror) from error


# -- what is printed ---------------------------------------------------------------


def _print(file: Path, output: Path | None, made: Made, coverage: bool) -> None:
    from ntm_workflow.appendix.importers import sentences

    draft = made.found.draft
    if not output:
        click.echo(made.written.decode(), nl=False)
    told = output is None  # the draft itself is on standard output
    click.echo(
        texts.say("import.read", path=str(file), rows=len(draft.rows),
                  sections=len(draft.sections), lines=len(draft.lines),
                  targets=len(draft.targets), questions=len(draft.asks)), err=told)  # fmt: skip
    for ask in draft.asks:
        click.echo(f"  {_where(ask.where)}: {sentences.ask(ask)}", err=told)
    if draft.findings:
        click.echo(texts.say("finding.imported", count=len(draft.findings)), err=told)
    if output:
        click.echo(texts.say("import.kept", path=str(output)))
    if made.faults:
        click.echo(texts.say("import.faults", count=len(made.faults)), err=told)
    if coverage or made.coverage.gaps:
        _print_coverage(made, told)


def _print_coverage(made: Made, told: bool) -> None:
    from ntm_workflow.appendix.importers import sentences

    proof = made.coverage
    click.echo(
        texts.say("import.coverage", cells=proof.cells, covered=proof.covered,
                  characters=proof.characters, gaps=len(proof.gaps)), err=told)  # fmt: skip
    if proof.gaps and not told:
        show.table(
            [(sentences.place(gap.place), gap.lost, gap.cell) for gap in proof.gaps],
            "import.gaps",
        )


def _where(where: tuple[str, str, str]) -> str:
    return " ".join(part for part in where if part)


def _as_json(
    file: Path, output: Path | None, kind: str, remark: str, made: Made
) -> dict[str, Any]:  # fmt: skip
    from dataclasses import asdict

    from ntm_workflow.appendix.importers import sentences
    from ntm_workflow.appendix.importers.answers import verbs

    draft, proof = made.found.draft, made.coverage
    return {
        "file": str(file), "kind": kind, "draft": str(output) if output else None,
        "remark": remark or None, "ready": made.plan is not None,
        "faults": [{"line": f.line, "where": f.where, "code": f.code} for f in made.faults],
        "plan": {**asdict(draft.head), "id": draft.head.id},
        "columns": [
            {"table": table, "column": column, "label": label, "role": role or None}
            for table, column, label, role in draft.columns
        ],
        "sections": [{"id": s.id, "title": s.title} for s in draft.sections],
        "rows": [
            {"id": r.id, "section": r.section, "content": r.content, "directing": r.directing,
             "implementing": r.implementing, "coordinating": r.coordinating, "timing": r.timing,
             "read_as": r.read_as or None, "note": r.note, "place": asdict(r.place)}
            for r in draft.rows
        ],
        "criteria": {
            "title": draft.criteria_title, "total": draft.criteria_total,
            "lines": [
                {"id": c.id, "name": c.name, "count": c.count, "implementing": c.implementing,
                 "directing": c.directing, "place": asdict(c.place)}
                for c in draft.lines
            ],
        },
        "targets": [asdict(target) for target in draft.targets],
        "questions": [
            {"code": ask.code, "answer_key": ask.key, "answers": list(verbs(ask)),
             "table": ask.where[0], "id": ask.where[1], "key": ask.where[2],
             "text": sentences.ask(ask), "quote": ask.quote, "choices": list(ask.choices),
             "place": asdict(ask.place)}
            for ask in draft.asks
        ],
        "findings": [show.finding(one) for one in draft.findings],
        "coverage": {
            "cells": proof.cells, "characters": proof.characters, "covered": proof.covered,
            "kinds": proof.kinds,
            "gaps": [{"place": asdict(g.place), "cell": g.cell, "lost": g.lost}
                     for g in proof.gaps],
        },
    }  # fmt: skip
