"""The board renews itself in Chromium: quietly, losing nothing, and only while somebody is in."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import delete, select

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task, WebSession
from ntm_workflow.web import guard
from ntm_workflow.work import tasks
from ntm_workflow.work.audit import Actor
from tests.browser.browser_office import DESK

Office = tuple[str, Runtime]
Browse = Callable[..., BrowserContext]
MINUTE = 60_000
BY = Actor("kiểm thử", via="test")


def board(office: Office, browse: Browse, **options: object) -> Page:
    page = browse(viewport=DESK, **options).new_page()
    page.clock.install()
    page.goto(office[0])
    return page


def requests_of(page: Page) -> list[str]:
    """What the page asks for by itself from now on."""
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.resource_type == "fetch" else None)
    return sent


def a_minute_later(page: Page) -> None:
    with page.expect_response(lambda one: one.request.resource_type == "fetch") as answer:
        page.clock.fast_forward(MINUTE)
    answer.value.finished()


def cancel_a_late_one(rt: Runtime) -> None:
    with rt.sessions.begin() as session:
        late = select(Task).where(Task.state == "open", Task.due_on < rt.today())
        task = session.scalars(late.order_by(Task.due_on, Task.id)).first()
        assert task is not None
        tasks.cancel(session, task, "không còn", now=rt.now(), today=rt.today(), actor=BY)


def test_what_changed_is_put_in_place_and_nothing_is_lost(office: Office, browse: Browse) -> None:
    page, (_, rt) = board(office, browse), office
    troubles: list[str] = []
    page.on("console", lambda one: troubles.append(one.text) if one.type == "error" else None)
    lead = page.locator("p.lead a").first
    before = lead.inner_text()
    kept = page.get_by_role("link", name="Tất cả thông báo")
    kept.focus()
    page.evaluate("scrollTo(0, 200)")
    page.evaluate("document.querySelector('[data-live=counts]').dataset.mark = 'as it was'")
    cancel_a_late_one(rt)
    a_minute_later(page)
    expect(lead).not_to_have_text(before)
    expect(kept).to_be_focused()
    assert page.evaluate("scrollY") == 200
    assert troubles == []  # the policy of the page lets it


def test_a_part_in_which_somebody_types_and_an_open_fold_stay(
    office: Office, browse: Browse
) -> None:
    page, (_, rt) = board(office, browse), office
    page.evaluate(
        """() => { const lead = document.querySelector('[data-live=lead]');
                   lead.insertAdjacentHTML('beforeend', '<input id="x">'); }"""
    )
    page.locator("#x").fill("đang viết")
    before = page.locator("p.lead").inner_text()
    cancel_a_late_one(rt)
    a_minute_later(page)
    assert page.locator("#x").input_value() == "đang viết"
    assert page.locator("p.lead").inner_text() == before
    page.locator("#x").fill("")
    a_minute_later(page)
    expect(page.locator("p.lead")).not_to_have_text(before)


def test_it_stops_with_the_session_and_does_not_keep_it_alive(
    office: Office, browse: Browse
) -> None:
    page, (address, rt) = board(office, browse), office

    def seen() -> list[object]:
        with rt.reader() as session:
            return list(session.scalars(select(WebSession.seen_at)))

    with rt.sessions.begin() as session:
        for one in session.scalars(select(WebSession)):
            one.seen_at = one.made_at
    before = seen()
    a_minute_later(page)
    assert seen() == before
    with rt.sessions.begin() as session:
        session.execute(delete(WebSession))
    a_minute_later(page)
    page.evaluate("1")
    sent = requests_of(page)
    page.clock.fast_forward(10 * MINUTE)
    page.evaluate("1")
    assert sent == []
    assert page.url.rstrip("/") == address


def test_hidden_it_asks_for_nothing_and_without_javascript_it_is_only_a_page(
    office: Office, browse: Browse
) -> None:
    page = board(office, browse)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    sent = requests_of(page)
    page.clock.fast_forward(5 * MINUTE)
    page.evaluate("1")
    assert sent == []
    page.evaluate(
        """() => { Object.defineProperty(document, 'hidden', { value: false });
                   document.dispatchEvent(new Event('visibilitychange')); }"""
    )
    expect(page.locator("h1")).to_be_visible()
    assert len(sent) == 1
    plain = browse(viewport=DESK, java_script_enabled=False).new_page()
    plain.goto(office[0])
    expect(plain.locator("h1")).to_be_visible()
    answer = plain.goto(f"{office[0]}/viec")
    assert answer
    policy = answer.headers["content-security-policy"]
    assert policy == guard.POLICY  # no other page may run anything
