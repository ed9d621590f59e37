"""Who may open and do what: every route, every role, one's own body and another's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import func, select
from starlette.routing import Mount, Route

from ntm_workflow.reports import trail
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import say
from ntm_workflow.web import rights, visitor
from ntm_workflow.web.acts import ACTS
from ntm_workflow.web.app import create_app
from ntm_workflow.work.accounts import Role
from tests.web.web_office import DAY, LATE, OTHER, TASK, Person, number, plain, submissions, task

OWN_BODY, OTHER_BODY = "bql-tan-lap", "bql-vu-le"
LETTERS = {"A": Role.ADMINISTRATOR, "C": Role.COORDINATION, "O": Role.OFFICE, "L": Role.LEADER,
           "I": Role.INSPECTOR}  # fmt: skip

# Written down a second time, by hand: `*` is everybody, signed in or not.
ALLOWED = """
*     GET /healthz
*     GET /livez
*     GET /v/{token}
*     GET /v/{token}/lich.ics
*     GET /v/{token}/moi
*     POST /v/{token}/moi
*     GET /v/{token}/viec/{task}
*     GET /v/{token}/viec/{task}/bien-nhan/{number}
*     GET /v/{token}/viec/{task}/{name}
*     POST /v/{token}/viec/{task}/{name}
*     GET /v/xac-nhan/{token}
*     POST /v/xac-nhan/{token}
*     GET /v/ngung/{token}
*     POST /v/ngung/{token}
*     POST /zalo/{channel}
*     GET /vao
*     POST /vao
*     GET /vao/lan-dau/{token}
*     POST /vao/lan-dau/{token}
*     POST /vao/mo-phong
*     GET /vao/ma
*     POST /vao/ma
*     GET /vao/sso
*     GET /vao/sso/di
*     POST /ngon-ngu
*     GET /ngon-ngu
ACOLI POST /ra
ACOLI GET /ra
ACOLI GET /tai-khoan
ACOLI GET /tai-khoan/{name}
ACOLI POST /tai-khoan/{name}
ACOLI GET /
ACOLI GET /viec
ACOLI GET /viec/ma/{row}/{period}/{body}
ACOLI GET /giu-lai
ACL   GET /tham-dinh
ACL   GET /tham-dinh/{task_id}
ACL   GET /tham-dinh/{task_id}/{name}
ACL   POST /tham-dinh/{task_id}/{name}
ACOLI GET /viec/{task_id}
ACOLI GET /viec/{task_id}/{name}
ACOL  POST /viec/{task_id}/{name}
ACOLI GET /minh-chung/{file_id}
ACOLI POST /xuat/viec
ACOLI GET /xuat/{name}
ACOLI GET /don-vi/{body_id}/lich.ics
ACOLI GET /lich
ACOLI GET /lich/{when}
ACLI  GET /bieu-do
ACOLI GET /phu-luc
ACLI  GET /phu-luc/{row_id}
ACLI  GET /cau-hoi
ACOLI GET /tieu-chi
ACLI  GET /don-vi
ACLI  GET /don-vi/{body_id}
ACLI  GET /don-vi/{body_id}/lich-su
ACLI  GET /don-vi/{body_id}/don-doc
ACLI  GET /viec/{task_id}/don-doc
ACLI  GET /thong-bao
ACLI  GET /thu
ACLI  GET /thong-bao/{notice_id}
ACLI  GET /thong-bao/{notice_id}/thu
ACLI  GET /nhat-ky
ACLI  POST /xuat/nhat-ky
ACLI  GET /thu-tra-loi
ACLI  GET /kenh
ACLI  GET /du-bao
ACLI  GET /lien-he
ACLI  GET /lien-he/xuat.{kind}
ACLI  GET /lien-he/{number}
A     GET /nguoi-dung
A     POST /nguoi-dung
A     GET /nguoi-dung/{number}
A     POST /nguoi-dung/{number}/{name}
A     GET /nguoi-dung/{number}/{name}
AC    GET /xu-ly
AC    POST /xu-ly
AC    POST /bo-loc
AC    GET /bo-loc
AC    POST /bo-loc/{filter_id}/xoa
AC    GET /bo-loc/{filter_id}/xoa
AC    POST /thu-tra-loi/{number}/da-xem
AC    POST /thu-tra-loi/{number}/giao
AC    GET /thu-tra-loi/{number}/tep/{index}
AC    GET /thu-tra-loi/{number}/{name}
AC    POST /lien-he/{number}/ma-lien-ket
AC    POST /mo-phong
AC    POST /thong-bao/{notice_id}/quyet-dinh
AC    GET /thong-bao/{notice_id}/quyet-dinh
AC    POST /kenh/{name}
AC    GET /kenh/{name}
AC    GET /ban-giao
AC    POST /ban-giao/su-kien/{number}
AC    GET /ban-giao/su-kien/{number}
AC    POST /ban-giao/{number}/{name}
AC    GET /ban-giao/{number}/{name}
AC    GET /don-doc
AC    POST /don-doc
AC    GET /lien-he/moi
AC    POST /lien-he/moi
AC    GET /lien-he/nhap
AC    POST /lien-he/nhap
AC    GET /lien-he/nhap/ghi
AC    POST /lien-he/nhap/ghi
AC    GET /lien-he/{number}/{name}
AC    POST /lien-he/{number}/{name}
AC    GET /thu-den
AC    GET /thu-den/{name}
AC    GET /thu-den/{name}/thu
AC    GET /nhap
AC    POST /nhap
AC    GET /nhap/doc/{token}
AC    GET /nhap/{draft_id}
AC    GET /nhap/{draft_id}/don-vi
AC    POST /nhap/{draft_id}/don-vi
AC    GET /nhap/{draft_id}/doi-chieu
AC    GET /nhap/{draft_id}/phu-luc.toml
AC    GET /nhap/{draft_id}/xem-truoc
AC    GET /nhap/{draft_id}/dang-chay
AC    GET /nhap/{draft_id}/bo
AC    POST /nhap/{draft_id}/bo
AC    POST /nhap/{draft_id}/tra-loi
AC    POST /nhap/{draft_id}/cot
AC    POST /nhap/{draft_id}/xa
AC    POST /nhap/{draft_id}/lan-truoc
AC    POST /nhap/{draft_id}/thuc-hien
AC    GET /nhap/{draft_id}/{name}
"""
FOREIGN = {"GET /don-vi/{body_id}/lich.ics"}  # an office's for its own bodies only
WHO = {key: who for who, _, key in (line.partition(" ") for line in ALLOWED.split("\n") if line)}
WHO = {key.strip(): who for key, who in WHO.items()}
ACTS_OF = {
    "nop": "ACO", "xin-gia-han": "ACO", "khong-phai-viec": "ACO", "tiep-nhan": "ACO",
    "dat": "ACL", "tra-lai": "ACL", "dong-y-gia-han": "ACL", "khong-gia-han": "ACL",
    "gia-han": "ACL", "van-phai-lam": "ACL", "chuyen-don-vi": "ACL", "khong-giao-nua": "ACL",
    "tam-dung": "AC", "tiep-tuc": "AC", "huy": "AC",
}  # fmt: skip


def routes(app: FastAPI) -> Iterator[str]:
    """Every "GET /path" of the application; a mount as its path alone."""
    for one in app.routes:
        inner = getattr(one, "original_router", None)
        for route in inner.routes if isinstance(inner, APIRouter) else [one]:
            if isinstance(route, Mount):
                yield route.path
            else:
                assert isinstance(route, Route)
                yield from (f"{method} {route.path}" for method in route.methods or ())


@pytest.fixture
def people(app: FastAPI, town: Runtime) -> dict[str, Person]:
    """One of each role; the office's is Tân Lập. And nobody, as "-"."""
    found = {
        letter: Person(app, town, role, bodies=[OWN_BODY] if role is Role.OFFICE else None)
        for letter, role in LETTERS.items()
    }
    return {**found, "-": Person(app, town, None)}


def outcome(person: Person, key: str, **said: object) -> str:
    """What comes of it: "ok", "sign in", "forbidden", "not there"."""
    method, path = key.split(" ")
    answer = person.browser.request(method, path.format(**said))
    if answer.status_code == 303 and re.match(r"/vao(\?|$)", answer.headers["location"]):
        return "sign in"
    if answer.status_code == 403:
        assert say("rights.page") in plain(answer.text)
        return "forbidden"
    if answer.status_code == 404 and say("rights.not_there") in plain(answer.text):
        return "not there"
    assert answer.status_code < 500, f"{key}: {answer.status_code}"
    return "ok"


def test_every_route_has_an_entry_and_every_entry_a_route(app: FastAPI) -> None:
    found = set(routes(app))
    assert found - {"/static"} == set(rights.TABLE) == set(WHO)


def test_every_route_is_open_to_exactly_the_roles_that_are_meant(
    people: dict[str, Person], town: Runtime
) -> None:
    people["C"].hand_in(number(town, TASK), files={"tep": ("a.pdf", b"x", "application/pdf")})
    file = submissions(town, TASK)[0].files[0].id
    row, period, body = TASK.split("/")
    said = {
        "token": "12-" + "a" * 24, "task": 1, "number": 1, "index": 1, "name": "x",
        "task_id": number(town, TASK),
        "row": row, "period": period, "body": body, "file_id": file, "row_id": "II.1",
        "body_id": OTHER_BODY, "notice_id": 1, "kind": "csv", "draft_id": 1, "channel": "oa",
        "when": "2020-06", "filter_id": 999,
    }  # fmt: skip
    wrong = []
    for person in people.values():
        person.browser.cookies.set(visitor.STEP, "x")  # without it, /vao/ma leads to /vao too
    for key, who in WHO.items():
        for letter, person in people.items():
            open_to = who == "*" or letter in who
            wanted = "ok" if open_to else ("sign in" if letter == "-" else "forbidden")
            if letter == "O" and key in FOREIGN:
                wanted = "not there"
            if (found := outcome(person, key, **said)) != wanted:
                wrong.append((key, letter, found))
    assert not wrong


def test_every_act_on_a_task_is_open_to_exactly_the_roles_that_are_meant(
    people: dict[str, Person], town: Runtime
) -> None:
    assert set(ACTS_OF) == set(ACTS)
    mine, others = number(town, TASK), number(town, OTHER)
    wrong = []
    for name, who in ACTS_OF.items():
        for letter, person in people.items():
            key, refused = (
                f"POST /viec/{{task}}/{name}",
                "sign in" if letter == "-" else "forbidden",
            )
            found = outcome(person, key, task=mine), outcome(person, key, task=others)
            wanted = ("ok",) * 2 if letter in who else (refused,) * 2
            if letter == "O":
                wanted = (wanted[0], "not there")
            if found != wanted:
                wrong.append((name, letter, found))
    assert not wrong


def test_an_office_finds_nothing_of_another_body_and_not_even_that_there_is_something(
    people: dict[str, Person], town: Runtime
) -> None:
    people["C"].hand_in(number(town, OTHER), files={"tep": ("a.pdf", b"x", "application/pdf")})
    file, others = submissions(town, OTHER)[0].files[0].id, number(town, OTHER)
    office = people["O"]
    foreign = {f"/viec/{others}", f"/viec/{others}/nop", f"/viec/ma/{OTHER}", f"/minh-chung/{file}"}
    nothing = {"/viec/999999", "/viec/ma/III.1/2020-06/khong-co", "/minh-chung/999999"}
    answers = {path: office.open(path) for path in foreign | nothing}
    assert {one.status_code for one in answers.values()} == {404}
    pages = [re.sub(r"<summary>.*?</summary>", "", one.text) for one in answers.values()]
    said = {re.sub(r"/[\w/.-]+", "", plain(one)) for one in pages}  # the menu says where one is
    assert len(said) == 1
    assert "Vũ Lễ" not in said.pop()


def test_the_list_of_an_office_holds_its_own_tasks_whatever_the_address_asks_for(
    people: dict[str, Person],
) -> None:
    office = people["O"]
    for query in ("", "?tinh-trang=qua-han", "?cap=xa", "?muc=III", "?dong=III.1", "?ky=2020-06",
                  "?tu=1/6/2020", "?sau=2020-06-01.1", "?truoc=2020-12-31.9"):  # fmt: skip
        page = office.open(f"/viec{query}").text
        assert "Vũ Lễ" not in plain(page), query
        assert OTHER_BODY not in page, query
        assert "/viec/" in page, query
    assert '<table class="tasks' not in office.open("/viec?tim=Vũ Lễ").text
    assert "BQL NTM xã Tân Lập" in office.text("/viec")
    assert office.open("/").headers["location"] == "/viec"


def test_another_body_is_for_the_filter_of_an_office_as_one_that_is_not_there(
    people: dict[str, Person],
) -> None:
    office = people["O"]
    found = {
        typed: office.open(f"/viec?don-vi={typed}").text.replace(typed, "…")
        for typed in (OTHER_BODY, "khong-co")
    }
    assert found[OTHER_BODY] == found["khong-co"]
    assert say("filter.unknown", name=say("filter.don-vi"), value="…") in plain(found[OTHER_BODY])


def test_what_an_office_counts_and_takes_away_is_its_own(
    people: dict[str, Person], town: Runtime
) -> None:
    with town.reader() as session:
        query = select(func.count()).select_from(Task).where(Task.state != "cancelled")
        everything = session.scalar(query)
        own = session.scalar(query.where(Task.body_id == OWN_BODY))
    assert own != everything
    assert f"{own} việc" in people["O"].text("/viec")
    assert f"{everything} việc" in people["C"].text("/viec")
    office = people["O"]
    form = office.form("/viec")
    for asked in ("", f"?don-vi={OWN_BODY}", "?tinh-trang=qua-han", "?muc=III"):
        answer = office.browser.post(f"/xuat/viec{asked}", data={**form, "dang": "csv"})
        text = answer.content.decode("utf-8-sig")
        assert answer.status_code == 200, asked
        assert "/bql-tan-lap" in text, asked
        assert set(re.findall(r"^[^;]+/([\w-]+);", text, re.M)) == {OWN_BODY}, asked
    refused = office.browser.post(f"/xuat/viec?don-vi={OTHER_BODY}", data={**form, "dang": "csv"})
    assert refused.status_code == 422
    with town.reader() as session:
        entry = trail.newest(session, 1)[0]
    assert (entry.action, entry.actor, entry.role) == ("tasks.exported", "Bình", "office")


PAPER = ("/phu-luc", "/tieu-chi", "/lich", "/lich/2020", "/lich/2020-06", "/lich/2020-07",
         "/lich/2020-W26")  # fmt: skip
COMMUNE = "ubnd-tan-lap"  # it has criteria


def told(person: Person) -> dict[str, str]:
    """The pages of the paper, without what is new on each visit."""
    return {path: re.sub(r'value="[^"]*"', "", person.open(path).text) for path in PAPER}


def test_nothing_that_happens_to_another_body_changes_what_an_office_reads_of_the_paper(
    app: FastAPI, people: dict[str, Person], town: Runtime
) -> None:
    desk, office = people["C"], people["O"]
    commune = Person(app, town, Role.OFFICE, bodies=[COMMUNE])
    seen = told(desk)
    before, theirs = told(office), told(commune)
    assert "không giao tiêu chí nào cho đơn vị mình" in plain(before["/tieu-chi"])
    assert "Năm 2020 giao" in plain(theirs["/tieu-chi"])
    pages = "".join([*before.values(), *theirs.values()])
    assert "/phu-luc/" not in pages  # how a row stands with every body
    assert set(re.findall(r"don-vi=([\w-]+)", pages)) <= {OWN_BODY, COMMUNE}
    with town.sessions.begin() as session:  # done, moved, suspended, cancelled: all that is theirs
        others = select(Task).where(Task.body_id.not_in((OWN_BODY, COMMUNE)), Task.state == "open")
        one, two, three, *rest = session.scalars(others)
        assert not {str(t.id) for t in (one, two, three, *rest)} & set(
            re.findall(r'href="/viec/(\d+)"', pages)
        )
        one.due_on, two.suspended_on, three.state = date(2020, 7, 20), DAY, "cancelled"
        for each in rest:
            each.state, each.completed_on, each.accepted_on = "accepted", DAY, DAY
    desk.send(number(town, TASK), "tam-dung", ly_do="x")
    desk.send(number(town, TASK), "tiep-tuc")  # and nothing that was kept is shown any more
    assert told(desk) != seen
    assert told(office) == before
    assert told(commune) == theirs


def test_what_an_office_reads_of_the_paper_counts_its_own_tasks(
    people: dict[str, Person], town: Runtime
) -> None:
    office = people["O"]
    with town.reader() as session:
        query = select(func.count()).select_from(Task).where(Task.body_id == OWN_BODY)
        own = session.scalar(query.where(Task.state != "cancelled"))
    assert f'<a href="/viec"><b>{own}</b>' in office.open("/phu-luc").text
    before = told(office)
    office.hand_in(number(town, TASK))
    people["C"].send(number(town, TASK), "dat")
    after = told(office)
    assert [path for path in PAPER if after[path] != before[path]] == [
        "/phu-luc", "/lich", "/lich/2020", "/lich/2020-06",
    ]  # fmt: skip


def test_an_office_follows_the_calendar_of_its_own_body(people: dict[str, Person]) -> None:
    answer = people["O"].open(f"/don-vi/{OWN_BODY}/lich.ics")
    assert (answer.status_code, "BEGIN:VEVENT" in answer.text) == (200, True)
    assert people["O"].open(f"/don-vi/{OTHER_BODY}/lich.ics").status_code == 404


def test_only_who_runs_the_plans_is_offered_acts_on_many_and_the_named_filters(
    people: dict[str, Person],
) -> None:
    desk = people["C"]
    form = desk.form("/viec?cap=xa")
    assert desk.browser.post("/bo-loc?cap=xa", data={**form, "ten": "Vũ Lễ"}).status_code == 303
    for letter in "OLI":
        page = people[letter].open("/viec?cap=xa").text
        for gone in ("/xu-ly", "/bo-loc", "/don-doc", 'name="chon"'):
            assert gone not in page, (letter, gone)
        assert ">Vũ Lễ</a>" not in page or letter in "LI"
        assert 'action="/xuat/viec?cap=xa"' in page
    assert 'formaction="/don-doc"' in desk.open("/viec?cap=xa").text


def test_acts_on_many_leave_out_what_an_account_may_not_decide(app: FastAPI, town: Runtime) -> None:
    office, mine, others = town.plan.coordination_office, number(town, TASK), number(town, OTHER)
    both = Person(app, town, Role.COORDINATION, bodies=[office, OWN_BODY])
    path = f"/xu-ly?lam=gia-han&chon={mine}.1&chon={others}.1"
    typed = {**both.form(path), "ngay": "31/7/2020", "ly_do": "mưa lũ", "buoc": "xem"}
    seen = both.browser.post(path, data=typed)
    assert say("rights.act") in plain(seen.text)
    stranger = Person(app, town, Role.COORDINATION, bodies=[OTHER_BODY])
    typed = {**stranger.form(path), "ngay": "31/7/2020", "ly_do": "mưa lũ", "buoc": "lam"}
    assert stranger.browser.post(path, data=typed).status_code == 403
    assert {str(task(town, one).due_on) for one in (TASK, OTHER)} == {"2020-06-30"}
    typed = {**both.form(path), "ngay": "31/7/2020", "ly_do": "mưa lũ", "buoc": "lam"}
    assert both.browser.post(path, data=typed).status_code == 303
    assert [str(task(town, one).due_on) for one in (TASK, OTHER)] == ["2020-06-30", "2020-07-31"]


def test_an_office_acts_on_its_own_task_under_its_own_name(
    people: dict[str, Person], town: Runtime
) -> None:
    office, mine = people["O"], number(town, TASK)
    assert office.hand_in(mine).headers["location"] == f"/viec/{mine}?xong=nop"
    assert task(town, TASK).state == "submitted"
    trail = people["I"].text("/nhat-ky?hanh-dong=task.submitted")
    assert "Bình, thay mặt BQL NTM xã Tân Lập" in trail


def test_what_an_account_may_not_do_a_page_does_not_offer(
    people: dict[str, Person], town: Runtime
) -> None:
    mine = number(town, TASK)
    office, leader, inspector = (people[one].open(f"/viec/{mine}").text for one in "OLI")
    assert f'action="/viec/{mine}/nop"' in office
    for gone in ("/don-doc", "/thong-bao", "/don-vi", "/phu-luc/", f"/viec/{mine}/huy"):
        assert gone not in office, gone
    for page in (leader, inspector):
        assert f'action="/viec/{mine}' not in page
        assert "/don-doc?" not in page
        assert 'href="/phu-luc/' in page
    for letter in "LI":
        for path in ("/", "/lien-he", "/lien-he/1", "/kenh", "/thong-bao", "/don-vi/bql-vu-le"):
            page = people[letter].open(path).text
            found = re.findall(r'<form[^>]* method="post" action="([^"]*)"', page)
            assert found == ["/ra", "/ngon-ngu"], (letter, path)
            assert not re.findall(r'href="(/(?:nhap|don-doc|thu-den|lien-he/(?:moi|nhap)))', page)


def test_the_navigation_has_what_the_role_may_use(people: dict[str, Person]) -> None:
    def shown(letter: str, path: str) -> list[str]:
        head = people[letter].open(path).text.partition("<main")[0]
        return re.findall(r'<a href="([^"]+)"', head)

    pages = ["/phu-luc", "/viec", "/lich", "/tieu-chi"]
    assert shown("O", "/viec") == ["/tai-khoan", "/", *pages, *pages]  # in a line, and in a fold
    assert "/nhap" in shown("C", "/")
    assert "/nhap" not in shown("L", "/")
    assert "/nhat-ky" in shown("I", "/")
    assert shown("-", "/vao") == ["/"]


def test_nobody_reviews_what_their_own_body_handed_in(app: FastAPI, town: Runtime) -> None:
    """The coordination office's account that also stands for the body cannot accept."""
    office = town.plan.coordination_office
    both = Person(app, town, Role.COORDINATION, bodies=[office, OWN_BODY])
    mine = number(town, TASK)
    both.hand_in(mine)
    assert both.send(mine, "dat").status_code == 403
    assert task(town, TASK).state == "submitted"
    assert Person(app, town).send(mine, "dat").status_code == 303
    assert task(town, TASK).state == "accepted"


def test_a_leader_decides_only_for_a_body_that_directs_the_row(app: FastAPI, town: Runtime) -> None:
    plan, late = town.plan, number(town, LATE)
    office = Person(app, town, Role.OFFICE, bodies=[OWN_BODY])
    office.send(late, "xin-gia-han", ngay="30/7/2020", ly_do="Chờ số liệu")
    directing = plan.row("VI.1").directing
    may = {*directing, plan.coordination_office}
    others = sorted({one for row in plan.rows for one in row.directing} - may)
    assert directing
    assert others
    foreign = Person(app, town, Role.LEADER, bodies=[others[0]])
    assert foreign.send(late, "dong-y-gia-han", ly_do="").status_code == 403
    leader = Person(app, town, Role.LEADER, bodies=[directing[0]])
    assert "Đồng ý gia hạn" in leader.text(f"/viec/{late}")
    assert leader.send(late, "dat").status_code == 403  # the coordination office reviews
    assert leader.send(late, "dong-y-gia-han", ly_do="").status_code == 303
    assert str(task(town, LATE).due_on) == "2020-07-30"


def test_a_coordination_office_runs_its_own_plans_only(app: FastAPI, town: Runtime) -> None:
    stranger = Person(app, town, Role.COORDINATION, bodies=[OTHER_BODY])
    mine = number(town, TASK)
    for act in ("nop", "huy", "gia-han", "tam-dung"):
        assert stranger.send(mine, act, ly_do="x").status_code == 403
    form = stranger.form(f"/don-doc?viec={mine}")
    answer = stranger.browser.post(f"/don-doc?viec={mine}", data={**form, "buoc": "gui"})
    assert answer.status_code == 403


def test_a_route_without_an_entry_is_refused(town: Runtime) -> None:
    app = create_app(town)
    app.add_api_route("/moi-tinh", lambda: "opened")
    assert Person(app, town, Role.ADMINISTRATOR).open("/moi-tinh").status_code == 403
    assert Person(app, town, None).open("/moi-tinh").status_code == 403


def test_livez_is_for_this_machine(app: FastAPI, town: Runtime) -> None:
    person = Person(app, town, None)
    assert person.open("/livez").status_code == 200
    person.move("203.0.113.7")
    assert person.open("/livez").status_code == 404
    assert person.open("/healthz").status_code in (200, 503)
