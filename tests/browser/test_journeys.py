"""The pages in a real browser: on a phone, on a desk, without JavaScript, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser_office import DESK, PHONE, a_file
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Submission, Task

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
PAGES = (
    "/", "/phu-luc", "/phu-luc/VI.1", "/viec", "/viec/1", "/viec/140", "/tieu-chi", "/don-vi",
    "/don-vi/bql-tan-lap", "/thong-bao", "/thu-den", "/nhat-ky", "/khong-co",
)  # fmt: skip


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_from_the_board_to_accepted_evidence(
    office: Office, browse: Browse, tmp_path: Path, viewport: dict[str, int], scripts: bool
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
    expect(an.get_by_role("status")).to_contain_text("Đã nhận minh chứng")
    with an.expect_download() as download:
        an.get_by_role("link", name="Báo cáo rà soát.pdf").click()
    assert download.value.suggested_filename == "Báo cáo rà soát.pdf"

    binh = browse(viewport=viewport, java_script_enabled=scripts).new_page()
    binh.goto(address + "/viec?tinh-trang=cho-tham-dinh")
    binh.locator("table a").first.click()
    binh.get_by_role("button", name="Đạt", exact=True).click()
    expect(binh.get_by_role("status")).to_contain_text("Đã thẩm định: đạt")
    with rt.reader() as session:
        assert session.get_one(Task, task).state == "accepted"
        given = session.scalars(select(Submission).where(Submission.task_id == task)).one()
        assert (given.number, given.late_reason, len(given.files)) == ("20", "Mưa lũ", 1)


def _fill(page: Page, number: str, day: str) -> None:
    page.get_by_label("Số, ký hiệu văn bản").fill(number)
    page.get_by_label("Ngày ban hành").fill(day)
    page.get_by_label("Trích yếu").fill("Báo cáo kết quả")


def test_no_page_scrolls_sideways_on_a_phone_or_with_text_twice_as_large(
    office: Office, browse: Browse
) -> None:
    address, _ = office
    page = browse(viewport=PHONE).new_page()
    large = browse(viewport={"width": 640, "height": 450}, device_scale_factor=2).new_page()
    for path in PAGES:
        for one in (page, large):
            one.goto(address + path)
            assert _too_wide(one) == [], path


def _too_wide(page: Page) -> list[str]:
    """The elements that stick out to the right, if the page can be scrolled that way."""
    found: list[str] = page.evaluate(
        """() => {
            const wide = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= wide) return [];
            return [...document.querySelectorAll('main *')]
                .filter(e => e.getBoundingClientRect().right > wide + 1)
                .map(e => e.tagName + '.' + e.className).slice(0, 5);
        }"""
    )
    return found


def test_no_page_is_blocked_by_its_own_policy_or_asks_anything_of_another_host(
    office: Office, browse: Browse
) -> None:
    address, _ = office
    page = browse(viewport=DESK).new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for path in PAGES[:-1]:
        page.goto(address + path)
    assert said == []
    assert all(url.startswith(address + "/") for url in asked)


def test_a_task_is_done_with_the_keyboard_alone(office: Office, browse: Browse) -> None:
    address, rt = office
    page = browse(viewport=DESK).new_page()
    page.goto(address + "/viec/140")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "chinh"
    _tab_to(page, "Số, ký hiệu văn bản")
    for text in ("12/BC-UBND", "20/6/2020", "Báo cáo", None, "gửi bằng bàn phím"):
        if text:
            page.keyboard.type(text)
        page.keyboard.press("Tab")
    _outlined(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_focused()
    with rt.reader() as session:
        assert session.get_one(Task, 140).state == "submitted"


def _tab_to(page: Page, label: str) -> None:
    wanted = page.get_by_label(label)
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError(f"{label}: not reached by the keyboard")


def _outlined(page: Page) -> None:
    """What has the focus shows it."""
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


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


def test_a_file_over_the_limit_is_refused_in_the_browser_as_in_the_rules(
    office: Office, browse: Browse, tmp_path: Path
) -> None:
    address, rt = office
    page = browse(viewport=DESK).new_page()
    page.goto(address + "/viec/140")
    _fill(page, number="12/BC-UBND", day="20/6/2020")
    huge = tmp_path / "quá lớn.bin"
    with huge.open("wb") as file:
        file.truncate(4 * rt.settings.evidence_limit + 2_000_000)
    page.get_by_label("Tệp kèm theo").set_input_files(huge)
    page.get_by_role("button", name="Nộp minh chứng").click()
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
