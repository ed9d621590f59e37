"""The year 2020, lived day by day: every body answers but three that never do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time

import pytest
from sqlalchemy import select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.reports import burden
from ntm_workflow.store.tables import NoticeAttempt
from ntm_workflow.texts import ZONE
from ntm_workflow.work import proof, replay
from tests import smtp_sink
from tests.scene import Said, Scene, every_day, fresh
from tests.smtp_sink import Sink
from tests.story.year import HOLIDAYS, NEVER, Year, expected, expected_counts, rungs, worked

pytestmark = pytest.mark.slow
NEW_YEAR, AFTER_TET = date(2020, 1, 1), date(2021, 2, 28)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with smtp_sink.running() as server:
        yield server


@pytest.fixture(scope="module")
def daily(plan: Plan, tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Year]:
    """From New Year 2020 to after Tết 2021, a run every day, mail by a real server."""
    var = tmp_path_factory.mktemp("daily")
    scene = fresh(f"sqlite:///{var / 'ntm.db'}", plan, var, mail_url=sink.url)
    yield lived(scene, list(every_day(NEW_YEAR, AFTER_TET)))
    scene.rt.engine.dispose()


@pytest.fixture(scope="module")
def every_fifth(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """The same stretch with a run on every fifth day only."""
    var = tmp_path_factory.mktemp("fifth")
    with smtp_sink.running() as own:
        scene = fresh(f"sqlite:///{var / 'ntm.db'}", plan, var, mail_url=own.url)
        yield lived(scene, list(every_day(NEW_YEAR, AFTER_TET, 5)))
    scene.rt.engine.dispose()


def lived(scene: Scene, days: list[date]) -> Year:
    scene.example_contacts()
    year = Year(scene, days)
    year.live()
    return year


def differences(said: list[Said], owed: list[Said]) -> list[tuple[str, Said]]:
    """The first few lines that were said too much or too little, oldest first."""
    found = Counter(said)
    found.subtract(Counter(owed))
    wrong = [("extra" if n > 0 else "missing", one) for one, n in found.items() if n]
    return sorted(wrong, key=lambda pair: pair[1])[:6]


def owed(plan: Plan) -> list[str]:
    """Occurrences × bodies."""
    return sorted(
        f"{o.row_id}/{o.period}/{body}"
        for o in dated(plan, WorkCalendar())
        for body in plan.row(o.row_id).implementing
    )


def test_the_tests_own_days_off_are_those_of_the_calendar() -> None:
    days = WorkCalendar()
    for day in every_day(NEW_YEAR, AFTER_TET):
        assert worked(day) == days.worked(day), day
    assert len(HOLIDAYS) == 20


def test_no_task_of_the_year_is_lost_or_doubled(daily: Year, plan: Plan) -> None:
    assert daily.scene.codes() == owed(plan)


def test_each_task_is_opened_on_its_day(daily: Year, plan: Plan) -> None:
    days = {(o.row_id, o.period): o.opens_on for o in dated(plan, WorkCalendar())}
    assert all(life.opened == days[life.row, life.period] for life in daily.lives.values())
    assert min(life.opened for life in daily.lives.values()) == plan.effective_on


def test_every_line_of_every_digest_is_what_the_rules_owe_and_nothing_else(
    daily: Year, plan: Plan
) -> None:
    said = [one for one in daily.scene.said() if one.kind == "digest"]
    assert differences(said, expected(daily, plan)) == []
    assert len(said) > 2000


def test_the_three_that_never_answer_are_chased_on_exactly_the_ladders_days(
    daily: Year, plan: Plan
) -> None:
    said = [s for s in daily.scene.said() if s.kind == "digest" and s.role == "chase"]
    silent = [life for life in daily.lives.values() if life.body in NEVER]
    assert len({life.body for life in silent}) == 3
    for life in silent:
        days = sorted(s.day for s in said if s.task == life.code)
        ladder = {day for day, _ in rungs(life.due, AFTER_TET) if life.opens <= day <= AFTER_TET}
        assert days == sorted(ladder), life.code


def test_the_three_are_escalated_and_nobody_else_is(daily: Year) -> None:
    """By the digests; once a quarter the office hears of all that is owed, with the letter."""
    above = ("coordinating", "office", "directing")
    said = [s for s in daily.scene.said() if s.role in above]
    told = [s for s in said if s.kind == "digest"]
    assert {(s.kind, s.rung, s.role) for s in said if s.kind != "digest"} == {
        ("quarter-letter", "Q-letter", "office")
    }
    assert {s.task.rpartition("/")[2] for s in told} == set(NEVER)
    for role, first in (("office", "T+3"), ("coordinating", "T+3"), ("directing", "T+7")):
        offsets = {int(s.rung[1:]) for s in told if s.role == role}
        assert min(offsets) == int(first[1:])


def test_the_letter_of_a_quarter_is_about_all_that_is_owed_on_its_day_and_nothing_else(
    daily: Year,
) -> None:
    letters = [s for s in daily.scene.said() if s.kind == "quarter-letter"]
    owing = [s for s in daily.scene.said() if s.kind == "quarter-owing"]
    assert len({s.day for s in letters}) == 4
    for day in {s.day for s in letters}:
        open_then = {
            life.code
            for life in daily.lives.values()
            if life.opened <= day and (life.answered is None or day <= life.answered)
        }
        listed = [s.task for s in letters if s.day == day]
        assert len(listed) == len(set(listed))
        assert set(listed) <= open_then
        assert {s.task for s in owing if s.day == day} <= set(listed)


def test_nobody_is_chased_for_a_task_after_they_answered(daily: Year) -> None:
    for one in daily.scene.said():
        life = daily.lives[one.task]
        if one.role != "review" and life.answered:
            assert one.day <= life.answered


def test_nothing_is_queued_or_sent_on_a_day_off(daily: Year) -> None:
    notices = daily.scene.notices()
    assert notices
    assert all(worked(notice.run_on) for notice in notices)
    assert all(n.sent_at and worked(n.sent_at.astimezone(ZONE).date()) for n in notices)


def test_nothing_leaves_outside_working_hours_though_it_is_tried_around_the_clock(
    daily: Year,
) -> None:
    with daily.scene.rt.reader() as session:
        tries = list(session.scalars(select(NoticeAttempt.at)))
        found = burden.outside(session, in_hours)
    assert found == []
    assert {at.astimezone(ZONE).time() for at in tries} == {time(8)}
    assert len(tries) >= len(daily.scene.notices()) > 1000


def in_hours(at: datetime) -> bool:
    local = at.astimezone(ZONE)
    return worked(local.date()) and time(7, 30) <= local.time() < time(17, 30)


def test_a_year_of_the_ladder_costs_each_contact_few_messages(daily: Year) -> None:
    """Digests say in one message what would be many; printed by `python -m bench.year`."""
    with daily.scene.rt.reader() as session:
        told, everything = burden.of(session, ("digest",)), burden.of(session)
    digests = [one for one in daily.scene.notices() if one.kind == "digest"]
    said = [one for one in daily.scene.said() if one.kind == "digest"]
    accepted = [life for life in daily.lives.values() if life.accepted]
    assert (told.rungs, told.messages) == (len(said), len(digests))
    assert told.completed == len(accepted)
    assert told.contacts == len({one.contact_id for one in digests})
    assert everything.messages == len(daily.scene.notices())
    figures = told.figures()
    print(figures, everything.figures())
    assert 2 * figures["per_contact_after"] < figures["per_contact_before"]
    assert 2 * figures["per_completed_after"] < figures["per_completed_before"]
    days = sum(worked(day) for day in daily.days)
    assert max(Counter(one.contact_id for one in digests).values()) <= days


def test_the_second_tet_is_crossed_in_silence_and_what_fell_in_it_follows(daily: Year) -> None:
    """10 to 16 February 2021: the three are far overdue, so each rung goes out after."""
    days = {notice.run_on for notice in daily.scene.notices()}
    silent = {date(2021, 2, day) for day in range(10, 17)}
    assert not days & silent
    assert date(2021, 2, 17) in days


def test_every_notice_of_the_year_arrives_once(daily: Year, sink: Sink) -> None:
    notices = daily.scene.notices()
    assert daily.scene.states() == {"sent": len(notices)}
    assert set(sink.ids) == {notice.message_id for notice in notices}
    assert set(sink.ids.values()) == {1}
    assert daily.sent == len(notices)
    assert len(sink.recipients) == len(notices)


def test_nobody_gets_two_digests_on_one_day(daily: Year) -> None:
    per_day = Counter((n.contact_id, n.run_on) for n in daily.scene.notices() if n.kind == "digest")
    assert set(per_day.values()) == {1}


def test_the_four_counts_are_right_and_sum_to_the_total_on_every_day(daily: Year) -> None:
    for day, counted in daily.counted.items():
        assert counted == expected_counts(daily, day), day
        opened = sum(life.opened <= day for life in daily.lives.values())
        assert counted.total == opened
    last = daily.counted[AFTER_TET]
    assert last.open_overdue == sum(life.body in NEVER for life in daily.lives.values())
    assert (last.done_late, last.open_in_time) == (0, 0)


def test_counts_as_of_any_past_day_are_those_recorded_on_the_day(daily: Year) -> None:
    for day, counted in daily.counted.items():
        assert daily.count(day) == counted, day


def test_the_audit_of_the_year_verifies(daily: Year) -> None:
    assert daily.scene.broken_audit() is None


def test_the_audit_told_again_from_nothing_gives_the_states_the_tables_have(daily: Year) -> None:
    with daily.scene.rt.reader() as session:
        told = replay.replay(proof.task_entries(session))
        found = proof.in_tables(session)
    assert told == found
    assert len(told) == len(daily.lives)
    assert {one.state for one in told.values()} == {"open", "accepted"}


def test_a_run_every_fifth_day_opens_the_same_tasks(every_fifth: Year, plan: Plan) -> None:
    assert every_fifth.scene.codes() == owed(plan)


def test_a_run_every_fifth_day_stacks_no_reminders(every_fifth: Year, plan: Plan) -> None:
    said = [one for one in every_fifth.scene.said() if one.kind == "digest"]
    assert differences(said, expected(every_fifth, plan)) == []
    told = Counter((one.day, one.to, one.task) for one in said)
    assert set(told.values()) == {1}
    assert every_fifth.scene.broken_audit() is None


def test_a_run_every_fifth_day_counts_as_it_was(every_fifth: Year) -> None:
    for day, counted in every_fifth.counted.items():
        assert counted == expected_counts(every_fifth, day) == every_fifth.count(day), day


def test_the_summer_on_postgresql_is_as_the_rules_say(
    postgres_url: str, plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    var = tmp_path_factory.mktemp("summer")
    with smtp_sink.running() as sink:
        scene = fresh(postgres_url, plan, var, mail_url=sink.url)
        year = lived(scene, list(every_day(date(2020, 6, 1), date(2020, 7, 22))))
        said = [one for one in scene.said() if one.kind == "digest"]
        assert differences(said, expected(year, plan)) == []
        opened = {o.opens_on for o in dated(plan, WorkCalendar()) if o.opens_on <= year.days[-1]}
        assert {life.opens for life in year.lives.values()} == opened
        assert set(scene.states()) <= {"sent", "suppressed"}
        assert set(sink.ids.values()) == {1}
        for day, counted in year.counted.items():
            assert counted == expected_counts(year, day) == year.count(day), day
        assert scene.broken_audit() is None
        scene.rt.engine.dispose()
