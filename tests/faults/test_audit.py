"""The audit cannot be rewritten through the database, and shows it when it was by other means."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, AuditHead
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

AT = datetime(2020, 6, 22, 1, 0, tzinfo=UTC)
ENTRIES = 40


@pytest.fixture
def chain(rt: Runtime) -> Runtime:
    """A runtime whose audit has forty entries."""
    with rt.sessions.begin() as session:
        for number in range(ENTRIES - audit.head(session)):
            entry = Entry(Action.TASK_OPENED, f"III.1/2020-06/bql-{number}", {"n": number})
            audit.append(session, Actor(f"người {number}", via="test"), AT, [entry])
    return rt


@pytest.mark.parametrize("table", ["audit", "notice_attempt"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_rewriting_is_refused_by_the_database_itself(
    chain: Runtime, table: str, statement: str
) -> None:
    unknown = statement.startswith("TRUNCATE") and chain.engine.dialect.name == "sqlite"
    refusal = "syntax error" if unknown else "append-only"
    with chain.sessions.begin() as session:
        if table == "notice_attempt":
            _one_attempt(session)
    column = {"audit": "actor = 'ai khác'", "notice_attempt": "outcome = 'ok'"}[table]
    with chain.engine.connect() as connection, pytest.raises(DatabaseError, match=refusal):
        connection.execute(text(statement.format(table, column)))
    with chain.reader() as session:
        assert audit.verify(session) is None


def test_words_of_a_try_can_be_emptied_and_nothing_else_of_it_changed(chain: Runtime) -> None:
    with chain.sessions.begin() as session:
        _one_attempt(session)
        session.execute(text("UPDATE notice_attempt SET detail = ''"))
    for change in ("detail = 'khác'", "detail = '', outcome = 'ok'", "detail = '', seconds = 9"):
        with chain.engine.connect() as connection, pytest.raises(DatabaseError, match="append-on"):
            connection.execute(text(f"UPDATE notice_attempt SET {change}"))


def _one_attempt(session: Session) -> None:
    run = session.execute(
        text("INSERT INTO reminder_run (kind, run_on, started_at)"
             " VALUES ('digest', '2020-06-22', '2020-06-22 01:00:00+00') RETURNING id")
    ).scalar_one()  # fmt: skip
    contact = session.execute(
        text("INSERT INTO contact (name, active) VALUES ('An', :yes) RETURNING id"), {"yes": True}
    ).scalar_one()
    plan = session.execute(text("SELECT id FROM plan")).scalar_one()
    notice = session.execute(
        text("INSERT INTO notice (run_id, contact_id, channel, kind, plan_id, run_on, state,"
             " not_before, tries, resent, address, subject, body, html, message_id, error)"
             " VALUES (:run, :contact, 'mail', 'digest', :plan, '2020-06-22', 'pending',"
             " '2020-06-22 01:00:00+00', 0, 0, '', '', '', '', '', '') RETURNING id"),
        {"run": run, "contact": contact, "plan": plan},
    ).scalar_one()  # fmt: skip
    session.execute(
        text("INSERT INTO notice_attempt (notice_id, at, outcome, detail, seconds)"
             " VALUES (:notice, '2020-06-22 01:00:00+00', 'transient', '', 0)"),
        {"notice": notice},
    )  # fmt: skip


def test_an_untouched_chain_verifies(chain: Runtime) -> None:
    with chain.reader() as session:
        assert audit.verify(session) is None
        assert audit.head(session) == ENTRIES


def _unlock(session: Session) -> None:
    """What somebody with all rights on the database would do first."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("DROP TRIGGER audit_no_update"))
        session.execute(text("DROP TRIGGER audit_no_delete"))
    else:
        session.execute(text("DROP TRIGGER audit_append_only ON audit"))


CHANGES: dict[str, Any] = {
    "at": datetime(2020, 6, 22, 1, 0, 0, 1, tzinfo=UTC), "actor": "ai khác", "role": "khác",
    "body": "khác", "via": "khác", "run_id": "khác", "action": "task.accepted",
    "subject": "III.1/2020-12/bql-vu-le", "data": '{"n":99}', "prev": bytes(range(32)),
    "hash": bytes(range(32)),
}  # fmt: skip


def test_every_change_of_any_field_of_any_entry_is_found_and_named(chain: Runtime) -> None:
    chance = random.Random(4)
    with chain.sessions() as session:
        _unlock(session)
        for column, value in CHANGES.items():
            for seq in {1, ENTRIES, *chance.sample(range(2, ENTRIES), 3)}:
                with session.begin_nested() as point:
                    session.execute(
                        update(AuditEntry).where(AuditEntry.seq == seq).values({column: value})
                    )
                    broken = audit.verify(session)
                    point.rollback()
                assert broken is not None
                assert broken.seq == seq, column
        assert audit.verify(session) is None


def test_a_changed_entry_with_its_hash_made_anew_is_found_at_the_next(chain: Runtime) -> None:
    with chain.sessions() as session:
        _unlock(session)
        row = dict(session.execute(select(AuditEntry.__table__).where(AuditEntry.seq == 7))
                   .mappings().one())  # fmt: skip
        row["actor"] = "ai khác"
        new = hashlib.sha256(row["prev"] + audit.canonical(row).encode()).digest()
        session.execute(
            update(AuditEntry).where(AuditEntry.seq == 7).values(actor="ai khác", hash=new)
        )
        broken = audit.verify(session)
        assert broken == audit.Broken(8, "reordered")


@pytest.mark.parametrize("gone", [1, 2, 17, ENTRIES - 1, ENTRIES])
def test_a_dropped_entry_is_found(chain: Runtime, gone: int) -> None:
    with chain.sessions() as session:
        _unlock(session)
        session.execute(delete(AuditEntry).where(AuditEntry.seq == gone))
        assert audit.verify(session) == audit.Broken(gone, "missing")


def test_two_entries_that_changed_places_are_found(chain: Runtime) -> None:
    with chain.sessions() as session:
        _unlock(session)
        for old, new in ((11, 1000), (12, 11), (1000, 12)):
            session.execute(update(AuditEntry).where(AuditEntry.seq == old).values(seq=new))
        broken = audit.verify(session)
        assert broken is not None
        assert broken.seq == 11


def test_a_slipped_in_entry_is_found(chain: Runtime) -> None:
    with chain.sessions() as session:
        _unlock(session)
        last = dict(session.execute(select(AuditEntry.__table__).where(AuditEntry.seq == ENTRIES))
                    .mappings().one())  # fmt: skip
        session.execute(insert(AuditEntry).values({**last, "seq": ENTRIES + 1}))
        broken = audit.verify(session)
        assert broken is not None
        assert broken.seq == ENTRIES + 1


def test_a_cut_off_end_is_found_even_with_nothing_out_of_order(chain: Runtime) -> None:
    with chain.sessions() as session:
        _unlock(session)
        session.execute(delete(AuditEntry).where(AuditEntry.seq > 30))
        assert audit.verify(session) == audit.Broken(31, "missing")


def test_the_canonical_form_is_fixed() -> None:
    row = {
        "seq": 1, "at": AT, "actor": "Nguyễn Văn An", "role": "office", "body": "bql-tan-lap",
        "via": "cli", "run_id": "", "action": "task.submitted",
        "subject": "III.1/2020-06/bql-tan-lap",
        "data": audit._json({"số": "12/BC-BQL", "issued_on": date(2020, 6, 20), "files": []}),
    }  # fmt: skip
    assert audit.canonical(row) == (
        '[1,"2020-06-22T01:00:00.000000Z","Nguyễn Văn An","office","bql-tan-lap","cli","",'
        '"task.submitted","III.1/2020-06/bql-tan-lap",'
        '"{\\"files\\":[],\\"issued_on\\":\\"2020-06-20\\",\\"số\\":\\"12/BC-BQL\\"}"]'
    )


def test_the_first_hashes_are_fixed(rt: Runtime) -> None:
    with rt.sessions() as session:
        _unlock(session)
        session.execute(delete(AuditEntry))
        session.execute(update(AuditHead).values(seq=0, hash=audit.GENESIS))
        for number, action in enumerate((Action.TASK_OPENED, Action.TASK_ACCEPTED), 1):
            entry = Entry(action, "II.1/2020-Q1/phong-tc-kh", {"due_on": date(2020, 3, 31)})
            audit.append(session, Actor("Bình", "office", "vpdp-huyen", "web"), AT, [entry])
            assert audit.head(session) == number
        hashes = [row.hex() for row in session.scalars(select(AuditEntry.hash)
                                                       .order_by(AuditEntry.seq))]  # fmt: skip
    assert hashes == [
        "f4fac7f54620ace55720345185110425767dc48125f5dd2a70d726dde1099154",
        "f75366175b8b6edc73d6596f35f9ea90a197e69e0ad2df96790c86d704405d42",
    ]


def test_an_entry_that_is_rolled_back_leaves_no_gap(chain: Runtime) -> None:
    with chain.sessions() as session:
        audit.append(session, Actor("An"), AT, [Entry(Action.TASK_OPENED, "x")])
        session.rollback()
    with chain.sessions.begin() as session:
        audit.append(session, Actor("An"), AT, [Entry(Action.TASK_OPENED, "y")])
    with chain.reader() as session:
        assert audit.head(session) == ENTRIES + 1
        assert audit.verify(session) is None
