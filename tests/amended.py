"""The 2020 appendix as a clerk amends it: edits of its text, by row."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan

APPENDIX = (Path(__file__).parent.parent / "config" / "appendix.toml").read_text("utf-8")


class Paper:
    """The text of an amended paper, edit by edit."""

    def __init__(self, text: str = APPENDIX) -> None:
        self.text = text

    @property
    def bytes(self) -> bytes:
        return self.text.encode()

    @cached_property
    def plan(self) -> Plan:
        return toml_file.parse(self.bytes)

    def replace(self, old: str, new: str) -> Paper:
        assert self.text.count(old) == 1, (old, self.text.count(old))
        return Paper(self.text.replace(old, new))

    def entry(self, name: str) -> str:
        """The [[row]], [[criterion]], [[unit]] … whose id this is."""
        found = re.search(rf'\[\[\w+\]\]\nid = "{re.escape(name)}"\n(?:(?!\[)[^\n]*\n)*', self.text)
        assert found, name
        lines = found[0].split("\n")
        while not lines[-1] or lines[-1].startswith("#"):  # they are of what follows
            lines.pop()
        return "\n".join(lines) + "\n"

    def set(self, name: str, **cells: str | None) -> Paper:
        """Set cells of an entry to what is written here (TOML); None takes one out."""
        entry = made = self.entry(name)
        for key, value in cells.items():
            line = f"{key} = {value}\n" if value is not None else ""
            old = re.search(rf"^{key} = .*\n", made, re.M)
            made = made.replace(old[0], line) if old else made + line
        return self.replace(entry, made)

    def without(self, *names: str) -> Paper:
        made = self
        for name in names:
            made = made.replace(made.entry(name), "")
        return made

    def insert(self, before: str, number: str, content: str, who: str = "Phòng TC-KH",
               timing: str = "Quý III") -> Paper:  # fmt: skip
        entry = self.entry(before)
        row = (f'[[row]]\nid = "{number}"\ncontent = "{content}"\nimplementing = "{who}"\n'
               f'timing = "{timing}"\n\n')  # fmt: skip
        return self.replace(entry, row + entry)

    def renumber(self, **numbers: str) -> Paper:
        """Give rows other numbers, all at once: II_2="II.3"."""
        wanted = {old.replace("_", "."): new for old, new in numbers.items()}

        def other(found: re.Match[str]) -> str:
            return f'[[{found[1]}]]\nid = "{wanted.get(found[2], found[2])}"'

        return Paper(re.sub(r'\[\[(row|section)\]\]\nid = "([^"]+)"', other, self.text))

    def own_number(self, number: int = 45, day: str = "2020-08-10") -> Paper:
        """A paper of its own that amends plan 28."""
        return (
            self.replace('id = "28-kh-ubnd-2020" ',
                         f'id = "{number}-kh-ubnd-2020"\namends = "28-kh-ubnd-2020" ')
            .replace("number = 28 ", f"number = {number} ")
            .replace('title = "Thực hiện', 'title = "Điều chỉnh, bổ sung Kế hoạch số 28/KH-UBND')
            .replace("issued_on = 2020-02-12", f"issued_on = {day}")
            .replace("effective_on = 2020-02-12 ", f"effective_on = {day} ")
        )  # fmt: skip
