"""Answers: every question can be answered, each answer does what it says, and no cell changes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from ntm_workflow import texts
from ntm_workflow.appendix.importers import answers, files, known, sentences
from ntm_workflow.appendix.importers.document import Document, Paragraph, Table
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.errors import Refused
from tests.conftest import ROOT
from tests.importers import makers

HEAD = "STT\tNội dung\tChủ trì\tPhối hợp\tThời gian"
TOP = """ỦY BAN NHÂN DÂN HUYỆN BẮC SƠN

Số: 15/KH-UBND

Bắc Sơn, ngày 05 tháng 01 năm 2021

KẾ HOẠCH

Xây dựng nông thôn mới năm 2021

"""
LINES = "STT\tTiêu chí\tSố lượng\tTên xã\tCơ quan phụ trách"


def table(*rows: str, head: str = HEAD) -> str:
    return "\n".join((head, *rows)) + "\n"


def row(**cells: str) -> str:
    given = {"n": "1", "content": "Họp", "by": "VPĐP huyện", "with_": "", "when": "Quý II", **cells}
    return "\t".join(given.values())


REGISTER = known.load((ROOT / "config" / "appendix.toml").read_bytes())
SECTION = "I\tMột\t\t\t"
# A document for each question, and what it must ask.
SCENES: dict[str, str] = {
    "register.which": TOP.replace("BẮC SƠN", "MỸ ĐỨC") + table(SECTION, row()),
    "head.no_number": TOP.replace("Số: 15/KH-UBND", "Số:   /KH-UBND") + table(SECTION, row()),
    "head.no_symbol": TOP.replace("Số: 15/KH-UBND", "") + table(SECTION, row()),
    "head.no_issued_on": TOP.replace("ngày 05 tháng 01", "ngày   tháng 01") + table(SECTION, row()),
    "head.no_title": TOP.replace("KẾ HOẠCH\n", "") + table(SECTION, row()),
    "head.amends_unknown": TOP.replace("Xây dựng", "Điều chỉnh Kế hoạch số 17/KH-UBND xây dựng")
    + table(SECTION, row()),
    "head.no_place": TOP.replace("Bắc Sơn, ngày", "ngày") + table(SECTION, row()),
    "head.no_year": table(SECTION, row()),
    "head.no_level": table(SECTION, row()),
    "head.no_issuer": table(SECTION, row()),
    "head.issuer_unknown": TOP.replace("BẮC SƠN", "MỸ ĐỨC") + table(SECTION, row()),
    "head.no_coordination_office": TOP.replace("BẮC SƠN", "MỸ ĐỨC") + table(SECTION, row()),
    "head.differs": TOP + "Phụ lục\n\n(Kèm theo Kế hoạch số 16/KH-UBND ngày 05/01/2021 của UBND "
    "huyện Bắc Sơn)\n\n" + table(SECTION, row()),
    "column.unknown": TOP + table(SECTION, row() + "\tabc", head=HEAD + "\tQuyết toán vốn"),
    "column.doubled": TOP + table(SECTION, row() + "\tQuý I", head=HEAD + "\tHoàn thành"),
    "table.left": TOP + table(SECTION, row()) + "\nBảng số liệu\n\na\tb\tc\n1\t2\t3\n4\t5\t6\n",
    "section.twice": TOP + table(SECTION, row(), "I\tHai\t\t\t", row(content="Khác")),
    "section.number": TOP + table("x x\tMỘT\t\t\t", row()),
    "section.none": TOP + table(row()),
    "section.unsure": TOP + table(SECTION, row(), "\tviệc chung\t\t\t".replace("v", "V"),
                                  row(n="2", content="Khác")),
    "row.no_content": TOP + table(SECTION, row(), row(n="2", content="")),
    "row.no_implementing": TOP + table(SECTION, row(by=""), row(n="2", content="Khác")),
    "row.no_timing": TOP + table(SECTION, row(when=""), row(n="2", content="Khác")),
    "row.unread": TOP + table(SECTION, row(), "\tTổng cộng: 1 việc\t\t\t"),
    "line.number": TOP + table(SECTION, row()) + "\n" + table(
        "1\tTiêu chí số 2 - Giao thông\t1\tTân Lập\tVPĐP huyện",
        "2\tTiêu chí số 2 - Thủy lợi\t1\tTân Lập\tVPĐP huyện", head=LINES),
    "line.count": TOP + table(SECTION, row()) + "\n" + table(
        "1\tTiêu chí số 2 - Giao thông\tnhiều\tTân Lập\tVPĐP huyện", head=LINES),
    "line.no_implementing": TOP + table(SECTION, row()) + "\n" + table(
        "1\tTiêu chí số 2 - Giao thông\t1\t\tVPĐP huyện", head=LINES),
    "line.no_directing": TOP + table(SECTION, row()) + "\n" + table(
        "1\tTiêu chí số 2 - Giao thông\t1\tTân Lập\t", head=LINES),
    "unit.unknown": TOP + table(SECTION, row()) + "\n" + table(
        "1\tTiêu chí số 2 - Giao thông\t1\tTân Lậpp\tVPĐP huyện", head=LINES),
    "body.unknown": TOP + table(SECTION, row(by="Phòng TC-KHH, VPĐP huyện")),
    "body.none": TOP + table(SECTION, row(by=",")),
    "timing.question": TOP + table(SECTION, row(when="Thág 6, 10")),
    "target.no_figures": TOP + "- Tiêu chí số 2 - Điện: tiếp tục đầu tư.\n\n" + table(
        SECTION, row()),
    "target.no_added": TOP + "- Tiêu chí số 3 - Nước: toàn huyện có 9/17 xã đạt.\n\n" + table(
        SECTION, row()),
    "target.twice": TOP + 2 * "- Tiêu chí số 1 - Quy hoạch: thêm 02 xã, nâng lên 9/17 xã.\n"
    + "\n" + table(SECTION, row()),
}  # fmt: skip


def asked(made: Made) -> dict[str, Ask]:
    return {ask.code: ask for ask in made.found.draft.asks}


def draft(text: str, said: dict[str, Any] | None = None) -> Made:
    made = answers.make(files.read(text.encode()), REGISTER, said or {}, "tệp")
    assert made.coverage.gaps == ()
    return made


def scene(code: str) -> Document:
    """The document of a question, some with what a text file cannot hold."""
    if code in SCENES:
        return files.read(SCENES[code].encode())
    return BUILT[code]()


def _word(*rows: list[str], merge: tuple[int, int, int] | None = None) -> Document:
    def fill(made: Any) -> None:
        for line in TOP.split("\n\n"):
            made.add_paragraph(line)
        grid = makers.add_table(made, [HEAD.split("\t"), *rows])
        if merge:
            at, first, last = merge
            cells = grid.rows[at].cells
            said = cells[first].text
            cells[first].merge(cells[last]).text = said

    return files.read(makers.document_with(fill))


def _cut() -> Document:
    """Two parts of a table that a page of a PDF cut, the second without a header."""
    first, second = (files.read((TOP + table(SECTION, one)).encode()) for one in (
        row(), "\tvà báo cáo\t\t\t"))  # fmt: skip
    upper = next(b for b in first.blocks if isinstance(b, Table))
    below = next(b for b in second.blocks if isinstance(b, Table))
    edges = (10.0, 50.0, 200.0, 300.0, 400.0, 500.0)
    cells = tuple(_moved(cell, 2) for cell in below.cells if cell.row == 3)
    lower = Table(2, 1, below.width, cells, page=2, edges=edges)
    top = Table(1, upper.height, upper.width, upper.cells, page=1, edges=edges)
    heads = tuple(b for b in first.blocks if isinstance(b, Paragraph))
    return Document("pdf", (*heads, top, lower))


def _moved(cell: Any, up: int) -> Any:
    from dataclasses import replace

    return replace(cell, row=cell.row - up)


BUILT: dict[str, Callable[[], Document]] = {
    "row.cut": _cut,
    "cell.wide": lambda: _word(SECTION.split("\t"), row(with_="").split("\t"), merge=(2, 2, 3)),
    "cell.aside": lambda: _word(
        SECTION.split("\t"), row(with_="Đ/c Chủ tịch").split("\t"), merge=(0, 2, 3)
    ),
}


def codes() -> set[str]:
    """Every question that the importers can ask, by their own code."""
    folder = ROOT / "ntm_workflow" / "appendix" / "importers"
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    found = set(re.findall(r"(?:Ask|_ask|_said_number)\(\s*\"([a-z_]+\.[a-z_]+)\"", text))
    for stem, keys in (("row.no_", ("content", "implementing", "timing")),
                       ("line.no_", ("implementing", "directing"))):  # fmt: skip
        found |= {stem + key for key in keys}
    return found | {f"head.no_{key}" for key in ("number", "symbol", "issued_on", "title",
                                                 "issuer", "place", "year", "level")}  # fmt: skip


# How each verb is said; `is` and `text` depend on what is asked.
TYPED: dict[str, dict[str, Any]] = {
    "new": {"name": "Hội Nông dân huyện", "level": "district", "kind": "party"},
    "group": {"name": "Các đoàn thể"}, "unit": {"name": "Tân Lậpp"},
    "read": {"text": "Tháng 6, 10"}, "day": {"text": "2021-06-15"}, "number": {"text": "9"},
    "title": {"text": "Phân công"}, "count": {"text": "3"},
    "target": {"added": "2", "reached": "9", "of": "17"},
    "columns": {"columns": {"content": 1, "implementing": 2, "timing": 3}},
    "role": {"text": "note"},
}  # fmt: skip
HEADS = {"number": "28", "symbol": "KH-UBND", "issued_on": "2021-02-12", "title": "Kế hoạch",
         "place": "Bắc Sơn", "year": "2021", "level": "district",
         "amends": "17-kh-ubnd-2021"}  # fmt: skip
FILLS = {"content": "Họp tổng kết", "implementing": "Tân Lập", "directing": "UBND huyện",
         "timing": "Quý III"}  # fmt: skip


def said_to(ask: Ask, verb: str) -> dict[str, Any]:
    """A sensible answer with this verb."""
    answer: dict[str, Any] = {"do": verb, "printed": ask.quote, **TYPED.get(verb, {})}
    if verb == "text":
        answer["text"] = HEADS[ask.where[2]]
    if verb == "fill":
        row_cell = ask.where[0] == "row" and ask.where[2] == "implementing"
        answer["text"] = "UBND huyện" if row_cell else FILLS[ask.where[2]]
    if verb == "is":
        answer["body"] = "Tân Lập" if ask.code == "unit.unknown" else "UBND huyện"
    return answer


CASES = [(code, verb) for code in sorted(SCENES | BUILT) for verb in answers.VERBS[code]]


@pytest.mark.parametrize(("code", "verb"), CASES, ids=lambda part: str(part))
def test_each_answer_settles_its_question_and_loses_nothing(code: str, verb: str) -> None:
    before = answers.make(scene(code), REGISTER, {}, "tệp")
    ask = asked(before)[code]
    answer = said_to(ask, verb)
    if verb not in answers.verbs(ask):  # nobody would be left to do the row
        with pytest.raises(Refused):
            answers.check(ask, answer, 2021, before.found.register)
        return
    answers.check(ask, answer, 2021, before.found.register)
    after = answers.make(scene(code), REGISTER, {ask.key: answer}, "tệp")
    assert ask.key not in {one.key for one in after.found.draft.asks}
    assert ask.key in {one.key for one, _ in after.found.draft.settled}
    assert after.coverage.gaps == ()
    assert sentences.meaning(answer)
    tree = tomllib.loads(after.written.decode())
    if code == "row.cut":
        return  # what was joined stands in two rows of the paper
    printed = {"\n".join(c.text for c in t.row(r)) for t in scene(code).tables
               for r in range(1, t.height + 1)}  # fmt: skip
    for entry in tree["row"]:
        for key in ("content", "implementing", "timing"):
            filled = "để trống" in entry.get("note", "")
            assert filled or any(entry[key] in text for text in printed)


def test_every_question_the_importers_ask_has_answers_and_sentences() -> None:
    assert codes() == set(answers.VERBS)
    assert codes() - set(SCENES) - set(BUILT) == {"timing.header", "body.ambiguous"}
    assert {code for code in codes() if not texts.has(f"import.ask.{code}")} == set()
    verbs = {verb for some in answers.VERBS.values() for verb in some}
    assert {verb for verb in verbs if not texts.has(f"import.answer.{verb}")} == set()


@pytest.mark.parametrize("code", sorted(SCENES | BUILT))
def test_each_question_is_asked_where_it_should_be(code: str) -> None:
    assert code in asked(answers.make(scene(code), REGISTER, {}, "tệp"))
