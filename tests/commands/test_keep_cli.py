"""`ntm keys`, `ntm privacy`, `ntm contacts erase`, `ntm db grant`, and secrets from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ntm_workflow import settings
from ntm_workflow.errors import ConfigError
from tests import shell
from tests.conftest import ROOT

Ntm = Callable[..., str]
CONTACT = "vanthu.tan-lap@bacson.example.vn.invalid"


@pytest.fixture
def ntm(tmp_path: Path, migrated: None) -> Ntm:
    """Run `ntm` on a data folder of its own; what it says, on both streams."""

    def run(*args: str, code: int = 0) -> str:
        env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")}
        done = shell.ntm(*args, env=env, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_a_key_is_changed_and_a_person_erased_from_the_command_line(ntm: Ntm, tmp_path: Path
) -> None:  # fmt: skip
    ntm("contacts", "import", str(ROOT / "config" / "contacts.example.csv"))
    secret = tmp_path / "ma.txt"
    secret.write_text("123:tok-9999")
    ntm("channels", "set", "bot", "--kind", "zalobot", "--secret-file", str(secret))
    before = (tmp_path / "var" / "secret.key").read_text().strip()
    assert "Chỉ có một khóa" in ntm("keys", "drop", code=1)
    assert "mã của kênh gửi: mã hóa lại 1" in ntm("keys", "rotate")
    assert "Không còn gì cần khóa cũ" in ntm("keys", "check")
    assert "Đã bỏ 1 khóa cũ" in ntm("keys", "drop")
    assert before not in (tmp_path / "var" / "secret.key").read_text()
    assert "Nhật ký vẫn nguyên vẹn" in ntm("contacts", "erase", CONTACT, "--yes")
    assert CONTACT not in ntm("contacts", "list")
    assert "giữ 730 ngày" in ntm("privacy", "show")
    assert "Đã xóa 0 thư và dữ liệu của 0 đầu mối" in ntm("privacy", "apply")
    assert "chỉ PostgreSQL" in ntm("db", "grant", "ntm_app", code=1)
    ntm("audit", "verify")


def test_a_secret_may_stand_in_a_file_that_its_variable_names(tmp_path: Path) -> None:
    names = {"NTM_DATABASE_URL": "database_url", "NTM_MAIL_URL": "mail_url",
             "NTM_MAILBOX_URL": "mailbox_url", "NTM_PING_URL": "ping_url",
             "NTM_OIDC_CLIENT_SECRET": "oidc_secret"}  # fmt: skip
    for variable, name in names.items():
        file = tmp_path / variable
        file.write_text(f"x://{variable}\n")
        read = settings.load({f"{variable}_FILE": str(file), variable: "not this"})
        assert getattr(read, name) == f"x://{variable}"
        assert variable not in repr(read)
        with pytest.raises(ConfigError, match=f"{variable}_FILE"):
            settings.load({f"{variable}_FILE": str(tmp_path / "none")})
    with pytest.raises(ConfigError, match="NTM_KEEP_MAIL_DAYS"):
        settings.load({"NTM_KEEP_MAIL_DAYS": "-1"})
    assert settings.load({"NTM_KEEP_MAIL_DAYS": "0"}).keep_mail_days == 0
