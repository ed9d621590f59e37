"""The pages where people look: the year, the pictures, the criteria, the communes."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree

import pytest
from sqlalchemy import select, update

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import counts
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Address, Contact, PersonalLink, RowRecord
from ntm_workflow.web import svg
from ntm_workflow.web.app import create_app
from ntm_workflow.work import links
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.body_names import Called
from ntm_workflow.work.contacts import By
from tests.bodies_scene import Bodies, merge
from tests.scene import Scene, fresh
from tests.web.web_office import DAY, LATE, TASK, Person, furnish, number, plain, statements

PAGES = ("/lich", "/lich/2020-06", "/lich/2020-W26", "/bieu-do", "/tieu-chi", "/don-vi",
         "/don-vi/bql-tan-lap", "/phu-luc")  # fmt: skip
TESTER = Actor("kiểm thử", via="test")


@pytest.fixture(scope="module")
def office(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Somebody who only looks: the same office for every test that changes nothing."""
    folder = tmp_path_factory.mktemp("office")
    rt = fresh(f"sqlite:///{folder / 'ntm.db'}", plan, folder).rt
    furnish(rt, lambda rt, day: Scene(rt).open(day))
    return Person(create_app(rt), rt)


def drawn(page: str) -> list[ElementTree.Element]:
    """Every picture of a page, read as XML: what is not well-formed fails."""
    return [ElementTree.fromstring(one) for one in re.findall(r"<svg .*?</svg>", page, re.S)]


def test_every_page_is_drawn_with_marks_that_the_policy_allows(office: Person) -> None:
    for path in PAGES:
        page = office.open(path).text
        assert " style=" not in page, path
        assert "<script" not in page, path
        for one in drawn(page):
            hidden, role = one.get("aria-hidden") == "true", one.get("role")
            assert hidden or role == "img", path
            if role == "img":
                assert [c.tag for c in one][:2] == ["title", "desc"], path
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids)), path
        assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids), path


def test_no_page_asks_more_of_the_database_as_there_are_more_tasks(
    an: Person, town: Runtime
) -> None:
    def asked(path: str) -> int:
        with statements(town) as sent:
            an.open(path)
        return len(sent)

    an.open("/")
    before = {path: asked(path) for path in PAGES}
    Scene(town).open(date(2020, 12, 1))  # everything is counted anew
    an.open("/")
    assert {path: asked(path) for path in PAGES} == before
    assert max(before.values()) <= 16


def test_what_was_counted_is_kept_until_something_happens(an: Person, town: Runtime) -> None:
    def counted(path: str) -> int:
        with statements(town) as sent:
            an.open(path)
        return sum("count(*)" in one and "FROM task" in one for one in sent)

    assert counted("/bieu-do") == 2
    assert counted("/bieu-do") == 0
    before = an.text("/bieu-do")
    Scene(town).submit(TASK, DAY)
    Scene(town).accept(TASK, DAY)
    assert counted("/bieu-do") == 2
    assert an.text("/bieu-do") != before
    town.set_simulated(date(2020, 7, 1), TESTER)
    assert "thứ Tư 1/7/2020" in an.text("/bieu-do")
    assert "30/6/2020: 102 việc đến hạn, 101 quá hạn" in an.open("/lich").text


# -- the year -------------------------------------------------------------------------


def test_the_year_shows_due_days_holidays_and_every_row(office: Person) -> None:
    page = office.open("/lich").text
    said = plain(page)
    for month in range(1, 13):
        assert f'href="/lich/2020-{month:02d}"' in page
    assert "30/4: Ngày Chiến thắng" in said
    assert 'href="/lich/2020-06#n30"' in page
    for row in office.rt.plan.all_rows:
        assert f'href="/phu-luc/{row.id}"' in page
    with office.rt.reader() as session:
        late = counts.counts(session, office.rt.plan.id, DAY).open_overdue
    found = [int(n) for n in re.findall(r"việc đến hạn, (\d+) quá hạn", said)]
    assert sum(found) == late


def test_a_year_that_no_document_has_settled_is_only_expected(office: Person) -> None:
    assert "dự kiến" not in office.text("/lich/2020")
    page = office.text("/lich/2099")
    assert "Lịch năm 2099 dự kiến" in page
    assert "chưa có văn bản" in page
    assert "dự kiến" in office.text("/lich/2099-02")


def test_ordered_days_stand_with_the_document_that_ordered_them(office: Person) -> None:
    assert "10/1: làm bù theo 12729/VPCP-KGVX" in office.text("/lich/2026")
    assert "Nghỉ theo 12729/VPCP-KGVX" in office.text("/lich/2026-01")
    week = office.text("/lich/2026-W02")
    assert "Làm bù theo 12729/VPCP-KGVX" in week
    assert "6 ngày làm việc" in week


def test_a_month_lists_what_opens_and_what_is_due_and_leads_to_the_tasks(office: Person) -> None:
    page = office.open("/lich/2020-06").text
    june = re.search(r'id="n30".*?</section>', page, re.S)
    assert june
    assert 'href="/viec?dong=III.1&amp;ky=2020-06"' in june[0]
    assert "Hạn III.1. Thực hiện rà soát" in plain(june[0])
    assert "34 việc" in plain(june[0])
    december = office.open("/lich/2020-12").text  # not open yet: leads to the row
    assert 'href="/phu-luc/III.1"' in december
    assert "ky=2020-12" not in december


@pytest.mark.parametrize(
    "when",
    ["2020-00", "2020-13", "2020-W00", "2020-W54", "1975", "2100", "abc", "2020-6", "x" * 99],
)
def test_a_time_that_is_none_leads_to_a_page_that_says_so(office: Person, when: str) -> None:
    assert office.open(f"/lich/{when}").status_code == 404


def test_the_ends_of_the_calendar_open(office: Person) -> None:
    for when in ("1976", "1976-01", "2099-12", "2020-W53", "2099-W52"):
        assert office.open(f"/lich/{when}").status_code == 200, when


# -- pictures -------------------------------------------------------------------------


def test_the_tables_under_the_pictures_add_up_to_the_four_counts(office: Person) -> None:
    page = office.open("/bieu-do").text
    tables = re.findall(r'<table class="figures sticky">(.*?)</table>', page, re.S)
    with office.rt.reader() as session:
        whole = counts.counts(session, office.rt.plan.id, DAY)
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', tables[0], re.S)
    cells = [re.findall(r'class="num">(?:<b>)?([\d.]+)', row) for row in rows]
    weeks = [[int(cell.replace(".", "")) for cell in row] for row in cells]
    sums = [sum(column) for column in zip(*weeks, strict=True)]
    assert sums[:4] == [whole.done_on_time, whole.done_late, whole.open_in_time, whole.open_overdue]
    assert sums[5] == sum(sums[:5])
    assert f"{DAY.day}/{DAY.month}/2020" in plain(page)


def test_bars_are_as_high_as_their_numbers_and_stand_on_each_other() -> None:
    frame = svg.Frame(2, 100)
    group = ElementTree.fromstring(svg.stacks("x", frame, [(10, 0, 20, 30, 0), (0, 0, 0, 0, 100)]))
    bars = [(float(r.get("y", 0)), float(r.get("height", 0))) for r in group]
    unit = (frame.floor - frame.upper) / 100
    assert [round(h / unit) for _, h in bars] == [10, 20, 30, 100]
    assert bars[0][0] + bars[0][1] == pytest.approx(frame.floor, abs=0.02)
    assert bars[1][0] + bars[1][1] == pytest.approx(bars[0][0], abs=0.02)


@pytest.mark.parametrize("most", [0, 1, 7, 59, 61, 498, 12_345, 1_000_000])
def test_a_scale_reaches_the_highest_number_in_few_steps(most: int) -> None:
    ticks = svg.scale(most)
    assert ticks[0] == 0
    assert most <= ticks[-1] <= max(1, most) * 2
    assert 2 <= len(ticks) <= 7


def test_what_people_wrote_is_text_in_a_picture() -> None:
    lines = [('<script>"&', [1, 0, 0, 0])]
    made = svg.picture("x", 9, 9, "<b>", "&", svg.bubbles("x", ["a"] * 4, lines, 1))
    assert "<script>" not in made
    assert '<script>"&' in [t.text for t in ElementTree.fromstring(made).iter("text")]


# -- criteria -------------------------------------------------------------------------


def test_the_criteria_are_nineteen_by_seventeen_and_say_what_is_not_given(office: Person) -> None:
    page = office.open("/tieu-chi").text
    assert len(re.findall(r'class="up"', page)) == 17
    cells = re.findall(r'<td class="cell (\w+)">(.*?)</td>', page, re.S)
    assert len(cells) == 19 * 17
    assert sum(kind != "none" for kind, _ in cells) == 17  # as the names give; the paper says 18
    assert all("không giao năm nay" in said for kind, said in cells if kind == "none")
    said = plain(page)
    assert "thêm 2, lên 10/17" in said
    assert "nêu tên 2 xã , biểu ghi 3" in said.replace("xã,", "xã ,")
    assert "biểu không giao xã nào" in said  # 11: the text adds a commune, the table none


def test_each_state_of_a_criterion_has_its_own_shape_and_words(an: Person, town: Runtime) -> None:
    scene = Scene(town)

    def kind() -> str:
        page = an.open("/tieu-chi").text
        [found] = re.findall(r'<td class="cell (\w+)"><a [^>]*title="Chiêu Vũ, 2:', page)
        return str(found)

    assert kind() == "late"  # its check-in of the second quarter
    for quarter in ("Q1", "Q2"):
        scene.submit(f"TC02/2020-{quarter}/ubnd-chieu-vu", DAY)
        scene.accept(f"TC02/2020-{quarter}/ubnd-chieu-vu", DAY)
    assert kind() == "running"
    scene.submit("TC02/2020/ubnd-chieu-vu", DAY)
    assert kind() == "submitted"
    scene.accept("TC02/2020/ubnd-chieu-vu", DAY)
    assert kind() == "done"
    assert "2/2 lần báo quý đạt" in an.text("/tieu-chi") or "lần báo quý đạt" in an.text(
        "/tieu-chi"
    )
    assert len({str(svg.sign(one)) for one in svg.SIGNS}) == len(svg.SIGNS)


# -- bodies ---------------------------------------------------------------------------


def test_communes_are_compared_with_their_denominators(an: Person, town: Runtime) -> None:
    page = an.open("/don-vi").text
    table = re.search(r'<table class="compare sticky">.*?</table>', page, re.S)
    assert table
    names = re.findall(r'<th scope="row">([^<]+)', table[0])
    assert names[:4] == ["Bắc Quỳnh", "Chiến Thắng", "Chiêu Vũ", "Đồng Ý"]
    assert len(names) == 17
    assert re.search(r"Vũ Lễ 0/\d+ việc", plain(table[0]))
    Scene(town).submit(LATE, DAY)
    Scene(town).accept(LATE, DAY)  # done late: not on time
    assert re.search(r"Tân Lập 0/\d+ việc", an.text("/don-vi"))
    by_share = an.open("/don-vi?xep=dung-han").text
    assert 'aria-current="true">tỷ lệ đúng hạn' in by_share


def test_a_body_shows_its_share_by_quarter(an: Person, town: Runtime) -> None:
    Scene(town).submit(TASK, DAY)
    Scene(town).accept(TASK, DAY)
    said = an.text("/don-vi/bql-tan-lap")
    assert re.search(r"Quý II 1/\d+ việc", said)
    assert "Quý III chưa có việc đến hạn" in said


def test_a_row_of_the_appendix_opens_to_its_periods_and_bodies(office: Person) -> None:
    page = office.open("/phu-luc").text
    assert 'href="/viec?dong=III.1&amp;ky=2020-06"' in page
    assert 'href="/viec?dong=III.1&amp;don-vi=bql-tan-lap"' in page
    assert "2 kỳ, 34 đơn vị" in plain(page)


# -- calendars to follow ---------------------------------------------------------------


def link(rt: Runtime, email: str = "vanthu.tan-lap") -> str:
    with rt.sessions.begin() as session:
        found = select(Address.contact_id).where(Address.value.startswith(email))
        contact = session.scalars(found).one()
        made = links.make(session, contact, 45, By(TESTER, rt.now()))
        return f"{links.PATH}{links.token(rt.keys, made)}"


def test_a_calendar_is_sent_once_and_then_only_when_it_changes(an: Person, town: Runtime) -> None:
    first = an.open("/don-vi/bql-tan-lap/lich.ics")
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.headers["cache-control"] == "private, no-cache"
    assert "III.1/2020-06/bql-tan-lap@" in first.text.replace("\r\n ", "")
    tag = first.headers["etag"]

    def again(known: str) -> int:
        headers = {"if-none-match": known}
        return an.browser.get("/don-vi/bql-tan-lap/lich.ics", headers=headers).status_code

    assert again(tag) == 304
    assert again(f'"x", {tag.removeprefix("W/")}') == 304
    assert again('"x"') == 200
    Scene(town).extend(TASK, date(2020, 7, 10), DAY)
    assert again(tag) == 200
    assert an.open("/don-vi/khong-co/lich.ics").status_code == 404


def test_a_personal_calendar_holds_its_contacts_bodies_no_link_and_no_secret(
    an: Person, chi: Person, town: Runtime
) -> None:
    own = link(town)
    page = an.open(own).text
    assert f'href="{own}/lich.ics"' in page
    answer = an.open(f"{own}/lich.ics")
    said = answer.text.replace("\r\n ", "")
    assert "bql-tan-lap" in said
    assert "bql-vu-le" not in said
    assert "/v/" not in said
    assert "http" not in said
    assert answer.headers["referrer-policy"] == "no-referrer"
    with town.sessions.begin() as session:
        session.execute(update(RowRecord).where(RowRecord.row_id == "III.1").values(secrecy="mật"))
    said = an.open(f"{own}/lich.ics").text.replace("\r\n ", "")
    assert "III.1/2020-06" not in said
    assert "Bạn có một việc thuộc phạm vi bí mật" in said
    assert chi.open(f"{own[:-1]}{'a' if own[-1] != 'a' else 'b'}/lich.ics").status_code == 404
    with town.sessions.begin() as session:
        number_of = int(own.removeprefix(links.PATH).partition("-")[0])
        made = session.get_one(PersonalLink, number_of)
        links.revoke_all(session, session.get_one(Contact, made.contact_id),
                         By(TESTER, town.now()))  # fmt: skip
    assert an.open(f"{own}/lich.ics").status_code == 410


def test_a_merged_commune_keeps_its_name_and_the_new_one_stands_beside_it(
    town: Runtime, an: Person
) -> None:
    new = Called("bql-xa-moi", "Ban Quản lý xã Mới", "BQL xã Mới", "commune", "xa-moi")
    scene = Bodies(town)
    event = scene.record(merge("bql-tan-lap", "bql-tan-huong", into=new, on=DAY)).id
    scene.confirm_all(event, DAY)
    table = re.search(r'<table class="compare sticky">.*?</table>', an.open("/don-vi").text, re.S)
    assert table
    names = re.findall(r'<th scope="row">([^<]+)', table[0])
    assert names[0] == "Bắc Quỳnh"
    assert {"Tân Lập", "Tân Hương", "BQL xã Mới"} <= set(names)
    assert number(town, "III.1/2020-06/bql-xa-moi") > 0
    assert "bql-xa-moi" in an.open("/don-vi/bql-xa-moi/lich.ics").text.replace("\r\n ", "")
