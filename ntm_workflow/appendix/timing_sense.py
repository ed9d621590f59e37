"""From the elements of a timing cell to its reading: what each lends to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from ntm_workflow.appendix.model import Every, Kind, Question, Reading, Window
from ntm_workflow.appendix.timing_days import (
    DAY,
    Impossible,
    Point,
    between,
    join,
    phrase,
    stretch,
)
from ntm_workflow.appendix.timing_item import Item, cap
from ntm_workflow.appendix.timing_lend import (
    Place,
    Span,
    lend,
    lend_years,
    points,
    with_year,
    year_of,
)
from ntm_workflow.appendix.timing_merge import merge
from ntm_workflow.appendix.timing_steps import Cycle, days_of, on_weekdays, step
from ntm_workflow.texts import Sentence, later


class Mark(NamedTuple):
    """A word that changes what stands beside it, by the name of its terminal."""

    name: str
    text: str


class Words(NamedTuple):
    """Words that are no part of the timing language."""

    text: str


Element = Span | Cycle | Mark | Words


class Header(NamedTuple):
    """What the column's header changes.

    `deadline`: a period is one; `days`: a number is a duration; `unit`: of a lone
    number; `steps`: "Quý" under "Tần suất" is every quarter.
    """

    deadline: bool = False
    days: bool = False
    unit: str = ""
    steps: bool = False


# The stronger word wins: "chậm nhất trước ngày" is "trước", "hoàn thành đến hết" is "đến".
_BOUNDS = {"FROM": 1, "DONE": 2, "DEN": 3, "BY": 4, "AFTER": 5, "TRUOC": 6}
_SEPARATORS = ("COMMA", "SEMICOLON", "OR")
_NO_DAY = Question(later("timing.no_day"))


def make(elements: Sequence[Element], text: str, year: int, header: Header) -> Reading:
    """Return the reading of a cell's elements.

    Raises:
        Impossible: a day, month or quarter that no calendar has.
    """
    items, places = _collect(elements, year, header)
    years = {p.year for place in places for p in points(place.span) if p.year}
    timed = [_dated(i, year, header) if isinstance(i, Place) else i for i in items]
    merged = merge(timed, year)
    other = tuple(sorted(years - {year}))
    if not merged:
        return unreadable(text, year, "no-timing")
    if len(merged) == 1:
        return _reading(merged[0], text, year, other)
    parts = tuple(_reading(item, "", year, ()) for item in merged)
    return Reading(
        text,
        year,
        Kind.MIXED,
        "mixed",
        parts=parts,
        question=next((i.ask for i in merged if i.ask), None),
        other_years=other,
    )


def _reading(item: Item, text: str, year: int, other: tuple[int, ...]) -> Reading:
    kind = item.kind
    if kind is Kind.WINDOW and len(item.windows) > 1:
        kind = Kind.WINDOWS
    return Reading(
        text,
        year,
        kind,
        item.rule + ("-list" if kind is Kind.WINDOWS else ""),
        windows=item.windows,
        every=item.every,
        day=item.day,
        question=item.ask,
        other_years=other,
    )


def unreadable(
    text: str, year: int, rule: str, why: Sentence | None = None, *choices: str
) -> Reading:
    key = "timing.is_it" if choices else "timing.again"
    ask = later(key, why=why or later("timing.unreadable"))
    return Reading(text, year, Kind.UNREADABLE, rule, question=Question(ask, choices))


# ---- The elements, one by one ---------------------------------------------------


def _collect(
    elements: Sequence[Element], year: int, header: Header
) -> tuple[list[Item | Place], list[Place]]:
    items: list[Item | Place] = []
    bound, clock, separator, either, before = "", False, "", False, False
    weekdays = [e.text for e in elements if isinstance(e, Mark) and e.name == "WEEKDAY"]
    for element in elements:
        if isinstance(element, Span):
            beside = bool(items) and isinstance(items[-1], Place)
            items.append(Place(_named_year(element, year), bound, clock, separator, beside))
            bound, clock, separator = "", False, ""
        elif isinstance(element, Mark) and element.name in _BOUNDS:
            bound = max(bound, element.name, key=lambda b: _BOUNDS.get(b, 0))
        elif isinstance(element, Mark) and element.name in _SEPARATORS:
            separator = "AND" if element.text == "va" else element.name
            separator = separator if items else ""
            bound = "" if separator == "SEMICOLON" else bound
            either = either or element.name == "OR"
        elif isinstance(element, Mark) and element.name == "CLOCK":
            clock = True
        elif isinstance(element, Words):
            if bound in ("TRUOC", "AFTER", "FROM", "BY"):
                items.append(Item(Kind.RELATIVE, "event", ask=_NO_DAY))
            bound = bound if bound == "DONE" else ""  # "hoàn thành đề án trong quý II"
        else:
            item = _mark(element)
            if isinstance(element, Cycle):
                item = step(element._replace(loose=element.loose and not header.steps), bound, year)
            if item is not None:
                item.apart, item.hard = separator != "", separator == "SEMICOLON"
                items.append(item)
            if isinstance(element, Cycle) and element.every is Every.WEEK and weekdays:
                before = bound == "TRUOC" and not clock
            elif isinstance(element, Mark) and element.name == "WEEKDAY":
                continue  # "trước 16h thứ 5 hàng tuần": the words before it are the week's
            elif bound in ("TRUOC", "AFTER") and not (isinstance(element, Cycle) and element.due):
                items.append(Item(Kind.RELATIVE, "event", ask=_NO_DAY))
            bound, separator = "", ""
    places = [item for item in items if isinstance(item, Place)]
    if bound in ("DONE", "BY"):  # "tháng 6 hoàn thành"
        for place in places:
            place.bound = place.bound or bound
    elif bound:
        items.append(Item(Kind.RELATIVE, "event", ask=_NO_DAY))
    lend(places, header.unit)
    kept = lend_years(places)
    items = [i for i in items if isinstance(i, Item) or i in kept]
    of_day = any(p.unit in ("day", "week", "part") for place in kept for p in points(place.span))
    made = [i for i in items if isinstance(i, Item)]
    if not on_weekdays(made, weekdays, year, before) and not of_day:
        items.append(Item(Kind.RELATIVE, "weekday", ask=_NO_DAY))
    if either and len(kept) > 1:
        items.append(Item(Kind.WINDOW, "choice", ask=_NO_DAY))
    return items, places


def _named_year(span: Span, year: int) -> Span:
    """Give "năm nay" and "năm sau" their number; `n` is how many years after the plan's."""
    if span.first.unit == "year" and not span.first.year:
        return span._replace(first=Point("year", year=year + span.first.n))
    return span


# ---- One element at a time ------------------------------------------------------


def _mark(element: Element) -> Item | None:
    if not isinstance(element, Mark):
        return None
    name, text = element
    if name == "CONTINUOUS":
        return Item(Kind.CONTINUOUS, "continuous")
    if name == "AD_HOC":
        return Item(Kind.AD_HOC, "ad-hoc")
    if name == "DINH_KY":
        return Item(Kind.PERIODIC, "periodic")
    if name == "DURATION":
        return Item(Kind.RELATIVE, "duration", ask=_since(text))
    if name == "CITATION":
        return Item(Kind.RELATIVE, "by-document", ask=_document())
    if name == "BY_RULE":
        return Item(Kind.RELATIVE, "by-rule", ask=_NO_DAY)
    if name == "RELATIVE":
        return Item(Kind.RELATIVE, "after-event", ask=_NO_DAY)
    if name == "LUNAR":
        return Item(Kind.RELATIVE, "lunar", ask=Question(later("timing.lunar")))
    return None


def _since(text: str) -> Question:
    return Question(later("timing.since", text=text))


def _document() -> Question:
    return Question(later("timing.document"))


def _dated(place: Place, year: int, header: Header) -> Item:
    """Return the window or deadline that a span covers."""
    first, last = place.span
    bound = place.bound
    if first.unit == "number":
        before = place.bound in ("TRUOC", "BY") and last is None and 1 <= first.n <= 31
        return _day_alone(place) if before and not header.days else _number(place, header)
    if first.unit == "day alone":
        return _day_alone(place)
    if first.unit.startswith("part of"):
        return _part_of(first)
    window = stretch(first, year)
    rule = first.unit.replace(" ", "-")
    ask: Question | None = None
    if bound not in ("BY", "DEN", "DONE"):
        ask = _loose(first, window, year)
    if last is not None:
        end = stretch(last, year)
        rule += "-range"
        ask = ask or (_loose(last, end, year) if not bound and not header.deadline else None)
        if end.due_on < (window.opens_on or window.due_on):
            end, ask = _next_year(window, last, year)
        window = join(window, end)
        ask = ask and replace(ask, choices=(cap(phrase(window.period, year)),))
    if bound == "FROM" and last is not None:
        bound = ""
    if first.which == "cuoi" and header.deadline:
        ask = None
    if first.which == "cuoi" and bound == "TRUOC":
        bound = "BY"
    if not bound and header.deadline:
        bound = "DONE"
    return _bounded(window, bound, rule, ask, place, year)


def _day_alone(place: Place) -> Item:
    """A day with no month: "hàng tháng" beside it may say the rest."""
    first, last = place.span
    for point in points(place.span):
        if not 1 <= point.n <= 31:
            raise Impossible(later("timing.of.day", day=point.n))
    day = (last or first).n - (place.bound == "TRUOC" and not place.clock)
    said = f"{first.n}/{last.n}" if last and last.n <= 12 else f"{first.n} hàng tháng"
    ask = Question(later("timing.which_month", day=first.n), (f"Ngày {said}",))
    start = first.n if last and last.n > first.n else None
    return Item(Kind.UNREADABLE, "day-alone", day=day or 31, first_day=start, ask=ask)


def _part_of(point: Point) -> Item:
    """ "Cuối quý" with no quarter named: every quarter, if a person says so."""
    every = Every.QUARTER if point.unit == "part of quarter" else Every.MONTH
    ask = Question(later("timing.every_period"), days_of(every))
    return Item(Kind.PERIODIC, f"every-{every}", every=(every,), ask=ask)


def _next_year(first: Window, last: Point, year: int) -> tuple[Window, Question]:
    """A range that ends before it starts may end next year; a person says so."""
    written = year_of(last)
    try:
        end = stretch(with_year(last, year + 1) if not written else last, year)
    except ValueError:
        end = first
    if end.due_on < first.due_on:
        raise Impossible(later("timing.of.order"))
    window = join(first, end)
    said = phrase(window.period, None)
    return end, Question(later("timing.next_year"), (cap(said),))


def _bounded(
    window: Window, bound: str, rule: str, ask: Question | None, place: Place, year: int
) -> Item:
    if not bound:
        return Item(Kind.WINDOW, rule, (window,), ask=ask, apart=place.separator != "",
                     hard=place.separator == "SEMICOLON")  # fmt: skip
    if bound == "AFTER":
        said = phrase(window.period, year)
        why = later("timing.after", said=said)
        rest = between(window.due_on + DAY, date((window.due_on + DAY).year, 12, 31))
        choices = (cap(phrase(rest.period, year)), "Thường xuyên")
        return Item(Kind.RELATIVE, f"after-{rule}", ask=Question(why, choices))
    if bound == "FROM":
        if window.due_on.month < 12:
            window = join(window, stretch(Point("month", 12, year=window.due_on.year), year))
        ask = Question(later("timing.no_end"), (cap(phrase(window.period, year)), "Thường xuyên"))
        return Item(Kind.WINDOW, f"from-{rule}", (window,), ask=ask,
                     bound="FROM")  # fmt: skip
    if bound == "TRUOC" and place.clock:
        bound = "BY"
    if bound == "TRUOC":
        day = (window.opens_on or window.due_on) - DAY
        return Item(Kind.DEADLINE, f"before-{rule}", (Window(None, day, day.isoformat()),), ask=ask)
    name = "in" if bound == "DONE" else "by"
    due = replace(window, opens_on=None)
    opens = window.opens_on if window.opens_on != window.due_on else None
    return Item(Kind.DEADLINE, f"{name}-{rule}", (due,), ask=ask, opens=opens)


def _number(place: Place, header: Header) -> Item:
    first, last = place.span
    said = f"{first.n}-{last.n}" if last else str(first.n)
    if header.days:
        return Item(Kind.RELATIVE, "duration", ask=_since(f"{said} ngày"))
    months = all(1 <= p.n <= 12 for p in points(place.span))
    choices = (f"Tháng {said}",) if months else ()
    if not choices and last is None and 12 < first.n <= 31:
        choices = (f"Ngày {first.n} hàng tháng",)
    ask = Question(later("timing.number", said=said), choices)
    return Item(Kind.UNREADABLE, "number-alone", ask=ask)


def _loose(point: Point, window: Window, year: int) -> Question | None:
    """Ask about "cuối năm" and its like: no text says where the end of a year begins."""
    if point.unit == "week":
        choices = [window]
        if point.of and point.which != "cuoi" and point.n:
            monday = window.opens_on - window.opens_on.weekday() * DAY if window.opens_on else None
            choices += [between(monday, monday + 6 * DAY)] if monday else []
        weeks = tuple(dict.fromkeys(cap(phrase(w.period, year)) for w in choices))
        return Question(later("timing.week"), weeks)
    if point.unit == "part" and point.n != 10 and point.which in ("dau", "giua", "cuoi"):
        words = {"dau": "Đầu", "giua": "Giữa", "cuoi": "Cuối"}[point.which]
        whole = stretch(point.of, year) if point.of else window
        said = (cap(phrase(window.period, year)), cap(phrase(whole.period, year)))
        part = f"{words} {phrase(whole.period, year)}"
        return Question(later("timing.part", part=part), said)
    return None
