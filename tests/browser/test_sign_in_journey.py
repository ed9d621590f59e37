"""Signing in with a real browser: on a phone, without JavaScript, by one press and by password."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, ViewportSize, expect

from ntm_workflow.runtime import Runtime
from ntm_workflow.work import accounts, passwords
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By
from tests.browser.browser_office import DESK, PHONE

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
PASSWORD = "con trâu đi trước cái cày"


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_a_clerk_signs_in_finds_the_office_s_tasks_and_signs_out(
    office: Office, browse: Browse, viewport: ViewportSize
) -> None:
    address, rt = office
    page = browse(nobody=True, viewport=viewport, java_script_enabled=False).new_page()
    page.goto(f"{address}/viec?tinh-trang=qua-han")
    page.get_by_role("button", name="BQL NTM xã Tân Lập").click()
    assert page.url == f"{address}/viec?tinh-trang=qua-han"
    page.locator("table a").first.click()
    expect(page.get_by_role("button", name="Nộp minh chứng")).to_be_visible()
    assert page.get_by_role("link", name="Đôn đốc").count() == 0
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_role("status").filter(has_text="Đã đăng xuất")).to_be_visible()
    with rt.sessions.begin() as session:
        by = By(Actor("kiểm thử", via="test"), rt.now())
        made = accounts.add(session, "An", Role.LEADER, [], by)
        accounts.give_password(session, made, passwords.hashed(PASSWORD), False, by)
    page.goto(f"{address}/tieu-chi")
    page.get_by_label("Tên đăng nhập hoặc địa chỉ thư").fill("an")
    page.get_by_label("Mật khẩu").fill("sai hẳn rồi")
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("không đúng")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    assert page.url == f"{address}/tieu-chi"
    page.get_by_role("link", name="An", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("An")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"]
    page.get_by_role("button", name=re.compile("Kết thúc mọi phiên")).click()
    page.goto(f"{address}/tai-khoan")
    assert page.url.startswith(f"{address}/vao")
