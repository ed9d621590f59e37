"""Claims about handing in, reviewing and extending.

An owns the task, Bình reviews, Chi belongs to another body.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from ntm_workflow.errors import Refused, StaleEdit
from ntm_workflow.reports import trail
from ntm_workflow.reports.counts import counts
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Submission, Task
from ntm_workflow.work import evidence, extensions, review, tasks
from ntm_workflow.work.audit import Actor

CODE = "III.1/2020-06/bql-tan-lap"
AN = Actor("An", "office", "bql-tan-lap", "test")
BINH = Actor("Bình", "coordination", "vpdp-huyen", "test")
CHI = Actor("Chi", "office", "bql-vu-le", "test")
DUE = date(2020, 6, 30)


@pytest.fixture
def opened(rt: Runtime, open_on: Callable[[Runtime, date], object]) -> Runtime:
    open_on(rt, date(2020, 6, 1))
    return rt


def hand_in(rt: Runtime, day: date, by: Actor = AN, late_reason: str = "") -> Submission:
    with rt.sessions.begin() as session:
        task = tasks.find(session, CODE)
        doc = evidence.document("12/BC-UBND", day, "Kết quả rà soát", "UBND xã Tân Lập", day)
        return evidence.submit(
            session, task, rt.plan, rt.days, doc, by=by, now=rt.moment(day), today=day,
            late_reason=late_reason,
        )  # fmt: skip


def accept(rt: Runtime, day: date, by: Actor = BINH) -> None:
    with rt.sessions.begin() as session:
        task = tasks.find(session, CODE)
        review.accept(session, task, rt.plan, by=by, now=rt.moment(day), today=day)


def send_back(rt: Runtime, day: date, reason: str = "Thiếu biểu số liệu") -> None:
    with rt.sessions.begin() as session:
        task = tasks.find(session, CODE)
        review.return_(
            session, task, rt.plan, rt.days, reason, by=BINH, now=rt.moment(day), today=day
        )


def task(rt: Runtime) -> Task:
    with rt.reader() as session:
        return tasks.find(session, CODE)


def test_a_document_number_is_read_into_number_symbol_and_type() -> None:
    doc = evidence.document(" 12 / BC-UBND ", None, "x", "UBND xã", DUE)
    assert (doc.number, doc.symbol, doc.doc_type) == ("12", "BC-UBND", "BC")


@pytest.mark.parametrize("number", ["BC-UBND", "12", "12/BC UBND", "mười hai/BC", ""])
def test_what_is_no_document_number_is_refused(number: str) -> None:
    with pytest.raises(Refused) as error:
        evidence.document(number, None, "x", "UBND xã", DUE)
    assert error.value.key == "evidence.number"


def test_a_document_of_tomorrow_is_refused() -> None:
    with pytest.raises(Refused) as error:
        evidence.document("12/BC-UBND", date(2020, 7, 1), "x", "UBND xã", DUE)
    assert error.value.key == "evidence.future"


def test_handed_in_the_task_waits_for_review_and_its_ladder_is_quiet(opened: Runtime) -> None:
    hand_in(opened, date(2020, 6, 25))
    found = task(opened)
    assert found.state == "submitted"
    assert found.next_action_on == date(2020, 6, 30)  # three working days for the reviewer


def test_only_the_body_of_a_task_hands_in_its_evidence(opened: Runtime) -> None:
    with pytest.raises(Refused) as error:
        hand_in(opened, date(2020, 6, 25), by=CHI)
    assert error.value.key == "evidence.not_yours"
    assert task(opened).state == "open"


def test_late_evidence_needs_a_reason(opened: Runtime) -> None:
    with pytest.raises(Refused) as error:
        hand_in(opened, date(2020, 7, 1))
    assert error.value.key == "evidence.late_reason"
    hand_in(opened, date(2020, 7, 1), late_reason="Mưa lũ")
    assert task(opened).state == "submitted"


def test_a_task_is_complete_on_the_day_its_evidence_came_in(opened: Runtime) -> None:
    hand_in(opened, date(2020, 6, 30))
    accept(opened, date(2020, 7, 3))
    found = task(opened)
    assert (found.completed_on, found.accepted_on) == (date(2020, 6, 30), date(2020, 7, 3))
    with opened.reader() as session:
        assert counts(session, opened.plan.id, date(2020, 7, 3), row_id="III.1").done_on_time == 1


@pytest.mark.parametrize("by", [AN, CHI])
def test_only_the_coordination_office_reviews(opened: Runtime, by: Actor) -> None:
    hand_in(opened, date(2020, 6, 25))
    with pytest.raises(Refused) as error:
        accept(opened, date(2020, 6, 26), by=by)
    assert error.value.key == "review.not_yours"


def test_the_coordination_office_s_own_work_is_reviewed_by_who_directs_it(
    opened: Runtime,
) -> None:
    own = "X.1/2020-06/vpdp-huyen"
    with opened.reader() as session:
        assert review.reviewers(tasks.find(session, own), opened.plan) == ("bcd-huyen",)


def test_returned_evidence_opens_the_task_again_with_the_reason_and_the_old_due_day(
    opened: Runtime,
) -> None:
    hand_in(opened, date(2020, 6, 25))
    send_back(opened, date(2020, 6, 26))
    found = task(opened)
    assert (found.state, found.due_on, found.news) == ("open", DUE, "returned")
    hand_in(opened, date(2020, 6, 29))
    with opened.reader() as session:
        kept = evidence.of_task(session, tasks.find(session, CODE))
        assert [s.verdict for s in kept] == [None, "returned"]


def test_returning_needs_a_reason(opened: Runtime) -> None:
    hand_in(opened, date(2020, 6, 25))
    with pytest.raises(Refused) as error:
        send_back(opened, date(2020, 6, 26), reason="  ")
    assert error.value.key == "reason.missing"


def test_a_task_takes_one_submission_at_a_time(opened: Runtime) -> None:
    hand_in(opened, date(2020, 6, 25))
    with pytest.raises(Refused) as error:
        hand_in(opened, date(2020, 6, 25))
    assert error.value.key == "task.state"


def test_the_same_document_on_two_tasks_is_noticed(opened: Runtime) -> None:
    hand_in(opened, date(2020, 6, 25))
    doc = evidence.document("12/BC-UBND", None, "x", "UBND xã Tân Lập", DUE)
    with opened.reader() as session:
        other = tasks.find(session, "III.1/2020-06/bcd-tan-lap")
        assert evidence.handed_in_before(session, doc, other.id) == [CODE]


def test_a_file_is_kept_under_its_hash_and_twice_is_once(opened: Runtime) -> None:
    first = opened.files.put("báo cáo.pdf", io.BytesIO(b"noi dung"))
    again = opened.files.put("../../etc/passwd", io.BytesIO(b"noi dung"))
    assert first.sha256 == again.sha256
    assert again.name == "passwd"
    assert opened.files.path(first.sha256).read_bytes() == b"noi dung"
    assert list(opened.files.damaged(iter([first.sha256]))) == []


def test_a_file_over_the_limit_leaves_nothing_behind(opened: Runtime) -> None:
    small = type(opened.files)(opened.files.folder, limit=10)
    with pytest.raises(Refused):
        small.put("lớn.pdf", io.BytesIO(b"x" * 11))
    assert [p for p in small.folder.rglob("*") if p.is_file()] == []


# -- extensions ---------------------------------------------------------------


def ask(rt: Runtime, wanted: date, by: Actor = AN) -> None:
    with rt.sessions.begin() as session:
        extensions.ask(
            session, tasks.find(session, CODE), wanted, "Chờ số liệu", by=by,
            now=rt.moment(date(2020, 6, 22)),
        )  # fmt: skip


def decide(rt: Runtime, granted: bool, by: Actor = BINH, reason: str = "") -> None:
    day = date(2020, 6, 23)
    with rt.sessions.begin() as session:
        extensions.decide(
            session, tasks.find(session, CODE), rt.plan, rt.days, granted, reason,
            by=by, now=rt.moment(day), today=day,
        )  # fmt: skip


def test_a_granted_extension_moves_the_due_day_and_keeps_the_old_one(opened: Runtime) -> None:
    ask(opened, date(2020, 7, 10))
    assert task(opened).due_on == DUE
    decide(opened, granted=True)
    assert task(opened).due_on == date(2020, 7, 10)
    with opened.reader() as session:
        moved = extensions.history(session, tasks.find(session, CODE))
        assert [(m.old_due, m.new_due, m.reason) for m in moved] == [
            (DUE, date(2020, 7, 10), "Chờ số liệu")
        ]


def test_a_refused_extension_leaves_the_due_day(opened: Runtime) -> None:
    ask(opened, date(2020, 7, 10))
    decide(opened, granted=False, reason="Không có lý do chính đáng")
    assert task(opened).due_on == DUE


@pytest.mark.parametrize("by", [AN, CHI])
def test_a_body_does_not_decide_on_extensions(opened: Runtime, by: Actor) -> None:
    ask(opened, date(2020, 7, 10))
    with pytest.raises(Refused) as error:
        decide(opened, granted=True, by=by)
    assert error.value.key == "extension.not_yours"


def test_an_extension_is_not_granted_once_the_evidence_is_in(opened: Runtime) -> None:
    ask(opened, date(2020, 7, 10))
    hand_in(opened, date(2020, 6, 22))
    with pytest.raises(Refused) as error:
        decide(opened, granted=True)
    assert error.value.key == "task.state"
    assert task(opened).due_on == DUE
    decide(opened, granted=False, reason="Đã nộp")  # the request is settled all the same


def test_an_earlier_day_is_no_extension(opened: Runtime) -> None:
    with pytest.raises(Refused) as error:
        ask(opened, date(2020, 6, 29))
    assert error.value.key == "extension.earlier"


# -- counting as of a day -----------------------------------------------------


def status(rt: Runtime, day: date) -> tuple[int, int, int, int]:
    with rt.reader() as session:
        made = counts(session, rt.plan.id, day, body_id="bql-tan-lap", row_id="III.1")
    return made.done_on_time, made.done_late, made.open_in_time, made.open_overdue


def test_counts_as_of_a_past_day_do_not_change_with_what_came_later(opened: Runtime) -> None:
    ask(opened, date(2020, 7, 2))
    decide(opened, granted=True)
    hand_in(opened, date(2020, 7, 3), late_reason="Mưa lũ")
    accept(opened, date(2020, 7, 6))
    seen = {day: status(opened, date(2020, *day)) for day in ((6, 22), (7, 1), (7, 3), (7, 6))}
    assert seen == {
        (6, 22): (0, 0, 1, 0),
        (7, 1): (0, 0, 1, 0),  # extended to 2 July
        (7, 3): (0, 0, 0, 1),  # handed in, not yet accepted
        (7, 6): (0, 1, 0, 0),
    }


def test_a_suspended_task_is_not_overdue_while_it_is_suspended(opened: Runtime) -> None:
    def move(session: Session, day: date, resume: bool) -> None:
        found, now = tasks.find(session, CODE), opened.moment(day)
        if resume:
            tasks.resume(session, found, opened.plan, opened.days, now=now, today=day, actor=BINH)
        else:
            tasks.suspend(session, found, "Chờ hướng dẫn", now=now, today=day, actor=BINH)

    for day, resume in ((date(2020, 6, 22), False), (date(2020, 7, 10), True)):
        with opened.sessions.begin() as session:
            move(session, day, resume)
    assert status(opened, date(2020, 7, 9)) == (0, 0, 1, 0)
    assert status(opened, date(2020, 7, 10)) == (0, 0, 0, 1)


# -- two people at once -------------------------------------------------------


def test_an_edit_made_on_an_older_state_is_refused(opened: Runtime) -> None:
    seen = task(opened).version
    hand_in(opened, date(2020, 6, 25))
    with pytest.raises(StaleEdit):
        tasks.same_version(task(opened), seen)


def test_of_two_simultaneous_edits_the_second_is_told(
    make_runtime: Callable[..., Runtime],
    postgres_url: str,
    open_on: Callable[[Runtime, date], object],
) -> None:
    """On SQLite the second writer waits before it reads, so this cannot happen there."""
    rt, day = make_runtime(postgres_url), date(2020, 6, 25)
    open_on(rt, date(2020, 6, 1))
    with rt.sessions() as first, rt.sessions() as second:
        one, two = tasks.find(first, CODE), tasks.find(second, CODE)
        tasks.acknowledge(first, one, now=rt.moment(day), today=day, actor=AN)
        first.commit()
        two.note = "x"
        with pytest.raises(StaleDataError):
            second.commit()


def test_every_step_of_a_task_s_life_is_in_the_audit(opened: Runtime) -> None:
    hand_in(opened, date(2020, 6, 25))
    send_back(opened, date(2020, 6, 26))
    hand_in(opened, date(2020, 6, 29))
    accept(opened, date(2020, 6, 30))
    with opened.reader() as session:
        actions = [e.action for e in trail.newest(session, 100, Filter(subject=CODE))]
    assert actions == [
        "task.accepted", "task.submitted", "task.returned", "task.submitted", "task.opened",
    ]  # fmt: skip
