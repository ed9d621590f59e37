"""What a filter of tasks reaches: rows, bodies and a period, found in memory.

Text is looked for in the names of the plan, which is small; the database then
compares ids. Each word is a row's, a body's or a period's: a filter reaches the
union of some products of rows and bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    any_,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import fold
from ntm_workflow.reports.plan_memory import PlanMemory
from ntm_workflow.work.body_names import Called

Ids = frozenset[str]
WORDS = 6  # of a text that count; each may double the products
_PERIOD = re.compile(r"\d{4}(-\w+)?(\.\.\d{4}(-\w+)?)?", re.ASCII)
APART = "\n"  # between ids in one text
_WEIGHED = 2_000  # ids that PostgreSQL looks at one by one before it chooses a way
_BOUND = 50  # ids that are bound one by one; more go as one value


@dataclass(frozen=True, slots=True)
class Reach:
    """Tasks of these rows, of these bodies, of this period; None and "" are all."""

    rows: Ids | None = None
    bodies: Ids | None = None
    period: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a plan's rows and bodies, folded, by id."""

    rows: dict[str, str]
    bodies: dict[str, str]


_names: PlanMemory[Names] = PlanMemory()


def names(plan: Plan) -> Names:
    """A plan's folded names."""
    return _names.of(plan, lambda: _folded(plan))


def _folded(plan: Plan) -> Names:
    return Names(
        {r.id: fold(f"{r.id} {r.content} {r.timing_text}") for r in plan.all_rows},
        {b.id: fold(f"{b.id} {b.name} {b.short}") for b in plan.bodies},
    )


def words(text: str) -> list[str]:
    """The words of what was typed; a task's code is three of them."""
    return list(dict.fromkeys(fold(text).replace("/", " ").split()))[:WORDS]


def narrowed(
    whole: Reach, plan: Plan, given: Mapping[str, Called], typed: Iterable[str]
) -> list[Reach]:
    """What is left of a reach when each word must be in a name, with or without its marks.

    `given` are the bodies that events have founded or renamed.
    """
    said = names(plan)
    also = {b: fold(f"{b} {one.name} {one.short}") for b, one in given.items()}
    found = {whole}
    for word in typed:
        rows, bodies = _named(word, said.rows), _named(word, said.bodies, also)
        found = _largest(
            {less for one in found for less in _by(plan, one, word, rows, bodies)}
        )  # fmt: skip
    return sorted(found, key=lambda one: (len(one.rows or ()), len(one.bodies or ()), one.period))


def _largest(reaches: set[Reach]) -> set[Reach]:
    """Those that lie in no other."""
    return {one for one in reaches if not any(_within(one, other) for other in reaches - {one})}


def _within(one: Reach, other: Reach) -> bool:
    return (
        (other.rows is None or (one.rows is not None and one.rows <= other.rows))
        and (other.bodies is None or (one.bodies is not None and one.bodies <= other.bodies))
        and other.period in ("", one.period)
    )


def _named(word: str, *known: Mapping[str, str]) -> Ids | None:
    """The ids whose name has a word; None where that is every one."""
    found = frozenset(i for names in known for i, name in names.items() if word in name)
    return None if all(names.keys() <= found for names in known) else found


def _both(one: Ids | None, other: Ids | None) -> Ids | None:
    return one if other is None else other if one is None else one & other


def _by(plan: Plan, one: Reach, word: str, rows: Ids | None, bodies: Ids | None) -> Iterable[Reach]:
    if (less := _both(one.rows, rows)) is None or less:
        yield Reach(less, one.bodies, one.period)
    if (less := _both(one.bodies, bodies)) is None or less:
        yield Reach(one.rows, less, one.period)
    period = word.upper()
    is_period = _PERIOD.fullmatch(word) and abs(int(word[:4]) - plan.year) <= 1
    if is_period and one.period in ("", period):
        yield Reach(one.rows, one.bodies, period)


# -- as SQL ---------------------------------------------------------------------------


def conditions(session: Session, reaches: Iterable[Reach], t: Any) -> ColumnElement[bool]:
    """SQL: what any of the reaches reaches, by no index: other conditions choose it."""
    found = [
        and_(
            literal(True),
            *([] if one.rows is None else [among(session, unindexed(t.row_id), one.rows)]),
            *([] if one.bodies is None else [among(session, unindexed(t.body_id), one.bodies)]),
            *([unindexed(t.period) == one.period] if one.period else []),
        )
        for one in reaches
    ]
    return or_(*found) if found else literal(False)


def unindexed(column: Any) -> ColumnElement[Any]:
    """SQL: a text column as no index knows it."""
    return func.coalesce(column, "")


def among(session: Session, column: SQLColumnExpression[Any], ids: Ids) -> ColumnElement[bool]:
    """SQL: a column is one of many texts, however many."""
    if len(ids) <= _BOUND:
        return column.in_(sorted(ids))
    if session.get_bind().dialect.name == "postgresql":
        if len(ids) <= _WEIGHED:
            return column == any_(_split(ids))
        return column.in_(_each(session, ids)).is_(True)
    return column.in_(_each(session, ids))


def others(session: Session, column: SQLColumnExpression[Any], ids: Ids) -> ColumnElement[bool]:
    """SQL: a column is none of many texts, however many."""
    return column.not_in(sorted(ids) if len(ids) <= _BOUND else _each(session, ids))


def _each(session: Session, ids: Ids) -> Select[Any]:
    if session.get_bind().dialect.name == "postgresql":
        return select(func.unnest(_split(ids)))
    return select(func.json_each(literal(_as_json(ids))).table_valued("value").c.value)


def _split(ids: Ids) -> SQLColumnExpression[Any]:
    """SQL of PostgreSQL: ids as an array; a list of them would come ten times slower."""
    return func.string_to_array(APART.join(ids), APART)


@lru_cache(maxsize=64)
def _as_json(ids: Ids) -> str:
    return json.dumps(sorted(ids))
