"""The list of tasks as people use it: filters, filters with a name, acts on many, files."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import Any

import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from ntm_workflow import texts
from ntm_workflow.reports import trail
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.web import task_filter
from ntm_workflow.web.app import create_app
from ntm_workflow.work import many
from ntm_workflow.work.accounts import Role
from tests.scene import Scene
from tests.web.web_office import (
    DAY,
    LATE,
    OTHER,
    ROOT,
    TASK,
    Person,
    number,
    plain,
    statements,
    task,
)


def links(page: str) -> list[str]:
    return [one.replace("&amp;", "&") for one in re.findall(r'href="([^"]+)"', page)]


def tick(rt: Runtime, *codes: str) -> str:
    found = [task(rt, code) for code in codes]
    return "&".join(f"chon={one.id}.{one.version}" for one in found)


def post(who: Person, path: str, **typed: Any) -> Any:
    page = who.open(path)
    assert page.status_code == 200, plain(page.text)
    return who.browser.post(path, data={**who.form(path), **typed})


# -- filtering ------------------------------------------------------------------------


def test_each_condition_is_a_chip_that_takes_itself_off(an: Person) -> None:
    page = an.open("/viec?cap=xa&ky=2020-06&tu=1/6/2020&den=30/6/2020&tim=ra+soat").text
    text = plain(page)
    for said in ("Tìm: “ra soat”", "Kỳ: Tháng 6/2020", "Hạn từ ngày: 1/6/2020", "Cấp:"):
        assert said in text
    assert "/viec?tim=ra+soat&cap=xa&tu=1%2F6%2F2020&den=30%2F6%2F2020" in links(page)
    chips = re.search(r'<ul class="chips.*?</ul>', page, re.S)
    assert chips is not None
    assert chips[0].count("<li>") == 6  # five conditions, and all of them at once


def test_days_and_names_typed_as_people_type_them_filter(an: Person) -> None:
    by_name, by_id = (
        re.search(r"(\d+) việc, xếp theo hạn", an.text(f"/viec?{query}"))
        for query in ("tu=1/6/2020&den=30.6.2020&don-vi=bql+NTM+xa+tan+lap",
                      "tu=2020-06-01&den=30-6-2020&don-vi=bql-tan-lap")
    )  # fmt: skip
    assert by_name is not None
    assert by_id is not None
    assert by_name[1] == by_id[1]
    assert "Không hiểu" not in an.text("/viec?don-vi=BQL+NTM+xã+Tân+Lập")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("tinh-trang=x", "Tình trạng: không có “x”"),
        ("don-vi=khong", "Đơn vị: không có “khong”"),
        ("dong=XX.9", "Dòng: không có “XX.9”"),
        ("ky=2020-99", "Kỳ: không có “2020-99”"),
        ("tu=31/2/2020", "Hạn từ ngày: không hiểu ngày “31/2/2020”"),
        ("tu=1/7/2020&den=1/6/2020", "Ngày đầu 1/7/2020 sau ngày cuối 1/6/2020"),
        ("sau=abc", "danh sách bắt đầu lại từ đầu"),
        ("truoc=0001-01-01.1", "danh sách bắt đầu lại từ đầu"),
    ],
)
def test_what_an_address_cannot_mean_is_said(an: Person, query: str, said: str) -> None:
    answer = an.open(f"/viec?{query}")
    assert answer.status_code == 200
    assert said in plain(answer.text)


def test_nothing_is_done_for_a_filter_that_is_not_understood(an: Person, town: Runtime) -> None:
    form = an.form("/viec")
    for path in ("/xuat/viec?don-vi=khong", "/xu-ly?lam=gia-han&ca=1&don-vi=khong"):
        assert an.browser.post(path, data={**form, "dang": "csv"}).status_code == 422
    assert an.open("/don-doc?don-vi=khong").status_code == 404


def test_an_empty_list_says_what_to_do(an: Person) -> None:
    text = an.text("/viec?tim=khong+co+gi+nhu+the")
    assert "Hãy bấm vào một điều kiện để bỏ bớt" in text


def test_an_office_sees_first_what_it_has_to_do(
    app: FastAPI, town: Runtime, an: Person, binh: Person
) -> None:
    office = Person(app, town, Role.OFFICE, bodies=["bql-tan-lap"])
    assert an.hand_in(number(town, TASK)).status_code == 303
    done, to_do = (f'href="/viec/{number(town, code)}"' for code in (TASK, LATE))
    first, every = (office.open(path).text for path in ("/viec", task_filter.ALL))
    assert to_do in first
    assert done not in first
    assert task_filter.ALL in links(first)  # the chip takes itself off
    assert to_do in every
    assert done in every
    assert done in office.open("/viec?tim=tan+lap").text  # who asks gets what was asked for
    assert "chips" not in binh.open("/viec").text


def test_the_list_costs_few_statements_with_every_condition(towns: Runtime) -> None:
    person = Person(create_app(towns), towns)
    with statements(towns) as sent:
        person.open("/viec?cap=xa&tim=ra+soat&tinh-trang=qua-han&muc=I&tu=1/1/2020&ky=2020-06")
    assert len(sent) <= 8, sent


# -- filters with a name -------------------------------------------------------------


def test_a_filter_is_named_listed_for_everybody_and_removed(an: Person, binh: Person) -> None:
    path = "/viec?tinh-trang=qua-han&cap=xa"
    form = an.form(path)
    kept = an.browser.post(f"/bo-loc{path[5:]}", data={**form, "ten": " Xã  quá hạn "})
    assert kept.status_code == 303
    assert "Đã lưu bộ lọc “Xã quá hạn”" in an.text(kept.headers["location"])
    page = binh.open("/viec").text
    assert path in links(page)
    again = binh.browser.post("/bo-loc?cap=xa", data={**binh.form("/viec"), "ten": "xa qua han"})
    assert again.status_code == 303  # the same name: replaced
    page = binh.open("/viec?cap=xa").text
    assert 'aria-current="true">xa qua han</a>' in page
    removing = re.search(r'action="(/bo-loc/\d+/xoa\?cap=xa)"', page)
    assert removing is not None
    gone = binh.browser.post(removing[1], data=binh.form("/viec"))
    assert "Đã xóa bộ lọc" in an.text(gone.headers["location"])
    assert "qua han" not in an.text("/viec").lower().split("tìm")[0]
    assert binh.browser.post(removing[1], data=binh.form("/viec")).status_code == 404


@pytest.mark.parametrize(
    ("query", "name", "said"),
    [
        ("?cap=xa", "", "Hãy đặt tên"), ("", "Tất cả", "Chưa có điều kiện lọc nào"),
        ("?cap=xa", "x" * 61, "dài quá 60"), ("?cap=9", "Chín", "chưa làm gì"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_kept_says_why(
    an: Person, query: str, name: str, said: str
) -> None:
    answer = an.browser.post(f"/bo-loc{query}", data={**an.form("/viec"), "ten": name})
    assert answer.status_code == 422
    assert said in plain(answer.text)


# -- acts on many ------------------------------------------------------------------------


def test_ticked_tasks_are_extended_after_a_look_and_the_others_are_named(
    an: Person, town: Runtime
) -> None:
    an.hand_in(number(town, OTHER))
    path = f"/xu-ly?lam=gia-han&{tick(town, TASK, LATE, OTHER)}"
    typed = {"ngay": "29/6/2020", "ly_do": "mưa lũ"}
    seen = post(an, path, buoc="xem", **typed)
    text = plain(seen.text)
    assert "Sẽ gia hạn 1 việc đến 29/6/2020" in text
    assert "2 việc không làm được và giữ nguyên" in text
    assert task(town, LATE).due_on == date(2020, 6, 16)  # nothing was kept
    done = an.browser.post(path, data={**an.form(path), "buoc": "lam", **typed})
    assert done.status_code == 303
    assert "Đã gia hạn 1 việc." in an.text(done.headers["location"])
    assert task(town, LATE).due_on == date(2020, 6, 29)
    assert task(town, TASK).due_on == date(2020, 6, 30)
    assert Scene(town).broken_audit() is None


def test_what_others_changed_after_the_look_stops_the_whole_act_and_is_named(
    an: Person, binh: Person, town: Runtime
) -> None:
    path = f"/xu-ly?lam=gia-han&{tick(town, LATE, TASK)}"
    typed = {"ngay": "10/7/2020", "ly_do": "mưa lũ"}
    form = an.form(path)
    binh.send(number(town, TASK), "tiep-nhan")
    refused = an.browser.post(path, data={**form, "buoc": "lam", **typed})
    assert refused.status_code == 409
    assert f"1 việc vừa được người khác cập nhật sau khi bạn xem trước: {TASK}" in plain(
        refused.text
    )
    assert task(town, LATE).due_on == date(2020, 6, 16)
    form["chon"] = re.findall(r'name="chon" value="([^"]+)"', refused.text)[0]
    assert an.browser.post(path, data={**form, "buoc": "lam", **typed}).status_code == 303
    assert task(town, TASK).due_on == date(2020, 7, 10)


def test_tasks_go_to_another_body_and_stay_in_the_history_of_the_old_one(
    an: Person, towns: Runtime
) -> None:
    person = Person(create_app(towns), towns)
    path = f"/xu-ly?lam=chuyen&{tick(towns, TASK, OTHER)}"
    typed = {"don_vi": "bql-vu-le", "ly_do": "giao nhầm", "buoc": "lam"}
    refused = post(person, path, **typed)  # Vũ Lễ has that task already
    text = plain(refused.text)
    assert "đã có việc này rồi" in text
    assert "đang là của" in text
    assert task(towns, TASK).state == "open"
    typed["don_vi"] = "vpdp-huyen"
    done = person.browser.post(path, data={**person.form(path), **typed})
    assert done.status_code == 200 or done.status_code == 303
    new = task(towns, "III.1/2020-06/vpdp-huyen")
    old = task(towns, TASK)
    assert (old.state, new.state, new.due_on) == ("cancelled", "open", old.due_on)
    text = person.text(f"/viec/{old.id}")
    assert "Chuyển cho đơn vị khác" in text
    assert "giao nhầm" in text
    assert Scene(towns).broken_audit() is None


def test_a_whole_filter_is_acted_on_and_never_more_than_the_limit(
    an: Person, town: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/xu-ly?lam=gia-han&ca=1&don-vi=bql-tan-lap&tinh-trang=qua-han"
    with town.reader() as session:
        late = session.scalars(
            select(Task.id).where(Task.body_id == "bql-tan-lap", Task.due_on < DAY)
        ).all()
    seen = post(an, path, buoc="xem", ngay="1/8/2020", ly_do="mưa lũ")
    assert f"Sẽ gia hạn {len(late)} việc" in plain(seen.text)
    monkeypatch.setattr(many, "MOST", len(late) - 1)
    assert "mỗi lần chỉ làm được nhiều nhất" in plain(an.open(path).text)


def test_nothing_ticked_is_not_the_whole_list(an: Person) -> None:
    for path in ("/xu-ly?lam=gia-han&danh-dau=1", "/don-doc?danh-dau=1&tinh-trang=qua-han"):
        answer = an.open(path)
        assert answer.status_code == 422
        assert "Chưa đánh dấu việc nào" in plain(answer.text)


def test_ticked_tasks_are_chased(an: Person, town: Runtime) -> None:
    text = an.text(f"/don-doc?danh-dau=1&{tick(town, TASK, OTHER)}")
    assert "2 việc đã đánh dấu: 2 việc đang mở sẽ được đôn đốc" in text


def test_what_is_missing_is_said_at_once_and_nothing_typed_is_lost(
    an: Person, town: Runtime
) -> None:
    path = f"/xu-ly?lam=gia-han&{tick(town, TASK)}"
    answer = post(an, path, buoc="xem", ngay="31/2/2020", ly_do="")
    assert answer.status_code == 422
    assert answer.text.count('class="why"') == 2
    assert 'value="31/2/2020"' in answer.text


# -- files ---------------------------------------------------------------------------------


def test_a_list_is_taken_away_whole_as_csv_and_excel_and_the_audit_says_so(
    an: Person, town: Runtime
) -> None:
    with town.sessions.begin() as session:
        one = session.get_one(Task, number(town, TASK))
        one.note = "=HYPERLINK(1)"
    form, path = an.form("/viec"), "/xuat/viec?cap=xa&tinh-trang=trong-han"
    shown = re.search(r"(\d+) việc, xếp theo hạn", an.text(f"/viec{path[10:]}"))
    sent = an.browser.post(path, data={**form, "dang": "csv"})
    assert sent.content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(sent.content.decode("utf-8-sig")), delimiter=";"))
    assert lines[0][:3] == ["Mã việc", "Mục", "Dòng"]
    assert shown is not None
    assert len(lines) - 1 == int(shown[1]) > 50
    mine = next(line for line in lines if line[0] == TASK)
    assert (mine[7], mine[12]) == ("30/06/2020", "'=HYPERLINK(1)")
    book = openpyxl.load_workbook(
        io.BytesIO(an.browser.post(path, data={**form, "dang": "xlsx"}).content)
    )
    rows = list(book.active.iter_rows(values_only=True))
    assert [row[0] for row in rows] == [line[0] for line in lines]
    assert next(row for row in rows if row[0] == TASK)[7].date() == date(2020, 6, 30)
    with town.reader() as session:
        entry = trail.newest(session, 1)[0]
    assert (entry.action, '"items":' + shown[1] in entry.data) == ("tasks.exported", True)
    assert "tải danh sách việc" in an.text("/nhat-ky").lower()


def test_a_download_needs_a_form_of_ours(an: Person) -> None:
    assert an.browser.post("/xuat/viec", data={"dang": "csv"}).status_code == 422
    assert an.open("/xuat/viec").status_code == 303


# -- the audit ------------------------------------------------------------------------------


def test_the_audit_is_filtered_by_who_what_how_and_when(an: Person, town: Runtime) -> None:
    an.hand_in(number(town, TASK))
    for query in ("ai=bình", "qua=page", "hanh-dong=task.submitted", f"doi-tuong={TASK}"):
        assert "Nộp minh chứng" in plain(
            an.open(f"/nhat-ky?{query}&tu-ngay=22/6/2020").text.split("<tbody>")[1]
        ), query
    for query in ("ai=Không ai", "qua=cli", "tu-ngay=23/6/2020", "den-ngay=21/6/2020"):
        assert "12/BC-UBND" not in an.text(f"/nhat-ky?{query}"), query
    assert "không hiểu ngày “99”" in an.text("/nhat-ky?tu-ngay=99")
    for name in ("hanh-dong", "qua"):
        assert "không có “x”" in an.text(f"/nhat-ky?{name}=x")


def test_the_audit_says_and_offers_the_ways_in_words(an: Person, town: Runtime) -> None:
    an.hand_in(number(town, TASK))
    page = an.open("/nhat-ky?hanh-dong=task.submitted").text
    assert re.search(r'<option value="link">đường dẫn cá nhân</option>', page)
    assert "qua trang web" in plain(page.split("<tbody>")[1])
    code = [file for part in ("ntm_workflow", "flows") for file in (ROOT / part).rglob("*.py")]
    found = {way for file in code for way in re.findall(r'via="([a-z]+)"', file.read_text())}
    recorded = found - {"forecast", "preview"}  # those act in copies, which are thrown away
    assert {key.partition(".")[2] for key in texts.keys("via.")} == recorded


def test_the_filtered_audit_is_taken_away(an: Person, town: Runtime) -> None:
    an.hand_in(number(town, TASK))
    form = an.form("/nhat-ky")
    path = f"/xuat/nhat-ky?doi-tuong={TASK}"
    sent = an.browser.post(path, data={**form, "dang": "csv"})
    lines = list(csv.reader(io.StringIO(sent.content.decode("utf-8-sig")), delimiter=";"))
    assert [line[6] for line in lines[1:]] == ["nộp minh chứng", "mở việc"]
    assert an.browser.post(path, data={**form, "dang": "xlsx"}).content[:2] == b"PK"
    with town.reader() as session:
        assert trail.newest(session, 1)[0].action == "audit.exported"
