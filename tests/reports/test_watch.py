"""Who watches the watcher: the day's runs, the outbox, the channels; doctor, healthz, the ping."""

from __future__ import annotations

import http.server
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from ntm_workflow import simulation
from ntm_workflow.appendix.model import OrderedDay, Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.chase import daily
from ntm_workflow.reports import watch
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import ping
from ntm_workflow.store.tables import Address, Channel, Contact, DailyRun, Notice, NoticeAttempt
from ntm_workflow.texts import ZONE
from tests import shell
from tests.scene import SYSTEM, Scene, only
from tests.signing import client

TUESDAY = date(2020, 6, 16)
MONDAY = TUESDAY - timedelta(days=1)
SATURDAY = date(2020, 6, 20)
QUARTER_DAY = date(2020, 4, 1)  # the first working day of the second quarter
ROOT = Path(__file__).resolve().parents[2]


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


@pytest.fixture
def small(make_runtime: Callable[..., Runtime], database_url: str, plan: Plan) -> Runtime:
    """A plan of one row on a database that ran the day before."""
    rt = make_runtime(database_url, plan=only(plan, "III.1"))
    ran(rt, MONDAY, daily.OPEN)
    return rt


def ran(rt: Runtime, day: date, *names: str, clock: str = "07:31") -> None:
    with rt.sessions.begin() as session:
        for name in names:
            daily.finished(session, name, day, at(day, clock))


def keys(rt: Runtime, now: datetime, days: WorkCalendar | None = None) -> list[str]:
    with rt.reader() as session:
        found = watch.faults(session, rt.in_force, days or rt.days, now)
    assert all(watch.said(one) and "watch." not in watch.said(one) for one in found)
    assert all(watch.todo(one) and "{" not in watch.todo(one) for one in found)
    return [":".join(filter(None, (one.key, one.data.get("run", "")))) for one in found]


BOTH = ["run.missing:open-due", "run.missing:send-reminders"]


# -- the runs of the day ---------------------------------------------------------


def test_at_nine_on_a_working_day_the_runs_must_have_finished(small: Runtime) -> None:
    assert keys(small, at(TUESDAY, "08:59:59")) == []
    assert keys(small, at(TUESDAY, "09:00")) == BOTH
    ran(small, TUESDAY, daily.OPEN, daily.REMIND)
    assert keys(small, at(TUESDAY, "09:00")) == []


def test_one_missing_run_is_named_with_the_command_that_does_it(small: Runtime) -> None:
    ran(small, TUESDAY, daily.OPEN)
    with small.reader() as session:
        [fault] = watch.faults(session, small.in_force, small.days, at(TUESDAY, "10:00"))
    assert "lập thông báo nhắc" in watch.said(fault)
    assert "ntm remind" in watch.todo(fault)


def test_what_finishes_late_clears_the_fault(small: Runtime) -> None:
    assert keys(small, at(TUESDAY, "10:00")) == BOTH
    ran(small, TUESDAY, daily.OPEN, daily.REMIND, clock="10:30")
    assert keys(small, at(TUESDAY, "10:31")) == []


def test_a_run_that_began_and_died_is_not_a_run_that_finished(small: Runtime) -> None:
    ran(small, TUESDAY, daily.OPEN)
    with small.sessions.begin() as session:
        daily.started(session, daily.REMIND, TUESDAY, at(TUESDAY, "07:30"))
    assert keys(small, at(TUESDAY, "09:00")) == ["run.unfinished:send-reminders"]


def test_nothing_is_asked_of_a_day_off(small: Runtime) -> None:
    assert keys(small, at(SATURDAY, "10:00")) == []
    assert keys(small, at(date(2020, 9, 2), "10:00")) == []


def test_an_ordered_working_saturday_is_a_working_day(small: Runtime) -> None:
    ordered = OrderedDay(SATURDAY, off=False, document="12729/VPCP-KGVX")
    days = small.days.recording([ordered], 1)
    assert keys(small, at(SATURDAY, "10:00"), days) == BOTH
    off = OrderedDay(TUESDAY, off=True, document="12729/VPCP-KGVX")
    assert keys(small, at(TUESDAY, "10:00"), small.days.recording([off], 1)) == []


def test_on_a_quarters_day_the_quarterly_run_is_due_too(small: Runtime) -> None:
    with small.sessions.begin() as session:
        session.execute(update(DailyRun).values(day=QUARTER_DAY - timedelta(days=1)))
    ran(small, QUARTER_DAY, daily.OPEN, daily.REMIND)
    assert keys(small, at(QUARTER_DAY, "09:00")) == ["run.missing:quarterly-reminder"]
    assert keys(small, at(QUARTER_DAY + timedelta(days=1), "08:00")) == []
    ran(small, QUARTER_DAY, daily.QUARTER)
    assert keys(small, at(QUARTER_DAY, "09:00")) == []


def test_the_last_run_and_the_next_one_are_told_of_each_kind(small: Runtime) -> None:
    friday, now = date(2020, 6, 19), at(date(2020, 6, 19), "08:00")

    def runs() -> tuple[dict[str, datetime], dict[str, date]]:
        with small.reader() as session:
            last = watch.look(session, small.in_force, small.days, now).ran
        return last, watch.next_runs(small.in_force, small.days, friday, last)

    quarter = date(2020, 7, 1)
    assert runs() == (
        {daily.OPEN: at(MONDAY, "07:31")},
        {daily.OPEN: friday, daily.REMIND: friday, daily.QUARTER: quarter},
    )
    ran(small, friday, daily.OPEN, clock="07:05")
    assert runs()[0][daily.OPEN] == at(friday, "07:05")
    assert runs()[1] == {
        daily.OPEN: date(2020, 6, 22), daily.REMIND: friday, daily.QUARTER: quarter,
    }  # fmt: skip
    assert watch.next_runs([], small.days, friday, {}) == {}


def test_a_quarterly_run_is_next_on_its_day_until_it_has_finished(small: Runtime) -> None:
    plans, days, day = small.in_force, small.days, QUARTER_DAY
    assert watch.next_runs(plans, days, day, {})[daily.QUARTER] == day
    done = {daily.QUARTER: at(day, "08:00")}
    assert watch.next_runs(plans, days, day, done)[daily.QUARTER] > day


def test_an_installation_made_this_morning_owes_no_run_before_tomorrow(rt: Runtime) -> None:
    made = datetime.now(UTC).astimezone(ZONE)
    day = rt.days.next(made.date())
    tomorrow = rt.days.next(day + timedelta(days=1))
    if made.time() >= watch.FIRST_RUN and day == made.date():
        assert keys(rt, at(day, "23:00")) == []
    assert keys(rt, at(tomorrow, "09:00"))[:2] == BOTH


def test_repeating_a_run_keeps_its_first_start_and_its_last_end(small: Runtime) -> None:
    for clock in ("07:30", "08:00", "09:30"):
        with small.sessions.begin() as session:
            daily.started(session, daily.REMIND, TUESDAY, at(TUESDAY, clock))
        ran(small, TUESDAY, daily.REMIND, clock=clock)
    with small.reader() as session:
        one = session.get_one(DailyRun, (TUESDAY, daily.REMIND))
    assert (one.started_at, one.finished_at) == (at(TUESDAY, "07:30"), at(TUESDAY, "09:30"))


def test_a_run_that_raises_leaves_a_start_without_an_end(small: Runtime) -> None:
    small.set_simulated(TUESDAY, SYSTEM)
    with pytest.raises(ZeroDivisionError), daily.recorded(small, daily.OPEN):
        raise ZeroDivisionError
    with small.reader() as session:
        assert session.get_one(DailyRun, (TUESDAY, daily.OPEN)).finished_at is None
    with daily.recorded(small, daily.OPEN):
        pass
    assert keys(small, at(TUESDAY, "09:00")) == ["run.missing:send-reminders"]


def test_a_simulated_day_writes_its_runs_down(small: Runtime) -> None:
    simulation.live(small, TUESDAY)
    assert keys(small, at(TUESDAY, "09:00")) == []


# -- the outbox ------------------------------------------------------------------


@pytest.fixture
def waiting(small: Runtime) -> Runtime:
    """One digest is owed to An on Tuesday since 07:30, and nothing has been sent."""
    scene = Scene(small)
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    scene.remind(TUESDAY)
    ran(small, TUESDAY, daily.OPEN, daily.REMIND)
    with small.sessions.begin() as session:  # the office has no address: that is said elsewhere
        session.execute(text("DELETE FROM notice_item WHERE contact_id > 1"))
        session.execute(text("DELETE FROM notice WHERE contact_id > 1"))
    return small


def change(rt: Runtime, what: type, **values: object) -> None:
    with rt.sessions.begin() as session:
        session.execute(update(what).values(**values))


def test_a_notice_that_waits_for_half_an_hour_in_sending_hours_is_a_fault(
    waiting: Runtime,
) -> None:
    assert keys(waiting, at(TUESDAY, "08:00")) == []
    assert keys(waiting, at(TUESDAY, "08:01")) == ["outbox.waiting"]


def test_out_of_hours_and_just_after_they_begin_waiting_is_no_fault(waiting: Runtime) -> None:
    ran(waiting, TUESDAY + timedelta(days=1), daily.OPEN, daily.REMIND)
    assert keys(waiting, at(TUESDAY, "17:30")) == []
    assert keys(waiting, at(TUESDAY + timedelta(days=1), "08:00")) == []
    assert keys(waiting, at(TUESDAY + timedelta(days=1), "08:01")) == ["outbox.waiting"]
    assert keys(waiting, at(SATURDAY, "10:00")) == []


def test_what_something_explains_is_no_fault(waiting: Runtime) -> None:
    now = at(TUESDAY, "10:00")
    change(waiting, Channel, next_at=now + timedelta(minutes=1))
    assert keys(waiting, now) == []  # the pace
    change(waiting, Channel, next_at=None, state="closed")
    assert keys(waiting, now) == []  # a person closed it
    change(waiting, Channel, state="active")
    change(waiting, Address, unusable_at=now)
    assert keys(waiting, now) == []  # the red mark of the body says it
    change(waiting, Address, unusable_at=None)
    for quiet in ((time(9), time(11)), (time(22), time(10, 30)), (time(8), time(9, 45))):
        change(waiting, Contact, quiet_from=quiet[0], quiet_until=quiet[1])
        assert keys(waiting, now) == [], quiet
    change(waiting, Contact, quiet_from=None, quiet_until=None, digest_at=time(9, 45))
    assert keys(waiting, now) == []
    change(waiting, Contact, quiet_from=time(12), quiet_until=time(13), digest_at=time(8))
    assert keys(waiting, now) == ["outbox.waiting"]


def test_a_long_queue_that_moves_is_not_stuck(waiting: Runtime) -> None:
    now = at(TUESDAY, "10:00")
    [one] = Scene(waiting).notices()
    with waiting.sessions.begin() as session:
        tried = NoticeAttempt(
            notice_id=one.id, at=now - timedelta(minutes=31), outcome="ok", detail="", seconds=0.1
        )
        session.add(tried)
    assert keys(waiting, now) == ["outbox.waiting"]
    assert keys(waiting, now - timedelta(minutes=2)) == []


def test_a_notice_in_mid_send_for_a_quarter_of_an_hour_is_a_fault(waiting: Runtime) -> None:
    now = at(TUESDAY, "10:00")
    change(waiting, Notice, state="sending", claimed_at=now - timedelta(minutes=15))
    assert keys(waiting, now) == []
    assert keys(waiting, now + timedelta(seconds=1)) == ["outbox.sending"]
    assert keys(waiting, at(SATURDAY, "03:00")) == ["outbox.sending"]


def test_a_broken_channel_is_a_fault_at_any_hour_and_explains_what_waits(waiting: Runtime) -> None:
    change(waiting, Channel, state="broken", broken_at=at(TUESDAY, "08:00"), broken_class="auth")
    assert keys(waiting, at(TUESDAY, "10:00")) == ["channel.broken"]
    assert keys(waiting, at(SATURDAY, "03:00")) == ["channel.broken"]


def test_watching_costs_one_statement_and_reads_no_table_of_notices(waiting: Runtime) -> None:
    from sqlalchemy import event

    sent: list[tuple[str, tuple[Any, ...]]] = []

    def note(
        _c: object, _cursor: object, statement: str, parameters: tuple[Any, ...], *_: object
    ) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append((statement, parameters))

    event.listen(waiting.engine, "before_cursor_execute", note)
    assert keys(waiting, at(TUESDAY, "10:00")) == ["outbox.waiting"]
    event.remove(waiting.engine, "before_cursor_execute", note)
    [(statement, parameters)] = sent
    if waiting.engine.dialect.name == "sqlite":
        with waiting.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        steps = [str(row[-1]) for row in plan]
        assert not [step for step in steps if step.startswith("SCAN notice")], steps
        assert any("ix_notice_waiting" in step for step in steps)
        assert any("ix_notice_sending" in step for step in steps)
        assert any("ix_notice_attempt_at" in step for step in steps)


# -- what others see of it ---------------------------------------------------------


@pytest.fixture
def broken(town_like: Runtime) -> Runtime:
    change(
        town_like, Channel, state="broken", broken_at=at(TUESDAY, "08:00"), broken_class="auth",
        broken_why="535 mật khẩu của vpdp@bacson.example sai",
    )  # fmt: skip
    return town_like


@pytest.fixture
def town_like(small: Runtime) -> Runtime:
    """A simulated Tuesday."""
    small.set_simulated(TUESDAY, SYSTEM)
    return small


def test_healthz_answers_503_with_keys_and_nothing_else_when_something_is_wrong(
    broken: Runtime,
) -> None:
    browser = client(broken)
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.json()) == (
        503, {"status": "faulty", "faults": ["channel.broken"]},
    )  # fmt: skip
    assert browser.get("/livez").status_code == 200  # the pages themselves are up
    change(broken, Channel, state="active")
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_the_board_says_in_red_what_is_wrong_and_what_to_do(broken: Runtime) -> None:
    browser = client(broken)
    page = browser.get("/").text
    assert "Hệ thống cần có người xem" in page
    assert "Kênh mail hỏng từ 08:00 16/6/2020" in page
    assert "bấm “Thử lại ngay”" in page
    assert "535" not in page
    change(broken, Channel, state="active")
    assert "Hệ thống cần có người xem" not in browser.get("/").text


def doctor(rt: Runtime, *args: str, **environ: str) -> shell.Result:
    env = {
        "NTM_ROOT": str(ROOT), "NTM_DATABASE_URL": rt.engine.url.render_as_string(False),
        "NTM_VAR": str(rt.settings.var), **environ,
    }  # fmt: skip
    return shell.ntm("doctor", *args, env=env, cwd=rt.settings.var.parent)


def test_doctor_fails_with_each_fault_and_what_to_do(broken: Runtime) -> None:
    done = doctor(broken)
    assert done.returncode == 1, done.stderr
    assert "✗ Kênh mail hỏng từ 08:00 16/6/2020" in done.stdout
    assert "→ Xem lý do ở trang Kênh gửi" in done.stdout
    [fault] = json.loads(doctor(broken, "--json").stdout)
    assert fault["key"] == "channel.broken"
    change(broken, Channel, state="active")
    done = doctor(broken)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Mọi việc đều chạy.")
    done = doctor(broken, NTM_PING_URL="file:///etc/passwd")
    assert done.returncode == 1
    assert "NTM_PING_URL" in done.stdout
    assert "passwd" not in done.stdout


# -- the ping --------------------------------------------------------------------


class Dog(http.server.ThreadingHTTPServer):
    """A watchdog that counts what it hears, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ears)
        self.heard: list[str] = []
        self.status = 200


class _Ears(http.server.BaseHTTPRequestHandler):
    server: Dog

    def do_GET(self) -> None:
        self.server.heard.append(self.path)
        self.send_response(self.server.status)
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def dog() -> Iterator[Dog]:
    server = Dog()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def with_dog(rt: Runtime, dog: Dog) -> Runtime:
    url = f"http://127.0.0.1:{dog.server_address[1]}/ping/bi-mat-7Q2M"
    return replace(rt, settings=replace(rt.settings, ping_url=url))


def test_all_is_well_is_told_until_something_is_wrong(
    small: Runtime, dog: Dog, caplog: pytest.LogCaptureFixture
) -> None:
    rt = with_dog(replace(small, plans={}), dog)  # no plan: whatever hour it is, no run is due
    caplog.set_level(logging.DEBUG)
    assert ping.all_is_well(rt)
    assert dog.heard == ["/ping/bi-mat-7Q2M"]
    change(rt, Channel, state="broken", broken_at=at(TUESDAY, "08:00"))
    assert not ping.all_is_well(rt)
    assert len(dog.heard) == 1
    assert "channel.broken" in caplog.text
    change(rt, Channel, state="active")
    assert ping.all_is_well(rt)
    assert "7Q2M" not in caplog.text


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_watchdog_that_refuses_is_logged_without_its_address_and_not_followed(
    small: Runtime, dog: Dog, status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    dog.status = status
    assert not ping.all_is_well(with_dog(replace(small, plans={}), dog))
    assert len(dog.heard) == 1
    assert str(status) in caplog.text
    assert "7Q2M" not in caplog.text


def test_a_watchdog_that_is_away_stops_nothing(
    small: Runtime, dog: Dog, caplog: pytest.LogCaptureFixture
) -> None:
    rt = with_dog(replace(small, plans={}), dog)
    dog.shutdown()
    dog.server_close()
    caplog.set_level(logging.DEBUG)
    assert not ping.all_is_well(rt)
    assert "ConnectError" in caplog.text
    assert "7Q2M" not in caplog.text


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "http:///x", "x", "http://["]
)
def test_only_http_and_https_are_ever_called(small: Runtime, url: str) -> None:
    assert not ping.usable(url)
    rt = replace(small, settings=replace(small.settings, ping_url=url))
    assert not ping.all_is_well(rt)


def test_a_simulation_tells_no_watchdog(town_like: Runtime, dog: Dog) -> None:
    assert not ping.all_is_well(with_dog(town_like, dog))
    assert dog.heard == []
