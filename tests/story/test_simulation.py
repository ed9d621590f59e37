"""Claims about the simulation that `make run` shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from ntm_workflow import simulation
from ntm_workflow.errors import Refused
from ntm_workflow.reports.counts import Counts, counts
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve.mail_catcher import caught
from ntm_workflow.store.tables import Notice, Task
from ntm_workflow.work import audit

HALFWAY, END = date(2020, 3, 10), date(2020, 3, 25)


@pytest.fixture
def fresh(make_runtime: Callable[..., Runtime], tmp_path: Path) -> Runtime:
    return make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}")


def told(rt: Runtime) -> tuple[Counts, dict[str, str]]:
    with rt.reader() as session:
        states = {task.code: task.state for task in session.scalars(select(Task))}
        return counts(session, rt.plan.id, END), states


def test_history_is_played_to_the_day_and_its_mail_really_arrives(fresh: Runtime) -> None:
    simulation.prepare(fresh, END)
    assert fresh.today() == END
    with fresh.reader() as session:
        sent = list(session.scalars(select(Notice).where(Notice.state == "sent")))
        assert audit.verify(session) is None
    arrived = {mail.message_id for mail in caught(fresh.settings.var / "mail")}
    assert arrived == {notice.message_id for notice in sent}
    made, _ = told(fresh)
    assert made.done_on_time
    assert made.open_overdue  # somebody never answers


def test_a_history_that_was_cut_short_is_gone_on_from_with_the_same_result(
    fresh: Runtime, make_runtime: Callable[..., Runtime], tmp_path: Path
) -> None:
    simulation.prepare(fresh, HALFWAY)
    simulation.prepare(fresh, END)
    whole = make_runtime(f"sqlite:///{tmp_path / 'whole.db'}")
    simulation.prepare(whole, END)
    assert told(fresh) == told(whole)


def test_a_day_lived_again_changes_nothing(fresh: Runtime) -> None:
    simulation.prepare(fresh, HALFWAY)
    before = told(fresh)
    simulation.offices_answer(fresh, HALFWAY)
    assert told(fresh) == before


def test_real_work_is_never_simulated_over(
    fresh: Runtime, open_on: Callable[[Runtime, date], object]
) -> None:
    open_on(fresh, date(2020, 6, 1))
    with pytest.raises(Refused) as error:
        simulation.prepare(fresh, END)
    assert error.value.key == "simulation.real_work"
