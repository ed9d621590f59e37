"""Handing work over on pages: what `ntm bodies proposals`, `confirm` and `refuse` do."""

from __future__ import annotations

import html
import re
from datetime import date

import httpx
import pytest
from fastapi import FastAPI

from ntm_workflow.reports import trail
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Handover
from ntm_workflow.texts import say
from ntm_workflow.web import guard, handover_pages
from ntm_workflow.web.app import create_app
from ntm_workflow.work import body_event_file, handovers, successions, tasks
from ntm_workflow.work.accounts import Role
from tests.bodies_scene import NEW, Bodies, end, merge, split
from tests.second_plan import paper, put
from tests.web.web_office import DAY, ROOT, TASK, TESTER, Person, number, plain, statements, task

A, B, C = "bql-tan-lap", "bql-tan-huong", "bql-chieu-vu"
LATER = date(2025, 7, 1)
EXAMPLE = ROOT / "config" / "examples" / "bac-son-2025.toml"
MOVED = f"III.1/2020-06/{NEW.id}"


def replay(rt: Runtime) -> Bodies:
    """The first of July 2025, with the events of the example and what they propose."""
    rt.set_simulated(LATER, TESTER)
    scene = Bodies(rt)
    for change in body_event_file.read(EXAMPLE):
        scene.record(change, today=LATER)
    scene.keep_up(LATER)
    return scene


def decide(who: Person, one: Handover, name: str, seen: str = "", **typed: str) -> httpx.Response:
    """Send a form of a proposal; `seen` is the mark of one that was opened before."""
    form = {guard.FIELD: who.form("/viec")[guard.FIELD], "thay": seen or handovers.mark(one)}
    return who.browser.post(f"/ban-giao/{one.id}/{name}", data={**form, **typed})


def look(who: Person, event: int, **typed: str) -> httpx.Response:
    form = {guard.FIELD: who.form("/viec")[guard.FIELD], "buoc": "xem"}
    return who.browser.post(f"/ban-giao/su-kien/{event}", data={**form, **typed})


def confirm_all(who: Person, seen: httpx.Response) -> httpx.Response:
    """Press the button of a preview."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', seen.text))
    action = re.search(r'action="(/ban-giao/su-kien/\d+)[?"]', seen.text)
    assert action, plain(seen.text)
    return who.browser.post(action[1], data={**found, "buoc": "lam"})


# -- the list ---------------------------------------------------------------------------


def test_the_proposals_of_2025_are_listed_by_event_page_by_page_and_a_look_changes_nothing(
    towns: Runtime,
) -> None:
    scene = replay(towns)
    person = Person(create_app(towns), towns)
    before = [(one.id, one.state) for one in scene.proposals()]
    with statements(towns) as sent:
        page = person.open("/ban-giao").text
    assert not [one for one in sent if not one.startswith(("SELECT", "WITH"))]
    assert len(sent) <= 13, len(sent)
    with statements(towns) as sent:
        person.open("/ban-giao")
    assert len(sent) <= 5, len(sent)
    text = plain(page)
    total = len(scene.proposals("proposed"))
    assert f"{total} đề xuất" in text
    assert "Ủy ban nhân dân xã Bắc Sơn: sáp nhập từ 1/7/2025 theo 1672/NQ-UBTVQH15" in text
    assert "ví dụ" in text
    assert "Những chỗ phải có người xem" in text
    assert "Cơ quan ban hành kế hoạch, UBND huyện" in text
    seen = re.findall(r'action="/ban-giao/(\d+)/tu-choi', page)
    assert len(seen) == 50
    while found := re.search(r'<a rel="next" href="([^"#]+)"', page):
        page = person.open(html.unescape(found[1])).text
        more = re.findall(r'action="/ban-giao/(\d+)/tu-choi', page)
        assert more
        seen += more
    assert len(seen) == len(set(seen)) == total
    assert [(one.id, one.state) for one in scene.proposals()] == before


def test_a_line_names_the_task_its_body_the_day_and_who_would_receive_it(
    an: Person, town: Runtime
) -> None:
    scene = Bodies(town)
    event = scene.record(merge(A, B, into=NEW, on=DAY)).id
    scene.keep_up(DAY)
    page = an.open(f"/ban-giao?su-kien={event}").text
    text = plain(page)
    assert f'href="/viec/{number(town, TASK)}"' in page
    assert "BQL NTM xã Tân Lập · III.1, tháng 6/2020 30/6/2020" in text
    assert "<strong>BQL Vũ Lăng mới</strong>" in page
    assert "Việc mở sau này của kế hoạch 28/KH-UBND" in text
    assert "đơn vị đã kết thúc" in text
    other = scene.record(end("bql-vu-le", on=DAY)).id
    assert "Chưa rõ ai nhận" in an.text(f"/ban-giao?su-kien={other}")
    assert "BQL NTM xã Vũ Lễ" not in an.text(f"/ban-giao?su-kien={event}")


def test_an_event_that_was_recorded_while_the_page_was_read_is_there(
    an: Person, town: Runtime
) -> None:
    """PostgreSQL shows it to the second statement, but not to the one that says what is kept."""
    Bodies(town).record(merge(A, B, into=NEW, on=DAY))
    whole = an.text("/ban-giao")
    found = an.app.state.tallied._found
    for key in [key for key in found if key[0] == "events"]:
        found[key] = found[key][0], []
    assert an.text("/ban-giao") == whole


def test_where_a_person_looks_there_is_a_way_to_the_proposals(an: Person, town: Runtime) -> None:
    paths = ("/", "/don-vi", f"/viec/{number(town, TASK)}", f"/don-vi/{A}/lich-su")
    for path in paths:
        assert "/ban-giao" not in an.open(path).text, path
    late = Person(create_app(town), town)
    with statements(town) as sent:
        late.open("/")
    cost = len(sent)
    scene = Bodies(town)
    event = scene.record(merge(A, B, into=NEW, on=DAY)).id
    count = len(scene.proposals())
    for path in paths:
        assert 'href="/ban-giao' in an.open(path).text, path
    for path in ("/", "/don-vi", f"/don-vi/{A}/lich-su", f"/don-vi/{NEW.id}/lich-su"):
        assert f"{count} việc chờ bàn giao" in an.text(path), path
    assert f'href="/ban-giao?su-kien={event}"' in an.open(f"/don-vi/{A}/lich-su").text
    late = Person(create_app(town), town)
    with statements(town) as sent:
        late.open("/")
    assert len(sent) == cost
    leader = Person(an.app, town, Role.LEADER, bodies=["ubnd-huyen"])
    for path in paths:
        assert "/ban-giao" not in leader.open(path).text, path


def test_nothing_waits_and_the_page_says_so(an: Person) -> None:
    assert "Không có đề xuất nào đang chờ" in an.text("/ban-giao")
    assert "Không có đề xuất nào đã từ chối" in an.text("/ban-giao?xem=da-tu-choi")
    for odd in ("?su-kien=x", "?su-kien=99999999", "?sau=x&truoc=%00", "?xem=gi", "?cho-sau=x"):
        assert an.open(f"/ban-giao{odd}").status_code == 200, odd


def test_the_page_in_english_has_no_vietnamese_sentence(an: Person, town: Runtime) -> None:
    scene = Bodies(town)
    scene.record(split(A, "one", "two", on=DAY))
    an.browser.cookies.set(guard.LANGUAGE, "en")
    text = an.text("/ban-giao")
    for said in ("Handing work over", "Choose who receives it", "Do not hand over", "split"):
        assert said in text
    assert not re.search(r"Bàn giao|đề xuất|Đơn vị nhận", text)


# -- one proposal -------------------------------------------------------------------------


def test_one_is_confirmed_by_a_button_and_the_audit_names_who(towns: Runtime) -> None:
    person, scene = Person(create_app(towns), towns), Bodies(towns)
    scene.record(merge(A, B, into=NEW, on=DAY))
    done = decide(person, scene.of_task(TASK), "xac-nhan")
    assert done.status_code == 303
    assert "Đã bàn giao" in person.text(done.headers["location"])
    assert (task(towns, TASK).state, task(towns, MOVED).state) == ("cancelled", "open")
    with towns.reader() as session:
        entry = trail.newest(session, 1)[0]
    assert (entry.action, entry.actor, entry.via) == ("task.cancelled", "Bình", "page")
    assert entry.body == towns.plan.coordination_office
    assert scene.broken_audit() is None
    again = decide(person, scene.of_task(f"III.1/2020-06/{B}"), "xac-nhan")
    assert "đã có việc cùng kỳ" in person.text(again.headers["location"])


def test_who_receives_is_chosen_among_those_of_a_split_or_typed(an: Person, town: Runtime) -> None:
    scene = Bodies(town)
    scene.record(split(A, "bql-mot", "bql-hai", on=DAY))
    one = scene.of_task(TASK)
    page = an.open("/ban-giao").text
    assert '<option value="bql-hai">bql-hai</option>' in page
    unsaid = decide(an, one, "xac-nhan")
    assert unsaid.status_code == 422
    assert say("page.handover.choose") in plain(unsaid.text)
    assert decide(an, one, "xac-nhan", chon="bql-hai").status_code == 303
    assert task(town, "III.1/2020-06/bql-hai").state == "open"
    late = scene.of_task("VI.1/2020-Q2/bql-tan-lap")
    typo = decide(an, late, "xac-nhan", don_vi="BQL NTM xã Vũ Lễễ")
    assert typo.status_code == 422
    assert 'value="BQL NTM xã Vũ Lễễ"' in typo.text
    assert "BQL NTM xã Vũ Lễ (bql-vu-le)" in plain(typo.text)
    assert decide(an, late, "xac-nhan", chon="bql-mot", don_vi="vpdp-huyen").status_code == 303
    assert task(town, "VI.1/2020-Q2/vpdp-huyen").state == "open"


@pytest.mark.parametrize(
    ("body", "said"),
    [(A, "Việc đang là của chính đơn vị này"),
     ("bql-vu-le", "Việc cùng kỳ của đơn vị nhận đã bị hủy (III.1/2020-06/bql-vu-le)"),
     (B, "đã kết thúc từ 22/6/2020 theo 1672/NQ-UBTVQH15; hãy chọn đơn vị khác")],
)  # fmt: skip
def test_what_cannot_be_is_said_at_its_field_with_the_reason(
    an: Person, town: Runtime, body: str, said: str
) -> None:
    scene = Bodies(town)
    scene.cancel("III.1/2020-06/bql-vu-le", DAY)
    scene.record(merge(A, B, into=NEW, on=DAY))
    answer = decide(an, scene.of_task(TASK), "xac-nhan", don_vi=body)
    assert answer.status_code == 422
    assert f'value="{body}"' in answer.text
    sentence = re.search(r'<span class="why"[^>]*>(.*?)</span>\s*<input', answer.text, re.S)
    assert sentence
    assert said in plain(sentence[1])
    assert "ntm " not in plain(answer.text)
    assert task(town, TASK).state == "open"


def test_a_refusal_needs_a_reason_and_can_be_thought_better_of(an: Person, town: Runtime) -> None:
    scene = Bodies(town)
    scene.record(merge(A, B, into=NEW, on=DAY))
    one = scene.of_task(TASK)
    empty = decide(an, one, "tu-choi", ly_do=" ")
    assert empty.status_code == 422
    assert say("reason.missing") in plain(empty.text)
    assert decide(an, one, "tu-choi", ly_do="chờ tỉnh giao").status_code == 303
    assert task(town, TASK).state == "open"
    assert f'action="/ban-giao/{one.id}/' not in an.open("/ban-giao").text
    page = an.open("/ban-giao?xem=da-tu-choi").text
    assert "Không bàn giao: chờ tỉnh giao" in plain(page)
    assert f"/ban-giao/{one.id}/tu-choi" not in page
    assert decide(an, scene.of_task(TASK), "xac-nhan").status_code == 303
    assert task(town, MOVED).state == "open"


def test_what_the_plan_is_yet_to_open_goes_along_once_it_is_confirmed(
    an: Person, town: Runtime
) -> None:
    scene = Bodies(town)
    scene.record(merge(A, B, into=NEW, on=DAY))
    scene.keep_up(DAY)
    one = next(one for one in scene.proposals() if one.task_id is None and one.body_id == A)
    done = decide(an, one, "xac-nhan")
    assert say("handover.page.sau-nay") in an.text(done.headers["location"])
    with town.reader() as session:
        assert successions.stands(session, town.plan.id, DAY).of([A]) == [NEW.id]


@pytest.mark.parametrize("other", ["xac-nhan", "tu-choi"])
def test_a_form_that_another_was_faster_than_changes_nothing_and_keeps_what_was_typed(
    an: Person, binh: Person, town: Runtime, other: str
) -> None:
    scene = Bodies(town)
    scene.record(merge(A, B, into=NEW, on=DAY))
    one = scene.of_task(TASK)
    seen = handovers.mark(one)
    assert decide(binh, one, other, ly_do="chờ tỉnh").status_code == 303
    after = [(h.id, h.state, h.reason) for h in scene.proposals()]
    for name in ("xac-nhan", "tu-choi"):
        answer = decide(an, one, name, seen, ly_do="lý do của tôi", don_vi="vpdp-huyen")
        assert answer.status_code == 409
        text = plain(answer.text)
        assert "Trong lúc đó Bình đã quyết định đề xuất này" in text
        assert "lý do của tôi" in text
        assert "vpdp-huyen" in text
    assert [(h.id, h.state, h.reason) for h in scene.proposals()] == after


def test_a_task_that_was_handed_in_meanwhile_is_not_handed_over(an: Person, town: Runtime) -> None:
    scene = Bodies(town)
    scene.record(merge(A, B, into=NEW, on=DAY))
    one = scene.of_task(TASK)
    scene.submit(TASK, DAY)
    answer = decide(an, one, "xac-nhan")
    assert answer.status_code == 422
    assert say("page.handover.not_open", task=TASK) in plain(answer.text)
    assert task(town, TASK).state == "submitted"


def test_an_event_that_was_withdrawn_takes_its_proposals_along(an: Person, town: Runtime) -> None:
    scene = Bodies(town)
    event = scene.record(end(A, on=DAY)).id
    one = scene.of_task(TASK)
    scene.withdraw(event, DAY)
    answer = decide(an, one, "tu-choi", ly_do="lý do của tôi")
    assert answer.status_code == 422
    assert say("page.handover.none") in plain(answer.text)
    assert "lý do của tôi" in plain(answer.text)
    assert say("page.event.none") in plain(look(an, event).text)


# -- all of an event ------------------------------------------------------------------------


def test_all_of_an_event_is_confirmed_after_a_look_that_changes_nothing(towns: Runtime) -> None:
    person, scene = Person(create_app(towns), towns), Bodies(towns)
    scene.cancel(f"VI.1/2020-Q2/{B}", DAY)
    event = scene.record(merge(A, B, C, into=B, on=DAY)).id
    waiting = scene.proposals("proposed")
    seen = look(person, event)
    text = plain(seen.text)
    assert f"Sẽ xác nhận {len(waiting) - 2} đề xuất" in text
    assert "2 đề xuất còn lại, giữ nguyên" in text
    assert say("left.handover.twin_cancelled") in text
    assert "gộp vào việc mà đơn vị nhận đã có" in text
    assert len(scene.proposals("proposed")) == len(waiting)
    assert task(towns, TASK).state == "open"
    done = confirm_all(person, seen)
    assert done.status_code == 303
    text = person.text(done.headers["location"])
    assert f"Đã xác nhận {len(waiting) - 2} đề xuất." in text
    assert "Còn 2 đề xuất" in text
    assert len(scene.proposals("proposed")) == 2
    assert task(towns, TASK).state == "cancelled"
    assert scene.broken_audit() is None


def test_every_event_of_2025_is_confirmed_from_its_page(town: Runtime) -> None:
    scene, person = replay(town), Person(create_app(town), town)
    for event in scene.events():
        seen = look(person, event.id)
        assert seen.status_code == 200
        if 'name="dau"' in seen.text:
            assert confirm_all(person, seen).status_code == 303
    assert {one.to_body for one in scene.proposals("proposed")} == {None}  # a person must choose
    assert sum(s == "open" for s in scene.states("III.1", "2020-06").values()) == 12
    nothing = look(person, scene.proposals("proposed")[0].event_id)
    assert "Không đề xuất nào xác nhận chung được" in plain(nothing.text)
    assert say("left.handover.choose") in plain(nothing.text)


def test_what_others_decided_after_the_look_stops_it_all_and_shows_a_new_look(
    an: Person, binh: Person, town: Runtime
) -> None:
    scene = Bodies(town)
    event = scene.record(merge(A, B, into=NEW, on=DAY)).id
    seen = look(an, event)
    decide(binh, scene.of_task(TASK), "tu-choi", ly_do="chờ tỉnh")
    left = len(scene.proposals("proposed"))
    answer = confirm_all(an, seen)
    assert answer.status_code == 409
    assert say("handover.all_changed") in plain(answer.text)
    assert f"Sẽ xác nhận {left} đề xuất" in plain(answer.text)
    assert len(scene.proposals("proposed")) == left
    assert confirm_all(an, answer).status_code == 303
    assert scene.proposals("proposed") == []
    assert task(town, TASK).state == "open"  # as Bình said


def test_a_preview_names_the_first_few(
    an: Person, town: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = Bodies(town).record(merge(A, B, into=NEW, on=DAY)).id
    monkeypatch.setattr(handover_pages, "SHOWN", 2)
    text = plain(look(an, event).text)
    assert re.search(r"và \d+ đề xuất nữa", text)


# -- who may ----------------------------------------------------------------------------------


def test_a_form_from_elsewhere_does_nothing(an: Person, town: Runtime) -> None:
    scene = Bodies(town)
    event = scene.record(merge(A, B, into=NEW, on=DAY)).id
    one = scene.of_task(TASK)
    forged = {guard.FIELD: "x", "thay": handovers.mark(one), "buoc": "xem", "ly_do": "x"}
    for path in (f"/ban-giao/{one.id}/xac-nhan", f"/ban-giao/{one.id}/tu-choi",
                 f"/ban-giao/su-kien/{event}"):  # fmt: skip
        answer = an.browser.post(path, data=forged)
        assert answer.status_code == 422, path
    assert look(an, event, buoc="gì").status_code == 422
    assert look(an, event, buoc="lam", dau="x").status_code == 409
    odd = decide(an, one, "xac-nhan", "x")
    assert odd.status_code == 409
    assert say("handover.other") in plain(odd.text)
    assert decide(an, one, "gi").status_code == 404
    for path in (f"/ban-giao/{one.id}/xac-nhan", f"/ban-giao/su-kien/{event}"):
        assert an.open(path).status_code == 303, path
    assert {h.state for h in scene.proposals()} == {"proposed"}


def test_only_who_runs_the_plan_decides(app: FastAPI, town: Runtime) -> None:
    scene = Bodies(town)
    event = scene.record(merge(A, B, into=NEW, on=DAY)).id
    one = scene.of_task(TASK)
    elsewhere = Person(app, town, Role.COORDINATION, bodies=["phong-noi-vu"])
    page = elsewhere.open("/ban-giao").text
    assert "BQL Vũ Lăng mới" in page
    assert 'action="/ban-giao' not in page
    others = [Person(app, town, role, bodies=[A]) for role in
              (Role.OFFICE, Role.LEADER, Role.INSPECTOR)]  # fmt: skip
    for who in (elsewhere, *others):
        assert decide(who, one, "xac-nhan").status_code == 403
        assert look(who, event).status_code == 403
    assert {h.state for h in scene.proposals()} == {"proposed"}
    chief = Person(app, town, Role.ADMINISTRATOR)
    assert decide(chief, one, "xac-nhan").status_code == 303


def test_the_proposals_of_every_plan_are_in_one_list(town: Runtime) -> None:
    text = paper("Tháng 6", number=45, year=2020, effective=date(2020, 3, 2))
    rt = put(town, text, DAY)
    with rt.sessions.begin() as session:
        tasks.open_all(session, rt.in_force, rt.days, DAY, now=rt.moment(DAY), actor=TESTER)
    scene, person = Bodies(rt), Person(create_app(rt), rt)
    event = scene.record(merge(A, B, into=NEW, on=DAY)).id
    plans = {one.plan_id for one in scene.proposals()}
    assert plans == {"28-kh-ubnd-2020", "45-kh-ubnd-2020"}
    path = "/ban-giao?ke-hoach=45-kh-ubnd-2020"
    page = person.text(path)
    assert "III.1, tháng 6/2020 · 28/KH-UBND" in page
    assert "III.1, tháng 6/2020 · 45/KH-UBND" in page
    actions = re.findall(r' action="(/ban-giao[^"]*)"', person.open(path).text)
    assert actions
    assert all("ke-hoach=45-kh-ubnd-2020" in one for one in actions)
    assert confirm_all(person, look(person, event)).status_code == 303
    assert scene.proposals("proposed") == []
    assert scene.broken_audit() is None
