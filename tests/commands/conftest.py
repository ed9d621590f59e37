"""A database for commands that are not about making one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def migrated(tmp_path: Path, sqlite_template: Path) -> None:
    """A database as `ntm db upgrade` makes it: making it takes longer than most commands."""
    (tmp_path / "var").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "var" / "ntm.db")
