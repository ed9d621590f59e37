"""Figures as plans print them: "222.500 triệu đồng", "49,4%", "9/17 xã"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

# Not the "4" of "71, 4", nor a part of a date or a fraction.
NUMBER = r"(?<![\d.,/])(?<!\d, )(?<!\d\. )(?:\d{1,3}(?:\.\d{3})+|\d{1,15})(?:,\d{1,6})?(?![.,]?\d)"
_SCALES = {"nghìn": 10**3, "ngàn": 10**3, "triệu": 10**6, "tỷ": 10**9, "tỉ": 10**9, "": 1}
_SCALE = r"nghìn|ngàn|triệu|tỷ|tỉ"
_MONEY = re.compile(
    rf"(?P<number>{NUMBER})\s?(?:"
    rf"(?P<scale>{_SCALE})\s*(?:đồng\b(?!\s+bào)|VNĐ|VND|đ\b|(?=[,;:)]|\.(?:\s|$)|\s*$))"
    rf"|(?P<big>tỷ|tỉ)\s*(?:đồng,?\s*)?(?P<rest>\d{{1,3}})\s*triệu(?:\s*đồng)?"
    rf"|(?:đồng\b|VNĐ|VND))(?P<per>\s*/\s*\w)?",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:\b(?:khoảng|trên|hơn|gần|dưới|tối đa|tối thiểu|ít nhất|không quá|từ|đến|tới|ước|vượt)"
    r"|[-–])\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as printed; `step` is the worth of its last digit."""

    value: Fraction
    step: Fraction
    printed: str


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in đồng, from `start` to `end` of a text. `about` says it is no exact sum."""

    value: Fraction
    step: Fraction
    printed: str
    start: int
    end: int
    scale: int = 1
    about: bool = False

    @property
    def whole(self) -> bool:
        """True where nothing was rounded: a number without decimals."""
        return "," not in self.printed

    def like(self, value: Fraction) -> str:
        """Another sum in the unit of this one: "110.000 triệu đồng"."""
        unit = self.printed.lstrip("0123456789., ")
        return f"{shown(value / self.scale, 6)} {unit}"


def figure(printed: str) -> Figure | None:
    """Read "1.234,5" as Vietnam writes it. "222,500" can mean two numbers: None."""
    whole, _, decimals = printed.replace(" ", "").partition(",")
    if len(decimals) == 3 and "." not in whole and len(whole) <= 3 and whole != "0":
        return None
    digits = whole.replace(".", "") + decimals
    if not digits.isascii() or not digits.isdigit():
        return None
    scale = 10 ** len(decimals)
    return Figure(Fraction(int(digits), scale), Fraction(1, scale), printed)


def money(text: str) -> Iterator[Amount]:
    """The amounts of a text in order, without those for each person, hectare or year."""
    for found in _MONEY.finditer(text):
        if found["per"]:
            continue
        read = figure(found["number"])
        if read is None:
            continue
        scale = _SCALES[(found["scale"] or found["big"] or "").lower()]
        value, step = read.value * scale, read.step * scale
        if found["rest"]:
            value, step = value + int(found["rest"]) * 10**6, Fraction(10**6)
        about = bool(_ABOUT.search(text, max(0, found.start() - 12), found.start()))
        yield Amount(value, step, found[0].strip(), found.start(), found.end(), scale, about)


def shown(value: Fraction, decimals: int = 2) -> str:
    """A number as people write it, rounded: "1,12", "222.500"."""
    scaled = rounded(value * 10**decimals)
    whole, rest = divmod(abs(scaled), 10**decimals)
    said = f"{whole:,}".replace(",", ".")
    tail = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return ("-" if scaled < 0 else "") + said + (f",{tail}" if tail else "")


def rounded(value: Fraction) -> int:
    """Half away from zero, as people round."""
    sign = -1 if value < 0 else 1
    return sign * ((2 * abs(value.numerator) + value.denominator) // (2 * value.denominator))


def percent_fits(printed: Figure, exact: Fraction) -> str:
    """ "right" where the printed share is the exact one (in %) rounded; "cut" or "wrong"."""
    steps, told = exact / printed.step, printed.value / printed.step
    if told == rounded(steps) or abs(told - steps) <= Fraction(1, 2):
        return "right"
    return "cut" if told == steps.numerator // steps.denominator else "wrong"
