"""Body and timing cells read as the plan will read them: what they leave open is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from ntm_workflow.appendix import timing
from ntm_workflow.appendix.bodies import Register, Unresolved
from ntm_workflow.appendix.importers.document import squash
from ntm_workflow.appendix.importers.pieces import (
    Answer,
    Answers,
    Ask,
    DraftLine,
    DraftRow,
    Head,
    answer_to,
)
from ntm_workflow.appendix.importers.settle import LATER
from ntm_workflow.appendix.model import Kind, Named, Reading

_ROLES = ("directing", "implementing", "coordinating")
_Read = tuple[tuple[Named, ...], tuple[Unresolved, ...]]


class Checks:
    """Collects the questions about cells; `failed` are those whose answer does not help.

    `plain` is the register as it was, `register` the one with the answers in it:
    a name that only the second knows is a question that was answered.
    """

    def __init__(
        self, plain: Register | None, register: Register | None, top: Head, said: Answers
    ) -> None:
        self.plain = plain if plain is not register else None  # nothing was answered
        self.register = register
        self.year = top.year or (top.issued_on.year if top.issued_on else None)
        self.said = said
        self.asks: list[Ask] = []
        self.failed: set[str] = set()
        self._read: dict[tuple[bool, str], _Read] = {}

    def row(self, row: DraftRow) -> DraftRow:
        for role in _ROLES:
            self._bodies(getattr(row, role), ("row", row.id, role), row)
        return self._timing(row) if row.timing else row

    def line(self, line: DraftLine) -> None:
        self._bodies(line.directing, ("criterion", line.id, "directing"), line)
        if self.register and line.implementing:
            where = ("criterion", line.id, "implementing")
            still = self._units(self.register, line, where)
            before = self._units(self.plain, line, where) if self.plain else []
            self._keep(before, still)

    def _units(self, register: Register, line: DraftLine, where: tuple[str, str, str]) -> list[Ask]:
        _, lost = register.read_units(line.implementing)
        return [_ask("unit.unknown", where, name, line, register.nearest_unit(name))
                for name in lost]  # fmt: skip

    def _bodies(self, cell: str, where: tuple[str, str, str], at: DraftRow | DraftLine) -> None:
        if not cell or self.register is None:
            return
        still = self._unresolved(self.register, True, cell, where, at)
        before = self._unresolved(self.plain, False, cell, where, at) if self.plain else []
        self._keep(before, still)

    def _keep(self, before: list[Ask], still: list[Ask]) -> None:
        """Ask what is still open; keep what an answer settled."""
        open_ = {ask.key for ask in still}
        self.failed |= open_
        self.asks += still
        self.asks += [ask for ask in before if ask.key not in open_ and answer_to(ask, self.said)]

    def _unresolved(
        self, register: Register, answered: bool, cell: str, where: tuple[str, str, str],
        at: DraftRow | DraftLine,
    ) -> list[Ask]:  # fmt: skip
        if (answered, cell) not in self._read:
            self._read[answered, cell] = register.resolve(cell)
        named, lost = self._read[answered, cell]
        asks = []
        for name in lost:
            if name.ambiguous:
                choices = tuple(register.bodies[body].name for body in name.ambiguous)
                asks.append(_ask("body.ambiguous", where, name.printed, at, choices))
            else:
                asks.append(_ask("body.unknown", where, name.printed, at, name.nearest))
        someone = named if where[2] != "implementing" else [n for n in named if n.bodies]
        none = _ask("body.none", where, cell, at, ())
        if not (someone or lost) or (not answered and answer_to(none, self.said)):
            asks.append(none)
        return asks

    # -- timing ---------------------------------------------------------------------

    def _timing(self, row: DraftRow) -> DraftRow:
        if self.year is None:
            return row
        ask, row = self._timing_ask(row, self.year)
        if ask is None:
            return row
        self.asks.append(ask)
        answer = answer_to(ask, self.said)
        meaning = meaning_of(answer) if answer else ""
        if not meaning:
            return row
        if answer and answer["do"] != "wait" and timing.read(meaning, self.year).question:
            self.failed.add(ask.key)
            return row
        return replace(row, read_as=meaning)

    def _timing_ask(self, row: DraftRow, year: int) -> tuple[Ask | None, DraftRow]:
        """What to ask about a timing cell, or how the column's header changes its meaning."""
        where = ("row", row.id, "timing")
        if row.timing == LATER:
            return None, row
        reading = timing.read(row.timing, year, row.timing_header)
        if reading.question is not None:
            choices = (*_from_day(row.day), *reading.question.choices)
            return _ask("timing.question", where, row.timing, row, choices,
                        why=reading.question.ask), row  # fmt: skip
        if _same(reading, timing.read(row.timing, year)):
            return None, row
        said = timing.canonical(reading)  # the header changes what the cell means
        if not _same(reading, timing.read(said, year)):
            return _ask("timing.header", where, row.timing, row, (said,),
                        header=row.timing_header), row  # fmt: skip
        return None, replace(row, read_as=said)


def meaning_of(answer: Answer) -> str:
    """The timing text that an answer to a timing question stands for, "" where none."""
    if answer.get("do") == "wait":
        return LATER
    text = str(answer.get("text", "")).strip()
    if answer.get("do") != "day" or not text:
        return text
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    return f"Chậm nhất ngày {day.day}/{day.month}/{day.year}"


def _ask(
    code: str, where: tuple[str, str, str], quote: str, at: DraftRow | DraftLine,
    choices: tuple[str, ...], **data: Any,
) -> Ask:  # fmt: skip
    return Ask(code, where, squash(quote), at.place, choices, data)


def _same(one: Reading, other: Reading) -> bool:
    """True where two readings open the same days."""

    def days(reading: Reading) -> tuple[object, ...]:
        return (reading.kind, reading.windows, reading.every, reading.day, reading.question,
                tuple(days(part) for part in reading.parts))  # fmt: skip

    if one.kind is Kind.UNREADABLE and other.kind is Kind.UNREADABLE:
        return True
    return days(one) == days(other)


def _from_day(iso: str) -> tuple[str, ...]:
    """The month and the day behind a workbook's date, as choices."""
    if not iso:
        return ()
    day = date.fromisoformat(iso)
    return (f"Tháng {day.month}/{day.year}", f"Ngày {day.day}/{day.month}/{day.year}")
