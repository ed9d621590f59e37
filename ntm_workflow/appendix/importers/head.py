"""The head of a document and the note over its annex: number, date, issuer, place, title, year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from rapidfuzz import process

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.importers.document import Paragraph, Table, squash
from ntm_workflow.appendix.importers.pieces import Ask, Head
from ntm_workflow.appendix.text import fold

_NUMBER = re.compile(r"\bSố\s*:?\s*(\d{1,5})\s*/\s*([\w&Đđ][\w&\-]*(?:/[\w\-]+)?)", re.IGNORECASE)
_DATE = re.compile(
    r"(?:(?P<place>[^\W\d_][^,;:\n\d]{1,40}),\s*)?ngày\s+(?P<day>\d{1,2})\s+"
    r"tháng\s+(?P<month>\d{1,2})\s+năm\s+(?P<year>\d{4})",
    re.IGNORECASE,
)
NOTE = re.compile(
    r"số\s*:?\s*(?P<number>\d{1,5})?\s*/\s*(?P<symbol>[\w&\-]+)\s*,?\s*ngày\s+"
    r"(?P<day>\d{1,2})?\s*(?:/|tháng\s+|-)\s*(?P<month>\d{1,2})?\s*(?:/|năm\s+|-)\s*"
    r"(?P<year>\d{4})?(?:\s*của\s+(?P<issuer>[^)]+))?",
    re.IGNORECASE,
)
_KINDS = ("ke hoach", "ke hoach dieu chinh", "quyet dinh", "chuong trinh", "phuong an", "de an",
          "chi thi", "thong bao", "huong dan", "cong van", "nghi quyet")  # fmt: skip
_PREAMBLE = re.compile(
    r"^(căn cứ|để |nhằm |theo đề nghị|xét |thi hành|thực hiện (kế hoạch|quyết định|nghị quyết|"
    r"chỉ thị|công văn|chương trình số)|phần |kính gửi|[IVX]+[.\s]|\d+[.)]|điều \d)",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(r"^(uy ban nhan dan|ubnd|ban chi dao|bcd|so |bo |hoi dong nhan dan)\b")
_WHOSE = re.compile(r"^(tinh|huyen|xa|phuong|thi tran|thi xa|quan|thanh pho) ")
_YEAR = re.compile(r"\bnăm\s+(\d{4})\b", re.IGNORECASE)
_AMENDED = re.compile(
    r"\b(?:điều chỉnh|bổ sung|sửa đổi)\b[^/]*?\bkế hoạch\s+số\s*:?\s*(\d{1,5})\s*/\s*([\w&\-]+)",
    re.IGNORECASE,
)
_LINES = 60  # a head is never longer


def lines(blocks: Iterable[Paragraph | Table], chosen: Sequence[Table]) -> list[str]:
    """The lines before the first chosen table; a head often stands in a table of its own."""
    found: list[str] = []
    for block in blocks:
        if any(block is table for table in chosen):
            break
        found += _texts(block)
        if len(found) > _LINES:
            break
    return found


def read(
    first: Sequence[str], notes: Sequence[str], register: Register | None, titles: Sequence[str]
) -> tuple[Head, tuple[Ask, ...]]:
    """Take what stands in the head (`first`) and in the annex notes; ask for the rest.

    Where head and note say different things, the head counts and it is asked.
    """
    head = _from_head(first)
    asks: list[Ask] = []
    for note in notes:
        head = _with_note(head, note, asks)
    year = _years([head.title]) or _years(titles) or (
        head.issued_on.year if head.issued_on else None)  # fmt: skip
    head = replace(head, year=year)
    if register:
        head = _with_issuer(head, register, asks)
    for key in ("number", "symbol", "issued_on", "title", "issuer", "place", "year", "level"):
        known = {ask.where[2] for ask in asks}
        if getattr(head, key) in (None, "") and key not in known:
            asks.append(Ask(f"head.no_{key}", ("plan", "", key)))
    return head, tuple(asks)


def with_amended(head: Head, plans: Mapping[str, str]) -> tuple[Head, tuple[Ask, ...]]:
    """The plan that the title says it amends, by its number, among the plans that are known."""
    said = _AMENDED.search(head.title)
    if not said:
        return head, ()
    number = f"{int(said[1])}/{said[2]}"
    if amends := plans.get(fold(number), ""):
        return replace(head, amends=amends), ()
    return head, (Ask("head.amends_unknown", ("plan", "", "amends"), number),)


def _texts(block: Paragraph | Table) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield from block.text.split("\n")
    else:
        for cell in block.cells:
            yield from cell.text.split("\n")


def _from_head(first: Sequence[str]) -> Head:
    head = Head()
    preamble = next((at for at, line in enumerate(first) if re.match("căn cứ", line, re.I)),
                    len(first))  # fmt: skip
    for line in first[:preamble]:
        if head.number is None and (said := _NUMBER.search(line)):
            head = replace(head, number=int(said[1]), symbol=said[2].upper())
        elif not head.symbol and (empty := re.search(r"\bSố\s*:?[\s.…]*/\s*([\w&\-]+)", line)):
            head = replace(head, symbol=empty[1].upper())
        if head.issued_on is None and (said := _DATE.search(line)):
            place = re.split(r"\s{3,}|\t", said["place"] or "")[-1].strip()
            head = replace(head, issued_on=_day(said), place=place)
    issuer = _issuer(first[:preamble])
    return replace(head, title=_title(first), issuer_text=issuer)


def _day(said: re.Match[str]) -> date | None:
    try:
        return date(int(said["year"]), int(said["month"]), int(said["day"]))
    except (ValueError, TypeError):
        return None


def _title(first: Sequence[str]) -> str:
    """The lines under "KẾ HOẠCH", up to the preamble."""
    for at, line in enumerate(first):
        if fold(line).strip("*: ") in _KINDS and line.strip("* ").isupper():
            said: list[str] = []
            for following in first[at + 1 :]:
                text = squash(following.strip("* "))
                if not re.search(r"\w", text) or set(text) <= {"_", "-"}:
                    continue
                if _PREAMBLE.match(text) or len(said) == 4 or (said and len(text) > 200):
                    break
                said.append(text)
                if text.endswith((".", "./.")):
                    break
            return " ".join(said)
    return ""


def _issuer(first: Sequence[str]) -> str:
    """ "ỦY BAN NHÂN DÂN" and the line below that says whose."""
    for at, line in enumerate(first[:12]):
        if _AUTHORITY.match(fold(line)) and line.strip("* ").isupper():
            below = squash(first[at + 1]) if at + 1 < len(first) else ""
            whose = _WHOSE.match(fold(below)) and below.isupper()
            return squash(f"{line} {below}" if whose else line).strip("*")
    return ""


def _with_note(head: Head, note: str, asks: list[Ask]) -> Head:
    said = NOTE.search(note)
    if not said:
        return head
    symbol = said["symbol"].upper()
    issuer = squash(said["issuer"] or "").strip(" )")
    found: dict[str, Any] = {
        "number": int(said["number"]) if said["number"] else None, "symbol": symbol,
        "issued_on": _day(said), "issuer_text": issuer,
    }  # fmt: skip
    for key, value in found.items():
        own = getattr(head, key)
        if value in (None, ""):
            continue
        if own in (None, ""):
            head = replace(head, **{key: value})
        elif own != value and key != "issuer_text":
            asks.append(Ask("head.differs", ("plan", "", key), squash(note),
                            data={"head": own, "note": value}))  # fmt: skip
    return head


def _years(texts: Sequence[str]) -> int | None:
    """The year that a title names: one, else nobody knows which."""
    for text in texts:
        years = {int(year) for year in _YEAR.findall(text)}
        if len(years) == 1:
            return years.pop()
    return None


def _with_issuer(head: Head, register: Register, asks: list[Ask]) -> Head:
    """The issuer as a body of the register, by its full name; its level is the plan's."""
    if not head.issuer_text:
        return head
    wanted = _full(head.issuer_text)
    names = {_full(name): body.id for body in register.bodies.values()
             for name in (body.name, body.short, *body.aliases)}  # fmt: skip
    issuer = names.get(wanted, "")
    if not issuer:
        named, lost = register.resolve(head.issuer_text)
        if len(named) == 1 and not lost and len(named[0].bodies) == 1:
            issuer = named[0].bodies[0]
    if issuer:
        return replace(head, issuer=issuer, level=str(register.bodies[issuer].level))
    near = process.extract(wanted, list(names), limit=3, score_cutoff=72)
    choices = tuple(dict.fromkeys(names[one[0]] for one in near))
    asks.append(Ask("head.issuer_unknown", ("plan", "", "issuer"), head.issuer_text,
                    choices=choices))  # fmt: skip
    return head


def _full(name: str) -> str:
    """A name as it is compared: no marks, "UBND" in full."""
    said = re.sub(r"\bubnd\b", "uy ban nhan dan", fold(name))
    return re.sub(r"\bbcd\b", "ban chi dao", said)
