"""The official letter, read back from its Word file and held against Decree 30/2020/NĐ-CP."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.shared import Cm, Pt

from ntm_workflow.reports import letters
from ntm_workflow.reports.letters import Letter, Owed

OWED = tuple(
    Owed(body, "Xây dựng dự án hỗ trợ phát triển sản xuất", "quý II/2020", date(2020, 6, 30))
    for body in ("UBND xã Vũ Lễ", "Phòng NN và PTNT", "UBND xã Vũ Lễ")
)
LETTER = Letter(
    parent="Ủy ban nhân dân huyện Bắc Sơn", sender="Văn phòng Điều phối", place="Bắc Sơn",
    day=None, notation="VPĐP", subject="đôn đốc thực hiện nhiệm vụ quý II/2020",
    to=("Phòng Tài chính - Kế hoạch", "UBND các xã"),
    paragraphs=("Thực hiện Kế hoạch…", "Đề nghị…"), copies=("Như trên",), owed=OWED,
)  # fmt: skip


def read(letter: Letter) -> Any:
    return Document(io.BytesIO(letters.write(letter)))


def lines(made: Any) -> list[str]:
    cells = [p.text for t in made.tables for row in t.rows for c in row.cells for p in c.paragraphs]
    return [p.text for p in made.paragraphs] + cells


def paragraph(made: Any, text: str) -> Any:
    cells = [p for t in made.tables for row in t.rows for c in row.cells for p in c.paragraphs]
    return next(p for p in [*made.paragraphs, *cells] if text in p.text)


def test_the_page_is_a4_with_the_decrees_margins_and_typeface() -> None:
    made = read(LETTER)
    page = made.sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
    assert 20 <= round(page.top_margin.mm) <= 25
    assert 20 <= round(page.bottom_margin.mm) <= 25
    assert 30 <= round(page.left_margin.mm) <= 35
    assert 15 <= round(page.right_margin.mm) <= 20
    assert made.styles["Normal"].font.name == "Times New Roman"


def test_pages_are_numbered_in_the_middle_at_the_top_from_the_second_on() -> None:
    section = read(LETTER).sections[0]
    assert section.different_first_page_header_footer
    number = section.header.paragraphs[0]
    assert number.alignment == ALIGN.CENTER
    assert "PAGE" in number._p.xml
    assert not section.first_page_header.paragraphs[0].text


@pytest.mark.parametrize(
    ("text", "size", "bold", "italic"),
    [("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12, True, False),
     ("Độc lập - Tự do - Hạnh phúc", 13, True, False),
     ("ỦY BAN NHÂN DÂN HUYỆN BẮC SƠN", 13, False, False),
     ("VĂN PHÒNG ĐIỀU PHỐI", 13, True, False),
     ("Bắc Sơn, ngày", 14, False, True),
     ("V/v đôn đốc", 12, False, False),
     ("Nơi nhận:", 12, True, True),
     ("- Như trên;", 11, False, False)],
)  # fmt: skip
def test_each_part_is_set_as_the_decree_says(
    text: str, size: int, bold: bool, italic: bool
) -> None:
    run = paragraph(read(LETTER), text).runs[0]
    assert (run.font.size, bool(run.bold), bool(run.italic)) == (Pt(size), bold, italic)


def test_the_text_is_justified_and_indented() -> None:
    line = paragraph(read(LETTER), "Thực hiện Kế hoạch")
    assert line.alignment == ALIGN.JUSTIFY
    assert Cm(1) <= line.paragraph_format.first_line_indent <= Cm(1.27)
    assert line.paragraph_format.space_before >= Pt(6)
    assert line.runs[0].font.size == Pt(14)


def test_several_addressees_stand_one_below_the_other() -> None:
    said = lines(read(LETTER))
    at = said.index("Kính gửi:")
    assert said[at + 1 : at + 3] == ["- Phòng Tài chính - Kế hoạch;", "- UBND các xã."]
    one = Letter(**{**_as_dict(LETTER), "to": ("UBND xã Vũ Lễ",)})
    assert "Kính gửi: UBND xã Vũ Lễ" in lines(read(one))


def _as_dict(letter: Letter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in letter.__slots__}


def test_the_archive_comes_last_among_the_copies() -> None:
    said = lines(read(LETTER))
    at = said.index("Nơi nhận:")
    assert said[at + 1 : at + 3] == ["- Như trên;", "- Lưu: VT."]


def test_number_day_and_signer_are_left_to_the_person_who_signs() -> None:
    said = lines(read(LETTER))
    assert "Số:        /VPĐP" in said
    assert "Bắc Sơn, ngày      tháng      năm" in said
    assert "[Họ và tên]" in said


@pytest.mark.parametrize(
    ("day", "said"),
    [(date(2020, 3, 5), "ngày 05 tháng 3"), (date(2020, 2, 15), "ngày 15 tháng 02"),
     (date(2020, 1, 9), "ngày 09 tháng 01"), (date(2020, 12, 31), "ngày 31 tháng 12")],
)  # fmt: skip
def test_days_below_ten_and_the_first_two_months_get_a_zero(day: date, said: str) -> None:
    assert letters.place_and_day("Bắc Sơn", day) == f"Bắc Sơn, {said} năm 2020"


def test_the_list_names_each_body_once_with_all_it_owes_and_its_head_on_every_page() -> None:
    table = read(LETTER).tables[-1]
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row[:2] for row in cells[1:]] == [
        ["1", "UBND xã Vũ Lễ"], ["", ""], ["2", "Phòng NN và PTNT"],
    ]  # fmt: skip
    assert all("thứ Ba 30/6/2020" in row[3] for row in cells[1:])
    assert "w:tblHeader" in table.rows[0]._tr.xml


def test_nothing_owed_makes_a_letter_without_a_list() -> None:
    made = read(Letter(**{**_as_dict(LETTER), "owed": ()}))
    assert len(made.tables) == 2
