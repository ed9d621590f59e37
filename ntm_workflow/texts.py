"""Sentences for people, in the language of whoever reads them; dates and numbers by its locale.

All sentences are in the catalogues of `locale/`: `texts.po` holds those that have
a key ("task.changed", filled in by `{name}`), `pages.po` the English of those that
stand in templates and in the help of commands, where the Vietnamese itself is the
key (filled in by `%(name)s`). Babel reads both as they are: nothing is compiled.

Where English tells one from many, an entry has two forms, and the value called
`count` says which one is meant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import _GeneratorContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
LOCALES = {"vi": "vi_VN", "en": "en_GB"}
FOLDER = Path(__file__).parent / "locale"

# Vietnamese and English, in the letters of Unicode's date patterns.
_DAY = {"vi": "d/M/y", "en": "d MMM y"}
_SHORT_DAY = {"vi": "d/M", "en": "d MMM"}
_LONG_DAY = {"vi": "d/M/y", "en": "d MMMM y"}

# What is counted, of all that fills sentences: grouped by thousands. A number under any other
# name is a name itself: a year, the number of a document, a line of a file.
COUNTED = frozenset({
    "accepted", "added", "addresses", "all", "auto", "bodies", "bounce", "cancelled", "cells",
    "changed", "characters", "communes", "contacts", "count", "count_2", "counted", "covered",
    "criteria", "days", "delay", "deleted", "done", "done_late", "done_on_time", "due",
    "entries", "failed", "faults", "few", "fetched", "files", "gaps", "gone", "heads",
    "ignored", "items", "late", "least", "left", "length", "less", "limit", "lines", "mails",
    "more", "most", "moved", "named", "notices", "open", "open_in_time", "open_overdue",
    "opened", "opening", "others", "overdue", "pages", "person", "proposed", "questions",
    "reply", "rows", "secret", "sections", "seen", "sent", "size", "spans", "stale",
    "submitted", "suppressed", "targets", "tasks", "total", "unfinished", "waiting", "whole",
    "words",
})  # fmt: skip

_What = ParamSpec("_What")
_spoken: ContextVar[str | None] = ContextVar("language", default=None)


# -- which language --------------------------------------------------------------------


def official() -> str:
    """The language of the installation: NTM_LANG, else "vi"."""
    found = os.environ.get("NTM_LANG", "vi")
    return found if found in LANGUAGES else "vi"


def language() -> str:
    """The language that is spoken now: "vi" or "en"."""
    return _spoken.get() or official()


@contextmanager
def speaking(chosen: str | None) -> Iterator[None]:
    """Speak a language for a while; None or one that is not known: the installation's."""
    token = _spoken.set(chosen if chosen in LANGUAGES else official())
    try:
        yield
    finally:
        _spoken.reset(token)


def officially() -> _GeneratorContextManager[None]:
    """Speak as the installation does: for what is sent or kept, whoever presses the button.

    A context manager, and a decorator of functions.
    """
    return speaking(None)


# -- sentences -------------------------------------------------------------------------


@cache
def catalogue(domain: str, of: str) -> Mapping[str, tuple[str, ...]]:
    """The entries of a catalogue, "texts" or "pages", by key: one form, or one and many."""
    path = FOLDER / of / "LC_MESSAGES" / f"{domain}.po"
    if not path.exists():  # Vietnamese needs no pages.po: its sentences are the keys
        return {}
    from babel.messages.pofile import read_po  # most commands say nothing that needs it

    with path.open("rb") as file:
        read = read_po(file, locale=of)
    found = {}
    for message in read:
        key = message.id if isinstance(message.id, str) else message.id[0]
        said = message.string or ""
        forms = (said,) if isinstance(said, str) else tuple(said)
        if key and all(forms):
            found[key] = forms
    return found


def say(key: str, /, **data: Any) -> str:
    """The sentence of a key, filled in. Dates and counts are written as people write them."""
    return _filled(language(), key, data) if data else _constant(language(), key)


@lru_cache(maxsize=4096)  # a mail says a dozen of them
def _constant(of: str, key: str) -> str:
    return _filled(of, key, {})


def _filled(of: str, key: str, data: dict[str, Any]) -> str:
    forms = catalogue("texts", of).get(key) or catalogue("texts", "vi").get(key)
    if forms is None:
        return f"{key} {data}" if data else key
    shown = {name: filling(name, value) for name, value in data.items()}
    return _form(forms, data.get("count")).format(**shown)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to be said later, in the language of whoever reads it: its key, and what fills it.

    What fills it may be a sentence too; a text that holds one says it.
    """

    key: str
    data: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return say(self.key, **dict(self.data))


def later(key: str, /, **data: object) -> Sentence:
    """The sentence of a key, for whoever reads it."""
    return Sentence(key, tuple(data.items()))


def keys(start: str) -> tuple[str, ...]:
    """The keys that begin with this, in the order in which they are written."""
    return tuple(key for key in catalogue("texts", "vi") if key.startswith(start))


def has(key: str) -> bool:
    return key in catalogue("texts", "vi")


def translated(sentence: str, count: object = None) -> str:
    """A Vietnamese sentence of a template or a command, in the language that is spoken."""
    forms = catalogue("pages", language()).get(sentence)
    return _form(forms, count) if forms else sentence


def _form(forms: tuple[str, ...], count: object) -> str:
    return forms[0] if len(forms) == 1 or str(count) == "1" else forms[-1]


def filling(name: str, value: Any) -> Any:
    """What stands in a sentence for a value of this name."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return day(value)
    if name in COUNTED and isinstance(value, int) and abs(value) >= 1_000:
        return number(value)
    return value


# -- dates -----------------------------------------------------------------------------


def _kept(said: Callable[_What, str]) -> Callable[_What, str]:
    """Keep what a function says in a language: a list says few dates many times."""

    @lru_cache(maxsize=4096)
    def known(language: str, *what: Any) -> str:
        return said(*what)  # type: ignore[call-arg]

    @wraps(said)
    def saying(*what: _What.args, **none: _What.kwargs) -> str:
        return known(language(), *what)

    return saying


def _written(value: date, pattern: str) -> str:
    from babel.dates import format_date

    return format_date(value, pattern, LOCALES[language()])


@_kept
def day(value: date) -> str:
    """ "30/6/2020", "30 Jun 2020"."""
    return _written(value, _DAY[language()])


@_kept
def short_day(value: date) -> str:
    """ "30/6", "30 Jun": where the year is plain."""
    return _written(value, _SHORT_DAY[language()])


def weekday(value: date) -> str:
    """ "thứ Ba", "Tuesday"."""
    return say(f"weekday.{value.isoweekday()}")


@_kept
def full_day(value: date) -> str:
    """ "thứ Ba 30/6/2020", "Tuesday 30 June 2020"."""
    return f"{weekday(value)} {_written(value, _LONG_DAY[language()])}"


def clock(value: datetime) -> str:
    """ "08:00 22/6/2020", "08:00 22 Jun 2020", in Vietnam's time."""
    local = value.astimezone(ZONE)
    return f"{local:%H:%M} {day(local.date())}"


@_kept
def distance(due: date, today: date) -> str:
    """ "còn 3 ngày", "hôm nay", "quá hạn 5 ngày"."""
    days = (due - today).days
    if days == 0:
        return say("distance.today")
    return say("distance.left" if days > 0 else "distance.late", count=abs(days))


@_kept
def period(name: str) -> str:
    """A period as people say it: "2020-06" → "tháng 6/2020", "2020-Q2" → "quý II/2020"."""
    if ".." in name:
        first, last = name.split("..")
        return say("period.span", first=period(first), last=period(last))
    year, _, rest = name.partition("-")
    if not rest:
        return say("period.year", year=year)
    if rest.startswith("Q"):
        number = int(rest[1])
        roman = ("I", "II", "III", "IV")[number - 1]
        return say("period.quarter", roman=roman, number=number, year=year)
    if rest in ("H1", "H2", "9M"):
        return say(f"period.{rest}", year=year)
    if rest.startswith("DX"):
        return say("period.ad_hoc", number=int(rest[2:]), year=year)
    if rest.startswith("W"):
        return say("period.week", number=int(rest[1:]), year=year)
    parts = rest.split("-")
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        return say("period.day", day=date(int(year), int(parts[0]), int(parts[1])))
    return month(int(rest), int(year)) if rest.isdigit() else name


def month(number: int, year: int) -> str:
    """ "tháng 6/2020", "June 2020"."""
    return say("period.month", number=number, name=month_name(number), year=year)


def month_name(number: int, short: bool = False) -> str:
    """ "tháng 6", "June"; short: "thg 6", "Jun"."""
    return _written(date(2000, number, 1), "LLL" if short else "LLLL")


# -- numbers ---------------------------------------------------------------------------


def number(value: float, pattern: str | None = None) -> str:
    """ "1.234,5", "1,234.5"; `pattern` as Unicode writes them: "0.#"."""
    return _figure(value, pattern, LOCALES[language()])


@lru_cache(maxsize=4096)
def _figure(value: float, pattern: str | None, locale: str) -> str:
    from babel.numbers import format_decimal

    return format_decimal(value, pattern, locale)
