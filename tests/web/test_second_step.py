"""The second step: a code of a telephone, once each, and only after the password."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account, WebSession
from ntm_workflow.texts import say
from ntm_workflow.web import visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import accounts, passwords, second_factor, tries, web_sessions
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.contacts import By
from tests.web.web_office import TESTER, Person, plain

PASSWORD = "con trâu đi trước"
HASHED = "kept"  # these tests are not about hashes
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., datetime]:
    """The clock of the pages: clock(seconds=30) lets it go on, and tells."""
    now = [NOW]
    monkeypatch.setattr(visitor, "clock", lambda: now[0])
    monkeypatch.setattr(passwords, "right", lambda kept, typed: (kept, typed) == (HASHED, PASSWORD))
    monkeypatch.setattr(passwords, "old", lambda kept: False)

    def go_on(**by: int) -> datetime:
        now[0] += timedelta(**by)
        return now[0]

    return go_on


@pytest.fixture
def house(make_runtime: Callable[..., Runtime], tmp_path: Path) -> Runtime:
    rt = make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}")
    with rt.sessions.begin() as session:
        by = By(TESTER, rt.now())
        made = accounts.add(session, "an", Role.INSPECTOR, [], by)
        accounts.give_password(session, made, HASHED, False, by)
    return rt


@pytest.fixture
def an(house: Runtime, clock: Callable[..., datetime]) -> Person:
    return Person(create_app(house), house, None)


def password(person: Person) -> str:
    form = {**person.form("/vao?den=/viec"), "ten": "an", "mat_khau": PASSWORD}
    return person.browser.post("/vao", data=form).headers["location"]


def code(person: Person, typed: str) -> str:
    """Where a code leads, or what is said of it."""
    answer = person.browser.post("/vao/ma", data={**person.form("/vao/ma?den=/viec"), "ma": typed})
    return answer.headers.get("location") or plain(answer.text)


@pytest.fixture
def totp(an: Person, clock: Callable[..., datetime]) -> Callable[[], str]:
    """Turn it on as a person does, sign out, and be the telephone from then on."""
    password(an)
    form = {**an.form("/tai-khoan"), "mat_khau": PASSWORD}
    page = an.browser.post("/tai-khoan/hai-buoc", data=form)
    secret = re.search(r'<strong class="secret code">([^<]+)<', page.text)
    address = re.search(r'href="(otpauth://totp/[^"]+)"', page.text)
    assert secret
    assert address
    assert secret[1].replace(" ", "") in address[1]
    phone = pyotp.TOTP(secret[1].replace(" ", ""))
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert secret[1].replace(" ", "") not in hidden["bi_mat"]
    wrong = an.browser.post("/tai-khoan/hai-buoc-xac-nhan", data={**hidden, "ma": "000000"})
    assert say("factor.wrong") in plain(wrong.text)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', wrong.text))
    now = phone.at(clock())
    answer = an.browser.post("/tai-khoan/hai-buoc-xac-nhan", data={**hidden, "ma": now})
    assert answer.headers["location"] == "/tai-khoan?xong=hai-buoc"
    assert say("account.done.hai-buoc") in an.text(answer.headers["location"])
    an.browser.cookies.clear()
    clock(seconds=60)
    return lambda: phone.at(visitor.clock())


def test_the_password_alone_opens_nothing(an: Person, totp: Callable[[], str]) -> None:
    assert password(an) == "/vao/ma?den=%2Fviec"
    assert visitor.COOKIE not in an.browser.cookies
    assert an.open("/viec").headers["location"] == "/vao?den=/viec"
    assert code(an, totp()) == "/viec"
    assert an.open("/viec").status_code == 200


def test_a_code_is_good_once(
    an: Person, house: Runtime, totp: Callable[[], str], clock: Callable[..., datetime]
) -> None:
    password(an)
    used = totp()
    assert code(an, used) == "/viec"
    other = Person(create_app(house), house, None)
    password(other)
    assert say("factor.used") in code(other, used)
    clock(seconds=30)
    assert say("factor.used") in code(other, used)  # still within what clocks may differ
    assert code(other, totp()) == "/viec"


def test_the_code_that_turned_it_on_is_used_up(
    an: Person, totp: Callable[[], str], clock: Callable[..., datetime]
) -> None:
    password(an)
    clock(seconds=-60)
    assert say("factor.used") in code(an, totp())


def test_an_old_a_coming_and_a_made_up_code_are_wrong(
    an: Person, totp: Callable[[], str], clock: Callable[..., datetime]
) -> None:
    password(an)
    clock(seconds=90)
    ahead = totp()
    clock(seconds=-180)
    behind = totp()
    clock(seconds=90)
    for typed in (ahead, behind, "", "12345", "١٢٣٤٥٦", "abcdef"):
        assert say("factor.wrong") in code(an, typed)
    assert code(an, f"{totp()[:3]} {totp()[3:]}") == "/viec"


def test_codes_may_be_tried_as_seldom_as_passwords(an: Person, totp: Callable[[], str]) -> None:
    password(an)
    for _ in range(tries.OF_ACCOUNT):
        assert say("factor.wrong") in code(an, "000000")
    assert "đợi đến" in code(an, totp())


def test_the_second_step_waits_five_minutes_and_is_gone_with_a_new_password(
    an: Person, house: Runtime, totp: Callable[[], str], clock: Callable[..., datetime]
) -> None:
    password(an)
    clock(seconds=int(web_sessions.SECOND_LIVES.total_seconds()))
    assert code(an, totp()) == "/vao?xong=lau"
    password(an)
    with house.sessions.begin() as session:
        account = accounts.find(session, "an")
        accounts.give_password(session, account, HASHED, False, By(TESTER, house.now()))
    assert code(an, totp()) == "/vao?xong=lau"
    with house.reader() as session:
        assert not session.scalars(select(WebSession)).all()


def test_the_secret_lies_hidden_in_the_database(house: Runtime, totp: Callable[[], str]) -> None:
    with house.reader() as session:
        kept = session.scalars(select(Account.totp)).one()
    assert kept
    secret = house.keys.reveal(kept)
    assert secret not in kept
    assert pyotp.TOTP(secret.decode()).at(visitor.clock()) == totp()


def test_turning_it_off_needs_the_password(an: Person, totp: Callable[[], str]) -> None:
    password(an)
    code(an, totp())
    form = an.form("/tai-khoan")
    answer = an.browser.post("/tai-khoan/hai-buoc-tat", data={**form, "mat_khau": "khác"})
    assert say("password.wrong") in plain(answer.text)
    an.browser.post("/tai-khoan/hai-buoc-tat", data={**form, "mat_khau": PASSWORD})
    an.browser.cookies.clear()
    assert password(an) == "/viec"


def test_a_secret_offered_to_one_account_does_not_serve_another(house: Runtime) -> None:
    with house.reader() as session:
        an = accounts.find(session, "an")
    other = Account(id=an.id + 1, login="chi")
    carried = second_factor.offer(house.keys, an, second_factor.new(), NOW)
    assert len(second_factor.offered(house.keys, an, carried, NOW)) == 32
    late = NOW + second_factor.OFFERED + timedelta(seconds=1)
    for account, text, when in ((other, carried, NOW), (an, carried, late), (an, "x", NOW)):
        with pytest.raises(Exception, match=r"factor\.old"):
            second_factor.offered(house.keys, account, text, when)
