"""The reference plan comes out the same from every format, and the same as it was typed by hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.model import Plan
from tests.importers import makers
from tests.importers.conftest import Make


def printed(repeat: bool) -> bytes:
    if not makers.chromium():
        warnings.warn("CHROMIUM IS MISSING: the PDF import is not tested", stacklevel=1)
        pytest.skip("Chromium is missing: no browser to print a PDF with")
    return makers.printed(makers.page(makers.text().blocks, repeat))


def _office(kind: str) -> bytes:
    return (makers.DATA / "office" / f"plan.{kind}").read_bytes()


FORMATS: dict[str, Callable[[], bytes]] = {
    "txt": lambda: makers.TEXT,
    "docx": lambda: makers.word(makers.text().blocks),
    "xlsx": lambda: makers.workbook(makers.text().blocks),
    "html": lambda: makers.page(makers.text().blocks),
    "pdf": lambda: printed(repeat=True),
    "pdf with rows cut by pages": lambda: printed(repeat=False),
    # As LibreOffice 7.4 saved and printed them, and not our own libraries.
    **{f"office {kind}": partial(_office, kind) for kind in ("docx", "xlsx", "html", "pdf")},
}


@pytest.fixture(scope="module", params=list(FORMATS))
def imported(request: pytest.FixtureRequest, make: Make) -> Made:
    return make(FORMATS[request.param]())


def cells(plan: Plan) -> list[tuple[Any, ...]]:
    return [
        (row.id, row.section, row.content, row.directing_text, row.implementing_text,
         row.coordinating_text, row.timing_text, row.note, row.criterion, row.count)
        for row in plan.all_rows
    ]  # fmt: skip


def test_every_format_gives_the_rows_sections_criteria_and_targets_of_the_appendix(
    imported: Made, plan: Plan
) -> None:
    assert imported.plan is not None, imported.faults
    assert cells(imported.plan) == cells(plan)
    assert imported.plan.sections == plan.sections
    assert imported.plan.targets == plan.targets
    assert imported.plan.criteria_title == plan.criteria_title
    assert imported.plan.criteria_total == plan.criteria_total == 18


def test_every_format_gives_the_head_of_the_plan(imported: Made, plan: Plan) -> None:
    found = imported.plan
    assert found is not None
    for key in ("id", "number", "symbol", "issuer", "title", "issued_on", "effective_on", "year",
                "level", "coordination_office"):  # fmt: skip
        assert getattr(found, key) == getattr(plan, key), key
    assert imported.found.draft.head.place == "Bắc Sơn"


def test_nothing_is_asked_of_the_reference_plan_but_rows_that_a_page_cut(imported: Made) -> None:
    assert {ask.code for ask in imported.found.draft.asks} <= {"row.cut"}


def test_every_character_of_every_cell_is_in_the_draft(imported: Made) -> None:
    proof = imported.coverage
    assert proof.gaps == ()
    assert proof.covered == proof.characters > 2_900
    assert proof.kinds["section"] == 22  # eleven numbers, eleven titles


def test_the_same_file_gives_the_same_draft_byte_for_byte(make: Make) -> None:
    assert make(makers.TEXT).written == make(makers.TEXT).written


def test_every_format_gives_the_findings_of_the_paper(imported: Made, plan: Plan) -> None:
    assert imported.plan is not None
    assert [(f.code, f.where, f.data) for f in imported.plan.findings] == [
        (f.code, f.where, f.data) for f in plan.findings
    ]
