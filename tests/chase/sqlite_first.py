"""A database for modules whose tests depend on it seldom: SQLite, and both where they say BOTH.

A module takes the fixture by name: `database_url = sqlite_first.database_url`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, and PostgreSQL too where a test asks for BOTH."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'ntm.db'}"
    return str(request.getfixturevalue("postgres_url"))
