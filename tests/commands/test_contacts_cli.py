"""`ntm contacts`: a list of people kept by command and by file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import shell
from tests.conftest import ROOT

Ntm = Callable[..., str]
EXAMPLE = ROOT / "config" / "contacts.example.csv"
VU_LE = "vanthu.vu-le@bacson.example.vn.invalid"
TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"


@pytest.fixture
def ntm(tmp_path: Path, migrated: None) -> Ntm:
    """Run `ntm` on a data folder of its own; what it says, on both streams."""

    def run(*args: str, code: int = 0) -> str:
        env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")}
        done = shell.ntm("contacts", *args, env=env, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_contacts_are_exported_edited_and_imported_again(ntm: Ntm, tmp_path: Path) -> None:
    assert "thay đổi 34" in ntm("import", str(EXAMPLE))
    for name in ("ra.xlsx", "ra.csv"):
        ntm("export", name)
        assert "thay đổi 0" in ntm("import", name)
    file = tmp_path / "ra.csv"
    file.write_text(file.read_text("utf-8-sig").replace(VU_LE, "moi@x.vn"), "utf-8")
    dry = ntm("import", "ra.csv", "--dry-run")
    assert "Bộ phận văn thư xã Vũ Lễ đổi thư điện tử" in dry
    assert "sẽ thay đổi 1; chưa ghi gì" in dry
    assert "moi@x.vn" not in ntm("list")
    ntm("import", "ra.csv")
    assert "moi@x.vn" in ntm("list")


def test_a_file_with_faults_names_each_line_and_changes_nothing(ntm: Ntm, tmp_path: Path) -> None:
    file = tmp_path / "sai.csv"
    file.write_text("body,name,email\nubnd-huyen,A,x@\nkhông có,B,b@x.vn\n", "utf-8")
    said = ntm("import", str(file), code=1)
    assert "dòng 2:" in said
    assert "dòng 3:" in said
    assert "b@x.vn" not in ntm("list")


def test_an_absence_with_its_deputy_and_the_way_back(ntm: Ntm, tmp_path: Path) -> None:
    ntm("import", str(EXAMPLE))
    ntm("absent", VU_LE, "--from", "2020-06-01", "--until", "2020-06-30", "--deputy", TAN_LAP)
    ntm("set", VU_LE, "--quiet", "22h-6h", "--digest-at", "8:30", "--name", "Văn thư Vũ Lễ")
    ntm("export", "ra.csv")
    line = next(one for one in (tmp_path / "ra.csv").read_text("utf-8-sig").splitlines()
                if VU_LE in one)  # fmt: skip
    assert line.split(";")[-5:] == ["1/6/2020", "30/6/2020", TAN_LAP, "22:00-06:00", "08:30"]
    ntm("absent", "văn thư vũ lễ")
    ntm("export", "ra.csv")
    assert "1/6/2020" not in (tmp_path / "ra.csv").read_text("utf-8-sig")


def test_what_cannot_be_is_refused_in_words(ntm: Ntm) -> None:
    ntm("import", str(EXAMPLE))
    assert "người khác" in ntm("absent", VU_LE, "--from", "1/6/2020", "--deputy", VU_LE, code=1)
    assert "trùm hết giờ gửi" in ntm("set", VU_LE, "--quiet", "6:00-20:00", code=1)
    assert "Không có đầu mối" in ntm("set", "khong@ai.vn", "--inactive", code=1)
    assert "đầu mối khác" in ntm("set", VU_LE, "--email", TAN_LAP, code=1)
