"""Chasing by hand on the pages: form → preview → sent, and never twice a day."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Notice, NoticeItem, PersonalLink
from tests.web.web_office import LATE, TASK, Person, number, plain, statements


def post(an: Person, path: str, **typed: str) -> Any:
    return an.browser.post(path, data={**an.form(path), **typed})


def notices(rt: Runtime) -> list[Notice]:
    with rt.reader() as session:
        return list(session.scalars(select(Notice).order_by(Notice.id)))


def items(rt: Runtime) -> int:
    with rt.reader() as session:
        return session.scalar(select(func.count()).select_from(NoticeItem)) or 0


def test_a_task_is_chased_from_its_page_after_a_look_at_the_text(an: Person, town: Runtime) -> None:
    task = number(town, TASK)
    path = f"/don-doc?viec={task}"
    assert f'href="{path}"' in an.open(f"/viec/{task}").text
    seen = post(an, path, buoc="xem", y_kien="Đề nghị nộp trước thứ Sáu.")
    assert seen.status_code == 200
    text = plain(seen.text)
    assert "Sẽ gửi 1 thông báo về 1 việc" in text
    assert "Đề nghị nộp trước thứ Sáu." in text
    assert "v***@bacson…" in text
    assert "Kính gửi" in text
    assert notices(town) == []
    with town.reader() as session:  # a look makes no link either
        assert session.scalars(select(PersonalLink)).all() == []
    sent = an.browser.post(path, data={**an.form(path), "buoc": "gui", "y_kien": "Gấp."})
    assert sent.status_code == 303
    done = an.text(sent.headers["location"])
    assert "Đã lập 1 thông báo về 1 việc" in done
    assert "đã được đôn đốc 1 việc hôm nay" in done
    (notice,) = notices(town)
    assert (notice.kind, notice.note, notice.state) == ("hand", "Gấp.", "pending")
    assert "đôn đốc bằng tay" in an.text(f"/viec/{task}").lower()


def test_sending_the_form_twice_tells_nobody_twice(an: Person, town: Runtime) -> None:
    path = f"/don-doc?viec={number(town, TASK)}"
    form = {**an.form(path), "buoc": "gui"}
    assert [an.browser.post(path, data=form).status_code for _ in range(2)] == [303, 303]
    assert len(notices(town)) == 1
    assert "Mọi người nhận đều đã được đôn đốc" in plain(post(an, path, buoc="xem").text)


@pytest.mark.parametrize(
    ("page", "path", "tasks"),
    [
        ("/phu-luc/III.1", "/don-doc?dong=III.1", 34),
        ("/don-vi/bql-tan-lap", "/don-doc?don-vi=bql-tan-lap", None),
        ("/viec?tinh-trang=qua-han", "/don-doc?tinh-trang=qua-han", None),
        ("/viec", "/don-doc", 498),
    ],
)
def test_a_row_a_body_and_a_list_are_chased_with_one_digest_each(
    an: Person, town: Runtime, page: str, path: str, tasks: int | None
) -> None:
    assert f'href="{path}"' in an.open(page).text
    assert post(an, path, buoc="xem").status_code == 200
    assert notices(town) == []
    assert post(an, path, buoc="gui").status_code == 303
    found = notices(town)
    assert len({one.contact_id for one in found}) == len(found) > 0
    if tasks:
        assert items(town) == tasks


def test_only_who_has_our_token_chases_and_only_what_was_meant(an: Person, town: Runtime) -> None:
    path = f"/don-doc?viec={number(town, TASK)}"
    assert an.browser.post(path, data={"buoc": "gui"}).status_code == 422
    assert post(an, path, buoc="xoa").status_code == 422
    assert post(an, path, buoc="gui", y_kien="x" * 501).status_code == 422
    form = an.form(path)
    for lost in (
        "viec=999999",
        "viec=x",
        "dong=khong-co",
        "don-vi=khong-co",
        "tinh-trang=x",
        "muc=x",
    ):
        assert an.open(f"/don-doc?{lost}").status_code == 404, lost
        sent = an.browser.post(f"/don-doc?{lost}", data={**form, "buoc": "gui"})
        assert sent.status_code == 404, lost
    assert notices(town) == []


def test_what_was_handed_in_is_not_offered_and_refused(an: Person, town: Runtime) -> None:
    task = number(town, LATE)
    assert an.hand_in(task, ly_do_qua_han="mưa lũ").status_code == 303
    assert f"/don-doc?viec={task}" not in an.open(f"/viec/{task}").text
    form = an.form(f"/don-doc?viec={number(town, TASK)}")
    answer = an.browser.post(f"/don-doc?viec={task}", data={**form, "buoc": "gui"})
    assert answer.status_code == 422
    assert "không có việc nào đôn đốc được" in plain(answer.text)
    assert notices(town) == []


def test_hostile_notes_are_shown_as_text(an: Person, town: Runtime) -> None:
    path = f"/don-doc?viec={number(town, TASK)}"
    evil = '<script>alert("x")</script>'
    assert "<script>" not in post(an, path, buoc="xem", y_kien=evil).text
    post(an, path, buoc="gui", y_kien=evil)
    assert "<script>" not in an.open(f"/viec/{number(town, TASK)}").text


def test_the_pages_cost_at_most_ten_statements(an: Person, town: Runtime) -> None:
    task = number(town, TASK)
    paths = (f"/don-doc?viec={task}", "/don-doc?don-vi=bql-tan-lap", "/don-doc", f"/viec/{task}")
    for path in paths:
        with statements(town) as sent:
            assert an.open(path).status_code == 200
        assert len(sent) <= 10, (path, len(sent))
