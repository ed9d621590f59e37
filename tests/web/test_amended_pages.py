"""What the pages of an amended plan say of rows that moved, came and left."""

from __future__ import annotations

from ntm_workflow.runtime import Runtime, assemble
from ntm_workflow.web.app import create_app
from ntm_workflow.work import amendments
from ntm_workflow.work.audit import Actor
from tests.amended import Paper
from tests.web.web_office import DAY, Person, number

PAPER = (
    Paper()
    .set("IX.1", timing='"Quý III"')
    .without("V.2")
    .renumber(II_1="II.2", II_2="II.3")
    .insert("II.2", "II.1", "Giao vốn bổ sung", timing="Quý II")
)


def amended(town: Runtime) -> Person:
    """A person at the pages of the plan as it runs after the amendment."""
    with town.sessions.begin() as session:
        prepared = amendments.prepare(
            session,
            town.plan,
            PAPER.plan,
            PAPER.bytes,
            document="45/KH-UBND ngày 10/6/2020",
            today=DAY,
        )
        amendments.apply(
            session, town.plan, prepared, town.days, now=town.now(), today=DAY,
            actor=Actor("Bình", via="test"),
        )  # fmt: skip
    rt = assemble(town.settings, prepared.plan)
    return Person(create_app(rt), rt)


def test_rows_are_shown_by_their_printed_number_and_found_by_their_code(town: Runtime) -> None:
    person = amended(town)
    assert "II.3. Xây dựng và lập kế hoạch" in person.text("/phu-luc")
    page = person.text("/phu-luc/II.2")
    assert page.count("II.3. Xây dựng và lập kế hoạch") >= 1
    assert "Việc của dòng này mang mã II.2" in page
    assert "II.1. Giao vốn bổ sung" in person.text("/phu-luc/II.1b")
    assert "Dòng II.3" in person.text(f"/viec/{number(town, 'II.2/2020-06/vpdp-huyen')}")


def test_a_moved_task_explains_its_day_by_the_document(town: Runtime) -> None:
    person = amended(town)
    page = person.text(f"/viec/{number(town, 'IX.1/2020-Q2/bql-vu-son')}")
    assert "Chuyển hạn sang thứ Tư 30/9/2020 theo 45/KH-UBND ngày 10/6/2020" in page
    assert "theo 45/KH-UBND ngày 10/6/2020" in person.text("/nhat-ky")


def test_a_task_of_a_row_that_left_still_has_its_page(town: Runtime) -> None:
    person = amended(town)
    one = number(town, "V.2/2020-Q2/vpdp-tinh")
    assert "Dòng V.2 (không còn trong kế hoạch)" in person.text(f"/viec/{one}")
    assert person.open("/phu-luc/V.2").status_code == 404


def test_the_audit_page_shows_an_amendment_in_words(town: Runtime) -> None:
    page = amended(town).text("/nhat-ky?viec=28-kh-ubnd-2020")
    assert "Điều chỉnh kế hoạch" in page
    assert "II.1 → II.2" in page
    assert "field." not in page
