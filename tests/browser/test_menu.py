"""The menu: a line of links, and on a phone one line that opens, with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from ntm_workflow.runtime import Runtime
from tests.browser.browser_office import DESK, PHONE, faults_of, sticking_out

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_on_a_phone_the_menu_is_one_line_until_it_is_opened(
    office: Office, browse: Browse, scripts: bool
) -> None:
    page = browse(viewport=PHONE, java_script_enabled=scripts).new_page()
    page.goto(f"{office[0]}/phu-luc")
    menu = page.get_by_role("navigation", name="Các trang")
    box = menu.bounding_box()
    assert box
    assert 44 <= box["height"] <= 50
    expect(menu.get_by_role("link")).to_have_count(0)
    button = menu.get_by_text("Menu")
    expect(button).to_contain_text("Phụ lục")  # where one is
    button.focus()
    page.keyboard.press("Enter")
    links = menu.get_by_role("link")
    expect(links).to_have_count(12)  # what the head of a wide screen has besides is here too
    expect(page.get_by_role("link", name="Nhập kế hoạch")).to_have_count(1)
    expect(menu.get_by_role("link", name="Phụ lục")).to_have_attribute("aria-current", "page")
    for one in links.all():
        place = one.bounding_box()
        assert place
        assert place["height"] >= 44
    if scripts:
        assert (faults_of(page), sticking_out(page)) == ([], [])
    menu.get_by_role("link", name="Lịch").click()
    expect(page).to_have_url(f"{office[0]}/lich")


def test_on_a_phone_the_head_leaves_the_screen_to_the_page(office: Office, browse: Browse) -> None:
    page = browse(viewport=PHONE).new_page()
    page.goto(f"{office[0]}/phu-luc")
    head = page.get_by_role("banner").bounding_box()
    assert head
    assert head["height"] <= PHONE["height"] / 7


def test_on_a_wide_screen_the_menu_is_the_line_it_was(office: Office, browse: Browse) -> None:
    page = browse(viewport=DESK).new_page()
    page.goto(office[0])
    menu = page.get_by_role("navigation", name="Các trang")
    expect(menu.get_by_role("link")).to_have_count(11)
    expect(menu.get_by_text("Menu")).to_be_hidden()
    expect(page.get_by_role("banner").get_by_role("link", name="Nhập kế hoạch")).to_be_visible()
    assert faults_of(page) == []
    page.emulate_media(media="print")
    expect(menu).to_be_hidden()
