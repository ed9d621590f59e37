"""What the forms of a task do, and what they keep."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm.exc import StaleDataError

from ntm_workflow.reports import trail
from ntm_workflow.runtime import Runtime
from ntm_workflow.web import acts, visitor
from ntm_workflow.web.acts import Act
from tests.signing import signed_in
from tests.web.web_office import (
    DAY,
    HOME,
    LATE,
    OTHER,
    TASK,
    Person,
    number,
    plain,
    submissions,
    task,
)

PDF = ("báo cáo.pdf", b"%PDF-1.4 nothing much")


def errors(page: str) -> str:
    found = re.search(r'<div class="box" role="alert".*?</div>', page, re.S)
    return plain(found[0]) if found else ""


def kept(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'name="giu" value="([^"]+)"', page)]


# -- the way from open to accepted ------------------------------------------------


def test_an_hands_in_and_binh_accepts(an: Person, binh: Person, town: Runtime) -> None:
    one = number(town, TASK)
    answer = an.hand_in(one, files=[("tep", PDF)])
    assert (answer.status_code, answer.headers["location"]) == (303, f"/viec/{one}?xong=nop")
    text = an.text(answer.headers["location"])
    assert "Đã nhận minh chứng" in text
    assert "12/BC-UBND ngày 20/6/2020" in text
    assert "Thực hiện với tư cách: VPĐP NTM huyện" in text
    answer = binh.send(one, "dat")
    assert "Đã thẩm định: đạt" in binh.text(answer.headers["location"])
    done = task(town, TASK)
    assert (done.state, done.completed_on, done.accepted_on) == ("accepted", DAY, DAY)
    with town.reader() as session:
        last = trail.newest(session, 1)[0]
    assert (last.action, last.actor, last.role, last.body, last.via) == (
        "task.accepted", "Bình", "coordination", "vpdp-huyen", "page",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "act", "typed", "state"),
    [
        ((), "tiep-nhan", {}, "open"),
        ((), "xin-gia-han", {"ngay": "15/7/2020", "ly_do": "mưa lũ"}, "open"),
        (("nop",), "tra-lai", {"ly_do": "thiếu phụ biểu"}, "open"),
        (("xin",), "dong-y-gia-han", {}, "open"),
        (("xin",), "khong-gia-han", {"ly_do": "không đủ lý do"}, "open"),
        ((), "gia-han", {"ngay": "2020-07-15", "ly_do": "mưa lũ"}, "open"),
        ((), "tam-dung", {"ly_do": "chờ vốn"}, "open"),
        (("dung",), "tiep-tuc", {}, "open"),
        ((), "huy", {"ly_do": "giao nhầm"}, "cancelled"),
        (("nop",), "huy", {"ly_do": "giao nhầm"}, "cancelled"),
    ],
)
def test_every_form_does_what_its_button_says_and_says_so_afterwards(
    an: Person, town: Runtime, before: tuple[str, ...], act: str, typed: dict[str, str], state: str
) -> None:
    one = number(town, TASK)
    ready = {
        "nop": lambda: an.hand_in(one),
        "xin": lambda: an.send(one, "xin-gia-han", ngay="15/7/2020", ly_do="mưa lũ"),
        "dung": lambda: an.send(one, "tam-dung", ly_do="chờ vốn"),
    }
    for step in before:
        assert ready[step]().status_code == 303
    answer = an.send(one, act, None, **typed)
    assert answer.status_code == 303, errors(answer.text)
    page = an.open(answer.headers["location"]).text
    assert 'class="box good" role="status"' in page
    found = task(town, TASK)
    assert found.state == state
    moved = {"dong-y-gia-han": date(2020, 7, 15), "gia-han": date(2020, 7, 15)}
    assert found.due_on == moved.get(act, date(2020, 6, 30))
    assert (found.suspended_on is not None) == (act == "tam-dung")


def test_only_what_is_possible_is_offered(an: Person, town: Runtime) -> None:
    one = number(town, TASK)

    def offered() -> set[str]:
        return set(re.findall(rf' action="/viec/{one}/([\w-]+)"', an.open(f"/viec/{one}").text))

    office = {"nop", "xin-gia-han", "khong-phai-viec", "tiep-nhan"}
    assert offered() == office | {"gia-han", "tam-dung", "huy"}
    an.send(one, "khong-phai-viec", ly_do="việc của UBND xã")
    answers = {"van-phai-lam", "chuyen-don-vi", "khong-giao-nua"}
    assert offered() - {"gia-han", "tam-dung", "huy"} == office - {"khong-phai-viec"} | answers
    an.send(one, "van-phai-lam", ly_do="Kế hoạch giao BQL")
    an.send(one, "xin-gia-han", ngay="15/7/2020", ly_do="mưa lũ")
    assert {"dong-y-gia-han", "khong-gia-han"} <= offered()
    an.hand_in(one)
    assert offered() == {"dat", "tra-lai", "huy"}
    an.send(one, "dat")
    assert offered() == set()


# -- who acts -----------------------------------------------------------------------


def test_nobody_chooses_whom_they_act_for_not_an_not_binh_not_chi(
    an: Person, binh: Person, chi: Person, town: Runtime
) -> None:
    forged = {"body": "bql-vu-le", "by_body": "bql-vu-le", "role": "admin", "via": "cli",
              "state": "accepted", "task_id": "1", "verdict": "accepted", "due_on": "2030-01-01",
              "received_on": "2020-01-01"}  # fmt: skip
    for person, code in ((an, TASK), (binh, "III.1/2020-06/bcd-tan-lap"), (chi, OTHER)):
        assert person.hand_in(number(town, code), **forged).status_code == 303
        found, (given,) = task(town, code), submissions(town, code)
        assert (given.by_body, given.via, given.verdict) == (found.body_id, "page", None)
        assert (found.state, found.due_on, given.received_on) == (
            "submitted", date(2020, 6, 30), DAY,
        )  # fmt: skip


def test_a_form_of_one_task_does_nothing_to_another(an: Person, town: Runtime) -> None:
    mine, other = number(town, TASK), number(town, OTHER)
    an.send(other, "tiep-nhan")  # so that their versions differ
    answer = an.hand_in(other, form=an.form(f"/viec/{mine}"))
    assert answer.status_code == 409
    assert task(town, OTHER).state == "open"


# -- what is typed is kept ------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "at", "said"),
    [
        ({"so_van_ban": "mười hai"}, "so_van_ban", "chưa đúng; hãy ghi số/ký hiệu"),
        ({"so_van_ban": ""}, "so_van_ban", "Hãy ghi số, ký hiệu"),
        ({"ngay": "31/6/2020"}, "ngay", "Ngày \"31/6/2020\" chưa đúng"),
        ({"ngay": ""}, "ngay", "Hãy ghi ngày"),
        ({"ngay": "23/6/2020"}, "ngay", "còn ở phía trước"),
        ({"trich_yeu": "  "}, "trich_yeu", "Hãy ghi trích yếu"),
        ({"trich_yeu": "x" * 501}, "trich_yeu", "dài 501 ký tự"),
    ],
)  # fmt: skip
def test_a_refused_form_says_where_and_keeps_what_was_typed_files_included(
    an: Person, town: Runtime, wrong: dict[str, str], at: str, said: str
) -> None:
    one = number(town, TASK)
    typed = {"so_van_ban": "12/BC-UBND", "ngay": "20/6/2020",
             "trich_yeu": "Rà soát <b>17</b> xã", "ghi_chu": "gửi lại sau"} | wrong  # fmt: skip
    answer = an.send(one, "nop", None, [("tep", PDF)], **typed)
    assert answer.status_code == 422
    assert said in errors(answer.text)
    assert f'href="#nop-{at}"' in answer.text
    assert re.search(rf'id="nop-{at}"[^>]*aria-invalid="true"', answer.text)
    assert "<title>Lỗi:" in answer.text
    for name, value in typed.items():
        shown = html.escape(value.strip())
        assert f'value="{shown}"' in answer.text or f">{shown}</textarea>" in answer.text, name
    assert "<b>17</b>" not in answer.text
    right = {"so_van_ban": "12/BC-UBND", "ngay": "20/6/2020", "trich_yeu": "Rà soát"}
    answer = an.send(one, "nop", None, giu=kept(answer.text), **right)
    assert answer.status_code == 303
    (given,) = submissions(town, TASK)
    assert [file.name for file in given.files] == ["báo cáo.pdf"]


def test_an_empty_form_hears_of_everything_that_is_missing_at_once(
    an: Person, town: Runtime
) -> None:
    page = an.send(number(town, LATE), "nop", files=[("tep", ("rỗng.txt", b""))]).text
    fields = re.findall(r'<li><a href="#nop-(\w+)"', page)
    assert fields == ["so_van_ban", "ngay", "trich_yeu", "ly_do_qua_han", "tep"]
    assert page.count('aria-invalid="true"') == 5
    page = an.send(number(town, TASK), "xin-gia-han").text
    assert re.findall(r'<li><a href="#xin-gia-han-(\w+)"', page) == ["ngay", "ly_do"]


def test_an_overdue_task_asks_for_the_reason_and_only_an_overdue_one(
    an: Person, town: Runtime
) -> None:
    late = number(town, LATE)
    asks = "Việc này đã quá hạn nên cần ghi lý do"
    assert asks not in an.open(f"/viec/{number(town, TASK)}").text
    assert asks in an.open(f"/viec/{late}").text
    answer = an.hand_in(late)
    assert "Hãy ghi lý do quá hạn" in errors(answer.text)
    assert an.hand_in(late, ly_do_qua_han="mưa lũ").status_code == 303


def test_the_second_of_two_people_sees_what_changed_and_loses_nothing(
    an: Person, binh: Person, town: Runtime
) -> None:
    one = number(town, TASK)
    opened_before = an.form(f"/viec/{one}")
    binh.send(one, "gia-han", ngay="15/7/2020", ly_do="mưa lũ kéo dài")
    answer = an.hand_in(one, form=opened_before, files=[("tep", PDF)], trich_yeu="Báo cáo dài")
    assert answer.status_code == 409
    assert "vừa được người khác cập nhật" in errors(answer.text)
    assert "Đổi hạn" in errors(answer.text)
    assert "mưa lũ kéo dài" in errors(answer.text)
    assert ">Báo cáo dài</textarea>" in answer.text
    assert len(kept(answer.text)) == 1
    assert task(town, TASK).state == "open"
    assert an.hand_in(one, giu=kept(answer.text)).status_code == 303


def test_what_was_typed_is_shown_even_when_the_step_is_no_longer_possible(
    an: Person, chi: Person, town: Runtime
) -> None:
    one = number(town, TASK)
    opened_before = an.form(f"/viec/{one}")
    chi.hand_in(one)
    answer = an.hand_in(one, form=opened_before, trich_yeu="Báo cáo của tôi")
    assert answer.status_code == 409
    assert "Báo cáo của tôi" in errors(answer.text)
    assert len(submissions(town, TASK)) == 1


def test_a_race_lost_in_the_database_is_told_like_any_other(
    an: Person, town: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(_: Any) -> None:
        raise StaleDataError("UPDATE statement on table 'task' expected to update 1 row(s)")

    monkeypatch.setitem(acts.ACTS, "tiep-nhan", Act("office", lose, lambda *_: True))
    answer = an.send(number(town, TASK), "tiep-nhan")
    assert answer.status_code == 409
    assert "vừa được người khác cập nhật" in errors(answer.text)


def test_reloading_the_address_of_a_form_leads_back_to_the_task(an: Person, town: Runtime) -> None:
    one = number(town, TASK)
    assert an.open(f"/viec/{one}/nop").headers["location"] == f"/viec/{one}"


# -- files ------------------------------------------------------------------------------


def test_a_file_comes_back_only_as_a_download_that_can_do_nothing(
    an: Person, town: Runtime
) -> None:
    evil = ('đề án\n"<x>\u202egpj.html', b"%PDF-1.4 <script>alert(1)</script>")
    an.hand_in(number(town, TASK), files=[("tep", evil)])
    (given,) = submissions(town, TASK)
    assert "\u202e" not in given.files[0].name
    answer = an.open(f"/minh-chung/{given.files[0].id}")
    assert answer.content == evil[1]
    headers = answer.headers
    assert headers["content-disposition"].startswith("attachment; filename*=utf-8''")
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


def test_the_same_file_chosen_twice_is_handed_in_once(an: Person, town: Runtime) -> None:
    assert an.hand_in(number(town, TASK), files=[("tep", PDF), ("tep", PDF)]).status_code == 303
    assert len(submissions(town, TASK)[0].files) == 1


def test_no_file_is_fine_and_an_empty_one_is_not(an: Person, town: Runtime) -> None:
    one = number(town, TASK)
    answer = an.hand_in(one, files=[("tep", PDF), ("tep", ("rỗng.txt", b""))])
    assert "Tệp rỗng.txt rỗng" in errors(answer.text)
    assert len(kept(answer.text)) == 1  # the good one has not to be sent again
    assert an.hand_in(one, files=[("tep", ("", b""))]).status_code == 303


def test_a_kept_file_cannot_be_made_up_or_carried_to_another_task(
    an: Person, town: Runtime
) -> None:
    mine, other = number(town, TASK), number(town, OTHER)
    seals = kept(an.hand_in(mine, files=[("tep", PDF)], so_van_ban="").text)
    forged = "0" * 64 + "." + seals[0].partition(".")[2]
    an.hand_in(other, giu=[*seals, forged, "x", ""])
    assert submissions(town, OTHER)[0].files == []


def test_a_file_over_the_limit_is_refused_and_the_others_are_kept(
    an: Person, town: Runtime
) -> None:
    big = ("to.bin", b"x" * (town.settings.evidence_limit + 1))
    answer = an.hand_in(number(town, TASK), files=[("tep", big), ("tep", PDF)])
    assert "Tệp to.bin vượt mức 25 MB" in errors(answer.text)
    assert len(kept(answer.text)) == 1
    stored = [path for path in (town.settings.var / "evidence").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in stored] == [len(PDF[1])]


def test_too_many_files_are_refused_in_words(an: Person, town: Runtime) -> None:
    many = [("tep", (f"{i}.txt", b"%d" % i)) for i in range(21)]
    answer = an.hand_in(number(town, TASK), files=many)
    assert "tối đa 20 tệp" in errors(answer.text)
    assert an.hand_in(number(town, TASK), files=many * 3).status_code == 400


@pytest.mark.parametrize("declared", [True, False])
def test_two_gigabytes_are_thrown_away_unread_not_stored(
    app: FastAPI, town: Runtime, declared: bool
) -> None:
    """The real application under a body that never ends: what is read goes nowhere."""
    import asyncio

    size, chunk = 2_000_000_000, b"\0" * 1_000_000
    sent = 0
    answer: dict[str, Any] = {"body": b""}
    cookie = f"{visitor.COOKIE}={signed_in(town)}".encode()
    headers = [(b"host", HOME.removeprefix("http://").encode()), (b"cookie", cookie),
               (b"content-type", b"multipart/form-data; boundary=x")]  # fmt: skip
    if declared:
        headers.append((b"content-length", str(size).encode()))
    head = b'--x\r\nContent-Disposition: form-data; name="tep"; filename="to.bin"\r\n\r\n'

    async def receive() -> dict[str, Any]:
        nonlocal sent
        body = head if sent == 0 else chunk
        sent += len(body)
        return {"type": "http.request", "body": body, "more_body": sent < size}

    async def send(message: Any) -> None:
        answer.update({k: v for k, v in message.items() if k == "status"})
        answer["body"] += message.get("body", b"")

    scope = {
        "type": "http", "method": "POST", "path": f"/viec/{number(town, TASK)}/nop",
        "raw_path": b"/", "query_string": b"", "headers": headers, "http_version": "1.1",
        "scheme": "http", "server": ("127.0.0.1", 8080), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert answer["status"] == 413
    assert "Mỗi lần gửi tối đa 100 MB" in plain(answer["body"].decode())
    stored = (town.settings.var / "evidence").rglob("*")
    assert sum(path.stat().st_size for path in stored if path.is_file()) == 0


# -- odd input ---------------------------------------------------------------------------


def test_odd_characters_are_cleaned_before_they_are_kept(an: Person, town: Runtime) -> None:
    an.hand_in(number(town, TASK), trich_yeu="Ra\u0300 soát\x00 \u202exã\u200b", ghi_chu="a\nb")
    (given,) = submissions(town, TASK)
    assert (given.subject, given.note) == ("Rà soát xã", "a\nb")
    with town.reader() as session:
        json.loads(trail.newest(session, 1)[0].data)


def test_a_form_that_is_no_form_is_refused_in_words(an: Person, town: Runtime) -> None:
    one = number(town, TASK)
    for kind, body in (
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nrubbish"),
        ("application/json", b'{"so_van_ban": 1}'),
        ("text/plain", io.BytesIO(b"\xff").read()),
    ):
        answer = an.browser.post(f"/viec/{one}/nop", content=body, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500, kind
        assert "<h1>" in answer.text
    assert an.send(one, "khong-co-buoc-nay").status_code == 404
    assert task(town, TASK).state == "open"
