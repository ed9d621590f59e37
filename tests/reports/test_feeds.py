"""Claims about the calendars that telephones follow, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import feeds
from ntm_workflow.reports.ical import Event
from ntm_workflow.runtime import Runtime
from tests.reports.test_ical import read
from tests.scene import Scene, only

DAY = date(2020, 6, 22)
NOW = datetime(2020, 6, 22, 1, tzinfo=UTC)
BODY = "bql-tan-lap"
TASK = f"III.1/2020-06/{BODY}"


def uid(code: str) -> str:
    return f"28-kh-ubnd-2020/{code}@lich.ntm-workflow"


def events(rt: Runtime, *bodies: str, day: date = DAY, url: str = "") -> dict[str, Event]:
    with rt.reader() as session:
        found = feeds.events(session, rt, set(bodies), day, url)
    assert len({one.uid for one in found}) == len(found)
    return {one.uid: one for one in found}


@pytest.fixture
def rt(make_runtime: Callable[..., Runtime], database_url: str, plan: Plan) -> Runtime:
    """Two rows of the plan, on SQLite and PostgreSQL in turn."""
    return make_runtime(database_url, only(plan, "III.1", "VIII.2"))


def test_a_task_keeps_its_uid_from_before_it_opens_until_it_is_accepted(rt: Runtime) -> None:
    scene = Scene(rt)
    before = events(rt, BODY, day=date(2020, 5, 4))[uid(TASK)]
    scene.open(DAY)
    open_ = events(rt, BODY)[uid(TASK)]
    scene.extend(TASK, date(2020, 7, 10), DAY)
    moved = events(rt, BODY)[uid(TASK)]
    scene.submit(TASK, DAY)
    waiting = events(rt, BODY)[uid(TASK)]
    scene.accept(TASK, DAY)
    done = events(rt, BODY)[uid(TASK)]
    starts = [one.title.split(":")[0] for one in (before, open_, moved, waiting, done)]
    assert starts == ["Sắp tới", "Hạn", "Hạn", "Chờ thẩm định", "Đã đạt"]
    assert [one.day.isoformat() for one in (before, open_, moved)] == [
        "2020-06-30", "2020-06-30", "2020-07-10",
    ]  # fmt: skip
    assert before.tentative
    assert not done.tentative


def test_a_calendar_holds_the_tasks_of_its_bodies_and_reads_back(rt: Runtime) -> None:
    town = Scene(rt)
    town.open(DAY)
    mine = events(rt, BODY)
    assert uid(TASK) in mine
    assert all(one.removesuffix("@lich.ntm-workflow").endswith(f"/{BODY}") for one in mine)
    assert events(rt, BODY, "bql-vu-le").keys() > mine.keys()
    assert events(rt, "khong-co") == {}
    assert not [e for e in mine.values() if "http" in e.text]
    text = events(rt, BODY, url="https://noi-nay.vn")[uid(TASK)].text
    assert text.endswith(f"\nhttps://noi-nay.vn/viec/{town.task(TASK).id}")

    data, tag = feeds.file("Lịch; của BQL", list(mine.values()), NOW)
    assert max(map(len, data.split(b"\r\n"))) <= 75
    back = {dict(one)["UID"]: dict(one) for one in read(data)}
    assert back.keys() == mine.keys()
    assert back[uid(TASK)]["DTSTART;VALUE=DATE"] == "20200630"
    assert back[uid(TASK)]["DTEND;VALUE=DATE"] == "20200701"
    assert back[uid(TASK)]["DTSTAMP"] == "20200622T010000Z"
    assert "\nĐơn vị: BQL NTM xã Tân Lập\n" in back[uid(TASK)]["DESCRIPTION"]

    town.suspend(f"VIII.2/2020-Q2/{BODY}", DAY)
    paused = events(rt, BODY)
    assert paused[uid(f"VIII.2/2020-Q2/{BODY}")].title.startswith("Tạm dừng:")
    assert feeds.file("Lịch; của BQL", list(paused.values()), NOW)[1] != tag
    town.cancel(TASK, DAY)
    assert uid(TASK) not in events(rt, BODY)


def test_the_tag_does_not_change_with_the_clock() -> None:
    event = Event("x@y", DAY, "Hạn")
    (first, tag), (later, same) = (
        feeds.file("Lịch", [event], now) for now in (NOW, NOW.replace(hour=9))
    )
    assert first != later
    assert tag == same
    assert tag.startswith('W/"')


def test_of_confidential_rows_a_calendar_says_only_that_there_is_a_task(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    few = only(plan, "III.1", "VIII.2")
    rows = tuple(replace(r, secrecy="mật") if r.id == "III.1" else r for r in few.rows)
    rt = make_runtime(database_url, replace(few, rows=rows, digest="secret"))
    scene = Scene(rt)
    before = events(rt, BODY, day=date(2020, 5, 4))
    assert not [one for one in before if "III.1" in one or "mat@" in one]
    scene.open(DAY)
    found = events(rt, BODY)
    [hushed] = [one for one in found.values() if one.uid.startswith("mat@")]
    assert hushed.day == DAY
    data, _ = feeds.file("x", list(found.values()), NOW)
    said = data.decode().replace("\r\n ", "")
    assert "có một việc thuộc phạm vi bí mật" in said
    assert "III.1" not in said
    assert "rà soát thực trạng" not in said
    scene.submit(TASK, DAY)
    assert not [one for one in events(rt, BODY) if one.startswith("mat@")]
