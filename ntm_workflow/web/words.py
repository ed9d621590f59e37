"""Values in words: tags, sizes, numbers, what an audit entry holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ntm_workflow import texts
from ntm_workflow.appendix.importers import sentences
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import Occurrence
from ntm_workflow.reports import trail
from ntm_workflow.reports.counts import Counts
from ntm_workflow.store.tables import AuditEntry, Task
from ntm_workflow.texts import say
from ntm_workflow.web import which_plan

SOON = 7  # days before the due day from which a task stands out

_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Tag:
    """A short word with its tone: done, late, wait, soon or calm."""

    text: str
    tone: str


def standing(task: Task, today: date) -> Tag:
    """Where a task stands on a day, in a word or two."""
    if task.state == "accepted":
        late = task.completed_on is not None and task.completed_on > task.due_on
        return Tag(say("tag.done_late" if late else "tag.done"), "done")
    if task.state == "cancelled":
        return Tag(say("state.cancelled"), "calm")
    if task.state == "submitted":
        return Tag(say("state.submitted"), "wait")
    if task.suspended_on:
        return Tag(say("tag.suspended"), "calm")
    left = (task.due_on - today).days
    tone = "late" if left < 0 else "soon" if left <= SOON else "calm"
    return Tag(texts.distance(task.due_on, today), tone)


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def period(name: str) -> str:
    """A period in words, kept on one line where it is short."""
    said = texts.period(name)
    return said.replace(" ", "\u00a0") if len(said) < 16 else said


def number(value: int) -> str:
    """ "1.234", "1,234"."""
    return texts.number(value)


def size(value: int) -> str:
    """A file's size: "812 KB", "1,2 MB"."""
    if value < 1_000:
        return f"{value} byte"
    if value < 1_000_000:
        return f"{round(value / 1_000)} KB"
    return texts.number(value / 1_000_000, "0.#") + " MB"


def body(plan: Plan | None, body_id: str) -> str:
    """The short name of a body; its id where the plan no longer has it."""
    return plan.body(body_id).short if plan and plan.has_body(body_id) else body_id


# -- bars -----------------------------------------------------------------------

COUNTS = ("done_on_time", "done_late", "open_in_time", "open_overdue")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: its name, its number, and where it lies in a hundred."""

    name: str
    count: int
    start: float
    width: float


def bar(counts: Counts) -> list[Part]:
    """The four counts as parts of a hundred, in the order in which they are always told."""
    made: list[Part] = []
    at, total = 0.0, counts.total or 1
    for name in COUNTS:
        count = getattr(counts, name)
        width = 100 * count / total
        made.append(Part(name, count, round(at, 3), round(width, 3)))
        at += width
    return made


def span(occurrence: Occurrence, year: int) -> tuple[float, float]:
    """Where an occurrence lies in its year, in days from 1 January, and how many days it takes."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    start, end = max(occurrence.opens_on, first), min(occurrence.due_on, last)
    return max(0, min((start - first).days, 363)), max(2.5, (end - start).days + 1)


# -- the audit ------------------------------------------------------------------

_HIDDEN = {"key", "plan", "submission", "before", "completed_on", "cause", "why"}
_LISTED = ("tasks", "with", "added", "removed", "changed", "renumbered")  # the first few by name
_FIRST = ("question", "answer", "number", "issued_on", "opens_on", "due_on", "from", "to", "wanted",
          "reason", "tasks")  # fmt: skip


def details(entry: AuditEntry, plan: Plan) -> list[tuple[str, str]]:
    """What an entry holds, as (label, value); ids that only programs need are left out."""
    data: dict[str, Any] = json.loads(entry.data)
    found = []
    order = {key: place for place, key in enumerate(_FIRST)}
    for key, value in sorted(data.items(), key=lambda item: order.get(item[0], len(order))):
        shown = _value(key, value, plan)
        if key == "document" and "reason" in data:  # the reason names it
            continue
        if key not in _HIDDEN and shown:
            found.append((say(f"field.{key}"), shown))
    return found


def _value(key: str, value: Any, plan: Plan) -> str:
    if isinstance(value, list):
        if key == "bodies":
            return ", ".join(body(plan, one) for one in value)
        few = ", ".join(str(one) for one in value[:3]) if key in _LISTED else ""
        more = f" … ({number(len(value))})" if len(value) > 3 else ""
        return f"{few}{more}" if few else (number(len(value)) if value else "")
    if key == "question":
        return str(value).rpartition("|")[2]
    if key == "answer" and isinstance(value, dict):
        return sentences.meaning(value)
    if key in ("digest", "sha256"):
        return f"{value:.12}…" if value else ""
    if key == "event":
        return say(f"body_event.{value}")
    if isinstance(value, bool):
        return say("word.yes") if value else ""
    if key == "kind":
        return say(f"kind.{value}")
    if key == "state":
        return say(f"notice.{value}")
    if key == "what":
        return say(f"contact.part.{value}")
    if key == "account_role":
        return say(f"account.role.{value}")
    if key == "way":
        return say(f"sign_in.way.{value}")
    if key == "resent" and not value:
        return ""
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        return texts.day(date.fromisoformat(value))
    return "" if value is None else str(value)


def who(entry: AuditEntry, plan: Plan) -> str:
    """ "trang web, thay mặt BQL xã Tân Lập"."""
    if entry.body:
        return say("who.for", name=trail.called(entry), body=body(plan, entry.body))
    return trail.called(entry)


def subject(plan: Plan, name: str) -> str:
    """ "III.1, tháng 6/2020, BQL xã Tân Lập" for a task's code; other names as they are."""
    parts = name.split("/")
    if len(parts) != 3:
        return name
    return f"{parts[0]}, {texts.period(parts[1])}, {body(plan, parts[2])}"


def plan_of(entry: AuditEntry, plans: Mapping[str, Plan], shown: Plan | None) -> Plan | None:
    """The plan that an entry belongs to, else the one that is shown."""
    return plans.get(_plan_id(entry), shown)


def _plan_id(entry: AuditEntry) -> str:
    return str(json.loads(entry.data).get("plan", ""))


def subject_url(entry: AuditEntry, several: bool) -> str:
    """Where the thing an entry is about can be seen; "" if nowhere.

    Where there are several plans the address names the task's.
    """
    parts = entry.subject.split("/")
    if len(parts) == 3:
        address = f"/viec/ma/{entry.subject}"
        return which_plan.address(address, _plan_id(entry)) if several else address
    if len(parts) == 2 and parts[0] == "notice" and parts[1].isdigit():
        return f"/thong-bao/{parts[1]}"
    return ""


def iso(value: date | datetime) -> str:
    return value.isoformat() if isinstance(value, datetime) else f"{value:%Y-%m-%d}"
