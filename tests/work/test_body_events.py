"""Claims about events on bodies and about names through time, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import NotFound, NtmError, Refused
from ntm_workflow.reports import trail
from ntm_workflow.reports.counts import grouped
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import engine as engines
from ntm_workflow.store import schema
from ntm_workflow.work import audit, body_events, body_names, plans, successions
from ntm_workflow.work.body_events import Change, Kind
from ntm_workflow.work.body_names import ALWAYS, Called
from tests.bodies_scene import (
    DAY,
    DOCUMENT,
    NEW,
    OFFICE,
    Bodies,
    end,
    found,
    merge,
    moved,
    renamed,
    split,
)

A, B, C = "bql-tan-lap", "bql-tan-huong", "bql-chieu-vu"
BEFORE = DAY - timedelta(days=1)
EVENTS = {
    "rename": renamed(A, "BQL xã Tân Lập đổi tên"),
    "move": moved(A, "BQL NTM xã Tân Lập", "district"),
    "merge": merge(A, B),
    "merge into one of them": merge(A, B, into=B),
    "split": split(A, "bql-mot", "bql-hai"),
    "end": end(A, B),
    "found": found("bql-moi"),
}


@pytest.fixture
def town(rt: Runtime) -> Bodies:
    return Bodies(rt)


def called(town: Bodies, body: str, day: date) -> Called:
    with town.rt.reader() as session:
        return body_names.on(session, body, day)


def entries(town: Bodies) -> int:
    with town.rt.reader() as session:
        return audit.head(session)


# -- recording ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_recorded_twice_is_there_once_and_changes_nothing_more(
    town: Bodies, kind: str
) -> None:
    town.open(date(2020, 6, 1))
    first = town.record(EVENTS[kind])
    length, proposals = entries(town), len(town.proposals())
    again = town.record(EVENTS[kind], today=date(2020, 8, 3))
    assert (first.new, again.new, again.id) == (True, False, first.id)
    assert [one.id for one in town.events()] == [first.id]
    assert (entries(town), len(town.proposals())) == (length, proposals)
    assert town.broken_audit() is None


@pytest.mark.parametrize("kind", ["merge", "rename"])
def test_two_processes_recording_the_same_event_at_once_record_it_once(
    town: Bodies, kind: str
) -> None:
    town.open(date(2020, 6, 1))
    start, done, failed = threading.Barrier(4), [], []

    def run() -> None:
        start.wait()
        try:
            done.append(town.record(EVENTS[kind]))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert sorted(one.new for one in done) == [False, False, False, True]
    assert len(town.events()) == 1
    assert len({one.task_id for one in town.proposals()}) == len(town.proposals())
    assert town.broken_audit() is None


def test_the_database_itself_refuses_the_same_event_twice(town: Bodies) -> None:
    town.record(EVENTS["rename"])
    with pytest.raises(Exception, match=r"(?i)unique"), town.rt.sessions.begin() as session:
        session.execute(text(
            "INSERT INTO body_event (kind, on_day, document, bodies, note, example, recorded_at,"
            " recorded_by) SELECT kind, on_day, document, bodies, note, example, recorded_at,"
            " recorded_by FROM body_event"
        ))  # fmt: skip


WRONG: dict[str, tuple[Change, str]] = {
    "no document": (replace(merge(A, B), document="  "), "event.no_document"),
    "one body merges": (merge(A), "event.shape_merge"),
    "a split into one": (split(A, "bql-mot"), "event.shape_split"),
    "a rename of two": (Change(Kind.RENAME, DAY, DOCUMENT, (A, B), (A, B)), "event.shape_rename"),
    "a year too early": (replace(merge(A, B), on=date(1202, 7, 1)), "event.day"),
    "a year too late": (replace(merge(A, B), on=date(2202, 7, 1)), "event.day"),
    "an id that is taken": (merge(A, B, into=Called(C, "X", "X", "commune")), "event.id_taken"),
    "an id with marks": (merge(A, B, into=Called("bql-Vũ", "X", "X", "commune")), "event.id"),
    "a level nobody knows": (merge(A, B, into=Called("x", "X", "X", "xã")), "event.level"),
    "a body without a name": (merge(A, B, into=Called("x", " ", "", "commune")), "event.no_name"),
    "an unknown body": (merge(A, "bql-khong-co"), "body.unknown"),
    "an end into itself": (end(A, into=(A,)), "event.ends_into_itself"),
    "a rename to the same name": (
        renamed(A, "Ban Quản lý xây dựng nông thôn mới xã Tân Lập"), ""),
    "a move to the same level": (
        Change(Kind.MOVE, DAY, DOCUMENT, (A,), (A,),
               (Called(A, "BQL", "BQL", "commune", "tan-lap"),)), "event.same_level"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_an_event_that_cannot_be_is_refused_with_the_reason_and_changes_nothing(
    town: Bodies, what: str
) -> None:
    change, key = WRONG[what]
    if not key:  # both names are the same, official and short
        name = called(town, A, DAY)
        change, key = body_events.rename(name, DAY, DOCUMENT), "event.same_name"
    length = entries(town)
    with pytest.raises(NtmError) as error:
        town.record(change, today=DAY)
    assert error.value.key == key
    assert town.events() == []
    assert entries(town) == length


def test_events_out_of_their_order_are_explained(town: Bodies) -> None:
    town.record(merge(A, B))
    after, later = DAY + timedelta(days=30), date(2020, 12, 1)
    for change, key in (
        (end(A, on=after), "event.ended"),  # it has ended
        (end(A, on=BEFORE), "event.ended"),  # it ends later: which is right?
        (renamed(A, "BQL khác", on=after), "event.ended"),
        (merge(C, NEW.id, into=replace(NEW, id="x"), on=BEFORE), "event.not_yet"),
        (merge(C, "bql-vu-le", into=A, on=after), "event.ended"),
        (renamed(NEW.id, "Tên khác", on=DAY), "event.not_yet"),
    ):
        with pytest.raises(Refused) as error:
            town.record(change, today=later)
        assert error.value.key == key, change
    town.record(renamed(C, "BQL Chiêu Vũ mới", on=later), today=later)
    for change, key in (
        (end(C, on=after), "event.named_later"),
        (renamed(C, "Tên thứ hai", on=later), "event.named_that_day"),
    ):
        with pytest.raises(Refused) as error:
            town.record(change, today=later)
        assert error.value.key == key
    town.record(renamed(A, "BQL Tân Lập xưa", on=date(2020, 3, 1)), today=later)  # late, but true
    assert called(town, A, BEFORE).name == "BQL Tân Lập xưa"


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_recorded_by_mistake_is_withdrawn_without_a_trace_but_the_audit(
    town: Bodies, kind: str
) -> None:
    town.open(date(2020, 6, 1))
    before = called(town, A, DAY)
    event = town.record(EVENTS[kind]).id
    town.keep_up(DAY)
    town.withdraw(event)
    assert (town.events(), town.proposals()) == ([], [])
    assert called(town, A, DAY) == before
    with town.rt.reader() as session:
        assert body_names.given(session, DAY) == {}
        entry = trail.newest(session, 1, Filter("body.withdrawn"))[0]
    assert "ghi nhầm" in entry.data
    assert town.record(EVENTS[kind]).new  # and can be recorded rightly
    assert town.broken_audit() is None


def test_an_event_of_which_something_has_come_is_not_withdrawn(town: Bodies) -> None:
    town.open(date(2020, 6, 1))
    first = town.record(merge(A, B)).id
    second = town.record(renamed(NEW.id, "Tên khác", on=date(2020, 8, 1))).id
    for event, key in ((first, "event.used_events"), (second, None), (first, None)):
        if key is None:
            town.withdraw(event)
            continue
        with pytest.raises(Refused) as error:
            town.withdraw(event)
        assert error.value.key == key
    event = town.record(merge(A, B)).id
    town.confirm(town.proposals()[0].id)
    with pytest.raises(Refused) as error:
        town.withdraw(event)
    assert error.value.key == "event.used_handovers"
    with pytest.raises(NotFound):
        town.withdraw(9999)


# -- names as they were ------------------------------------------------------------


def test_a_name_is_valid_from_its_day_until_the_next_one(town: Bodies) -> None:
    old = called(town, A, DAY)
    town.record(renamed(A, "Tên hai", on=DAY))
    town.record(renamed(A, "Tên ba", on=date(2021, 1, 1)), today=DAY)
    assert called(town, A, BEFORE) == old
    assert called(town, A, DAY).name == "Tên hai"
    assert called(town, A, date(2020, 12, 31)).name == "Tên hai"
    assert called(town, A, date(2021, 1, 1)).name == "Tên ba"


def test_renaming_and_moving_keep_the_tasks_and_propose_nothing(town: Bodies) -> None:
    town.open(date(2020, 6, 1))
    before = town.codes()
    town.record(EVENTS["rename"])
    town.record(moved(B, "BQL NTM xã Tân Hương", "district"))
    town.open(DAY)
    assert town.proposals() == []
    assert set(before) <= set(town.codes())
    assert town.states("III.1", "2020-06")[A] == "open"


def test_a_body_that_moved_counts_at_the_level_of_the_day(town: Bodies) -> None:
    town.open(date(2020, 6, 1))

    def levels(day: date) -> dict[str, int]:
        with town.rt.reader() as session:
            found = grouped(session, town.rt.plan.id, day, "level")
        return {level: counts.total for level, counts in found.items()}

    before = levels(BEFORE)
    town.record(moved(A, "BQL NTM xã Tân Lập", "district"))
    mine = sum(code.endswith(f"/{A}") for code in town.codes())
    assert levels(BEFORE) == before
    assert mine
    moved_on = {"commune": before["commune"] - mine, "district": before["district"] + mine}
    assert levels(DAY) == {**before, **moved_on}


def test_a_name_of_two_bodies_means_the_one_that_had_not_ended(town: Bodies) -> None:
    name = called(town, A, DAY).name
    town.record(merge(A, B, into=replace(NEW, name=name)))
    with town.rt.reader() as session:
        assert body_names.find(session, name, BEFORE).id == A
        assert body_names.find(session, name, DAY).id == NEW.id
        with pytest.raises(NotFound):
            body_names.find(session, "BQL xã nào đó", DAY)


# -- a plan's register ----------------------------------------------------------------


def later_plan(plan: Plan, body: str, name: str = "") -> Plan:
    """Another plan, of 2021, that prints a body in its own way."""
    bodies = tuple(replace(b, name=name) if b.id == body else b for b in plan.bodies)
    return replace(
        plan, id="ke-hoach-2021", number=31, year=2021, effective_on=date(2021, 2, 1),
        issued_on=date(2021, 2, 1), digest="2021", bodies=bodies,
    )  # fmt: skip


def register(town: Bodies, plan: Plan) -> None:
    with town.rt.sessions.begin() as session:
        plans.register(session, plan, now=town.rt.now())


def test_a_newer_plan_cannot_rename_a_body_of_an_older_one(town: Bodies, plan: Plan) -> None:
    with pytest.raises(Refused) as error:
        register(town, later_plan(plan, "vpdp-tinh", name="Văn phòng Nông thôn mới tỉnh"))
    assert error.value.key == "body.other_name"
    assert error.value.data["known"] == plan.body("vpdp-tinh").name
    assert called(town, "vpdp-tinh", date(2021, 3, 1)).name == plan.body("vpdp-tinh").name


def test_once_the_renaming_is_recorded_the_newer_plan_is_taken_and_old_days_keep_the_old_name(
    town: Bodies, plan: Plan
) -> None:
    name = "Văn phòng Nông thôn mới tỉnh"
    town.record(renamed("vpdp-tinh", name, date(2021, 1, 1), "province"), today=date(2021, 1, 4))
    register(town, later_plan(plan, "vpdp-tinh", name=name))
    assert called(town, "vpdp-tinh", date(2020, 12, 31)).name == plan.body("vpdp-tinh").name
    assert called(town, "vpdp-tinh", date(2021, 1, 1)).name == name
    register(town, replace(plan, digest="loaded again"))
    assert called(town, "vpdp-tinh", date(2020, 6, 1)).name == plan.body("vpdp-tinh").name


def test_a_plan_that_prints_the_name_of_another_time_is_taken_and_said(
    make_runtime: Callable[..., Runtime], town: Bodies, plan: Plan
) -> None:
    town.record(renamed("vpdp-tinh", "Văn phòng mới", level="province"))
    newer = later_plan(plan, "x")
    register(town, newer)
    town.rt = replace(town.rt, plans={newer.id: newer}, own=newer.id)
    said = [one for one in town.findings(date(2021, 2, 1)) if one.key == "succession.old_name"]
    assert [(one.data["id"], one.data["known"]) for one in said] == [("vpdp-tinh", "Văn phòng mới")]


def test_a_plan_may_correct_its_own_slip_of_the_pen_but_not_what_an_event_said(
    town: Bodies, plan: Plan
) -> None:
    def corrected(name: str) -> Plan:
        bodies = tuple(replace(b, name=name) if b.id == A else b for b in plan.bodies)
        return replace(plan, bodies=bodies, digest=name)

    register(town, corrected("Ban Quản lý xã Tân Lập"))
    assert called(town, A, DAY).name == "Ban Quản lý xã Tân Lập"
    town.record(renamed(A, "Ban Quản lý mới", on=DAY))
    register(town, corrected("Ban Quản lý mới"))
    assert called(town, A, BEFORE).name == "Ban Quản lý xã Tân Lập"


def test_names_of_a_database_made_before_are_kept_when_it_is_upgraded(database_url: str) -> None:
    engine = engines.open_engine(database_url)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # copied from a template that is up to date
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text(
            "INSERT INTO plan (id, issuer, number, symbol, year, title, digest, loaded_at)"
            " VALUES ('kh', 'ubnd', 28, 'KH', 2020, 'x', 'd', '2020-02-12 00:00:00+00:00')"
        ))  # fmt: skip
        connection.execute(text(
            "INSERT INTO body (id, name, short, level, unit)"
            " VALUES ('ubnd', 'Ủy ban nhân dân', 'UBND', 'district', NULL)"
        ))  # fmt: skip
    schema.upgrade(engine)
    with engines.writer(engine).begin() as session:
        names = body_names.history(session, ["ubnd"])["ubnd"]
        told = [(one.valid_from, one.name, one.plan_id) for one in names]
        assert told == [(ALWAYS, "Ủy ban nhân dân", "kh")]
        assert successions.ends(session) == {}
        new = Called("ubnd", "UBND mới", "UBND", "district")
        change = body_events.rename(new, DAY, DOCUMENT)
        moment = datetime(2020, 7, 1, tzinfo=UTC)
        body_events.record(session, change, now=moment, today=DAY, actor=OFFICE)
    engine.dispose()
