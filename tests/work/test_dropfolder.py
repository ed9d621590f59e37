"""Claims about the drop folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ntm_workflow.runtime import Runtime
from ntm_workflow.work import dropfolder, evidence, tasks
from tests.conftest import TESTER

CODE = "III.1/2020-06/bql-tan-lap"
CARD = "Số: 12/BC-UBND\nNgày: 15/6/2020\nTrích yếu: Kết quả rà soát\n"


@pytest.fixture
def ready(rt: Runtime, open_on: Callable[[Runtime, date], object]) -> Runtime:
    open_on(rt, date(2020, 6, 1))
    rt.set_simulated(date(2020, 6, 22), TESTER)
    return rt


def lay(rt: Runtime, card: str = CARD, code: str = CODE) -> Path:
    folder = rt.settings.var / "drop" / code.replace("/", "_")
    folder.mkdir(parents=True)
    (folder / "báo cáo.pdf").write_bytes(b"%PDF-1.4 noi dung")
    (folder / "van-ban.txt").write_text(card, "utf-8")
    return folder


def test_a_folder_becomes_evidence_of_its_task_and_is_put_away(ready: Runtime) -> None:
    folder = lay(ready)
    (taken,) = dropfolder.collect(ready, actor=TESTER)
    assert (taken.task, taken.fault) == (CODE, "")
    assert not folder.exists()
    with ready.reader() as session:
        task = tasks.find(session, CODE)
        submission = evidence.waiting(session, task)
        assert submission is not None
        assert (submission.number, submission.symbol) == ("12", "BC-UBND")
        assert [f.name for f in submission.files] == ["báo cáo.pdf"]
    assert dropfolder.collect(ready, actor=TESTER) == []


def test_a_folder_taken_before_a_death_is_not_handed_in_twice(ready: Runtime) -> None:
    folder = lay(ready)
    copy = ready.settings.var / "copy"
    shutil.copytree(folder, copy)
    dropfolder.collect(ready, actor=TESTER)
    shutil.move(copy, folder)
    assert dropfolder.collect(ready, actor=TESTER)[0].fault == ""
    with ready.reader() as session:
        assert len(evidence.of_task(session, tasks.find(session, CODE))) == 1


def test_what_cannot_be_taken_says_why_and_is_tried_again_once_it_changed(ready: Runtime) -> None:
    folder = lay(ready, card="Số: 12\nNgày: 15/6/2020\nTrích yếu: x\n")
    (taken,) = dropfolder.collect(ready, actor=TESTER)
    assert "12/BC-UBND" in taken.fault
    assert (folder / "LOI.txt").read_text("utf-8").strip() == taken.fault
    assert dropfolder.collect(ready, actor=TESTER) == []
    (folder / "van-ban.txt").write_text(CARD, "utf-8")
    later = (folder / "LOI.txt").stat().st_mtime + 5
    os.utime(folder / "van-ban.txt", (later, later))
    assert dropfolder.collect(ready, actor=TESTER)[0].fault == ""


def test_a_folder_of_no_task_stays_with_its_reason(ready: Runtime) -> None:
    lay(ready, code="III.1/2020-06/khong-co")
    (taken,) = dropfolder.collect(ready, actor=TESTER)
    assert "III.1/2020-06/khong-co" in taken.fault


def test_a_folder_still_being_written_waits(ready: Runtime) -> None:
    folder = lay(ready)
    (folder / "van-ban.txt").unlink()
    assert dropfolder.collect(ready, actor=TESTER) == []
    assert folder.exists()
