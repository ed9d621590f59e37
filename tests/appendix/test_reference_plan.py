"""The 2020 plan, read whole: what the paper says, and what it contradicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from ntm_workflow.appendix import finding_text, findings
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated, occurrences
from ntm_workflow.calendar.workdays import WorkCalendar

DAYS = WorkCalendar()


def tasks(plan: Plan, row_id: str) -> int:
    row = plan.row(row_id)
    return len(list(occurrences(row, plan, DAYS))) * len(row.implementing)


def test_it_has_14_rows_in_11_sections_and_10_criteria_lines(plan: Plan) -> None:
    assert (len(plan.rows), len(plan.sections), len(plan.criteria)) == (14, 11, 10)


def test_capital_needs_are_due_at_the_end_of_june_and_on_the_monday_after_october(
    plan: Plan,
) -> None:
    due = [o.due_on for o in occurrences(plan.row("II.2"), plan, DAYS)]
    assert due == [date(2020, 6, 30), date(2020, 11, 2)]


def test_task_counts_of_rows_that_fan_out(plan: Plan) -> None:
    counted = {row: tasks(plan, row) for row in ("IX.1", "III.1", "II.1", "VIII.1")}
    assert counted == {"IX.1": 10, "III.1": 68, "II.1": 1, "VIII.1": 38}


def test_the_whole_year_is_738_tasks(plan: Plan) -> None:
    assert sum(len(plan.row(o.row_id).implementing) for o in dated(plan, DAYS)) == 738


def test_a_scope_narrows_a_row_to_its_communes(plan: Plan) -> None:
    communes = {plan.body(body).unit for body in plan.row("IX.1").implementing}
    assert communes == {"chien-thang", "vu-son", "dong-y", "hung-vu", "nhat-tien"}


def test_continuous_rows_check_in_each_reporting_quarter_after_the_decree(plan: Plan) -> None:
    due = [(o.period, o.due_on) for o in occurrences(plan.row("I.1"), plan, DAYS)]
    assert due == [
        ("2020-Q1", date(2020, 3, 17)),  # data to Saturday 14 March, two working days to send
        ("2020-Q2", date(2020, 6, 16)),
        ("2020-Q3", date(2020, 9, 16)),
        ("2020-Q4", date(2020, 12, 16)),
    ]


def test_periodic_and_ad_hoc_means_quarters_first_half_and_year(plan: Plan) -> None:
    periods = {o.period for o in occurrences(plan.row("XI.1"), plan, DAYS)}
    assert periods == {"2020-Q1", "2020-Q2", "2020-Q3", "2020-Q4", "2020-H1", "2020"}


def test_nothing_opens_before_the_plan_takes_effect(plan: Plan) -> None:
    assert min(o.opens_on for o in dated(plan, DAYS)) == date(2020, 2, 12)


def test_each_criterion_and_commune_is_due_at_year_end_with_quarterly_check_ins(
    plan: Plan,
) -> None:
    row = plan.row("TC18")
    assert row.implementing == ("ubnd-vu-le", "ubnd-tan-lap")
    assert "btc-huyen-uy" in row.directing
    assert [o.period for o in occurrences(row, plan, DAYS)] == [
        "2020-Q1", "2020-Q2", "2020-Q3", "2020-Q4", "2020",
    ]  # fmt: skip


def test_the_tables_own_contradictions_are_found_without_the_paper(plan: Plan) -> None:
    own = findings.find(replace(plan, paper=()))
    assert Counter((f.code, f.where) for f in own) == Counter(
        [
            ("spelling", "X"),
            ("spelling", "I"),
            ("spelling", "IX.1"),
            ("spelling", "criteria"),
            ("name.forms", "II.2"),
            ("name.forms", "V.1"),
            ("name.forms", "TC06"),
            ("group.open", "IV.1"),
            ("group.open", "VII.1"),
            ("group.open", "XI.1"),
            ("role.above", "V.1"),
            ("role.above", "V.2"),
            ("criteria.title_year", "criteria"),
            ("criteria.count", "TC16"),
            ("criteria.total_targets", "criteria"),
            ("target.no_line", "target 11"),
            ("target.count_differs", "TC16"),
            ("criterion.name", "TC13"),
            ("target.percent_cut", "targets"),
        ]
    )


def test_a_slip_of_the_text_and_of_the_tables_is_one_finding_with_all_its_places(
    plan: Plan,
) -> None:
    [one] = [f for f in plan.findings if str(f.data.get("printed", "")).lower() == "phân đầu"]
    assert one.data["places"] == "criteria; phần IV.6"
    assert finding_text.sentence(one).endswith("(biểu tiêu chí; phần IV.6)")


def test_the_cells_are_kept_as_printed_slips_and_all(plan: Plan) -> None:
    assert plan.row("VIII.1").implementing_text == (
        "UBND các xã, Phòng NN và PTNT, Văn phòng Điều phối,"
    )
    assert plan.row("I.1").content.startswith("Kiến toàn")
