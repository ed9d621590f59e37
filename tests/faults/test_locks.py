"""Two writers at once: they queue, and never wait for each other in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import pytest
from scene import Scene, only
from sqlalchemy import text

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.work import audit

TASK = "III.1/2020-06/bql-tan-lap"
DAY = date(2020, 6, 16)

ACTS: dict[str, Callable[[Scene], None]] = {
    "submit": lambda scene: scene.submit(TASK, DAY),
    "cancel": lambda scene: scene.cancel(TASK, DAY),
    "suspend": lambda scene: scene.suspend(TASK, DAY),
    "extend": lambda scene: scene.extend(TASK, date(2020, 7, 31), DAY),
    "import": lambda scene: scene.contact("vanthu", "bql-tan-lap"),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_person_who_acts_during_the_sweep_waits_for_it_and_both_succeed(
    make_runtime: Callable[..., Runtime], postgres_url: str, plan: Plan, act: str
) -> None:
    scene = Scene(make_runtime(postgres_url, plan=only(plan, "III.1")))
    scene.open(date(2020, 6, 1))
    scene.contact("an", "bql-tan-lap")
    failed: list[BaseException] = []

    def run() -> None:
        try:
            ACTS[act](scene)
        except BaseException as error:
            failed.append(error)

    person = threading.Thread(target=run)
    with scene.rt.sessions.begin() as sweep:  # what a sweep does, in its order
        audit.lock(sweep)
        person.start()
        person.join(0.5)
        assert person.is_alive()
        sweep.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
        sweep.execute(text("UPDATE task SET next_action_on = '2020-06-23'"))
        sweep.execute(text("UPDATE contact SET name = name"))
    person.join(20)
    assert not failed
    assert scene.broken_audit() is None
