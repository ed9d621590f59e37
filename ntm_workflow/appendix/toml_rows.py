"""[[row]] and [[criterion]] → Row: cells to bodies, timing to a reading, and who owes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ntm_workflow.appendix import timing, toml_ladder
from ntm_workflow.appendix.bodies import Register, Unresolved
from ntm_workflow.appendix.model import Every, Kind, Named, Reading, Row, Section, Window
from ntm_workflow.appendix.toml_tables import Tables, closest

_PERIOD = re.compile(r"^\d{4}[0-9A-Z.-]{0,36}$")
ONE_WINDOW = (Kind.WINDOW, Kind.WINDOWS, Kind.DEADLINE)


@dataclass(frozen=True, slots=True)
class Rows:
    """Reads the rows of a checked file against its bodies and sections."""

    tables: Tables
    register: Register
    sections: tuple[Section, ...]
    year: int

    def row(self, entry: dict[str, Any]) -> Row:
        index = entry["#"]
        number = entry.get("printed") or entry["id"]
        prefix = number.rpartition(".")[0] or number
        known = {s.number: s.id for s in self.sections}
        if prefix not in known:
            self.tables.fault("section.unknown", "id", "row", index,
                              value=prefix, nearest=closest(prefix, known))  # fmt: skip
        cells: dict[str, tuple[Named, ...]] = {}
        for column in ("directing", "implementing", "coordinating"):
            cells[column] = self._cell(entry.get(column, ""), column, "row", index)
        scope = tuple(entry.get("scope", ()))
        for unit in scope:
            if unit not in self.register.units:
                nearest = closest(unit, self.register.units)
                self.tables.fault("unit.unknown", "scope", "row", index,
                                  value=unit, nearest=nearest)  # fmt: skip
        reading = self._timing(entry, "row", index)
        self._check_period(entry, reading)
        return Row(
            id=entry["id"], section=known.get(prefix, prefix), content=entry["content"],
            directing_text=entry.get("directing", ""),
            implementing_text=entry["implementing"],
            coordinating_text=entry.get("coordinating", ""),
            timing_text=entry["timing"], reading=reading,
            directing_named=cells["directing"], implementing_named=cells["implementing"],
            coordinating_named=cells["coordinating"],
            implementing=_owing(cells["implementing"], scope, self.register),
            scope=scope, note=entry.get("note", ""), secrecy=entry.get("secrecy", ""),
            day_off=entry.get("day_off"), lead_days=entry.get("lead_days"),
            every=steps(self.tables, "row", index, "every", entry.get("every", [])),
            line=self.tables.places.line("row", index),
            printed=entry.get("printed", ""), period=entry.get("period", ""),
            reminders=self._own_reminders("row", entry),
        )  # fmt: skip

    def _check_period(self, entry: dict[str, Any], reading: Reading) -> None:
        """`period` names the one window of a row; it cannot name several."""
        if not (period := entry.get("period", "")):
            return
        if not _PERIOD.match(period):
            self.tables.fault("period.form", "period", "row", entry["#"], value=period)
        elif reading.kind not in ONE_WINDOW or len(reading.windows) != 1 or entry.get("every"):
            self.tables.fault("period.several", "period", "row", entry["#"], value=entry["timing"])

    def criterion(self, entry: dict[str, Any], criteria: dict[str, Any]) -> Row:
        index = entry["#"]
        named = []
        known, lost = self.register.read_units(entry["implementing"])
        template = criteria.get("body", "{unit}")
        for printed, unit in known:
            body = template.replace("{unit}", unit)
            if body not in self.register.bodies:
                self.tables.fault("body.id_unknown", "body", "criteria", value=body, nearest="")
                continue
            named.append(Named(printed, (body,)))
        for printed in lost:
            nearest = ", ".join(self.register.nearest_unit(printed))
            self.tables.fault("unit.unknown", "implementing", "criterion", index,
                              value=printed, nearest=nearest)  # fmt: skip
        directing = self._cell(entry["directing"], "directing", "criterion", index)
        check_in = criteria.get("check_in")
        number = re.search(r"\d+", entry["id"])
        reading = self._timing({"timing": criteria.get("timing", "")}, "criteria", 0)
        return Row(
            id=entry["id"], section="TC", content=entry["name"],
            directing_text=entry["directing"], implementing_text=entry["implementing"],
            coordinating_text="", timing_text=criteria.get("timing", ""), reading=reading,
            directing_named=directing, implementing_named=tuple(named),
            implementing=tuple(dict.fromkeys(b for name in named for b in name.bodies)),
            every=(check_in,) if check_in else (),
            criterion=int(number[0]) if number else None, count=entry.get("count"),
            line=self.tables.places.line("criterion", index),
            reminders=self._own_reminders("criterion", entry),
        )  # fmt: skip

    def _cell(self, cell: str, column: str, table: str, index: int) -> tuple[Named, ...]:
        named, lost = self.register.resolve(cell)
        for name in lost:
            self._lost_name(name, column, table, index)
        if column == "implementing" and not lost and not any(name.bodies for name in named):
            self.tables.fault("body.none", column, table, index, value=cell)
        return named

    def _lost_name(self, name: Unresolved, column: str, table: str, index: int) -> None:
        if name.ambiguous:
            self.tables.fault("body.ambiguous", column, table, index,
                              value=name.printed, nearest=", ".join(name.ambiguous))  # fmt: skip
        else:
            code = "body.unknown_near" if name.nearest else "body.unknown"
            nearest = '", "'.join(name.nearest)
            self.tables.fault(code, column, table, index, value=name.printed, nearest=nearest)

    def _timing(self, entry: dict[str, Any], table: str, index: int) -> Reading:
        key = "read_as" if entry.get("read_as") else "timing"
        reading = timing.read(entry[key], self.year)
        if reading.kind is Kind.UNREADABLE:
            nearest = '", "'.join(reading.question.choices) if reading.question else ""
            code = "timing.unreadable_near" if nearest else "timing.unreadable"
            self.tables.fault(code, key, table, index, value=entry[key], nearest=nearest)
        if entry.get("reading") == "span" and len(reading.windows) > 1:
            reading = _as_span(reading)
        return replace(reading, text=entry["timing"])

    def _own_reminders(self, table: str, entry: dict[str, Any]) -> toml_ladder.Own:
        """`reminders` of a row or criteria line; faults stand at that key of the entry."""

        def fault(code: str, key: str, /, **data: Any) -> None:
            self.tables.fault(code, f"reminders.{key}", table, entry["#"], **data)

        return toml_ladder.own(entry.get("reminders", {}), fault, closest)


def steps(tables: Tables, table: str, index: int, key: str, words: list[str]) -> tuple[Every, ...]:
    """The steps of reporting that words name; other words are faults."""
    good = []
    for word in words:
        try:
            good.append(Every(word))
        except ValueError:
            options = ", ".join(Every)
            tables.fault("key.choice", key, table, index, value=word, options=options)
    return tuple(good)


def _owing(named: tuple[Named, ...], scope: tuple[str, ...], register: Register) -> tuple[str, ...]:
    """Who owes a task: groups replaced by their members, communes narrowed to the scope."""
    owing: dict[str, None] = {}
    for name in named:
        for body_id in name.bodies:
            body = register.bodies[body_id]
            for member in body.members or (body_id,):
                unit = register.bodies[member].unit if member in register.bodies else None
                if not scope or unit is None or unit in scope:
                    owing[member] = None
    return tuple(owing)


def _as_span(reading: Reading) -> Reading:
    """One window from the first day of the first to the last day of the last."""
    first, last = reading.windows[0], reading.windows[-1]
    span = Window(first.opens_on, last.due_on, f"{first.period}..{last.period}")
    return replace(reading, kind=Kind.WINDOW, windows=(span,))
