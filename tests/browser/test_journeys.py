"""What goes wrong at a form, in a real browser: on a phone without JavaScript, and on a desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect
from sqlalchemy import select

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Submission, Task
from tests.browser.browser_office import DESK, PHONE, a_file

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]


@pytest.mark.parametrize(("viewport", "scripts"), [(PHONE, False), (DESK, True)])
def test_from_the_board_to_accepted_evidence(
    office: Office, browse: Browse, tmp_path: Path, viewport: ViewportSize, scripts: bool
) -> None:
    address, rt = office
    an = browse(viewport=viewport, java_script_enabled=scripts).new_page()
    an.goto(address)
    an.get_by_role("link", name=re.compile("việc quá hạn$")).first.click()
    an.locator("table a").first.click()
    task = int(an.url.rsplit("/", 1)[1])
    _fill(an, number="hai mươi", day="20/6/2020")
    an.get_by_label("Tệp kèm theo").set_input_files(a_file(tmp_path))
    an.get_by_role("button", name="Nộp minh chứng").click()
    expect(an.get_by_role("alert")).to_contain_text("chưa đúng; hãy ghi số/ký hiệu")
    expect(an.get_by_label("Trích yếu")).to_have_value("Báo cáo kết quả")
    expect(an.get_by_label("Báo cáo rà soát.pdf")).to_be_checked()
    _fill(an, number="20/BC-UBND", day="20/6/2020")
    an.get_by_label("Lý do quá hạn").fill("Mưa lũ")
    an.get_by_role("button", name="Nộp minh chứng").click()
    expect(an.get_by_role("status").filter(has_text="Đã nhận minh chứng")).to_be_visible()
    with an.expect_download() as download:
        an.get_by_role("link", name="Báo cáo rà soát.pdf").click()
    assert download.value.suggested_filename == "Báo cáo rà soát.pdf"

    binh = browse(viewport=viewport, java_script_enabled=scripts).new_page()
    binh.goto(address + "/viec?tinh-trang=cho-tham-dinh")
    binh.locator("table a").first.click()
    binh.get_by_role("button", name="Đạt", exact=True).click()
    expect(binh.get_by_role("status").filter(has_text="Đã thẩm định: đạt")).to_be_visible()
    with rt.reader() as session:
        assert session.get_one(Task, task).state == "accepted"
        given = session.scalars(select(Submission).where(Submission.task_id == task)).one()
        assert (given.number, given.late_reason, len(given.files)) == ("20", "Mưa lũ", 1)


def _fill(page: Page, number: str, day: str) -> None:
    page.get_by_label("Số, ký hiệu văn bản").fill(number)
    page.get_by_label("Ngày ban hành").fill(day)
    page.get_by_label("Trích yếu").fill("Báo cáo kết quả")


def test_an_error_takes_the_focus_and_its_link_leads_to_the_field(
    office: Office, browse: Browse
) -> None:
    address, _ = office
    page = browse(viewport=DESK).new_page()
    page.goto(address + "/viec/140")
    page.get_by_role("button", name="Nộp minh chứng").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "so_van_ban"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_file_over_the_limit_is_refused_in_the_browser_as_in_the_rules(
    office: Office, browse: Browse, tmp_path: Path, scripts: bool
) -> None:
    address, rt = office
    page = browse(viewport=DESK, java_script_enabled=scripts).new_page()
    page.goto(address + "/viec/140")
    _fill(page, number="12/BC-UBND", day="20/6/2020")
    huge = tmp_path / "quá lớn.bin"
    with huge.open("wb") as file:
        file.truncate(4 * rt.settings.evidence_limit + 2_000_000)
    page.get_by_label("Tệp kèm theo").set_input_files(huge)
    page.get_by_role("button", name="Nộp minh chứng").click()
    if scripts:
        expect(page.locator(".sending")).to_contain_text("Mỗi lần gửi tối đa 100 MB")
    else:
        expect(page.get_by_role("heading", name="Nội dung gửi quá lớn")).to_be_visible()
        page.go_back()
    expect(page.get_by_label("Trích yếu")).to_have_value("Báo cáo kết quả")


def test_the_appendix_prints_on_landscape_pages_without_the_menus(
    office: Office, browse: Browse
) -> None:
    address, _ = office
    page = browse(viewport=DESK).new_page()
    page.goto(address + "/phu-luc")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Các trang")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Cơ quan thực hiện").first).to_be_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
