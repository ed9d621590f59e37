"""Handing work over in a real browser: on a phone without JavaScript, and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

from ntm_workflow.runtime import Runtime
from tests.bodies_scene import NEW, Bodies, end, merge
from tests.browser.browser_office import DESK, PHONE, faults_of, sticking_out

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]


def ended(rt: Runtime) -> Bodies:
    """Two committees became one today, and a third ended without a successor."""
    town = Bodies(rt)
    day = rt.today()
    town.record(merge("bql-tan-thanh", "bql-tan-tri", into=NEW, on=day))
    town.record(end("bql-vu-lang", on=day))
    return town


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until this has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab never reaches {wanted}")


def test_from_the_board_to_a_chosen_body_on_a_phone_without_javascript(
    office: Office, browse: Browse
) -> None:
    address, rt = office
    town = ended(rt)
    page = browse(viewport=PHONE, java_script_enabled=False).new_page()
    page.goto(address)
    page.get_by_role("link", name=re.compile("việc chờ bàn giao")).first.click()
    page.get_by_text("Chọn một sự kiện").click()
    page.get_by_role("link", name=re.compile("^Ban Quản lý .*Vũ Lăng: kết thúc")).click()
    page.locator("summary", has_text="Không bàn giao").first.click()
    page.get_by_role("button", name="Không bàn giao").first.click()
    expect(page.get_by_role("alert")).to_contain_text("Hãy ghi lý do")
    page.locator("summary", has_text="Chọn đơn vị nhận").first.click()
    page.get_by_label("Đơn vị nhận").first.fill("vpdp-huyen")
    page.get_by_role("button", name="Xác nhận bàn giao").first.click()
    expect(page.get_by_role("status").filter(has_text="Đã bàn giao")).to_be_visible()
    assert [one.to_body for one in town.proposals("confirmed")] == ["vpdp-huyen"]


def test_a_whole_event_is_confirmed_by_keyboard_alone(office: Office, browse: Browse) -> None:
    address, rt = office
    town = ended(rt)
    page = browse(viewport=DESK).new_page()
    page.goto(f"{address}/ban-giao")
    reach(page, page.get_by_role("button", name=re.compile("^Xem trước rồi xác nhận")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^Sẽ xác nhận"))).to_be_focused()
    assert faults_of(page) == []
    page.set_viewport_size(PHONE)
    assert sticking_out(page) == []
    reach(page, page.get_by_role("button", name=re.compile(r"^Xác nhận \d+ đề xuất")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_focused()
    assert {one.body_id for one in town.proposals("proposed")} == {"bql-vu-lang"}
