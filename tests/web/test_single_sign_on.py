"""Single sign-on, the whole way: our pages and a real OpenID provider on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from ntm_workflow import settings
from ntm_workflow.errors import ConfigError
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account, WebSession
from ntm_workflow.texts import say
from ntm_workflow.web import single_sign_on, visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import accounts
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.contacts import By
from tests.oidc_provider import CLIENT, SECRET, Provider, new_key, provided
from tests.web.web_office import HOME, TESTER, Person, plain

MAIL = "an@xa.example.vn"
AN = {"sub": "248289761001", "email": MAIL, "email_verified": True, "name": "An"}


@pytest.fixture(scope="module")
def serving() -> Iterator[Provider]:
    with provided(f"{HOME}/vao/sso") as made:
        yield made


@pytest.fixture
def provider(serving: Provider) -> Provider:
    """The provider, with An in front of it and nothing turned."""
    serving.person, serving.spoil, serving.in_token = dict(AN), lambda claims: claims, True
    serving.key = serving.published
    return serving


@pytest.fixture
def house(make_runtime: Callable[..., Runtime], provider: Provider, tmp_path: Path) -> Runtime:
    """An is registered by mail address, without a password."""
    rt = make_runtime(
        f"sqlite:///{tmp_path / 'ntm.db'}", oidc_issuer=provider.issuer, oidc_client=CLIENT,
        oidc_secret=SECRET, oidc_name="Sở Nội vụ",
    )  # fmt: skip
    with rt.sessions.begin() as session:
        by = By(TESTER, rt.now())
        accounts.add(session, "An", Role.OFFICE, ["bql-tan-lap"], by, email=MAIL)
    return rt


@pytest.fixture
def an(house: Runtime) -> Person:
    return Person(create_app(house), house, None)


def to_provider(person: Person, wanted: str = "/viec") -> str:
    """Follow the link of the page; where the provider sends the browser back to."""
    assert "Đăng nhập bằng Sở Nội vụ" in person.text("/vao")
    there = person.open(f"/vao/sso/di?den={wanted}").headers["location"]
    back = httpx.get(there, trust_env=False).headers["location"]
    assert back.startswith(f"{HOME}/vao/sso?")
    return back.removeprefix(HOME)


def refused(person: Person, address: str, key: str) -> None:
    answer = person.open(address)
    assert answer.status_code == 422
    assert say(key) in plain(answer.text)
    assert visitor.COOKIE not in person.browser.cookies
    with person.rt.reader() as session:
        assert not session.scalars(select(WebSession)).all()


def test_who_is_registered_comes_in_and_is_led_to_where_they_wanted(
    an: Person, house: Runtime, provider: Provider
) -> None:
    there = an.open("/vao/sso/di?den=/viec").headers["location"]
    asked = parse_qs(urlsplit(there).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["nonce"][0]) == len(asked["state"][0]) == 48
    answer = an.open(to_provider(an, "/viec?tinh-trang=qua-han"))
    assert answer.headers["location"] == "/viec?tinh-trang=qua-han"
    assert "An Đăng xuất" in an.text("/viec")
    with house.reader() as session:
        account = session.scalars(select(Account)).one()
        assert account.subject == f"{provider.issuer}|{AN['sub']}"
        assert session.scalars(select(WebSession.way)).all() == ["oidc"]


def test_after_the_first_time_the_identity_counts_whatever_its_mail(
    an: Person, provider: Provider
) -> None:
    an.open(to_provider(an))
    an.browser.cookies.clear()
    provider.person = {"sub": AN["sub"], "email": "moi@xa.example.vn", "email_verified": False}
    assert an.open(to_provider(an)).headers["location"] == "/viec"


def test_whoever_gets_the_mail_address_later_does_not_get_in(
    an: Person, provider: Provider, house: Runtime
) -> None:
    with house.sessions.begin() as session:
        session.scalars(select(Account)).one().subject = f"{provider.issuer}|{AN['sub']}"
    provider.person = {**AN, "sub": "another"}
    refused(an, to_provider(an), "oidc.nobody")


@pytest.mark.parametrize(
    "person",
    [{**AN, "email": "la@xa.example.vn"}, {**AN, "email_verified": False},
     {**AN, "email_verified": "true"}, {"sub": "1", "email": MAIL}, {"sub": "1"}],
)  # fmt: skip
def test_who_is_not_registered_or_not_verified_stays_out_and_no_account_is_made(
    an: Person, provider: Provider, house: Runtime, person: dict[str, Any]
) -> None:
    provider.person = person
    refused(an, to_provider(an), "oidc.nobody")
    with house.reader() as session:
        assert [one.subject for one in session.scalars(select(Account))] == [None]


def test_a_shut_account_stays_out(an: Person, house: Runtime) -> None:
    with house.sessions.begin() as session:
        accounts.set_active(session, accounts.find(session, "an"), False, By(TESTER, house.now()))
    refused(an, to_provider(an), "oidc.nobody")


def test_a_mail_address_that_is_not_in_the_token_is_asked_for(
    an: Person, provider: Provider
) -> None:
    provider.in_token = False
    assert an.open(to_provider(an)).headers["location"] == "/viec"


@pytest.mark.parametrize(
    "change",
    [{"nonce": "x" * 48}, {"nonce": None}, {"aud": ["another"]}, {"aud": [CLIENT, "another"]},
     {"iss": "https://evil.example"}, {"exp": 1_000_000_000}, {"sub": ""}, {"at_hash": "x" * 22},
     {"azp": "another"}],
)  # fmt: skip
def test_a_token_that_says_something_else_is_not_believed(
    an: Person, provider: Provider, change: dict[str, Any]
) -> None:
    def spoil(claims: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in {**claims, **change}.items() if v is not None}

    provider.spoil = spoil
    refused(an, to_provider(an), "oidc.failed")


def test_a_token_signed_with_another_key_is_not_believed(an: Person, provider: Provider) -> None:
    provider.key = new_key()
    refused(an, to_provider(an), "oidc.failed")


def test_a_new_key_of_the_provider_is_fetched(an: Person, provider: Provider) -> None:
    an.open(to_provider(an))
    an.browser.cookies.clear()
    provider.key = provider.published = new_key()
    assert an.open(to_provider(an)).headers["location"] == "/viec"


def test_a_wrong_state_or_another_browser_is_refused(an: Person, house: Runtime) -> None:
    back = to_provider(an)
    other = Person(an.app, house, None)
    refused(other, back, "oidc.old")  # somebody was sent the link of An's way back
    state = parse_qs(urlsplit(back).query)["state"][0]
    refused(an, back.replace(state, "x" * 48), "oidc.old")
    refused(an, back, "oidc.old")  # what was carried along is gone after one try


def test_the_way_back_is_open_for_ten_minutes(an: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    back, now = to_provider(an), visitor.clock()
    later = now + timedelta(seconds=single_sign_on.LIVES + 1)
    monkeypatch.setattr(visitor, "clock", lambda: later)
    refused(an, back, "oidc.old")


def test_a_code_without_its_verifier_or_used_twice_is_refused(
    an: Person, house: Runtime, provider: Provider
) -> None:
    back = to_provider(an)
    carried = json.loads(house.keys.reveal(_carried(an)))
    assert len(carried["verifier"]) == 48
    code = parse_qs(urlsplit(back).query)["code"][0]
    answer = httpx.post(
        f"{provider.issuer}/token", auth=(CLIENT, SECRET), trust_env=False,
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": f"{HOME}/vao/sso"},
    )  # fmt: skip
    assert answer.status_code == 400  # whoever steals the code alone gets nothing
    assert an.open(back).status_code in (303, 422)


def _carried(person: Person) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(person.browser.cookies[single_sign_on.COOKIE])


def test_another_issuer_on_the_way_back_is_refused(an: Person) -> None:
    refused(an, f"{to_provider(an)}&iss=https://evil.example", "oidc.failed")


def test_stopping_at_the_provider_is_said(an: Person) -> None:
    state = parse_qs(urlsplit(an.open("/vao/sso/di").headers["location"]).query)["state"][0]
    refused(an, f"/vao/sso?error=access_denied&state={state}", "oidc.denied")


def test_what_is_carried_along_cannot_be_read_or_sent_elsewhere(an: Person) -> None:
    answer = an.open("/vao/sso/di?den=//evil.example")
    cookie = answer.headers["set-cookie"]
    flags = {one.strip().lower() for one in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/vao/sso"} <= flags
    assert "nonce" not in cookie
    back = httpx.get(answer.headers["location"], trust_env=False).headers["location"]
    assert an.open(back.removeprefix(HOME)).headers["location"] == "/"


def test_without_a_provider_there_is_no_such_page(house: Runtime) -> None:
    bare = replace(house, settings=replace(house.settings, oidc_issuer=""))
    nobody = Person(create_app(bare), bare, None)
    assert "sso" not in nobody.open("/vao").text
    assert nobody.open("/vao/sso/di").status_code == 404
    assert nobody.open("/vao/sso?code=x&state=y").status_code == 404


def test_a_provider_that_does_not_answer_is_said(house: Runtime) -> None:
    gone = replace(house.settings, oidc_issuer="http://127.0.0.1:1")
    nobody = Person(create_app(replace(house, settings=gone)), house, None)
    refused(nobody, "/vao/sso/di", "oidc.failed")


def test_settings_refuse_a_provider_without_https(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"oidc\.https"):
        settings.load({"NTM_OIDC_ISSUER": "http://sso.example.vn"})
    (tmp_path / "secret").write_text("bí mật\n", "utf-8")
    found = settings.load({"NTM_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret")})
    assert found.oidc_secret == "bí mật"
    assert "bí mật" not in repr(found)
