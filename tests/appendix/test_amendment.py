"""Claims about comparing two versions of a plan, and the text that goes in force."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.amendment import Amendment, Change, compare
from ntm_workflow.appendix.amendment_text import in_force
from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.toml_edit import edited
from ntm_workflow.errors import AppendixFaults, Refused
from tests.amended import APPENDIX, Paper

OLD = Paper()
SHIFTED = OLD.renumber(II_1="II.2", II_2="II.3").insert("II.2", "II.1", "Điều chỉnh nguồn vốn")


def changes(paper: Paper, old: Plan | None = None, **how: object) -> tuple[Change, ...]:
    found = compare(old or OLD.plan, paper.plan, **how)  # type: ignore[arg-type]
    assert not found.doubts
    return found.changes


def said(paper: Paper) -> list[tuple[str, str, str, str]]:
    return [(c.kind, c.table, c.was, c.name) for c in changes(paper)]


def put_in_force(paper: Paper, old: Plan, found: Amendment) -> Plan:
    return toml_file.parse(in_force(paper.bytes, old, paper.plan, found))


# -- what changed ------------------------------------------------------------------


def test_a_plan_differs_from_itself_in_nothing(plan: Plan) -> None:
    assert compare(plan, plan).changes == ()
    assert compare(plan, plan).doubts == ()


def test_comments_and_the_order_of_keys_are_no_change() -> None:
    assert changes(Paper(APPENDIX.replace("# Năm khu dân cư", "# Khu dân cư"))) == ()


@pytest.mark.parametrize(
    ("key", "value", "cells"),
    [
        ("content", '"Họp BCĐ huyện Bắc Sơn"', ["content"]),
        ("directing", '"UBND huyện"', ["directing_text"]),
        ("implementing", '"VPĐP huyện"', ["implementing_text", "owing"]),
        ("coordinating", '"Phòng TC-KH"', ["coordinating_text"]),
        ("timing", '"Tháng 7 và tháng 12"', ["timing_text"]),
        ("read_as", '"Tháng 7 và tháng 12"', ["reading"]),
        ("note", '"họp trực tuyến"', ["note"]),
        ("day_off", '"previous"', ["day_off"]),
        ("every", '["quarter"]', ["every"]),
    ],
)
def test_each_cell_of_a_row_is_told_by_its_name(key: str, value: str, cells: list[str]) -> None:
    (change,) = changes(OLD.set("X.1", **{key: value}), answers=[("X.1", "X.1")])
    assert (change.kind, change.table, change.name) == ("changed", "row", "X.1")
    assert [cell.name for cell in change.cells] == cells


def test_a_commune_added_to_the_scope_is_told_with_the_bodies_that_come() -> None:
    paper = OLD.set("IX.1", scope='["chien-thang", "vu-son", "dong-y", "hung-vu", "tan-lap"]')
    (change,) = changes(paper)
    owing = change.cells[-1]
    assert [cell.name for cell in change.cells] == ["scope", "owing"]
    assert owing.before == ("bql-nhat-tien", "bcd-nhat-tien")
    assert owing.after == ("bql-tan-lap", "bcd-tan-lap")


@pytest.mark.parametrize(
    ("paper", "told"),
    [
        (OLD.replace('title = "Kiến toàn bộ máy"', 'title = "Kiện toàn bộ máy"'),
         ("changed", "section", "I", "I")),
        (OLD.replace('day_off = "next"  ', 'day_off = "none"  '), ("changed", "rules", "", "")),
        (OLD.replace("then_every = 7", "then_every = 5"), ("changed", "reminders", "", "")),
        (OLD.replace("total = 18", "total = 17"), ("changed", "criteria", "", "")),
        (OLD.without("TC17"), ("removed", "criterion", "TC17", "")),
        (OLD.set("TC16", count="2"), ("changed", "criterion", "TC16", "TC16")),
        (OLD.set("don-vi-lien-quan", members='["phong-tc-kh"]'),
         ("changed", "body", "don-vi-lien-quan", "don-vi-lien-quan")),
        (OLD.replace("effective_on = 2020-02-12", "effective_on = 2020-03-01"),
         ("changed", "plan", "28-kh-ubnd-2020", "28-kh-ubnd-2020")),
        (OLD.replace("added = 4", "added = 5"), ("changed", "target", "8", "8")),
        (OLD.replace("[rules]", '[[ordered_day]]\nday = 2020-09-01\noff = true\ndocument = "1/X"\n'
                                "[rules]"), ("added", "ordered_day", "", "2020-09-01")),
    ],
)  # fmt: skip
def test_everything_else_that_changed_is_told(paper: Paper, told: tuple[str, ...]) -> None:
    assert told in said(paper)


def test_a_new_commune_is_told_once_and_not_again_for_each_of_its_bodies() -> None:
    commune = '[[unit]]\nid = "moi"\nname = "Xã Mới"\nlevel = "commune"\n\n'
    paper = OLD.replace(OLD.entry("vu-son"), OLD.entry("vu-son") + commune)
    found = said(paper)
    assert ("added", "unit", "", "moi") in found
    assert not [one for one in found if one[1] == "body"]
    assert ("changed", "row", "III.1", "III.1") in found


# -- which row is which ------------------------------------------------------------


def test_an_inserted_row_is_one_row_more_and_the_rest_only_got_other_numbers() -> None:
    assert said(SHIFTED) == [
        ("added", "row", "", "II.1"),
        ("changed", "row", "II.1", "II.2"),
        ("changed", "row", "II.2", "II.3"),
    ]
    assert all(change.cells == () for change in changes(SHIFTED))


def test_an_inserted_section_moves_every_row_behind_it_and_changes_none() -> None:
    behind = ("III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
    after = (*behind[1:], "XII")
    numbers = dict(zip(behind, after, strict=True))
    numbers |= {r.id: r.id.replace(r.section, numbers[r.section], 1)
                for r in OLD.plan.rows if r.section in numbers}  # fmt: skip
    paper = OLD.renumber(**{old.replace(".", "_"): new for old, new in numbers.items()})
    entry = '[[section]]\nid = "III"\ntitle = "Phòng, chống dịch"\n\n'
    row = ('[[row]]\nid = "III.1"\ncontent = "Xây dựng phương án chống dịch ở khu cách ly"\n'
           'implementing = "UBND các xã"\ntiming = "Quý III"\n\n')  # fmt: skip
    start = paper.text.index('[[section]]\nid = "IV"')
    paper = Paper(paper.text[:start] + entry + row + paper.text[start:])
    found = changes(paper)
    assert [c.name for c in found if c.kind == "added"] == ["III", "III.1"]
    assert not [c for c in found if c.kind == "removed" or c.cells]
    made = put_in_force(paper, OLD.plan, compare(OLD.plan, paper.plan))
    assert made.row("III.1").content == OLD.plan.row("III.1").content
    assert (made.row("III.1").number, made.row("III.1").section) == ("IV.1", "III")
    assert (made.row("III.1b").number, made.row("III.1b").section) == ("III.1", "IIIB")
    assert made.section_number("IIIB") == "III"


def test_two_rows_that_change_places_are_followed_by_their_words() -> None:
    paper = OLD.renumber(II_1="II.2", II_2="II.1")
    assert said(paper) == [
        ("changed", "row", "II.1", "II.2"), ("changed", "row", "II.2", "II.1")
    ]  # fmt: skip


def test_a_reworded_row_with_its_number_is_the_same_row() -> None:
    paper = OLD.set("II.1", content='"Phân bổ kế hoạch vốn thực hiện Chương trình năm 2020, đợt 2"')
    (change,) = changes(paper)
    assert [cell.name for cell in change.cells] == ["content"]


def test_another_text_under_an_old_number_is_asked_never_guessed() -> None:
    paper = OLD.set("IX.1", content='"Trồng cây xanh dọc các tuyến đường trục xã"')
    found = compare(OLD.plan, paper.plan)
    assert [(d.old, d.new) for d in found.doubts] == [("IX.1", "IX.1")]
    assert found.changes == ()
    same = compare(OLD.plan, paper.plan, [("IX.1", "IX.1")])
    assert [(c.kind, c.name) for c in same.changes] == [("changed", "IX.1")]
    other = compare(OLD.plan, paper.plan, [("IX.1", "-")])
    assert [(c.kind, c.was, c.name) for c in other.changes] == [
        ("removed", "IX.1", ""), ("added", "", "IX.1")
    ]  # fmt: skip
    assert not same.doubts
    assert not other.doubts


def test_a_row_of_another_year_under_another_number_is_asked() -> None:
    paper = OLD.without("II.2").insert(
        "III.1", "II.7", "Xây dựng và lập kế hoạch nhu cầu vốn thực hiện Chương trình năm 2022"
    )
    assert [(d.old, d.new) for d in compare(OLD.plan, paper.plan).doubts] == [("II.2", "II.7")]


@pytest.mark.parametrize(
    "answers",
    [[("II.9", "II.1")], [("II.1", "II.9")], [("II.1", "II.1"), ("II.1", "II.2")]],
)
def test_an_answer_about_a_row_that_is_not_there_is_refused(answers: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused) as refused:
        compare(OLD.plan, SHIFTED.plan, answers)
    assert refused.value.key.startswith("amend.match_")


def test_rows_of_the_same_words_are_told_apart_by_their_number() -> None:
    twice = OLD.insert("II.2", "II.3", "Phân bổ kế hoạch vốn thực hiện Chương trình năm 2020",
                       timing="Quý IV")  # fmt: skip
    paper = twice.set("II.3", timing='"Tháng 12"')
    (change,) = changes(paper, twice.plan)
    assert (change.was, change.name) == ("II.3", "II.3")


# -- the text in force ---------------------------------------------------------------


def test_the_text_in_force_keeps_the_ids_of_old_rows_and_prints_their_new_numbers() -> None:
    made = put_in_force(SHIFTED, OLD.plan, compare(OLD.plan, SHIFTED.plan))
    for row in ("II.1", "II.2"):
        assert made.row(row).content == OLD.plan.row(row).content
    assert [(r.id, r.number) for r in made.rows if r.section == "II"] == [
        ("II.1b", "II.1"), ("II.1", "II.2"), ("II.2", "II.3")
    ]  # fmt: skip


def test_an_amending_paper_goes_in_force_under_the_running_plans_own_head() -> None:
    paper = SHIFTED.own_number()
    assert all(change.table == "row" for change in changes(paper))
    made = put_in_force(paper, OLD.plan, compare(OLD.plan, paper.plan))
    for key in ("id", "code", "title", "issued_on", "effective_on", "amends"):
        assert getattr(made, key) == getattr(OLD.plan, key)


def test_nothing_but_the_keys_that_were_set_changes_in_the_text() -> None:
    before, after = OLD.text, edited(OLD.text, {("row", 2): {"printed": "II.9"}})
    new = [line for line in after.split("\n") if line not in before.split("\n")]
    assert new == ['printed = "II.9"']
    assert tomllib.loads(after)["row"][2]["printed"] == "II.9"
    assert edited(after, {("row", 2): {"printed": None}}) == before


def test_a_comment_behind_a_value_stays_when_the_value_changes() -> None:
    made = edited(OLD.text, {("plan", 0): {"number": 29}})
    assert "number = 29                            # số văn bản" in made


def test_a_text_that_cannot_be_edited_by_line_is_refused() -> None:
    text = OLD.text.replace('title = "Thực hiện', 'title = """\nThực hiện').replace(
        'năm 2020"\nplace', 'năm 2020"""\nplace'
    )
    with pytest.raises(Refused):
        edited(text, {("plan", 0): {"title": "Điều chỉnh"}})


def test_two_rows_cannot_print_one_number() -> None:
    with pytest.raises(AppendixFaults) as faults:
        _ = OLD.set("II.2", printed='"II.1"').plan
    assert [f.code for f in faults.value.faults] == ["id.twice"]


def test_a_kept_period_is_for_a_row_of_one_window() -> None:
    with pytest.raises(AppendixFaults) as faults:
        _ = OLD.set("X.1", period='"2020-06"').plan
    assert [f.code for f in faults.value.faults] == ["period.several"]


# -- any edit ------------------------------------------------------------------------

ROWS = [row.id for row in OLD.plan.rows]
NEW_CONTENTS = ["Khắc phục hậu quả mưa đá", "Trồng cây xanh dọc đường", "Thi đua làm theo gương"]


@st.composite
def papers(draw: st.DrawFn) -> Paper:
    """The plan of 2020 with rows taken out, put in, re-timed, rescoped and renumbered."""
    paper = OLD
    gone = draw(st.sets(st.sampled_from(ROWS), max_size=3))
    kept = [row for row in ROWS if row not in gone]
    for row in draw(st.sets(st.sampled_from(kept), max_size=3)):
        timing = draw(st.sampled_from(["Quý III", "Tháng 9, 11", "Thường xuyên", "Trước 20/12"]))
        paper = paper.set(row, timing=f'"{timing}"')
    for row in draw(st.sets(st.sampled_from(kept), max_size=2)):
        paper = paper.set(row, scope='["tan-lap", "vu-le"]', implementing='"UBND các xã"')
    added = draw(st.lists(st.sampled_from(NEW_CONTENTS), unique=True, max_size=2))
    for content in added:
        before = draw(st.sampled_from(kept))
        number = before.rpartition(".")[0] + f".{90 + NEW_CONTENTS.index(content)}"
        paper = paper.insert(before, number, content)
    paper = paper.without(*gone)
    if draw(st.booleans()):
        paper = _renumbered(paper)
    return paper.own_number() if draw(st.booleans()) else paper


def _renumbered(paper: Paper) -> Paper:
    """Number the rows of each section from one again, as a typist would."""
    counts: dict[str, int] = {}
    numbers = {}
    for row in paper.plan.rows:
        counts[row.section] = counts.get(row.section, 0) + 1
        numbers[row.id.replace(".", "_")] = f"{row.section}.{counts[row.section]}"
    return paper.renumber(**numbers)


@settings(max_examples=25)
@given(papers())
def test_after_any_amendment_the_text_in_force_says_what_the_paper_says(paper: Paper) -> None:
    old, new = OLD.plan, paper.plan
    found = compare(old, new)
    answers = [(d.old, "-") for d in found.doubts]
    found = compare(old, new, dict(answers).items())
    made = put_in_force(paper, old, found)
    again = compare(made, new)
    assert (again.changes, again.doubts) == ((), ())
    for new_id, old_id in found.rows.items():
        assert made.row(old_id).content == new.row(new_id).content
