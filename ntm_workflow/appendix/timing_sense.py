"""From the elements of a timing cell to its reading: what each lends to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from ntm_workflow.appendix.model import Every, Kind, Question, Reading, Window
from ntm_workflow.appendix.timing_days import (
    DAY,
    Impossible,
    Point,
    between,
    cycle,
    join,
    phrase,
    stretch,
)
from ntm_workflow.appendix.timing_lend import (
    Place,
    Span,
    lend,
    lend_years,
    points,
    with_year,
    year_of,
)


class Cycle(NamedTuple):
    """A step: "hàng quý"; with a day, where in the step or after it that day lies.

    `loose` where no "hàng" stands before it; `which` for "cuối mỗi quý".
    `every` is None for a step that has no name (4 tháng): `said` is then asked about.
    """

    every: Every | None
    loose: bool = False
    day: int = 0
    due: str = ""
    which: str = ""
    said: str = ""


class Mark(NamedTuple):
    """A word that changes what stands beside it, by the name of its terminal."""

    name: str
    text: str


class Words(NamedTuple):
    """Words that are no part of the timing language."""

    text: str


Element = Span | Cycle | Mark | Words


class Header(NamedTuple):
    """What the column's header changes: a period is a deadline, a number has a unit."""

    deadline: bool = False
    days: bool = False
    unit: str = ""


@dataclass(slots=True)
class _Item:
    """One timing of the cell, before it is merged with its neighbours."""

    kind: Kind
    rule: str
    windows: tuple[Window, ...] = ()
    every: tuple[Every, ...] = ()
    day: int | None = None
    ask: Question | None = None
    loose: bool = False
    bound: str = ""
    apart: bool = False  # a separator stands before it
    hard: bool = False  # and that is a semicolon
    opens: date | None = None  # first day of the period that a deadline closes


# The stronger word wins: "chậm nhất trước ngày" is "trước", "hoàn thành đến hết" is "đến".
_BOUNDS = {"FROM": 1, "DONE": 2, "DEN": 3, "BY": 4, "AFTER": 5, "TRUOC": 6}
_SEPARATORS = ("COMMA", "SEMICOLON", "OR")
_STEP = {Every.WEEK: "tuần", Every.MONTH: "tháng", Every.QUARTER: "quý"} | {
    Every.HALF_YEAR: "6 tháng",
    Every.NINE_MONTH: "9 tháng",
    Every.YEAR: "năm",
}
_NO_DAY = Question("Chưa rõ ngày nào. Hãy nhập ngày, hoặc để trống cho đến khi biết ngày.")


def make(elements: Sequence[Element], text: str, year: int, header: Header) -> Reading:
    """Return the reading of a cell's elements.

    Raises:
        Impossible: a day, month or quarter that no calendar has.
    """
    items, places = _collect(elements, year, header)
    years = {p.year for place in places for p in points(place.span) if p.year}
    timed = [_dated(i, year, header) if isinstance(i, Place) else i for i in items]
    merged = _merge(timed)
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


def _reading(item: _Item, text: str, year: int, other: tuple[int, ...]) -> Reading:
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


def unreadable(text: str, year: int, rule: str, why: str = "", *choices: str) -> Reading:
    why = why or "Không đọc được thời gian này."
    ask = "Có phải là:" if choices else "Hãy nhập lại thời gian, ví dụ: Quý II; Trước ngày 30/6."
    return Reading(text, year, Kind.UNREADABLE, rule, question=Question(f"{why} {ask}", choices))


# ---- The elements, one by one ---------------------------------------------------


def _collect(
    elements: Sequence[Element], year: int, header: Header
) -> tuple[list[_Item | Place], list[Place]]:
    items: list[_Item | Place] = []
    bound, clock, separator, either = "", False, "", False
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
            either = either or element.name == "OR"
        elif isinstance(element, Mark) and element.name == "CLOCK":
            clock = True
        elif isinstance(element, Words):
            if bound in ("TRUOC", "AFTER", "FROM", "BY"):
                items.append(_Item(Kind.RELATIVE, "event", ask=_NO_DAY))
            bound = ""
        else:
            item = _cycle(element, bound, year) if isinstance(element, Cycle) else _mark(element)
            if item is not None:
                item.apart, item.hard = separator != "", separator == "SEMICOLON"
                items.append(item)
            if bound in ("TRUOC", "AFTER") and not (isinstance(element, Cycle) and element.due):
                items.append(_Item(Kind.RELATIVE, "event", ask=_NO_DAY))
            bound, separator = "", ""
    places = [item for item in items if isinstance(item, Place)]
    if bound in ("DONE", "BY"):  # "tháng 6 hoàn thành"
        for place in places:
            place.bound = place.bound or bound
    elif bound:
        items.append(_Item(Kind.RELATIVE, "event", ask=_NO_DAY))
    lend(places, header.unit)
    kept = lend_years(places)
    items = [i for i in items if isinstance(i, _Item) or i in kept]
    if either and len(kept) > 1:
        items.append(_Item(Kind.WINDOW, "choice", ask=_NO_DAY))
    return items, places


def _named_year(span: Span, year: int) -> Span:
    """Give "năm nay" and "năm sau" their number; `n` is how many years after the plan's."""
    if span.first.unit == "year" and not span.first.year:
        return span._replace(first=Point("year", year=year + span.first.n))
    return span


# ---- One element at a time ------------------------------------------------------


def _mark(element: Element) -> _Item | None:
    if not isinstance(element, Mark):
        return None
    name, text = element
    if name == "CONTINUOUS":
        return _Item(Kind.CONTINUOUS, "continuous")
    if name == "AD_HOC":
        return _Item(Kind.AD_HOC, "ad-hoc")
    if name == "DINH_KY":
        return _Item(Kind.PERIODIC, "periodic")
    if name == "DURATION":
        return _Item(Kind.RELATIVE, "duration", ask=_since(text))
    if name == "CITATION":
        return _Item(Kind.RELATIVE, "by-document", ask=_document())
    if name == "BY_RULE":
        return _Item(Kind.RELATIVE, "by-rule", ask=_NO_DAY)
    if name == "RELATIVE":
        return _Item(Kind.RELATIVE, "after-event", ask=_NO_DAY)
    if name == "LUNAR":
        return _Item(
            Kind.RELATIVE, "lunar", ask=Question("Ngày âm lịch: hãy nhập ngày dương lịch.")
        )
    return None


def _since(text: str) -> Question:
    return Question(f"Đã hiểu là một khoảng {text}, nhưng chưa rõ tính từ ngày nào. Hãy nhập ngày.")


def _document() -> Question:
    return Question(
        "Thời gian theo một văn bản khác; ngày của văn bản không phải là hạn. Hãy nhập hạn."
    )


def _cycle(step: Cycle, bound: str, year: int) -> _Item:
    if step.every is None:
        ask = Question(f"Chưa có cách tính kỳ “{step.said}”. Hãy chọn kỳ gần nhất.", ("Hàng quý",))
        return _Item(Kind.PERIODIC, "every-other", ask=ask)
    if step.due:
        return _day_of(step.every, step.due, step.day, bound == "TRUOC", year)
    item = _Item(Kind.PERIODIC, f"every-{step.every}", every=(step.every,), loose=step.loose)
    if step.which in ("dau", "giua"):
        said = {"dau": "Đầu", "giua": "Giữa"}[step.which]
        item.ask = Question(f"“{said} {_STEP[step.every]}” là đến ngày nào?", _days_of(step.every))
    if step.said:
        item.ask = Question(f"Đã hiểu “{step.said}”, nhưng chưa rõ các kỳ. Có phải là:",
                            (f"Hàng {_STEP[step.every]}",))  # fmt: skip
    return item


def _day_of(every: Every, due: str, day: int, before: bool, year: int) -> _Item:
    """Return "ngày 20 của tháng cuối quý" and its like with this year's deadlines."""
    if not 1 <= day <= 31:
        raise Impossible(f"ngày {day}")
    if before and day == 31:
        last = cycle(every, due, day, year)
        windows = tuple(replace(w, due_on=w.due_on - DAY) for w in last)
        return _Item(Kind.PERIODIC, f"before-last-of-{due}", windows, (every,))
    if before and day == 1:
        if due == "last":
            raise Impossible("hạn trước ngày 1 của tháng cuối quý trong cách tính này")
        due, day = "last" if every is Every.QUARTER else "first", 31
    else:
        day -= before
    if every is Every.MONTH and due == "first":
        return _Item(Kind.PERIODIC, "every-month-day", every=(every,), day=day)
    windows = cycle(every, due, day, year)
    return _Item(Kind.PERIODIC, f"day-of-{due}", windows, (every,), day)


def _days_of(every: Every) -> tuple[str, ...]:
    if every is Every.MONTH:
        return ("Ngày 10 hàng tháng", "Hàng tháng")
    return (f"Hàng {_STEP[every]}",)


def _dated(place: Place, year: int, header: Header) -> _Item:
    """Return the window or deadline that a span covers."""
    first, last = place.span
    bound = place.bound
    if first.unit == "number":
        return _number(place, header)
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
    if bound == "FROM" and last is not None:
        bound = ""
    if first.which == "cuoi" and header.deadline:
        ask = None
    if first.which == "cuoi" and bound == "TRUOC":
        bound = "BY"
    if not bound and header.deadline:
        bound = "DONE"
    return _bounded(window, bound, rule, ask, place, year)


def _day_alone(place: Place) -> _Item:
    """A day with no month: "hàng tháng" beside it may say the rest."""
    first, last = place.span
    for point in points(place.span):
        if not 1 <= point.n <= 31:
            raise Impossible(f"ngày {point.n}")
    day = (last or first).n - (place.bound == "TRUOC" and not place.clock)
    said = f"{first.n}/{last.n}" if last and last.n <= 12 else f"{first.n} hàng tháng"
    ask = Question(f"Đã hiểu là ngày {first.n}, chưa rõ tháng nào.", (f"Ngày {said}",))
    return _Item(Kind.UNREADABLE, "day-alone", day=day or 31, ask=ask)


def _part_of(point: Point) -> _Item:
    """ "Cuối quý" with no quarter named: every quarter, if a person says so."""
    every = Every.QUARTER if point.unit == "part of quarter" else Every.MONTH
    ask = Question("Chưa rõ quý nào, tháng nào. Có phải là mọi kỳ trong năm?", _days_of(every))
    return _Item(Kind.PERIODIC, f"every-{every}", every=(every,), ask=ask)


def _next_year(first: Window, last: Point, year: int) -> tuple[Window, Question]:
    """A range that ends before it starts may end next year; a person says so."""
    written = year_of(last)
    try:
        end = stretch(with_year(last, year + 1) if not written else last, year)
    except ValueError:
        end = first
    if end.due_on < first.due_on:
        raise Impossible("khoảng thời gian có ngày cuối trước ngày đầu")
    window = join(first, end)
    said = phrase(window.period, None)
    return end, Question("Khoảng này kết thúc vào năm sau. Có đúng không?", (_cap(said),))


def _bounded(
    window: Window, bound: str, rule: str, ask: Question | None, place: Place, year: int
) -> _Item:
    if not bound:
        return _Item(Kind.WINDOW, rule, (window,), ask=ask, apart=place.separator != "",
                     hard=place.separator == "SEMICOLON")  # fmt: skip
    if bound == "AFTER":
        said = phrase(window.period, year)
        why = f"Đã hiểu là sau {said}, nhưng chưa có ngày cuối. Hãy nhập hạn."
        return _Item(Kind.RELATIVE, f"after-{rule}", ask=Question(why))
    if bound == "FROM":
        if window.due_on.month < 12:
            window = join(window, stretch(Point("month", 12, year=window.due_on.year), year))
        ask = Question("Đã hiểu ngày bắt đầu, nhưng chưa có ngày cuối.",
                       (_cap(phrase(window.period, year)), "Thường xuyên"))  # fmt: skip
        return _Item(Kind.WINDOW, f"from-{rule}", (window,), ask=ask,
                     bound="FROM")  # fmt: skip
    if bound == "TRUOC" and place.clock:
        bound = "BY"
    if bound == "TRUOC":
        day = (window.opens_on or window.due_on) - DAY
        return _Item(
            Kind.DEADLINE, f"before-{rule}", (Window(None, day, day.isoformat()),), ask=ask
        )
    name = "in" if bound == "DONE" else "by"
    due = replace(window, opens_on=None)
    opens = window.opens_on if window.opens_on != window.due_on else None
    return _Item(Kind.DEADLINE, f"{name}-{rule}", (due,), ask=ask, opens=opens)


def _number(place: Place, header: Header) -> _Item:
    first, last = place.span
    said = f"{first.n}-{last.n}" if last else str(first.n)
    if header.days:
        return _Item(Kind.RELATIVE, "duration", ask=_since(f"{said} ngày"))
    months = all(1 <= p.n <= 12 for p in points(place.span))
    choices = (f"Tháng {said}",) if months else ()
    ask = Question(f"Đã hiểu là số {said}, nhưng chưa rõ là tháng, quý hay ngày.", choices)
    return _Item(Kind.UNREADABLE, "number-alone", ask=ask)


def _loose(point: Point, window: Window, year: int) -> Question | None:
    """Ask about "cuối năm" and its like: no text says where the end of a year begins."""
    if point.unit == "week":
        choices = [window]
        if point.of and point.which != "cuoi" and point.n:
            monday = window.opens_on - window.opens_on.weekday() * DAY if window.opens_on else None
            choices += [between(monday, monday + 6 * DAY)] if monday else []
        weeks = tuple(dict.fromkeys(_cap(phrase(w.period, year)) for w in choices))
        return Question("Đã hiểu là một tuần của tháng. Tuần đó từ ngày nào?", weeks)
    if point.unit == "part" and point.n != 10 and point.which in ("dau", "giua", "cuoi"):
        words = {"dau": "Đầu", "giua": "Giữa", "cuoi": "Cuối"}[point.which]
        whole = stretch(point.of, year) if point.of else window
        said = (_cap(phrase(window.period, year)), _cap(phrase(whole.period, year)))
        return Question(
            f"“{words} {phrase(whole.period, year)}” là từ ngày nào đến ngày nào?", said
        )
    return None


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---- Several timings in one cell -------------------------------------------------


def _merge(items: list[_Item]) -> list[_Item]:
    """Join what says one thing: "hàng năm" with "quý IV", "ngày 25" with "hàng tháng"."""
    choice = any(i.rule == "choice" for i in items)
    items = [i for i in items if i.rule not in ("by-document", "by-rule", "choice")] or items
    items = _merge_periodic(items)
    continuous = [i for i in items if i.kind is Kind.CONTINUOUS]
    if continuous:
        items = [i for i in items if not _says_no_more(i)]
    items = _merge_dates(_by_kind(_tighter(items)))
    dated = [i for i in items if i.windows]
    if choice and dated:
        said = tuple(_cap(phrase(w.period, None)) for i in dated for w in i.windows)
        dated[0].ask = Question("“Hoặc”: hãy chọn một.", said)
    return _firm(items)


def _by_kind(items: list[_Item]) -> list[_Item]:
    found: dict[Kind, _Item] = {}
    for item in items:
        known = found.setdefault(item.kind, item)
        if known is not item:
            known.windows = tuple(dict.fromkeys(known.windows + item.windows))
            known.ask = known.ask or item.ask
    return list(found.values())


def _firm(items: list[_Item]) -> list[_Item]:
    """Leave out what has no date beside what has one, and ask about it."""
    firm = [i for i in items if i.kind not in (Kind.RELATIVE, Kind.UNREADABLE)]
    if firm and len(firm) < len(items):
        why = "Đã hiểu thời gian, nhưng còn điều kiện hoặc con số chưa rõ. Vẫn theo thời gian này?"
        firm[0].ask = firm[0].ask or Question(why)
    return firm or items[:1]


def _tighter(items: list[_Item]) -> list[_Item]:
    """Drop the wider of "hoàn thành trong quý I, chậm nhất ngày 15/3"."""
    days = [i.windows[0].due_on for i in items if i.kind is Kind.DEADLINE and not i.opens]
    return [
        i for i in items if not (i.opens and any(i.opens <= d <= i.windows[0].due_on for d in days))
    ]


def _says_no_more(item: _Item) -> bool:
    """True for the year in "Thường xuyên trong năm", and "hàng năm" said in the same breath."""
    if item.kind is Kind.WINDOW:
        return item.rule == "year"
    return item.rule == "every-year" and not item.apart


def _merge_periodic(items: list[_Item]) -> list[_Item]:
    steps = [i for i in items if i.kind is Kind.PERIODIC]
    if not steps:
        return items
    rest = [i for i in items if i.kind is not Kind.PERIODIC]
    if rest and all(i.loose for i in steps):
        return rest  # "báo cáo 6 tháng trước 15/6": the step only names the report
    one = _one_step(steps)
    if len(items) == 1 and one.loose:
        said = f"Hàng {_STEP[one.every[0]]}"
        one.ask = Question(f"Có phải là “{said}”?", (said,))
    at = items.index(steps[0])
    return [*rest[:at], one, *rest[at:]] if not rest else _with_dates(one, rest, at)


def _one_step(steps: list[_Item]) -> _Item:
    """Join "hàng quý, 6 tháng, năm", and a step with its day; ask where several have one."""
    one = next((i for i in steps if i.day), None) or next((i for i in steps if i.every), steps[0])
    every = tuple(dict.fromkeys(e for i in steps for e in i.every))
    one.ask = next((i.ask for i in steps if i.ask), None)
    if one.day and (len(every) > 1 or len({(i.rule, i.day) for i in steps if i.day}) > 1):
        choices = tuple(f"Hàng {_STEP[e]}" for e in every)
        one.ask = Question("Đã hiểu là nhiều kỳ, có ngày riêng. Hãy tách thành từng dòng.", choices)
    one.every = every if not one.windows else one.every
    return one


def _with_dates(one: _Item, rest: list[_Item], at: int) -> list[_Item]:
    dated = [i for i in rest if i.windows]
    alone = [i for i in rest if i.rule == "day-alone"]
    taken: list[_Item] = [i for i in dated if i.rule == "year"]
    if one.every == (Every.YEAR,) and dated:
        inside = [i for i in dated if i not in taken]
        if inside and one.windows:
            one.ask = Question("Đã hiểu là nhiều hạn trong một năm. Hãy tách thành từng dòng.")
        one.windows = tuple(dict.fromkeys([*one.windows, *(w for i in inside for w in i.windows)]))
        one.rule = next((f"every-year-{i.rule}" for i in inside), one.rule)
        one.day = None if inside else one.day
        one.ask = one.ask or next((i.ask for i in dated if i.ask), None)
        taken = dated
    elif alone and one.every and not (one.day or one.windows):
        one.day, one.rule = alone[0].day, "every-month-day"
        one.ask = one.ask or _which_day(one, alone)
        taken += alone
    elif one.every in ((Every.MONTH,), (Every.QUARTER,)) and not one.windows:
        inside = [i for i in dated if i.kind is Kind.WINDOW and i not in taken]
        inside = [i for i in inside if not (i.hard or one.hard)]
        if inside:
            said = phrase(inside[0].windows[0].period, None)
            one.ask = Question(f"Đã hiểu là hàng {_STEP[one.every[0]]}, nhưng chỉ {said}? "
                               "Nếu đúng, hãy nhập từng tháng hoặc từng quý.")  # fmt: skip
            taken += inside
    left = [i for i in rest[:at] if i not in taken]
    return [*left, one, *(i for i in rest[at:] if i not in taken)]


def _which_day(one: _Item, alone: list[_Item]) -> Question | None:
    if one.every != (Every.MONTH,):
        where = (f"Ngày {one.day} của tháng cuối quý", f"Ngày {one.day} tháng đầu quý sau")
        return Question(f"Ngày {one.day} của tháng nào trong kỳ?", where)
    if len(alone) == 1:
        return None
    days = tuple(f"Ngày {i.day} hàng tháng" for i in alone)
    return Question("Đã hiểu là nhiều ngày trong một tháng. Hãy chọn một, hoặc tách dòng.", days)


def _merge_dates(items: list[_Item]) -> list[_Item]:
    """Join "Tháng 6 (trước ngày 15/6)" and "Từ tháng 3, hoàn thành tháng 7" into one window."""
    if len(items) != 2:
        return items
    one, two = items
    if one.kind is Kind.DEADLINE and two.kind is Kind.WINDOW:
        one, two = two, one
    if one.kind is not Kind.WINDOW or len(one.windows) != 1:
        return items
    opens = one.windows[0].opens_on or one.windows[0].due_on
    if two.rule == "day-alone" and two.day:
        try:
            day = opens.replace(day=two.day)
        except ValueError:
            return items
        return [_Item(Kind.DEADLINE, "by-day", (Window(None, day, day.isoformat()),), ask=one.ask)]
    if two.kind is not Kind.DEADLINE or len(two.windows) != 1:
        return items
    due = two.windows[0].due_on
    if one.bound == "FROM" and opens <= due:
        whole = join(replace(one.windows[0], due_on=due), two.windows[0])
        return [_Item(Kind.WINDOW, "from-by", (replace(whole, opens_on=opens, due_on=due),))]
    if opens <= due <= one.windows[0].due_on:
        return [_Item(Kind.WINDOW, "window-by", (between(opens, due),), ask=two.ask)]
    return items
