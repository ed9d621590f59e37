"""Reviewing one after the other: the oldest first, by who may, with a look at the files."""

from __future__ import annotations

import html
import io
import re
import struct
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy import select, update

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Submission, Task
from ntm_workflow.web import previews
from ntm_workflow.web.app import create_app
from ntm_workflow.work.accounts import Role
from tests.web.test_handing_in import end_sessions, sign_in_again
from tests.web.web_office import LATE, OTHER, TASK, Person, number, plain, submissions, task

HIDDEN = b"<script>alert(1)</script>"


def pdf(pages: int = 1) -> bytes:
    made = io.BytesIO()
    first, *rest = (Image.new("RGB", (120, 170), (255, 250, 10 * n)) for n in range(pages))
    first.save(made, "PDF", save_all=True, append_images=rest)
    return made.getvalue()


def png() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(made, "PNG")
    return made.getvalue()


def hand_in_all(rt: Runtime, an: Person) -> None:
    """TASK came in last, LATE first, OTHER between."""
    for days, code in enumerate((TASK, OTHER, LATE)):
        assert an.hand_in(number(rt, code), ly_do_qua_han="mưa lũ").status_code == 303
        with rt.sessions.begin() as session:
            (one,) = submissions(rt, code)
            past = {"received_at": one.received_at - timedelta(days=days),
                    "received_on": one.received_on - timedelta(days=days)}  # fmt: skip
            session.execute(update(Submission).where(Submission.id == one.id).values(past))


def queue(person: Person) -> list[int]:
    page = person.open("/tham-dinh").text
    return [int(n) for n in re.findall(r'role="rowheader"><a href="/tham-dinh/(\d+)"', page)]


def decide(
    person: Person, one: int, act: str, form: dict[str, str] | None = None, **typed: str
) -> httpx.Response:
    form = form or person.form(f"/tham-dinh/{one}")
    return person.browser.post(f"/tham-dinh/{one}/{act}", data={**form, **typed})


def test_the_oldest_is_first_with_the_reviewers_own_due_day_on_both_databases(
    towns: Runtime,
) -> None:
    app = create_app(towns)
    binh = Person(app, towns)
    hand_in_all(towns, binh)
    late, other, mine = (number(towns, code) for code in (LATE, OTHER, TASK))
    assert queue(binh) == [late, other, mine]
    said = binh.text("/tham-dinh")
    assert "3 việc đang chờ" in said
    # 22 June 2020 is a Monday; LATE came in on Saturday the 20th: three working days later.
    assert "20/6/2020" in said
    assert "24/6/2020" in said
    assert "còn 2 ngày" in said
    first = binh.open(f"/tham-dinh/{late}").text
    assert f'rel="next" href="/tham-dinh/{other}"' in first
    assert 'rel="prev"' not in first
    assert f'rel="prev" href="/tham-dinh/{other}"' in binh.open(f"/tham-dinh/{mine}").text


def test_after_each_verdict_comes_the_next_and_what_was_passed_over_at_the_end(
    binh: Person, town: Runtime
) -> None:
    hand_in_all(town, binh)
    late, other, mine = (number(town, code) for code in (LATE, OTHER, TASK))
    answer = decide(binh, other, "dat")  # the first is passed over
    assert answer.headers["location"] == f"/tham-dinh/{mine}?xong=dat&viec={other}"
    answer = decide(binh, mine, "tra-lai", ly_do="sửa biểu 02")
    assert answer.headers["location"] == f"/tham-dinh/{late}?xong=tra-lai&viec={mine}"
    assert "Đã trả lại minh chứng." in binh.text(answer.headers["location"])
    answer = decide(binh, late, "dat")
    assert answer.headers["location"] == f"/tham-dinh?xong=dat&viec={late}"
    assert "Không còn gì chờ thẩm định" in binh.text(answer.headers["location"])
    assert [task(town, c).state for c in (LATE, OTHER, TASK)] == ["accepted", "accepted", "open"]


def test_what_is_ticked_and_typed_is_what_the_body_reads(binh: Person, town: Runtime) -> None:
    hand_in_all(town, binh)
    mine = number(town, TASK)
    assert "lý do" in plain(decide(binh, mine, "tra-lai").text).lower()
    ticked = {"review.reason.phu-bieu": "1", "review.reason.chu-ky": "1", "review.reason.x": "1"}
    decide(binh, mine, "tra-lai", None, **ticked, ly_do="Xem biểu 02.")
    (one,) = submissions(town, TASK)
    assert one.review_reason == (
        "Thiếu chữ ký hoặc dấu của cơ quan. Thiếu phụ biểu hoặc tệp kèm theo. Xem biểu 02."
    )


def test_the_second_reviewer_sees_what_the_first_did_and_keeps_what_was_typed(
    binh: Person, chi: Person, town: Runtime
) -> None:
    hand_in_all(town, binh)
    mine, other = number(town, TASK), number(town, OTHER)
    seen = {one: chi.form(f"/tham-dinh/{one}") for one in (mine, other)}
    decide(binh, mine, "dat")
    answer = decide(chi, mine, "tra-lai", seen[mine], ly_do="Câu tôi gõ rất lâu",
                    **{"review.reason.sai-ky": "1"})  # fmt: skip
    said = plain(answer.text)
    assert answer.status_code == 409
    for words in ("vừa được người khác cập nhật", "Thẩm định: đạt", "Bình", "Câu tôi gõ rất lâu",
                  "Số liệu không đúng kỳ báo cáo", "Sang việc tiếp theo|Về hàng chờ"):  # fmt: skip
        assert re.search(words, said), words
    assert task(town, TASK).state == "accepted"
    binh.send(other, "huy", ly_do="giao nhầm")
    assert decide(chi, other, "dat", seen[other]).status_code == 409


def test_a_task_that_changed_but_still_waits_shows_the_form_again_with_the_words(
    binh: Person, chi: Person, town: Runtime
) -> None:
    hand_in_all(town, binh)
    mine = number(town, TASK)
    seen = chi.form(f"/tham-dinh/{mine}")
    with town.sessions.begin() as session:
        session.get_one(Task, mine).note = "thêm phụ biểu"
    answer = decide(chi, mine, "tra-lai", seen, ly_do="Câu tôi gõ", **{"review.reason.sai-ky": "1"})
    assert answer.status_code == 409
    assert ">Câu tôi gõ</textarea>" in answer.text
    assert 'name="review.reason.sai-ky" value="1" checked' in answer.text


def test_the_queue_holds_what_somebody_may_review_and_nothing_else(
    app: FastAPI, binh: Person, town: Runtime
) -> None:
    hand_in_all(town, binh)
    office, mine = town.plan.coordination_office, number(town, TASK)
    own = Person(app, town, Role.COORDINATION, bodies=[office, "bql-tan-lap"])
    assert queue(own) == [number(town, OTHER)]  # not what its own body handed in
    assert own.open(f"/tham-dinh/{mine}").headers["location"] == f"/viec/{mine}"
    assert decide(own, mine, "dat", own.form("/tham-dinh")).status_code == 403
    leader = Person(app, town, Role.LEADER, bodies=["bcd-huyen"])
    assert queue(leader) == []
    ours = next(
        row for row in town.plan.all_rows
        if office in row.implementing and row.directing and office not in row.directing
    )  # fmt: skip
    with town.reader() as session:
        query = select(Task).where(Task.body_id == office, Task.row_id == ours.id)
        code = session.scalars(query.where(Task.state == "open").limit(1)).one().code
    binh.hand_in(number(town, code), ly_do_qua_han="x")
    director = Person(app, town, Role.LEADER, bodies=[ours.directing[0]])
    assert queue(director) == [number(town, code)]
    assert number(town, code) not in queue(binh)


def link_to(person: Person, page: str, path: str) -> str:
    """The words of the link of a page that leads to this address."""
    source = html.unescape(person.open(page).text)
    return next(iter(re.findall(rf'<a href="{re.escape(path)}">([^<]*)</a>', source)), "")


def test_the_board_and_the_queue_say_who_reviews_what_the_office_itself_handed_in(
    towns: Runtime,
) -> None:
    app, office = create_app(towns), towns.plan.coordination_office
    binh = Person(app, towns)
    hand_in_all(towns, binh)
    with towns.reader() as session:
        query = select(Task).where(Task.body_id == office, Task.state == "open")
        one = session.scalars(query.order_by(Task.id).limit(1)).one()
    binh.hand_in(one.id, ly_do_qua_han="x")
    directing = towns.plan.row(one.row_id).directing
    name, *judges = (towns.plan.body(body).short for body in (office, *directing))
    judge = ", ".join(judges)
    whole, own = "/viec?tinh-trang=cho-tham-dinh", f"/viec?tinh-trang=cho-tham-dinh&don-vi={office}"
    assert link_to(binh, "/", whole) == "4 việc chờ thẩm định"
    assert link_to(binh, "/", own) == f"1 việc của {name}"
    assert f"Trong đó 1 việc của {name} do cơ quan khác thẩm định ({judge})" in binh.text("/")
    assert len(queue(binh)) == 3
    said = binh.text("/tham-dinh")
    assert "3 việc đang chờ" in said
    assert link_to(binh, "/tham-dinh", whole) == "4 việc chờ thẩm định"
    assert link_to(binh, "/tham-dinh", own) == f"1 việc của {name}"
    assert f"1 việc của {name} : {judge} thẩm định" in said
    assert len(re.findall(r'<a href="/viec/\d+"', binh.open(own).text)) == 1

    director = Person(app, towns, Role.LEADER, bodies=[directing[0]])
    assert queue(director) == [one.id]
    said = director.text("/tham-dinh")
    assert "4 việc chờ thẩm định" in said
    assert f"Các việc còn lại: {name} thẩm định" in said


def test_where_one_list_holds_everything_nothing_is_said_of_another(
    binh: Person, town: Runtime
) -> None:
    hand_in_all(town, binh)
    assert "Trong đó" not in binh.text("/")
    assert "/viec?tinh-trang=cho-tham-dinh" not in binh.open("/tham-dinh").text


def test_a_verdict_sent_after_the_session_ended_comes_back_on_its_page(
    binh: Person, town: Runtime
) -> None:
    hand_in_all(town, binh)
    mine = number(town, TASK)
    form = binh.form(f"/tham-dinh/{mine}")
    end_sessions(town)
    assert decide(binh, mine, "tra-lai", form, ly_do="Câu tôi gõ rất lâu").status_code == 303
    sign_in_again(binh)
    place = binh.open("/giu-lai").headers["location"]
    assert place == f"/tham-dinh/{mine}?giu=1"
    assert ">Câu tôi gõ rất lâu</textarea>" in binh.open(place).text


# -- a look at the files -------------------------------------------------------------------


FILES = [
    ("tep", ("ảnh.png", png())), ("tep", ("báo cáo.pdf", pdf(12))),
    ("tep", ("giả.pdf", HIDDEN)), ("tep", ("giả.png", b"<svg>" + HIDDEN)),
    ("tep", ("hỏng.pdf", b"%PDF-1.4 " + HIDDEN)), ("tep", ("bảng.xlsx", b"PK\x03\x04")),
]  # fmt: skip


def test_pictures_and_pages_are_shown_where_they_can_do_nothing_and_the_rest_is_downloaded(
    binh: Person, app: FastAPI, town: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = number(town, TASK)
    monkeypatch.setattr(town.files, "check", None)  # what was kept before kinds were looked at
    binh.hand_in(mine, files=FILES)
    files = {one.name: one.id for one in submissions(town, TASK)[0].files}
    page = binh.open(f"/tham-dinh/{mine}").text
    looks = re.findall(r'<img src="/minh-chung/(\d+)\?xem=(\w+)"', page)
    drawn = [(str(files["báo cáo.pdf"]), str(n)) for n in range(1, 11)]
    assert looks == [(str(files["ảnh.png"]), "anh"), *drawn]
    assert "Đây là 10 trong 12 trang" in plain(page)
    assert plain(page).count("Không xem trước được") == 4
    assert "<script" not in page
    assert "<iframe" not in page
    for number_, wanted in looks[:3]:
        answer = binh.open(f"/minh-chung/{number_}?xem={wanted}")
        assert answer.headers["content-type"] == "image/png"
        assert "sandbox; default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", answer.content[16:24])
    assert (width // 10, height) == (100, 1417)
    for name in ("giả.pdf", "giả.png", "hỏng.pdf", "bảng.xlsx"):
        for wanted in ("anh", "1", "0", "x", "99999999999"):
            answer = binh.open(f"/minh-chung/{files[name]}?xem={wanted}")
            assert answer.status_code == 404, (name, wanted)
            assert HIDDEN not in answer.content
    stranger = Person(app, town, Role.OFFICE, bodies=["bql-vu-le"])
    assert stranger.open(f"/minh-chung/{files['ảnh.png']}?xem=anh").status_code == 404


def test_a_pdf_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_bytes(pdf())
    monkeypatch.setattr(previews, "SECONDS", 0.01)
    assert previews.Previews().pages(path) == (0, [])
