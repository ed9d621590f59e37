"""Chromium, and the office on 22 June 2020 with a history behind it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.web.visitor import COOKIE
from tests.browser.browser_office import CHROMIUM, LAUNCH, served
from tests.signing import signed_in
from tests.web.web_office import at_file, furnished_file

expect.set_options(timeout=30_000)  # as long as any other wait: a busy machine is slow, not wrong


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        warnings.warn("CHROMIUM IS MISSING: the pages are not tried in a browser", stacklevel=1)
        pytest.skip("CHROMIUM IS MISSING: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(**LAUNCH)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Path:
    """The office as a file, made once: each test gets a copy."""
    return furnished_file(tmp_path_factory.mktemp("office"), plan)


@pytest.fixture
def office(tmp_path: Path, plan: Plan, furnished: Path) -> Iterator[tuple[str, Runtime]]:
    """The address of a server of our own, and the runtime behind it."""
    shutil.copyfile(furnished, tmp_path / "ntm.db")
    rt = at_file(tmp_path, plan)
    with served(rt) as address:
        yield address, rt
    rt.engine.dispose()


@pytest.fixture
def browse(
    chromium: Browser, office: tuple[str, Runtime]
) -> Iterator[Callable[..., BrowserContext]]:
    """Open a browser of one's own: browse(viewport=…, java_script_enabled=…).

    Signed in as the coordination office, or as `role` for `bodies`; `nobody=True`: not at all.
    """
    opened: list[BrowserContext] = []
    address, rt = office

    def browse(nobody: bool = False, **options: Any) -> BrowserContext:
        account = {name: options.pop(name) for name in ("role", "bodies") if name in options}
        context = chromium.new_context(locale="vi-VN", **options)
        if not nobody:
            token = signed_in(rt, **account)
            context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        context.set_default_timeout(30_000)
        opened.append(context)
        return context

    yield browse
    for context in opened:
        context.close()
