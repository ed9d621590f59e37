"""Drawing examples: a few that are always the same, or new ones for as long as is asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

# Of `make fuzz`: for the pages on each of the two databases, and for the parsers.
MINUTES = float(os.environ.get("NTM_FUZZ", "0")) / 3


def drawn(strategy: st.SearchStrategy[Any], act: Callable[[Any], object], most: int,
          seed: int | None) -> None:  # fmt: skip
    """Give `act` so many examples: always the same where there is no seed."""

    @hypothesis.settings(
        max_examples=most, derandomize=seed is None, database=None, deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def run(one: Any) -> None:
        act(one)

    (hypothesis.seed(seed)(run) if seed is not None else run)()
