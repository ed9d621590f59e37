"""A simulated year: the days pass, and the offices answer as offices do.

For a plan whose year is over, and for trying a plan before it runs. Everything
goes through the same use cases as real work; what the simulated offices hand in
says so. Who answers when is drawn from the task's code, so a year repeats exactly.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import BodyKind, Level, Plan
from ntm_workflow.calendar.workdays import DAY, WorkCalendar
from ntm_workflow.chase import daily, outbox, quarterly, reminders
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Extension, Submission, Task
from ntm_workflow.work import body_names, evidence, extensions, people, review, tasks
from ntm_workflow.work.audit import Actor

CLOCK = Actor("mô phỏng", via="simulation")
REVIEW_AFTER = 2  # working days the coordination office takes
Progress = Callable[[date, date], None]


def prepare(rt: Runtime, day: date, progress: Progress | None = None) -> None:
    """Play the plan's history up to a day. What was played before is kept and gone on from.

    Raises:
        Refused: the database holds real work.
    """
    if not rt.simulated:
        _refuse_real_work(rt)
        _import_example_contacts(rt)
    start = rt.simulated_on() or min([day, *(plan.effective_on for plan in rt.in_force)])
    if start >= day and rt.simulated:
        return
    with _catching(rt.settings.var / "mail") as url:
        playing = replace(rt, settings=replace(rt.settings, mail_url=url))
        while start <= day:
            live(playing, start)
            if progress:
                progress(start, day)
            start += DAY


def live(rt: Runtime, day: date) -> None:
    """Live one day: open, remind, deliver, and the offices answer. Safe to repeat."""
    rt.set_simulated(day, CLOCK)
    now = rt.now()
    with rt.sessions.begin() as session:
        tasks.open_all(session, rt.in_force, rt.days, day, now=now, actor=CLOCK)
        daily.finished(session, daily.OPEN, day, now)
    with rt.sessions.begin() as session:
        reminders.queue(session, rt.all_plans, rt.days, day, now=now, actor=CLOCK)
        daily.finished(session, daily.REMIND, day, now)
    with rt.sessions.begin() as session:
        quarterly.queue(session, rt.all_plans, rt.days, day, now=now, actor=CLOCK)
        daily.finished(session, daily.QUARTER, day, now)
    outbox.deliver(rt, actor=CLOCK, respect_hours=True)
    offices_answer(rt, day)


def offices_answer(rt: Runtime, day: date) -> int:
    """Let the simulated offices review, decide and hand in on a working day; return how many."""
    if not rt.days.worked(day):
        return 0
    with rt.sessions.begin() as session:
        return sum(
            1
            for answer in (_review, _decide, _answer)
            for plan in rt.all_plans
            for _ in answer(session, rt, plan, day)
        )


def silent_bodies(plan: Plan) -> frozenset[str]:
    """Who never answers: groups nobody has listed, and three committees drawn by lot."""
    committees = [b.id for b in plan.bodies
                  if b.level is Level.COMMUNE and b.kind is BodyKind.COMMITTEE]  # fmt: skip
    drawn = sorted(committees, key=lambda body: _lot(body, 2**32))[:3]
    return frozenset([*drawn, *(b.id for b in plan.bodies if b.open_group)])


# -- what the offices do ------------------------------------------------------


def _lot(text: str, sides: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % sides


def _answer_day(task: Task, days: WorkCalendar) -> date:
    """Four in five hand in within the last two weeks, one in five up to ten days late."""
    lot = _lot(task.code, 100)
    offset = -(lot % 13) if lot < 82 else 1 + lot % 10
    wanted = max(task.due_on + timedelta(days=offset), task.opens_on)
    return days.next(wanted)


def _answer(session: Session, rt: Runtime, plan: Plan, day: date) -> Iterator[Task]:
    silent = silent_bodies(plan)
    query = select(Task).where(
        Task.plan_id == plan.id, Task.state == "open", Task.suspended_on.is_(None),
        Task.body_id.not_in(silent),
    )  # fmt: skip
    for task in session.scalars(query.order_by(Task.id)).all():
        again = task.returned_on and day >= rt.days.add(task.returned_on, REVIEW_AFTER)
        if again or (task.returned_on is None and _answer_day(task, rt.days) <= day):
            _hand_in(session, rt, plan, task, day)
            yield task
        elif _wants_more_time(task, day) and not _asked(session, task):
            wanted = rt.days.next(task.due_on + timedelta(days=7))
            extensions.ask(
                session, task, wanted, "Chờ số liệu của các thôn (mô phỏng)",
                by=_speaking_for(task.body_id), now=rt.moment(day),
            )  # fmt: skip
            yield task


def _wants_more_time(task: Task, day: date) -> bool:
    return _lot(task.code + "?", 40) == 0 and task.due_on - day == timedelta(days=5)


def _hand_in(session: Session, rt: Runtime, plan: Plan, task: Task, day: date) -> None:
    kind = plan.body(task.body_id).kind if plan.has_body(task.body_id) else ""
    content = plan.row(task.row_id).content if plan.has_row(task.row_id) else task.row_id
    symbol = {"authority": "BC-UBND", "committee": "BC-BCĐ"}.get(kind, "BC-CQ")
    number = f"{1 + _lot(task.code + str(day), 240)}/{symbol}"
    subject = f"Kết quả: {content} (văn bản mô phỏng)"[: evidence.SUBJECT_LIMIT]
    issuer = body_names.on(session, task.body_id, day).name
    doc = evidence.document(number, day, subject, issuer, day)
    late = "Chờ xác nhận của các thôn (mô phỏng)" if day > task.due_on else ""
    evidence.submit(
        session, task, plan, rt.days, doc, by=_speaking_for(task.body_id),
        now=rt.moment(day), today=day, late_reason=late,
    )  # fmt: skip


def _review(session: Session, rt: Runtime, plan: Plan, day: date) -> Iterator[Task]:
    query = (
        select(Task, Submission)
        .join(Submission, (Submission.task_id == Task.id) & Submission.verdict.is_(None))
        .where(Task.plan_id == plan.id, Task.state == "submitted")
        .order_by(Task.id)
    )
    for task, submission in session.execute(query).all():
        wait = REVIEW_AFTER + _lot(task.code + "!", 3)
        if rt.days.add(submission.received_on, wait) > day:
            continue
        by = Actor("mô phỏng", "coordination", review.reviewers(task, plan)[0], "simulation")
        now = rt.moment(day)
        first = len(evidence.of_task(session, task)) == 1
        if first and _lot(task.code + "~", 16) == 0:
            reason = "Thiếu biểu số liệu kèm theo (mô phỏng)"
            review.return_(
                session, task, plan, rt.days, reason, by=by, now=now, today=day
            )  # fmt: skip
        else:
            review.accept(session, task, plan, by=by, now=now, today=day)
        yield task


def _decide(session: Session, rt: Runtime, plan: Plan, day: date) -> Iterator[Task]:
    query = (
        select(Task, Extension)
        .join(Extension, (Extension.task_id == Task.id) & Extension.granted.is_(None))
        .where(Task.plan_id == plan.id, Task.state == "open")
    )
    for task, asked in session.execute(query).all():
        asked_on = asked.asked_at.date()
        allowed = (plan.coordination_office, *plan.row(task.row_id).directing)
        decider = next((body for body in allowed if body != task.body_id), None)
        if decider is None or rt.days.add(asked_on, REVIEW_AFTER) > day:
            continue
        extensions.decide(
            session, task, plan, rt.days, True, "Đồng ý (mô phỏng)",
            by=Actor("mô phỏng", "coordination", decider, "simulation"),
            now=rt.moment(day), today=day,
        )  # fmt: skip
        yield task


def _asked(session: Session, task: Task) -> bool:
    return session.scalar(select(Extension.id).where(Extension.task_id == task.id)) is not None


def _speaking_for(body: str) -> Actor:
    return Actor("mô phỏng", "office", body, "simulation")


# -- getting ready --------------------------------------------------------------


def _refuse_real_work(rt: Runtime) -> None:
    with rt.reader() as session:
        if session.scalar(select(Task.id).limit(1)) is not None:
            raise Refused("simulation.real_work")


def _import_example_contacts(rt: Runtime) -> None:
    example = rt.settings.appendix.parent / "contacts.example.csv"
    if not example.exists():
        return
    lines = people.read_csv(example.read_bytes(), rt.plan, rt.all_plans)
    with rt.sessions.begin() as session:
        people.import_contacts(session, lines, now=rt.moment(rt.plan.effective_on), actor=CLOCK)


@contextmanager
def _catching(folder: Path) -> Iterator[str]:
    """A real mail server on loopback for as long as history is played."""
    from aiosmtpd.controller import Controller

    from ntm_workflow.serve.mail_catcher import Keeper

    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(Keeper(folder), hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield f"smtp://127.0.0.1:{port}/?from=vpdp@example.vn.invalid"
    finally:
        server.stop()
