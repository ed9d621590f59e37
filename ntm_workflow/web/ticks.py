"""Tasks that were ticked in a list: numbers, each with the version that was seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ntm_workflow.web.task_filter import Asked

FIELD = "chon"
MARK = "danh-dau"  # says that ticks are meant, where there may be none
_TICK = re.compile(r"(\d{1,9})\.(\d{1,9})", re.ASCII)


def read(values: Any) -> dict[int, int]:
    """The version of each ticked task; what is no tick is ignored.

    One field of several ticks, as forms carry them on, or several of one, as a list sends them.
    """
    told = " ".join(str(value) for value in values.getlist(FIELD))
    return {int(number): int(version) for number, version in _TICK.findall(told)}


def told(ticked: Mapping[int, int]) -> str:
    """The same as one field: "412.3 413.1"."""
    return " ".join(f"{number}.{version}" for number, version in ticked.items())


def query(asked: Asked, ticked: Mapping[int, int]) -> str:
    """The query of an address that says a filter and what was ticked in it."""
    return urlencode({**asked.values, FIELD: told(ticked)})
