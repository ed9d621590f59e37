"""Automatic numbering of a .docx: which number Word shows before a paragraph."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ntm_workflow.appendix.importers import ordinals
from ntm_workflow.appendix.importers.package import Package

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEVELS = 9


@dataclass(slots=True)
class _Level:
    text: str = ""
    format: str = "decimal"
    start: int = 1


@dataclass(slots=True)
class _List:
    """One w:num: the abstract list whose counters it shares, and its own levels."""

    abstract: str
    levels: dict[int, _Level]
    restarts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts the numbered paragraphs of one document, in the order they come."""

    def __init__(self, package: Package) -> None:
        self._lists = _lists(package.tree("word/numbering.xml"))
        self._styles = _styles(package.tree("word/styles.xml"))
        self._counters: dict[str, dict[int, int]] = defaultdict(dict)
        self._restarted: set[tuple[str, int]] = set()

    def number(self, paragraph: Any) -> str:
        """The number shown before this paragraph, "" where it has none. Counts it."""
        number, level = self._of(paragraph)
        found = self._lists.get(number)
        if found is None or not 0 <= level < _LEVELS:
            return ""
        counters = self._counters[found.abstract]
        one = found.levels.get(level, _Level())
        start = one.start
        if level in found.restarts and (number, level) not in self._restarted:
            self._restarted.add((number, level))
            start = found.restarts[level]
            counters.pop(level, None)
        counters[level] = counters[level] + 1 if level in counters else start
        for deeper in range(level + 1, _LEVELS):
            counters.pop(deeper, None)
        return _shown(found, level, counters)

    def _of(self, paragraph: Any) -> tuple[str, int]:
        """The list and level of a paragraph, its own or its style's."""
        properties = paragraph.find(f"{W}pPr")
        style = "" if properties is None else _value(properties.find(f"{W}pStyle"))
        number, level = self._styles.get(style, ("", 0))
        own = None if properties is None else properties.find(f"{W}numPr")
        if own is not None:
            number = _value(own.find(f"{W}numId")) or number
            level = _integer(_value(own.find(f"{W}ilvl")), level)
        return number, level


def _shown(found: _List, level: int, counters: dict[int, int]) -> str:
    one = found.levels.get(level, _Level())
    if one.format == "none":
        return ""
    if one.format == "bullet":
        # Bullets are drawn from private places of symbol fonts.
        plain = one.text and all(unicodedata.category(c) != "Co" for c in one.text)
        return one.text if plain else "-"
    said = one.text or f"%{level + 1}."
    for at in range(_LEVELS):
        of = found.levels.get(at, _Level())
        said = said.replace(f"%{at + 1}", _figure(counters.get(at, of.start), of.format))
    return said


def _figure(value: int, form: str) -> str:
    if form in ("upperRoman", "lowerRoman"):
        said = ordinals.roman(value)
        return said if form == "upperRoman" else said.lower()
    if form in ("upperLetter", "lowerLetter"):
        said = chr(ord("A") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return said if form == "upperLetter" else said.lower()
    return f"{value:02d}" if form == "decimalZero" else str(value)


def _lists(tree: Any) -> dict[str, _List]:
    if tree is None:
        return {}
    abstract = {
        one.get(f"{W}abstractNumId"): _levels(one) for one in tree.iterfind(f"{W}abstractNum")
    }
    found = {}
    for one in tree.iterfind(f"{W}num"):
        of = _value(one.find(f"{W}abstractNumId"))
        made = _List(of, dict(abstract.get(of, {})))
        for override in one.iterfind(f"{W}lvlOverride"):
            level = _integer(override.get(f"{W}ilvl"), 0)
            made.levels.update(_levels(override))
            start = _value(override.find(f"{W}startOverride"))
            if start.isdigit():
                made.restarts[level] = int(start)
        found[one.get(f"{W}numId")] = made
    return found


def _levels(parent: Any) -> dict[int, _Level]:
    levels = {}
    for one in parent.iterfind(f"{W}lvl"):
        levels[_integer(one.get(f"{W}ilvl"), 0)] = _Level(
            _value(one.find(f"{W}lvlText")),
            _value(one.find(f"{W}numFmt")) or "decimal",
            _integer(_value(one.find(f"{W}start")), 1),
        )
    return levels


def _styles(tree: Any) -> dict[str, tuple[str, int]]:
    """The list and level that each paragraph style brings, its parents' included."""
    if tree is None:
        return {}
    own: dict[str, tuple[str, int]] = {}
    parents: dict[str, str] = {}
    for style in tree.iterfind(f"{W}style"):
        name = style.get(f"{W}styleId") or ""
        parents[name] = _value(style.find(f"{W}basedOn"))
        numbers = style.find(f"{W}pPr/{W}numPr")
        if numbers is not None:
            level = _integer(_value(numbers.find(f"{W}ilvl")), 0)
            own[name] = (_value(numbers.find(f"{W}numId")), level)
    found = {}
    for name in parents:
        at, seen = name, {name}
        while at not in own and (at := parents.get(at, "")) and at not in seen:
            seen.add(at)
        if at in own:
            found[name] = own[at]
    return found


def _value(element: Any) -> str:
    return "" if element is None else element.get(f"{W}val") or ""


def _integer(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and len(text) < 9 else default
