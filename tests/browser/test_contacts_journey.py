"""Contacts in a real browser: on a phone and on a desk, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ViewportSize, expect
from sqlalchemy import select

from ntm_workflow.chase import confirm
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Address, Contact
from tests.browser.browser_office import DESK, PHONE

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
VU_LE = "vanthu.vu-le@bacson.example.vn.invalid"
TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_an_absence_is_found_written_down_and_seen_in_the_list(
    office: Office, browse: Browse, viewport: ViewportSize
) -> None:
    address, _ = office
    page = browse(viewport=viewport, java_script_enabled=False).new_page()
    page.goto(f"{address}/lien-he")
    page.get_by_label("Tìm theo tên đơn vị").fill("vu le")
    page.get_by_role("button", name="Lọc").click()
    page.get_by_role("link", name="Bộ phận văn thư xã Vũ Lễ").first.click()
    page.get_by_text("Ghi ngày vắng và người thay").click()
    page.get_by_label("Vắng từ ngày").fill("22/6/2020")
    page.get_by_label("Đến hết ngày").fill("21/6/2020")
    page.get_by_label("Người thay").fill(TAN_LAP)
    page.get_by_role("button", name="Ghi", exact=True).first.click()
    expect(page.get_by_role("alert")).to_contain_text("Ngày về")
    page.get_by_label("Đến hết ngày").fill("30/6/2020")
    page.get_by_role("button", name="Ghi", exact=True).first.click()
    expect(page.get_by_role("status").filter(has_text="Đã ghi ngày vắng")).to_be_visible()
    page.goto(f"{address}/lien-he?tinh-trang=vang")
    expect(page.locator("table")).to_contain_text("Vắng đến 30/6/2020", ignore_case=True)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_a_file_is_exported_edited_previewed_and_put_in(
    office: Office, browse: Browse, tmp_path: Path, viewport: ViewportSize
) -> None:
    address, rt = office
    page = browse(viewport=viewport, java_script_enabled=False).new_page()
    page.goto(f"{address}/lien-he")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / "sua.csv"
    text = Path(download.value.path()).read_text("utf-8-sig")
    file.write_text(text.replace(VU_LE, "x@"), "utf-8")
    page.get_by_role("link", name="Nhập từ tệp").click()
    page.get_by_label("Tệp đầu mối").set_input_files(file)
    page.get_by_role("button", name="Xem trước").click()
    expect(page.get_by_role("alert")).to_contain_text("không phải địa chỉ thư điện tử")
    file.write_text(text.replace(VU_LE, "moi@x.vn"), "utf-8")
    page.get_by_label("Tệp đầu mối").set_input_files(file)
    page.get_by_role("button", name="Xem trước").click()
    page.get_by_role("button", name="Thực hiện").click()
    expect(page.get_by_role("status").filter(has_text="Đã nhập")).to_be_visible()
    with rt.reader() as session:
        assert session.scalar(select(Contact.id).where(Contact.email == "moi@x.vn"))


def test_the_owner_of_an_address_confirms_it_on_a_phone(office: Office, browse: Browse) -> None:
    address, rt = office
    with rt.reader() as session:
        one = session.scalars(select(Address).where(Address.value == VU_LE)).one()
        link = address + confirm.PATH + confirm.token(rt.keys, one)
    page = browse(viewport=PHONE, java_script_enabled=False).new_page()
    page.goto(link)
    page.get_by_role("button", name="Xác nhận địa chỉ này là của tôi").click()
    expect(page.get_by_role("status").filter(has_text="đã được xác nhận")).to_be_visible()
