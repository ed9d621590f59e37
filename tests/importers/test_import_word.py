"""Word files: what Word shows once all changes are accepted is what is read."""

from __future__ import annotations

from typing import Any

import docx

from ntm_workflow.appendix.importers import files
from ntm_workflow.appendix.importers.document import Document, Paragraph
from tests.importers import makers
from tests.importers.conftest import Make
from tests.importers.makers import element

HEAD = ["TT", "Nội dung công việc", "Chủ trì", "Phối hợp", "Thời gian"]


def run(said: str) -> Any:
    made = element("w:r")
    made.append(element("w:t", said, xml_space="preserve"))
    return made


def read(change: Any) -> Document:
    return files.read(makers.document_with(change))


def paragraphs(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Paragraph)]


def test_insertions_are_kept_and_deletions_are_dropped() -> None:
    def change(made: Any) -> None:
        p = made.add_paragraph("Hạn: ")._p
        deleted = element("w:del", w_id="1", w_author="An")
        gone = element("w:r")
        gone.append(element("w:delText", "quý I"))
        deleted.append(gone)
        inserted = element("w:ins", w_id="2", w_author="An")
        inserted.append(run("quý II"))
        p.extend([deleted, inserted])

    assert paragraphs(read(change)) == ["Hạn: quý II"]


def test_a_deleted_row_is_gone_and_an_inserted_one_is_there() -> None:
    def change(made: Any) -> None:
        table = makers.add_table(made, [HEAD, ["1", "Cũ", "A", "", "Quý I"],
                                        ["1", "Mới", "B", "", "Quý II"]])  # fmt: skip
        for row, tag in ((1, "w:del"), (2, "w:ins")):
            table.rows[row]._tr.get_or_add_trPr().append(element(tag, w_id="9", w_author="An"))

    table = read(change).tables[0]
    assert [cell.text for cell in table.row(2)] == ["1", "Mới", "B", "Quý II"]
    assert table.height == 2


def test_automatic_numbers_come_out_as_word_shows_them(make: Make) -> None:
    def change(made: Any) -> None:
        numbering(made)
        table = made.add_table(rows=1, cols=5)
        for cell, said in zip(table.rows[0].cells, HEAD, strict=True):
            cell.text = said
        for level, title, body in ((0, "Kiện toàn", ""), (1, "Họp", "VPĐP huyện"),
                                   (1, "Sơ kết", "VPĐP huyện"), (0, "Tuyên truyền", ""),
                                   (1, "Viết bài", "VPĐP huyện")):  # fmt: skip
            cells = table.add_row().cells
            numbered(cells[0].paragraphs[0], level)
            cells[1].text = title
            cells[2].text = body
            cells[4].text = "Quý II" if body else ""

    draft = make(makers.document_with(change)).found.draft
    assert [(s.id, s.title) for s in draft.sections] == [("I", "Kiện toàn"), ("II", "Tuyên truyền")]
    assert [(r.id, r.content) for r in draft.rows] == [
        ("I.1", "Họp"), ("I.2", "Sơ kết"), ("II.1", "Viết bài"),
    ]  # fmt: skip
    assert {row.note for row in draft.rows} == {""}


def numbering(made: Any) -> None:
    """A list of two levels: I, II …, and 1, 2 … that begin again under each."""
    part = made.part.numbering_part.element
    abstract = element("w:abstractNum", w_abstractNumId="77")
    for level, form, text in ((0, "upperRoman", "%1."), (1, "decimal", "%2.")):
        one = element("w:lvl", w_ilvl=str(level))
        one.append(element("w:start", w_val="1"))
        one.append(element("w:numFmt", w_val=form))
        one.append(element("w:lvlText", w_val=text))
        abstract.append(one)
    part.insert(0, abstract)
    num = element("w:num", w_numId="77")
    num.append(element("w:abstractNumId", w_val="77"))
    part.append(num)


def numbered(paragraph: Any, level: int) -> None:
    properties = paragraph._p.get_or_add_pPr()
    numbers = element("w:numPr")
    numbers.append(element("w:ilvl", w_val=str(level)))
    numbers.append(element("w:numId", w_val="77"))
    properties.append(numbers)


def test_a_numbering_style_numbers_its_paragraphs_and_a_second_list_starts_again() -> None:
    def change(made: Any) -> None:
        for said in ("a", "b"):
            made.add_paragraph(said, style="List Number")
        made.add_paragraph("c", style="List Bullet")

    assert paragraphs(read(change)) == ["1. a", "2. b", "- c"]


def test_cells_merged_down_give_every_row_their_text(make: Make) -> None:
    def change(made: Any) -> None:
        table = makers.add_table(made, [
            HEAD, ["I", "Tuyên truyền", "", "", ""],
            ["1", "Viết bài", "VPĐP huyện", "", "Hàng tháng"],
            ["2", "Phát thanh", "", "BCĐ huyện", ""],
        ])  # fmt: skip
        for column in (2, 4):
            table.cell(2, column).merge(table.cell(3, column))

    rows = make(makers.document_with(change)).found.draft.rows
    assert [(r.content, r.implementing, r.timing) for r in rows] == [
        ("Viết bài", "VPĐP huyện", "Hàng tháng"), ("Phát thanh", "VPĐP huyện", "Hàng tháng"),
    ]  # fmt: skip


def test_line_breaks_in_a_cell_are_kept(make: Make) -> None:
    def change(made: Any) -> None:
        makers.add_table(made, [HEAD, ["1", "Họp\nBan Chỉ đạo", "UBND huyện\nVPĐP huyện", "",
                                       "Quý I"]])  # fmt: skip

    row = make(makers.document_with(change)).found.draft.rows[0]
    assert row.content == "Họp\nBan Chỉ đạo"
    assert row.implementing == "UBND huyện\nVPĐP huyện"


def test_a_footnote_of_a_cell_goes_to_the_note_of_its_row(make: Make) -> None:
    made = docx.Document()
    table = makers.add_table(made, [HEAD, ["1", "Họp", "UBND huyện", "", "Quý I"]])
    mark = element("w:r")
    mark.append(element("w:footnoteReference", w_id="2"))
    table.cell(1, 4).paragraphs[0]._p.append(mark)
    notes = element("w:footnotes")
    note = element("w:footnote", w_id="2")
    paragraph = element("w:p")
    paragraph.append(run("Nếu có văn bản của tỉnh."))
    note.append(paragraph)
    notes.append(note)
    _add_part(made, "/word/footnotes.xml", "footnotes", notes)

    row = make(makers._saved(made)).found.draft.rows[0]
    assert row.timing == "Quý I"
    assert row.note == "Nếu có văn bản của tỉnh."


def _add_part(made: Any, name: str, kind: str, root: Any) -> None:
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from lxml import etree

    base = "application/vnd.openxmlformats-officedocument.wordprocessingml."
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    part = Part(PackURI(name), f"{base}{kind}+xml", etree.tostring(root), made.part.package)
    made.part.relate_to(part, relation + kind)


def test_content_controls_and_fields_show_their_text() -> None:
    def change(made: Any) -> None:
        p = made.add_paragraph()._p
        control, content = element("w:sdt"), element("w:sdtContent")
        content.append(run("Quý I"))
        control.append(content)
        code, shown = element("w:r"), element("w:r")
        code.append(element("w:instrText", "DATE"))
        shown.append(element("w:t", "/2026"))
        p.extend([control, code, shown])

    assert paragraphs(read(change)) == ["Quý I/2026"]


def test_the_head_of_a_document_is_read_out_of_its_table(make: Make) -> None:
    def change(made: Any) -> None:
        table = made.add_table(rows=2, cols=2)
        table.cell(0, 0).text = "ỦY BAN NHÂN DÂN\nHUYỆN BẮC SƠN"
        table.cell(0, 1).text = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc"
        table.cell(1, 0).text = "Số: 05/KH-UBND"
        table.cell(1, 1).text = "Bắc Sơn, ngày 08 tháng 01 năm 2021"
        made.add_paragraph("KẾ HOẠCH")
        made.add_paragraph("Xây dựng nông thôn mới\nhuyện Bắc Sơn năm 2021")
        made.add_paragraph("Căn cứ Luật Tổ chức chính quyền địa phương;")
        makers.add_table(made, [HEAD, ["1", "Họp", "UBND huyện", "", "Quý I"]])

    head = make(makers.document_with(change)).found.draft.head
    assert (head.number, head.symbol, head.issuer, head.place) == (
        5, "KH-UBND", "ubnd-huyen", "Bắc Sơn",
    )  # fmt: skip
    assert head.title == "Xây dựng nông thôn mới huyện Bắc Sơn năm 2021"
    assert head.id == "05-kh-ubnd-2021"


def test_a_table_inside_a_cell_loses_nothing(make: Make) -> None:
    def change(made: Any) -> None:
        table = makers.add_table(made, [HEAD, ["1", "Họp", "UBND huyện", "", "Quý I"]])
        inner = table.cell(1, 1).add_table(rows=1, cols=2)
        inner.cell(0, 0).text, inner.cell(0, 1).text = "lần một", "lần hai"

    row = make(makers.document_with(change)).found.draft.rows[0]
    assert row.content == "Họp\nlần một\nlần hai"


def test_word_marks_every_cell_it_reads_with_its_place() -> None:
    def change(made: Any) -> None:
        makers.add_table(made, [HEAD, ["I", "Kiện toàn", "", "", ""]])

    table = read(change).tables[0]
    title = table.row(2)[1]
    assert (title.column, title.columns) == (2, 4)
    assert table.place(title).row == 2
