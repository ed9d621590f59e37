"""Fields for files: they speak the page's language, with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect

from ntm_workflow.runtime import Runtime
from ntm_workflow.web.guard import LANGUAGE
from ntm_workflow.work.accounts import Role
from tests.browser.browser_office import (
    DESK,
    PHONE,
    a_file,
    faults_of,
    hand_over_choosers,
    sticking_out,
)
from tests.web.web_office import TASK, number

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
CLEAR = "rgba(0, 0, 0, 0)"


def field(page: Page, name: str = "Tệp kèm theo") -> tuple[Locator, Locator]:
    """The field of this label, and what is said of its files in the page's own words."""
    found = page.get_by_label(name)
    return found, page.locator(".file", has=found).locator(".picked")


def colour(one: Locator) -> str:
    found: str = one.evaluate("one => getComputedStyle(one).color")
    return found


def on_task(office: Office, browse: Browse, **options: Any) -> Page:
    address, rt = office
    page = browse(role=Role.OFFICE, bodies=["bql-tan-lap"], **options).new_page()
    hand_over_choosers(page)
    page.goto(f"{address}/viec/{number(rt, TASK)}")
    return page


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_names_of_chosen_files_stand_in_the_field_and_what_the_browser_says_does_not(
    office: Office, browse: Browse, tmp_path: Path, viewport: ViewportSize
) -> None:
    page = on_task(office, browse, viewport=viewport)
    files, said = field(page)
    expect(said).to_have_text("Chưa chọn tệp")
    assert colour(files) == CLEAR
    other = tmp_path / "phụ biểu.xlsx"
    other.write_bytes(b"PK\x03\x04")
    files.set_input_files([a_file(tmp_path), other])
    expect(said).to_have_text("Báo cáo rà soát.pdf, phụ biểu.xlsx")
    assert files.get_attribute("title") == "Báo cáo rà soát.pdf, phụ biểu.xlsx"
    files.set_input_files([])
    expect(said).to_have_text("Chưa chọn tệp")
    assert (faults_of(page), sticking_out(page)) == ([], [])


def test_nothing_lies_over_the_field_onto_which_files_are_dropped(
    office: Office, browse: Browse
) -> None:
    page = on_task(office, browse, viewport=DESK)
    files, said = field(page)
    files.scroll_into_view_if_needed()
    files.click(trial=True)  # nothing of ours lies over it
    expect(said).to_be_visible()


def test_the_field_has_the_keyboard_and_shows_it(office: Office, browse: Browse) -> None:
    page = on_task(office, browse, viewport=DESK)
    files, _ = field(page)
    files.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(files).to_be_focused()
    around = page.locator(".file", has=files)
    assert around.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    with page.expect_file_chooser():
        page.keyboard.press("Enter")


def test_without_scripts_the_browsers_own_words_stay(
    office: Office, browse: Browse, tmp_path: Path
) -> None:
    page = on_task(office, browse, viewport=DESK, java_script_enabled=False)
    files, said = field(page)
    expect(said).to_be_hidden()
    assert colour(files) != CLEAR
    expect(page.get_by_text("Chọn tệp", exact=True).first).to_be_visible()


@pytest.mark.parametrize("path", ["/nhap", "/lien-he/nhap"])
def test_a_field_that_must_be_filled_says_it_without_any_script(
    office: Office, browse: Browse, tmp_path: Path, path: str
) -> None:
    address, _ = office
    context = browse(viewport=PHONE, java_script_enabled=False)
    context.add_cookies([{"name": LANGUAGE, "value": "en", "url": address}])
    page = context.new_page()
    page.goto(address + path)
    files, said = page.locator("input[type=file]"), page.locator(".picked")
    expect(said).to_be_visible()
    expect(said).to_have_text("No file chosen yet")
    assert colour(files) == CLEAR
    files.set_input_files(a_file(tmp_path))  # the browser says its name, in any language
    expect(said).to_be_hidden()
    assert colour(files) != CLEAR
