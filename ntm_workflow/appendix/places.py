"""Where in a TOML file a value stands: `tomllib` reads values but keeps no lines."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*(\[\[?)\s*([\w.-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*([\w-]+)\s*=")
_QUOTES = ('"""', "'''")


class Places:
    """Line numbers (1-based) of the tables and keys of one TOML text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, int, str], int] = {}
        counts: dict[str, int] = {}
        table, index, closing = "", 0, ""
        for number, line in enumerate(text.split("\n"), start=1):
            if closing:
                if closing in line:
                    closing = ""
                continue
            if header := _HEADER.match(line):
                table = header[2]
                index = counts.get(table, -1) + 1
                counts[table] = index
                self._lines[table, index, ""] = number
                above, _, key_of = table.rpartition(".")
                if above in counts:  # [row.reminders]: a key of the row above it
                    self._lines[above, counts[above], key_of] = number
            elif key := _KEY.match(line):
                self._lines.setdefault((table, index, key[1]), number)
                closing = next((q for q in _QUOTES if line.count(q) == 1), "")

    def line(self, table: str, index: int = 0, key: str = "") -> int:
        """Line of a key, else of its table, else 0."""
        return self._lines.get((table, index, key)) or self._lines.get((table, index, ""), 0)
