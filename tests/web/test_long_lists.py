"""Lists of bodies that are longer than a page: /don-vi, a row of the appendix, /lien-he."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select

from ntm_workflow.reports import paging
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Contact, ContactBody
from ntm_workflow.web import body_list
from ntm_workflow.web.app import create_app
from ntm_workflow.work import audit
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Action, Entry
from tests import bodies_scene
from tests.web.web_office import DAY, TESTER, Person, statements

BODY = re.compile(r'<th scope="row"(?: role="rowheader")?><a href="/don-vi/([\w-]+)"')
COMMUNES = re.compile(r'<tr(?: class="few")?><th scope="row">([^<]+)')
LISTS = ("/don-vi", "/don-vi?xep=dung-han", "/phu-luc/III.1", "/lien-he")


@pytest.fixture
def merged(towns: Runtime) -> Runtime:
    """Two committees became a new one, which the plan does not name; on both databases."""
    bodies_scene.merged(towns, DAY)
    return towns


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> int:
    """Pages of seven bodies."""
    monkeypatch.setattr(body_list, "PAGE", 7)
    return 7


def link(page: str, rel: str, name: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"#]*[?&;]{name}=[^"#]*)', page)
    return html.unescape(found[1]) if found else None


def walk(who: Person, path: str | None, rel: str = "next", name: str = "sau") -> Iterator[str]:
    while path:
        page = who.open(path).text
        yield page
        path = link(page, rel, name)


def bodies(page: str) -> list[str]:
    return BODY.findall(page)


@pytest.mark.parametrize("path", ["/don-vi", "/phu-luc/III.1"])
def test_each_body_is_on_one_page_in_the_order_of_the_whole_list(
    merged: Runtime, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(create_app(merged), merged)
    whole = person.open(path).text
    assert 'rel="next"' not in whole
    assert "bql-xa-moi" in bodies(whole)
    monkeypatch.setattr(body_list, "PAGE", 7)
    pages = list(walk(person, path))
    assert [len(bodies(page)) for page in pages[:-1]] == [7] * (len(pages) - 1)
    assert [body for page in pages for body in bodies(page)] == bodies(whole)
    before = link(pages[-1], "prev", "truoc")
    back = [bodies(page) for page in walk(person, before, "prev", "truoc")]
    assert back == [bodies(page) for page in reversed(pages[:-1])]


def test_a_page_says_of_its_bodies_what_the_whole_list_says_of_them(
    merged: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(create_app(merged), merged)
    for path in ("/don-vi", "/phu-luc/III.1"):
        line = re.compile(
            r'<tr(?: role="row")?>\s*<th scope="row"[^>]*><a href="/don-vi/.*?</tr>', re.S
        )
        monkeypatch.undo()
        whole = line.findall(person.open(path).text)
        monkeypatch.setattr(body_list, "PAGE", 7)
        assert [one for page in walk(person, path) for one in line.findall(page)] == whole


def test_the_numbers_at_the_head_are_those_of_all_bodies(town: Runtime, short: int) -> None:
    person = Person(create_app(town), town)
    totals = {"Huyện": "21", "Xã": "72", "Tỉnh": "2"}
    for page in walk(person, "/don-vi"):
        said = re.findall(r"<caption>([^<]+) <small>\(([\d.]+)\)</small>", page)
        assert said
        assert all(totals[level] == count for level, count in said)
    counts = [re.search(r"<small>\((\d+) đơn vị\)", p) for p in walk(person, "/phu-luc/III.1")]
    assert len({one[1] for one in counts if one}) == 1
    assert all(counts)


@pytest.mark.parametrize("path", ["/don-vi", "/don-vi?xep=dung-han"])
def test_each_commune_is_compared_on_one_page_in_the_order_of_all(
    towns: Runtime, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(create_app(towns), towns)
    whole = COMMUNES.findall(person.open(path).text)
    assert len(whole) == 17
    monkeypatch.setattr(body_list, "PAGE", 7)
    pages = list(walk(person, path, name="xa-sau"))
    assert [one for page in pages for one in COMMUNES.findall(page)] == whole
    assert len(pages) == 3


def test_the_communes_stand_only_over_the_first_bodies(town: Runtime, short: int) -> None:
    first, second, *_ = walk(Person(create_app(town), town), "/don-vi")
    assert 'id="so-sanh"' in first
    assert 'id="so-sanh"' not in second


def test_a_body_is_found_by_its_name_without_marks_and_by_the_name_of_its_day(
    merged: Runtime, short: int
) -> None:
    person = Person(create_app(merged), merged)
    assert bodies(person.open("/don-vi?tim=bql+vu+le").text) == ["bql-vu-le"]
    assert bodies(person.open("/don-vi?tim=BAN QUẢN LÝ Vũ Lễ").text) == ["bql-vu-le"]
    for path in ("/don-vi", "/phu-luc/III.1"):
        assert bodies(person.open(f"{path}?tim=bql-xa-moi").text) == ["bql-xa-moi"], path
        assert "Không có đơn vị nào" in person.text(f"{path}?tim=khong co gi nhu the"), path
    pages = list(walk(person, "/don-vi?tim=bql"))
    found = [body for page in pages for body in bodies(page)]
    assert len(pages) > 1
    assert len(found) == len(set(found)) == 19
    assert all('value="bql"' in page for page in pages)


def test_as_many_bodies_as_a_district_has_need_no_pager_and_no_search(town: Runtime) -> None:
    person = Person(create_app(town), town)
    for path in ("/don-vi", "/don-vi?xep=dung-han", "/phu-luc/III.1"):
        page = person.open(path).text
        assert '<nav class="pages"' not in page, path
        assert 'name="tim"' not in page, path


def test_a_long_list_costs_at_most_eight_statements(towns: Runtime, short: int) -> None:
    for path in (*LISTS, "/lien-he?tim=van+thu&tinh-trang=hong", "/phu-luc/III.1?tim=vu"):
        person = Person(create_app(towns), towns)  # an application that has kept nothing
        with statements(towns) as sent:
            assert person.open(path).status_code == 200
        assert len(sent) <= 8, (path, sent)


def test_a_place_that_is_not_there_begins_the_list_again(town: Runtime, short: int) -> None:
    person = Person(create_app(town), town)
    for path in ("/don-vi", "/phu-luc/III.1", "/lien-he"):
        first = bodies(person.open(path).text)
        for odd in ("?sau=khong-co", "?truoc=%00", "?sau=", "?xa-sau=x&xa-truoc=y"):
            assert bodies(person.open(path + odd).text) == first, (path, odd)
    assert paging.part([], "a", "b").items == []


def test_an_office_reads_no_page_of_these_lists(town: Runtime, short: int) -> None:
    office = Person(create_app(town), town, Role.OFFICE, bodies=["bql-tan-lap"])
    for path in LISTS:
        for query in ("", "sau=bql-tan-lap", "truoc=bql-vu-le", "tim=vu le"):
            answer = office.open(f"{path}{'&' if '?' in path else '?'}{query}")
            assert answer.status_code == 403, (path, query)
            assert "Vũ Lễ" not in answer.text


def test_contacts_are_found_by_words_of_a_body_and_of_a_person_at_once(town: Runtime) -> None:
    person = Person(create_app(town), town)
    with town.reader() as session:
        query = select(Contact.name).join(ContactBody).where(ContactBody.body_id == "bql-vu-le")
        name = session.scalars(query).first()
    assert name
    found = bodies(person.browser.get("/lien-he", params={"tim": f"bql {name}"}).text)
    assert "bql-vu-le" in found


def test_those_who_speak_for_no_body_stand_last(towns: Runtime) -> None:
    with towns.sessions.begin() as session:
        query = select(ContactBody.contact_id).where(ContactBody.body_id == "bql-vu-le")
        contact = session.scalars(query).one()
        session.execute(delete(ContactBody).where(ContactBody.contact_id == contact))
        entry = Entry(Action.CONTACT_CHANGED, f"contact/{contact}", {})
        audit.append(session, TESTER, towns.now(), [entry])
    person = Person(create_app(towns), towns)
    *_, last = walk(person, "/lien-he")
    nobodys = "Không gắn với đơn vị nào"
    assert re.findall(r'<th scope="row">(?:<a[^>]*>)?([^<]+)', last)[-1] == nobodys
    assert nobodys in person.text("/lien-he?tim=khong gan voi")
