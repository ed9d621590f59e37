"""Claims about splitting body cells: cells of real plans, and any text at all."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntm_workflow.appendix.body_cells import Piece, Split, pieces, split
from ntm_workflow.appendix.body_words import tokens
from ntm_workflow.appendix.text import fold

# The second file was written before the splitter read it; docs/reading.md has the figures.
CELLS = [
    line.split("\t")
    for name in ("body_cells.tsv", "body_cells_independent.tsv")
    for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()[1:]
]
# What stands between two names without being part of either.
JOINING = {fold(word) for word in ("và", "cùng", "với", "hoặc", "kết", "hợp")}
# "UBND các xã Tân Lập, Vũ Lễ", "17 xã: …": said once of all, gone when each is named.
PLURAL = {fold(word) for word in ("các", "những", "từng", "mỗi", "mọi", "tất", "cả", "một", "số")}
PLURAL |= {fold(word) for word in ("toàn", "thể", "bộ")}


def listed(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split(" | ")))


def words(text: str) -> set[str]:
    return {token.key for token in tokens(text) if token.word}


def unsaid(piece: Piece) -> set[str]:
    """The words of a body's piece that are in none of its names."""
    said = {word for name in piece.names for word in words(name)}
    return {word for word in words(piece.text) - said - JOINING - PLURAL if not word.isdigit()}


@pytest.mark.parametrize(("text", "bodies", "collective", "source"), CELLS)
def test_a_cell_names_these_bodies(text: str, bodies: str, collective: str, source: str) -> None:
    found = split(text.replace("\\n", "\n"))
    assert (found.bodies, found.collective) == (listed(bodies), listed(collective)), source


CLASSES = sorted({name for *_, collective, _ in CELLS for name in listed(collective)})
SINGLE = sorted({name for _, bodies, *_ in CELLS for name in listed(bodies)} - set(CLASSES))
NAMES = [name for name in SINGLE if "," not in name and name[0].isupper()]
# Names that stand alone: split gives them back whatever stands beside them.
WHOLE = [
    name
    for name in NAMES
    if name.startswith(("Sở ", "Phòng ", "Bộ ", "UBND ", "Hội ", "Công an ", "Văn phòng "))
    and fold(name).split()[-1] in {"tinh", "huyen", "xa"} | {"vu", "phap", "ptnt", "tai", "thuong"}
]


@pytest.mark.parametrize("name", SINGLE)
def test_a_listed_name_is_split_into_itself(name: str) -> None:
    assert split(name) == Split((name,), ())


@pytest.mark.parametrize("name", CLASSES)
def test_a_listed_class_is_split_into_itself(name: str) -> None:
    assert split(name) == Split((name,), (name,))


@pytest.mark.parametrize("text", [text.replace("\\n", "\n") for text, *_ in CELLS])
def test_names_are_listed_in_the_order_in_which_the_cell_has_them(text: str) -> None:
    printed = dict.fromkeys(name for piece in pieces(text) for name in piece.names if name)
    assert split(text).bodies == tuple(printed)


@pytest.mark.parametrize("text", [text.replace("\\n", "\n") for text, *_ in CELLS])
def test_a_cell_in_nfd_gives_the_same_bodies(text: str) -> None:
    assert split(unicodedata.normalize("NFD", text)) == split(text)


@pytest.mark.parametrize("text", [text.replace("\\n", "\n") for text, *_ in CELLS])
def test_doubled_spaces_and_trailing_signs_give_the_same_bodies(text: str) -> None:
    assert split(f"  {text.replace(' ', '  ')} ;, ").bodies == split(text).bodies


def bare(text: str) -> str:
    """The text as typed without a Vietnamese keyboard."""
    marks = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in marks if unicodedata.category(c) != "Mn")


@pytest.mark.parametrize("damage", [bare, str.upper, str.lower])
def test_nearly_every_cell_without_marks_or_capitals_gives_the_same_bodies(
    damage: Callable[[str], str],
) -> None:
    """Some cannot: without marks "đối" is "đội", without capitals no commune shows as a name."""
    read = [
        [fold(name) for name in split(damage(text.replace("\\n", "\n"))).bodies]
        == [fold(name) for name in listed(bodies)]
        for text, bodies, *_ in CELLS
    ]
    assert sum(read) / len(read) > 0.98


@pytest.mark.parametrize("text", [text.replace("\\n", "\n") for text, *_ in CELLS])
def test_every_letter_of_a_cell_is_in_a_body_a_remark_or_a_joining_word(text: str) -> None:
    assert "".join(piece.text for piece in pieces(text)) == unicodedata.normalize("NFC", text)
    for piece in pieces(text):
        if piece.kind == "separator":
            assert words(piece.text) <= JOINING
        if piece.kind == "body":
            assert not unsaid(piece)


SIGNS = st.sampled_from([", ", "; ", " và ", "\n", " - ", "/", ":", " (", ") ", " & ", " ", "."])
WORDS = st.sampled_from(
    [
        *NAMES,
        "Các sở, ban, ngành",
        "các",
        "cấp",
        "xã",
        "huyện",
        "tỉnh",
        "Sở",
        "Phòng",
        "UBND",
        "thành phố",
        "Tân Lập",
        "chủ trì",
        "phối hợp với",
        "Tài chính",
        "và",
        "1.",
        "đ/c",
        "Hội",
        "thành viên",
        "Huyện ủy",
        "BCD",
        "liên quan",
        "17",
        "NTM",
        "TT&TT",
        "v.v",
    ]
)
SOUP = st.lists(st.tuples(WORDS, SIGNS), max_size=14).map(
    lambda parts: "".join(word + sign for word, sign in parts)
)


@settings(max_examples=250, deadline=2000)
@given(st.one_of(st.text(max_size=200), SOUP))
def test_any_text_is_split_and_every_letter_accounted_for(text: str) -> None:
    found = split(text)
    assert split(text) == found
    assert set(found.collective) <= set(found.bodies)
    assert len(set(found.bodies)) == len(found.bodies)
    taken = pieces(text)
    assert "".join(piece.text for piece in taken) == unicodedata.normalize("NFC", text)
    for piece in taken:
        if piece.kind == "separator":
            assert words(piece.text) <= JOINING


@settings(max_examples=150, deadline=2000)
@given(SOUP)
@example("đ/c (")
@example("Đồng chí ( ), VPĐP")
def test_the_words_of_a_body_are_in_its_names(text: str) -> None:
    for piece in pieces(text):
        if piece.kind == "body":
            assert not unsaid(piece), piece


@settings(max_examples=100, deadline=2000)
@given(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=6, unique=True))
def test_names_that_are_whole_come_back_from_a_list_of_them(names: list[str]) -> None:
    assert split("; ".join(names)).bodies == tuple(names)
    assert split("\n".join(f"- {name}" for name in names)).bodies == tuple(names)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000,
        "Sở " * 3000,
        "và " * 3000,
        "xã, " * 3000,
        "- " * 3000,
        "(a) " * 3000,
        "Các sở, " * 2000,
        "Sở Tài chính và " * 1500,
        "UBND xã A, B " * 1500,
        "x" * 50_000,
    ],
)
def test_a_hostile_cell_takes_bounded_time(text: str) -> None:
    started = time.process_time()
    split(text)
    assert time.process_time() - started < 2


def test_a_cell_of_100_kilobytes_takes_bounded_time() -> None:
    one = "UBND các xã, thị trấn; Sở Tài chính, Nội vụ và Phòng Văn hóa - Xã hội (chủ trì)\n"
    started = time.process_time()
    found = split(one * (100_000 // len(one.encode()) + 1))
    assert time.process_time() - started < 5
    assert found == split(one)


def test_a_bracket_that_names_a_body_is_a_name_and_any_other_is_a_remark() -> None:
    assert split("Sở Y tế (nhiệm vụ KH&CN, môi trường)").bodies == ("Sở Y tế",)
    assert split("Sở Y tế (qua Chi cục Dân số)").bodies == ("Sở Y tế", "Chi cục Dân số")
    assert split("Chi cục Dân số (Sở Y tế)").bodies == ("Chi cục Dân số",)


def test_a_place_after_a_smaller_place_says_where_it_lies() -> None:
    assert split("Thôn Nà Lùng, xã Tân Lập").bodies == ("Thôn Nà Lùng, xã Tân Lập",)
    assert split("UBND xã Tân Lập và UBND huyện").bodies == ("UBND xã Tân Lập", "UBND huyện")
    assert split("UBND xã Tân Lập, xã Vũ Lễ").bodies == ("UBND xã Tân Lập", "UBND xã Vũ Lễ")
