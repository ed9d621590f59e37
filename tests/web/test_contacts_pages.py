"""The pages of contacts: what they show, what their forms do, and who wins when two edit."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from ntm_workflow.chase import confirm, tokens
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    Address,
    AuditEntry,
    Channel,
    Contact,
    ContactBody,
    LinkCode,
    Notice,
)
from ntm_workflow.web.app import create_app
from ntm_workflow.work import audit, contact_card
from ntm_workflow.work.audit import Action, Entry
from tests.web.web_office import DAY, HOME, TESTER, Person, plain, statements

VU_LE = "vanthu.vu-le@bacson.example.vn.invalid"
TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"


def number(rt: Runtime, email: str) -> int:
    with rt.reader() as session:
        return session.scalars(select(Contact.id).where(Contact.email == email)).one()


@pytest.fixture
def vu_le(town: Runtime) -> int:
    with town.sessions.begin() as session:
        session.add(Channel(name="bot", kind="zalobot", settings={}))
    return number(town, VU_LE)


def card(rt: Runtime, contact: int) -> contact_card.Card:
    with rt.reader() as session:
        return contact_card.load(session, [contact])[0]


def send(
    who: Person, contact: int, act: str, form: dict[str, str] | None = None, **typed: str
) -> httpx.Response:
    form = form if form is not None else who.form(f"/lien-he/{contact}")
    form = {name: form[name] for name in ("ma_bao_ve", "dau")}
    return who.browser.post(f"/lien-he/{contact}/{act}", data={**form, **typed})


def actions(rt: Runtime, contact: int) -> list[str]:
    with rt.reader() as session:
        query = select(AuditEntry.action).where(AuditEntry.subject == f"contact/{contact}")
        return list(session.scalars(query.order_by(AuditEntry.seq)))


def refuse(rt: Runtime, email: str, why: str = "550 hộp thư đã đóng") -> None:
    with rt.sessions.begin() as session:
        one = session.scalars(select(Address).where(Address.value == email)).one()
        one.unusable_at, one.unusable_why = rt.now(), why
        entry = Entry(Action.NOTICE_FAILED, "notice/1", {"contact": one.contact_id})
        audit.append(session, TESTER, rt.now(), [entry])


# -- the list ------------------------------------------------------------------------------


def test_every_page_of_contacts_answers_within_eight_statements_on_both_databases(
    towns: Runtime,
) -> None:
    person, one = Person(create_app(towns), towns), number(towns, VU_LE)
    for path in ("/", "/lien-he", "/lien-he?tim=vu+le", "/lien-he?tinh-trang=chua-co",
                 "/lien-he/moi", "/lien-he/nhap", f"/lien-he/{one}", "/don-vi/bql-vu-le",
                 "/lien-he/xuat.csv", "/lien-he/xuat.xlsx"):  # fmt: skip
        with statements(towns) as sent:
            assert person.open(path).status_code == 200, path
        assert len(sent) <= 8, path


def test_the_list_goes_from_page_to_page_and_back_without_losing_a_body(an: Person) -> None:
    seen: list[str] = []
    path = "/lien-he"
    while path:
        page = an.open(path).text
        seen += re.findall(r'<th scope="row"><a href="/don-vi/([\w-]+)"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == len(an.rt.plan.bodies)
    back = re.search(r'rel="prev" href="([^"]+)"', page)
    assert back
    before = an.open(back[1].replace("&amp;", "&")).text
    assert re.findall(r'<th scope="row"><a href="/don-vi/([\w-]+)"', before) == seen[-len(
        re.findall(r'<th scope="row"><a href="/don-vi/([\w-]+)"', page)) - 50:][:50]  # fmt: skip


def test_the_list_is_searched_without_tone_marks_and_filtered_by_state(
    an: Person, town: Runtime, vu_le: int
) -> None:
    assert "BQL NTM xã Vũ Lễ" in an.text("/lien-he?tim=bql+vu+le")
    assert "BQL NTM xã Tân Lập" not in an.text("/lien-he?tim=bql+vu+le")
    send(an, vu_le, "vang", vang_tu="22/6/2020", vang_den="30/6/2020")
    said = an.text("/lien-he?tinh-trang=vang")
    assert "vắng đến 30/6/2020" in said
    assert "Tân Lập" not in said


def test_a_body_nobody_can_be_reached_for_stands_out_everywhere(an: Person, town: Runtime) -> None:
    assert "chưa có liên hệ" not in an.text("/")
    refuse(town, VU_LE)
    said = an.text("/")
    assert "4 đơn vị chưa có liên hệ" in said
    listed = an.text("/lien-he?tinh-trang=chua-co")
    assert "BQL NTM xã Vũ Lễ" in listed
    assert "không có địa chỉ dùng được" in listed
    assert "Chưa có đầu mối nhận được thư" in an.text("/don-vi/bql-vu-le")
    assert "Chưa có đầu mối" not in an.text("/don-vi/bql-tan-lap")


# -- one contact -----------------------------------------------------------------------------


def test_an_absence_is_kept_shown_and_written_down(an: Person, town: Runtime, vu_le: int) -> None:
    answer = send(an, vu_le, "vang", vang_tu="22/6/2020", vang_den="30/6/2020", nguoi_thay=TAN_LAP)
    assert answer.status_code == 303
    said = an.text(answer.headers["location"])
    assert "Đã ghi ngày vắng" in said
    assert "đang vắng Từ 22/6/2020 đến hết 30/6/2020" in said
    assert "Tân Lập" in said
    deputy = number(town, TAN_LAP)
    assert card(town, vu_le).contact.deputy_id == deputy
    assert "Là người thay của Bộ phận văn thư xã Vũ Lễ" in an.text(f"/lien-he/{deputy}")
    assert actions(town, vu_le)[-1] == Action.CONTACT_CHANGED
    assert "vắng mặt" in an.text(f"/nhat-ky?doi-tuong=contact/{vu_le}")


@pytest.mark.parametrize(
    ("act", "typed", "said"),
    [
        ("vang", {"vang_tu": "31/2/2020"}, "31/2/2020"),
        ("vang", {"vang_tu": "30/6/2020", "vang_den": "29/6/2020"}, "Ngày về"),
        ("vang", {"vang_den": "29/6/2020"}, "Ngày về"),
        ("vang", {"vang_tu": "22/6/2020", "nguoi_thay": "không ai"}, "Không có đầu mối"),
        ("vang", {"vang_tu": "22/6/2020", "nguoi_thay": VU_LE}, "người khác"),
        ("gio", {"yen_tu": "22:00"}, "cả giờ bắt đầu"),
        ("gio", {"yen_tu": "6:00", "yen_den": "20:00"}, "trùm hết giờ gửi"),
        ("gio", {"gio_nhan": "25:00"}, "không phải giờ"),
        ("gio", {"gio_nhan": "23:00"}, "phải trước"),
        ("dia-chi", {"kenh": "mail", "dia_chi": "x@"}, "không phải địa chỉ thư"),
        ("dia-chi", {"kenh": "mail", "dia_chi": TAN_LAP}, "đầu mối khác"),
        ("dia-chi", {"kenh": "khong-co", "dia_chi": "1"}, "khong-co"),
        ("ten", {"ten": "", "don_vi": "bql-vu-le"}, "tên đầu mối"),
        ("ten", {"ten": "A", "don_vi": "UBND xã Không Có"}, "không phải đơn vị nào"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(
    an: Person, town: Runtime, vu_le: int, act: str, typed: dict[str, str], said: str
) -> None:
    before = card(town, vu_le).cells({})
    answer = send(an, vu_le, act, None, **typed)
    assert answer.status_code == 422
    assert said in plain(answer.text)
    for value in typed.values():
        assert value in answer.text
    assert card(town, vu_le).cells({}) == before
    assert Action.CONTACT_CHANGED not in actions(town, vu_le)


def test_addresses_are_added_changed_ordered_and_removed(
    an: Person, town: Runtime, vu_le: int
) -> None:
    send(an, vu_le, "dia-chi", kenh="bot", dia_chi="hoi-thoai-1")
    send(an, vu_le, "thu-tu", thu_tu_bot="1", thu_tu_mail="2", luon_mail="1")
    assert contact_card.order(card(town, vu_le).contact) == ("bot", "mail+")
    send(an, vu_le, "dia-chi", kenh="bot", dia_chi="hoi-thoai-2")
    assert card(town, vu_le).by_channel["bot"] == "hoi-thoai-2"
    assert contact_card.order(card(town, vu_le).contact) == ("bot", "mail+")
    send(an, vu_le, "bo-dia-chi", kenh="mail")
    assert card(town, vu_le).by_channel == {"bot": "hoi-thoai-2"}
    assert actions(town, vu_le)[1:] == [
        Action.ADDRESS_ADDED, Action.CONTACT_CHANGED, Action.ADDRESS_ADDED, Action.ADDRESS_REMOVED,
    ]  # fmt: skip


def test_a_refused_address_says_why_and_is_used_again_by_a_button(
    an: Person, town: Runtime, vu_le: int
) -> None:
    refuse(town, VU_LE, "550 hộp thư đã đóng")
    said = an.text(f"/lien-he/{vu_le}")
    assert "550 hộp thư đã đóng" in said
    assert "Đã sửa, dùng lại" in said
    send(an, vu_le, "dung-lai", kenh="mail")
    assert "Đã sửa, dùng lại" not in an.text(f"/lien-he/{vu_le}")
    assert actions(town, vu_le)[-1] == Action.ADDRESS_REUSED


def test_name_bodies_and_roles_are_edited_by_name(an: Person, town: Runtime, vu_le: int) -> None:
    send(an, vu_le, "ten", ten="Văn thư  Vũ Lễ", don_vi="BQL xã Vũ Lễ; theo dõi\nubnd-vu-le\n")
    found = card(town, vu_le)
    assert found.contact.name == "Văn thư Vũ Lễ"
    assert found.roles == {"bql-vu-le": "theo dõi", "ubnd-vu-le": ""}


def test_a_contact_is_put_out_of_use_and_back(an: Person, town: Runtime, vu_le: int) -> None:
    send(an, vu_le, "ngung")
    assert "Đã ngừng dùng" in an.text(f"/lien-he/{vu_le}")
    assert "4 đơn vị chưa có liên hệ" in an.text("/")
    send(an, vu_le, "hoat-dong")
    assert card(town, vu_le).contact.active
    assert actions(town, vu_le)[-2:] == [Action.CONTACT_OFF, Action.CONTACT_ON]


def test_a_person_is_erased_by_a_button_that_asks_twice_and_nobody_edits_them_again(
    an: Person, town: Runtime, vu_le: int
) -> None:
    name = card(town, vu_le).contact.name
    assert "đánh dấu ô" in plain(send(an, vu_le, "xoa-du-lieu").text)
    assert card(town, vu_le).contact.name == name
    seal = an.form(f"/lien-he/{vu_le}")
    assert send(an, vu_le, "xoa-du-lieu", dong_y="1").status_code == 303
    page = an.open(f"/lien-he/{vu_le}").text
    assert "Dữ liệu cá nhân của đầu mối này đã xóa" in page
    assert f"Đầu mối số {vu_le}" in page
    assert 'action="/lien-he' not in page
    assert name not in page + an.open("/lien-he").text + an.open("/nhat-ky").text
    again = an.browser.post(f"/lien-he/{vu_le}/ten", data={**seal, "ten": "An"})
    assert "không sửa hay dùng lại được" in plain(again.text)
    assert actions(town, vu_le)[-1] == Action.CONTACT_ERASED


def test_a_new_contact_is_added_and_a_second_with_its_address_is_not(
    an: Person, town: Runtime
) -> None:
    form = {"ma_bao_ve": an.form("/lien-he/moi")["ma_bao_ve"]}
    typed = {"ten": "Phó Chủ tịch", "don_vi": "UBND xã Vũ Lễ", "thu": "moi@x.vn"}
    answer = an.browser.post("/lien-he/moi", data={**form, **typed})
    assert answer.status_code == 303
    assert "Phó Chủ tịch" in an.text(answer.headers["location"])
    again = an.browser.post("/lien-he/moi", data={**form, **typed, "ten": "Khác"})
    assert again.status_code == 422
    with town.reader() as session:
        assert session.scalar(select(func.count()).where(Contact.name == "Khác")) == 0


def test_who_comes_second_hears_of_it_and_loses_nothing_typed(
    an: Person, binh: Person, town: Runtime, vu_le: int
) -> None:
    opened = an.form(f"/lien-he/{vu_le}")
    send(binh, vu_le, "gio", gio_nhan="8:30")
    answer = send(an, vu_le, "ten", form=opened, ten="Tên mới", don_vi="bql-vu-le")
    assert answer.status_code == 409
    assert "vừa được thay đổi" in plain(answer.text)
    assert 'value="Tên mới"' in answer.text
    assert card(town, vu_le).contact.name != "Tên mới"
    form = re.findall(r'name="(ma_bao_ve|dau)" value="([^"]*)"', answer.text)
    again = send(an, vu_le, "ten", form=dict(form), ten="Tên mới", don_vi="bql-vu-le")
    assert again.status_code == 303


def test_a_form_from_elsewhere_changes_nothing(an: Person, town: Runtime, vu_le: int) -> None:
    form = {**an.form(f"/lien-he/{vu_le}"), "ma_bao_ve": "x" * 43}
    assert send(an, vu_le, "ngung", form=form).status_code == 422
    assert card(town, vu_le).contact.active


@pytest.mark.parametrize("path", ["/lien-he/999999", "/lien-he/abc", "/lien-he/xuat.pdf"])
def test_a_contact_nobody_knows_is_not_found(an: Person, path: str) -> None:
    assert an.open(path).status_code == 404


def test_reloading_the_address_of_a_form_shows_its_contact(an: Person, vu_le: int) -> None:
    assert an.open(f"/lien-he/{vu_le}/vang").status_code == 200
    assert an.open("/lien-he/nhap/ghi").headers["location"] == "/lien-he/nhap"


# -- files ---------------------------------------------------------------------------------


def upload(who: Person, data: bytes, name: str = "dau-moi.csv") -> httpx.Response:
    token = who.form("/lien-he/nhap")["ma_bao_ve"]
    files = {"tep": (name, data)}
    return who.browser.post("/lien-he/nhap", data={"ma_bao_ve": token}, files=files)


def confirmed(who: Person, page: str, **typed: str) -> httpx.Response:
    form = dict(re.findall(r'name="(ma_bao_ve|dau|noi_dung)" value="([^"]*)"', page))
    return who.browser.post("/lien-he/nhap/ghi", data={**form, **typed})


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_the_page_exports_it_finds_unchanged(an: Person, kind: str) -> None:
    file = an.open(f"/lien-he/xuat.{kind}")
    assert f"dau-moi.{kind}" in file.headers["content-disposition"]
    assert "giống hệt danh sách" in plain(upload(an, file.content, f"x.{kind}").text)


def test_a_file_is_previewed_and_changes_nothing_until_it_is_confirmed(
    an: Person, town: Runtime
) -> None:
    text = an.open("/lien-he/xuat.csv").content.decode("utf-8-sig")
    page = upload(an, text.replace(VU_LE, "moi@x.vn").encode())
    said = plain(page.text)
    assert "1 thay đổi, 33 đầu mối giữ nguyên" in said
    assert f"Thư điện tử: {VU_LE} → moi@x.vn" in said
    assert number(town, VU_LE)
    assert confirmed(an, page.text).headers["location"] == "/lien-he?xong=nhap"
    assert number(town, "moi@x.vn")


def test_whom_the_file_leaves_out_is_put_out_of_use_only_where_a_person_says_so(
    an: Person, town: Runtime
) -> None:
    lines = an.open("/lien-he/xuat.csv").content.decode("utf-8-sig").splitlines()
    fewer = "\n".join(line for line in lines if VU_LE not in line)
    page = upload(an, fewer.encode()).text
    assert "1 đầu mối không có trong tệp" in plain(page)
    confirmed(an, page)
    assert card(town, number(town, VU_LE)).contact.active
    confirmed(an, page, bo_vang_mat="1")
    assert not card(town, number(town, VU_LE)).contact.active


def test_a_file_with_faults_lists_them_all_and_offers_nothing(an: Person, town: Runtime) -> None:
    page = upload(an, "body,name,email\nkhông có,A,x@\nbql-vu-le,,b@x.vn\n".encode())
    assert page.status_code == 422
    said = plain(page.text)
    assert "Tệp có 3 lỗi" in said
    assert "Dòng 3: thiếu tên" in said
    assert "noi_dung" not in page.text


def test_what_changed_after_the_preview_is_shown_again_first(
    an: Person, binh: Person, town: Runtime, vu_le: int
) -> None:
    text = an.open("/lien-he/xuat.csv").content.decode("utf-8-sig")
    page = upload(an, text.replace(VU_LE, "moi@x.vn").encode()).text
    send(binh, vu_le, "dia-chi", kenh="mail", dia_chi="khac@x.vn")
    answer = confirmed(an, page)
    assert answer.status_code == 409
    assert "khac@x.vn" in answer.text
    assert number(town, "khac@x.vn")
    assert confirmed(an, answer.text).status_code == 303


@pytest.mark.parametrize("noi_dung", ["", "rubbish", "eJwDAAAAAAE="])
def test_a_preview_that_was_tampered_with_is_refused(an: Person, noi_dung: str) -> None:
    form = {"ma_bao_ve": an.form("/lien-he/nhap")["ma_bao_ve"], "dau": "x", "noi_dung": noi_dung}
    assert an.browser.post("/lien-he/nhap/ghi", data=form).status_code == 422


def test_no_file_and_a_broken_workbook_are_refused_in_words(an: Person) -> None:
    token = {"ma_bao_ve": an.form("/lien-he/nhap")["ma_bao_ve"]}
    assert an.browser.post("/lien-he/nhap", data=token).status_code == 422
    assert upload(an, b"PK\x03\x04rubbish", "x.xlsx").status_code == 422


# -- the owner of an address ------------------------------------------------------------------


@pytest.fixture
def link(town: Runtime) -> str:
    with town.reader() as session:
        one = session.scalars(select(Address).where(Address.value == VU_LE)).one()
        return confirm.PATH + confirm.token(town.keys, one)


def verified(rt: Runtime) -> bool:
    with rt.reader() as session:
        one = session.scalars(select(Address).where(Address.value == VU_LE)).one()
        return one.verified_at is not None


def test_looking_at_the_link_changes_nothing_and_the_button_confirms_once(
    an: Person, town: Runtime, link: str, vu_le: int
) -> None:
    assert "chưa xác nhận" in an.text(f"/lien-he/{vu_le}")
    for _ in range(3):
        assert "có phải của ông/bà không" in an.text(link)
    assert not verified(town)
    for _ in range(2):
        form = an.form(link) or {"ma_bao_ve": an.form("/lien-he/moi")["ma_bao_ve"]}
        assert an.browser.post(link, data=form).status_code == 303
    assert "đã được xác nhận" in an.text(link)
    assert verified(town)
    assert actions(town, vu_le).count(Action.ADDRESS_VERIFIED) == 1
    assert "đã xác nhận" in an.text(f"/lien-he/{vu_le}")


def test_a_link_is_for_one_address_only_and_cannot_be_made_up(
    an: Person, town: Runtime, link: str, vu_le: int
) -> None:
    head, seal = link.rsplit(".", 1)
    other = f"{confirm.PATH}{number(town, TAN_LAP)}.{seal}"
    for wrong in (other, head + ".", f"{head}.{'A' * len(seal)}", head + ".é", confirm.PATH + "x"):
        assert an.open(wrong).status_code == 404, wrong
    send(an, vu_le, "dia-chi", kenh="mail", dia_chi="moi@x.vn")
    assert an.open(link).status_code == 404


def test_confirming_needs_the_form(an: Person, town: Runtime, link: str) -> None:
    an.open(link)
    assert an.browser.post(link, data={"ma_bao_ve": "x"}).status_code == 422
    assert not verified(town)


def test_no_log_line_holds_the_link(
    an: Person, link: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG", logger="ntm.web")
    an.browser.post(link, headers={"origin": "https://noi-khac.vn"})

    def broken(*_args: Any) -> Any:
        raise RuntimeError("hỏng")

    monkeypatch.setattr(confirm, "meant", broken)
    an.open(link)
    said = [one.getMessage() for one in caplog.records]
    assert sum("/v/xac-nhan/…" in line for line in said) == 2
    assert not [line for line in said if link.rsplit("/", 1)[1] in line]


def test_a_changed_address_is_to_be_confirmed_again(
    an: Person, town: Runtime, link: str, vu_le: int
) -> None:
    an.browser.post(link, data=an.form(link))
    send(an, vu_le, "dia-chi", kenh="mail", dia_chi="moi@x.vn")
    (address,) = card(town, vu_le).contact.addresses
    assert address.verified_at is None


def test_only_the_first_mail_to_an_address_asks(town: Runtime) -> None:
    contact = number(town, VU_LE)
    with town.sessions.begin() as session:
        from ntm_workflow.chase import reminders

        reminders.queue(session, town.all_plans, town.days, DAY, now=town.now(), actor=TESTER)
    with town.sessions.begin() as session:
        notice = session.scalars(select(Notice).where(Notice.contact_id == contact)).one()
        assert confirm.asked(town, session, notice).startswith(f"{HOME}/v/xac-nhan/")
        notice.state, notice.address = "sent", VU_LE
        session.flush()
        assert confirm.asked(town, session, notice) == ""


def test_the_audit_chain_holds_through_all_of_it(an: Person, town: Runtime, vu_le: int) -> None:
    every: list[tuple[str, dict[str, Any]]] = [
        ("dia-chi", {"kenh": "bot", "dia_chi": "1"}), ("gio", {"gio_nhan": "9h"}), ("ngung", {}),
    ]  # fmt: skip
    for act, typed in every:
        assert send(an, vu_le, act, **typed).status_code == 303
    with town.reader() as session:
        assert audit.verify(session) is None
        linked = select(ContactBody).where(ContactBody.contact_id == vu_le)
        assert len(session.scalars(linked).all()) == 4
    assert an.open("/nhat-ky").status_code == 200


def test_the_app_needs_no_contact_at_all(app: FastAPI, an: Person, town: Runtime) -> None:
    with town.sessions.begin() as session:
        for table in (ContactBody, Address, Contact):
            session.query(table).delete()
    assert an.open("/lien-he").status_code == 200
    assert an.open("/lien-he/xuat.xlsx").status_code == 200
    assert "đơn vị chưa có liên hệ" in an.text("/")


def test_a_code_that_links_zalo_is_shown_once_and_in_no_address(
    an: Person, town: Runtime, vu_le: int
) -> None:
    secret = tokens.packed_bot(tokens.BotAccess("1:x", "12345678"))
    with town.sessions.begin() as session:
        session.get_one(Channel, "bot").secret = town.keys.hide(secret.encode())
    answer = send(an, vu_le, "ma-lien-ket", kenh="bot")
    assert (answer.status_code, "location" in answer.headers) == (200, False)
    found = re.search(r"LIENKET [0-9A-Z]{4}-[0-9A-Z]{4}", answer.text)
    assert found
    with town.reader() as session:
        (kept,) = session.scalars(select(LinkCode))
    assert (kept.contact_id, kept.channel, len(kept.digest)) == (vu_le, "bot", 64)
    assert "LIENKET" not in an.open(f"/lien-he/{vu_le}").text
    assert actions(town, vu_le)[-1] == "linkcode.made"
    with town.reader() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
        assert last is not None
        assert (last.action, last.actor, last.role) == ("linkcode.made", "Bình", "coordination")
    again = send(an, vu_le, "ma-lien-ket", {"ma_bao_ve": "x" * 43, "dau": ""}, kenh="bot")
    assert (again.status_code, "LIENKET" in again.text) == (422, False)


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("bot", "chưa nhận được tin"),
        ("mail", "không phải kênh Zalo"),
        ("khong-co", "Không có kênh"),
    ],
)
def test_a_code_is_refused_in_words_where_nobody_would_hear_it(
    an: Person, town: Runtime, vu_le: int, channel: str, said: str
) -> None:
    with town.sessions.begin() as session:
        session.get_one(Channel, "bot").secret = town.keys.hide(b"1:x")
    answer = send(an, vu_le, "ma-lien-ket", kenh=channel)
    assert answer.status_code in (404, 422)
    assert said in plain(answer.text)
    with town.reader() as session:
        assert list(session.scalars(select(LinkCode))) == []


def test_without_a_zalo_channel_nothing_is_said_of_linking(an: Person, town: Runtime) -> None:
    assert "Liên kết Zalo" not in an.text(f"/lien-he/{number(town, TAN_LAP)}")
