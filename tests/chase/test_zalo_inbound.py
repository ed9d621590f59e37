"""What Zalo tells the office: taken once, answered at once, and what is made of it."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from ntm_workflow import runtime, settings
from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.zalo.oauth import App, Pair
from ntm_workflow.channels.zalo.webhook import Call
from ntm_workflow.chase import hooks, inbound, linked, tokens
from ntm_workflow.errors import ConfigError, NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    Address,
    AuditEntry,
    Channel,
    Contact,
    Inbound,
    LinkCode,
    Notice,
    NoticeEvent,
)
from ntm_workflow.web.app import create_app
from ntm_workflow.work import channels, linking
from ntm_workflow.work.contacts import By
from tests import fake_zalo
from tests.fake_zalo import (
    APP_ID,
    BOT_HOOK,
    BOT_TOKEN,
    OA_ID,
    OA_KEY,
    SECRET,
    FakeZalo,
    Fault,
    Template,
    User,
)
from tests.scene import ROOT, SYSTEM, Scene, fresh, only
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
USER, OTHER, PHONE, CHAT = "2512523625412515", "7770001112223334", "84987654321", "c0ffee12beef99"
CONSULT = "/v3.0/oa/message/cs"
BLANKS = {"ma": 30, "noi_dung": 90, "han": 20, "trang_thai": 30}


@pytest.fixture
def zalo() -> Iterator[FakeZalo]:
    with fake_zalo.running() as server:
        for user in (USER, OTHER):
            server.users[user] = User(last_interaction=server.now)
        server.phones[PHONE] = 0
        server.chats[CHAT] = 0
        server.templates["204"] = Template(BLANKS)
        yield server


@dataclass
class Office:
    """An office with an Official Account, its template channel and a bot; An is not linked."""

    scene: Scene
    zalo: FakeZalo
    app: FastAPI
    browser: TestClient

    @property
    def rt(self) -> Runtime:
        return self.scene.rt

    def call(self, call: fake_zalo.Call, name: str = "oa", settle: bool = True) -> int:
        """Post a call as Zalo does; the status of the answer, once all that follows is done."""
        answer = self.browser.post(f"/zalo/{name}", content=call.body, headers=call.headers)
        assert answer.content == b""
        if settle:
            self.app.state.porter.join()
        status: int = answer.status_code
        return status

    def tell(self, said: dict[str, Any]) -> None:
        assert self.call(fake_zalo.signed(said)) == 200

    def says(self, text: str, user: str = USER) -> str:
        """Somebody writes to the account; what they are answered, "" for nothing."""
        before = len(self.zalo.delivered)
        self.tell(fake_zalo.text(user, text))
        return " ".join(str(told.what) for told in self.zalo.delivered[before:])

    def code(self, name: str = "oa", ago: timedelta = timedelta(0), who: str = "an") -> str:
        with self.rt.sessions.begin() as session:
            contact = session.scalars(
                select(Contact).where(Contact.email == Scene.email(who))
            ).one()
            by = By(SYSTEM, self.rt.now() - ago)
            return inbound.code(self.rt, session, contact, name, by)

    def address(self, name: str = "oa") -> Address | None:
        with self.rt.reader() as session:
            return session.scalar(select(Address).where(Address.channel == name).limit(1))

    def held(self, name: str = "oa") -> Address:
        found = self.address(name)
        assert found is not None
        return found

    def rows(self, table: type[Any]) -> list[Any]:
        with self.rt.reader() as session:
            return list(session.scalars(select(table).order_by(table.id)))

    def made(self) -> list[str | None]:
        return [row.handled for row in self.rows(Inbound)]

    def actions(self) -> list[str]:
        with self.rt.reader() as session:
            return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))

    def reminded(self) -> Notice:
        """An is linked and reminded: the notice that went to Zalo."""
        self.says(f"LIENKET {self.code()}")
        self.scene.remind(DAY)
        self.scene.deliver(DAY)
        (notice,) = [n for n in self.scene.notices() if n.channel == "oa"]
        assert notice.state == "sent"
        return notice

    def notice(self, number: int) -> Notice:
        with self.rt.reader() as session:
            return session.get_one(Notice, number)


def accounts(scene: Scene, zalo: FakeZalo) -> None:
    rt, hosts = scene.rt, {"hosts": asdict(zalo.hosts)}
    oa = tokens.packed(App(APP_ID, SECRET, OA_KEY, OA_ID), Pair(zalo.sign_in(), "RT-0"))
    bot = tokens.packed_bot(tokens.BotAccess(BOT_TOKEN, BOT_HOOK))
    kinds = {"oa": ("zalooa", oa), "mau": ("zbs", ""), "bot": ("zalobot", bot)}
    with rt.sessions.begin() as session:
        for name, (kind, secret) in kinds.items():
            made = channels.put(
                session, name, kind, secret, rt.keys, now=rt.now(), actor=SYSTEM,
                settings=hosts | {"template": "204"}, tokens_of="oa" if kind == "zbs" else None,
            )  # fmt: skip
            made.token_until = rt.moment(date(2030, 1, 1)) if name == "oa" else None


@pytest.fixture
def offices(stage: Callable[..., Scene], zalo: FakeZalo) -> Office:
    """The office on SQLite and on PostgreSQL in turn."""
    scene = stage("III.1")
    furnish(scene)
    return opened(scene, zalo)


@pytest.fixture(scope="module")
def furnished(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an office on SQLite, to be copied for each test."""
    folder = tmp_path_factory.mktemp("office")
    scene = fresh(f"sqlite:///{folder / 'ntm.db'}", only(plan, "III.1"), folder / "var")
    furnish(scene)
    scene.rt.engine.dispose()
    return folder


@pytest.fixture
def office(
    furnished: Path, plan: Plan, tmp_path: Path, sink: Sink, zalo: FakeZalo
) -> Iterator[Office]:
    """The office on SQLite."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")})
    ours = replace(base, database_url=f"sqlite:///{tmp_path / 'ntm.db'}", mail_url=sink.url)
    rt = runtime.assemble(ours, only(plan, "III.1"))
    yield opened(Scene(rt), zalo)
    rt.engine.dispose()


def furnish(scene: Scene) -> None:
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    scene.rt.set_simulated(DAY, SYSTEM)


def opened(scene: Scene, zalo: FakeZalo) -> Office:
    accounts(scene, zalo)
    app = create_app(scene.rt)
    return Office(scene, zalo, app, TestClient(app, base_url="http://127.0.0.1:8080"))


# -- taking


def test_what_is_not_zalos_is_refused_without_a_word_and_not_kept(office: Office) -> None:
    said = fake_zalo.text(USER, "chào")
    old = datetime.now(UTC) - timedelta(minutes=6)
    calls = [
        (404, "khong-co", fake_zalo.signed(said)),
        (404, "mail", fake_zalo.signed(said)),
        (404, "mau", fake_zalo.signed(said)),
        (401, "oa", fake_zalo.signed(said, key="another")),
        (401, "oa", fake_zalo.Call(fake_zalo.signed(said).body, {})),
        (401, "oa", fake_zalo.signed(fake_zalo.text(USER, "chào", at=old))),
        (401, "oa", fake_zalo.signed({**said, "timestamp": "hôm qua"})),
        (401, "bot", fake_zalo.bot_update(CHAT, "chào", secret="another")),
        (401, "bot", fake_zalo.signed(said)),
        (400, "oa", fake_zalo.signed(b"[" * 100_000)),
        (400, "oa", fake_zalo.signed(b"khong phai JSON")),
        (400, "bot", fake_zalo.Call(b'{"a":' * 40_000, {"x-bot-api-secret-token": BOT_HOOK})),
        (413, "oa", fake_zalo.signed({**said, "x": "a" * 300_000})),
    ]
    assert [office.call(call, name) for _, name, call in calls] == [one for one, _, _ in calls]
    assert office.rows(Inbound) == []


def test_a_bot_without_a_secret_cannot_be_called_nor_linked(office: Office) -> None:
    with office.rt.sessions.begin() as session:
        session.get_one(Channel, "bot").secret = office.rt.keys.hide(BOT_TOKEN.encode())
    assert office.call(fake_zalo.bot_update(CHAT, "chào", secret=""), "bot") == 404
    with pytest.raises(Refused) as error:
        office.code("bot")
    assert error.value.key == "linkcode.deaf"
    assert office.rows(LinkCode) == []


def test_a_call_of_a_program_needs_no_form_of_ours_and_pages_still_do(office: Office) -> None:
    office.browser.headers.update(
        {"origin": "https://zalo.example", "sec-fetch-site": "cross-site"}
    )
    assert office.call(fake_zalo.signed(fake_zalo.text(USER, "chào"))) == 200
    assert office.browser.post("/lien-he/1/ngung").status_code == 403
    assert office.browser.get("/zalo/oa").status_code in (404, 405)


def test_the_same_event_five_times_and_an_hour_late_is_one_event(
    offices: Office,
) -> None:
    office = offices
    notice = office.reminded()
    late = datetime.now(UTC) - timedelta(hours=1)
    call = fake_zalo.signed(fake_zalo.text(USER, "đã nhận", at=late), num_retry="4")
    assert [office.call(call) for _ in range(5)] == [200] * 5
    assert [(e.kind, e.detail) for e in office.rows(NoticeEvent)] == [("reply", "đã nhận")]
    assert office.rows(NoticeEvent)[0].notice_id == notice.id
    assert len(office.made()) == 2  # the code was the first


def test_the_same_event_twice_at_once_is_handled_once(offices: Office) -> None:
    office = offices
    office.reminded()
    call = fake_zalo.signed(fake_zalo.text(USER, "đã nhận"))
    given = Call(call.body, call.headers["x-zevent-signature"])
    gate = threading.Barrier(4)

    def take(_: int) -> int | None:
        gate.wait(10)
        taken = inbound.take(office.rt, "oa", given, datetime.now(UTC))
        assert taken.status == 200
        return taken.number

    with ThreadPoolExecutor(4) as pool:
        numbers = [number for number in pool.map(take, range(4)) if number]
    assert len(numbers) == 1

    def handle(_: int) -> object:
        gate.wait(10)
        return inbound.handle(office.rt, numbers[0])

    with ThreadPoolExecutor(4) as pool:
        answers = [said for said in pool.map(handle, range(4)) if said]
    assert len(answers) == 1
    assert len(office.rows(NoticeEvent)) == 1
    assert office.scene.broken_audit() is None


def test_what_a_dead_process_kept_is_handled_by_the_next_delivery_once(offices: Office) -> None:
    office = offices
    call = fake_zalo.signed(fake_zalo.text(USER, f"LIENKET {office.code()}"))
    given = Call(call.body, call.headers["x-zevent-signature"])
    assert inbound.take(office.rt, "oa", given, datetime.now(UTC)).status == 200
    assert (office.made(), office.address()) == ([None], None)
    assert inbound.sweep(office.rt) == 1
    assert office.made() == ["linked"]
    assert office.address() is not None
    assert len(office.zalo.delivered) == 1
    assert inbound.sweep(office.rt) == 0
    assert len(office.zalo.delivered) == 1


def test_one_event_that_fails_holds_up_no_other_and_is_given_up_after_a_day(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = linking.meant

    def broken(text: str) -> str:
        if text == "hỏng":
            raise RuntimeError(text)
        return real(text)

    monkeypatch.setattr(linking, "meant", broken)
    office.says("hỏng")
    assert "LIENKET" in office.says("chào")
    assert office.made() == [None, "answered"]
    office.rt.set_simulated(DAY + timedelta(days=1), SYSTEM)
    inbound.sweep(office.rt)
    assert office.made() == ["failed", "answered"]


def test_zalo_is_answered_before_it_answers_us(office: Office) -> None:
    """Behind a real server: 200 is there while what we say to Zalo still hangs."""
    zalo, app = office.zalo, office.app
    hanging = threading.Event()
    zalo.fail(CONSULT, Fault(until=hanging))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        call = fake_zalo.signed(fake_zalo.text(USER, "chào"))
        with httpx.Client(trust_env=False, timeout=20) as http:
            for _ in range(2):  # the second on the same connection
                started = time.monotonic()
                answer = http.post(
                    f"http://127.0.0.1:{port}/zalo/oa", content=call.body, headers=call.headers
                )
                assert answer.status_code == 200
                assert time.monotonic() - started < 2
        assert zalo.delivered == []
        hanging.set()
        app.state.porter.join()
        assert [told.to for told in zalo.delivered] == [USER]
    finally:
        hanging.set()
        server.should_exit = True
        thread.join(10)


# -- linking


def test_a_code_links_and_the_next_reminder_really_goes_there_and_a_mail_says_so(
    offices: Office, sink: Sink
) -> None:
    office = offices
    code = office.code()
    said = office.says(f"Liên kết {code.lower()}")
    assert "Đã liên kết" in said
    assert "Văn phòng Điều phối" in said or "điều phối" in said.lower()
    address = office.address()
    assert address is not None
    assert (address.value, address.always, address.unusable_at) == (USER, True, None)
    assert address.verified_at == office.rt.now()
    assert office.actions()[-4:] == [
        "linkcode.made", "address.added", "address.verified", "notice.queued",
    ]  # fmt: skip
    office.scene.remind(DAY)
    office.scene.deliver(DAY)
    told = office.zalo.delivered[-1]
    assert told.to == USER
    assert "III.1/2020-06/bql-tan-lap" in str(told.what)
    subjects = [str(mail["Subject"]) for mail in sink.mails if Scene.email("an") in str(mail["To"])]
    assert "Một tài khoản Zalo vừa được liên kết với ông/bà" in subjects
    assert len(subjects) == 2  # and the reminder: mail stays the record
    assert office.scene.broken_audit() is None


def test_a_code_is_kept_as_its_digest_only_and_no_message_keeps_it(office: Office) -> None:
    code = office.code()
    assert code.replace("-", "") not in office.rows(LinkCode)[0].digest.upper()
    office.says(f"LIENKET {code}")
    raw = office.rows(Inbound)[0].raw
    assert code.encode() not in raw
    assert json.loads(raw)["sender"]["id"] == USER


def test_codes_are_good_once_for_half_an_hour_and_the_newest_counts(offices: Office) -> None:
    office = offices
    first, second = office.code(), office.code()
    assert "hết hạn" in office.says(f"LIENKET {first}")
    late = office.code(ago=timedelta(minutes=30))
    assert "hết hạn" in office.says(f"LIENKET {late}")
    assert office.address() is None
    just = office.code(ago=timedelta(minutes=29))
    assert "Đã liên kết" in office.says(f"LIENKET {just}")
    assert "Đã liên kết" in office.says(f"LIENKET {just}")  # the same person, twice
    assert "Mã chưa đúng" in office.says(f"LIENKET {just}", OTHER)
    assert [row.handled for row in office.rows(Inbound)][-3:] == ["linked", "linked", "wrong-code"]
    assert len([n for n in office.scene.notices() if n.kind == linked.KIND]) == 1
    assert office.held().value == USER
    assert second != first


def test_after_five_wrong_codes_in_an_hour_even_a_right_one_waits(offices: Office) -> None:
    office = offices
    said = [office.says(f"LIENKET 0000-000{n}") for n in range(5)]
    assert all("Mã chưa đúng" in one for one in said[:4])
    assert "nhiều lần" in said[4]
    code = office.code()
    assert office.says(f"LIENKET {code}") == ""
    assert (office.made()[-1], office.address()) == ("locked", None)
    assert "Đã liên kết" in office.says(f"LIENKET {code}", OTHER)  # who tried nothing
    office.rt.set_simulated(DAY + timedelta(days=1), SYSTEM)
    with office.rt.sessions.begin() as session:
        session.execute(update(Address).where(Address.value == OTHER).values(value="x"))
    assert "Đã liên kết" in office.says(f"LIENKET {office.code()}")


def test_somebody_who_is_another_contact_already_is_refused_in_words(office: Office) -> None:
    office.scene.contact("binh", "bql-vu-le")
    office.says(f"LIENKET {office.code(who='binh')}")
    code = office.code()
    assert "đầu mối khác" in office.says(f"LIENKET {code}")
    assert office.held().contact_id == 2
    assert "Đã liên kết" in office.says(f"LIENKET {code}", OTHER)  # the code was not used up


def test_a_new_phone_takes_the_place_of_the_old_one(office: Office) -> None:
    office.says(f"LIENKET {office.code()}")
    office.says(f"LIENKET {office.code()}", OTHER)
    assert [a.value for a in office.rows(Address) if a.channel == "oa"] == [OTHER]


def test_a_code_for_the_template_channel_is_sent_to_its_account(office: Office) -> None:
    office.says(f"LIENKET {office.code('mau')}")
    address = office.address("mau")
    assert address is not None
    assert (address.value, office.address("oa")) == (USER, None)
    with pytest.raises(Refused) as error:
        office.code("mail")
    assert error.value.key == "linkcode.kind"
    with pytest.raises(NotFound):
        office.code("khong-co")


def test_a_bot_links_and_reminds_and_hears_no_group(office: Office) -> None:
    code = office.code("bot")
    assert office.call(fake_zalo.bot_update(CHAT, f"LIENKET {code}", private=False), "bot") == 200
    assert office.call(fake_zalo.bot_update(CHAT, f"LIENKET {code}", is_bot=True), "bot") == 200
    assert (office.rows(Inbound), office.address("bot")) == ([], None)
    assert office.call(fake_zalo.bot_update(CHAT, f"LIENKET {code}"), "bot") == 200
    assert office.held("bot").value == CHAT
    office.scene.remind(DAY)
    office.scene.deliver(DAY)
    told = [str(one.what) for one in office.zalo.delivered if one.to == CHAT]
    assert ["Đã liên kết" in told[0], "III.1/2020-06/bql-tan-lap" in told[1]] == [True, True]
    assert office.call(fake_zalo.bot_update(CHAT, None, wrapped=False), "bot") == 200
    (reply,) = office.rows(NoticeEvent)
    assert (reply.kind, "gửi ảnh, tệp" in reply.detail) == ("reply", True)


# -- receipts


def test_delivered_and_seen_move_a_notice_forward_only_and_are_said_once(offices: Office) -> None:
    office = offices
    notice = office.reminded()
    for _ in range(2):
        office.tell(fake_zalo.received(USER, notice.provider_id))
    first = office.notice(notice.id)
    assert (first.state, first.delivered_at, first.seen_at) == ("delivered", office.rt.now(), None)
    office.rt.set_simulated(DAY + timedelta(days=1), SYSTEM)
    office.tell(fake_zalo.seen(USER, "khong-biet", notice.provider_id))
    office.tell(fake_zalo.event("user_received_message", message={"msg_id": notice.provider_id}))
    last = office.notice(notice.id)
    assert (last.state, last.delivered_at) == ("seen", first.delivered_at)
    assert last.seen_at == office.rt.now()
    assert [e.kind for e in office.rows(NoticeEvent)] == ["delivered", "seen"]


def test_seen_before_delivered_stays_seen(office: Office) -> None:
    notice = office.reminded()
    office.tell(fake_zalo.seen(USER, notice.provider_id))
    office.tell(fake_zalo.received(USER, notice.provider_id))
    kept = office.notice(notice.id)
    assert (kept.state, kept.delivered_at, kept.seen_at) == ("seen", *[office.rt.now()] * 2)


def test_an_id_that_nobody_knows_is_kept_and_changes_nothing(office: Office) -> None:
    notice = office.reminded()
    office.tell(fake_zalo.received(USER, "khong-biet"))
    assert office.made()[-1] is None  # it may be known in a moment
    assert office.notice(notice.id).state == "sent"
    office.rt.set_simulated(DAY + timedelta(days=1), SYSTEM)
    inbound.sweep(office.rt)
    assert office.made()[-1] == "unmatched"
    assert office.rows(NoticeEvent) == []


def test_a_receipt_that_comes_before_the_sender_has_written_its_id_is_not_lost(
    office: Office,
) -> None:
    notice = office.reminded()
    sent = update(Notice).where(Notice.id == notice.id)
    with office.rt.sessions.begin() as session:
        session.execute(sent.values(provider_id="", state="sending"))
    office.tell(fake_zalo.received(USER, notice.provider_id))
    assert office.notice(notice.id).state == "sending"
    with office.rt.sessions.begin() as session:
        session.execute(sent.values(provider_id=notice.provider_id, state="sent"))
    inbound.sweep(office.rt)
    assert office.notice(notice.id).state == "delivered"


def test_a_template_message_in_doubt_is_known_by_our_own_name_of_it(offices: Office) -> None:
    office = offices
    with office.rt.sessions.begin() as session:
        channels.add_address(
            session, Scene.email("an"), "mau", PHONE, always=False, rank=-1, now=office.rt.now(),
            actor=SYSTEM,
        )  # fmt: skip
    office.zalo.fail("/message/template", Fault("after"))
    office.scene.remind(DAY)
    office.scene.deliver(DAY)
    (notice,) = [n for n in office.scene.notices() if n.channel == "mau"]
    (told,) = office.zalo.delivered
    assert (notice.state, notice.provider_id) == ("unknown", "")
    for wrong in ("", "ntm-0", "ntm-999", f"{told.tracking_id}9", "ntm-" + "9" * 40):
        office.call(fake_zalo.template_received(PHONE, wrong, "m9"))
    assert office.notice(notice.id).state == "unknown"
    assert office.call(fake_zalo.template_received(PHONE, told.tracking_id, "m1")) == 200
    kept = office.notice(notice.id)
    assert (kept.state, kept.error, kept.provider_id) == ("delivered", "", "m1")
    assert kept.sent_at is not None
    assert office.actions()[-1] == "notice.settled"
    assert PHONE not in office.rows(Inbound)[-1].sender
    assert office.scene.broken_audit() is None


def test_a_notice_that_failed_or_was_kept_back_stays_so(office: Office) -> None:
    notice = office.reminded()
    for state in ("failed", "suppressed", "expired"):
        with office.rt.sessions.begin() as session:
            session.execute(update(Notice).where(Notice.id == notice.id).values(state=state))
        office.tell(fake_zalo.seen(USER, notice.provider_id, state))
        assert office.notice(notice.id).state == state
    assert office.rows(NoticeEvent) == []


# -- who writes back


def test_words_are_kept_beside_the_newest_notice_and_answered_once_a_day(office: Office) -> None:
    notice = office.reminded()
    said = office.says("Xã sẽ nộp ngày mai " + "ạ" * 600)
    assert "không cần mật khẩu" in said
    assert f"{office.rt.settings.base_url}/v/" in said
    assert office.says("và cả phụ lục") == ""
    first, second = office.rows(NoticeEvent)
    assert (first.notice_id, first.kind, len(first.detail)) == (notice.id, "reply", 500)
    assert second.detail == "và cả phụ lục"
    office.rt.set_simulated(DAY + timedelta(days=1), SYSTEM)
    assert "không cần mật khẩu" in office.says("chào")


def test_a_stranger_is_told_once_how_to_be_linked_and_gets_no_link(office: Office) -> None:
    office.tell(fake_zalo.followed(OTHER))
    (told,) = office.zalo.delivered
    assert "LIENKET" in str(told.what)
    assert "/v/" not in str(told.what)
    assert office.says("chào", OTHER) == ""
    assert office.rows(NoticeEvent) == []
    assert office.made() == ["answered", "reply"]


@pytest.mark.parametrize("how", ["Hủy", "unfollow"])
def test_who_unlinks_is_told_by_mail_from_then_on(office: Office, sink: Sink, how: str) -> None:
    notice = office.reminded()
    if how == "unfollow":
        office.tell(fake_zalo.followed(USER, "unfollow"))
    else:
        assert "Đã thôi gửi" in office.says(how)
    address = office.address()
    assert address is not None
    assert address.unusable_at is not None
    assert ("HUY" in address.unusable_why) == (how != "unfollow")
    assert office.actions()[-1] == "address.unusable"
    assert [(e.notice_id, e.kind) for e in office.rows(NoticeEvent)] == [(notice.id, "stop")]
    told, mails = len(office.zalo.delivered), len(sink.mails)
    later = DAY + timedelta(days=7)
    office.scene.remind(later)
    office.scene.deliver(later)
    assert (len(office.zalo.delivered), len(sink.mails)) == (told, mails + 1)
    assert office.scene.broken_audit() is None


def test_following_again_undoes_unfollowing_but_never_huy(office: Office) -> None:
    office.says(f"LIENKET {office.code()}")
    office.tell(fake_zalo.followed(USER, "unfollow"))
    office.tell(fake_zalo.followed(USER))
    assert office.held().unusable_at is None
    office.says("HUY")
    office.tell(fake_zalo.followed(USER))
    assert office.held().unusable_at is not None
    assert "Đã liên kết" in office.says(f"LIENKET {office.code()}")
    assert office.held().unusable_at is None


def test_who_was_silent_too_long_is_within_reach_again_when_they_write(office: Office) -> None:
    office.says(f"LIENKET {office.code()}")
    office.zalo.users[USER].last_interaction = office.zalo.now - timedelta(days=8)
    office.scene.remind(DAY)
    office.scene.deliver(DAY)
    assert office.held().unusable_why.startswith("-230")
    office.zalo.users[USER].last_interaction = office.zalo.now
    office.says("chào")
    assert office.held().unusable_at is None
    assert "address.reused" in office.actions()


def test_a_broken_channel_hears_and_says_nothing(office: Office) -> None:
    with office.rt.sessions.begin() as session:
        session.get_one(Channel, "oa").state = "broken"
    assert office.says(f"LIENKET {office.code()}") == ""
    assert office.address() is not None


def test_no_secret_code_or_id_is_in_any_log_line(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    code = office.code()
    office.says("LIENKET 1234-5678")
    office.says(f"LIENKET {code}")
    office.says("một lời riêng")
    office.zalo.users[USER].blocked = -244
    office.rt.set_simulated(DAY + timedelta(days=1), SYSTEM)
    office.says("lời khác")
    office.call(fake_zalo.signed(fake_zalo.text(USER, "giả"), key="another"))
    office.call(fake_zalo.template_received(PHONE, "ntm-1", "m1"))
    bot = office.code("bot")
    office.call(fake_zalo.bot_update(CHAT, f"LIENKET {bot}"), "bot")
    office.says("HUY")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("ntm")]
    assert any("signed_with=app_id" in line for line in ours)
    assert any("made=linked" in line for line in ours)
    assert any("from=…2515" in line for line in ours)
    assert any("why=signature" in line for line in ours)
    hidden = [USER, PHONE, CHAT, BOT_TOKEN, BOT_HOOK, OA_KEY, SECRET, "lời", "1234-5678"]
    hidden += [code, code.replace("-", ""), bot, bot.replace("-", ""), *office.zalo.access]
    for record in caplog.records:
        if record.name.startswith("sqlalchemy"):
            continue
        line = f"{record.getMessage()} {record.exc_text or ''}"
        assert not [one for one in hidden if one in line], line


# -- where Zalo calls


def test_a_bot_is_told_where_to_call_and_then_heard(office: Office) -> None:
    with office.rt.sessions.begin() as session:
        session.get_one(Channel, "bot").secret = office.rt.keys.hide(BOT_TOKEN.encode())
    outside = replace(office.rt, settings=replace(office.rt.settings, base_url="https://ntm.vn"))
    with pytest.raises(ConfigError):
        hooks.set_up(office.rt, "bot", SYSTEM)
    assert hooks.set_up(outside, "bot", SYSTEM) == "https://ntm.vn/zalo/bot"
    url, secret = office.zalo.webhook
    assert (url, len(secret) >= 32) == ("https://ntm.vn/zalo/bot", True)
    hooks.set_up(outside, "bot", SYSTEM)
    assert office.zalo.webhook == (url, secret)
    said = f"LIENKET {office.code('bot')}"
    assert office.call(fake_zalo.bot_update(CHAT, said, secret=secret), "bot") == 200
    assert office.address("bot") is not None
    office.zalo.fail(f"/bot{BOT_TOKEN}/setWebhook", Fault(body='{"ok": false, "error_code": 401}'))
    with pytest.raises(Refused) as error:
        hooks.set_up(outside, "bot", SYSTEM)
    assert error.value.key == "hook.refused"
    assert hooks.set_up(outside, "oa", SYSTEM) == "https://ntm.vn/zalo/oa"
    for name in ("mail", "mau", "khong-co"):
        with pytest.raises(NotFound):
            hooks.set_up(outside, name, SYSTEM)


# -- secrets


def test_a_new_token_leaves_what_the_webhook_needs(office: Office) -> None:
    rt = office.rt
    lines = f'app_id = "{APP_ID}"\nsecret = "s2"\nrefresh_token = "r2"\n'
    with rt.reader() as session:
        oa, bot = session.get_one(Channel, "oa"), session.get_one(Channel, "bot")

    def unpacked(kept: Channel, kind: str, text: str) -> Any:
        again = Channel(name="x", kind=kind, secret=rt.keys.hide(
            tokens.pasted(rt.keys, kept, kind, text).encode()))  # fmt: skip
        read = tokens.unpack_bot if kind == "zalobot" else tokens.unpack
        return read(rt.keys, again)

    app, pair = unpacked(oa, "zalooa", lines)
    assert app == App(APP_ID, "s2", OA_KEY, OA_ID)
    assert pair.refresh == "r2"
    app, _ = unpacked(oa, "zalooa", lines + 'oa_secret_key = "k2"\n')
    assert app.webhook == "k2"
    app, _ = unpacked(oa, "zalooa", lines.replace(APP_ID, "2000"))
    assert (app.webhook, app.oa_id) == ("", "")
    assert unpacked(bot, "zalobot", "9:a=b") == tokens.BotAccess("9:a=b", BOT_HOOK)
    both = 'token = "9:x"\nwebhook_secret = "12345678"'
    assert unpacked(bot, "zalobot", both) == tokens.BotAccess("9:x", "12345678")
    for wrong in ('token = "9:x"\nwebhook_secret = "1234"', 'webhook_secret = "12345678"'):
        with pytest.raises(Refused):
            tokens.read_bot(wrong)


def test_secrets_of_before_webhooks_still_open(office: Office) -> None:
    rt = office.rt
    before = {"app_id": "1", "secret": "s", "access": "a", "refresh": "r"}
    kept = Channel(name="x", kind="zalooa", secret=rt.keys.hide(json.dumps(before).encode()))
    assert tokens.unpack(rt.keys, kept) == (App("1", "s"), Pair("a", "r"))
    with rt.sessions.begin() as session:
        oa = session.get_one(Channel, "oa")
        tokens.keep(oa, rt.keys, *tokens.unpack(rt.keys, oa), rt.now())
        assert tokens.unpack(rt.keys, oa)[0].webhook == OA_KEY  # a refresh keeps it
    lost = replace(rt, settings=replace(rt.settings, key_file=rt.settings.var / "other.key"))
    assert tokens.pasted(lost.keys, oa, "zalobot", "9:x") == "9:x"
