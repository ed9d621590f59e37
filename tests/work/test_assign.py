"""Claims about ad hoc work."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from ntm_workflow.chase import digest, reminders
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Notice
from ntm_workflow.work import assign
from ntm_workflow.work.audit import Actor
from tests.conftest import TESTER

TODAY, DUE = date(2020, 6, 22), date(2020, 6, 26)
BINH = Actor("Bình", "coordination", "vpdp-huyen", "test")
CHI = Actor("Chi", "office", "bql-vu-le", "test")


def give(rt: Runtime, row: str = "XI.1", due: date = DUE, by: Actor = BINH) -> list[str]:
    with rt.sessions.begin() as session:
        made = assign.assign(
            session, rt.plan, rt.days, row, ["bql-tan-lap", "bql-vu-le"], due,
            "Báo cáo nhanh về thiệt hại do mưa", by=by, now=rt.moment(TODAY), today=TODAY,
        )  # fmt: skip
        return [task.code for task in made]


def test_each_body_gets_a_task_with_its_own_due_day(rt: Runtime) -> None:
    assert give(rt) == ["XI.1/2020-DX01/bql-tan-lap", "XI.1/2020-DX01/bql-vu-le"]
    assert give(rt)[0] == "XI.1/2020-DX02/bql-tan-lap"


def test_the_body_hears_of_it_in_the_next_digest(contacts: Runtime) -> None:
    give(contacts)
    with contacts.sessions.begin() as session:
        now = contacts.moment(TODAY)
        queued = reminders.queue(
            session, contacts.all_plans, contacts.days, TODAY, now=now, actor=TESTER
        )
        assert queued.notices == 2
        notice = session.scalars(select(Notice)).first()
        assert notice is not None
        (entry,) = digest.still_owed(session, notice)
        assert "mưa" in entry.why


@pytest.mark.parametrize(
    ("row", "due", "by", "error"),
    [
        ("XX.1", DUE, BINH, NotFound),
        ("XI.1", date(2020, 6, 21), BINH, Refused),
        ("XI.1", DUE, CHI, Refused),
    ],
)
def test_a_wrong_row_day_or_person_is_refused(
    rt: Runtime, row: str, due: date, by: Actor, error: type[Exception]
) -> None:
    with pytest.raises(error):
        give(rt, row, due, by)
