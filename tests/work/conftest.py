"""What every test of a use case is held to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import changes


@pytest.fixture(autouse=True)
def told() -> Iterator[None]:
    """Whatever a use case changes, the audit tells of in the same transaction."""
    with changes.watched() as silent:
        yield
    assert silent == []
