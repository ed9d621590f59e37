"""One document for several tasks, drafts that outlive the page, and saying "not ours"."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, func, select, update

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, Draft, RowRecord, Submission, Task, WebSession
from ntm_workflow.web import handing_in, visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import evidence
from ntm_workflow.work.accounts import Role
from tests.signing import signed_in
from tests.web.test_personal_pages import link
from tests.web.web_office import LATE, OTHER, TASK, Person, number, plain, submissions, task

BOTH = "III.1/2020-06/bcd-tan-lap"  # another body of the same commune
TYPED = {"so_van_ban": "12/BC-UBND", "ngay": "20/6/2020", "trich_yeu": "Báo cáo rà soát"}
FILE = ("tep", ("Báo cáo.pdf", b"%PDF-1.4 noi dung", "application/pdf"))
SCRIPT = {"accept": "application/json"}


def tick(rt: Runtime, code: str) -> str:
    one = task(rt, code)
    return f"{one.id}.{one.version}"


def alert(page: str) -> str:
    found = re.search(r'<div class="box" role="alert".*?</div>', page, re.S)
    return plain(found[0]) if found else ""


@pytest.fixture
def own(app: FastAPI, town: Runtime) -> Person:
    """Somebody of the office in Tân Lập."""
    return Person(app, town, Role.OFFICE, bodies=["bql-tan-lap"])


# -- several tasks, one document -----------------------------------------------------


def test_what_may_go_together_is_looked_for_among_the_few_tasks_of_its_body(town: Runtime) -> None:
    query = handing_in._others(task(town, TASK), "page").order_by(Task.due_on, Task.id)
    sql = query.compile(town.engine, compile_kwargs={"literal_binds": True})
    with town.engine.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert any("ix_task_body" in str(step) for step in steps), steps


def test_a_form_that_cannot_show_all_other_tasks_says_so(town: Runtime, own: Person) -> None:
    page, said = f"/viec/{number(town, TASK)}", "việc có hạn sớm nhất đang mở"
    assert said not in own.text(page)
    with town.sessions.begin() as session:
        mine = session.get_one(Task, number(town, TASK))
        there = session.scalars(
            select(func.count()).where(Task.body_id == mine.body_id, Task.state == "open")
        ).one()
        known = {c.name: getattr(mine, c.name) for c in Task.__table__.columns if c.name != "id"}
        for n in range(handing_in.MOST + 2 - there):  # with the task itself, one too many
            session.add(Task(**{**known, "period": f"{2100 + n}-06"}))
    assert f"Đây là {handing_in.MOST} {said}" in own.text(page)
    assert own.open(page).text.count('name="chon"') == handing_in.MOST
    with town.sessions.begin() as session:  # one that comes last, ticked in a draft
        last = session.scalars(select(Task).where(Task.period == "2100-06")).one()
        last.due_on = date(2101, 1, 1)
        session.flush()
        value = f"{last.id}.{last.version}"
    assert f'value="{value}"' not in own.open(page).text
    own.send(number(town, TASK), "luu-nhap", chon=value, trich_yeu="Báo cáo")
    assert f'name="chon" value="{value}" checked' in own.open(page).text
    with town.sessions.begin() as session:
        session.execute(delete(Task).where(Task.period == "2100-06"))
    assert said not in own.text(page)  # now all are there


def test_one_document_is_handed_in_for_several_tasks_at_once_on_both_databases(
    towns: Runtime,
) -> None:
    own = Person(create_app(towns), towns, Role.OFFICE, bodies=["bql-tan-lap"])
    mine = number(towns, TASK)
    late = {"chon": tick(towns, LATE), "ly_do_qua_han": "mưa lũ"}
    form = own.form(f"/viec/{mine}")
    for _ in range(2):  # pressed twice
        answer = own.hand_in(mine, form=form, files=[FILE], **late)
        assert answer.headers["location"] == f"/viec/{mine}?xong=nop"
    (one,), (two,) = submissions(towns, TASK), submissions(towns, LATE)
    assert [f.sha256 for f in one.files] == [f.sha256 for f in two.files]
    assert (one.late_reason, two.late_reason) == ("", "mưa lũ")
    assert {task(towns, code).state for code in (TASK, LATE)} == {"submitted"}
    page = own.text(f"/viec/{mine}")
    assert f"Nộp chung cho: {LATE}" in page
    assert "văn bản này cũng đã nộp" not in page
    with towns.reader() as session:
        told = select(func.count()).where(AuditEntry.action == "task.submitted")
        assert session.scalar(told) == 2


def test_where_one_of_them_cannot_be_handed_in_for_none_is(
    own: Person, binh: Person, town: Runtime
) -> None:
    mine, late = number(town, TASK), number(town, LATE)
    old = tick(town, LATE)
    assert "Hãy ghi lý do quá hạn" in alert(own.hand_in(mine, chon=old).text)
    binh.send(late, "gia-han", ngay="30/7/2020", ly_do="mưa lũ")
    answer = own.hand_in(mine, chon=old, ly_do_qua_han="x")
    assert (answer.status_code, LATE in alert(answer.text)) == (409, True)
    binh.send(late, "huy", ly_do="giao nhầm")
    assert "không còn nộp được" in alert(own.hand_in(mine, chon=tick(town, LATE)).text)
    for foreign in (OTHER, BOTH):
        assert "không còn nộp được" in alert(own.hand_in(mine, chon=tick(town, foreign)).text)
    with town.reader() as session:
        assert session.scalar(select(func.count(Submission.id))) == 0


def test_a_form_sent_again_with_one_more_tick_is_no_repetition(own: Person, town: Runtime) -> None:
    mine = number(town, TASK)
    form = own.form(f"/viec/{mine}")
    own.hand_in(mine, form=form)
    answer = own.hand_in(mine, form=form, chon=tick(town, LATE), ly_do_qua_han="mưa lũ")
    assert answer.status_code == 409
    assert task(town, LATE).state == "open"


def test_by_link_several_tasks_give_one_receipt_and_a_confidential_one_is_left_out(
    an: Person, town: Runtime
) -> None:
    page = f"{link(town)}/viec/{number(town, TASK)}"
    assert f'value="{tick(town, LATE)}"' in an.open(page).text
    sent = {**TYPED, "chon": tick(town, LATE), "ly_do_qua_han": "mưa lũ", "xac_nhan": "1"}
    with town.sessions.begin() as session:
        secret = update(RowRecord).where(RowRecord.row_id == "VI.1")
        session.execute(secret.values(secrecy="mật"))
    assert f'value="{tick(town, LATE)}"' not in an.open(page).text
    answer = an.browser.post(f"{page}/nop", data={**an.form(page), **sent}, files=[FILE])
    assert "không còn nộp được" in alert(answer.text)
    with town.sessions.begin() as session:
        session.execute(secret.values(secrecy=""))
    form = an.form(page)
    receipts = {
        an.browser.post(f"{page}/nop", data={**form, **sent}, files=[FILE]).headers["location"]
        for _ in range(2)
    }
    assert LATE in an.text(receipts.pop())
    assert not receipts
    assert task(town, LATE).state == "submitted"


# -- what is guessed -------------------------------------------------------------------


def test_the_type_comes_from_the_symbol_or_is_chosen_and_the_summary_is_proposed(
    own: Person, town: Runtime
) -> None:
    mine, late = number(town, TASK), number(town, LATE)
    page = own.hand_in(mine, so_van_ban="7/TTr-UBND", trich_yeu="").text
    assert re.search(r">Tờ trình [a-zđ].*</textarea>", page)
    own.hand_in(mine, so_van_ban="7/TTr-UBND")
    assert submissions(town, TASK)[0].doc_type == "TTr"
    own.hand_in(late, so_van_ban="7/UBND-VP", loai="CV", ly_do_qua_han="mưa lũ")
    assert submissions(town, LATE)[0].doc_type == "CV"


def test_a_type_that_is_none_is_refused(own: Person, town: Runtime) -> None:
    assert "Không có loại văn bản" in alert(own.hand_in(number(town, TASK), loai="<x>").text)


def test_every_type_of_document_has_a_name() -> None:
    assert {one[0] for one in handing_in.kinds()} - {""} == evidence.DOC_TYPES


def test_only_the_page_with_the_form_runs_a_script_and_only_ours(
    own: Person, an: Person, town: Runtime
) -> None:
    for path in (f"/viec/{number(town, TASK)}", f"{link(town)}/viec/{number(town, TASK)}"):
        answer = own.open(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert re.findall(r"script-src ([^;]*)", policy) == ["'self'"]
        assert re.findall(r"<script[^>]*>([^<]*)</script>", answer.text) == [""]
    for path in ("/phu-luc", "/viec", "/tham-dinh", f"/viec/{number(town, TASK)}/nop"):
        assert "script-src" not in an.open(path).headers["content-security-policy"]


# -- drafts --------------------------------------------------------------------------------


def test_a_draft_is_kept_for_who_typed_it_until_it_is_handed_in(
    own: Person, binh: Person, town: Runtime
) -> None:
    mine = number(town, TASK)
    answer = own.send(mine, "luu-nhap", files=[FILE], trich_yeu="Đang viết dở", so_van_ban="12")
    assert answer.status_code == 303
    page = own.open(f"/viec/{mine}").text
    assert ">Đang viết dở</textarea>" in page
    assert "Bản nháp lưu lúc" in plain(page)
    assert "Báo cáo.pdf" in page
    assert "Đang viết dở" not in binh.open(f"/viec/{mine}").text
    kept = re.findall(r'name="giu" value="([^"]+)"', page)
    assert own.hand_in(mine, giu=kept).status_code == 303
    assert [one.name for one in submissions(town, TASK)[0].files] == ["Báo cáo.pdf"]
    with town.reader() as session:
        assert session.scalar(select(func.count(Draft.id))) == 0


def test_a_draft_that_saves_itself_answers_in_a_sentence_and_leaves_one_row_on_both_databases(
    towns: Runtime,
) -> None:
    own = Person(create_app(towns), towns, Role.OFFICE, bodies=["bql-tan-lap"])
    mine = number(towns, TASK)
    form = own.form(f"/viec/{mine}")
    own.browser.headers.update(SCRIPT)
    for text in ("Bá", "Báo", "Báo cáo"):
        answer = own.send(mine, "luu-nhap", form=form, trich_yeu=text)
        assert answer.json()["said"].startswith("Bản nháp lưu lúc")
    with towns.reader() as session:
        (draft,) = session.scalars(select(Draft))
        assert draft.held["fields"] == {"trich_yeu": "Báo cáo"}
    assert own.send(mine, "luu-nhap", form=form).json() == {"said": "Chưa có gì để lưu."}
    with towns.reader() as session:
        assert session.scalar(select(func.count(Draft.id))) == 0


def test_what_was_refused_is_there_when_the_page_is_opened_again(
    own: Person, town: Runtime
) -> None:
    mine = number(town, TASK)
    own.hand_in(mine, so_van_ban="mười hai", ghi_chu="nhớ hỏi lại")
    assert 'value="mười hai"' in own.open(f"/viec/{mine}").text


def test_a_draft_of_a_contact_is_found_again_by_a_fresh_link(an: Person, town: Runtime) -> None:
    page = f"{link(town)}/viec/{number(town, TASK)}"
    an.browser.post(f"{page}/luu-nhap", data={**an.form(page), "trich_yeu": "Đang viết dở"})
    fresh = f"{link(town)}/viec/{number(town, TASK)}"
    assert fresh != page
    assert ">Đang viết dở</textarea>" in an.open(fresh).text


def test_nobody_keeps_a_draft_of_another_bodys_task_or_with_a_forged_form(
    own: Person, an: Person, town: Runtime
) -> None:
    other, mine = number(town, OTHER), number(town, TASK)
    form = own.form(f"/viec/{mine}")
    assert own.send(other, "luu-nhap", form=form, trich_yeu="x").status_code == 404
    forged = {**form, "ma_bao_ve": "x"}
    own.send(mine, "luu-nhap", form=forged, trich_yeu="x")
    page = f"{link(town)}/viec/{other}"
    typed = {**an.form(f"{link(town)}/viec/{mine}"), "trich_yeu": "x"}
    assert an.browser.post(f"{page}/luu-nhap", data=typed).status_code == 404
    with town.reader() as session:
        assert session.scalar(select(func.count(Draft.id))) == 0


# -- a session that has ended ----------------------------------------------------------------


def end_sessions(rt: Runtime) -> None:
    with rt.sessions.begin() as session:
        session.execute(delete(WebSession))


def sign_in_again(person: Person) -> None:
    """With the account that the browser had last."""
    number = int(person.browser.cookies[visitor.WHOSE].partition(".")[0])
    person.browser.cookies.set(visitor.COOKIE, signed_in(person.rt, again=number))


def test_a_form_sent_after_its_session_ended_comes_back_filled_in_once_signed_in(
    an: Person, town: Runtime
) -> None:
    mine = number(town, TASK)
    form = an.form(f"/viec/{mine}")
    end_sessions(town)
    answer = an.hand_in(mine, form=form, trich_yeu="Báo cáo gõ rất lâu", files=[FILE])
    assert answer.headers["location"] == "/vao?den=/giu-lai&xong=giu"
    asked = an.text(answer.headers["location"])
    assert "Nội dung đã nhập được giữ lại" in asked
    assert "Báo cáo gõ rất lâu" not in asked
    sign_in_again(an)
    place = an.open("/giu-lai").headers["location"]
    page = an.open(place).text
    assert place == f"/viec/{mine}?giu=1"
    assert ">Báo cáo gõ rất lâu</textarea>" in page
    assert "phiên làm việc đã hết" in alert(page)
    assert an.hand_in(mine, trich_yeu="Báo cáo gõ rất lâu").status_code == 303
    assert submissions(town, TASK)[0].subject == "Báo cáo gõ rất lâu"


def test_nobody_else_is_shown_it_and_nothing_is_kept_for_who_never_signed_in(
    an: Person, app: FastAPI, town: Runtime
) -> None:
    mine = number(town, TASK)
    form = an.form(f"/viec/{mine}")
    stranger = Person(app, town, None)
    typed = {**stranger.form("/vao"), "ly_do": "x"}
    location = stranger.browser.post(f"/viec/{mine}/huy", data=typed).headers["location"]
    assert location == f"/vao?den=/viec/{mine}/huy"
    real = an.browser.cookies[visitor.WHOSE]
    an.browser.cookies.delete(visitor.WHOSE)
    an.browser.cookies.set(visitor.WHOSE, real.partition(".")[0] + "." + "A" * 20)  # made up
    end_sessions(town)
    an.hand_in(mine, form=form, trich_yeu="x")
    with town.reader() as session:
        assert session.scalar(select(func.count(Draft.id))) == 0
    an.browser.cookies.delete(visitor.WHOSE)
    an.browser.cookies.set(visitor.WHOSE, real)
    sign_in_again(an)
    form = an.form(f"/viec/{mine}")
    end_sessions(town)
    an.hand_in(mine, form=form, trich_yeu="của riêng An")
    an.browser.cookies.set(visitor.COOKIE, signed_in(town, Role.LEADER))
    assert an.open("/giu-lai").headers["location"] == "/"
    assert "của riêng An" not in an.text(f"/viec/{mine}?giu=1")


def test_any_other_form_is_offered_to_be_sent_again(an: Person, town: Runtime) -> None:
    form = an.form("/don-doc?viec=140")
    end_sessions(town)
    typed = {**form, "y_kien": "Đề nghị nộp trong ngày.", "buoc": "xem"}
    assert an.browser.post("/don-doc?viec=140", data=typed).status_code == 303
    sign_in_again(an)
    page = an.open("/giu-lai").text
    assert "Đề nghị nộp trong ngày." in plain(page)
    assert 'action="/don-doc?viec=140"' in page
    assert an.browser.post("/don-doc?viec=140", data=an.form("/giu-lai")).status_code == 200


def test_what_was_kept_is_shown_for_a_day_and_passwords_are_not_kept(
    an: Person, town: Runtime
) -> None:
    form = an.form(f"/viec/{number(town, TASK)}")
    end_sessions(town)
    an.browser.post("/tai-khoan/mat-khau", data={**form, "moi": "bi mat cua toi"})
    with town.reader() as session:
        assert session.scalar(select(func.count(Draft.id))) == 0
    an.send(number(town, TASK), "huy", form=form, ly_do="gõ hôm qua")
    with town.sessions.begin() as session:
        (draft,) = session.scalars(select(Draft))
        draft.saved_at -= timedelta(days=1, minutes=1)
    sign_in_again(an)
    assert an.open("/giu-lai").headers["location"] == "/"


# -- not ours ------------------------------------------------------------------------------


def test_not_ours_becomes_a_question_that_the_office_answers(
    own: Person, binh: Person, town: Runtime
) -> None:
    mine = number(town, TASK)
    assert "lý do" in alert(own.send(mine, "khong-phai-viec").text).lower()
    own.send(mine, "khong-phai-viec", ly_do="việc của UBND xã")
    assert "việc của UBND xã" in binh.text(f"/viec/{mine}")
    assert "1 đơn vị báo không phải việc của mình" in binh.text("/")
    assert "BQL NTM xã Tân Lập" in binh.text("/viec?tinh-trang=khong-phai-viec")
    assert own.send(mine, "van-phai-lam", ly_do="x").status_code == 403
    refused = binh.send(mine, "chuyen-don-vi", don_vi="không có", ly_do="")
    assert "Không có đơn vị" in alert(refused.text)
    assert "lý do" in alert(refused.text).lower()
    answer = binh.send(mine, "chuyen-don-vi", don_vi="ubnd-tan-lap", ly_do="đúng vậy")
    assert answer.headers["location"] == f"/viec/{mine}?xong=chuyen-don-vi"
    assert task(town, TASK).state == "cancelled"
    assert task(town, "III.1/2020-06/ubnd-tan-lap").state == "open"
    assert "không phải việc của mình" not in binh.text("/")


def test_by_link_not_ours_has_a_receipt_and_the_answer_is_read_there(
    an: Person, binh: Person, town: Runtime
) -> None:
    page, mine = f"{link(town)}/viec/{number(town, TASK)}", number(town, TASK)
    typed = {**an.form(page), "ly_do": "việc của UBND xã"}
    receipt = an.browser.post(f"{page}/khong-phai-viec", data=typed).headers["location"]
    said = an.text(receipt)
    assert "Đã nhận ý kiến" in said
    assert "việc của UBND xã" in said
    assert "chưa trả lời" in an.text(page)
    binh.send(mine, "van-phai-lam", ly_do="Kế hoạch giao BQL xã")
    assert "Kế hoạch giao BQL xã" in an.text(page)
