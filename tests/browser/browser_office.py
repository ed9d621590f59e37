"""A real browser on a real server: where Chromium is, and what a person does in it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from ntm_workflow.runtime import Runtime
from ntm_workflow.web.app import create_app

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome")
     if (path := shutil.which(name))),
    None,
)  # fmt: skip
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAUNCH: dict[str, Any] = {"executable_path": CHROMIUM, "args": ARGUMENTS}
# As somebody has it who set the browser's text to twice its size.
TWICE = {**LAUNCH, "args": [*ARGUMENTS, "--blink-settings=defaultFontSize=32"]}
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}


@contextmanager
def served(rt: Runtime) -> Iterator[str]:
    """The application behind a real server on a port of its own; yields its address."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(rt), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [held]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def a_file(folder: Path) -> Path:
    """A document as a clerk would name it."""
    path = folder / "Báo cáo rà soát.pdf"
    path.write_bytes(b"%PDF-1.4\n" + b"x" * 5_000)
    return path


# -- what makes a page hard to use -------------------------------------------------------


def hand_over_choosers(page: Page) -> None:
    """Have the browser report its file choosers from now on; for a page that is not yet open.

    Asked for only by `expect_file_chooser`, the report is at times set up after the key that
    opens the chooser (11 of 150 on a busy machine), which then opens unseen.
    """
    page.on("filechooser", lambda _: None)


def faults_of(page: Page, framed: bool = False) -> list[str]:
    """What axe-core holds against a page, whatever its impact: rule, element, what to mend.

    `framed`: what is shown within a page, which has the title and the headings.
    """
    left_out = _OF_WHOLE_PAGES if framed else ()
    options: dict[str, Any] = {"resultTypes": ["violations"]}  # the others take most of the time
    options["rules"] = {rule: {"enabled": False} for rule in left_out}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {node['target']}: {node['failureSummary']}"
        for fault in found
        for node in fault["nodes"]
    ]


_OF_WHOLE_PAGES = ("document-title", "landmark-one-main", "page-has-heading-one", "region")


def sticking_out(page: Page) -> list[str]:
    """The elements that make a page scroll sideways, and those that cut off what they hold."""
    found: list[str] = page.evaluate(_STICKING_OUT)
    return found


# Fields are left out: what is typed into one scrolls. `.scroll` is a wide table that may.
_STICKING_OUT = """() => {
    const wide = document.documentElement.clientWidth, found = [];
    const too_wide = document.documentElement.scrollWidth > wide;
    for (const one of document.querySelectorAll('body *:not(svg *, input, textarea)')) {
        const style = getComputedStyle(one), name = one.tagName + '.' + one.className;
        if (too_wide && one.getBoundingClientRect().right > wide + 1 && !one.closest('.scroll'))
            found.push('sticks out: ' + name);
        if (style.clipPath !== 'none') continue;  // for screen readers
        const hidden = (way) => ['hidden', 'clip'].includes(way);
        if (hidden(style.overflowX) && one.scrollWidth > one.clientWidth + 1
            || hidden(style.overflowY) && one.scrollHeight > one.clientHeight + 1)
            found.push('is cut off: ' + name);
    }
    return found.slice(0, 5);
}"""
