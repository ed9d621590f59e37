"""A thousand ways to touch the past, in the database, the files and the bundle: each is named."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import bundle
from ntm_workflow.store.tables import AuditEntry, AuditHead, EvidenceFile, SignedHead, Task
from ntm_workflow.work import audit, heads, proof
from tests.faults import vault_scene as vault
from tests.scene import Scene, fresh, only

HOW_MANY = {"sqlite": 605, "postgresql": 200}  # in the database, of which every tenth is exported
IN_FILES, IN_BUNDLE = 60, 340
Chance = random.Random
Named = Callable[[proof.Fault], bool]


@pytest.fixture(scope="module")
def lived(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    var = tmp_path_factory.mktemp("tampering")
    scene = fresh(f"sqlite:///{var / 'ntm.db'}", only(plan, *vault.ROWS), var)
    yield vault.furnish(scene)
    scene.rt.engine.dispose()


@pytest.fixture(scope="module")
def check() -> ModuleType:
    return vault.verifier()


def faults(session: Session, scene: Scene, reread: bool = False) -> list[proof.Fault]:
    rt = scene.rt
    return list(proof.faults(session, rt.signer.trusted, rt.files, reread=reread))


def run(check: ModuleType, place: Path, capsys: pytest.CaptureFixture[str], *key: str) -> list[str]:
    """What the stand-alone verifier prints, all but its last line."""
    capsys.readouterr()
    code = check.main(str(place), *key)
    *found, last = capsys.readouterr().out.strip().splitlines()
    assert (code, last == "NGUYÊN VẸN") in ((0, True), (1, False))
    assert bool(found) == bool(code)
    return found


# -- in the database ---------------------------------------------------------------------


def seqs(session: Session) -> int:
    return session.scalar(select(func.max(AuditEntry.seq))) or 0


def signed_up_to(session: Session) -> int:
    return session.scalar(select(func.max(SignedHead.seq))) or 0


def at_seq(seq: int) -> Named:
    return lambda fault: fault.key.startswith("audit.") and fault.data["seq"] == seq


def an_edit(session: Session, chance: Chance) -> Named:
    seq = chance.randint(1, seqs(session))
    column = chance.choice(["at", "actor", "role", "body", "via", "run_id", "action", "subject",
                            "data", "hash"])  # fmt: skip
    was = vault.entry(session, seq)[column]
    if column == "at":
        new: Any = was + timedelta(microseconds=chance.choice([-1, 1, 10**9]))
    elif isinstance(was, bytes):
        new = bytes([was[0] ^ (1 << chance.randrange(8))]) + was[1:]
    else:
        place = chance.randint(0, len(was))
        new = was[:place] + chance.choice("ăb0 ") + was[place + chance.choice([0, 1]) :]
        new = new if new != was else was + "x"
    session.execute(update(AuditEntry).where(AuditEntry.seq == seq).values({column: new[:40] if
                    column == "action" and len(new) > 40 else new}))  # fmt: skip
    return at_seq(seq)


def a_changed_link(session: Session, chance: Chance) -> Named:
    """The hash before an entry, which a bundle tells of where it is not the one before."""
    seq = chance.randint(1, seqs(session))
    link = chance.randbytes(32)
    session.execute(update(AuditEntry).where(AuditEntry.seq == seq).values(prev=link))
    return at_seq(seq)


def a_deletion(session: Session, chance: Chance) -> Named:
    seq = chance.randint(1, seqs(session))
    session.execute(delete(AuditEntry).where(AuditEntry.seq == seq))
    return at_seq(seq)


def a_swap(session: Session, chance: Chance) -> Named:
    one, two = sorted(chance.sample(range(1, seqs(session) + 1), 2))
    for old, new in ((one, 10_000), (two, one), (10_000, two)):
        session.execute(update(AuditEntry).where(AuditEntry.seq == old).values(seq=new))
    return at_seq(one)


def an_insertion(session: Session, chance: Chance) -> Named:
    """One more entry, made to follow the one before; what comes after is numbered anew."""
    last = seqs(session)
    seq = chance.randint(2, last + 1)
    for by in (10_000, -9_999):
        session.execute(update(AuditEntry).where(AuditEntry.seq >= seq).values(
            seq=AuditEntry.seq + by))  # fmt: skip
    session.execute(insert(AuditEntry).values(_following(session, seq)))
    return at_seq(seq + 1)


def _following(session: Session, seq: int) -> dict[str, Any]:
    import hashlib

    before = vault.entry(session, seq - 1)
    made = {**before, "seq": seq, "prev": before["hash"], "actor": "ai khác"}
    made["hash"] = hashlib.sha256(made["prev"] + audit.canonical(made).encode()).digest()
    return made


def a_rewriting(session: Session, chance: Chance) -> Named:
    """A changed entry with every hash after it made anew: the chain is whole."""
    seq = chance.randint(1, signed_up_to(session))
    session.execute(update(AuditEntry).where(AuditEntry.seq == seq).values(actor="ai khác"))
    vault.recompute(session, seq)
    assert audit.verify(session) is None

    def named(fault: proof.Fault) -> bool:
        return fault.key == "head.rewritten" and fault.data["first"] <= seq <= fault.data["seq"]

    return named


def a_rewriting_with_a_forged_head(session: Session, chance: Chance) -> Named:
    named = a_rewriting(session, chance)
    del named
    head = session.scalars(select(SignedHead).order_by(SignedHead.day)).all()[-1]
    hashed = vault.entry(session, head.seq)["hash"]
    own = Ed25519PrivateKey.generate()
    said = heads.text(head.day, head.seq, hashed)
    key = chance.choice([head.key, own.public_key().public_bytes_raw()])
    day, session_head = head.day, {"hash": hashed, "key": key, "signature": own.sign(said)}
    session.execute(update(SignedHead).where(SignedHead.day == day).values(session_head))
    return lambda fault: fault.key in ("head.key", "head.signature") and fault.data["day"] == day


def a_cut(session: Session, chance: Chance) -> Named:
    """The newest entries dropped and the end of the chain set back: only heads show it."""
    keep = chance.randint(1, signed_up_to(session) - 1)
    session.execute(delete(AuditEntry).where(AuditEntry.seq > keep))
    hashed = vault.entry(session, keep)["hash"]
    session.execute(update(AuditHead).values(seq=keep, hash=hashed))
    assert audit.verify(session) is None
    query = select(SignedHead.day).where(SignedHead.seq > keep).order_by(SignedHead.day)
    day = session.scalars(query).first()
    return lambda fault: fault.key == "head.cut" and fault.data["day"] == day


def a_head_dropped_or_changed(session: Session, chance: Chance) -> Named:
    head = chance.choice(session.scalars(select(SignedHead)).all())
    day, seq = head.day, head.seq
    if chance.random() < 0.5:
        session.execute(delete(SignedHead).where(SignedHead.day == day))
        return lambda fault: fault.key == "head.dropped" and fault.data["day"] == day
    ways: list[dict[str, Any]] = [{"seq": seq - 1}, {"hash": bytes(32)}, {"signature": bytes(64)}]
    session.execute(update(SignedHead).where(SignedHead.day == day).values(chance.choice(ways)))
    return lambda fault: fault.key == "head.signature" and fault.data["day"] == day


def a_task(session: Session, chance: Chance) -> Named:
    task = chance.choice(session.scalars(select(Task)).all())
    name = f"{task.plan_id}:{task.code}"
    other = {"open": "accepted", "submitted": "open", "accepted": "cancelled"}[task.state]
    ways: list[dict[str, Any]] = [{"state": other}, {"due_on": task.due_on + timedelta(days=9)}]
    session.execute(update(Task).where(Task.id == task.id).values(chance.choice(ways)))
    return lambda fault: fault.key == "proof.task" and fault.data["task"] == name


def a_listed_file(session: Session, chance: Chance) -> Named:
    row = chance.choice(session.scalars(select(EvidenceFile)).all())
    was = row.sha256
    if chance.random() < 0.5:
        session.execute(delete(EvidenceFile).where(EvidenceFile.id == row.id))
        return lambda fault: fault.key == "proof.unlisted" and fault.data["sha256"] == was
    new = bytes(chance.randrange(256) for _ in range(32)).hex()
    session.execute(update(EvidenceFile).where(EvidenceFile.id == row.id).values(sha256=new))
    return lambda fault: fault.key == "proof.untold" and fault.data["sha256"] == new


IN_THE_CHAIN = (an_edit, a_deletion, a_swap, an_insertion, a_rewriting,
                a_rewriting_with_a_forged_head, a_cut, a_changed_link)  # fmt: skip
ELSEWHERE = (a_head_dropped_or_changed, a_task, a_listed_file)


def tampered(scene: Scene, count: int) -> Iterator[tuple[str, Session, Named]]:
    """One tampering after the other, each taken back before the next."""
    chance = Chance(28)
    every = IN_THE_CHAIN + ELSEWHERE
    with scene.rt.sessions() as session:
        vault.unlock(session)
        assert faults(session, scene, reread=True) == []
        for number in range(count):
            act = every[number % len(every)]
            with vault.undone(session):
                named = act(session, chance)
                session.expire_all()
                yield act.__name__, session, named
        assert faults(session, scene, reread=True) == []
        session.rollback()


def test_every_tampering_with_the_database_is_named(lived: Scene) -> None:
    done: Counter[str] = Counter()
    for kind, session, named in tampered(lived, HOW_MANY["sqlite"]):
        found = faults(session, lived)
        assert any(named(fault) for fault in found), (kind, found)
        done[kind] += 1
    assert set(done.values()) == {HOW_MANY["sqlite"] // 11}


def test_every_tampering_with_the_database_is_named_on_postgresql(
    postgres_url: str, plan: Plan, tmp_path: Path
) -> None:
    scene = vault.furnish(fresh(postgres_url, only(plan, *vault.ROWS), tmp_path))
    for kind, session, named in tampered(scene, HOW_MANY["postgresql"]):
        found = faults(session, scene)
        assert any(named(fault) for fault in found), (kind, found)
    scene.rt.engine.dispose()


def test_a_bundle_of_a_touched_audit_is_found_by_the_verifier_alone(
    lived: Scene, check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = 0
    for number, (kind, session, _) in enumerate(tampered(lived, 99)):
        if kind not in {act.__name__ for act in IN_THE_CHAIN}:
            continue
        out = tmp_path / f"{number}.zip"
        vault.export(lived.rt, out, session)
        assert run(check, out, capsys), kind
        tried += 1
        out.unlink()
    assert tried == 72


def test_a_cut_behind_the_last_head_shows_against_a_head_that_was_mailed(lived: Scene) -> None:
    rt = lived.rt
    with rt.sessions() as session:
        vault.unlock(session)
        newest = heads.newest(session)
        assert newest
        seq, mailed = newest.seq, heads.written(newest)
        assert heads.against(session, mailed, rt.signer.trusted) is None
        for table in (AuditEntry, SignedHead):  # the entries, and the head that tells of them
            session.execute(delete(table).where(table.seq >= seq))
        hashed = vault.entry(session, seq - 1)["hash"]
        session.execute(update(AuditHead).values(seq=seq - 1, hash=hashed))
        session.expire_all()
        inside = [one.key for one in faults(session, lived) if not one.key.startswith("proof.")]
        outside = heads.against(session, mailed, rt.signer.trusted)
        session.rollback()
    assert inside == []  # nothing in the database can tell
    assert outside == heads.Fault(vault.DAYS[-1], seq, "cut")


def test_a_head_that_somebody_made_up_is_not_taken_for_ours(lived: Scene) -> None:
    rt, day = lived.rt, date(2020, 6, 23)
    own = Ed25519PrivateKey.generate()
    said = SignedHead(day=day, seq=3, hash=bytes(32), at=datetime.now(UTC), key=bytes(32),
                      signature=own.sign(heads.text(day, 3, bytes(32))))  # fmt: skip
    with rt.reader() as session:
        found = heads.against(session, heads.written(said), rt.signer.trusted)
    assert found == heads.Fault(day, 3, "signature")


# -- in the files ------------------------------------------------------------------------


def test_every_tampering_with_a_file_is_named(
    lived: Scene, check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rt, chance = lived.rt, Chance(7)
    with rt.reader() as session:
        every = sorted(set(session.scalars(select(EvidenceFile.sha256))))
        for number in range(IN_FILES):
            sha256 = chance.choice(every)
            path = rt.files.path(sha256)
            kept = path.read_bytes()
            other = rt.files.path(chance.choice([one for one in every if one != sha256]))
            _damage(path, kept, other, chance)
            found = faults(session, lived, reread=True)
            assert [one.data["sha256"] for one in found if one.key == "proof.file"] == [sha256]
            if number % 6 == 0:
                out = tmp_path / f"{number}.zip"
                vault.export(rt, out, session)
                assert any(sha256 in line for line in run(check, out, capsys))
            path.write_bytes(kept)
        assert faults(session, lived, reread=True) == []


def _damage(path: Path, kept: bytes, other: Path, chance: Chance) -> None:
    match chance.randrange(4):
        case 0:
            path.unlink()
        case 1:
            path.write_bytes(other.read_bytes())
        case 2:
            path.write_bytes(kept[:-1])
        case _:
            place = chance.randrange(len(kept))
            path.write_bytes(kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :])


# -- in the bundle -----------------------------------------------------------------------

Members = dict[str, bytes]
Naming = str  # a pattern that one line of the verifier must match


def lines(members: Members) -> list[bytes]:
    return members[bundle.ENTRIES].splitlines(keepends=True)


def edit_line(members: Members, chance: Chance) -> Naming:
    rows = lines(members)
    seq = chance.randint(1, len(rows))
    row = rows[seq - 1]
    place = chance.randrange(len(row) - 1)
    rows[seq - 1] = (
        row[:place] + bytes([row[place] ^ (1 << chance.randrange(7))]) + row[place + 1 :]
    )
    members[bundle.ENTRIES] = b"".join(rows)
    return rf"mục ({seq}|{seq + 1})\b|\bmục \d+ đến|mục \d+: thừa"


def drop_line(members: Members, chance: Chance) -> Naming:
    rows = lines(members)
    seq = chance.randint(1, len(rows))
    del rows[seq - 1]
    members[bundle.ENTRIES] = b"".join(rows)
    return rf"mục {seq}: (bị mất|nhật ký phải kết thúc)"


def swap_lines(members: Members, chance: Chance) -> Naming:
    rows = lines(members)
    one, two = sorted(chance.sample(range(1, len(rows) + 1), 2))
    rows[one - 1], rows[two - 1] = rows[two - 1], rows[one - 1]
    members[bundle.ENTRIES] = b"".join(rows)
    return rf"mục {one}\b"


def insert_line(members: Members, chance: Chance) -> Naming:
    rows = lines(members)
    seq = chance.randint(1, len(rows))
    rows.insert(chance.randint(seq, len(rows)), rows[seq - 1])
    members[bundle.ENTRIES] = b"".join(rows)
    return rf"mục {seq}: thừa"


def cut_lines(members: Members, chance: Chance) -> Naming:
    rows = lines(members)
    keep = chance.randint(1, len(rows) - 1)
    members[bundle.ENTRIES] = b"".join(rows[:keep])
    return rf"mục {keep + 1}: nhật ký phải kết thúc ở mục {len(rows)}"


def drop_member(members: Members, chance: Chance) -> Naming:
    name = chance.choice([name for name in members if name.startswith(bundle.FOLDER)]
                         + [bundle.README, bundle.FILES])  # fmt: skip
    del members[name]
    return f"{re.escape(name)}: tệp bị mất"


def edit_member(members: Members, chance: Chance) -> Naming:
    name = chance.choice(sorted(name for name in members if name != bundle.SEAL))
    was = members[name]
    place = chance.randrange(len(was))
    members[name] = was[:place] + bytes([was[place] ^ 1]) + was[place + 1 :]
    return rf"{re.escape(name)}: (nội dung tệp đã bị sửa|chữ ký không đúng)"


def swap_members(members: Members, chance: Chance) -> Naming:
    one, two = chance.sample(sorted(n for n in members if n.startswith(bundle.FOLDER)), 2)
    members[one], members[two] = members[two], members[one]
    return f"{one}: nội dung tệp đã bị sửa"


def add_member(members: Members, chance: Chance) -> Naming:
    name = f"{bundle.FOLDER}{chance.randbytes(32).hex()}"
    members[name] = b"x"
    return f"{name}: tệp thêm vào"


def change_head(members: Members, chance: Chance) -> Naming:
    rows = members[bundle.HEADS].splitlines(keepends=True)
    number = chance.randrange(len(rows))
    day = str(vault.DAYS[number])
    if chance.random() < 0.5:
        del rows[number]
        members[bundle.HEADS] = b"".join(rows)
        return f"head/{day}: mục"
    rows[number] = rows[number].replace(b'"seq": ', b'"seq": 1')
    members[bundle.HEADS] = b"".join(rows)
    return f"dấu ngày {day}: chữ ký không đúng"


IN_A_BUNDLE = (edit_line, drop_line, swap_lines, insert_line, cut_lines, drop_member,
               edit_member, swap_members, add_member, change_head)  # fmt: skip


def test_every_tampering_with_a_bundle_is_named_by_the_verifier_alone(
    lived: Scene, check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, other = tmp_path / "whole.zip", tmp_path / "other.zip"
    vault.export(lived.rt, whole)
    assert run(check, whole, capsys) == []
    chance = Chance(2020)
    with zipfile.ZipFile(whole) as made:
        kept = {name: made.read(name) for name in made.namelist()}
    for number in range(IN_BUNDLE):
        members = dict(kept)
        act = IN_A_BUNDLE[number % len(IN_A_BUNDLE)]
        naming = act(members, chance)
        with zipfile.ZipFile(other, "w") as made:
            for name, data in members.items():
                made.writestr(name, data)
        found = run(check, other, capsys)
        assert any(re.search(naming, line) for line in found), (act.__name__, naming, found)


def test_a_bundle_that_another_key_signed_anew_shows_against_the_key_that_was_told(
    lived: Scene, check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Ed25519PrivateKey.generate()
    public = own.public_key().public_bytes_raw()
    forger = replace(lived.rt.signer, key=own, trusted=frozenset([public]))
    out = tmp_path / "forged.zip"
    with lived.rt.reader() as session:
        bundle.write(session, lived.rt.files, forger, (vault.FIRST, vault.LAST), out,
                     lived.rt.now())  # fmt: skip
    told = lived.rt.signer.public.hex()
    assert any(public.hex() in line for line in run(check, out, capsys, told))


def test_the_verifier_runs_alone_on_the_zip_and_on_its_folder(lived: Scene, tmp_path: Path) -> None:
    out, folder = tmp_path / "hồ sơ.zip", tmp_path / "giải nén"
    made = vault.export(lived.rt, out)
    assert (made.heads, made.missing) == (3, ())
    shutil.unpack_archive(out, folder)
    key = lived.rt.signer.public.hex()
    for arguments in ((str(out), key), (".",)):
        said = subprocess.run(
            [sys.executable, "-I", "-S", "kiem_tra.py", *arguments],
            cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (said.returncode, said.stdout.strip()) == (0, "NGUYÊN VẸN"), said.stderr
    assert len((folder / "kiem_tra.py").read_text("utf-8").splitlines()) <= 150
