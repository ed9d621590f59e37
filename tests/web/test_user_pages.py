"""Accounts on pages: an administrator does what `ntm users` does, and cannot lock the door."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account, AuditEntry, WebSession
from ntm_workflow.texts import say
from ntm_workflow.work import accounts, passwords
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.contacts import By
from tests.web.web_office import TESTER, Person, plain

TAN_LAP = "BQL NTM xã Tân Lập"


@pytest.fixture
def chief(app: FastAPI, town: Runtime) -> Person:
    return Person(app, town, Role.ADMINISTRATOR, name="Dũng")


def add(who: Person, **changes: str) -> httpx.Response:
    typed = {"dang_nhap": "lan", "ten": "Lan", "thu": "lan@xa.example.vn", "vai": "office",
             "don_vi": TAN_LAP}  # fmt: skip
    return who.browser.post("/nguoi-dung", data={**who.form("/nguoi-dung"), **typed, **changes})


def act(who: Person, number: int, name: str, **typed: str) -> httpx.Response:
    form = who.form(f"/nguoi-dung/{number}")
    return who.browser.post(f"/nguoi-dung/{number}/{name}", data={**form, **typed})


def account(rt: Runtime, login: str = "lan") -> Account:
    with rt.reader() as session:
        return session.scalars(select(Account).where(Account.login == login)).one()


def mine(rt: Runtime) -> int:
    with rt.reader() as session:
        return session.scalars(select(Account.id).where(Account.name == "Dũng")).one()


def shown(answer: httpx.Response) -> str:
    """The password that is told once."""
    found = re.search(r'<strong class="secret code">([^<]+)</strong>', answer.text)
    assert found, plain(answer.text)
    return html.unescape(found[1])


def entries(rt: Runtime) -> list[tuple[str, str, str]]:
    with rt.reader() as session:
        query = select(AuditEntry).where(AuditEntry.subject == "account/lan")
        found = session.scalars(query.order_by(AuditEntry.seq))
        return [(one.action, one.actor, one.via) for one in found]


def test_a_new_account_gets_a_password_that_is_shown_once_and_lets_in(
    chief: Person, app: FastAPI, town: Runtime
) -> None:
    once = shown(add(chief))
    made = account(town)
    assert passwords.right(made.password_hash, once)
    assert made.must_change
    assert once not in chief.open(f"/nguoi-dung/{made.id}").text
    assert "Lan" in chief.text("/nguoi-dung")
    lan = Person(app, town, None)
    form = {**lan.form("/vao"), "ten": "lan", "mat_khau": once}
    assert lan.browser.post("/vao", data=form).status_code == 303
    assert lan.open("/viec").headers["location"] == "/tai-khoan"  # first a password of one's own
    assert entries(town)[:2] == [
        ("account.added", "Dũng", "page"), ("account.password", "Dũng", "page"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"don_vi": ""}, "account.no_body"), ({"vai": "king"}, "account.no_role"),
     ({"dang_nhap": "a b"}, "account.login"), ({"thu": "x"}, "account.mail")],
)  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_added(
    chief: Person, town: Runtime, changes: dict[str, str], key: str
) -> None:
    answer = add(chief, **changes)
    said = {"login": "a b", "email": "x"}
    assert answer.status_code == 422
    assert say(key, **said) in plain(answer.text)
    assert 'value="Lan"' in answer.text  # what was typed is kept
    with town.reader() as session:
        assert accounts.by_login(session, "lan") is None


def test_an_unknown_body_is_answered_with_the_nearest(chief: Person) -> None:
    assert "bql-tan-lap" in plain(add(chief, don_vi="BQL NTM xã Tân Lắpp").text)


def test_role_bodies_and_address_change_and_count_from_the_next_page_on(
    chief: Person, app: FastAPI, town: Runtime
) -> None:
    add(chief)
    number = account(town).id
    typed = {"ten": "Lan", "thu": "", "vai": "inspector", "don_vi": ""}
    assert act(chief, number, "sua", **typed).status_code == 303
    changed = account(town)
    assert (changed.role, changed.email) == ("inspector", None)
    with town.reader() as session:
        assert accounts.bodies_of(session, number) == ()
    assert entries(town)[-1][0] == "account.changed"


def test_two_administrators_do_not_overwrite_each_other(
    chief: Person, app: FastAPI, town: Runtime
) -> None:
    add(chief)
    number = account(town).id
    other = Person(app, town, Role.ADMINISTRATOR)
    early = other.form(f"/nguoi-dung/{number}")
    typed: dict[str, Any] = {"ten": "Lan", "thu": "", "vai": "leader", "don_vi": TAN_LAP}
    assert act(chief, number, "sua", **typed).status_code == 303
    late = other.browser.post(f"/nguoi-dung/{number}/sua", data={**early, **typed, "vai": "office"})
    assert say("account.stale", login="lan") in plain(late.text)
    assert account(town).role == "leader"


def test_a_new_password_and_a_shut_account_end_every_session(
    chief: Person, app: FastAPI, town: Runtime
) -> None:
    add(chief)
    number = account(town).id

    def open_sessions() -> int:
        with town.reader() as session:
            query = select(WebSession).where(WebSession.account_id == number)
            return len(session.scalars(query).all())

    def sign_in(password: str) -> httpx.Response:
        lan = Person(app, town, None)
        return lan.browser.post(
            "/vao", data={**lan.form("/vao"), "ten": "lan", "mat_khau": password}
        )

    once = shown(act(chief, number, "mat-khau"))
    assert sign_in(once).status_code == 303
    assert open_sessions() == 1
    assert act(chief, number, "ket-thuc").status_code == 303
    assert open_sessions() == 0
    sign_in(once)
    assert act(chief, number, "khoa").status_code == 303
    assert (open_sessions(), account(town).active) == (0, False)
    assert sign_in(once).status_code == 422
    assert act(chief, number, "mo").status_code == 303
    assert sign_in(once).status_code == 303


def test_an_administrator_locks_neither_themselves_nor_the_last_one_out(
    chief: Person, town: Runtime
) -> None:
    number = mine(town)
    for name in ("khoa", "mat-khau", "hai-buoc-tat"):
        answer = act(chief, number, name)
        assert say("account.own") in plain(answer.text), name
    typed = {"ten": "Dũng", "thu": "", "vai": "inspector", "don_vi": ""}
    assert act(chief, number, "sua", **typed).status_code == 422
    with town.reader() as session:
        account = session.get_one(Account, number)
        assert (account.active, account.role) == (True, "administrator")
    by = By(TESTER, town.now())
    with town.sessions() as session:
        last = session.get_one(Account, number)
        with pytest.raises(Refused, match=r"account\.last"):
            accounts.change(session, last, Role.LEADER, ["bql-tan-lap"], by, name="", email="")


def test_a_form_without_our_token_changes_nothing(chief: Person, town: Runtime) -> None:
    assert add(chief, ma_bao_ve="x").status_code == 422
    with town.reader() as session:
        assert accounts.by_login(session, "lan") is None
