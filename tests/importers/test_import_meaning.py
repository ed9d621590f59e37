"""What an answer changes: who owes, when, under which number; and what it leaves as printed."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from ntm_workflow.appendix.importers import answers, files, known, meant
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.known import Known
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.appendix.model import BodyKind, Kind, Level, Plan
from ntm_workflow.errors import Refused
from tests.importers.test_import_answers import LINES, REGISTER, SECTION, TOP, row, table

Said = dict[str, dict[str, Any]]


def make(text: str, said: Said | None = None, register: Known = REGISTER) -> Made:
    made = answers.make(files.read(text.encode()), register, said or {}, "tệp")
    assert made.coverage.gaps == ()
    return made


def plan_of(made: Made) -> Plan:
    assert made.plan is not None, made.faults
    return made.plan


def the(made: Made, code: str) -> Ask:
    return next(ask for ask in made.found.draft.asks if ask.code == code)


def answered(text: str, code: str, /, **answer: Any) -> Made:
    """The draft after one question was answered."""
    ask = the(make(text), code)
    return make(text, {ask.key: {"printed": ask.quote, **answer}})


def test_a_name_that_is_another_keeps_its_print_and_owes_as_the_other() -> None:
    made = answered(TOP + table(SECTION, row(by="BCĐ, BQL cấp xa")), "body.unknown",
                    do="is", body="BQL cấp xã")  # fmt: skip
    work = plan_of(made).row("I.1")
    assert work.implementing_text == "BCĐ, BQL cấp xa"
    assert len(work.implementing) == 34  # both of each commune: the level reaches the first too
    assert tomllib.loads(made.written.decode())["name"] == [
        {"printed": "BQL cấp xa", "read_as": "BQL cấp xã"}
    ]


def test_a_new_body_is_in_the_draft_and_known_in_every_other_row() -> None:
    text = TOP + table(SECTION, row(by="Hội Làm vườn"), row(n="2", by="VPĐP huyện, Hội Làm vườn"))
    made = answered(text, "body.unknown", do="new", name="Hội Làm vườn huyện Bắc Sơn",
                    level="district", kind="party")  # fmt: skip
    plan = plan_of(made)
    assert plan.row("I.1").implementing == ("hoi-lam-vuon-huyen-bac-son",)
    assert plan.row("I.2").implementing == ("vpdp-huyen", "hoi-lam-vuon-huyen-bac-son")
    assert plan.body("hoi-lam-vuon-huyen-bac-son").aliases == ()  # its short name says it
    assert plan.body("hoi-lam-vuon-huyen-bac-son").short == "Hội Làm vườn"


def test_a_new_body_of_each_commune_fans_out() -> None:
    made = answered(TOP + table(SECTION, row(by="Tổ công nghệ số cấp xã")), "body.unknown",
                    do="new", name="Tổ công nghệ số cấp xã", level="commune", kind="committee",
                    each=True)  # fmt: skip
    assert len(plan_of(made).row("I.1").implementing) == 17


def test_words_that_name_nobody_stay_printed_and_owe_nothing_but_somebody_must() -> None:
    made = answered(TOP + table(SECTION, row(by="VPĐP huyện, theo phân công")), "body.unknown",
                    do="skip")  # fmt: skip
    assert plan_of(made).row("I.1").implementing == ("vpdp-huyen",)
    alone = answered(TOP + table(SECTION, row(by="theo phân công")), "body.unknown", do="skip")
    assert alone.plan is None
    assert the(alone, "body.none").where == ("row", "I.1", "implementing")
    assert "skip" not in answers.verbs(the(alone, "body.none"))


def test_a_group_without_members_is_known_as_one() -> None:
    made = answered(TOP + table(SECTION, row(by="Khối đoàn thể")), "body.unknown", do="group",
                    name="Khối đoàn thể")  # fmt: skip
    plan = plan_of(made)
    assert plan.body(plan.row("I.1").implementing[0]).open_group


def test_a_timing_is_read_as_said_as_a_day_or_waits() -> None:
    text = TOP + table(SECTION, row(when="Thág 6, 10"))
    read = plan_of(answered(text, "timing.question", do="read", text="Tháng 6, 10")).row("I.1")
    assert (read.timing_text, len(read.reading.windows)) == ("Thág 6, 10", 2)
    day = plan_of(answered(text, "timing.question", do="day", text="2021-06-15")).row("I.1")
    assert (day.reading.kind, day.reading.windows[0].due_on.isoformat()) == (
        Kind.DEADLINE, "2021-06-15",
    )  # fmt: skip
    wait = answered(text, "timing.question", do="wait")
    assert plan_of(wait).row("I.1").reading.question is not None
    assert wait.found.draft.asks == ()


def test_an_answer_for_one_row_alone_leaves_the_others_asked() -> None:
    text = TOP + table(SECTION, row(when="Thág 6"), row(n="2", when="Thág 6"))
    ask = the(make(text), "timing.question")
    said = {f"{ask.key}|I.1": {"do": "read", "text": "Tháng 6", "row": "I.1", "printed": "x"}}
    after = make(text, said)
    assert [one.where[1] for one in after.found.draft.asks] == ["I.2"]
    assert len(after.found.draft.settled) == 1


def test_an_answer_that_gives_no_dates_leaves_the_question_open() -> None:
    after = answered(TOP + table(SECTION, row(when="Thág 6")), "timing.question", do="read",
                     text="khi rảnh")  # fmt: skip
    assert the(after, "timing.question").quote == "Thág 6"


def test_a_column_said_to_be_the_timing_takes_it_from_the_other() -> None:
    text = TOP + table(SECTION, row(when="rồi") + "\tQuý III", head=HEAD_TWICE)
    ask = the(make(text), "column.doubled")
    made = make(text, {ask.key: {"do": "role", "text": "timing", "printed": ask.quote}})
    assert made.found.draft.rows[0].timing == "Quý III"
    assert "rồi" in made.found.draft.rows[0].note


HEAD_TWICE = "STT\tNội dung\tChủ trì\tPhối hợp\tThời gian\tHoàn thành"


def test_a_row_left_out_stands_whole_in_a_remark() -> None:
    text = TOP + table(SECTION, row(), row(n="2", content="Việc lạ", by="", when="Quý I"))
    made = answered(text, "row.no_implementing", do="drop")
    assert [one.id for one in plan_of(made).rows] == ["I.1"]
    assert "Việc lạ" in made.written.decode()


def test_an_empty_cell_is_filled_and_the_note_says_that_paper_left_it_empty() -> None:
    made = answered(TOP + table(SECTION, row(when="")), "row.no_timing", do="fill", text="Quý IV")
    work = plan_of(made).row("I.1")
    assert (work.timing_text, len(work.reading.windows)) == ("Quý IV", 1)
    assert "để trống" in work.note


def test_a_new_commune_brings_its_committee_and_a_mistyped_one_is_another() -> None:
    text = TOP + table(SECTION, row()) + "\n" + table(
        "1\tTiêu chí số 2 - Giao thông\t1\tXã Mỹ Đức\tVPĐP huyện", head=LINES)  # fmt: skip
    new = plan_of(answered(text, "unit.unknown", do="unit", name="Mỹ Đức"))
    assert new.row("TC02").implementing == ("ubnd-my-duc",)
    assert new.body("ubnd-my-duc").name == "Ủy ban nhân dân xã Mỹ Đức"
    other = plan_of(answered(text, "unit.unknown", do="is", body="tan-lap"))
    assert other.row("TC02").implementing == ("ubnd-tan-lap",)


def test_a_plan_of_another_place_is_not_read_by_our_bodies() -> None:
    text = TOP.replace("HUYỆN BẮC SƠN", "XÃ MỸ ĐỨC") + table(SECTION, row(by="UBND xã"))
    assert make(text).found.draft.asks[0].code == "register.which"
    said: Said = {"register": {"do": "fresh", "printed": ""}}
    fresh = make(text, said)
    assert {ask.code for ask in fresh.found.draft.asks} == {
        "head.issuer_unknown", "head.no_level", "head.no_coordination_office", "body.unknown",
    }  # fmt: skip
    said["head|issuer"] = {"do": "new", "printed": "UBND xã Mỹ Đức", "level": "commune",
                           "kind": "authority", "name": "Ủy ban nhân dân xã Mỹ Đức"}  # fmt: skip
    said["body|ubnd xa"] = {"do": "is", "printed": "UBND xã", "body": "uy-ban-nhan-dan-xa-my-duc"}
    said["head|coordination_office"] = {"do": "is", "body": "uy-ban-nhan-dan-xa-my-duc"}
    plan = plan_of(make(text, said))
    assert (plan.level, len(plan.bodies), plan.units) == (Level.COMMUNE, 1, ())


def test_what_was_answered_is_known_to_the_next_import_by_the_plan_itself() -> None:
    made = answered(TOP + table(SECTION, row(by="BQL cấp xa")), "body.unknown", do="is",
                    body="BQL cấp xã")  # fmt: skip
    again = make(TOP.replace("15/", "16/") + table(SECTION, row(by="BQL cấp xa")),
                 register=known.load(made.written))  # fmt: skip
    assert again.found.draft.asks == ()


@pytest.mark.parametrize(
    ("printed", "level", "kind"),
    [
        ("Phòng Văn hóa - Xã hội", Level.COMMUNE, BodyKind.OFFICE),
        ("Sở Tài chính", Level.PROVINCE, BodyKind.OFFICE),
        ("UBND tỉnh", Level.PROVINCE, BodyKind.AUTHORITY),
        ("Ban Tổ chức Huyện ủy", Level.DISTRICT, BodyKind.PARTY),
        ("Ban Quản lý xã", Level.COMMUNE, BodyKind.COMMITTEE),
        ("Trưởng các thôn", Level.COMMUNE, BodyKind.GROUP),
        ("VPĐP nông thôn mới tỉnh", Level.PROVINCE, BodyKind.OFFICE),
    ],
)
def test_level_and_kind_are_proposed_from_the_words(
    printed: str, level: Level, kind: BodyKind
) -> None:
    assert (meant.level_of(printed, Level.COMMUNE), meant.kind_of(printed)) == (level, kind)


def test_capitals_of_a_head_become_a_name() -> None:
    assert meant.in_words("ỦY BAN NHÂN DÂN XÃ MỸ ĐỨC") == "Ủy ban nhân dân xã Mỹ Đức"
    assert meant.in_words("UBND xã Mỹ Đức") == "UBND xã Mỹ Đức"


BAD = [
    ("head.no_number", {"do": "text", "text": "hai"}),
    ("head.no_year", {"do": "text", "text": "x"}),
    ("head.no_issued_on", {"do": "text", "text": "hôm qua"}), ("body.unknown", {"do": ""}),
    ("body.unknown", {"do": "is", "body": "Phòng Không Có"}), ("body.unknown", {"do": "yes"}),
    ("body.unknown", {"do": "new", "name": "X", "level": "galaxy", "kind": "office"}),
    ("timing.question", {"do": "read", "text": "khi rảnh"}),
    ("timing.question", {"do": "day", "text": "30-2"}),
    ("line.count", {"do": "count", "text": "x"}),
    ("section.twice", {"do": "number", "text": "mục ba"}), ("column.unknown", {"do": "role"}),
    ("table.left", {"do": "columns", "columns": {"content": 1}}),
    ("target.no_added", {"do": "target", "added": "1", "reached": "", "of": "17"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "answer"), BAD)
def test_an_answer_that_cannot_be_used_is_refused_with_a_sentence(
    code: str, answer: dict[str, Any]
) -> None:
    ask = Ask(code, ("row", "I.1", code.partition("no_")[2]), "x", data={"table": 1})
    with pytest.raises(Refused) as refused:
        answers.check(ask, answer, 2021, REGISTER.register)
    assert refused.value.key.startswith("import.bad.")
