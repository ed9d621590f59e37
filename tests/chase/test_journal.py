"""What a killed deliverer leaves: nothing that was sent is in doubt, nothing that was not is."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from ntm_workflow.chase import claims, journal, outbox
from ntm_workflow.chase.journal import Journal
from ntm_workflow.store.tables import NoticeAttempt
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

Stage = Callable[..., Scene]
DAY = date(2020, 6, 16)
UNITS = ("bac-quynh", "chien-thang", "chieu-vu", "dong-y", "hung-vu", "long-dong")
THIRD = 3  # the mail in whose midst the deliverer dies


@pytest.fixture
def six(stage: Stage) -> Scene:
    """Six digests wait for six communes, and one for the coordination office."""
    scene = stage("III.1")
    for unit in UNITS:
        scene.contact(unit, f"bql-{unit}", f"bcd-{unit}")
    scene.contact("binh", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    scene.rt.set_simulated(DAY, SYSTEM)
    return scene


def killed_in_the_third_mail(scene: Scene, sink: Sink) -> Path:
    """Let a fork deliver until the server has the text of a third mail; return its journal."""
    scene.rt.engine.dispose()
    pid = os.fork()
    if not pid:
        outbox.deliver(scene.rt, actor=SYSTEM)
        os._exit(1)

    def kill() -> None:
        if len(sink.mails) == THIRD:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            sink.on_mail = None

    sink.on_mail = kill
    wait_for(lambda: sink.on_mail is None)
    (left,) = claims.journals(scene.rt).iterdir()
    return left


def wait_for(true: Callable[[], bool]) -> None:
    import time

    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def in_doubt(scene: Scene) -> list[int]:
    return [one.id for one in scene.notices() if one.resent]


def test_of_a_bundle_whose_deliverer_was_killed_only_the_mail_in_flight_is_in_doubt(
    six: Scene, sink: Sink
) -> None:
    left = killed_in_the_third_mail(six, sink)
    assert six.states() == {"sending": len(UNITS) + 1}
    outbox.deliver(six.rt, actor=SYSTEM)
    assert six.states() == {"sent": len(UNITS) + 1}
    assert sorted(sink.ids.values()) == [1] * len(UNITS) + [2]
    (twice,) = (name for name, times in sink.ids.items() if times == 2)
    assert [one.message_id for one in six.notices() if one.resent] == [twice]
    assert {one.tries for one in six.notices()} == {1, 2}
    for one, mail in zip(six.notices(), sink.mails, strict=False):
        assert one.subject == mail["Subject"]
        assert one.body
    with six.rt.reader() as session:
        assert len(session.scalars(select(NoticeAttempt.id)).all()) == len(UNITS) + 2
    assert six.broken_audit() is None
    assert not left.exists()


def test_after_a_crash_of_the_machine_what_the_journal_does_not_know_is_in_doubt(
    six: Scene, sink: Sink
) -> None:
    left = killed_in_the_third_mail(six, sink)
    head, *lines = left.read_bytes().splitlines(keepends=True)
    before = json.loads(head) | {"boot": "another"}
    kept = [one for one in lines if one.startswith(lines[0].strip())]  # the first mail only
    left.write_bytes(json.dumps(before).encode() + b"\n" + b"".join(kept) + b"17")
    outbox.deliver(six.rt, actor=SYSTEM)
    assert six.states() == {"sent": len(UNITS) + 1}
    assert in_doubt(six) == [one.id for one in six.notices()][1:]


def test_without_its_journal_all_that_a_dead_process_held_is_in_doubt(
    six: Scene, sink: Sink
) -> None:
    killed_in_the_third_mail(six, sink).unlink()
    outbox.deliver(six.rt, actor=SYSTEM)
    assert len(in_doubt(six)) == len(UNITS) + 1


def test_where_no_journal_can_be_kept_mails_leave_one_by_one(six: Scene, sink: Sink) -> None:
    six.rt.settings.var.mkdir(exist_ok=True)
    claims.journals(six.rt).write_text("a file where the folder should be")
    held: list[int] = []
    sink.on_mail = lambda: held.append(six.states()["sending"])
    outbox.deliver(six.rt, actor=SYSTEM)
    assert held == [1] * (len(UNITS) + 1)


def test_a_journal_that_a_full_disk_cut_short_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Journal(tmp_path, "may/1/1.00")
    kept.begins(1)
    (whole,) = journal.left(tmp_path)
    assert (whole.owner, whole.begun, whole.ended) == ("may/1/1.00", {1}, {})
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[: len(line) // 2]))
    kept.begins(2)
    assert not kept.sound
    assert not list(journal.left(tmp_path))


def test_a_journal_with_nothing_left_to_say_goes_with_its_run(
    six: Scene, sink: Sink, tmp_path: Path
) -> None:
    seen: list[Sequence[Path]] = []
    sink.on_mail = lambda: seen.append(list(claims.journals(six.rt).iterdir()))
    outbox.deliver(six.rt, actor=SYSTEM)
    assert {len(one) for one in seen} == {1}
    assert seen[0][0].name.endswith(".journal")
    assert not list(claims.journals(six.rt).iterdir())
