"""Contacts as lines of a file: each cell read, checked and written. Touches no contact."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from rapidfuzz import process

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import fold
from ntm_workflow.calendar import typed
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import day as day_text
from ntm_workflow.work import body_names, contact_sheet
from ntm_workflow.work.body_names import Called
from ntm_workflow.work.contact_sheet import ContactFaults, LineFault, Row

COLUMNS = ("body", "name", "email", "role")
_EMAIL = re.compile(r"^[^@\s<>,;:\"()\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])$")
LONGEST = 200  # letters of one cell but that of bodies
# What a column may be called; the first is how it is written.
_HEADS = {
    "body": ("Đơn vị", "body", "mã đơn vị"),
    "body_name": ("Tên đơn vị (chỉ để đọc)", "tên đơn vị", "body_name", "body name"),
    "name": ("Đầu mối", "name", "tên", "họ tên", "họ và tên", "tên đầu mối"),
    "role": ("Vai trò", "role", "chức vụ", "chức danh"),
    "email": ("Thư điện tử", "email", "e-mail", "mail", "thư"),
    "order": ("Thứ tự kênh", "order", "thứ tự", "channels"),
    "absent_from": ("Vắng từ", "absent_from", "absent from"),
    "absent_until": ("Vắng đến", "absent_until", "absent until"),
    "deputy": ("Người thay", "deputy"),
    "quiet": ("Giờ yên lặng", "quiet", "quiet hours"),
    "digest_at": ("Giờ nhận thư", "digest_at", "digest at"),
}
_WANTED = ("body", "name", "email")
_ALSO = "+"  # after a channel's name: told there too, whatever became of the others


@dataclass(frozen=True, slots=True)
class ContactLine:
    """One contact as a file has it.

    `role` is one for all bodies, or one for each, separated by "|"; None leaves
    them as they are. `more` holds what else the file says, by column, "" for what it takes away; a
    column that is not in the file is not in it. A channel's column is "@" and
    its name.
    """

    bodies: tuple[str, ...]
    name: str
    email: str
    role: str | None
    more: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0

    @property
    def roles(self) -> dict[str, str]:
        """The role of each body; "" where the file has none."""
        each = [part.strip() for part in (self.role or "").split("|")]
        if len(each) != len(self.bodies):
            each = [(self.role or "").replace("|", ", ")] * len(self.bodies)
        return dict(zip(self.bodies, each, strict=True))


@dataclass(frozen=True, slots=True)
class Known:
    """What a file is read by: plans, bodies that events founded or renamed, channels."""

    plans: Sequence[Plan]
    given: Iterable[Called] = ()
    channels: Collection[str] = (MAIL,)


def is_email(value: str) -> bool:
    return len(value) <= 254 and bool(_EMAIL.match(value))


def parse(data: bytes, known: Known) -> list[ContactLine]:
    """Read a contacts file, CSV or Excel; headers in Vietnamese or English.

    `body` holds ids or names as printed, several separated by "|". A name in
    the first plan counts, else one on which the others agree.

    Raises:
        ContactFaults: every fault of every line; nothing is to be changed.
        Refused: a file that cannot or must not be read.
    """
    head, *rows = contact_sheet.read(data)
    columns = _columns(head, known)
    reader = Reader(known, columns)
    lines, faults = [], []
    for row in rows:
        found = reader.line(row)
        if isinstance(found, ContactLine):
            lines.append(found)
        else:
            faults.extend(found)
    lines, twice = _merged(lines)
    if faults or twice:
        raise ContactFaults(tuple(sorted((*faults, *twice), key=lambda one: one.line)))
    return lines


# -- the head ----------------------------------------------------------------------------


def _columns(head: Row, known: Known) -> dict[str, int]:
    """Which column is where. Raises ContactFaults with all that is wrong."""
    names = {fold(name): key for key, names in _HEADS.items() for name in names}
    names |= {fold(name): f"@{name}" for name in known.channels if name != MAIL}
    found: dict[str, int] = {}
    faults = []
    for place, cell in enumerate(head.cells):
        key = names.get(fold(cell))
        if cell and key is None:
            near = process.extractOne(fold(cell), list(names), score_cutoff=60)
            nearest = next((n for n in _all_heads(known) if near and fold(n) == near[0]), "–")
            faults.append(_fault(head, "contacts.column", value=cell, nearest=nearest))
        elif key in found:
            faults.append(_fault(head, "contacts.column_twice", value=cell))
        elif key:
            found[key] = place
    if missing := [key for key in _WANTED if key not in found]:
        said, wanted = ", ".join(missing), ", ".join(COLUMNS)
        faults.append(_fault(head, "contacts.columns", missing=said, wanted=wanted))
    if faults:
        raise ContactFaults(tuple(faults))
    return found


def _all_heads(known: Known) -> Iterator[str]:
    yield from (name for names in _HEADS.values() for name in names)
    yield from known.channels


def _fault(row: Row, key: str, **data: object) -> LineFault:
    return LineFault(row.line, key, data)


# -- a line --------------------------------------------------------------------------------


class Reader:
    """Reads lines by the head of their file."""

    def __init__(self, known: Known, columns: Mapping[str, int]) -> None:
        first, *others = known.plans
        plans = [first, *(one for one in others if one != first)]
        self._books = [(p, Register(p.bodies, p.units, p.level)) for p in plans]
        self._given = {one.id: one for one in known.given}
        self._channels = known.channels
        self._columns = columns

    def line(self, row: Row) -> ContactLine | list[LineFault]:
        cells = {
            name: row.cells[place] if place < len(row.cells) else ""
            for name, place in self._columns.items()
        }
        faults = [*self._wrong(row, cells)]
        bodies: list[str] = []
        for printed in filter(None, re.split(r"\s*[|;]\s*", cells["body"])):
            found = self.meant(printed)
            if not found:
                near = self.nearest(printed)
                faults.append(_fault(row, "contacts.body", value=printed, nearest=near))
            bodies.extend(found)
        more: dict[str, Any] = {}
        for name in cells:
            if name not in (*COLUMNS, "body_name"):
                try:
                    more[name] = self._value(name, cells[name])
                except _Bad as bad:
                    faults.append(_fault(row, bad.key, value=cells[name], **bad.data))
        faults += _order_of_days(row, more)
        if faults:
            return faults
        return ContactLine(
            tuple(dict.fromkeys(bodies)), cells["name"], cells["email"].lower(),
            cells.get("role"), more, row.line,
        )  # fmt: skip

    def _wrong(self, row: Row, cells: Mapping[str, str]) -> Iterator[LineFault]:
        if cells["email"] and not is_email(cells["email"].lower()):
            yield _fault(row, "contacts.email", value=cells["email"])
        if not cells["name"]:
            yield _fault(row, "contacts.name")
        for name, cell in cells.items():
            if len(cell) > LONGEST and name not in ("body", "body_name", "role"):
                yield _fault(row, "contacts.long", value=f"{cell[:40]}…", limit=LONGEST)

    def _value(self, name: str, cell: str) -> Any:
        if not cell or name.startswith("@") or name == "deputy":
            return cell
        if name == "order":
            return self._order(cell)
        read = {"quiet": typed.stretch, "digest_at": typed.clock}.get(name, typed.day)
        if (value := read(cell)) is None:
            raise _Bad(f"contacts.{'day' if read is typed.day else name}")
        return value

    def _order(self, cell: str) -> tuple[str, ...]:
        names = tuple(part.strip().lower() for part in re.split(r"[,;|>]", cell) if part.strip())
        known = {name.lower(): name for name in self._channels}
        for name in names:
            if name.removesuffix(_ALSO) not in known:
                raise _Bad("contacts.channel", name=name, known=", ".join(sorted(known)))
        return tuple(
            known[n.removesuffix(_ALSO)] + (_ALSO if n.endswith(_ALSO) else "") for n in names
        )

    def meant(self, printed: str) -> tuple[str, ...]:
        """The bodies of a name as called now, in the first plan, else where the others agree."""
        if printed in self._given:
            return (printed,)
        own = self._books[0][0].has_body(printed)
        if not own and (body := body_names.named(self._given, printed)):
            return (body,)
        first, *rest = (tuple(_bodies(printed, *book)) for book in self._books)
        answers = {found for found in rest if found}
        return first or (answers.pop() if len(answers) == 1 else ())

    def nearest(self, printed: str) -> str:
        """The names nearest to one that means nothing."""
        return ", ".join(self._books[0][1].nearest(printed)) or "–"


class _Bad(Exception):
    def __init__(self, key: str, **data: object) -> None:
        super().__init__(key)
        self.key, self.data = key, data


def _bodies(printed: str, plan: Plan, register: Register) -> Iterator[str]:
    if plan.has_body(printed):
        yield printed
        return
    named, lost = register.resolve(printed)
    if printed and not lost:
        for name in named:
            yield from name.bodies


def _order_of_days(row: Row, more: Mapping[str, Any]) -> Iterator[LineFault]:
    first, last = more.get("absent_from"), more.get("absent_until")
    if last and not first:
        yield _fault(row, "contacts.absent_no_start", value=day_text(last))
    elif first and last and last < first:
        yield _fault(row, "contacts.absent_order", value=day_text(last), first=day_text(first))


def _merged(lines: Sequence[ContactLine]) -> tuple[list[ContactLine], list[LineFault]]:
    """Lines of one contact as one; the same address under another name is a fault."""
    kept: dict[tuple[str, str], ContactLine] = {}
    made: list[ContactLine] = []
    faults = []
    for line in lines:
        first = next((kept[key] for key in _keys(line) if key in kept), None)
        if first is None:
            made.append(line)
        elif _same(first, line):
            both = _joined(first, line)
            made[made.index(first)] = line = both
        else:
            value = next(key[1] for key in _keys(line) if key in kept)
            data: dict[str, object] = {"value": value, "first": first.line}
            faults.append(LineFault(line.line, "contacts.twice", data))
            continue
        kept |= dict.fromkeys(_keys(line), line)
    return made, faults


def _keys(line: ContactLine) -> list[tuple[str, str]]:
    found = [(MAIL, line.email)] if line.email else []
    return found + [(k, str(v)) for k, v in line.more.items() if k.startswith("@") and v]


def _same(one: ContactLine, other: ContactLine) -> bool:
    return (fold(one.name), one.email, one.more) == (fold(other.name), other.email, other.more)


def _joined(one: ContactLine, other: ContactLine) -> ContactLine:
    roles = {**other.roles, **one.roles}
    return ContactLine(
        tuple(roles), one.name, one.email,
        None if one.role is None else "|".join(roles.values()), one.more, one.line,
    )  # fmt: skip


# -- writing -----------------------------------------------------------------------------


_FIRST = ("body", "body_name", "name", "role", "email")
_LAST = ("order", "absent_from", "absent_until", "deputy", "quiet", "digest_at")


def titles(channels: Sequence[str]) -> list[str]:
    """The head of a file that is written: of all channels but mail one column each."""
    return [
        name[1:] if name.startswith("@") else _HEADS[name][0]
        for name in _order_of_columns(channels)
    ]


def _order_of_columns(channels: Sequence[str]) -> list[str]:
    return [*_FIRST, *(f"@{name}" for name in channels if name != MAIL), *_LAST]


def written(cells: Mapping[str, str], channels: Sequence[str]) -> list[str]:
    """The cells of one contact in the order of `titles`."""
    return [cells.get(name, "") for name in _order_of_columns(channels)]


def cell(value: Any) -> str:
    """A value as its cell says it; what reads it gives the value again."""
    if isinstance(value, date):
        return day_text(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple):
        if value and isinstance(value[0], time):
            return "-".join(cell(one) for one in value)
        return ", ".join(value)
    return "" if value is None else str(value)
