"""What the tables of a file show by themselves, in plans that are not the reference."""

from __future__ import annotations

import pytest

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Finding, Quote
from tests.conftest import ROOT

FILE = (ROOT / "config" / "appendix.toml").read_text("utf-8").partition("[[finding]]")[0]


def findings(*changes: tuple[str, str]) -> list[Finding]:
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return list(toml_file.parse(text.encode()).findings)


def only(code: str, *changes: tuple[str, str]) -> list[Finding]:
    return [one for one in findings(*changes) if one.code == code]


def test_a_row_without_a_directing_body_is_open_where_the_others_have_one() -> None:
    assert only("row.no_directing") == []
    row = 'id = "II.1"\ncontent = "Phân bổ kế hoạch vốn thực hiện Chương trình năm 2020"\n'
    [one] = only("row.no_directing", (row + 'directing = "UBND huyện"\n', row))
    assert (one.where, one.quotes[0].place) == ("II.1", "dòng II.1")


def test_nobody_is_above_a_plan_of_the_province() -> None:
    province = (('level = "district"                     #', 'level = "province"  #'),)
    assert {one.where for one in only("role.above")} == {"V.1", "V.2"}
    assert only("role.above", *province) == []


def test_a_higher_body_that_directs_or_coordinates_is_normal() -> None:
    cells = 'directing = "BCĐ tỉnh"\nimplementing = "VPĐP tỉnh"\ncoordinating = "BCĐ cấp huyện, xã"'
    other = 'directing = "BCĐ tỉnh"\nimplementing = "VPĐP huyện"\ncoordinating = "VPĐP tỉnh"'
    assert [one.where for one in only("role.above", (cells, other))] == ["V.1"]


@pytest.mark.parametrize(
    ("old", "new", "code", "places"),
    [
        ('percent = "94%"', 'percent = "96%"', "target.percent_wrong",
         ["phần I.2, tiêu chí 19"]),
        ("criterion = 18\n", "criterion = 20\n", "line.no_target", ["dòng TC18"]),
        ('implementing = "Xã Chiêu Vũ"', 'implementing = "Xã Chiêu Vũ, Vũ Lễ, Tân Tri"',
         "criteria.count", ["dòng TC02", "dòng TC02"]),
        ('name = "Thu nhập"\nadded = 1', 'name = "Thu nhập"\nadded = 3', "target.differs",
         ["phần I.2, tiêu chí 10", "dòng TC10"]),
    ],
)  # fmt: skip
def test_each_side_of_a_contradiction_is_quoted_at_its_place(
    old: str, new: str, code: str, places: list[str]
) -> None:
    before = len(only(code))
    found = only(code, (old, new))
    assert len(found) == before + 1
    assert places in [[quote.place for quote in one.quotes] for one in found]


def test_the_total_is_compared_with_counts_names_and_targets() -> None:
    [one] = only("criteria.total_targets")
    assert one.data == {"total": 18, "named": 17, "counted": 18, "added": 18}
    without = FILE.partition("[[target]]")[0]
    [one] = [f for f in toml_file.parse(without.encode()).findings if f.where == "criteria"
             and f.code.startswith("criteria.total")]  # fmt: skip
    assert (one.code, one.quotes) == ("criteria.total", (Quote("biểu tiêu chí", "18"),))
    assert only("criteria.total_targets", ("total = 18 ", "total = 17 ")) == []


def test_offices_printed_with_other_spaces_or_capitals_are_printed_one_way() -> None:
    assert "Phòng TC - KH" in FILE  # and "Phòng TC-KH"
    assert {one.where for one in only("name.forms")} == {"II.2", "V.1", "TC06"}
