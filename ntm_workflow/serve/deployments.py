"""The list of schedules.py as Prefect deployments: one for each row of a plan, and the daily."""

from __future__ import annotations

import contextvars
import importlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import yaml
from httpx import TransportError
from prefect import Flow, get_client, settings
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.responses import DeploymentResponse
from prefect.context import SyncClientContext
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.schedules import Cron, RRule, Schedule
from prefect.settings import temporary_settings
from prefect.types.entrypoint import EntrypointType

from ntm_workflow import texts
from ntm_workflow.serve.schedules import Planned, due_on_day

TZ = "Asia/Ho_Chi_Minh"
TAGS = ("ntm", "appendix")  # what carries both is ours to change and delete
SIMULATION = "simulation"
SIMULATE = "simulate"
SLUG = "timing"
POOL = "ntm-process"
PAGE = 200
# What a Prefect server raises that is not there, or that will not let us in.
NO_ANSWER = (TransportError, PrefectHTTPStatusError)
T = TypeVar("T")
Register = Callable[[RunnerDeployment], Awaitable[UUID]]

ENTRYPOINTS = {
    "open_tasks": "flows.open_tasks.open_tasks",
    "open_due": "flows.open_tasks.open_due",
    "nightly_backup": "flows.nightly_backup.nightly_backup",
    "sign_audit": "flows.sign_audit.sign_audit",
    "send_reminders": "flows.send_reminders.send_reminders",
    "quarterly_reminder": "flows.quarterly_reminder.quarterly_reminder",
    "collect_evidence": "flows.collect_evidence.collect_evidence",
    "deliver": "flows.deliver.deliver",
    "simulate": "flows.simulate.advance",
}
# A backlog of late runs of one deployment becomes one run: every flow catches up by itself.
ONE_AT_A_TIME = ConcurrencyLimitConfig(
    limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: the ids by name, and the names of what it deleted."""

    ids: dict[str, UUID]
    deleted: tuple[str, ...]


def flow_of(name: str) -> Flow[..., Any]:
    module, function = ENTRYPOINTS[name].rsplit(".", 1)
    found: Flow[..., Any] = getattr(importlib.import_module(module), function)
    return found


def run_day(items: Sequence[Planned], day: date) -> list[str]:
    """Run here and now what is due on a day, one after the other; return the names."""
    due = list(due_on_day(items, day))
    for item in due:
        flow_of(item.flow).with_options(retries=0)(**item.parameters)
    return [item.name for item in due]


def apart(function: Callable[[], T]) -> T:
    """Call a function outside the calling flow: the flows it runs are runs of their own.

    Run as sub-flows, each would cost three more calls of the API and now and
    then a wait of two seconds (SQLite's lock); with heartbeats, one more second.
    """
    ours = {
        settings.PREFECT_API_URL: settings.PREFECT_API_URL.value(),
        settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }

    def called() -> T:
        with temporary_settings(ours), SyncClientContext.get_or_create():
            return function()

    return contextvars.Context().run(called)


def rrule(item: Planned) -> str:
    """The explicit days as Prefect wants them: local time, no `Z` (it would be ignored)."""
    return "RDATE:" + ",".join(f"{day:%Y%m%d}T{item.at:%H%M%S}" for day in item.days or ())


def schedule(item: Planned, active: bool = True) -> Schedule | None:
    """The schedule of a planned item; None where it has no day at all."""
    if item.cron:
        return Cron(item.cron, timezone=TZ, active=active, slug=SLUG)
    if item.days:
        return RRule(rrule(item), timezone=TZ, active=active, slug=SLUG)
    return None


def description(item: Planned, today: date) -> str:
    """What Prefect's page shows: the row, its next day, its dates."""
    if item.days is None:
        return item.description
    day = item.next_day(today)
    key = "schedule.next" if day else "schedule.over" if item.days else "schedule.undated"
    return f"{texts.say(key, day=day)}\n\n{item.description}"


async def apply(
    items: Sequence[Planned],
    today: date,
    *,
    simulated: bool = False,
    register: Register = RunnerDeployment.aapply,
) -> Applied:
    """Make Prefect's deployments those of the plans in force. Safe to repeat.

    What a person paused stays paused; what no plan has any longer is deleted,
    with its runs to come. In a simulation no schedule is active: the simulated
    days run the same flows. `register` applies one deployment and returns its id.
    """
    async with get_client() as client:
        before = {found.name: found for found in await ours(client)}
        ids = {}
        for item in items:
            ids[item.name] = await register(
                await _made(item, before.get(item.name), today, simulated)
            )
        if simulated:
            ids[SIMULATE] = await register(await _simulate())
        wanted = {item.name for item in items if schedule(item)}
        for name, found in before.items():
            await _tidy(client, found, keep=name in ids, scheduled=name in wanted)
        return Applied(ids, tuple(sorted(before.keys() - ids.keys())))


async def ours(client: PrefectClient) -> list[DeploymentResponse]:
    """Every deployment that carries our tags, however many there are."""
    wanted = DeploymentFilter(tags=DeploymentFilterTags(all_=list(TAGS)))
    found: list[DeploymentResponse] = []
    while True:
        page = await client.read_deployments(
            deployment_filter=wanted, limit=PAGE, offset=len(found)
        )
        found += page
        if len(page) < PAGE:
            return found


async def _made(
    item: Planned, before: DeploymentResponse | None, today: date, simulated: bool
) -> RunnerDeployment:
    active = not simulated and _was_active(before)
    timing = schedule(item, active)
    return await flow_of(item.flow).ato_deployment(
        name=item.name,
        schedules=[timing] if timing else [],
        paused=bool(before and before.paused),
        parameters=dict(item.parameters),
        description=description(item, today),
        tags=[*_tags(item), *([SIMULATION] if simulated else [])],
        concurrency_limit=ONE_AT_A_TIME,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _tags(item: Planned) -> list[str]:
    return [*TAGS, *(tag for tag in (item.row, item.plan) if tag)]


def _was_active(before: DeploymentResponse | None) -> bool:
    """False when a person paused the schedule (a simulation's own pause does not count)."""
    if before is None or SIMULATION in before.tags:
        return True
    return all(timing.active for timing in before.schedules if timing.slug == SLUG)


async def _simulate() -> RunnerDeployment:
    return await flow_of("simulate").ato_deployment(
        name=SIMULATE,
        description=texts.say("schedule.simulate"),
        tags=[*TAGS, SIMULATION],
        concurrency_limit=ONE_AT_A_TIME,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


async def _tidy(
    client: PrefectClient, found: DeploymentResponse, *, keep: bool, scheduled: bool
) -> None:
    """Delete a deployment, or the schedules that applying leaves behind on it."""
    if not keep:
        await client.delete_deployment(found.id)
        return
    for timing in found.schedules:
        if timing.slug != SLUG or not scheduled:
            await client.delete_deployment_schedule(found.id, timing.id)


async def apply_to_pool(items: Sequence[Planned], today: date) -> Applied:
    """The same on a Prefect server whose workers poll the pool, which is made if missing."""
    async with get_client() as client:
        try:
            await client.read_work_pool(POOL)
        except ObjectNotFound:
            await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    return await apply(items, today, register=partial(RunnerDeployment.aapply, work_pool_name=POOL))


class _Readable(yaml.SafeDumper):
    """Texts of several lines as they read, not folded into quotes."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Readable.add_representer(str, _text)


def as_yaml(items: Sequence[Planned]) -> str:
    """The text of prefect.yaml. It names no machine and no folder of one."""
    body = yaml.dump(
        rendered(items), Dumper=_Readable, allow_unicode=True, sort_keys=False, width=100
    )
    return f"{texts.say('deployments.header')}\n{body}"


def rendered(items: Iterable[Planned]) -> dict[str, Any]:
    """The same deployments as a tree for prefect.yaml, for a work pool's workers."""
    return {
        "name": "ntm_workflow",
        "pull": [],  # the package is installed where the workers run
        "deployments": [_rendered(item) for item in items],
    }


def _rendered(item: Planned) -> dict[str, Any]:
    timing = {"slug": SLUG, "timezone": TZ, "active": True}
    if item.cron:
        timing["cron"] = item.cron
    elif item.days:
        timing["rrule"] = rrule(item)
    return {
        "name": item.name,
        "entrypoint": ENTRYPOINTS[item.flow],
        "description": item.description,
        "tags": _tags(item),
        "parameters": dict(item.parameters),
        "work_pool": {"name": POOL},
        "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
        "schedules": [timing] if item.cron or item.days else [],
    }
