"""Two versions of a plan → what an amendment changes. What is the same is not listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ntm_workflow.appendix import amendment_match
from ntm_workflow.appendix.amendment_match import Doubt, Pair
from ntm_workflow.appendix.model import Body, Plan, Reading, Row, Unit
from ntm_workflow.appendix.timing_say import describe

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
ROW_CELLS = ("content", "directing_text", "implementing_text", "coordinating_text",
             "timing_text", "scope", "note", "day_off", "lead_days", "every", "count",
             "reminders")  # fmt: skip
HEAD = ("number", "symbol", "issuer", "title", "year", "issued_on", "effective_on", "level",
        "coordination_office")  # fmt: skip
# Of a paper that amends another only this is the plan's; the rest is about the paper itself.
HEAD_OF_AMENDED = ("level", "coordination_office")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value that changed. Of "owing", "directing" and "coordinating" (who it is once the
    names are resolved): `before` the bodies that leave, `after` those that come."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing added, removed or changed.

    `table` is a table of the file ("row", "section", "unit" …). `name` is its
    number, id or name in the new version, `was` that in the old one; the one
    that is not there is "". A row that only got another number has no cells.
    """

    kind: str
    table: str
    name: str
    was: str
    text: str = ""
    cells: tuple[Cell, ...] = ()

    @property
    def renumbered(self) -> bool:
        return self.kind == CHANGED and self.name != self.was


@dataclass(frozen=True)
class Amendment:
    """What changes, what a person must decide first, and which row is which.

    `rows` and `sections` map the new id to the old one.
    """

    changes: tuple[Change, ...]
    doubts: tuple[Doubt, ...]
    rows: Mapping[str, str]
    sections: Mapping[str, str]

    def of(self, table: str, kind: str) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if (c.table, c.kind) == (table, kind))


def compare(old: Plan, new: Plan, answers: Iterable[tuple[str, str]] = ()) -> Amendment:
    """List what `new` changes in `old`; rows in doubt are listed as doubts only.

    `answers` say which old row is which new one, by number: ("II.1", "II.2"),
    ("II.1", "-") for a row that is gone, ("-", "II.3") for a new one.

    Raises:
        Refused: an answer names a row that is not there, or one row twice.
    """
    pairs, doubts = amendment_match.rows(old, new, answers)
    doubted = {d.old for d in doubts}, {d.new for d in doubts}
    sections = amendment_match.sections(old, new, pairs)
    changes = [
        *_head(old, new),
        *_values("rules", old.rules, new.rules),
        *_values("reminders", old.reminders, new.reminders),
        *_keyed("ordered_day", old.ordered_days, new.ordered_days, lambda one: str(one.day)),
        *_units_and_bodies(old, new),
        *_sections(old, new, sections),
        *_rows("row", old.rows, new.rows, pairs, doubted),
        *_criteria(old, new),
        *_rows("criterion", old.criteria, new.criteria, amendment_match.criteria(old, new)),
        *_keyed("target", old.targets, new.targets, lambda one: str(one.number)),
    ]
    return Amendment(tuple(changes), tuple(doubts), {p.new.id: p.old.id for p in pairs}, sections)


def amends(old: Plan, new: Plan) -> bool:
    """True where `new` is a paper of its own that amends `old`."""
    return new.id != old.id and new.amends == old.id


# -- head, rules, register ---------------------------------------------------------


def _head(old: Plan, new: Plan) -> Iterator[Change]:
    names = HEAD_OF_AMENDED if amends(old, new) else ("id", *HEAD)
    if cells := _differing(names, old, new):
        yield Change(CHANGED, "plan", new.id, old.id, cells=cells)


def _criteria(old: Plan, new: Plan) -> Iterator[Change]:
    if cells := _differing(("criteria_title", "criteria_total"), old, new):
        yield Change(CHANGED, "criteria", "", "", cells=cells)


def _values(table: str, old: Any, new: Any) -> Iterator[Change]:
    names = tuple(field.name for field in fields(old))
    if cells := _differing(names, old, new):
        yield Change(CHANGED, table, "", "", cells=cells)


def _differing(names: Iterable[str], old: Any, new: Any) -> tuple[Cell, ...]:
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in names)
    return tuple(Cell(name, a, b) for name, a, b in pairs if a != b)


def _keyed(
    table: str, olds: Iterable[Any], news: Iterable[Any], key: Callable[[Any], str]
) -> Iterator[Change]:
    """Changes of things that are known by a key of their own."""
    before, after = {key(o): o for o in olds}, {key(n): n for n in news}
    for name, one in before.items():
        if name not in after:
            yield Change(REMOVED, table, "", name, getattr(one, "name", ""))
    for name, one in after.items():
        if name not in before:
            yield Change(ADDED, table, name, "", getattr(one, "name", ""))
        else:
            names = tuple(field.name for field in fields(one))
            if cells := _differing(names, before[name], one):
                text = getattr(one, "name", "")
                yield Change(CHANGED, table, name, name, text, cells)


def _units_and_bodies(old: Plan, new: Plan) -> Iterator[Change]:
    """Units, then bodies; those of a unit that comes or goes come and go with it."""
    yield from _keyed("unit", old.units, new.units, _unit_id)
    kept = {u.id for u in old.units} & {u.id for u in new.units} | {None}
    yield from _keyed(
        "body",
        [body for body in old.bodies if body.unit in kept],
        [body for body in new.bodies if body.unit in kept],
        _body_id,
    )


def _unit_id(unit: Unit) -> str:
    return unit.id


def _body_id(body: Body) -> str:
    return body.id


# -- sections and rows -------------------------------------------------------------


def _sections(old: Plan, new: Plan, same: Mapping[str, str]) -> Iterator[Change]:
    before = {section.id: section for section in old.sections}
    gone = set(before) - set(same.values())
    for section in old.sections:
        if section.id in gone:
            yield Change(REMOVED, "section", "", section.number, section.title)
    for section in new.sections:
        was = before.get(same.get(section.id, ""))
        if was is None:
            yield Change(ADDED, "section", section.number, "", section.title)
        elif was.number != section.number or was.title != section.title:
            cells = _differing(("title",), was, section)
            yield Change(CHANGED, "section", section.number, was.number, section.title, cells)


def _rows(
    table: str,
    olds: tuple[Row, ...],
    news: tuple[Row, ...],
    pairs: Iterable[Pair],
    doubted: tuple[set[str], set[str]] = (set(), set()),
) -> Iterator[Change]:
    found = {pair.new.id: pair.old for pair in pairs}
    kept = {row.id for row in found.values()}
    for row in olds:
        if row.id not in kept and row.number not in doubted[0]:
            yield Change(REMOVED, table, "", row.number, row.content)
    for row in news:
        was = found.get(row.id)
        if was is None:
            if row.number not in doubted[1]:
                yield Change(ADDED, table, row.number, "", row.content)
        elif (cells := tuple(_cells(was, row))) or was.number != row.number:
            yield Change(CHANGED, table, row.number, was.number, row.content, cells)


def _cells(old: Row, new: Row) -> Iterator[Cell]:
    found = {cell.name: cell for cell in _differing(ROW_CELLS, old, new)}
    yield from found.values()
    if "timing_text" not in found and sense(old.reading) != sense(new.reading):
        yield Cell("reading", describe(old.reading), describe(new.reading))
    if new.period and new.period != _period(old):
        yield Cell("period", _period(old), new.period)
    yield from _bodies("owing", old.implementing, new.implementing)
    for role in ("directing", "coordinating"):
        if f"{role}_text" not in found:
            yield from _bodies(role, getattr(old, role), getattr(new, role))


def _period(row: Row) -> str:
    """The period that tasks of a row of one window are opened under."""
    return row.period or (row.reading.windows[0].period if row.reading.windows else "")


def _bodies(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Cell]:
    gone = tuple(body for body in old if body not in new)
    come = tuple(body for body in new if body not in old)
    if gone or come:
        yield Cell(name, gone, come)


def sense(reading: Reading) -> tuple[Any, ...]:
    """What a reading means, whatever words and rule led to it."""
    windows = tuple((w.opens_on, w.due_on) for w in reading.windows)
    parts = tuple(sense(part) for part in reading.parts)
    return reading.kind, windows, reading.every, reading.day, parts, reading.question is None
