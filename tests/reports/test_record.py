"""The record of every message: how often somebody was chased, what came of it, what is in doubt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from ntm_workflow import runtime, texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.result import Outcome
from ntm_workflow.chase import settling, switches
from ntm_workflow.commands.notices import notices as notices_command
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import channels, chased, notices, record, wording
from ntm_workflow.reports.chased import Chase
from ntm_workflow.reports.record import Line, Of
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    AuditEntry,
    Channel,
    ContactBody,
    Notice,
    NoticeAttempt,
)
from ntm_workflow.texts import ZONE
from ntm_workflow.work.audit import Action
from tests import smtp_sink
from tests.scene import SYSTEM, Scene, only
from tests.smtp_sink import Sink

CODE = "III.1/2020-06/bql-tan-lap"  # due on 30 June 2020
RUNGS = (date(2020, 6, 16), date(2020, 6, 23), date(2020, 6, 29))  # 14, 7 and 1 days before


@pytest.fixture
def sink() -> Any:
    with smtp_sink.running() as server:
        yield server


@pytest.fixture
def scene(make_runtime: Callable[..., Runtime], database_url: str, plan: Plan, sink: Sink) -> Scene:
    """One task of Tân Lập, which An speaks for; mail goes to `sink`."""
    made = Scene(make_runtime(database_url, plan=only(plan, "III.1"), mail_url=sink.url))
    made.contact("an", "bql-tan-lap")
    made.open(date(2020, 6, 1))
    return made


def chase(scene: Scene, *days: date) -> None:
    for day in days:
        scene.remind(day)
        scene.deliver(day)


def times(scene: Scene, code: str = CODE) -> list[Chase]:
    with scene.rt.reader() as session:
        return chased.of_task(session, scene.task(code).id)


def lines(scene: Scene, of: Of | None = None) -> list[Line]:
    with scene.rt.reader() as session:
        return record.newest(session, of or Of(task=scene.task(CODE).id), 500)


def change(scene: Scene, notice_id: int, **values: object) -> None:
    with scene.rt.sessions.begin() as session:
        session.execute(update(Notice).where(Notice.id == notice_id).values(**values))


# -- how often --------------------------------------------------------------------


def test_three_reminders_that_left_are_three_chases_with_their_days(scene: Scene) -> None:
    chase(scene, *RUNGS)
    assert [one.on for one in times(scene)] == list(RUNGS)
    assert chased.sentence(times(scene)) == "Đã đôn đốc 3 lần: 16/6, 23/6, 29/6/2020"
    with scene.rt.sessions.begin() as session:
        mine = select(Notice.id).where(Notice.contact_id == 1, Notice.run_on < RUNGS[2])
        at = scene.rt.moment(RUNGS[2])
        session.execute(update(Notice).where(Notice.id.in_(mine)).values(state="seen", seen_at=at))
    assert chased.sentence(times(scene)) == "Đã đôn đốc 3 lần (2 đã xem): 16/6, 23/6, 29/6/2020"
    assert chased.sentence([]) == "Chưa đôn đốc lần nào."


def test_a_reminder_that_waits_failed_or_is_in_doubt_is_no_chase(scene: Scene) -> None:
    scene.remind(RUNGS[0])
    assert times(scene) == []
    scene.deliver(RUNGS[0])
    [sent] = lines(scene)
    for state in ("pending", "sending", "failed", "unknown", "expired", "suppressed"):
        change(scene, sent.notice.id, state=state)
        assert times(scene) == [], state
    for state in ("sent", "delivered", "seen"):
        change(scene, sent.notice.id, state=state)
        assert len(times(scene)) == 1, state


def test_what_others_are_told_is_no_chase(scene: Scene) -> None:
    scene.contact("vp", scene.rt.plan.coordination_office)
    late = date(2020, 7, 3)  # three days overdue: the office hears of it too
    chase(scene, late)
    roles = {rule.role for line in lines(scene) for rule in line.rules}
    assert roles >= {"chase", "office"}
    assert [one.on for one in times(scene)] == [late]


def test_two_contacts_told_by_one_run_are_one_chase(scene: Scene) -> None:
    scene.contact("binh", "bql-tan-lap")
    chase(scene, RUNGS[0])
    assert len(lines(scene)) == 2
    assert [one.on for one in times(scene)] == [RUNGS[0]]


def test_the_day_of_a_chase_is_the_day_it_left(scene: Scene, sink: Sink) -> None:
    scene.remind(RUNGS[0])
    scene.deliver(RUNGS[0] + timedelta(days=1))
    assert [one.on for one in times(scene)] == [RUNGS[0] + timedelta(days=1)]


def test_a_quarters_log_counts_what_left_in_it(scene: Scene) -> None:
    chase(scene, *RUNGS, date(2020, 7, 1))
    with scene.rt.reader() as session:
        second = chased.of_body(session, "bql-tan-lap", date(2020, 4, 1), date(2020, 6, 30), 9)
        third = chased.of_body(session, "bql-tan-lap", date(2020, 7, 1), date(2020, 9, 30), 9)
        other = chased.of_body(session, "bql-vu-le", date(2020, 4, 1), date(2020, 9, 30), 9)
    assert [(one.task.code, len(one.times)) for one in second] == [(CODE, 3)]
    assert [len(one.times) for one in third] == [1]
    assert other == []


def test_days_of_two_years_are_told_apart() -> None:
    days = [date(2020, 12, 16), date(2020, 12, 23), date(2021, 1, 6)]
    said = chased.sentence([Chase(day, seen=False) for day in days])
    assert said.endswith("16/12, 23/12/2020, 6/1/2021")


# -- the record -------------------------------------------------------------------


def test_a_message_is_told_with_its_rule_way_text_and_tries(scene: Scene, sink: Sink) -> None:
    scene.remind(RUNGS[1])
    sink.refuse_text = "451 4.7.1 try later"
    scene.deliver(RUNGS[1])
    sink.refuse_text = ""
    change(scene, lines(scene)[0].notice.id, not_before=scene.rt.moment(RUNGS[1]))
    scene.deliver(RUNGS[1] + timedelta(days=1))
    [line] = lines(scene)
    assert [(rule.rung, rule.role, rule.tasks) for rule in line.rules] == [("T-7", "chase", 1)]
    assert wording.rung(line.rules[0].rung) == "trước hạn 7 ngày"
    assert (line.channel, wording.masked(line.address)) == ("mail", "a***@bacson…")
    assert CODE in line.text
    assert line.length == len(line.text)
    assert [one.outcome for one in line.tries] == ["transient", "ok"]
    assert line.tried == 2
    said = wording.attempt(line.tries[0])
    assert said.startswith("chưa gửi được, sẽ thử lại")


def test_what_replaced_a_message_is_known_from_both_sides(scene: Scene) -> None:
    chase(scene, RUNGS[0])
    first = lines(scene)[0].notice
    with scene.rt.sessions.begin() as session:
        second = Notice(
            run_id=first.run_id, contact_id=1, channel="bot", kind="digest",
            plan_id=first.plan_id, run_on=first.run_on, not_before=first.not_before,
            instead_of=first.id,
        )  # fmt: skip
        session.add(second)
        session.flush()
        number = second.id
    by_id = {line.notice.id: line for line in lines(scene, Of(contact=1))}
    assert by_id[first.id].replaced_by == [number]
    assert by_id[number].notice.instead_of == first.id


def test_a_bodys_record_holds_what_it_was_told_and_what_was_said_for_it(scene: Scene) -> None:
    with scene.rt.sessions.begin() as session:
        session.delete(session.get_one(ContactBody, (1, "bql-tan-lap")))
    scene.contact("vp", scene.rt.plan.coordination_office)
    chase(scene, RUNGS[0])  # nobody speaks for Tân Lập: its office hears instead
    about = lines(scene, Of(body="bql-tan-lap"))
    assert {rule.role for line in about for rule in line.rules} == {"no-contact"}
    told = lines(scene, Of(body=scene.rt.plan.coordination_office))
    assert [line.notice.id for line in told] == [line.notice.id for line in about]
    assert len(lines(scene, Of(body="bql-vu-le"))) == 1  # the office's one digest tells of all


def test_the_record_walks_by_key_and_costs_four_statements_a_page(scene: Scene) -> None:
    for day in range(60):
        scene.remind(date(2020, 6, 16) + timedelta(days=day))
    with scene.rt.sessions.begin() as session:
        first = session.get_one(Notice, lines(scene)[-1].notice.id)
        for number in range(120):
            session.add(
                Notice(
                    run_id=first.run_id, contact_id=1, channel=f"x{number}", kind="digest",
                    plan_id=first.plan_id, run_on=first.run_on, not_before=first.not_before,
                )
            )  # fmt: skip
    seen: list[int] = []
    older: int | None = None
    while True:
        with scene.rt.reader() as session, counting(session) as sent:
            page = record.page(session, Of(contact=1), older=older)
        assert len(sent) == 4
        seen += [line.notice.id for line in page.items]
        if (older := page.older) is None:
            break
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) > 120
    with scene.rt.reader() as session:
        back = record.page(session, Of(contact=1), newer=seen[60])
    assert [line.notice.id for line in back.items] == seen[10:60]


@contextmanager
def counting(session: Session) -> Iterator[list[str]]:
    """The statements that a session sends meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", note)


def test_of_many_tries_a_list_shows_the_newest_few_and_says_how_many(scene: Scene) -> None:
    chase(scene, RUNGS[0])
    number = lines(scene)[0].notice.id
    with scene.rt.sessions.begin() as session:
        for minute in range(30):
            at = scene.rt.moment(RUNGS[0]) + timedelta(minutes=minute)
            session.add(
                NoticeAttempt(
                    notice_id=number, at=at, outcome="quota", detail=str(minute), seconds=1.25
                )
            )
    [line] = lines(scene)
    assert ([one.detail for one in line.tries], line.tried) == (["25", "26", "27", "28", "29"], 31)
    with scene.rt.reader() as session:
        whole = record.one(session, number)
    assert whole is not None
    assert len(whole.tries) == 31
    assert wording.attempt(line.tries[0]) == (
        "hết lượt gửi của ngày, chờ sang hôm sau (1,2 giây)"
    )  # fmt: skip


# -- words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("vpdp@bacson.example.vn", "v***@bacson…"), ("84912345678", "84***78"),
        ("6ede9afa66b88fe6d6a9", "6e***a9"), ("a@b", "a***@b…"), ("1234567", "***"), ("", ""),
    ],
)  # fmt: skip
def test_an_address_is_masked(address: str, shown: str) -> None:
    assert wording.masked(address) == shown


def test_addresses_and_numbers_in_a_providers_words_are_masked() -> None:
    said = wording.reason("550 5.1.1 <an.nguyen@bacson.example.vn> unknown; 0912345678, mã 4211")
    assert said == "550 5.1.1 <a***@bacson…> unknown; 09***78, mã 4211"


def test_the_code_of_a_personal_link_is_left_out_of_a_text() -> None:
    code = "eyJhbGciOiJIUzI1NiJ9.Zm9vYmFy-7Q2M_x"
    text = f"Nộp tại http://may:8080/v/{code} hoặc http://may:8080/x?k={code}&a=1"
    shown = wording.open_text(text)
    assert code not in shown
    assert shown == "Nộp tại http://may:8080/v/… hoặc http://may:8080/x?k=…&a=1"
    kept = "Xem http://may:8080/viec/ma/III.1/2020-06/bql-tan-lap và iVBORw0KGgoAAAANSUhEUgAA1"
    assert wording.open_text(kept) == kept


@pytest.mark.parametrize("state", notices.STATES)
def test_every_state_has_its_word_and_what_to_do(state: str) -> None:
    assert texts.has(f"notice.{state}")
    said = wording.todo(Notice(state=state), replaced=False)
    assert said.endswith(".")
    assert not said.startswith("notice.")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_class_of_outcome_has_its_words(outcome: Outcome) -> None:
    assert wording.outcome(outcome) != f"outcome.{outcome}"


# -- what a person decides ----------------------------------------------------------


@pytest.fixture
def doubt(scene: Scene) -> int:
    """The number of a message that may or may not have arrived on 16 June."""
    chase(scene, RUNGS[0])
    number = int(lines(scene)[0].notice.id)
    change(scene, number, state="unknown", sent_at=None, resent=1, error="process died")
    return number


def settle(scene: Scene, number: int, answer: settling.Answer, day: date) -> None:
    with scene.rt.sessions.begin() as session:
        now = datetime.combine(day, time(10), ZONE)
        settling.settle_unknown(session, number, answer, now=now, actor=SYSTEM)


def audited(scene: Scene, action: Action) -> list[str]:
    with scene.rt.reader() as session:
        query = select(AuditEntry.subject).where(AuditEntry.action == action)
        return list(session.scalars(query))


def test_what_arrived_after_all_counts_from_its_last_try(scene: Scene, doubt: int) -> None:
    settle(scene, doubt, "arrived", RUNGS[1])
    [line] = lines(scene)
    assert line.notice.state == "delivered"
    assert line.notice.delivered_at == datetime.combine(RUNGS[1], time(10), ZONE)
    assert [one.on for one in times(scene)] == [RUNGS[0]]
    assert audited(scene, Action.NOTICE_SETTLED) == [f"notice/{doubt}"]
    assert scene.broken_audit() is None


def test_what_is_sent_again_leaves_with_the_next_delivery_once(
    scene: Scene, doubt: int, sink: Sink
) -> None:
    settle(scene, doubt, "again", RUNGS[1])
    before = len(sink.mails)
    scene.deliver(RUNGS[1] + timedelta(days=1))
    scene.deliver(RUNGS[1] + timedelta(days=2))
    mine = [to for to in sink.recipients[before:] if to == Scene.email("an")]
    assert mine == [Scene.email("an")]
    assert lines(scene)[0].notice.state == "sent"


def test_of_two_people_one_decides(scene: Scene, doubt: int) -> None:
    settle(scene, doubt, "arrived", RUNGS[1])
    with pytest.raises(Refused) as refused:
        settle(scene, doubt, "again", RUNGS[1])
    assert refused.value.key == "notice.not_unknown"
    assert lines(scene)[0].notice.state == "delivered"
    with pytest.raises(NotFound):
        settle(scene, 999_999, "again", RUNGS[1])
    assert len(audited(scene, Action.NOTICE_SETTLED)) == 1


# -- channels -------------------------------------------------------------------------


def mail(scene: Scene) -> Channel:
    with scene.rt.reader() as session:
        return session.get_one(Channel, "mail")


def test_a_channel_is_closed_opened_and_tried_again_each_once(scene: Scene) -> None:
    now = scene.rt.moment(RUNGS[0])

    def act(what: Callable[..., None], name: str = "mail") -> None:
        with scene.rt.sessions.begin() as session:
            what(session, name, now=now, actor=SYSTEM)

    act(switches.shut)
    assert mail(scene).state == "closed"
    for wrong in (switches.shut, switches.try_again):
        with pytest.raises(Refused):
            act(wrong)
    act(switches.open_)
    assert mail(scene).state == "active"
    with scene.rt.sessions.begin() as session:
        broken = session.get_one(Channel, "mail")
        broken.state, broken.broken_why, broken.retry_at = "broken", "535", now + timedelta(hours=1)
    act(switches.try_again)
    assert (mail(scene).state, mail(scene).retry_at) == ("broken", now)
    with pytest.raises(NotFound):
        act(switches.shut, "none")
    for action in (Action.CHANNEL_SHUT, Action.CHANNEL_OPENED, Action.CHANNEL_RETRIED):
        assert audited(scene, action) == ["channel/mail"]


def test_trying_again_lets_the_next_delivery_mend_the_channel(scene: Scene) -> None:
    scene.remind(RUNGS[0])
    later = scene.rt.moment(RUNGS[0]) + timedelta(days=1)
    with scene.rt.sessions.begin() as session:
        broken = session.get_one(Channel, "mail")
        broken.state, broken.retry_at = "broken", later
    scene.deliver(RUNGS[0], respect_hours=True)
    assert lines(scene)[0].notice.state == "pending"
    with scene.rt.sessions.begin() as session:
        switches.try_again(session, "mail", now=scene.rt.moment(RUNGS[0]), actor=SYSTEM)
    scene.deliver(RUNGS[0], respect_hours=True)
    assert lines(scene)[0].notice.state == "sent"
    assert mail(scene).state == "active"


def test_the_overview_counts_what_waits_and_what_went_by_state(scene: Scene) -> None:
    chase(scene, RUNGS[0])
    scene.remind(RUNGS[1])
    with scene.rt.reader() as session, counting(session) as sent:
        [line] = channels.overview(session, RUNGS[1])
    assert len(sent) == 4
    assert "secret" not in sent[0]
    mine = sum(n.channel == "mail" and n.state == "pending" for n in scene.notices())
    assert line.waiting == mine > 0
    assert line.week["sent"] == 0  # a week ago is not within seven days
    with scene.rt.reader() as session:
        [line] = channels.overview(session, RUNGS[1] - timedelta(days=1))
    assert (line.today["sent"], line.week["sent"]) == (0, 1)


# -- the command ----------------------------------------------------------------------


@pytest.fixture
def ntm(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setattr(runtime, "load", lambda: scene.rt)

    def call(*args: str) -> str:
        done = CliRunner().invoke(notices_command, args, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return call


def test_the_command_prints_how_often_a_task_was_chased_and_each_message(
    scene: Scene, ntm: Callable[..., str]
) -> None:
    chase(scene, *RUNGS)
    said = ntm("--task", CODE)
    assert "Đã đôn đốc 3 lần: 16/6, 23/6, 29/6/2020" in said
    assert "trước hạn 7 ngày" in said
    assert "a***@bacson…" in said
    assert Scene.email("an") not in said
    found = json.loads(ntm("--task", CODE, "--json"))
    assert [one["on"] for one in found["chased"]] == [day.isoformat() for day in RUNGS]
    assert [one["state"] for one in found["notices"]] == ["sent"] * 3
    assert CODE in found["notices"][0]["text"]
    assert found["notices"][0]["attempts"][0]["outcome"] == "ok"
    assert Scene.email("an") not in json.dumps(found["notices"][0]["address"])


def test_the_command_tells_of_a_body_a_contact_or_everybody(
    scene: Scene, ntm: Callable[..., str]
) -> None:
    chase(scene, RUNGS[0])
    everybody = json.loads(ntm("--json"))["notices"]
    assert "chased" not in json.loads(ntm("--json"))
    of_body = json.loads(ntm("--body", "bql-tan-lap", "--json"))["notices"]
    of_contact = json.loads(ntm("--contact", "1", "--json"))["notices"]
    assert of_body == of_contact
    assert len(of_body) == 1 < len(everybody)
    assert ntm("--on", "2020-06-17").count("\n") == 2


@pytest.mark.parametrize(
    "args",
    [("--task", "X/2020-06/y"), ("--body", "x"), ("--contact", "77"),
     ("--contact", "1", "--body", "bql-tan-lap")],
)  # fmt: skip
def test_whom_the_command_does_not_know_it_refuses(
    ntm: Callable[..., str], args: tuple[str, ...]
) -> None:
    with pytest.raises((NotFound, Refused)):
        ntm(*args)
