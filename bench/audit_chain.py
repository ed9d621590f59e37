"""Appending to the audit and verifying it, against the fastest a chain of SHA-256 can be.

    python -m bench.audit_chain [--quick]

The limit of appending: the same text, the same hash, and one bulk write by the
driver. The limit of verifying: reading the rows and hashing them, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from sqlalchemy import Engine

from bench import world
from ntm_workflow.store import engine as engines
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Entry

ENTRIES = 200_000
ROUNDS = 5
NAMES = ("seq", "at", "actor", "role", "body", "via", "run_id", "action", "subject", "data",
         "prev", "hash")  # fmt: skip


def run(entries: int) -> None:
    with world.postgres() as server:
        for kind in ("sqlite", "postgresql"):
            with world.database(kind, server) as engine:
                one(kind, engine, entries)


def one(kind: str, engine: Engine, entries: int) -> None:
    made = [
        Entry(Action.TASK_OPENED, f"III.1/2020-06/bql-{n}",
              {"plan": "bench", "opens_on": world.OPENING, "due_on": world.FAR})
        for n in range(entries)
    ]  # fmt: skip
    ours, limit = [], []
    for _ in range(ROUNDS):
        ours.append(_append(engine, made, commit=False))
        limit.append(_limit(kind, engine, entries))
    _append(engine, made, commit=True)
    world.emit(
        "audit.append", database=kind, entries=entries,
        a_second=round(entries / world.median(ours)),
        limit_a_second=round(entries / world.median(limit)),
        ratio=round(world.median(limit) / world.median(ours), 3), target=0.5,
    )  # fmt: skip
    verifying, reading = [], []
    for _ in range(ROUNDS):
        verifying.append(world.seconds(lambda: _verify(engine)))
        reading.append(world.seconds(lambda: _read(engine)))
    world.emit(
        "audit.verify", database=kind, entries=entries,
        a_second=round(entries / world.median(verifying)),
        limit_a_second=round(entries / world.median(reading)),
        ratio=round(world.median(reading) / world.median(verifying), 3), target=0.4,
    )  # fmt: skip


def _append(engine: Engine, made: list[Entry], commit: bool) -> float:
    with engines.writer(engine)() as session:
        elapsed = world.seconds(lambda: audit.append(session, world.ACTOR, world.NOW, made))
        if commit:
            session.commit()
        else:
            session.rollback()
    return elapsed


def _limit(kind: str, engine: Engine, entries: int) -> float:
    raw: Any = engine.raw_connection()
    cursor = raw.cursor()
    cursor.execute("BEGIN IMMEDIATE" if kind == "sqlite" else "SELECT 1")

    def act() -> None:
        prev, rows = bytes(32), []
        at = world.NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for n in range(1, entries + 1):
            data = json.dumps({"due_on": "2020-12-15", "opens_on": "2020-06-01", "plan": "bench"})
            fields = [n, at, "bench", "system", "", "bench", "", "task.opened",
                      f"III.1/2020-06/bql-{n}", data]  # fmt: skip
            digest = hashlib.sha256(prev + json.dumps(fields).encode()).digest()
            rows.append((*fields, prev, digest))
            prev = digest
        if kind == "sqlite":
            marks = ",".join("?" * len(NAMES))
            cursor.executemany(f"INSERT INTO audit ({','.join(NAMES)}) VALUES ({marks})", rows)
        else:
            with cursor.copy(f"COPY audit ({','.join(NAMES)}) FROM STDIN") as target:
                for row in rows:
                    target.write_row(row)

    elapsed = world.seconds(act)
    cursor.execute("ROLLBACK")
    raw.close()
    return elapsed


def _verify(engine: Engine) -> None:
    with engines.reader(engine)() as session:
        assert audit.verify(session) is None


def _read(engine: Engine) -> None:
    raw: Any = engine.raw_connection()
    cursor = raw.cursor()
    cursor.execute(f"SELECT {','.join(NAMES)} FROM audit ORDER BY seq")
    prev = bytes(32)
    while rows := cursor.fetchmany(10_000):
        for row in rows:
            text = json.dumps([row[0], str(row[1]), *row[2:10]], ensure_ascii=False)
            prev = hashlib.sha256(prev + text.encode()).digest()
    raw.close()


def entries(arguments: list[str]) -> int:
    return ENTRIES // 10 if "--quick" in arguments else ENTRIES


if __name__ == "__main__":
    run(entries(sys.argv[1:]))
