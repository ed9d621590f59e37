"""How much of a file is read, and what is said of one that is too much.

A real plan of two hundred pages stays far below each of these figures.
"""

from __future__ import annotations

from collections.abc import Callable

from ntm_workflow.errors import Refused

FILE = 50_000_000  # bytes as handed in
UNPACKED = 200_000_000  # bytes of all parts of an archive
PART = 40_000_000  # bytes of one part that is parsed: its tree takes ten times as much
RATIO = 200  # unpacked to packed, of parts above RATIO_FROM
RATIO_FROM = 2_000_000
PARTS = 5_000
ROWS = 10_000  # rows of all tables
CELLS = 300_000
PAGES = 300
SECONDS = 120  # of one reading
MEMORY = 1_500_000_000  # bytes of one reading


told: list[Callable[[int, int], object]] = []  # who hears of each page: the child of `guard`


def tell(page: int, pages: int) -> None:
    """A reader says how far it is."""
    for listener in told:
        listener(page, pages)


def size(count: int) -> None:
    """Refuse a file by its size alone. Raises Refused."""
    if count == 0:
        raise Refused("import.empty")
    if count > FILE:
        raise Refused("import.too_large", size_mb=megabytes(count), limit_mb=megabytes(FILE))


def rows(count: int) -> None:
    """Refuse a file by the number of rows in its tables. Raises Refused."""
    if count > ROWS:
        raise Refused("import.too_many_rows", count=count, limit=ROWS)


def cells(count: int) -> None:
    if count > CELLS:
        raise Refused("import.too_many_cells", count=count, limit=CELLS)


def megabytes(count: int) -> int:
    return -(-count // 1_000_000)
