"""In a simulation only: one press to see the pages as each role sees them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.simulation import CLOCK
from ntm_workflow.store.tables import Account
from ntm_workflow.texts import say
from ntm_workflow.work import accounts
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.contacts import By

_SHOWN = "bql-tan-lap"  # of the 2020 plan; of another plan, the first body that has tasks


@dataclass(frozen=True, slots=True)
class Part:
    """One role to be seen: its key in the form, and the body it is played for ("" for none)."""

    role: Role
    key: str
    body: str
    said: str


def offered(rt: Runtime) -> list[Part]:
    """The roles that may be tried; none where the real clock counts."""
    return _parts(rt.plan) if rt.plans and rt.simulated else []


def _parts(plan: Plan) -> list[Part]:
    office, lead = plan.coordination_office, _directing(plan)
    found = (
        (Role.COORDINATION, "dieu-phoi", office), (Role.OFFICE, "don-vi", _implementing(plan)),
        (Role.LEADER, "lanh-dao", lead), (Role.INSPECTOR, "thanh-tra", ""),
    )  # fmt: skip
    return [Part(role, key, body, _said(plan, role, body)) for role, key, body in found]


def _said(plan: Plan, role: Role, body: str) -> str:
    if role in (Role.COORDINATION, Role.OFFICE):
        return plan.body(body).short
    return say(f"account.role.{role.value}")


def _implementing(plan: Plan) -> str:
    if plan.has_body(_SHOWN):
        return _SHOWN
    others = (one for row in plan.rows for one in row.implementing)
    found = (one for one in others if one != plan.coordination_office and plan.has_body(one))
    return next(found, plan.coordination_office)


def _directing(plan: Plan) -> str:
    return next((one for row in plan.rows for one in row.directing if plan.has_body(one)), "")


def account(session: Session, rt: Runtime, key: str) -> Account:
    """The account of a part, made when it is first played. Raises Refused."""
    part = next((one for one in offered(rt) if one.key == key), None)
    if part is None:
        raise Refused("form.unknown")
    login = f"mo-phong.{part.key}.{part.body}".strip(".")
    found = accounts.by_login(session, login)
    if found is None:
        name = f"{part.said[:1].upper()}{part.said[1:]} (mô phỏng)"
        bodies = [part.body] if part.body else []
        found = accounts.add(session, login, part.role, bodies, By(CLOCK, rt.now()), name=name)
    return found
