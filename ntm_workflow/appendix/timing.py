"""The timing language: "Quý II, III" → a reading: kind, windows, rule, or a question.

A text is folded and its slips put right (timing_text), parsed by the grammar in
timing.lark into elements, and the elements are put together (timing_sense).
Nothing here reads a clock; every date is a nominal day, before any shift.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ntm_workflow.appendix.model import Every, Kind, Question, Reading
from ntm_workflow.appendix.text import fold
from ntm_workflow.appendix.timing_days import Impossible, Point
from ntm_workflow.appendix.timing_lend import Span
from ntm_workflow.appendix.timing_say import canonical, describe
from ntm_workflow.appendix.timing_sense import (
    Element,
    Header,
    Mark,
    Words,
    make,
    unreadable,
)
from ntm_workflow.appendix.timing_steps import Cycle
from ntm_workflow.appendix.timing_text import LONGEST, mended, prepare
from ntm_workflow.texts import Sentence, later

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.exceptions import UnexpectedToken

__all__ = ["canonical", "describe", "read"]


def read(text: str, year: int, header: str = "") -> Reading:
    """Return how a timing text is understood in a plan of `year`.

    `header` is the column's own, and can change the meaning: under "Thời gian
    hoàn thành" a period is a deadline, under "Số ngày" a number is a duration.
    Windows are calendar days, both inclusive. Where `question` is set, windows
    are what is most likely meant, not yet to be used. A yearly or quarterly
    timing with dates of its own ("Quý IV hàng năm", "ngày 20 của tháng cuối
    quý") is periodic and carries the windows of this one year.

    Never raises: what cannot be read comes back with a question, as does any
    text of more than 2,000 characters and any year outside 1900–2200.

    Source: appendix, column "Thời gian".
    """
    if len(text) > LONGEST:
        return unreadable(text, year, "too-long", later("timing.too_long"))
    if not 1900 <= year <= 2200:
        return unreadable(text, year, "no-year", later("timing.no_year", year=year))
    return replace(_read(text, year, header), text=text)


MOST_WORDS = 12  # beside a timing; a cell with more is a paragraph


@lru_cache(maxsize=4096)
def _read(text: str, year: int, header: str) -> Reading:
    said = prepare(text)
    if not said:
        return unreadable(text, year, "empty", later("timing.empty"))
    reading, words = _sense(said, year, header)
    if reading.kind is Kind.UNREADABLE or words:
        return _second_look(text, year, header, reading, words)
    if (
        reading.windows
        and "quy" in said
        and not re.search(r"\bq", fold(text))
        and not _header(header).unit
    ):
        return unreadable(text, year, "numeral-alone", later("timing.numeral"), canonical(reading))
    return _explained(reading, text)


def _explained(reading: Reading, text: str) -> Reading:
    """Quote the text in a question about an event, and offer what was understood."""
    question = reading.question
    if question is None or question.choices:
        return reading
    if reading.kind is Kind.RELATIVE:
        why: Sentence | str = later("timing.depends", text=text.strip())
        if reading.rule in ("duration", "by-document", "lunar") or reading.rule.startswith(
            "after-d"
        ):
            why = question.ask
        return replace(reading, question=Question(why, ("Đột xuất", f"Năm {reading.year}")))
    return replace(reading, question=replace(question, choices=(canonical(reading),)))


def _sense(said: str, year: int, header: str) -> tuple[Reading, str]:
    """Return the reading of a prepared text, and the words in it that were not understood."""
    elements = _parse(said)
    words = " ".join(e.text for e in elements if isinstance(e, Words)).replace("§", "")
    try:
        return make(elements, said, year, _header(header)), words
    except Impossible as wrong:
        why = later("timing.impossible", what=wrong.what)
        choices = (wrong.nearest,) if wrong.nearest else ()
        return unreadable(said, year, "impossible-date", why, *choices), ""


def _second_look(text: str, year: int, header: str, reading: Reading, words: str) -> Reading:
    """Ask about what was not understood, offering the nearest text that can be read."""
    better = mended(text)
    if better != fold(text):
        second, left = _sense(prepare(better), year, header)
        if second.kind not in (Kind.UNREADABLE, Kind.RELATIVE) and not left:
            return unreadable(
                text, year, "nearest", later("timing.not_read", text=text.strip()),
                canonical(second),
            )  # fmt: skip
    if reading.kind is Kind.UNREADABLE or not words:
        return reading
    if reading.rule == "unit-alone":  # "Kế hoạch năm", "Tháng thanh niên"
        return unreadable(text, year, "words", None, canonical(reading))
    many = len(words.split())
    words = " ".join(w for w in text.split() if fold(w).strip(".,;:()") in words.split()) or words
    if reading.kind is Kind.RELATIVE:
        return _explained(reading, text) if many < 3 else unreadable(text, year, "words")
    said = canonical(reading)
    if many > MOST_WORDS:
        return unreadable(text, year, "words", later("timing.many_words"), said)
    ask = later("timing.words", said=said, words=words)
    return _explained(replace(reading, question=reading.question or Question(ask, (said,))), text)


_DEADLINE = r"hoan (thanh|tat)|thoi han|\bhan\b|ket thuc|\bxong\b|\btrinh\b|\bnop\b|deadline"


@lru_cache(maxsize=256)
def _header(header: str) -> Header:
    said = fold(header)
    unit = {"thang": "month", "quy": "quarter", "nam": "year"}.get(said, "")
    deadline = re.search(_DEADLINE, said)
    days = re.search(r"\bso ngay|\(ngay( lam viec)?\)", said)
    steps = re.search(r"tan suat|dinh ky|chu ky|ky (bao cao|kiem tra)", said)
    return Header(bool(deadline), bool(days), unit, bool(steps))


# ---- The grammar -------------------------------------------------------------------


def _dangling(stuck: UnexpectedToken) -> Token | None:
    """The token that fits no rule: the last one taken ("ngay" with no number), or this one."""
    from lark import Token

    taken = [t for t in stuck.interactive_parser.parser_state.value_stack if isinstance(t, Token)]
    last = taken[-1] if taken and taken[-1].type not in ("WORD", "LEFT") else None
    top = stuck.interactive_parser.parser_state.value_stack[-1:]
    return last if stuck.token.type == "$END" or top == [last] else stuck.token


MOST_SET_ASIDE = 12  # tokens of a cell that fit no rule; with more it is no timing


@lru_cache(maxsize=1)
def _parser() -> Lark:
    """Build the parser on first use: it takes a tenth of a second, importing this does not."""
    from lark import Lark, Transformer, v_args

    rules = {name: staticmethod(function) for name, function in _RULES.items()}
    builder = v_args(inline=True)(type("Builder", (Transformer,), rules))
    grammar = files(__package__).joinpath("timing.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", transformer=builder())


@lru_cache(maxsize=4096)
def _parse(said: str) -> list[Element]:
    """Return the elements of a prepared text; what does not parse is words."""
    from lark.exceptions import LarkError

    for attempt in (said, said.replace("-", ","), re.sub(r"[-/]", " ", said)):
        try:
            elements: Any = _parser().parse(attempt)  # the transformer's, not a tree
            return list(elements)
        except LarkError:
            continue
    return _parse_around(re.sub(r"[-/](?!\d)", " ", said))


def _parse_around(said: str) -> list[Element]:
    """Set aside, one by one, the tokens no rule can take; they are asked about as words."""
    from lark.exceptions import LarkError, UnexpectedToken

    for _ in range(MOST_SET_ASIDE):
        try:
            elements: Any = _parser().parse(said)
            return list(elements)
        except UnexpectedToken as stuck:
            token = _dangling(stuck)
            if token is None or token.start_pos is None:
                break
            left, at = "".join(token.split()), token.start_pos
            said = f"{said[:at]} §{left} {said[at + len(token) :]}"
        except LarkError:
            break
    return [Words(said.replace("§", ""))]


def _numbers(tokens: tuple[Any, ...]) -> list[int]:
    return [int(n) for t in tokens if isinstance(t, str) for n in re.findall(r"\d+", t)]


def _year(numbers: list[int], at: int) -> int:
    """The number at `at` as a year: 0 where there is none, 2020 for "20"."""
    year = numbers[at] if len(numbers) > at else 0
    return year + 2000 if 0 < year < 100 else year


def _day(first: Token, *others: Token | None) -> Point:
    numbers = _numbers((first, *others))
    return Point("day", numbers[0], numbers[1], _year(numbers, 2), first.type != "NGAY")


def _point(unit: str, bare: bool = False) -> Any:
    def make_point(*tokens: Token | None) -> Point:
        numbers = _numbers(tokens)
        return Point(unit, numbers[0], year=_year(numbers, 1), bare=bare)

    return make_point


def _months_of_year(*tokens: Token | None) -> Point:
    numbers = _numbers(tokens)
    which = str(tokens[2])[:4].rstrip()
    return Point("months", numbers[0], year=_year(numbers, 1), which=which)


def _part(which: Token, of: Any) -> Point:
    said = str(which).split()
    ten = {"thuong": "dau", "trung": "giua", "ha": "cuoi"}.get(said[0])
    if ten:
        return Point("part", which=f"{ten}", of=of, n=10)
    return Point("part", which=" ".join(said) if said[0] == "nua" else said[0], of=of)


def _part_of_unit(which: Token, unit: Token) -> Span | Cycle | Point:
    if unit.type == "NAM":
        return _part(which, Point("year"))
    return Point("part of " + ("month" if unit.type == "THANG" else "quarter"), which=str(which))


def _month_of_quarter(_thang: Token, which: Token, quarter: Point) -> Point:
    return Point("part", which="dau" if which.type == "DAU" else "cuoi", of=quarter, n=10)


def _day_of_quarter(_ngay: Token, n: Token, _t: Token, which: Token, quarter: Point) -> Point:
    month = 3 * quarter.n - (2 if which.type == "DAU" else 0)
    return Point("day", int(n), month, quarter.year)


def _months_of_quarters(_thang: Token, which: Token, *_: Token) -> Cycle:
    return Cycle(Every.QUARTER, due="month", which="dau" if which.type == "DAU" else "cuoi")


def _week_of_months(_tuan: Token, n: Token, *_: Token) -> Cycle:
    """ "Tuần đầu của tháng" ends on the 7th; a person confirms."""
    day = 31 if n.type == "CUOI" else 7 * int(n) if n.type == "INT" else 7
    return Cycle(Every.MONTH, day=min(day, 31), due="first", unsure=True)


def _week(_tuan: Token, n: Token, month: Point) -> Point:
    if n.type == "INT":
        return Point("week", int(n), of=month)
    return Point("week", 1, of=month, which="cuoi" if n.type == "CUOI" else "")


_EVERY = {1: Every.MONTH, 3: Every.QUARTER, 6: Every.HALF_YEAR, 9: Every.NINE_MONTH, 12: Every.YEAR}
_LENGTH = {"THANG": 1, "QUY": 3, "NAM": 12}
_NAMES = {"TUAN": "tuần", "THANG": "tháng", "QUY": "quý", "NAM": "năm"}


def _unit(*tokens: Token) -> Cycle:
    number = int(tokens[0]) if tokens[0].type == "INT" else 1
    unit = tokens[-1].type
    if unit == "TUAN":
        return Cycle(Every.WEEK) if number == 1 else Cycle(None, said=f"{number} tuần một lần")
    said = f"{number} {_NAMES[unit]} một lần"
    return _months(number * _LENGTH[unit], said)


def _months(length: int, said: str) -> Cycle:
    """A step of `length` months: one with a name, one that fits a year, or one to ask about."""
    every = _EVERY.get(length)
    if every:
        return Cycle(every)
    return Cycle(None, said=said, months=length if length and 12 % length == 0 else 0)


def _every(*parts: Any) -> Cycle:
    which = next((str(p).split()[0] for p in parts[:-1] if p.type in ("DAU", "GIUA")), "")
    one: Cycle = parts[-1]
    return one._replace(which=which)


def _cycle(every: Every, due: str, last: bool = False) -> Any:
    def make_cycle(*tokens: Token) -> Cycle:
        return Cycle(every, day=31 if last else int(tokens[1]), due=due)

    return make_cycle


def _times(token: Token) -> Cycle:
    """ "2 lần/năm" says how many, not when: the likely step, to be confirmed."""
    n = int(_numbers((token,))[0])
    unit = re.split(r"[ /]", str(token))[-1].upper()
    said = f"{n} lần một {_NAMES[unit]}"
    months = _LENGTH.get(unit, 0)
    if n and months and months % n == 0:
        return _months(months // n, said)._replace(said=said, unsure=True)
    return Cycle(_EVERY.get(months, Every.WEEK), said=said, unsure=True, uneven=n > 1)


_RULES: dict[str, Any] = {
    "start": lambda *elements: elements,
    "span": lambda first, _to=None, last=None: Span(first, last),
    "mark": lambda token: Mark(token.type, str(token)),
    "words": lambda *words: Words(" ".join(words)),
    "day": _day,
    "day_alone": _point("day alone"),
    "month": _point("month"),
    "month_alone": _point("month", bare=True),
    "month_short_year": _point("month"),
    "quarter": _point("quarter"),
    "months_of_year": _months_of_year,
    "year": lambda token: Point("year", year=_numbers((token,))[0]),
    "this_year": lambda _token: Point("year"),
    "next_year": lambda *_tokens: Point("year", n=1),
    "last_year": lambda _token: Point("year", n=-1),
    "number": _point("number", bare=True),
    "part": _part,
    "part_of_unit": _part_of_unit,
    "last_day": lambda _ngay, _cuoi, of: Point("part", which="last day", of=of),
    "week": _week,
    "month_of_quarter": _month_of_quarter,
    "day_of_quarter": _day_of_quarter,
    "month_of_year": lambda _thang, which, of: _part(
        which, of if isinstance(of, Point) else Point("year")
    ),
    "month_of_quarters": _months_of_quarters,
    "week_of_months": _week_of_months,
    "unit": _unit,
    "every": _every,
    "unit_alone": lambda unit: unit._replace(loose=True),
    "times": _times,
    "day_of_month": _cycle(Every.MONTH, "first"),
    "day_of_next_month": _cycle(Every.MONTH, "next"),
    "day_of_last": lambda *t: _cycle(Every.QUARTER, "last")(*t)._replace(unsure=True),
    "day_of_last_month": _cycle(Every.QUARTER, "last"),
    "day_of_first_month": _cycle(Every.QUARTER, "first"),
    "day_of_next_quarter": _cycle(Every.QUARTER, "next"),
    "last_day_of_month": _cycle(Every.MONTH, "first", last=True),
    "last_day_of_next_month": _cycle(Every.MONTH, "next", last=True),
    "last_day_of_quarter": _cycle(Every.QUARTER, "last", last=True),
    "last_day_of_first_month": _cycle(Every.QUARTER, "first", last=True),
    "last_day_of_next_quarter": _cycle(Every.QUARTER, "next", last=True),
    "last_day_of_year": _cycle(Every.YEAR, "last", last=True),
}
