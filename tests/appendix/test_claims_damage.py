"""Damaged and enormous papers: checked to the end, soon, without an error."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntm_workflow.appendix.claims import check
from ntm_workflow.appendix.finding_codes import PAPER
from ntm_workflow.appendix.importers import assemble, files, segments
from ntm_workflow.appendix.importers.document import Document, Paragraph
from ntm_workflow.appendix.importers.known import NOBODY, Known, load
from ntm_workflow.appendix.importers.pieces import Draft, Head
from ntm_workflow.appendix.model import Finding
from ntm_workflow.errors import Refused
from tests.conftest import ROOT

TEXT = (Path(__file__).parent.parent / "importers" / "data" / "plan-28-2020.txt").read_text("utf-8")
WORDS = TEXT.split()
SIGNS = [
    "%", "/", "(", ")", ":", ";", ".", ",", "-", "+", "\n\n- ", "\n\n + ", "\n\na) ", "\n\nI. ",
    "0", "17", "222.500", "1,2", "999999999999999999999", "٣", "²", "½", "đồng", "triệu đồng", "tỷ",
    "trong đó:", "gồm", "xã", "thêm", "tiêu chí", "giai đoạn 2016-2020", "ngày 31/02/2020",
    "số 5/QĐ-UBND", "bình quân", "Tiêu chí số 3 - Điện:", "\u200b", "\x00", "đ́", "Ð",
]  # fmt: skip
scraps = st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(SIGNS), st.text(max_size=8)),
                  max_size=120)  # fmt: skip


@pytest.fixture(scope="module")
def known() -> Known:
    return load((ROOT / "config" / "appendix.toml").read_bytes())


def checked(text: str, register: Known = NOBODY) -> tuple[Finding, ...]:
    """Check paragraphs that stand under no table."""
    document = Document("txt", tuple(Paragraph(line) for line in text.split("\n") if line.strip()))
    draft = Draft(Head(), (), (), (), (), ())
    return check.find(document, segments.find(document).segments, draft, register.register)


@settings(max_examples=80)
@given(scraps)
def test_any_text_is_read_to_its_end_and_its_findings_have_their_data(said: list[str]) -> None:
    for one in checked(" ".join(said)):
        assert set(PAPER[one.code][1]) <= set(one.data)


@settings(max_examples=15)
@given(st.randoms(use_true_random=False), st.integers(1, 400))
def test_the_plan_with_words_lost_doubled_and_moved_is_read(rng: random.Random, times: int) -> None:
    words = TEXT.split(" ")
    for _ in range(times):
        at = rng.randrange(len(words))
        words[at] = rng.choice(["", words[at] * 2, rng.choice(words), rng.choice(SIGNS)])
    data = " ".join(words).replace("\x00", "").encode()
    found: tuple[Finding, ...] = ()
    with suppress(Refused):  # the tables may be beyond reading, and then it is said so
        found = assemble.assemble(files.read(data), NOBODY).draft.findings
    assert all(set(PAPER[one.code][1]) <= set(one.data) for one in found)


def seconds(text: str, register: Known) -> float:
    start = time.process_time()
    checked(text, register)
    return time.process_time() - start


def test_three_hundred_pages_take_a_few_seconds(known: Known) -> None:
    body = TEXT.split("Phụ lục:")[0]
    assert len(body) * 25 > 300 * 2_000  # characters of three hundred pages
    assert seconds(body * 25, known) < 12  # 2.5 on a quiet machine


@pytest.mark.parametrize("scrap", [
    "gồm 1 đồng ", "10 xã (A, B, ", "1/2 ", "Xã Vũ Lễ ", "5 triệu đồng trong đó ", "((((((", "a ",
    "xã Vũ Lễ thêm ", "số 1/QĐ-UBND ngày ", "giai đoạn 2016-", "bình quân ", "mỗi xã ", "12, ",
    "- ", "chiếm 5% ", "từ 1 đến ", "của của ", "Aa ",
])  # fmt: skip
def test_a_scrap_repeated_for_two_hundred_thousand_characters_takes_its_time_and_no_more(
    scrap: str, known: Known
) -> None:
    assert seconds(scrap * (200_000 // len(scrap)), known) < 12
