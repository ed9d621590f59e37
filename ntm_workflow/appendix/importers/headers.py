"""Which column is which, by the wording of its header, over one row or several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ntm_workflow.appendix.importers.document import Cell, Table, squash
from ntm_workflow.appendix.text import fold

ROLES = ("number", "content", "directing", "implementing", "coordinating", "timing", "note")
LINE_ROLES = ("number", "name", "count", "implementing", "directing")

# Tried in this order; the figure says how surely the wording means the role. Of
# two columns with one role the surer keeps it, the other goes to the note.
_APPENDIX: tuple[tuple[str, int, str], ...] = (
    ("number", 3, r"^(so |s)?(tt|stt|thu tu)$|^(stt|tt|so)$|^ma so$"),
    ("note", 3, r"^(ghi chu|san pham|ket qua|dau ra|kinh phi|nguon|du toan|dia diem|can cu)"),
    ("coordinating", 3, r"^(?!.*chu tri).*phoi hop"),
    ("timing", 3, r"thoi (gian|han|diem|ky)|tien do|ky han|^han\b|^so ngay|lo trinh"),
    ("timing", 2, r"hoan thanh|^(thang|quy|ngay)( |$)|^(thang|quy)$"),
    ("content", 3, r"^(ten |cac |nhom |danh muc )*(noi dung|nhiem vu|cong viec|dau viec)"),
    ("content", 2, r"^(ten |cac |danh muc )*(hoat dong|hang muc|giai phap|de an|chi tieu)"),
    ("content", 2, r"^danh muc|^muc tieu|^(noi dung )?tieu chi"),
    ("directing", 3, r"chi dao|^lanh dao"),
    ("implementing", 3, r"chu tri|^(co quan|don vi|bo phan|nguoi|to chuc|don vi, ca nhan|"
                        r"co quan, don vi|phan cong|don vi to chuc)?,? ?thuc hien"),
    ("implementing", 2, r"thuc hien|tham muu|trach nhiem|phan cong|phu trach|dau moi|duoc giao"),
    ("implementing", 1, r"^(co quan|don vi|bo phan|can bo)"),
    ("note", 2, r"san pham|ket qua|kinh phi|nguon luc|so lieu"),
    ("content", 1, r"noi dung|nhiem vu|cong viec"),
)  # fmt: skip
_CRITERIA: tuple[tuple[str, int, str], ...] = (
    ("number", 3, r"^(so |s)?(tt|stt|thu tu)$|^(stt|tt)$"),
    ("count", 3, r"^(so luong|so xa|tong so)"),
    ("directing", 3, r"huong dan"),
    ("directing", 2, r"phu trach|chi dao|theo doi"),
    ("name", 3, r"^(ten |cac |noi dung )*(tieu chi|chi tieu)"),
    ("implementing", 3, r"thuc hien|dang ky|phan dau"),
    ("implementing", 2, r"^(ten |cac )*(xa|dia phuong|don vi)"),
)
# A header says nothing but such words; a row of the table soon says others.
_VOCABULARY = re.compile(
    "an|ban|bao|bat|bo|ca|cac|can|cao|cap|chi|chinh|chu|chuc|co|cong|cu|cua|dang|danh|dao|dau|de|"
    "dia|diem|dinh|doc|doi|don|dong|du|dung|duoc|duyet|gian|giai|giao|ghi|han|hang|hanh|hien|"
    "hinh|hoac|hoan|hoat|hop|huong|huy|kien|ket|kinh|ky|lanh|lo|loi|luc|luong|ma|moi|moc|muc|muu|"
    "nam|nang|ngay|nganh|nguoi|nguon|nhan|nhiem|nhom|noi|pham|phan|phap|phe|phi|phoi|phu|qua|"
    "quan|quy|quyen|ra|san|so|stt|tai|tam|ten|tham|thang|thanh|the|theo|thoi|thu|thuc|tien|tieu|"
    "to|toan|tong|trach|tri|trinh|trong|tt|tu|va|van|vi|viec|von|vu|xa|yeu|cau"
)  # fmt: skip
_INDEX = re.compile(r"^\(?\s*([0-9]{1,2}|[A-Z])\s*\)?$")
_LONGEST = 90


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header as printed, and what it holds ("" where it is not known)."""

    column: int
    label: str
    role: str


@dataclass(frozen=True, slots=True)
class Header:
    """A table's header. `kind` is appendix or criteria; rows are from 1, both inclusive."""

    kind: str
    first: int
    last: int
    columns: tuple[Column, ...]
    doubled: tuple[Column, ...] = ()

    def of(self, role: str) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role == role)

    def role(self, column: int) -> str:
        return next((one.role for one in self.columns if one.column == column), "")

    def same_roles(self, other: Header) -> bool:
        return self.kind == other.kind and {c.role for c in self.columns} == {
            c.role for c in other.columns
        }


def find(table: Table, row: int) -> Header | None:
    """The header that begins in this row of a table, None where none does."""
    cells = table.row(row)
    if not _is_header(cells):
        return None
    last = max(min(cell.row + cell.rows - 1, row + 3) for cell in cells)
    while last < table.height and _goes_on(table, row, last + 1):
        last += 1
    columns, doubled = _roles(table, row, last, _kind(table, row, last))
    if last < table.height and _is_index(table.row(last + 1)):
        last += 1
    kind = _kind(table, row, last)
    found = Header(kind, row, last, columns, doubled)
    needed = {"name"} if kind == "criteria" else {"content"}
    useful = {c.role for c in columns} & ({"implementing", "timing", "directing", "coordinating"})
    return found if useful and needed <= {c.role for c in columns} else None


def by_hand(table: Table, kind: str) -> Header:
    """A header for a table that has none, to be filled by what a person says."""
    columns = tuple(Column(at, "", "") for at in range(1, table.width + 1))
    return Header(kind, 0, 0, columns)


def said(header: Header, by_column: dict[str, int]) -> Header:
    """The same header where a person says which column holds what (0: no column does)."""
    if not by_column:
        return header
    columns = []
    for one in header.columns:
        role = "" if one.role in by_column and one.role != "note" else one.role
        asked = [name for name, column in by_column.items() if column == one.column]
        columns.append(Column(one.column, one.label, asked[0] if asked else role))
    return Header(header.kind, header.first, header.last, tuple(columns), header.doubled)


def repeats(table: Table, row: int, header: Header) -> bool:
    """True where this row says what the header said: the header again after a page break.

    Over other columns it is a header of its own: two tables of a PDF that touch.
    """
    own = {(cell.column, cell.columns) for at in range(header.first, header.last + 1)
           for cell in table.row(at)}  # fmt: skip
    if header.first and not {(c.column, c.columns) for c in table.row(row)} <= own:
        return False
    texts = [fold(cell.text) for cell in table.row(row)]
    labels = fold(" ".join(column.label for column in header.columns))
    return len(texts) > 1 and _is_header(table.row(row)) and all(text in labels for text in texts)


# -- what is a header -------------------------------------------------------


def _is_header(cells: Sequence[Cell]) -> bool:
    """Most cells say nothing but header words, and they name at least two roles."""
    if len(cells) < 2:
        return False
    plain = [cell for cell in cells if _plain(cell.text)]
    roles = {role for cell in plain for role in (_classify(cell.text, _APPENDIX)[0],
                                                 _classify(cell.text, _CRITERIA)[0])}  # fmt: skip
    enough = len(plain) >= max(2, 0.6 * len(cells))
    return enough and len(roles - {"", "number", "note"}) >= 2


def _plain(text: str) -> bool:
    words = re.findall(r"\w+", fold(text))
    return bool(words) and len(text) <= _LONGEST and all(map(_VOCABULARY.fullmatch, words))


def _goes_on(table: Table, first: int, row: int) -> bool:
    """True for a second row of the header: "Chủ trì | Phối hợp" under "Phân công"."""
    here = [cell for cell in table.row(row) if cell.row == row]
    if not here or not all(_plain(cell.text) for cell in table.row(row)):
        return False
    above = {_classify(cell.text, _APPENDIX)[0] for cell in table.row(first)}
    roles = [_classify(cell.text, _APPENDIX)[0] for cell in here]
    if "content" in above and "content" in roles:
        return False
    return bool(set(roles) & {"implementing", "coordinating", "directing", "timing", "note"})


def _is_index(cells: Sequence[Cell]) -> bool:
    """True for the row "(1) (2) (3)" under a header."""
    matches = [_INDEX.match(cell.text) for cell in cells]
    if len(cells) < 3 or not all(matches):
        return False
    numbers = [int(m[1]) for m in matches if m and m[1].isdigit()]
    return len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _kind(table: Table, first: int, last: int) -> str:
    labels = [_label(table, column, first, last) for column in range(1, table.width + 1)]
    roles = {_classify(label, _CRITERIA)[0] for label in labels}
    timed = any(_classify(label, _APPENDIX)[0] == "timing" for label in labels)
    named = any(re.match(r"^(ten |cac )?tieu chi", fold(label)) for label in labels)
    return "criteria" if named and not timed and roles & {"count", "directing"} else "appendix"


def _roles(
    table: Table, first: int, last: int, kind: str
) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """The columns with their roles, and those that lost a role to a surer one."""
    words = _CRITERIA if kind == "criteria" else _APPENDIX
    sure: dict[int, tuple[str, int]] = {}
    labels: dict[int, str] = {}
    for column in range(1, table.width + 1):
        stack = _stack(table, column, first, last)
        labels[column] = " – ".join(stack)
        lowest = _classify(stack[-1], words) if stack else ("", 0)
        sure[column] = lowest if lowest[0] else _classify(" ".join(stack), words)
    best: dict[str, int] = {}
    for column, (role, figure) in sure.items():
        if role and (role not in best or figure > sure[best[role]][1]):
            best[role] = column
    columns, doubled = [], []
    for column, (role, _) in sure.items():
        # One header cell over two columns is one column that the grid split.
        mine = role == "note" or (role and table.at(last, column) is table.at(last, best[role]))
        columns.append(Column(column, labels[column], role if mine else ""))
        if role and not mine:
            doubled.append(Column(column, labels[column], role))
    return tuple(columns), tuple(doubled)


def _classify(text: str, words: tuple[tuple[str, int, str], ...]) -> tuple[str, int]:
    folded = re.sub(r"\s*\(.*?\)\s*$", "", fold(text)) or fold(text)
    for role, figure, pattern in words:
        if re.search(pattern, folded):
            return role, figure
    return "", 0


def _stack(table: Table, column: int, first: int, last: int) -> list[str]:
    """The header cells over a column, from the top, each once."""
    found = (table.at(row, column) for row in range(first, last + 1))
    return [squash(c.text) for c in dict.fromkeys(found) if c is not None and c.text]


def _label(table: Table, column: int, first: int, last: int) -> str:
    return " ".join(_stack(table, column, first, last))
