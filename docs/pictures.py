"""The pictures of these pages, made again from the running program.

    make pictures

Plays the plan of 2020 up to 22 June, opens the pages in Chromium as the roles see
them, and keeps each as a PNG with few colours in docs/hinh/.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import date
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from sqlalchemy import select

from bench import world
from ntm_workflow import runtime, settings, simulation
from ntm_workflow.runtime import Runtime
from ntm_workflow.simulation import CLOCK
from ntm_workflow.store.tables import ContactBody, Task
from ntm_workflow.work import links
from ntm_workflow.work.contacts import By

HERE = Path(__file__).parent / "hinh"
DAY = "2020-06-22"
COLOURS = 64
MOST = 150_000  # bytes of one picture
DESK, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=360, height=740)
OFFICE, LEADER, INSPECTOR = "VPĐP NTM huyện", "lãnh đạo", "thanh tra"
TASK = ("III.1", "2020-06", "bql-tan-lap")
PAGES = {  # name: whose eyes, where
    "tong-quan": (OFFICE, "/"),
    "viec": (OFFICE, "/viec"),
    "mot-viec": (OFFICE, "/viec/ma/" + "/".join(TASK)),
    "phu-luc": (OFFICE, "/phu-luc"),
    "lich": (LEADER, "/lich"),
    "tieu-chi": (LEADER, "/tieu-chi"),
    "bieu-do": (LEADER, "/bieu-do"),
    "nhat-ky": (INSPECTOR, "/nhat-ky?doi-tuong=III.1/2020-06"),
}


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        rt = _played(Path(folder))
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with world.server(rt.settings) as address:
            for role in (OFFICE, LEADER, INSPECTOR):
                _as(browser, role, address)
            phone = browser.new_page(viewport=PHONE, device_scale_factor=2, locale="vi-VN")
            phone.goto(address + _own_task(rt))
            _keep("trang-ca-nhan", phone)
        browser.close()
        rt.engine.dispose()


def _played(folder: Path) -> Runtime:
    environ = {"NTM_ROOT": str(world.ROOT), "NTM_VAR": str(folder),
               "NTM_BASE_URL": world.free_address()}  # fmt: skip
    rt = runtime.load(settings.load(environ))
    simulation.prepare(rt, date.fromisoformat(DAY))
    return rt


def _as(browser: Browser, role: str, address: str) -> None:
    """The pages of one role, signed in by the press of a button as in any simulation."""
    page = browser.new_page(viewport=DESK, locale="vi-VN")
    page.goto(f"{address}/vao")
    page.get_by_role("button", name=role).click()
    for name, (whose, path) in PAGES.items():
        if whose == role:
            page.goto(address + path)
            _keep(name, page)
    page.close()


def _own_task(rt: Runtime) -> str:
    """The address of a task of Tân Lập, by a personal link."""
    body = TASK[-1]
    with rt.sessions.begin() as session:
        contact = session.scalars(
            select(ContactBody.contact_id).where(ContactBody.body_id == body)
        ).first()
        task = session.scalars(
            select(Task.id).where(Task.body_id == body, Task.state == "open").order_by(Task.due_on)
        ).first()
        link = links.make(session, contact or 0, 45, By(CLOCK, rt.now()))
        return f"/v/{links.token(rt.keys, link)}/viec/{task}"


def _keep(name: str, page: Page) -> None:
    drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
    few = drawn.quantize(COLOURS, dither=Image.Dither.NONE)
    path = HERE / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    few.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size // 1000} kB", file=sys.stderr)
    assert size <= MOST, path


if __name__ == "__main__":
    main()
