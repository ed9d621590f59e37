"""Backup and restore: drilled on both databases, killed half-way, without space, damaged."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, func, select, update

from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.settings import Settings
from ntm_workflow.store import backup, engine, keys, restore, signing
from ntm_workflow.store.tables import AuditEntry, WebSession
from ntm_workflow.work import audit, backups, heads, proof, tries, web_sessions
from tests.faults import vault_scene as vault
from tests.faults.test_storage import ntm
from tests.scene import ROOT, SYSTEM, Scene, fresh, only
from tests.signing import signed_in

KILLS = 12  # of each of backup and restore
NOW = datetime(2020, 6, 23, 1, 30, tzinfo=UTC)


@pytest.fixture
def town(database_url: str, plan: Plan, tmp_path: Path) -> Iterator[Scene]:
    scene = vault.furnish(fresh(database_url, only(plan, *vault.ROWS), tmp_path / "var"))
    yield scene
    scene.rt.engine.dispose()


def content(url: str) -> dict[str, list[Any]]:
    """Every row of every table."""
    made = engine.open_engine(url)
    found = MetaData()
    found.reflect(made)
    with made.connect() as connection:
        rows = {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in found.sorted_tables
        }
    made.dispose()
    return rows


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def faults(settings: Settings) -> list[proof.Fault]:
    from ntm_workflow import runtime

    rt = runtime.assemble(settings, None)
    trusted = frozenset(signing.trusted(settings.signing_file))
    with rt.reader() as session:
        found = list(proof.faults(session, trusted, rt.files))
    rt.engine.dispose()
    return found


@pytest.fixture
def elsewhere(town: Scene, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Another installation of the same kind that is empty."""
    var = tmp_path / "elsewhere"
    here = town.rt.settings
    if town.rt.engine.dialect.name == "sqlite":
        url = f"sqlite:///{var / 'ntm.db'}"
        yield replace(here, var=var, database_url=url, key_file=var / "secret.key")
        return
    server = create_engine(here.database_url, isolation_level="AUTOCOMMIT")
    name = f"else_{os.urandom(6).hex()}"
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    url = server.url.set(database=name).render_as_string(False)
    yield replace(here, var=var, database_url=url, key_file=var / "secret.key")
    with server.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.dispose()


def test_accounts_are_in_a_backup_and_who_is_signed_in_is_not(
    town: Scene, elsewhere: Settings, tmp_path: Path
) -> None:
    here, out = town.rt.settings, tmp_path / "backup"
    signed_in(town.rt)
    with town.rt.sessions.begin() as session:
        web_sessions.ticket(session, "first", None, NOW)
        tries.count(session, "an", "127.0.0.1", NOW)
        digest = session.scalars(select(WebSession.digest)).one()
    before = content(here.database_url)
    assert all(before[name] for name in backup.LEFT_OUT)
    made = backup.make(here, out, NOW)
    restore.restore(elsewhere, out)
    after = content(elsewhere.database_url)
    assert after == before | {name: [] for name in backup.LEFT_OUT}
    assert made.rows == {name: len(rows) for name, rows in after.items()}
    assert digest.encode() not in b"".join(files(out).values())


def test_what_is_restored_elsewhere_is_what_was_backed_up_and_goes_on(
    town: Scene, elsewhere: Settings, tmp_path: Path
) -> None:
    here, out = town.rt.settings, tmp_path / "backup"
    before = content(here.database_url)
    made = backup.make(here, out, NOW)
    assert list(backup.damaged(out)) == []
    assert (made.files, made.lost, made.with_key) == (len(files(here.var / "evidence")), (), False)
    restore.restore(elsewhere, out)
    assert content(elsewhere.database_url) == before
    assert files(elsewhere.var / "evidence") == files(here.var / "evidence")
    assert faults(elsewhere) == []  # signatures too, though the private key is not there
    rt = replace(town.rt, settings=elsewhere, engine=engine.open_engine(elsewhere.database_url))
    rt = replace(rt, sessions=engine.writer(rt.engine), reader=engine.reader(rt.engine))
    backups.restored(rt, out, made, actor=SYSTEM)
    Scene(rt).open(date(2020, 12, 1))  # new rows get numbers that are free
    vault.sign(rt, date(2020, 12, 1))
    with rt.reader() as session:
        assert audit.verify(session) is None
        trusted = frozenset(signing.trusted(elsewhere.signing_file))
        assert list(heads.faults(session, trusted)) == []
    with pytest.raises(Exception, match="append-only"), rt.sessions.begin() as session:
        session.execute(update(AuditEntry).values(actor="ai khác"))
    rt.engine.dispose()


def test_a_backup_made_while_others_write_is_one_state_and_names_no_file_it_lacks(
    town: Scene, elsewhere: Settings, tmp_path: Path
) -> None:
    rt = town.rt
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITES, rt.settings.database_url, str(rt.settings.var)],
        stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert writer.stdout
        writer.stdout.readline()
        for number in range(3):
            writer.stdout.readline()  # something was written since the last one
            out = tmp_path / f"backup-{number}"
            assert backup.make(rt.settings, out, NOW).lost == ()
    finally:
        writer.kill()
        writer.wait()
    restore.restore(elsewhere, out)
    assert faults(elsewhere) == []


WRITES = """
import sys
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from ntm_workflow import runtime, settings
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry
base = settings.load({"NTM_VAR": sys.argv[2], "NTM_DATABASE_URL": sys.argv[1]})
rt = runtime.assemble(base, None)
number = 0
while True:
    number += 1
    stored = rt.files.put("a.pdf", BytesIO(str(number).encode() * 5000))
    with rt.sessions.begin() as session:
        entry = Entry(Action.CLOCK_SET, "clock", {"n": number})
        audit.append(session, Actor("bận", via="test"), datetime.now(UTC), [entry])
        session.connection().exec_driver_sql(
            "INSERT INTO evidence_file (submission_id, sha256, name, size) SELECT id, '"
            + stored.sha256 + "', 'a.pdf', 1 FROM submission LIMIT 1")
        audit.append(session, Actor("bận", via="test"), datetime.now(UTC), [Entry(
            Action.TASK_SUBMITTED, "x/y/z", {"files": [stored.sha256]})])
    print(number, flush=True)
"""


def test_a_target_that_was_worked_in_is_kept_unless_forced_and_then_replaced_whole(
    town: Scene, tmp_path: Path
) -> None:
    here, out = town.rt.settings, tmp_path / "backup"
    backup.make(here, out, NOW)
    kept = content(here.database_url)
    later = _later(town)
    town.rt.engine.dispose()
    with pytest.raises(Refused, match=r"backup\.target_used"):
        restore.restore(here, out)
    assert content(here.database_url) == later
    restore.restore(here, out, force=True)
    assert content(here.database_url) == kept
    assert faults(here) == []


def _later(town: Scene) -> dict[str, list[Any]]:
    town.open(date(2020, 12, 1))
    return content(town.rt.settings.database_url)


def test_an_older_backup_put_back_shows_against_a_head_that_was_mailed(
    town: Scene, tmp_path: Path
) -> None:
    rt, out = town.rt, tmp_path / "backup"
    backup.make(rt.settings, out, NOW)
    town.open(date(2020, 12, 1))
    mailed = vault.sign(rt, date(2020, 12, 1))
    restore.restore(rt.settings, out, force=True)
    with rt.reader() as session:
        found = heads.against(session, mailed, rt.signer.trusted)
    assert found
    assert found.why == "cut"


@pytest.mark.parametrize("name", ["database", "evidence", "manifest"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_backup_is_named_and_restores_nothing(
    town: Scene, tmp_path: Path, name: str, damage: str
) -> None:
    here, out = town.rt.settings, tmp_path / "backup"
    backup.make(here, out, NOW)
    before = content(here.database_url)
    bad = {"manifest": out / backup.LIST, "evidence": next((out / "evidence").rglob("??/*")),
           "database": next(p for p in (out / backup.SQLITE, out / "tables" / "task.copy")
                            if p.exists())}[name]  # fmt: skip
    data = bad.read_bytes()
    bad.unlink()
    if damage == "changed":
        bad.write_bytes(data[: len(data) // 2])
    with pytest.raises(Refused) as error:
        restore.restore(here, out, force=True)
    wanted = "backup.none" if name == "manifest" else f"backup.{damage}"
    assert error.value.key == wanted
    assert name == "manifest" or error.value.data["name"] == bad.relative_to(out).as_posix()
    assert content(here.database_url) == before


def test_the_keys_are_in_it_only_if_asked_for_and_join_those_that_are_there(
    town: Scene, elsewhere: Settings, tmp_path: Path
) -> None:
    here = town.rt.settings
    hidden = town.rt.keys.hide(b"ma bi mat")
    secret = here.key_file.read_bytes().strip()
    without, with_key = tmp_path / "without", tmp_path / "with"
    backup.make(here, without, NOW)
    backup.make(here, with_key, NOW, with_key=True)
    assert not any(secret in data for data in files(without).values())
    own = keys.load(elsewhere.key_file)
    restore.restore(elsewhere, with_key)
    both = keys.load(elsewhere.key_file)
    assert both.reveal(hidden) == b"ma bi mat"
    assert both.seal("x", b"y") == own.seal("x", b"y")  # its own goes on being the first
    assert signing.load(elsewhere.signing_file).public == town.rt.signer.public
    assert elsewhere.key_file.stat().st_mode & 0o077 == 0


# -- killed, no space, no right --------------------------------------------------------------


STORAGE = ("open", "os.rename", "os.mkdir", "os.link", "os.remove", "sqlite3.connect")


def killed(act: Callable[[], object], point: int) -> int:
    """Do something in a process of its own that dies at its `point`-th call to storage."""
    child = os.fork()
    if child == 0:
        left = [point]

        def counted(event: str, _: object) -> None:
            if event in STORAGE:
                left[0] -= 1
                if left[0] <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(counted)
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_kill_9_during_a_backup_leaves_a_whole_one_or_none(town: Scene, tmp_path: Path) -> None:
    here, chance = town.rt.settings, random.Random(6)
    ends = set()
    for number in range(KILLS):
        out = tmp_path / f"killed-{number}"
        code = killed(partial(backup.make, here, out, NOW), chance.randint(1, 60))
        ends.add(code)
        assert code in (0, -signal.SIGKILL)
        assert out.exists() == (code == 0)
        if code == 0:
            assert list(backup.damaged(out)) == []
    assert -signal.SIGKILL in ends
    assert faults(here) == []
    assert list(backup.damaged(_made(here, tmp_path / "after"))) == []


def _made(here: Settings, out: Path) -> Path:
    backup.make(here, out, NOW)
    return out


def test_kill_9_during_a_restore_leaves_the_old_state_or_the_new(
    town: Scene, tmp_path: Path
) -> None:
    here, chance = town.rt.settings, random.Random(7)
    out = _made(here, tmp_path / "backup")
    old = content(here.database_url)
    new = _later(town)
    town.rt.engine.dispose()
    other = _made(here, tmp_path / "later")
    state, ends = "new", set()
    for _ in range(KILLS):
        wanted = "old" if state == "new" else "new"
        place = out if wanted == "old" else other
        point = chance.choice([chance.randint(1, 40), chance.randint(1, 400)])
        code = killed(partial(restore.restore, here, place, force=True), point)
        ends.add(code)
        found = content(here.database_url)
        assert found in (old, new)
        state = "old" if found == old else "new"
        assert code or state == wanted
        assert faults(here) == []
    assert -signal.SIGKILL in ends


def test_no_space_for_a_backup_is_one_sentence_and_nothing_half_made_stays(tmp_path: Path) -> None:
    var, folder = tmp_path / "var", tmp_path / "backups"
    folder.mkdir()
    assert ntm(var, "open", "--on", "2020-06-22").returncode == 0
    limit = (var / "ntm.db").stat().st_size // 2
    full = ntm(var, "backup", str(folder / "b"), limit=limit)
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert "không có bản dở dang" in full.stderr
    assert list(folder.iterdir()) == []
    assert ntm(var, "backup", str(folder / "b")).returncode == 0
    there = ntm(tmp_path / "other", "restore", str(folder / "b"), limit=limit)
    assert there.returncode == 1
    assert "Traceback" not in there.stderr
    again = ntm(tmp_path / "other", "restore", str(folder / "b"))
    assert (again.returncode, "đều khớp" in again.stdout) == (0, True), again.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(
    town: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = tmp_path / "wall"
    wall.write_text("not a folder")  # root may write to any folder, nobody into a file
    with pytest.raises(OSError, match="Not a directory"):
        backup.make(town.rt.settings, wall / "b", NOW)
    real = os.replace

    def refuses(source: Any, target: Any) -> None:
        if ".incoming-" in str(source):
            raise OSError(30, "Read-only file system", str(target))
        real(source, target)

    out = _made(town.rt.settings, tmp_path / "backup")
    before = content(town.rt.settings.database_url)
    shutil.rmtree(town.rt.settings.var / "evidence")
    monkeypatch.setattr(os, "replace", refuses)
    with pytest.raises(OSError, match="Read-only"):
        restore.restore(town.rt.settings, out, force=True)
    assert content(town.rt.settings.database_url) == before


# -- every night -----------------------------------------------------------------------------


def test_nightly_backups_share_their_evidence_and_the_oldest_go(
    town: Scene, tmp_path: Path
) -> None:
    folder = tmp_path / "nights"
    rt: Runtime = replace(
        town.rt, settings=replace(town.rt.settings, backup_dir=folder, backup_keep=2)
    )
    for day in range(23, 27):
        rt.set_simulated(date(2020, 6, day), SYSTEM)
        (folder / ".ntm-2020-06-20.1.part").mkdir(parents=True, exist_ok=True)
        backups.nightly(rt, actor=SYSTEM)
        backups.nightly(rt, actor=SYSTEM)  # safe to repeat
    assert [one.name for one in sorted(folder.iterdir())] == ["ntm-2020-06-25", "ntm-2020-06-26"]
    one, two = (next((place / "evidence").rglob("??/*")) for place in backups.kept(folder))
    assert one.samefile(two)
    original = rt.files.path(one.name)
    assert not original.samefile(one)  # a copy, whatever becomes of the original
    with rt.reader() as session:
        query = select(func.count()).where(AuditEntry.action == "backup.made")
        assert session.scalar(query) == 4


def test_no_old_backup_is_dropped_while_the_newest_does_not_read_back(
    town: Scene, tmp_path: Path
) -> None:
    folder = tmp_path / "nights"
    rt = replace(town.rt, settings=replace(town.rt.settings, backup_dir=folder, backup_keep=1))
    backups.nightly(rt, actor=SYSTEM)
    rt.files.path(next((rt.settings.var / "evidence").glob("??/*")).name).write_bytes(b"hong")
    rt.set_simulated(date(2020, 6, 23), SYSTEM)
    with pytest.raises(Refused, match=r"backup\.changed"):
        backups.nightly(rt, actor=SYSTEM)
    assert len(backups.kept(folder)) == 2


def test_a_backup_of_a_database_with_a_lost_file_says_which(town: Scene, tmp_path: Path) -> None:
    lost = next((town.rt.settings.var / "evidence").glob("??/*"))
    lost.unlink()
    assert backup.make(town.rt.settings, tmp_path / "b", NOW).lost == (lost.name,)
