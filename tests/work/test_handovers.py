"""Claims about handing over what ended bodies leave behind, on SQLite and PostgreSQL."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import digest
from ntm_workflow.errors import Refused
from ntm_workflow.reports import tasks as listed
from ntm_workflow.reports import trail
from ntm_workflow.reports.counts import Counts, counts
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.work import body_names
from ntm_workflow.work.body_events import Change
from ntm_workflow.work.body_names import ALWAYS, Called
from tests.bodies_scene import DAY, DOCUMENT, NEW, Bodies, end, found, merge, renamed, split
from tests.scene import fresh, only

A, B, C, D = "bql-tan-lap", "bql-tan-huong", "bql-chieu-vu", "bql-vu-lang"
JUNE = date(2020, 6, 1)
BEFORE = DAY - timedelta(days=1)


def review(body: str) -> str:
    return f"III.1/2020-06/{body}"


@pytest.fixture
def town(make_runtime: Callable[..., Runtime], database_url: str, plan: Plan) -> Bodies:
    """III.1 (June and December, BCĐ and BQL of each commune) and II.2, opened for June."""
    town = Bodies(make_runtime(database_url, plan=only(plan, "III.1", "II.2")))
    town.open(JUNE)
    return town


def count(town: Bodies, day: date) -> Counts:
    with town.rt.reader() as session:
        return counts(session, town.rt.plan.id, day)


# -- a merger -----------------------------------------------------------------------


def test_a_merger_proposes_every_open_task_to_the_one_successor_and_changes_none(
    town: Bodies,
) -> None:
    recorded = town.record(merge(A, B, C))
    assert recorded.proposed == 3
    assert {one.to_body for one in town.proposals()} == {NEW.id}
    assert {one.state for one in town.proposals()} == {"proposed"}
    assert {town.states("III.1", "2020-06")[body] for body in (A, B, C)} == {"open"}


def test_an_event_of_a_later_day_proposes_nothing_before_it(town: Bodies) -> None:
    assert town.record(merge(A, B), today=date(2020, 6, 20)).proposed == 0
    town.open(BEFORE)
    assert town.proposals() == []
    town.open(DAY)
    assert sorted(one.body_id for one in town.proposals() if one.task_id) == [B, A]


def test_tasks_of_three_communes_that_collide_become_one_of_the_successor(town: Bodies) -> None:
    before = count(town, BEFORE)
    town.extend(review(B), date(2020, 7, 31), date(2020, 6, 20))
    event = town.record(merge(A, B, C)).id
    done, left = town.confirm_all(event)
    states = town.states("III.1", "2020-06")
    assert (len([one for one in done if one.old]), left) == (3, [])
    assert [states[body] for body in (A, B, C, NEW.id)] == ["cancelled"] * 3 + ["open"]
    assert town.task(review(NEW.id)).due_on == date(2020, 6, 30)  # the earliest of them
    assert {one.new_task_id for one in town.proposals() if one.task_id} == {
        town.task(review(NEW.id)).id
    }
    after = count(town, DAY)
    assert after.total == before.total - 2
    assert count(town, BEFORE) == before
    assert town.broken_audit() is None


def test_the_history_of_both_tasks_says_where_it_went_and_by_which_document(
    town: Bodies,
) -> None:
    town.confirm_all(town.record(merge(A, B)).id)
    with town.rt.reader() as session:
        closed = trail.newest(session, 1, Filter("task.cancelled", subject=review(A)))[0]
        opened = trail.newest(session, 1, Filter("task.opened", subject=review(NEW.id)))[0]
    assert f"chuyển cho {NEW.name} theo {DOCUMENT}" in closed.data
    assert review(NEW.id) in closed.data
    assert closed.actor == "Bình"
    assert review(A) in opened.data or review(B) in opened.data


def test_confirming_twice_hands_over_once(town: Bodies) -> None:
    town.record(merge(A, B))
    one = town.of_task(review(A))
    town.confirm(one.id)
    with pytest.raises(Refused) as error:
        town.confirm(one.id)
    assert error.value.key == "handover.decided"
    assert town.codes().count(review(NEW.id)) == 1


def test_two_people_confirming_at_once_open_one_task(town: Bodies) -> None:
    event = town.record(merge(A, B, C)).id
    start, failed = threading.Barrier(3), []

    def run() -> None:
        start.wait()
        try:
            town.confirm_all(event)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert town.codes().count(review(NEW.id)) == 1
    assert {one.state for one in town.proposals()} == {"confirmed"}
    assert town.broken_audit() is None


def test_a_body_that_takes_others_in_keeps_its_own_task(town: Bodies) -> None:
    event = town.record(merge(A, B, into=B)).id
    mine = town.task(review(B)).id
    done, _ = town.confirm_all(event)
    assert [(one.new.id, one.joined) for one in done if one.new] == [(mine, True)]
    assert town.states("III.1", "2020-06")[B] == "open"
    assert town.task(review(B)).id == mine


def test_evidence_that_was_handed_in_is_reviewed_where_it_stands(town: Bodies) -> None:
    town.submit(review(A), date(2020, 6, 20))
    event = town.record(merge(A, B)).id
    assert [one.body_id for one in town.proposals() if one.task_id] == [B]
    town.confirm_all(event)
    town.accept(review(A), DAY)
    assert town.states("III.1", "2020-06")[A] == "accepted"


def test_evidence_that_comes_back_is_proposed_then(town: Bodies) -> None:
    town.submit(review(A), date(2020, 6, 20))
    town.record(merge(A, B))
    town.return_(review(A), date(2020, 7, 3))
    town.open(date(2020, 7, 6))
    one = town.of_task(review(A))
    town.confirm(one.id, day=date(2020, 7, 6))
    assert town.states("III.1", "2020-06")[NEW.id] == "open"


def test_a_proposal_whose_task_was_settled_meanwhile_is_not_confirmed(town: Bodies) -> None:
    town.record(merge(A, B))
    one = town.of_task(review(A))
    town.submit(review(A), DAY)
    with pytest.raises(Refused) as error:
        town.confirm(one.id)
    assert error.value.key == "handover.not_open"
    assert NEW.id not in town.states("III.1", "2020-06")


@pytest.mark.parametrize("settled", ["accepted", "cancelled"])
def test_a_task_is_never_closed_onto_one_that_is_settled(town: Bodies, settled: str) -> None:
    if settled == "accepted":
        town.submit(review(B), date(2020, 6, 20))
        town.accept(review(B), date(2020, 6, 22))
    else:
        town.cancel(review(B), date(2020, 6, 22))
    event = town.record(merge(A, B, into=B)).id
    done, left = town.confirm_all(event)
    assert [one for one in done if one.old] == []
    assert [one.why.key for one in left] == [f"handover.twin_{settled}"]
    assert town.states("III.1", "2020-06")[A] == "open"


def test_a_suspended_task_is_suspended_still_where_it_goes(town: Bodies) -> None:
    town.suspend(review(A), date(2020, 6, 10))
    town.record(merge(A, B))
    town.confirm(town.of_task(review(A)).id)
    assert town.task(review(NEW.id)).suspended_on == DAY
    assert town.task(review(NEW.id)).next_action_on is None
    town.resume(review(NEW.id), date(2020, 7, 10))
    assert town.task(review(NEW.id)).next_action_on is not None


def test_the_successor_hears_of_it_in_the_next_digest_by_name_of_the_old_body(
    town: Bodies,
) -> None:
    town.confirm_all(town.record(merge(A, B)).id)
    town.contact("moi", NEW.id)
    town.remind(DAY)
    said = [one for one in town.said(day=DAY) if one.to == "moi"]
    assert [(one.task, one.rung) for one in said] == [(review(NEW.id), "handed-over")]
    with town.rt.reader() as session:
        entries = [e for n in town.notices() for e in digest.still_owed(session, n)]
    why = [entry.why for entry in entries if entry.why]
    assert why
    assert "BQL NTM xã Tân" in why[0]
    assert DOCUMENT in why[0]
    assert not any(one.task == review(A) for one in town.said(day=DAY))


def test_ad_hoc_work_and_a_moved_due_day_go_along(town: Bodies) -> None:
    town.extend(review(A), date(2020, 8, 31), date(2020, 6, 20))
    town.record(merge(A, B))
    town.confirm(town.of_task(review(A)).id)
    old, new = town.task(review(A)), town.task(review(NEW.id))
    assert new.due_on == date(2020, 8, 31)
    assert (new.opens_on, new.nominal_due, new.opened_on) == (old.opens_on, old.nominal_due, DAY)


# -- where there is not one successor ----------------------------------------------------


def test_a_split_asks_who_takes_each_task(town: Bodies) -> None:
    event = town.record(split(A, "bql-mot", "bql-hai")).id
    one = town.of_task(review(A))
    assert (one.to_body, one.choices) == (None, ["bql-hai", "bql-mot"])
    done, left = town.confirm_all(event)
    assert done == []
    assert {item.why.key for item in left} == {"handover.choose"}
    town.confirm(one.id, "bql-hai")
    states = town.states("III.1", "2020-06")
    assert (states["bql-hai"], states.get("bql-mot"), states[A]) == ("open", None, "cancelled")


def test_an_end_without_successor_asks_and_a_refusal_leaves_the_task_to_the_office(
    town: Bodies,
) -> None:
    town.record(end(A))
    one = town.of_task(review(A))
    assert (one.to_body, one.choices) == (None, [])
    town.refuse(one.id)
    assert town.states("III.1", "2020-06")[A] == "open"
    town.contact("vpdp", "vpdp-huyen")
    town.remind(DAY)
    said = [(s.to, s.role) for s in town.said(day=DAY, task=review(A))]
    assert said == [("vpdp", "no-contact")]
    town.open(DAY)
    assert [x.state for x in town.proposals() if x.task_id == one.task_id] == ["refused"]
    town.confirm(one.id, "vpdp-huyen")  # somebody thought better of it
    assert town.states("III.1", "2020-06")["vpdp-huyen"] == "open"


def test_a_refusal_needs_a_reason_and_an_open_proposal(town: Bodies) -> None:
    town.record(merge(A, B))
    one = town.of_task(review(A))
    with pytest.raises(Refused) as error:
        town.refuse(one.id, " ")
    assert error.value.key == "reason.missing"
    town.confirm(one.id)
    with pytest.raises(Refused) as error:
        town.refuse(one.id)
    assert error.value.key == "handover.decided"


def test_work_is_not_handed_to_a_body_that_is_not_there(town: Bodies) -> None:
    town.record(end(A))
    town.record(end(C))
    town.record(found("bql-sau-nay", on=date(2020, 9, 1)), today=DAY)
    one = town.of_task(review(A)).id
    for to, key in ((C, "event.ended"), ("bql-sau-nay", "event.not_yet"), (A, "handover.itself")):
        with pytest.raises(Refused) as error:
            town.confirm(one, to)
        assert error.value.key == key
    assert town.states("III.1", "2020-06")[A] == "open"


# -- what is yet to be opened ---------------------------------------------------------


DECEMBER = date(2020, 12, 1)


def test_an_ended_body_gets_no_task_after_its_end_and_that_is_said(town: Bodies) -> None:
    town.record(merge(A, B))
    town.open(DECEMBER)
    states = town.states("III.1", "2020-12")
    assert {A, B, NEW.id}.isdisjoint(states)
    assert len(states) == 32  # all the others
    said = [one.data for one in town.findings(DECEMBER) if one.key == "succession.unopened"]
    assert {(one["row"], one["period"], one["id"], one["into"]) for one in said} == {
        ("III.1", "2020-12", B, NEW.short), ("III.1", "2020-12", A, NEW.short),
    }  # fmt: skip


def test_its_successor_gets_them_once_a_person_has_confirmed_it_for_the_plan(
    town: Bodies,
) -> None:
    event = town.record(merge(A, B)).id
    town.open(DECEMBER)  # too early: nobody has confirmed
    standing = [one for one in town.proposals() if one.task_id is None]
    assert sorted((one.plan_id, one.body_id, one.to_body) for one in standing) == [
        ("28-kh-ubnd-2020", B, NEW.id), ("28-kh-ubnd-2020", A, NEW.id),
    ]  # fmt: skip
    town.confirm_all(event, DECEMBER)
    assert town.open(DECEMBER) == 1
    assert town.states("III.1", "2020-12")[NEW.id] == "open"
    assert town.open(date(2020, 12, 2)) == 0
    june = town.states("III.1", "2020-06")
    assert (june[A], june[NEW.id]) == ("cancelled", "open")
    assert not [one for one in town.findings(DECEMBER) if one.key == "succession.unopened"]
    assert town.broken_audit() is None


def test_confirming_for_the_future_does_not_reopen_what_is_done(town: Bodies) -> None:
    for body in (A, B):
        town.submit(review(body), date(2020, 6, 20))
        town.accept(review(body), date(2020, 6, 22))
    event = town.record(merge(A, B)).id
    town.open(DAY)
    town.confirm_all(event)
    town.open(DECEMBER)
    assert NEW.id not in town.states("III.1", "2020-06")
    assert town.states("III.1", "2020-12")[NEW.id] == "open"


def test_a_refused_succession_stays_a_finding(town: Bodies) -> None:
    town.record(merge(A, B))
    town.open(DAY)
    for one in [one for one in town.proposals() if one.task_id is None]:
        town.refuse(one.id)
    town.open(DECEMBER)
    assert NEW.id not in town.states("III.1", "2020-12")
    said = {one.data["id"] for one in town.findings(DECEMBER) if one.key == "succession.unopened"}
    assert said == {A, B}


def test_a_body_whose_end_was_a_mistake_gets_what_was_not_opened_for_it(town: Bodies) -> None:
    event = town.record(merge(A, B)).id
    town.open(DECEMBER)
    town.withdraw(event, DECEMBER)
    assert town.open(DECEMBER) == 2
    states = town.states("III.1", "2020-12")
    assert (states[A], states[B], len(states)) == ("open", "open", 34)


def test_a_plan_that_was_over_before_the_event_asks_nothing_about_its_future(
    town: Bodies,
) -> None:
    day = date(2025, 7, 1)
    town.open(date(2020, 12, 31))
    town.record(merge(A, B, on=day))
    town.open(day)
    assert [one for one in town.proposals() if one.task_id is None] == []


def test_offices_and_directing_bodies_that_ended_are_named(town: Bodies) -> None:
    town.record(end("ubnd-huyen", "vpdp-huyen", "bcd-huyen", into=("vpdp-tinh",)))
    said = {one.key: one.data for one in town.findings(DAY)}
    assert said["succession.issuer"]["id"] == "ubnd-huyen"
    assert said["succession.office"]["id"] == "vpdp-huyen"
    directing = [one.data for one in town.findings(DAY) if one.key == "succession.directing"]
    assert {"II.2", "III.1"} == {row for one in directing for row in one["rows"].split(", ")}
    assert town.findings(BEFORE) == []


def test_lists_name_a_body_as_it_was_when_its_task_was_settled(town: Bodies) -> None:
    town.submit(review(A), date(2020, 6, 20))
    town.accept(review(A), date(2020, 6, 22))
    town.record(renamed(A, "BQL Tân Lập mới"))
    town.record(renamed(B, "BQL Tân Hương mới"))
    with town.rt.reader() as session:
        for day, names in (
            (BEFORE, ("BQL NTM xã Tân Lập", "BQL NTM xã Tân Hương")),
            (DAY, ("BQL NTM xã Tân Lập", "BQL Tân Hương mới")),
        ):
            found = {
                one.task.body_id: one.body
                for one in listed.of_row(session, town.rt.plan, "III.1", day, (A, B))
            }
            assert (found[A], found[B]) == names


# -- any sequence of events --------------------------------------------------------------


POOL = (A, B, C, D, "bql-vu-le", "bql-vu-son")
STEP = st.tuples(
    st.sampled_from(["merge", "absorb", "split", "end", "rename", "open", "confirm", "refuse",
                     "submit", "return"]),
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
)  # fmt: skip


class Walk:
    """A random walk: what is open, and which bodies there are, as the events go on."""

    def __init__(self, town: Bodies) -> None:
        self.town, self.day, self.made = town, date(2020, 6, 15), 0
        self.bodies = list(POOL)

    def pick(self, number: int) -> str:
        return self.bodies[number % len(self.bodies)]

    def new(self) -> Called:
        self.made += 1
        return Called(f"bql-moi-{self.made}", f"Ban {self.made}", f"B{self.made}", "commune")

    def step(self, what: str, numbers: list[int]) -> None:
        self.day += timedelta(days=9)
        before = self.open_tasks()
        try:
            getattr(self, what)(*numbers)
        except Refused:
            assert self.open_tasks() == before  # nothing was changed
        self.town.open(self.day)
        self.check(before)

    def record(self, change: Change) -> None:
        self.town.record(change, today=self.day)
        gone = set(change.bodies) - set(change.into)
        self.bodies = [b for b in self.bodies if b not in gone]
        self.bodies += [b for b in (*change.into, *(c.id for c in change.called))
                        if b not in self.bodies]  # fmt: skip

    def merge(self, a: int, b: int, c: int) -> None:
        chosen = {self.pick(a), self.pick(b), self.pick(c)}
        self.record(merge(*sorted(chosen), into=self.new(), on=self.day))

    def absorb(self, a: int, b: int, c: int) -> None:
        chosen = sorted({self.pick(a), self.pick(b)})
        self.record(merge(*chosen, into=chosen[c % len(chosen)], on=self.day))

    def split(self, a: int, b: int, c: int) -> None:
        self.record(split(self.pick(a), self.new().id, self.new().id, on=self.day))

    def end(self, a: int, b: int, c: int) -> None:
        into = (self.pick(b),) if c % 2 else ()
        self.record(end(self.pick(a), into=into, on=self.day))

    def rename(self, a: int, b: int, c: int) -> None:
        self.record(renamed(self.pick(a), f"Tên {b}{c}", on=self.day))

    def open(self, *_: int) -> None:
        self.day += timedelta(days=120)  # two of them reach December

    def confirm(self, a: int, b: int, c: int) -> None:
        events = self.town.events()
        if not events:
            return
        if c % 2:
            self.town.confirm_all(events[a % len(events)].id, self.day)
            return
        waiting = self.town.proposals("proposed")
        if waiting:
            self.town.confirm(waiting[a % len(waiting)].id, self.pick(b), self.day)

    def refuse(self, a: int, b: int, c: int) -> None:
        waiting = self.town.proposals("proposed")
        if waiting:
            self.town.refuse(waiting[a % len(waiting)].id, day=self.day)

    def submit(self, a: int, b: int, c: int) -> None:
        found = sorted(self.open_tasks())
        if found:
            self.town.submit(self.code(found[a % len(found)]), self.day)

    def code(self, task_id: int) -> str:
        with self.town.rt.reader() as session:
            return session.get_one(Task, task_id).code

    def return_(self, a: int, b: int, c: int) -> None:
        with self.town.rt.reader() as session:
            query = select(Task).where(Task.state == "submitted").order_by(Task.id)
            found = [task.code for task in session.scalars(query)]
        if found:
            self.town.return_(found[a % len(found)], self.day)

    def open_tasks(self) -> set[int]:
        with self.town.rt.reader() as session:
            query = select(Task.id).where(Task.state == "open")
            return set(session.scalars(query))

    def check(self, before: set[int]) -> None:
        """Each task that was open is open with its body, handed in, or answered for elsewhere."""
        with self.town.rt.reader() as session:
            tasks = {task.id: task for task in session.scalars(select(Task))}
        proposals: dict[int, list[Any]] = {}
        for one in self.town.proposals():
            if one.task_id:
                proposals.setdefault(one.task_id, []).append(one)
        for number in before:
            task = tasks[number]
            if task.state == "cancelled":
                new = [tasks[one.new_task_id] for one in proposals[number] if one.new_task_id]
                assert [one.state in ("open", "submitted") for one in new] == [True], task.code
            else:
                assert task.state in ("open", "submitted"), task.code
        living = set(self.bodies)
        for task in tasks.values():
            if task.state == "open" and task.body_id in self.everyone() - living:
                assert proposals.get(task.id), f"{task.code} is left behind"
            if task.opened_on == self.day:
                assert task.body_id in living, f"{task.code} opened for a body that has ended"

    def everyone(self) -> set[str]:
        return {*POOL, *(f"bql-moi-{n + 1}" for n in range(self.made))}

    def names(self) -> None:
        """One name a day for each body, and counts that sum."""
        with self.town.rt.reader() as session:
            for names in body_names.history(session, self.everyone()).values():
                starts = [one.valid_from for one in names]
                assert starts == sorted(set(starts))
                assert starts[0] == ALWAYS or names[0].event_id
            for day in (JUNE, self.day):
                found = counts(session, self.town.rt.plan.id, day)
                live = [t for t in session.scalars(select(Task)) if t.opened_on <= day
                        and (t.cancelled_on is None or t.cancelled_on > day)]  # fmt: skip
                assert found.total == len(live)


@settings(max_examples=25)
@given(st.lists(STEP, min_size=1, max_size=9))
def test_no_sequence_of_events_loses_an_open_task_or_overlaps_two_names(
    plan: Plan, steps: list[tuple[str, list[int]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        row = only(plan, "III.1")
        kept = replace(
            row, digest="walk",
            rows=tuple(replace(r, implementing=POOL) for r in row.rows),
        )  # fmt: skip
        scene = fresh(f"sqlite:///{Path(folder) / 'ntm.db'}", kept, Path(folder))
        walk = Walk(Bodies(scene.rt))
        walk.town.open(JUNE)
        for what, numbers in steps:
            walk.step("return_" if what == "return" else what, numbers)
        walk.step("open", [0, 0, 0])
        walk.step("open", [0, 0, 0])
        walk.names()
        assert walk.town.broken_audit() is None
        scene.rt.engine.dispose()
