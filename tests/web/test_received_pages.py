"""The page that stops mail to an address, and the mails that wait for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from ntm_workflow.channels import mailbox
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import incoming, notice_seal, postmark
from ntm_workflow.chase.incoming import Checked
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    Address,
    AuditEntry,
    Notice,
    NoticeEvent,
    ReceivedMail,
    ReminderRun,
)
from ntm_workflow.web import door
from ntm_workflow.work.audit import Action
from tests import mails
from tests.web.web_office import DAY, LATE, TASK, TESTER, Person, furnish, number, plain

TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"
BOX = "imap://a:b@127.0.0.1:9/?address=traloi@bacson.example.vn.invalid"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def town(
    make_runtime: Callable[..., Runtime], tmp_path: Any, open_on: Callable[..., Any]
) -> Runtime:
    """The office of 22 June 2020, with a mailbox that nobody answers at."""
    return furnish(make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}", mailbox_url=BOX), open_on)


@pytest.fixture
def sent(town: Runtime) -> Notice:
    """A mail that was sent to Tân Lập."""
    with town.sessions.begin() as session:
        run = ReminderRun(kind="digest", run_on=DAY, started_at=town.now())
        session.add(run)
        session.flush()
        contact = session.scalars(select(Address.contact_id).where(Address.value == TAN_LAP)).one()
        made = Notice(
            run_id=run.id, contact_id=contact, channel="mail", kind="digest",
            plan_id=town.plan.id, run_on=DAY, not_before=town.now(), sent_at=town.now(),
            state="sent", address=TAN_LAP, subject="1 việc",
        )  # fmt: skip
        session.add(made)
        session.flush()
        made.message_id = f"<ntm-{made.id}@x.invalid>"
        session.flush()
        session.expunge(made)
        return made


def page_of(rt: Runtime, notice: Notice) -> str:
    return postmark.stop_url(rt, notice).removeprefix(rt.settings.base_url)


def address(rt: Runtime) -> Address:
    with rt.reader() as session:
        return session.scalars(select(Address).where(Address.value == TAN_LAP)).one()


def stops(rt: Runtime) -> int:
    with rt.reader() as session:
        return len(session.scalars(select(NoticeEvent).where(NoticeEvent.kind == "stop")).all())


# -- stopping ------------------------------------------------------------------------------


def test_looking_stops_nothing_and_the_button_does_and_says_so(
    app: FastAPI, town: Runtime, sent: Notice
) -> None:
    an, page = Person(app, town, None), page_of(town, sent)
    assert door.is_public(page)
    assert TAN_LAP in an.text(page)
    assert address(town).unusable_at is None
    answer = an.browser.post(page, data=an.form(page))
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "Không có thư nhắc việc nào gửi đến" in an.text(page)
    assert address(town).unusable_why == "người nhận yêu cầu ngừng"
    assert stops(town) == 1
    with town.reader() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
        assert last is not None
        assert (last.action, last.actor) == (Action.ADDRESS_UNUSABLE, "chủ địa chỉ")


def test_a_providers_one_click_needs_no_form_and_works_once(
    app: FastAPI, town: Runtime, sent: Notice
) -> None:
    provider = Person(app, town, None).browser
    for _ in range(2):
        answer = provider.post(page_of(town, sent), data=ONE_CLICK)
        assert (answer.status_code, answer.text) == (200, "OK")
    assert (bool(address(town).unusable_at), stops(town)) == (True, 1)


@pytest.mark.parametrize("spoilt", ["seal", "number", "purpose"])
def test_one_click_with_a_link_that_is_not_ours_stops_nothing(
    app: FastAPI, town: Runtime, sent: Notice, spoilt: str
) -> None:
    page = page_of(town, sent)
    head, _, seal = page.rpartition("-")
    other = {
        "seal": f"{head}-{'a' * 16}", "number": page.replace(f"/{sent.id}-", f"/{sent.id + 1}-"),
        "purpose": postmark.STOP_PATH + notice_seal.made(town.keys, notice_seal.ANSWER, sent),
    }[spoilt]  # fmt: skip
    assert seal
    assert Person(app, town, None).browser.post(other, data=ONE_CLICK).status_code == 404
    assert address(town).unusable_at is None


def test_a_post_without_form_or_one_click_stops_nothing(
    app: FastAPI, town: Runtime, sent: Notice
) -> None:
    answer = Person(app, town, None).browser.post(page_of(town, sent), data={"x": "y"})
    assert answer.status_code == 422
    assert address(town).unusable_at is None


def test_one_click_is_offered_only_where_the_page_is_behind_tls(
    town: Runtime, sent: Notice
) -> None:
    def headers(base: str) -> dict[str, str]:
        rt = replace(town, settings=replace(town.settings, base_url=base))
        message = Message("", TAN_LAP, "x", "x", "x", "<ntm-1@x.invalid>")
        with rt.reader() as session:
            return postmark.stamped(rt, session, sent, message, "huyen.vn").headers

    behind = headers("https://nhac.huyen.vn")
    assert behind["List-Unsubscribe"].startswith("<https://nhac.huyen.vn/v/ngung/")
    assert behind["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert behind["List-Id"] == "<nhac-viec.huyen.vn>"
    assert "List-Unsubscribe-Post" not in headers("http://10.0.0.5:8080")
    assert "List-Unsubscribe" not in headers("")


# -- what waits for a person ------------------------------------------------------------------


def take_in(rt: Runtime, *came: bytes) -> Checked:
    for at, mail in enumerate(came):
        incoming.keep(rt, mailbox.Fetched(str(at), len(mail), True, mail))
    return incoming.check(rt, actor=TESTER)


def test_a_reply_stands_on_the_page_of_its_message(an: Person, town: Runtime, sent: Notice) -> None:
    said = "Gọi tôi 0912345678."
    came = mails.reply("traloi@bacson.example.vn.invalid", TAN_LAP, said, answers=sent.message_id)
    assert take_in(town, came).handled == {"reply": 1}
    assert said in an.text(f"/thong-bao/{sent.id}")
    assert "thư trả lời chưa khớp" not in an.text("/thong-bao")


def test_what_answers_nothing_is_counted_shown_as_text_and_put_away_by_a_person(
    binh: Person, town: Runtime
) -> None:
    evil = "<script>alert(1)</script> xin hỏi"
    take_in(town, mails.reply("traloi@bacson.example.vn.invalid", "la@khac.invalid", evil))
    assert "1 thư trả lời chưa khớp" in binh.text("/thong-bao")
    page = binh.open("/thu-tra-loi").text
    assert "<script>" not in page
    assert "la@khac.invalid" in page
    assert not door.is_public("/thu-tra-loi")
    with town.reader() as session:
        number = session.scalars(select(ReceivedMail.inbound_id)).one()
    form = binh.form("/thu-tra-loi")
    assert binh.browser.post(f"/thu-tra-loi/{number}/da-xem", data={}).status_code == 422
    for _ in range(2):
        answer = binh.browser.post(f"/thu-tra-loi/{number}/da-xem", data=form)
        assert answer.status_code == 303
    assert "la@khac.invalid" not in binh.open("/thu-tra-loi").text
    assert "la@khac.invalid" in binh.open("/thu-tra-loi?xem=tat-ca").text
    assert "chưa khớp" not in binh.text("/thong-bao")
    with town.reader() as session:
        seen = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.MAIL_SEEN))
        assert len(seen.all()) == 1
    assert binh.browser.post("/thu-tra-loi/999/da-xem", data=form).status_code == 404


def test_a_file_that_came_for_another_task_too_is_pointed_out_on_both(
    an: Person, town: Runtime
) -> None:
    file = {"tep": ("a.pdf", b"%PDF-1.4 mot tep", "application/pdf")}
    mine, late = number(town, TASK), number(town, LATE)
    assert an.hand_in(mine, files=file).status_code == 303
    answer = an.hand_in(late, files=file, so_van_ban="13/BC-UBND", ly_do_qua_han="mưa lũ")
    assert answer.status_code == 303
    assert f"cũng đã nộp cho {LATE}" in an.text(f"/viec/{mine}")
    assert f"cũng đã nộp cho {TASK}" in an.text(f"/viec/{late}")


def test_a_program_is_refused_at_its_field_and_what_was_typed_stays(
    an: Person, town: Runtime
) -> None:
    files = [("tep", ("a.pdf", b"%PDF-1.4", "application/pdf")),
             ("tep", ("b.pdf", b"MZ\x90\0\x03" + bytes(99), "application/pdf"))]  # fmt: skip
    answer = an.hand_in(number(town, TASK), files=files)
    assert answer.status_code == 422
    assert "b.pdf là chương trình" in plain(answer.text)
    assert "12/BC-UBND" in answer.text
    assert 'name="giu"' in answer.text  # the good file need not be sent again
