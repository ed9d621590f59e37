"""Claims about importing a paper that amends another."""

from __future__ import annotations

from ntm_workflow.appendix.amendment import compare
from ntm_workflow.appendix.model import Plan
from tests.importers import makers
from tests.importers.conftest import Make

TITLE = "Thực hiện Chương trình mục tiêu quốc gia xây dựng nông thôn mới huyện Bắc Sơn năm 2020\n"


def paper(title: str) -> str:
    """The plan of 2020 issued again under another number, date and title."""
    text = makers.TEXT.decode()
    return (
        text.replace("Số: 28 /KH-UBND", "Số: 45/KH-UBND", 1)
        .replace("ngày 12 tháng 02 năm 2020", "ngày 10 tháng 8 năm 2020", 1)
        .replace(TITLE, title + "\n", 1)
    )


def test_a_title_that_amends_the_running_plan_names_it_in_the_draft(make: Make, plan: Plan) -> None:
    found = make(paper("Điều chỉnh, bổ sung Kế hoạch số 28/KH-UBND ngày 12/02/2020 của UBND "
                       "huyện thực hiện Chương trình nông thôn mới năm 2020"))  # fmt: skip
    assert b'\namends = "28-kh-ubnd-2020"\n' in found.written
    assert found.plan is not None, found.faults
    assert (found.plan.id, found.plan.amends) == ("45-kh-ubnd-2020", "28-kh-ubnd-2020")
    changed = compare(plan, found.plan)
    assert not changed.doubts
    assert {c.name for c in changed.changes if c.table == "row"} == {"IX.1"}  # the scope is ours
    assert not [c for c in changed.changes if c.table == "plan"]


def test_a_title_that_amends_a_plan_nobody_knows_is_asked(make: Make) -> None:
    found = make(paper("Sửa đổi, bổ sung một số nội dung của Kế hoạch số 17/KH-UBND năm 2020"))
    assert b"amends =" not in found.written
    assert "điều chỉnh, bổ sung Kế hoạch số 17/KH-UBND" in found.written.decode()
    assert found.plan is not None


def test_carrying_out_another_plan_is_not_amending_it(make: Make) -> None:
    found = make(paper("Thực hiện Kế hoạch số 28/KH-UBND năm 2020"))
    assert b"amends" not in found.written
