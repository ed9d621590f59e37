"""What a notice says: written when it is sent, from what is still true then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ntm_workflow import template_texts, texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated
from ntm_workflow.calendar.periods import quarter_of
from ntm_workflow.calendar.quarters import quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import blanks, news, stand_in
from ntm_workflow.store.tables import (
    BodyRecord,
    Contact,
    Notice,
    NoticeItem,
    RowRecord,
    Task,
)
from ntm_workflow.work import body_names, successions

OPENING = stand_in.OPENING

MOST_OF_OTHERS = 40  # tasks of others that a group names: a longer mail is cut off by readers
_CHASE = ("chase", "no-contact")
_TOLD = ("coordinating", "office", "directing", "summary")


class Line(NamedTuple):
    """One task in a digest, in words. `plan` is said only where there are several."""

    code: str
    content: str
    body: str
    period: str
    due: str
    distance: str
    why: str
    url: str
    action: str
    due_on: date
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under a title. `more` says in words how many there are besides, and `url` where."""

    title: str
    urgent: bool
    lines: tuple[Line, ...]
    count: int
    more: str = ""
    url: str = ""


class Entry(NamedTuple):
    """A task in a notice: what the words need of it."""

    task_id: int
    plan_id: str
    code: str
    period: str
    due_on: date
    submitted_on: date | None
    role: str
    content: str
    body: str
    body_id: str
    why: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class _Pages:
    """Where tasks are looked at: the office's pages, and the reader's own; "" where there is none.

    Only what the reader's own body owes is on its own page.
    """

    base_url: str
    own: str

    def of(self, entry: Entry) -> str:
        if self.own and entry.role == "chase":
            return f"{self.own}/viec/{entry.task_id}"
        return self.office(entry)

    @property
    def all(self) -> str:
        return f"{self.base_url}/viec" if self.base_url else ""

    def office(self, entry: Entry) -> str:
        return f"{self.base_url}/viec/{entry.task_id}" if self.base_url else ""


def still_owed(session: Session, notice: Notice) -> list[Entry]:
    """The tasks of a notice that are still worth saying, most urgent first.

    What was handed in, accepted, suspended or cancelled since it was queued is
    left out; a review that has been done too.
    """
    return still_owed_of(session, [notice.id]).get(notice.id, [])


def still_owed_of(session: Session, notices: Collection[int]) -> dict[int, list[Entry]]:
    """The same of many notices, without those that have nothing left to say."""
    found: dict[int, list[Entry]] = {}
    session.flush()  # past the ORM, which makes each row twice
    rows = session.connection().execute(_ITEMS, {"notices": list(notices)}).all()
    with_news = _with_news(session, [row[1] for row in rows if news.of(row[0])])
    for rung, task_id, notice, role, state, suspended_on, row_id, *told in rows:
        plan_id, period, body_id, due_on, submitted_on, content, secrecy, body = told
        if not _still(state, suspended_on, role):
            continue
        code, told_of = f"{row_id}/{period}/{body_id}", news.of(rung)
        why = told_of(session, with_news[task_id]) if told_of else ""
        entry = Entry(
            task_id, plan_id, code, period, due_on, submitted_on, role, content, body, body_id,
            why, bool(secrecy),
        )  # fmt: skip
        found.setdefault(notice, []).append(entry)
    return found


_ITEMS = (  # made once: every notice asks for it
    select(NoticeItem.rung, Task.id, NoticeItem.notice_id, NoticeItem.role)
    .add_columns(Task.state, Task.suspended_on, Task.row_id, Task.plan_id, Task.period)
    .add_columns(Task.body_id, Task.due_on, Task.submitted_on, RowRecord.content)
    .add_columns(RowRecord.secrecy, body_names.called("short", Task.body_id, Notice.run_on))
    .join(Notice, Notice.id == NoticeItem.notice_id)
    .join(Task, Task.id == NoticeItem.task_id)
    .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
    .join(BodyRecord, BodyRecord.id == Task.body_id)
    .where(NoticeItem.notice_id.in_(bindparam("notices", expanding=True)))
    .order_by(Task.due_on, Task.row_id, Task.body_id, Task.plan_id)
)


def _still(state: str, suspended_on: date | None, role: str) -> bool:
    if role == "review":
        return state == "submitted"
    return state == "open" and suspended_on is None


def _with_news(session: Session, tasks: Collection[int]) -> dict[int, Task]:
    if not tasks:
        return {}
    return {one.id: one for one in session.scalars(select(Task).where(Task.id.in_(tasks)))}


def ahead(
    session: Session, notice: Notice, plans: Sequence[Plan], days: WorkCalendar, today: date
) -> list[tuple[Plan, Line]]:
    """For a quarter's opening run: what the recipient will owe that is not open yet.

    `plans` are those in force: an ended one opens nothing more.
    """
    if notice.kind != OPENING:
        return []
    mine = stand_in.bodies(session, notice)
    return [
        (plan, line)
        for plan in plans
        for line in _ahead(session, plan, days, notice.run_on, mine, today)
    ]


def _ahead(
    session: Session, plan: Plan, days: WorkCalendar, run_on: date, mine: set[str], today: date
) -> list[Line]:
    run = next((r for r in quarter_runs(plan, days) if r.first <= run_on <= r.last), None)
    if run is None:
        return []
    stands, names = successions.stands(session, plan.id, today), body_names.history(session, mine)
    return [
        _hushed(o.due_on)
        if plan.row(o.row_id).secrecy
        else Line(
            code=f"{o.row_id}/{o.period}/{body}", content=plan.row(o.row_id).content,
            body=body_names.at(names[body], today).short, period=texts.period(o.period),
            due=texts.full_day(o.due_on), distance=texts.say("digest.opens_on", day=o.opens_on),
            why="", url="", action="", due_on=o.due_on,
        )
        for o in dated(plan, days)
        if o.opens_on > today and run.first <= o.due_on <= run.last
        for body in stands.of(plan.row(o.row_id).implementing)
        if body in mine
    ]  # fmt: skip


def compose(
    notice: Notice, contact: Contact, entries: list[Entry], ahead: Sequence[tuple[Plan, Line]],
    plans: Sequence[Plan], base_url: str, today: date, domain: str,
    stead: str = "", confirm: str = "", own: str = "", answer: bool = False, head: str = "",
) -> Message:  # fmt: skip
    """Write the message of a notice that has something to say about tasks of `plans`.

    `stead` says in whose stead it is read; `confirm` is the address of the page
    that asks whether the mail address is the reader's own; `own` that of the
    reader's personal page, which its own tasks are linked to. `answer` says that
    a reply to the mail is read; `head` is the audit's newest signed head.
    """
    codes = {plan.id: plan.code for plan in plans} if len(plans) > 1 else {}
    groups = tuple(_groups(entries, codes, _Pages(base_url, own), today))
    if ahead:
        coming = [line._replace(plan=_said(codes.get(plan.id, ""))) for plan, line in ahead]
        lines = tuple(sorted(coming, key=lambda line: line.due_on))
        groups += (Group(texts.say("digest.ahead"), False, lines, len(lines)),)
    overdue = sum(1 for e in entries if e.role in _CHASE and e.due_on < today)
    subject = _subject(notice, entries, len(entries) + len(ahead), overdue, today)
    values: dict[str, object] = {
        "to": contact.name, "stead": stead, "confirm": confirm, "own": own,
        "head": head,
        "lead": texts.say(
            f"{notice.kind}.lead",
            day=texts.full_day(today),
            plan=_listed([plan.code for plan in plans]),
            count=len(entries) + len(ahead),
        ),
        "note": texts.say("hand.note", note=notice.note) if notice.note else "",
        "groups": groups,
        "closing": texts.say("digest.closing" if _asked(entries, ahead) else "digest.closing_told"),
        "answer": texts.say("mail.how_to_answer") if answer else "",
        "offices": list(dict.fromkeys(p.body(p.coordination_office).name for p in plans)),
        "plans": [texts.say("digest.plan", plan=p.code, day=p.issued_on) for p in plans],
    }  # fmt: skip
    said = [line for group in groups for line in group.lines]
    return Message(
        to_name=contact.name,
        to_address=contact.email or "",
        parameters=blanks.fill(
            contact.name, said, len(entries) + len(ahead), overdue, own or base_url, today
        ),
        subject=subject,
        text=_template("digest.txt", values),
        html=_template("digest.html", values),
        message_id=f"<ntm-{notice.id}@{domain}>",
        topic=topic(entries, bool(ahead)),
    )


def topic(entries: Sequence[Entry], ahead: bool) -> str:
    """What the thread of a message is about: its only task; "" where it has none, or several."""
    return f"task/{entries[0].task_id}" if len(entries) == 1 and not ahead else ""


def plain(notice: Notice, contact: Contact, domain: str, subject: str, lines: str) -> Message:
    """A message of a few paragraphs about no task; an empty line parts them."""
    values: dict[str, object] = {"to": contact.name, "paragraphs": lines.split("\n\n")}
    return Message(
        to_name=contact.name, to_address=contact.email or "", subject=subject,
        text=_template("plain.txt", values), html=_template("plain.html", values),
        message_id=f"<ntm-{notice.id}@{domain}>",
    )  # fmt: skip


def _listed(codes: list[str]) -> str:
    """ "28/KH-UBND", "28/KH-UBND và 12/KH-UBND"."""
    *before, last = codes
    return f" {texts.say('word.and')} ".join([", ".join(before), last] if before else [last])


def _said(code: str) -> str:
    return texts.say("plan.said", plan=code) if code else ""


def _subject(notice: Notice, entries: list[Entry], count: int, overdue: int, today: date) -> str:
    key = f"{notice.kind}.subject"
    if notice.kind == "digest":
        roles = {entry.role for entry in entries}
        if roles == {"review"}:
            key = "digest.subject_review"
        elif roles <= set(_TOLD):
            key = "digest.subject_told"
        elif overdue:
            key = "digest.subject_overdue"
    return texts.say(
        key, count=count, overdue=overdue, day=texts.day(today),
        quarter=texts.period(quarter_of(notice.run_on)),
    )  # fmt: skip


def _asked(entries: list[Entry], ahead: Sequence[object]) -> bool:
    """True when the recipient owes something, not only hears of others."""
    return bool(ahead) or any(entry.role in _CHASE for entry in entries)


def _groups(
    entries: list[Entry], codes: Mapping[str, str], pages: _Pages, today: date
) -> Iterable[Group]:
    chase = [e for e in entries if e.role in _CHASE]
    overdue = [e for e in chase if e.due_on < today]
    due = [e for e in chase if e.due_on >= today]
    told = [e for e in entries if e.role in _TOLD]
    review = [e for e in entries if e.role == "review"]
    for key, urgent, found in (
        ("digest.overdue", True, overdue), ("digest.due", False, due),
        ("digest.told", True, told), ("digest.review", False, review),
    ):  # fmt: skip
        if found:
            shown = _named(found)
            lines = (_line(e, codes.get(e.plan_id, ""), pages, today) for e in shown)
            left = len(found) - len(shown)
            more = texts.say("digest.more", count=left) if left else ""
            yield Group(
                texts.say(key), urgent, tuple(lines), len(found), more, pages.all if left else ""
            )


def _named(entries: list[Entry]) -> list[Entry]:
    """What a reader owes is named whole; of what others owe, the most urgent is."""
    others = [e for e in entries if e.role != "chase"]
    rest = {id(e) for e in others[MOST_OF_OTHERS:]}
    return [e for e in entries if id(e) not in rest]


def _line(entry: Entry, plan: str, pages: _Pages, today: date) -> Line:
    action = {"review": "digest.act_review", "chase": "digest.act_submit"}.get(
        entry.role, "digest.act_look"
    )
    if entry.secret:
        return _hushed(entry.due_on, pages.office(entry))
    distance = texts.distance(entry.due_on, today)
    if entry.role == "review" and entry.submitted_on:
        distance = texts.say("digest.submitted_on", day=entry.submitted_on)
    return Line(
        code=entry.code, content=entry.content, body=entry.body,
        period=texts.period(entry.period), due=texts.full_day(entry.due_on), distance=distance,
        why=entry.why, url=pages.of(entry), action=texts.say(action),
        due_on=entry.due_on, plan=_said(plan),
    )  # fmt: skip


def _hushed(due_on: date, url: str = "") -> Line:
    """The line of a confidential task: that there is one, and where to sign in."""
    return Line(
        code="", content=texts.say("digest.secret"), body="", period="", due="", distance="",
        why="", url=url, action=texts.say("digest.act_sign_in"), due_on=due_on,
    )  # fmt: skip


@cache
def _environment() -> Environment:
    folder = Path(__file__).parent / "templates"
    made = Environment(
        loader=FileSystemLoader(folder), auto_reload=False,
        autoescape=select_autoescape(("html",), default=False),  # plain text stays plain
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    template_texts.teach(made)
    return made


def rendered(name: str, values: dict[str, object]) -> str:
    """A template of this room, filled in."""
    return _template(name, values)


def _template(name: str, values: dict[str, object]) -> str:
    return _read(name).render(values)


@cache
def _read(name: str) -> Template:
    found = _environment().get_template(name)
    found.globals = dict(found.globals)  # copied for each mail: a chain of dicts is slow to copy
    return found
