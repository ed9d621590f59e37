"""Setting keys in the text of a TOML file; comments, order and spacing stay.

Each edit is proved: read again, the text must be the old tree plus exactly what
was asked.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any

from ntm_workflow.appendix.places import Places
from ntm_workflow.errors import Refused

Place = tuple[str, int]  # a table's name and, for [[tables]], which one
Edits = Mapping[Place, Mapping[str, Any]]  # a key set to None is taken out
_LINE = re.compile(
    r"""(?P<key>\s*[\w-]+\s*=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'\[{]+)(?P<rest>\s*(?:\#.*)?)$"""
)


def edited(text: str, edits: Edits) -> str:
    """Return the text with keys of its tables set, or taken out.

    A key that is not there yet goes right under the table's `id`, else under
    its header.

    Raises:
        Refused: a value over several lines, or a table written in one line,
            stands where a key is to be set.
    """
    tree = tomllib.loads(text)
    places = Places(text)
    lines: list[list[str]] = [[line] for line in text.split("\n")]
    wanted = copy.deepcopy(tree)
    for (table, index), keys in edits.items():
        entry = wanted[table][index] if isinstance(wanted[table], list) else wanted[table]
        for key, value in keys.items():
            at = places.line(table, index, key if key in entry else "id") - 1
            if key not in entry:
                if value is not None:
                    lines[at].append(f"{key} = {written(value)}")
            elif value is None:
                lines[at][0:1] = []
            elif (line := _LINE.match(lines[at][0])) is not None:
                lines[at][0] = f"{line['key']}{written(value)}{line['rest']}"
            _put(entry, key, value)
    made = "\n".join(line for group in lines for line in group)
    if not _reads_as(made, wanted):
        raise Refused("amend.not_editable", tables=", ".join(sorted({t for t, _ in edits})))
    return made


def written(value: Any) -> str:
    """A string, number, day or list of them as TOML."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(one) for one in value)}]"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _put(entry: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        entry.pop(key, None)
    else:
        entry[key] = value


def _reads_as(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False
