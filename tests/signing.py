"""Where tests sign in, without a password: as the coordination office, or as they ask."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from starlette.testclient import TestClient

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account, AccountBody
from ntm_workflow.web import visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import web_sessions
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.web_sessions import Browser

HOME = "http://127.0.0.1:8080"


def signed_in(
    rt: Runtime, role: Role = Role.COORDINATION, bodies: Iterable[str] | None = None,
    name: str = "Bình", again: int | None = None,
) -> str:  # fmt: skip
    """What the cookie of a signed-in browser holds. Written straight into the tables: the audit
    of a test holds what the test did. `again`: with an account that there is already."""
    offices = {plan.coordination_office for plan in rt.all_plans}
    if not offices and role is Role.COORDINATION:
        role = Role.ADMINISTRATOR  # before the first plan nobody else can do anything
    mine = offices if bodies is None and role is Role.COORDINATION else set(bodies or ())
    now = visitor.clock()
    with rt.sessions.begin() as session:
        if again:
            account = session.get_one(Account, again)
            return web_sessions.start(session, account, "password", Browser("127.0.0.1"), now)
        login = f"{name.casefold()}.{secrets.token_hex(4)}"
        account = Account(login=login, name=name, role=role.value, made_at=now)
        session.add(account)
        session.flush()
        session.add_all(AccountBody(account_id=account.id, body_id=body) for body in mine)
        session.flush()
        return web_sessions.start(session, account, "password", Browser("127.0.0.1"), now)


def client(rt: Runtime, *role: Role, **account: object) -> TestClient:
    """A browser on pages of its own, signed in the same way."""
    made = TestClient(create_app(rt), base_url=HOME, client=("127.0.0.1", 50_000))
    made.cookies.set(visitor.COOKIE, signed_in(rt, *role, **account))  # type: ignore[arg-type]
    return made
