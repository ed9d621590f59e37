"""Folding and sorting Vietnamese text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntm_workflow.appendix.text import fold, nfc, sort_key


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Đồng Ý", "dong y"),
        ("Ðồng Ý", "dong y"),  # eth, U+00D0
        ("hoà", "hoa"),
        ("Hòa", "hoa"),
        ("  Quý \n II ", "quy ii"),
        ("QUÝ\u00a0II", "quy ii"),
        ("Thường\u200b xuyên", "thuong xuyen"),
        ("\uff11\uff12", "12"),
        ("ƯỚC", "uoc"),
        ("", ""),
    ],
)
def test_fold_ignores_case_marks_spacing_and_the_bar_of_d(written: str, compared: str) -> None:
    assert fold(written) == compared


def test_nfc_joins_what_a_file_name_took_apart() -> None:
    assert nfc(unicodedata.normalize("NFD", "Tân Lập")) == "Tân Lập"


def test_sorting_follows_the_vietnamese_alphabet_and_not_the_code_points() -> None:
    letters = list("aăâbcdđeêghiklmnoôơpqrstuưvxy")
    assert sorted(set(letters), key=sort_key) == letters


def test_the_communes_of_bac_son_sort_as_a_clerk_lists_them() -> None:
    names = ["Vũ Lễ", "Đồng Ý", "Bắc Quỳnh", "Chiêu Vũ", "Vạn Thủy", "Chiến Thắng", "Tân Tri"]
    assert sorted(names, key=sort_key) == [
        "Bắc Quỳnh",
        "Chiến Thắng",
        "Chiêu Vũ",
        "Đồng Ý",
        "Tân Tri",
        "Vạn Thủy",
        "Vũ Lễ",
    ]


def test_tones_break_ties_in_dictionary_order() -> None:
    words = ["ma", "mà", "mả", "mã", "má", "mạ"]
    assert sorted(set(words), key=sort_key) == words


def test_where_the_tone_is_written_in_its_syllable_does_not_move_a_word() -> None:
    assert sorted(["Hòa Bình", "Hoà An"], key=sort_key) == ["Hoà An", "Hòa Bình"]
    assert sort_key("Hoà")[:2] == sort_key("Hòa")[:2]


def test_a_shorter_word_stands_before_the_words_that_begin_with_it() -> None:
    assert sorted(["Tân Lập", "Tâng", "Tân"], key=sort_key) == ["Tân", "Tân Lập", "Tâng"]


def test_numbered_wards_sort_by_their_numbers() -> None:
    wards = ["Phường", "Phường 1", "Phường 2", "Phường 2A", "Phường 10", "Phường 100", "Phường An"]
    assert sorted(sorted(wards, reverse=True), key=sort_key) == wards
    assert sort_key("Phường 02")[:2] == sort_key("Phường 2")[:2]


@given(st.text())
def test_folding_twice_changes_nothing(s: str) -> None:
    assert fold(fold(s)) == fold(s)


@given(st.text(alphabet="ĐđÐaăâÁẠằoôơỌỢ uưý ZzNn"))
def test_folding_and_sorting_do_not_see_the_unicode_form(s: str) -> None:
    apart = unicodedata.normalize("NFD", s)
    assert fold(apart) == fold(s)
    assert sort_key(apart) == sort_key(s)
