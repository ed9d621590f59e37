"""`ntm links`: a link given by hand, revoked, and never printed again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from ntm_workflow import runtime, settings
from ntm_workflow.store.tables import Contact
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry
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


def test_what_was_done_by_a_link_is_shown_and_found_under_the_contacts_name(
    ntm: Ntm, tmp_path: Path
) -> None:
    rt = runtime.load(settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")}))
    with rt.sessions.begin() as session:
        number = session.scalars(select(Contact.id).where(Contact.email == VU_LE)).one()
        by = Actor("", "office", "bql-vu-le", "link", contact=number)
        done = [Entry(Action.TASK_ACKNOWLEDGED, "III.1/2020-06/bql-vu-le")]
        audit.append(session, by, rt.now(), done)
    rt.engine.dispose()
    name = f"Bộ phận văn thư xã Vũ Lễ (đầu mối số {number})"
    shown = ntm("audit", "show", "--who", "van thu xa vu le")
    assert shown.count(name) == shown.count("III.1/2020-06/bql-vu-le") == 1
    assert name not in ntm("audit", "show", "--who", "van thu xa vu lang")
    (entry,) = json.loads(ntm("audit", "show", "III.1", "--json"))
    assert (entry["actor"], entry["contact_name"]) == (f"contact/{number}", name.split(" (")[0])


def test_without_an_address_of_the_installation_there_is_no_link(ntm: Ntm) -> None:
    assert "NTM_BASE_URL" in ntm("links", "new", VU_LE, code=2, NTM_BASE_URL="")


@pytest.mark.parametrize("days", ["0", "-1", "mai", "12345"])
def test_days_that_are_no_number_are_refused(ntm: Ntm, days: str) -> None:
    assert "NTM_LINK_DAYS" in ntm("links", "list", code=2, NTM_LINK_DAYS=days)
