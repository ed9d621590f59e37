"""`ntm plan diff` and `ntm plan apply` as a clerk or a script uses them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from ntm_workflow import runtime
from ntm_workflow.commands.plan import plan
from ntm_workflow.commands.work import open_
from ntm_workflow.errors import AppendixFaults, Refused
from ntm_workflow.store import whole_file
from ntm_workflow.store.tables import AuditHead, Task
from tests.amended import APPENDIX, Paper

Run = Callable[..., Result]
PAPER = (
    Paper()
    .set("IX.1", timing='"Quý III"')
    .without("V.2")
    .renumber(II_1="II.2", II_2="II.3")
    .insert("II.2", "II.1", "Giao vốn bổ sung")
    .own_number()
)
DAY = ("--on", "2020-08-12")


@pytest.fixture
def in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The appendix of an installation of its own; its tasks are opened up to 22 June 2020."""
    file = tmp_path / "config" / "appendix.toml"
    file.parent.mkdir()
    file.write_text(APPENDIX, "utf-8")
    monkeypatch.setenv("NTM_ROOT", str(tmp_path))
    monkeypatch.setenv("NTM_VAR", str(tmp_path / "var"))
    assert CliRunner().invoke(open_, ["--on", "2020-06-22"]).exit_code == 0
    return file


@pytest.fixture
def new(tmp_path: Path) -> Path:
    file = tmp_path / "moi.toml"
    file.write_bytes(PAPER.bytes)
    return file


def run(*args: str | Path, code: int = 0, text: str | None = None) -> Result:
    done = CliRunner().invoke(plan, [str(arg) for arg in args], input=text)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def state() -> tuple[Any, ...]:
    """The database in figures: entries in the audit, tasks by state."""
    rt = runtime.load()
    with rt.reader() as session:
        by_state = select(Task.state, func.count()).group_by(Task.state).order_by(Task.state)
        length = session.scalar(select(AuditHead.seq))
        found = (length, *map(tuple, session.execute(by_state)))
    rt.engine.dispose()
    return found


# -- diff ------------------------------------------------------------------------------


def test_diff_says_what_changed_in_words_and_touches_nothing(in_use: Path, new: Path) -> None:
    before = state()
    said = run("diff", in_use, new).output
    assert "điều chỉnh theo 45/KH-UBND ngày 10/8/2020: 5 thay đổi" in said
    assert "dòng V.2 bỏ: Tham gia các lớp tập huấn" in said
    assert "dòng II.1 mới: Giao vốn bổ sung" in said
    assert "dòng II.2 (trước đây là II.1): Phân bổ kế hoạch vốn" in said
    assert "thời gian: “Quý II” → “Quý III”" in said
    assert state() == before


def test_diff_of_a_file_with_itself_is_nothing(in_use: Path) -> None:
    assert run("diff", in_use, in_use).output == "Không có gì thay đổi.\n"
    assert json.loads(run("diff", in_use, in_use, "--json").output)["same"] is True


def test_diff_in_json_names_the_cells_and_the_questions(in_use: Path, new: Path) -> None:
    new.write_bytes(Paper(PAPER.text).set("X.1", content='"Sơ kết, tổng kết phong trào"').bytes)
    found = json.loads(run("diff", in_use, new, "--json").output)
    (row,) = [c for c in found["changes"] if c["name"] == "IX.1"]
    assert row["cells"] == [{"name": "timing_text", "before": "Quý II", "after": "Quý III"}]
    assert [(q["old"], q["new"]) for q in found["questions"]] == [("X.1", "X.1")]
    answered = json.loads(run("diff", in_use, new, "--json", "--match", "X.1=X.1").output)
    assert answered["questions"] == []


def test_every_change_has_a_sentence(in_use: Path, new: Path) -> None:
    unit = '[[unit]]\nid = "moi"\nname = "Mới"\nlevel = "commune"\n\n'
    day = '[[ordered_day]]\nday = 2020-09-01\noff = true\ndocument = "1/X"\n\n[rules]'
    paper = (
        PAPER.replace("[rules]", day)
        .replace("then_every = 7 ", "then_every = 5 ")
        .replace('day_off = "next"  ', 'day_off = "none"  ')
        .replace('title = "Kiến toàn bộ máy"', 'title = "Kiện toàn bộ máy"')
        .replace("total = 18", "total = 17")
        .without("TC17", "chi-cuc-thong-ke")
        .replace('directing = "Chi cục Thống kê"', 'directing = "Phòng TC-KH"')
        .replace("added = 4", "added = 5")
        .set("don-vi-lien-quan", members='["phong-tc-kh"]')
        .set("IX.1", scope=None, note='"năm xã"', every='["quarter"]', lead_days="5")
    )
    paper = paper.replace(paper.entry("vu-son"), paper.entry("vu-son") + unit)
    new.write_bytes(paper.bytes)
    said = run("diff", in_use, new).output
    assert "amend." not in said
    assert "thêm BQL NTM xã Bắc Quỳnh" in said
    assert "tất cả các xã" in said
    assert "đơn vị hành chính mới: Mới (moi)" in said
    assert "đơn vị bỏ: Chi cục Thống kê huyện Bắc Sơn (chi-cuc-thong-ke)" in said
    new.write_bytes(Paper().bytes)
    back = in_use.with_name("sau.toml")
    back.write_bytes(paper.bytes)
    assert "amend." not in run("diff", back, new).output


def test_a_broken_file_is_told_with_its_lines(in_use: Path, new: Path) -> None:
    new.write_bytes(PAPER.set("X.1", timing='"Thág 6"').bytes)
    with pytest.raises(AppendixFaults):
        run("diff", in_use, new)


# -- apply -----------------------------------------------------------------------------


def test_a_dry_run_says_what_it_means_and_changes_nothing(in_use: Path, new: Path) -> None:
    before, text = state(), in_use.read_bytes()
    said = run("apply", new, *DAY, "--dry-run").output
    assert "10 việc đang mở chuyển sang hạn mới" in said
    assert "dòng IX.1, quý II/2020: 10 việc, từ 30/6/2020 sang 30/9/2020" in said
    assert "Chỉ xem trước" in said
    assert (state(), in_use.read_bytes()) == (before, text)


def test_a_no_changes_nothing_and_a_yes_applies(in_use: Path, new: Path) -> None:
    before, text = state(), in_use.read_bytes()
    assert "Chưa thay đổi gì." in run("apply", new, *DAY, text="n\n").output
    assert (state(), in_use.read_bytes()) == (before, text)
    said = run("apply", new, *DAY, text="y\n").output
    assert "Đã áp dụng điều chỉnh theo 45/KH-UBND ngày 10/8/2020: 10 việc đổi hạn" in said
    assert 'printed = "II.3"' in in_use.read_text("utf-8")


def test_applying_again_changes_neither_database_nor_file(in_use: Path, new: Path) -> None:
    run("apply", new, *DAY, "--yes")
    after, text = state(), in_use.read_bytes()
    again = json.loads(run("apply", new, *DAY, "--yes", "--json").output)
    assert (again["same"], again["applied"]) == (True, False)
    assert run("apply", new, *DAY, "--yes").output == "Không có gì thay đổi.\n"
    assert (state(), in_use.read_bytes()) == (after, text)


def test_json_lists_every_task_that_moves_or_is_cancelled(in_use: Path, new: Path) -> None:
    found = json.loads(run("apply", new, *DAY, "--yes", "--json").output)
    assert found["applied"] is True
    assert found["document"] == "45/KH-UBND ngày 10/8/2020"
    fates = {one["task"]: one["fate"] for one in found["tasks"]}
    assert fates["V.2/2020-Q3/vpdp-tinh"] == "row_left"
    assert fates["IX.1/2020-Q2/bql-vu-son"] == "moved"
    assert [one["row_id"] for one in found["opens"]] == ["II.1b"]


def test_a_question_stops_it_until_it_is_answered(in_use: Path, new: Path) -> None:
    new.write_bytes(PAPER.set("X.1", content='"Sơ kết, tổng kết phong trào"').bytes)
    before = state()
    said = run("apply", new, *DAY, "--yes", code=1).output
    assert "dòng X.1 cũ “Họp Ban Chỉ đạo huyện” có phải là dòng X.1 mới" in said
    assert "--match X.1=X.1" in said
    assert state() == before
    run("apply", new, *DAY, "--yes", "--match", "X.1=X.1")


def test_an_edit_of_the_same_plan_needs_the_document_that_orders_it(
    in_use: Path, new: Path
) -> None:
    new.write_bytes(Paper().without("V.2").bytes)
    run("apply", new, *DAY, "--dry-run")
    with pytest.raises(Refused) as refused:
        run("apply", new, *DAY, "--yes")
    assert refused.value.key == "amend.no_document"
    run("apply", new, *DAY, "--yes", "--document", "50/UBND-NN ngày 12/8/2020")


def test_the_file_in_use_itself_is_refused_before_it_is_read_as_the_plan(in_use: Path) -> None:
    before = state()
    in_use.write_bytes(Paper().without("V.2").bytes)
    with pytest.raises(Refused) as refused:
        run("apply", in_use, "--yes", "--document", "x")
    assert refused.value.key == "amend.same_file"
    in_use.write_text(APPENDIX, "utf-8")
    assert state() == before


def test_a_paper_that_lists_only_what_changes_is_warned_of(in_use: Path, new: Path) -> None:
    kept = ("I.1", "IX.1")
    new.write_bytes(Paper().without(*(r.id for r in Paper().plan.rows if r.id not in kept)).bytes)
    assert "CHÚ Ý: 12 trong 14 dòng" in run("apply", new, *DAY, "--dry-run").output


@pytest.mark.parametrize("value", ["II.1", "=II.1", "II.1=", "-=-"])
def test_an_answer_that_cannot_be_read_says_how_to_write_it(new: Path, value: str) -> None:
    assert "CŨ=MỚI" in run("diff", new, new, "--match", value, code=2).output


def test_a_file_that_cannot_be_replaced_is_said_and_the_database_counts(
    in_use: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, os.strerror(28))

    text = in_use.read_bytes()
    monkeypatch.setattr(whole_file, "replace", full)
    done = run("apply", new, *DAY, "--yes", code=1)
    assert "KHÔNG ghi được tệp" in done.output
    assert in_use.read_bytes() == text


def test_a_replaced_file_keeps_its_mode_and_its_link_and_leaves_nothing_beside(
    tmp_path: Path,
) -> None:
    real, link = tmp_path / "that.toml", tmp_path / "phu-luc.toml"
    real.write_text("cũ")
    real.chmod(0o640)
    link.symlink_to(real)
    whole_file.replace(link, "mới".encode())
    assert (real.read_text("utf-8"), real.stat().st_mode & 0o777) == ("mới", 0o640)
    assert link.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["phu-luc.toml", "that.toml"]


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "phu-luc.toml"
    file.write_text("cũ")

    def full(_fd: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"."):
        whole_file.replace(file, "mới".encode())
    assert file.read_text("utf-8") == "cũ"
    assert [p.name for p in tmp_path.iterdir()] == ["phu-luc.toml"]
