"""A commune's officer with a cheap phone: from the mail to the receipt, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import smtp_sink
from browser_office import PHONE, a_file
from playwright.sync_api import BrowserContext, Page, expect
from smtp_sink import Sink
from sqlalchemy import select

from ntm_workflow.chase import outbox, reminders
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Contact, Submission
from ntm_workflow.work import links
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
DAY = date(2020, 6, 22)
TESTER = Actor("kiểm thử", via="test")
TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Started from a thread of its own: the browser's loop runs in this one."""
    running = smtp_sink.running()
    with ThreadPoolExecutor(1) as aside:
        yield aside.submit(running.__enter__).result()
        aside.submit(running.__exit__, None, None, None).result()


def link_in_mail(office: Office, sink: Sink) -> str:
    """Send the day's reminders; the link in the mail that arrived at Tân Lập."""
    address, rt = office
    rt = replace(rt, settings=replace(rt.settings, base_url=address, mail_url=sink.url))
    with rt.sessions.begin() as session:
        reminders.queue(session, rt.all_plans, rt.days, DAY, now=rt.now(), actor=TESTER)
    outbox.deliver(rt, actor=TESTER)
    mail = next(one for one in sink.mails if TAN_LAP in str(one["To"]))
    html = mail.get_body(("html",))
    assert html
    found = re.search(rf'href="({re.escape(address)}/v/\d+-[a-z2-7]+)"', html.get_content())
    assert found
    return found[1]


def no_wider_than_the_phone(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, page.url


def test_from_the_mail_to_the_receipt_on_a_phone(
    office: Office, browse: Browse, sink: Sink, tmp_path: Path
) -> None:
    page = browse(nobody=True, viewport=PHONE, java_script_enabled=False).new_page()
    page.goto(link_in_mail(office, sink))
    expect(page.get_by_role("heading", level=1)).to_have_text("Bộ phận văn thư xã Tân Lập")
    first = page.locator(".own-tasks li").filter(has_text="tháng 6/2020").first
    big = first.get_by_role("link")
    box = big.bounding_box()
    assert box
    assert box["height"] >= 48
    assert box["width"] >= 250
    big.click()
    page.get_by_label("Số, ký hiệu văn bản").fill("12/BC-UBND")
    page.get_by_label("Ngày ban hành").fill("20/6/2020")
    page.get_by_label("Trích yếu").fill("Báo cáo rà soát")
    page.get_by_label("Tệp kèm theo").set_input_files(a_file(tmp_path))
    page.get_by_label("Tôi đã kiểm tra").check()
    page.get_by_role("button", name="Nộp minh chứng").click()
    expect(page.get_by_role("status")).to_contain_text("Đã nhận minh chứng")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Biên nhận số")
    expect(page.get_by_text("Báo cáo rà soát.pdf")).to_be_visible()
    with office[1].reader() as session:
        (made,) = session.scalars(select(Submission)).all()
    assert (made.via, len(made.files)) == ("link", 1)
    page.get_by_role("link", name="Về danh sách việc của tôi").click()
    expect(page.get_by_text("Xem việc đã nộp")).to_be_visible()


def test_no_personal_page_scrolls_sideways_on_a_phone(
    office: Office, browse: Browse, sink: Sink
) -> None:
    address, rt = office
    own = link_in_mail(office, sink)
    with rt.sessions.begin() as session:
        contact = session.scalars(select(Contact.id).where(Contact.email == TAN_LAP)).one()
        past = By(TESTER, rt.now() - timedelta(days=60))
        old = links.token(rt.keys, links.make(session, contact, 45, past))
    page = browse(nobody=True, viewport=PHONE).new_page()
    page.goto(own)
    no_wider_than_the_phone(page)
    page.locator(".own-tasks a").first.click()
    for fold in page.locator("summary").all():
        if not fold.evaluate("one => one.parentElement.open"):
            fold.click()
    no_wider_than_the_phone(page)
    page.get_by_role("button", name="Đã tiếp nhận").click()
    expect(page.get_by_role("status")).to_contain_text("Đã ghi nhận")
    no_wider_than_the_phone(page)
    page.goto(f"{own}x")
    no_wider_than_the_phone(page)
    page.goto(f"{address}/v/{old}")
    no_wider_than_the_phone(page)
    page.get_by_role("button", name="Gửi cho tôi đường dẫn mới").click()
    expect(page.get_by_role("status")).to_contain_text("Đã ghi nhận")
