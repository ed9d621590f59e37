"""The versions pinned in pyproject.toml give a Prefect server that plans runs.

With SQLAlchemy 2.1 the server is healthy and its scheduler inserts nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun

from ntm_workflow import texts
from ntm_workflow.serve import deployments
from ntm_workflow.serve.schedules import Planned, deployment_name
from tests.flows.prefect_helpers import wait_for

SCHEDULED = "SCHEDULED"


def scheduled(name: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(
                {"state": {"type": {"any_": [SCHEDULED]}}}
            ),
            deployment_filter=DeploymentFilter.model_validate({"name": {"any_": [name]}}),
        )
    return sorted(runs, key=lambda run: run.expected_start_time or datetime.now(texts.ZONE))


def local(run: FlowRun) -> datetime:
    assert run.expected_start_time is not None
    return run.expected_start_time.astimezone(texts.ZONE).replace(tzinfo=None)


def test_a_deployment_with_a_schedule_gets_planned_runs_at_local_time(
    prefect: str, items: tuple[Planned, ...]
) -> None:
    soon = datetime.now(texts.ZONE).date() + timedelta(days=3)
    later = soon + timedelta(days=300)
    row = next(item for item in items if item.name == deployment_name("II.2"))
    daily = next(item for item in items if item.name == "open-due")
    asyncio.run(deployments.apply([replace(row, days=(soon, later)), daily], soon))

    wait_for(lambda: len(scheduled("row-ii-2")) == 2 and scheduled("open-due"), 20, "no run")
    runs = scheduled("row-ii-2")
    assert [local(run) for run in runs] == [datetime.combine(day, row.at) for day in (soon, later)]
    assert runs[0].parameters == {"row_id": "II.2"}
    assert local(scheduled("open-due")[0]).time() == daily.at
