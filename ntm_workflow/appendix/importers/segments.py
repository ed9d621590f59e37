"""Which tables are the responsibility appendix and which the criteria, and what they leave."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from ntm_workflow.appendix.importers import headers
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Table, squash
from ntm_workflow.appendix.importers.headers import Header
from ntm_workflow.appendix.text import fold

_TITLE = re.compile(r"^(phu luc|bieu|bang|danh muc|kem theo|\(kem theo|\(ban hanh|ban hanh kem)")
_APART = 6.0  # points between the outer lines of two parts of one table
_NOTE = re.compile(r"^\(?\s*(kem theo|ban hanh kem)")


@dataclass(frozen=True)
class Segment:
    """The rows of one table under one header. `titles` stand above it, in the table or before.

    `header_rows` are its own and those repeated after a page break; `joined`
    says that it goes on from the page before.
    """

    table: Table
    header: Header
    rows: tuple[int, ...]
    header_rows: tuple[int, ...]
    title_cells: tuple[Cell, ...] = ()
    titles: tuple[str, ...] = ()
    joined: bool = False

    @property
    def kind(self) -> str:
        return self.header.kind

    @property
    def title(self) -> str:
        """What the table is called, without "Phụ lục II" alone and without its note."""
        lines = [t for t in self.titles if not _NOTE.match(fold(t))]
        named = [t for t in lines if not re.fullmatch(r"phu luc( so)?( [ivx\d]+)?[.:]?", fold(t))]
        return squash(" ".join(named))

    @property
    def note(self) -> str:
        """The line "(Kèm theo Kế hoạch số …)", "" where there is none."""
        return next((t for t in self.titles if _NOTE.match(fold(t))), "")


@dataclass(frozen=True, slots=True)
class Found:
    """The segments of a document, in order, and the tables that are none of them."""

    segments: tuple[Segment, ...]
    left: tuple[Table, ...]


def find(document: Document, by_hand: dict[str, int] | None = None) -> Found:
    """Find the appendix and criteria tables. `by_hand` maps roles to columns, from 1.

    A role of the criteria table is said with its prefix: "criteria.count"; one
    of a single table with the table's number: "3.timing". What is said of a
    table holds for those after it with the same header.
    """
    asked = by_hand or {}
    segments: list[Segment] = []
    left: list[Table] = []
    for table in document.tables:
        asked = asked | _inherited(asked, table, segments)
        before = segments[-1] if _follows(document, segments, table) else None
        made = _split(table, asked, before)
        if not made and _enough(_of_kind(asked, "", table)):
            made = [_unheaded(document, table, asked)]
        if made:
            lines = (*_near(document, table), *made[0].titles)
            segments += [replace(made[0], titles=_titles(lines)), *made[1:]]
        else:
            left.append(table)
    if not any(s.kind == "appendix" for s in segments) and _enough(asked) and left:
        table = max(left, key=lambda one: one.height)
        left.remove(table)
        segments.append(_unheaded(document, table, asked))
    return Found(tuple(segments), tuple(left))


def _inherited(asked: dict[str, int], table: Table, segments: list[Segment]) -> dict[str, int]:
    """What was said of the table before, where this one has its very header."""
    if not segments or any(key.startswith(f"{table.number}.") for key in asked):
        return {}
    before = segments[-1]
    header = next((h for row in range(1, min(table.height, 4) + 1)
                   if (h := headers.find(table, row))), None)  # fmt: skip
    labels = [(one.column, one.label) for one in before.header.columns]
    if header is None or labels != [(one.column, one.label) for one in header.columns]:
        return {}
    own = f"{before.table.number}."
    return {f"{table.number}.{k.removeprefix(own)}": v for k, v in asked.items()
            if k.startswith(own)}  # fmt: skip


def _follows(document: Document, segments: list[Segment], table: Table) -> bool:
    """True where nothing stands between the last segment and this table."""
    return bool(segments) and next(document.before(table), None) is segments[-1].table


def _split(table: Table, asked: dict[str, int], before: Segment | None) -> list[Segment]:
    """The segments of one table: a new header begins a new one."""
    starts: list[Header] = []
    row = 1
    while row <= table.height:
        header = headers.find(table, row)
        if header and not (starts and headers.repeats(table, row, starts[-1])):
            starts.append(header)
            row = header.last
        row += 1
    carried = _carried(before, table) if before else None
    if carried and (not starts or (starts[0].first > 1 and table.edges)):
        last = table.height
        if starts:
            last = starts[0].first - 1
            last -= len(_title_rows(table, 1, last))
        rows = tuple(range(1, last + 1))
        goes = _segment(table, carried, rows, (), joined=True)
        return [goes, *_between(table, starts, asked, last + 1)]
    made = _between(table, starts, asked)
    if made and before and before.header.same_roles(made[0].header) and not made[0].titles:
        made[0] = replace(made[0], joined=True)
    return made


def _carried(before: Segment, table: Table) -> Header | None:
    """The header of the segment before, for a table that goes on without one; None: it does not.

    In a PDF columns are the same where they stand at the same place; elsewhere
    tables of the same width go on.
    """
    old, new = before.table.edges, table.edges
    if not old or not new:
        return before.header if table.width == before.table.width else None
    if abs(old[0] - new[0]) > _APART or abs(old[-1] - new[-1]) > _APART:
        return None
    columns = []
    for at, (left, right) in enumerate(pairwise(new), start=1):
        middle = (left + right) / 2
        column = next((n for n, edge in enumerate(old[1:], start=1) if middle < edge), len(old) - 1)
        one = next(c for c in before.header.columns if c.column == column)
        columns.append(replace(one, column=at))
    return replace(before.header, columns=tuple(columns), doubled=())


def _between(
    table: Table, starts: list[Header], asked: dict[str, int], first: int = 1
) -> list[Segment]:
    """One segment for each header; `first` is the first row that is theirs."""
    made: list[Segment] = []
    previous = first - 1
    for at, found in enumerate(starts):
        header = headers.said(found, _of_kind(asked, found.kind, table))
        last = table.height
        if at + 1 < len(starts):
            last = starts[at + 1].first - 1
            last -= len(_title_rows(table, header.last + 1, last))
        above = tuple(range(previous + 1, header.first))
        segment = _segment(table, header, tuple(range(header.last + 1, last + 1)), above)
        again = bool(made) and not above and header.same_roles(made[-1].header)
        made.append(replace(segment, joined=again))
        previous = last
    return made


def _segment(
    table: Table, header: Header, rows: tuple[int, ...], above: tuple[int, ...],
    joined: bool = False,
) -> Segment:  # fmt: skip
    again = tuple(
        row for row in rows if headers.repeats(table, row, header) or _says_nothing(table.row(row))
    )
    own = () if joined else tuple(range(header.first, header.last + 1)) if header.first else ()
    cells = tuple(dict.fromkeys(cell for row in above for cell in table.row(row)))
    return Segment(
        table, header, tuple(row for row in rows if row not in again), (*own, *again),
        cells, tuple(cell.text for cell in cells), joined,
    )  # fmt: skip


def _says_nothing(cells: tuple[Cell, ...]) -> bool:
    """True for "./." under the last row."""
    return bool(cells) and not any(c.isalnum() for cell in cells for c in cell.text)


def _title_rows(table: Table, first: int, last: int) -> list[int]:
    """The rows at the end of a segment that belong to the header after them."""
    found: list[int] = []
    for row in range(last, first - 1, -1):
        cells = table.row(row)
        if len(cells) > 1:
            break
        found.append(row)
    while found and table.row(found[-1]) and not _titled(table.row(found[-1])[0].text):
        found.pop()
    return found


def _titled(text: str) -> bool:
    return bool(_TITLE.match(fold(text))) or text.upper() == text


def _near(document: Document, table: Table) -> tuple[str, ...]:
    """The few lines before a table, back to a long one or to another table."""
    near: list[str] = []
    for block in document.before(table):
        if not isinstance(block, Paragraph) or len(near) == 6 or len(block.text) > 300:
            break
        near.insert(0, block.text)
    return tuple(near)


def _titles(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Of the lines over a table, those from "Phụ lục …" or "BIỂU …" down to it."""
    starts = [at for at, text in enumerate(lines) if _TITLE.match(fold(text))]
    if starts and not _NOTE.match(fold(lines[starts[0]])):
        return lines[starts[0] :]
    first = starts[0] if starts else len(lines)
    while first > 0 and lines[first - 1].upper() == lines[first - 1]:
        first -= 1
    return lines[first:]


def _of_kind(asked: dict[str, int], kind: str, table: Table) -> dict[str, int]:
    """What is said of a table's columns: of its kind, and of itself."""
    own = f"{table.number}."
    found = {k.removeprefix(own): v for k, v in asked.items() if k.startswith(own)}
    if kind == "criteria":
        prefix = "criteria."
        found |= {k.removeprefix(prefix): v for k, v in asked.items() if k.startswith(prefix)}
    elif kind:
        found |= {k: v for k, v in asked.items() if "." not in k}
    return found


def _enough(asked: dict[str, int]) -> bool:
    return {"content", "implementing"} <= {name for name, column in asked.items() if column}


def _unheaded(document: Document, table: Table, asked: dict[str, int]) -> Segment:
    """A table whose header a person read for us; "3.first" is its first row of work."""
    own = _of_kind(asked, "appendix", table)
    first = min(own.pop("first", 1), table.height)
    header = headers.said(headers.by_hand(table, "appendix"), own)
    made = _segment(table, header, tuple(range(first, table.height + 1)), ())
    above = tuple(range(1, first))
    return replace(made, header_rows=(*above, *made.header_rows),
                   titles=_titles(_near(document, table)))  # fmt: skip
