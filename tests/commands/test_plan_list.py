"""`ntm plan list`, `ntm plan end` and `--plan`: the commands of an office with several plans."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ntm_workflow import runtime, settings
from ntm_workflow.cli import cli
from ntm_workflow.errors import NtmError
from tests.second_plan import FIRST, SECOND, installation, paper, put

Ntm = Callable[..., Result]
CODE = "III.1/2020-06/bql-tan-lap"
TWIN = "45-kh-ubnd-2020"


@pytest.fixture
def ntm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ntm:
    """Call a command of an installation of its own with the plan of 2020."""
    for name, value in installation(tmp_path).items():
        monkeypatch.setenv(name, value)
    return lambda *args: CliRunner().invoke(cli, args)


def second(text: bytes) -> None:
    rt = runtime.load(settings.load(os.environ))
    put(rt, text, date(2021, 1, 4), document="2/QĐ-UBND")
    rt.engine.dispose()


def listed(ntm: Ntm) -> dict[str, dict[str, object]]:
    return {one["id"]: one for one in json.loads(ntm("plan", "list", "--json").stdout)}


def test_the_list_tells_every_plan_its_version_and_the_document_behind_it(ntm: Ntm) -> None:
    ntm("open", "--on", "2020-06-22")
    second(paper("Tháng 1"))
    found = listed(ntm)
    assert found[FIRST]["state"] == found[SECOND]["state"] == "in_force"
    assert (found[FIRST]["own"], found[SECOND]["own"]) == (True, False)
    assert (found[SECOND]["version"], found[SECOND]["document"]) == (1, "2/QĐ-UBND")
    assert found[SECOND]["effective_on"] == "2021-01-04"
    assert (found[FIRST]["unfinished"], found[SECOND]["unfinished"]) == (498, 0)
    table = ntm("plan", "list").stdout
    assert "đang thực hiện" in table
    assert "12/KH-UBND" in table


def test_ending_a_plan_says_what_stays_to_be_chased(ntm: Ntm) -> None:
    ntm("open", "--on", "2020-06-22")
    second(paper("Tháng 1"))
    said = ntm("plan", "end", FIRST, "--document", "15/TB-UBND", "--on", "2020-12-31")
    assert "498 việc chưa xong" in said.stdout
    assert listed(ntm)[FIRST]["ended_by"] == "15/TB-UBND"
    assert json.loads(ntm("open", "--on", "2021-01-05", "--json").stdout)["opened"] == 17
    assert "đã kết thúc 31/12/2020 (15/TB-UBND)" in ntm("plan", "list").stdout


def test_a_plan_needs_a_document_to_end(ntm: Ntm) -> None:
    assert ntm("plan", "end", FIRST).exit_code == 2
    refused = ntm("plan", "end", "khong-co", "--document", "15/TB-UBND")
    assert isinstance(refused.exception, NtmError)
    assert refused.exception.key == "plan.unknown"


def test_counts_and_tasks_are_those_of_the_plan_that_is_named(ntm: Ntm) -> None:
    second(paper("Tháng 1"))
    ntm("open", "--on", "2021-01-05")
    whole = json.loads(ntm("status", "--json", "--plan", SECOND).stdout)
    assert (whole["plan"], whole["total"]) == (SECOND, 17)
    assert json.loads(ntm("status", "--json").stdout)["plan"] == FIRST
    tasks = json.loads(ntm("tasks", "--json", "--plan", SECOND).stdout)
    assert {one["task"].partition("/")[0] for one in tasks} == {"III.1"}
    assert ntm("status", "--plan", "khong-co").exception.key == "plan.unknown"  # type: ignore[union-attr]


def test_opening_one_plan_leaves_the_others_closed(ntm: Ntm) -> None:
    second(paper("Tháng 1"))
    only = json.loads(ntm("open", "--on", "2021-01-05", "--json", "--plan", SECOND).stdout)
    assert {one["plan"] for one in only["occurrences"]} == {SECOND}
    assert "28/KH-UBND" not in ntm("open", "--on", "2021-01-05").stdout  # one plan: no need


def test_what_is_opened_of_several_plans_names_the_plan(ntm: Ntm) -> None:
    second(paper("Tháng 1"))
    said = ntm("open", "--on", "2021-01-05").stdout
    assert "28/KH-UBND II.1" in said
    assert "12/KH-UBND III.1" in said


def test_a_code_of_two_plans_is_asked_for_and_both_ways_of_saying_it_work(ntm: Ntm) -> None:
    second(paper("Tháng 6", number=45, year=2020, effective=date(2020, 3, 2)))
    ntm("open", "--on", "2020-06-22")
    hand_in = (
        "submit", "--number", "12/BC-UBND", "--date", "2020-06-20", "--subject", "Kết quả",
        "--as", "bql-tan-lap", "--on", "2020-06-22",
    )  # fmt: skip
    asked = ntm(*hand_in, CODE).exception
    assert isinstance(asked, NtmError)
    assert asked.key == "task.several_plans"
    assert ntm(*hand_in, f"{TWIN}:{CODE}").exit_code == 0
    assert ntm(*hand_in, CODE, "--plan", FIRST).exit_code == 0
    accepted = ntm("accept", f"{TWIN}:{CODE}", "--on", "2020-06-23")
    assert accepted.exit_code == 0
    assert json.loads(ntm("status", "--json", "--plan", TWIN).stdout)["done_on_time"] == 1
    assert json.loads(ntm("status", "--json", "--plan", FIRST).stdout)["done_on_time"] == 0


def test_checking_says_that_the_file_is_older_and_needs_no_database(
    ntm: Ntm, tmp_path: Path
) -> None:
    file = Path(os.environ["NTM_APPENDIX"])
    assert ntm("plan", "check").exit_code == 0
    assert not (tmp_path / "var").exists()
    before = file.read_bytes()
    ntm("plan", "list")
    file.write_bytes(before + b"# m\xe1\xbb\x9bi\n")
    ntm("plan", "list")
    file.write_bytes(before)
    assert "cũ hơn bản đang chạy" in ntm("plan", "check").stdout
    assert json.loads(ntm("plan", "check", "--json").stdout)["standing"] == "older_file"


def test_the_text_in_force_can_be_fetched_to_go_on_editing_it(ntm: Ntm, tmp_path: Path) -> None:
    file = Path(os.environ["NTM_APPENDIX"])
    before = file.read_bytes()
    ntm("plan", "list")
    file.write_bytes(newer := before + b"# m\xe1\xbb\x9bi\n")
    ntm("plan", "list")
    file.write_bytes(before)
    assert ntm("plan", "text", FIRST, str(file)).exit_code == 0
    assert file.read_bytes() == newer
    assert json.loads(ntm("plan", "check", "--json").stdout)["standing"] == "current"
    assert ntm("plan", "text", "khong-co", str(tmp_path / "x")).exception.key == "plan.unknown"  # type: ignore[union-attr]
    assert not (tmp_path / "x").exists()
