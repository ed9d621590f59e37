"""Who may ask, and what every answer carries."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ntm_workflow.runtime import Runtime
from tests.web.web_office import HOME, TASK, Person, number, plain, task

PAGES = ("/", "/viec", "/viec/1", "/khong-co", "/healthz", "/viec/1/nop", "/static/style.css")


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_headers_that_tie_the_browser_down(an: Person, path: str) -> None:
    headers = an.open(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    kept = "immutable" if path.startswith("/static") else "no-store"
    assert kept in headers["cache-control"]


@pytest.mark.parametrize("path", ["/viec", "/phu-luc", "/static/style.css", "/static/hand-in.js"])
def test_pages_travel_packed_to_who_takes_them_packed(an: Person, path: str) -> None:
    packed = an.open(path)
    plainly = an.browser.get(path, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plainly.headers
    assert packed.text == plainly.text
    assert int(packed.headers["content-length"]) < len(plainly.content) / 2


def test_a_document_travels_as_it_is(an: Person, town: Runtime) -> None:
    paper = b"%PDF-1.4\n" + b"0" * 5_000
    one = number(town, TASK)
    an.hand_in(one, files={"tep": ("bc.pdf", paper, "application/pdf")})
    (found,) = re.findall(r'href="(/minh-chung/\d+)"', an.open(f"/viec/{one}").text)
    answer = an.open(found)
    assert answer.content == paper
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:4200"},  # another program on this machine
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": HOME, "sec-fetch-site": "cross-site"},
    ],
)
def test_a_form_of_another_page_is_refused_even_with_the_right_token(
    an: Person, town: Runtime, headers: dict[str, str]
) -> None:
    one = number(town, TASK)
    an.browser.headers.update(headers)
    answer = an.send(one, "huy", ly_do="x")
    assert answer.status_code == 403
    assert "chỉ nhận biểu mẫu gửi từ chính trang của mình" in plain(answer.text)
    assert task(town, TASK).state == "open"


@pytest.mark.parametrize("headers", [{}, {"origin": HOME, "sec-fetch-site": "same-origin"}])
def test_our_own_forms_are_taken(an: Person, town: Runtime, headers: dict[str, str]) -> None:
    an.browser.headers.update(headers)
    assert an.send(number(town, TASK), "tiep-nhan").status_code == 303


@pytest.mark.parametrize("token", ["", "x" * 43, None])
def test_a_form_without_the_token_of_its_browser_changes_nothing_and_keeps_what_was_typed(
    an: Person, chi: Person, town: Runtime, token: str | None
) -> None:
    one = number(town, TASK)
    form = an.form(f"/viec/{one}")
    form["ma_bao_ve"] = chi.form(f"/viec/{one}")["ma_bao_ve"] if token is None else token
    answer = an.hand_in(one, form=form, trich_yeu="Báo cáo dài", files=[("tep", ("a", b"a"))])
    assert answer.status_code == 422
    assert "Biểu mẫu đã mở quá lâu" in plain(answer.text)
    assert ">Báo cáo dài</textarea>" in answer.text
    assert task(town, TASK).state == "open"
    assert not (town.settings.var / "evidence").exists()


def test_the_token_is_out_of_reach_of_scripts_and_other_sites(an: Person) -> None:
    cookie = an.open("/viec/1").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "set-cookie" not in an.open("/viec/1").headers  # one browser, one token


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a@127.0.0.1", ""])
def test_a_foreign_host_name_gets_no_page(app: FastAPI, host: str) -> None:
    answer = TestClient(app, base_url=HOME).get("/", headers={"host": host})
    assert answer.status_code == 400
    assert "Quá hạn" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "LOCALHOST"])
def test_this_machine_is_known_by_its_names(app: FastAPI, host: str) -> None:
    assert TestClient(app, base_url=HOME).get("/healthz", headers={"host": host}).is_success


def test_asking_for_the_head_of_a_page_is_fine(an: Person) -> None:
    assert an.browser.head("/").status_code == 200
    assert an.browser.put("/viec/1").status_code in (404, 405)


def test_markup_that_people_type_is_shown_not_followed(an: Person, town: Runtime) -> None:
    one = number(town, TASK)
    an.hand_in(one, trich_yeu='<img src=x onerror="alert(1)">', ghi_chu="{{ 7*7 }}",
               files=[("tep", ("<i>.txt", b"a"))])  # fmt: skip
    an.send(one, "tra-lai", ly_do="<script>alert(1)</script>")
    for path in (f"/viec/{one}", "/nhat-ky", "/", "/viec?tim=<script>alert(2)</script>"):
        page = an.open(path).text
        assert "<img" not in page
        assert not re.search(r'<script(?! src="/static/[\w-]+\.js\?v=\w+" defer></script>)', page)
        assert "<i>" not in page
