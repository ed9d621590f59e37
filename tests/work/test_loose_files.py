"""Files that nothing names are removed; none that is handed in is, whatever happens when."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, EvidenceFile, SweptFile, Task
from ntm_workflow.work import drafts, hand_in, loose_files, tasks
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.hand_in import Paper
from tests.scene import SYSTEM, Scene, only

DAY = date(2020, 6, 16)
WEEK = timedelta(days=8)


def later() -> datetime:
    return datetime.now(UTC) + WEEK


@pytest.fixture
def scene(make_runtime: Callable[..., Runtime], plan: Plan, database_url: str) -> Scene:
    """One file is handed in: a store in which nothing is named is left alone."""
    scene = Scene(make_runtime(database_url, plan=only(plan, "III.1")))
    scene.open(date(2020, 6, 1))
    scene.rt.set_simulated(DAY, SYSTEM)
    submit(scene.rt, "III.1/2020-06/bql-tan-lap", b"da nop")
    return scene


def put(rt: Runtime, data: bytes) -> str:
    return rt.files.put("a.txt", io.BytesIO(data)).sha256


def submit(rt: Runtime, code: str, data: bytes, now: datetime | None = None) -> str:
    (stored,) = kept = hand_in.keep(rt.files, [("a.txt", io.BytesIO(data))])
    with rt.sessions.begin() as session:
        task = tasks.find(session, code)
        hand_in.hand_in(
            session, rt, task, Paper("12/BC-BQL", DAY, "x"), kept,
            by=Actor("An", "office", task.body_id, "test"), now=now or rt.now(), today=DAY,
        )  # fmt: skip
    return stored.sha256


def stored(rt: Runtime) -> set[str]:
    return {sha256 for sha256, _ in rt.files.every()}


def named(rt: Runtime) -> set[str]:
    with rt.reader() as session:
        return {one.sha256 for one in session.query(EvidenceFile)}


def sweep(rt: Runtime) -> int:
    return loose_files.sweep(rt, later, actor=SYSTEM)


def test_only_what_nothing_names_goes_and_only_after_its_days(scene: Scene) -> None:
    rt = scene.rt
    loose, drafted = put(rt, b"bi tu choi"), put(rt, b"trong ban nhap")
    half = rt.files.folder / ".incoming-x"
    half.write_bytes(b"nua")
    with rt.sessions.begin() as session:
        held = {"files": [["a.txt", drafted, 14]]}
        drafts.keep(session, "account/1", "task/1", held, rt.now())
    assert loose_files.sweep(rt, lambda: datetime.now(UTC), actor=SYSTEM) == 0
    off = replace(rt, settings=replace(rt.settings, keep_loose_days=0))
    assert sweep(off) == 0
    assert half.exists()
    assert sweep(rt) == 1
    assert stored(rt) == named(rt) | {drafted}
    assert not half.exists()
    with rt.reader() as session:
        entry = session.query(AuditEntry).filter_by(action="files.removed").one()
        assert json.loads(entry.data) == {"files": [loose]}
    assert sweep(rt) == 0
    assert scene.broken_audit() is None


def test_a_store_that_is_mostly_not_named_here_is_left_alone(scene: Scene) -> None:
    for n in range(2):
        put(scene.rt, b"cua noi khac %d" % n)
    assert sweep(scene.rt) == 0


def test_what_is_put_again_is_new_again(scene: Scene) -> None:
    rt = scene.rt
    path = rt.files.path(put(rt, b"cu"))
    long_ago = time.time() - WEEK.total_seconds()
    os.utime(path, (long_ago, long_ago))
    put(rt, b"cu")
    assert list(rt.files.older(datetime.now(UTC) - timedelta(days=7))) == []


def test_what_is_handed_in_after_it_was_found_is_not_removed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = scene.rt
    put(rt, b"kip")

    def found(*_: object) -> list[str]:
        return [submit(rt, "III.1/2020-06/bql-vu-le", b"kip")]

    monkeypatch.setattr(loose_files, "loose", found)
    assert sweep(rt) == 0
    assert named(rt) <= stored(rt)


def test_what_comes_in_again_while_it_goes_is_handed_in_only_where_it_is(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt, code, data = scene.rt, "III.1/2020-06/bql-vu-le", b"cung noi dung"
    put(rt, data)
    remove = rt.files.remove

    def meanwhile(sha256: str) -> None:
        with pytest.raises(Refused, match=r"evidence\.swept"):
            submit(rt, code, data, later())
        remove(sha256)

    monkeypatch.setattr(rt.files, "remove", meanwhile)
    assert sweep(rt) == 1
    with pytest.raises(Refused, match=r"evidence\.swept"):
        submit(rt, code, data, later() + loose_files.SETTLED / 2)
    settled = later() + loose_files.SETTLED * 2
    gone = hand_in.keep(rt.files, [("a.txt", io.BytesIO(data))])
    rt.files.path(gone[0].sha256).unlink()
    with rt.sessions.begin() as session, pytest.raises(Refused, match=r"evidence\.swept"):
        loose_files.there(session, rt.files, gone, settled)
    assert submit(rt, code, data, settled) in stored(rt)
    with rt.reader() as session:
        assert session.query(SweptFile).count() == 0


def test_a_sweep_that_is_killed_loses_nothing_and_the_next_ends_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = scene.rt
    submit(rt, "III.1/2020-06/bql-vu-le", b"thu hai")
    for n in range(2):
        put(rt, b"%d" % n)

    def killed(sha256: str) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(rt.files, "remove", killed)
        with pytest.raises(SystemExit):
            sweep(rt)
    assert len(stored(rt)) == 4
    assert sweep(rt) == 2
    assert stored(rt) == named(rt)


def test_sweeps_and_hand_ins_at_once_lose_no_file_that_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = scene.rt
    monkeypatch.setattr(loose_files, "AT_ONCE", timedelta(seconds=0.1))
    monkeypatch.setattr(loose_files, "SETTLED", timedelta(seconds=1))
    with rt.reader() as session:
        codes = [one.code for one in session.query(Task).filter_by(state="open").limit(9)]
    left, swept = threading.Event(), [0]

    def sweeping() -> None:
        while not left.is_set():
            with rt.reader() as session:
                old = loose_files._unnamed(session, list(rt.files.older(later())))
            if old:
                swept[0] += loose_files._removed(rt, old, lambda: datetime.now(UTC), SYSTEM)
            left.wait(1.5)

    def handing_in(code: str) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                submit(rt, code, code.encode(), datetime.now(UTC))
                return
            except Refused:
                time.sleep(0.02 + len(code) % 7 / 100)

    for one in codes:  # as if they had been refused before
        put(rt, one.encode())
    sweeper = threading.Thread(target=sweeping)
    each = [threading.Thread(target=handing_in, args=(one,)) for one in codes]
    sweeper.start()
    time.sleep(0.1)
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    left.set()
    sweeper.join()
    assert len(named(rt)) == 1 + len(codes)
    assert named(rt) == stored(rt)
    assert swept[0] >= len(codes)
