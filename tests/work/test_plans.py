"""Several plans in force at once, their texts in the database, on SQLite and PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from ntm_workflow import runtime, settings
from ntm_workflow.appendix import toml_file
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.reports import counts, trail
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import schema
from ntm_workflow.store.tables import AuditEntry, Base, PlanVersion, Task
from ntm_workflow.work import assign, audit, dropfolder, people, plans, tasks
from ntm_workflow.work.audit import Actor
from tests.scene import SYSTEM
from tests.second_plan import FIRST, PAPER, SECOND, end, installation, paper, put

NEW_YEAR = date(2021, 1, 5)
JANUARY = paper("Tháng 1", "Quý II")


def versions(rt: Runtime, plan_id: str) -> list[PlanVersion]:
    query = select(PlanVersion).where(PlanVersion.plan_id == plan_id)
    with rt.reader() as session:
        return list(session.scalars(query.order_by(PlanVersion.version)))


def entries(rt: Runtime, action: str) -> list[AuditEntry]:
    with rt.reader() as session:
        return trail.newest(session, 100, Filter(action))


def open_all(rt: Runtime, day: date) -> list[tasks.Opened]:
    with rt.sessions.begin() as session:
        return tasks.open_all(
            session, rt.in_force, rt.days, day, now=rt.moment(day), actor=SYSTEM
        )  # fmt: skip


# -- putting in force ----------------------------------------------------------


def test_a_plan_that_is_put_in_force_keeps_its_text_and_says_so_in_the_audit(rt: Runtime) -> None:
    rt = put(rt, JANUARY, NEW_YEAR, document="12/KH-UBND")
    (kept,) = versions(rt, SECOND)
    assert (kept.version, kept.text, kept.document) == (1, JANUARY, "12/KH-UBND")
    entry = entries(rt, "plan.loaded")[0]
    assert entry.subject == SECOND
    assert '"document":"12/KH-UBND"' in entry.data
    assert f'"digest":"{kept.digest}"' in entry.data


def test_putting_the_same_text_in_force_again_changes_nothing(rt: Runtime) -> None:
    put(rt, JANUARY, NEW_YEAR)
    with rt.sessions.begin() as session:
        before = audit.head(session)
        plan = toml_file.parse(JANUARY)
        assert not plans.put_in_force(session, plan, JANUARY, now=rt.now(), actor=SYSTEM)
        assert audit.head(session) == before
    assert len(versions(rt, SECOND)) == 1


def test_a_changed_text_is_a_new_version_and_the_old_one_stays_readable(rt: Runtime) -> None:
    put(rt, JANUARY, NEW_YEAR)
    changed = paper("Tháng 2", "Quý II")
    rt = put(rt, changed, NEW_YEAR, document="40/QĐ-UBND")
    assert [v.text for v in versions(rt, SECOND)] == [JANUARY, changed]
    assert rt.plan_of(SECOND).row("III.1").timing_text == "Tháng 2"
    with rt.reader() as session:
        assert plans.text_of(session, SECOND) == changed
        (known,) = [one for one in plans.known(session) if one.id == SECOND]
    assert (known.version, known.document, known.code) == (2, "40/QĐ-UBND", "12/KH-UBND")


def test_a_text_that_is_not_the_plans_own_is_a_mistake_of_the_caller(rt: Runtime) -> None:
    plan = toml_file.parse(JANUARY)
    with pytest.raises(ValueError, match=SECOND), rt.sessions.begin() as session:
        plans.put_in_force(session, plan, JANUARY + b"\n", now=rt.now(), actor=SYSTEM)


def test_a_second_plan_leaves_the_first_ones_tasks_and_rows_alone(rt: Runtime) -> None:
    open_all(rt, date(2020, 6, 1))
    with rt.reader() as session:
        before = session.scalar(select(func.count()).select_from(Task))
    rt = put(rt, JANUARY, NEW_YEAR)
    assert [plan.id for plan in rt.in_force] == [FIRST, SECOND]
    with rt.reader() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == before
    opened = open_all(rt, NEW_YEAR)
    assert {(o.plan_id, o.row_id) for o in opened if o.plan_id == SECOND} == {(SECOND, "III.1")}
    assert {o.plan_id for o in opened} == {FIRST, SECOND}


def test_each_plan_has_its_own_four_counts(rt: Runtime) -> None:
    rt = put(rt, JANUARY, NEW_YEAR)
    open_all(rt, NEW_YEAR)
    with rt.reader() as session:
        first, second = (counts.counts(session, one, NEW_YEAR) for one in (FIRST, SECOND))
        left = counts.unfinished(session)
    assert (second.open_in_time, second.total) == (17, 17)
    assert first.open_overdue > 400
    assert left == {FIRST: first.total, SECOND: 17}


def test_a_day_that_one_plan_orders_off_is_off_for_all(rt: Runtime) -> None:
    ordered = '[[ordered_day]]\nday = 2020-06-22\noff = true\ndocument = "7/TB"\n\n[[unit]]'
    head = ('[[unit]]\nid = "bac-quynh"', ordered + '\nid = "bac-quynh"')
    rt = put(rt, paper("Tháng 1", changes=(head,)), NEW_YEAR)
    assert rt.days.reason_off(date(2020, 6, 22)) == "nghỉ theo 7/TB"


# -- which plan is meant ---------------------------------------------------------


def test_the_installations_own_plan_is_meant_until_it_ends_then_the_newest(rt: Runtime) -> None:
    rt = put(rt, JANUARY, NEW_YEAR)
    assert rt.plan.id == FIRST
    rt = end(rt, FIRST, NEW_YEAR)
    assert rt.plan.id == SECOND
    assert [plan.id for plan in rt.all_plans] == [FIRST, SECOND]
    assert end(rt, SECOND, NEW_YEAR).plan.id == SECOND  # all ended: still something to read


def test_an_unchanged_office_is_the_same_runtime_and_costs_one_statement(rt: Runtime) -> None:
    rt = rt.refreshed()
    assert rt.refreshed() is rt


def test_a_code_that_two_plans_have_asks_which(rt: Runtime) -> None:
    twin = paper("Tháng 6", number=45, year=2020, effective=date(2020, 3, 2))
    rt = put(rt, twin, date(2020, 3, 2))
    open_all(rt, date(2020, 6, 1))
    code = "III.1/2020-06/bql-tan-lap"
    with rt.reader() as session:
        with pytest.raises(Refused) as error:
            tasks.find(session, code)
        assert error.value.key == "task.several_plans"
        assert f"{FIRST}:{code}" in error.value.data["choices"]
        assert f"45-kh-ubnd-2020:{code}" in error.value.data["choices"]
        assert tasks.find(session, f"45-kh-ubnd-2020:{code}").plan_id == "45-kh-ubnd-2020"
        assert tasks.find(session, code, FIRST).plan_id == FIRST
        assert tasks.find(session, "III.1/2020-06/bcd-tan-lap").plan_id == FIRST  # only there


# -- ending ----------------------------------------------------------------------


def test_an_ended_plan_opens_no_more_even_where_nobody_has_heard_of_it(rt: Runtime) -> None:
    stale = put(rt, JANUARY, NEW_YEAR)
    open_all(stale, NEW_YEAR)
    rt = end(stale, SECOND, NEW_YEAR)
    for known in (rt, stale):
        assert not [o for o in open_all(known, date(2021, 4, 1)) if o.plan_id == SECOND]
    assert SECOND not in {plan.id for plan in rt.in_force}
    office = Actor("Bình", "coordination", "vpdp-huyen")
    with pytest.raises(Refused) as error, rt.sessions.begin() as session:
        assign.assign(
            session, rt.plan_of(SECOND), rt.days, "III.1", ["bql-tan-lap"], date(2021, 5, 1),
            "báo cáo", by=office, now=rt.now(), today=NEW_YEAR,
        )  # fmt: skip
    assert error.value.key == "plan.has_ended"


def test_ending_names_its_document_once_and_stands_in_the_audit(rt: Runtime) -> None:
    rt = put(rt, JANUARY, NEW_YEAR)
    with pytest.raises(Refused):
        end(rt, SECOND, NEW_YEAR, document="  ")
    end(rt, SECOND, NEW_YEAR)
    (entry,) = entries(rt, "plan.ended")
    assert (entry.subject, '"document":"15/TB-UBND"' in entry.data) == (SECOND, True)
    with pytest.raises(Refused) as again:
        end(rt, SECOND, NEW_YEAR)
    assert again.value.key == "plan.has_ended"
    with pytest.raises(Refused):
        put(rt, paper("Tháng 3"), NEW_YEAR)
    with pytest.raises(NotFound):
        end(rt, "khong-co", NEW_YEAR)


# -- the installation's own file ---------------------------------------------------


@pytest.fixture
def load(tmp_path: Path, database_url: str) -> Callable[..., Runtime]:
    """Load the installation as a command does, with this text in its file, or without one."""

    def act(data: bytes | None, **options: Any) -> Runtime:
        environ = installation(tmp_path, data or b"")
        if data is None:
            Path(environ["NTM_APPENDIX"]).unlink()
        base = replace(settings.load(environ), database_url=database_url)
        return runtime.load(base, **options)

    return act


def test_editing_the_file_puts_it_in_force_and_an_older_file_is_left_aside(
    load: Callable[..., Runtime], caplog: pytest.LogCaptureFixture
) -> None:
    old, new = paper("Tháng 1"), paper("Tháng 2")
    assert load(old).plan.row("III.1").timing_text == "Tháng 1"
    assert load(new).plan.row("III.1").timing_text == "Tháng 2"
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        rt = load(old)
    assert rt.plan.row("III.1").timing_text == "Tháng 2"
    assert "cũ hơn" in caplog.text
    assert [v.text for v in versions(rt, SECOND)] == [old, new]


def test_another_machine_without_the_file_reads_the_same_plans(
    load: Callable[..., Runtime],
) -> None:
    put(load(PAPER.read_bytes()), JANUARY, NEW_YEAR)
    rt = load(None)
    assert [plan.id for plan in rt.in_force] == [FIRST, SECOND]
    assert rt.plan.id == SECOND  # no file of its own: the newest


def test_without_any_plan_a_command_is_refused_and_the_page_may_start(
    load: Callable[..., Runtime],
) -> None:
    with pytest.raises(Refused) as error:
        load(None)
    assert error.value.key == "plan.none"
    assert load(None, may_be_empty=True).in_force == ()


def test_a_plan_from_before_texts_were_kept_gets_its_text_at_the_next_load(
    load: Callable[..., Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    rt = load(JANUARY)
    monkeypatch.setattr(plans, "_PARSED", {})  # another process
    with rt.sessions.begin() as session:
        session.execute(text("DELETE FROM plan_version"))
    with pytest.raises(NotFound) as error:
        load(None, may_be_empty=True).plan_of(SECOND)
    assert error.value.key == "plan.no_text"
    rt = load(JANUARY)
    assert [v.text for v in versions(rt, SECOND)] == [JANUARY]


def test_an_edited_file_of_an_ended_plan_changes_nothing(
    load: Callable[..., Runtime], caplog: pytest.LogCaptureFixture
) -> None:
    end(load(JANUARY), SECOND, NEW_YEAR)
    with caplog.at_level(logging.WARNING):
        rt = load(paper("Tháng 2"))
    assert "đã kết thúc" in caplog.text
    assert rt.plan_of(SECOND).row("III.1").timing_text == "Tháng 1"
    assert rt.in_force == ()


# -- the tables --------------------------------------------------------------------


def test_a_database_from_before_keeps_its_plan_and_gets_the_text_at_the_next_load(
    tmp_path: Path,
) -> None:
    from alembic import command
    from alembic.config import Config

    url = f"sqlite:///{tmp_path / 'old.db'}"
    base = replace(settings.load(installation(tmp_path, JANUARY)), database_url=url)
    old = runtime.assemble(base, None)
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with old.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO plan (id, issuer, number, symbol, year, title, digest, loaded_at)"
                " VALUES (:id, 'ubnd-huyen', 12, 'KH-UBND', 2021, '', :digest, '2021-01-04')"
            ),
            {"id": SECOND, "digest": toml_file.parse(JANUARY).digest},
        )
    schema.upgrade(old.engine)
    assert [v.text for v in versions(runtime.load(base), SECOND)] == [JANUARY]


def test_the_migrations_make_the_tables_that_the_code_knows(rt: Runtime) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with rt.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert not [
        one for one in found if not isinstance(one, list) and one[0] in ("add_table", "add_column")
    ]


# -- evidence and contacts -----------------------------------------------------------


def test_the_drop_folder_of_a_code_of_two_plans_is_asked_to_name_its_plan(rt: Runtime) -> None:
    twin = "45-kh-ubnd-2020"
    day = date(2020, 6, 22)
    rt.set_simulated(day, SYSTEM)
    rt = put(rt, paper("Tháng 6", number=45, year=2020, effective=date(2020, 3, 2)), day)
    open_all(rt, day)
    drop = rt.settings.var / "drop"
    for name in ("III.1_2020-06_bql-tan-lap", f"{twin}_III.1_2020-06_bql-vu-le"):
        (drop / name).mkdir(parents=True)
        card = "Số: 12/BC-UBND\nNgày: 20/6/2020\nTrích yếu: Kết quả rà soát\n"
        (drop / name / "van-ban.txt").write_text(card, "utf-8")
    unclear, taken = sorted(dropfolder.collect(rt, actor=SYSTEM), key=lambda t: not t.fault)
    assert f"{twin}:III.1/2020-06/bql-tan-lap" in unclear.fault
    assert not taken.fault
    with rt.reader() as session:
        assert tasks.find(session, taken.task).state == "submitted"
        assert tasks.find(session, "III.1/2020-06/bql-vu-le", FIRST).state == "open"


def test_a_contact_may_speak_for_a_body_that_only_another_plan_knows(rt: Runtime) -> None:
    new = ('[[body]]\nid = "vpdp-huyen"', '[[body]]\nid = "to-moi"\nname = "Tổ công tác mới"\n'
           'level = "district"\nkind = "group"\n\n[[body]]\nid = "vpdp-huyen"')  # fmt: skip
    rt = put(rt, paper("Tháng 1", changes=(new,)), NEW_YEAR)
    data = "body,name,email\nTổ công tác mới,An,an@example.vn\nvpdp-huyen,Bình,b@example.vn\n"
    with pytest.raises(people.ContactFaults):
        people.read_csv(data.encode(), rt.plan)
    lines = people.read_csv(data.encode(), rt.plan, rt.all_plans)
    assert [line.bodies for line in lines] == [("to-moi",), ("vpdp-huyen",)]
