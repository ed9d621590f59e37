"""What somebody would try, one after the other: each is refused and logged, and changes nothing.

Deeper tests of each kind are where they belong; docs/threats.md says where.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Client, Response
from sqlalchemy import inspect, select, text
from starlette.testclient import TestClient

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import tokens
from ntm_workflow.chase.tokens import BotAccess
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import EvidenceFile, PersonalLink, Submission, Task
from ntm_workflow.web import guard, visitor
from ntm_workflow.work import channels
from tests import fake_zalo
from tests.attacks.fuzz_town import BODY, DAY, FORM, Town
from tests.scene import SYSTEM
from tests.signing import HOME

# Not part of anybody's work: who is signed in, counted tries.
ASIDE = {"web_session", "login_try", "ticket"}
HOOK = "d" * 32


@pytest.fixture(scope="module")
def town(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("attacked")
    made = Town(f"sqlite:///{folder / 'ntm.db'}", plan, folder / "var")
    with made.rt.sessions.begin() as session:
        secret = tokens.packed_bot(BotAccess("123:abc", HOOK))
        channels.put(session, "oa", "zalobot", secret, made.rt.keys, now=made.rt.now(),
                     actor=SYSTEM)  # fmt: skip
    yield made
    made.rt.engine.dispose()


def everything(town: Town) -> dict[str, Any]:
    """All that is kept: every row of every table, and every file of evidence."""
    with town.rt.engine.connect() as connection:
        rows = {
            name: connection.execute(text(f'SELECT * FROM "{name}"')).all()
            for name in inspect(town.rt.engine).get_table_names()
            if name not in ASIDE
        }
    folder = town.rt.settings.var / "evidence"
    return {**rows, "files": sorted(path for path in folder.rglob("*") if path.is_file())}


class Attacker:
    """A browser; `who` is signed in, if anybody. Its form token is right unless it is told."""

    def __init__(self, town: Town, who: str = "nobody", **cookies: str) -> None:
        self.town = town
        self.browser: Client = TestClient(town.app, base_url=HOME, follow_redirects=False,
                                          client=("127.0.0.1", 50_000))  # fmt: skip
        self.browser.cookies.set(guard.COOKIE, FORM)
        if who in town.cookies:
            self.browser.cookies.set(visitor.COOKIE, town.cookies[who])
        for name, value in cookies.items():
            self.browser.cookies.set(name, value)

    def post(self, path: str, token: str = FORM, headers: dict[str, str] | None = None,
             files: Any = None, **typed: str) -> Response:  # fmt: skip
        data = {guard.FIELD: token, **typed}
        return self.browser.post(path, data=data, headers=headers, files=files)

    def get(self, path: str, **headers: str) -> Response:
        return self.browser.get(path, headers=headers)


Attack = Callable[[Town], Response]


def _cancel(town: Town, **how: Any) -> Response:
    return Attacker(town, "coordination").post(f"/viec/{town.own}/huy", ly_do="x", **how)


def _forged_link(town: Town) -> Response:
    number, _, seal = town.link.partition("-")
    forged = f"{number}-{'b' if seal[0] != 'b' else 'c'}{seal[1:]}"
    return Attacker(town).post(f"/v/{forged}/viec/{town.own}/tiep-nhan")


def _link_of_a_number_that_is_not_there(town: Town) -> Response:
    return Attacker(town).post(f"/v/99999-{town.link.partition('-')[2]}/viec/{town.own}/tiep-nhan")


def _swapped_id_by_link(town: Town) -> Response:
    """A task of another body, through a link of one's own."""
    return Attacker(town).post(f"/v/{town.link}/viec/{_foreign(town, town.own)}/tiep-nhan")


def _swapped_id_signed_in(town: Town) -> Response:
    return Attacker(town, "office").post(f"/viec/{_foreign(town, town.task)}/tiep-nhan")


def _foreign(town: Town, own: str) -> int:
    with town.rt.reader() as session:
        body = session.get_one(Task, int(own)).body_id
        return session.scalars(select(Task.id).where(Task.body_id != body, Task.state == "open")
                               ).first() or 0  # fmt: skip


def _file_of_another(town: Town) -> Response:
    with town.rt.reader() as session:
        query = select(EvidenceFile.id).join(Submission, EvidenceFile.submission_id ==
                                             Submission.id).join(Task)  # fmt: skip
        number = session.scalars(query.where(Task.body_id == BODY)).one()
    stranger = Attacker(town)
    stranger.browser.cookies.set(visitor.COOKIE, town.cookies["other"])
    return stranger.get(f"/minh-chung/{number}")


def _fixed_session(town: Town) -> Response:
    """A cookie that the attacker chose, and that the victim brings along."""
    return Attacker(town, **{visitor.COOKIE: "a" * 43}).post(f"/viec/{town.own}/huy", ly_do="x")


def _replay(town: Town) -> Response:
    """A call that was Zalo's, with another secret."""
    call = fake_zalo.bot_update("c0ffee12", "chào", secret="e" * 32)
    outside: Client = TestClient(town.app, base_url=HOME)
    return outside.post("/zalo/oa", content=call.body, headers=call.headers)


def _huge(town: Town) -> Response:
    head = {"content-length": str(10**12), "content-type": "application/x-www-form-urlencoded"}
    return Attacker(town).browser.post("/vao", content=b"x", headers=head)


ATTACKS: dict[str, tuple[Attack, tuple[int, ...], str]] = {
    "csrf: no token": (lambda t: _cancel(t, token=""), (422,), "form.expired"),
    "csrf: a token of another browser": (lambda t: _cancel(t, token="g" * 43), (422,), "form.exp"),
    "csrf: from another site": (
        lambda t: _cancel(t, headers={"origin": "https://evil.example"}), (403,), "foreign form"),
    "csrf: a browser says cross-site": (
        lambda t: _cancel(t, headers={"sec-fetch-site": "cross-site"}), (403,), "foreign form"),
    "csrf: half an origin": (
        lambda t: _cancel(t, headers={"origin": "http://[::1"}), (403,), "foreign form"),
    "a forged link": (_forged_link, (404, 429), "link refused"),
    "a link of no number": (_link_of_a_number_that_is_not_there, (404, 429), "link refused"),
    "a task of another body by link": (_swapped_id_by_link, (404, 429), "link refused"),
    "a task of another body signed in": (_swapped_id_signed_in, (404,), "foreign thing refused"),
    "a file of another body": (_file_of_another, (404,), "foreign thing refused"),
    "a role that may only read acts": (
        lambda t: Attacker(t, "inspector").post(f"/viec/{t.own}/huy", ly_do="x"), (403,), "refus"),
    "an office runs the plans": (
        lambda t: Attacker(t, "office").post("/kenh/mail", viec="dong"), (403,), "refused role"),
    "a chosen session": (_fixed_session, (303,), ""),
    "a webhook of nobody": (_replay, (401,), "zalo call refused"),
    "a webhook without a secret": (
        lambda t: Attacker(t).browser.post("/zalo/oa", content=b"{}"), (401,), "zalo call refused"),
    "a webhook of no channel": (
        lambda t: Attacker(t).browser.post("/zalo/x", content=b"{}"), (404,), ""),
    "a host that is not ours": (lambda t: Attacker(t).get("/", host="evil.example"), (400,), ""),
    "half a host": (lambda t: Attacker(t).get("/", host="[::1"), (400,), ""),
    "a length that is no number": (_huge, (413,), ""),
    "a path out of the folder": (lambda t: Attacker(t, "coordination").get(
        "/static/..%2f..%2fsettings.py"), (404,), ""),
    "a mail out of the folder": (lambda t: Attacker(t, "coordination").get(
        "/thu-den/..%2f..%2fsecret"), (404,), ""),
    "a kind of file that is none": (lambda t: Attacker(t, "coordination").post(
        "/xuat/viec", dang="../x"), (422,), ""),
    "a letter with a header of its own": (lambda t: Attacker(t, "coordination").post(
        "/lien-he/moi", ten="An", don_vi=BODY, thu="a@x.vn\r\nBcc: b@x.vn"), (422,), ""),
    "two addresses in one": (lambda t: Attacker(t, "coordination").post(
        "/lien-he/moi", ten="An", don_vi=BODY, thu="a@x.vn, b@x.vn"), (422,), ""),
    "a method that is none": (lambda t: Attacker(t).browser.request("TRACE", "/"), (404, 405), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_logged_and_changes_nothing(
    town: Town, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    act, statuses, logged = ATTACKS[name]
    caplog.set_level(logging.INFO, "ntm")
    town.cookies.setdefault("other", town._signed_in_of("bql-vu-le"))
    before = everything(town)
    answer = act(town)
    assert answer.status_code in statuses, answer.text[:300]
    assert logged in caplog.text
    after = everything(town)
    changed = {table for table in before if before[table] != after[table]}
    assert changed == set()
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/vao")
    assert town.link not in caplog.text


def test_a_webhook_that_is_replayed_is_taken_once(town: Town) -> None:
    call = fake_zalo.bot_update("c0ffee12", "chào", secret=HOOK)
    browser = TestClient(town.app, base_url=HOME)
    sent = [browser.post("/zalo/oa", content=call.body, headers=call.headers) for _ in range(3)]
    assert [one.status_code for one in sent] == [200] * 3
    with town.rt.engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM inbound WHERE channel = 'oa'"))
        assert kept.scalar() == 1
    town.app.state.porter.join()


# The OWASP list: names that lead elsewhere or pretend, contents that would run.
UPLOADS: dict[str, tuple[str, bytes]] = {
    "a folder": ("../../../../etc/cron.d/x", b"* * * * * root id"),
    "a folder of Windows": ("..\\..\\Windows\\x.dll", b"MZ"),
    "an absolute path": ("/etc/passwd", b"root::0:0"),
    "a NUL": ("a.php\x00.pdf", b"<?php"),
    "two endings": ("a.pdf.exe", b"MZ\x90"),
    "right to left": ("bao-cao\u202efdp.exe", b"MZ\x90"),
    "zero width": ("bao\u200bcao.pdf", b"%PDF-1.4"),
    "line ends": ("a\r\nContent-Type: text/html\r\n\r\n.pdf", b"%PDF-1.4"),
    "quotes": ('a"; filename="b.html', b"<script>"),
    "a name of a server": (".htaccess", b"AddType application/x-httpd-php .pdf"),
    "a device": ("CON", b"x"),
    "a stream": ("a.pdf:evil.exe", b"MZ"),
    "an endless name": ("á" * 5000 + ".pdf", b"%PDF-1.4"),
    "decomposed": ("ba\u0301o ca\u0301o.pdf", b"%PDF-1.4"),
    "dots alone": ("...", b"x"),
    "a page": ("a.html", b"<script>alert(1)</script>"),
    "a picture that runs": ("a.svg", b'<svg onload="alert(1)" xmlns="x"/>'),
    "two things at once": ("a.gif", b"GIF89a/*<script>*/=1;alert(1)"),
    "a test virus": ("eicar.com", b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD"),
    "a formula": ("=cmd|' /C calc'!A0.csv", b"=cmd|' /C calc'!A0"),
}  # fmt: skip


@pytest.mark.parametrize("name", UPLOADS)
def test_an_uploaded_file_leads_nowhere_pretends_nothing_and_never_runs(
    town: Town, name: str
) -> None:
    """Either refused, or kept under its hash and given back as a download that can do nothing."""
    office = Attacker(town, "coordination")
    with town.rt.reader() as session:
        task = session.scalars(
            select(Task.id).where(Task.state == "open", Task.due_on > DAY)
        ).first()
    typed = {"so_van_ban": "9/BC-UBND", "ngay": "20/6/2020", "trich_yeu": "x", "phien_ban": "1"}
    answer = office.post(f"/viec/{task}/nop", FORM, None, [("tep", UPLOADS[name])], **typed)
    if answer.status_code in (400, 422):
        assert not _handed_in(town, task)
        return
    assert answer.status_code == 303
    (kept,) = _handed_in(town, task)
    assert not any(c in kept.name for c in "/\\\r\n\0\u202e\u200b")
    assert kept.name.isprintable()
    assert kept.name.strip(" .") == kept.name != ""
    assert len(kept.name) <= 200
    (place,) = (town.rt.settings.var / "evidence").rglob(kept.sha256)
    assert not place.stat().st_mode & 0o111
    answer = office.get(f"/minh-chung/{kept.id}")
    assert answer.content == UPLOADS[name][1]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def _handed_in(town: Town, task: int | None) -> list[EvidenceFile]:
    query = select(EvidenceFile).join(Submission, EvidenceFile.submission_id == Submission.id)
    with town.rt.reader() as session:
        return list(session.scalars(query.where(Submission.task_id == task)))


def test_nothing_that_a_page_lets_people_type_is_ever_called() -> None:
    """Addresses that the server calls come from its settings and commands, never from a form."""
    calling = ("httpx", "urllib.request", "requests", "apprise", "smtplib", "imaplib", "socket")
    package = Path(guard.__file__).parent
    found = {
        path.name
        for path in package.glob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.strip().startswith(("import ", "from ")) and line.split()[1].startswith(calling)
    }
    assert found == {"provider.py"}  # to the one issuer of the settings


@pytest.mark.parametrize(
    ("url", "taken"),
    [("json://{address}", False), ("json://user@{address}:80/x", False), ("ntfy://{address}", True),
     ("json://10.0.0.1/{address}", True), ("tgram://123:abc/{address}", True),
     ("JSONS://a.{address}/x", False)],
)  # fmt: skip
def test_a_recipients_address_never_chooses_which_machine_is_called(
    town: Town, url: str, taken: bool
) -> None:
    rt = town.rt
    with rt.sessions() as session:
        if taken:
            channels.put(session, "other", "apprise", url, rt.keys, now=rt.now(), actor=SYSTEM)
        else:
            with pytest.raises(Refused, match=r"channel\.address_is_host"):
                channels.put(session, "x", "apprise", url, rt.keys, now=rt.now(), actor=SYSTEM)
        session.rollback()


def test_no_link_is_guessed_by_trying_and_none_that_opens_is_shut_out(town: Town) -> None:
    with town.rt.reader() as session:
        assert session.scalars(select(PersonalLink.id)).first()
    attacker = Attacker(town)
    wrong = [attacker.get(f"/v/1-{'a' * 24}").status_code for _ in range(30)]
    assert wrong[0] in (404, 429)
    assert wrong[-1] == 429
    assert attacker.get(f"/v/{town.link}").status_code == 200
