"""Vietnamese and English: every sentence in both, and nothing of one in the pages of the other."""

from __future__ import annotations

import dataclasses
import html
import inspect
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import click
import holidays
import pytest
from babel.messages.extract import extract_from_dir
from fastapi import FastAPI
from sqlalchemy import select

from ntm_workflow import cli, texts
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Base
from ntm_workflow.web import desk, guard, task_filter
from ntm_workflow.web.app import create_app
from ntm_workflow.work.accounts import Role
from tests.bodies_scene import Bodies, end
from tests.importers import makers
from tests.web.test_import_page import new_draft
from tests.web.test_personal_pages import link
from tests.web.test_rights import WHO
from tests.web.web_office import DAY, LATE, ROOT, TASK, TESTER, Person, number, plain, submissions

PACKAGE = ROOT / "ntm_workflow"
VIETNAMESE = re.compile(
    r"[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE
)
KEYED = re.compile(r"{(\w+)")
NAMED = re.compile(r"%\((\w+)\)s")
TAG = re.compile(r"<[^>]+>")
CODE = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)
# Words of the paper are quoted; what does not fit into a list of choices is cut.
QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|09/2019/NĐ-CP|BQL xã Vũ Lễ|Clerk of Vũ Lễ|Hùng Kings")
NEW = "Phòng Nội Vụu mới"
DRAFT = makers.TEXT.replace("Số: 28".encode(), "Số: 31".encode(), 1).replace(
    "Phòng Nội Vụ".encode(), NEW.encode(), 1
)
UNDATED = makers.TEXT.replace("Số: 28".encode(), "Số: 32".encode(), 1).replace(
    "Quý II, III, IV".encode(), "Quý hai rưỡi".encode(), 1
)


# -- the catalogues -------------------------------------------------------------------


def test_every_keyed_sentence_is_there_in_both_languages_with_the_same_blanks() -> None:
    vietnamese, english = (texts.catalogue("texts", one) for one in ("vi", "en"))
    missing = set(vietnamese) - set(english)
    assert all(key.startswith("letter.") for key in missing), missing  # documents of the state
    assert set(english) - set(vietnamese) == set()
    assert len(english) > 1_800
    odd = [
        key
        for key, forms in english.items()
        for form in forms
        if not set(KEYED.findall(form)) <= set(KEYED.findall(vietnamese[key][0]))
    ]
    named = {"picture.month", "year.month_name", "period.quarter", "period.month"}
    assert set(odd) == named  # "June", "Q2 2020"
    quoting = {key for key, forms in english.items() if VIETNAMESE.search(forms[-1])}
    assert quoting == QUOTING


@pytest.mark.parametrize(("spoken", "figure"), [("vi", "2.450"), ("en", "2,450")])
def test_a_count_in_any_sentence_is_grouped_as_its_language_does(spoken: str, figure: str) -> None:
    with texts.speaking(spoken):
        assert figure in texts.distance(date(2013, 10, 7), date(2020, 6, 22))
        assert texts.say("period.year", year=2020)[-4:] == "2020"
        for key, forms in texts.catalogue("texts", spoken).items():
            if counted := set(KEYED.findall(forms[-1])) & texts.COUNTED - {"count"}:
                others = dict.fromkeys(KEYED.findall(forms[-1]), "–")
                said = texts.say(key, **others | {"count": 2} | dict.fromkeys(counted, 2450))
                assert said.count(figure) >= len(counted), key
            if "{count}" in forms[-1]:
                others = dict.fromkeys(KEYED.findall(forms[-1]), "–")
                assert figure in texts.say(key, **others | {"count": 2450}), key
        template = "{% trans count, year=2020 %}{{ count }}, {{ year }}{% endtrans %}"
        drawn = desk.environment().from_string(template).render(count=2450)
        assert drawn == f"{figure}, 2020"


def test_what_is_grouped_is_filled_into_some_sentence() -> None:
    said = {name for forms in texts.catalogue("texts", "vi").values()
            for name in KEYED.findall(forms[0])}  # fmt: skip
    said |= {name for sentence in sentences() for name in NAMED.findall(sentence)}
    assert texts.COUNTED - said == set()


@pytest.mark.parametrize("path", ["/", "/viec", "/tham-dinh", "/bieu-do", "/lich", "/viec/1"])
def test_no_page_says_a_number_of_days_without_grouping(town: Runtime, path: str) -> None:
    town.set_simulated(date(2027, 3, 8), TESTER)  # what was due in June 2020 is late by 2,450 days
    person = Person(create_app(town), town)
    said = person.text(path)
    assert not re.search(r"\d{4} (?:ngày|việc|đơn vị|kỳ)", said)
    if path.startswith("/viec"):
        assert re.search(r"quá hạn 2\.\d{3} ngày", said)


def test_every_error_of_ours_has_words() -> None:
    source = (ROOT / "ntm_workflow" / "errors.py").read_text("utf-8")
    keys = re.findall(r'super\(\).__init__\("([a-z_.]+)"', source)
    assert keys
    assert {key for key in keys if not texts.has(key)} == set()


# English sentences that name or quote what is Vietnamese: a decree, a place, a file.
QUOTING = {
    "amend.no_document", "bundle.readme", "calendar.expected", "import.ask.head.no_title",
    "import.ask.target.no_figures", "letter.to_report", "nhap.hint.place", "nhap.hint.title",
    "quarter-letter.file", "quarter-letter.text", "timing.again", "why.cut_off",
    "year.expected_why",
}  # fmt: skip


# Names that the calendar gives.
DAYS_OFF = {
    re.sub(r" \(nghỉ bù\)$", "", name)
    for year in range(2018, 2030)
    for name in holidays.country_holidays("VN", years=year, language="vi").values()
    if not name.startswith("Ngày nghỉ (")
} | {"thứ Bảy", "Chủ nhật"}


def help_of(command: click.Command) -> Iterator[str]:
    """What the help of a command says, and of those below it."""
    yield inspect.cleandoc(command.help or "")
    for one in command.params:
        yield from filter(None, (getattr(one, "help", None), one.metavar))
    if isinstance(command, click.Group) and not isinstance(command, cli.Lazy):
        for below in command.commands.values():
            yield from help_of(below)


def command(context: click.Context, name: str) -> click.Command:
    found = cli.cli.get_command(context, name)
    assert found, name
    return found


def commands() -> set[str]:
    """Every Vietnamese sentence of the help of commands."""
    context = click.Context(cli.cli)
    groups = [cli.cli, *(command(context, name) for name in cli.COMMANDS)]
    found = {"Lệnh", *(about for _, about in cli.COMMANDS.values())}
    found |= {said for one in groups for said in help_of(one)}
    return {said for said in found if VIETNAMESE.search(said)}


def sentences() -> set[str]:
    """Every Vietnamese sentence that a template holds."""
    options = {"trimmed": "true", "silent": "false"}
    found = extract_from_dir(
        str(PACKAGE), [("**/templates/**.html", "jinja2")], {"**/templates/**.html": options}
    )  # fmt: skip
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def test_every_sentence_outside_the_catalogues_has_its_english_and_none_is_left_over() -> None:
    english = texts.catalogue("pages", "en")
    said = sentences() | commands()
    assert said - set(english) == set()
    assert set(english) - said == DAYS_OFF
    for sentence, forms in english.items():
        for form in forms:
            assert set(NAMED.findall(form)) == set(NAMED.findall(sentence)), sentence
            assert sorted(TAG.findall(form)) == sorted(TAG.findall(sentence)), sentence


def test_no_template_holds_a_sentence_that_is_not_translated() -> None:
    for path in PACKAGE.glob("*/templates/*.html"):
        source = path.read_text("utf-8")
        source = re.sub(r"{% trans .*?{% endtrans %}|{#.*?#}", "", source, flags=re.S)
        source = re.sub(r"_\('[^']*'[^)]*\)|_\(\"[^\"]*\"[^)]*\)", "", source)
        assert not VIETNAMESE.search(source), path.name
        words = re.findall(r"(?<!_\()'([A-Z][a-z]+)'", "".join(CODE.findall(source)))
        assert set(words) <= {"Subject", "From", "To"}, path.name  # heads of a mail


# -- the pages ------------------------------------------------------------------------


def strings(value: Any) -> Iterator[str]:
    """Every string inside a plan."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, dict):
        for pair in value.items():
            yield from strings(pair)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from strings(one)


def data(rt: Runtime) -> list[str]:
    """What people wrote: every string of plans, files and the database, long ones first."""
    found = {
        *strings(list(rt.plans.values())),
        *re.split(r"[\t|]", f"{DRAFT.decode()}|{UNDATED.decode()}"),
    }
    with rt.reader() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                found |= {value for value in row if isinstance(value, str)}
    lines = {" ".join(line.split()) for one in found for line in [one, *one.splitlines()]}
    lines |= {task_filter.shortened(f"{one.id} {one.content}") for one in rt.plan.all_rows}
    lines |= {f"{unit.type} {unit.name}" for unit in rt.plan.units}
    lines |= {NEW, "cấp xã", "Trước ngày 30/6", "Hàng tháng", *texts.LANGUAGES.values()}
    told = (one for one in lines if VIETNAMESE.search(one) and len(one) > 3)
    return sorted(told, key=len, reverse=True)


def in_english(person: Person) -> Person:
    person.browser.cookies.set(guard.LANGUAGE, "en")
    return person


def labels(page: str, known: list[str]) -> str:
    """A page's words, and those that only some hear, without what people wrote."""
    spoken = re.findall(r'(?:aria-label|title|placeholder|alt|data-l)="([^"]*)"', page)
    text = " ".join([plain(page), *(html.unescape(one) for one in spoken)])
    for one in known:
        text = text.replace(one, "·").replace(one[:1].upper() + one[1:], "·")
    return QUOTED.sub("", text)


def test_no_page_in_english_has_a_vietnamese_word_but_what_people_wrote(
    app: FastAPI, town: Runtime
) -> None:
    an = in_english(Person(app, town, Role.ADMINISTRATOR, bodies=[town.plan.coordination_office]))
    an.hand_in(number(town, TASK), files={"tep": ("a.pdf", b"x", "application/pdf")})
    an.send(number(town, LATE), "xin-gia-han", ngay="30/7/2020", ly_do="wait")
    path = f"/don-doc?viec={number(town, LATE)}"
    an.browser.post(path, data={**an.form(path), "buoc": "gui"})
    left_behind = Bodies(town)
    left_behind.record(end("bql-chieu-vu", on=DAY))
    left_behind.refuse(left_behind.proposals()[0].id, "wait", DAY)
    draft, undated = new_draft(an, DRAFT), new_draft(an, UNDATED)
    own = link(town)
    row, period, body = TASK.split("/")
    said = {
        "token": own.rpartition("/")[2], "task": number(town, LATE), "number": 1, "index": 1,
        "name": "x",
        "task_id": number(town, TASK), "row": row, "period": period, "body": body,
        "file_id": submissions(town, TASK)[0].files[0].id, "row_id": "II.1", "body_id": body,
        "notice_id": 1, "kind": "csv", "draft_id": draft, "when": "2020-06", "filter_id": 1,
    }  # fmt: skip
    paths = [key[4:].format(**said) for key in WHO if key.startswith("GET ")]
    paths += ["/viec", "/viec?tinh-trang=qua-han&cap=xa", "/thong-bao?trang-thai=sent",
              "/lich/2020-W25", "/nhat-ky?kiem-tra=1", "/don-doc?tinh-trang=qua-han",
              "/don-vi?xep=dung-han", f"/viec/{number(town, LATE)}", "/phu-luc/III.1",
              "/ban-giao?xem=da-tu-choi", f"/nhap/{undated}"]  # fmt: skip
    found = {}
    for path in paths:
        answer = an.open(path)
        assert answer.status_code < 500, path
        if "text/html" in answer.headers.get("content-type", ""):
            found[path] = answer.text
    assert "row TC16: “" in plain(found["/cau-hoi"])  # where the paper is quoted from
    known = data(town)
    wrong = {
        path: [word for word in labels(page, known).split() if VIETNAMESE.search(word)]
        for path, page in found.items()
    }
    wrong = {path: words for path, words in wrong.items() if words}
    assert not wrong, "\n".join(f"{path}: {' '.join(words)[:600]}" for path, words in wrong.items())
    assert "Understood as “Quý II”, but not the words “rưỡi”." in plain(found[f"/nhap/{undated}"])
    assert len(found) > 40
    assert [path for path, page in found.items() if 'lang="en"' not in page] == [
        "/thong-bao/1/thu"  # a mail as it was sent
    ]


def test_dates_and_numbers_are_written_as_the_language_writes_them(an: Person) -> None:
    assert "Thứ Hai 22/6/2020" in an.text("/")
    in_english(an)
    assert "Monday 22 June 2020" in an.text("/")
    with texts.speaking("en"):
        assert texts.period("2020-Q2") == "Q2 2020"
        assert texts.number(1234567) == "1,234,567"
        assert texts.distance(date(2020, 6, 23), date(2020, 6, 22)) == "1 day left"
    assert texts.number(1234567) == "1.234.567"
    assert texts.distance(date(2020, 6, 20), date(2020, 6, 22)) == "quá hạn 2 ngày"


# -- choosing -------------------------------------------------------------------------


def choose(who: Person, to: str, back: str, **changes: str) -> Any:
    form = {**who.form("/viec"), "ve_trang": back}
    return who.browser.post("/ngon-ngu", data={**form, "ngon-ngu": to, **changes})


def test_a_button_changes_the_language_and_leads_back(an: Person) -> None:
    answer = choose(an, "en", "/viec?tinh-trang=qua-han")
    assert (answer.status_code, answer.headers["location"]) == (303, "/viec?tinh-trang=qua-han")
    assert "Sign out" in an.text("/viec")
    assert choose(an, "vi", "/viec").status_code == 303
    assert "Đăng xuất" in an.text("/viec")


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "/\\evil.example", ""])
def test_the_button_leads_nowhere_else(an: Person, back: str) -> None:
    assert choose(an, "en", back).headers["location"] == "/"


def test_a_foreign_form_and_an_unknown_language_change_nothing(an: Person) -> None:
    assert choose(an, "en", "/viec", ma_bao_ve="x").status_code == 422
    assert choose(an, "fr", "/viec").status_code == 303
    assert guard.LANGUAGE not in an.browser.cookies


def test_the_wish_of_the_browser_is_not_asked(app: FastAPI, town: Runtime) -> None:
    page = Person(app, town, None).browser.get("/vao", headers={"accept-language": "en"}).text
    assert 'lang="vi"' in page
    assert "Đăng nhập" in page


def test_a_personal_page_speaks_english_too_and_its_button_works_without_a_referrer(
    app: FastAPI, town: Runtime
) -> None:
    who, page = Person(app, town, None), link(town)
    form = {**who.form(page), "ngon-ngu": "en"}
    answer = who.browser.post("/ngon-ngu", data=form, headers={"origin": "null"})
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "Unfinished tasks" in who.text(page)


def test_what_is_sent_and_kept_is_in_the_language_of_the_office(an: Person, town: Runtime) -> None:
    path = f"/don-doc?viec={number(town, LATE)}"
    typed = {**an.form(path), "buoc": "xem"}
    before = an.browser.post(path, data=typed).text
    in_english(an)
    after = an.browser.post(path, data=typed).text
    mail = re.compile(r"<pre\b.*?</pre>", re.S)
    assert mail.findall(before) == mail.findall(after) != []
    assert "Preview" in plain(after) or "Send 1 notice" in plain(after)
