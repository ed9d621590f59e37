"""Prefect's deployments follow the plan, and leave alone what a person paused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from prefect import get_client
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import RRuleSchedule

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import occurrences
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.serve import deployments
from ntm_workflow.serve.schedules import Planned
from tests.flows.prefect_helpers import ROOT

TODAY = date(2020, 6, 22)
Items = tuple[Planned, ...]

pytestmark = pytest.mark.usefixtures("prefect")


def apply(items: Sequence[Planned], simulated: bool = False) -> deployments.Applied:
    return asyncio.run(deployments.apply(items, TODAY, simulated=simulated))


def there() -> dict[str, DeploymentResponse]:
    async def read() -> list[DeploymentResponse]:
        async with get_client() as client:
            return await deployments.ours(client)

    return {found.name: found for found in asyncio.run(read())}


def rule(deployment: DeploymentResponse) -> RRuleSchedule:
    [timing] = deployment.schedules
    assert isinstance(timing.schedule, RRuleSchedule)
    return timing.schedule


def some(items: Items, *names: str) -> list[Planned]:
    return [item for item in items if item.name in names]


def tomorrow(item: Planned) -> Planned:
    return replace(item, days=(date.today() + timedelta(days=1),))  # noqa: DTZ011


def test_every_row_has_its_deployment_with_the_dates_of_its_reading(
    items: Items, plan: Plan, days: WorkCalendar
) -> None:
    apply(items)
    found = there()
    assert set(found) == {item.name for item in items}
    for item in items:
        if item.row is None:
            continue
        timing = rule(found[item.name])
        opening = {o.opens_on for o in occurrences(plan.row(item.row), plan, days)}
        written = timing.rrule.rpartition("RDATE:")[2].split(",")
        assert {date.fromisoformat(one[:8]) for one in written} == opening
        assert timing.timezone == "Asia/Ho_Chi_Minh"
        assert found[item.name].parameters == {"row_id": item.row}
        assert plan.row(item.row).content in (found[item.name].description or "")
    next_day, none_left = found["row-ii-2"].description, found["row-ii-1"].description
    assert next_day
    assert next_day.startswith("Ngày mở tiếp theo: 1/10/2020")
    assert none_left
    assert none_left.startswith("Mọi kỳ đã mở")


def test_applying_again_changes_nothing(items: Items) -> None:
    few = some(items, "row-ii-2", "open-due")
    first, before = apply(few), there()
    assert apply(few) == first
    after = there()
    for name in before:
        assert after[name].schedules[0].id == before[name].schedules[0].id
        assert after[name].schedules[0].active


def test_a_row_that_leaves_the_plan_takes_its_deployment_along(items: Items) -> None:
    apply(some(items, "row-ii-1", "row-ii-2", "open-due"))
    done = apply(some(items, "row-ii-1", "open-due"))
    assert done.deleted == ("row-ii-2",)
    assert set(there()) == {"row-ii-1", "open-due"}


def test_a_row_that_loses_its_dates_loses_its_schedule(items: Items) -> None:
    [row] = some(items, "row-ii-2")
    apply([row])
    apply([replace(row, days=())])
    assert there()["row-ii-2"].schedules == []


def test_a_deployment_of_somebody_else_is_left_alone(items: Items) -> None:
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow_from_name("theirs")
        client.create_deployment(flow_id, "theirs", tags=["ntm"])
    apply(some(items, "open-due"))
    with get_client(sync_client=True) as client:
        assert client.read_deployment_by_name("theirs/theirs")


def test_a_schedule_that_a_person_paused_stays_paused_with_new_dates(items: Items) -> None:
    [row] = some(items, "row-ii-2")
    coming = tomorrow(row)
    assert coming.days
    apply([coming])
    paused = there()["row-ii-2"]
    with get_client(sync_client=True) as client:
        client.update_deployment_schedule(paused.id, paused.schedules[0].id, active=False)
    apply([replace(row, days=(*coming.days, date(2030, 1, 2)))])
    changed = there()["row-ii-2"]
    [timing] = changed.schedules
    assert not timing.active
    assert "20300102" in rule(changed).rrule


def test_a_deployment_that_a_person_paused_stays_paused(items: Items) -> None:
    few = some(items, "row-ii-2", "open-due")
    apply(few)
    with get_client(sync_client=True) as client:
        client.pause_deployment(there()["open-due"].id)
    apply(few)
    assert {name: found.paused for name, found in there().items()} == {
        "row-ii-2": False,
        "open-due": True,
    }


def test_in_a_simulation_nothing_runs_by_the_real_clock(items: Items) -> None:
    few = some(items, "row-ii-2", "open-due")
    apply(few, simulated=True)
    found = there()
    assert set(found) == {"row-ii-2", "open-due", "simulate"}
    assert not [t for one in found.values() for t in one.schedules if t.active]
    apply(few)  # the simulation is over
    found = there()
    assert set(found) == {"row-ii-2", "open-due"}
    assert all(timing.active for one in found.values() for timing in one.schedules)


def test_the_file_for_a_work_pool_is_what_the_appendix_says(items: Items) -> None:
    path = ROOT / "deployments" / "prefect.yaml"
    assert path.read_text("utf-8") == deployments.as_yaml(items), "run: ntm deployments render"


def test_the_file_names_no_folder_of_a_machine(items: Items) -> None:
    tree = yaml.safe_load(deployments.as_yaml(items))
    assert tree["pull"] == []
    assert str(Path.home()) not in deployments.as_yaml(items)
    assert str(ROOT) not in deployments.as_yaml(items)
