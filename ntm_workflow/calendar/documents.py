"""Days that a published document ordered, for the whole country's public sector.

The package `holidays` misses some of them (the swap at New Year 2026) and only
guesses others (Tết and the day beside 2 September of a year to come): here each
has the document that settled it. A plan's own ordered days, and those recorded
in the database, come on top.
"""

from __future__ import annotations

from datetime import date

from ntm_workflow.appendix.model import OrderedDay


def _ordered(
    document: str, off: tuple[date, ...], worked: tuple[date, ...] = ()
) -> list[OrderedDay]:
    days = [(day, True) for day in off] + [(day, False) for day in worked]
    return [OrderedDay(day, is_off, document) for day, is_off in sorted(days)]


def _span(first: date, last: int) -> tuple[date, ...]:
    """The days of one month from `first` to the day `last`, both inclusive."""
    return tuple(first.replace(day=day) for day in range(first.day, last + 1))


ORDERED: tuple[OrderedDay, ...] = (
    # 25/12/2025: New Year 2026, Friday off in exchange for Saturday 10 January.
    *_ordered("12729/VPCP-KGVX", (date(2026, 1, 2),), (date(2026, 1, 10),)),
    # 13/10/2025: Tết Bính Ngọ and 2 September 2026 (announced by 9441/TB-BNV).
    *_ordered(
        "9859/VPCP-KGVX",
        (*_span(date(2026, 2, 16), 20), date(2026, 8, 31), date(2026, 9, 1)),
        (date(2026, 8, 22),),
    ),
    # 2/10/2026: Tết Đinh Mùi (4 to 10 February) and 2 September 2027 (2 to 5 September).
    *_ordered(
        "10065/VPCP-KGVX",
        (*_span(date(2027, 2, 4), 5), *_span(date(2027, 2, 8), 10), date(2027, 9, 3)),
    ),
)
