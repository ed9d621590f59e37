"""The pages of several plans: one is shown, the others are a click away."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from ntm_workflow import runtime, settings
from ntm_workflow.chase import reminders
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import NoticeItem, Task
from ntm_workflow.web.app import create_app
from ntm_workflow.work import tasks
from tests.scene import SYSTEM
from tests.second_plan import FIRST, end, installation, paper, put
from tests.web.web_office import DAY, TASK, Person, statements

TWIN = "45-kh-ubnd-2020"  # of the same year, with a task of the same code
PAGES = ("/", "/phu-luc", "/viec", "/lich", "/tieu-chi", "/bieu-do", "/don-vi", "/thong-bao",
         "/nhat-ky")  # fmt: skip


@pytest.fixture
def twin(town: Runtime) -> Runtime:
    """The office with a second plan of 2020, whose one row has the code III.1 too."""
    rt = put(town, paper("Tháng 6", number=45, year=2020, effective=date(2020, 3, 2)), DAY)
    with rt.sessions.begin() as session:
        tasks.open_all(session, rt.in_force, rt.days, DAY, now=rt.moment(DAY), actor=SYSTEM)
    return rt


def number(rt: Runtime, plan_id: str, code: str = TASK) -> int:
    with rt.reader() as session:
        return tasks.find(session, code, plan_id).id


def test_with_one_plan_there_is_nothing_to_choose(an: Person) -> None:
    for path in PAGES:
        page = an.open(path).text
        assert "Chọn kế hoạch" not in page
        assert "ke-hoach" not in page


@pytest.mark.usefixtures("twin")
def test_each_page_shows_the_plan_that_is_asked_for_and_no_other(an: Person) -> None:
    for path in PAGES:
        page = an.open(f"{path}?ke-hoach={TWIN}").text
        assert "Điều hành Kế hoạch 45/KH-UBND" in page
        assert "Điều hành Kế hoạch 28/KH-UBND" in an.open(path).text
    assert "Việc của kế hoạch 45" in an.text(f"/phu-luc?ke-hoach={TWIN}")
    assert "Việc của kế hoạch 45" not in an.text("/phu-luc")


@pytest.mark.usefixtures("twin")
def test_each_plan_has_its_own_four_counts_on_the_board(an: Person) -> None:
    assert "17 Tổng số việc đã mở" in an.text(f"/?ke-hoach={TWIN}")
    assert "498 Tổng số việc đã mở" in an.text("/")


@pytest.mark.usefixtures("twin")
def test_every_link_and_search_form_of_a_page_keeps_its_plan(an: Person) -> None:
    for path in (*PAGES, "/phu-luc/III.1", "/don-vi/bql-tan-lap"):
        page = an.open(f"{path}?ke-hoach={TWIN}").text
        links = [a for a in re.findall(r'<a [^>]*href="([^"]*)"', page) if a.startswith("/")]
        assert links
        assert not [link for link in links if "ke-hoach=" not in link], path
        assert not [link for link in links if link.count("ke-hoach=") > 1]
        assert page.count('method="get"') == page.count('name="ke-hoach"')
        assert "?v=" in page
        assert "style.css?v" in page
        assert "ke-hoach" not in page.split("</head>")[0]


@pytest.mark.usefixtures("twin")
def test_a_search_in_a_plan_stays_in_it_page_after_page(an: Person) -> None:
    page = an.open(f"/viec?ke-hoach={FIRST}&tinh-trang=trong-han").text
    assert an.open(f"/viec?ke-hoach={TWIN}&dong=III.1").text.count("/viec/") >= 17
    following = re.search(r'rel="next" href="([^"]*)"', page)
    assert following
    assert f"ke-hoach={FIRST}" in following[1]


@pytest.mark.usefixtures("twin")
def test_the_chooser_leads_to_the_same_kind_of_page_of_each_plan(an: Person) -> None:
    page = an.open("/phu-luc/VIII.1").text
    chooser = page[page.index("Chọn kế hoạch") : page.index("</nav>")]
    assert f'href="/phu-luc?ke-hoach={TWIN}"' in chooser
    assert f'href="/phu-luc?ke-hoach={FIRST}" aria-current="true"' in chooser
    assert an.open(f"/phu-luc?ke-hoach={TWIN}").status_code == 200


def test_an_address_of_no_plan_shows_the_installations_own(an: Person, twin: Runtime) -> None:
    assert "Kế hoạch 28/KH-UBND" in an.text("/?ke-hoach=khong-co")


def test_a_tasks_page_is_of_its_own_plan_whatever_the_address_says(
    an: Person, twin: Runtime
) -> None:
    page = an.open(f"/viec/{number(twin, TWIN)}").text
    assert "Điều hành Kế hoạch 45/KH-UBND" in page
    assert "Việc của kế hoạch 45" in page
    other = an.open(f"/viec/{number(twin, FIRST)}?ke-hoach={TWIN}").text
    assert "Điều hành Kế hoạch 28/KH-UBND" in other


def test_two_tasks_of_one_code_have_their_own_history_and_addresses(
    an: Person, twin: Runtime
) -> None:
    mine, theirs = number(twin, TWIN), number(twin, FIRST)
    assert an.send(mine, "tiep-nhan").status_code == 303
    assert "Tiếp nhận" in an.text(f"/viec/{mine}").partition("Diễn biến")[2]
    assert "Tiếp nhận" not in an.text(f"/viec/{theirs}").partition("Diễn biến")[2]
    assert an.open(f"/viec/ma/{TASK}?ke-hoach={TWIN}").headers["location"] == f"/viec/{mine}"
    assert an.open(f"/viec/ma/{TASK}").headers["location"] == f"/viec/{theirs}"
    assert f"/viec/ma/{TASK}?ke-hoach={TWIN}" in an.open("/nhat-ky").text


def test_what_is_done_on_a_page_goes_by_the_rules_of_the_tasks_plan(
    town: Runtime, an: Person
) -> None:
    slow = (("review_working_days = 3", "review_working_days = 9"),)
    text = paper("Tháng 6", number=45, year=2020, effective=date(2020, 3, 2), changes=slow)
    rt = put(town, text, DAY)
    with rt.sessions.begin() as session:
        tasks.open_all(session, rt.in_force, rt.days, DAY, now=rt.moment(DAY), actor=SYSTEM)
    for plan_id, review in ((TWIN, rt.days.add(DAY, 9)), (FIRST, rt.days.add(DAY, 3))):
        assert an.hand_in(number(rt, plan_id)).status_code == 303
        with rt.reader() as session:
            assert tasks.find(session, TASK, plan_id).next_action_on == review


def test_a_plan_put_in_force_while_the_page_runs_is_there_at_the_next_request(
    an: Person, app: FastAPI, town: Runtime
) -> None:
    assert "Chọn kế hoạch" not in an.open("/").text
    before = app.state.rt
    an.open("/")
    assert app.state.rt is before  # nothing changed, nothing is built anew
    put(town, paper("Tháng 7", number=45, year=2020, effective=date(2020, 3, 2)), DAY)
    page = an.text(f"/phu-luc/III.1?ke-hoach={TWIN}")
    assert "Tháng 7/2020 1/7/2020" in page
    changed = paper("Tháng 8", number=45, year=2020, effective=date(2020, 3, 2))
    put(town, changed, DAY, document="9/QĐ-UBND")
    assert "Tháng 8/2020 1/8/2020" in an.text(f"/phu-luc/III.1?ke-hoach={TWIN}")
    assert "Sắp mở" in an.text("/")


def test_an_ended_plan_is_still_there_to_read_and_says_that_it_ended(
    an: Person, twin: Runtime
) -> None:
    end(twin, TWIN, DAY)
    page = an.text(f"/viec?ke-hoach={TWIN}")
    assert "45/KH-UBND, năm 2020 (đã kết thúc)" in page
    assert "Việc của kế hoạch 45" in page
    assert "đã kết thúc" not in an.text("/").partition("</header>")[2]


def test_asking_for_changed_plans_costs_one_statement(an: Person, twin: Runtime) -> None:
    task = number(twin, FIRST)
    an.open("/don-vi")
    with statements(twin) as sent:
        an.open(f"/viec/{task}")
    asked = [one for one in sent if '"plan".digest' in one]
    assert len(asked) == 1, sent
    assert not [one for one in sent if "plan_version" in one]


def test_a_digest_for_two_plans_is_listed_under_both(an: Person, twin: Runtime) -> None:
    with twin.sessions.begin() as session:
        reminders.queue(session, twin.all_plans, twin.days, DAY, now=twin.moment(DAY), actor=SYSTEM)
    told = select(NoticeItem.notice_id, Task.plan_id).join(Task, Task.id == NoticeItem.task_id)
    with twin.reader() as session:
        found = session.execute(told).tuples().all()
    ours, theirs = ({n for n, p in found if p == plan_id} for plan_id in (FIRST, TWIN))
    both = max(ours & theirs)
    only = max(ours - theirs)
    shown = {p: an.open(f"/thong-bao?ke-hoach={p}&cu-hon={both + 1}").text for p in (FIRST, TWIN)}
    assert all(f'href="/thong-bao/{both}' in page for page in shown.values())
    later = f"/thong-bao?cu-hon={only + 1}&ke-hoach="
    assert f'href="/thong-bao/{only}' in an.open(later + FIRST).text
    assert f'href="/thong-bao/{only}' not in an.open(later + TWIN).text


def test_without_any_plan_the_page_starts_says_so_and_shows_the_first_one_that_comes(
    tmp_path: Path,
) -> None:
    environ = installation(tmp_path)
    Path(environ["NTM_APPENDIX"]).unlink()
    rt = runtime.load(settings.load(environ), may_be_empty=True)
    person = Person(create_app(rt), rt)
    for path in PAGES:
        answer = person.open(path)
        assert answer.status_code == 200
        assert "Chưa có kế hoạch nào" in answer.text
    assert person.open("/khong-co").status_code == 404
    put(rt, paper("Quý I"), date(2021, 1, 4))
    assert "Điều hành Kế hoạch 12/KH-UBND" in person.open("/").text
    assert person.rt.plans == {}
    rt.engine.dispose()


def test_a_quote_in_somebodys_words_is_no_link_to_follow(an: Person, twin: Runtime) -> None:
    task = number(twin, TWIN)
    an.hand_in(task, trich_yeu='Báo cáo href="/viec" của xã')
    page = an.open(f"/viec/{task}").text
    assert "href=&#34;/viec&#34; của xã" in page
