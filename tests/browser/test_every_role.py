"""The whole main job, each role in its own browser: from the mail that reminds to the audit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import outbox, reminders
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.web.visitor import COOKIE
from ntm_workflow.work.accounts import Role
from tests import smtp_sink
from tests.browser.browser_office import (
    DESK,
    PHONE,
    a_file,
    hand_over_choosers,
    served,
    sticking_out,
)
from tests.signing import signed_in
from tests.web.web_office import DAY, TESTER, at_file, number

WAYS = [  # each hands in for a commune of its own
    pytest.param("tan-lap", PHONE, True, id="phone-scripts"),
    pytest.param("vu-le", PHONE, False, id="phone-no-scripts"),
    pytest.param("dong-y", DESK, True, id="desk-scripts"),
    pytest.param("tran-yen", DESK, False, id="desk-no-scripts"),
]
Enter = Callable[..., Page]


class Morning:
    """The office once the day's reminders have left for a real mail server."""

    def __init__(self, rt: Runtime, address: str, mails: list[EmailMessage]) -> None:
        self.rt, self.address, self.mails = rt, address, mails

    def link(self, commune: str) -> str:
        """The personal link in the mail that arrived at a commune."""
        mail = next(one for one in self.mails if f"vanthu.{commune}@" in str(one["To"]))
        html = mail.get_body(("html",))
        assert html
        found = re.search(rf'href="({re.escape(self.address)}/v/[^"/]+)"', html.get_content())
        assert found
        return found[1]


@pytest.fixture(scope="module")
def morning(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, furnished: Path
) -> Iterator[Morning]:
    folder = tmp_path_factory.mktemp("morning")
    shutil.copyfile(furnished, folder / "ntm.db")
    rt = at_file(folder, plan)
    # From a thread of its own: the browser's loop may run in this one.
    with ThreadPoolExecutor(1) as aside, served(rt) as address:
        running = smtp_sink.running()
        sink = aside.submit(running.__enter__).result()
        changed = replace(rt.settings, base_url=address, mail_url=sink.url)
        sending = replace(rt, settings=changed)
        with rt.sessions.begin() as session:
            reminders.queue(session, rt.all_plans, rt.days, DAY, now=rt.now(), actor=TESTER)
        outbox.deliver(sending, actor=TESTER)
        aside.submit(running.__exit__, None, None, None).result()
        yield Morning(rt, address, sink.mails)
    rt.engine.dispose()


@pytest.fixture
def enter(chromium: Browser, morning: Morning) -> Iterator[Enter]:
    """A page of somebody in a role, or of nobody: enter(role, bodies, viewport=…)."""
    opened: list[BrowserContext] = []

    def enter(role: Role | None = None, *bodies: str, **options: Any) -> Page:
        context = chromium.new_context(locale="vi-VN", **options)
        context.set_default_timeout(30_000)
        opened.append(context)
        if role:
            token = signed_in(morning.rt, role, bodies or None, name=role.value)
            context.add_cookies([{"name": COOKIE, "value": token, "url": morning.address}])
        page = context.new_page()
        page.goto(morning.address)
        return page

    yield enter
    for context in opened:
        context.close()


@pytest.mark.parametrize(("commune", "viewport", "scripts"), WAYS)
def test_a_mail_becomes_evidence_that_is_accepted_counted_and_told_by_the_audit(
    morning: Morning, enter: Enter, tmp_path: Path, commune: str, viewport: ViewportSize,
    scripts: bool,
) -> None:  # fmt: skip
    code, how = (
        f"III.1/2020-06/bql-{commune}",
        {"viewport": viewport, "java_script_enabled": scripts},
    )
    task = number(morning.rt, code)
    leader = enter(Role.LEADER, "ubnd-huyen", **how)
    before = done_on_time(leader)

    clerk = enter(**how)
    clerk.goto(morning.link(commune))
    big = clerk.locator(f'.own-tasks a[href$="/viec/{task}"]')
    box = big.bounding_box()
    assert box
    assert (box["height"] >= 48, box["width"] >= 250) == (True, True)
    big.click()
    clerk.get_by_label("Số, ký hiệu văn bản").fill("12/BC-UBND")
    clerk.get_by_label("Ngày ban hành").fill("20/6/2020")
    clerk.get_by_label("Trích yếu").fill("Báo cáo rà soát")
    clerk.get_by_label("Tệp kèm theo").set_input_files(a_file(tmp_path))
    clerk.get_by_label("Tôi đã kiểm tra").check()
    clerk.get_by_role("button", name="Nộp minh chứng").click()
    expect(clerk.get_by_role("status").filter(has_text="Đã nhận minh chứng")).to_be_visible()
    expect(clerk.get_by_role("heading", level=1)).to_contain_text("Biên nhận số")
    assert sticking_out(clerk) == []

    office = enter(Role.OFFICE, f"bql-{commune}", **how)
    office.get_by_role("link", name="Việc đã nộp, chờ thẩm định").click()
    office.locator(f'a[href="/viec/{task}"]').click()
    expect(office.get_by_text("Báo cáo rà soát.pdf")).to_be_visible()
    assert office.get_by_role("button", name="Đạt", exact=True).count() == 0

    reviewer = enter(Role.COORDINATION, **how)
    reviewer.get_by_role("link", name=re.compile("việc chờ thẩm định$")).click()
    reviewer.locator(f'a[href="/viec/{task}"]').click()
    reviewer.get_by_role("button", name="Đạt", exact=True).click()
    expect(reviewer.get_by_role("status").filter(has_text="Đã thẩm định: đạt")).to_be_visible()

    leader.goto(morning.address)
    assert done_on_time(leader) == before + 1

    inspector = enter(Role.INSPECTOR, **how)
    inspector.goto(f"{morning.address}/nhat-ky")
    inspector.get_by_label("Đối tượng").fill(code)
    inspector.get_by_role("button", name="Lọc", exact=True).click()
    told = inspector.locator("table")
    expect(told).to_contain_text("Thẩm định: đạt", ignore_case=True)
    expect(told).to_contain_text("Nộp minh chứng", ignore_case=True)
    assert sticking_out(inspector) == []

    administrator = enter(Role.ADMINISTRATOR, **how)
    administrator.goto(f"{morning.address}/viec/{task}")
    administrator.locator('a[href^="/thong-bao/"]').first.click()
    expect(administrator.locator("main")).to_contain_text("Bộ phận văn thư xã")
    expect(administrator.locator("main .tag").first).to_have_text("đã gửi", ignore_case=True)


def done_on_time(board: Page) -> int:
    """The first of the four counts."""
    found = board.locator('.counts a[href^="/viec?tinh-trang=xong-dung-han"] b').inner_text()
    return int(found.replace(".", ""))


def test_the_main_job_is_done_with_the_keyboard_alone(
    morning: Morning, enter: Enter, tmp_path: Path
) -> None:
    task = number(morning.rt, "III.1/2020-06/bql-hung-vu")
    clerk = enter(viewport=DESK)
    hand_over_choosers(clerk)
    clerk.goto(morning.link("hung-vu"))
    tab_to(clerk, clerk.locator(f'a[href$="/viec/{task}"]')).press("Enter")
    tab_to(clerk, clerk.get_by_label("Số, ký hiệu văn bản")).press_sequentially("7/BC-UBND")
    tab_to(clerk, clerk.get_by_label("Ngày ban hành")).press_sequentially("20/6/2020")
    tab_to(clerk, clerk.get_by_label("Trích yếu")).press_sequentially("Báo cáo")
    with clerk.expect_file_chooser() as chooser:
        tab_to(clerk, clerk.get_by_label("Tệp kèm theo")).press("Enter")
    chooser.value.set_files(a_file(tmp_path))
    tab_to(clerk, clerk.get_by_label("Tôi đã kiểm tra")).press("Space")
    tab_to(clerk, clerk.get_by_role("button", name="Nộp minh chứng")).press("Enter")
    expect(clerk.get_by_role("status").filter(has_text="Đã")).to_be_focused()

    reviewer = enter(Role.COORDINATION, viewport=DESK)
    reviewer.keyboard.press("Tab")
    expect(reviewer.get_by_role("link", name="Đến nội dung chính")).to_be_focused()
    reviewer.keyboard.press("Enter")
    tab_to(reviewer, reviewer.get_by_role("link", name=re.compile("chờ thẩm định$")).first).press(
        "Enter"
    )
    tab_to(reviewer, reviewer.locator(f'a[href="/viec/{task}"]')).press("Enter")
    tab_to(reviewer, reviewer.get_by_role("button", name="Đạt", exact=True)).press("Enter")
    expect(reviewer.get_by_role("status").filter(has_text="Đã")).to_be_focused()
    with morning.rt.reader() as session:
        assert session.get_one(Task, task).state == "accepted"


def tab_to(page: Page, wanted: Locator) -> Locator:
    """Go on with the Tab key until something has the focus; all on the way shows that it has."""
    wanted.wait_for()
    for _ in range(120):
        page.keyboard.press("Tab")
        assert page.evaluate(_OUTLINED), page.evaluate("document.activeElement.outerHTML")
        if wanted.evaluate("one => one === document.activeElement"):
            return wanted
    raise AssertionError(f"not reached by the keyboard: {wanted}")


_OUTLINED = """() => [document.activeElement, document.activeElement.closest('.file')].some(
    one => one && getComputedStyle(one).outlineStyle === 'solid')"""
