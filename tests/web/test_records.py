"""Notices, the mail that arrived, the audit, and the control of the simulation."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import control, mail_catcher
from ntm_workflow.store.tables import Address, Contact, Notice
from ntm_workflow.web.app import create_app
from ntm_workflow.work import accounts, audit
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Actor, Entry
from ntm_workflow.work.contacts import By
from tests.scene import Scene
from tests.web.web_office import DAY, TASK, TESTER, Person, number, plain, statements

MAIL = (
    "Message-ID: <ntm-1@example>\r\nFrom: a@x.invalid\r\nTo: b@x.invalid\r\n"
    "Subject: =?utf-8?q?Nh=E1=BA=AFc_vi=E1=BB=87c?=\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/html; charset=utf-8\r\n\r\n"
    "<html><body><p style='color:red'>Chào</p><script>alert(1)</script></body></html>\r\n"
)


@pytest.fixture
def queued(town: Runtime) -> Runtime:
    Scene(town).remind(DAY)
    return town


# -- notices ------------------------------------------------------------------------


def test_a_notice_says_to_whom_about_what_and_how_it_went(an: Person, queued: Runtime) -> None:
    page = an.open("/thong-bao").text
    link = re.search(r'href="(/thong-bao/\d+)"', page)
    assert link is not None
    text = an.text(link[1])
    assert "chờ gửi" in text
    assert "Chưa gửi lần nào" in text
    assert "Việc trong thư" in text


def test_why_a_notice_waits_is_said_in_words(an: Person, queued: Runtime) -> None:
    with queued.sessions.begin() as session:
        session.execute(delete(Address))
    assert "chờ địa chỉ thư của" in an.text("/thong-bao?trang-thai=pending")
    assert re.search(r"\d+ thư đang chờ gửi", an.text("/"))


def test_a_failed_notice_is_first_on_the_board_with_its_reason(an: Person, queued: Runtime) -> None:
    with queued.sessions.begin() as session:
        last = session.query(Notice).order_by(Notice.id.desc()).first()
        assert last is not None
        last.state, last.error = "failed", "550 hòm thư không tồn tại"
    text = an.text("/")
    assert "550 hòm thư không tồn tại" in text
    assert text.index("550 hòm thư") < text.index("chờ gửi", text.index("Thư hôm nay") + 60)


def test_notices_are_filtered_by_state_and_day_and_walked_by_page(
    an: Person, queued: Runtime
) -> None:
    assert "Không có thông báo nào" in an.text("/thong-bao?trang-thai=failed")
    assert "Không có thông báo nào" in an.text("/thong-bao?ngay=23/6/2020")
    assert "Không có thông báo nào" not in an.text("/thong-bao?ngay=22/6/2020&trang-thai=pending")
    for day in (24, 25, 26):
        Scene(queued).remind(date(2020, 6, day))
    ids: list[str] = []
    path: str | None = "/thong-bao"
    while path:
        page = an.open(path).text
        ids += re.findall(r'<th scope="row"><a href="/thong-bao/(\d+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else None
    assert ids == sorted(set(ids), key=int, reverse=True)
    assert len(ids) == len(Scene(queued).notices())


def test_a_message_is_shown_where_it_can_do_nothing(an: Person, queued: Runtime) -> None:
    with queued.sessions.begin() as session:
        session.execute(update(Notice).values(html="<body><script>x</script><p>Kính gửi</p>"))
    with queued.reader() as session:
        first = session.query(Notice).first()
        assert first is not None
    page = an.open(f"/thong-bao/{first.id}")
    assert "Kính gửi" not in page.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    policy = an.open(f"/thong-bao/{first.id}/thu").headers["content-security-policy"]
    assert "; sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy


# -- the mail that arrived -----------------------------------------------------------


def test_the_simulated_mailbox_shows_what_the_server_received(an: Person, town: Runtime) -> None:
    assert "Chưa có thư nào" in an.text("/thu-den")
    folder = town.settings.var / "mail"
    folder.mkdir(parents=True)
    kept = mail_catcher.keep(folder, MAIL.encode(), "a@x.invalid", ["b@x.invalid"])
    assert "Nhắc việc" in an.text("/thu-den")
    assert "Nhắc việc" in an.text(f"/thu-den/{kept.stem}")
    answer = an.open(f"/thu-den/{kept.stem}/thu")
    assert "Chào" in answer.text
    assert "; sandbox allow-popups" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["..%2fntm", "%2e%2e", "a" * 64, "a" * 64 + ".1%00"])
def test_no_other_file_can_be_read_as_mail(an: Person, town: Runtime, name: str) -> None:
    Path(town.settings.var / "mail").mkdir(parents=True)
    assert an.open(f"/thu-den/{name}").status_code == 404


# -- the audit ------------------------------------------------------------------------


def test_the_audit_is_filtered_and_walked(an: Person, town: Runtime) -> None:
    an.hand_in(number(town, TASK))
    page = an.open("/nhat-ky?hanh-dong=task.submitted").text
    assert len(re.findall(r"<tr role=\"row\">\s*<th scope=\"row\"", page)) == 1
    page = an.open(f"/nhat-ky?doi-tuong={TASK}").text
    assert len(re.findall(r"<th scope=\"row\"", page)) == 2
    assert "Cũ hơn" in an.text("/nhat-ky")
    assert "Không có mục nào" in an.text("/nhat-ky?ngay=1/1/2019")


def test_a_page_of_the_audit_names_each_contact_and_asks_no_more_for_many(
    an_of_each: Person, towns: Runtime
) -> None:
    an_of_each.open("/nhat-ky")
    with statements(towns) as few:
        an_of_each.open("/nhat-ky")
    people = _seen_by_contacts(towns, 30)
    with statements(towns) as many:
        text = an_of_each.text("/nhat-ky")
    assert all(f"{name} (đầu mối số {number})" in text for number, name in people.items())
    assert len(many) == len(few)


@pytest.mark.parametrize("typed", ["Hoàng Thị Ảnh", "hoang thi anh", "THỊ ẢNH"])
def test_the_audit_is_searched_by_the_name_of_a_contact_with_or_without_marks(
    an_of_each: Person, towns: Runtime, typed: str
) -> None:
    number = min(_seen_by_contacts(towns, 3))
    with towns.sessions.begin() as session:
        session.get_one(Contact, number).name = "Hoàng Thị Ảnh"
    text = an_of_each.text(f"/nhat-ky?ai={typed}")
    assert f"Hoàng Thị Ảnh (đầu mối số {number})" in text
    assert text.count("(đầu mối số") == 1
    assert f"đầu mối số {number}" in an_of_each.text(f"/nhat-ky?ai=contact/{number}")
    assert "Không có mục nào" in an_of_each.text("/nhat-ky?ai=không ai tên thế")


def test_the_audit_is_searched_by_the_name_of_an_account_without_marks(
    an_of_each: Person, towns: Runtime
) -> None:
    done = [Entry(audit.Action.TASK_ACKNOWLEDGED, TASK, {"plan": towns.plan.id})]
    with towns.sessions.begin() as session:
        by = By(TESTER, towns.now())
        accounts.add(session, "oanh", Role.LEADER, (), by, name="Đỗ Thị Oanh")
        audit.append(session, Actor("Đỗ Thị Oanh", "leader", "", "page"), towns.now(), done)
    assert "Đỗ Thị Oanh" in an_of_each.text("/nhat-ky?ai=do thi o&hanh-dong=task.acknowledged")


@pytest.fixture
def an_of_each(towns: Runtime) -> Person:
    return Person(create_app(towns), towns)


def _seen_by_contacts(rt: Runtime, count: int) -> dict[int, str]:
    """So many contacts confirm that they have seen a task, each by a link of its own."""
    with rt.sessions.begin() as session:
        found = session.execute(select(Contact.id, Contact.name).limit(count))
        people: dict[int, str] = dict(found.tuples().all())
        for one in people:
            done = [Entry(audit.Action.TASK_ACKNOWLEDGED, TASK, {"plan": rt.plan.id})]
            by = Actor("", "office", "bql-tan-lap", "link", contact=one)
            audit.append(session, by, rt.now(), done)
    return people


def test_a_changed_entry_is_found_and_said_in_red(an: Person, town: Runtime) -> None:
    assert "Nhật ký nguyên vẹn" in an.text("/nhat-ky?kiem-tra=1")
    with town.engine.begin() as connection:
        for (name,) in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql("UPDATE audit SET actor = 'ai đó' WHERE seq = 7")
    page = an.open("/nhat-ky?kiem-tra=1").text
    assert 'class="box" role="alert"' in page
    assert "hỏng từ mục 7" in plain(page)


# -- the simulation ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "today", "to"),
    [
        ("ngay", "2020-06-22", "2020-06-23"), ("tuan", "2020-06-22", "2020-06-29"),
        ("thang", "2020-06-22", "2020-07-01"), ("thang", "2020-12-31", "2021-01-01"),
        ("quy", "2020-06-22", "2020-06-30"), ("quy", "2020-06-30", "2020-09-30"),
        ("quy", "2020-12-31", "2021-03-31"),
    ],
)  # fmt: skip
def test_each_step_asks_for_the_day_its_button_names(
    an: Person, town: Runtime, monkeypatch: pytest.MonkeyPatch, step: str, today: str, to: str
) -> None:
    asked: list[date] = []
    monkeypatch.setattr(control, "start_advance", asked.append)
    monkeypatch.setattr(control, "progress", lambda: control.Progress(running=False))
    town.set_simulated(date.fromisoformat(today), TESTER)
    form = an.form("/")
    answer = an.browser.post("/mo-phong", data={**form, "buoc": step})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert asked == [date.fromisoformat(to)]


def test_a_step_under_way_is_said_and_the_page_looks_again_by_itself(
    an: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "progress", lambda: control.Progress(running=True))
    page = an.open("/").text
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "Đang chạy mô phỏng" in plain(page)
    assert 'name="buoc"' not in page


def test_a_step_that_cannot_start_is_said_on_the_board(
    an: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: date) -> str:
        raise Refused("control.no_prefect", url="http://127.0.0.1:4200/api")

    monkeypatch.setattr(control, "start_advance", fail)
    form = an.form("/")
    answer = an.browser.post("/mo-phong", data={**form, "buoc": "ngay"})
    assert answer.status_code == 422
    assert "Prefect chưa trả lời" in plain(answer.text)
    for data in ({**form, "buoc": "nam"}, {"buoc": "ngay"}):
        assert an.browser.post("/mo-phong", data=data).status_code == 422
