"""`ntm plan import`: what a clerk types and sees."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ntm_workflow import texts
from ntm_workflow.appendix import toml_file
from ntm_workflow.commands.plan_import import import_
from ntm_workflow.errors import Refused
from tests.conftest import ROOT
from tests.importers import makers

REGISTER = str(ROOT / "config" / "appendix.toml")


def run(*args: str) -> Result:
    return CliRunner().invoke(import_, [*args, "--register", REGISTER])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "ke-hoach.txt"
    path.write_bytes(makers.TEXT)
    return path


def test_a_file_becomes_a_draft_that_is_a_plan(source: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    done = run(str(source), "-o", str(draft), "--coverage")
    assert done.exit_code == 0, done.output
    assert "14 dòng trong 11 mục, 10 dòng tiêu chí, 19 chỉ tiêu; 0 câu hỏi" in done.output
    assert "0 ô còn sót" in done.output
    assert "có 26 chỗ mâu thuẫn, bỏ ngỏ hoặc in sai" in done.output
    made = toml_file.load(draft)
    assert (len(made.all_rows), len(made.paper)) == (24, 26)


def test_json_says_rows_questions_columns_and_the_proof(source: Path) -> None:
    report: dict[str, Any] = json.loads(run(str(source), "--json").stdout)
    assert (report["kind"], report["ready"], report["questions"]) == ("txt", True, [])
    assert [row["id"] for row in report["rows"]][:3] == ["I.1", "II.1", "II.2"]
    assert report["plan"]["number"] == 28
    assert report["coverage"]["gaps"] == []
    assert {"sum", "share", "commune"} & {one["code"].split(".")[0] for one in report["findings"]}
    assert {c["role"] for c in report["columns"]} >= {"content", "timing", "count"}


def test_a_draft_that_somebody_works_on_is_not_overwritten(source: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    assert run(str(source), "-o", str(draft)).exit_code == 0
    assert run(str(source), "-o", str(draft)).exit_code == 0  # the same again changes nothing
    draft.write_text("# câu trả lời\n", "utf-8")
    done = run(str(source), "-o", str(draft))
    assert isinstance(done.exception, Refused)
    assert draft.read_text("utf-8") == "# câu trả lời\n"
    assert run(str(source), "-o", str(draft), "--force").exit_code == 0


def test_a_column_said_by_hand_is_checked(source: Path) -> None:
    assert "VAI=CỘT" in run(str(source), "--column", "thoi-gian=6").output
    assert run(str(source), "--column", "timing=6").exit_code == 0


def test_a_wrong_ending_is_read_by_content_and_said(tmp_path: Path) -> None:
    path = tmp_path / "ke-hoach.pdf"
    path.write_bytes(makers.word(makers.text().blocks))
    report = json.loads(run(str(path), "--json").stdout)
    assert report["kind"] == "docx"
    assert ".pdf" in report["remark"]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = run(str(tmp_path / "không có.docx"))
    assert isinstance(done.exception, Refused)
    assert done.exception.key == "import.no_file"


def test_without_an_output_the_draft_is_printed(source: Path) -> None:
    done = run(str(source))
    assert "schema = 1" in done.stdout
    assert "câu hỏi" in done.stderr


def test_the_readers_are_loaded_only_when_a_file_is_read() -> None:
    import subprocess
    import sys

    code = (
        "import sys, ntm_workflow.commands.plan_import as p;"
        "print([m for m in sys.modules if m.startswith(('lxml', 'pdf', 'openpyxl')) "
        "or '.importers' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_question_and_refusal_has_its_sentence() -> None:
    folder = ROOT / "ntm_workflow" / "appendix" / "importers"
    code = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    asked = set(re.findall(r"(?:Ask|_ask)\(\s*\"([a-z_]+\.[a-z_]+)\"", code))
    refused = set(re.findall(r"\"(import\.[a-z_]+)\"", code))
    assert len(asked) > 20
    assert {key for key in asked if not texts.has(f"import.ask.{key}")} == set()
    assert {key for key in refused if not texts.has(key)} == set()


def test_answers_from_a_file_settle_their_questions(tmp_path: Path) -> None:
    source, given = tmp_path / "ke-hoach.txt", tmp_path / "tra-loi.json"
    source.write_bytes(makers.TEXT.replace("Phòng Nội Vụ".encode(), "Phòng Nội Vụu mới".encode()))
    (asked,) = json.loads(run(str(source), "--json").stdout)["questions"]
    assert "is" in asked["answers"]
    given.write_text(json.dumps({asked["answer_key"]: {
        "do": "is", "printed": "Phòng Nội Vụu mới", "body": "Phòng Nội vụ"}}), "utf-8")  # fmt: skip
    report = json.loads(run(str(source), "--json", "--answers", str(given)).stdout)
    assert (report["questions"], report["ready"]) == ([], True)
    given.write_text("[1]", "utf-8")
    assert isinstance(run(str(source), "--answers", str(given)).exception, Refused)
