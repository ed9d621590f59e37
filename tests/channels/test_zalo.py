"""Zalo against a server that answers as Zalo does: what arrives, and what is said of the rest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from apprise import Apprise, NotifyBase

from ntm_workflow.appendix.text import nfc
from ntm_workflow.channels.result import Message, Outcome
from ntm_workflow.channels.zalo import codes, oauth, plugins, senders, wire
from ntm_workflow.channels.zalo.oauth import App, NoToken
from ntm_workflow.channels.zalo.senders import Bot, OfficialAccount
from tests import fake_zalo
from tests.fake_zalo import APP_ID, BOT_TOKEN, SECRET, FakeZalo, Fault, Template, User

USER, PHONE, CHAT, TEMPLATE = "2512523625412515", "84987654321", "c0ffee12", "204"
CONSULT, BY_UID, BY_PHONE = (
    "/v3.0/oa/message/cs", "/v3.0/oa/message/template", "/message/template",
)  # fmt: skip
SEND = f"/bot{BOT_TOKEN}/sendMessage"
APP = App(APP_ID, SECRET)
MESSAGE = Message(
    to_name="Bộ phận văn thư xã Vũ Lễ", to_address=USER, subject="3 việc quá hạn",
    text="III.1 Rà soát Bộ tiêu chí. Hạn: thứ Ba 30/6/2020 (còn 8 ngày).", html="",
    message_id="<ntm-41@bacson.example.vn.invalid>",
    parameters={"ma": "III.1", "noi_dung": "Rà soát Bộ tiêu chí", "thua": "không có trong mẫu"},
)  # fmt: skip


class Kept:
    """One pair of tokens in memory, refreshed under a lock as the database does it."""

    def __init__(self, http: httpx.Client, zalo: FakeZalo, access: str, refresh: str) -> None:
        self.http, self.hosts = http, zalo.hosts
        self.pair = oauth.Pair(access, refresh)
        self.lock = threading.Lock()

    def access(self) -> str:
        return self.pair.access

    def renew(self, failed: str) -> str:
        with self.lock:
            if self.pair.access == failed:
                self.pair = oauth.refresh(self.http, self.hosts, APP, self.pair.refresh)
            return self.pair.access


@pytest.fixture
def zalo() -> Iterator[FakeZalo]:
    with fake_zalo.running() as server:
        server.users[USER] = User(last_interaction=server.now - timedelta(hours=3))
        server.phones[PHONE] = 0
        server.chats[CHAT] = 0
        server.templates[TEMPLATE] = Template({"ma": 30, "noi_dung": 90})
        yield server


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with wire.client() as made:
        made.timeout = httpx.Timeout(1.0)
        yield made


@pytest.fixture
def account(zalo: FakeZalo, http: httpx.Client) -> OfficialAccount:
    return OfficialAccount(http, zalo.hosts, Kept(http, zalo, zalo.sign_in(), "RT-0"), APP)


@pytest.fixture
def bot(zalo: FakeZalo, http: httpx.Client) -> Bot:
    return Bot(http, zalo.hosts, BOT_TOKEN)


# -- what arrives ---------------------------------------------------------------


def test_free_text_arrives_as_written_with_the_providers_id(
    zalo: FakeZalo, account: OfficialAccount
) -> None:
    result = account.consult(MESSAGE)
    assert (result.outcome, result.provider_id) == (Outcome.OK, "m1")
    assert [(d.to, d.what) for d in zalo.delivered] == [(USER, MESSAGE.text)]


def test_decomposed_text_is_composed_before_its_letters_are_counted(
    zalo: FakeZalo, account: OfficialAccount
) -> None:
    import unicodedata

    text = "Đôn đốc thực hiện việc quá hạn " * 60
    assert len(nfc(text)) < senders.TEXT_LIMIT < len(unicodedata.normalize("NFD", text))
    result = account.consult(replace(MESSAGE, text=unicodedata.normalize("NFD", text)))
    assert result.outcome is Outcome.OK
    assert zalo.delivered[0].what == text


def test_a_text_cannot_call_somebody_in_a_group(zalo: FakeZalo, account: OfficialAccount) -> None:
    account.consult(replace(MESSAGE, text="Lý do: [@2512523625412515] bận"))
    assert "[@" not in zalo.delivered[0].what


def test_a_template_goes_to_a_phone_with_our_name_for_it_and_only_its_own_blanks(
    zalo: FakeZalo, account: OfficialAccount
) -> None:
    result = account.template(TEMPLATE, replace(MESSAGE, to_address="0987 654 321"))
    assert result.outcome is Outcome.OK
    (sent,) = zalo.delivered
    assert (sent.channel, sent.to) == ("zbs", PHONE)
    assert sent.what == {"ma": "III.1", "noi_dung": "Rà soát Bộ tiêu chí"}
    assert sent.tracking_id == "ntm-41-bacson-example-vn-invalid"


def test_a_template_goes_to_a_user_id(zalo: FakeZalo, account: OfficialAccount) -> None:
    assert account.template(TEMPLATE, MESSAGE).outcome is Outcome.OK
    assert zalo.delivered[0].to == USER
    assert zalo.calls[BY_UID] == 1


def test_what_zalo_approved_is_asked_once(zalo: FakeZalo, account: OfficialAccount) -> None:
    for _ in range(3):
        account.template(TEMPLATE, MESSAGE)
    assert zalo.calls["/template/info/v2"] == 1


def test_a_bot_writes_to_a_chat(zalo: FakeZalo, bot: Bot) -> None:
    result = bot.send(replace(MESSAGE, to_address=CHAT))
    assert (result.outcome, result.provider_id) == (Outcome.OK, "m1")
    assert zalo.delivered[0].what == MESSAGE.text


@pytest.mark.parametrize(
    ("printed", "number"),
    [("0987654321", PHONE), ("+84 987 654 321", PHONE), ("84987654321", PHONE),
     ("098765432", None), ("2512523625412515", None), ("", None)],
)  # fmt: skip
def test_a_phone_number_is_told_from_a_user_id(printed: str, number: str | None) -> None:
    assert senders.phone(printed) == number


# -- what does not ---------------------------------------------------------------


def test_values_that_do_not_fit_are_not_sent_and_not_paid_for(
    zalo: FakeZalo, account: OfficialAccount
) -> None:
    for wrong in ({"ma": "x" * 31, "noi_dung": "y"}, {"ma": "x"}, {"ma": " ", "noi_dung": "y"}):
        result = account.template(TEMPLATE, replace(MESSAGE, parameters=wrong))
        assert result.outcome is Outcome.PAYLOAD
        assert result.detail
    assert zalo.calls[BY_UID] == zalo.calls[BY_PHONE] == 0


def test_a_template_that_zalo_has_switched_off_stops_the_channel(
    zalo: FakeZalo, account: OfficialAccount
) -> None:
    zalo.templates[TEMPLATE].status = "DISABLE"
    assert account.template(TEMPLATE, MESSAGE).outcome is Outcome.CONFIG
    assert account.template("999", MESSAGE).outcome is Outcome.CONFIG
    assert zalo.calls[BY_UID] == 0


def test_a_text_that_is_too_long_or_empty_is_not_sent(
    zalo: FakeZalo, account: OfficialAccount, bot: Bot
) -> None:
    for text in ("x" * 2001, "", "  \n"):
        message = replace(MESSAGE, text=text)
        assert account.consult(message).outcome is Outcome.PAYLOAD
        assert bot.send(replace(message, to_address=CHAT)).outcome is Outcome.PAYLOAD
    assert not zalo.calls


@pytest.mark.parametrize("code", sorted(codes.OA))
def test_each_error_of_the_account_has_its_class(
    zalo: FakeZalo, account: OfficialAccount, code: int
) -> None:
    answer = Fault(body=f'{{"error": {code}, "message": "as documented"}}')
    zalo.fail(CONSULT, answer, answer)
    result = account.consult(MESSAGE)
    assert result.outcome is codes.OA[code]
    assert str(code) in result.detail
    assert not zalo.delivered


@pytest.mark.parametrize("code", sorted(codes.ZBS))
def test_each_error_of_a_template_has_its_class_also_as_a_quoted_number(
    zalo: FakeZalo, account: OfficialAccount, code: int
) -> None:
    answer = Fault(body=f'{{"error": "{code}", "message": "as documented"}}')
    zalo.fail(BY_PHONE, answer, answer)
    result = account.template(TEMPLATE, replace(MESSAGE, to_address=PHONE))
    assert result.outcome is codes.ZBS[code]


@pytest.mark.parametrize("code", sorted(codes.BOT))
def test_each_error_of_a_bot_has_its_class(zalo: FakeZalo, bot: Bot, code: int) -> None:
    zalo.fail(SEND, Fault(body=f'{{"ok": false, "error_code": {code}, "description": "said"}}'))
    assert bot.send(replace(MESSAGE, to_address=CHAT)).outcome is codes.BOT[code]


def test_an_error_that_no_table_has_is_for_a_person(
    zalo: FakeZalo, account: OfficialAccount, bot: Bot
) -> None:
    zalo.fail(CONSULT, Fault(body='{"error": -99999, "message": "new"}'))
    zalo.fail(SEND, Fault(body='{"ok": false, "error_code": 499}'))
    assert account.consult(MESSAGE).outcome is Outcome.CONFIG
    assert bot.send(replace(MESSAGE, to_address=CHAT)).outcome is Outcome.CONFIG


def test_who_cannot_be_reached_is_told_from_what_cannot_be_sent(
    zalo: FakeZalo, account: OfficialAccount, bot: Bot
) -> None:
    zalo.users[USER].last_interaction = zalo.now - timedelta(days=8)
    assert account.consult(MESSAGE).code == "-230"
    assert account.consult(MESSAGE).outcome is Outcome.RECIPIENT
    assert bot.send(replace(MESSAGE, to_address="nobody")).outcome is Outcome.RECIPIENT
    unknown = account.template(TEMPLATE, replace(MESSAGE, to_address="0911111111"))
    assert unknown.outcome is Outcome.RECIPIENT


def test_the_night_and_the_quota_are_told_apart(zalo: FakeZalo, account: OfficialAccount) -> None:
    to_phone = replace(MESSAGE, to_address=PHONE)
    for hour, minute, outcome in (
        (21, 59, Outcome.OK), (22, 0, Outcome.NIGHT), (5, 59, Outcome.NIGHT), (6, 0, Outcome.OK),
    ):  # fmt: skip
        zalo.now = zalo.now.replace(hour=hour, minute=minute)
        assert account.template(TEMPLATE, to_phone).outcome is outcome
    zalo.template_quota = 0
    assert account.template(TEMPLATE, to_phone).outcome is Outcome.QUOTA


# -- networks ----------------------------------------------------------------------


def test_how_sure_it_is_that_nothing_left(
    zalo: FakeZalo, account: OfficialAccount, bot: Bot
) -> None:
    page = "<html>Bad gateway</html>"
    cases = {
        Outcome.AMBIGUOUS: [Fault("before"), Fault("after"), Fault(seconds=1.5),
                            Fault(status=502, body=page), Fault(status=504, body=page),
                            Fault(status=200, body=page), Fault(status=200, body="{}")],
        Outcome.TRANSIENT: [Fault(status=503, body=page)],
    }  # fmt: skip
    for outcome, faults in cases.items():
        for fault in faults:
            zalo.fail(CONSULT, fault)
            assert account.consult(MESSAGE).outcome is outcome, fault
            zalo.fail(SEND, fault)
            assert bot.send(replace(MESSAGE, to_address=CHAT)).outcome is outcome, fault
    for path in (CONSULT, SEND):
        zalo.fail(path, Fault(status=429))
    assert account.consult(MESSAGE).outcome is Outcome.TRANSIENT
    assert bot.send(replace(MESSAGE, to_address=CHAT)).outcome is Outcome.QUOTA


def test_a_server_that_is_not_there_took_nothing(http: httpx.Client) -> None:
    nowhere = "http://127.0.0.1:9"
    hosts = wire.Hosts(nowhere, nowhere, nowhere, nowhere)
    result = Bot(http, hosts, BOT_TOKEN).send(replace(MESSAGE, to_address=CHAT))
    assert result.outcome is Outcome.TRANSIENT


# -- tokens -------------------------------------------------------------------------


def test_forty_calls_with_a_dead_token_make_one_refresh(zalo: FakeZalo, http: httpx.Client) -> None:
    kept = Kept(http, zalo, "AT-dead", "RT-0")
    account = OfficialAccount(http, zalo.hosts, kept, APP)
    http.timeout = httpx.Timeout(20)
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: account.consult(MESSAGE), range(40)))
    assert {result.outcome for result in results} == {Outcome.OK}
    assert (len(zalo.delivered), zalo.refreshes) == (40, 1)


def test_an_expired_token_is_renewed_and_the_message_sent_once(
    zalo: FakeZalo, account: OfficialAccount
) -> None:
    zalo.now += timedelta(hours=26)
    zalo.users[USER].last_interaction = zalo.now
    assert account.consult(MESSAGE).outcome is Outcome.OK
    assert (len(zalo.delivered), zalo.refreshes) == (1, 1)


def test_a_refresh_token_that_was_used_needs_a_person(zalo: FakeZalo, http: httpx.Client) -> None:
    oauth.refresh(http, zalo.hosts, APP, "RT-0")
    for dead in ("RT-0", "never-seen"):
        with pytest.raises(NoToken) as caught:
            oauth.refresh(http, zalo.hosts, APP, dead)
        assert caught.value.outcome is Outcome.AUTH
    with pytest.raises(NoToken) as caught:
        oauth.refresh(http, zalo.hosts, App(APP_ID, "wrong"), "RT-1")
    assert (caught.value.outcome, caught.value.code) == (Outcome.CONFIG, "-14004")


def test_a_refresh_whose_answer_is_lost_is_asked_once_more(
    zalo: FakeZalo, http: httpx.Client
) -> None:
    zalo.fail("/v4/oa/access_token", Fault("before"))
    assert oauth.refresh(http, zalo.hosts, APP, "RT-0").refresh == "RT-1"
    zalo.fail("/v4/oa/access_token", Fault("after"))
    with pytest.raises(NoToken) as caught:  # it was consumed, and the new one is lost
        oauth.refresh(http, zalo.hosts, APP, "RT-1")
    assert caught.value.outcome is Outcome.AUTH


def test_a_gateway_page_on_refresh_keeps_the_token(zalo: FakeZalo, http: httpx.Client) -> None:
    for fault in (
        Fault(status=502, body="<html>"), Fault(body="<html>maintenance</html>"),
        Fault(status=503, body='{"message": "busy"}'), Fault(body='{"error": -32}'),
    ):  # fmt: skip
        zalo.fail("/v4/oa/access_token", fault)
        with pytest.raises(NoToken) as caught:
            oauth.refresh(http, zalo.hosts, APP, "RT-0")
        assert caught.value.outcome is Outcome.TRANSIENT
    assert oauth.refresh(http, zalo.hosts, APP, "RT-0").expires_in == 90_000


def test_the_proof_of_the_apps_secret_is_zalos_own_example() -> None:
    assert oauth.proof(App("1000", "app-secret"), "AT-test") == (
        "2226d7de379c1590e6baf453726c0d1e32ea4f7d0abecc7505828b4356aed335"
    )


# -- through Apprise ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "made"),
    [(f"zalooa://vpdp/{USER}", plugins.NotifyZaloOA),
     (f"zbs://vpdp/{TEMPLATE}/{PHONE}", plugins.NotifyZbs),
     (f"zalobot://bot/{CHAT}", plugins.NotifyZaloBot)],
)  # fmt: skip
def test_an_address_names_an_account_and_comes_back_as_it_was(
    url: str, made: type[NotifyBase]
) -> None:
    found = Apprise.instantiate(url)
    assert isinstance(found, made)
    assert found.url() == url
    assert url.rpartition("/")[2] not in found.url(privacy=True)


def test_a_plugin_says_what_came_of_it(zalo: FakeZalo, account: OfficialAccount) -> None:
    found = Apprise.instantiate(f"zalooa://vpdp/{USER}")
    assert isinstance(found, plugins.NotifyZaloOA)
    found.account, found.message = account, MESSAGE
    assert found.notify(body=MESSAGE.text)
    assert (found.result.outcome, found.result.provider_id) == (Outcome.OK, "m1")
    zalo.users[USER].blocked = -244
    assert not found.notify(body=MESSAGE.text)
    assert found.result.outcome is Outcome.RECIPIENT


# -- secrets --------------------------------------------------------------------------


def test_no_token_secret_phone_or_id_is_in_any_log_line_or_result(
    zalo: FakeZalo, account: OfficialAccount, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):  # as they are set once a client was made
        assert logging.getLogger(name).level == logging.WARNING
    results = [bot.send(replace(MESSAGE, to_address=CHAT)), account.consult(MESSAGE)]
    zalo.dead |= set(zalo.access)
    zalo.phones[PHONE] = -118
    results += [account.template(TEMPLATE, replace(MESSAGE, to_address=PHONE))]
    zalo.fail(SEND, Fault("after"))
    results += [bot.send(replace(MESSAGE, to_address=CHAT))]
    text = caplog.text + repr(results) + repr(APP) + repr(oauth.Pair("AT-9", "RT-9"))
    for secret in (BOT_TOKEN, SECRET, "AT-", "RT-", PHONE, USER):
        assert secret not in text
