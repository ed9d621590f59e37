"""An works for the body that owns TASK, Bình for the office that reviews it, Chi for another."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import event, select
from starlette.testclient import TestClient

from ntm_workflow import runtime, settings
from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import schema
from ntm_workflow.store.tables import Submission, Task
from ntm_workflow.web.visitor import COOKIE
from ntm_workflow.work import people, tasks
from ntm_workflow.work.audit import Actor
from tests.scene import put
from tests.signing import signed_in

DAY = date(2020, 6, 22)
TASK = "III.1/2020-06/bql-tan-lap"  # An's; due on 30 June
LATE = "VI.1/2020-Q2/bql-tan-lap"  # An's too; was due on 16 June
OTHER = "III.1/2020-06/bql-vu-le"  # Chi's
HOME = "http://127.0.0.1:8080"
ROOT = Path(__file__).resolve().parents[2]
TESTER = Actor("kiểm thử", via="test")


class Person:
    """Somebody with a browser of their own: cookies, and the forms they have open."""

    def __init__(self, app: FastAPI, rt: Runtime, *role: Any, **account: Any) -> None:
        """Signed in as the coordination office, or `role` for these `bodies`; `None`: nobody."""
        self.app, self.rt = app, rt
        self._made = TestClient(
            app, base_url=HOME, follow_redirects=False, client=("127.0.0.1", 50_000)
        )
        self.browser: httpx.Client = self._made
        if role != (None,):
            self.browser.cookies.set(COOKIE, signed_in(rt, *role, **account))

    def move(self, address: str) -> None:
        """Be at another address from now on."""
        self._made._transport.client = (address, 1)

    def open(self, path: str) -> httpx.Response:
        return self.browser.get(path)

    def text(self, path: str) -> str:
        """A page as read: without tags, single spaces."""
        return plain(self.open(path).text)

    def form(self, path: str) -> dict[str, str]:
        """The hidden fields of the forms of a page."""
        page = self.open(path).text
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        return {name: html.unescape(value) for name, value in found}

    def send(
        self, task: int, act: str, form: dict[str, str] | None = None, files: Any = None,
        **typed: Any,
    ) -> httpx.Response:  # fmt: skip
        """Fill in and send one form of a task's page; `form` is one that was opened before."""
        form = form if form is not None else self.form(f"/viec/{task}")
        return self.browser.post(f"/viec/{task}/{act}", data={**form, **typed}, files=files)

    def hand_in(self, task: int, **changes: Any) -> httpx.Response:
        typed = {"so_van_ban": "12/BC-UBND", "ngay": "20/6/2020", "trich_yeu": "Báo cáo rà soát"}
        return self.send(task, "nop", **{**typed, **changes})


def plain(page: str) -> str:
    without = re.sub(r"<(style|head)\b.*?</\1>|<[^>]+>", " ", page, flags=re.S)
    return " ".join(html.unescape(without).split())


def furnish(rt: Runtime, open_on: Callable[..., Any]) -> Runtime:
    lines = people.read_csv((ROOT / "config" / "contacts.example.csv").read_bytes(), rt.plan)
    rt.set_simulated(DAY, TESTER)
    with rt.sessions.begin() as session:
        people.import_contacts(session, lines, now=rt.now(), actor=TESTER)
    open_on(rt, DAY)
    return rt


def furnished_file(folder: Path, plan: Plan) -> Path:
    """The office on 22 June 2020 as an SQLite file, of which tests take copies."""
    rt = at_file(folder, plan)
    with rt.sessions.begin() as session:
        put(session, plan, rt.now())
    furnish(rt, open_due)
    with rt.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    rt.engine.dispose()
    return folder / "ntm.db"


def at_file(folder: Path, plan: Plan) -> Runtime:
    """The runtime of a folder: its database, and its `var`."""
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(folder / "var")})
    url = f"sqlite:///{folder / 'ntm.db'}"
    rt = runtime.assemble(replace(base, database_url=url), plan)
    schema.check(rt.engine)
    return rt


def open_due(rt: Runtime, day: date) -> Any:
    """What the fixture `open_on` does."""
    with rt.sessions.begin() as session:
        return tasks.open_due(session, rt.plan, rt.days, day, now=rt.moment(day), actor=TESTER)


def number(rt: Runtime, code: str) -> int:
    """The number of a task in addresses."""
    row, period, body = code.split("/")
    with rt.reader() as session:
        query = select(Task.id).where(
            Task.row_id == row, Task.period == period, Task.body_id == body
        )
        return session.scalars(query).one()


def task(rt: Runtime, code: str) -> Task:
    with rt.reader() as session:
        return session.get_one(Task, number(rt, code))


def submissions(rt: Runtime, code: str) -> list[Submission]:
    with rt.reader() as session:
        query = select(Submission).where(Submission.task_id == number(rt, code))
        return list(session.scalars(query.order_by(Submission.id)))


@contextmanager
def statements(rt: Runtime) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile, without the words that frame a transaction."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(rt.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(rt.engine, "before_cursor_execute", note)
