"""Days and hours as people write them. Pure."""

from __future__ import annotations

import re
from datetime import date, time

_YEARS = range(1900, 2201)
_CLOCK = re.compile(r"([01]?\d|2[0-3])(?:[:h.]([0-5]\d)(?::[0-5]\d)?|h)?")


def day(text: str) -> date | None:
    """25/6/2020, 25-6-2020, 25.6.2020 or 2020-06-25; None for anything else, as for 25/6/20."""
    parts = text.replace("-", "/").replace(".", "/").replace(" ", "").split("/")
    try:
        numbers = [int(part) for part in parts]
        if len(numbers) == 3:
            year, month, last = numbers if len(parts[0]) == 4 else reversed(numbers)
            return date(year, month, last) if year in _YEARS else None
    except (ValueError, OverflowError):
        pass
    return None


def clock(text: str) -> time | None:
    """8:30, 08:30:00, 8h30, 8h or 8; None for anything else."""
    found = _CLOCK.fullmatch(text.strip().lower().replace(" ", ""))
    return time(int(found[1]), int(found[2] or 0)) if found else None


def stretch(text: str) -> tuple[time, time] | None:
    """22:00-6:00, "22h – 6h" or "22h đến 6h"; None for anything else."""
    first, *rest = (clock(part) for part in re.split(r"[-–—]|đến", text))
    if first is None or len(rest) != 1 or rest[0] is None:
        return None
    return first, rest[0]
