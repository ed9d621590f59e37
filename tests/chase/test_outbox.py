"""Delivery: each notice leaves once, and a death in the middle is told from a refusal."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import func, select, update

from ntm_workflow.chase import claims, digest, ending, open_ways, outbox
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, Notice, NoticeAttempt, NoticeItem
from ntm_workflow.texts import ZONE
from ntm_workflow.work.audit import Action
from tests import smtp_sink
from tests.mails import text_of
from tests.scene import DOMAIN, SYSTEM, Scene
from tests.smtp_sink import Sink

Stage = Callable[..., Scene]
BQL = "III.1/2020-06/bql-tan-lap"
DAY = date(2020, 6, 16)
COMMUNES = ("bac-quynh", "chien-thang", "chieu-vu", "dong-y", "hung-vu", "long-dong", "nhat-hoa",
            "nhat-tien", "tan-huong", "tan-lap", "tan-thanh", "tan-tri")  # fmt: skip


@pytest.fixture
def one(stage: Stage) -> Scene:
    """One digest of one task waits for An; the office without address waits too."""
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    return scene


@pytest.fixture
def twelve(stage: Stage) -> Scene:
    """Twelve digests wait for twelve communes."""
    scene = stage("III.1")
    for unit in COMMUNES:
        scene.contact(unit, f"bql-{unit}", f"bcd-{unit}")
    scene.contact("binh", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    return scene


def mine(scene: Scene) -> Notice:
    return next(n for n in scene.notices() if n.contact_id == 1)


def outcomes(scene: Scene) -> list[str]:
    with scene.rt.reader() as session:
        return list(session.scalars(select(NoticeAttempt.outcome).order_by(NoticeAttempt.id)))


def actions(scene: Scene, notice: Notice) -> list[str]:
    with scene.rt.reader() as session:
        query = select(AuditEntry.action).where(AuditEntry.subject == f"notice/{notice.id}")
        return list(session.scalars(query.order_by(AuditEntry.seq)))


def claim_as(scene: Scene, claimed_by: str, claimed_at: datetime) -> None:
    """Leave An's notice as a deliverer that died in mid-send leaves it."""
    with scene.rt.sessions.begin() as session:
        session.execute(
            update(Notice)
            .where(Notice.contact_id == 1)
            .values(state="sending", claimed_by=claimed_by, claimed_at=claimed_at,
                    tries=Notice.tries + 1)
        )  # fmt: skip


def dead_process() -> str:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return f"{socket.gethostname()}/{gone.pid}/1.00"


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


def frozen(scene: Scene, now: datetime) -> Runtime:
    """The scene's runtime with a clock that stands still."""

    class Frozen(Runtime):
        def now(self) -> datetime:
            return now

    rt = scene.rt
    return Frozen(rt.settings, rt.plans, rt.days, rt.engine, rt.sessions, rt.reader, rt.files)


def test_a_digest_is_sent_once_and_kept_as_it_was_sent(one: Scene, sink: Sink) -> None:
    assert one.deliver(DAY).sent == 1
    assert one.deliver(DAY).sent == 0
    (mail,) = sink.mails
    notice = mine(one)
    assert (notice.state, notice.tries, notice.resent) == ("sent", 1, 0)
    assert notice.address == Scene.email("an")
    assert mail["Subject"] == notice.subject
    assert mail["Message-ID"] == notice.message_id == f"<ntm-{notice.id}@{DOMAIN}>"
    assert actions(one, notice) == [Action.NOTICE_QUEUED, Action.NOTICE_SENT]


def test_a_digest_says_code_content_due_day_and_link_in_vietnamese(one: Scene, sink: Sink) -> None:
    one.deliver(DAY)
    body = sink.mails[0].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    task = one.task(BQL)
    assert BQL in text
    assert one.rt.plan.row("III.1").content in text.replace("\r\n", "\n").replace("\n   ", " ")
    assert "thứ Ba 30/6/2020" in text
    assert "còn 14 ngày" in text
    assert f"/viec/{task.id}" in text


def test_of_what_others_owe_a_long_digest_names_the_most_urgent_and_counts_the_rest(
    stage: Stage, sink: Sink
) -> None:
    scene = stage("I.1", "III.1", "II.2")
    scene.contact("binh", "vpdp-huyen")  # nobody else can be reached: all of it is the office's
    scene.open(DAY)
    scene.remind(DAY)
    scene.deliver(DAY)
    (mail,) = sink.mails
    text, html = (text_of(mail, kind) for kind in ("plain", "html"))
    with scene.rt.reader() as session:
        items = session.scalars(select(func.count()).select_from(NoticeItem)).one()
    named = text.count("Mã việc: ")
    left = [int(found) for found in re.findall(r"Còn (\d+) việc nữa", text)]
    assert items > digest.MOST_OF_OTHERS
    assert named + sum(left) == items
    assert text.count("Còn ") == html.count(f'<a href="{scene.rt.settings.base_url}/viec" ')


def test_what_a_reader_owes_is_named_whole(
    stage: Stage, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "MOST_OF_OTHERS", 1)
    scene = stage("I.1", "III.1", "II.2")
    scene.contact("an", "bql-tan-lap", "ubnd-tan-lap", "bcd-tan-lap")
    scene.open(DAY)
    scene.remind(DAY)
    scene.deliver(DAY)
    (mail,) = sink.mails
    text = text_of(mail)
    assert text.count("Mã việc: ") > 1
    assert "việc nữa" not in text


def test_four_deliverers_never_share_a_notice(twelve: Scene, sink: Sink) -> None:
    twelve.rt.set_simulated(DAY, SYSTEM)
    start = threading.Barrier(4)
    done: list[outbox.Delivered] = []

    def run() -> None:
        start.wait()
        done.append(outbox.deliver(twelve.rt, actor=SYSTEM))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(one.sent for one in done) == 13
    assert len(sink.mails) == 13
    assert set(sink.ids.values()) == {1}
    assert twelve.states() == {"sent": 13}
    assert twelve.broken_audit() is None


def test_a_dead_process_s_notice_is_sent_again_once_and_marked(one: Scene, sink: Sink) -> None:
    claim_as(one, dead_process(), at(8))
    done = one.deliver(DAY)
    assert done.sent == 1
    notice = mine(one)
    assert (notice.state, notice.resent) == ("sent", 1)
    assert actions(one, notice) == [
        Action.NOTICE_QUEUED, Action.NOTICE_RESENT, Action.NOTICE_SENT,
    ]  # fmt: skip
    assert outcomes(one) == ["ambiguous", "ok"]
    assert len(sink.mails) == 1


def test_a_process_id_that_was_given_to_another_program_counts_as_dead(one: Scene) -> None:
    claim_as(one, f"{socket.gethostname()}/{os.getpid()}/1.00", at(8))
    assert one.deliver(DAY).sent == 1
    assert mine(one).resent == 1


def test_a_living_process_s_notice_is_left_alone(one: Scene, sink: Sink) -> None:
    claim_as(one, claims.me(), at(8))
    assert one.deliver(DAY).sent == 0
    assert mine(one).state == "sending"
    assert not sink.mails


def test_a_fork_that_lives_is_not_taken_for_dead() -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(writer, claims.me().encode())
        signal.pause()
    me = os.read(reader, 200).decode()
    notice = Notice(claimed_by=me, claimed_at=at(8))
    alive = claims.dead(notice.claimed_by, notice.claimed_at, at(8))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert (alive, claims.dead(notice.claimed_by, notice.claimed_at, at(8))) == (False, True)


def test_a_claim_of_another_machine_is_taken_back_only_when_it_is_old(one: Scene) -> None:
    claim_as(one, "may-khac/17/1.00", at(8))
    assert one.deliver(DAY).sent == 0
    claim_as(one, "may-khac/17/1.00", at(8) - claims.STUCK_AFTER)
    assert one.deliver(DAY).sent == 1


def test_a_notice_lost_twice_in_mid_send_becomes_unknown(one: Scene, sink: Sink) -> None:
    dead = dead_process()
    claim_as(one, dead, at(8))
    one.rt.set_simulated(DAY, SYSTEM)
    claims.release_stuck(one.rt, at(8), SYSTEM)
    claim_as(one, dead, at(8))
    assert one.deliver(DAY).sent == 0
    notice = mine(one)
    assert (notice.state, notice.resent) == ("unknown", 2)
    assert not sink.mails


def test_an_answer_lost_after_the_text_is_sent_again_once_with_the_same_message_id(
    one: Scene, sink: Sink
) -> None:
    sink.drop_after_text = 1
    assert one.deliver(DAY).sent == 0
    assert (mine(one).state, mine(one).resent) == ("pending", 1)
    assert one.deliver(DAY + timedelta(days=1)).sent == 1
    assert sink.ids == {f"<ntm-{mine(one).id}@{DOMAIN}>": 2}
    assert (mine(one).state, mine(one).resent) == ("sent", 1)


def test_two_answers_lost_after_the_text_leave_it_for_a_person(one: Scene, sink: Sink) -> None:
    sink.drop_after_text = 2
    for ahead in range(4):
        one.deliver(DAY + timedelta(days=ahead))
    assert mine(one).state == "unknown"
    assert sum(sink.ids.values()) == 2


def test_a_deliverer_taken_for_dead_does_not_overwrite_what_happened_since(
    one: Scene, sink: Sink
) -> None:
    def meanwhile() -> None:
        with one.rt.sessions.begin() as session:
            session.execute(
                update(Notice).where(Notice.contact_id == 1)
                .values(state="sent", claimed_by=None, claimed_at=None, sent_at=at(9), resent=1)
            )  # fmt: skip

    sink.on_mail = meanwhile
    one.deliver(DAY)
    assert (mine(one).state, mine(one).resent, mine(one).sent_at) == ("sent", 1, at(9))


def test_tasks_done_since_drop_out_of_a_digest_that_waits(stage: Stage, sink: Sink) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap", "bcd-tan-lap", "bql-vu-le", "bcd-vu-le")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    scene.submit(BQL, DAY)
    scene.cancel("III.1/2020-06/bcd-tan-lap", DAY)
    scene.suspend("III.1/2020-06/bql-vu-le", DAY)
    scene.deliver(DAY)
    (mail,) = sink.mails
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "III.1/2020-06/bcd-vu-le" in text
    assert not any(
        code in text for code in (BQL, "III.1/2020-06/bcd-tan-lap", "III.1/2020-06/bql-vu-le")
    )
    assert mail["Subject"].startswith("1 việc")


def test_a_digest_with_nothing_left_to_say_is_not_sent(one: Scene, sink: Sink) -> None:
    one.submit(BQL, DAY)
    done = one.deliver(DAY)
    assert (done.sent, done.suppressed) == (0, 1)
    assert mine(one).state == "suppressed"
    assert actions(one, mine(one)) == [Action.NOTICE_QUEUED, Action.NOTICE_SUPPRESSED]
    assert not sink.mails


def test_a_mail_server_that_is_down_keeps_everything_waiting_and_says_so(
    twelve: Scene, sink: Sink
) -> None:
    with socket.socket() as closed:
        closed.bind((smtp_sink.HOST, 0))
        url = f"smtp://127.0.0.1:{closed.getsockname()[1]}/?from={smtp_sink.SENDER}"
        down = replace(twelve.rt, settings=replace(twelve.rt.settings, mail_url=url))
        twelve.rt.set_simulated(DAY, SYSTEM)
        done = outbox.deliver(down, actor=SYSTEM)
    assert (done.sent, done.failed, done.waiting) == (0, 0, 13)
    assert "refused" in done.stopped.lower()
    assert twelve.states() == {"pending": 13}
    assert len(outcomes(twelve)) == open_ways.GIVE_UP_AFTER  # not every notice knocked at the door
    tried = [n for n in twelve.notices() if n.tries]
    assert all(n.not_before > at(8) and n.error for n in tried)
    assert twelve.deliver(DAY + timedelta(days=1)).sent == 13
    assert len(sink.mails) == 13


def test_a_mail_server_away_for_a_month_loses_no_notice(one: Scene, sink: Sink) -> None:
    with socket.socket() as closed:
        closed.bind((smtp_sink.HOST, 0))
        url = f"smtp://127.0.0.1:{closed.getsockname()[1]}/?from={smtp_sink.SENDER}"
        down = replace(one.rt, settings=replace(one.rt.settings, mail_url=url))
        for day in range(30):
            one.rt.set_simulated(DAY + timedelta(days=day), SYSTEM)
            outbox.deliver(down, actor=SYSTEM)
    (tried,) = [notice for notice in one.notices() if notice.tries]
    assert (tried.state, tried.tries) == ("pending", 30)
    assert one.deliver(DAY + timedelta(days=30)).sent == 1
    assert len(sink.mails) == 1


def test_the_pause_between_tries_grows_and_has_an_end() -> None:
    for tries in range(1, 40):
        longest = min(ending.FIRST_PAUSE * 2 ** min(tries, 12), ending.LONGEST_PAUSE)
        assert timedelta(0) <= ending.pause(tries) <= longest


def test_a_refused_address_fails_at_once_and_the_others_leave(twelve: Scene, sink: Sink) -> None:
    sink.refuse_recipient[Scene.email("dong-y")] = "550 5.1.1 No such user"
    done = twelve.deliver(DAY)
    assert (done.sent, done.failed) == (12, 1)
    (failed,) = [n for n in twelve.notices() if n.state == "failed"]
    assert failed.error == "550 5.1.1 No such user"
    assert actions(twelve, failed)[-1] == Action.NOTICE_FAILED


def test_an_address_that_is_slow_to_accept_is_tried_again_later(one: Scene, sink: Sink) -> None:
    sink.refuse_recipient[Scene.email("an")] = "450 4.2.0 Greylisted"
    assert one.deliver(DAY).retried >= 1
    assert mine(one).state == "pending"
    sink.refuse_recipient.clear()
    assert one.deliver(DAY + timedelta(days=1)).sent == 1


def test_a_wrong_password_stops_the_run_and_fails_nobody(stage: Stage) -> None:
    with smtp_sink.running("dung") as guarded:
        scene = stage("III.1", mail_url=guarded.url.replace("dung", "sai"))
        for unit in COMMUNES:
            scene.contact(unit, f"bql-{unit}")
        scene.contact("binh", "vpdp-huyen")
        scene.open(date(2020, 6, 1))
        scene.remind(DAY)
        done = scene.deliver(DAY)
    assert (done.sent, done.failed) == (0, 0)
    assert done.stopped.startswith("535")
    assert scene.states() == {"pending": 13}


def test_without_a_mail_server_everything_waits_and_it_is_said(stage: Stage) -> None:
    scene = stage("III.1", mail_url="")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    done = scene.deliver(DAY)
    assert (done.waiting, done.stopped) == (2, "mail.none")


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (at(7, 29), "hours.closed"),
        (at(17, 30), "hours.closed"),
        (at(23, 59), "hours.closed"),
        (at(10, day=date(2020, 6, 20)), "hours.day_off"),  # a Saturday
        (at(10, day=date(2020, 9, 2)), "hours.day_off"),  # National Day
    ],
    ids=str,
)
def test_nothing_leaves_outside_working_hours(
    one: Scene, sink: Sink, now: datetime, why: str
) -> None:
    done = outbox.deliver(frozen(one, now), actor=SYSTEM, respect_hours=True)
    assert (done.sent, done.waiting, done.stopped) == (0, 2, why)
    assert not sink.mails


def test_what_waited_over_night_leaves_when_the_office_opens(one: Scene, sink: Sink) -> None:
    outbox.deliver(frozen(one, at(18)), actor=SYSTEM, respect_hours=True)
    morning = at(7, 30, DAY + timedelta(days=1))
    done = outbox.deliver(frozen(one, morning), actor=SYSTEM, respect_hours=True)
    assert done.sent == 1
    assert mine(one).sent_at == morning


def test_a_person_who_sends_by_hand_is_not_bound_by_the_hours(one: Scene) -> None:
    assert outbox.deliver(frozen(one, at(20)), actor=SYSTEM).sent == 1


def test_nothing_leaves_before_the_hour_it_was_queued_for(one: Scene) -> None:
    assert outbox.deliver(frozen(one, at(6)), actor=SYSTEM).sent == 0


def test_a_run_that_goes_on_past_closing_time_stops(twelve: Scene, sink: Sink) -> None:
    class Ticking(Runtime):
        def now(self) -> datetime:
            return at(17, 25) + timedelta(minutes=len(sink.mails))

    rt = twelve.rt
    ticking = Ticking(rt.settings, rt.plans, rt.days, rt.engine, rt.sessions, rt.reader, rt.files)
    done = outbox.deliver(ticking, actor=SYSTEM, respect_hours=True)
    assert (done.sent, done.stopped) == (5, "hours.closed")
    assert twelve.states() == {"sent": 5, "pending": 8}


def test_a_run_longer_than_a_quarter_of_an_hour_claims_by_the_clock(
    twelve: Scene, sink: Sink
) -> None:
    seen: list[datetime] = []

    class Ticking(Runtime):
        def now(self) -> datetime:
            return at(8) + timedelta(minutes=5 * len(sink.mails))

    def look() -> None:
        with twelve.rt.reader() as session:
            claims = session.scalars(select(Notice.claimed_at).where(Notice.state == "sending"))
            seen.append(max(one for one in claims if one is not None))

    sink.on_mail = look
    rt = twelve.rt
    ticking = Ticking(rt.settings, rt.plans, rt.days, rt.engine, rt.sessions, rt.reader, rt.files)
    outbox.deliver(ticking, actor=SYSTEM)
    assert seen == [at(8) + timedelta(minutes=5 * n) for n in range(13)]
