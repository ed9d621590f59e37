"""Days as people type them into forms and files of contacts."""

from __future__ import annotations

from datetime import date

import pytest

from ntm_workflow.calendar import typed

DAY = date(2020, 6, 25)


@pytest.mark.parametrize(
    "text", ["25/6/2020", "25-6-2020", "25.6.2020", "2020-06-25", " 25 / 6/2020"]
)
def test_a_day_is_read_however_it_is_parted(text: str) -> None:
    assert typed.day(text) == DAY


@pytest.mark.parametrize(
    "text", ["25/6/20", "25/6/220", "25/6/20200", "0001-06-25", "25/6", "", "mai"]
)
def test_a_year_that_is_not_written_out_is_no_day(text: str) -> None:
    assert typed.day(text) is None
