"""The criteria table against its own figures, and against the targets of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from ntm_workflow.appendix import figures
from ntm_workflow.appendix.model import Criterion, Finding, Plan, Quote, Row
from ntm_workflow.appendix.text import fold

_TABLE = "biểu tiêu chí"
_NUMBERED = re.compile(r"^tieu chi(?: so)? [\d.]+\s*[-–.:]?\s*|^[\d.]+[.)]?\s*")


def find(plan: Plan) -> Iterator[Finding]:
    for check in (_title_year, _counts, _total, _targets, _names, _percentages):
        yield from check(plan)


def _title_year(plan: Plan) -> Iterator[Finding]:
    for year in re.findall(r"\b(?:19|20)\d\d\b", plan.criteria_title):
        if int(year) != plan.year:
            data: dict[str, object] = {
                "title": plan.criteria_title, "year": int(year), "plan": plan.year,
            }  # fmt: skip
            quotes = (Quote(_TABLE, plan.criteria_title), Quote("đầu văn bản", plan.title))
            yield Finding("criteria.title_year", "criteria", data, quotes)


def _counts(plan: Plan) -> Iterator[Finding]:
    for row in plan.criteria:
        if row.count is not None and row.count != len(row.implementing):
            data: dict[str, object] = {
                "count": row.count, "named": len(row.implementing), "cell": row.implementing_text,
            }  # fmt: skip
            yield Finding("criteria.count", row.id, data, (_count(row), _communes(row)))


def _count(row: Row) -> Quote:
    return Quote(f"dòng {row.id}", str(row.count))


def _communes(row: Row) -> Quote:
    return Quote(f"dòng {row.id}", row.implementing_text)


def _total(plan: Plan) -> Iterator[Finding]:
    total, named = plan.criteria_total, sum(len(row.implementing) for row in plan.criteria)
    if total is not None and total != named:
        counted = sum(row.count or 0 for row in plan.criteria)
        code, added = "criteria.total", sum(target.added for target in plan.targets)
        data: dict[str, object] = {"total": total, "named": named, "counted": counted}
        if plan.targets:
            code, data = "criteria.total_targets", {**data, "added": added}
        yield Finding(code, "criteria", data, (Quote(_TABLE, str(total)),))


def _said(target: Criterion) -> tuple[Quote, ...]:
    return (Quote(target.place, target.quote),) if target.quote else ()


def _targets(plan: Plan) -> Iterator[Finding]:
    """The table against the text's targets, in both directions."""
    if not plan.targets:
        return
    lines = {row.criterion: row for row in plan.criteria}
    for target in plan.targets:
        yield from _target(target, lines.get(target.number))
    numbers = {target.number for target in plan.targets}
    for row in plan.criteria:
        if row.criterion not in numbers:
            data: dict[str, object] = {"number": row.criterion}
            yield Finding("line.no_target", row.id, data, (Quote(f"dòng {row.id}", row.content),))


def _target(target: Criterion, line: Row | None) -> Iterator[Finding]:
    data: dict[str, object] = {
        "number": target.number, "name": target.name, "added": target.added,
    }  # fmt: skip
    if line is None:
        if target.added:
            yield Finding("target.no_line", f"target {target.number}", data, _said(target))
    elif target.added not in {len(line.implementing), line.count}:
        data["named"] = len(line.implementing)
        yield Finding("target.differs", line.id, data, (*_said(target), _communes(line)))
    elif line.count is not None and line.count != target.added:
        data["count"] = line.count
        yield Finding("target.count_differs", line.id, data, (*_said(target), _count(line)))


def _names(plan: Plan) -> Iterator[Finding]:
    """A criterion that is called one thing in the text and another in the table."""
    lines = {row.criterion: row for row in plan.criteria}
    for target in plan.targets:
        row = lines.get(target.number)
        if row and fold(target.name) != (name := _NUMBERED.sub("", fold(row.content))) and name:
            data: dict[str, object] = {
                "number": target.number, "target": target.name, "line": row.content,
            }  # fmt: skip
            quotes = (Quote(target.place, target.name), Quote(f"dòng {row.id}", row.content))
            yield Finding("criterion.name", row.id, data, quotes)


def _percentages(plan: Plan) -> Iterator[Finding]:
    """Shares that were cut off, in one finding; those that are simply wrong, in another."""
    found: dict[str, list[Criterion]] = {"cut": [], "wrong": []}
    for target in plan.targets:
        printed = figures.figure(target.percent.removesuffix("%"))
        if printed and target.percent.endswith("%") and target.of:
            fits = figures.percent_fits(printed, Fraction(100 * target.reached, target.of))
            found.get(fits, []).append(target)
    for fits, targets in found.items():
        if targets:
            places = "; ".join(map(_arithmetic, targets))
            quotes = tuple(quote for target in targets for quote in _said(target))
            yield Finding(f"target.percent_{fits}", "targets", {"places": places}, quotes)


def _arithmetic(target: Criterion) -> str:
    exact = figures.shown(Fraction(100 * target.reached, target.of))
    return f"{target.number}: {target.reached}/{target.of} = {exact} % ({target.percent})"
