"""What can be done to a task on its page: by whom, when it is offered, and the use case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Extension, Objection, Task
from ntm_workflow.texts import say
from ntm_workflow.web import forms, handing_in, task_filter
from ntm_workflow.web.forms import Typed
from ntm_workflow.web.rights import Forbidden
from ntm_workflow.work import (
    body_names,
    evidence,
    extensions,
    loose_files,
    objections,
    review,
    tasks,
)
from ntm_workflow.work.accounts import Role, Who
from ntm_workflow.work.audit import Actor


@dataclass(frozen=True, slots=True)
class Deed:
    """One act under way, inside its transaction, by the rules of the task's plan."""

    rt: Runtime
    plan: Plan
    session: Session
    task: Task
    by: Actor
    now: datetime
    today: date
    typed: Typed

    @property
    def rules(self) -> tuple[Any, Any]:
        return self.plan, self.rt.days

    @property
    def when(self) -> dict[str, Any]:
        return {"now": self.now, "today": self.today}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body has asked about a task and nobody has answered yet."""

    extension: Extension | None = None
    objection: Objection | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """`role` says who does it; `offered` when its form is shown."""

    role: str
    run: Callable[[Deed], object]
    offered: Callable[[Task, Asked], bool]


def speaker(role: str, task: Task, plan: Plan, who: Who) -> str | None:
    """The body for which somebody acts on a task; None where they may not.

    The coordination office may put in what a body brought on paper: for that
    body, and under its own role. Nobody reviews or decides what is their own
    body's.
    """
    office = plan.coordination_office
    if role == "office":
        mine = who.role is Role.OFFICE and task.body_id in who.bodies
        return task.body_id if mine or who.coordinates(office) else None
    if role == "manage":
        return office if who.coordinates(office) else None
    if task.body_id in who.bodies or who.role not in _DECIDING:
        return None
    return next((body for body in _deciding(role, task, plan) if _for(who, body, office)), None)


REASONS = texts.keys("review.reason.")  # offered to who returns evidence
_DECIDING = (Role.ADMINISTRATOR, Role.COORDINATION, Role.LEADER)


def _deciding(role: str, task: Task, plan: Plan) -> tuple[str, ...]:
    """The bodies that may review a task, or decide on its due day."""
    if role == "review":
        return review.reviewers(task, plan)
    directing = plan.row(task.row_id).directing if plan.has_row(task.row_id) else ()
    return tuple(one for one in (plan.coordination_office, *directing) if one != task.body_id)


def _for(who: Who, body: str, office: str) -> bool:
    return body in who.bodies or (body == office and who.coordinates(office))


def actor(role: str, task: Task, plan: Plan, who: Who) -> Actor:
    """Who acts, for which body. Raises Forbidden."""
    body = speaker(role, task, plan, who)
    if body is None:
        raise Forbidden("rights.act")
    return who.actor(body)


# -- the use cases, each from what its form holds ------------------------------------


def _submit(deed: Deed) -> None:
    typed, today = deed.typed, deed.today
    tasks_ = [deed.task, *handing_in.others(deed.session, deed.task, typed, deed.by.via)]
    issuer = body_names.on(deed.session, deed.task.body_id, deed.today).name
    number, subject, kind = typed.get("so_van_ban"), typed.get("trich_yeu"), typed.get("loai")
    forms.check(
        lambda: None if number else _raise(Refused("form.no_number")),
        lambda: evidence.document(number or "1/BC", None, "x", issuer, today),
        lambda: evidence.document("1/BC", None, "x", issuer, today, kind),
        lambda: evidence.document("1/BC", typed.day("ngay"), "x", issuer, today),
        lambda: evidence.document("1/BC", None, subject, issuer, today),
        lambda: _late_reason(deed, tasks_),
        *(lambda refused=refused: _raise(refused) for refused in typed.refused),
    )
    doc = evidence.document(number, typed.day("ngay"), subject, issuer, today, kind)
    loose_files.there(deed.session, deed.rt.files, typed.files, deed.now)
    evidence.submit_each(
        deed.session, tasks_, *deed.rules, doc, by=deed.by, **deed.when,
        files=typed.files, late_reason=typed.get("ly_do_qua_han"), note=typed.get("ghi_chu"),
    )  # fmt: skip


def _late_reason(deed: Deed, chosen: list[Task]) -> None:
    """The rule's own question, asked together with the others."""
    late = [one for one in chosen if handing_in.is_late(one, deed.today) and one.state == "open"]
    if late and not deed.typed.get("ly_do_qua_han"):
        raise Refused("evidence.late_reason", task=late[0].code, due=late[0].due_on)


def _raise(error: Refused) -> None:
    raise error


def _ask(deed: Deed) -> None:
    wanted, reason = _day_and_reason(deed)
    extensions.ask(deed.session, deed.task, wanted, reason, by=deed.by, now=deed.now)


def _day_and_reason(deed: Deed) -> tuple[date, str]:
    reason = deed.typed.get("ly_do")
    missing = Refused("reason.missing")
    forms.check(lambda: deed.typed.day("ngay"), lambda: None if reason else _raise(missing))
    return deed.typed.day("ngay"), reason


def _acknowledge(deed: Deed) -> None:
    tasks.acknowledge(deed.session, deed.task, actor=deed.by, **deed.when)


def _accept(deed: Deed) -> None:
    review.accept(deed.session, deed.task, deed.plan, by=deed.by, **deed.when)


def _object(deed: Deed) -> None:
    objections.raise_(deed.session, deed.task, deed.typed.get("ly_do"), by=deed.by, now=deed.now)


def _agree(deed: Deed) -> None:
    """Give the task to the body that is named by its id or its one name."""
    body, reason = deed.typed.get("don_vi"), deed.typed.get("ly_do")
    found = task_filter.body_of(body, deed.plan, body_names.given(deed.session, deed.today))
    unknown, missing = Refused("reassign.no_body", value=body), Refused("reason.missing")
    forms.check(
        lambda: None if found else _raise(unknown), lambda: None if reason else _raise(missing)
    )
    objections.reassign_(
        deed.session, deed.task, *deed.rules, found or "", reason, by=deed.by, **deed.when
    )  # fmt: skip


def _agree_to_none(deed: Deed) -> None:
    reason = deed.typed.get("ly_do")
    objections.cancel(deed.session, deed.task, deed.plan, reason, by=deed.by, **deed.when)


def _disagree(deed: Deed) -> None:
    reason = deed.typed.get("ly_do")
    objections.refuse(deed.session, deed.task, *deed.rules, reason, by=deed.by, **deed.when)


def _return(deed: Deed) -> None:
    """With what was ticked of the offered reasons, and then what was typed."""
    with texts.officially():  # it is kept, and the body reads it
        offered = [say(key) for key in REASONS if deed.typed.get(key)]
    reason = " ".join(filter(None, [*offered, deed.typed.get("ly_do")]))
    review.return_(deed.session, deed.task, *deed.rules, reason, by=deed.by, **deed.when)


def _extend(deed: Deed) -> None:
    to, reason = _day_and_reason(deed)
    extensions.extend(deed.session, deed.task, *deed.rules, to, reason, by=deed.by, **deed.when)


def _decide(granted: bool) -> Callable[[Deed], None]:
    def act(deed: Deed) -> None:
        reason = deed.typed.get("ly_do")
        extensions.decide(
            deed.session, deed.task, *deed.rules, granted, reason, by=deed.by, **deed.when
        )

    return act


def _suspend(deed: Deed) -> None:
    tasks.suspend(deed.session, deed.task, deed.typed.get("ly_do"), actor=deed.by, **deed.when)


def _resume(deed: Deed) -> None:
    tasks.resume(deed.session, deed.task, *deed.rules, actor=deed.by, **deed.when)


def _cancel(deed: Deed) -> None:
    tasks.cancel(deed.session, deed.task, deed.typed.get("ly_do"), actor=deed.by, **deed.when)


def _open(task: Task, asked: Asked) -> bool:
    return task.state == "open"


def _submitted(task: Task, asked: Asked) -> bool:
    return task.state == "submitted"


def _asked(task: Task, asked: Asked) -> bool:
    return task.state == "open" and asked.extension is not None


def _not_asked(task: Task, asked: Asked) -> bool:
    return task.state == "open" and asked.extension is None


def _objected(task: Task, asked: Asked) -> bool:
    return task.state == "open" and asked.objection is not None


ACTS = {
    "nop": Act("office", _submit, _open),
    "xin-gia-han": Act("office", _ask, _not_asked),
    "khong-phai-viec": Act(
        "office", _object, lambda t, asked: t.state == "open" and asked.objection is None
    ),
    "tiep-nhan": Act(
        "office", _acknowledge, lambda t, asked: t.state == "open" and t.acknowledged_on is None
    ),
    "dat": Act("review", _accept, _submitted),
    "tra-lai": Act("review", _return, _submitted),
    "dong-y-gia-han": Act("decide", _decide(True), _asked),
    "khong-gia-han": Act("decide", _decide(False), _asked),
    "gia-han": Act("decide", _extend, _not_asked),
    "van-phai-lam": Act("decide", _disagree, _objected),
    "chuyen-don-vi": Act("decide", _agree, _objected),
    "khong-giao-nua": Act("decide", _agree_to_none, _objected),
    "tam-dung": Act("manage", _suspend, lambda t, asked: _open(t, asked) and not t.suspended_on),
    "tiep-tuc": Act("manage", _resume, lambda t, asked: _open(t, asked) and bool(t.suspended_on)),
    "huy": Act("manage", _cancel, lambda t, asked: t.state in ("open", "submitted")),
}
