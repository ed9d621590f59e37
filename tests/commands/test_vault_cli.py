"""The audit, its bundle, backup and restore as a person meets them on the command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ntm_workflow.cli import cli, main
from tests.conftest import ROOT

TASK = "II.1/2020-Q1/phong-tc-kh"


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in whose plan one task was opened and handed in."""
    monkeypatch.setenv("NTM_ROOT", str(ROOT))
    monkeypatch.setenv("NTM_VAR", str(tmp_path / "var"))
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.4 phan bo von")
    ran("open", "--on", "2020-03-02")
    ran("submit", TASK, "--number", "5/BC-TCKH", "--date", "2020-03-10", "--subject", "Vốn",
        "--file", str(scan), "--as", "phong-tc-kh", "--on", "2020-03-11")  # fmt: skip
    return tmp_path / "var"


def ran(*args: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, args)
    assert done.exit_code == code, (args, done.output, done.exception)
    return done


def test_head_verify_export_and_the_story_of_a_task(var: Path, tmp_path: Path) -> None:
    line = ran("audit", "head").stdout.strip()
    assert ran("audit", "head").stdout.strip() == line
    key = ran("audit", "key").stdout.strip()
    assert len(bytes.fromhex(key)) == 32
    assert "khớp" in ran("audit", "verify", "--head", line).stdout
    out = tmp_path / "ho-so.zip"
    said = ran("audit", "export", "--from", "2020-01-01", "--to", "2030-12-31", str(out)).stdout
    assert "1 tệp minh chứng" in said
    assert out.stat().st_size > 1000
    assert "xuất nhật ký" in ran("audit", "show", "audit").stdout
    told = ran("audit", "task", TASK, "--as-of", "2020-03-05").stdout
    assert "đang mở, hạn 31/3/2020" in told
    assert "nộp minh chứng" not in told
    assert "5/BC-TCKH" in ran("audit", "task", TASK).stdout


def test_a_past_rewritten_with_every_right_is_named_with_its_day(var: Path) -> None:
    ran("audit", "head")
    with sqlite3.connect(var / "ntm.db") as database:
        database.execute("UPDATE task SET state = 'accepted' WHERE row_id = 'II.1'")
    said = ran("audit", "verify", code=1).stderr
    assert f":{TASK}: nhật ký ghi chờ thẩm định, hạn 31/3/2020, bảng ghi đạt" in said
    assert said.count("\n") == 1


def test_a_backup_says_that_the_key_is_not_in_it_and_is_restored_with_proof(
    var: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b"
    assert "KHÔNG có trong bản này" in ran("backup", str(out)).stdout
    assert "nguyên vẹn" in ran("backup", "verify", str(out)).stdout
    assert "đều khớp" in ran("restore", str(out), "--into", str(tmp_path / "new")).stdout
    with pytest.raises(SystemExit) as stopped:
        main(["restore", str(out)])
    assert stopped.value.code == 1
    assert "--force" in capsys.readouterr().err
    (next((out / "evidence").rglob("??/*"))).write_bytes(b"x")
    assert "không còn như khi lập" in ran("backup", "verify", str(out), code=1).stderr
