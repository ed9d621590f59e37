"""`ntm remind --quarter`: who would get what, said before anything is written."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from ntm_workflow import runtime
from ntm_workflow.commands import chase
from ntm_workflow.store.tables import AuditEntry, Notice
from ntm_workflow.store.tables.base import Base
from tests.scene import Scene

QUARTER = ("--quarter", "2020-Q2", "--on", "2020-06-02")


@pytest.fixture
def scene(rt: runtime.Runtime, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The plan on 1/6/2020 with four contacts, as the command line finds it."""
    made = Scene(rt)
    made.contact("an", "bql-tan-lap", "bcd-tan-lap")
    made.contact("binh", "vpdp-huyen")
    made.contact("chi", "bcd-huyen")
    made.open(date(2020, 6, 1))
    monkeypatch.setattr(runtime, "load", lambda *a, **k: rt)
    return made


def remind(*args: str) -> str:
    done = CliRunner().invoke(chase.remind, [*QUARTER, *args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def asked(*args: str) -> dict[str, Any]:
    return dict(json.loads(remind("--json", *args)))


def rows(scene: Scene, table: type[Base]) -> int:
    with scene.rt.reader() as session:
        return session.query(table).count()


def test_a_dry_run_says_who_would_get_what_and_changes_nothing(scene: Scene) -> None:
    before = rows(scene, AuditEntry)
    said = remind("--dry-run")
    assert "Đôn đốc quý: " in said
    assert "Dự thảo công văn đôn đốc: 1 thư\n  binh (mail): " in said
    assert "Tổng hợp đôn đốc quý: " in said
    assert rows(scene, Notice) == 0
    assert rows(scene, AuditEntry) == before


def test_what_a_dry_run_says_is_what_is_queued_and_repeated_nothing_is(scene: Scene) -> None:
    dry = asked("--dry-run")
    real = asked()
    assert dry["recipients"] == real["recipients"] != []
    assert real["notices"] == rows(scene, Notice)
    assert asked()["notices"] == 0


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [("owed", {"quarter-opening"}), ("still-owes", {"quarter-owing", "quarter-letter"}),
     ("summary", {"quarter-summary"})],
)  # fmt: skip
def test_each_kind_queues_its_own_and_once(scene: Scene, kind: str, kinds: set[str]) -> None:
    assert {one["kind"] for one in asked("--kind", kind)["recipients"]} == kinds
    assert asked("--kind", kind)["notices"] == 0


def test_a_run_by_hand_leaves_the_run_of_the_day_nothing_to_repeat(scene: Scene) -> None:
    asked("--kind", "still-owes")
    asked("--kind", "summary")
    assert scene.quarter(date(2020, 6, 2)).notices == 0
