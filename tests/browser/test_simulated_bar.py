"""The bar that says that a day is simulated: at most two lines on a phone, whatever the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import BrowserContext, expect

from ntm_workflow.runtime import Runtime
from ntm_workflow.work.audit import Actor
from tests.browser.browser_office import DESK, PHONE, faults_of, sticking_out

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
LONGEST = date(2020, 9, 30)  # "Wednesday 30 September 2020"
WORDS = {
    "vi": ("Ngày mô phỏng", "thứ Tư 30/9/2020", "giả định", "Sang ngày khác"),
    "en": ("Simulated day", "Wednesday 30 September 2020", "made up", "Another day"),
}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_on_a_phone_the_simulated_day_takes_two_lines_at_most_and_says_the_same(
    office: Office, browse: Browse, language: str
) -> None:
    address, rt = office
    rt.set_simulated(LONGEST, Actor("kiểm thử", via="test"))
    context = browse(viewport=PHONE)
    page = context.new_page()
    page.goto(f"{address}/phu-luc")
    if language == "en":
        page.get_by_role("button", name="English").click()
    name, day, made_up, link = WORDS[language]
    bar = page.get_by_role("region", name=name)
    for word in (day, made_up):
        expect(bar).to_contain_text(word)
    box = bar.bounding_box()
    assert box
    assert box["height"] <= 58, box
    assert (faults_of(page), sticking_out(page)) == ([], [])
    bar.get_by_role("link", name=link).click()
    expect(page).to_have_url(f"{address}/#mo-phong")


def test_on_a_wide_screen_it_is_one_line(office: Office, browse: Browse) -> None:
    page = browse(viewport=DESK).new_page()
    page.goto(f"{office[0]}/phu-luc")
    box = page.get_by_role("region", name="Ngày mô phỏng").bounding_box()
    assert box
    assert box["height"] <= 40
