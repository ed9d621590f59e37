"""Whether a call is Zalo's, and what it says: without a database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ntm_workflow.channels.zalo import webhook
from ntm_workflow.channels.zalo.oauth import App
from ntm_workflow.channels.zalo.webhook import Call
from tests import fake_zalo
from tests.fake_zalo import APP_ID, OA_ID, OA_KEY

APP = App(APP_ID, "app-secret", OA_KEY)
# The vector of the reference: 229 bytes, no line break.
BODY = (
    b'{"app_id":"1000","sender":{"id":"u1"},"recipient":{"id":"3880000000000000001"},'
    b'"user_id_by_app":"55","event_name":"user_send_text","message":{"text":"LIENKET 4F7K-9Q2M",'
    b'"msg_id":"96d3cdf3af150460909"},"timestamp":"1764000000000"}'
)
MAC = "fe5b275787188b22ba6434dc282c6b9323bbeb75489ddf82aef2916024ed5edf"


def signer(body: bytes, signature: str, app: App = APP) -> str:
    return webhook.signed_with(Call(body, signature), webhook.read(body), app)


@pytest.mark.parametrize("sent", [f"mac={MAC}", MAC, f" MAC={MAC.upper()} "])
def test_the_vector_of_the_reference_is_signed_with_the_application(sent: str) -> None:
    assert len(BODY) == 229
    assert signer(BODY, sent) == "app_id"
    event = webhook.oa_event(webhook.read(BODY))
    assert event is not None
    assert (event.kind, event.sender, event.text) == ("said", "u1", "LIENKET 4F7K-9Q2M")
    assert event.key == "user_send_text:96d3cdf3af150460909"


@pytest.mark.parametrize(
    ("body", "sent", "app"),
    [
        (BODY, "", APP),
        (BODY, "mac=", APP),
        (BODY, f"mac={MAC[:-1]}0", APP),
        (BODY, f"mac={MAC[:32]}", APP),
        (BODY, "mac=ố", APP),
        (BODY.replace(b"4F7K", b"4F7L"), f"mac={MAC}", APP),
        (BODY + b" ", f"mac={MAC}", APP),
        (BODY, f"mac={MAC}", App(APP_ID, "app-secret", "another")),
        (BODY, f"mac={MAC}", App("2000", "app-secret", OA_KEY)),
    ],
)
def test_a_signature_over_anything_else_is_nobodys(body: bytes, sent: str, app: App) -> None:
    assert signer(body, sent, app) == ""


def test_an_application_without_a_key_of_its_own_signs_with_its_secret() -> None:
    call = fake_zalo.signed(fake_zalo.text("u1", "chào"), key="app-secret")
    app = App(APP_ID, "app-secret")
    assert signer(call.body, call.headers["x-zevent-signature"], app) == "app_id"
    empty = fake_zalo.signed(fake_zalo.text("u1", "chào"), key="")
    assert signer(empty.body, empty.headers["x-zevent-signature"], App(APP_ID, "")) == ""


@pytest.mark.parametrize("known", ["", OA_ID])
def test_the_account_may_stand_where_the_application_should(known: str) -> None:
    call = fake_zalo.signed(fake_zalo.text("u1", "chào"), first=OA_ID)
    app = App(APP_ID, "app-secret", OA_KEY, known)
    assert signer(call.body, call.headers["x-zevent-signature"], app) == "oa_id"


@pytest.mark.parametrize(
    ("minutes", "is_fresh"), [(0, True), (4.9, True), (-4.9, True), (5.1, False), (-5.1, False)]
)
def test_a_call_is_fresh_for_five_minutes(minutes: float, is_fresh: bool) -> None:
    now = datetime(2026, 6, 22, 1, tzinfo=UTC)
    said = fake_zalo.event("follow", at=now - timedelta(minutes=minutes))
    assert webhook.fresh(said, now) is is_fresh


@pytest.mark.parametrize("at", ["", "hôm qua", "-5", "9" * 15, "9" * 5000, None, [], True])
def test_a_call_without_a_time_is_not_fresh(at: object) -> None:
    assert not webhook.fresh({"timestamp": at}, datetime.now(UTC))


@pytest.mark.parametrize(
    "body", [b"", b"khong", b"[]", b'"a"', b"\xff\xfe", b"[" * 200_000, b'{"a":' * 40_000]
)
def test_what_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(webhook.Unreadable):
        webhook.read(body)


def test_events_of_another_account_and_our_own_echoes_are_nobodys() -> None:
    ours = fake_zalo.text("u1", "chào")
    assert webhook.oa_event(ours, OA_ID)
    assert webhook.oa_event(ours, "3880000000000000002") is None
    assert webhook.oa_event(fake_zalo.followed("u1"), "3880000000000000002") is None
    assert webhook.oa_event({**ours, "event_name": "oa_send_text"}) is None


def test_the_same_event_has_the_same_key_and_others_have_others() -> None:
    now = datetime(2026, 6, 22, 1, tzinfo=UTC)
    follow = fake_zalo.event("follow", at=now, oa_id=OA_ID, follower={"id": "u1"})
    later = fake_zalo.event(
        "follow", at=now + timedelta(seconds=1), oa_id=OA_ID, follower={"id": "u1"}
    )
    other = {**follow, "follower": {"id": "u2"}}
    read = [
        fake_zalo.event("user_seen_message", at=now, message={"msg_ids": ids})
        for ids in (["m1"], ["m1", "m2"], ["m2"])
    ]
    keys = [webhook.oa_event(one) for one in (follow, follow, later, other, *read)]
    said = [one.key if one else "" for one in keys]
    assert said[0] == said[1]
    assert len(set(said)) == len(said) - 1


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_bot_is_heard_in_private_and_never_itself(wrapped: bool) -> None:
    def read(call: fake_zalo.Call) -> webhook.Event | None:
        return webhook.bot_event(json.loads(call.body), "123456")

    heard = read(fake_zalo.bot_update("c0ffee12", "chào", wrapped=wrapped))
    assert heard is not None
    assert (heard.sender, heard.text, heard.kind) == ("c0ffee12", "chào", "said")
    silent = read(fake_zalo.bot_update("c0ffee12", None, wrapped=wrapped))
    assert silent is not None
    assert silent.text == ""
    for call in (
        fake_zalo.bot_update("c0ffee12", "chào", wrapped=wrapped, private=False),
        fake_zalo.bot_update("c0ffee12", "chào", wrapped=wrapped, is_bot=True),
        fake_zalo.bot_update("c0ffee12", "chào", wrapped=wrapped, sender="123456"),
    ):
        assert read(call) is None


HOSTILE = [
    {}, {"event_name": 5}, {"event_name": "user_send_text"},
    {"event_name": "user_send_text", "sender": [], "message": "chào"},
    {"event_name": "user_send_text", "sender": {"id": {"id": 1}}, "message": {"text": ["a"]}},
    {"event_name": "user_send_text", "sender": {"id": "x" * 500}, "message": {"msg_id": 1.5}},
    {"event_name": "user_seen_message", "message": {"msg_ids": "m1"}},
    {"event_name": "user_seen_message", "message": {"msg_ids": [None, {}, [], "m1", 7]}},
    {"event_name": "x" * 5000}, {"event_name": "follow", "follower": None},
    {"event_name": "message.text.received", "message": {"chat": {"chat_type": "PRIVATE"}}},
    {"result": {"event_name": "message.text.received", "message": {"chat": {"id": 1}}}},
]  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_what_lacks_something_breaks_nothing(said: dict[str, object]) -> None:
    webhook.signed_with(Call(b"{}"), said, APP)
    for event in (webhook.oa_event(said, OA_ID), webhook.oa_event(said), webhook.bot_event(said)):
        if event is not None:
            assert len(event.key) < 300
            assert len(event.sender) <= 128


def test_a_text_is_kept_as_a_database_can_keep_it() -> None:
    event = webhook.oa_event(fake_zalo.text("u1", "a\x00\ud800 Vu\u0303 Lê\u0303\n" + "ạ" * 9000))
    assert event is not None
    assert event.text.startswith("a Vũ Lễ\n")
    assert len(event.text) == webhook.LONGEST
    event.text.encode()


def test_what_is_logged_of_a_call_holds_no_secret() -> None:
    call = Call(BODY, f"mac={MAC}", "bot-webhook-secret")
    event = webhook.oa_event(webhook.read(BODY))
    for said in (repr(call), repr(event), repr(APP)):
        for secret in (MAC, "4F7K", "bot-webhook-secret", "96d3cdf3af150460909:", "u1'", OA_KEY):
            assert secret not in said
    assert webhook.masked("2512523625412515") == "…2515"
    assert webhook.masked("short") == "…"
