"""`ntm mailbox check` on a mailbox that is not there, or cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import shell

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("", 2, "Chưa đặt NTM_MAILBOX_URL"),
        ("imaps://a:bi-mat@host/?address=khong", 2, "NTM_MAILBOX_URL không dùng được"),
        ("imap://a:bi-mat@127.0.0.1:9/?address=a@huyen.vn", 1, "Không đọc được hộp thư"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_one_sentence_without_its_password(
    tmp_path: Path, url: str, code: int, said: str
) -> None:
    env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var"), "NTM_MAILBOX_URL": url}
    done = shell.ntm("mailbox", "check", env=env, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "bi-mat" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
