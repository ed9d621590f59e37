"""The import page: from a file to a running plan, and everything that can be wrong on the way."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.importers import answers, files, limits
from ntm_workflow.appendix.importers.document import Document
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, ImportDraft, Learnt, PlanRecord, RowRecord
from ntm_workflow.texts import say
from ntm_workflow.web import import_view, workshop
from ntm_workflow.web.app import create_app
from ntm_workflow.web.import_view import Question, mark
from tests.importers import makers
from tests.importers.test_import_answers import TOP
from tests.importers.test_import_hostile import BOMB, OLE, locked_pdf
from tests.web.web_office import Person, plain

DAMAGE = (("Số: 28", "Số: 31"), ("Phòng Nội Vụ", "Phòng Nội Vụu mới"),
          ("Quý II, III, IV", "Quý hai rưỡi"))  # fmt: skip


@pytest.fixture
def town(make_runtime: Callable[..., Runtime], tmp_path: Path) -> Runtime:
    """The office with its plan, before any task is open."""
    return make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}")


def damaged() -> bytes:
    """The reference plan under another number, with two cells that cannot be read."""
    text = makers.TEXT.decode()
    for old, new in DAMAGE:
        assert old in text
        text = text.replace(old, new, 1)
    return text.encode()


def send(who: Person, data: bytes, name: str = "Kế hoạch.txt") -> httpx.Response:
    """Drop a file; follow to its draft or to why there is none."""
    form = who.form("/nhap")
    answer = who.browser.post("/nhap", data=form, files={"tep": (name, data)})
    for _ in range(200):
        if answer.status_code != 303:
            if "refresh" not in answer.text:
                return answer
            time.sleep(0.05)
            answer = who.open(str(answer.url.path))
        else:
            answer = who.open(answer.headers["location"])
    raise AssertionError("never read")


def new_draft(who: Person, data: bytes) -> int:
    page = send(who, data)
    assert page.status_code == 200, plain(page.text)
    found = re.match(r"/nhap/(\d+)", page.url.path)
    assert found, page.url
    return int(found[1])


def reply(who: Person, draft: int, key: str, **typed: Any) -> httpx.Response:
    form = {**who.form(f"/nhap/{draft}?hoi={mark(key)}"), "hoi": mark(key)}
    return who.browser.post(f"/nhap/{draft}/tra-loi", data={**form, **typed})


def kept(rt: Runtime, draft: int) -> ImportDraft:
    with rt.reader() as session:
        return session.get_one(ImportDraft, draft)


NAME = "body|phong noi vuu moi"
TIMING = "timing|quy hai ruoi"


# -- the whole way -----------------------------------------------------------------


def test_a_file_with_doubtful_cells_becomes_a_running_plan(an: Person, town: Runtime) -> None:
    draft = new_draft(an, damaged())
    page = an.text(f"/nhap/{draft}")
    assert "Đã trả lời 0/2" in page
    assert "149/149 ô đã đọc" in page
    assert reply(an, draft, NAME, do="is|Nội vụ").status_code == 303
    assert "Đã trả lời 1/2" in an.text(f"/nhap/{draft}")
    assert reply(an, draft, TIMING, do="read|", text_read="Quý II, III").status_code == 303
    assert "Không còn câu hỏi nào" in an.text(f"/nhap/{draft}")
    assert "Lịch cả năm" in an.text(f"/nhap/{draft}/xem-truoc")
    form = an.form(f"/nhap/{draft}/xem-truoc")
    done = an.browser.post(f"/nhap/{draft}/thuc-hien", data={**form, "da_xem": "1"})
    assert done.headers["location"] == f"/nhap/{draft}/dang-chay"
    assert "Những ngày mở việc đầu tiên" in an.text(f"/nhap/{draft}/dang-chay")
    with town.reader() as session:
        assert session.get_one(PlanRecord, "31-kh-ubnd-2020").number == 31
        row = session.get_one(RowRecord, ("31-kh-ubnd-2020", "VIII.2"))
        assert row.timing == "Quý hai rưỡi"  # as printed
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert [a for a in actions if a.startswith("import.")] == [
        "import.created", "import.answered", "import.answered", "import.in_force",
    ]  # fmt: skip
    assert "là “Nội vụ”" in an.text("/nhat-ky")


def test_nothing_runs_before_somebody_has_looked_it_over(an: Person, town: Runtime) -> None:
    draft = new_draft(an, damaged())
    form = an.form(f"/nhap/{draft}")
    post = f"/nhap/{draft}/thuc-hien"
    assert "đánh dấu" in plain(an.browser.post(post, data=form).text)
    refused = an.browser.post(post, data={**form, "da_xem": "1"})
    assert refused.status_code == 422
    assert "còn 2 câu hỏi" in plain(refused.text)
    assert kept(town, draft).state == "open"


def test_a_plan_number_that_runs_already_is_refused_and_nothing_changes(
    an: Person, town: Runtime
) -> None:
    draft = new_draft(an, makers.TEXT)  # the number of the running plan
    form = {**an.form(f"/nhap/{draft}/xem-truoc"), "da_xem": "1"}
    refused = an.browser.post(f"/nhap/{draft}/thuc-hien", data=form)
    assert refused.status_code == 422
    assert "Kế hoạch số 28/KH-UBND năm 2020 đang chạy từ một bản khác" in plain(refused.text)
    with town.reader() as session:
        assert session.get_one(PlanRecord, town.plan.id).digest == town.plan.digest


def test_a_paper_that_amends_a_plan_does_not_run_as_a_plan_of_its_own(
    an: Person, town: Runtime
) -> None:
    text = makers.TEXT.replace("Số: 28".encode(), "Số: 45".encode())
    title = "Thực hiện Chương trình mục tiêu quốc gia"
    amending = text.decode().replace(title, f"Điều chỉnh Kế hoạch số 28/KH-UBND {title.lower()}", 1)
    draft = new_draft(an, amending.encode())
    form = {**an.form(f"/nhap/{draft}/xem-truoc"), "da_xem": "1"}
    refused = an.browser.post(f"/nhap/{draft}/thuc-hien", data=form)
    assert refused.status_code == 422
    assert "điều chỉnh kế hoạch 28-kh-ubnd-2020" in plain(refused.text)
    assert kept(town, draft).state == "open"


def test_the_same_file_again_finds_its_draft_and_then_its_plan(an: Person, town: Runtime) -> None:
    data = makers.TEXT.replace("Số: 28".encode(), "Số: 33".encode())
    draft = new_draft(an, data)
    again = send(an, data, "tên khác.txt")
    assert again.url.path == f"/nhap/{draft}"
    assert "đã gửi trước đây" in plain(again.text)
    form = {**an.form(f"/nhap/{draft}/xem-truoc"), "da_xem": "1"}
    an.browser.post(f"/nhap/{draft}/thuc-hien", data=form)
    once_more = send(an, data)
    assert once_more.url.path == f"/nhap/{draft}/dang-chay"
    assert "không có gì thay đổi" in plain(once_more.text)
    with town.reader() as session:
        assert len(session.scalars(select(ImportDraft)).all()) == 1


# -- answers -----------------------------------------------------------------------


def test_an_answer_can_be_changed_and_taken_back(an: Person, town: Runtime) -> None:
    draft = new_draft(an, damaged())
    reply(an, draft, TIMING, do="wait|")
    assert "để mở, ghi ngày sau" in an.text(f"/nhap/{draft}")
    reply(an, draft, TIMING, do="day|", text_day="30/9/2020")
    assert kept(town, draft).answers[TIMING]["text"] == "2020-09-30"
    page = an.text(f"/nhap/{draft}?hoi={mark(TIMING)}")
    assert "Rút câu trả lời" in page
    assert "Lưu thay đổi" in page
    reply(an, draft, TIMING, rut="1")
    assert kept(town, draft).answers == {}
    assert "Đã trả lời 0/2" in an.text(f"/nhap/{draft}")


def test_a_typed_timing_shows_its_dates_before_it_is_kept(an: Person, town: Runtime) -> None:
    draft = new_draft(an, damaged())
    seen = plain(reply(an, draft, TIMING, text_read="Tháng 6, 10", xem="1").text)
    assert "1/6/2020–30/6/2020; 1/10/2020–31/10/2020" in seen
    assert kept(town, draft).answers == {}


def test_who_typed_into_the_only_field_need_not_choose_it(an: Person, town: Runtime) -> None:
    draft = new_draft(an, damaged())
    assert reply(an, draft, TIMING, text_read="Quý III").status_code == 303
    assert kept(town, draft).answers[TIMING]["do"] == "read"


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        (NAME, {}, "Hãy chọn một câu trả lời"),
        (NAME, {"do": "is|"}, "Hãy chọn một câu trả lời"),
        (TIMING, {"do": "read|", "text_read": "khi rảnh"}, "Chưa tính được ngày từ “khi rảnh”"),
        (TIMING, {"do": "day|", "text_day": "32/13"}, "không phải một ngày"),
    ],
)
def test_an_answer_that_cannot_be_used_is_said_and_what_was_typed_stays(
    an: Person, town: Runtime, key: str, typed: dict[str, str], said: str
) -> None:
    draft = new_draft(an, damaged())
    answer = reply(an, draft, key, **typed)
    assert answer.status_code == 422
    assert said in plain(answer.text)
    assert all(html.escape(value) in answer.text for value in typed.values())
    assert kept(town, draft).answers == {}


def test_whoever_answers_second_hears_of_it_and_loses_nothing(
    an: Person, binh: Person, town: Runtime
) -> None:
    draft = new_draft(an, damaged())
    page = {**binh.form(f"/nhap/{draft}?hoi={mark(TIMING)}"), "hoi": mark(TIMING)}
    reply(an, draft, NAME, do="skip|")
    typed = {"do": "read|", "text_read": "Tháng 7, 8"}
    clash = binh.browser.post(f"/nhap/{draft}/tra-loi", data={**page, **typed})
    assert clash.status_code == 409
    assert "Người khác vừa trả lời" in plain(clash.text)
    assert 'value="Tháng 7, 8"' in clash.text
    assert set(kept(town, draft).answers) == {NAME}
    version = re.search(r'name="phien_ban" value="(\d+)"', clash.text)
    assert version is not None
    again = {**page, **typed, "phien_ban": version[1]}
    assert binh.browser.post(f"/nhap/{draft}/tra-loi", data=again).status_code == 303
    assert set(kept(town, draft).answers) == {NAME, TIMING}


def test_a_form_of_another_page_changes_nothing(an: Person, chi: Person, town: Runtime) -> None:
    draft = new_draft(an, damaged())
    foreign = {**an.form(f"/nhap/{draft}"), "ma_bao_ve": "x" * 43}
    for act in ("tra-loi", "don-vi", "lan-truoc", "thuc-hien", "bo", "cot"):
        answer = chi.browser.post(f"/nhap/{draft}/{act}", data={**foreign, "do": "skip|"})
        assert "Biểu mẫu đã mở quá lâu" in plain(answer.text), act
    sent = chi.browser.post("/nhap", data=foreign, files={"tep": ("a.txt", damaged() + b"\n")})
    assert "Biểu mẫu đã mở quá lâu" in plain(sent.text)
    assert (kept(town, draft).answers, kept(town, draft).state) == ({}, "open")
    with town.reader() as session:
        assert len(session.scalars(select(ImportDraft)).all()) == 1


def test_what_was_answered_once_is_proposed_the_next_time(an: Person, town: Runtime) -> None:
    first = new_draft(an, damaged())
    reply(an, first, NAME, do="is|Phòng Nội vụ")
    reply(an, first, TIMING, do="read|", text_read="Quý II, III")
    second = new_draft(an, damaged().replace(b"31", b"32", 1))
    page = an.open(f"/nhap/{second}").text
    assert "Dùng cả 2 câu trả lời lần trước" in plain(page)
    asked = an.open(f"/nhap/{second}?hoi={mark(NAME)}").text
    assert "đã trả lời lần trước" in plain(asked)
    assert re.search(r'value="is\|Phòng Nội vụ" checked', asked)
    assert kept(town, second).answers == {}  # proposed, not taken in silence
    form = an.form(f"/nhap/{second}")
    assert an.browser.post(f"/nhap/{second}/lan-truoc", data=form).status_code == 303
    assert "Không còn câu hỏi nào" in an.text(f"/nhap/{second}")
    with town.reader() as session:
        assert {one.kind for one in session.scalars(select(Learnt))} == {"body", "timing"}


def test_many_unknown_names_are_added_together(an: Person, town: Runtime) -> None:
    rows = "\n".join(f"{n}\tViệc {n}\tHội số {n}\tQuý II" for n in range(1, 31))
    draft = new_draft(an, f"{TOP}STT\tNội dung\tChủ trì\tThời gian\n{rows}\n".encode())
    assert "Còn 30 tên đơn vị chưa biết" in an.text(f"/nhap/{draft}")
    page = an.open(f"/nhap/{draft}/don-vi").text
    fields = dict(re.findall(r'name="(ten_\w+)" value="([^"]*)"', page))
    marks = [name.removeprefix("ten_") for name in fields]
    assert len(marks) == 30
    form = {**an.form(f"/nhap/{draft}/don-vi"), **{f"chon_{one}": "1" for one in marks[:29]}}
    form |= {f"cap_{one}": "district" for one in marks} | {f"loai_{one}": "party" for one in marks}
    form |= {k: html.unescape(v) for k, v in fields.items()}
    assert an.browser.post(f"/nhap/{draft}/don-vi", data=form).status_code == 303
    assert sum(key.startswith("body|") for key in kept(town, draft).answers) == 29
    assert "Hội số 30" in an.text(f"/nhap/{draft}")


def test_communes_are_listed_for_a_plan_of_a_new_place(an: Person, town: Runtime) -> None:
    text = TOP.replace("HUYỆN BẮC SƠN", "TỈNH LẠNG SƠN").replace("Số: 15", "Số: 37")
    draft = new_draft(an, f"{text}STT\tNội dung\tChủ trì\tThời gian\n"
                          "1\tRà soát\tTổ số hóa cấp xã\tQuý II\n".encode())  # fmt: skip
    reply(an, draft, "register", do="fresh|")
    new = {"text_new": "UBND tỉnh", "cap": "province", "loai": "authority"}
    reply(an, draft, "head|issuer", do="new|", **new)
    form = {**an.form(f"/nhap/{draft}/doi-chieu"), "cac_xa": "xã Tân Lập\nphường Kỳ Lừa\n"}
    assert an.browser.post(f"/nhap/{draft}/xa", data=form).status_code == 303
    assert "2 đơn vị hành chính: xã Tân Lập, phường Kỳ Lừa" in an.text(f"/nhap/{draft}/doi-chieu")
    typed = {"text_new": "Tổ số hóa cấp xã", "cap": "commune", "loai": "committee", "moi_xa": "1"}
    reply(an, draft, "body|to so hoa cap xa", do="new|", **typed)
    reply(an, draft, "head|coordination_office", do="is|", don_vi="ubnd-tinh")
    toml = an.open(f"/nhap/{draft}/phu-luc.toml").content
    plan = toml_file.parse(toml)
    assert plan.row("I.1").implementing == ("to-so-hoa-tan-lap", "to-so-hoa-ky-lua")
    assert plan.body("to-so-hoa-ky-lua").name == "Tổ số hóa phường Kỳ Lừa"


def test_a_column_read_wrongly_can_be_said_and_the_draft_is_read_again(
    an: Person, town: Runtime
) -> None:
    draft = new_draft(an, damaged())
    form = {**an.form(f"/nhap/{draft}/doi-chieu"), "bang": "1", "cot": "5", "was": "coordinating",
            "do": "role|note"}  # fmt: skip
    page = an.open(f"/nhap/{draft}/doi-chieu").text
    found = re.search(r'name="bang" value="(\d+)"', page)
    assert found is not None
    form["bang"] = found[1]
    assert an.browser.post(f"/nhap/{draft}/cot", data=form).status_code == 303
    toml = an.open(f"/nhap/{draft}/phu-luc.toml").text
    assert "coordinating = " not in toml
    assert "Cơ quan phối hợp: " in toml  # kept in the notes


# -- files ---------------------------------------------------------------------------

HOSTILE = {
    "empty": b"", "picture": b"\x89PNG\r\n\x1a\n" + b"x" * 100, "old word": OLE + b"x" * 600,
    "locked": locked_pdf(), "bomb": BOMB + b"<x/>", "words alone": "Kính gửi các xã".encode(),
    "zip": makers.with_part(makers.document_with(lambda m: m.add_paragraph("x")), "a", b"x")[:200],
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_cannot_be_read_is_one_sentence_and_nothing_is_kept(
    an: Person, town: Runtime, kind: str
) -> None:
    page = send(an, HOSTILE[kind], "xấu.docx")
    assert page.status_code == 422
    assert "Chưa đọc được tệp" in plain(page.text)
    with town.reader() as session:
        assert session.scalars(select(ImportDraft)).all() == []
    folder = Path(town.settings.var / "import")
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_file_over_the_limit_is_refused(
    an: Person, town: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    an.app.state.workshop.files.limit = 1_000
    monkeypatch.setattr(limits, "FILE", 1_000)
    assert "vượt mức 1 MB" in plain(send(an, damaged()).text)


def test_a_table_of_too_many_rows_is_refused_before_it_takes_seconds_for_each_answer(
    an: Person,
) -> None:
    rows = "\n".join(f"{n}\tViệc\tUBND huyện\tQuý I" for n in range(workshop.MOST_ROWS + 1))
    page = send(an, f"STT\tNội dung\tChủ trì\tThời gian\n{rows}\n".encode())
    assert "trang này nhận đến 800 dòng" in plain(page.text)


def test_a_file_that_is_nothing_but_questions_is_refused(an: Person, town: Runtime) -> None:
    rows = "\n".join(f"{n}\tViệc\tHội lạ {n}, Ban lạ {n}\tQuý I" for n in range(300))
    page = send(an, f"STT\tNội dung\tChủ trì\tThời gian\n{rows}\n".encode())
    assert "chỗ chưa hiểu" in plain(page.text)
    with town.reader() as session:
        assert session.scalars(select(ImportDraft)).all() == []


def test_sending_nothing_is_said(an: Person) -> None:
    answer = an.browser.post("/nhap", data=an.form("/nhap"))
    assert (answer.status_code, "Hãy chọn một tệp" in plain(answer.text)) == (422, True)


def test_a_long_reading_shows_its_page_and_the_other_pages_go_on(
    an: Person, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = app.state.workshop
    reading = workshop.Reading("abc", "Dài.pdf", "page", page=3, pages=12)
    shop._readings["abc"] = reading
    page = an.open("/nhap/doc/abc")
    assert "Đang đọc trang 3/12…" in plain(page.text)
    assert 'http-equiv="refresh"' in page.text
    assert an.open("/").status_code == 200
    assert "hãy gửi lại tệp" in an.text("/nhap/doc/khong-co")


def test_a_table_without_a_known_header_is_pointed_at(an: Person, town: Runtime) -> None:
    text = TOP + "a\tb\tc\nHọp giao ban\tUBND huyện\tQuý II\nSơ kết\tVPĐP huyện\tTháng 9\n"
    draft = new_draft(an, text.encode())
    assert "Hãy chỉ bảng và cột" in an.text(f"/nhap/{draft}")
    page = an.form(f"/nhap/{draft}")
    form = {**page, "do": "columns|", "cot_content": "1", "cot_implementing": "2",
            "cot_timing": "3", "dong_dau": "2"}  # fmt: skip
    assert an.browser.post(f"/nhap/{draft}/tra-loi", data=form).status_code == 303
    assert "2 dòng trong 1 mục" in an.text(f"/nhap/{draft}")


# -- drafts ---------------------------------------------------------------------------


def test_a_draft_outlives_a_restart_and_even_what_was_read_of_its_file(
    an: Person, town: Runtime
) -> None:
    draft = new_draft(an, damaged())
    reply(an, draft, NAME, do="skip|")
    for path in (town.settings.var / "import").rglob("*.json"):
        path.unlink()
    later = Person(create_app(town), town)
    assert "Đã trả lời 1/2" in later.text(f"/nhap/{draft}")


def test_a_draft_is_dropped_only_after_a_question(an: Person, town: Runtime) -> None:
    draft = new_draft(an, damaged())
    form = an.form(f"/nhap/{draft}/bo")
    assert kept(town, draft).state == "open"
    assert an.browser.post(f"/nhap/{draft}/bo", data=form).status_code == 303
    assert kept(town, draft).state == "dropped"
    assert "Kế hoạch.txt" not in an.text("/nhap")
    assert new_draft(an, damaged()) != draft  # the same file may begin anew
    assert an.browser.post(f"/nhap/{draft}/tra-loi", data=form).status_code == 422


def test_the_draft_can_be_taken_home_as_an_appendix_file(an: Person) -> None:
    draft = new_draft(an, damaged())
    answer = an.open(f"/nhap/{draft}/phu-luc.toml")
    assert "attachment" in answer.headers["content-disposition"]
    assert "# HỎI: Thời gian “Quý hai rưỡi”" in answer.text


def test_no_such_draft_is_a_page(an: Person) -> None:
    for path in ("/nhap/99", "/nhap/99/xem-truoc", "/nhap/99/don-vi", "/nhap/1/khong-co"):
        assert an.open(path).status_code == 404, path


def test_drafts_work_on_both_databases(rt: Runtime) -> None:
    who = Person(create_app(rt), rt)
    draft = new_draft(who, damaged())
    reply(who, draft, NAME, do="is|Nội vụ")
    reply(who, draft, TIMING, do="wait|")
    assert kept(rt, draft).answered == 2
    form = {**who.form(f"/nhap/{draft}/xem-truoc"), "da_xem": "1"}
    assert who.browser.post(f"/nhap/{draft}/thuc-hien", data=form).status_code == 303
    assert new_draft(who, damaged().replace(b"31", b"36", 1)) != draft


# -- every question has a form -----------------------------------------------------------


@pytest.mark.parametrize("code", sorted(answers.VERBS))
def test_every_question_has_a_form_with_each_of_its_answers(
    an: Person, app: FastAPI, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = new_draft(an, damaged())
    where = {"line": "criterion", "unit": "criterion", "head": "plan", "target": "target"}
    sort, last = code.split(".")
    key = last.removeprefix("no_") if sort in ("head", "row", "line") else "timing"
    key = {"issuer_unknown": "issuer", "differs": "number"}.get(key, key)
    one = Ask(code, (where.get(sort, "row"), "VIII.2" if sort != "target" else "3", key), "Chữ lạ",
              choices=("Nội vụ",) if sort in ("body", "unit") else (),
              data={"table": 1, "column": 5, "rows": 3, "given": "IV", "number": 3, "name": "Điện",
                    "head": 15, "note": 16, "own": "UBND", "header": "Hạn"})  # fmt: skip
    if code == "row.unread":
        one = Ask(code, ("rows", "", ""), "Chữ lạ")
    asked = [Question(one.key, one, ())]
    monkeypatch.setattr(import_view, "questions", lambda _: asked)
    page = an.open(f"/nhap/{draft}")
    assert page.status_code == 200
    assert say(f"nhap.ask.{code}", quote="Chữ lạ", **one.data, what="số") in plain(page.text)
    offered = {value.partition("|")[0] for value in re.findall(r'name="do"[^>]*value="([^"]*)"',
                                                              page.text)}  # fmt: skip
    assert offered == set(answers.verbs(one))


def test_the_source_beside_a_question_marks_the_words_in_their_cell(an: Person) -> None:
    draft = new_draft(an, damaged())
    page = an.open(f"/nhap/{draft}?hoi={mark(NAME)}").text
    assert re.search(r'class="hot">[^<]*<mark>Phòng Nội Vụu mới</mark>, BTC Huyện ủy', page)


def test_no_script_is_on_any_page_of_the_import(an: Person) -> None:
    draft = new_draft(an, damaged())
    for path in ("", "/doi-chieu", "/xem-truoc", "/bo"):
        answer = an.open(f"/nhap/{draft}{path}")
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_word_file_is_read_as_the_text(an: Person) -> None:
    blocks = files.read(damaged()).blocks
    assert isinstance(files.read(damaged()), Document)
    draft = new_draft(an, makers.word(blocks))
    assert "Đã trả lời 0/2" in an.text(f"/nhap/{draft}")
