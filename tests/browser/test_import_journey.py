"""A clerk and a Word file: from dropping it to a running plan, by mouse and by keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from ntm_workflow.appendix.importers import files
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import ImportDraft, PlanRecord
from tests.browser.browser_office import DESK, PHONE, faults_of, sticking_out
from tests.importers import makers

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
DAMAGE = (
    ("Số: 28", "Số: 31"), ("Phòng Nội Vụ", "Phòng Nội Vụu mới"),
    ("Quý II, III, IV", "Quý hai rưỡi"), ("Nhất Hòa", "Nhất Hoàng"),
    ("VPĐP huyện", "VPĐP huyện, Ban Chuyển đổi số"),
)  # fmt: skip
MOST_SECONDS = 60  # of a browser that reads nothing; a person takes some minutes


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """The reference plan as a Word file with cells that nobody can read."""
    text = makers.TEXT.decode()
    for old, new in DAMAGE:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "Kế hoạch 31.docx"
    path.write_bytes(makers.word(files.read(text.encode()).blocks))
    return path


def begin(page: Page, address: str, paper: Path) -> None:
    page.goto(f"{address}/nhap")
    page.get_by_label("Kéo tệp vào đây").set_input_files(paper)
    page.get_by_role("button", name="Đọc tệp").click()
    expect(page.get_by_role("heading", name=paper.name)).to_be_visible()
    expect(page.get_by_text("Đã trả lời 0/4")).to_be_visible()


def asked(page: Page, words: str) -> None:
    expect(page.locator("#hoi")).to_contain_text(words)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_a_word_file_with_damaged_cells_is_running_after_four_answers(
    office: Office, browse: Browse, paper: Path, viewport: ViewportSize
) -> None:
    address, rt = office
    page = browse(viewport=viewport, java_script_enabled=False).new_page()
    start = time.monotonic()
    begin(page, address, paper)
    asked(page, "Ban Chuyển đổi số")
    expect(page.locator("mark")).to_have_text("Ban Chuyển đổi số")
    page.get_by_label("Thêm đơn vị mới").check()
    page.get_by_role("button", name="Trả lời").click()
    asked(page, "Quý hai rưỡi")
    page.locator("#o-text_read").fill("Quý II, III")
    page.get_by_role("button", name="Xem ngày").click()
    expect(page.get_by_text("1/4/2020–30/6/2020; 1/7/2020–30/9/2020")).to_be_visible()
    page.get_by_label("Ghi cách hiểu khác").check()
    page.get_by_role("button", name="Trả lời").click()
    asked(page, "Nhất Hoàng")
    page.get_by_label("Nhất Hòa").check()
    page.get_by_role("button", name="Trả lời").click()
    asked(page, "Phòng Nội Vụu mới")
    page.get_by_label("Phòng Nội vụ huyện Bắc Sơn").check()
    page.get_by_role("button", name="Trả lời").click()
    expect(page.get_by_text("Không còn câu hỏi nào")).to_be_visible()
    page.get_by_role("link", name="Xem trước và đưa vào thực hiện").click()
    page.get_by_label("Tôi đã xem lại").check()
    page.get_by_role("button", name="Đưa vào thực hiện").click()
    expect(page.get_by_role("heading", name="Kế hoạch 31/KH-UBND đang chạy")).to_be_visible()
    looking = browse(viewport=viewport).new_page()
    looking.goto(page.url)
    assert (faults_of(looking), sticking_out(looking)) == ([], [])
    assert time.monotonic() - start < MOST_SECONDS
    with rt.reader() as session:
        assert session.get_one(PlanRecord, "31-kh-ubnd-2020").symbol == "KH-UBND"
        assert session.get_one(ImportDraft, 1).state == "in_force"


def test_questions_are_answered_with_the_keyboard_alone(
    office: Office, browse: Browse, paper: Path
) -> None:
    address, rt = office
    page = browse(viewport=DESK).new_page()
    begin(page, address, paper)
    asked(page, "Ban Chuyển đổi số")
    expect(page.locator(".ask input[type=radio]").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")  # the first choice
    asked(page, "Quý hai rưỡi")
    page.keyboard.press("ArrowDown")  # from the nearest reading to one's own
    page.keyboard.press("Tab")
    page.keyboard.type("Tháng 9")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Xem ngày"
    expect(page.locator(".said")).to_contain_text("01/09/2020–30/09/2020")
    with rt.reader() as session:
        assert len(session.get_one(ImportDraft, 1).answers) == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # in the field: the answer
    asked(page, "Nhất Hoàng")
