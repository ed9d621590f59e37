"""What must hold for any timing phrase, whole or damaged: composed and broken by hypothesis."""

from __future__ import annotations

import itertools
import json
import time
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from datetime import date

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntm_workflow.appendix.model import Every, Kind, Reading, Window
from ntm_workflow.appendix.timing import canonical, describe, read
from ntm_workflow.appendix.timing_text import LONGEST
from ntm_workflow.commands.explain import explain

ROMAN = ("", "I", "II", "III", "IV")
YEAR = st.integers(2011, 2030)
MONTH = st.integers(1, 12)
QUARTER = st.integers(1, 4)
DAY_AND_MONTH = st.dates(date(2024, 1, 1), date(2024, 12, 31)).filter(lambda d: d.day < 29)
HEADERS = st.sampled_from(
    ["", "Thời gian hoàn thành", "Thời gian thực hiện", "Tần suất", "Số ngày"]
)


def _year(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["", "/{}", " năm {}", "-{}"])).format(draw(YEAR))


@st.composite
def timings(draw: st.DrawFn) -> str:
    """One timing as an office writes it."""
    q, m, day = draw(QUARTER), draw(MONTH), draw(DAY_AND_MONTH)
    y, later = _year(draw), draw(st.integers(m, 12))
    on = f"{day.day}/{day.month}"
    return draw(
        st.sampled_from(
            [
                f"Quý {ROMAN[q]}{y}",
                f"Tháng {m}{y}",
                f"Tháng {m} đến tháng {later}{y}",
                f"Từ tháng {m} đến hết tháng {later}{y}",
                f"Trước ngày {on}",
                f"Chậm nhất ngày {on}/2025",
                f"Hoàn thành trong quý {ROMAN[q]}",
                f"Đến hết tháng {m}",
                "6 tháng đầu năm",
                f"Ngày {on}",
                f"Ngày {day.day} hàng tháng",
                f"Ngày {day.day} của tháng cuối quý",
                f"Trước ngày {day.day} của tháng liền kề",
                f"Thứ {draw(st.integers(2, 7))} hàng tuần",
                f"Tháng {m} hằng năm",
                "Hàng quý",
                "Định kỳ 6 tháng, năm",
                "Thường xuyên",
                "Đột xuất",
                "Giai đoạn 2021-2025",
            ]
        )
    )


CELLS = st.lists(timings(), min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from(["; ", ", ", "\n", " và ", "\n- "]).map(lambda s: s.join(parts))
)


def _bare(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in apart if unicodedata.category(c) != "Mn")


DAMAGES: dict[str, Callable[[str], str]] = {
    "decomposed": lambda t: unicodedata.normalize("NFD", t),
    "no marks": _bare,
    "capitals": str.upper,
    "misplaced tone": lambda t: t.replace("uý", "úy").replace("ườn", "ưòn"),
    "doubled spaces": lambda t: t.replace(" ", "  "),
    "doubled slashes": lambda t: t.replace("/", "//"),
    "broken lines": lambda t: t.replace(" ", "\n"),
    "open bracket": lambda t: f"({t}",
    "closed bracket": lambda t: f"{t})",
    "quoted": lambda t: f"“{t}”",
    "ended": lambda t: f"{t}./.",
    "numeral as OCR reads it": lambda t: t.replace("III", "lIl").replace("IV", "lV"),
    "long dashes": lambda t: t.replace("-", "–"),
    "run on": lambda t: t.replace("ngày ", "ngày").replace("Tháng ", "Tháng"),
}
DAMAGE = st.lists(st.sampled_from(sorted(DAMAGES)), max_size=3)


def _every_window(reading: Reading) -> list[Window]:
    return [*reading.windows, *(w for part in reading.parts for w in part.windows)]


def _meaning(reading: Reading) -> tuple[object, ...]:
    parts = tuple(_meaning(part) for part in reading.parts)
    return reading.kind, reading.windows, reading.every, reading.day, parts


def _due(text: str, year: int) -> list[date]:
    line = json.dumps({"id": 1, "text": text, "year": year})
    done = CliRunner().invoke(explain, ["--jsonl", "--period-rule", "calendar"], input=line)
    return [date.fromisoformat(day) for day in json.loads(done.stdout)["due_dates"]]


@settings(max_examples=600, deadline=None)
@given(CELLS, DAMAGE, st.integers(1900, 2200), HEADERS)
def test_a_damaged_cell_never_fails_and_no_window_ends_before_it_starts(
    cell: str, harms: list[str], year: int, header: str
) -> None:
    for harm in harms:
        cell = DAMAGES[harm](cell)
    reading = read(cell, year, header)
    assert describe(reading)
    for window in _every_window(reading):
        assert window.opens_on is None or window.opens_on <= window.due_on
    if reading.kind in (Kind.RELATIVE, Kind.UNREADABLE):
        assert reading.question is not None


@settings(max_examples=600, deadline=None)
@given(timings(), DAMAGE, YEAR)
def test_damage_changes_no_timing(timing: str, harms: list[str], year: int) -> None:
    whole = read(timing, year)
    assert whole.question is None, timing
    harmed = timing
    for harm in harms:
        harmed = DAMAGES[harm](harmed)
    assert _meaning(read(harmed, year)) == _meaning(whole), (timing, harmed)


@settings(max_examples=600, deadline=None)
@given(CELLS, YEAR, HEADERS)
@example("Trước ngày 1/1; Trước ngày 1/1; Định kỳ 6 tháng, năm", 2011, "")
def test_a_cell_read_without_a_question_survives_being_printed(
    cell: str, year: int, header: str
) -> None:
    reading = read(cell, year, header)
    if reading.question is None:
        again = read(canonical(reading), year)
        assert (_meaning(again), again.question) == (_meaning(reading), None), canonical(reading)


@settings(max_examples=300, deadline=None)
@given(timings(), st.text("abcđêxyz ơ?!%/.-", max_size=40), YEAR)
def test_words_beside_a_timing_never_move_its_dates_in_silence(
    timing: str, noise: str, year: int
) -> None:
    alone, beside = read(timing, year), read(f"{timing} ({noise})", year)
    if beside.question is None:
        assert _meaning(beside) == _meaning(alone), noise


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 31), st.integers(2000, 2030))
def test_a_day_of_every_month_does_not_drift_over_thirty_years(day: int, year: int) -> None:
    for later in range(year, year + 31, 5):
        due = _due(f"Ngày {day} hàng tháng", later)
        assert due == [date(later, m, min(day, monthrange(later, m)[1])) for m in range(1, 13)]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 7), st.integers(2000, 2060))
def test_a_weekday_of_every_week_is_that_weekday_once_a_week(day: int, year: int) -> None:
    due = _due(f"Thứ {day} hàng tuần", year)
    assert {d.weekday() for d in due} == {day - 2}
    assert {(b - a).days for a, b in itertools.pairwise(due)} == {7}
    assert 51 <= len(due) <= 53


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(1, 28), min_size=2, max_size=3), st.integers(2000, 2060))
def test_several_days_a_month_are_those_days_of_each_month(days: set[int], year: int) -> None:
    said = ", ".join(map(str, sorted(days)))
    reading = read(f"Ngày {said} hàng tháng", year)
    assert (reading.kind, reading.every) == (Kind.PERIODIC, (Every.MONTH,))
    assert [w.due_on for w in reading.windows] == [
        date(year, m, d) for m in range(1, 13) for d in sorted(days)
    ]
    assert len({w.period for w in reading.windows}) == len(reading.windows)


@given(MONTH, MONTH, YEAR)
def test_every_month_of_a_span_is_one_window_for_each_of_its_months(
    first: int, last: int, year: int
) -> None:
    first, last = sorted((first, last))
    reading = read(f"Hàng tháng từ tháng {first} đến tháng {last}", year)
    assert reading.question is None
    assert [w.period for w in reading.windows] == [
        f"{year}-{m:02d}" for m in range(first, last + 1)
    ]


@pytest.mark.parametrize("length", [2, 4])
def test_every_few_months_divides_the_year(length: int) -> None:
    due = _due(f"{length} tháng một lần", 2024)
    assert [d.month for d in due] == list(range(length, 13, length))


PIECES = (
    "1", "1/", "12 ", "Tháng 1, ", "ngày ", "theo yêu cầu của ", "khi có ", "(", "- ", "a) ",
    "ngày 1/1 đến ", "§", "thứ 2 ", "1%", "0 ", "Quyết định số 1/QĐ ngày 1/1/2020 ", "hàng ",
)  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_no_cell_takes_long(piece: str) -> None:
    start = time.process_time()
    read((piece * LONGEST)[:LONGEST], 2020)
    assert time.process_time() - start < 3
    start = time.process_time()
    assert read(piece * 100_000, 2020).rule == "too-long"
    assert time.process_time() - start < 0.1
