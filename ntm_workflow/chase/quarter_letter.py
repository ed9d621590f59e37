"""The official letter that urges who still owes: drafted for the office to number and sign.

A mail to the coordination office carries it as a Word file, one for each plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import sort_key
from ntm_workflow.calendar.quarters import QuarterRun, quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.channels.result import Attachment, Message
from ntm_workflow.chase import digest, head_mail, owed, stand_in
from ntm_workflow.chase.digest import Entry
from ntm_workflow.store.tables import BodyName, Notice, NoticeItem
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import body_names

if TYPE_CHECKING:
    from ntm_workflow.reports.letters import Letter, Owed

Named = Mapping[str, list[BodyName]]

KIND = owed.BY_MAIL
RUNG = "Q-letter"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_NAMED = 6  # addressees that the letter names one by one; more are named in its list
_PARTS = ("known", "asked", "trouble", "end")


def compose(
    message: Message, session: Session, notice: Notice, entries: Sequence[Entry],
    plans: Sequence[Plan], days: WorkCalendar, base_url: str, today: date,
) -> Message:  # fmt: skip
    """The message to the coordination office, with the draft for each plan.

    Who hands in before it is sent is not in it. Tasks of confidential rows are
    in no letter; the mail says how many there are, and where to look.
    """
    runs = {plan.id: run_of(session, notice, plan, days) for plan in plans}
    named = _named(session, entries)
    with texts.speaking("vi"):
        seal = head_mail.printed(session)
    drafts = tuple(
        _file(plan, run, mine, today, seal)
        for plan in plans
        if (run := runs[plan.id]) and (mine := _owed(plan, entries, named, today))
    )
    said = _said(entries, next(run for run in runs.values() if run), today)
    said.update(drafts=len(drafts), url=base_url)
    keys = [f"{KIND}.text" if drafts else f"{KIND}.none"]
    if said["secret"]:
        keys.append(f"{KIND}.secret")
    if drafts and notice.channel != MAIL:
        keys.append(f"{KIND}.no_file")
    lines = [stand_in.said(session, notice), *(texts.say(key, **said) for key in keys)]
    paragraphs = "\n\n".join(line for line in lines if line).split("\n\n")
    values: dict[str, object] = {"to": message.to_name, "paragraphs": paragraphs}
    return replace(
        message, subject=texts.say(f"{KIND}.heading", **said), attachments=drafts,
        text=digest.rendered("plain.txt", values), html=digest.rendered("plain.html", values),
    )  # fmt: skip


def _said(entries: Sequence[Entry], run: QuarterRun, today: date) -> dict[str, Any]:
    told = [entry for entry in entries if not entry.secret]
    return {
        "quarter": texts.period(run.quarter), "count": len(told),
        "bodies": len({entry.body_id for entry in told}), "secret": len(entries) - len(told),
        "day": texts.full_day(today), "report": texts.full_day(run.report_due),
    }  # fmt: skip


def run_of(session: Session, notice: Notice, plan: Plan, days: WorkCalendar) -> QuarterRun | None:
    """The run of a plan that a quarterly notice came of: its items keep the run's day."""
    query = select(func.min(NoticeItem.due_on)).where(NoticeItem.notice_id == notice.id)
    day = session.scalar(query)
    runs = (run for run in quarter_runs(plan, days) if run.kind == "owing")
    return next((run for run in runs if day and run.first <= day <= run.last), None)


# -- the letter ------------------------------------------------------------------


def _named(session: Session, entries: Sequence[Entry]) -> Named:
    return body_names.history(session, {entry.body_id for entry in entries})


@texts.speaking("vi")  # a letter is a document of the state
def _owed(plan: Plan, entries: Sequence[Entry], names: Named, today: date) -> list[Owed]:
    """What the letter lists: by body in the order of the alphabet, nothing confidential."""
    from ntm_workflow.reports.letters import Owed  # Word's library is slow to load

    found = [
        Owed(
            body_names.at(names[one.body_id], today).name, one.content,
            texts.period(one.period), one.due_on,
        )
        for one in entries
        if one.plan_id == plan.id and not one.secret
    ]  # fmt: skip
    return sorted(found, key=lambda one: (sort_key(one.body), one.due_on, one.work))


def _file(plan: Plan, run: QuarterRun, work: list[Owed], today: date, seal: str) -> Attachment:
    from ntm_workflow.reports import letters

    quarter = texts.period(run.quarter)
    name = texts.say(f"{KIND}.file", quarter=quarter, plan=plan.code).replace("/", "-")
    return Attachment(name, WORD, letters.write(_letter(plan, run, work, today, seal)))


@texts.speaking("vi")
def _letter(plan: Plan, run: QuarterRun, work: list[Owed], today: date, seal: str) -> Letter:
    from ntm_workflow.reports.letters import Letter

    issuer, office = plan.body(plan.issuer).name, plan.body(plan.coordination_office).name
    bodies = tuple(dict.fromkeys(one.body for one in work))
    said = {
        "quarter": texts.period(run.quarter), "plan": plan.code, "issued": plan.issued_on,
        "issuer": issuer, "title": plan.title[:1].lower() + plan.title[1:], "day": today,
        "count": len(work), "bodies": len(bodies), "sender": office, "report": run.report_due,
    }  # fmt: skip
    return Letter(
        parent=issuer if issuer != office else "", sender=office, place=plan.place, day=None,
        notation="", subject=texts.say("letter.chase.subject", **said),
        to=bodies if len(bodies) <= _NAMED else (texts.say("letter.chase.all"),),
        paragraphs=tuple(texts.say(f"letter.chase.{part}", **said) for part in _PARTS),
        copies=_copies(issuer, office), owed=tuple(work), seal=seal,
    )  # fmt: skip


def _copies(issuer: str, office: str) -> tuple[str, ...]:
    above = [texts.say("letter.to_report", name=issuer)] if issuer != office else []
    return (texts.say("letter.as_above"), *above)
