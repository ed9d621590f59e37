"""Pages that are up while a day is ordered."""

from __future__ import annotations

from datetime import date

from ntm_workflow.runtime import Runtime
from ntm_workflow.work import ordered_days
from tests.web.web_office import DAY, TASK, TESTER, Person, number


def test_pages_that_are_up_notice_an_ordered_day(an: Person, town: Runtime) -> None:
    ours = f"/viec/{number(town, TASK)}"
    assert "4/1/2021" not in an.text("/phu-luc/III.1")
    assert "30/6/2020" in an.text(ours)
    for day in (date(2020, 12, 31), date(2020, 6, 30)):
        with town.sessions.begin() as session:
            ordered_days.order(
                session, [town.plan], day, True, "15/CĐ-UBND", by=TESTER,
                now=town.moment(DAY), today=DAY,
            )  # fmt: skip
    assert "4/1/2021" in an.text("/phu-luc/III.1")  # December's, which is not open yet
    page = an.text(ours)
    assert "ngày cuối theo văn bản là thứ Ba 30/6/2020" in page
    assert (
        "Lịch làm việc thay đổi, hạn chuyển sang thứ Tư 1/7/2020: 30/6/2020 nghỉ theo 15/" in page
    )
    assert "gia hạn đến" not in page


def test_the_audit_page_names_an_order_in_words(an: Person, town: Runtime) -> None:
    with town.sessions.begin() as session:
        ordered_days.order(
            session, [town.plan], date(2020, 6, 30), True, "15/CĐ-UBND", "mưa lũ", by=TESTER,
            now=town.moment(DAY), today=DAY,
        )  # fmt: skip
    page = an.text("/nhat-ky?doi-tuong=day/2020-06-30")
    assert "ghi ngày nghỉ theo văn bản" in page.lower()
    assert "văn bản: 15/CĐ-UBND" in page or "văn bản 15/CĐ-UBND" in page
    assert "{" not in page
