"""`ntm bodies` through time, as a clerk uses it: events, proposals, names on a day."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from ntm_workflow.cli import cli
from ntm_workflow.errors import NtmError
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import BodyEvent, Contact, ContactBody
from tests.conftest import ROOT, TESTER
from tests.scene import Scene

Run = Callable[..., Result]
DAY = date(2020, 7, 1)
MERGE = (
    "merge", "UBND xã Tân Lập", "ubnd-tan-huong", "--into", "ubnd-xa-moi",
    "--new", "Ủy ban nhân dân xã Mới", "--short", "UBND xã Mới", "--level", "commune",
    "--on", "2020-07-01", "--document", "1672/NQ-UBTVQH15",
)  # fmt: skip
TASK = "VIII.1/2020-Q3/ubnd-tan-lap"


@pytest.fixture
def town(
    make_runtime: Callable[..., Runtime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Scene:
    """The plan's tasks of 1 July 2020, on that simulated day."""
    rt = make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}")
    rt.set_simulated(DAY, TESTER)
    scene = Scene(rt)
    scene.open(DAY)
    monkeypatch.setenv("NTM_ROOT", str(ROOT))
    monkeypatch.setenv("NTM_VAR", str(rt.settings.var))
    monkeypatch.setenv("NTM_DATABASE_URL", rt.settings.database_url)
    return scene


@pytest.fixture
def run(town: Scene) -> Run:
    def act(*args: str, answer: str | None = None, group: str = "bodies") -> Result:
        done = CliRunner().invoke(cli, [*([group] if group else []), *args], input=answer)
        if isinstance(done.exception, NtmError):
            raise done.exception
        assert done.exit_code in (0, 1), done.output
        return done

    return act


def events(town: Scene) -> list[BodyEvent]:
    with town.rt.reader() as session:
        return list(session.scalars(select(BodyEvent)))


def test_a_preview_says_what_would_happen_and_whom_to_ask_and_records_nothing(
    town: Scene, run: Run
) -> None:
    town.contact("vanthu", "ubnd-tan-lap")
    said = run(*MERGE, "--dry-run").output
    assert "Ủy ban nhân dân xã Tân Hương, Ủy ban nhân dân xã Tân Lập" in said
    assert "vanthu@" in said
    assert "chưa ghi gì" in said
    assert events(town) == []


def test_without_yes_it_asks_and_a_no_records_nothing(town: Scene, run: Run) -> None:
    assert run(*MERGE, answer="n\n").exit_code == 1
    assert events(town) == []
    assert run(*MERGE, answer="y\n").exit_code == 0
    assert len(events(town)) == 1
    assert "1 sự kiện đã có từ trước" in run(*MERGE, "--yes").output


def test_a_clerk_merges_confirms_and_the_new_body_hands_in(town: Scene, run: Run) -> None:
    run(*MERGE, "--yes")
    waiting = json.loads(run("proposals", "--json").output)["proposals"]
    assert {one["to"] for one in waiting} == {"ubnd-xa-moi"}
    assert TASK in {one["task"] for one in waiting}
    assert any(one["task"] is None for one in waiting)  # and what the plan opens later
    assert TASK in run("proposals").output
    event = str(waiting[0]["event"])
    assert "còn lại 0" in run("confirm", "--all-of", event).output
    assert json.loads(run("proposals", "--json").output)["proposals"] == []
    new = "VIII.1/2020-Q3/ubnd-xa-moi"
    done = run("submit", new, "--number", "5/BC-UBND", "--date", "2020-07-01", "--subject", "Xong",
               "--as", "UBND xã Mới", group="")  # fmt: skip
    assert new in done.output
    assert town.task(new).state == "submitted"
    assert new in run("tasks", "--body", "ubnd-xa-moi", group="").output
    assert "UBND xã Mới" in run("status", "--by", "body", group="").output
    assert "nguyên vẹn" in run("verify", group="audit").output


def test_a_new_body_gets_its_contact_from_the_file_by_id_or_name(
    town: Scene, run: Run, tmp_path: Path
) -> None:
    run(*MERGE, "--yes")
    file = tmp_path / "dau-moi.csv"
    file.write_text("body,name,email\nUBND xã Mới,Văn thư,vt@moi.example.vn.invalid\n"
                    "ubnd-xa-moi,Chủ tịch,ct@moi.example.vn.invalid\n", "utf-8")  # fmt: skip
    run("import", str(file), group="contacts")
    with town.rt.reader() as session:
        query = select(Contact.name).join(ContactBody).where(ContactBody.body_id == "ubnd-xa-moi")
        assert set(session.scalars(query)) == {"Văn thư", "Chủ tịch"}


def test_one_proposal_is_confirmed_for_a_chosen_body_another_refused(town: Scene, run: Run) -> None:
    run("end", "ubnd-tan-lap", "--on", "2020-07-01", "--document", "1/QĐ", "--yes")
    waiting = json.loads(run("proposals", "--json").output)["proposals"]
    ids = {one["task"]: str(one["id"]) for one in waiting}
    assert "chưa rõ ai nhận" in run("proposals").output
    with pytest.raises(NtmError):
        run("confirm", ids[TASK])
    assert "ubnd-vu-le" in run("confirm", ids[TASK], "--to", "UBND xã Vũ Lễ").output
    other = next(task for task in ids if task and task != TASK)
    run("refuse", ids[other], "--reason", "chờ tỉnh giao")
    left = {one["task"] for one in json.loads(run("proposals", "--json").output)["proposals"]}
    assert {TASK, other}.isdisjoint(left)


def test_split_still_reads_cells_and_with_into_records_a_split(town: Scene, run: Run) -> None:
    assert "BQL cấp xã" in run("split", "BCĐ, BQL cấp xã").output
    assert events(town) == []
    run("split", "UBND xã Tân Lập", "--new", "ubnd-mot=Ủy ban nhân dân xã Một", "--new",
        "ubnd-hai=Ủy ban nhân dân xã Hai", "--level", "commune", "--on", "2020-07-01",
        "--document", "2/NQ", "--yes")  # fmt: skip
    assert [one.kind for one in events(town)] == ["split"]
    assert "chọn một: Ủy ban nhân dân xã Hai, Ủy ban nhân dân xã Một" in run("proposals").output


def test_names_and_events_are_shown_as_of_a_day(town: Scene, run: Run) -> None:
    on = ("--on", "2020-07-01", "--document", "3/QĐ", "--yes")
    run("rename", "vpdp-huyen", "Văn phòng NTM và giảm nghèo", "--short", "VP NTM-GN", *on)
    run("move", "phong-tc-kh", "--level", "province", *on)
    run("found", "ban-moi", "Ban mới", "--level", "commune", *on)
    before = json.loads(run("show", "vpdp-huyen", "--on", "2020-06-30", "--json").output)
    after = json.loads(run("show", "vpdp-huyen", "--on", "2020-07-01", "--json").output)
    assert before["name"].startswith("Văn phòng Điều phối")
    assert after["name"] == "Văn phòng NTM và giảm nghèo"
    assert json.loads(run("show", "phong-tc-kh", "--on", "2020-07-01", "--json").output)[
        "level"
    ] == "province"  # fmt: skip
    assert "chưa thành lập" in run("show", "ban-moi", "--on", "2020-06-30").output
    history = run("history", "VP NTM-GN").output
    assert "từ trước: Văn phòng Điều phối" in history
    assert "3/QĐ" in history
    assert [one["kind"] for one in json.loads(run("events", "--json").output)] == [
        "rename", "move", "found",
    ]  # fmt: skip


def test_a_file_with_one_impossible_event_records_none_of_them(
    town: Scene, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "su-kien.toml"
    good = '[[event]]\nkind = "end"\non = 2020-07-01\ndocument = "1/QĐ"\nfrom = ["ubnd-tan-lap"]\n'
    file.write_text(good + good.replace("2020-07-01", "2020-08-01"), "utf-8")
    with pytest.raises(NtmError) as error:
        run("events", "import", str(file), "--yes")
    assert error.value.key == "event.in_file"
    assert error.value.data["number"] == 2
    assert "đã kết thúc từ 1/7/2020" in str(error.value.data["why"])
    assert events(town) == []


BROKEN: dict[str, tuple[str, set[str]]] = {
    "no table": ("x = 1", {"event.file_empty"}),
    "an unknown key": ('[[event]]\nkind = "end"\non = 2020-07-01\ndocument = "1"\nfrm = []',
                       {"event.file_key"}),
    "a kind nobody knows, no day": ('[[event]]\nkind = "nhập"\ndocument = "1"',
                                    {"event.file_kind", "event.file_missing"}),
    "a day as text": ('[[event]]\nkind = "end"\non = "1/7/2020"\ndocument = "1"',
                      {"event.file_type"}),
    "numbers for ids": ('[[event]]\nkind = "end"\non = 2020-07-01\ndocument = "1"\nfrom = [1]',
                        {"event.file_type"}),
    "a new body without level": (
        '[[event]]\nkind = "found"\non = 2020-07-01\ndocument = "1"\n'
        '[[event.new]]\nid = "a"\nname = "A"', {"event.file_missing"}),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_told_every_fault_at_once(run: Run, tmp_path: Path, what: str) -> None:
    content, keys = BROKEN[what]
    file = tmp_path / "su-kien.toml"
    file.write_text(content, "utf-8")
    with pytest.raises(NtmError) as error:
        run("events", "import", str(file), "--yes")
    faults: Any = error.value
    assert {fault.key for fault in faults.faults} == keys


def test_a_plan_with_a_new_name_is_refused_until_the_renaming_is_recorded_with_the_command_it_names(
    town: Scene, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "config" / "appendix.toml").read_text("utf-8")
    name = "Văn phòng Nông thôn mới tỉnh Lạng Sơn"
    text = text.replace('id = "28-kh-ubnd-2020"', 'id = "31-kh-ubnd-2021"')
    text = text.replace("number = 28", "number = 31").replace("2020-02-12", "2020-06-01")
    text = text.replace(
        'name = "Văn phòng Điều phối nông thôn mới tỉnh Lạng Sơn"', f'name = "{name}"'
    )
    file = tmp_path / "ke-hoach-moi.toml"
    file.write_text(text, "utf-8")
    monkeypatch.setenv("NTM_APPENDIX", str(file))
    with pytest.raises(NtmError) as error:
        run("status", group="")
    assert error.value.key == "body.other_name"
    run("rename", "vpdp-tinh", name, "--on", "2020-05-01", "--document", "9/QĐ", "--yes")
    assert "31/KH-UBND" in run("status", group="").output
