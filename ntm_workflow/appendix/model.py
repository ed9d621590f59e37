"""What an appendix says, as immutable values. Nothing here reads a clock or a file."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from datetime import date, time
from functools import cached_property
from typing import Any

from ntm_workflow.texts import Sentence


class Kind(enum.StrEnum):
    """What sort of timing a text is (docs/appendix.md, "Thời gian")."""

    WINDOW = "window"
    WINDOWS = "list of windows"
    DEADLINE = "deadline"
    PERIODIC = "periodic"
    CONTINUOUS = "continuous"
    AD_HOC = "ad hoc"
    MIXED = "mixed"
    RELATIVE = "relative"
    UNREADABLE = "unreadable"


class Every(enum.StrEnum):
    """The step of a periodic timing."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    NINE_MONTH = "nine-month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Window:
    """One dated window as written: calendar days, both inclusive, before any shift.

    `opens_on` is None where the text gives only an end ("Trước ngày 15/12").
    `period` names it for ever: "2020-06", "2020-Q2", "2020-H1", "2020-9M",
    "2020", "2020-03..2020-07" (a range) or "2020-12-14" (a fixed day).
    """

    opens_on: date | None
    due_on: date
    period: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person must decide, with what was understood and the readings on offer."""

    ask: Sentence | str
    choices: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The question in the language that is spoken; what it quotes of the paper stays."""
        return str(self.ask)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a timing text was understood, in one plan year.

    `windows` for window, list of windows and deadline; `every` (and `day`, the
    day of the month, where one is given) for periodic; `parts` for mixed;
    `question` for relative and unreadable, and wherever a person must choose.
    `rule` is the stable name of the grammar rule that matched. `other_years`
    lists years in the text that are not the plan's.
    """

    text: str
    year: int
    kind: Kind
    rule: str
    windows: tuple[Window, ...] = ()
    every: tuple[Every, ...] = ()
    day: int | None = None
    parts: tuple[Reading, ...] = ()
    question: Question | None = None
    other_years: tuple[int, ...] = ()

    @property
    def dated(self) -> bool:
        """True when dates can be made from it without asking anybody."""
        return self.question is None


class Level(enum.StrEnum):
    """Administrative levels, highest first. Plans name the ones they use."""

    CENTRAL = "central"
    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"


class BodyKind(enum.StrEnum):
    """What sort of body it is. `CLASS` stands for one body in each unit of a level."""

    COMMITTEE = "committee"
    OFFICE = "office"
    AUTHORITY = "authority"
    PARTY = "party"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Unit:
    """An administrative unit. Rows fan out only to units `in_programme`."""

    id: str
    name: str
    level: Level
    in_programme: bool = True
    type: str = "xã"


@dataclass(frozen=True, slots=True)
class Body:
    """An office, committee, authority or group that can be given work.

    `names` are the ways it is printed without a level word ("BCĐ"), `aliases`
    the ways that stand alone ("Phòng TC-KH"). `unit` is the commune (or other
    unit) it belongs to, None where there is only one. `members` lists body ids
    where a group's members are known; an *open group* has none and is addressed
    to the coordination office.
    """

    id: str
    name: str
    short: str
    level: Level
    kind: BodyKind
    unit: str | None = None
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def open_group(self) -> bool:
        return self.kind is BodyKind.GROUP and not self.members


@dataclass(frozen=True, slots=True)
class Named:
    """A name as printed in a cell, beside the bodies it resolved to."""

    printed: str
    bodies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """`printed` is its number in the paper where an amendment made that another than its id."""

    id: str
    title: str
    printed: str = ""

    @property
    def number(self) -> str:
        return self.printed or self.id


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the appendix, or one line of the criteria table.

    The five cells are kept verbatim; `*_named` say which body each printed name
    is. `implementing` is who owes a task: fanned out, narrowed by `scope`,
    groups replaced by their members. `every` adds check-ins between. `criterion`
    and `count` (how many communes the paper says) are for criteria lines.
    Tasks name the row by its id, which an amendment never changes; `printed` is
    its number in the paper where that has become another. So is `period` for a
    row of one window: the period its tasks were opened under, whatever window
    the paper gives it now. A row with a `secrecy` is named in no message: who
    is chased for it hears that there is a task, and signs in. `reminders` is
    what its ladder has otherwise than the plan's: read `Plan.reminders_of`.
    """

    id: str
    section: str
    content: str
    directing_text: str
    implementing_text: str
    coordinating_text: str
    timing_text: str
    reading: Reading
    directing_named: tuple[Named, ...] = ()
    implementing_named: tuple[Named, ...] = ()
    coordinating_named: tuple[Named, ...] = ()
    implementing: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    note: str = ""
    secrecy: str = ""
    day_off: str | None = None
    lead_days: int | None = None
    every: tuple[Every, ...] = ()
    criterion: int | None = None
    count: int | None = None
    line: int = 0
    printed: str = ""
    period: str = ""
    reminders: tuple[tuple[str, Any], ...] = ()

    @property
    def number(self) -> str:
        return self.printed or self.id

    @property
    def directing(self) -> tuple[str, ...]:
        return _bodies(self.directing_named)

    @property
    def coordinating(self) -> tuple[str, ...]:
        return _bodies(self.coordinating_named)


def _bodies(named: tuple[Named, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(body for name in named for body in name.bodies))


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion's target in the text of the plan, for comparison: `quote` at `place`."""

    number: int
    name: str
    added: int
    reached: int
    of: int
    percent: str = ""
    place: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class OrderedDay:
    """A day that an authority ordered off, or worked, and the document that did."""

    day: date
    off: bool
    document: str


@dataclass(frozen=True, slots=True)
class Rules:
    """How dates are made. Defaults are those of docs/appendix.md, "Quy tắc"."""

    period_rule: str = "decree-09-2019"
    send_within_working_days: int = 2
    day_off: str = "next"
    lead_days: int | None = None
    periodic: tuple[Every, ...] = (Every.QUARTER, Every.HALF_YEAR, Every.YEAR)


@dataclass(frozen=True, slots=True)
class Reminders:
    """When people are reminded. Days are calendar days unless the name says otherwise."""

    before: tuple[int, ...] = (14, 7, 3, 1, 0)
    after: tuple[int, ...] = (1, 3, 7)
    then_every: int = 7
    tell_coordinating_from: int = 3
    tell_directing_from: int = 7
    review_working_days: int = 3
    quarter_letter_working_days: int = 10
    send_from: time = time(7, 30)
    send_until: time = time(17, 30)


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the paper, verbatim but on one line, and where they stand ("phần I.1")."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the paper contradicts or leaves open. The plan still runs.

    `code` names the sentence, `data` fills it. Where two things contradict each
    other, `quotes` has both.
    """

    code: str
    where: str
    data: dict[str, object] = field(default_factory=dict)
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that makes the file unusable, with its place and what is nearest.

    `line` is 1-based, 0 where the fault has no line of its own. `key` names the
    sentence, `data` fills it.
    """

    line: int
    where: str
    key: str
    code: str
    data: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A whole plan: what the paper says, resolved and checked.

    `amends` is the id of the plan that this paper amends. `place` is where its
    office writes from, as letters date themselves ("Bắc Sơn"). `paper` is what an
    import found in the text around the tables, kept in the file; `findings` is
    that and what the file itself shows.
    """

    id: str
    number: int
    symbol: str
    issuer: str
    title: str
    year: int
    level: Level
    issued_on: date
    effective_on: date
    coordination_office: str
    sections: tuple[Section, ...]
    rows: tuple[Row, ...]
    criteria: tuple[Row, ...]
    targets: tuple[Criterion, ...]
    bodies: tuple[Body, ...]
    units: tuple[Unit, ...]
    rules: Rules = Rules()
    reminders: Reminders = Reminders()
    ordered_days: tuple[OrderedDay, ...] = ()
    criteria_title: str = ""
    criteria_total: int | None = None
    paper: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    digest: str = ""
    amends: str = ""
    place: str = ""

    @property
    def code(self) -> str:
        """The number as written on the document: "28/KH-UBND"."""
        return f"{self.number:02d}/{self.symbol}"

    @property
    def all_rows(self) -> tuple[Row, ...]:
        """Appendix rows, then criteria lines: everything that opens tasks."""
        return self.rows + self.criteria

    @cached_property
    def _rows(self) -> dict[str, Row]:
        return {row.id: row for row in self.all_rows}

    @cached_property
    def _bodies(self) -> dict[str, Body]:
        return {body.id: body for body in self.bodies}

    def row(self, row_id: str) -> Row:
        """Return the row or criteria line of this id. Raises KeyError."""
        return self._rows[row_id]

    def has_row(self, row_id: str) -> bool:
        return row_id in self._rows

    def reminders_of(self, row_id: str) -> Reminders:
        """The rules of reminding for a row: the plan's, with what the row has otherwise."""
        own = self._rows[row_id].reminders if row_id in self._rows else ()
        return replace(self.reminders, **dict(own)) if own else self.reminders

    @cached_property
    def own_ladders(self) -> tuple[str, ...]:
        """The ids of the rows that have a ladder of their own."""
        return tuple(row.id for row in self.all_rows if row.reminders)

    def body(self, body_id: str) -> Body:
        """Return the body of this id. Raises KeyError."""
        return self._bodies[body_id]

    def has_body(self, body_id: str) -> bool:
        return body_id in self._bodies

    def section_title(self, section_id: str) -> str:
        return next((s.title for s in self.sections if s.id == section_id), "")

    def section_number(self, section_id: str) -> str:
        return next((s.number for s in self.sections if s.id == section_id), section_id)
