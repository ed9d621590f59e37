"""Storage that fails: said clearly, and nothing half-written stays behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.evidence_files import EvidenceFiles
from tests import shell
from tests.scene import ROOT, Scene, only

TASK = "II.1/2020-Q1/phong-tc-kh"
LIMIT = 3_000_000  # bytes a process may write to one file: room for the database, not the scan


def ntm(var: Path, *args: str, limit: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with its files under `var`, no file growing beyond `limit` bytes."""
    env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(var), **env}
    return shell.ntm(*args, env=env, limit=limit)


def stored(var: Path) -> list[Path]:
    return [path for path in (var / "evidence").rglob("*") if path.is_file()]


def submit(var: Path, scan: Path, limit: int = 0) -> subprocess.CompletedProcess[str]:
    return ntm(
        var, "submit", TASK, "--number", "5/BC-TCKH", "--date", "2020-03-10", "--subject",
        "Phân bổ vốn", "--file", str(scan), "--as", "phong-tc-kh", "--on", "2020-03-11",
        limit=limit,
    )  # fmt: skip


def test_a_full_disk_refuses_the_evidence_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    var, scan = tmp_path / "var", tmp_path / "scan.pdf"
    scan.write_bytes(os.urandom(2 * LIMIT))
    assert ntm(var, "open", "--on", "2020-03-02").returncode == 0
    full = submit(var, scan, LIMIT)
    assert full.returncode != 0
    assert "Traceback" not in full.stderr
    assert "scan.pdf" in full.stderr
    assert stored(var) == []
    assert ntm(var, "audit", "verify").returncode == 0
    again = submit(var, scan)
    assert again.returncode == 0, again.stderr
    assert len(stored(var)) == 1


def test_a_file_that_breaks_off_while_it_is_read_leaves_nothing(tmp_path: Path) -> None:
    class Breaks(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(10)

    files = EvidenceFiles(tmp_path / "evidence", 1_000_000)
    with pytest.raises(OSError, match="Input/output"):
        files.put("scan.pdf", Breaks(b"x" * 100))
    assert [path for path in files.folder.rglob("*") if path.is_file()] == []


def test_evidence_stored_for_a_refused_submission_is_not_a_submission(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    scene = Scene(make_runtime(database_url, plan=only(plan, "II.1")))
    scene.open(date(2020, 3, 2))
    scene.submit(TASK, date(2020, 3, 3))
    with pytest.raises(Exception, match=r"task\.state"):
        scene.submit(TASK, date(2020, 3, 3))
    assert scene.task(TASK).state == "submitted"
    assert scene.broken_audit() is None


def test_a_database_that_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    said = ntm(tmp_path, "status", NTM_DATABASE_URL="postgresql://nobody@127.0.0.1:1/ntm")
    assert said.returncode == 2
    assert "Traceback" not in said.stderr
    assert "NTM_DATABASE_URL" in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


def test_a_database_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ntm.db").write_text("không phải cơ sở dữ liệu\n" * 100)
    said = ntm(tmp_path, "status")
    assert said.returncode == 2
    assert "Traceback" not in said.stderr


def test_a_full_disk_for_the_database_is_one_sentence_and_a_later_run_goes_on(
    tmp_path: Path,
) -> None:
    assert ntm(tmp_path, "status").returncode == 0
    size = (tmp_path / "ntm.db").stat().st_size
    full = ntm(tmp_path, "open", "--on", "2020-12-31", limit=size // 2)
    assert full.returncode != 0
    assert "Traceback" not in full.stderr
    again = ntm(tmp_path, "open", "--on", "2020-12-31", "--json")
    assert again.returncode == 0
    assert '"opened": 0' not in again.stdout
    assert ntm(tmp_path, "audit", "verify").returncode == 0
