"""One timing of a cell, before it is merged with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ntm_workflow.appendix.model import Every, Kind, Question, Window

STEP = {Every.WEEK: "tuần", Every.MONTH: "tháng", Every.QUARTER: "quý"} | {
    Every.HALF_YEAR: "6 tháng",
    Every.NINE_MONTH: "9 tháng",
    Every.YEAR: "năm",
}


@dataclass(slots=True)
class Item:
    """What one timing of the cell says, with what stands around it."""

    kind: Kind
    rule: str
    windows: tuple[Window, ...] = ()
    every: tuple[Every, ...] = ()
    day: int | None = None
    first_day: int | None = None  # of "từ ngày 10 đến 15", with `day` the last
    ask: Question | None = None
    loose: bool = False
    bound: str = ""
    apart: bool = False  # a separator stands before it
    hard: bool = False  # and that is a semicolon
    opens: date | None = None  # first day of the period that a deadline closes


def cap(text: str) -> str:
    return text[:1].upper() + text[1:]
