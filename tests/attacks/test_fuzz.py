"""Strange requests to every route, on both databases: an answer in words, never a broken page.

Here a few hundred, always the same. `make fuzz` goes on for as long as it is told
and says how many there were.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import strategies as st

from ntm_workflow.appendix.model import Plan
from tests.attacks import strange
from tests.attacks.fuzz_town import VISITORS, Town
from tests.attacks.fuzzing import MINUTES, drawn

HERE = 2  # requests to each route on SQLite otherwise; on PostgreSQL as many to any
FORMS = 40  # and forms that are filled in strangely
ROUND = 400  # requests that `make fuzz` draws from one seed


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_no_request_breaks_a_page(
    where: str, plan: Plan, tmp_path: Path, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")  # nobody is there
    url = f"sqlite:///{tmp_path / 'ntm.db'}" if where == "sqlite" else \
        str(request.getfixturevalue("postgres_url"))  # fmt: skip
    town = Town(url, plan, tmp_path / "var")
    every = strange.routes(town.app)
    try:
        any_route = st.sampled_from(every).flatmap(
            lambda one: strange.requests(*one, town.known, VISITORS)
        )
        if not MINUTES:
            if where == "sqlite":
                for one in every:
                    drawn(strange.requests(*one, town.known, VISITORS), town.send, HERE, None)
            else:
                drawn(any_route, town.send, 150, None)
            drawn(strange.filled(town.known, VISITORS), town.fill, FORMS, None)
        else:
            end, seed = time.monotonic() + 60 * MINUTES, int(time.time())
            while time.monotonic() < end:
                drawn(any_route, town.send, ROUND, seed)
                drawn(strange.filled(town.known, VISITORS), town.fill, ROUND, seed)
                seed += 1
    finally:
        with capsys.disabled():
            total = sum(town.asked.values())
            print(f"\n{where}: {total} requests to {len(every)} routes, {dict(town.asked)}, "
                  f"{len(town.broken)} places broke")  # fmt: skip
        town.rt.engine.dispose()
    assert not town.broken, "\n\n".join(f"{k}\n{v}" for k, v in town.broken.items())
    assert town.scene.broken_audit() is None
    assert len(every) > 100
