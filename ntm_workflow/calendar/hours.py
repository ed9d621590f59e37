"""The hours in which a person wants to hear nothing. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta

Hours = tuple[time, time]  # from, until: the end is not part of it


def within(hours: Hours, at: time) -> bool:
    """True inside the hours, which may run over midnight: 22:00 to 6:00. Equal ends: none."""
    start, end = hours
    if start <= end:
        return start <= at < end
    return at >= start or at < end


def ends(hours: Hours, local: datetime) -> datetime | None:
    """When the hours that hold this local instant are over; None outside them."""
    if not within(hours, local.time()):
        return None
    day = local.date() + timedelta(days=1 if local.time() >= hours[1] else 0)
    return datetime.combine(day, hours[1], local.tzinfo)


def leave_room(quiet: Hours, open_hours: Hours) -> bool:
    """True where some instant of the open hours, which lie within a day, is not quiet."""
    start, end = open_hours
    candidates = [start, *([quiet[1]] if start <= quiet[1] < end else [])]
    return any(not within(quiet, at) for at in candidates)
