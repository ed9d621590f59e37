"""The pages, through the whole application, with few and with many tasks.

    python -m bench.pages [--quick]

A page is timed through the application's own stack, without a network, in turns
with a page of the same templates that asks the database nothing. `growth` is the
p50 with the most open tasks divided by the p50 with the fewest, in plans of a
hundred rows: more tasks are more bodies of each row. `of_template` is the same of
the page that asks nothing. `recounted_ms` is the page after a change, when nothing
that is kept until then will do.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from httpx import Response
from sqlalchemy import Engine, event, select, text
from starlette.testclient import TestClient

from bench import world
from ntm_workflow import runtime, settings
from ntm_workflow.appendix.model import Body, BodyKind, Level, Plan, Section
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import engine as engines
from ntm_workflow.store.tables import Account
from ntm_workflow.web import desk, rights, visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.web.tallied import Tallied
from ntm_workflow.work import tasks, web_sessions
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.web_sessions import Browser

SIZES = (10_000, 1_000_000)
ROWS = 100  # of a plan, however many tasks it has
ROUNDS = 31
RECOUNTED = 5
TODAY = date(2020, 7, 2)  # a fifth of the tasks are overdue
PAGES = {
    "board": "/",
    "tasks": "/viec",
    "overdue": "/viec?tinh-trang=qua-han",
    "silent": "/viec?tinh-trang=chua-tra-loi",
    "in-time": "/viec?tinh-trang=trong-han",
    "of-row": "/viec?dong=R.3",
    "of-body": "/viec?don-vi=body-77",
    "of-level": "/viec?cap=xa",
    "in-days": "/viec?tu=1/12/2020&den=31/12/2020",
    "text-wide": "/viec?tim=don+vi",
    "text-some": "/viec?tim=1",
    "text-narrow": "/viec?tim=don+vi+0077",
    "far-page": "/viec?sau=2020-12-15.{middle}",
    "back-page": "/viec?truoc=2020-12-15.{middle}",
    "appendix": "/phu-luc",
    "row": "/phu-luc/R.1",
    "questions": "/cau-hoi",
    "review": "/tham-dinh",
    "year": "/lich",
    "week": "/lich/2020-W27",
    "criteria": "/tieu-chi",
    "charts": "/bieu-do",
    "bodies": "/don-vi",
    "body": "/don-vi/body-77",
    "contacts": "/lien-he",
    "notices": "/thong-bao",
    "task": "/viec/{middle}",
    "audit": "/nhat-ky",
}
HEAD = {"host": "127.0.0.1"}


def run(sizes: tuple[int, ...]) -> None:
    with world.postgres() as server:
        for kind in ("sqlite", "postgresql"):
            found = {size: one(kind, server, size) for size in sizes}
            small, large = found[min(sizes)], found[max(sizes)]
            for name in PAGES:
                whole, drawn = (large[name][n] / small[name][n] for n in (0, 1))
                world.emit("pages.growth", database=kind, page=name, from_open=min(sizes),
                           to_open=max(sizes), growth=round(whole, 2), target=1.5,
                           of_template=round(drawn, 2))  # fmt: skip


def one(kind: str, server: str, size: int) -> dict[str, tuple[float, float]]:
    """Measure every page of one database; return the p50 of each, and of its template, in s."""
    made = _plan(size)
    with world.database(kind, server) as engine, tempfile.TemporaryDirectory() as folder:
        world.people(engine, made)
        with engines.writer(engine).begin() as session:
            tasks.open_due(
                session, made, world.DAYS, world.OPENING, now=world.NOW, actor=world.ACTOR
            )
        _settle(kind, engine)
        rt = _runtime(engine, made, Path(folder))
        app = create_app(rt)
        app.state.rt = rt  # this plan has no text in the database
        with engine.connect() as connection:
            middle = connection.execute(text("SELECT max(id) / 2 FROM task")).scalar_one()
        return {
            name: _page(kind, engine, app, size, name, path.format(middle=middle))
            for name, path in PAGES.items()
        }


def _settle(kind: str, engine: Engine) -> None:
    """PostgreSQL looks after itself in a minute or two; SQLite never does."""
    if kind == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _plan(size: int) -> Plan:
    made = world.plan(size, size // ROWS)
    bodies = (
        Body(f"body-{n}", f"Đơn vị {n:04}", f"ĐV {n:04}",
             Level.COMMUNE if n else Level.DISTRICT, BodyKind.OFFICE)
        for n in range(world.BODIES)
    )  # fmt: skip
    return replace(made, sections=(Section("R", "Việc đo"),), bodies=tuple(bodies))


class _Fixed(Runtime):
    """A runtime whose plan is the one it was given, whatever the database says."""

    def following(self, session: Any, *_now: Any) -> Runtime:
        return self

    def refreshed(self) -> Runtime:
        return self


def _runtime(engine: Engine, made: Plan, folder: Path) -> Runtime:
    url = engine.url.render_as_string(hide_password=False)
    base = settings.load({"NTM_ROOT": str(folder), "NTM_VAR": str(folder)})
    rt = runtime.assemble(replace(base, database_url=url), made)
    rt.set_simulated(TODAY, world.ACTOR)
    return _Fixed(**{name: getattr(rt, name) for name in rt.__dataclass_fields__})


# -- one page --------------------------------------------------------------------------


def _page(
    kind: str, engine: Engine, app: FastAPI, size: int, name: str, path: str
) -> tuple[float, float]:
    rt: Runtime = app.state.rt
    browser = _signed_in(app, rt)
    with _statements(rt.engine) as sent:
        answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    drawn = _template_only(app, browser, path)
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(world.seconds(lambda: browser.get(path)))
        plain.append(world.seconds(lambda: browser.get(drawn)))
    p50, drawing = world.median(ours), world.median(plain)
    recounted = []
    for _ in range(RECOUNTED):
        app.state.tallied = Tallied()
        recounted.append(world.seconds(lambda: browser.get(path)))
    world.emit(
        "pages", database=kind, page=name, open=size, p50_ms=round(1000 * p50, 2),
        template_ms=round(1000 * drawing, 2), ratio=round(p50 / drawing, 2), target=6.0,
        recounted_ms=round(1000 * world.median(recounted), 2),
        statements=len(sent), most_statements=8,
        kilobytes=_kilobytes(browser, answer, sent=False),
        kilobytes_sent=_kilobytes(browser, answer, sent=True), most_kilobytes=45,
    )  # fmt: skip
    return p50, drawing


def _signed_in(app: FastAPI, rt: Runtime) -> TestClient:
    """A browser of an administrator."""
    browser, now = TestClient(app, base_url="http://127.0.0.1"), visitor.clock()
    with rt.sessions.begin() as session:
        account = session.scalars(select(Account).where(Account.login == "bench")).first()
        if account is None:
            account = Account(login="bench", name="bench", role=Role.ADMINISTRATOR, made_at=now)
            session.add(account)
            session.flush()
        token = web_sessions.start(session, account, "bench", Browser("127.0.0.1"), now)
    browser.cookies.set(visitor.COOKIE, token)
    return browser


def _template_only(app: FastAPI, browser: TestClient, path: str) -> str:
    """A route that draws the page's template with the values of its last drawing, and no more."""
    kept: dict[str, Any] = {}
    drawing = desk.draw

    def keeping(request: Any, template: str, *rest: Any, **values: Any) -> Any:
        kept.update(request=request, template=template, rest=rest, values=values)
        return drawing(request, template, *rest, **values)

    desk.draw = keeping
    try:
        browser.get(path)
    finally:
        desk.draw = drawing
    name = f"/template-only/{len(app.routes)}"

    def draw() -> HTMLResponse:
        answer = drawing(kept["request"], kept["template"], *kept["rest"], **kept["values"])
        return HTMLResponse(answer.body)

    app.add_api_route(name, draw)
    rights.TABLE[f"GET {name}"] = rights.READ
    return name


def _kilobytes(browser: TestClient, page: Response, sent: bool) -> float:
    """A page with the sheets and scripts that it asks for; as they are `sent`, packed."""
    asked = re.findall(r'"(/static/[^"]+\.(?:css|js)\b[^"]*)"', page.text)
    every = [page, *(browser.get(path) for path in asked)]
    sizes = (int(one.headers["content-length"]) if sent else len(one.content) for one in every)
    return round(sum(sizes) / 1000, 1)


@contextmanager
def _statements(engine: Engine) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def sizes(arguments: list[str]) -> tuple[int, ...]:
    return (SIZES[0], 10 * SIZES[0]) if "--quick" in arguments else SIZES


if __name__ == "__main__":
    run(sizes(sys.argv[1:]))
