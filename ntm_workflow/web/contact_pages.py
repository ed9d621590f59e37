"""Pages of contacts: the list by body, one contact, and the file to be imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from ntm_workflow import texts
from ntm_workflow.appendix.text import fold, sort_key
from ntm_workflow.chase import stand_in
from ntm_workflow.errors import NotFound
from ntm_workflow.reports import bodies, contacts
from ntm_workflow.reports.contacts import Person
from ntm_workflow.texts import say
from ntm_workflow.web import forms
from ntm_workflow.web.desk import Desk, opened
from ntm_workflow.web.forms import Trouble, Typed
from ntm_workflow.web.task_pages import Id
from ntm_workflow.web.words import Tag
from ntm_workflow.work import contact_card, contact_sheet, linking

router = APIRouter()
PAGE = 50  # bodies on one page of the list
STATES = ("chua-co", "hong", "chua-xac-nhan", "vang", "yen-lang", "ngung")
NOTHING = Typed("", {})


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
        lines = _lines(desk)
        found = [one for one in lines if _wanted(one, fold(text), state)]
        start = _after(found, asked.get("sau", ""), asked.get("truoc", ""))
        shown = found[start : start + PAGE]
        return desk.page(
            "contacts.html", lines=shown, total=len(found), tags=tags, text=text,
            unreached=sum(one.unreached for one in lines),
            state=state if state in STATES else "", states=_states(), done=_done(request),
            before=shown[0].body or "-" if start and shown else None,
            after=shown[-1].body or "-" if start + PAGE < len(found) else None,
            rest=urlencode({"tim": text, "tinh-trang": state}) + "&",
        )  # fmt: skip


def _states() -> list[tuple[str, str]]:
    return [(slug, say(f"contacts.state.{slug}")) for slug in STATES]


def _lines(desk: Desk) -> list[Line]:
    """Every body of the plan, and each that somebody speaks for, by name; then nobody's."""
    by_body = contacts.people(desk.session, desk.today)
    nobodys = by_body.pop("", [])
    ids = dict.fromkeys([*(body.id for body in desk.plan.bodies), *by_body])
    groups = {body.id for body in desk.plan.bodies if body.open_group}
    works = set(bodies.working(desk.plan))
    lines = [
        Line(body, desk.body_name(body), by_body.get(body, []), body in works, body in groups)
        for body in ids
    ]
    lines.sort(key=lambda line: (sort_key(line.name), line.body or ""))
    return lines + ([Line(None, say("contacts.no_body"), nobodys)] if nobodys else [])


def _wanted(line: Line, text: str, state: str) -> bool:
    said = fold(" ".join([line.name, line.body or "", *(one.name for one in line.people)]))
    if any(word not in said for word in text.split()):
        return False
    if state == "chua-co":
        return line.unreached
    marks: dict[str, Callable[[Person], bool]] = {
        "hong": lambda p: p.broken, "chua-xac-nhan": lambda p: not p.verified,
        "vang": lambda p: p.away, "yen-lang": lambda p: p.quiet, "ngung": lambda p: not p.active,
    }  # fmt: skip
    return state not in marks or any(marks[state](one) for one in line.people)


def _after(lines: list[Line], after: str, before: str) -> int:
    """Where a page begins: after one body, or so that it ends before another."""
    places = {line.body or "-": at for at, line in enumerate(lines)}
    if after in places:
        return places[after] + 1
    return max(0, places[before] - PAGE) if before in places else 0


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
