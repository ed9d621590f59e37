"""Reading bodies through time: names, events, what waits for a person, what nobody answers for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import fold, sort_key
from ntm_workflow.store.tables import (
    BodyEvent,
    BodyEventPart,
    BodyName,
    Contact,
    ContactBody,
    Handover,
    OccurrenceRecord,
    RowRecord,
    RowRole,
    Task,
)
from ntm_workflow.texts import say
from ntm_workflow.work import body_names, successions
from ntm_workflow.work.successions import End


@dataclass(frozen=True, slots=True)
class Told:
    """An event with its bodies, each as (id, what it was called): before, and from that day."""

    event: BodyEvent
    bodies: list[tuple[str, str]]
    into: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Life:
    """A body through time; names and events in the order they happened."""

    names: list[BodyName]
    events: list[Told]
    end: End | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal with what a person needs to decide it; no task where it is for future ones.

    `choices` are the names of those of the proposal, in the same order.
    """

    handover: Handover
    task: Task | None
    event: BodyEvent
    content: str
    body: str
    to: str | None
    choices: list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proposal stands in the list; `plain`: it has one successor."""

    id: int
    event_id: int
    plain: bool


@dataclass(frozen=True, slots=True)
class Open:
    """Something no proposal settles: `key` names the sentence, `data` fills it."""

    key: str
    data: dict[str, Any]


Filling = dict[str, dict[str, Any]]  # of each ended body, what fills the sentences about it


@dataclass(frozen=True, slots=True)
class Text:
    """What a plan's text leaves open once bodies have been renamed or have ended.

    `names` are of another time, `roles` those of ended bodies; `told` fills what is said of them.
    """

    names: list[Open]
    roles: list[Open]
    told: Filling


# -- events and names -----------------------------------------------------------


def life(session: Session, body_id: str) -> Life | None:
    names = body_names.history(session, [body_id]).get(body_id)
    if not names:
        return None
    mine = select(BodyEventPart.event_id).where(BodyEventPart.body_id == body_id)
    found = events(session, BodyEvent.id.in_(mine))
    return Life(names, found, successions.ends(session).get(body_id))


def events(session: Session, *only: Any) -> list[Told]:
    """Events in the order they happened."""
    query = select(BodyEvent).where(*only).order_by(BodyEvent.on_day, BodyEvent.id)
    found = list(session.scalars(query))
    parts: dict[tuple[int, str], list[str]] = {}
    for part in session.scalars(select(BodyEventPart).order_by(BodyEventPart.body_id)):
        parts.setdefault((part.event_id, part.role), []).append(part.body_id)
    names = body_names.history(session, {b for bodies in parts.values() for b in bodies})

    def told(event: BodyEvent, role: str, day: date) -> list[tuple[str, str]]:
        bodies = parts.get((event.id, role), [])
        return [(body, body_names.at(names[body], day).name) for body in bodies]

    return [
        Told(e, told(e, "from", date.fromordinal(e.on_day.toordinal() - 1)),
             told(e, "into", e.on_day))
        for e in found
    ]  # fmt: skip


def contacts(session: Session, bodies: Iterable[str]) -> dict[str, list[str]]:
    """The addresses that speak for each body: whom to ask who speaks for the successor."""
    query = (
        select(ContactBody.body_id, Contact.name, Contact.email)
        .join(Contact, Contact.id == ContactBody.contact_id)
        .where(ContactBody.body_id.in_(list(bodies)), Contact.active)
        .order_by(ContactBody.body_id, Contact.id)
    )
    found: dict[str, list[str]] = {}
    for body, name, email in session.execute(query):
        found.setdefault(body, []).append(f"{name} <{email}>" if email else name)
    return found


# -- what waits for a person ------------------------------------------------------


# By event; of one event what is due first, then what is yet to be opened.
_ORDER = (Handover.event_id, Handover.task_id.is_(None), Task.due_on, Handover.id)


def waiting(session: Session, today: date, event_id: int | None = None) -> list[Waiting]:
    """Proposals that a person can decide now: by event, then what is due first."""
    mine = [] if event_id is None else [Handover.event_id == event_id]
    return _waiting(session, today, Handover.state == "proposed", *mine)


def these(session: Session, today: date, numbers: Iterable[int]) -> list[Waiting]:
    """Some proposals, in the same order; those that cannot be decided any more are left out."""
    return _waiting(session, today, Handover.id.in_(list(numbers)))


def _waiting(session: Session, today: date, *only: Any) -> list[Waiting]:
    query = (
        _decidable(select(Handover, Task, BodyEvent, RowRecord.content))
        .join(BodyEvent, BodyEvent.id == Handover.event_id)
        .outerjoin(
            RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id)
        )
    )
    found = session.execute(query.where(*only).order_by(*_ORDER)).all()
    ids = {b for h, *_ in found for b in (h.body_id, h.to_body, *h.choices) if b}
    names = body_names.history(session, ids)

    def called(body: str) -> str:
        return body_names.at(names[body], today).short

    return [
        Waiting(
            handover, task, event, content or "", called(handover.body_id),
            called(handover.to_body) if handover.to_body else None,
            [called(body) for body in handover.choices],
        )
        for handover, task, event, content in found
    ]  # fmt: skip


def places(session: Session, today: date, state: str, event_id: int | None = None) -> list[Place]:
    """Every proposal in a state that was made by a day and can be decided, in order."""
    query = _decidable(select(Handover.id, Handover.event_id, Handover.to_body.is_not(None)))
    query = query.where(Handover.state == state, Handover.proposed_on <= today)
    if event_id is not None:
        query = query.where(Handover.event_id == event_id)
    return [Place(n, event, bool(to)) for n, event, to in session.execute(query.order_by(*_ORDER))]


def count(today: date) -> Select[tuple[int]]:
    """How many proposals of all plans wait for a person."""
    query = _decidable(select(func.count(Handover.id)))
    return query.where(Handover.state == "proposed", Handover.proposed_on <= today)


def by_event(session: Session, today: date, events: Collection[int]) -> dict[int, int]:
    """How many proposals of these events wait for a person."""
    query = _decidable(select(Handover.event_id, func.count(Handover.id))).where(
        Handover.event_id.in_(events), Handover.state == "proposed", Handover.proposed_on <= today
    )
    return dict(session.execute(query.group_by(Handover.event_id)).tuples().all())


def _decidable(query: Select[Any]) -> Select[Any]:
    """Of proposals: those for open tasks, and for what a plan is yet to open."""
    query = query.select_from(Handover).outerjoin(Task, Task.id == Handover.task_id)
    return query.where(Handover.task_id.is_(None) | (Task.state == "open"))


# -- what nobody answers for ------------------------------------------------------


def of_text(session: Session, plan: Plan, gone: dict[str, End]) -> Text:
    """What stays the same until a body is renamed or ends; one statement, or two."""
    ids = {body for end in gone.values() for body in (end.body_id, *end.into)}
    names = body_names.history(session, ids | {body.id for body in plan.bodies})
    apart, told = list(_names_apart(plan, names)), _told(gone, names)
    roles = [*_offices(plan, told), *_roles(session, plan, gone, told)] if gone else []
    return Text(apart, roles, told)


def findings(session: Session, plan: Plan, today: date) -> list[Open]:
    """What the ends of bodies leave open in a plan that is still at work."""
    gone = successions.ends(session, today)
    return still_open(session, plan, gone, of_text(session, plan, gone), today)


def still_open(
    session: Session, plan: Plan, gone: dict[str, End], text: Text, today: date
) -> list[Open]:
    """The same, where it is known what the text leaves open; two statements, at times three."""
    if not gone or not _at_work(session, plan, gone):
        return text.names
    return [*text.names, *text.roles, *_unopened(session, plan, gone, text.told, today)]


def said(one: Open) -> str:
    """The sentence of what is open."""
    data = {**one.data, "into": one.data.get("into") or say("proposals.nobody")}
    return say(one.key, **data) + (say("event.example") if one.data.get("example") else "")


def _at_work(session: Session, plan: Plan, gone: dict[str, End]) -> bool:
    """A plan whose year is not over by the first end, or that has open tasks."""
    if plan.year >= min(end.on for end in gone.values()).year:
        return True
    live = select(func.count()).select_from(Task)
    live = live.where(Task.plan_id == plan.id, Task.state.in_(("open", "submitted")))
    return bool(session.scalar(live))


def _offices(plan: Plan, told: Filling) -> Iterable[Open]:
    for role, body in (("issuer", plan.issuer), ("office", plan.coordination_office)):
        if body in told:
            yield Open(f"succession.{role}", told[body])


def _roles(session: Session, plan: Plan, gone: dict[str, End], told: Filling) -> Iterable[Open]:
    query = (
        select(RowRole.role, RowRole.body_id, RowRole.row_id)
        .where(RowRole.plan_id == plan.id, RowRole.body_id.in_(gone))
        .order_by(RowRole.role, RowRole.body_id)
    )
    rows: dict[tuple[str, str], list[str]] = {}
    for role, body, row in session.execute(query):
        rows.setdefault((role, body), []).append(row)
    order = {row.id: place for place, row in enumerate(plan.all_rows)}
    alike: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for (role, body), named in rows.items():
        listed = ", ".join(sorted(named, key=lambda row: order.get(row, 0)))
        end = gone[body]
        key = (role, listed, end.on, end.document, end.example)
        alike.setdefault(key, []).append(told[body])
    for (role, listed, *_), each in alike.items():
        names = sorted((one["body"] for one in each), key=sort_key)
        ids = [one["id"] for one in each]
        data = {**each[0], "id": ids, "body": ", ".join(names), "rows": listed}
        yield Open(f"succession.{role}", data)


def _unopened(
    session: Session, plan: Plan, gone: dict[str, End], told: Filling, today: date
) -> Iterable[Open]:
    """Occurrences that were opened without an ended body, and without its successor."""
    owed = [(row.id, body) for row in plan.all_rows for body in row.implementing if body in gone]
    stands = successions.stands(session, plan.id, today, gone)
    heirs = {body: (body, *stands.of([body])) for _, body in owed}
    bodies = {body for each in heirs.values() for body in each}
    opened = _opened(session, plan, {row for row, _ in owed}, bodies)
    for row, body in owed:
        for period, having in sorted(opened.get(row, {}).items()):
            if having.isdisjoint(heirs[body]):
                yield Open("succession.unopened", {**told[body], "row": row, "period": period})


def _opened(
    session: Session, plan: Plan, rows: Collection[str], bodies: Collection[str]
) -> dict[str, dict[str, set[str]]]:
    """Which of these bodies have a task of each opened occurrence of these rows, by row and
    period; one statement."""
    one = OccurrenceRecord
    same = (Task.plan_id == one.plan_id) & (Task.row_id == one.row_id) & (Task.period == one.period)
    query = (
        select(one.row_id, one.period, Task.body_id)
        .outerjoin(Task, same & Task.body_id.in_(bodies))
        .where(one.plan_id == plan.id, one.row_id.in_(rows))
    )
    found: dict[str, dict[str, set[str]]] = {}
    for row, period, body in session.execute(query):
        found.setdefault(row, {}).setdefault(period, set()).add(body)
    return found


def _names_apart(plan: Plan, names: dict[str, list[BodyName]]) -> Iterable[Open]:
    """Bodies that the plan prints under a name, or at a level, of another time."""
    for body in plan.bodies:
        if body.id not in names:
            continue
        then = body_names.at(names[body.id], plan.effective_on)
        if fold(then.name) != fold(body.name):
            yield Open("succession.old_name", {"id": body.id, "printed": body.name,
                       "known": then.name, "on": plan.effective_on})  # fmt: skip
        elif then.level != body.level:
            yield Open("succession.other_level", {"id": body.id, "printed": str(body.level),
                       "known": then.level, "on": plan.effective_on})  # fmt: skip


def _told(gone: dict[str, End], names: dict[str, list[BodyName]]) -> Filling:
    """What fills a sentence about each ended body."""

    def short(body: str, day: date) -> str:
        return body_names.at(names[body], day).short

    return {
        body: {
            "id": body, "body": short(body, end.on), "on": end.on, "document": end.document,
            "into": ", ".join(short(one, end.on) for one in end.into), "example": end.example,
        }
        for body, end in gone.items()
    }  # fmt: skip
