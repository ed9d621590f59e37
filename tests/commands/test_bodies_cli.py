"""`ntm bodies` as a person or a script uses it; the file it teaches is compared byte by byte."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.commands.bodies import bodies
from ntm_workflow.errors import AppendixFaults, NotFound, Refused
from tests.conftest import ROOT

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "appendix.toml"
    made.write_bytes((ROOT / "config" / "appendix.toml").read_bytes())
    return made


@pytest.fixture
def run(file: Path) -> Run:
    def call(*args: str, text: str | None = None) -> Result:
        where = [] if args[0] == "split" else ["--file", str(file)]
        done = CliRunner().invoke(bodies, [*args, *where], input=text)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done

    return call


def reads(file: Path, cell: str) -> tuple[str, ...]:
    plan = toml_file.load(file)
    named, lost = Register(plan.bodies, plan.units, plan.level).resolve(cell)
    assert not lost
    return tuple(body for name in named for body in name.bodies)


def added_lines(file: Path) -> list[str]:
    """The lines that are new; fails if any line was lost or moved."""
    before = (ROOT / "config" / "appendix.toml").read_text("utf-8").split("\n")
    after = file.read_text("utf-8").split("\n")
    new, at = [], 0
    for line in after:
        if at < len(before) and line == before[at]:
            at += 1
        else:
            new.append(line)
    assert at == len(before)
    return new


def test_lines_of_json_are_answered_line_by_line(run: Run) -> None:
    cells = [
        {"id": "a", "text": "BCĐ, BQL cấp xã"},
        {"id": 2, "text": "Các sở, ban, ngành; Sở Tài chính"},
        {"id": None, "text": ""},
    ]
    done = run("split", "--jsonl", text="\n".join(json.dumps(one) for one in cells) + "\n\n")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"id": "a", "bodies": ["BCĐ cấp xã", "BQL cấp xã"], "collective": []},
        {
            "id": 2,
            "bodies": ["Các sở, ban, ngành", "Sở Tài chính"],
            "collective": ["Các sở, ban, ngành"],
        },
        {"id": None, "bodies": [], "collective": []},
    ]


@pytest.mark.parametrize("line", ["nope", '{"id": 1}', '{"text": 5}', "[1]"])
def test_a_line_that_is_no_question_is_refused_by_its_number(run: Run, line: str) -> None:
    with pytest.raises(Refused) as refused:
        run("split", "--jsonl", text=line)
    assert (refused.value.key, refused.value.data) == ("bodies.line", {"line": 1})


def test_a_person_sees_each_body_on_a_line_and_which_are_classes(run: Run) -> None:
    done = run("split", "Phòng Nội vụ, Tư pháp; các phòng, ban")
    assert done.stdout == "- Phòng Nội vụ\n- Phòng Tư pháp\n- các phòng, ban  (nhóm)\n"


def test_list_and_show_tell_what_the_file_declares(run: Run) -> None:
    listed = json.loads(run("list", "--json").stdout)
    assert len(listed) == len(tomllib.loads((ROOT / "config/appendix.toml").read_text())["body"])
    shown = json.loads(run("show", "Phòng TC-KH", "--json").stdout)
    assert shown["id"] == "phong-tc-kh"
    assert run("show", "phong-tc-kh").stdout.startswith("Mã:")
    assert "phong-tc-kh" in run("list").stdout


def test_an_unknown_name_is_answered_with_the_nearest(run: Run) -> None:
    with pytest.raises(NotFound) as unknown:
        run("show", "Phòng TC-KM")
    assert "Phòng TC-KH" in unknown.value.data["nearest"]


def test_a_body_learnt_once_is_known_and_the_rest_of_the_file_stays(run: Run, file: Path) -> None:
    run("add", "Thanh tra huyện Bắc Sơn", "--short", "Thanh tra huyện", "--level", "district",
        "--alias", "Thanh tra")  # fmt: skip
    assert reads(file, "Phòng Nội vụ, Thanh tra") == ("phong-noi-vu", "thanh-tra-huyen")
    assert added_lines(file) == [
        "[[body]]",
        'id = "thanh-tra-huyen"',
        'name = "Thanh tra huyện Bắc Sơn"',
        'short = "Thanh tra huyện"',
        'level = "district"',
        'kind = "office"',
        'aliases = ["Thanh tra"]',
        "",
    ]


def test_a_spelling_learnt_once_is_known_and_one_line_changes(run: Run, file: Path) -> None:
    run("alias", "phong-tc-kh", "Phòng Ngân khố")
    assert reads(file, "Phòng Ngân khố") == ("phong-tc-kh",)
    before = (ROOT / "config" / "appendix.toml").read_text("utf-8").split("\n")
    after = file.read_text("utf-8").split("\n")
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1
    assert changed[0][1] == changed[0][0].replace("]", ', "Phòng Ngân khố"]')


def test_learning_the_same_spelling_twice_changes_nothing(run: Run, file: Path) -> None:
    run("alias", "phong-tc-kh", "Phòng Ngân khố")
    learnt = file.read_bytes()
    assert "không cần thêm" in run("alias", "phong-tc-kh", "phòng ngân khố").stdout
    assert file.read_bytes() == learnt


@pytest.mark.parametrize("printed", ["Phòng Nội vụ", "Phòng Nội Vụ", "BCĐ", "UBND các xã"])
def test_a_spelling_of_another_body_is_refused(run: Run, file: Path, printed: str) -> None:
    before = file.read_bytes()
    with pytest.raises(Refused) as refused:
        run("alias", "phong-tc-kh", printed)
    assert refused.value.key == "bodies.alias_taken"
    assert file.read_bytes() == before


def test_an_id_in_use_is_refused(run: Run, file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(Refused):
        run("add", "Phòng mới", "--id", "phong-tc-kh", "--level", "district")
    assert file.read_bytes() == before


def test_an_addition_that_makes_the_file_unusable_is_refused_with_the_fault(
    run: Run, file: Path
) -> None:
    before = file.read_bytes()
    with pytest.raises(AppendixFaults) as faults:
        run("add", "Nhóm lạ", "--level", "district", "--kind", "group", "--member", "khong-co")
    assert "khong-co" in str(faults.value.faults[0].data)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_with_an_unknown_body_is_mended_by_teaching_it(run: Run, file: Path) -> None:
    text = file.read_text("utf-8").replace(
        'implementing = "Phòng TC-KH"', 'implementing = "Phòng Q"'
    )
    file.write_text(text, "utf-8")
    with pytest.raises(AppendixFaults):
        toml_file.load(file)
    run("alias", "phong-tc-kh", "Phòng Q")
    assert toml_file.load(file)


@pytest.mark.parametrize(
    ("written", "then"),
    [
        ('aliases = ["A"]', 'aliases = ["A", "Tổ Q"]'),
        ('aliases = ["A",]', 'aliases = ["A", "Tổ Q"]'),
        ("aliases = []", 'aliases = ["Tổ Q"]'),
        ('aliases = ["a ] b"]  # [c]', 'aliases = ["a ] b", "Tổ Q"]  # [c]'),
        ('aliases = [\n  "A",  # ]\n  "B"\n]', 'aliases = [\n  "A",  # ]\n  "B", "Tổ Q"\n]'),
        ("", 'aliases = ["Tổ Q"]'),
    ],
)
def test_lists_written_in_any_way_take_one_more(
    run: Run, file: Path, written: str, then: str
) -> None:
    body = (
        f'[[body]]\nid = "to-moi"\nname = "Tổ mới"\nlevel = "district"\nkind = "office"\n{written}'
    )
    text = file.read_text("utf-8").replace("[[section]]", f"{body}\n\n[[section]]", 1)
    file.write_text(text, "utf-8")
    before = tomllib.loads(text)
    run("alias", "to-moi", "Tổ Q")
    after = tomllib.loads(file.read_text("utf-8"))
    new = next(one for one in after["body"] if one["id"] == "to-moi")
    assert new["aliases"][-1] == "Tổ Q"
    assert len(after["body"]) == len(before["body"])
    assert then.replace('"A", "Tổ Q"]', '"A", "Tổ Q"') in file.read_text("utf-8")


def test_a_commune_s_body_is_taught_by_the_id_all_communes_share(run: Run, file: Path) -> None:
    run("alias", "bql-{unit}", "Ban QL chương trình")
    assert len(reads(file, "Ban QL chương trình cấp xã")) == 17
    with pytest.raises(Refused):
        run("alias", "BQL xã Tân Lập", "Ban gì đó")
