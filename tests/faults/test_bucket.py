"""Evidence in a bucket of a real S3 server: kept, read back, found damaged, backed up."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from ntm_workflow.appendix.model import Plan
from ntm_workflow.commands import doctor
from ntm_workflow.commands.evidence import verify
from ntm_workflow.errors import ConfigError, NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import backup, bucket_files, evidence_check, restore
from ntm_workflow.store.bucket_files import BucketFiles
from ntm_workflow.work import backups, evidence, hand_in, loose_files, proof, tasks
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.hand_in import Paper
from tests.scene import SYSTEM, Scene, only
from tests.signing import client

TASK, DAY = "III.1/2020-06/bql-tan-lap", date(2020, 6, 16)
PDF = b"%PDF-1.4 " + bytes(range(256)) * 300


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server of its own, as a process; the address of a bucket of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    url = f"s3://KHOA:bi%2Fmat@127.0.0.1:{port}/minh-chung/2020"
    try:
        _made(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _made(url: str, process: subprocess.Popen[bytes]) -> None:
    client = bucket(url, Path(), tries=0)._client
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the S3 server did not start"
        try:
            client.make_bucket("minh-chung")
            return
        except Exception:
            time.sleep(0.1)
    raise AssertionError("the S3 server does not answer")


def bucket(url: str, folder: Path, **changes: Any) -> BucketFiles:
    return BucketFiles(url, folder, 1_000_000, **changes)


@pytest.fixture
def scene(make_runtime: Callable[..., Runtime], tmp_path: Path, plan: Plan, server: str) -> Scene:
    url = f"{server}/{tmp_path.name}"
    rt = make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}", plan=only(plan, "III.1"),
                      evidence_url=url)  # fmt: skip
    scene = Scene(rt)
    scene.open(date(2020, 6, 1))
    rt.set_simulated(DAY, SYSTEM)
    return scene


def submit(scene: Scene, data: bytes = PDF, task: str = TASK) -> str:
    """Hand in one file; its SHA-256."""
    rt = scene.rt
    (stored,) = hand_in.keep(rt.files, [("báo cáo.pdf", io.BytesIO(data))])
    with rt.sessions.begin() as session:
        found = tasks.find(session, task)
        by = Actor("An", "office", found.body_id, "test")
        paper = Paper("12/BC-BQL", DAY, "Kết quả")
        hand_in.hand_in(session, rt, found, paper, [stored], by=by, now=rt.now(), today=DAY)
    return stored.sha256


def faults(rt: Runtime) -> list[str]:
    with rt.reader() as session:
        return [f"{one.key} {one.data['name']}" for one in proof.evidence(
            session, rt.files, reread=True)]  # fmt: skip


def test_evidence_in_a_bucket_is_handed_in_downloaded_and_read_again(scene: Scene) -> None:
    rt = scene.rt
    sha256 = submit(scene)
    assert isinstance(rt.files, BucketFiles)
    assert [one for one, _ in rt.files.every()] == [sha256]
    assert [path for path in rt.files.folder.rglob("*") if path.is_file()] == []
    office = client(rt)
    with rt.reader() as session:
        file = evidence.of_task(session, tasks.find(session, TASK))[0].files[0]
    answer = office.get(f"/minh-chung/{file.id}")
    assert (answer.status_code, answer.content) == (200, PDF)
    assert faults(rt) == []
    assert office.get("/nhat-ky?kiem-tra=1").status_code == 200


def test_what_changed_or_was_lost_in_the_bucket_is_named_and_opens_for_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rt = scene.rt
    changed = submit(scene)
    lost = submit(scene, PDF + b"2", "III.1/2020-06/bql-vu-le")
    files = rt.files
    assert isinstance(files, BucketFiles)
    files._client.put_object("minh-chung", files._name(changed), io.BytesIO(b"khac"), 4)
    files._client.remove_object("minh-chung", files._name(lost))
    with pytest.raises(NotFound, match=r"file\.changed"), files.opened(changed):
        pass
    with pytest.raises(NotFound, match=r"file\.lost"), files.opened(lost):
        pass
    office = client(rt)
    assert office.get("/minh-chung/1").status_code == 404
    monkeypatch.setattr("ntm_workflow.runtime.load", lambda **_: rt)
    assert verify.callback
    with pytest.raises(SystemExit) as left:
        verify.callback(False)
    said = capsys.readouterr().out
    assert (left.value.code, changed in said, lost in said) == (1, True, True)


def test_a_backup_of_a_bucket_is_restored_into_another(
    scene: Scene, tmp_path: Path, server: str
) -> None:
    rt = scene.rt
    sha256 = submit(scene)
    out = tmp_path / "sao-luu"
    assert backups.make(rt, out, actor=SYSTEM).files == 1
    assert list(backup.damaged(out)) == []
    other = replace(rt.settings, database_url=f"sqlite:///{tmp_path / 'khac.db'}",
                    evidence_url=f"{server}/khac-{tmp_path.name}")  # fmt: skip
    restore.restore(other, out)
    with evidence_check.files(other).opened(sha256) as file:
        assert file.read() == PDF


def test_what_nothing_names_goes_from_the_bucket_and_nothing_of_others(scene: Scene) -> None:
    rt = scene.rt
    assert isinstance(rt.files, BucketFiles)
    named, loose = submit(scene), rt.files.put("a.pdf", io.BytesIO(b"%PDF-1.4 khong ai nop")).sha256
    assert rt.files.path(loose).exists()  # somebody looked at it
    deeper = f"{rt.files._at.prefix}khac/{loose[:2]}/{loose}"
    rt.files._client.put_object("minh-chung", deeper, io.BytesIO(b"x"), 1)
    assert loose_files.sweep(rt, lambda: datetime.now(UTC), actor=SYSTEM) == 0
    later = datetime.now(UTC) + timedelta(days=8)
    assert loose_files.sweep(rt, lambda: later, actor=SYSTEM) == 1
    assert (rt.files.has(named), rt.files.has(loose)) == (True, False)
    assert not (rt.files.folder / ".seen" / loose).exists()
    assert rt.files._client.stat_object("minh-chung", deeper).size == 1


def test_a_store_that_is_away_refuses_in_words_and_shows_no_key(tmp_path: Path) -> None:
    away = bucket("s3://KHOA:BIMAT@127.0.0.1:9/minh-chung", tmp_path, tries=0)
    with pytest.raises(Refused) as error:
        hand_in.keep(away, [("a.pdf", io.BytesIO(PDF))])
    assert error.value.key == "evidence.store_away"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(OSError, match="127") as broken, away.opened("0" * 64):
        pass
    assert "BIMAT" not in str(broken.value)
    assert "BIMAT" not in repr(away._at)


def test_doctor_says_what_is_wrong_with_the_store_and_shows_no_key(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(url: str) -> list[tuple[str, str, str]]:
        return doctor._neighbours(replace(scene.rt.settings, evidence_url=url))

    good = scene.rt.settings.evidence_url
    assert found(good) == []
    gone = good.replace("/minh-chung/", "/khong-co/")
    monkeypatch.setattr(bucket_files, "_ASK_TIMEOUT", urllib3.Timeout(0.3))
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the call and says nothing
        port = mute.getsockname()[1]
        for url, why in (
            (gone, "NoSuchBucket"), ("s3://KHOA:bi%2Fmat@127.0.0.1:9/minh-chung", "127.0.0.1:9"),
            (f"s3://KHOA:bi%2Fmat@127.0.0.1:{port}/minh-chung", str(port)),
        ):  # fmt: skip
            ((key, said, todo),) = found(url)
            assert key == "doctor.store_away"
            assert why in said
            assert "NTM_EVIDENCE_URL" in todo
            assert not any(secret in said for secret in ("KHOA", "bi%2Fmat", "bi/mat"))


@pytest.mark.parametrize(
    "url",
    ["https://a:b@x/y", "s3://x/y", "s3://a:b@x/", "s3://a:b@x/Y_", "s3://a@x/yyy",
     "s3://a:b@x:so/yyy"],
)  # fmt: skip
def test_what_is_no_bucket_is_said_at_the_start(url: str) -> None:
    with pytest.raises(ConfigError):
        bucket_files.place(url)
