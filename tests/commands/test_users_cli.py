"""`ntm users`: accounts from the command line; a password is never part of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import shell
from tests.conftest import ROOT

Ntm = Callable[..., str]


@pytest.fixture
def ntm(tmp_path: Path, migrated: None) -> Ntm:
    """Run `ntm` on a data folder of its own; what it says, on both streams."""

    def run(*args: str, code: int = 0, typed: str = "") -> str:
        env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")}
        done = shell.ntm("users", *args, env=env, cwd=tmp_path, typed=typed)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_accounts_are_made_listed_shut_and_opened(ntm: Ntm) -> None:
    assert "Chưa có tài khoản nào" in ntm("list")
    made = ntm("add", "An", "--role", "office", "--body", "BQL xã Tân Lập", "--email", "an@x.vn")
    once = re.search(r"^([a-z2-9]{4}-){3}[a-z2-9]{4}$", made, re.M)
    assert once
    ntm("add", "chi", "--role", "administrator", "--ask", typed="ruộng lúa chín vàng\n" * 2)
    listed = ntm("list")
    assert re.search(r"an +An +đơn vị thực hiện +bql-tan-lap +đang dùng", listed)
    assert once[0] not in listed
    assert "Đã khóa tài khoản an" in ntm("disable", "AN")
    assert "đã khóa" in ntm("list")
    assert "mở lại" in ntm("enable", "an@x.vn")
    assert "duy nhất" in ntm("disable", "chi", code=1)
    assert "0 phiên" in ntm("end-sessions", "an")
    assert "Đã đặt lại mật khẩu" in ntm("password", "an")
    assert "Đã tắt bước thứ hai" in ntm("totp", "reset", "an")


def test_what_cannot_be_is_refused_in_a_sentence(ntm: Ntm) -> None:
    assert "--body" in ntm("add", "an", "--role", "office", code=1)
    wrong = "BQL xã Tân Lậpp"
    assert wrong in ntm("add", "an", "--role", "office", "--body", wrong, code=1)
    typed = "ruộng lúa chín vàng\nruộng lúa chín vang\n"
    assert "không giống nhau" in ntm("add", "an", "--role", "leader", "--ask", typed=typed, code=1)
    typed = "ngắn\nngắn\n"
    assert "ít nhất 10 ký tự" in ntm("add", "an", "--role", "leader", "--ask", typed=typed, code=1)
    assert "Không có tài khoản an" in ntm("password", "an", code=1)
    assert "--password" not in ntm("add", "--help")
