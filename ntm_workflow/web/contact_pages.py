"""Pages of contacts: the list by body, one contact, and the file to be imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from ntm_workflow import texts
from ntm_workflow.appendix.text import fold
from ntm_workflow.chase import stand_in
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import bodies, contacts, paging, register
from ntm_workflow.reports.contacts import Person
from ntm_workflow.texts import say
from ntm_workflow.web import forms, kept
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble, Typed
from ntm_workflow.web.task_pages import Id
from ntm_workflow.web.words import Tag
from ntm_workflow.work import contact_card, contact_sheet, linking

router = APIRouter()
# The states of the filter, and how `contacts.marked` calls those that are of a contact.
STATES = {
    "chua-co": "", "hong": "broken", "chua-xac-nhan": "unverified", "vang": "away",
    "yen-lang": "quiet", "ngung": "stopped",
}  # fmt: skip
NOTHING = Typed("", {})
NOBODY = "-"  # the last line: those who speak for no body


@dataclass(frozen=True, slots=True)
class Line:
    """A body (None: none at all) and its contacts. `works`: it has work under the plan."""

    body: str | None
    name: str
    people: list[Person]
    works: bool = False
    group: bool = False

    @property
    def unreached(self) -> bool:
        return self.works and not any(one.active and one.reached for one in self.people)


@router.get("/lien-he")
def all_contacts(request: Request) -> Response:
    asked = request.query_params
    text, state = forms.clean(asked.get("tim", ""))[:200], asked.get("tinh-trang", "")
    with opened(request) as desk:
        found = _found(desk, text, state)
        part = paging.part(found, asked.get("sau", ""), asked.get("truoc", ""))
        return desk.page(
            "contacts.html", lines=_lines(desk, part.items), part=part, tags=tags, text=text,
            unreached=kept.unreached(desk), state=state if state in STATES else "",
            states=_states(), done=_done(request),
            rest=urlencode({"tim": text, "tinh-trang": state}) + "&",
        )  # fmt: skip


def _states() -> list[tuple[str, str]]:
    return [(slug, say(f"contacts.state.{slug}")) for slug in STATES]


def _found(desk: Desk, text: str, state: str) -> list[str]:
    """The bodies that have each word in their names or their contacts', and are in a state."""
    found = desk.kept("contacts", lambda: _everyone(desk))
    if state == "chua-co":
        reached = contacts.marked(desk.session, desk.today, "reached")
        unreached = bodies.at_work(desk.plan) - reached
        found = [body for body in found if body in unreached]
    elif state in STATES:
        marked = contacts.marked(desk.session, desk.today, STATES[state])
        found = [body for body in found if ("" if body == NOBODY else body) in marked]
    if not text:
        return found
    said = contacts.names(desk.session)
    said[NOBODY] = f"{fold(say('contacts.no_body'))} {said.pop('', '')}"
    return register.found(desk.plan, desk.given, found, text, said)


def _everyone(desk: Desk) -> list[str]:
    """Every body of the plan, and each that somebody speaks for, by name; then nobody's."""
    spoken_for = contacts.spoken_for(desk.session)
    ids = {*(body.id for body in desk.plan.bodies), *(spoken_for - {""})}
    nobodys = [NOBODY] if "" in spoken_for else []
    return register.in_order(desk.plan, desk.given, ids) + nobodys


def _lines(desk: Desk, shown: Sequence[str]) -> list[Line]:
    ids = ["" if body == NOBODY else body for body in shown]
    people = contacts.people(desk.session, desk.today, ids)
    groups = {body for body in ids if desk.plan.has_body(body) and desk.plan.body(body).open_group}
    works = bodies.at_work(desk.plan)
    return [
        Line(body, desk.body_name(body), people.get(body, []), body in works, body in groups)
        if body
        else Line(None, say("contacts.no_body"), people.get("", []))
        for body in ids
    ]


def tags(person: Person) -> Iterable[Tag]:
    """What stands out about a contact, the worst first."""
    if not person.active:
        yield Tag(say("contacts.state.ngung"), "calm")
        return
    if not person.reached:
        yield Tag(say("contacts.tag.unreached"), "late")
    elif person.broken:
        yield Tag(say("contacts.tag.broken"), "late")
    if person.away:
        yield Tag(_away(person.absent_until), "soon")
    if person.reached and not person.verified:
        yield Tag(say("contacts.tag.unverified"), "wait")
    if person.quiet:
        yield Tag(say("contacts.tag.quiet"), "calm")


def _away(until: date | None) -> str:
    if until is None:
        return say("contacts.tag.away")
    return say("contacts.tag.away_until", day=until)


def _done(request: Request) -> str:
    asked = forms.clean(request.query_params.get("xong", ""))[:20]
    return say(f"contacts.xong.{asked}") if texts.has(f"contacts.xong.{asked}") else ""


# -- one contact -----------------------------------------------------------------------------


@router.get("/lien-he/moi")
def new_contact(request: Request) -> Response:
    return show_new(request)


def show_new(request: Request, typed: Typed = NOTHING, trouble: Trouble | None = None) -> Response:
    with opened(request) as desk:
        status = trouble.status if trouble else 200
        return desk.page("contact_new.html", status, typed=typed, trouble=trouble)


@router.get("/lien-he/nhap")
def import_page(request: Request) -> Response:
    return show_import(request)


def show_import(request: Request, trouble: Trouble | None = None, **values: Any) -> Response:
    with opened(request) as desk:
        shared = {"faults": (), "preview": None, "content": "", **values}
        status = trouble.status if trouble else 422 if shared["faults"] else 200
        channels = contact_card.channels(desk.session)
        return desk.page(
            "contacts_import.html", status, trouble=trouble, channels=channels, **shared
        )


@router.get("/lien-he/xuat.{kind}")
def export(request: Request, kind: str) -> Response:
    """Every contact in use, as a file that can be imported again."""
    kinds = {
        "csv": (contact_sheet.as_csv, "text/csv; charset=utf-8"),
        "xlsx": (
            contact_sheet.as_xlsx,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    }
    if kind not in kinds:
        raise NotFound("page.missing")
    with opened(request) as desk:
        names = contacts.short_names(desk.session, desk.today)
        rows = contact_card.rows(desk.session, names)
    make, mime = kinds[kind]
    headers = {"content-disposition": f'attachment; filename="dau-moi.{kind}"'}
    return Response(make(rows), media_type=mime, headers=headers)


@router.get("/lien-he/{number}")
def one_contact(request: Request, number: Id) -> Response:
    return show_one(request, number)


@dataclass(frozen=True, slots=True)
class Code:
    """A code that links a contact, as it is shown once."""

    channel: str
    code: str = field(repr=False)
    until: datetime


def show_one(
    request: Request, number: int, typed: Typed = NOTHING, trouble: Trouble | None = None,
    code: Code | None = None,
) -> Response:  # fmt: skip
    with opened(request) as desk:
        found = contacts.one(desk.session, number)
        if found is None:
            raise NotFound("contact.no_number", id=number)
        contact = found.card.contact
        roles = [
            f"{desk.body_name(body)}{f'; {role}' if role else ''}"
            for body, role in sorted(found.card.roles.items())
        ]
        return desk.page(
            "contact.html", trouble.status if trouble else 200, found=found, contact=contact,
            roles=roles, typed=typed, trouble=trouble, done=_done(request), why=contacts.why,
            away=stand_in.is_away(contact, desk.today),
            channels=contact_card.channels(desk.session), code=code,
            linkable=linking.channels(desk.session),
        )  # fmt: skip


@router.get("/lien-he/{number}/{name}")
def back_to_contact(request: Request, number: Id, name: str) -> Response:
    """Reloading the address of a form leads back to its contact."""
    return show_one(request, number)
