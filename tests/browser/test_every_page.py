"""Every page there is, as the role that may see it: usable by everybody, at any size of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.web import rights, visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import audit, web_sessions
from ntm_workflow.work.audit import Action, Entry
from tests.browser import addresses
from tests.browser.addresses import DAY, ROLES
from tests.browser.browser_office import DESK, PHONE, TWICE, faults_of, served, sticking_out
from tests.scene import SYSTEM
from tests.signing import signed_in
from tests.web.web_office import Person, statements

# On the console, but no word of ours or of our policy: a refusal, axe asking a frame that is gone.
OTHERS = ("the server responded with", "Failed to execute 'postMessage'")
BODIES = {"O": ["bql-tan-lap"], "L": ["ubnd-huyen"]}


def heard(page: Page) -> tuple[list[str], list[str]]:
    """What is said on the console of a page from now on, and the addresses it asks for."""
    said, asked = list[str](), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda one: asked.append(one.url))
    return said, asked


class Walk:
    """Every page, on a server of its own, and the cookies of one of each role."""

    def __init__(self, rt: Runtime, address: str) -> None:
        self.rt, self.address, self.pages = rt, address, addresses.pages(rt)
        self.cookies = {
            letter: (visitor.COOKIE, signed_in(rt, role, BODIES.get(letter)), address)
            for letter, role in ROLES.items()
        }
        with rt.sessions.begin() as session:
            step = web_sessions.ticket(session, "second", 1, visitor.clock())
        self.cookies[""] = (visitor.STEP, step, f"{address}/vao/ma")

    def through(self, browser: Browser, **options: Any) -> Iterator[tuple[str, Page]]:
        """Open each page in turn, in a browser of the role that may see it, and all its folds.

        None may ask anything of another host, or be stopped by our own policy.
        """
        for letter, (name, value, url) in self.cookies.items():
            context = browser.new_context(locale="vi-VN", **options)
            context.set_default_timeout(30_000)
            context.add_cookies([{"name": name, "value": value, "url": url}])
            page = context.new_page()
            said, asked = heard(page)
            for key, places in self.pages.items():
                for path in (path for who, path in places if who == letter):
                    answer = page.goto(self.address + path)
                    assert answer
                    assert answer.ok or not key, path
                    if path.endswith("/thu"):  # a mail, where nothing may run: looked at elsewhere
                        mail = answer.text()
                        page.goto("about:blank")
                        page.set_content(mail)
                    page.evaluate(
                        "document.querySelectorAll('details').forEach(d => d.open = true)"
                    )
                    yield f"{letter} {path}", page
            context.close()
            assert not [one for one in said if not any(words in one for words in OTHERS)]
            assert all(url.startswith((f"{self.address}/", "about:", "data:")) for url in asked)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Iterator[Walk]:
    rt = addresses.lived_in(tmp_path_factory.mktemp("lived-in"), plan)
    with served(rt) as address:
        yield Walk(rt, address)
    rt.engine.dispose()


def test_the_walk_goes_by_every_page(walk: Walk) -> None:
    asked = {key for key in rights.TABLE if key.startswith("GET ")}
    assert asked - addresses.NO_PAGE == set(walk.pages) - {""}


def test_every_page_asks_the_database_eight_times_at_most(walk: Walk) -> None:
    asked = {path: costs for letter in ROLES for path, costs in _costs(walk, letter)}
    for path in [path for path in asked if path.startswith("/du-bao")]:
        del asked[path]  # lives through the days to come in a copy: each table once
    assert {path: costs for path, costs in asked.items() if max(costs[1:]) > 8} == {}
    # In a process that has just begun, what is said of ended bodies is read, then kept.
    assert {path for path, costs in asked.items() if costs[0] > 8} == {"/ban-giao"}
    assert asked["/ban-giao"][0] <= 13


def _costs(walk: Walk, letter: str) -> Iterator[tuple[str, list[int]]]:
    """The statements of each page right after a start, once more, and after some change."""
    for path in (path for places in walk.pages.values() for who, path in places if who == letter):
        person = Person(create_app(walk.rt), walk.rt, ROLES[letter], BODIES.get(letter))
        costs = []
        for step in range(3):
            if step == 2:
                with walk.rt.sessions.begin() as session:
                    entry = Entry(Action.CLOCK_SET, "clock", {"from": None, "to": DAY})
                    audit.append(session, SYSTEM, walk.rt.now(), [entry])
            with statements(walk.rt) as sent:
                person.open(path)
            costs.append(len(sent))
        yield path, costs


def test_nothing_on_any_page_stands_in_anybodys_way(chromium: Browser, walk: Walk) -> None:
    wrong = []
    for where, page in walk.through(chromium, viewport=DESK):
        wrong += [f"{where}: {fault}" for fault in faults_of(page, framed=where.endswith("/thu"))]
        page.set_viewport_size(PHONE)
        wrong += [f"{where}: {one}" for one in sticking_out(page)]
        page.set_viewport_size(DESK)
    assert wrong == []


def test_no_page_scrolls_sideways_or_cuts_words_with_text_twice_as_large(
    chromium: Browser, walk: Walk
) -> None:
    browser, wrong = chromium.browser_type.launch(**TWICE), []
    for where, page in walk.through(browser, viewport=DESK):
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            wrong += [f"{size['width']} {where}: {one}" for one in sticking_out(page)]
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    browser.close()
    assert wrong == []
