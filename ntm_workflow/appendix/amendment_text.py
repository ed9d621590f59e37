"""The text of an amended paper as it goes in force under the running plan.

Tasks, audit and letters name a row by its id. So the plan keeps its id and
head, a row that is the same row keeps its id, and what the paper prints stands
beside it as `printed`. A number that is taken by an earlier row gets a letter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ntm_workflow.appendix.amendment import Amendment, amends
from ntm_workflow.appendix.model import Plan, Row, Section
from ntm_workflow.appendix.toml_edit import Edits, edited
from ntm_workflow.errors import Refused

_KEPT_HEAD = ("id", "number", "symbol", "issuer", "title", "year", "issued_on", "effective_on")
_LETTERS = "bcdefghijklmnopqrstuvwxyz"


def in_force(
    text: bytes,
    old: Plan,
    new: Plan,
    amendment: Amendment,
    taken: Collection[str] = (),
    periods: Mapping[str, str] | None = None,
) -> bytes:
    """Return the text of `new` with the ids of `old` where a row or section is the same.

    `taken` are ids that earlier rows had; `periods` are the periods that rows of
    `old` keep although their window moved.

    Raises:
        Refused: the text is written in a way that cannot be edited by line.
    """
    row_ids = _ids(new.rows, amendment.rows, {row.id for row in old.all_rows} | set(taken), str)
    old_sections = {section.id for section in old.sections}
    section_ids = _ids(new.sections, amendment.sections, old_sections, str.upper)
    edits: dict[tuple[str, int], dict[str, Any]] = {}
    if amends(old, new):
        head = {key: getattr(old, key) for key in _KEPT_HEAD if getattr(old, key) != ""}
        edits["plan", 0] = {**head, "amends": None}
    for index, section in enumerate(new.sections):
        edits["section", index] = _numbered(section, section_ids[section.id])
    for index, row in enumerate(new.rows):
        edits["row", index] = _numbered(row, row_ids[row.id])
        kept = (periods or {}).get(amendment.rows.get(row.id, ""), "")
        own = row.reading.windows[0].period if row.reading.windows else ""
        if kept != (row.period or own):
            edits["row", index]["period"] = kept or None
    needed: Edits = {place: keys for place, keys in edits.items() if keys}
    return edited(text.decode(), needed).encode() if needed else text


def _numbered(one: Row | Section, made: str) -> dict[str, Any]:
    """The keys to set so that it has this id and keeps its printed number."""
    keys: dict[str, Any] = {}
    if made != one.id:
        keys["id"] = made
    printed = one.number if one.number != made else ""
    if printed != one.printed:
        keys["printed"] = printed or None
    return keys


def _ids(
    news: Iterable[Row | Section],
    same: Mapping[str, str],
    taken: set[str],
    letter: Callable[[str], str],
) -> dict[str, str]:
    """The id of each: that of the old one, else its number, else its number and a letter."""
    found = {one.id: same[one.id] for one in news if one.id in same}
    used = taken | set(found.values())
    for one in news:
        if one.id not in found:
            made = found[one.id] = _free(one.number, used, letter)
            used.add(made)
    return found


def _free(number: str, used: set[str], letter: Callable[[str], str]) -> str:
    choices = (number, *(number + letter(one) for one in _LETTERS))
    for made in choices:
        if made not in used:
            return made
    raise Refused("amend.no_free_id", number=number)
