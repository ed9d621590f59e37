"""appendix.toml → Plan. Every fault at once, each with its line, row, key and candidates."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rapidfuzz import process

from ntm_workflow.appendix import finding_codes, findings, timing, toml_ladder
from ntm_workflow.appendix.bodies import Register, Unresolved
from ntm_workflow.appendix.model import (
    Body,
    Criterion,
    Every,
    Fault,
    Finding,
    Kind,
    Named,
    OrderedDay,
    Plan,
    Quote,
    Reading,
    Reminders,
    Row,
    Rules,
    Section,
    Unit,
    Window,
)
from ntm_workflow.appendix.places import Places
from ntm_workflow.appendix.toml_keys import ARRAYS, KEYS, REQUIRED, typed
from ntm_workflow.errors import AppendixFaults

LONGEST_ID, LONGEST_ROW_ID = 60, 20  # characters; with a commune's id an id may reach 80
_ID = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
_ROW_ID = re.compile(r"^[A-Z0-9]+(\.[0-9]+[a-z]?)*$")
_PERIOD = re.compile(r"^\d{4}[0-9A-Z.-]{0,36}$")
ONE_WINDOW = (Kind.WINDOW, Kind.WINDOWS, Kind.DEADLINE)


def load(path: Path) -> Plan:
    """Read and check an appendix file.

    Raises:
        AppendixFaults: the file cannot be used; carries every fault with its place.
    """
    return parse(read(path), str(path))


def read(path: Path) -> bytes:
    """The bytes of an appendix file. Raises AppendixFaults where they cannot be had."""
    try:
        return path.read_bytes()
    except OSError as error:
        fault = Fault(0, "", "fault.file.unreadable", "file.unreadable", {"why": error.strerror})
        raise AppendixFaults(str(path), (fault,)) from error


def parse(data: bytes, name: str = "appendix.toml") -> Plan:
    """Read and check the bytes of an appendix file; `name` is for messages."""
    if faults := _bad_encoding(data):
        raise AppendixFaults(name, faults)
    text = data.decode("utf-8")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AppendixFaults(name, (_syntax_fault(text, error),)) from error
    reader = _Reader(tree, Places(text))
    plan = reader.plan()
    if reader.faults:
        raise AppendixFaults(name, tuple(sorted(reader.faults, key=lambda f: f.line)))
    assert plan is not None
    plan = replace(plan, digest=hashlib.sha256(data).hexdigest())
    return replace(plan, findings=findings.find(plan))


def tidy(data: bytes) -> bytes:
    """The same file without a BOM, with LF line ends, in NFC. Undecodable bytes raise."""
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text).encode("utf-8")


def _bad_encoding(data: bytes) -> tuple[Fault, ...]:
    def fault(code: str, line: int = 1, **details: Any) -> Fault:
        return Fault(line, "", f"fault.{code}", code, details)

    if not data.strip():
        return (fault("file.empty", 0),)
    found: list[Fault] = []
    if data.startswith(b"\xef\xbb\xbf"):
        found.append(fault("file.bom"))
    if (at := data.find(b"\r")) >= 0:
        found.append(fault("file.crlf", data.count(b"\n", 0, at) + 1))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return (*found, fault("file.not_utf8", line))
    if not unicodedata.is_normalized("NFC", text):
        lines = text.split("\n")
        bad = (n for n, ln in enumerate(lines, 1) if not unicodedata.is_normalized("NFC", ln))
        line = next(bad, 1)
        found.append(fault("file.nfd", line, text=lines[line - 1].strip()[:60]))
    return tuple(found)


def _syntax_fault(text: str, error: tomllib.TOMLDecodeError) -> Fault:
    message = str(error)
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(place[1]) if place else text.count("\n") + 1
    reason = re.sub(r"\s*\(at .*\)$", "", message)
    quote = text.split("\n")[line - 1].strip()[:60]
    if "Cannot declare" in reason and "'plan'" in reason:
        return Fault(line, "[plan]", "fault.plan.twice", "plan.twice", {})
    return Fault(line, "", "fault.toml.syntax", "toml.syntax", {"why": reason, "text": quote})


class _Reader:
    """Walks the parsed tree once, collecting faults instead of stopping at the first."""

    def __init__(self, tree: dict[str, Any], places: Places) -> None:
        self.tree = tree
        self.places = places
        self.faults: list[Fault] = []
        self._at: tuple[str, int] = ("", 0)

    # -- faults -----------------------------------------------------------

    def fault(
        self, code: str, field: str = "", table: str = "", index: int = 0, **data: Any
    ) -> None:
        where = self._where(table, index, field)
        line = self.places.line(table, index, field.partition(".")[0])
        if not line and not table and field:
            line = self.places.line(field)
        self.faults.append(Fault(line, where, f"fault.{code}", code, data))

    def _where(self, table: str, index: int, key: str) -> str:
        if not table:
            return key
        if table not in ARRAYS:
            return f"[{table}] {key}".strip()
        entry = self.tree[table][index]
        name = entry.get("id") or entry.get("day") or entry.get("criterion")
        return f"{table} {name if name is not None else f'#{index + 1}'} {key}".strip()

    # -- tables -----------------------------------------------------------

    def table(self, name: str) -> dict[str, Any]:
        """Values of a single table that are of the right type; the others are faults."""
        value = self.tree.get(name, {})
        if not isinstance(value, dict):
            self.fault("table.single", name, table=name)
            return {}
        if not value and name in REQUIRED and name != "criteria":
            self.fault("table.missing", name)
            return {}
        return self._checked(name, 0, value)

    def array(self, name: str) -> list[dict[str, Any]]:
        value = self.tree.get(name, [])
        if not isinstance(value, list):
            self.fault("table.array", name)
            self.tree[name] = [value]
            return []
        return [self._checked(name, index, entry) for index, entry in enumerate(value)]

    def _checked(self, table: str, index: int, entry: dict[str, Any]) -> dict[str, Any]:
        known = KEYS[table]
        good: dict[str, Any] = {"#": index}
        for key, value in entry.items():
            if key not in known:
                nearest = _closest(key, known)
                code = "key.unknown_near" if nearest else "key.unknown"
                self.fault(code, key, table, index, key=key, nearest=nearest)
                continue
            try:
                good[key] = typed(value, known[key])
            except ValueError as error:
                code, details = error.args
                self.fault(code, key, table, index, value=value, **details)
        for key in REQUIRED.get(table, ()):
            if key not in entry:
                self.fault("key.missing", key, table, index, key=key)
            elif entry[key] == "" and key != "symbol":
                self.fault("key.empty", key, table, index, key=key)
        return good

    def unique(self, table: str, entries: list[dict[str, Any]], key: str = "id") -> None:
        seen: dict[Any, int] = {}
        for entry in entries:
            value = entry.get(key)
            if value in seen:
                first = self.places.line(table, seen[value], key)
                self.fault("id.twice", key, table, entry["#"], value=value, first=first)
            elif value is not None:
                seen[value] = entry["#"]

    # -- the plan ---------------------------------------------------------

    def plan(self) -> Plan | None:
        for key in self.tree:
            if key not in KEYS and key != "schema":
                nearest = _closest(key, [name for name in KEYS if name])
                self.fault("table.unknown", key, name=key, nearest=nearest)
        schema = self.tree.get("schema")
        if schema != 1:
            self.fault("schema.unknown", "schema", found=schema)
        head = self.table("plan")
        rules_in, reminders_in = self.table("rules"), self.table("reminders")
        arrays = {name: self.array(name) for name in ARRAYS}
        for name in ("unit", "body", "section", "row", "criterion"):
            self.unique(name, arrays[name])
        self.unique("name", arrays["name"], "printed")
        self.unique("target", arrays["target"], "criterion")
        self.unique("ordered_day", arrays["ordered_day"], "day")
        if not arrays["row"]:
            self.fault("table.missing", "row")
        if self.faults:  # what follows would only repeat them
            return None
        return self._resolved(head, rules_in, reminders_in, arrays)

    def _resolved(
        self,
        head: dict[str, Any],
        rules_in: dict[str, Any],
        reminders_in: dict[str, Any],
        arrays: dict[str, list[dict[str, Any]]],
    ) -> Plan:
        units = tuple(
            Unit(u["id"], u["name"], u["level"], u.get("in_programme", True), u.get("type", "xã"))
            for u in arrays["unit"]
        )
        bodies = self._bodies(arrays["body"], units)
        names = {n["printed"]: n.get("read_as", "") for n in arrays["name"]}
        register = Register(bodies, units, head["level"], names)
        for key in ("issuer", "coordination_office"):
            if head[key] not in register.bodies:
                nearest = _closest(head[key], register.bodies)
                self.fault("body.id_unknown", key, "plan", value=head[key], nearest=nearest)
        self._check_members(arrays["body"], register)
        self._check_ids(head["id"], arrays)
        if (amends := head.get("amends", "")) and (not _ID.match(amends) or amends == head["id"]):
            self.fault("id.amends", "amends", "plan", value=amends)
        rules = self._rules(rules_in)
        sections = tuple(
            Section(s["id"], s["title"], s.get("printed", "")) for s in arrays["section"]
        )
        year = head["year"]
        rows = tuple(self._row(r, register, sections, year) for r in arrays["row"])
        criteria_in = self.table("criteria") if arrays["criterion"] else {}
        criteria = tuple(
            self._criterion(c, criteria_in, register, year) for c in arrays["criterion"]
        )
        return Plan(
            id=head["id"], number=head["number"], symbol=head["symbol"], issuer=head["issuer"],
            title=head["title"], year=year, level=head["level"], issued_on=head["issued_on"],
            effective_on=head.get("effective_on", head["issued_on"]),
            coordination_office=head["coordination_office"],
            sections=sections, rows=rows, criteria=criteria,
            targets=tuple(
                Criterion(t["criterion"], t["name"], t["added"], t["reached"], t["of"],
                          t.get("percent", ""), t.get("place", ""), t.get("quote", ""))
                for t in arrays["target"]
            ),
            bodies=bodies, units=units, rules=rules,
            reminders=self._reminders(reminders_in),
            ordered_days=tuple(
                OrderedDay(d["day"], d["off"], d["document"]) for d in arrays["ordered_day"]
            ),
            criteria_title=criteria_in.get("title", ""),
            criteria_total=criteria_in.get("total"), amends=head.get("amends", ""),
            place=head.get("place", ""),
            paper=tuple(one for f in arrays["finding"] if (one := self._finding(f))),
        )  # fmt: skip

    def _finding(self, entry: dict[str, Any]) -> Finding | None:
        """A [[finding]] whose sentence can be filled in."""
        code, data, index = entry["code"], entry.get("data", {}), entry["#"]
        if code not in finding_codes.PAPER:
            nearest = _closest(code, finding_codes.PAPER)
            self.fault("finding.unknown", "code", "finding", index, value=code, nearest=nearest)
            return None
        for key in finding_codes.PAPER[code][1]:
            if key not in data:
                self.fault("finding.data", "data", "finding", index, value=code, key=key)
        quotes = tuple(Quote(place, text) for place, text in entry.get("quotes", ()))
        return Finding(code, entry["where"], data, quotes)

    def _rules(self, given: dict[str, Any]) -> Rules:
        values = {key: value for key, value in given.items() if key != "#"}
        for key in ("send_within_working_days", "lead_days"):
            if values.get(key, 0) < 0:
                self.fault("key.negative", key, "rules", value=values[key])
        if "periodic" in values:
            values["periodic"] = self._steps("rules", 0, "periodic", values["periodic"])
        return Rules(**values)

    def _steps(self, table: str, index: int, key: str, words: list[str]) -> tuple[Every, ...]:
        good = []
        for word in words:
            try:
                good.append(Every(word))
            except ValueError:
                options = ", ".join(Every)
                self.fault("key.choice", key, table, index, value=word, options=options)
        return tuple(good)

    def _reminders(self, given: dict[str, Any]) -> Reminders:
        given = {key: value for key, value in given.items() if key != "#"}
        values = toml_ladder.checked(given, partial(self.fault, table="reminders"))
        made = Reminders(**values)
        if made.send_from >= made.send_until:
            self.fault("reminders.hours", "send_until", "reminders", value=made.send_until)
        return made

    def _own_reminders(self, table: str, entry: dict[str, Any]) -> toml_ladder.Own:
        """`reminders` of a row or criteria line; faults stand at that key of the entry."""

        def fault(code: str, key: str, /, **data: Any) -> None:
            self.fault(code, f"reminders.{key}", table, entry["#"], **data)

        return toml_ladder.own(entry.get("reminders", {}), fault, _closest)

    def _bodies(self, entries: list[dict[str, Any]], units: tuple[Unit, ...]) -> tuple[Body, ...]:
        bodies: list[Body] = []
        for entry in entries:
            each = entry.get("each")
            homes = [u for u in units if u.level is each] if each else [None]
            if each and "{unit}" not in entry["id"]:
                self.fault("body.each", "id", "body", entry["#"], value=entry["id"])
            bodies.extend(make_body(entry, unit) for unit in homes)
        return tuple(bodies)

    def _check_members(self, entries: list[dict[str, Any]], register: Register) -> None:
        for entry in entries:
            for member in entry.get("members", ()):
                if member not in register.bodies:
                    nearest = _closest(member, register.bodies)
                    self.fault("body.id_unknown", "members", "body", entry["#"],
                               value=member, nearest=nearest)  # fmt: skip

    def _check_ids(self, plan_id: str, arrays: dict[str, list[dict[str, Any]]]) -> None:
        if not _ID.match(plan_id) or len(plan_id) > LONGEST_ID:
            self.fault("id.form", "id", "plan", value=plan_id)
        for table in ("unit", "body"):
            for entry in arrays[table]:
                plain = entry["id"].replace("{unit}", "x")
                if not _ID.match(plain) or len(plain) > LONGEST_ID:
                    self.fault("id.form", "id", table, entry["#"], value=entry["id"])
        for table in ("row", "criterion"):
            for entry in arrays[table]:
                if not _ROW_ID.match(entry["id"]) or len(entry["id"]) > LONGEST_ROW_ID:
                    self.fault("id.row_form", "id", table, entry["#"], value=entry["id"])
        for table in ("row", "section"):
            self._check_numbers(table, arrays[table])
        row_ids = {entry["id"] for entry in arrays["row"]}
        for entry in arrays["criterion"]:
            if entry["id"] in row_ids:
                self.fault("id.twice", "id", "criterion", entry["#"], value=entry["id"], first=0)

    def _check_numbers(self, table: str, entries: list[dict[str, Any]]) -> None:
        """`printed` looks like an id, and no two entries print the same number."""
        seen: dict[str, int] = {}
        for entry in entries:
            printed, number = entry.get("printed", ""), entry.get("printed") or entry["id"]
            if printed and (not _ROW_ID.match(printed) or len(printed) > LONGEST_ROW_ID):
                self.fault("id.row_form", "printed", table, entry["#"], value=printed)
            if number in seen and (printed or entries[seen[number]].get("printed")):
                first = self.places.line(table, seen[number])
                self.fault("id.twice", "printed", table, entry["#"], value=number, first=first)
            seen.setdefault(number, entry["#"])

    # -- rows -------------------------------------------------------------

    def _row(
        self, entry: dict[str, Any], register: Register, sections: tuple[Section, ...], year: int
    ) -> Row:
        index = entry["#"]
        number = entry.get("printed") or entry["id"]
        prefix = number.rpartition(".")[0] or number
        known = {s.number: s.id for s in sections}
        if prefix not in known:
            self.fault("section.unknown", "id", "row", index,
                       value=prefix, nearest=_closest(prefix, known))  # fmt: skip
        cells: dict[str, tuple[Named, ...]] = {}
        for column in ("directing", "implementing", "coordinating"):
            cells[column] = self._cell(entry.get(column, ""), column, "row", index, register)
        scope = tuple(entry.get("scope", ()))
        for unit in scope:
            if unit not in register.units:
                nearest = _closest(unit, register.units)
                self.fault("unit.unknown", "scope", "row", index, value=unit, nearest=nearest)
        reading = self._timing(entry, "row", index, year)
        self._check_period(entry, reading)
        return Row(
            id=entry["id"], section=known.get(prefix, prefix), content=entry["content"],
            directing_text=entry.get("directing", ""),
            implementing_text=entry["implementing"],
            coordinating_text=entry.get("coordinating", ""),
            timing_text=entry["timing"], reading=reading,
            directing_named=cells["directing"], implementing_named=cells["implementing"],
            coordinating_named=cells["coordinating"],
            implementing=_owing(cells["implementing"], scope, register),
            scope=scope, note=entry.get("note", ""), secrecy=entry.get("secrecy", ""),
            day_off=entry.get("day_off"), lead_days=entry.get("lead_days"),
            every=self._steps("row", index, "every", entry.get("every", [])),
            line=self.places.line("row", index),
            printed=entry.get("printed", ""), period=entry.get("period", ""),
            reminders=self._own_reminders("row", entry),
        )  # fmt: skip

    def _check_period(self, entry: dict[str, Any], reading: Reading) -> None:
        """`period` names the one window of a row; it cannot name several."""
        if not (period := entry.get("period", "")):
            return
        if not _PERIOD.match(period):
            self.fault("period.form", "period", "row", entry["#"], value=period)
        elif reading.kind not in ONE_WINDOW or len(reading.windows) != 1 or entry.get("every"):
            self.fault("period.several", "period", "row", entry["#"], value=entry["timing"])

    def _criterion(
        self, entry: dict[str, Any], criteria: dict[str, Any], register: Register, year: int
    ) -> Row:
        index = entry["#"]
        named = []
        known, lost = register.read_units(entry["implementing"])
        template = criteria.get("body", "{unit}")
        for printed, unit in known:
            body = template.replace("{unit}", unit)
            if body not in register.bodies:
                self.fault("body.id_unknown", "body", "criteria", value=body, nearest="")
                continue
            named.append(Named(printed, (body,)))
        for printed in lost:
            nearest = ", ".join(register.nearest_unit(printed))
            self.fault("unit.unknown", "implementing", "criterion", index,
                       value=printed, nearest=nearest)  # fmt: skip
        directing = self._cell(entry["directing"], "directing", "criterion", index, register)
        check_in = criteria.get("check_in")
        number = re.search(r"\d+", entry["id"])
        reading = self._timing({"timing": criteria.get("timing", "")}, "criteria", 0, year)
        return Row(
            id=entry["id"], section="TC", content=entry["name"],
            directing_text=entry["directing"], implementing_text=entry["implementing"],
            coordinating_text="", timing_text=criteria.get("timing", ""), reading=reading,
            directing_named=directing, implementing_named=tuple(named),
            implementing=tuple(dict.fromkeys(b for name in named for b in name.bodies)),
            every=(check_in,) if check_in else (),
            criterion=int(number[0]) if number else None, count=entry.get("count"),
            line=self.places.line("criterion", index),
            reminders=self._own_reminders("criterion", entry),
        )  # fmt: skip

    def _cell(
        self, cell: str, column: str, table: str, index: int, register: Register
    ) -> tuple[Named, ...]:
        named, lost = register.resolve(cell)
        for name in lost:
            self._lost_name(name, column, table, index)
        if column == "implementing" and not lost and not any(name.bodies for name in named):
            self.fault("body.none", column, table, index, value=cell)
        return named

    def _lost_name(self, name: Unresolved, column: str, table: str, index: int) -> None:
        if name.ambiguous:
            self.fault("body.ambiguous", column, table, index,
                       value=name.printed, nearest=", ".join(name.ambiguous))  # fmt: skip
        else:
            code = "body.unknown_near" if name.nearest else "body.unknown"
            nearest = '", "'.join(name.nearest)
            self.fault(code, column, table, index, value=name.printed, nearest=nearest)

    def _timing(self, entry: dict[str, Any], table: str, index: int, year: int) -> Reading:
        key = "read_as" if entry.get("read_as") else "timing"
        reading = timing.read(entry[key], year)
        if reading.kind is Kind.UNREADABLE:
            nearest = '", "'.join(reading.question.choices) if reading.question else ""
            code = "timing.unreadable_near" if nearest else "timing.unreadable"
            self.fault(code, key, table, index, value=entry[key], nearest=nearest)
        if entry.get("reading") == "span" and len(reading.windows) > 1:
            reading = _as_span(reading)
        return replace(reading, text=entry["timing"])


def make_body(entry: dict[str, Any], unit: Unit | None) -> Body:
    """The body of a checked [[body]] entry; with `each`, that of one unit."""

    def fill(text: str) -> str:
        if unit is None:
            return text
        filled = text.replace("{unit}", unit.id).replace("{type}", unit.type)
        return filled.replace("{Unit}", unit.name)

    name = fill(entry["name"])
    return Body(
        id=fill(entry["id"]), name=name, short=fill(entry.get("short", entry["name"])),
        level=entry["level"], kind=entry["kind"], unit=unit.id if unit else None,
        names=tuple(entry.get("names", ())),
        aliases=tuple(fill(alias) for alias in entry.get("aliases", ())),
        members=tuple(entry.get("members", ())),
    )  # fmt: skip


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


def _closest(word: str, known: Any) -> str:
    found = process.extractOne(word, list(known), score_cutoff=60)
    return str(found[0]) if found else ""
