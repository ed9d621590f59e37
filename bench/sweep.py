"""Opening and reminding over many open tasks, against the same in plain SQL.

    python -m bench.sweep [--quick]

A sweep is timed in a transaction that is rolled back, in turns with the plain
SQL that writes the same notices, items and days. `exponent` says how the time
of a sweep with 2,000 tasks due grows with the open tasks around them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bench import world
from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import reminders
from ntm_workflow.chase.owed import Queued
from ntm_workflow.store import engine as engines
from ntm_workflow.store.tables import Task
from ntm_workflow.work import tasks

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 5
COLUMNS = [c.name for c in Task.__table__.columns if c.name != "id"]


def run(sizes: tuple[int, ...]) -> None:
    with world.postgres() as server:
        for kind in ("sqlite", "postgresql"):
            fixed = {size: one(kind, server, size) for size in sizes}
            small, large = min(fixed), max(fixed)
            exponent = math.log(fixed[large] / fixed[small]) / math.log(large / small)
            world.emit("sweep.growth", database=kind, from_open=small, to_open=large,
                       due=world.FIXED_DUE, exponent=round(exponent, 3), target=0.15)  # fmt: skip


def one(kind: str, server: str, size: int) -> float:
    """Measure one database of one size; return the seconds of the sweep of fixed due."""
    plan = world.plan(size)
    with world.database(kind, server) as engine:
        world.people(engine, plan)
        _opening(kind, engine, plan, size)
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        return _sweeps(kind, engine, plan, size)


# -- opening -----------------------------------------------------------------


def _opening(kind: str, engine: Engine, plan: Plan, size: int) -> None:
    def act(session: Session) -> int:
        opened = tasks.open_due(
            session, plan, world.DAYS, world.OPENING, now=world.NOW, actor=world.ACTOR
        )
        return sum(one.count for one in opened)

    limit = _limit(kind, engine, size)
    opened = 0
    with engines.writer(engine).begin() as session:

        def first() -> None:
            nonlocal opened
            opened = act(session)
            session.commit()

        first_seconds = world.seconds(first)
    with engines.writer(engine).begin() as session:
        again = world.seconds(lambda: act(session))
    assert opened == size
    world.emit(
        "open", database=kind, tasks=size, rows_a_second=round(size / first_seconds),
        limit_rows_a_second=round(size / limit), ratio=round(limit / first_seconds, 3), target=0.3,
        again_seconds=round(again, 4),
    )  # fmt: skip


def _limit(kind: str, engine: Engine, size: int) -> float:
    """Seconds to put as many task rows, indexes included, as fast as the driver can."""
    row = {
        "plan_id": "bench", "row_id": "", "period": "2020-06", "body_id": "",
        "opens_on": "2020-06-01", "nominal_due": "2020-06-30", "due_on": "2020-06-30",
        "due_rule": "as-written", "day_off": "", "state": "open", "opened_on": "2020-06-01",
        "next_action_on": "2020-06-16", "news": "", "note": "", "version": 1,
    }  # fmt: skip
    names = [name for name in COLUMNS if name in row]
    rows = [
        tuple({**row, "row_id": f"R.{n // world.BODIES}", "body_id": f"body-{n % world.BODIES}"}[c]
              for c in names) for n in range(size)
    ]  # fmt: skip
    raw: Any = engine.raw_connection()
    cursor = raw.cursor()
    if kind == "sqlite":
        cursor.execute("BEGIN IMMEDIATE")
        marks = ",".join("?" * len(names))
        statement = f"INSERT INTO task ({','.join(names)}) VALUES ({marks})"
        elapsed = world.seconds(lambda: cursor.executemany(statement, rows))
    else:

        def copy() -> None:
            with cursor.copy(f"COPY task ({','.join(names)}) FROM STDIN") as target:
                for one in rows:
                    target.write_row(one)

        elapsed = world.seconds(copy)
    cursor.execute("ROLLBACK")
    raw.close()
    return elapsed


# -- reminding ---------------------------------------------------------------


def _sweeps(kind: str, engine: Engine, plan: Plan, size: int) -> float:
    ours: list[float] = []
    plain: list[float] = []
    for _ in range(ROUNDS):
        ours.append(_rolled_back(engine, lambda s: _queue(s, plan)))
        plain.append(_rolled_back(engine, lambda s: _plain(s, plan)))
    queued = Queued()
    with engines.writer(engine).begin() as session:

        def first() -> None:
            nonlocal queued
            queued = _queue(session, plan)
            session.commit()

        first_seconds = world.seconds(first)
    seconds = []
    for _ in range(ROUNDS):
        with engines.writer(engine).begin() as session:
            seconds.append(world.seconds(lambda: _queue(session, plan)))
    again = world.median(seconds)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    fixed = [_rolled_back(engine, lambda s: _queue(s, plan, True)) for _ in range(ROUNDS)]
    ratio = world.median(ours) / world.median(plain)
    world.emit(
        "sweep", database=kind, open=size, due=size // 5, items=queued.items,
        notices=queued.notices, seconds=world.median(ours), plain_sql_seconds=world.median(plain),
        ratio=round(ratio, 2), target=2.0, with_commit_seconds=round(first_seconds, 4),
    )  # fmt: skip
    world.emit("sweep.again", database=kind, open=size, seconds=again,
               ratio=round(again / first_seconds, 5), target=0.02)  # fmt: skip
    world.emit("sweep.fixed", database=kind, open=size, due=min(world.FIXED_DUE, size // 5),
               seconds=world.median(fixed))  # fmt: skip
    return world.median(fixed)


def _rolled_back(engine: Engine, act: Callable[[Session], object]) -> float:
    with engines.writer(engine)() as session:
        session.connection()
        elapsed = world.seconds(lambda: act(session))
        session.rollback()
    return elapsed


def _queue(session: Session, plan: Plan, later: bool = False) -> Queued:
    day = world.NEXT_SWEEP if later else world.SWEEP
    return reminders.queue(session, [plan], world.DAYS, day, now=world.NOW, actor=world.ACTOR)


def _plain(session: Session, plan: Plan) -> None:
    """The same notices, items and next days, by hand, nothing checked and nothing audited."""
    run = session.execute(text(
        "INSERT INTO reminder_run (kind, run_on, started_at)"
        " VALUES ('digest', '2020-06-16', '2020-06-16 01:00:00+00') RETURNING id")
    ).scalar_one()  # fmt: skip
    due = ("t.plan_id = 'bench' AND t.state = 'open' AND t.next_action_on <= '2020-06-16'"
           " AND t.due_on = '2020-06-30'")  # fmt: skip
    session.execute(text(
        "INSERT INTO notice (run_id, contact_id, channel, kind, plan_id, run_on, state, not_before,"
        " tries, resent, address, subject, body, html, message_id, error)"
        " SELECT :run, c.contact_id, 'mail', 'digest', 'bench', '2020-06-16', 'pending',"
        " '2020-06-16 00:30:00+00', 0, 0, '', '', '', '', '', ''"
        f" FROM task t JOIN contact_body c ON c.body_id = t.body_id WHERE {due}"
        " GROUP BY c.contact_id"), {"run": run})  # fmt: skip
    session.execute(text(
        "INSERT INTO notice_item (notice_id, task_id, rung, due_on, contact_id, channel, role)"
        " SELECT n.id, t.id, 'T-14', t.due_on, c.contact_id, 'mail', 'chase'"
        " FROM task t JOIN contact_body c ON c.body_id = t.body_id"
        " JOIN notice n ON n.run_id = :run AND n.contact_id = c.contact_id"
        f" WHERE {due}"), {"run": run})  # fmt: skip
    session.execute(
        text(f"UPDATE task AS t SET next_action_on = '2020-06-23', news = '' WHERE {due}")
    )


def sizes(arguments: list[str]) -> tuple[int, ...]:
    return SIZES[:2] if "--quick" in arguments else SIZES


if __name__ == "__main__":
    run(sizes(sys.argv[1:]))
