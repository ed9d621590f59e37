"""The year 2020, lived day by day: every body answers but three that never do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import smtp_sink
from scene import Scene, every_day
from smtp_sink import Sink
from year import CONTACTS, HOLIDAYS, NEVER, Year, expected, expected_counts, rungs, worked

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.runtime import Runtime
from ntm_workflow.work import people

NEW_YEAR, AFTER_TET = date(2020, 1, 1), date(2021, 2, 28)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with smtp_sink.running() as server:
        yield server


def begin(rt: Runtime) -> Scene:
    scene = Scene(rt)
    lines = people.read_csv(CONTACTS.read_bytes(), rt.plan)
    with rt.sessions.begin() as session:
        people.import_contacts(session, lines, now=rt.now(), actor=smtp_actor())
    return scene


def smtp_actor() -> people.Actor:
    from scene import SYSTEM

    return SYSTEM
