"""What a plan leaves open: rows without a due day, and where its paper contradicts itself."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from ntm_workflow.appendix import finding_text
from ntm_workflow.appendix.finding_codes import FindingKind, kind
from ntm_workflow.appendix.model import Finding, Plan
from ntm_workflow.web.desk import opened

router = APIRouter()
# What waits for an answer comes first.
ORDER = (FindingKind.OPEN, FindingKind.CONTRADICTION, FindingKind.SLIP)


@dataclass(frozen=True, slots=True)
class Said:
    """A finding as it is read: `row` is the row it is about, "" where it is about no row."""

    where: str
    row: str
    sentence: str
    quotes: list[str]


@router.get("/cau-hoi")
def questions(request: Request) -> Response:
    with opened(request) as desk:
        plan = desk.plan
        return desk.page(
            "questions.html", groups=_groups(plan),
            undated=[row for row in plan.all_rows if row.reading.question],
        )  # fmt: skip


def _groups(plan: Plan) -> list[tuple[FindingKind, list[Said]]]:
    found: dict[FindingKind, list[Said]] = {one: [] for one in ORDER}
    for one in plan.findings:
        found[kind(one.code)].append(_said(one, plan))
    return [(group, ones) for group, ones in found.items() if ones]


def _said(one: Finding, plan: Plan) -> Said:
    """A slip says its words itself."""
    quotes = [] if kind(one.code) is FindingKind.SLIP else finding_text.quotes(one)
    row = one.where if plan.has_row(one.where) else ""
    return Said(finding_text.named(one.where), row, finding_text.sentence(one), quotes)
