"""Official letters as Word files, laid out as Decree 30/2020/NĐ-CP, Appendix I, wants them.

What only a person can give (number, day, who signs) is left blank where it stands.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from ntm_workflow import texts

FONT = "Times New Roman"
_BODY, _TABLE = 14, 12  # points
_HEAD_WIDTHS = (Cm(6.9), Cm(9.6))
_FOOT_WIDTHS = (Cm(8.5), Cm(8))
_LIST_WIDTHS = (Cm(1.2), Cm(4.3), Cm(7), Cm(4))


@dataclass(frozen=True, slots=True)
class Owed:
    """One task of the list that goes with the letter."""

    body: str
    work: str
    period: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter without its number, for the office to number, date and sign.

    `parent` is the authority above the office that sends, empty where it is the
    sender itself; `notation` what stands after the number ("VPĐP"), empty where
    the office decides. `to` are the addressees in order, `paragraphs` the text,
    `sign_for` the line above the signer's title ("TM. ỦY BAN NHÂN DÂN"), `seal` the
    small line at the very end that says how the audit ended when it was written.
    """

    parent: str
    sender: str
    place: str
    day: date | None
    notation: str
    subject: str
    to: tuple[str, ...]
    paragraphs: tuple[str, ...]
    copies: tuple[str, ...]
    owed: tuple[Owed, ...] = ()
    sign_for: str = ""
    seal: str = ""


@texts.speaking("vi")  # a document of the state, in its language
def write(letter: Letter) -> bytes:
    """The letter as a .docx file."""
    made = Document()
    _page(made)
    _head(made, letter)
    _to(made, letter.to)
    for text in letter.paragraphs:
        _text(made.add_paragraph(), text)
    _foot(made, letter)
    if letter.owed:
        _list(made, letter)
    if letter.seal:
        last = made.add_paragraph()
        _space(last, 12)
        _run(last, letter.seal, 9, italic=True)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


# -- page ---------------------------------------------------------------------


def _page(made: Any) -> None:
    """A4 portrait, the decree's margins, one typeface, a page number from page 2 on."""
    section = made.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = Cm(2)
    section.left_margin, section.right_margin = Cm(3), Cm(1.5)
    section.different_first_page_header_footer = True
    number = section.header.paragraphs[0]
    number.alignment = ALIGN.CENTER
    _page_field(number.add_run())
    normal = made.styles["Normal"]
    normal.font.name, normal.font.size = FONT, Pt(_BODY)
    normal.font.color.rgb = RGBColor(0, 0, 0)
    for kind in ("w:eastAsia", "w:cs"):
        normal.element.rPr.rFonts.set(qn(kind), FONT)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "vi-VN")
    normal.element.rPr.append(language)
    core = made.core_properties
    core.author, core.language = "", "vi-VN"


def _page_field(run: Run) -> None:
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = text
        run._r.append(part)
    run.font.size = Pt(13)


# -- head ---------------------------------------------------------------------


def _head(made: Any, letter: Letter) -> None:
    table = made.add_table(rows=2, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    _widths(table, _HEAD_WIDTHS)
    (left, right), (below, beside) = (row.cells for row in table.rows)
    first = _line(left, letter.parent.upper(), 13) if letter.parent else None
    _rule(_line(left, letter.sender.upper(), 13, bold=True, after=first), Cm(2.2))
    state = _line(right, texts.say("letter.state"), 12, bold=True)
    _rule(_line(right, texts.say("letter.motto"), 13, bold=True, after=state), Cm(2.25))
    number = _line(below, texts.say("letter.number", notation=letter.notation or "…"), 13)
    _line(below, texts.say("letter.subject", subject=letter.subject), 12, after=number)
    _line(beside, place_and_day(letter.place, letter.day), 14, italic=True)


def place_and_day(place: str, day: date | None) -> str:
    """ "Bắc Sơn, ngày 05 tháng 3 năm 2020": a zero before days to 9 and months 1 and 2."""
    if day is None:
        return texts.say("letter.no_day", place=place)
    month = f"{day.month:02d}" if day.month < 3 else str(day.month)
    return texts.say("letter.day", place=place, d=f"{day.day:02d}", m=month, y=day.year)


def _line(
    cell: _Cell, text: str, size: int, *, bold: bool = False, italic: bool = False,
    after: Paragraph | None = None,
) -> Paragraph:  # fmt: skip
    """A centred line of a cell: its first paragraph, or one after another."""
    line: Paragraph = cell.paragraphs[0] if after is None else cell.add_paragraph()
    line.alignment = ALIGN.CENTER
    _space(line, 0)
    _run(line, text, size, bold=bold, italic=italic)
    return line


def _rule(line: Paragraph, inset: Any) -> None:
    """Draw the line below a name, in a paragraph of its own that leaves `inset` on both sides."""
    below = OxmlElement("w:p")
    line._p.addnext(below)
    rule = Paragraph(below, line._parent)
    border, top = OxmlElement("w:pBdr"), OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        top.set(qn(f"w:{name}"), value)
    border.append(top)
    rule._p.get_or_add_pPr().append(border)
    rule.paragraph_format.left_indent = rule.paragraph_format.right_indent = inset
    _space(rule, 0)
    rule.paragraph_format.line_spacing = Pt(6)


def _widths(table: Any, widths: Sequence[Any]) -> None:
    """Set the widths of columns and of cells: programs differ in which they believe."""
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
        for cell in column.cells:
            cell.width = width


# -- text ----------------------------------------------------------------------


def _to(made: Any, names: Sequence[str]) -> None:
    """ "Kính gửi": one addressee on the line, several below each other."""
    lead = made.add_paragraph()
    lead.paragraph_format.space_before = Pt(12)
    if len(names) == 1:
        lead.alignment = ALIGN.CENTER
        _run(lead, texts.say("letter.to_one", name=names[0]), _BODY)
        return
    lead.paragraph_format.left_indent = Cm(3)
    _run(lead, texts.say("letter.to"), _BODY)
    for at, name in enumerate(names):
        line = made.add_paragraph()
        line.paragraph_format.left_indent = Cm(4.5)
        _space(line, 0)
        _run(line, f"- {name}{'.' if at == len(names) - 1 else ';'}", _BODY)


def _text(line: Paragraph, text: str) -> None:
    line.alignment = ALIGN.JUSTIFY
    line.paragraph_format.first_line_indent = Cm(1.27)
    line.paragraph_format.line_spacing = 1.15
    _space(line, 6)
    _run(line, text, _BODY)


def _run(line: Paragraph, text: str, size: int, *, bold: bool = False, italic: bool = False) -> Run:
    run = line.add_run(text)
    run.font.size, run.bold, run.italic = Pt(size), bold, italic
    return run


def _space(line: Paragraph, points: int) -> None:
    line.paragraph_format.space_before = Pt(points)
    line.paragraph_format.space_after = Pt(0)


# -- foot -----------------------------------------------------------------------


def _foot(made: Any, letter: Letter) -> None:
    """Who gets it on the left, who signs on the right; never torn apart by a page break."""
    made.add_paragraph().paragraph_format.space_after = Pt(0)
    table = made.add_table(rows=1, cols=2)
    _widths(table, _FOOT_WIDTHS)
    left, right = table.rows[0].cells
    row = table.rows[0]._tr.get_or_add_trPr()
    row.append(OxmlElement("w:cantSplit"))
    first = left.paragraphs[0]
    _space(first, 0)
    _run(first, texts.say("letter.copies"), 12, bold=True, italic=True)
    for name in (*letter.copies, texts.say("letter.kept")):
        line = left.add_paragraph()
        _space(line, 0)
        _run(line, f"- {name}{'.' if name.startswith('Lưu') else ';'}", 11)
    above = _line(right, letter.sign_for.upper(), 13, bold=True) if letter.sign_for else None
    title = _line(right, texts.say("letter.title"), 13, bold=True, after=above)
    for _ in range(4):
        title = _line(right, "", 13, after=title)
    _line(right, texts.say("letter.name"), 14, bold=True, after=title)


# -- the list ---------------------------------------------------------------------


def _list(made: Any, letter: Letter) -> None:
    title = made.add_paragraph()
    title.paragraph_format.page_break_before = True
    title.alignment = ALIGN.CENTER
    _run(title, texts.say("letter.list"), _BODY, bold=True)
    note = made.add_paragraph()
    note.alignment = ALIGN.CENTER
    year = letter.day.year if letter.day else letter.owed[0].due_on.year
    said = {"notation": letter.notation or "…", "year": year, "sender": letter.sender}
    _run(note, texts.say("letter.list_note", **said), 13, italic=True)
    heads = texts.say("letter.list_head").split("|")
    table = made.add_table(rows=1, cols=len(heads))
    table.style = "Table Grid"
    _widths(table, _LIST_WIDTHS)
    _cells(table.rows[0], heads, bold=True)
    _repeat(table.rows[0])
    for number, (body, work) in enumerate(_grouped(letter.owed), start=1):
        for at, one in enumerate(work):
            cells = (str(number) if not at else "", body if not at else "",
                     f"{one.work} ({one.period})", texts.full_day(one.due_on))  # fmt: skip
            _cells(table.add_row(), cells)


def _grouped(owed: Iterable[Owed]) -> list[tuple[str, list[Owed]]]:
    """The tasks of each body together, in the order the bodies first come."""
    found: dict[str, list[Owed]] = {}
    for one in owed:
        found.setdefault(one.body, []).append(one)
    return list(found.items())


def _cells(row: Any, words: Sequence[str], bold: bool = False) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    for cell, text, width in zip(row.cells, words, _LIST_WIDTHS, strict=True):
        cell.width = width
        line = cell.paragraphs[0]
        line.alignment = ALIGN.CENTER if bold else ALIGN.LEFT
        _space(line, 2)
        _run(line, text, _TABLE, bold=bold)


def _repeat(row: Any) -> None:
    """The head of the table again on every page."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
