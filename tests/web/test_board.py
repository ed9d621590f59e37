"""The board: what it counts is what its links list, and it says where to look first."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest

from ntm_workflow import texts
from ntm_workflow.chase import daily, forecast
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.work import extensions, tasks
from ntm_workflow.work.audit import Actor
from tests.scene import Scene
from tests.web.web_office import DAY, OTHER, TASK, Person, plain

TO_LIST = re.compile(r'<a[^>]* href="(/viec\?[^"]*)"[^>]*>(.*?)</a>', re.S)


def counted(an: Person) -> dict[str, int]:
    """The lists that the board links to with a number, and the number."""
    found = {}
    for address, text in TO_LIST.findall(an.open("/").text):
        if figure := re.search(r"[\d.]+", plain(text)):
            found[html.unescape(address)] = int(figure[0].replace(".", ""))
    return found


def listed(an: Person, address: str) -> int:
    found = re.search(r"([\d.]+) việc, xếp theo hạn", an.text(address))
    return int(found[1].replace(".", "")) if found else 0


def test_every_number_is_what_its_list_counts(an: Person, town: Runtime) -> None:
    Scene(town).submit(TASK, DAY)
    Scene(town).submit(OTHER, DAY)
    found = counted(an)
    assert len([address for address in found if "dong=" in address]) > 3
    assert len([address for address in found if "don-vi=" in address]) > 3
    for address, said in found.items():
        assert listed(an, address) == said, address


def test_a_body_that_answers_is_silent_no_more(an: Person, town: Runtime) -> None:
    silent = "/viec?don-vi=ubnd-tan-lap&tinh-trang=chua-tra-loi"
    before = counted(an)[silent]
    first = re.search(r'href="/viec/(\d+)"', an.open(silent).text)
    assert first is not None
    with town.sessions.begin() as session:
        task = session.get_one(Task, int(first[1]))
        by = Actor("An", body=task.body_id, via="test")
        tasks.acknowledge(session, task, now=town.now(), today=DAY, actor=by)
    assert listed(an, silent) == before - 1
    assert counted(an)[silent] == before - 1
    assert listed(an, "/viec?don-vi=ubnd-tan-lap&tinh-trang=qua-han") >= before


def test_what_waits_for_the_office_is_named_and_leads_there(an: Person, town: Runtime) -> None:
    assert "Chờ VPĐP NTM huyện" not in an.text("/")
    Scene(town).submit(TASK, DAY)
    with town.sessions.begin() as session:
        task = Scene(town).task(OTHER)
        asker = Actor("Chi", body=task.body_id, via="test")
        later = task.due_on + timedelta(days=5)
        extensions.ask(session, session.merge(task), later, "mưa lũ", by=asker, now=town.now())
    said = an.text("/")
    assert "Chờ VPĐP NTM huyện 1 việc cần thẩm định 1 việc xin gia hạn: cần trả lời" in said
    assert listed(an, "/viec?tinh-trang=xin-gia-han") == 1


def test_what_is_due_a_reminder_is_what_the_forecast_sends(an: Person, town: Runtime) -> None:
    with town.sessions.begin() as session:
        daily.finished(session, daily.OPEN, DAY, town.now())
    tomorrow = date(2020, 6, 23)
    told = {one.task for one in forecast.forecast(town, 1).items if one.day <= tomorrow}
    assert f"Từ nay đến hết thứ Ba 23/6/2020 : {len(told)} việc đến lượt nhắc" in an.text("/")
    assert len(told) > 100


@pytest.mark.parametrize("run", [daily.OPEN, daily.REMIND])
def test_runs_are_told_as_soon_as_they_have_ended(an: Person, town: Runtime, run: str) -> None:
    name = texts.say(f"watch.run.{run}").capitalize()
    assert f"{name} chưa chạy lần nào; lần tới 22/6/2020" in an.text("/")
    with town.sessions.begin() as session:
        daily.finished(session, run, DAY, town.now())
    said = an.text("/")
    assert f"{name} lần trước 08:00 22/6/2020 ; lần tới 23/6/2020" in said
    assert "Đôn đốc theo quý chưa chạy lần nào; lần tới 1/7/2020" in said
