"""Pages of bodies through time: a name as of the day, a body that ended, one that was founded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from fastapi import FastAPI

from ntm_workflow.runtime import Runtime
from tests import bodies_scene
from tests.bodies_scene import Bodies, end, renamed
from tests.web.web_office import DAY, TASK, Person, number, submissions

MOVED = "III.1/2020-06/bql-xa-moi"


@pytest.fixture
def merged(town: Runtime) -> Bodies:
    """Two committees became one today, and their work was handed over."""
    return bodies_scene.merged(town, DAY)


def test_the_new_body_has_a_page_and_its_task_can_be_answered_there(
    merged: Bodies, an: Person
) -> None:
    task = number(an.rt, MOVED)
    page = an.text(f"/viec/{task}")
    assert "Ban Quản lý xã Mới" in page
    assert an.hand_in(task).status_code == 303
    assert [one.issuer for one in submissions(an.rt, MOVED)] == ["Ban Quản lý xã Mới"]
    assert "BQL xã Mới" in an.text("/don-vi")
    assert f"/viec/{task}" in an.open("/don-vi/bql-xa-moi").text
    assert "BQL xã Mới" in an.text("/viec?tim=bql-xa-moi")
    assert "BQL xã Mới" in an.text("/phu-luc/III.1")


def test_the_old_task_says_where_it_went_and_the_old_body_that_it_ended(
    merged: Bodies, chi: Person
) -> None:
    old = chi.text(f"/viec/{number(chi.rt, TASK)}")
    assert "chuyển cho Ban Quản lý xã Mới theo 1672/NQ-UBTVQH15" in old
    assert MOVED in old
    assert "Đơn vị đã kết thúc từ 22/6/2020" in chi.text("/don-vi/bql-tan-lap")
    assert chi.open("/don-vi/bql-xa-moi/lich-su").status_code == 200
    assert chi.open("/don-vi/khong-co/lich-su").status_code == 404
    assert "sáp nhập" in chi.text("/nhat-ky").lower()


def test_pages_print_the_name_of_their_day(town: Runtime, binh: Person) -> None:
    scene = Bodies(town)
    scene.record(renamed("bql-vu-le", "Ban Quản lý Vũ Lễ mới", on=date(2020, 6, 23)), today=DAY)
    for path in ("/don-vi", "/phu-luc/III.1", "/viec?don-vi=bql-vu-le", "/don-vi/bql-vu-le"):
        assert "BQL NTM xã Vũ Lễ" in binh.text(path), path
    town.set_simulated(date(2020, 6, 23), scene.reviewer(scene.task(TASK)))
    for path in ("/don-vi", "/phu-luc/III.1", "/viec?don-vi=bql-vu-le", "/don-vi/bql-vu-le"):
        assert "Ban Quản lý Vũ Lễ mới" in binh.text(path), path
        assert "BQL NTM xã Vũ Lễ" not in binh.text(path), path


def test_what_was_written_in_a_note_is_shown_as_text(
    town: Runtime, app: FastAPI, binh: Person
) -> None:
    Bodies(town).record(replace(end("bql-vu-le", on=DAY), note="<script>alert(1)</script>"))
    page = binh.open("/don-vi/bql-vu-le/lich-su").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
