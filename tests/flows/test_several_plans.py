"""Every plan in force has its deployments, and they follow while the runner runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from sqlalchemy import func, select

from flows.open_tasks import open_due, open_tasks
from flows.send_reminders import send_reminders
from flows.simulate import advance
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import deployments, flow_run, runner, schedules
from ntm_workflow.store.tables import Task
from ntm_workflow.work.audit import Actor
from tests.flows.prefect_helpers import ROOT
from tests.second_plan import FIRST, SECOND, end, paper, put

NEW_YEAR = date(2021, 1, 5)
TEXT = paper("Tháng 1", "Quý II")
ROW = f"{SECOND}-row-iii-1"

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture
def rt(installation: Path) -> Iterator[Runtime]:
    rt = flow_run.load()
    rt.set_simulated(NEW_YEAR, Actor("test", via="test"))
    yield rt
    rt.engine.dispose()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation's own plan has one row only: what is timed is the second one."""
    file = tmp_path / "own.toml"
    file.write_bytes(paper("Tháng 12", number=7, year=2020, effective=date(2020, 3, 2)))
    monkeypatch.setenv("NTM_APPENDIX", str(file))


def opened(rt: Runtime, plan_id: str) -> int:
    query = select(func.count()).select_from(Task).where(Task.plan_id == plan_id)
    with rt.reader() as session:
        return session.scalar(query) or 0


def test_the_own_plan_keeps_its_names_and_the_others_carry_their_id(rt: Runtime) -> None:
    alone = schedules.of(rt)
    rt = put(rt, TEXT, NEW_YEAR)
    both = {item.name: item for item in schedules.of(rt)}
    rows = [item for item in alone if item.row]
    assert [both[item.name] for item in rows] == rows
    assert both[ROW].parameters == {"row_id": "III.1", "plan_id": SECOND}
    assert both[ROW].days == (date(2021, 1, 4),)
    assert len(both) == len(alone) + 2
    assert date(2021, 4, 1) in (both["quarterly-reminder"].days or ())
    assert date(2020, 4, 1) in (both["quarterly-reminder"].days or ())


def test_an_ended_plan_has_no_deployments_and_nobody_takes_over_its_names(rt: Runtime) -> None:
    rt = end(put(rt, TEXT, NEW_YEAR), FIRST, NEW_YEAR)
    rows = {item.name for item in schedules.of(rt) if item.row}
    assert rows == {ROW, f"{SECOND}-row-iv-1"}


def test_the_file_of_deployments_is_that_of_the_own_plan_to_the_byte(rt: Runtime) -> None:
    kept = (ROOT / "deployments" / "prefect.yaml").read_text("utf-8")
    assert deployments.as_yaml(schedules.of(rt)) == kept


@pytest.mark.usefixtures("small", "prefect")
def test_deployments_follow_the_plans_while_the_runner_runs(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOOK_EVERY", 0.2)
    before = set(asyncio.run(deployments.apply(schedules.of(rt), NEW_YEAR)).ids)

    async def live() -> list[set[str]]:
        made = runner.DrainingRunner(name="test", pause_on_shutdown=False)
        following = asyncio.create_task(runner.follow(made, rt))
        seen = []
        for act, wanted in (
            (lambda: put(rt, TEXT, NEW_YEAR), {ROW, f"{SECOND}-row-iv-1"}),
            (lambda: end(rt, SECOND, NEW_YEAR), set()),
        ):
            await asyncio.to_thread(act)
            seen.append(await _until(before | wanted | {deployments.SIMULATE}))
        following.cancel()
        return seen

    assert asyncio.run(live()) == [
        before | {deployments.SIMULATE, ROW, f"{SECOND}-row-iv-1"},
        before | {deployments.SIMULATE},
    ]


async def _until(wanted: set[str], seconds: float = 40) -> set[str]:
    async with get_client() as client:
        for _ in range(int(seconds / 0.3)):
            found = {one.name for one in await deployments.ours(client)}
            if found == wanted:
                break
            await asyncio.sleep(0.3)
        return found


def test_a_look_that_fails_does_not_end_the_looking(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOOK_EVERY", 0.01)
    applied: list[list[str]] = []

    async def broken_once(_runner: Any, now: Runtime) -> None:
        applied.append([plan.id for plan in now.in_force])
        if len(applied) == 1:
            raise ConnectionError

    monkeypatch.setattr(runner, "_apply", broken_once)

    async def live() -> None:
        following = asyncio.create_task(runner.follow(None, rt))  # type: ignore[arg-type]
        await asyncio.to_thread(put, rt, TEXT, NEW_YEAR)
        while len(applied) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        following.cancel()

    asyncio.run(asyncio.wait_for(live(), 20))
    assert applied == [[FIRST, SECOND]] * 2


@pytest.mark.usefixtures("prefect")
def test_a_row_is_opened_under_its_own_plan_and_a_running_process_hears_of_new_ones(
    rt: Runtime,
) -> None:
    assert open_tasks("II.1") == 1
    put(rt, TEXT, NEW_YEAR)
    assert open_tasks("III.1", SECOND) == 17
    assert (opened(rt, FIRST), opened(rt, SECOND)) == (1, 17)
    assert open_due() > 400
    assert send_reminders()


@pytest.mark.usefixtures("small", "prefect")
def test_a_simulation_plays_every_plan_in_force(rt: Runtime) -> None:
    put(rt, paper("Trước ngày 9/1/2021", "Ngày 12 tháng 1"), NEW_YEAR)
    assert advance("2021-01-14") == "2021-01-14"
    assert opened(rt, SECOND) == 34
    done = select(Task.state).where(Task.plan_id == SECOND, Task.row_id == "III.1")
    with rt.reader() as session:
        assert "accepted" in set(session.scalars(done))


def test_where_there_is_no_plan_the_daily_runs_are_all_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NTM_APPENDIX", str(tmp_path / "none.toml"))
    rt = flow_run.load()
    assert rt.in_force == ()
    daily = [item.name for item in schedules.of(rt)]
    assert daily == [
        "nightly-backup", "open-due", "sign-audit", "send-reminders", "quarterly-reminder",
        "collect-evidence", "deliver",
    ]  # fmt: skip
    rt.engine.dispose()
