"""Claims about the calendar file, read back by a reader written from RFC 5545 alone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from ntm_workflow.appendix.model import OrderedDay, Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.calendar.year import year_table
from ntm_workflow.reports import year as reports
from ntm_workflow.reports.ical import Event, calendar_file, escaped, folded

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
DAYS = WorkCalendar()
NO_CONTROLS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=300)

Properties = list[tuple[str, str]]


def read(file: bytes) -> list[Properties]:
    """The events of a file: their properties in order, unfolded and unescaped."""
    events: list[Properties] = []
    for line in file.decode("utf-8").replace("\r\n ", "").split("\r\n"):
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            events.append([])
        elif events:
            events[-1].append((name, unescaped(value)))
    return events


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)


def the_year(year: int, plan: Plan | None = None, days: WorkCalendar = DAYS) -> bytes:
    table = year_table(year, days, TODAY)
    due = reports.due_days(plan, days, year) if plan else []
    return reports.as_ics(table, plan, due, NOW)


@given(NO_CONTROLS)
@example("ệ" * 200)
@example("a" * 74 + "ệ")
@example("𠀀" * 40)
def test_no_line_is_longer_than_75_octets_and_no_character_is_cut(text: str) -> None:
    line = folded(f"SUMMARY:{text}")
    parts = line.split(b"\r\n")
    assert all(len(part) <= 75 for part in parts)
    assert all(part.startswith(b" ") for part in parts[1:])
    for part in parts:
        part.decode("utf-8")
    assert line.replace(b"\r\n ", b"").decode("utf-8") == f"SUMMARY:{text}"


@given(NO_CONTROLS)
@example("a\\n;b,c\\")
def test_escaped_text_reads_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not re.search(r"(?<!\\)(\\\\)*[;,]", escaped(text))


def test_line_ends_in_text_become_one_escape_and_controls_are_dropped() -> None:
    assert escaped("a\r\nb\rc\nd\x00\x07\x7f") == "a\\nb\\nc\\nd"


def test_the_file_ends_its_lines_as_the_standard_says_and_balances() -> None:
    file = the_year(2026)
    assert file.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert file.endswith(b"END:VEVENT\r\nEND:VCALENDAR\r\n")
    assert b"\n" not in file.replace(b"\r\n", b"")
    assert file.count(b"BEGIN:VEVENT") == file.count(b"END:VEVENT") == 17


def test_an_event_is_an_all_day_one_with_what_the_standard_requires() -> None:
    event = Event("x@y", date(2026, 12, 31), "Hạn; một, hai", "dòng 1\ndòng 2", tentative=True)
    [found] = read(calendar_file("Lịch", [event], NOW))
    assert found[:9] == [
        ("UID", "x@y"), ("DTSTAMP", "20261123T080000Z"), ("DTSTART;VALUE=DATE", "20261231"),
        ("DTEND;VALUE=DATE", "20270101"), ("SUMMARY", "Hạn; một, hai"),
        ("DESCRIPTION", "dòng 1\ndòng 2"), ("STATUS", "TENTATIVE"), ("TRANSP", "TRANSPARENT"),
        ("END", "VEVENT"),
    ]  # fmt: skip


def test_made_up_working_days_are_in_the_file_beside_the_days_off() -> None:
    events = {dict(event)["UID"]: dict(event) for event in read(the_year(2026))}
    assert events["2026-01-10@lich.ntm-workflow"]["SUMMARY"] == "Làm bù theo 12729/VPCP-KGVX"
    assert events["2026-02-17@lich.ntm-workflow"]["SUMMARY"] == (
        "Nghỉ: Tết Nguyên Đán, nghỉ theo 9859/VPCP-KGVX"
    )


def test_a_day_that_is_ordered_keeps_the_uid_it_had_when_it_was_expected() -> None:
    ordered = WorkCalendar(recorded=[OrderedDay(date(2028, 1, 24), True, "99/VPCP-KGVX")])
    before, after = ([dict(e) for e in read(the_year(2028, days=d))] for d in (DAYS, ordered))
    assert [e["UID"] for e in before] == [e["UID"] for e in after]
    assert {e["STATUS"] for e in before} == {"TENTATIVE"}
    assert {e["STATUS"] for e in after} == {"CONFIRMED"}


def test_due_days_of_the_plan_have_one_event_each_named_for_ever(plan: Plan) -> None:
    events = [dict(event) for event in read(the_year(2020, plan))]
    uids = [event["UID"] for event in events]
    assert len(set(uids)) == len(uids)
    due = {e["UID"]: e for e in events}["28-kh-ubnd-2020/II.2/2020-10@lich.ntm-workflow"]
    assert due["DTSTART;VALUE=DATE"] == "20201102"
    assert "dòng II.2, tháng 10/2020\nSố việc: 2" in due["DESCRIPTION"]


def test_the_file_depends_on_nothing_but_its_arguments(plan: Plan) -> None:
    assert the_year(2020, plan) == the_year(2020, plan)
