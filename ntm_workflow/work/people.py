"""People: who is written to for a body. They change, so they are not in the appendix."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import nfc
from ntm_workflow.errors import NtmError
from ntm_workflow.store.tables import Address, Contact, ContactBody
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit, body_names
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.body_names import Called

COLUMNS = ("body", "name", "email", "role")
_EMAIL = re.compile(r"^[^@\s<>,;:\"()\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])$")


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with one line of a contacts file (1-based, the header is line 1)."""

    line: int
    key: str
    data: dict[str, object]


class ContactFaults(NtmError):
    """The contacts file cannot be used; `faults` holds every one of them."""

    def __init__(self, faults: tuple[LineFault, ...]) -> None:
        super().__init__("contacts.faults", count=len(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ContactLine:
    bodies: tuple[str, ...]
    name: str
    email: str
    role: str


def read_csv(
    data: bytes, plan: Plan, others: Sequence[Plan] = (), given: Iterable[Called] = ()
) -> list[ContactLine]:
    """Read a contacts file: columns body, name, email, role (optional).

    UTF-8, with or without BOM, separated by comma or semicolon. `body` holds
    ids or names as printed, several separated by "|". `given` are bodies that
    events have founded or renamed: a name of theirs means them. What `plan`
    does not know may be a body of `others`, where they agree on it.

    Raises:
        ContactFaults: every fault of every line; nothing is to be changed.
    """
    try:
        text = nfc(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ContactFaults((LineFault(1, "contacts.not_utf8", {}),)) from error
    head = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in head else ",")
    missing = [name for name in COLUMNS[:3] if name not in (reader.fieldnames or ())]
    if missing:
        data_: dict[str, object] = {"missing": ", ".join(missing), "wanted": ", ".join(COLUMNS)}
        raise ContactFaults((LineFault(1, "contacts.columns", data_),))
    books = [_book(one) for one in (plan, *(other for other in others if other != plan))]
    today = {one.id: one for one in given}
    lines: list[ContactLine] = []
    faults: list[LineFault] = []
    for row in reader:
        found = _line(row, reader.line_num, books, today)
        if isinstance(found, ContactLine):
            lines.append(found)
        else:
            faults.extend(found)
    if faults:
        raise ContactFaults(tuple(faults))
    return lines


Book = tuple[Plan, Register]


def _book(plan: Plan) -> Book:
    return plan, Register(plan.bodies, plan.units, plan.level)


def _line(
    row: dict[str, str | None], number: int, books: Sequence[Book], given: dict[str, Called]
) -> ContactLine | list[LineFault]:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    faults: list[LineFault] = []
    email = cells["email"].lower()
    if not _EMAIL.match(email):
        faults.append(LineFault(number, "contacts.email", {"value": cells["email"]}))
    if not cells["name"]:
        faults.append(LineFault(number, "contacts.name", {}))
    bodies: list[str] = []
    for printed in cells["body"].split("|"):
        found = _meant(printed.strip(), books, given)
        if not found:
            nearest = ", ".join(books[0][1].nearest(printed))
            data: dict[str, object] = {"value": printed.strip(), "nearest": nearest}
            faults.append(LineFault(number, "contacts.body", data))
        bodies.extend(found)
    return faults or ContactLine(tuple(bodies), cells["name"], email, cells["role"])


def _meant(printed: str, books: Sequence[Book], given: dict[str, Called]) -> tuple[str, ...]:
    """The bodies of a name as called now, in the first plan, else in the others if they agree."""
    if printed in given:
        return (printed,)
    if not books[0][0].has_body(printed) and (body := body_names.named(given, printed)):
        return (body,)
    first, *rest = (tuple(_bodies(printed, *book)) for book in books)
    answers = {found for found in rest if found}
    return first or (answers.pop() if len(answers) == 1 else ())


def _bodies(printed: str, plan: Plan, register: Register) -> Iterator[str]:
    if plan.has_body(printed):
        yield printed
        return
    named, lost = register.resolve(printed)
    if printed and not lost:
        for name in named:
            yield from name.bodies


def import_contacts(
    session: Session, lines: list[ContactLine], *, now: datetime, actor: Actor
) -> int:
    """Add or update contacts; return how many addresses changed. Repeating it changes nothing."""
    audit.lock(session)
    changed: list[Entry] = []
    for line in lines:
        contact = session.scalar(select(Contact).where(Contact.email == line.email))
        if contact is None:
            contact = _placeholder(session, line.bodies) or Contact()
            contact.addresses.append(Address(channel=MAIL, value=line.email, added_at=now))
        before = _speaks_for(session, contact)
        mended = _mended(contact, line.email)
        if contact.id and contact.name == line.name and contact.active and not mended and (
            set(line.bodies) <= before.keys()
        ):  # fmt: skip
            continue
        contact.name, contact.active = line.name, True
        session.add(contact)
        session.flush()
        for body in line.bodies:
            session.merge(ContactBody(contact_id=contact.id, body_id=body, role=line.role))
        session.flush()
        changed.append(
            Entry(Action.CONTACT_IMPORTED, f"contact/{contact.id}", {"bodies": list(line.bodies)})
        )
    audit.append(session, actor, now, changed)
    return len(changed)


def _mended(contact: Contact, email: str) -> bool:
    """A person says that this address works: one that was refused is tried again."""
    for one in contact.addresses:
        if one.value == email and one.unusable_at is not None:
            one.unusable_at, one.unusable_why = None, ""
            return True
    return False


def contacts_of(session: Session, body_id: str) -> list[Contact]:
    """Active contacts that speak for a body."""
    query = (
        select(Contact)
        .join(ContactBody, ContactBody.contact_id == Contact.id)
        .where(ContactBody.body_id == body_id, Contact.active)
    )
    return list(session.scalars(query.order_by(Contact.id)))


def office_contact(session: Session, body_id: str, name: str) -> list[Contact]:
    """Contacts of the coordination office; a place holder without address if it has none.

    What is owed to the place holder waits, visibly, until an address is imported.
    """
    found = contacts_of(session, body_id)
    if not found:
        contact = Contact(name=name, active=True)
        session.add(contact)
        session.flush()
        session.add(ContactBody(contact_id=contact.id, body_id=body_id, role=""))
        session.flush()
        found = [contact]
    return found


def _placeholder(session: Session, bodies: tuple[str, ...]) -> Contact | None:
    return session.scalar(
        select(Contact)
        .join(ContactBody, ContactBody.contact_id == Contact.id)
        .where(ContactBody.body_id.in_(bodies), Contact.email.is_(None))
        .limit(1)
    )


def _speaks_for(session: Session, contact: Contact) -> dict[str, str]:
    if not contact.id:
        return {}
    query = select(ContactBody).where(ContactBody.contact_id == contact.id)
    return {link.body_id: link.role for link in session.scalars(query)}
