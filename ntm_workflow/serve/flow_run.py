"""What every flow needs of Prefect: who is acting, and a report that a person can read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from ntm_workflow import runtime, settings, texts
from ntm_workflow.serve import lifeline
from ntm_workflow.work.audit import Actor

RUNNER = "NTM_RUNNER"  # process id of the runner, in the environment of its flow runs

if os.environ.get(RUNNER) == str(os.getppid()):
    lifeline.hold(os.getppid())


def load() -> runtime.Runtime:
    """The runtime of this process; one for all the flows that run in it, its calendar of now."""
    return runtime.current(_load(settings.load()))


@cache
def _load(wanted: settings.Settings) -> runtime.Runtime:
    return runtime.load(wanted)


def actor(name: str) -> Actor:
    """The system, acting through this flow run."""
    return Actor(name=name, role="system", via="flow", run_id=str(flow_run.get_id() or ""))


def report(key: str, rows: Iterable[dict[str, Any]], **data: Any) -> None:
    """Leave an artifact: the sentence `report.<key>` and, where there are any, the rows.

    Prefect keeps the versions of a key together; a key may hold [a-z0-9-] only.
    """
    table = list(rows)
    title = texts.say(f"report.{key.replace('-', '_')}", **data)
    if table:
        create_table_artifact(key=key, table=table, description=title)
    else:
        create_markdown_artifact(key=key, markdown=title, description=title)


def line(**cells: Any) -> dict[str, Any]:
    """One row of a report's table, under headings in the language of the installation."""
    return {texts.say(f"column.{name}"): _cell(value) for name, value in cells.items()}


def _cell(value: Any) -> Any:
    return texts.day(value) if isinstance(value, date) else value
