"""The pages behind a personal link: An's own tasks and nobody else's, done on a phone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import select, update
from sqlalchemy.orm import object_session
from starlette.routing import Mount, Route

from ntm_workflow.chase import personal
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    AuditEntry,
    Contact,
    Extension,
    Notice,
    PersonalLink,
    RowRecord,
    Task,
)
from ntm_workflow.web import desk, door
from ntm_workflow.web.app import create_app
from ntm_workflow.work import links, review
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By
from tests.web.web_office import (
    DAY,
    HOME,
    LATE,
    OTHER,
    TASK,
    TESTER,
    Person,
    number,
    plain,
    statements,
    submissions,
    task,
)

TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"
VU_LE = "vanthu.vu-le@bacson.example.vn.invalid"
NAME = "Bộ phận văn thư xã Tân Lập"
FILE = ("tep", ("Báo cáo.pdf", b"%PDF-1.4 noi dung", "application/pdf"))


def contact(rt: Runtime, email: str) -> int:
    with rt.reader() as session:
        return session.scalars(select(Contact.id).where(Contact.email == email)).one()


def link(rt: Runtime, email: str = TAN_LAP, days: int = 45) -> str:
    """The path of a contact's page."""
    with rt.sessions.begin() as session:
        made = links.make(session, contact(rt, email), days, By(TESTER, rt.now()))
        return links.PATH + links.token(rt.keys, made)


def send(who: Person, page: str, act: str, files: Any = None, **typed: Any) -> httpx.Response:
    return who.browser.post(f"{page}/{act}", data={**who.form(page), **typed}, files=files)


def hand_in(who: Person, page: str, **changes: Any) -> httpx.Response:
    typed = {"so_van_ban": "12/BC-UBND", "ngay": "20/6/2020", "trich_yeu": "Báo cáo rà soát",
             "xac_nhan": "1"}  # fmt: skip
    files = changes.pop("files", [FILE])
    return send(who, page, "nop", files, **{**typed, **changes})


def absent(rt: Runtime, email: str, deputy: str, **days: Any) -> None:
    with rt.sessions.begin() as session:
        one = session.get_one(Contact, contact(rt, email))
        one.deputy_id = contact(rt, deputy)
        one.absent_from, one.absent_until = days.get("first"), days.get("last")


@pytest.fixture
def own(town: Runtime) -> str:
    return link(town)


@pytest.fixture
def page(own: str, town: Runtime) -> str:
    return f"{own}/viec/{number(town, TASK)}"


# -- looking -----------------------------------------------------------------------------


def test_every_personal_page_answers_within_ten_statements_on_both_databases(
    towns: Runtime,
) -> None:
    person, own = Person(create_app(towns), towns), link(towns)
    page = f"{own}/viec/{number(towns, TASK)}"
    receipt = hand_in(person, page).headers["location"]
    for path in (own, page, f"{own}/viec/{number(towns, LATE)}", receipt):
        with statements(towns) as sent:
            assert person.open(path).status_code == 200, path
        assert len(sent) <= 10, path


def test_the_list_holds_own_tasks_only_the_most_urgent_first(
    an: Person, town: Runtime, own: str
) -> None:
    said = an.text(own)
    assert NAME in said
    assert "BQL NTM xã Tân Lập" in said
    assert "Vũ Lễ" not in said
    listed = [int(one) for one in re.findall(rf'href="{own}/viec/(\d+)"', an.open(own).text)]
    with town.reader() as session:
        found = [session.get_one(Task, one) for one in listed]
    assert [one.due_on for one in found] == sorted(one.due_on for one in found)
    assert {one.body_id.rpartition("-")[0] or one.body_id for one in found} <= {
        "bql-tan", "bcd-tan", "ubnd-tan", "bcd-giam-ngheo-tan",
    }  # fmt: skip
    assert number(town, LATE) in listed
    assert "quá hạn 6 ngày" in said.lower()


def test_no_personal_page_leads_to_the_offices_pages(an: Person, own: str, page: str) -> None:
    receipt = hand_in(an, page).headers["location"]
    for path in (own, page, receipt):
        text = an.open(path).text
        led = re.findall(r'(?:href|action)="([^"]*)"', text)
        assert all(one.startswith(("/v/", "/static/", "#", "/ngon-ngu")) for one in led), led
        assert "<nav" not in text


def test_the_link_stays_out_of_other_sites_and_of_stores(an: Person, own: str, page: str) -> None:
    receipt = hand_in(an, page).headers["location"]
    for path in (own, page, receipt, own[:-1] + "a", f"{page}/nop", f"{own}/viec/0"):
        headers = an.open(path).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "noindex" in headers["x-robots-tag"]


def test_looking_changes_nothing(an: Person, town: Runtime, own: str, page: str) -> None:
    def audit() -> list[int]:
        with town.reader() as session:
            return list(session.scalars(select(AuditEntry.seq)))

    before = audit()
    for path in (own, page, f"{page}/nop", f"{page}/tiep-nhan", f"{own}/moi"):
        an.open(path)
    assert audit() == before
    assert task(town, TASK).acknowledged_on is None


def test_another_bodys_task_is_not_found_by_any_act(an: Person, town: Runtime, own: str) -> None:
    theirs = f"{own}/viec/{number(town, OTHER)}"
    answer = an.open(theirs)
    assert answer.status_code == 404
    assert "Vũ Lễ" not in answer.text
    form = an.form(f"{own}/viec/{number(town, TASK)}")
    for act in ("nop", "xin-gia-han", "tiep-nhan", "dat", "huy"):
        assert an.browser.post(f"{theirs}/{act}", data={**form, "xac_nhan": "1"}).status_code == 404
    for wrong in ("x", "0", "-1", "99999999999", "1.5"):
        assert an.open(f"{own}/viec/{wrong}").status_code == 404
    assert not submissions(town, OTHER)


def test_only_the_bodys_own_acts_are_there(an: Person, town: Runtime, page: str) -> None:
    form = an.form(page)
    for act in ("dat", "tra-lai", "gia-han", "tam-dung", "huy", "dong-y-gia-han"):
        answer = an.browser.post(f"{page}/{act}", data={**form, "ly_do": "x", "ngay": "1/7/2020"})
        assert answer.status_code == 404
    assert task(town, TASK).state == "open"


def test_a_confidential_task_is_only_said_to_be_there(
    an: Person, town: Runtime, own: str, page: str
) -> None:
    with town.sessions.begin() as session:
        content = session.scalars(
            select(RowRecord.content).where(RowRecord.row_id == "III.1")
        ).one()
        session.execute(update(RowRecord).where(RowRecord.row_id == "III.1").values(secrecy="mật"))
    for path in (own, page):
        text = an.text(path)
        assert "Nội dung mật: đăng nhập để xem" in text
        assert content not in text
        assert TASK not in text
    form = an.form(f"{own}/viec/{number(town, LATE)}")
    for act in ("nop", "tiep-nhan"):
        answer = an.browser.post(f"{page}/{act}", data={**form, "xac_nhan": "1"})
        assert answer.status_code == 404
    assert task(town, TASK).acknowledged_on is None


# -- acting ------------------------------------------------------------------------------


def test_evidence_handed_in_by_link_is_received_with_a_receipt(
    an: Person, binh: Person, town: Runtime, page: str
) -> None:
    answer = hand_in(an, page, ghi_chu="đã gửi bản giấy")
    assert answer.status_code == 303
    said = an.text(answer.headers["location"])
    entry = re.search(r"Biên nhận số (\d+)", said)
    assert entry
    assert answer.headers["location"].endswith(f"/bien-nhan/{entry[1]}")
    for word in ("Đã nhận minh chứng", "12/BC-UBND", "Báo cáo.pdf", "08:00 22/6/2020", NAME,
                 "đã gửi bản giấy", "thẩm định"):  # fmt: skip
        assert word in said, word
    (made,) = submissions(town, TASK)
    assert (made.via, made.by_name, made.by_body) == ("link", NAME, "bql-tan-lap")
    assert [one.name for one in made.files] == ["Báo cáo.pdf"]
    with town.reader() as session:
        kept = session.get_one(AuditEntry, int(entry[1]))
    assert (kept.role, kept.body, kept.via) == ("office", "bql-tan-lap", "link")
    assert re.fullmatch(r"contact/\d+", kept.actor)  # its name can be erased, the chain not
    assert f"{NAME} (đầu mối số {kept.actor[8:]})" in binh.text(f"/viec/{made.task_id}")
    assert "chờ thẩm định" in an.text(page)


def test_what_the_board_keeps_for_others_names_the_contact_and_has_no_session(
    towns: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(towns)
    an, binh = Person(app, towns), Person(app, towns)
    hand_in(an, f"{link(towns)}/viec/{number(towns, TASK)}")
    shown: list[Any] = []
    drawing = desk.draw

    def draw(request: Any, template: str, *rest: Any, **values: Any) -> Any:
        read = [*values["trail"]] + [one.task for one in values["late"].items]
        shown.append({object_session(one) for one in read})
        return drawing(request, template, *rest, **values)

    monkeypatch.setattr(desk, "draw", draw)
    for _ in range(2):  # read, then kept
        assert f"{NAME} (đầu mối số " in binh.text("/").split("Vừa làm")[1]
    assert shown == [{None}, {None}]


def test_handing_in_asks_for_a_confirmation_and_keeps_what_was_typed(
    an: Person, town: Runtime, page: str
) -> None:
    answer = hand_in(an, page, xac_nhan="", so_van_ban="mười hai")
    assert answer.status_code == 422
    said = plain(answer.text)
    assert "ô xác nhận" in said
    assert "Số văn bản" in said
    assert "Báo cáo.pdf" in said
    assert not submissions(town, TASK)
    seal = re.search(r'name="giu" value="([^"]+)"', answer.text)
    assert seal
    assert hand_in(an, page, files=None, giu=seal[1]).status_code == 303
    assert [one.name for one in submissions(town, TASK)[0].files] == ["Báo cáo.pdf"]


def test_a_file_kept_for_one_link_is_not_taken_from_another(
    an: Person, town: Runtime, page: str
) -> None:
    answer = hand_in(an, page, xac_nhan="")
    seal = re.search(r'name="giu" value="([^"]+)"', answer.text)
    assert seal
    other = f"{link(town)}/viec/{number(town, TASK)}"
    assert hand_in(an, other, files=None, giu=seal[1]).status_code == 303
    assert submissions(town, TASK)[0].files == []


def test_a_hostile_name_and_an_empty_file_are_dealt_with_as_elsewhere(
    an: Person, town: Runtime, page: str
) -> None:
    empty = ("tep", ("rong.pdf", b"", "application/pdf"))
    assert "rỗng" in plain(hand_in(an, page, files=[empty]).text)
    hostile = ("tep", ("../../etc/<b>passwd", b"x", "text/html"))
    answer = hand_in(an, page, files=[hostile])
    assert answer.status_code == 303
    assert "<b>passwd" not in an.open(answer.headers["location"]).text
    assert "/" not in submissions(town, TASK)[0].files[0].name


def test_a_button_pressed_twice_shows_the_same_receipt(
    an: Person, town: Runtime, page: str
) -> None:
    form = an.form(page)
    typed = {**form, "so_van_ban": "12/BC-UBND", "ngay": "20/6/2020", "trich_yeu": "x",
             "xac_nhan": "1"}  # fmt: skip
    first, second = (
        an.browser.post(f"{page}/nop", data=typed, files=[FILE]).headers["location"]
        for _ in range(2)
    )
    assert first == second
    assert len(submissions(town, TASK)) == 1
    for _ in range(2):
        answer = send(an, f"{page.rpartition('/')[0]}/{number(town, LATE)}", "tiep-nhan")
        assert answer.status_code == 303
    assert "đơn vị đã nhận việc" in an.text(answer.headers["location"])


def test_a_late_task_asks_why(an: Person, town: Runtime, own: str) -> None:
    page = f"{own}/viec/{number(town, LATE)}"
    assert "lý do quá hạn" in plain(hand_in(an, page).text)
    assert hand_in(an, page, ly_do_qua_han="mưa lũ").status_code == 303


def test_an_extension_is_asked_for_and_received(an: Person, town: Runtime, page: str) -> None:
    answer = send(an, page, "xin-gia-han", ngay="10/7/2020", ly_do="chờ số liệu của thôn")
    said = an.text(answer.headers["location"])
    assert "Đã nhận đề nghị gia hạn" in said
    assert "10/7/2020" in said
    assert "chờ số liệu của thôn" in said
    with town.reader() as session:
        assert session.scalars(select(Extension.asked_by)).one() == NAME
    assert "Đang chờ quyết định gia hạn" in an.text(page)
    assert task(town, TASK).due_on.isoformat() == "2020-06-30"


def test_what_was_returned_says_why_and_can_be_handed_in_again(
    an: Person, town: Runtime, page: str
) -> None:
    hand_in(an, page)
    with town.sessions.begin() as session:
        one = session.get_one(Task, number(town, TASK))
        by = Actor("kiểm thử", body=review.reviewers(one, town.plan)[0])
        review.return_(session, one, town.plan, town.days, "thiếu phụ biểu", by=by,
                       now=town.now(), today=DAY)  # fmt: skip
    assert "thiếu phụ biểu" in an.text(page)
    assert hand_in(an, page, so_van_ban="13/BC-UBND").status_code == 303


def test_a_form_of_another_browser_or_site_does_nothing(
    an: Person, chi: Person, town: Runtime, page: str
) -> None:
    form = an.form(page)
    assert chi.browser.post(f"{page}/tiep-nhan", data=form).status_code == 422
    foreign = an.browser.post(
        f"{page}/tiep-nhan", data=form, headers={"origin": "https://noi-khac.vn"}
    )
    assert foreign.status_code == 403
    assert "<nav" not in foreign.text
    assert foreign.headers["referrer-policy"] == "no-referrer"
    unsaid = {"origin": "null"}  # what a browser says where no referrer may be sent
    told = {**unsaid, "sec-fetch-site": "cross-site"}
    assert an.browser.post(f"{page}/tiep-nhan", data=form, headers=told).status_code == 403
    stray = an.browser.post(f"{page}/tiep-nhan", data={**form, "ma_bao_ve": "x"}, headers=unsaid)
    assert stray.status_code == 422
    assert an.browser.post("/viec/1/tiep-nhan", data=form, headers=unsaid).status_code == 403
    assert task(town, TASK).acknowledged_on is None


def test_a_form_of_ones_own_is_taken_though_the_browser_hides_where_it_comes_from(
    an: Person, town: Runtime, page: str
) -> None:
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    answer = an.browser.post(f"{page}/tiep-nhan", data=an.form(page), headers=headers)
    assert answer.status_code == 303
    assert task(town, TASK).acknowledged_on == DAY


def test_what_somebody_else_did_meanwhile_is_said(an: Person, town: Runtime, page: str) -> None:
    form = an.form(page)
    with town.sessions.begin() as session:
        session.get_one(Task, number(town, TASK)).note = "thêm phụ biểu 02"
    answer = an.browser.post(
        f"{page}/xin-gia-han", data={**form, "ngay": "10/7/2020", "ly_do": "chờ số liệu"}
    )
    assert answer.status_code == 409
    assert "chờ số liệu" in answer.text


def test_a_receipt_is_of_its_own_task_only(an: Person, town: Runtime, own: str, page: str) -> None:
    seq = hand_in(an, page).headers["location"].rpartition("/")[2]
    assert an.open(f"{own}/viec/{number(town, LATE)}/bien-nhan/{seq}").status_code == 404
    for wrong in ("1", "99999", "x"):
        assert an.open(f"{page}/bien-nhan/{wrong}").status_code == 404
    theirs = link(town, VU_LE)
    assert an.open(f"{theirs}/viec/{number(town, TASK)}/bien-nhan/{seq}").status_code == 404


# -- standing in -------------------------------------------------------------------------


def test_a_deputy_opens_the_absent_contacts_tasks_while_standing_in_only(
    chi: Person, town: Runtime
) -> None:
    own = link(town, VU_LE)
    page = f"{own}/viec/{number(town, TASK)}"
    assert chi.open(page).status_code == 404
    absent(town, TAN_LAP, VU_LE, first=DAY, last=DAY + timedelta(days=3))
    assert NAME in chi.text(own)
    assert hand_in(chi, page).status_code == 303
    assert submissions(town, TASK)[0].by_name == "Bộ phận văn thư xã Vũ Lễ"
    absent(town, TAN_LAP, VU_LE, first=DAY - timedelta(days=3), last=DAY - timedelta(days=1))
    assert chi.open(page).status_code == 404
    absent(town, TAN_LAP, VU_LE)
    assert chi.open(page).status_code == 404


# -- links that do not open --------------------------------------------------------------


def expire(rt: Runtime) -> str:
    """An expired link of Tân Lập."""
    with rt.sessions.begin() as session:
        past = By(TESTER, rt.now() - timedelta(days=60))
        made = links.make(session, contact(rt, TAN_LAP), 45, past)
        return links.PATH + links.token(rt.keys, made)


def queued(rt: Runtime) -> list[Notice]:
    with rt.reader() as session:
        return list(session.scalars(select(Notice).where(Notice.kind == personal.KIND)))


def test_what_does_not_open_says_why_and_whom_to_ask(
    an: Person, town: Runtime, own: str, page: str
) -> None:
    form = an.form(page)
    assert an.open(own[:-1]).status_code == 404
    with town.sessions.begin() as session:
        links.revoke_all(session, session.get_one(Contact, contact(town, TAN_LAP)),
                         By(TESTER, town.now()))  # fmt: skip
    answer = an.open(own)
    assert answer.status_code == 410
    said = plain(answer.text)
    assert "đã được thu hồi" in said
    assert "Văn phòng Điều phối" in said or "VPĐP" in said
    assert "Gửi cho tôi" not in said
    assert NAME not in said
    assert an.browser.post(f"{page}/tiep-nhan", data=form).status_code == 410
    assert task(town, TASK).acknowledged_on is None


def test_an_expired_link_sends_a_fresh_one_at_most_once_an_hour(an: Person, town: Runtime) -> None:
    old = expire(town)
    answer = an.open(old)
    assert answer.status_code == 410
    assert NAME not in answer.text
    form = an.form(old)
    said = {plain(an.browser.post(f"{old}/moi", data=form).text) for _ in range(3)}
    assert len(said) == 1
    (notice,) = queued(town)
    assert (notice.contact_id, notice.channel) == (contact(town, TAN_LAP), "mail")
    with town.sessions.begin() as session:
        held = links.held(session, town.keys, old[3:], town.now())
        soon, later = town.now() + timedelta(minutes=59), town.now() + timedelta(minutes=60)
        assert not personal.ask(session, held, town.plan.id, soon)
        assert personal.ask(session, held, town.plan.id, later)


def test_asking_says_the_same_whether_or_not_it_worked(an: Person, town: Runtime, own: str) -> None:
    old = expire(town)
    form = an.form(old)
    revoked = link(town, VU_LE)
    with town.sessions.begin() as session:
        links.revoke_all(session, session.get_one(Contact, contact(town, VU_LE)),
                         By(TESTER, town.now()))  # fmt: skip
    asked = (own, revoked, "/v/12-" + "a" * 24, "/v/x", old)
    answers = [an.browser.post(f"{one}/moi", data=form) for one in asked]
    said = {one.text.replace(path, "") for one, path in zip(answers, asked, strict=True)}
    assert len(said) == 1
    assert {one.status_code for one in answers} == {200}
    assert len(queued(town)) == 1
    an.browser.post(f"{old}/moi", data={"ma_bao_ve": "x"})
    assert len(queued(town)) == 1


def test_wrong_links_are_throttled_and_right_ones_never(an: Person, own: str) -> None:
    found = [an.open(f"/v/12-{'a' * 24}").status_code for _ in range(door.TRIES + 2)]
    assert found == [404] * door.TRIES + [429] * 2
    assert an.open(own).status_code == 200


def test_the_throttle_forgets_after_its_window_and_keeps_addresses_apart() -> None:
    now = [0.0]
    throttle = door.Throttle(lambda: now[0])
    assert not any(throttle.wrong("a") for _ in range(door.TRIES))
    assert throttle.wrong("a")
    assert not throttle.wrong("b")
    now[0] = door.WINDOW
    assert not throttle.wrong("a")


def test_no_log_line_holds_a_link(
    an: Person, town: Runtime, own: str, page: str, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level("DEBUG")
    code = own.rpartition("-")[2]
    an.browser.post(f"{page}/nop", headers={"origin": "https://noi-khac.vn"})
    hand_in(an, page, so_van_ban="x")
    for path in (own, f"{own}/viec/0", own + "a", f"{own}/x/y/z"):
        an.open(path)

    def broken(*_args: Any) -> Any:
        raise RuntimeError("hỏng")

    monkeypatch.setattr(links, "held", broken)
    assert an.open(own).status_code == 500
    ours = "\n".join(one.getMessage() for one in caplog.records if one.name.startswith("ntm"))
    assert "/v/…" in ours
    assert code not in ours


# -- the public door ---------------------------------------------------------------------


def test_exactly_what_is_meant_for_the_outside_is_public(town: Runtime) -> None:
    paths = set[str]()
    for route in create_app(town).routes:
        inner = getattr(route, "original_router", None)
        for one in inner.routes if isinstance(inner, APIRouter) else [route]:
            assert isinstance(one, Route | Mount)
            paths.add(one.path)
    assert {"/v/{token}", "/viec/{task_id}", "/healthz"} <= paths
    public = {path for path in paths if door.is_public(path if path != "/static" else "/static/")}
    assert {path.split("/")[1] for path in public} <= {"v", "zalo", "static", "healthz"}
    assert {path for path in paths if path.startswith("/v/")} <= public
    for path in ("/", "/viec/1", "/v", "/vx/", "/v/../viec", "/v//x", "/healthz/x", "/livez",
                 "/static/../viec", "/V/x", "/v/./x"):  # fmt: skip
        assert not door.is_public(path), path


# -- what messages carry -----------------------------------------------------------------


def test_the_contacts_page_revokes_every_link(an: Person, town: Runtime, own: str) -> None:
    one = f"/lien-he/{contact(town, TAN_LAP)}"
    form = {name: value for name, value in an.form(one).items() if name in ("ma_bao_ve", "dau")}
    answer = an.browser.post(f"{one}/thu-hoi", data=form)
    assert answer.status_code == 303
    assert "Đã thu hồi mọi đường dẫn" in an.text(answer.headers["location"])
    assert an.open(own).status_code == 410
    with town.reader() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
    assert last
    assert (last.action, last.via) == ("link.revoked", "page")


def test_no_address_of_the_installation_no_link(town: Runtime) -> None:
    from dataclasses import replace

    bare = replace(town, settings=replace(town.settings, base_url=""))
    assert personal.address(bare, contact(town, TAN_LAP), town.now()) == ""
    with town.reader() as session:
        assert not session.scalars(select(PersonalLink)).all()
    assert personal.address(town, contact(town, TAN_LAP), town.now()).startswith(f"{HOME}/v/")
