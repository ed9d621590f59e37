"""Numbers and dates of a workbook as Excel shows them: 43983 with `"Tháng "m/yyyy`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal

# Formats that a workbook names by number only (ECMA-376, 18.8.30). 14 and 22
# follow the computer's own settings: day first, as Vietnamese computers have it.
BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "dd/mm/yyyy", 15: "d-mmm-yy", 16: "d-mmm",
    17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "dd/mm/yyyy h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00",
    45: "mm:ss", 46: "h:mm:ss", 47: "mm:ss", 48: "0.0E+0", 49: "@",
}  # fmt: skip
_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|_.|\*.|\[(?P<mark>[^\]]*)\]|(?P<part>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+)'
    r"|(?P<half>AM/PM|A/P)|(?P<digits>[0#?][0#?,.]*(?:E[+-]0+)?)|(?P<percent>%)|(?P<text>@)|(.)",
    re.DOTALL,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_THANG = ("Một", "Hai", "Ba", "Tư", "Năm", "Sáu", "Bảy", "Tám", "Chín", "Mười", "Mười Một",
          "Mười Hai")  # fmt: skip
_WEEKDAYS = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật")
_VIETNAMESE = re.compile(r"\[\$[^\]]*-(?:[0-9A-F]*42A|vi)", re.IGNORECASE)
_SYSTEM_DAY = re.compile(r"\[\$-F800\]", re.IGNORECASE)
_LAST_SERIAL = 2_958_465  # 31 Dec 9999


def show(value: float, form: str, from_1904: bool = False) -> str:
    """The text that a cell with this number and format shows."""
    if form.strip().lower() in ("general", "", "@"):
        return _general(value)
    if _SYSTEM_DAY.search(form):
        form = "dd/mm/yyyy"
    section = _section(form, value)
    if is_day(form) and 0 <= value <= _LAST_SERIAL:
        return _date(_moment(value, from_1904), section, bool(_VIETNAMESE.search(form)))
    return _number(abs(value) if ";" in form and value < 0 else value, section)


def is_day(form: str) -> bool:
    """True for a format that shows a date or a time."""
    if form.strip().lower() == "general":
        return False
    return any(match["part"] for match in _TOKEN.finditer(form))


def day(value: float, from_1904: bool = False) -> str:
    """The date behind a number, in ISO form; "" where there is none."""
    if not 1 <= value <= _LAST_SERIAL:
        return ""
    return _moment(value, from_1904).date().isoformat()


def _moment(value: float, from_1904: bool) -> datetime:
    if from_1904:
        return datetime(1904, 1, 1) + _rounded(min(value, _LAST_SERIAL - 1500))  # noqa: DTZ001
    # Excel has a 29 February 1900 that never was: before it, days are one further.
    return datetime(1899, 12, 30 if value >= 61 else 31) + _rounded(value)  # noqa: DTZ001


def _rounded(value: float) -> timedelta:
    return timedelta(seconds=round(value * 86_400))


def _section(form: str, value: float) -> str:
    """The part of `positive;negative;zero;text` that this number takes."""
    parts = re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', form)
    if value < 0 and len(parts) > 1:
        return parts[1]
    return parts[2] if value == 0 and len(parts) > 2 else parts[0]


def _date(moment: datetime, section: str, vietnamese: bool) -> str:
    shown: list[str] = []
    tokens = list(_TOKEN.finditer(section))
    half = any(token["half"] for token in tokens)
    hours = False  # an "m" after hours, or before seconds, is minutes
    for at, token in enumerate(tokens):
        part = (token["part"] or "").lower()
        following = next((t["part"].lower() for t in tokens[at + 1 :] if t["part"]), "")
        if part.startswith("m") and (hours or following.startswith("s")):
            shown.append(f"{moment.minute:0{min(len(part), 2)}d}")
            hours = False
        elif part:
            shown.append(_part(moment, part, vietnamese, half))
            hours = part.startswith("h")
        elif token["half"]:
            shown.append("SA" if moment.hour < 12 else "CH")
        elif token["mark"] is None and token[0][0] not in "_*":
            shown.append(_literal(token))
    return "".join(shown)


def _part(moment: datetime, part: str, vietnamese: bool, half: bool) -> str:
    sign, width = part[0], len(part)
    if sign == "y":
        return f"{moment.year:04d}" if width > 2 else f"{moment.year % 100:02d}"
    if sign == "m" and width >= 3:
        if vietnamese:
            return f"Thg{moment.month}" if width == 3 else f"Tháng {_THANG[moment.month - 1]}"
        return _MONTHS[moment.month - 1]
    if sign == "d" and width >= 3:
        return _WEEKDAYS[moment.weekday()]
    hour = (moment.hour % 12 or 12) if half else moment.hour
    value = {"m": moment.month, "d": moment.day, "h": hour, "s": moment.second}[sign]
    return f"{value:0{min(width, 2)}d}"


def _number(value: float, section: str) -> str:
    shown: list[str] = []
    placed = False
    percent = any(token["percent"] for token in _TOKEN.finditer(section))
    for token in _TOKEN.finditer(section):
        if token["digits"]:
            shown.append("" if placed else _digits(value * 100 if percent else value,
                                                   token["digits"]))  # fmt: skip
            placed = True
        elif token["text"]:
            shown.append(_general(value))
            placed = True
        elif token["mark"] is None and token[0][0] not in "_*":
            shown.append(_literal(token))
    said = "".join(shown)
    return said if placed or said.strip() else _general(value)


def _digits(value: float, digits: str) -> str:
    """Digits with a decimal comma and thousands in dots, as Vietnamese Excel shows them."""
    if "E" in digits or "?" in digits:
        return _general(value)
    whole, _, fraction = digits.partition(".")
    said = f"{abs(value):,.{len(fraction)}f}"
    if "," not in whole:
        said = said.replace(",", "")
    number, _, rest = said.partition(".")
    while rest and fraction[len(rest) - 1] == "#" and rest.endswith("0"):
        rest = rest[:-1]
    number = number.zfill(whole.replace(",", "").count("0")).replace(",", ".")
    return ("-" if value < 0 else "") + (f"{number},{rest}" if rest else number)


def _general(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    said = f"{Decimal(repr(round(value, 10))):f}" if abs(value) < 1e15 else repr(value)
    return said.rstrip("0").rstrip(".").replace(".", ",") if "." in said else said


def _literal(token: re.Match[str]) -> str:
    quoted, escaped = token[1], token[2]
    if quoted is not None:
        return quoted
    return escaped if escaped is not None else token[0]
