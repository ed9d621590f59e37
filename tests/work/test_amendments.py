"""Claims about putting an amendment in force, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ntm_workflow.calendar.occurrences import occurrences
from ntm_workflow.errors import Refused, StaleEdit
from ntm_workflow.reports import trail
from ntm_workflow.reports.counts import counts, grouped
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Extension, PlanRecord, Task
from ntm_workflow.work import amendments, assign, audit, extensions, tasks
from ntm_workflow.work.amendment_effects import Fate, Preview, preview
from ntm_workflow.work.audit import Actor
from tests.amended import Paper
from tests.scene import Scene, fresh

PAPER = Paper()
JUNE, AUGUST = date(2020, 6, 22), date(2020, 8, 12)
DOCUMENT = "45/KH-UBND ngày 10/8/2020"
CLERK = Actor("Bình", "coordination", "vpdp-huyen", via="test")


class Office(Scene):
    """A scene whose plan can be amended; what is in force is remembered."""

    def __init__(self, rt: Runtime) -> None:
        super().__init__(rt)
        self.plan = rt.plan

    def open(self, day: date) -> int:
        with self.rt.sessions.begin() as session:
            opened = tasks.open_due(
                session, self.plan, self.rt.days, day, now=self.rt.moment(day), actor=CLERK
            )
        return sum(one.count for one in opened)

    def amend(
        self, paper: Paper, day: date, document: str = DOCUMENT,
        answers: Iterable[tuple[str, str]] = (), die: bool = False,
    ) -> Preview:  # fmt: skip
        with self.rt.sessions.begin() as session:
            prepared = amendments.prepare(
                session, self.plan, paper.plan, paper.bytes, document=document, answers=answers,
                today=day,
            )  # fmt: skip
            found = amendments.apply(
                session, self.plan, prepared, self.rt.days, now=self.rt.moment(day), today=day,
                actor=CLERK,
            )  # fmt: skip
            if die:
                raise KeyboardInterrupt
        self.plan = prepared.plan
        return found

    def dump(self) -> list[tuple[object, ...]]:
        columns = (Task.row_id, Task.period, Task.body_id, Task.state, Task.due_on, Task.version)
        with self.rt.reader() as session:
            return sorted(tuple(row) for row in session.execute(select(*columns)))

    def entries(self, subject: str, action: str = "") -> list[dict[str, object]]:
        with self.rt.reader() as session:
            found = trail.newest(session, 100, Filter(action, subject=subject))
            return [json.loads(one.data) for one in found]

    def asked(self) -> set[tuple[object, ...]]:
        """Everything that the text in force asks in the whole year."""
        return {
            (o.row_id, o.period, body)
            for row in self.plan.all_rows if row.reading.question is None
            for o in occurrences(row, self.plan, self.rt.days) for body in row.implementing
        }  # fmt: skip

    def states_of(self, row: str, period: str) -> set[str]:
        with self.rt.reader() as session:
            query = select(Task.state).where(Task.row_id == row, Task.period == period)
            return set(session.scalars(query))


@pytest.fixture
def office(rt: Runtime) -> Office:
    made = Office(rt)
    made.open(JUNE)
    return made


@pytest.fixture
def autumn(office: Office) -> Office:
    """The office on 12 August; two communes have finished IX.1, one waits for review."""
    for body in ("bql-vu-son", "bql-dong-y"):
        office.submit(f"IX.1/2020-Q2/{body}", date(2020, 6, 25))
        office.accept(f"IX.1/2020-Q2/{body}", date(2020, 6, 26))
    office.submit("IX.1/2020-Q2/bql-hung-vu", date(2020, 6, 29))
    office.open(AUGUST)
    return office


LATER = PAPER.set("IX.1", timing='"Quý III"')
Q3_END = date(2020, 9, 30)


# -- tasks follow their row ----------------------------------------------------------


def test_a_row_that_leaves_takes_its_open_tasks_with_it_and_says_by_which_document(
    autumn: Office,
) -> None:
    found = autumn.amend(PAPER.without("V.2"), AUGUST)
    assert {move.fate for move in found.cancelled} == {Fate.ROW_LEFT}
    assert autumn.task("V.2/2020-Q3/vpdp-tinh").state == "cancelled"
    (entry,) = autumn.entries("V.2/2020-Q3/vpdp-tinh", "task.cancelled")
    assert entry["reason"] == f"theo {DOCUMENT}"
    assert autumn.open(date(2020, 12, 1)) > 0
    assert not [code for code in autumn.codes() if code.startswith("V.2/2020-Q4")]


def test_what_was_handed_in_or_accepted_under_a_row_that_leaves_is_not_touched(
    autumn: Office,
) -> None:
    before = [one for one in autumn.dump() if one[3] in ("submitted", "accepted")]
    autumn.amend(PAPER.without("IX.1"), AUGUST)
    after = autumn.dump()
    assert before
    assert [one for one in after if one[3] in ("submitted", "accepted")] == before
    assert autumn.states_of("IX.1", "2020-Q2") == {"submitted", "accepted", "cancelled"}
    autumn.accept("IX.1/2020-Q2/bql-hung-vu", AUGUST)


def test_another_window_moves_the_due_day_of_those_who_have_not_finished(autumn: Office) -> None:
    found = autumn.amend(LATER, AUGUST)
    assert len(found.of(Fate.MOVED)) == 7
    task = autumn.task("IX.1/2020-Q2/bql-chien-thang")
    assert (task.state, task.due_on) == ("open", Q3_END)
    assert task.next_action_on == date(2020, 9, 16)
    with autumn.rt.reader() as session:
        (change,) = extensions.history(session, task)
    assert (change.old_due, change.new_due) == (date(2020, 6, 30), Q3_END)
    assert DOCUMENT in change.reason
    (entry,) = autumn.entries(task.code, "task.due_changed")
    assert entry["reason"] == f"theo {DOCUMENT}"
    autumn.open(Q3_END)
    assert not [code for code in autumn.codes() if code.startswith("IX.1/2020-Q3")]


def test_a_row_moved_twice_keeps_its_tasks_and_all_the_days_they_had(autumn: Office) -> None:
    autumn.amend(LATER, AUGUST)
    autumn.amend(PAPER.set("IX.1", timing='"Quý IV"').own_number(46, "2020-09-20"),
                 date(2020, 9, 21))  # fmt: skip
    task = autumn.task("IX.1/2020-Q2/bql-chien-thang")
    assert task.due_on == date(2020, 12, 31)
    with autumn.rt.reader() as session:
        days = [(c.old_due, c.new_due) for c in extensions.history(session, task)]
    assert days == [(date(2020, 6, 30), Q3_END), (Q3_END, date(2020, 12, 31))]
    autumn.open(date(2020, 12, 31))
    assert not [
        code for code in autumn.codes() if code.startswith(("IX.1/2020-Q3", "IX.1/2020-Q4"))
    ]


def test_where_all_have_finished_another_window_is_another_round(office: Office) -> None:
    office.submit("II.1/2020-Q1/phong-tc-kh", JUNE)
    office.accept("II.1/2020-Q1/phong-tc-kh", JUNE)
    found = office.amend(PAPER.set("II.1", timing='"Quý III"'), AUGUST)
    assert [(o.row_id, o.period, o.count) for o in found.opens] == [("II.1", "2020-Q3", 1)]
    assert [(d.count, d.asked_again) for d in found.done] == [(1, True)]


def test_a_period_written_by_a_person_says_that_the_finished_work_is_the_same(
    office: Office,
) -> None:
    office.submit("II.1/2020-Q1/phong-tc-kh", JUNE)
    office.accept("II.1/2020-Q1/phong-tc-kh", JUNE)
    found = office.amend(PAPER.set("II.1", timing='"Quý III"', period='"2020-Q1"'), AUGUST)
    assert not found.opens
    assert [(d.count, d.asked_again) for d in found.done] == [(1, False)]


def test_a_period_of_several_that_leaves_cancels_and_a_new_one_opens(autumn: Office) -> None:
    found = autumn.amend(PAPER.set("VIII.2", timing='"Quý III, IV"'), AUGUST)
    assert {(m.period, m.fate) for m in found.cancelled} == {("2020-Q2", Fate.PERIOD_LEFT)}
    assert autumn.states_of("VIII.2", "2020-Q3") == {"open"}


def test_a_commune_that_leaves_the_scope_loses_its_open_tasks_and_a_new_one_gets_its_own(
    autumn: Office,
) -> None:
    scope = '["chien-thang", "vu-son", "dong-y", "hung-vu", "tan-lap"]'
    found = autumn.amend(LATER.set("IX.1", scope=scope), AUGUST)
    assert {m.body_id for m in found.cancelled} == {"bql-nhat-tien", "bcd-nhat-tien"}
    assert [(o.row_id, o.period, o.count) for o in found.opens] == [("IX.1", "2020-Q2", 2)]
    new = autumn.task("IX.1/2020-Q2/bql-tan-lap")
    assert (new.state, new.opened_on, new.due_on) == ("open", AUGUST, Q3_END)


def test_what_was_over_before_the_amendment_is_asked_of_nobody_new(autumn: Office) -> None:
    paper = PAPER.set("IX.1", scope='["chien-thang", "vu-son", "tan-lap"]').insert(
        "X.1", "X.2", "Khen thưởng", timing="Thường xuyên"
    )
    found = autumn.amend(paper, AUGUST)
    over = {(o.row_id, o.period, o.count) for o in found.over}
    assert over == {("IX.1", "2020-Q2", 2), ("X.2", "2020-Q1", 1), ("X.2", "2020-Q2", 1)}
    assert [(o.row_id, o.period) for o in found.opens] == [("X.2", "2020-Q3")]
    autumn.open(date(2020, 12, 31))
    codes = autumn.codes()
    assert "X.2/2020-Q4/phong-tc-kh" in codes
    assert "X.2/2020-Q2/phong-tc-kh" not in codes
    assert "IX.1/2020-Q2/bql-tan-lap" not in codes


def test_tasks_of_a_renumbered_row_keep_their_code_and_the_new_row_gets_one_of_its_own(
    autumn: Office,
) -> None:
    before = autumn.dump()
    autumn.amend(
        PAPER.renumber(II_1="II.2", II_2="II.3").insert("II.2", "II.1", "Giao vốn bổ sung"), AUGUST
    )
    after = autumn.dump()
    assert [one for one in after if one not in before] == [
        ("II.1b", "2020-Q3", "phong-tc-kh", "open", Q3_END, 1)
    ]
    assert all(one in after for one in before)
    assert autumn.plan.row("II.2").number == "II.3"
    autumn.open(date(2020, 10, 1))
    assert "II.2/2020-10/phong-tc-kh" in autumn.codes()
    (entry,) = autumn.entries("28-kh-ubnd-2020", "plan.amended")
    assert entry["renumbered"] == ["II.1 → II.2", "II.2 → II.3"]


def test_an_id_is_never_given_twice_even_after_its_row_has_left(autumn: Office) -> None:
    autumn.amend(PAPER.without("V.2"), AUGUST)
    autumn.amend(PAPER.without("V.2").insert("V.1", "V.2", "Thi tìm hiểu"), date(2020, 8, 20))
    assert [row.id for row in autumn.plan.rows if row.content == "Thi tìm hiểu"] == ["V.2b"]


def test_a_rule_that_moves_due_days_moves_open_tasks(autumn: Office) -> None:
    paper = PAPER.replace("send_within_working_days = 2", "send_within_working_days = 5")
    found = autumn.amend(paper, AUGUST)
    moved = {(m.period, m.due_from, m.due_to) for m in found.of(Fate.MOVED)}
    assert ("2020-Q3", date(2020, 9, 16), date(2020, 9, 21)) in moved


def test_a_new_ordered_day_moves_the_tasks_that_fall_on_it(autumn: Office) -> None:
    day = '[[ordered_day]]\nday = 2020-09-30\noff = true\ndocument = "12/QĐ"\n\n[rules]'
    found = autumn.amend(PAPER.replace("[rules]", day), AUGUST)
    moved = {(m.row_id, m.due_to) for m in found.of(Fate.MOVED)}
    assert ("VIII.2", date(2020, 10, 1)) in moved


# -- what people did before ------------------------------------------------------------


def test_a_task_extended_beyond_the_new_day_keeps_the_later_one(autumn: Office) -> None:
    code = "IX.1/2020-Q2/bql-chien-thang"
    autumn.extend(code, date(2020, 10, 15), AUGUST)
    found = autumn.amend(LATER, AUGUST)
    assert [m.code for m in found.of(Fate.KEPT_LATER)] == [code]
    assert autumn.task(code).due_on == date(2020, 10, 15)


def test_a_task_extended_by_less_moves_on_to_the_new_day(autumn: Office) -> None:
    code = "IX.1/2020-Q2/bql-chien-thang"
    autumn.extend(code, date(2020, 8, 20), AUGUST)
    autumn.amend(LATER, AUGUST)
    assert autumn.task(code).due_on == Q3_END


def test_a_request_for_less_than_the_amendment_gives_is_granted_by_it(autumn: Office) -> None:
    codes = ("IX.1/2020-Q2/bql-chien-thang", "IX.1/2020-Q2/bql-nhat-tien")
    for code, wanted in zip(codes, (date(2020, 8, 31), date(2020, 11, 30)), strict=True):
        with autumn.rt.sessions.begin() as session:
            task = tasks.find(session, code)
            by = Actor("An", "office", task.body_id, via="test")
            extensions.ask(session, task, wanted, "mưa lũ", by=by, now=autumn.rt.moment(AUGUST))
    autumn.amend(LATER, AUGUST)
    with autumn.rt.reader() as session:
        found = list(session.scalars(select(Extension.granted).order_by(Extension.id)))
    assert found == [True, None]
    assert autumn.task(codes[0]).due_on == Q3_END


def test_a_suspended_task_moves_and_stays_quiet(autumn: Office) -> None:
    code = "IX.1/2020-Q2/bql-chien-thang"
    autumn.suspend(code, AUGUST)
    autumn.amend(LATER, AUGUST)
    assert (autumn.task(code).due_on, autumn.task(code).next_action_on) == (Q3_END, None)


def test_ad_hoc_work_stays_while_its_row_stays(autumn: Office) -> None:
    with autumn.rt.sessions.begin() as session:
        assign.assign(
            session, autumn.plan, autumn.rt.days, "XI.1", ["phong-tu-phap"], date(2020, 9, 1),
            "Báo cáo nhanh", by=CLERK, now=autumn.rt.moment(AUGUST), today=AUGUST,
        )  # fmt: skip
    autumn.amend(PAPER.set("XI.1", implementing='"VPĐP huyện"'), AUGUST)
    assert autumn.task("XI.1/2020-DX01/phong-tu-phap").state == "open"
    autumn.amend(PAPER.without("XI.1"), date(2020, 8, 13))
    assert autumn.task("XI.1/2020-DX01/phong-tu-phap").state == "cancelled"


def test_a_task_cancelled_by_one_amendment_is_named_when_the_next_asks_it_again(
    autumn: Office,
) -> None:
    scope = '["vu-son", "dong-y", "hung-vu", "nhat-tien"]'
    autumn.amend(LATER.set("IX.1", scope=scope), AUGUST)
    found = autumn.amend(LATER, date(2020, 8, 20))
    assert set(found.stays_cancelled) == {
        "IX.1/2020-Q2/bql-chien-thang", "IX.1/2020-Q2/bcd-chien-thang"
    }  # fmt: skip
    assert autumn.task("IX.1/2020-Q2/bql-chien-thang").state == "cancelled"


def test_the_preview_says_what_applying_does(autumn: Office) -> None:
    with autumn.rt.reader() as session:
        prepared = amendments.prepare(
            session, autumn.plan, BIG.plan, BIG.bytes, document="", today=AUGUST
        )
        expected = preview(
            session, autumn.plan, prepared.plan, autumn.rt.days, AUGUST, prepared.starts_on
        )
    before = autumn.dump()
    assert autumn.amend(BIG, AUGUST) == expected
    new = [one for one in autumn.dump() if one not in before]
    opened = [one for one in new if one[:3] not in {old[:3] for old in before}]
    assert len(opened) == sum(one.count for one in expected.opens)
    assert len(new) == len(opened) + len(expected.of(Fate.MOVED)) + len(expected.cancelled)


# -- once, whole, and by whom ------------------------------------------------------------

BIG = (
    LATER.without("V.2")
    .renumber(II_1="II.2", II_2="II.3")
    .insert("II.2", "II.1", "Giao vốn bổ sung")
    .set("VIII.2", timing='"Quý III, IV"')
    .own_number()
)


def test_applying_the_same_paper_again_changes_nothing(autumn: Office) -> None:
    autumn.amend(BIG, AUGUST)
    with autumn.rt.reader() as session:
        before, length = autumn.dump(), audit.head(session)
    for again in (BIG, BIG, Paper(BIG.text + "\n# thêm một chú thích\n")):
        assert autumn.amend(again, date(2020, 8, 14)) == Preview()
    with autumn.rt.reader() as session:
        assert (autumn.dump(), audit.head(session)) == (before, length)


def test_the_text_that_runs_changes_nothing(autumn: Office) -> None:
    before = autumn.dump()
    assert autumn.amend(PAPER, AUGUST, document="") == Preview()
    assert autumn.dump() == before


def test_a_death_before_the_commit_leaves_nothing(autumn: Office) -> None:
    with autumn.rt.reader() as session:
        before, length = autumn.dump(), audit.head(session)
    with pytest.raises(KeyboardInterrupt):
        autumn.amend(BIG, AUGUST, die=True)
    with autumn.rt.reader() as session:
        assert (autumn.dump(), audit.head(session)) == (before, length)
        digest = session.scalar(select(PlanRecord.digest))
    assert digest == autumn.rt.plan.digest
    autumn.amend(BIG, AUGUST)
    assert autumn.broken_audit() is None


def test_counts_of_the_past_stay_and_the_chain_verifies(autumn: Office) -> None:
    past = [date(2020, 6, 22), date(2020, 6, 30), date(2020, 7, 1), date(2020, 8, 11)]

    def seen() -> list[object]:
        with autumn.rt.reader() as session:
            plan_id = autumn.plan.id
            whole = [counts(session, plan_id, day) for day in past]
            parts = [
                grouped(session, plan_id, day, by)
                for day in past for by in ("section", "row", "body", "level")
            ]  # fmt: skip
        return [*whole, *parts]

    before = seen()
    autumn.amend(BIG, AUGUST)
    assert seen() == before
    assert autumn.broken_audit() is None


def test_the_audit_says_what_was_amended_by_which_document(autumn: Office) -> None:
    found = autumn.amend(BIG, AUGUST, document="")
    (entry,) = autumn.entries("28-kh-ubnd-2020", "plan.amended")
    assert entry["document"] == DOCUMENT
    assert (entry["added"], entry["removed"]) == (["II.1"], ["V.2"])
    assert entry["tasks_cancelled"] == len(found.cancelled) > 0
    assert entry["tasks_moved"] == len(found.of(Fate.MOVED)) == 7


def test_the_second_of_two_clerks_is_told_that_the_text_has_changed(autumn: Office) -> None:
    old = autumn.plan
    autumn.amend(BIG, AUGUST)
    autumn.plan = old
    with pytest.raises(StaleEdit):
        autumn.amend(LATER, AUGUST)


@pytest.mark.parametrize(
    ("paper", "document", "key"),
    [
        (LATER, "", "amend.no_document"),
        (LATER.own_number(day="2020-09-01"), "", "amend.too_early"),
        (PAPER.replace('id = "28-kh-ubnd-2020" ', 'id = "99-kh-ubnd-2020" '), DOCUMENT,
         "amend.other_plan"),
        (LATER.own_number().replace("year = 2020\n", "year = 2021\n"), DOCUMENT,
         "amend.other_year"),
        (PAPER.set("IX.1", content='"Trồng cây xanh dọc đường trục xã"'), DOCUMENT,
         "amend.questions"),
    ],
)  # fmt: skip
def test_a_paper_that_cannot_be_applied_is_refused_and_nothing_changes(
    office: Office, paper: Paper, document: str, key: str
) -> None:
    before = office.dump()
    with pytest.raises(Refused) as refused:
        office.amend(paper, AUGUST, document=document)
    assert refused.value.key == key
    assert office.dump() == before


def test_days_that_were_missed_are_still_owed_under_the_old_text(rt: Runtime) -> None:
    office = Office(rt)  # nothing was opened since February
    office.amend(PAPER.without("V.2"), AUGUST)
    assert office.task("X.1/2020-06/vpdp-huyen").state == "open"
    assert office.task("V.2/2020-Q2/vpdp-tinh").state == "cancelled"


# -- any amendment -----------------------------------------------------------------------

ROWS = [row.id for row in PAPER.plan.rows]


@settings(max_examples=6)
@given(
    gone=st.sets(st.sampled_from(ROWS[1:]), max_size=3),
    timings=st.dictionaries(
        st.sampled_from(ROWS), st.sampled_from(["Quý III", "Tháng 9", "Thường xuyên", "Quý II"]),
        max_size=4,
    ),
    added=st.sampled_from([None, *ROWS[:1]]),
)  # fmt: skip
def test_any_amendment_leaves_just_the_tasks_that_the_new_text_asks(
    tmp_path_factory: pytest.TempPathFactory, gone: set[str], timings: dict[str, str],
    added: str | None,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("amended")
    office = Office(fresh(f"sqlite:///{folder / 'ntm.db'}", PAPER.plan, folder).rt)
    office.open(AUGUST)
    paper = PAPER
    for row, timing in timings.items():
        paper = paper.set(row, timing=f'"{timing}"')
    if added:
        paper = paper.insert(added, "I.7", "Khắc phục hậu quả mưa đá", "UBND các xã")
    paper = paper.without(*gone).own_number()
    with office.rt.reader() as session:
        past = counts(session, office.plan.id, date(2020, 8, 11))
    office.amend(paper, AUGUST)
    with office.rt.reader() as session:
        assert counts(session, office.plan.id, date(2020, 8, 11)) == past
    assert office.amend(paper, AUGUST) == Preview()
    assert office.open(AUGUST) == 0
    live = {(row, period, body) for row, period, body, state, *_ in office.dump()
            if state == "open"}  # fmt: skip
    assert live <= office.asked()
    assert not [one for one in live if one[0] in gone]
    assert office.broken_audit() is None
