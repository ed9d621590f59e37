"""Sentences for people: Vietnamese first, English available; dates as people say them."""

from __future__ import annotations

import os
import tomllib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("texts*.toml")):
        found.update(tomllib.loads(path.read_text("utf-8")))
    return found


def say(key: str, /, **data: Any) -> str:
    """The sentence of a key, filled in, in the language of NTM_LANG. Dates: 30/6/2020."""
    language = os.environ.get("NTM_LANG", "vi")
    entry = _catalogue().get(key)
    if entry is None:
        return f"{key} {data}" if data else key
    shown = {name: _shown(value) for name, value in data.items()}
    return entry.get(language, entry["vi"]).format(**shown)


def has(key: str) -> bool:
    return key in _catalogue()


def _shown(value: Any) -> Any:
    return day(value) if isinstance(value, date) and not isinstance(value, datetime) else value


def day(value: date) -> str:
    """ "30/6/2020"."""
    return f"{value.day}/{value.month}/{value.year}"


def weekday(value: date) -> str:
    return _WEEKDAYS[value.weekday()]


def full_day(value: date) -> str:
    """ "thứ Ba 30/6/2020"."""
    return f"{weekday(value)} {day(value)}"


def clock(value: datetime) -> str:
    """ "08:00 22/6/2020", in Vietnam's time."""
    local = value.astimezone(ZONE)
    return f"{local:%H:%M} {day(local.date())}"


def distance(due: date, today: date) -> str:
    """ "còn 3 ngày", "hôm nay", "quá hạn 5 ngày"."""
    days = (due - today).days
    if days > 0:
        return f"còn {days} ngày"
    return "hôm nay" if days == 0 else f"quá hạn {-days} ngày"


def period(name: str) -> str:
    """A period as people say it: "2020-06" → "tháng 6/2020", "2020-Q2" → "quý II/2020"."""
    if ".." in name:
        first, last = name.split("..")
        return f"{period(first)} đến {period(last)}"
    year, _, rest = name.partition("-")
    if not rest:
        return f"năm {year}"
    if rest.startswith("Q"):
        return f"quý {('I', 'II', 'III', 'IV')[int(rest[1]) - 1]}/{year}"
    if rest == "H1":
        return f"6 tháng đầu năm {year}"
    if rest == "H2":
        return f"6 tháng cuối năm {year}"
    if rest == "9M":
        return f"9 tháng năm {year}"
    if rest.startswith("DX"):
        return f"đột xuất số {int(rest[2:])} năm {year}"
    if rest.startswith("W"):
        return f"tuần {int(rest[1:])}/{year}"
    parts = rest.split("-")
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        return f"ngày {int(parts[1])}/{int(parts[0])}/{year}"
    return f"tháng {int(rest)}/{year}" if rest.isdigit() else name
