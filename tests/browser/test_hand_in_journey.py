"""Handing in on a phone and reviewing with the keyboard alone, with JavaScript and without."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, Page, Request, expect
from sqlalchemy import func, select

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Contact, Draft, Submission, Task
from ntm_workflow.work import evidence, links, tasks
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By
from tests.browser.browser_office import DESK, PHONE, a_file

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
TESTER = Actor("kiểm thử", via="test")
TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"
BODY = "bql-tan-lap"
JUNE, LATE = f"III.1/2020-06/{BODY}", f"VI.1/2020-Q2/{BODY}"
SLOW = {"offline": False, "latency": 300, "downloadThroughput": 12_500, "uploadThroughput": 12_500}
MOST_BYTES = 20_000  # of the page with all that it needs: two seconds at 100 kbit/s


def number(rt: Runtime, code: str) -> int:
    with rt.reader() as session:
        return tasks.find(session, code).id


def states(rt: Runtime, *codes: str) -> list[str]:
    with rt.reader() as session:
        return [tasks.find(session, code).state for code in codes]


def not_too_wide(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


def fill(page: Page) -> None:
    page.get_by_label("Số, ký hiệu văn bản").fill("12/BC-UBND")
    page.get_by_label("Ngày ban hành").fill("20/6/2020")
    page.get_by_label("Trích yếu").fill("Báo cáo rà soát")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_one_document_is_handed_in_for_two_tasks_on_a_phone(
    office: Office, browse: Browse, tmp_path: Path, scripts: bool
) -> None:
    address, rt = office
    own = browse(viewport=PHONE, java_script_enabled=scripts, has_touch=True, is_mobile=True,
                 role=Role.OFFICE, bodies=[BODY])  # fmt: skip
    page = own.new_page()
    page.goto(f"{address}/viec/{number(rt, JUNE)}")
    fill(page)
    page.get_by_label("Tệp kèm theo").set_input_files(a_file(tmp_path))
    expect(page.get_by_label("Hoặc chụp ảnh văn bản")).to_be_visible()
    page.get_by_text("Văn bản này còn là minh chứng cho việc khác").click()
    page.locator(f'input[name=chon][value^="{number(rt, LATE)}."]').check()
    not_too_wide(page)
    page.get_by_role("button", name="Nộp minh chứng").click()
    expect(page.get_by_role("alert")).to_contain_text("đã quá hạn")
    expect(page.get_by_label("Báo cáo rà soát.pdf")).to_be_checked()
    assert states(rt, JUNE, LATE) == ["open", "open"]
    page.get_by_label("Lý do quá hạn").fill("Mưa lũ")
    page.get_by_role("button", name="Nộp minh chứng").click()
    expect(page.get_by_role("status").filter(has_text="Đã nhận minh chứng")).to_be_visible()
    expect(page.locator(".evidence")).to_contain_text(f"Nộp chung cho: {LATE}")
    not_too_wide(page)
    assert states(rt, JUNE, LATE) == ["submitted", "submitted"]
    with rt.reader() as session:
        one, two = session.scalars(select(Submission).order_by(Submission.task_id))
        assert [len(one.files), len(two.files)] == [1, 1]
        assert session.scalar(select(func.count(Draft.id))) == 0


def test_what_is_typed_saves_itself_and_a_lost_network_loses_nothing(
    office: Office, browse: Browse, tmp_path: Path
) -> None:
    address, rt = office
    own = browse(viewport=PHONE, role=Role.OFFICE, bodies=[BODY])
    page = own.new_page()
    page.goto(f"{address}/viec/{number(rt, JUNE)}")
    page.get_by_label("Số, ký hiệu văn bản").fill("12/BC-UBND")
    page.get_by_label("Ngày ban hành").focus()
    expect(page.get_by_label("Loại văn bản")).to_have_value("BC")
    expect(page.get_by_label("Trích yếu")).to_have_value(re.compile("^Báo cáo [a-zđ]"))
    expect(page.locator("#ban-nhap")).to_contain_text("Bản nháp lưu lúc")
    page.reload()
    expect(page.get_by_label("Số, ký hiệu văn bản")).to_have_value("12/BC-UBND")
    fill(page)
    page.get_by_label("Tệp kèm theo").set_input_files(a_file(tmp_path))
    own.set_offline(True)
    page.get_by_role("button", name="Nộp minh chứng").click()
    expect(page.locator(".sending")).to_contain_text("Chưa gửi được vì mất mạng")
    own.set_offline(False)
    page.get_by_role("button", name="Nộp minh chứng").click()
    expect(page.get_by_role("status").filter(has_text="Đã nhận minh chứng")).to_be_visible()
    assert states(rt, JUNE) == ["submitted"]


def test_at_100_kilobits_a_second_a_photo_is_handed_in_by_link(
    office: Office, browse: Browse
) -> None:
    address, rt = office
    with rt.sessions.begin() as session:
        contact = session.scalars(select(Contact.id).where(Contact.email == TAN_LAP)).one()
        token = links.token(rt.keys, links.make(session, contact, 45, By(TESTER, rt.now())))
    own = browse(nobody=True, viewport=PHONE)
    page = own.new_page()
    cdp = own.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.send("Network.emulateNetworkConditions", SLOW)
    loaded: list[Request] = []
    page.on("requestfinished", lambda one: loaded.append(one))
    start = time.monotonic()
    page.goto(f"{address}{links.PATH}{token}/viec/{number(rt, JUNE)}")
    opened = time.monotonic() - start
    size = sum(one.sizes()["responseBodySize"] for one in loaded)
    assert size < MOST_BYTES
    fill(page)
    photo = io.BytesIO()
    Image.effect_noise((160, 160), 90).save(photo, "JPEG", quality=90)
    file: FilePayload = {"name": "ảnh.jpg", "mimeType": "image/jpeg", "buffer": photo.getvalue()}
    assert len(photo.getvalue()) > 12_500  # a second of sending, so that there is a bar to see
    page.get_by_label("Tệp kèm theo").set_input_files(file)
    page.get_by_label("Tôi đã kiểm tra").check()
    page.get_by_role("button", name="Nộp minh chứng").click()
    expect(page.locator(".sending")).to_contain_text("Đã gửi")
    expect(page.get_by_role("status").filter(has_text="Đã nhận minh chứng")).to_be_visible()
    assert opened < 15
    assert states(rt, JUNE) == ["submitted"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_the_queue_is_reviewed_with_the_keyboard_alone(
    office: Office, browse: Browse, scripts: bool
) -> None:
    address, rt = office
    with rt.sessions.begin() as session:
        query = select(Task).where(Task.row_id == "III.1", Task.state == "open").limit(3)
        waiting = list(session.scalars(query.order_by(Task.id)))
        for one in waiting:
            doc = evidence.document("12/BC-UBND", rt.today(), "Báo cáo", one.body_id, rt.today())
            by = Actor("An", "office", one.body_id, via="test")
            evidence.submit(session, one, rt.plan, rt.days, doc, by=by, now=rt.now(),
                            today=rt.today())  # fmt: skip
        codes = [one.code for one in waiting]
    page = browse(viewport=DESK, java_script_enabled=scripts).new_page()
    page.goto(f"{address}/tham-dinh")
    cdp = page.context.new_cdp_session(page)

    def access(letter: str) -> None:
        """Alt and a letter, as a keyboard says it: what Playwright sends lacks the letter."""
        code = ord(letter.upper())
        cdp.send("Input.dispatchKeyEvent", {
            "type": "keyDown", "modifiers": 1, "key": letter, "unmodifiedText": letter,
            "code": f"Key{letter.upper()}", "windowsVirtualKeyCode": code,
        })  # fmt: skip
        cdp.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": letter})

    access("b")
    page.wait_for_url(f"**/tham-dinh/{waiting[0].id}")
    access("j")  # passed over
    page.wait_for_url(f"**/tham-dinh/{waiting[1].id}")
    access("d")
    page.wait_for_url(f"**/tham-dinh/{waiting[2].id}?**")
    expect(page.get_by_role("status").filter(has_text="Đã thẩm định: đạt")).to_be_visible()
    access("k")
    page.wait_for_url(f"**/tham-dinh/{waiting[0].id}")
    page.get_by_role("checkbox", name="Thiếu phụ biểu").focus()
    page.keyboard.press("Space")
    access("t")
    page.wait_for_url(f"**/tham-dinh/{waiting[2].id}?**")
    expect(page.get_by_role("status").filter(has_text="Đã trả lại minh chứng")).to_be_visible()
    access("d")
    page.wait_for_url("**/tham-dinh?**")
    expect(page.get_by_role("status").filter(has_text="Không còn gì chờ thẩm định")).to_be_visible()
    assert states(rt, *codes) == ["open", "accepted", "accepted"]
