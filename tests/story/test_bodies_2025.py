"""Bắc Sơn in 2025: eighteen communes become six, the district ends, and 2020 stays as it was.

Everything that speaks of 2020 is drawn twice, before the events of 2025 are
recorded and after, and compared byte by byte. Left out, because they must show
the events: the audit, the board (it tells what was done last) and the pages of
a body's own history.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from starlette.testclient import TestClient

from ntm_workflow.cli import cli
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.work import body_event_file, body_names
from ntm_workflow.work.body_events import Kind
from tests.bodies_scene import Bodies
from tests.conftest import ROOT
from tests.signing import client
from tests.web.web_office import furnish

FILE = ROOT / "config" / "examples" / "bac-son-2025.toml"
DAY = date(2025, 7, 1)
COMMANDS = (
    ("status", "--json"), ("status", "--as-of", "2020-06-22", "--by", "body"),
    *(("status", "--as-of", "2020-06-15", "--by", by, "--json")
      for by in ("section", "row", "body", "level")),
    ("tasks", "--limit", "1000", "--json"), ("tasks", "--limit", "1000"), ("tasks", "--late"),
    ("plan", "show", "--json"), ("plan", "check"), ("remind", "--dry-run", "--json"),
    ("contacts", "list"), ("explain", "Tháng 6, 10", "--year", "2020"),
)  # fmt: skip


@pytest.fixture
def town(rt: Runtime, open_on: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Bodies:
    """The office on 22 June 2020: contacts, 498 tasks, some handed in, a run of reminders."""
    town = Bodies(furnish(rt, open_on))
    for code in town.codes()[:60:3]:
        town.submit(code, date(2020, 6, 22))
    for code in town.codes()[:60:6]:
        town.accept(code, date(2020, 6, 22))
    town.remind(date(2020, 6, 22))
    monkeypatch.setenv("NTM_ROOT", str(ROOT))
    monkeypatch.setenv("NTM_VAR", str(rt.settings.var))
    monkeypatch.setenv("NTM_DATABASE_URL", rt.settings.database_url)
    return town


def replay(town: Bodies) -> list[int]:
    return [town.record(change, today=DAY).id for change in body_event_file.read(FILE)]


def pages(rt: Runtime) -> list[str]:
    """The addresses of everything that speaks of the plan of 2020."""
    with rt.reader() as session:
        tasks = list(session.scalars(select(Task.id).order_by(Task.id)))
    tasks = tasks[:: 3 if rt.engine.dialect.name == "sqlite" else 7]  # enough of them
    filters = ("", "?tinh-trang=qua-han", "?cap=xa", "?tim=vu+lang", "?don-vi=ubnd-vu-lang")
    return [
        "/phu-luc", "/tieu-chi", "/don-vi", "/thong-bao", "/thong-bao/1",
        *(f"/phu-luc/{row.id}" for row in rt.plan.all_rows),
        *(f"/don-vi/{body.id}" for body in rt.plan.bodies),
        *(f"/viec{only}" for only in filters), *(f"/viec/{task}" for task in tasks),
    ]  # fmt: skip


def drawn(rt: Runtime, browser: TestClient) -> dict[str, bytes]:
    found = {path: browser.get(path).content for path in pages(rt)}
    for command in COMMANDS:
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, (command, done.output)
        found[" ".join(command)] = done.stdout_bytes
    return found


def test_what_speaks_of_2020_is_the_same_byte_for_byte_after_2025(town: Bodies) -> None:
    browser = client(town.rt)
    browser.get("/viec")  # the cookie of its forms
    before = drawn(town.rt, browser)
    assert len(before) > 200
    replay(town)
    after = drawn(town.rt, browser)
    assert {name for name in before if before[name] != after.get(name)} == set()
    story = browser.get("/don-vi/ubnd-vu-lang/lich-su").text
    assert "1672/NQ-UBTVQH15" in story
    assert "Ủy ban nhân dân xã Tân Lập" in story


def test_the_eighteen_become_six_every_open_task_has_somebody_and_2020_counts_as_it_did(
    town: Bodies,
) -> None:
    commands = [c for c in COMMANDS if c[0] == "status" and "--as-of" in c]
    counted = [CliRunner().invoke(cli, command).stdout_bytes for command in commands]
    with town.rt.reader() as session:
        query = select(Task).where(Task.state == "open", Task.body_id.not_like("%-tinh"))
        left_open = {task.id for task in session.scalars(query)}
    events = replay(town)
    assert left_open == {one.task_id for one in town.proposals()}
    bodies_2020 = {body.id for body in town.rt.plan.bodies}
    with town.rt.reader() as session:
        called = body_names.given(session, DAY)
    assert {one.name for one in called.values() if one.id.startswith("ubnd-")} == {
        f"Ủy ban nhân dân xã {name}"
        for name in ("Bắc Sơn", "Hưng Vũ", "Vũ Lăng", "Nhất Hòa", "Vũ Lễ", "Tân Tri")
    }
    assert len(called) == 24  # UBND, BCĐ, BQL and BCĐ giảm nghèo of each
    assert not called.keys() & bodies_2020
    for event in events:
        town.confirm_all(event, DAY)
    review = town.states("III.1", "2020-06")
    assert sum(state == "open" for state in review.values()) == 12  # BCĐ and BQL of the six
    left = town.proposals("proposed")
    assert {one.to_body for one in left} == {None}  # the district's: a person must choose
    assert [CliRunner().invoke(cli, command).stdout_bytes for command in commands] == counted
    assert town.broken_audit() is None


def test_what_no_source_confirms_says_example_wherever_it_appears(town: Bodies) -> None:
    changes = body_event_file.read(FILE)
    sure = [c for c in changes if not c.example]
    assert {c.kind for c in sure} == {Kind.MERGE, Kind.END}
    assert {body.split("-")[0] for c in sure for body in c.bodies} == {"ubnd"}
    replay(town)
    for command in (("bodies", "events"), ("bodies", "history", "bql-vu-lang")):
        assert "ví dụ" in CliRunner().invoke(cli, command).output
    assert "ví dụ" not in CliRunner().invoke(cli, ["bodies", "history", "ubnd-vu-lang"]).output
    told = json.loads(CliRunner().invoke(cli, ["bodies", "events", "--json"]).output)
    assert [one["example"] for one in told] == [c.example for c in changes]
    browser = client(town.rt)
    assert "ví dụ" in browser.get("/don-vi/bql-vu-lang/lich-su").text
    assert "ví dụ" not in browser.get("/don-vi/ubnd-vu-lang/lich-su").text


def test_the_bodies_of_the_file_are_those_of_the_plan(town: Bodies, tmp_path: Path) -> None:
    named = [body for change in body_event_file.read(FILE) for body in change.bodies]
    units = {unit.id for unit in town.rt.plan.units}
    assert len(named) == len(set(named))
    for kind in ("ubnd", "bcd", "bql", "bcd-giam-ngheo"):
        assert {f"{kind}-{unit}" for unit in units} <= set(named)
    district = {body.id for body in town.rt.plan.bodies if body.level == "district"}
    assert district <= set(named)
