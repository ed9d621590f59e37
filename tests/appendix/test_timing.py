"""How timing texts are read: a phrase set, and what must hold for any text at all."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntm_workflow.appendix.model import Every, Kind, Reading, Window
from ntm_workflow.appendix.text import fold
from ntm_workflow.appendix.timing import canonical, describe, read
from ntm_workflow.texts import speaking


class Phrase(NamedTuple):
    text: str
    year: int
    header: str
    kind: str
    windows: str
    every: str
    asks: bool


def _phrases() -> list[Phrase]:
    lines = Path(__file__).with_name("timing_phrases.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    return [
        Phrase(r[0].replace("\\n", "\n"), int(r[1]), r[2], r[3], r[4], r[5], r[6] == "yes")
        for r in rows
    ]


def _named(phrases: Iterable[Phrase]) -> list[Any]:
    """Parameters of a test, each called by its phrase."""
    return [pytest.param(p, id=f"{p.text or 'empty'}@{p.header or p.year}") for p in phrases]


PHRASES = _phrases()
BY_NAME = _named(PHRASES)
DATED = [p for p in PHRASES if p.kind not in ("relative", "unreadable")]


def _shown(window: Window) -> str:
    return f"{window.opens_on or '-'}..{window.due_on}"


def _steps(reading: Reading) -> str:
    if reading.parts:
        return "+".join(part.kind for part in reading.parts)
    return ",".join(reading.every) + (f"@{reading.day}" if reading.day else "")


def _meaning(reading: Reading) -> tuple[object, ...]:
    parts = tuple(_meaning(part) for part in reading.parts)
    return reading.kind, reading.windows, reading.every, reading.day, parts


def _every_window(reading: Reading) -> list[Window]:
    return [*reading.windows, *(w for part in reading.parts for w in part.windows)]


@pytest.mark.parametrize("phrase", BY_NAME)
def test_a_phrase_reads_as_a_clerk_reads_it(phrase: Phrase) -> None:
    reading = read(phrase.text, phrase.year, phrase.header)
    got = (reading.kind, "; ".join(map(_shown, reading.windows)), _steps(reading))
    assert got == (phrase.kind, phrase.windows, phrase.every)
    assert (reading.question is not None) is phrase.asks
    assert (reading.text, reading.year) == (phrase.text, phrase.year)


# ---- Damage --------------------------------------------------------------------------


def _without_marks(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in apart if unicodedata.category(c) != "Mn")


DAMAGE: dict[str, Callable[[str], str]] = {
    "nfd": lambda t: unicodedata.normalize("NFD", t),
    "capitals": str.upper,
    "small letters": str.lower,
    "wide spaces": lambda t: f"  {t.replace(' ', '  ')} ",
    "hard spaces": lambda t: t.replace(" ", "\u00a0"),
    "broken lines": lambda t: t.replace(" ", "\n"),
    "full stop": lambda t: f"{t}.",
    "open bracket": lambda t: f"({t}",
    "no marks": _without_marks,
    "doubled slashes": lambda t: t.replace("/", "//"),
    "hằng": lambda t: t.replace("Hàng", "Hằng").replace("hàng", "hằng"),
    "long dashes": lambda t: t.replace("-", "–"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_usual_damage_changes_no_reading(damage: str) -> None:
    for phrase in DATED:
        if "\n-" in phrase.text or (damage == "no marks" and "á tháng" in phrase.text):
            continue
        whole = read(phrase.text, phrase.year, phrase.header)
        harmed = read(DAMAGE[damage](phrase.text), phrase.year, phrase.header)
        assert _meaning(harmed) == _meaning(whole), (damage, phrase.text)


# ---- Saying it again -------------------------------------------------------------------


@pytest.mark.parametrize("phrase", BY_NAME)
def test_reading_a_printed_reading_gives_the_same_reading(phrase: Phrase) -> None:
    reading = read(phrase.text, phrase.year, phrase.header)
    if reading.kind is not Kind.UNREADABLE:
        assert _meaning(read(canonical(reading), phrase.year)) == _meaning(reading)


@pytest.mark.parametrize("phrase", BY_NAME)
def test_every_choice_on_offer_can_itself_be_read(phrase: Phrase) -> None:
    question = read(phrase.text, phrase.year, phrase.header).question
    for choice in question.choices if question else ():
        assert read(choice, phrase.year).kind is not Kind.UNREADABLE, choice


def test_a_condition_beside_a_date_is_asked_about_and_the_date_offered() -> None:
    reading = read("Quý III/2021 (sau khi có hướng dẫn của Bộ)", 2020)
    assert [w.period for w in reading.windows] == ["2021-Q3"]
    assert reading.question
    assert reading.question.choices == ("Quý III/2021",)


def test_describe_counts_the_windows_and_names_them() -> None:
    said = describe(read("Tháng 6, 10", 2020))
    assert said == "Hai kỳ: tháng 6/2020 và tháng 10/2020"


# ---- What particular readings promise ----------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "period"),
    [
        (("Quý II", "quý 2/2020", "Q2", "Quý ll năm 2020"), "2020-Q2"),
        (("Tháng 6", "T6", "6/2020", "tháng 06 năm 2020", "Hoàn thành trong tháng 6"), "2020-06"),
        (("6 tháng đầu năm", "Nửa đầu năm 2020"), "2020-H1"),
        (("9 tháng đầu năm",), "2020-9M"),
        (("Năm 2020", "Trong năm", "2020"), "2020"),
        (("Tháng 4-6", "Từ tháng 4 đến tháng 6/2020", "4-6/2020"), "2020-04..2020-06"),
        (("Quý II-IV", "Từ quý II đến hết quý IV"), "2020-Q2..2020-Q4"),
        (("Trước ngày 15/12", "Chậm nhất ngày 14/12/2020"), "2020-12-14"),
    ],
)
def test_a_period_has_one_name_however_it_is_written(texts: tuple[str, ...], period: str) -> None:
    assert {read(text, 2020).windows[0].period for text in texts} == {period}


def test_a_year_that_is_not_the_plans_is_honoured_and_reported() -> None:
    reading = read("Quý I/2021", 2020)
    assert reading.windows[0].due_on == date(2021, 3, 31)
    assert reading.other_years == (2021,)


def test_a_misspelt_month_offers_the_month_it_is_nearest_to() -> None:
    reading = read("Thág 6, 10", 2020)
    assert reading.kind is Kind.UNREADABLE
    assert reading.question
    assert reading.question.choices == ("Tháng 6, 10",)


def test_the_date_of_a_cited_document_is_no_deadline() -> None:
    reading = read("Theo Quyết định số 1441/QĐ-UBND ngày 25/9/2025", 2025)
    assert reading.windows == ()
    assert reading.question is not None


def test_words_around_a_timing_are_quoted_in_the_question() -> None:
    reading = read("Quý II tại hội trường", 2020)
    assert reading.kind is Kind.WINDOW
    assert reading.question
    assert "hội trường" in reading.question.text


@pytest.mark.parametrize("phrase", _named(p for p in PHRASES if p.asks))
def test_a_question_is_asked_in_the_language_of_who_reads_it_and_quotes_the_paper(
    phrase: Phrase,
) -> None:
    question = read(phrase.text, phrase.year, phrase.header).question
    assert question
    with speaking("en"):
        english = question.text
    assert english != question.text
    assert re.sub(r"“[^”]*”", "", english).isascii(), english


def test_a_page_pasted_into_a_cell_is_unreadable() -> None:
    assert read("Quý II " * 1000, 2020).rule == "too-long"


def test_a_reading_in_a_year_no_plan_has_is_a_question() -> None:
    assert read("Quý II", 0).kind is Kind.UNREADABLE


# ---- Any text at all -----------------------------------------------------------------------

PIECES = (
    "quý", "Quý II", "III", "tháng", "Tháng 6", "T9", "10", "31", "30/2", "15/12", "1/1/2021",
    "6/2020", "năm", "năm 2021", "2020", "năm sau", "6 tháng đầu năm", "6 tháng", "tuần 2", "ngày",
    "ngày 25", "hàng", "hàng tháng", "hằng quý", "định kỳ", "thường xuyên", "đột xuất", "trước",
    "chậm nhất", "hoàn thành", "từ", "đến", "đến hết", "sau", "sau khi", "cuối", "đầu", "giữa",
    "tháng cuối quý", "liền kề", "của", "trong", "và", "hoặc", ",", ";", "-", "–", "/", "(", ")",
    ":", ".", "\n", "17h", "10 ngày", "Quyết định số 12/QĐ-UBND ngày 1/2/2020", "âm lịch", "xã",
    "mỗi", "lần/quý", "2 lần/năm", "lần 1:", "ngày cuối", "tháng sau", "theo quy định", "Thág",
)  # fmt: skip
YEARS = st.integers(min_value=1900, max_value=2200)
HEADERS = st.sampled_from(["", "Thời gian hoàn thành", "Số ngày", "Tháng", "Quý", "Thời gian"])
COMPOSED = st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join)


@settings(max_examples=1500, deadline=None)
@given(st.one_of(COMPOSED, st.text(max_size=80)), YEARS, HEADERS)
@example("٣ tháng ²", 2020, "")
def test_no_text_raises_and_no_window_ends_before_it_starts(
    text: str, year: int, header: str
) -> None:
    reading = read(text, year, header)
    assert reading.text == text
    assert describe(reading)
    assert isinstance(canonical(reading), str)
    for window in _every_window(reading):
        assert window.opens_on is None or window.opens_on <= window.due_on
    if reading.kind in (Kind.RELATIVE, Kind.UNREADABLE):
        assert reading.question is not None


@settings(max_examples=1500, deadline=None)
@given(COMPOSED, st.integers(min_value=2000, max_value=2040), HEADERS)
def test_a_reading_without_a_question_survives_being_printed(
    text: str, year: int, header: str
) -> None:
    reading = read(text, year, header)
    if reading.question is None:
        again = read(canonical(reading), year)
        assert _meaning(again) == _meaning(reading)
        assert again.question is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.sampled_from(PIECES))
def test_reading_sees_neither_case_nor_unicode_form(noise: str, piece: str) -> None:
    text = unicodedata.normalize("NFC", f"{piece} {noise}")
    apart = unicodedata.normalize("NFD", text)
    assert _meaning(read(apart, 2020)) == _meaning(read(text, 2020))


@given(st.integers(min_value=1, max_value=12), st.integers(min_value=2000, max_value=2030))
def test_months_never_drift_over_thirty_years(month: int, year: int) -> None:
    for later in range(year, year + 31):
        (window,) = read(f"Tháng {month}", later).windows
        assert window.opens_on == date(later, month, 1)
        assert window.due_on == date(later, month, monthrange(later, month)[1])


@given(st.integers(min_value=1, max_value=31), st.integers(min_value=2000, max_value=2060))
def test_a_day_of_the_last_month_of_the_quarter_stays_in_that_month(day: int, year: int) -> None:
    reading = read(f"Ngày {day} của tháng cuối quý", year)
    assert [w.due_on.month for w in reading.windows] == [3, 6, 9, 12]
    assert reading.every == (Every.QUARTER,)
    assert [w.due_on.day for w in reading.windows] == [min(day, d) for d in (31, 30, 30, 31)]


@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)))
def test_before_a_day_ends_on_the_day_before_it(day: date) -> None:
    (window,) = read(f"Trước ngày {day.day}/{day.month}/{day.year}", 2020).windows
    assert (day - window.due_on).days == 1
    assert window.opens_on is None


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PHRASES), st.integers(0, 40), st.sampled_from("xq!?%1/-\u0301\u200b"))
def test_one_stray_character_never_makes_a_reading_fail(
    phrase: Phrase, place: int, stray: str
) -> None:
    reading = read(phrase.text[:place] + stray + phrase.text[place:], phrase.year)
    assert isinstance(reading, Reading)
    assert replace(reading, text="") == replace(read(reading.text, phrase.year), text="")


def test_the_phrase_set_is_large_and_has_every_kind() -> None:
    assert len(PHRASES) >= 150
    assert {p.kind for p in PHRASES} == {kind.value for kind in Kind}
    assert len({(fold(p.text), p.text, p.header, p.year) for p in PHRASES}) == len(PHRASES)
