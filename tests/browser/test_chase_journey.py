"""Chasing by hand and the forecast on a phone, without JavaScript and without a mouse."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Notice

Browse = Callable[..., BrowserContext]
PHONE = {"width": 360, "height": 740}


def fits(page: Page) -> bool:
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(page.evaluate(wide))


def test_a_task_is_chased_on_a_phone_with_the_keyboard(
    office: tuple[str, Runtime], browse: Browse
) -> None:
    address, rt = office
    page = browse(viewport=PHONE).new_page()
    page.goto(f"{address}/viec/140")
    page.get_by_role("link", name="Đôn đốc việc này ngay").press("Enter")
    assert fits(page)
    page.get_by_label("Ý kiến kèm theo").fill("Đề nghị nộp trong ngày.")
    page.get_by_role("button", name="Xem trước").press("Enter")
    page.get_by_text("Sẽ gửi 1 thông báo về 1 việc").wait_for()
    assert fits(page)
    page.get_by_role("button", name="Gửi 1 thông báo").press("Enter")
    page.get_by_text("Đã lập 1 thông báo").wait_for()
    page.reload()
    with rt.reader() as session:
        assert [one.kind for one in session.scalars(select(Notice))] == ["hand"]


def test_the_forecast_fits_a_phone_and_tries_a_rung(
    office: tuple[str, Runtime], browse: Browse
) -> None:
    address, _ = office
    page = browse(viewport=PHONE).new_page()
    page.goto(f"{address}/thong-bao")
    page.get_by_role("link", name="Dự báo").press("Enter")
    page.get_by_text("Theo người nhận").wait_for()
    assert fits(page)
    page.get_by_text("Thử thêm một bậc").press("Enter")
    page.get_by_label("Số ngày của bậc").fill("5")
    page.get_by_role("button", name="Dự báo").press("Enter")
    page.get_by_text("Nếu thay đổi như vậy: thêm").wait_for()
    assert fits(page)
