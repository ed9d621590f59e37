"""The flows on a real installation and a real Prefect server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter
from sqlalchemy import func, select, text

from flows.collect_evidence import collect_evidence
from flows.deliver import deliver
from flows.nightly_backup import nightly_backup
from flows.open_tasks import open_due, open_tasks
from flows.quarterly_reminder import quarterly_reminder
from flows.send_reminders import send_reminders
from flows.sign_audit import sign_audit
from flows.simulate import advance
from ntm_workflow import simulation
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import deployments, flow_run, ping
from ntm_workflow.store.tables import AuditEntry, DailyRun, SignedHead, Task
from ntm_workflow.work import backups, heads
from ntm_workflow.work.audit import Actor

START = date(2020, 6, 22)
NOBODY = Actor("test", via="test")

pytestmark = pytest.mark.usefixtures("prefect", "installation")


@pytest.fixture
def rt(installation: Path) -> Iterator[Runtime]:
    rt = flow_run.load()
    yield rt
    rt.engine.dispose()


@pytest.fixture
def simulated(rt: Runtime) -> Runtime:
    rt.set_simulated(START, NOBODY)
    return rt


def count(rt: Runtime, *where: Any) -> int:
    with rt.reader() as session:
        return session.scalar(select(func.count()).select_from(Task).where(*where)) or 0


def artifacts(key: str) -> list[Any]:
    async def read() -> list[Any]:
        async with get_client() as client:
            wanted = ArtifactFilter.model_validate({"key": {"any_": [key]}})
            return await client.read_artifacts(artifact_filter=wanted)

    return asyncio.run(read())


def test_a_rows_run_opens_that_row_only_and_leaves_a_table_to_read(simulated: Runtime) -> None:
    assert open_tasks("II.1") == 1
    assert count(simulated) == count(simulated, Task.row_id == "II.1") == 1
    [artifact] = [a for a in artifacts("nhiem-vu-da-mo") if "22/6/2020: mở 1 việc" in a.description]
    [line] = json.loads(artifact.data)
    assert (line["Dòng"], line["Hạn"], line["Số việc"]) == ("II.1", "31/3/2020", 1)


def test_repeating_a_run_opens_nothing(simulated: Runtime) -> None:
    assert open_tasks("II.1") == 1
    assert open_tasks("II.1") == 0
    assert open_due() > 100
    assert open_due() == 0


def test_the_audit_names_the_prefect_run(simulated: Runtime) -> None:
    state = open_tasks("II.1", return_state=True)
    with simulated.reader() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "task.opened")).one()
    assert entry.run_id == str(state.state_details.flow_run_id)
    assert (entry.actor, entry.via) == ("open-tasks", "flow")


def test_a_run_that_lost_its_row_fails_instead_of_opening_everything() -> None:
    assert open_tasks.parameters.required == ["row_id"]


@pytest.mark.parametrize("name", sorted(deployments.ENTRYPOINTS))
def test_every_flow_of_the_list_can_be_imported_by_its_entrypoint(name: str) -> None:
    assert deployments.flow_of(name).name


def test_a_mailbox_that_is_down_is_reported_and_the_drop_folder_is_taken_all_the_same(
    simulated: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NTM_MAILBOX_URL", "imap://a:b@127.0.0.1:9/?address=a@huyen.vn")
    folder = simulated.settings.var / "drop" / "III.1_2020-06_khong-co"
    folder.mkdir(parents=True)
    (folder / "van-ban.txt").write_text("Số: 1/BC\nNgày: 20/6/2020\nTrích yếu: x\n", "utf-8")
    assert collect_evidence() == 0
    assert (folder / "LOI.txt").exists()
    assert any("không đọc được hộp thư" in a.description for a in artifacts("hop-thu-hong"))


def test_reminding_and_delivering_leave_a_report(simulated: Runtime) -> None:
    open_due()
    send_reminders()
    deliver()
    assert artifacts("da-don-doc")
    assert artifacts("thu-da-gui")


def test_the_daily_flows_write_down_that_they_ran(simulated: Runtime) -> None:
    open_due()
    send_reminders()
    quarterly_reminder()
    with simulated.reader() as session:
        found = session.execute(select(DailyRun.day, DailyRun.name, DailyRun.finished_at)).all()
    assert {(day, name) for day, name, finished in found if finished} == {
        (START, "open-due"), (START, "send-reminders"), (START, "quarterly-reminder"),
    }  # fmt: skip


def test_the_audit_is_signed_once_a_day_and_no_simulation_is_backed_up(simulated: Runtime) -> None:
    seq = sign_audit()
    assert seq == sign_audit() > 0
    with simulated.reader() as session:
        assert session.scalars(select(SignedHead.day)).all() == [START]
        assert list(heads.faults(session, simulated.signer.trusted)) == []
    assert nightly_backup() == ""


def test_a_past_that_was_touched_fails_the_run_that_signs_and_is_named(simulated: Runtime) -> None:
    """Here only the hash before an entry was: what it says of itself still fits."""
    sign_audit()
    with simulated.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET prev = :prev WHERE seq = 1"),
                           {"prev": b"x" * 32})  # fmt: skip
    with pytest.raises(Refused, match="count=1"):
        sign_audit.fn()


def test_the_nightly_backup_is_there_in_the_morning(rt: Runtime) -> None:
    name = nightly_backup()
    assert [one.name for one in backups.kept(rt.settings.backups)] == [name] == [nightly_backup()]


def test_delivering_tells_the_watchdog_after_it(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Runtime] = []
    monkeypatch.setattr(ping, "all_is_well", heard.append)
    deliver()
    assert len(heard) == 1


def test_advancing_lives_every_day_and_stops_at_the_last(simulated: Runtime) -> None:
    assert advance("2020-07-02") == "2020-07-02"
    assert simulated.today() == date(2020, 7, 2)
    assert count(simulated, Task.row_id == "VIII.1", Task.opened_on == date(2020, 7, 1)) > 0
    [report] = [a for a in artifacts("mo-phong") if "2/7/2020" in a.description]
    assert "row-viii-1, row-viii-2, open-due" in report.data


def test_advancing_backwards_changes_no_day(simulated: Runtime) -> None:
    assert advance("2020-06-01") == "2020-06-22"


def test_an_advance_that_was_cut_short_goes_on_from_the_day_it_reached(
    simulated: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, lived = simulation.offices_answer, []

    def dies_once(rt: Runtime, day: date) -> Any:
        lived.append(day)
        if len(lived) == 3:
            raise KeyboardInterrupt
        return answer(rt, day)

    monkeypatch.setattr(simulation, "offices_answer", dies_once)
    with pytest.raises(KeyboardInterrupt):
        advance("2020-06-26")
    assert simulated.today() == date(2020, 6, 24)
    advance("2020-06-26")
    assert [day.day for day in lived] == [22, 23, 24, 24, 25, 26]


def test_the_real_clock_cannot_be_advanced(rt: Runtime) -> None:
    with pytest.raises(Refused):
        advance("2030-01-01")
    assert not rt.simulated
