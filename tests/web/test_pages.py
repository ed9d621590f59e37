"""What the pages show."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import delete

from ntm_workflow import texts
from ntm_workflow.reports import dossier
from ntm_workflow.reports.standings import SLUGS
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import SimulatedClock
from ntm_workflow.web.app import create_app
from ntm_workflow.work import review
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Action
from tests.scene import Scene
from tests.web.web_office import (
    DAY,
    LATE,
    OTHER,
    ROOT,
    TASK,
    TESTER,
    Person,
    number,
    plain,
    statements,
    task,
)

WEB = ROOT / "ntm_workflow" / "web"
PAGES = [
    "/", "/phu-luc", "/phu-luc/III.1", "/phu-luc/TC16", "/viec", "/viec?tinh-trang=qua-han",
    "/viec?tim=ra+soat+tan+lap&cap=xa", "/viec/1", "/tieu-chi", "/don-vi", "/don-vi/bql-tan-lap",
    "/thong-bao", "/thu-den", "/nhat-ky", "/nhat-ky?ngay=22/6/2020&doi-tuong=III.1",
]  # fmt: skip


def test_every_page_answers_with_a_title_and_one_heading_on_both_databases(towns: Runtime) -> None:
    person = Person(create_app(towns), towns)
    for path in PAGES:
        answer = person.open(path)
        assert answer.status_code == 200, path
        assert "– Kế hoạch 28/KH-UBND</title>" in answer.text
        assert len(re.findall("<h1>", answer.text)) == 1, path
        assert '<html lang="vi">' in answer.text


def test_no_page_costs_more_than_eight_statements_however_many_tasks_there_are(
    towns: Runtime,
) -> None:
    person = Person(create_app(towns), towns)
    full = {path: _cost(person, path) for path in PAGES}
    scene = Scene(towns)
    for code in scene.codes()[:200]:
        scene.submit(code, DAY)
    scene.remind(DAY)
    later = {path: _cost(person, path) for path in PAGES}
    assert max({**full, **later}.values()) <= 8, (full, later)


def test_an_empty_plan_shows_the_same_pages_for_no_more(
    make_runtime: Callable[..., Runtime], tmp_path: Path, town: Runtime
) -> None:
    empty = make_runtime(f"sqlite:///{tmp_path / 'empty.db'}")
    before, after = Person(create_app(empty), empty), Person(create_app(town), town)
    for path in ("/", "/phu-luc", "/viec", "/tieu-chi", "/don-vi", "/nhat-ky"):
        least, cost = _cost(before, path), _cost(after, path)  # each looked at for the first time
        assert least <= cost <= least + 1, path


def _cost(person: Person, path: str) -> int:
    with statements(person.rt) as sent:
        assert person.open(path).status_code == 200
    return len(sent)


# -- the board ------------------------------------------------------------------


def test_the_board_says_the_day_and_what_it_asks_for(an: Person) -> None:
    text = an.text("/")
    assert "Thứ Hai 22/6/2020" in text
    assert re.search(r"(\d+) việc quá hạn , (\d+) việc đến hạn từ nay đến hết tuần", text)


def test_the_four_counts_sum_and_each_is_the_length_of_the_list_it_leads_to(
    an: Person, town: Runtime
) -> None:
    an.hand_in(number(town, TASK))
    an.send(number(town, TASK), "dat")
    an.hand_in(number(town, LATE), ly_do_qua_han="mưa lũ")
    an.send(number(town, OTHER), "huy", ly_do="giao nhầm")
    _counts_match_their_lists(an)


def test_what_is_due_or_done_today_is_counted_as_its_list_lists_it(
    an: Person, town: Runtime
) -> None:
    town.set_simulated(date(2020, 6, 30), TESTER)  # TASK is due today
    an.hand_in(number(town, TASK))
    an.send(number(town, TASK), "dat")
    _counts_match_their_lists(an)


def _counts_match_their_lists(person: Person) -> None:
    for path in ("/", "/phu-luc", "/phu-luc/III.1", "/don-vi/bql-tan-lap"):
        found = re.findall(r'<li><a href="(/viec[^"]*)"><b>([\d.]+)</b>', person.open(path).text)
        numbers = [int(shown.replace(".", "")) for _, shown in found]
        assert sum(numbers[:4]) == numbers[4], path
        for link, shown in zip([link for link, _ in found], numbers, strict=True):
            listed = re.search(
                r"([\d.]+) việc, xếp theo hạn", person.text(link.replace("&amp;", "&"))
            )
            assert int(listed[1].replace(".", "") if listed else "0") == shown, link


def test_the_simulation_shows_only_where_there_is_one(town: Runtime, an: Person) -> None:
    assert "Thêm 1 tuần" in an.text("/")
    with town.sessions.begin() as session:
        session.execute(delete(SimulatedClock))
    text = an.text("/")
    assert "Thêm 1 tuần" not in text
    assert "Mô phỏng" not in text


# -- the appendix ------------------------------------------------------------------


def test_the_appendix_prints_all_five_columns_as_on_paper(an: Person, town: Runtime) -> None:
    text = an.text("/phu-luc")
    for row in town.plan.rows:
        for cell in (row.content, row.directing_text, row.implementing_text,
                     row.coordinating_text, row.timing_text):  # fmt: skip
            assert " ".join(cell.split()) in text, (row.id, cell)
    for row in town.plan.criteria:
        assert " ".join(row.implementing_text.split()) in text


def test_a_row_opens_to_its_reading_its_dates_and_its_findings(an: Person) -> None:
    text = an.text("/phu-luc/II.2")
    assert "Hai kỳ: tháng 6/2020 và tháng 10/2020" in text
    assert "31/10/2020 là ngày nghỉ (thứ Bảy), chuyển sang ngày làm việc kế tiếp" in text
    assert "Số lượng ghi 3 nhưng nêu tên 2 xã" in an.text("/phu-luc/TC16")


def test_the_appendix_leads_to_what_the_text_of_the_paper_contradicts_with_its_words(
    an: Person,
) -> None:
    assert 'href="/cau-hoi"' in an.open("/phu-luc").text
    text = an.text("/cau-hoi")
    assert "Phần III.2 : 2.500 / 222.500 triệu đồng = 1,12 %, bản in ghi 1,2 %" in text
    assert "phần III.1: “Tổng nguồn vốn được bố trí" in text
    assert "Chỉ tiêu 11 : phần lời nêu thêm 1 xã đạt tiêu chí 11 (Hộ nghèo)" in text


# -- lists ------------------------------------------------------------------------


def test_a_list_is_walked_both_ways_without_losing_or_repeating_a_task(towns: Runtime) -> None:
    person = Person(create_app(towns), towns)
    there: list[list[str]] = []
    path: str | None = "/viec?muc=I"
    while path:
        page = person.open(path).text
        there.append(re.findall(r'href="/viec/(\d+)"', page))
        last, path = path, _link(page, "next")
    ids = [one for page_ids in there for one in page_ids]
    assert len(ids) == len(set(ids)) == 108
    assert max(map(len, there)) == 50
    back = [there[-1]]
    path = last
    while path := _link(person.open(path).text, "prev"):
        back.append(re.findall(r'href="/viec/(\d+)"', person.open(path).text))
    assert [one for page_ids in reversed(back) for one in page_ids] == ids


def _link(page: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else None


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("Rà soát thực trạng", 34), ("ra soat thuc trang", 34), ("III.1/2020-06/bql-tan-lap", 1),
        ("TAN LAP ra soat thuc", 2), ("không có gì như thế", 0), ("%", 0), ("'; --", 0),
    ],
)  # fmt: skip
def test_searching_ignores_marks_and_knows_codes(an: Person, typed: str, count: int) -> None:
    page = an.browser.get("/viec", params={"tim": typed}).text
    assert len(re.findall(r'<th scope="row" role="rowheader">', page)) == count


def test_an_address_that_makes_no_sense_lists_everything_instead_of_failing(an: Person) -> None:
    odd = "/viec?tinh-trang=x&muc=QQ&dong=%00&don-vi=khong&cap=9&sau=abc&truoc=2020-13-45.1&ky=%00"
    assert an.open(odd).status_code == 200
    assert an.open("/viec?sau=2020-06-30.99999999999999999999").status_code == 200
    assert an.open("/thong-bao?trang-thai=x&ngay=99/99/9999&cu-hon=-1").status_code == 200
    assert an.open("/nhat-ky?hanh-dong=x&doi-tuong=%00&cu-hon=9999999999999").status_code == 200


# -- one task -----------------------------------------------------------------------


def test_a_task_explains_its_day_step_by_step_extensions_included(
    an: Person, town: Runtime
) -> None:
    one = number(town, LATE)
    text = an.text(f"/viec/{one}")
    assert "Cột Thời gian của phụ lục ghi “Thường xuyên”" in text
    assert "chốt số liệu Chủ nhật 14/6/2020 (Nghị định 09/2019/NĐ-CP, Điều 12)" in text
    an.send(one, "gia-han", ngay="30/6/2020", ly_do="mưa lũ")
    text = an.text(f"/viec/{one}")
    assert "hạn thứ Ba 16/6/2020" in text
    assert "Gia hạn đến thứ Ba 30/6/2020: mưa lũ" in text


def test_a_task_of_the_coordination_office_is_reviewed_by_who_directs_the_row(
    an: Person, town: Runtime
) -> None:
    own = number(town, "II.2/2020-06/vpdp-huyen")
    an.hand_in(own)
    reviewer = review.reviewers(task(town, "II.2/2020-06/vpdp-huyen"), town.plan)[0]
    assert reviewer != "vpdp-huyen"
    assert "Thẩm định: đạt" not in an.text(f"/viec/{own}")
    leader = Person(an.app, town, Role.LEADER, bodies=[reviewer])
    assert f"với tư cách: {town.plan.body(reviewer).short}" in leader.text(f"/viec/{own}")
    assert leader.send(own, "dat").status_code == 303
    assert task(town, "II.2/2020-06/vpdp-huyen").state == "accepted"


def test_a_code_leads_to_its_task(an: Person, town: Runtime) -> None:
    answer = an.open(f"/viec/ma/{TASK}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/viec/{number(town, TASK)}")
    assert an.open("/viec/ma/III.1/2020-06/khong-co").status_code == 404


# -- what goes wrong ------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/khong-co", "/viec/abc", "/viec/0", "/viec/99999", "/viec/99999999999999999999",
     "/phu-luc/XX.9", "/don-vi/khong-co", "/thong-bao/99999", "/minh-chung/7", "/thu-den/x",
     "/thu-den/..%2f..%2fntm", "/static/none.css", "/viec/1/nop/x"],
)  # fmt: skip
def test_what_is_not_there_is_said_in_words_with_a_way_on(an: Person, path: str) -> None:
    answer = an.open(path)
    assert answer.status_code == 404, path
    assert "Không tìm thấy trang" in answer.text
    assert 'href="/viec"' in answer.text
    assert "Traceback" not in answer.text


def test_a_page_that_breaks_shows_a_number_and_keeps_the_rest_to_the_log(
    app: FastAPI, an: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dossier, "one", lambda *_: 1 / 0)
    answer = an.open("/viec/1")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    number = re.search(r"Mã lỗi: ([0-9a-f]{8})", plain(answer.text))
    assert number is not None
    assert number[1] in caplog.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_database_that_is_gone_is_said_and_health_says_so_too(an: Person, town: Runtime) -> None:
    assert an.open("/healthz").json()["status"] == "ok"
    with town.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_head RENAME TO gone")
        connection.exec_driver_sql("ALTER TABLE simulated_clock RENAME TO gone_too")
    assert an.open("/healthz").status_code == 503
    answer = an.open("/")
    assert answer.status_code == 503
    assert "Chưa kết nối được cơ sở dữ liệu" in answer.text


def test_health_is_two_statements_and_life_is_one(an: Person, town: Runtime) -> None:
    for path, cost in (("/healthz", 2), ("/livez", 1)):
        with statements(town) as sent:
            assert an.open(path).status_code == 200
        assert len(sent) == cost, path


# -- how it is made -----------------------------------------------------------------


def test_the_web_process_never_imports_prefect(town: Runtime) -> None:
    code = (
        "import sys; from starlette.testclient import TestClient;"
        "from ntm_workflow.web.app import create_app;"
        "c = TestClient(create_app(), base_url='http://127.0.0.1');"
        "assert c.get('/').status_code == c.get('/thu-den').status_code == 200;"
        "sys.exit(any(m.split('.')[0] == 'prefect' for m in sys.modules))"
    )
    environ = {
        "PATH": "", "NTM_ROOT": str(ROOT), "NTM_VAR": str(town.settings.var),
        "NTM_DATABASE_URL": town.settings.database_url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", code], env=environ, check=True)


def test_the_appendix_counts_no_task_but_those_of_continuous_rows(town: Runtime) -> None:
    person = Person(create_app(town), town)
    person.open("/phu-luc")
    with statements(town) as sent:
        Person(create_app(town), town).open("/phu-luc")  # an application that has kept nothing
    counted = [one for one in sent if "FROM task" in one and "FROM task_tally" not in one]
    assert all("row_number" in one for one in counted), counted
    assert sum("FROM task_tally" in one for one in sent) == 2


OURS = {  # the board renews itself; what is handed in saves itself
    "board.html": "board.js", "task.html": "hand-in.js", "personal_task.html": "hand-in.js",
}  # fmt: skip


def test_nothing_comes_from_outside_and_only_three_pages_run_anything_of_ours() -> None:
    for path in [*WEB.glob("templates/*.html"), *WEB.glob("static/*")]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text.replace("http-equiv", ""), path
        if script := OURS.get(path.name):
            tag = f"""<script src="{{{{ static('{script}') }}}}" defer></script>"""
            assert text.count(tag) == 1
            text = text.replace(tag, "")
        assert "<script" not in text, path
        assert ' style="' not in text, path
        assert "|safe" not in text, path


def test_the_sheet_stays_small() -> None:
    assert len((WEB / "static" / "style.css").read_bytes()) < 16_000


def test_every_sentence_the_pages_say_is_in_the_catalogue(town: Runtime) -> None:
    sources = "".join(
        path.read_text("utf-8") for path in [*WEB.glob("*.py"), *WEB.glob("templates/*.html")]
    )
    named = set(re.findall(r"""say\(\s*f?["']([\w.-]+)["'](?! ~)""", sources))
    named |= {f"action.{action}" for action in Action}
    named |= {f"standing.{name}" for name in SLUGS.values()}
    named |= {f"{key}{end}" for key in re.findall(r'"(page\.[a-z_]+)"', sources)
              for end in ("", ".title") if key != "page.missing.title"}  # fmt: skip
    missing = {key for key in named if not key.endswith(".") and not texts.has(key)}
    assert not missing


def test_what_the_audit_holds_is_shown_in_words(an: Person, town: Runtime) -> None:
    town.set_simulated(DAY, TESTER)
    an.hand_in(number(town, TASK))
    text = an.text("/nhat-ky")
    assert "Nộp minh chứng" in text
    assert "văn bản: 12/BC-UBND ; ngày ban hành: 20/6/2020" in text
    assert "Bình, thay mặt BQL NTM xã Tân Lập" in text
    assert "field." not in text
