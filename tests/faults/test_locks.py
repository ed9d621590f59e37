"""Two writers at once: they queue, and never wait for each other in a circle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import claims
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.engine import open_engine
from ntm_workflow.store.tables import Notice
from ntm_workflow.work import audit
from tests.scene import SYSTEM, Scene, only

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


def test_what_one_deliverer_took_back_and_sends_again_another_leaves_alone(
    make_runtime: Callable[..., Runtime],
    postgres_url: str,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two see the same dead claim; when the second comes to it, it is on its way once more."""
    scene = Scene(make_runtime(postgres_url, plan=only(plan, "III.1")))
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    scene.remind(date(2020, 6, 16))
    rt, now = scene.rt, scene.rt.moment(date(2020, 6, 16))
    dead = f"{socket.gethostname()}/{2**22}/0.00"  # no process has this number
    with rt.sessions.begin() as session:
        session.execute(
            update(Notice).values(state="sending", claimed_at=now, claimed_by=dead, tries=1)
        )
    lock = audit.lock

    def first(session: Session) -> tuple[int, bytes]:
        monkeypatch.setattr(audit, "lock", lock)
        assert claims.release_stuck(rt, now, SYSTEM) == len(scene.notices())
        with rt.sessions.begin() as other:
            assert claims.claim(other, now)
        return lock(session)

    monkeypatch.setattr(audit, "lock", first)
    assert claims.release_stuck(rt, now, SYSTEM) == 0
    (notice,) = [one for one in scene.notices() if one.state == "sending"]
    assert (notice.state, notice.resent, notice.tries) == ("sending", 1, 2)


def test_a_result_that_was_not_read_to_its_end_locks_nobody_out(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    scene = Scene(make_runtime(database_url, plan=only(plan, "III.1")))
    scene.open(DAY)
    with scene.rt.reader() as session:
        held = session.execute(text("SELECT id FROM task"))
        held.fetchone()
    other = open_engine(scene.rt.engine.url.render_as_string(hide_password=False))
    with other.begin() as connection:
        connection.execute(text("UPDATE task SET note = 'khác'"))
    other.dispose()
    with scene.rt.sessions.begin() as session:
        session.execute(text("UPDATE task SET note = 'sau'"))
