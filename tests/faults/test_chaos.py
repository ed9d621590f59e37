"""Four deliverers, killed at arbitrary instants, through servers that fail one time in ten.

NTM_CHAOS=full makes it 5,000 notices and 300 kills (`make chaos`).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Notice
from tests.fake_zalo import BOT_TOKEN, SECRET
from tests.faults.chaos import (
    DAY,
    PAID,
    WAYS,
    Chance,
    Run,
    accounts,
    begun,
    people,
    unreliable_mail,
    unreliable_zalo,
    value,
)
from tests.scene import SYSTEM, Scene, only

FULL = os.environ.get("NTM_CHAOS") == "full"
NOTICES, KILLS = (5000, 300) if FULL else (200, 20)
PATIENCE = 180  # seconds in which something must happen
FINAL = {"sent", "unknown", "failed", "suppressed", "expired"}
TOKENS = re.compile(r"\d-[a-z2-7]{24}|/v/(?!…)|\b[AR]T-\d|access_token|refresh_token=|Bearer ")


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_doubled_unmarked(
    make_runtime: Callable[..., Runtime],
    database_url: str,
    plan: Plan,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = Chance(seed=28)
    with unreliable_zalo(chance) as zalo, unreliable_mail(chance) as mail:
        made = make_runtime(database_url, plan=only(plan, "III.1"), mail_url=mail.url)
        scene = Scene(made)
        scene.rt.set_simulated(DAY, SYSTEM)
        scene.contact("vpdp", "vpdp-huyen")
        scene.open(date(2020, 6, 1))
        accounts(scene, zalo)
        people(scene, zalo, NOTICES)
        scene.remind(DAY)
        queued = scene.notices()
        run = begun(scene, zalo, mail, chance, KILLS)
        run.live(len(queued), PATIENCE)
        with capsys.disabled():
            print(f"\n{table(database_url.partition(':')[0], run)}")
        assert len(queued) >= NOTICES
        assert run.killed == KILLS
        check(run, queued)


def check(run: Run, queued: list[Notice]) -> None:
    """What must be true of the database, by the servers' own record."""
    scene, arrived = run.scene, run.arrived()
    notices = scene.notices()
    assert {one.id for one in queued} <= {one.id for one in notices}
    tries = Counter(row[1] for row in run.attempts().values())
    doubts = Counter(row[1] for row in run.attempts().values() if row[3] == "ambiguous")
    for one in notices:
        came = arrived[key(one)]
        assert one.state in FINAL or (one.state == "pending" and one.error), (one.id, one.state)
        assert came >= (one.state == "sent"), f"{one.id} is sent and never arrived"
        assert came <= 1 + min(one.resent, one.channel not in PAID), f"{one.id} came {came} times"
        assert one.state != "unknown" or doubts[one.id], f"{one.id} is unknown and nobody says why"
        assert doubts[one.id] <= 2
        assert one.claimed_by is None
        # Two who shared a notice would both have written down what came of it.
        assert tries[one.id] == one.tries, (one.id, one.state, one.error)
    assert sum(arrived.values()) == sum(arrived[key(one)] for one in notices)
    assert run.early
    assert run.early.items() <= run.attempts().items(), "an attempt was rewritten"
    assert scene.broken_audit() is None
    died = [path.read_text() for path in scene.rt.settings.var.glob("died-*")]
    assert not died, died[0]
    assert not (found := leaks(scene, scene.rt.settings.var / "deliverer.log")), found[:3]


def key(notice: Notice) -> tuple[str, str]:
    """How the servers' record calls a notice: each contact has one on each channel."""
    if notice.channel == "mail":
        return "mail", f"<ntm-{notice.id}@bacson.example.vn.invalid>"
    return notice.channel, value(notice.channel, notice.contact_id - 1000)


def leaks(scene: Scene, log: Path) -> list[str]:
    """Lines of a log that hold a token, a secret, or somebody's address in full."""
    whole = {SECRET, BOT_TOKEN}
    for one in scene.notices():
        whole |= {value(way, one.contact_id - 1000) for way in WAYS}
    words = re.compile("|".join(map(re.escape, sorted(whole))))
    lines = log.read_text("utf-8").splitlines()
    assert len(lines) > 10
    return [line for line in lines if TOKENS.search(line) or words.search(line)]


def table(database: str, run: Run) -> str:
    """What happened, for a person."""
    notices, arrived = run.scene.notices(), run.arrived()
    twice = Counter(one.channel for one in notices if arrived[key(one)] > 1)
    channels = Counter(one.channel for one in notices)
    faults = Counter(run.chance.drawn)
    faults["refused connection"] = run.refused()
    rows = [
        ("notices", f"{len(notices)} ({_counted(channels)})"),
        ("delivered", sum(bool(arrived[key(one)]) for one in notices)),
        ("by state", _counted(Counter(one.state for one in notices))),
        ("deliverers, kills", f"4, {run.killed}"),
        ("calls to servers", run.chance.calls),
        ("faults", f"{faults.total()} ({_counted(faults)})"),
        ("arrived twice", f"{sum(twice.values())} ({_counted(twice)})"),
        ("sent again once", sum(one.resent > 0 for one in notices)),
        ("held unknown", _counted(Counter(o.channel for o in notices if o.state == "unknown"))),
        ("of them arrived", sum(bool(arrived[key(o)]) for o in notices if o.state == "unknown")),
        ("tokens refreshed", run.zalo.refreshes),
        ("signed in anew", run.signed_in),
        ("simulated until", run.clock.now.astimezone().isoformat(" ", "minutes")),
    ]
    return "\n".join([f"chaos on {database}", *(f"  {name:<18} {said}" for name, said in rows)])


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) or "none"
