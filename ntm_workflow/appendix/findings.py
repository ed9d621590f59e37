"""What the paper contradicts or leaves open. Said, never repaired in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ntm_workflow.appendix.model import Finding, Plan, Row

# Slips that no dictionary has as a word of its own: (as printed, what is meant).
SLIPS = (
    ("BCD", "BCĐ"),
    ("Kiến toàn", "Kiện toàn"),
    ("PHÂN ĐẦU", "PHẤN ĐẤU"),
    ("phân đầu", "phấn đấu"),
    ("sát nhập", "sáp nhập"),
)


def find(plan: Plan) -> tuple[Finding, ...]:
    """All findings of a plan, in the order a reader of the paper meets them."""
    checks: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
        _spelling,
        _open_groups,
        _undated,
        _other_years,
        _over_before_start,
        _title_year,
        _counts,
        _total,
        _targets,
        _percentages,
    )
    return tuple(finding for check in checks for finding in check(plan))


def _texts(plan: Plan) -> Iterator[tuple[str, str]]:
    for section in plan.sections:
        yield section.id, section.title
    for row in plan.rows:
        for cell in (
            row.content, row.directing_text, row.implementing_text, row.coordinating_text
        ):  # fmt: skip
            yield row.id, cell
    yield "criteria", plan.criteria_title
    for row in plan.criteria:
        yield row.id, row.content


def _spelling(plan: Plan) -> Iterator[Finding]:
    for slip, meant in SLIPS:
        word = re.compile(rf"\b{slip}\b")
        places = list(dict.fromkeys(where for where, text in _texts(plan) if word.search(text)))
        if places:
            yield Finding(
                "spelling", places[0],
                {"printed": slip, "meant": meant, "places": ", ".join(places)},
            )  # fmt: skip


def _open_groups(plan: Plan) -> Iterator[Finding]:
    for body in plan.bodies:
        rows = [row.id for row in plan.all_rows if body.id in row.implementing]
        if body.open_group and rows:
            data: dict[str, object] = {"name": body.name, "id": body.id, "rows": ", ".join(rows)}
            yield Finding("group.open", rows[0], data)


def _undated(plan: Plan) -> Iterator[Finding]:
    for row in plan.all_rows:
        if row.reading.question:
            yield Finding(
                "timing.question", row.id,
                {"timing": row.timing_text, "question": row.reading.question.text},
            )  # fmt: skip


def _other_years(plan: Plan) -> Iterator[Finding]:
    for row in plan.all_rows:
        for year in row.reading.other_years:
            data: dict[str, object] = {"timing": row.timing_text, "year": year, "plan": plan.year}
            yield Finding("timing.other_year", row.id, data)


def _over_before_start(plan: Plan) -> Iterator[Finding]:
    for row in plan.all_rows:
        for window in row.reading.windows:
            if window.due_on < plan.effective_on:
                yield Finding(
                    "timing.over", row.id,
                    {"timing": row.timing_text, "due": window.due_on, "start": plan.effective_on},
                )  # fmt: skip


def _title_year(plan: Plan) -> Iterator[Finding]:
    for year in re.findall(r"\b(?:19|20)\d\d\b", plan.criteria_title):
        if int(year) != plan.year:
            data: dict[str, object] = {
                "title": plan.criteria_title, "year": int(year), "plan": plan.year,
            }  # fmt: skip
            yield Finding("criteria.title_year", "criteria", data)


def _counts(plan: Plan) -> Iterator[Finding]:
    for row in plan.criteria:
        if row.count is not None and row.count != len(row.implementing):
            yield Finding(
                "criteria.count", row.id,
                {"count": row.count, "named": len(row.implementing), "cell": row.implementing_text},
            )  # fmt: skip


def _total(plan: Plan) -> Iterator[Finding]:
    total, named = plan.criteria_total, sum(len(row.implementing) for row in plan.criteria)
    if total is not None and total != named:
        counted = sum(row.count or 0 for row in plan.criteria)
        data: dict[str, object] = {"total": total, "named": named, "counted": counted}
        yield Finding("criteria.total", "criteria", data)


def _targets(plan: Plan) -> Iterator[Finding]:
    """The table against the text's targets, in both directions."""
    if not plan.targets:
        return
    lines = {row.criterion: row for row in plan.criteria}
    targets = {target.number: target for target in plan.targets}
    for number, target in targets.items():
        line: Row | None = lines.get(number)
        data: dict[str, object] = {"number": number, "name": target.name, "added": target.added}
        if line is None:
            if target.added:
                yield Finding("target.no_line", f"I.2/{number}", data)
        elif target.added not in {len(line.implementing), line.count}:
            yield Finding("target.differs", line.id, {**data, "named": len(line.implementing)})
        elif line.count is not None and line.count != target.added:
            yield Finding("target.count_differs", line.id, {**data, "count": line.count})
    for row in plan.criteria:
        if row.criterion not in targets:
            yield Finding("line.no_target", row.id, {"number": row.criterion})


def _percentages(plan: Plan) -> Iterator[Finding]:
    cut: list[str] = []
    wrong: list[str] = []
    for target in plan.targets:
        if not (printed := re.fullmatch(r"(\d+)(?:,(\d+))?%", target.percent)):
            continue
        digits = len(printed[2] or "")
        scale = 10**digits
        shown = int(printed[1]) * scale + int(printed[2] or 0)
        exact = 100 * scale * target.reached / target.of
        if shown == round(exact):
            continue
        (cut if shown == int(exact) else wrong).append(
            f"{target.number}: {target.reached}/{target.of} = {target.percent}"
        )
    if cut:
        yield Finding("target.percent_cut", "I.2", {"places": "; ".join(cut)})
    if wrong:
        yield Finding("target.percent_wrong", "I.2", {"places": "; ".join(wrong)})
