"""A calendar file that Outlook, Google Calendar and telephones import. Writes, never reads.

Source: RFC 5545 (iCalendar): lines end in CRLF (3.1), are folded at 75 octets
(3.1), text is escaped (3.3.11), all-day events end on the day after (3.6.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

LINE = 75  # octets, the line's end not counted
PRODUCER = "-//ntm_workflow//lich lam viec//VI"


@dataclass(frozen=True, slots=True)
class Event:
    """One all-day event. `uid` names it for ever: the same thing again replaces it."""

    uid: str
    day: date
    title: str
    text: str = ""
    category: str = ""
    tentative: bool = False


def calendar_file(name: str, events: Iterable[Event], now: datetime) -> bytes:
    """The file, in UTF-8. `now` is when it was made; all else depends on the events."""
    head = [
        "BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCER}", "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH", f"X-WR-CALNAME:{escaped(name)}", "X-WR-TIMEZONE:Asia/Ho_Chi_Minh",
    ]  # fmt: skip
    made = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    body = [line for event in events for line in _event(event, made)]
    return b"".join(folded(line) + b"\r\n" for line in (*head, *body, "END:VCALENDAR"))


def _event(event: Event, made: str) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(event.uid)}"
    yield f"DTSTAMP:{made}"
    yield f"DTSTART;VALUE=DATE:{event.day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{event.day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{escaped(event.title)}"
    if event.text:
        yield f"DESCRIPTION:{escaped(event.text)}"
    if event.category:
        yield f"CATEGORIES:{escaped(event.category)}"
    yield f"STATUS:{'TENTATIVE' if event.tentative else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def escaped(text: str) -> str:
    """Text as a value: backslash, comma, semicolon and line ends escaped, controls dropped."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    text = "\\n".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return "".join(char for char in text if char >= " " and char != "\x7f")


def folded(line: str) -> bytes:
    """A line in UTF-8, continued on lines that begin with a space; no character is cut."""
    parts, part, room = [], b"", LINE
    for char in line:
        octets = char.encode("utf-8")
        if len(part) + len(octets) > room:
            parts.append(part)
            part, room = b"", LINE - 1  # the space counts
        part += octets
    return b"\r\n ".join([*parts, part])
