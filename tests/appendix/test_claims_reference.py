"""The 2020 plan as a person read it: all that is wrong in it is found, nothing that is right."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ntm_workflow import texts
from ntm_workflow.appendix import finding_text
from ntm_workflow.appendix.finding_codes import PAPER, PLAN, FindingKind, kind
from ntm_workflow.appendix.importers import drafting, files, known
from ntm_workflow.appendix.importers.document import Paragraph, squash
from ntm_workflow.appendix.model import Finding, Plan
from tests.conftest import ROOT

HERE = Path(__file__).parent
READ = tomllib.loads((HERE / "papers" / "plan-28-2020.toml").read_text("utf-8"))
TEXT = (HERE.parent / "importers" / "data" / "plan-28-2020.txt").read_bytes()
KINDS = {
    "contradiction": FindingKind.CONTRADICTION,
    "open": FindingKind.OPEN,
    "slip": FindingKind.SLIP,
}
WRONG = [(group, entry) for group in KINDS for entry in READ[group]]


@pytest.fixture(scope="module")
def findings() -> tuple[Finding, ...]:
    register = known.load((ROOT / "config" / "appendix.toml").read_bytes())
    made = drafting.make(files.read(TEXT), register).plan
    assert made is not None
    return made.findings


def says(one: Finding, entry: dict[str, Any]) -> bool:
    return (one.code, one.where) == (entry["code"], entry["where"]) and all(
        any(quote.place == place and words in quote.text for quote in one.quotes)
        for place, words in entry["quotes"]
    )


@pytest.mark.parametrize(("group", "entry"), WRONG, ids=[e["why"][:50] for _, e in WRONG])
def test_what_a_person_found_wrong_is_found_with_its_words_and_place(
    findings: tuple[Finding, ...], group: str, entry: dict[str, Any]
) -> None:
    found = [one for one in findings if says(one, entry)]
    assert len(found) == 1, [one for one in findings if one.code == entry["code"]]
    assert kind(entry["code"]) is KINDS[group]


def test_nothing_is_found_that_no_person_found(findings: tuple[Finding, ...]) -> None:
    extra = [one for one in findings if not any(says(one, entry) for _, entry in WRONG)]
    assert extra == []
    assert len(findings) == len(WRONG)


@pytest.mark.parametrize("entry", READ["consistent"], ids=lambda e: e["quote"][:50])
def test_what_adds_up_is_in_no_contradiction(
    findings: tuple[Finding, ...], entry: dict[str, Any]
) -> None:
    paper = squash(TEXT.decode())
    assert entry["quote"] in paper
    accused = {
        one.code for one in findings
        if kind(one.code) is FindingKind.CONTRADICTION and one.code not in entry.get("but", ())
        and any(entry["quote"] in quote.text for quote in one.quotes)
    }  # fmt: skip
    assert accused == set()


def test_every_quote_of_the_text_stands_in_the_paper_as_printed(plan: Plan) -> None:
    document = files.read(TEXT)
    said = " ".join(squash(b.text) for b in document.blocks if isinstance(b, Paragraph))
    cells = {squash(cell.text) for table in document.tables for cell in table.cells}
    for one in plan.paper:
        assert one.quotes
        for quote in one.quotes:
            assert quote.text in said or any(quote.text in cell for cell in cells), quote


def test_the_kept_findings_are_those_of_the_paper(
    findings: tuple[Finding, ...], plan: Plan
) -> None:
    assert plan.findings == findings


def test_the_sentence_shows_the_sum(plan: Plan) -> None:
    said = [finding_text.sentence(one) for one in plan.findings]
    assert any("2.500 / 222.500 triệu đồng = 1,12 %, bản in ghi 1,2 %" in one for one in said)
    assert any("9/17 = 52,94 % (52%)" in one for one in said)


def test_every_finding_has_a_sentence_that_its_data_fills() -> None:
    for code, (_, keys) in PAPER.items():
        data: dict[str, object] = dict.fromkeys(keys, "x")
        assert finding_text.sentence(Finding(code, "I.1", data)) != f"finding.{code} {data}", code
    for code in PLAN:
        assert texts.has(f"finding.{code}"), code
