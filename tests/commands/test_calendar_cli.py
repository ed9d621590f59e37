"""`ntm calendar`, used as a person or a script would: a real process each time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import shell
from tests.conftest import ROOT

Ntm = Callable[..., shell.Result]
ORDER = ("calendar", "order", "30/6/2020", "off", "--document", "15/CĐ-UBND")


@pytest.fixture
def ntm(tmp_path: Path) -> Ntm:
    """Run `ntm` on a data folder of its own; `fails=True` to expect a failure."""

    def run(*args: str, fails: bool = False) -> shell.Result:
        env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")}
        done = shell.ntm(*args, env=env, cwd=tmp_path)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done

    return run


def out(done: shell.Result) -> str:
    return done.stdout


def test_the_year_is_a_table_with_reasons_documents_and_counts(ntm: Ntm) -> None:
    text = out(ntm("calendar", "2026"))
    assert "Lịch làm việc năm 2026: 249 ngày làm việc" in text
    assert "thứ Sáu 2/1/2026    nghỉ theo 12729/VPCP-KGVX" in text
    assert "thứ Bảy 10/1/2026   làm bù theo 12729/VPCP-KGVX" in text
    data = json.loads(out(ntm("calendar", "2026", "--json")))
    assert sum(month["working_days"] for month in data["months"]) == data["working_days"] == 249


def test_a_year_far_ahead_says_that_it_is_expected(ntm: Ntm) -> None:
    assert "Lịch làm việc năm 2098 (dự kiến)" in out(ntm("calendar", "2098"))
    assert "1976" in ntm("calendar", "3000", fails=True).stderr


def test_the_calendar_file_is_bytes_as_the_standard_wants_on_screen_and_on_disk(
    ntm: Ntm, tmp_path: Path
) -> None:
    shown = ntm("calendar", "2020", "--plan", "--ics", "-").stdout
    assert "\n" not in shown.replace("\r\n", "")
    assert shown.count("BEGIN:VEVENT") > 50
    done = ntm("calendar", "2020", "--plan", "--ics", "nam.ics")
    assert "sự kiện vào nam.ics" in out(done)
    assert (tmp_path / "nam.ics").read_bytes().decode().count("UID:28-kh-ubnd-2020/II.2/") == 2
    lost = ntm("calendar", "2020", "--ics", "khong-co/nam.ics", fails=True)
    assert "Không ghi được" in lost.stderr


def test_a_dry_run_says_what_would_move_and_writes_nothing(ntm: Ntm) -> None:
    ntm("open", "--on", "2020-06-22")
    looked = json.loads(out(ntm(*ORDER, "--dry-run", "--json")))
    assert looked["recorded"] is False
    assert looked["tasks"] > 70
    assert {"row": "III.1", "from": "2020-06-30", "to": "2020-07-01", "tasks": 34}.items() <= next(
        move for move in looked["moves"] if move["row"] == "III.1"
    ).items()
    assert "III.1  " in out(ntm(*ORDER, "--dry-run"))
    assert "Chưa ghi ngày nghỉ" in out(ntm("calendar", "orders"))


def test_without_a_person_to_ask_nothing_is_recorded(ntm: Ntm) -> None:
    assert "--yes" in ntm(*ORDER, fails=True).stderr
    assert "15/CĐ-UBND" not in out(ntm("calendar", "orders"))


def test_an_order_shows_in_the_tasks_the_audit_the_explanation_and_the_calendar(
    ntm: Ntm,
) -> None:
    ntm("open", "--on", "2020-06-22")
    assert "Đã chuyển hạn" in out(ntm(*ORDER, "--yes", "--note", "mưa lũ"))
    assert "1/7/2020" in out(ntm("tasks", "--row", "III.1", "--limit", "1"))
    [entry] = json.loads(out(ntm("audit", "show", "day/2020-06-30", "--json")))
    assert entry["data"] == {"day": "2020-06-30", "document": "15/CĐ-UBND", "note": "mưa lũ"}
    assert "nghỉ theo 15/CĐ-UBND" in out(ntm("explain", "Tháng 6", "--year", "2020"))
    assert "nghỉ theo 15/CĐ-UBND" in out(ntm("calendar", "2020"))
    assert "có sẵn" in out(ntm("calendar", "orders"))
    assert "từ trước" in out(ntm(*ORDER, "--yes"))
    withdraw = ("calendar", "withdraw", "2020-06-30", "--document", "15/CĐ-UBND", "--yes")
    assert "Đã rút" in out(ntm(*withdraw))
    assert "30/6/2020" in out(ntm("tasks", "--row", "III.1", "--limit", "1"))
    kept = json.loads(out(ntm("calendar", "orders", "--json")))
    ours = [row["act"] for row in kept if row["day"] == "2020-06-30"]
    assert ours == ["off", "withdrawn"]
    assert "nguyên vẹn" in out(ntm("audit", "verify"))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("31/6/2020", "off", "--document", "1/X"), "không phải một ngày có thật"),
        (("hôm qua", "off", "--document", "1/X"), "không phải một ngày có thật"),
        (("30/6/2020", "off"), "Chưa nêu văn bản"),
        (("28/6/2020", "off", "--document", "1/X"), "Chủ nhật 28/6/2020 vốn đã là ngày nghỉ"),
        (("29/6/2020", "worked", "--document", "1/X"), "vốn là ngày làm việc bình thường"),
    ],
)
def test_what_cannot_be_ordered_is_said_in_a_sentence(
    ntm: Ntm, args: tuple[str, ...], said: str
) -> None:
    done = ntm("calendar", "order", *args, "--yes", fails=True)
    assert said in done.stderr


def test_explaining_goes_on_without_a_database_that_can_be_read(ntm: Ntm, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "ntm.db").write_bytes(b"not a database, but longer than its header" * 9)
    done = ntm("explain", "Tháng 6", "--year", "2020")
    assert "thứ Ba 30/6/2020" in out(done)
    assert "Chưa đọc được các ngày" in done.stderr
