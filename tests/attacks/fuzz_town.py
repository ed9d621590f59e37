"""The pages that are fuzzed: an office at work, and visitors of every kind."""

from __future__ import annotations

import html
import io
import logging
import re
import traceback
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from httpx import Client, Response
from sqlalchemy import select
from starlette.testclient import TestClient

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import confirm, notice_seal
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    Address,
    Contact,
    ContactBody,
    EvidenceFile,
    Notice,
    SavedFilter,
    Task,
)
from ntm_workflow.web import guard
from ntm_workflow.web.app import create_app
from ntm_workflow.web.door import Throttle
from ntm_workflow.web.visitor import COOKIE
from ntm_workflow.work import channels, evidence, links, saved_filters, tasks
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By
from tests.attacks.strange import Asked, Filled, Known
from tests.bodies_scene import Bodies, split
from tests.scene import SYSTEM, Scene, fresh
from tests.signing import HOME, signed_in

DAY = date(2020, 6, 22)
BODY, OTHER = "bql-tan-lap", "bql-vu-le"
TASK = f"III.1/2020-06/{BODY}"
FORM = "f" * 43  # what every browser here has for its forms
VISITORS = ("coordination", "administrator", "office", "leader", "inspector", "nobody", "stranger")


# A form: its method, where it leads, what is between its ends.
_FORM = re.compile(r'<form\b[^>]*? method="(\w+)"[^>]*? action="([^"]*)"[^>]*>(.*?)</form>', re.S)
_INPUT = re.compile(r'<(?:input|button|select|textarea)\b[^>]*? name="([^"]+)"([^>]*)>([^<]*)')


def _fields(inside: str) -> list[tuple[str, str]]:
    """Each field of a form as it is drawn; of a choice, any."""
    found = []
    for name, rest, text in _INPUT.findall(inside):
        value = re.search(r'value="([^"]*)"', rest)
        found.append((name, value[1] if value else text.strip()))
    chosen = re.findall(r'<option value="([^"]+)"', inside)
    return found + [(name, chosen[0]) for name, value in found if not value and chosen][:1]


class Town:
    """An office on 22 June 2020: tasks, evidence, notices, a draft, a link, a body that ended."""

    def __init__(self, url: str, plan: Plan, var: Path) -> None:
        self.scene: Scene = fresh(url, plan, var)
        self.rt: Runtime = self.scene.rt
        self.rt.set_simulated(DAY, SYSTEM)
        self.scene.example_contacts()
        self.scene.open(DAY)
        self.scene.remind(DAY)
        Bodies(self.rt).record(split("bql-chieu-vu", "bql-mot", "bql-hai", on=DAY))
        self._hand_in()
        self.app: FastAPI = create_app(self.rt)
        self.known = self._known()
        self.cookies = self._cookies()
        self.asked: Counter[int] = Counter()
        self.broken: dict[str, str] = {}
        self._last: logging.LogRecord | None = None
        heard = logging.Handler(logging.ERROR)
        heard.emit = self._heard  # type: ignore[method-assign]
        logging.getLogger("ntm.web").addHandler(heard)

    def _hand_in(self) -> None:
        rt = self.rt
        stored = rt.files.put("báo cáo.pdf", io.BytesIO(b"%PDF-1.4 x"))
        by = By(SYSTEM, rt.now())
        with rt.sessions.begin() as session:
            task = tasks.find(session, TASK)
            doc = evidence.document("12/BC-BQL", DAY, "Báo cáo", "BQL xã", DAY)
            evidence.submit(session, task, rt.plan, rt.days, doc,
                            by=Actor("An", "office", BODY, via="test"), now=rt.now(), today=DAY,
                            files=[stored])  # fmt: skip
            speaks = select(ContactBody.contact_id).where(ContactBody.body_id == OTHER)
            contact = session.scalars(speaks).one()
            mine = select(Task.id).where(Task.body_id == OTHER, Task.state == "open")
            self.own = str(session.scalars(mine.order_by(Task.id)).first())
            self.task = str(task.id)
            self.link = links.token(rt.keys, links.make(session, contact, 45, by))
            saved_filters.save(session, "của tôi", "q=x", by=SYSTEM, now=rt.now())
            channels.put(session, "oa", "zalobot", "123:abc", rt.keys, now=rt.now(), actor=SYSTEM)

    def _known(self) -> Known:
        with self.rt.reader() as session:
            ids = {model: [str(n) for n in session.scalars(select(model.id).limit(5))]
                   for model in (Task, Contact, Notice, EvidenceFile, SavedFilter)}  # fmt: skip
            notice = session.scalars(select(Notice)).first()
            address = session.scalars(select(Address)).first()
            assert notice
            assert address
            keys = self.rt.keys
            stop = notice_seal.made(keys, notice_seal.STOP, notice)
            tokens = [self.link, confirm.token(keys, address), stop, "12-" + "a" * 24]
        row, period, body = TASK.split("/")
        parts = {
            "token": tokens, "task": ids[Task], "task_id": ids[Task], "number": ids[Contact],
            "file_id": ids[EvidenceFile], "filter_id": ids[SavedFilter], "draft_id": ["1"],
            "notice_id": ids[Notice], "body_id": [body, OTHER], "body": [body, OTHER],
            "row": [row], "row_id": [row, "TC16"], "period": [period], "channel": ["oa", "mail"],
            "when": ["2020-06", "nam"], "kind": ["csv", "xlsx"],
        }  # fmt: skip
        values = [body, row, period, "2020-06-22", "25/6/2020", "12/BC-UBND", "an@xa.example.vn",
                  self.rt.plan.id, "1", "08:00", *tokens]  # fmt: skip
        task, contact, told = ids[Task][0], ids[Contact][0], ids[Notice][0]
        pages = [f"/viec/{task}", f"/viec/{self.task}", f"/lien-he/{contact}", "/lien-he/moi",
                 "/lien-he/nhap", f"/don-doc?viec={task}", "/don-doc", "/kenh", "/tai-khoan",
                 "/viec", f"/xu-ly?viec={task}", "/nhap", "/nhat-ky", f"/thong-bao/{told}",
                 "/thu-tra-loi", f"/v/{self.link}", f"/v/{self.link}/viec/{self.own}", "/vao",
                 "/ban-giao", "/du-bao", "/bieu-do", "/lich", "/lien-he", "/thong-bao", "/",
                 f"/v/xac-nhan/{tokens[1]}", f"/v/ngung/{tokens[2]}"]  # fmt: skip
        return Known(parts, values, pages)

    def _cookies(self) -> dict[str, str]:
        return {"stranger": "x" * 43, **{name: self._signed_in(name) for name in VISITORS[:5]}}

    def _signed_in(self, name: str) -> str:
        own = {"office": [BODY], "leader": ["ubnd-huyen"]}.get(name)
        return signed_in(self.rt, Role(name), own, name=name)

    def _signed_in_of(self, body: str) -> str:
        """A browser of somebody of another body."""
        return signed_in(self.rt, Role.OFFICE, [body], name="Chi")

    def _heard(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._last = record

    def fill(self, form: Filled) -> int:
        """Open the page of a form, fill it in, and send it."""
        drawn = self.ask(Asked("GET", form.page, form.who, True))
        every = _FORM.findall(drawn.text)
        if not every:
            return drawn.status_code
        method, action, inside = every[form.which % len(every)]
        fields = [(name, html.unescape(value)) for name, value in _fields(inside)]
        fields = [one for one in fields if one[0] != guard.FIELD]
        for at, value in form.changes if fields else ():
            name = fields[at % len(fields)][0]
            fields[at % len(fields)] = (name, "" if value is None else value)
        address = html.unescape(action)
        if method == "get":
            said = urlencode([(name, value[:800]) for name, value in fields])
            return self.send(Asked("GET", f"{address}?{said}", form.who, True))
        return self.send(Asked("POST", address, form.who, True, fields, form.files))

    def send(self, asked: Asked) -> int:
        return self.ask(asked).status_code

    def ask(self, asked: Asked) -> Response:
        """Send a request as a browser would; keep what broke, once for each place."""
        self._last = None
        self.app.state.throttle = Throttle()
        browser: Client = TestClient(
            self.app, base_url=HOME, follow_redirects=False, client=("127.0.0.1", 5),
            raise_server_exceptions=False,
        )  # fmt: skip
        kept = {guard.COOKIE: FORM}
        if asked.who in self.cookies:
            kept[COOKIE] = self.cookies[asked.who]
        head = {"cookie": "; ".join(f"{k}={v}" for k, v in kept.items()).encode(), **asked.headers}
        body: dict[str, Any] = {}
        if asked.raw is not None:
            body = {"content": asked.raw}
        elif asked.method == "POST":
            fields = [*asked.fields, (guard.FIELD, FORM if asked.ours else "x")]
            data: dict[str, list[str]] = {}
            for name, value in fields:
                data.setdefault(name, []).append(value)
            body = {"data": data}
            if asked.files:
                body["files"] = [("tep", (name, content)) for name, content in asked.files]
        headers = [(name.encode(), value) for name, value in head.items()]
        answer = browser.request(asked.method, asked.path, headers=headers, **body)
        self.asked[answer.status_code] += 1
        if asked.who in VISITORS[:5] and answer.headers.get("location", "").startswith("/vao"):
            self.cookies[asked.who] = self._signed_in(asked.who)  # it had signed itself out
        if answer.status_code >= 500 and not asked.path.startswith("/healthz"):
            self._note(asked, answer.status_code)
        return answer

    def _note(self, asked: Asked, status: int) -> None:
        last = self._last
        if not last or not last.exc_info or not last.exc_info[1]:
            self.broken.setdefault(f"{asked.method} {asked.path[:200]}", f"{status} {asked!r:.800}")
            return
        error = last.exc_info[1]
        ours = [
            f for f in traceback.extract_tb(error.__traceback__) if "ntm_workflow" in f.filename
        ]
        at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "elsewhere"
        place = f"{type(error).__name__} {at}"
        said = "".join(traceback.format_exception(error))[-1500:]
        self.broken.setdefault(place, f"{asked!r:.800}\n{said}")
