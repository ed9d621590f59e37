"""The register of the 2020 plan, and a way from bytes to a draft."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ntm_workflow.appendix.importers import drafting, files
from ntm_workflow.appendix.importers import known as register
from ntm_workflow.appendix.importers.drafting import Made
from tests.conftest import ROOT

Make = Callable[..., Made]


@pytest.fixture(scope="session")
def known() -> register.Known:
    return register.load((ROOT / "config" / "appendix.toml").read_bytes())


@pytest.fixture(scope="session")
def make(known: register.Known) -> Make:
    """Read bytes (or a text) and make the draft; `columns` as a person would say them.

    Nothing may be lost, whatever the file.
    """

    def made(data: bytes | str, **columns: int) -> Made:
        raw = data.encode() if isinstance(data, str) else data
        found = drafting.make(files.read(raw), known, "tệp", columns)
        assert found.coverage.gaps == ()
        return found

    return made
