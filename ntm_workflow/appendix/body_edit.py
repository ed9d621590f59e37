"""Teaching the appendix file a body or a spelling, without touching anything else in it.

The file is edited as text, so comments, order and spacing stay. Each edit is
proved before it is kept: read again as TOML, the file must be the old tree plus
exactly what was asked; read as an appendix, it may have no fault it had not before.
"""

from __future__ import annotations

import copy
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.importers import known
from ntm_workflow.appendix.model import Fault
from ntm_workflow.appendix.text import fold
from ntm_workflow.errors import AppendixFaults, NotFound, Refused

_HEADER = re.compile(r"^[ \t]*\[", re.M)
_STRING = re.compile(r'"""|\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]]')


class Sheet:
    """One appendix file, open for learning. Faults elsewhere in it are no obstacle."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = path.read_bytes()
        self.faults = _faults(self.before, path)
        try:
            self.text = self.before.decode("utf-8")
            self.tree = tomllib.loads(self.text)
        except ValueError as error:  # not UTF-8, or not TOML
            raise AppendixFaults(str(path), self.faults) from error
        self.entries: list[dict[str, Any]] = self.tree.get("body", [])

    def register(self) -> Register:
        """The register of the file's bodies, each commune's with them."""
        found = known.load(self.before).register
        assert found is not None
        return found

    def find(self, name: str) -> int:
        """The index of the body of this id, or of this name. Raises NotFound or Refused."""
        ids = [entry["id"] for entry in self.entries]
        if name in ids:
            return ids.index(name)
        register = self.register()
        named, lost = register.resolve(name)
        if lost or len(named) != 1:
            nearest = '", "'.join(register.nearest(name))
            raise NotFound("bodies.unknown", name=name, nearest=nearest or "–")
        found = {body for body in named[0].bodies if body in ids}
        if len(found) != 1:
            raise Refused("bodies.of_each", name=name, ids=", ".join(i for i in ids if "{" in i))
        return ids.index(found.pop())

    def known_as(self, printed: str) -> set[str]:
        """The ids of the bodies that this spelling, taken whole, names already."""
        written, found = fold(printed), set()
        for entry in self.entries:
            spellings = [entry["name"], entry.get("short", ""), *entry.get("names", ())]
            if written in map(fold, [*spellings, *entry.get("aliases", ())]):
                found.add(entry["id"])
        register = self.register()
        named, lost = register.resolve(printed)
        if not lost and len(named) == 1:
            found |= {self._declared(register, body) for body in named[0].bodies}
        return found

    def _declared(self, register: Register, body: str) -> str:
        """The id as the file has it: "ubnd-{unit}" for the UBND of one commune."""
        unit = register.bodies[body].unit or ""
        ids = (entry["id"] for entry in self.entries)
        return next((one for one in ids if one.replace("{unit}", unit) == body), body)

    def add(self, entry: dict[str, Any]) -> None:
        """Add a body behind the last one."""
        if entry["id"] in {one["id"] for one in self.entries}:
            raise Refused("bodies.id_taken", id=entry["id"])
        lines = ["[[body]]", *(f"{key} = {_written(value)}" for key, value in entry.items())]
        wanted = copy.deepcopy(self.tree)
        wanted.setdefault("body", []).append(entry)
        at = self._end_of("body", len(self.entries) - 1) if self.entries else len(self.text)
        block = "\n".join(lines) + "\n"
        before = self.text[:at].rstrip("\n")
        self._keep(f"{before}\n\n{block}{self.text[at:]}", wanted)

    def alias(self, index: int, printed: str) -> None:
        """Add a spelling to a body; to `names` where each commune has the body."""
        entry = self.entries[index]
        key = "names" if "each" in entry else "aliases"
        wanted = copy.deepcopy(self.tree)
        wanted["body"][index].setdefault(key, []).append(printed)
        start, end = self._start_of("body", index), self._end_of("body", index)
        block = self.text[start:end]
        self._keep(self.text[:start] + _appended(block, key, printed) + self.text[end:], wanted)

    def _start_of(self, table: str, index: int) -> int:
        places = [m.start() for m in re.finditer(rf"^[ \t]*\[\[\s*{table}\s*\]\]", self.text, re.M)]
        return places[index]

    def _end_of(self, table: str, index: int) -> int:
        """Behind the last line of the table that is neither blank nor a comment."""
        start = self._start_of(table, index)
        line_end = self.text.find("\n", start)
        following = _HEADER.search(self.text, line_end) if line_end >= 0 else None
        while following and not _is_header(self.text, following.start()):
            following = _HEADER.search(self.text, following.end())
        block = self.text[start : following.start() if following else len(self.text)]
        kept = block.rstrip().split("\n")
        while kept[-1].lstrip().startswith("#") or not kept[-1].strip():
            kept.pop()
        return start + len("\n".join(kept)) + 1

    def _keep(self, text: str, wanted: dict[str, Any]) -> None:
        """Prove the edit and replace the file in one step; else nothing is changed."""
        data = text.encode("utf-8")
        try:
            proved = tomllib.loads(text) == wanted
        except tomllib.TOMLDecodeError:
            proved = False
        if not proved:
            raise Refused("bodies.not_editable", path=str(self.path))
        faults = _faults(data, self.path)
        had = {(fault.where, fault.key, repr(fault.data)) for fault in self.faults}
        new = [one for one in faults if (one.where, one.key, repr(one.data)) not in had]
        if new:
            raise AppendixFaults(str(self.path), tuple(new))
        if self.path.read_bytes() != self.before:
            raise Refused("bodies.changed_meanwhile", path=str(self.path))
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        beside.write_bytes(data)
        os.replace(beside, self.path)
        self.faults = faults


def _faults(data: bytes, path: Path) -> tuple[Fault, ...]:
    try:
        toml_file.parse(data, str(path))
    except AppendixFaults as error:
        return error.faults
    return ()


def _is_header(text: str, at: int) -> bool:
    """A line that opens a table, not one inside a list over several lines."""
    return (
        re.match(r"[ \t]*\[\[?\s*[\w.-]+\s*\]\]?[ \t]*(#.*)?$", text[at:].split("\n")[0])
        is not None
    )


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_written(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _appended(block: str, key: str, value: str) -> str:
    """The text of one table with a value added to the end of one of its lists."""
    opened = re.search(rf"^[ \t]*{key}[ \t]*=[ \t]*\[", block, re.M)
    if opened is None:
        return block + f"{key} = [{_written(value)}]\n"
    depth, last = 1, opened.end()
    for sign in _STRING.finditer(block, opened.end()):
        depth += {"[": 1, "]": -1}.get(sign[0], 0)
        if not depth:
            inside = block[opened.end() : last].rstrip()
            comma = "" if not inside or inside.endswith(",") else ","
            rest = block[last : sign.start()]
            more = "," if rest.strip().startswith(",") else ""
            if more:  # a trailing comma behind the last value
                at = last + rest.index(",") + 1
                return f"{block[:at]} {_written(value)}{block[at:]}"
            gap = " " if comma else ""
            return f"{block[:last]}{comma}{gap}{_written(value)}{block[last:]}"
        if sign[0][0] in "\"'":
            last = sign.end()
    return block
