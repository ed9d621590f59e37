"""Events on bodies in a few words, for the tests of names, events and handing over."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from ntm_workflow.reports import body_history
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import BodyEvent, Handover, Task
from ntm_workflow.work import body_events, handovers, successions
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.body_events import Change, Kind, Recorded
from ntm_workflow.work.body_names import Called
from tests.scene import SYSTEM, Scene

DOCUMENT = "1672/NQ-UBTVQH15"
DAY = date(2020, 7, 1)
OFFICE = Actor("Bình", "coordination", "vpdp-huyen", via="test")
NEW = Called("bql-xa-moi", "Ban Quản lý xã Vũ Lăng mới", "BQL Vũ Lăng mới", "commune", "xa-moi")

OF_TWO = Called("bql-xa-moi", "Ban Quản lý xã Mới", "BQL xã Mới", "commune", "xa-moi")


def merge(*bodies: str, into: Called | str = NEW, on: date = DAY, **more: Any) -> Change:
    if isinstance(into, Called):
        return Change(Kind.MERGE, on, DOCUMENT, bodies, (), (into,), **more)
    return Change(Kind.MERGE, on, DOCUMENT, bodies, (into,), (), **more)


def split(body: str, *into: str, on: date = DAY) -> Change:
    called = tuple(Called(one, f"Ban Quản lý {one}", one, "commune", one) for one in into)
    return Change(Kind.SPLIT, on, DOCUMENT, (body,), (), called)


def end(*bodies: str, into: tuple[str, ...] = (), on: date = DAY) -> Change:
    return Change(Kind.END, on, DOCUMENT, bodies, into)


def renamed(body: str, name: str, on: date = DAY, level: str = "commune") -> Change:
    return body_events.rename(Called(body, name, name, level), on, DOCUMENT)


def moved(body: str, name: str, level: str, on: date = DAY) -> Change:
    return Change(Kind.MOVE, on, DOCUMENT, (body,), (body,), (Called(body, name, name, level),))


def found(body: str, on: date = DAY) -> Change:
    return Change(Kind.FOUND, on, DOCUMENT, (), (), (Called(body, f"Ban {body}", body, "commune"),))


class Bodies(Scene):
    """A scene in which bodies change."""

    def record(self, change: Change, today: date | None = None) -> Recorded:
        day = today or change.on
        with self.rt.sessions.begin() as session:
            return body_events.record(
                session, change, now=self.rt.moment(day), today=day, actor=OFFICE
            )

    def withdraw(self, event: int, day: date = DAY) -> None:
        with self.rt.sessions.begin() as session:
            body_events.withdraw(session, event, "ghi nhầm", now=self.rt.moment(day), actor=OFFICE)

    def keep_up(self, day: date) -> int:
        with self.rt.sessions.begin() as session:
            return successions.keep_up(
                session, self.rt.plan, self.rt.days, day, now=self.rt.moment(day), actor=SYSTEM
            )

    def confirm(self, handover: int, to: str | None = None, day: date = DAY) -> Any:
        with self.rt.sessions.begin() as session:
            return handovers.confirm(
                session, handover, self.rt.days, to,
                now=self.rt.moment(day), today=day, actor=OFFICE,
            )  # fmt: skip

    def confirm_all(self, event: int, day: date = DAY) -> tuple[list[Any], list[Any]]:
        with self.rt.sessions.begin() as session:
            return handovers.confirm_all(
                session, event, self.rt.days, now=self.rt.moment(day), today=day, actor=OFFICE
            )

    def refuse(self, handover: int, reason: str = "chờ tỉnh giao", day: date = DAY) -> None:
        with self.rt.sessions.begin() as session:
            handovers.refuse(session, handover, reason, now=self.rt.moment(day), actor=OFFICE)

    def proposals(self, state: str = "") -> list[Handover]:
        with self.rt.reader() as session:
            query = select(Handover).order_by(Handover.id)
            if state:
                query = query.where(Handover.state == state)
            return list(session.scalars(query))

    def of_task(self, code: str) -> Handover:
        task = self.task(code)
        return next(one for one in self.proposals() if one.task_id == task.id)

    def events(self) -> list[BodyEvent]:
        with self.rt.reader() as session:
            return list(session.scalars(select(BodyEvent).order_by(BodyEvent.id)))

    def findings(self, day: date) -> list[body_history.Open]:
        with self.rt.reader() as session:
            return body_history.findings(session, self.rt.plan, day)

    def states(self, row_id: str, period: str) -> dict[str, str]:  # type: ignore[override]
        with self.rt.reader() as session:
            query = select(Task.body_id, Task.state).where(
                Task.row_id == row_id, Task.period == period
            )
            return dict(session.execute(query).tuples().all())


def merged(rt: Runtime, day: date) -> Bodies:
    """Two committees became `OF_TWO`, which the plan does not name; it got their work."""
    scene = Bodies(rt)
    event = scene.record(merge("bql-tan-lap", "bql-tan-huong", into=OF_TWO, on=day)).id
    scene.confirm_all(event, day)
    return scene
