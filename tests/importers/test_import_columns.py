"""Which table and which column: by the wording of the headers, or as a person says."""

from __future__ import annotations

import pytest

from ntm_workflow.appendix.importers import files, headers, segments
from ntm_workflow.errors import Refused
from tests.importers.conftest import Make

HEADERS = [
    ("STT", "number"),
    ("Số TT", "number"),
    ("TT", "number"),
    ("Nội dung", "content"),
    ("Nội dung công việc", "content"),
    ("Nhiệm vụ", "content"),
    ("Tên nhiệm vụ", "content"),
    ("Nhiệm vụ, giải pháp", "content"),
    ("Nội dung thực hiện", "content"),
    ("Chỉ đạo", "directing"),
    ("Lãnh đạo chỉ đạo", "directing"),
    ("Lãnh đạo phụ trách", "directing"),
    ("Cơ quan chỉ đạo", "directing"),
    ("Chủ trì", "implementing"),
    ("Đơn vị chủ trì", "implementing"),
    ("Cơ quan, đơn vị chủ trì", "implementing"),
    ("Cơ quan chủ trì thực hiện", "implementing"),
    ("Cơ quan thực hiện", "implementing"),
    ("Đơn vị thực hiện", "implementing"),
    ("Trách nhiệm thực hiện", "implementing"),
    ("Đơn vị đầu mối tham mưu", "implementing"),
    ("Phối hợp", "coordinating"),
    ("Cơ quan phối hợp", "coordinating"),
    ("Đơn vị phối hợp thực hiện", "coordinating"),
    ("Thời gian", "timing"),
    ("Thời gian thực hiện", "timing"),
    ("Thời gian hoàn thành", "timing"),
    ("Thời hạn", "timing"),
    ("Tiến độ", "timing"),
    ("Tiến độ thực hiện", "timing"),
    ("Hoàn thành", "timing"),
    ("Lộ trình", "timing"),
    ("Sản phẩm", "note"),
    ("Kết quả thực hiện", "note"),
    ("Ghi chú", "note"),
    ("THỜI GIAN\nHOÀN THÀNH", "timing"),
    ("Thoi gian", "timing"),
]


@pytest.mark.parametrize(("label", "role"), HEADERS)
def test_a_header_means_its_role(label: str, role: str) -> None:
    assert headers._classify(label, headers._APPENDIX)[0] == role


def roles(text: str) -> dict[int, str]:
    header = segments.find(files.read(text.encode())).segments[0].header
    return {column.column: column.role for column in header.columns if column.role}


def test_two_rows_of_header_are_one_and_the_row_of_figures_is_no_row() -> None:
    text = (
        "STT\tNhiệm vụ\tPhân công thực hiện\t\tThời gian\n\t\tChủ trì\tPhối hợp\t\n"
        "(1)\t(2)\t(3)\t(4)\t(5)\n1\tHọp\tUBND huyện\tVPĐP huyện\tQuý I\n"
    )
    assert roles(text) == {1: "number", 2: "content", 3: "implementing", 4: "coordinating",
                           5: "timing"}  # fmt: skip
    assert segments.find(files.read(text.encode())).segments[0].rows == (4,)


def test_columns_in_any_order_are_found() -> None:
    text = (
        "Thời hạn\tĐơn vị phối hợp\tTT\tĐơn vị chủ trì\tNội dung\tGhi chú\nQuý I\tA\t1\tB\tHọp\tx\n"
    )
    assert roles(text) == {1: "timing", 2: "coordinating", 3: "number", 4: "implementing",
                           5: "content", 6: "note"}  # fmt: skip


def test_a_row_of_work_is_no_header() -> None:
    text = (
        "TT\tNội dung\tThực hiện\tThời gian\n"
        "1\tThực hiện rà soát các tiêu chí\tCác đơn vị có liên quan\tHoàn thành trong tháng 9\n"
    )
    assert segments.find(files.read(text.encode())).segments[0].rows == (2,)


def test_a_person_says_which_column_holds_the_timing(make: Make) -> None:
    text = "TT\tNội dung\tChủ trì\tMốc\tThời gian\n1\tHọp\tUBND huyện\tQuý I\tba giờ\n"
    row = make(text, timing=4).found.draft.rows[0]
    assert row.timing == "Quý I"
    assert row.note == "Thời gian: ba giờ"


def test_a_person_says_the_columns_of_a_table_without_a_header(make: Make) -> None:
    text = "1\tHọp\tUBND huyện\tQuý I\n2\tSơ kết\tVPĐP huyện\tQuý II\n"
    with pytest.raises(Refused, match="no_table"):
        make(text)
    rows = make(text, number=1, content=2, implementing=3, timing=4).found.draft.rows
    assert [(row.id, row.content, row.timing) for row in rows] == [
        ("I.1", "Họp", "Quý I"), ("I.2", "Sơ kết", "Quý II"),
    ]  # fmt: skip


def test_an_unknown_column_is_kept_in_the_note_and_asked(make: Make) -> None:
    text = "TT\tNội dung\tChủ trì\tThời gian\tMã hồ sơ\n1\tHọp\tUBND huyện\tQuý I\tHS-01\n"
    draft = make(text).found.draft
    assert draft.rows[0].note == "Mã hồ sơ: HS-01"
    assert "column.unknown" in {ask.code for ask in draft.asks}


def test_of_two_columns_with_one_role_the_surer_is_taken_and_the_other_asked(make: Make) -> None:
    text = (
        "TT\tNội dung\tĐơn vị chủ trì\tCán bộ phụ trách\tThời gian\n1\tHọp\tUBND huyện\tAn\tQuý I\n"
    )
    draft = make(text).found.draft
    assert draft.rows[0].implementing == "UBND huyện"
    assert draft.rows[0].note == "Cán bộ phụ trách: An"
    assert "column.doubled" in {ask.code for ask in draft.asks}


def test_the_criteria_table_is_told_from_the_appendix(make: Make) -> None:
    text = (
        "TT\tNội dung\tChủ trì\tThời gian\n1\tHọp\tUBND huyện\tQuý I\n\n"
        "BIỂU TIÊU CHÍ NĂM 2021\n\n"
        "TT\tTên tiêu chí\tSố xã\tXã thực hiện\tPhụ trách hướng dẫn\n"
        "1\tTiêu chí số 7\t01\tXã Vũ Lễ\tPhòng TC-KH\n"
        "2\tTiêu chí số 7\thai\tXã Vũ Lễ, Tân Lang\tPhòng TC-KH\n"
    )
    draft = make(text).found.draft
    assert draft.criteria_title == "BIỂU TIÊU CHÍ NĂM 2021"
    assert (draft.lines[0].id, draft.lines[0].count) == ("TC07", 1)
    asked = {ask.code for ask in draft.asks if ask.where[1] == draft.lines[1].id}
    assert asked == {"line.number", "line.count", "unit.unknown"}


def test_a_table_that_is_no_appendix_is_said_to_be_left(make: Make) -> None:
    text = (
        "Xã\tNăm 2019\tNăm 2020\nTân Lập\t12\t19\nVũ Lễ\t10\t15\n\nchữ giữa hai bảng\n\n"
        "TT\tNội dung\tChủ trì\tThời gian\n1\tHọp\tUBND huyện\tQuý I\n"
    )
    draft = make(text).found.draft
    assert [ask.quote for ask in draft.asks if ask.code == "table.left"] == [
        "Xã | Năm 2019 | Năm 2020"
    ]
