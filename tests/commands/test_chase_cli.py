"""`ntm chase` and `ntm forecast`, as an office runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ntm_workflow import runtime, settings
from tests import shell
from tests.scene import ROOT, SYSTEM, Scene

Ntm = Callable[..., str]
DAY = date(2020, 6, 22)
TASK = "III.1/2020-06/bql-tan-lap"


@pytest.fixture
def ntm(tmp_path: Path) -> Ntm:
    """The office on 22 June 2020; run `ntm`, get what it says, on both streams."""
    env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")}
    rt = runtime.load(settings.load(env))
    scene = Scene(rt)
    scene.example_contacts()
    rt.set_simulated(DAY, SYSTEM)
    scene.open(DAY)
    rt.engine.dispose()

    def run(*args: str, code: int = 0) -> str:
        done = shell.ntm(*args, env=env, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_a_task_is_chased_after_a_dry_run_and_once_a_day(ntm: Ntm) -> None:
    dry = ntm("chase", "--task", TASK, "--note", "Đề nghị nộp trong ngày.", "--dry-run")
    assert "Xem trước: 1 thông báo về 1 việc. Chưa ghi gì." in dry
    assert "Đề nghị nộp trong ngày." in dry
    assert "v***@bacson…" in dry
    assert "vanthu.tan-lap@" not in dry
    assert "Đã lập 1 thông báo về 1 việc" in ntm("chase", "--task", TASK)
    again = ntm("chase", "--task", TASK)
    assert "đã được đôn đốc 1 việc hôm nay" in again
    assert "không gửi thêm" in again


def test_rows_bodies_and_lists_are_chased(ntm: Ntm) -> None:
    row = json.loads(ntm("chase", "--row", "III.1", "--dry-run", "--json"))
    assert (row["tasks"], row["dry_run"]) == (34, True)
    late = json.loads(ntm("chase", "--filter", "qua-han", "--json"))
    assert late["notices"] == len(late["told"]) > 1
    names = [one["name"] for one in late["told"]]
    assert len(names) == len(set(names))
    assert json.loads(ntm("chase", "--body", "BQL xã Tân Lập", "--json"))["tasks"] > 0


def test_what_is_not_there_or_not_one_thing_is_refused(ntm: Ntm) -> None:
    assert "đúng một trong" in ntm("chase", code=1)
    assert "đúng một trong" in ntm("chase", "--row", "III.1", "--task", TASK, code=1)
    assert "không có dòng" in ntm("chase", "--row", "IX.9", code=1)
    assert "Các danh sách: con-phai-lam, qua-han" in ntm("chase", "--filter", "tre", code=1)


def test_a_forecast_is_said_by_day_and_recipient(ntm: Ntm) -> None:
    said = ntm("forecast", "--days", "10")
    assert "Từ 22/6/2020 đến 2/7/2020" in said
    assert "thứ Ba 30/6/2020:" in said
    assert "Người nhận nhiều nhất:" in said
    data = json.loads(ntm("forecast", "--days", "10", "--json"))
    assert len(data["items"]) == sum(one["items"] for one in data["notices"])


def test_a_forecast_says_what_a_rung_or_an_ordered_day_changes(ntm: Ntm) -> None:
    said = ntm("forecast", "--with-rung", "before=5")
    assert "Nếu thay đổi như vậy: thêm" in said
    assert "trước hạn 5 ngày" in said
    said = ntm("forecast", "--with-rung", "before=5", "--with-ordered-day", "2020-06-30=off")
    assert "thứ Ba 30/6/2020: bớt" in said
    assert "Không hiểu bậc" in ntm("forecast", "--with-rung", "T-5", code=1)
    assert "Không hiểu" in ntm("forecast", "--with-ordered-day", "30/6", code=1)
