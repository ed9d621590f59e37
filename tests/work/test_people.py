"""Claims about contacts files."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Contact
from ntm_workflow.work import people
from tests.conftest import ROOT, TESTER

EXAMPLE = (ROOT / "config" / "contacts.example.csv").read_bytes()


def test_the_example_file_gives_every_body_a_contact_but_the_groups(plan: Plan) -> None:
    spoken = {body for line in people.read_csv(EXAMPLE, plan) for body in line.bodies}
    silent = {body.id for body in plan.bodies} - spoken
    assert {plan.body(body).kind for body in silent if not body.endswith("bac-son")} == {"group"}


def test_importing_twice_changes_nothing(contacts: Runtime) -> None:
    with contacts.sessions.begin() as session:
        lines = people.read_csv(EXAMPLE, contacts.plan)
        changed = people.import_contacts(session, lines, now=contacts.now(), actor=TESTER)
        assert changed == 0
        assert session.scalar(select(func.count()).select_from(Contact)) == len(lines)


def test_bodies_are_named_as_printed_or_by_id(plan: Plan) -> None:
    data = "body;name;email\nUBND xã Tân Lập|bql-tan-lap;Văn thư;vt@example.vn.invalid\n"
    (line,) = people.read_csv(data.encode("utf-8-sig"), plan)
    assert line.bodies == ("ubnd-tan-lap", "bql-tan-lap")


def test_all_faults_come_at_once_with_their_lines(plan: Plan) -> None:
    data = "body,name,email\nUBND xã Tân Lâp,,x\nubnd-huyen,A,a@b.vn\nkhông có,B,b@b.vn\n"
    with pytest.raises(people.ContactFaults) as error:
        people.read_csv(data.encode(), plan)
    assert [(f.line, f.key) for f in error.value.faults] == [
        (2, "contacts.email"), (2, "contacts.name"), (4, "contacts.body"),
    ]  # fmt: skip


def test_a_missing_column_is_named(plan: Plan) -> None:
    with pytest.raises(people.ContactFaults) as error:
        people.read_csv(b"body,name\n", plan)
    assert error.value.faults[0].data["missing"] == "email"
