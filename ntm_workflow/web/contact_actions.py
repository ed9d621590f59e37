"""What the forms of contacts do. Each answers with a redirect, or shows the form again."""

from __future__ import annotations

import hashlib
import logging
import zlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from ntm_workflow.appendix.importers import limits
from ntm_workflow.calendar import typed as written
from ntm_workflow.calendar.hours import Hours
from ntm_workflow.chase import inbound
from ntm_workflow.errors import NotFound, NtmError, Refused, StaleEdit
from ntm_workflow.reports import contacts as reports
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Contact
from ntm_workflow.texts import say
from ntm_workflow.web import contact_pages, forms, visitor
from ntm_workflow.web.desk import up_to_date
from ntm_workflow.web.forms import Posted, Typed
from ntm_workflow.web.task_pages import Id
from ntm_workflow.work import (
    contact_import,
    contact_lines,
    contact_sheet,
    contacts,
    linking,
    links,
    privacy,
)
from ntm_workflow.work.contact_import import Comparison
from ntm_workflow.work.contact_lines import Reader
from ntm_workflow.work.contact_sheet import ContactFaults
from ntm_workflow.work.contacts import By

log = logging.getLogger("ntm.web")
router = APIRouter()
T = TypeVar("T")
CARRIED = 4_000_000  # bytes of a packed file that a form brings back
UNPACKED = 20_000_000


@dataclass(frozen=True, slots=True)
class Edit:
    """One form about one contact, inside its transaction."""

    rt: Runtime
    session: Session
    contact: Contact
    typed: Typed
    by: By


# -- a new contact ---------------------------------------------------------------------------


@router.post("/lien-he/moi")
def add(request: Request, form: Posted) -> Response:
    typed, rt = forms.typed("moi", form), up_to_date(request)
    try:
        _ours(request, form)
        with rt.sessions.begin() as session:
            by = By(visitor.actor(request), rt.now())
            roles = _roles(rt, session, typed)
            made = contacts.add(session, typed.get("ten"), roles, typed.get("thu"), by)
            number = made.id
    except NtmError as error:
        return contact_pages.show_new(request, typed, forms.trouble("moi", error))
    return RedirectResponse(f"/lien-he/{number}?xong=moi", 303)


def _roles(rt: Runtime, session: Session, typed: Typed) -> dict[str, str]:
    """Bodies by id from lines like "BQL xã Vũ Lễ; theo dõi". Raises Refused."""
    reader = Reader(reports.known(session, rt.plan, rt.all_plans, rt.today()), {})
    found: dict[str, str] = {}
    for line in typed.get("don_vi").splitlines():
        printed, _, role = (part.strip() for part in line.partition(";"))
        if not printed:
            continue
        meant = reader.meant(printed)
        if not meant:
            raise Refused("contact.body", value=printed, nearest=reader.nearest(printed))
        found |= dict.fromkeys(meant, role)
    return found


# -- the forms of one contact ------------------------------------------------------------------


def _name(edit: Edit) -> None:
    roles = _roles(edit.rt, edit.session, edit.typed)
    contacts.describe(edit.session, edit.contact, edit.typed.get("ten"), roles, edit.by)


def _address(edit: Edit) -> None:
    channel, value = edit.typed.get("kenh"), edit.typed.get("dia_chi")
    contacts.give_address(edit.session, edit.contact, channel, value, edit.by)


def _take(edit: Edit) -> None:
    contacts.take_address(edit.session, edit.contact, edit.typed.get("kenh"), edit.by)


def _reuse(edit: Edit) -> None:
    contacts.reuse(edit.session, edit.contact, edit.typed.get("kenh"), edit.by)


def _order(edit: Edit) -> None:
    """Places typed beside each channel; equal ones keep the order they had."""
    places = {
        one.channel: forms.integer(edit.typed.get(f"thu_tu_{one.channel}")) or 99
        for one in edit.contact.addresses
    }
    names = sorted(places, key=lambda name: places[name])
    also = {name for name in names if edit.typed.get(f"luon_{name}")}
    wanted = [f"{name}+" if name in also else name for name in names]
    contacts.reorder(edit.session, edit.contact, wanted, edit.by)


def _absence(edit: Edit) -> None:
    said = edit.typed.get("nguoi_thay")
    deputy = contacts.find(edit.session, said) if said else None
    first, last = _day(edit.typed, "vang_tu"), _day(edit.typed, "vang_den")
    contacts.be_absent(edit.session, edit.contact, first, last, deputy, edit.by)


def _day(typed: Typed, name: str) -> date | None:
    return typed.day(name) if typed.get(name) else None


def _hours(edit: Edit) -> None:
    start, end = _clock(edit.typed, "yen_tu"), _clock(edit.typed, "yen_den")
    if (start is None) != (end is None):
        raise Refused("contact.half_quiet")
    quiet: Hours | None = (start, end) if start is not None and end is not None else None
    office = [(p.reminders.send_from, p.reminders.send_until) for p in edit.rt.in_force]
    digest_at = _clock(edit.typed, "gio_nhan")
    contacts.set_hours(edit.session, edit.contact, quiet, digest_at, office, edit.by)


def _clock(typed: Typed, name: str) -> time | None:
    if not typed.get(name):
        return None
    if (found := written.clock(typed.get(name))) is None:
        raise Refused("contact.no_clock", value=typed.get(name))
    return found


def _revoke(edit: Edit) -> None:
    links.revoke_all(edit.session, edit.contact, edit.by)


def _off(edit: Edit) -> None:
    contacts.set_active(edit.session, edit.contact, False, edit.by)


def _on(edit: Edit) -> None:
    contacts.set_active(edit.session, edit.contact, True, edit.by)


def _erase(edit: Edit) -> None:
    if not edit.typed.get("dong_y"):
        raise Refused("contact.erase_unsure")
    privacy.erase(edit.session, edit.contact, edit.by)


ACTS: dict[str, Callable[[Edit], None]] = {
    "ten": _name, "dia-chi": _address, "bo-dia-chi": _take, "dung-lai": _reuse,
    "thu-tu": _order, "vang": _absence, "gio": _hours, "ngung": _off, "hoat-dong": _on,
    "thu-hoi": _revoke, "xoa-du-lieu": _erase,
}  # fmt: skip


# -- a file --------------------------------------------------------------------------------


async def _posted(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=1, max_fields=10, max_part_size=CARRIED) as form:
        yield form


Carrying = Annotated[FormData, Depends(_posted)]


@router.post("/lien-he/nhap")
def preview(request: Request, form: Carrying) -> Response:
    try:
        _ours(request, form)
        rows = contact_sheet.read(_uploaded(form))
        content = contact_sheet.as_csv([row.cells for row in rows])
    except ContactFaults as error:
        return contact_pages.show_import(request, faults=error.faults)
    except Refused as error:
        return contact_pages.show_import(request, forms.trouble("nhap", error))
    return _previewed(request, content)


def _uploaded(form: FormData) -> bytes:
    sent = form.get("tep")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise Refused("nhap.no_file")
    return sent.file.read(limits.FILE + 1)


def _previewed(request: Request, content: bytes, error: NtmError | None = None) -> Response:
    """What the file would change, and the form that lets it."""
    rt = up_to_date(request)
    trouble = forms.trouble("nhap", error) if error else None
    packed = b64encode(zlib.compress(content)).decode()
    if len(packed) >= CARRIED:
        error = Refused("contacts.too_long_for_page")
        return contact_pages.show_import(request, forms.trouble("nhap", error))
    try:
        with rt.reader() as session:
            found = contact_import.compare(session, _lines(rt, session, content))
            told = _told(found)
            missing = [card.contact.name for card in found.missing]
    except ContactFaults as faulty:
        return contact_pages.show_import(request, faults=faulty.faults)
    shown = {"changes": told, "missing": missing, "same": found.same, "seal": _seal(found)}
    return contact_pages.show_import(request, trouble, preview=shown, content=packed)


def _lines(rt: Runtime, session: Session, content: bytes) -> list[contact_lines.ContactLine]:
    known = reports.known(session, rt.plan, rt.all_plans, rt.today())
    return contact_lines.parse(content, known)


def _told(found: Comparison) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Each change in words, with (column, before, after) of what it changes."""
    return [
        (
            reports.said(one),
            [
                (key[1:] if key.startswith("@") else say(f"contact.column.{key}"), *values)
                for key, values in one.fields.items()
            ]
            if one.card
            else [],
        )
        for one in found.changes
    ]


def _seal(found: Comparison) -> str:
    """What a person saw before they said yes."""
    seen = f"{_told(found)}{[card.contact.id for card in found.missing]}"
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


@router.post("/lien-he/nhap/ghi")
def put_in(request: Request, form: Carrying) -> Response:
    typed, rt = forms.typed("nhap", form), up_to_date(request)
    content = b""
    try:
        _ours(request, form)
        content = _unpacked(str(form.get("noi_dung", "")))
        with rt.sessions.begin() as session:
            lines = _lines(rt, session, content)
            seen = _seal(contact_import.compare(session, lines))
            if seen != typed.get("dau"):
                raise StaleEdit("contacts.stale")
            contact_import.apply(
                session, lines, now=rt.now(), actor=visitor.actor(request),
                remove_missing=bool(typed.get("bo_vang_mat")),
            )  # fmt: skip
    except ContactFaults as error:
        return contact_pages.show_import(request, faults=error.faults)
    except StaleEdit as error:
        return _previewed(request, content, error)
    except Refused as error:
        return contact_pages.show_import(request, forms.trouble("nhap", error))
    return RedirectResponse("/lien-he?xong=nhap", 303)


def _unpacked(packed: str) -> bytes:
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(b64decode(packed, validate=True), UNPACKED)
    except (ValueError, zlib.error) as error:
        raise Refused("form.unknown") from error
    if not content or reader.unconsumed_tail:
        raise Refused("form.unknown")
    return content


@router.get("/lien-he/nhap/ghi")
def back_to_import() -> Response:
    return RedirectResponse("/lien-he/nhap", 303)


# -- a code, which no address may hold and no second look shows ------------------------------


@router.post("/lien-he/{number}/ma-lien-ket")
def give_code(request: Request, number: Id, form: Posted) -> Response:
    typed, rt = forms.typed("ma-lien-ket", form), up_to_date(request)
    channel, by = typed.get("kenh"), By(visitor.actor(request), rt.now())
    try:
        _ours(request, form)
        with rt.sessions.begin() as session:
            contact = contacts.edited(session, number, typed.get("dau"))
            made = inbound.code(rt, session, contact, channel, by)
    except (Refused, NotFound) as error:
        log.info("refused contact=%s act=ma-lien-ket key=%s", number, error.key)
        trouble = forms.trouble("ma-lien-ket", error)
        return contact_pages.show_one(request, number, typed, trouble)
    code = contact_pages.Code(channel, made, by.now + linking.VALID)
    return contact_pages.show_one(request, number, code=code)


# -- one of the forms above; last, since its address could mean the others ----------------


@router.post("/lien-he/{number}/{name}")
def change(request: Request, number: Id, name: str, form: Posted) -> Response:
    if name not in ACTS:
        raise NotFound("page.missing")
    typed, rt = forms.typed(name, form), up_to_date(request)
    try:
        _ours(request, form)
        with rt.sessions.begin() as session:
            contact = contacts.edited(session, number, typed.get("dau"))
            ACTS[name](Edit(rt, session, contact, typed, By(visitor.actor(request), rt.now())))
    except (Refused, NotFound) as error:
        log.info("refused contact=%s act=%s key=%s", number, name, error.key)
        return contact_pages.show_one(request, number, typed, forms.trouble(name, error))
    return RedirectResponse(f"/lien-he/{number}?xong={name}", 303)


def _ours(request: Request, form: FormData) -> None:
    if not forms.from_us(request, form):
        raise Refused("form.expired")
