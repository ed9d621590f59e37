"""Zalo's accounts in the outbox: what each of its answers does to a notice and to its channel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ntm_workflow.channels.zalo import wire
from ntm_workflow.channels.zalo.codes import BOT, OA, ZBS
from ntm_workflow.channels.zalo.oauth import App, NoToken, Pair
from ntm_workflow.chase import blanks, outbox, tokens
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import Address, Channel, Notice
from ntm_workflow.work import channels
from tests import fake_zalo
from tests.fake_zalo import APP_ID, BOT_TOKEN, SECRET, FakeZalo, Fault, Template, User
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
USER, PHONE, CHAT, TEMPLATE = "2512523625412515", "84987654321", "c0ffee12", "204"
CONSULT, BY_UID, BY_PHONE = (
    "/v3.0/oa/message/cs", "/v3.0/oa/message/template", "/message/template",
)  # fmt: skip
BLANKS = {"ma": 30, "noi_dung": 90, "han": 20, "trang_thai": 30}
TO = {"oa": USER, "mau": PHONE, "mau-uid": USER, "bot": CHAT}
PATH = {"oa": CONSULT, "mau": BY_PHONE, "mau-uid": BY_UID, "bot": f"/bot{BOT_TOKEN}/sendMessage"}


@pytest.fixture
def zalo() -> Iterator[FakeZalo]:
    with fake_zalo.running() as server:
        server.users[USER] = User(last_interaction=server.now)
        server.phones[PHONE] = 0
        server.chats[CHAT] = 0
        server.templates[TEMPLATE] = Template(BLANKS)
        yield server


def accounts(scene: Scene, zalo: FakeZalo, access: str | None = None) -> None:
    """An Official Account, its template channel by phone and by user id, and a bot."""
    rt, hosts = scene.rt, {"hosts": asdict(zalo.hosts)}
    pair = Pair(zalo.sign_in() if access is None else access, zalo.refresh_token)
    secrets = {"oa": tokens.packed(App(APP_ID, SECRET), pair), "bot": BOT_TOKEN}
    with rt.sessions.begin() as session:
        for name, kind in (
            ("oa", "zalooa"),
            ("mau", "zbs"),
            ("mau-uid", "zbs"),
            ("bot", "zalobot"),
        ):
            made = channels.put(
                session, name, kind, secrets.get(name, ""), rt.keys, now=rt.now(), actor=SYSTEM,
                settings=hosts | {"template": TEMPLATE},
                tokens_of="oa" if kind == "zbs" else None,
            )  # fmt: skip
            made.token_until = rt.moment(date(2030, 1, 1)) if name == "oa" else None


@pytest.fixture
def an(stage: Callable[..., Scene], zalo: FakeZalo) -> Scene:
    """A task of An's, who is known to every account; no channel is An's own yet."""
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    accounts(scene, zalo)
    return scene


def through(scene: Scene, name: str, to: str = "") -> None:
    """An is told through this channel first, by mail after it."""
    rt = scene.rt
    with rt.sessions.begin() as session:
        channels.add_address(
            session, Scene.email("an"), name, to or TO[name], always=False, rank=-1,
            now=rt.now(), actor=SYSTEM,
        )  # fmt: skip
    scene.remind(DAY)


def of_an(scene: Scene) -> list[Notice]:
    return [n for n in scene.notices() if n.contact_id == 1]


def channel(scene: Scene, name: str) -> Channel:
    with scene.rt.reader() as session:
        return session.get_one(Channel, name)


@pytest.mark.parametrize("name", TO)
def test_a_digest_leaves_through_each_kind_of_account(an: Scene, zalo: FakeZalo, name: str) -> None:
    through(an, name)
    an.deliver(DAY)
    (notice,) = of_an(an)
    assert (notice.state, bool(notice.provider_id), notice.address) == ("sent", True, TO[name])
    (told,) = zalo.delivered
    assert told.to == TO[name]
    if name.startswith("mau"):
        assert told.what == {
            "ma": "III.1/2020-06/bql-tan-lap", "han": "30/6/2020", "trang_thai": "còn 14 ngày",
            "noi_dung": notice.parameters["noi_dung"],
        }  # fmt: skip
        assert len(notice.parameters["noi_dung"]) <= 90
    else:
        assert "III.1/2020-06/bql-tan-lap" in str(told.what)


# What each class of answer comes to: state of the notice, of its channel, of the
# address, and whether the mail address is told instead.
ENDS = {
    "ok": ("sent", "active", True, False),
    "transient": ("pending", "active", True, False),
    "quota": ("pending", "active", True, False),
    "night": ("pending", "active", True, False),
    "recipient": ("failed", "active", False, True),
    "payload": ("failed", "active", True, True),
    "config": ("pending", "broken", True, False),
    "auth": ("pending", "broken", True, False),
}
ANSWERS = [
    *(("oa", code, str(found)) for code, found in OA.items()),
    *(("mau", code, str(found)) for code, found in ZBS.items()),
    *(("bot", code, str(found)) for code, found in BOT.items()),
    ("oa", -999_999, "config"),  # in no table
    ("mau", -999_999, "config"),
]


@pytest.mark.parametrize(("name", "code", "found"), ANSWERS)
def test_every_answer_of_the_tables_ends_in_the_state_it_should(
    an: Scene, zalo: FakeZalo, sink: Sink, name: str, code: int, found: str
) -> None:
    through(an, name)
    said = f'{{"error": {code}, "message": "nói gì đó"}}'
    if name == "bot":
        said = f'{{"ok": false, "error_code": {code}, "description": "nói gì đó"}}'
    zalo.fail(PATH[name], *[Fault(status=200, body=said)] * 3)
    an.deliver(DAY)
    first, *others = of_an(an)
    if found == "ambiguous":
        assert (first.state, first.resent, others) == ("pending", 1, [])
        return
    state, circuit, usable, instead = ENDS[found]
    assert (first.outcome, first.code, first.state) == (found, str(code), state)
    assert channel(an, name).state == circuit
    with an.rt.reader() as session:
        marked = session.scalars(select(Address).where(Address.channel == name)).one()
        assert (marked.unusable_at is None) == usable
    assert [n.channel for n in others] == (["mail"] if instead else [])
    assert (Scene.email("an") in sink.recipients) == instead


@pytest.mark.parametrize("name", ["mau", "mau-uid"])
@pytest.mark.parametrize(
    "fault", [Fault("after"), Fault(status=502, body="<html>"), Fault(status=504)]
)
def test_a_paid_message_in_doubt_is_for_a_person_and_never_sent_again(
    an: Scene, zalo: FakeZalo, name: str, fault: Fault
) -> None:
    through(an, name)
    zalo.fail(PATH[name], fault)
    for day in range(5):
        an.deliver(DAY + timedelta(days=day))
    (notice,) = of_an(an)
    assert notice.state == "unknown"
    assert len(zalo.delivered) == (fault.when == "after")
    assert zalo.calls[PATH[name]] == 1


def test_free_text_in_doubt_is_sent_again_once(an: Scene, zalo: FakeZalo) -> None:
    through(an, "oa")
    zalo.fail(CONSULT, *[Fault("after")] * 9)
    for day in range(5):
        an.deliver(DAY + timedelta(days=day))
    assert (of_an(an)[0].state, len(zalo.delivered)) == ("unknown", 2)


def test_a_blank_that_is_missing_costs_nothing_and_mail_says_it(
    an: Scene, zalo: FakeZalo, sink: Sink
) -> None:
    zalo.templates[TEMPLATE] = Template(BLANKS | {"so_van_ban": 30})
    through(an, "mau")
    an.deliver(DAY)
    first, _ = of_an(an)
    assert (first.state, first.outcome) == ("failed", "payload")
    assert "so_van_ban" in first.error
    assert zalo.calls[BY_PHONE] == 0
    assert Scene.email("an") in sink.recipients


def test_an_office_names_the_blanks_of_its_template_itself(an: Scene, zalo: FakeZalo) -> None:
    zalo.templates[TEMPLATE] = Template({"ma_nhiem_vu": 30, "ten": 30})
    with an.rt.sessions.begin() as session:
        mau = session.get_one(Channel, "mau")
        mau.settings = mau.settings | {"parameters": {"ma_nhiem_vu": "ma", "ten": "don_vi"}}
    through(an, "mau")
    an.deliver(DAY)
    assert zalo.delivered[0].what == {
        "ma_nhiem_vu": "III.1/2020-06/bql-tan-lap", "ten": "BQL NTM xã Tân Lập",
    }  # fmt: skip


def test_what_is_left_of_a_quota_is_kept(an: Scene, zalo: FakeZalo) -> None:
    through(an, "mau")
    an.deliver(DAY)
    assert channel(an, "mau").quota_left == zalo.template_quota == 499


def test_a_template_channel_needs_an_official_account(an: Scene) -> None:
    with an.rt.sessions.begin() as session, pytest.raises(Refused) as error:
        channels.put(
            session, "khac", "zbs", "", an.rt.keys, now=an.rt.now(), actor=SYSTEM, tokens_of="bot"
        )
    assert error.value.key == "channel.tokens_of"


# -- tokens


def kept(scene: Scene, zalo: FakeZalo) -> tokens.KeptTokens:
    return tokens.KeptTokens(scene.rt, "oa", wire.client(), zalo.hosts)


def test_forty_requests_with_a_dead_token_make_one_refresh(an: Scene, zalo: FakeZalo) -> None:
    dead = kept(an, zalo).access()
    zalo.dead.add(dead)
    gate = threading.Barrier(20)

    def renew(_: int) -> str:
        gate.wait(10)
        return kept(an, zalo).renew(dead)

    with ThreadPoolExecutor(20) as pool:
        made = set(pool.map(renew, range(40)))
    assert zalo.refreshes == 1
    assert len(made) == 1
    assert dead not in made
    assert channel(an, "oa").generation == 1


def test_a_token_about_to_expire_is_renewed_before_it_is_used(an: Scene, zalo: FakeZalo) -> None:
    with an.rt.sessions.begin() as session:
        session.get_one(Channel, "oa").token_until = an.rt.now() + timedelta(hours=4)
    kept(an, zalo).access()
    kept(an, zalo).access()
    assert zalo.refreshes == 1
    until = channel(an, "oa").token_until
    assert until is not None
    assert until > an.rt.now() + timedelta(hours=24)


def test_a_dead_token_is_renewed_in_mid_delivery_and_the_message_leaves(
    an: Scene, zalo: FakeZalo
) -> None:
    zalo.dead |= set(zalo.access)
    through(an, "oa")
    an.deliver(DAY)
    assert (of_an(an)[0].state, zalo.refreshes, len(zalo.delivered)) == ("sent", 1, 1)


def test_a_refresh_token_used_elsewhere_breaks_the_circuit_and_nothing_is_lost(
    an: Scene, zalo: FakeZalo
) -> None:
    zalo.dead |= set(zalo.access)
    zalo.used_refresh.add(zalo.refresh_token)
    through(an, "oa")
    an.deliver(DAY)
    assert of_an(an)[0].state == "pending"
    assert (channel(an, "oa").state, channel(an, "oa").broken_class) == ("broken", "auth")


def test_a_lost_answer_to_a_refresh_is_asked_once_more(an: Scene, zalo: FakeZalo) -> None:
    zalo.dead |= set(zalo.access)
    zalo.fail("/v4/oa/access_token", Fault("before"))
    assert kept(an, zalo).renew(next(iter(zalo.dead)))
    assert zalo.refreshes == 1


def test_signing_in_again_closes_the_circuit(an: Scene, zalo: FakeZalo) -> None:
    with an.rt.sessions.begin() as session:
        session.get_one(Channel, "oa").state = "broken"
    with pytest.raises(Refused) as error:
        tokens.sign_in(an.rt, "oa", "sai", "verifier", SYSTEM)
    assert error.value.key == "channels.refused"
    with pytest.raises(NotFound):
        tokens.sign_in(an.rt, "bot", "mã", "verifier", SYSTEM)
    zalo.codes["mã"] = "verifier"
    tokens.sign_in(an.rt, "oa", "mã", "verifier", SYSTEM)
    assert channel(an, "oa").state == "active"
    through(an, "oa")
    an.deliver(DAY)
    assert of_an(an)[0].state == "sent"


def test_no_secret_of_an_account_is_in_the_database_in_clear(an: Scene, zalo: FakeZalo) -> None:
    hidden = channel(an, "oa").secret
    assert hidden
    assert SECRET.encode() not in hidden
    with pytest.raises(Refused) as error:
        tokens.read('app_id = "1000"')
    assert error.value.data["missing"] == "secret, refresh_token"


def test_signed_out_accounts_say_so(stage: Callable[..., Scene], zalo: FakeZalo) -> None:
    scene = stage("III.1")
    accounts(scene, zalo, access="")
    with scene.rt.sessions.begin() as session:
        oa = session.get_one(Channel, "oa")
        oa.secret = scene.rt.keys.hide(tokens.packed(App(APP_ID, SECRET), Pair("", "")).encode())
    with pytest.raises(NoToken):
        kept(scene, zalo).access()


# -- pace


def test_a_pace_is_kept_by_deliverers_together(stage: Callable[..., Scene], zalo: FakeZalo) -> None:
    """Six messages at 600 a minute, by two deliverers, take at least half a second."""
    scene = stage("III.1")
    units = ("tan-lap", "vu-le", "vu-son", "chien-thang", "bac-quynh", "dong-y")
    accounts(scene, zalo)
    rt = scene.rt
    for unit in units:
        scene.contact(unit, f"bql-{unit}")
        zalo.chats[unit] = 0
        with rt.sessions.begin() as session:
            session.get_one(Channel, "bot").per_minute = 600
            channels.add_address(
                session, Scene.email(unit), "bot", unit, always=False, rank=-1, now=rt.now(),
                actor=SYSTEM,
            )  # fmt: skip
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    rt.set_simulated(DAY, SYSTEM)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: outbox.deliver(rt, actor=SYSTEM), range(2)))
    assert len(zalo.delivered) == len(units)
    assert zalo.arrived[-1] - zalo.arrived[0] >= 0.45


# -- what no message may speak of


def test_a_confidential_task_says_nothing_of_itself_anywhere(
    stage: Callable[..., Scene], zalo: FakeZalo, sink: Sink
) -> None:
    scene = stage("III.1")
    plan = scene.rt.plan
    rows = tuple(replace(row, secrecy="mật") for row in plan.rows)
    hidden = replace(plan, rows=rows, digest="secret")
    with scene.rt.sessions.begin() as session:
        from tests.scene import put

        put(session, hidden, scene.rt.now())
    scene.rt = replace(scene.rt, plans={hidden.id: hidden})
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    accounts(scene, zalo)
    zalo.templates[TEMPLATE] = Template(dict.fromkeys(blanks.LIMITS, 200))
    rt = scene.rt
    with rt.sessions.begin() as session:
        for name in TO:
            channels.add_address(
                session, Scene.email("an"), name, TO[name], always=True, rank=1, now=rt.now(),
                actor=SYSTEM,
            )  # fmt: skip
    scene.remind(DAY)
    scene.deliver(DAY)
    said = [str(told.what) for told in zalo.delivered]
    (mail,) = [mail for mail in sink.mails if Scene.email("an") in str(mail["To"])]
    said += [str(mail["Subject"]), *(part.get_content() for part in mail.iter_parts())]
    assert len(zalo.delivered) == len(TO)
    for text in said:
        for word in ("III.1", "bql-tan-lap", "Tân Lập", "30/6", plan.rows[0].content[:25]):
            assert word not in text
    assert all("việc" in text for text in said)
