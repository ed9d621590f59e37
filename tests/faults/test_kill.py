"""kill -9 at scores of points of open, remind and deliver, and two processes at once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ntm_workflow.appendix.model import Plan
from tests import smtp_sink
from tests.scene import ROOT, Said, Scene, every_day, fresh, only
from tests.smtp_sink import Sink

pytestmark = pytest.mark.slow
ROWS = ("II.2", "III.1", "IX.1", "X.1", "XI.1")
UNITS = ("chien-thang", "tan-lap", "vu-le", "vu-son")
FIRST = date(2020, 5, 28)
DAYS = list(every_day(date(2020, 5, 29), date(2020, 12, 31)))
KILLS = 200 if os.environ.get("NTM_CHAOS") == "full" else 100


class Process:
    """One worker process; `live` asks it to live a day in a fork of its own."""

    def __init__(self, url: str, mail: str, var: Path) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", url, mail, str(var), ",".join(ROWS),
             str(FIRST)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert self._read() == "ready"

    def ask(self, day: date, die_at: str = "0") -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{day} {die_at}\n")
        self._popen.stdin.flush()

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._read())
        assert found["status"] in (0, -signal.SIGKILL), found["at"]
        return found

    def live(self, day: date, die_at: str = "0") -> dict[str, Any]:
        self.ask(day, die_at)
        return self.answer()

    def close(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait(20)

    def _read(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()


@contextmanager
def processes(scene: Scene, sink: Sink, number: int = 1) -> Iterator[list[Process]]:
    settings = scene.rt.settings
    with ExitStack() as stack:
        found = []
        for _ in range(number):
            made = Process(settings.database_url, sink.url, settings.var)
            stack.callback(made.close)
            found.append(made)
        yield found


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink.running() as server:
        yield server


@pytest.fixture
def begin(plan: Plan, tmp_path: Path) -> Iterator[Callable[[str], Scene]]:
    made: list[Scene] = []

    def make(url: str) -> Scene:
        scene = fresh(url, only(plan, *ROWS), tmp_path / f"var{len(made)}")
        for unit in UNITS:
            scene.contact(unit, *(f"{kind}-{unit}" for kind in ("ubnd", "bcd", "bql")))
        scene.contact("tc-kh", "phong-tc-kh")
        scene.contact("binh", "vpdp-huyen")
        scene.contact("chi", "bcd-huyen")
        made.append(scene)
        return scene

    yield make
    for scene in made:
        scene.rt.engine.dispose()


def aim(chance: random.Random) -> str:
    """Where to die: anywhere, early or late in the day; every third time in mid-mail."""
    most, where = chance.choice(((60, ""), (300, ""), (25, "SMTP")))
    return f"{chance.randint(1, most)} {where}"


Result = tuple[list[str], list[Said]]


@pytest.fixture
def undisturbed(begin: Callable[[str], Scene], tmp_path: Path) -> Callable[[list[date]], Result]:
    """Tasks and notices of the same days when one process lives them and nobody kills it."""

    def live(days: list[date]) -> Result:
        scene = begin(f"sqlite:///{tmp_path / 'reference.db'}")
        with smtp_sink.running() as own, processes(scene, own) as (process,):
            for day in days:
                process.live(day)
        assert set(scene.states()) == {"sent"}
        return scene.codes(), scene.said()

    return live


def test_kills_lose_nothing_double_nothing_and_every_second_sending_is_marked(
    begin: Callable[[str], Scene],
    database_url: str,
    sink: Sink,
    undisturbed: Callable[[list[date]], Result],
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(28)
    scene = begin(database_url)
    killed: Counter[str] = Counter()
    lived: list[date] = []
    with processes(scene, sink) as (process,):
        for day in DAYS:
            lived.append(day)
            status = -signal.SIGKILL
            while status and sum(killed.values()) < KILLS:
                end = process.live(day, aim(chance))
                if status := end["status"]:
                    killed[end["at"]] += 1
            if status:
                process.live(day)
                break
    tasks, said = undisturbed(lived)
    with capsys.disabled():
        print(f"\n{database_url.partition(':')[0]}: {sum(killed.values())} kills,"
              f" {sum(n for at, n in killed.items() if 'SMTP' in at)} of them in mid-mail;"
              f" {len(tasks)} tasks, {len(said)} lines in {len(scene.notices())} notices,"
              f" {sum(n.resent > 0 for n in scene.notices())} marked as sent again,"
              f" {sum(count > 1 for count in sink.ids.values())} arrived twice,"
              f" {scene.states()}")  # fmt: skip
    assert sum(killed.values()) == KILLS
    assert len(killed) > 15  # of many kinds
    assert scene.codes() == tasks
    assert Counter(scene.said()) == Counter(said)
    assert set(scene.states()) <= {"sent", "unknown"}
    for notice in scene.notices():
        arrived = sink.ids[f"<ntm-{notice.id}@bacson.example.vn.invalid>"]
        if notice.state == "sent":
            assert 1 <= arrived <= 1 + notice.resent <= 2
        else:
            assert notice.resent == 2
            assert arrived <= 2
    assert scene.broken_audit() is None


def test_two_processes_at_once_do_what_one_does(
    begin: Callable[[str], Scene],
    database_url: str,
    sink: Sink,
    undisturbed: Callable[[list[date]], Result],
) -> None:
    scene = begin(database_url)
    days = DAYS[:25]
    with processes(scene, sink, 2) as both:
        for day in days:
            for process in both:
                process.ask(day)
            for process in both:
                assert process.answer()["status"] == 0
    tasks, said = undisturbed(days)
    assert scene.codes() == tasks
    assert Counter(scene.said()) == Counter(said)
    assert set(scene.states()) == {"sent"}
    assert set(sink.ids.values()) == {1}
    assert len(sink.ids) == len(scene.notices())
    assert all(notice.resent == 0 for notice in scene.notices())
    assert scene.broken_audit() is None
