"""Sections, numbers and doubtful cells: what is read, what is asked, and that nothing is lost."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from ntm_workflow.appendix.importers import drafting, files
from ntm_workflow.appendix.importers.known import NOBODY
from ntm_workflow.appendix.importers.ordinals import leading, parse
from tests.importers.conftest import Make

HEAD = "STT\tNội dung\tChủ trì\tPhối hợp\tThời gian\n"


def table(*rows: str) -> str:
    return HEAD + "\n".join(rows) + "\n"


def test_sections_nest_by_the_kind_of_their_numbers(make: Make) -> None:
    draft = make(table(
        "A\tLĨNH VỰC KINH TẾ", "I\tNông nghiệp", "1\tMột\tUBND huyện\t\tQuý I",
        "II\tCông thương", "1\tHai\tUBND huyện\t\tQuý I", "B\tVĂN HÓA",
        "1\tBa\tUBND huyện\t\tQuý I", "C\tY TẾ", "1\tBốn\tUBND huyện\t\tQuý I",
    )).found.draft  # fmt: skip
    assert [s.id for s in draft.sections] == ["A", "A.1", "A.2", "B", "C"]
    assert [r.id for r in draft.rows] == ["A.1.1", "A.2.1", "B.1", "C.1"]


def test_a_numbered_title_over_bullets_is_a_section_and_the_next_number_stands_beside_it(
    make: Make,
) -> None:
    draft = make(table(
        "I\tTUYÊN TRUYỀN", "1\tTrên báo", "-\tViết bài\tVPĐP huyện\t\tHàng tháng",
        "-\tChụp ảnh\tVPĐP huyện\t\tHàng tháng", "2\tHội thi\tVPĐP huyện\t\tQuý II",
    )).found.draft  # fmt: skip
    assert [(s.id, s.title) for s in draft.sections] == [("I", "TUYÊN TRUYỀN"),
                                                         ("I.1", "Trên báo")]  # fmt: skip
    assert [(r.id, r.content) for r in draft.rows] == [
        ("I.1.1", "Viết bài"), ("I.1.2", "Chụp ảnh"), ("I.2", "Hội thi"),
    ]  # fmt: skip


def test_rows_are_numbered_in_their_section_and_another_printed_number_is_kept(make: Make) -> None:
    draft = make(table(
        "I\tMột", "1\ta\tUBND huyện\t\tQuý I", "II\tHai", "2\tb\tUBND huyện\t\tQuý I",
    )).found.draft  # fmt: skip
    assert [(r.id, r.note) for r in draft.rows] == [
        ("I.1", ""), ("II.1", "Số trong bản giấy: 2"),
    ]  # fmt: skip


def test_a_table_without_sections_is_one_section_called_like_its_annex(make: Make) -> None:
    text = "PHỤ LỤC 1\nPHÂN CÔNG NHIỆM VỤ NĂM 2021\n\n" + table("1\ta\tUBND huyện\t\tQuý I")
    draft = make(text).found.draft
    assert [(s.id, s.title) for s in draft.sections] == [("I", "PHÂN CÔNG NHIỆM VỤ NĂM 2021")]
    assert "section.none" in {ask.code for ask in draft.asks}


def test_two_sections_with_one_number_are_both_kept_and_asked(make: Make) -> None:
    draft = make(table(
        "I\tMột", "1\ta\tUBND huyện\t\tQuý I", "I\tHai", "1\tb\tUBND huyện\t\tQuý I",
    )).found.draft  # fmt: skip
    assert [s.id for s in draft.sections] == ["I", "II"]
    assert "section.twice" in {ask.code for ask in draft.asks}


def test_a_second_annex_that_begins_at_one_again_collides_with_nothing(make: Make) -> None:
    row = "1\ta\tUBND huyện\t\tQuý I"
    draft = make(table("I\tMột", row) + "\nPHỤ LỤC 2\n\n" + table("I\tHai", row)).found.draft
    assert [r.id for r in draft.rows] == ["I.1", "PL2.1.1"]
    assert [s.title for s in draft.sections] == ["Một", "Hai"]


def test_what_cannot_be_read_is_asked_with_what_is_nearest(make: Make) -> None:
    text = "Bắc Sơn, ngày 05 tháng 01 năm 2021\n\n" + table(
        "1\tHọp\tPhòng TC-KHH, VPĐP huyện\tSở Xyz\tThág 6, 10"
    )
    draft = make(text).found.draft
    asked = {(a.code, a.where[2]): a for a in draft.asks if a.where[0] == "row"}
    assert asked["body.unknown", "implementing"].quote == "Phòng TC-KHH"
    assert "Phòng TC-KH" in asked["body.unknown", "implementing"].choices
    assert ("body.unknown", "coordinating") in asked
    assert asked["timing.question", "timing"].choices


def test_each_question_stands_over_the_line_it_asks_about(make: Make) -> None:
    lines = make(table("1\tHọp\tPhòng Xyz\t\tQuý I")).written.decode().split("\n")
    at = next(n for n, line in enumerate(lines) if line == 'implementing = "Phòng Xyz"')
    assert lines[at - 1].startswith("# HỎI: “Phòng Xyz”")


def test_a_missing_cell_is_asked_and_the_draft_does_not_pass_as_a_plan(make: Make) -> None:
    made = make("năm 2021\n" + table("1\tHọp\t\t\tQuý I", "2\tSơ kết\tVPĐP huyện\t\t"))
    asked = {ask.code for ask in made.found.draft.asks}
    assert {"row.no_implementing", "row.no_timing", "head.no_number"} <= asked
    assert made.plan is None


def test_a_header_that_says_deadline_writes_down_how_the_timing_is_meant(make: Make) -> None:
    text = "Bắc Sơn, ngày 05 tháng 01 năm 2021\n\n" + table("1\tHọp\tUBND huyện\t\tQuý II")
    plain = make(text).found.draft.rows[0]
    due = make(text.replace("Thời gian", "Thời gian hoàn thành")).found.draft.rows[0]
    assert (plain.timing, plain.read_as) == ("Quý II", "")
    assert (due.timing, due.read_as) == ("Quý II", "Hoàn thành trong quý II")


def test_a_total_and_a_signature_under_the_table_are_asked_not_made_to_work(make: Make) -> None:
    draft = make(table("1\tHọp\tUBND huyện\t\tQuý I", "\tTổng cộng: 1 việc", "./.")).found.draft
    assert len(draft.rows) == 1
    assert [a.quote for a in draft.asks if a.code == "row.unread"] == ["Tổng cộng: 1 việc"]


def test_head_and_annex_note_that_differ_are_asked(make: Make) -> None:
    text = (
        "Số: 15/KH-UBND\n\nBắc Sơn, ngày 05 tháng 01 năm 2021\n\nKẾ HOẠCH\n\n"
        "Xây dựng NTM năm 2021\n\nPhụ lục\n\n"
        "(Kèm theo Kế hoạch số 16/KH-UBND ngày 05/01/2021 của UBND huyện Bắc Sơn)\n\n"
    )
    draft = make(text + table("1\tHọp\tUBND huyện\t\tQuý I")).found.draft
    assert (draft.head.number, draft.head.issuer, draft.head.year) == (15, "ubnd-huyen", 2021)
    assert [a.where[2] for a in draft.asks if a.code == "head.differs"] == ["number"]


def test_what_the_head_leaves_blank_is_asked(make: Make) -> None:
    text = "Số:      /KH-UBND\n\nBắc Sơn, ngày      tháng 01 năm 2021\n\n"
    draft = make(text + table("1\tHọp\tUBND huyện\t\tQuý I")).found.draft
    assert draft.head.symbol == "KH-UBND"
    assert {a.where[2] for a in draft.asks if a.where[0] == "plan"} >= {"number", "issued_on"}


def test_targets_of_the_text_that_name_no_figures_are_asked(make: Make) -> None:
    text = (
        "- Tiêu chí số 1 - Quy hoạch: Phấn đấu thêm 02 xã, nâng lên 9/17 xã, chiếm tỷ lệ 52,9%.\n"
        "- Tiêu chí số 2 - Điện: tiếp tục đầu tư.\n"
        "- Tiêu chí số 3 - Nước: toàn huyện có 9/17 xã đạt.\n\n"
    )
    draft = make(text + table("1\tHọp\tUBND huyện\t\tQuý I")).found.draft
    assert [(t.criterion, t.added, t.reached, t.percent) for t in draft.targets] == [
        (1, 2, 9, "52,9%")
    ]
    assert {a.code for a in draft.asks if a.where[0] == "target"} == {
        "target.no_figures", "target.no_added",
    }  # fmt: skip


def test_a_number_is_told_from_a_word() -> None:
    assert [parse(said) is not None for said in ("IV.", "1.2", "(a)", "-", "Họp", "V/v")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip
    found = leading("II. Kiện toàn")
    assert found is not None
    assert (found[0].value, "II. Kiện toàn"[found[1] :]) == (2, "Kiện toàn")
    assert leading("V/v báo cáo") is None
    assert leading("Đ/c Bí thư") is None


CELL = st.text(
    st.sampled_from('aăđếIVX123.,;:-–()/"\\[]{}#=“” \u0301\u00a0\u200b\tQuý'), max_size=12
).map(lambda said: said.replace("\t", " "))
ROW = st.lists(CELL, min_size=5, max_size=7).map("\t".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12))
def test_whatever_the_cells_say_the_draft_is_toml_and_holds_every_character(
    rows: list[str],
) -> None:
    data = table("1\tHọp\tUBND huyện\t\tQuý I", *rows).encode()
    made = drafting.make(files.read(data), NOBODY)
    tomllib.loads(made.written.decode())
    assert made.coverage.gaps == ()
    assert made.coverage.covered == made.coverage.characters
