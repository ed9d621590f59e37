"""Before a notice leaves: still this person, at work, at an hour they want, at this address?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from ntm_workflow.calendar import hours
from ntm_workflow.chase import claims, outbox, pass_on, recheck
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    Address,
    AuditEntry,
    Channel,
    Contact,
    ContactBody,
    Notice,
    NoticeItem,
)
from ntm_workflow.texts import ZONE
from ntm_workflow.work.audit import Action
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
BQL = "III.1/2020-06/bql-tan-lap"
Stage = Callable[..., Scene]


@pytest.fixture
def tan_lap(stage: Stage) -> Scene:
    """One digest of one task waits for An; Bình is the office, Chi speaks for another body."""
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.contact("chi", "bql-vu-le")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    return scene


def change(scene: Scene, who: str, **values: Any) -> None:
    with scene.rt.sessions.begin() as session:
        contact = session.scalars(select(Contact).where(Contact.email == Scene.email(who))).one()
        if deputy := values.pop("deputy", None):
            values["deputy_id"] = number(scene, deputy)
        for name, value in values.items():
            setattr(contact, name, value)


def number(scene: Scene, who: str) -> int:
    with scene.rt.reader() as session:
        return session.scalars(select(Contact.id).where(Contact.email == Scene.email(who))).one()


def away(scene: Scene, who: str, deputy: str = "", until: date | None = DAY) -> None:
    change(scene, who, absent_from=DAY, absent_until=until, deputy=deputy)


def told(scene: Scene, sink: Sink, code: str = BQL) -> list[str]:
    """Who got a mail about a task, in the order of sending."""
    names = []
    for mail in sink.mails:
        body = mail.get_body(("plain",))
        if body and code in body.get_content():
            names.append(str(mail["To"].addresses[0].username))
    return names


def of(scene: Scene, who: str) -> list[Notice]:
    contact = number(scene, who)
    return [one for one in scene.notices() if one.contact_id == contact]


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


def deliver_at(scene: Scene, now: datetime) -> outbox.Delivered:
    """Deliver with a clock that stands still."""

    class Frozen(Runtime):
        def now(self) -> datetime:
            return now

    rt = scene.rt
    frozen = Frozen(rt.settings, rt.plans, rt.days, rt.engine, rt.sessions, rt.reader, rt.files)
    return outbox.deliver(frozen, actor=SYSTEM)


def test_where_nothing_has_changed_the_last_look_only_reads(tan_lap: Scene) -> None:
    rt = replace(tan_lap.rt, sessions=None)  # type: ignore[arg-type]
    for notice in tan_lap.notices():
        assert recheck.before(rt, notice, at(8), SYSTEM) is None
    assert tan_lap.notices()


# -- absence -----------------------------------------------------------------------------


def test_the_deputy_is_told_instead_of_one_who_is_away(tan_lap: Scene, sink: Sink) -> None:
    away(tan_lap, "an", deputy="chi")
    tan_lap.deliver(DAY)
    (hers,), (first, instead) = of(tan_lap, "an"), sorted(of(tan_lap, "chi"), key=lambda n: n.id)
    assert (hers.state, hers.error[:3]) == ("suppressed", "an ")
    assert "vắng đến hết 16/6/2020" in hers.error
    assert (instead.instead_of, instead.state, first.instead_of) == (hers.id, "sent", None)
    assert told(tan_lap, sink) == ["chi"]
    assert "thay cho an, đang vắng" in instead.body
    assert tan_lap.broken_audit() is None


def test_one_who_is_back_or_not_yet_away_is_told(tan_lap: Scene, sink: Sink) -> None:
    change(tan_lap, "an", absent_from=date(2020, 6, 8), absent_until=date(2020, 6, 15))
    change(tan_lap, "chi", absent_from=date(2020, 6, 17))
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["an"]
    assert {n.state for n in tan_lap.notices()} == {"sent"}


def test_where_the_deputy_is_away_too_the_office_is_told(tan_lap: Scene, sink: Sink) -> None:
    away(tan_lap, "an", deputy="chi")
    away(tan_lap, "chi", until=None)
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["binh"]
    roles = [said.role for said in tan_lap.said(task=BQL) if said.to == "binh"]
    assert roles == ["no-contact"]


def test_deputies_of_each_other_who_are_both_away_end_at_the_office(
    tan_lap: Scene, sink: Sink
) -> None:
    away(tan_lap, "an", deputy="chi")
    away(tan_lap, "chi", deputy="an")
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["binh"]
    assert told(tan_lap, sink, "III.1/2020-06/bql-vu-le") == ["binh"]
    assert {n.state for n in tan_lap.notices()} == {"suppressed", "sent"}


def test_one_who_is_their_own_deputy_is_away_all_the_same(tan_lap: Scene, sink: Sink) -> None:
    away(tan_lap, "an", deputy="an")
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["binh"]


def test_a_deputy_who_is_out_of_use_or_without_address_is_none(tan_lap: Scene, sink: Sink) -> None:
    away(tan_lap, "an", deputy="chi")
    with tan_lap.rt.sessions.begin() as session:
        broken = session.scalars(select(Address).where(Address.value == Scene.email("chi"))).one()
        broken.unusable_at = at(7)
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["binh"]


def test_without_a_deputy_another_who_speaks_for_the_body_is_enough(
    tan_lap: Scene, sink: Sink
) -> None:
    tan_lap.contact("dung", "bql-tan-lap")
    away(tan_lap, "an")
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["dung"]


def test_where_all_of_the_office_is_away_it_is_told_all_the_same(
    tan_lap: Scene, sink: Sink
) -> None:
    tan_lap.contact("giang", "vpdp-huyen")
    for who in ("an", "binh", "giang"):
        away(tan_lap, who)
    tan_lap.deliver(DAY)
    assert sorted(told(tan_lap, sink)) == ["binh", "giang"]
    assert "pending" not in tan_lap.states()


def test_an_address_told_always_does_not_tell_the_deputy_twice(tan_lap: Scene, sink: Sink) -> None:
    with tan_lap.rt.sessions.begin() as session:
        session.add(Channel(name="thu-2", kind="mail", settings={}))
        session.flush()
        session.add(
            Address(contact_id=number(tan_lap, "an"), channel="thu-2", value="an2@x.vn", rank=1,
                    always=True, added_at=at(7))
        )  # fmt: skip
        first = session.scalars(
            select(Notice).where(Notice.contact_id == number(tan_lap, "an"))
        ).one()
        second = Notice(run_id=first.run_id, contact_id=first.contact_id, channel="thu-2",
                        kind=first.kind, plan_id=first.plan_id, run_on=DAY,
                        not_before=first.not_before)  # fmt: skip
        session.add(second)
        session.flush()
        for item in session.scalars(
            select(NoticeItem).where(NoticeItem.notice_id == first.id)
        ).all():
            session.add(
                NoticeItem(notice_id=second.id, task_id=item.task_id, rung=item.rung,
                           due_on=item.due_on, contact_id=item.contact_id, channel="thu-2",
                           role=item.role)
            )  # fmt: skip
    away(tan_lap, "an", deputy="chi")
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["chi"]
    assert [n.state for n in of(tan_lap, "an")] == ["suppressed", "suppressed"]


# -- out of use, or another's ---------------------------------------------------------------


def test_what_waited_for_one_out_of_use_goes_to_who_speaks_now(tan_lap: Scene, sink: Sink) -> None:
    tan_lap.contact("dung", "bql-tan-lap")
    change(tan_lap, "an", active=False)
    tan_lap.deliver(DAY)
    (hers,) = of(tan_lap, "an")
    (his,) = of(tan_lap, "dung")
    assert (hers.state, his.instead_of, his.state) == ("suppressed", hers.id, "sent")
    assert told(tan_lap, sink) == ["dung"]
    assert [s.role for s in tan_lap.said(task=BQL) if s.to == "dung"] == ["chase"]


def test_where_nobody_speaks_for_the_body_any_more_the_office_is_told(
    tan_lap: Scene, sink: Sink
) -> None:
    change(tan_lap, "an", active=False)
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["binh"]


def test_an_address_that_was_taken_away_does_not_keep_one_out_of_use_waiting(
    tan_lap: Scene, sink: Sink
) -> None:
    change(tan_lap, "an", active=False)
    with tan_lap.rt.sessions.begin() as session:
        session.execute(delete(Address).where(Address.value == Scene.email("an")))
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["binh"]


def test_a_body_that_passed_to_another_contact_takes_its_task_along(
    stage: Stage, sink: Sink
) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap", "bql-vu-le")
    scene.contact("binh", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    scene.contact("dung", "bql-vu-le")
    with scene.rt.sessions.begin() as session:
        session.execute(
            delete(ContactBody).where(
                ContactBody.contact_id == number(scene, "an"), ContactBody.body_id == "bql-vu-le"
            )
        )
    scene.deliver(DAY)
    assert told(scene, sink) == ["an"]
    assert told(scene, sink, "III.1/2020-06/bql-vu-le") == ["dung"]
    assert [(n.state, n.instead_of is None) for n in of(scene, "an")] == [("sent", True)]
    scene.remind(DAY)  # the same rung is not owed again
    scene.deliver(DAY)
    assert told(scene, sink, "III.1/2020-06/bql-vu-le") == ["dung"]


def test_what_was_passed_on_is_not_owed_again_by_the_same_day_s_run(
    tan_lap: Scene, sink: Sink
) -> None:
    away(tan_lap, "an", deputy="chi")
    tan_lap.deliver(DAY)
    tan_lap.remind(DAY)
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["chi"]


def test_who_directs_and_has_left_is_replaced_by_who_directs_now(stage: Stage, sink: Sink) -> None:
    scene = stage("III.1")
    row = scene.rt.plan.row("III.1")
    directing = row.directing[0]
    scene.contact("giam-doc", directing)
    scene.contact("binh", "vpdp-huyen")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    late = date(2020, 7, 7)
    scene.remind(late)
    change(scene, "giam-doc", active=False)
    scene.contact("moi", directing)
    scene.deliver(late)
    roles = {s.role for s in scene.said(late, BQL) if s.to == "moi"}
    assert roles == {"directing"}
    assert "moi" in told(scene, sink)


# -- hours ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ((21, 59), None), ((22, 0), at(6, 0, DAY + timedelta(days=1))),
        ((23, 59), at(6, 0, DAY + timedelta(days=1))), ((0, 0), at(6)), ((5, 59), at(6)),
        ((6, 0), None), ((12, 0), None),
    ],
)  # fmt: skip
def test_quiet_hours_over_midnight_end_on_the_right_day(
    clock: tuple[int, int], until: datetime | None
) -> None:
    assert hours.ends((time(22), time(6)), at(*clock)) == until


def test_quiet_hours_within_a_day_and_none_at_all() -> None:
    assert hours.ends((time(11, 30), time(13, 30)), at(12)) == at(13, 30)
    assert hours.ends((time(11, 30), time(13, 30)), at(13, 30)) is None
    assert hours.ends((time(8), time(8)), at(8)) is None


@pytest.mark.parametrize(
    ("quiet", "room"),
    [((time(22), time(6)), True), ((time(11), time(14)), True), ((time(6), time(18)), False),
     ((time(17), time(7, 30)), True), ((time(17), time(16, 59)), True),
     ((time(16), time(16)), True), ((time(7, 30), time(17)), False)],
)  # fmt: skip
def test_quiet_hours_must_leave_some_open_hour(quiet: hours.Hours, room: bool) -> None:
    assert hours.leave_room(quiet, (time(7, 30), time(17))) is room


def test_in_quiet_hours_a_notice_waits_and_then_leaves_once(tan_lap: Scene, sink: Sink) -> None:
    change(tan_lap, "an", quiet_from=time(20), quiet_until=time(9))
    done = deliver_at(tan_lap, at(8))
    (waiting,) = of(tan_lap, "an")
    assert (waiting.state, waiting.not_before, waiting.tries) == ("pending", at(9), 0)
    assert (done.failed, done.retried, done.waiting) == (0, 0, 1)
    assert deliver_at(tan_lap, at(8, 59)).sent == 0
    assert deliver_at(tan_lap, at(9)).sent == 1
    assert told(tan_lap, sink) == ["an"]


def test_a_digest_waits_for_the_hour_its_reader_wants_it_at(tan_lap: Scene, sink: Sink) -> None:
    change(tan_lap, "an", digest_at=time(10, 15))
    deliver_at(tan_lap, at(8))
    assert of(tan_lap, "an")[0].not_before == at(10, 15)
    assert deliver_at(tan_lap, at(10, 15)).sent == 1


def test_a_digest_that_was_held_up_until_the_next_day_waits_no_longer(
    tan_lap: Scene, sink: Sink
) -> None:
    change(tan_lap, "an", digest_at=time(23))
    deliver_at(tan_lap, at(8))
    assert deliver_at(tan_lap, at(7, 30, DAY + timedelta(days=1))).sent == 1


def test_quiet_hours_that_leave_no_open_hour_hold_nothing_back(tan_lap: Scene) -> None:
    change(tan_lap, "an", quiet_from=time(6), quiet_until=time(20))
    deliver_at(tan_lap, at(8))
    assert of(tan_lap, "an")[0].state == "sent"


def test_the_deputy_s_own_quiet_hours_count(tan_lap: Scene, sink: Sink) -> None:
    away(tan_lap, "an", deputy="chi")
    change(tan_lap, "chi", quiet_from=time(20), quiet_until=time(9))
    deliver_at(tan_lap, at(8))
    assert told(tan_lap, sink) == []
    deliver_at(tan_lap, at(9))
    assert told(tan_lap, sink) == ["chi"]


def test_what_expires_while_its_reader_is_quiet_is_not_sent(tan_lap: Scene, sink: Sink) -> None:
    change(tan_lap, "an", quiet_from=time(20), quiet_until=time(9))
    with tan_lap.rt.sessions.begin() as session:
        session.get_one(Notice, of(tan_lap, "an")[0].id).expires_at = at(8, 30)
    deliver_at(tan_lap, at(8))
    deliver_at(tan_lap, at(9))
    assert of(tan_lap, "an")[0].state == "expired"
    assert told(tan_lap, sink) == []


# -- addresses ------------------------------------------------------------------------------


def test_a_notice_goes_to_the_address_of_the_moment(tan_lap: Scene, sink: Sink) -> None:
    with tan_lap.rt.sessions.begin() as session:
        mine = session.scalars(select(Address).where(Address.value == Scene.email("an"))).one()
        mine.value = "an.moi@bacson.example.vn.invalid"
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["an.moi"]


def test_a_notice_whose_channel_lost_its_address_takes_the_next(tan_lap: Scene, sink: Sink) -> None:
    with tan_lap.rt.sessions.begin() as session:
        session.add(Channel(name="bot", kind="zalobot", settings={}))
        session.flush()
        session.execute(delete(Address).where(Address.value == Scene.email("an")))
        session.add(Address(contact_id=1, channel="bot", value="hoi-thoai", added_at=at(7)))
    tan_lap.deliver(DAY)
    first, second = (n for n in tan_lap.notices() if n.contact_id == 1)
    assert (first.state, first.channel) == ("failed", "mail")
    assert (second.state, second.channel, second.instead_of) == ("pending", "bot", first.id)


def test_the_first_mail_to_an_address_asks_whether_it_is_the_reader_s_own(
    tan_lap: Scene, sink: Sink
) -> None:
    tan_lap.deliver(DAY)
    (first,) = of(tan_lap, "an")
    assert "/v/xac-nhan/" in first.body
    assert 'href="http' in first.html.split("Xác nhận địa chỉ này là của tôi")[0][-200:]
    later = date(2020, 6, 23)
    tan_lap.remind(later)
    tan_lap.deliver(later)
    (_, second) = of(tan_lap, "an")
    assert (second.state, "/v/xac-nhan/" in second.body) == ("sent", False)


# -- what comes in a quarter ---------------------------------------------------------------------


def test_the_deputy_reads_what_is_ahead_of_whom_they_stand_in_for(stage: Stage, sink: Sink) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.contact("chi", "bql-vu-le")
    scene.contact("binh", "vpdp-huyen")
    opening = date(2020, 4, 1)
    scene.quarter(opening)
    change(scene, "an", absent_from=opening, absent_until=None, deputy="chi")
    scene.deliver(opening)
    own, instead = sorted(of(scene, "chi"), key=lambda n: n.id)
    assert (own.state, instead.state) == ("sent", "sent")
    lap, le = "BQL NTM xã Tân Lập", "BQL NTM xã Vũ Lễ"
    assert (lap in own.body, le in own.body) == (False, True)
    assert (lap in instead.body, le in instead.body) == (True, False)
    assert [n.state for n in of(scene, "an")] == ["suppressed"]


def test_who_came_after_the_quarter_s_run_reads_what_is_ahead_too(stage: Stage, sink: Sink) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    opening = date(2020, 4, 1)
    scene.quarter(opening)
    scene.contact("dung", "bql-tan-lap")
    change(scene, "an", active=False)
    scene.deliver(opening)
    (his,) = of(scene, "dung")
    assert (his.kind, his.state) == ("quarter-opening", "sent")
    assert "BQL NTM xã Tân Lập" in his.body


# -- once ------------------------------------------------------------------------------------


def test_a_death_between_passing_on_and_sending_loses_and_doubles_nothing(
    tan_lap: Scene, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(tan_lap, "an", deputy="chi")

    def dying(look: Callable[..., Any]) -> Callable[..., Any]:
        def dies(*args: Any) -> Any:
            look(*args)
            raise KeyboardInterrupt

        return dies

    with monkeypatch.context() as patched:
        for name in ("before", "may_be_told"):
            patched.setattr(recheck, name, dying(getattr(recheck, name)))
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                tan_lap.deliver(DAY)
    with tan_lap.rt.sessions.begin() as session:
        for notice in session.scalars(select(Notice).where(Notice.state == "sending")):
            notice.claimed_at = at(8) - claims.STUCK_AFTER
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["chi"]
    assert len([n for n in of(tan_lap, "chi") if n.instead_of]) == 1


def test_a_death_in_the_middle_of_passing_on_changes_nothing(
    tan_lap: Scene, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(tan_lap, "an", deputy="chi")
    before, real = len(tan_lap.notices()), pass_on.tell

    def dies(*args: Any) -> Any:
        real(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(pass_on, "tell", dies)
    with pytest.raises(KeyboardInterrupt):
        tan_lap.deliver(DAY)
    assert len(tan_lap.notices()) == before
    monkeypatch.setattr(pass_on, "tell", real)
    with tan_lap.rt.sessions.begin() as session:
        for notice in session.scalars(select(Notice).where(Notice.state == "sending")):
            notice.claimed_at = at(8) - claims.STUCK_AFTER
    tan_lap.deliver(DAY)
    assert told(tan_lap, sink) == ["chi"]


def test_why_a_notice_was_passed_on_is_in_the_audit(tan_lap: Scene) -> None:
    away(tan_lap, "an", deputy="chi")
    tan_lap.deliver(DAY)
    (hers,) = of(tan_lap, "an")
    with tan_lap.rt.reader() as session:
        actions = session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.subject == f"notice/{hers.id}")
            .order_by(AuditEntry.seq)
        ).all()
    assert actions == [Action.NOTICE_QUEUED, Action.NOTICE_SUPPRESSED]
