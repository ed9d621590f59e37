"""Signing in: what lets in, for how long, how often it may be tried, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from ntm_workflow.reports import trail
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account, AuditEntry, LoginTry, Ticket, WebSession
from ntm_workflow.texts import say
from ntm_workflow.web import visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import accounts, audit, passwords, tries, web_sessions
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.contacts import By
from ntm_workflow.work.passwords import hashed
from ntm_workflow.work.web_sessions import Browser
from tests.web.web_office import HOME, TESTER, Person, plain

PASSWORD = "con trâu đi trước cái cày"
HASHED = hashed(PASSWORD)  # worked out once: it takes long, and is meant to
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def house(make_runtime: Callable[..., Runtime], database_url: str) -> Runtime:
    """The plan in force, and An with a password; on SQLite and PostgreSQL."""
    rt = make_runtime(database_url)
    with rt.sessions.begin() as session:
        by = By(TESTER, rt.now())
        made = accounts.add(
            session, "An", Role.OFFICE, ["bql-tan-lap"], by, email="an@xa.example.vn"
        )
        accounts.give_password(session, made, HASHED, False, by)
    return rt


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let the real clock of the pages go on: clock(timedelta(hours=9))."""
    now = [NOW]
    monkeypatch.setattr(visitor, "clock", lambda: now[0])

    def go_on(by: timedelta) -> None:
        now[0] += by

    return go_on


@pytest.fixture
def an(house: Runtime) -> Person:
    return Person(create_app(house), house, None)


def sign_in(person: Person, password: str = PASSWORD, login: str = "an", **more: str) -> str:
    """Fill in the page; where it leads, or what it says."""
    form = {**person.form("/vao"), "ten": login, "mat_khau": password, **more}
    answer = person.browser.post("/vao", data=form)
    if answer.status_code == 303:
        return answer.headers["location"]
    return plain(answer.text)


def entries(rt: Runtime, action: audit.Action) -> list[AuditEntry]:
    with rt.reader() as session:
        return trail.newest(session, 100, Filter(action))


def the(rt: Runtime) -> Account:
    with rt.reader() as session:
        return session.scalars(select(Account).where(Account.login == "an")).one()


# -- in and out -----------------------------------------------------------------------


@pytest.mark.parametrize("login", ["an", " AN ", "An@Xa.example.vn"])
def test_the_right_password_opens_and_leads_to_where_one_wanted_to_go(
    an: Person, login: str
) -> None:
    wanted = an.open("/viec?tinh-trang=qua-han").headers["location"]
    assert wanted == "/vao?den=/viec%3Ftinh-trang%3Dqua-han"
    form = {**an.form(wanted), "ten": login, "mat_khau": PASSWORD}
    assert an.browser.post("/vao", data=form).headers["location"] == "/viec?tinh-trang=qua-han"
    page = an.text("/viec")
    assert "An Đăng xuất" in page
    assert an.open("/vao").headers["location"] == "/"


def test_unknown_wrong_and_shut_say_the_same(an: Person, house: Runtime) -> None:
    said = {sign_in(an, "sai hẳn rồi", "an"), sign_in(an, "sai hẳn rồi", "khong.co")}
    with house.sessions.begin() as session:
        account = accounts.find(session, "an")
        accounts.set_active(session, account, False, By(TESTER, house.now()))
    said.add(sign_in(an))
    assert len({one.replace("khong.co", "an") for one in said}) == 1
    assert say("sign_in.wrong") in said.pop()
    assert visitor.COOKIE not in an.browser.cookies


def test_an_unknown_name_costs_a_hash_too(an: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    real = passwords._HASHER.verify
    monkeypatch.setattr(
        passwords, "_HASHER", _Noting(passwords._HASHER, lambda kept: compared.append(kept), real)
    )
    sign_in(an, "sai hẳn rồi", "khong.co")
    sign_in(an, "sai hẳn rồi", "an")
    assert [one.split("$")[3] for one in compared] == [HASHED.split("$")[3]] * 2  # m=…,t=…,p=…


class _Noting:
    """The hasher, writing down what is compared."""

    def __init__(
        self, real: object, note: Callable[[str], None], verify: Callable[[str, str], bool]
    ) -> None:
        self._real, self._note, self._verify = real, note, verify

    def verify(self, kept: str, password: str) -> bool:
        self._note(kept)
        return self._verify(kept, password)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def test_signing_in_and_out_is_in_the_audit_without_the_password(
    an: Person, house: Runtime
) -> None:
    sign_in(an)
    an.browser.post("/ra", data=an.form("/viec"))
    (came,), (left,) = (
        entries(house, audit.Action(f"account.signed_{one}")) for one in ("in", "out")
    )
    assert (came.actor, came.role, came.body, came.via) == ("An", "office", "", "page")
    assert came.subject == left.subject == "account/an"
    with house.reader() as session:
        told = " ".join(entry.data for entry in trail.newest(session, 100))
        assert audit.verify(session) is None
    assert PASSWORD not in told
    assert "argon2" not in told


def test_signing_out_ends_the_session_not_only_the_cookie(an: Person) -> None:
    sign_in(an)
    kept = an.browser.cookies[visitor.COOKIE]
    form = an.form("/viec")
    assert an.browser.post("/ra", data=form).headers["location"] == "/vao?xong=ra"
    assert visitor.COOKIE not in an.browser.cookies
    an.browser.cookies.set(visitor.COOKIE, kept)
    assert an.open("/viec").headers["location"].startswith("/vao")


@pytest.mark.parametrize("path", ["/vao", "/ra", "/tai-khoan/ket-thuc-tat-ca", "/vao/mo-phong"])
def test_a_forged_form_signs_nobody_in_or_out(an: Person, house: Runtime, path: str) -> None:
    sign_in(an)
    before = an.browser.cookies[visitor.COOKIE]
    for forged in ({}, {"ma_bao_ve": "x" * 43}):
        an.browser.post(path, data={**forged, "ten": "an", "mat_khau": PASSWORD, "vai": "don-vi"})
    answer = an.browser.post(
        path, data=an.form("/viec"), headers={"origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert an.browser.cookies[visitor.COOKIE] == before
    assert an.open("/viec").status_code == 200
    with house.reader() as session:
        assert len(session.scalars(select(WebSession)).all()) == 1


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example",
     "javascript:x",
     "/\t/evil.example", " //evil.example", "///evil.example", "viec", "/vao", "/vao/sso", "/ra",
     "/%0d%0aSet-Cookie: x", ""],
)  # fmt: skip
def test_nobody_is_led_out_of_the_house(an: Person, wanted: str) -> None:
    led = sign_in(an, den=wanted)
    assert led == "/" or (led.startswith("/%0d") and "\n" not in led)


# -- the cookie -------------------------------------------------------------------------


def test_the_cookie_is_new_at_every_sign_in_and_was_never_given_by_somebody(
    an: Person, house: Runtime
) -> None:
    planted = "x" * 43
    an.browser.cookies.set(visitor.COOKIE, planted)
    sign_in(an)
    first = an.browser.cookies.get(visitor.COOKIE, domain="127.0.0.1") or ""
    assert len(first) == 43
    assert first != planted
    an.browser.cookies.clear()
    an.browser.cookies.set(visitor.COOKIE, planted)
    assert an.open("/viec").status_code == 303
    with house.reader() as session:
        kept = session.scalars(select(WebSession.digest)).all()
    assert first not in kept  # a copy of the database opens nothing


@pytest.mark.parametrize(
    ("base", "secure"), [("http://127.0.0.1:8080", False), ("https://ntm.example.vn", True)]
)
def test_the_cookie_cannot_be_read_by_scripts_and_goes_over_https_alone_where_there_is_https(
    make_runtime: Callable[..., Runtime], tmp_path: object, base: str, secure: bool
) -> None:
    rt = make_runtime(f"sqlite:///{tmp_path}/ntm.db", base_url=base)
    with rt.sessions.begin() as session:
        made = accounts.add(session, "an", Role.INSPECTOR, [], By(TESTER, rt.now()))
        accounts.give_password(session, made, HASHED, False, By(TESTER, rt.now()))
    person = Person(create_app(rt), rt, None)
    person.browser.base_url = httpx.URL(base)
    first = person.open("/vao")
    assert ("secure" in first.headers["set-cookie"].lower()) == secure  # that of its forms
    assert ("strict-transport-security" in first.headers) == secure
    form = {**person.form("/vao"), "ten": "an", "mat_khau": PASSWORD}
    answer = person.browser.post("/vao", data=form)
    cookie = next(one for one in answer.headers.get_list("set-cookie") if visitor.COOKIE in one)
    flags = {one.strip().lower() for one in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert ("secure" in flags) is secure
    assert not any(one.startswith("domain") for one in flags)


def test_whoever_signs_in_again_has_one_session(
    an: Person, house: Runtime, clock: Callable[[timedelta], None]
) -> None:
    sign_in(an)
    form = an.form("/tai-khoan")
    clock(timedelta(minutes=10))  # long enough for its use to be written down again
    answer = an.browser.post("/vao", data={**form, "ten": "an", "mat_khau": PASSWORD})
    assert answer.status_code == 303
    with house.reader() as session:
        assert len(session.scalars(select(WebSession)).all()) == 1


# -- how long ---------------------------------------------------------------------------


def test_a_session_ends_when_it_is_not_used_and_in_any_case_after_a_week(
    an: Person, clock: Callable[[timedelta], None]
) -> None:
    sign_in(an)
    clock(web_sessions.IDLE - timedelta(minutes=1))
    assert an.open("/viec").status_code == 200
    clock(web_sessions.IDLE - timedelta(minutes=1))  # since it was last used
    assert an.open("/viec").status_code == 200
    clock(web_sessions.IDLE)
    assert an.open("/viec").status_code == 303
    sign_in(an)
    for _ in range(int(web_sessions.LONGEST / timedelta(hours=7)) - 1):
        clock(timedelta(hours=7))
        assert an.open("/viec").status_code == 200
    clock(timedelta(hours=7))
    assert an.open("/viec").status_code == 303


def test_a_simulated_day_does_not_end_sessions(an: Person, house: Runtime) -> None:
    sign_in(an)
    house.set_simulated(house.today() + timedelta(days=400), TESTER)
    assert an.open("/viec").status_code == 200


def test_all_sessions_can_be_ended_everywhere_at_once(an: Person, house: Runtime) -> None:
    phone, other = (Person(an.app, house, None) for _ in range(2))
    for one in (an, phone, other):
        sign_in(one)
    assert an.open("/tai-khoan").text.count('action="/tai-khoan/ket-thuc"') == 3
    with house.reader() as session:
        newest = session.scalars(select(WebSession.id).order_by(WebSession.id.desc())).first()
    an.browser.post("/tai-khoan/ket-thuc", data={**an.form("/tai-khoan"), "phien": newest})
    assert [one.open("/viec").status_code for one in (an, phone, other)] == [200, 200, 303]
    phone.browser.post("/tai-khoan/ket-thuc-tat-ca", data=phone.form("/tai-khoan"))
    assert [one.open("/viec").status_code for one in (an, phone, other)] == [303] * 3


def test_nobody_ends_the_session_of_another(an: Person, house: Runtime) -> None:
    chi = Person(an.app, house, Role.LEADER, name="Chi")
    sign_in(an)
    with house.reader() as session:
        numbers = session.scalars(select(WebSession.id)).all()
    for number in numbers:
        an.browser.post("/tai-khoan/ket-thuc", data={**an.form("/tai-khoan"), "phien": number})
    assert chi.open("/don-vi").status_code == 200


def test_a_shut_account_is_out_at_once(an: Person, house: Runtime) -> None:
    sign_in(an)
    with house.sessions.begin() as session:  # behind everybody's back: the session is still there
        session.execute(update(Account).values(active=False))
    assert an.open("/viec").status_code == 303


def test_a_new_password_ends_every_other_session(an: Person, house: Runtime) -> None:
    phone = Person(an.app, house, None)
    sign_in(an), sign_in(phone)
    before = an.browser.cookies[visitor.COOKIE]
    new = "ruộng lúa chín vàng"
    form = {**an.form("/tai-khoan"), "cu": PASSWORD, "moi": new, "lai": new}
    assert an.browser.post("/tai-khoan/mat-khau", data=form).status_code == 303
    assert an.browser.cookies[visitor.COOKIE] != before
    assert [one.open("/viec").status_code for one in (an, phone)] == [200, 303]
    assert say("sign_in.wrong") in sign_in(phone)
    assert sign_in(phone, new) == "/"


@pytest.mark.parametrize(
    ("cu", "moi", "lai", "key"),
    [("không phải", "ruộng lúa chín", "ruộng lúa chín", "password.wrong"),
     (PASSWORD, "ngắn", "ngắn", "password.short"),
     (PASSWORD, "0912345678", "0912345678", "password.easy"),
     (PASSWORD, "aaaaaaaaaaaa", "aaaaaaaaaaaa", "password.easy"),
     (PASSWORD, PASSWORD, PASSWORD, "password.same"),
     (PASSWORD, "ruộng lúa chín", "ruộng lúa chin", "password.differ"),
     (PASSWORD, "x" * 201, "x" * 201, "password.long")],
)  # fmt: skip
def test_a_password_that_will_not_do_is_refused_with_a_sentence(
    an: Person, house: Runtime, cu: str, moi: str, lai: str, key: str
) -> None:
    sign_in(an)
    form = {**an.form("/tai-khoan"), "cu": cu, "moi": moi, "lai": lai}
    answer = an.browser.post("/tai-khoan/mat-khau", data=form)
    assert answer.status_code == 422
    assert say(key, least=passwords.SHORTEST, most=passwords.LONGEST) in plain(answer.text)
    assert the(house).password_hash == HASHED


def test_a_password_told_once_must_be_changed_before_anything_else(
    an: Person, house: Runtime
) -> None:
    with house.sessions.begin() as session:
        session.execute(update(Account).values(must_change=True))
    sign_in(an)
    assert an.open("/viec").headers["location"] == "/tai-khoan"
    assert say("rights.change") in an.text("/tai-khoan")
    new = "ruộng lúa chín vàng"
    form = {**an.form("/tai-khoan"), "cu": PASSWORD, "moi": new, "lai": new}
    an.browser.post("/tai-khoan/mat-khau", data=form)
    assert an.open("/viec").status_code == 200


# -- how often -------------------------------------------------------------------------


def test_after_ten_wrong_tries_even_the_right_password_has_to_wait(
    an: Person, house: Runtime, clock: Callable[[timedelta], None], quick: None
) -> None:
    for _ in range(tries.OF_ACCOUNT):
        assert say("sign_in.wrong") in sign_in(an, "sai hẳn rồi")
    assert "đợi đến 08:15" in sign_in(an)
    other = Person(create_app(house), house, None)  # another web process, another browser
    other.move("198.51.100.9")
    assert "đợi đến 08:15" in sign_in(other, login="an@xa.example.vn")
    assert len(entries(house, audit.Action.ACCOUNT_TRIED)) == 1
    clock(tries.WINDOW)
    assert sign_in(an) == "/"
    with house.reader() as session:
        assert [one.count for one in session.scalars(select(LoginTry))] == [0]


def test_one_address_cannot_try_all_accounts(
    an: Person, house: Runtime, clock: Callable[[timedelta], None], quick: None
) -> None:
    with house.sessions.begin() as session:
        for n in range(tries.OF_ADDRESS):
            tries.count(session, f"ai-do-{n}", "127.0.0.1", NOW)
    assert "đợi đến" in sign_in(an)
    an.move("198.51.100.9")
    assert sign_in(an) == "/"


def test_tries_at_once_are_all_counted(house: Runtime) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(_: int) -> bool:
        with house.sessions.begin() as session:
            return tries.count(session, "an", "127.0.0.1", NOW).until is None

    with ThreadPoolExecutor(4) as pool:
        let = list(pool.map(one, range(tries.OF_ACCOUNT + 6)))
    assert sum(let) == tries.OF_ACCOUNT


def test_a_household_of_ipv6_is_one_address() -> None:
    assert tries.network("2001:db8::1") == tries.network("2001:db8::ffff:2") == "2001:db8::/64"
    assert tries.network("2001:db8:0:1::1") != tries.network("2001:db8::1")
    assert tries.network("::ffff:203.0.113.7") == "203.0.113.7"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare passwords without Argon2's pains: these tests try many times."""
    monkeypatch.setattr(
        passwords, "right", lambda kept, typed: kept == HASHED and typed == PASSWORD
    )


# -- the first administrator ----------------------------------------------------------


def first(rt: Runtime, now: datetime = NOW) -> str:
    with rt.sessions.begin() as session:
        return f"/vao/lan-dau/{web_sessions.ticket(session, 'first', None, now)}"


def test_the_first_address_shows_a_button_and_works_once(
    an: Person, house: Runtime, clock: Callable[[timedelta], None]
) -> None:
    path = first(house)
    for _ in range(3):  # a program that checks links
        assert "Vào với quyền quản trị" in an.text(path)
    form = an.form(path)
    assert an.browser.post(path, data={}).headers["location"] == path
    assert an.browser.post(path, data=form).headers["location"] == "/tai-khoan"
    assert "Quản trị" in an.text("/tai-khoan")
    other = Person(an.app, house, None)
    assert other.open(path).status_code == 404
    assert other.browser.post(path, data=other.form("/vao")).status_code == 404
    assert an.open("/nhap").headers["location"] == "/tai-khoan"  # a password first
    form = {**an.form("/tai-khoan"), "moi": PASSWORD, "lai": PASSWORD}
    assert an.browser.post("/tai-khoan/mat-khau", data=form).status_code == 303
    assert an.open("/nhap").status_code == 200
    with house.reader() as session:
        assert not accounts.needs_first(session)
        assert not session.scalars(select(Ticket)).all()


def test_the_first_address_is_good_for_half_an_hour_and_until_there_is_an_administrator(
    an: Person, house: Runtime, clock: Callable[[timedelta], None]
) -> None:
    old, path = first(house), first(house)
    assert an.open(old).status_code == 404  # only the newest opens
    assert an.open(path).status_code == 200
    with house.sessions.begin() as session:
        by = By(TESTER, house.now())
        made = accounts.add(session, "chi", Role.ADMINISTRATOR, [], by)
        accounts.give_password(session, made, HASHED, False, by)
    assert an.browser.post(path, data=an.form("/vao")).status_code == 404
    path = first(house)
    clock(web_sessions.FIRST_LIVES)
    assert an.open(path).status_code == 404


def test_nobody_shuts_the_last_administrator(house: Runtime) -> None:
    from ntm_workflow.errors import Refused

    by = By(TESTER, house.now())
    with house.sessions.begin() as session:
        chi = accounts.add(session, "chi", Role.ADMINISTRATOR, [], by)
        with pytest.raises(Refused, match=r"account\.last"):
            accounts.set_active(session, chi, False, by)
        accounts.add(session, "dung", Role.ADMINISTRATOR, [], by)
        accounts.set_active(session, chi, False, by)


@pytest.mark.parametrize(
    ("login", "role", "bodies", "email", "key"),
    [("an", Role.LEADER, [], "", "account.taken"), ("a b", Role.LEADER, [], "", "account.login"),
     ("chi", Role.OFFICE, [], "", "account.no_body"),
     ("chi", Role.COORDINATION, [], "", "account.no_body"),
     ("chi", Role.OFFICE, ["khong-co"], "", "account.body"),
     ("chi", Role.LEADER, [], "chi@", "account.mail"),
     ("chi", Role.LEADER, [], "AN@xa.example.vn", "account.mail_taken")],
)  # fmt: skip
def test_an_account_that_cannot_be_is_refused(
    house: Runtime, login: str, role: Role, bodies: list[str], email: str, key: str
) -> None:
    from ntm_workflow.errors import Refused

    with house.sessions.begin() as session, pytest.raises(Refused, match=key.replace(".", r"\.")):
        accounts.add(session, login, role, bodies, By(TESTER, house.now()), email=email)


# -- the simulation -------------------------------------------------------------------


def test_in_a_simulation_each_role_is_one_press_away(app: FastAPI, town: Runtime) -> None:
    seen = {}
    for part in ("dieu-phoi", "don-vi", "lanh-dao", "thanh-tra"):
        person = Person(app, town, None)
        form = {**person.form("/vao"), "vai": part}
        assert person.browser.post("/vao/mo-phong", data=form).headers["location"] == "/"
        seen[part] = person.text("/tai-khoan")
    assert "Cơ quan điều phối:" in seen["dieu-phoi"]
    assert "Đơn vị thực hiện: BQL NTM xã Tân Lập" in seen["don-vi"]
    assert "Lãnh đạo:" in seen["lanh-dao"]
    assert "Thanh tra." in seen["thanh-tra"]


def test_without_a_simulation_nobody_comes_in_by_a_press(an: Person, house: Runtime) -> None:
    assert "mo-phong" not in an.open("/vao").text
    for part in ("dieu-phoi", "don-vi", "thanh-tra", ""):
        answer = an.browser.post("/vao/mo-phong", data={**an.form("/vao"), "vai": part})
        assert answer.status_code == 422
    with house.reader() as session:
        assert not session.scalars(select(WebSession)).all()


def test_what_needs_no_signing_in_says_nothing_of_the_plan(house: Runtime) -> None:
    browser = TestClient(create_app(house), base_url=HOME, follow_redirects=False)
    for path in ("/vao", "/khong-co", "/v/12-" + "a" * 24):
        assert "28/KH-UBND" not in browser.get(path).text
    assert browser.get("/viec").headers["location"] == "/vao?den=/viec"
    assert Browser() == Browser("", "")
