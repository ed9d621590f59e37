"""A small plan at work whose audit has signed heads and files: what tampering is tried on."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from ntm_workflow.reports import bundle
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, AuditHead, Task
from ntm_workflow.work import audit, evidence, heads, tasks
from ntm_workflow.work.audit import Actor
from tests.scene import SYSTEM, Scene

ROWS = ("II.1", "III.1")
DAYS = (date(2020, 3, 2), date(2020, 6, 2), date(2020, 6, 22))
FIRST, LAST = date(2020, 1, 1), date(2030, 1, 1)  # of a bundle with everything


def furnish(scene: Scene) -> Scene:
    """Three days: tasks opened, evidence of a file or two handed in, some accepted; a head each."""
    rt = scene.rt
    rt.set_simulated(DAYS[0], SYSTEM)
    for number, day in enumerate(DAYS):
        rt.set_simulated(day, SYSTEM)
        scene.open(day)
        for code in _open(rt)[: 1 + 3 * number]:
            submit(rt, code, day, files=1 + number % 2)
            if number < 2:
                scene.accept(code, day)
        sign(rt, day)
    return scene


def _open(rt: Runtime) -> list[str]:
    with rt.reader() as session:
        query = select(Task).where(Task.state == "open").order_by(Task.id)
        return [task.code for task in session.scalars(query)]


def submit(rt: Runtime, code: str, day: date, files: int) -> None:
    stored = [
        rt.files.put(f"báo cáo {n}.pdf", BytesIO(f"{code} {n}".encode() * 40)) for n in range(files)
    ]
    with rt.sessions.begin() as session:
        task = tasks.find(session, code)
        doc = evidence.document("12/BC-BQL", day, "Báo cáo kết quả rà soát", "BQL xã", day)
        evidence.submit(
            session, task, rt.plan, rt.days, doc, by=Actor("An", "office", task.body_id, via="web"),
            now=rt.moment(day), today=day, files=stored, late_reason="mưa lũ",
        )  # fmt: skip


def sign(rt: Runtime, day: date) -> str:
    with rt.sessions.begin() as session:
        made = heads.sign(session, rt.signer, today=day, now=rt.moment(day), actor=SYSTEM)
        assert made is not None
        return heads.written(made)


def export(rt: Runtime, out: Path, session: Session | None = None) -> bundle.Made:
    if session is not None:
        return bundle.write(session, rt.files, rt.signer, (FIRST, LAST), out, rt.now())
    with rt.reader() as own:
        return bundle.write(own, rt.files, rt.signer, (FIRST, LAST), out, rt.now())


def verifier() -> ModuleType:
    """The stand-alone verifier as whoever gets a bundle has it: from its file, by itself."""
    spec = importlib.util.spec_from_file_location("kiem_tra", bundle.VERIFIER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module)["signed"] = cache(module.signed)  # most of its time, for the same few heads
    return module


# -- what somebody with all rights on the database does ----------------------------------


@contextmanager
def undone(session: Session) -> Iterator[None]:
    """Whatever is done inside is taken back."""
    with session.begin_nested() as point:
        yield
        point.rollback()
    session.expire_all()


def unlock(session: Session) -> None:
    for table in ("audit", "signed_head"):
        if session.get_bind().dialect.name == "sqlite":
            session.execute(text(f"DROP TRIGGER {table}_no_update"))
            session.execute(text(f"DROP TRIGGER {table}_no_delete"))
        else:
            session.execute(text(f"DROP TRIGGER {table}_append_only ON {table}"))


def entry(session: Session, seq: int) -> dict[str, Any]:
    query = select(AuditEntry.__table__).where(AuditEntry.seq == seq)
    return dict(session.execute(query).mappings().one())


def recompute(session: Session, first: int) -> None:
    """Make the chain whole again from an entry on, as the program itself would."""
    prev = entry(session, first)["prev"]
    query = select(AuditEntry.__table__).where(AuditEntry.seq >= first).order_by(AuditEntry.seq)
    made = []
    for row in session.execute(query).mappings().all():
        hashed = hashlib.sha256(prev + audit.canonical(dict(row)).encode()).digest()
        made.append({"seq": row["seq"], "prev": prev, "hash": hashed})
        prev = hashed
    session.execute(update(AuditEntry), made)
    session.execute(update(AuditHead).values(seq=made[-1]["seq"], hash=prev))
