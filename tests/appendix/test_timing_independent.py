"""`ntm explain --jsonl` on phrases written down before the reader had seen them.

`timing_independent.tsv`: 869 phrases in three rounds, 87 of them from
plans, decrees and reports (the `source` column), the others composed by their
author. "|" separates answers that are equally right; `due` is empty where only
the steps matter; `asks` is "any" where a question does no harm.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from ntm_workflow.appendix.timing import canonical, read
from ntm_workflow.commands.explain import explain


class Phrase(NamedTuple):
    round: str
    text: str
    year: str
    header: str
    kind: str
    windows: str
    every: str
    due: str
    asks: str
    category: str
    source: str


def _phrases() -> list[Phrase]:
    path = Path(__file__).with_name("timing_independent.tsv")
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [Phrase(*(cell.replace("\\n", "\n") for cell in row)) for row in rows]


PHRASES = _phrases()
# Read, but not as their author expected (docs/reading.md).
MISSED = {"Thường xuyên, báo cáo quý"}


def asked(*questions: dict[str, Any], rule: str = "calendar") -> list[dict[str, Any]]:
    lines = "\n".join(json.dumps(q, ensure_ascii=False) for q in questions)
    done = CliRunner().invoke(explain, ["--jsonl", "--period-rule", rule], input=lines)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def answers() -> dict[Phrase, dict[str, Any]]:
    said = asked(*({"id": i, **p._asdict()} for i, p in enumerate(PHRASES)))
    assert [a["id"] for a in said] == list(range(len(PHRASES)))
    return dict(zip(PHRASES, said, strict=True))


def _windows(answer: dict[str, Any]) -> str:
    return "; ".join(f"{w['opens_on'] or '-'}..{w['due_on']}" for w in answer["windows"])


def _differs(phrase: Phrase, answer: dict[str, Any]) -> list[str]:
    """What the answer says otherwise than the phrase's author."""
    steps = "+".join(p["kind"] for p in answer["parts"]) or ",".join(answer["every"])
    due = ", ".join(answer["due_dates"])
    wrong = {
        "kind": answer["kind"] not in phrase.kind.split("|"),
        "windows": phrase.windows != "" and _windows(answer) != phrase.windows,
        "every": phrase.every != "" and steps != phrase.every,
        "due": not (due.startswith(phrase.due) if phrase.every == "week" else True)
        or (phrase.due != "" and phrase.every != "week" and due != phrase.due),
        "asks": phrase.asks != "any" and (answer["question"] is None) is (phrase.asks == "yes"),
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


@pytest.mark.parametrize("category", sorted({p.category for p in PHRASES}))
def test_independent_phrases_read_as_their_author_says(
    category: str, answers: dict[Phrase, dict[str, Any]]
) -> None:
    wrong = {
        p.text: w for p, a in answers.items() if p.category == category and (w := _differs(p, a))
    }
    assert set(wrong) == MISSED & {p.text for p in PHRASES if p.category == category}, wrong


def test_the_set_is_large_and_names_its_sources() -> None:
    assert len({(p.text, p.year, p.header) for p in PHRASES}) == len(PHRASES) >= 780
    assert sum(p.source != "composed" for p in PHRASES) >= 85


def test_every_question_says_something_and_offers_readings_that_can_be_read(
    answers: dict[Phrase, dict[str, Any]],
) -> None:
    for phrase, answer in answers.items():
        question = answer["question"]
        if question is None:
            continue
        assert question["text"], phrase
        if answer["kind"] != "unreadable":
            assert question["choices"], phrase
        for choice in question["choices"]:
            assert read(choice, int(phrase.year)).kind != "unreadable", (phrase, choice)


def test_reading_a_printed_reading_gives_the_same_reading(
    answers: dict[Phrase, dict[str, Any]],
) -> None:
    for phrase, answer in answers.items():
        if answer["question"] is None:
            said = canonical(read(phrase.text, int(phrase.year), phrase.header))
            (again,) = asked({"id": answer["id"], "text": said, "year": phrase.year})
            assert {**again, "rule": ""} == {**answer, "rule": ""}, (phrase.text, said)


def test_a_citation_s_date_is_never_a_deadline() -> None:
    for number in ("1441/QĐ-UBND", "18-NQ/TW", "57/CĐ-TTg", "80/2025/NĐ-CP"):
        for day in ("25/9/2025", "25 tháng 9 năm 2025", "25-9-2025"):
            (answer,) = asked({"text": f"Theo văn bản số {number} ngày {day}", "year": 2025})
            assert (answer["kind"], answer["windows"]) == ("relative", [])
            assert answer["question"]["choices"]


def test_a_line_that_is_no_question_is_answered_and_the_others_are_too() -> None:
    lines = '{"id": 1, "text": "Quý II", "year": 2020}\nkhông\n[1]\n{"id": 4, "text": "Quý I"}\n'
    done = CliRunner().invoke(explain, ["--jsonl", "--year", "2020"], input=lines)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a["kind"] for a in said] == ["window", "unreadable", "unreadable", "window"]
    assert done.exit_code == 1
    assert "Dòng 2" in done.stderr
    assert "Dòng 3" in said[2]["question"]["text"]


def test_the_period_rule_moves_the_cut_off_and_nothing_else() -> None:
    question = {"text": "Hàng quý; trước ngày 30/6", "year": 2025}
    (calendar,), (decree,) = asked(question), asked(question, rule="decree-09-2019")
    assert calendar["due_dates"] == ["2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31"]
    assert decree["due_dates"] == ["2025-03-14", "2025-06-14", "2025-09-14", "2025-12-14"]
    assert calendar["windows"] == decree["windows"] == [{"opens_on": None, "due_on": "2025-06-29"}]
