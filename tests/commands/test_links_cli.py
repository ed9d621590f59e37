"""`ntm links`: a link given by hand, revoked, and never printed again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import shell
from tests.conftest import ROOT

EXAMPLE = ROOT / "config" / "contacts.example.csv"
VU_LE = "vanthu.vu-le@bacson.example.vn.invalid"
Ntm = Callable[..., str]


@pytest.fixture
def ntm(tmp_path: Path, migrated: None) -> Ntm:
    """Run `ntm` on a data folder of its own; what it says, on both streams."""

    def run(*args: str, code: int = 0, **more: str) -> str:
        env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var"), **more}
        done = shell.ntm(*args, env=env, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    run("contacts", "import", str(EXAMPLE))
    return run


def test_a_link_is_made_listed_and_revoked(ntm: Ntm) -> None:
    assert "Chưa có đường dẫn nào" in ntm("links", "list")
    base = {"NTM_BASE_URL": "https://ntm.example.vn"}
    made = ntm("links", "new", VU_LE, **base)
    found = re.search(r"^https://ntm\.example\.vn/v/1-([a-z2-7]{24})$", made, re.M)
    assert found
    ntm("links", "new", "Bộ phận văn thư xã Vũ Lễ", **base)
    listed = ntm("links", "list", VU_LE)
    assert listed.count("đang dùng được") == 2
    assert found[1] not in listed
    assert "số 1" in ntm("links", "revoke", VU_LE, "--link", "1")
    assert ntm("links", "list").count("đang dùng được") == 1
    assert "mọi đường dẫn" in ntm("links", "revoke", VU_LE)
    assert "đang dùng được" not in ntm("links", "list")
    assert "không có đường dẫn số 9" in ntm("links", "revoke", VU_LE, "--link", "9", code=1)


def test_without_an_address_of_the_installation_there_is_no_link(ntm: Ntm) -> None:
    assert "NTM_BASE_URL" in ntm("links", "new", VU_LE, code=2, NTM_BASE_URL="")


@pytest.mark.parametrize("days", ["0", "-1", "mai", "12345"])
def test_days_that_are_no_number_are_refused(ntm: Ntm, days: str) -> None:
    assert "NTM_LINK_DAYS" in ntm("links", "list", code=2, NTM_LINK_DAYS=days)
