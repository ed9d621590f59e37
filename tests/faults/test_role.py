"""On PostgreSQL the application works as a role that cannot rewrite the past, triggers or not."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import ProgrammingError

from ntm_workflow import runtime
from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import Refused, SchemaOutdated
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import backup, engine, grants, restore, schema
from ntm_workflow.work import heads, key_rotation
from ntm_workflow.work.accounts import Role
from tests import signing
from tests.scene import SYSTEM, Scene, only

TASK = "III.1/2020-06/bql-tan-lap"
DAYS = date(2020, 6, 2), date(2020, 6, 16), date(2020, 6, 22)


@pytest.fixture
def role(postgres_url: str) -> Iterator[tuple[str, str]]:
    """(URL of a fresh database as its owner, URL as a role that was given the rights)."""
    name, word = f"ntm_app_{secrets.token_hex(4)}", secrets.token_hex(8)
    owner = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{word}'"))
    assert grants.grant(owner, name) > 40
    url = make_url(postgres_url).set(username=name, password=word)
    yield postgres_url, url.render_as_string(hide_password=False)
    with owner.connect() as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))
    owner.dispose()


def test_a_plan_runs_as_that_role_from_the_first_task_to_the_backup(
    role: tuple[str, str], make_runtime: Callable[..., Runtime], plan: Plan, tmp_path: Path
) -> None:
    rt = make_runtime(role[1])
    scene = Scene(rt)
    rt.set_simulated(DAYS[0], SYSTEM)
    scene.example_contacts()
    for day in DAYS:
        rt.set_simulated(day, SYSTEM)
        scene.open(day)
        scene.remind(day)
        scene.deliver(day)
        with rt.sessions.begin() as session:
            heads.sign(session, rt.signer, today=day, now=rt.now(), actor=SYSTEM)
    scene.submit(TASK, DAYS[-1])
    scene.return_(TASK, DAYS[-1])
    scene.extend(TASK, DAYS[-1] + timedelta(days=20), DAYS[-1])
    scene.suspend(TASK, DAYS[-1])
    scene.resume(TASK, DAYS[-1])
    key_rotation.rotate(rt, SYSTEM)
    browser = signing.client(rt, Role.COORDINATION)
    for path in ("/", "/viec", "/nhat-ky", "/thong-bao", "/lien-he", "/kenh", "/tai-khoan"):
        assert browser.get(path).status_code == 200, path
    made = backup.make(rt.settings, tmp_path / "made", rt.now())
    assert made.seq > 500
    assert scene.broken_audit() is None


STATEMENTS = (
    "UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE", "DROP TABLE {0}",
    "ALTER TABLE {0} DISABLE TRIGGER ALL",
)  # fmt: skip


def test_the_server_refuses_the_role_to_touch_what_is_append_only(role: tuple[str, str]) -> None:
    """Also where the triggers are gone: the owner dropped them here."""
    owner, mine = create_engine(role[0]), engine.open_engine(role[1])
    with owner.begin() as connection:
        for one in ("audit", "signed_head", "notice_attempt"):
            connection.execute(text(f"DROP TRIGGER {one}_append_only ON {one}"))
    said = {}
    for table in grants.APPEND_ONLY:
        column = inspect(owner).get_columns(table)[1]["name"]
        for statement in STATEMENTS:
            with mine.connect() as connection, pytest.raises(ProgrammingError) as refused:
                connection.execute(text(statement.format(table, f'"{column}"')))
            said[table, statement] = str(refused.value)
    assert len(said) == 40
    wrong = [why for why in said.values() if "permission denied" not in why and
             "must be owner" not in why]  # fmt: skip
    assert wrong == []
    owner.dispose()
    mine.dispose()


def test_the_role_can_neither_upgrade_nor_restore_nor_make_tables(
    role: tuple[str, str], make_runtime: Callable[..., Runtime], plan: Plan, tmp_path: Path
) -> None:
    rt = make_runtime(role[1], plan=only(plan, "II.1"))
    backup.make(rt.settings, tmp_path / "made", rt.now())
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        restore.restore(rt.settings, tmp_path / "made", force=True)
    for statement in (
        "CREATE TABLE x (id int)", "UPDATE alembic_version SET version_num = '1'",
        "DELETE FROM audit_head",
    ):  # fmt: skip
        with rt.engine.connect() as connection, pytest.raises(ProgrammingError, match="denied"):
            connection.execute(text(statement))
    _age(role[0])
    with pytest.raises(SchemaOutdated):
        schema.check(rt.engine)
    assert Scene(rt).broken_audit() is None


def _age(url: str) -> None:
    owner = create_engine(url)
    with owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0015'"))
    owner.dispose()


def test_rights_outlive_a_restore_by_the_owner_and_are_never_the_owners_own(
    role: tuple[str, str], make_runtime: Callable[..., Runtime], plan: Plan, tmp_path: Path
) -> None:
    rt = make_runtime(role[1], plan=only(plan, "II.1"))
    Scene(rt).open(date(2020, 3, 2))
    backup.make(rt.settings, tmp_path / "made", rt.now())
    restore.restore(replace(rt.settings, database_url=role[0]), tmp_path / "made", force=True)
    again = runtime.assemble(rt.settings, only(plan, "II.1"))
    assert Scene(again).open(date(2020, 4, 2)) >= 0
    with again.engine.connect() as connection:
        assert not grants.may_rewrite(connection)
    again.engine.dispose()
    owner = create_engine(role[0])
    with owner.connect() as connection:
        assert grants.may_rewrite(connection)
        me = str(connection.scalar(text("SELECT current_user")))
    for name, key in ((me, r"grant\.owner"), ("nobody_at_all", r"grant\.no_role")):
        with pytest.raises(Refused, match=key):
            grants.grant(owner, name)
    owner.dispose()
