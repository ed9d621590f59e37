"""The page of a plan's open questions: every row without a due day, every finding of the paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ntm_workflow.appendix import timing
from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.web.app import create_app
from tests.scene import only
from tests.web.web_office import Person, plain


def test_every_finding_stands_there_with_its_words(an: Person, plan: Plan) -> None:
    page = an.open("/cau-hoi").text
    said = plain(page)
    for one in plan.findings:
        if plan.has_row(one.where):
            assert f'href="/phu-luc/{one.where}"' in page
    heads = re.findall(r"(Còn bỏ ngỏ, cần hỏi|Mâu thuẫn|Lỗi in, cách viết) \((\d+)\)", said)
    assert [name for name, _ in heads][:2] == ["Còn bỏ ngỏ, cần hỏi", "Mâu thuẫn"]
    assert sum(int(count) for _, count in heads) == len(plan.findings) > 40
    assert "“Xã Nhất Hòa, Vũ Lễ”" in said
    assert "Mọi dòng đều có hạn." in said
    assert "dòng chưa định được hạn" not in an.text("/")


def test_a_row_that_cannot_be_dated_is_asked_about_on_the_board_too(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    words = "Sau khi có hướng dẫn"
    reading = timing.read(words, plan.year)
    assert reading.question is not None
    some = only(plan, "III.1", "VI.1")
    rows = tuple(
        replace(row, timing_text=words, reading=reading) if row.id == "III.1" else row
        for row in some.rows
    )
    rt = make_runtime(database_url, plan=replace(some, rows=rows))
    office = Person(create_app(rt), rt)
    said = office.text("/cau-hoi")
    assert "Dòng chưa định được hạn (1)" in said
    assert f"Thời gian: “{words}”" in said
    assert str(reading.question.text) in said
    assert "1 dòng chưa định được hạn: cần trả lời" in office.text("/")
