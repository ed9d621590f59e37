"""Pages of a list, by key: each costs the same however long it is.

One that the database reads newest first, and one whose keys are in memory, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select

PAGE = 50
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, the newest first; `newer` and `older` are keys to go on from."""

    items: list[T]
    newer: int | None
    older: int | None


def ask(query: Select[Any], key: Any, older: int | None, newer: int | None) -> Select[Any]:
    """The page below the key `older`, above `newer`, or the newest; one row more than it shows."""
    query = query.limit(PAGE + 1)
    if newer is not None:
        return query.where(key > newer).order_by(key)
    if older is not None:
        query = query.where(key < older)
    return query.order_by(key.desc())


def cut(
    rows: Iterable[T], key: Callable[[T], int], older: int | None, newer: int | None
) -> Page[T]:
    """Make a page of what `ask` gave, in the order it is shown."""
    found = list(rows)
    more, found = len(found) > PAGE, found[:PAGE]
    if newer is not None:
        found.reverse()
    if not found:
        return Page([], None, None)
    has_newer = more if newer is not None else older is not None
    has_older = True if newer is not None else more
    return Page(found, key(found[0]) if has_newer else None, key(found[-1]) if has_older else None)


@dataclass(frozen=True, slots=True)
class Part:
    """One page of keys in order, of `total`; `before` and `after` are keys to go on from."""

    total: int
    items: Sequence[str]
    before: str | None
    after: str | None


def part(keys: Sequence[str], after: str, before: str, size: int = PAGE) -> Part:
    """The page after one key, or the one that ends before another; else the first."""
    start = 0
    if after in keys:
        start = keys.index(after) + 1
    elif before in keys:
        start = max(0, keys.index(before) - size)
    shown = keys[start : start + size]
    return Part(
        len(keys), shown, shown[0] if start and shown else None,
        shown[-1] if start + size < len(keys) else None,
    )  # fmt: skip
