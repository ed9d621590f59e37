"""Workbooks: cells as Excel shows them."""

from __future__ import annotations

from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from ntm_workflow.appendix.importers import excel_format, files
from tests.importers import makers
from tests.importers.conftest import Make
from tests.importers.makers import with_part

HEAD = ["TT", "Nội dung công việc", "Chủ trì", "Phối hợp", "Thời gian"]


def shown(value: Any, form: str) -> str:
    return files.read(makers.sheet_of([[value]], {(1, 1): form})).tables[0].cells[0].text


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (makers.day(2020, 6), '"Tháng "m/yyyy', "Tháng 6/2020"),
        (makers.day(2020, 6), r"\T\h\á\n\g m", "Tháng 6"),
        (makers.day(2020, 6, 30), "dd/mm/yyyy", "30/06/2020"),
        (makers.day(2020, 6, 5), "d/m/yyyy", "5/6/2020"),
        (makers.day(2020, 6, 5), "mm-dd-yy", "05/06/2020"),  # number 14: the computer's own
        (makers.day(2020, 6, 5), "[$-1010000]d/m/yyyy;@", "5/6/2020"),
        (makers.day(2020, 6), '"Trước ngày "dd"/"mm', "Trước ngày 01/06"),
        (makers.day(2020, 6), "[$-42A]mmm-yy", "Thg6-20"),
        (makers.day(2020, 6), "mmm-yy", "Jun-20"),
        (makers.day(2020, 6), "yyyy", "2020"),
        (6, '"Tháng "0', "Tháng 6"),
        (2, '"Quý "0', "Quý 2"),
        (6, "General", "6"),
        (0.52, "0%", "52%"),
        (0.471, "0.0%", "47,1%"),
        (222500, "#,##0", "222.500"),
        (1, "00", "01"),
        (0.5, "General", "0,5"),
        (-3, "0;(0)", "(3)"),
        (7, "@", "7"),
    ],
)
def test_a_number_is_read_as_its_format_shows_it(value: Any, form: str, text: str) -> None:
    assert shown(value, form) == text


def test_the_day_that_never_was_moves_no_date() -> None:
    assert excel_format.day(59) == "1900-02-28"
    assert excel_format.day(61) == "1900-03-01"
    assert excel_format.day(43983) == "2020-06-01"
    assert excel_format.day(43983 - 1462, from_1904=True) == "2020-06-01"


def test_formatted_dates_are_timings_of_the_draft(make: Make) -> None:
    rows: list[list[Any]]
    rows = [HEAD, ["I", "Kiểm tra"], [1, "Đợt một", "VPĐP huyện", None, makers.day(2020, 6)],
            [2, "Đợt hai", "VPĐP huyện", None, makers.day(2020, 12, 14)]]  # fmt: skip
    made = make(makers.sheet_of(rows, {(3, 5): '"Tháng "m/yyyy', (4, 5): "dd/mm/yyyy"}))
    assert [row.timing for row in made.found.draft.rows] == ["Tháng 6/2020", "14/12/2020"]


def test_dates_that_libreoffice_formatted_are_timings_too(make: Make) -> None:
    made = make((makers.DATA / "office" / "dates.xlsx").read_bytes())
    assert [row.timing for row in made.found.draft.rows] == [
        "Tháng 6/2020", "14/12/2020", "Quý 2", "T9/2020",
    ]  # fmt: skip


def test_a_month_that_excel_shows_in_english_is_asked_with_its_month_on_offer(make: Make) -> None:
    rows: list[list[Any]] = [["PHỤ LỤC NHIỆM VỤ NĂM 2020"], HEAD,
            [1, "Đợt một", "VPĐP huyện", None, makers.day(2020, 6)]]  # fmt: skip
    draft = make(makers.sheet_of(rows, {(3, 5): "mmm-yy"})).found.draft
    assert draft.rows[0].timing == "Jun-20"
    ask = next(ask for ask in draft.asks if ask.where[2] == "timing")
    assert ask.choices[0] == "Tháng 6/2020"


def test_merged_cells_spread_over_their_rows_and_titles(make: Make) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["PHỤ LỤC PHÂN CÔNG NHIỆM VỤ"], [],
                ["TT", "Nội dung", "Phân công", None, "Thời gian"],
                [None, None, "Chủ trì", "Phối hợp", None],
                ["I", "KIỂM TRA"], [1, "Đợt một", "VPĐP huyện", "BCĐ huyện", "Quý I"],
                [2, "Đợt hai", None, None, "Quý II"]):  # fmt: skip
        sheet.append(row)
    for area in ("A1:E1", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "B5:E5", "C6:C7", "D6:D7"):
        sheet.merge_cells(area)
    draft = make(makers.book_bytes(book)).found.draft
    assert [s.title for s in draft.sections] == ["KIỂM TRA"]
    assert [(r.id, r.implementing, r.coordinating, r.timing) for r in draft.rows] == [
        ("I.1", "VPĐP huyện", "BCĐ huyện", "Quý I"),
        ("I.2", "VPĐP huyện", "BCĐ huyện", "Quý II"),
    ]  # fmt: skip


def test_a_formula_that_was_never_calculated_is_not_lost() -> None:
    assert shown("=1+1", "General") == "=1+1"


def test_comments_of_cells_go_to_the_note(make: Make) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEAD)
    sheet.append([1, "Họp", "UBND huyện", None, "Quý I"])
    sheet["E2"].comment = Comment("chờ văn bản của tỉnh", "An")
    assert "chờ văn bản của tỉnh" in make(makers.book_bytes(book)).found.draft.rows[0].note


def test_an_appendix_on_the_second_sheet_is_found(make: Make) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Ghi chú chung"])
    sheet = book.create_sheet("Phụ lục")
    sheet.append(HEAD)
    sheet.append([1, "Họp", "UBND huyện", None, "Quý I"])
    row = make(makers.book_bytes(book)).found.draft.rows[0]
    assert (row.place.sheet, row.place.row) == ("Phụ lục", 2)


def test_shared_strings_are_read_with_their_runs_and_without_the_phonetic_guide() -> None:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strings = (
        f'<sst xmlns="{space}"><si><t>Nội dung</t></si><si><r><t>Quý </t></r><r><t>II</t></r>'
        "<rPh sb='0' eb='1'><t>x</t></rPh></si></sst>"
    )
    sheet = (
        f'<worksheet xmlns="{space}"><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c>'
        '<c r="B1" t="s"><v>1</v></c><c r="C1" s="0"/><c r="D1" t="b"><v>1</v></c></row>'
        "</sheetData></worksheet>"
    )
    data = with_part(makers.sheet_of([["x"]]), "xl/sharedStrings.xml", strings.encode())
    table = files.read(with_part(data, "xl/worksheets/sheet1.xml", sheet.encode())).tables[0]
    assert [cell.text for cell in table.cells] == ["Nội dung", "Quý II", "TRUE"]
