"""The command line, used as a person or a script would: a real process each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import shell
from tests.conftest import ROOT

Result = subprocess.CompletedProcess[str]
Ntm = Callable[..., Result]
TASK = "III.1/2020-06/bql-tan-lap"


@pytest.fixture
def ntm(tmp_path: Path) -> Ntm:
    """Run `ntm` on a data folder of its own; `check=False` to expect a failure."""

    def run(*args: str, check: bool = True, **environ: str) -> Result:
        env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var"), **environ}
        done = shell.ntm(*args, env=env, cwd=tmp_path)
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def test_plan_show_gives_the_rows_criteria_and_findings_as_json(ntm: Ntm) -> None:
    data = json.loads(ntm("plan", "show", "--json").stdout)
    assert set(data) == {"plan", "rows", "criteria", "findings"}
    rows = {row["id"]: row for row in data["rows"]}
    assert len(rows) == 14
    assert [line["id"] for line in data["criteria"]][:2] == ["TC02", "TC03"]
    assert [o["due_on"] for o in rows["II.2"]["occurrences"]] == ["2020-06-30", "2020-11-02"]
    assert rows["II.2"]["occurrences"][1] == {
        "period": "2020-10", "opens_on": "2020-10-01", "due_on": "2020-11-02",
        "nominal_due": "2020-10-31",
    }  # fmt: skip
    counted = {row: rows[row]["tasks"] for row in ("IX.1", "III.1", "II.1", "VIII.1")}
    assert counted == {"IX.1": 10, "III.1": 68, "II.1": 1, "VIII.1": 38}
    assert {"code", "kind", "where", "message", "quotes"} == set(data["findings"][0])


def test_plan_check_of_a_sound_file_exits_zero_and_lists_its_findings(ntm: Ntm) -> None:
    done = ntm("plan", "check")
    assert "44 điều cần lưu ý" in done.stdout
    report = json.loads(ntm("plan", "check", "--json").stdout)
    assert report["faults"] == []
    kinds = [one["kind"] for one in report["findings"]]
    assert [kinds.count(kind) for kind in ("contradiction", "open", "slip")] == [11, 8, 25]


def test_plan_check_says_contradictions_first_with_both_quotes_and_the_sum(ntm: Ntm) -> None:
    said = ntm("plan", "check").stdout
    places = [said.index(head) for head in ("Mâu thuẫn (11)", "Còn bỏ ngỏ", "Lỗi in")]
    assert places == sorted(places)
    at = said.index("2.500 / 222.500 triệu đồng = 1,12 %, bản in ghi 1,2 %")
    assert at < places[1]
    below = said[at:].split("\n")[1:3]
    assert "phần III.2: “Vốn nhân dân đóng góp 2.500 triệu đồng chiếm 1,2%”" in below[0]
    assert "phần III.1: “Tổng nguồn vốn" in below[1]
    [one] = [one for one in json.loads(ntm("plan", "check", "--json").stdout)["findings"]
             if one["code"] == "commune.criteria"]  # fmt: skip
    assert one["where"] == "phần I.1"
    assert [quote["place"] for quote in one["quotes"]] == [
        "phần I.1", "dòng TC04", "dòng TC06", "dòng TC16", "dòng TC18",
    ]  # fmt: skip


def test_plan_check_reads_the_paper_again_and_says_what_the_file_does_not_have(
    ntm: Ntm, tmp_path: Path
) -> None:
    paper = tmp_path / "ban-giay.txt"
    printed = (ROOT / "tests" / "importers" / "data" / "plan-28-2020.txt").read_text("utf-8")
    paper.write_text(printed, "utf-8")
    assert "tệp phụ lục đã ghi đủ" in ntm("plan", "check", "--paper", str(paper)).stdout
    paper.write_text(printed.replace("trú trọng", "chú trọng").replace(
        "địa phương 60.000", "địa phương 70.000"), "utf-8")  # fmt: skip
    report = json.loads(ntm("plan", "check", "--paper", str(paper), "--json").stdout)["paper"]
    assert [one["code"] for one in report["missing"]] == ["sum.differs"]
    assert [one["message"] for one in report["extra"]] == [
        'in "trú trọng", hiểu là "chú trọng" (phần II.9)'
    ]
    said = ntm("plan", "check", "--paper", str(paper)).stdout
    assert "50.000 triệu đồng + 70.000 triệu đồng = 120.000 triệu đồng" in said
    missing = ntm("plan", "check", "--paper", str(tmp_path / "khong-co.docx"), check=False)
    assert missing.returncode == 1
    assert "khong-co.docx" in missing.stderr


def test_plan_check_names_line_row_key_and_the_nearest(ntm: Ntm, tmp_path: Path) -> None:
    text = (ROOT / "config" / "appendix.toml").read_text("utf-8")
    text = text.replace('timing = "Tháng 6, 10"', 'timing = "Thág 6, 10"')
    text = text.replace('implementing = "BCĐ, BQL cấp xã"', 'implementing = "BCĐ, BQL cấp xa"')
    bad = tmp_path / "bad.toml"
    bad.write_text(text, "utf-8")
    done = ntm("plan", "check", str(bad), check=False)
    assert done.returncode == 1
    line = text.split("\n").index('timing = "Thág 6, 10"') + 1
    assert f"dòng {line}, row II.2 timing" in done.stdout
    assert "Tháng 6, 10" in done.stdout
    assert "BQL cấp xã" in done.stdout


def test_two_files_with_one_number_are_told_apart(ntm: Ntm, tmp_path: Path) -> None:
    text = (ROOT / "config" / "appendix.toml").read_text("utf-8")
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(text, "utf-8")
    done = ntm("plan", "check", "a.toml", "b.toml", check=False)
    assert done.returncode == 1
    assert "28/KH-UBND" in done.stdout


def test_explain_says_why_a_date_is_that_date(ntm: Ntm) -> None:
    said = ntm("explain", "Tháng 6, 10", "--year", "2020").stdout
    assert "thứ Bảy 31/10/2020" in said
    assert "thứ Hai 2/11/2020" in said
    assert "Điều 148" in said
    data = json.loads(ntm("explain", "Tháng 6, 10", "--year", "2020", "--json").stdout)
    assert data["kind"] == "list of windows"
    assert [o["due_on"] for o in data["occurrences"]] == ["2020-06-30", "2020-11-02"]


def test_explain_asks_where_it_cannot_know(ntm: Ntm) -> None:
    data = json.loads(ntm("explain", "Sau khi có văn bản của tỉnh", "--json").stdout)
    assert data["kind"] == "relative"
    assert data["question"]["text"]


def test_a_task_s_whole_life_from_the_shell(ntm: Ntm, tmp_path: Path) -> None:
    opened = json.loads(ntm("open", "--on", "2020-06-01", "--json").stdout)
    assert opened["opened"] > 0
    assert json.loads(ntm("open", "--on", "2020-06-01", "--json").stdout)["opened"] == 0
    report = tmp_path / "bao cao.pdf"
    report.write_bytes(b"%PDF-1.4")
    ntm("submit", TASK, "--number", "12/BC-UBND", "--date", "2020-06-25", "--subject", "Rà soát",
        "--file", str(report), "--as", "BQL xã Tân Lập", "--on", "2020-06-25")  # fmt: skip
    ntm("return", TASK, "--reason", "Thiếu biểu", "--on", "2020-06-26")
    ntm("submit", TASK, "--number", "13/BC-UBND", "--date", "2020-06-26", "--subject", "Rà soát",
        "--as", "bql-tan-lap", "--on", "2020-06-29")  # fmt: skip
    ntm("accept", TASK, "--by", "vpdp-huyen", "--on", "2020-06-30")
    status = json.loads(ntm("status", "--as-of", "2020-06-30", "--by", "row", "--json").stdout)
    assert status["parts"]["III.1"]["done_on_time"] == 1
    assert status["total"] == sum(part["total"] for part in status["parts"].values())
    entries = json.loads(ntm("audit", "show", TASK, "--json").stdout)
    assert [e["action"] for e in entries][:2] == ["task.accepted", "task.submitted"]
    assert "nguyên vẹn" in ntm("audit", "verify").stdout


def test_late_evidence_without_a_reason_is_refused_in_words(ntm: Ntm) -> None:
    ntm("open", "--on", "2020-06-01")
    done = ntm("submit", TASK, "--number", "12/BC-UBND", "--date", "2020-07-01",
               "--subject", "x", "--as", "bql-tan-lap", "--on", "2020-07-01",
               check=False)  # fmt: skip
    assert done.returncode == 1
    assert "lý do quá hạn" in done.stderr


def test_remind_queues_once_and_a_dry_run_writes_nothing(ntm: Ntm) -> None:
    ntm("contacts", "import", str(ROOT / "config" / "contacts.example.csv"))
    ntm("open", "--on", "2020-06-16")
    dry = json.loads(ntm("remind", "--on", "2020-06-16", "--dry-run", "--json").stdout)
    real = json.loads(ntm("remind", "--on", "2020-06-16", "--json").stdout)
    again = json.loads(ntm("remind", "--on", "2020-06-16", "--json").stdout)
    assert dry["notices"] == real["notices"] > 0
    assert again["notices"] == 0
    assert json.loads(ntm("deliver", "--json").stdout)["waiting"] == real["notices"]


def test_nobody_is_reminded_on_a_sunday(ntm: Ntm) -> None:
    ntm("open", "--on", "2020-06-21")
    assert "ngày nghỉ" in ntm("remind", "--on", "2020-06-21").stdout


def test_backup_is_a_database_that_opens(ntm: Ntm, tmp_path: Path) -> None:
    ntm("open", "--on", "2020-06-01")
    ntm("db", "backup", str(tmp_path / "copy.db"))
    url = f"sqlite:///{tmp_path / 'copy.db'}"
    assert "nguyên vẹn" in ntm("audit", "verify", NTM_DATABASE_URL=url).stdout
    assert ntm("db", "backup", str(tmp_path / "copy.db"), check=False).returncode == 1


def test_an_outdated_database_is_refused_and_the_command_named(ntm: Ntm, tmp_path: Path) -> None:
    import sqlite3

    ntm("db", "upgrade")
    with sqlite3.connect(tmp_path / "var" / "ntm.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    done = ntm("open", check=False)
    assert done.returncode == 1
    assert "ntm db upgrade" in done.stderr


def test_plan_and_explain_do_not_import_the_database_or_prefect(tmp_path: Path) -> None:
    code = (
        "import sys; from ntm_workflow.cli import main\n"
        "try: main(['explain', 'Quý II', '--year', '2020'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'prefect', 'sqlalchemy', 'apprise', 'fastapi'} & set(sys.modules)))"
    )
    env = {**os.environ, "NTM_VAR": str(tmp_path)}  # nothing was recorded there
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.splitlines()[-1] == "[]"
