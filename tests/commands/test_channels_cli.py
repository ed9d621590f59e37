"""`ntm channels`: secrets put in, where Zalo calls, and a code that is printed once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ntm_workflow.cli import cli
from tests.conftest import ROOT

EXAMPLE = ROOT / "config" / "contacts.example.csv"
VU_LE = "vanthu.vu-le@bacson.example.vn.invalid"
OA = 'app_id = "1000"\nsecret = "app-secret"\nrefresh_token = "rt"\noa_secret_key = "oa-key"\n'
BOT = 'token = "123456:bot-secret"\nwebhook_secret = "bot-webhook-secret"\n'


def test_a_code_is_printed_once_and_no_secret_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("NTM_ROOT", str(ROOT)), ("NTM_VAR", str(tmp_path)),
        ("NTM_BASE_URL", "https://ntm.example.vn"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    said: list[str] = []

    def ntm(*args: str, pasted: str = "") -> Result:
        done = CliRunner().invoke(cli, ["channels", *args], input=pasted)
        said.append(done.output)
        return done

    assert CliRunner().invoke(cli, ["contacts", "import", str(EXAMPLE)]).exit_code == 0
    assert ntm("set", "oa", "--kind", "zalooa", pasted=OA).exit_code == 0
    assert ntm("set", "bot", "--kind", "zalobot", pasted=BOT).exit_code == 0
    assert ntm("set", "mau", "--kind", "zbs", "--tokens-of", "oa").exit_code == 0
    listed = ntm("list").output
    assert listed.count("Zalo gọi về") == 2
    assert "https://ntm.example.vn/zalo/bot" in listed
    assert "https://ntm.example.vn/zalo/oa" in ntm("webhook", "oa").stdout
    for channel in ("oa", "bot", "mau"):
        made = ntm("link", VU_LE, channel).stdout
        assert re.fullmatch(r"LIENKET [0-9A-Z]{4}-[0-9A-Z]{4}\n", made)
    assert ntm("link", VU_LE, "mail").exception.key == "linkcode.kind"  # type: ignore[union-attr]
    for secret in ("app-secret", "oa-key", "bot-secret", "bot-webhook-secret"):
        assert not any(secret in one for one in said)
