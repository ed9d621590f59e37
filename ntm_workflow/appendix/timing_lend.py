"""What the spans of a timing cell lend each other: a unit, a month, a year, "trước"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ntm_workflow.appendix.timing_days import Point


class Span(NamedTuple):
    """A point, or the stretch between two."""

    first: Point
    last: Point | None = None


@dataclass(slots=True)
class Place:
    """A span of the cell with the words before it ("trước", "chậm nhất")."""

    span: Span
    bound: str
    clock: bool
    separator: str
    beside: bool  # nothing but separators and bounds since the place before


def points(span: Span) -> list[Point]:
    return [span.first] if span.last is None else [span.first, span.last]


def lend(places: list[Place], header_unit: str) -> None:
    """Give numbers their unit, days their month, and bare items their neighbour's bound.

    `header_unit` is the unit of a lone number, empty where the header names none.
    """
    before: Point | None = None
    for place in places:
        first, last = place.span
        if first.unit == "number" and last is not None and last.unit not in ("number", "day alone"):
            first = _like(first, last)
        elif first.unit == "number" and before is not None and place.beside:
            first = _like(first, before)
        elif first.unit == "number" and header_unit:
            first = first._replace(unit=header_unit)
        if last is not None and last.unit in ("number", "day alone"):
            last = _like(last, first)
        if last is not None and first.unit == "day alone" and last.unit == "day":
            first = first._replace(unit="day", month=last.month)
        place.span = Span(first, last)
        before = last or first
    for place, after in zip(places[-2::-1], places[:0:-1], strict=True):
        first, last = place.span
        if last is None and first.unit == "number":
            first = _like(first, after.span.first)
        lends = after.beside and after.separator != "SEMICOLON"
        if last is None and first.unit == "day alone" and lends and after.span.first.unit == "day":
            first = first._replace(unit="day", month=after.span.first.month)
        place.span = Span(first, last)
    for place, earlier in zip(places[1:], places, strict=False):
        same = place.span.first.unit == earlier.span.first.unit
        apart = "COMMA", "AND", "OR"
        if not place.bound and same and (place.separator in apart or place.span.first.bare):
            place.bound = earlier.bound if place.separator else ""


def _like(point: Point, other: Point) -> Point:
    """Return a number in the unit of its neighbour: the 10 in "Tháng 6, 10"."""
    if other.unit == "day" and point.unit in ("number", "day alone"):
        return point._replace(unit="day", month=other.month)
    if other.unit in ("month", "quarter", "day alone"):
        return point._replace(unit=other.unit)
    return point


def lend_years(places: list[Place]) -> list[Place]:
    """Give each span the year written at another; return those that are more than that year.

    A year reaches back over a list ("Tháng 6, 12/2021", "Quý IV, năm 2021") and
    forward over what has none. A range never ends before it starts: "Tháng
    10 - 3/2021" starts in 2020.
    """
    kept = list(places)
    for i, place in enumerate(places):
        if place.span.last is None and place.span.first.unit == "year" and not place.bound:
            left = places[i - 1] if i and place.separator in ("COMMA", "") else None
            right = places[i + 1] if i + 1 < len(places) else None
            right = right if right and right.separator in ("COMMA", "") else None
            for near in (left, right):
                if near and near.span.first.unit != "year" and not written(near):
                    near.span = _in_year(near.span, place.span.first.year, ends=near is left)
                    if place in kept:
                        kept.remove(place)
    year, after = 0, None
    for place in reversed(kept):
        alike = after and after.beside and place.span.first.unit == after.span.first.unit
        if not written(place) and year and alike:
            place.span = _in_year(place.span, year)
        year, after = written(place), place
    year = 0
    for place in kept:
        if year and not written(place):
            place.span = _in_year(place.span, year, ends=False)
        year = written(place) or year
    for place in kept:
        if place.span.last is not None:
            place.span = _ordered(place.span)
    return kept


def written(place: Place) -> int:
    return max(year_of(p) for p in points(place.span))


def year_of(point: Point) -> int:
    return point.year or (year_of(point.of) if point.of else 0)


def _in_year(span: Span, year: int, ends: bool = True) -> Span:
    """Give a span its year: a range the year it `ends` in, or the one it starts in."""
    first, last = span
    if last is None:
        return Span(with_year(first, year))
    return Span(first, with_year(last, year)) if ends else Span(with_year(first, year), last)


def with_year(point: Point, year: int) -> Point:
    if year_of(point):
        return point
    if point.of is not None:
        return point._replace(of=with_year(point.of, year))
    return point if point.unit == "number" else point._replace(year=year)


def _ordered(span: Span) -> Span:
    first, last = span
    if last is None or not (year_of(first) or year_of(last)):
        return span
    if not year_of(last):
        last = with_year(last, year_of(first))
        if first.unit == last.unit and _rank(last) < _rank(first):
            last = last._replace(year=last.year + 1)
    elif not year_of(first):
        later = first.unit == last.unit and _rank(last) < _rank(first)
        first = with_year(first, year_of(last) - 1 if later else year_of(last))
    return Span(first, last)


def _rank(point: Point) -> tuple[int, int]:
    return point.month, point.n
