"""The pages of the record: lists, one message, what a person decides, logs to print, channels."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from ntm_workflow.chase import outbox
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    Channel,
    Contact,
    Notice,
    NoticeAttempt,
    NoticeEvent,
    NoticeItem,
    Task,
)
from ntm_workflow.work.audit import Actor
from tests import smtp_sink
from tests.scene import Scene
from tests.web.web_office import DAY, Person, plain, statements

BODY = "bql-tan-lap"
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>" onmouseover="alert(2)'


@pytest.fixture
def told(town: Runtime) -> Runtime:
    """What the office owed on 22 June was sent to a real server on loopback."""
    Scene(town).remind(DAY)
    with smtp_sink.running() as sink:
        rt = replace(town, settings=replace(town.settings, mail_url=sink.url))
        outbox.deliver(rt, actor=Actor("kiểm thử", via="test"))
    return town


def mine(rt: Runtime) -> Notice:
    """The newest message that chases a body."""
    with rt.reader() as session:
        query = select(Notice).join(NoticeItem, NoticeItem.notice_id == Notice.id)
        query = query.where(NoticeItem.role == "chase", Notice.state == "sent")
        return session.scalars(query.order_by(Notice.id.desc())).first() or pytest.fail("none")


def change(rt: Runtime, notice_id: int, **values: Any) -> None:
    with rt.sessions.begin() as session:
        session.execute(update(Notice).where(Notice.id == notice_id).values(**values))


def task_of(rt: Runtime, notice_id: int) -> int:
    with rt.reader() as session:
        query = select(NoticeItem.task_id).where(NoticeItem.notice_id == notice_id)
        return session.scalars(query.order_by(NoticeItem.id)).first() or 0


# -- what is shown ------------------------------------------------------------------


def test_the_list_tells_rule_way_masked_address_and_text(an: Person, told: Runtime) -> None:
    one = mine(told)
    page = an.open("/thong-bao").text
    text = plain(page)
    assert "trước hạn" in text.lower()
    assert "Thư điện tử" in text
    assert one.address not in page.replace(one.body, "")
    assert f"{one.address[0]}***@" in page
    assert "đã gửi" in text.lower()
    assert "Máy chủ đã nhận" in text
    assert "Kính gửi" in text


def test_a_task_says_how_often_it_was_chased_and_prints_its_log(an: Person, told: Runtime) -> None:
    task = task_of(told, mine(told).id)
    assert "Đã đôn đốc 1 lần: 22/6/2020" in an.text(f"/viec/{task}")
    log = an.open(f"/viec/{task}/don-doc")
    assert "Nhật ký đôn đốc" in log.text
    assert "Đã đôn đốc 1 lần: 22/6/2020" in plain(log.text)
    assert "/static/record.css" in log.text
    style = re.search(r'href="(/static/record\.css[^"]*)"', log.text)
    assert style
    css = an.open(style[1]).text
    assert "@media print" in css
    assert "portrait" in css


def test_a_bodys_quarter_is_printed_with_the_quarters_beside_it(an: Person, told: Runtime) -> None:
    with told.reader() as session:
        found = session.get_one(Notice, mine(told).id)
        item = session.scalars(select(NoticeItem).where(NoticeItem.notice_id == found.id)).first()
        assert item is not None
        body = session.get_one(Task, item.task_id).body_id
    log = an.text(f"/don-vi/{body}/don-doc")
    assert "Nhật ký đôn đốc quý II/2020" in log
    assert "Đã đôn đốc 1 lần: 22/6/2020" in log
    page = an.open(f"/don-vi/{body}/don-doc?quy=2020-Q4").text
    assert "chưa bị đôn đốc lần nào" in plain(page)
    assert "quy=2021-Q1" in page
    assert "quy=2020-Q3" in page
    for odd in ("x", "2020-Q5", "0001-Q1", "9999-Q4", "2020-Q2<script>"):
        assert "quý II/2020" in an.text(f"/don-vi/{body}/don-doc?quy={odd}"), odd
    assert "quý I/2019" in an.text(f"/don-vi/{body}/don-doc?quy=2019-Q1")
    assert an.open("/don-vi/khong-co/don-doc").status_code == 404


@pytest.mark.parametrize("path", ["/thong-bao", "/thu"])
def test_the_list_is_narrowed_to_a_task_a_body_or_a_contact(
    an: Person, told: Runtime, path: str
) -> None:
    one = mine(told)
    task = task_of(told, one.id)
    an.browser.follow_redirects = True
    for query, title in (
        (f"viec={task}", "Thông báo về việc"), (f"don-vi={BODY}", "Thông báo của BQL"),
        (f"lien-he={one.contact_id}", "Thông báo gửi"),
    ):  # fmt: skip
        page = an.open(f"{path}?{query}")
        assert page.status_code == 200
        assert title in plain(page.text), query
        kept = query.partition("=")[0]
        assert f'<input type="hidden" name="{kept}"' in page.text
    assert f'href="/thong-bao/{one.id}"' in an.open(f"{path}?viec={task}").text
    assert f'href="/thong-bao/{one.id}"' in an.open(f"{path}?lien-he={one.contact_id}").text
    for nobody in ("viec=999999", "lien-he=999999", "don-vi=khong-co"):
        assert an.open(f"{path}?{nobody}").status_code == 404, nobody
    assert an.open(f"{path}?viec=x&lien-he=-1").status_code == 200


def test_every_page_of_the_record_costs_eight_statements_at_most(an: Person, told: Runtime) -> None:
    one = mine(told)
    task = task_of(told, one.id)
    for path in (
        "/thong-bao", f"/thong-bao?viec={task}", f"/thong-bao?don-vi={BODY}",
        f"/thong-bao?lien-he={one.contact_id}", f"/thong-bao/{one.id}", f"/viec/{task}",
        f"/viec/{task}/don-doc", f"/don-vi/{BODY}/don-doc", f"/don-vi/{BODY}", "/kenh", "/",
    ):  # fmt: skip
        with statements(told) as sent:
            assert an.open(path).status_code == 200, path
        assert len(sent) <= 8, (path, len(sent))


def test_hostile_text_is_shown_as_text_and_never_run(an: Person, told: Runtime) -> None:
    one = mine(told)
    task = task_of(told, one.id)
    with told.sessions.begin() as session:
        at = told.now()
        session.add(
            NoticeAttempt(
                notice_id=one.id, at=at, outcome="payload", detail=EVIL, seconds=1, code=EVIL
            )
        )
        session.add(NoticeEvent(notice_id=one.id, at=at, kind="reply", detail=EVIL, source="x"))
        session.execute(update(Contact).values(name=EVIL))
        session.execute(update(Channel).values(state="broken", broken_why=EVIL, broken_at=at))
    change(
        told, one.id, subject=EVIL, body=EVIL, html=f"<body>{EVIL}</body>", error=EVIL,
        note=EVIL, address=f"{EVIL}@{EVIL}", state="failed",
    )  # fmt: skip
    for path in (
        "/thong-bao", f"/thong-bao/{one.id}", f"/thong-bao?viec={task}", f"/viec/{task}",
        f"/thong-bao?lien-he={one.contact_id}", f"/viec/{task}/don-doc",
        f"/don-vi/{BODY}/don-doc", "/kenh", "/", f"/thong-bao?don-vi={BODY}",
    ):  # fmt: skip
        page = an.open(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text, path
        assert "<img src=x" not in page.text, path
        assert 'onmouseover="alert' not in page.text.replace("&#34;", "&quot;"), path
        scripts = re.findall("script-src ([^;]*)", page.headers["content-security-policy"])
        assert scripts == (["'self'"] if path in ("/", f"/viec/{task}") else []), path
    assert EVIL in html.unescape(an.open(f"/thong-bao/{one.id}").text)
    framed = an.open(f"/thong-bao/{one.id}/thu").headers["content-security-policy"]
    assert "default-src 'none'" in framed
    assert "allow-scripts" not in framed


def test_the_code_of_a_personal_link_is_on_no_page(an: Person, told: Runtime) -> None:
    one = mine(told)
    code = "eyJhbGciOiJIUzI1NiJ9.Zm9vYmFy-7Q2M_x"
    link = f"http://127.0.0.1:8080/v/{code}"
    change(told, one.id, body=f"Nộp tại {link}", html=f'<body><a href="{link}">Nộp</a></body>')
    for path in (f"/thong-bao/{one.id}", "/thong-bao", f"/thong-bao/{one.id}/thu"):
        page = an.open(path).text
        assert code not in page, path
        assert "7Q2M" not in page, path


def test_what_replaced_a_message_is_linked_both_ways(an: Person, told: Runtime) -> None:
    one = mine(told)
    with told.sessions.begin() as session:
        second = Notice(
            run_id=one.run_id, contact_id=one.contact_id, channel="bot", kind=one.kind,
            plan_id=one.plan_id, run_on=one.run_on, not_before=one.not_before, instead_of=one.id,
        )  # fmt: skip
        session.add(second)
        session.flush()
        other = second.id
    change(told, one.id, state="failed", error="550 không có người này")
    assert f'<a href="/thong-bao/{other}">thư {other}</a>' in an.open(f"/thong-bao/{one.id}").text
    assert "đã có thư khác thay" in an.text(f"/thong-bao/{one.id}")
    assert f'href="/lien-he/{one.contact_id}"' in an.open(f"/thong-bao/{one.id}").text
    assert f"thay cho thư {one.id}" in an.text(f"/thong-bao/{other}").lower()


# -- what a person decides ------------------------------------------------------------


def post(an: Person, path: str, page: str, **typed: str) -> Any:
    return an.browser.post(path, data={**an.form(page), **typed})


def test_a_person_decides_about_a_message_in_doubt(an: Person, told: Runtime) -> None:
    one = mine(told)
    change(told, one.id, state="unknown", error="process died")
    assert "1 thư không rõ đã tới hay chưa" in an.text("/")
    page = f"/thong-bao/{one.id}"
    assert "Đã tới nơi" in an.text(page)
    answer = post(an, f"{page}/quyet-dinh", page, cach="arrived")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?xong=arrived")
    assert f"thư {one.id} đã tới nơi" in an.text(f"{page}?xong=arrived")
    assert 'name="cach"' not in an.open(page).text
    again = post(an, f"{page}/quyet-dinh", "/", cach="again")
    assert again.status_code == 422
    assert "không còn ở tình trạng" in plain(again.text)
    assert "quyết định về thư không rõ kết quả" in an.text("/nhat-ky").lower()
    assert an.open(f"{page}/quyet-dinh").headers["location"] == page


def test_sending_again_puts_it_back_among_what_waits(an: Person, told: Runtime) -> None:
    one = mine(told)
    change(told, one.id, state="unknown")
    page = f"/thong-bao/{one.id}"
    assert post(an, f"{page}/quyet-dinh", page, cach="again").status_code == 303
    assert "sẽ được gửi lại" in an.text(f"{page}?xong=again")
    assert "chờ gửi" in an.text(page).lower()


def test_a_form_without_our_token_or_with_an_odd_answer_decides_nothing(
    an: Person, told: Runtime
) -> None:
    one = mine(told)
    change(told, one.id, state="unknown")
    page = f"/thong-bao/{one.id}"
    assert an.browser.post(f"{page}/quyet-dinh", data={"cach": "again"}).status_code == 422
    assert post(an, f"{page}/quyet-dinh", page, cach="xoa").status_code == 422
    assert an.browser.post("/kenh/mail", data={"viec": "dong"}).status_code == 422
    assert post(an, "/kenh/mail", "/kenh", viec="xoa").status_code == 422
    with told.reader() as session:
        assert session.get_one(Notice, one.id).state == "unknown"
        assert session.get_one(Channel, "mail").state == "active"
    assert post(an, "/thong-bao/999999/quyet-dinh", page, cach="again").status_code == 404


# -- channels ---------------------------------------------------------------------------


def test_the_channels_say_how_they_are_and_what_to_do(an: Person, told: Runtime) -> None:
    text = an.text("/kenh")
    assert "Thư điện tử mail Đang dùng" in text.replace("đang", "Đang")
    assert re.search(r"Hôm nay .*\d+ đã gửi", text)
    with told.sessions.begin() as session:
        one = session.get_one(Channel, "mail")
        one.state, one.broken_class = "broken", "auth"
        one.broken_why = "535 5.7.8 vpdp@bacson.example.vn bị từ chối"
        one.broken_at, one.retry_at = told.now(), told.now() + timedelta(minutes=15)
        one.quota_left, one.token_until = 1234, told.now() + timedelta(days=80)
        one.per_minute = 60
    page = an.open("/kenh").text
    text = plain(page)
    assert "Máy chủ thư không nhận tên hoặc mật khẩu đăng nhập. Hãy sửa mật khẩu" in text
    assert "Hỏng từ 08:00 22/6/2020" in text
    assert "Tự thử lại lúc 08:15 22/6/2020" in text
    assert "vpdp@bacson.example.vn" not in page
    assert "v***@bacson…" in page
    assert "1.234" in text
    assert "dùng được đến 08:00 10/9/2020" in text
    assert "NTM_MAIL_URL" in text


def test_a_channel_is_tried_again_closed_and_opened_by_its_buttons(
    an: Person, told: Runtime
) -> None:
    with told.sessions.begin() as session:
        one = session.get_one(Channel, "mail")
        one.state, one.retry_at = "broken", told.now() + timedelta(hours=1)
    for act, state, words in (
        ("thu-lai", "broken", "sẽ thử lại"), ("dong", "closed", "Đã tắt kênh mail"),
        ("mo", "active", "Đã mở kênh mail"),
    ):  # fmt: skip
        answer = post(an, "/kenh/mail", "/kenh", viec=act)
        assert (answer.status_code, answer.headers["location"]) == (
            303, f"/kenh?xong={act}&kenh=mail",
        )  # fmt: skip
        assert words in an.text(answer.headers["location"])
        with told.reader() as session:
            assert session.get_one(Channel, "mail").state == state
    assert "vừa đổi tình trạng" in plain(post(an, "/kenh/mail", "/kenh", viec="mo").text)
    assert post(an, "/kenh/khong-co", "/kenh", viec="mo").status_code == 404
    assert an.open("/kenh/mail").headers["location"] == "/kenh"
    assert "mở lại kênh gửi" in an.text("/nhat-ky").lower()
