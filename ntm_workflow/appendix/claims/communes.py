"""What the text says of communes and criteria, against the criteria table and the targets."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ntm_workflow.appendix import figures
from ntm_workflow.appendix.claims import counts
from ntm_workflow.appendix.claims.passages import Passage
from ntm_workflow.appendix.claims.words import CAPITAL, NAME
from ntm_workflow.appendix.importers.document import squash
from ntm_workflow.appendix.importers.pieces import DraftLine, DraftTarget
from ntm_workflow.appendix.model import Finding, Quote
from ntm_workflow.appendix.text import fold

_GAINS = re.compile(
    rf"\b[Xx]ã\s+(?P<name>{NAME})\b(?P<between>(?:(?!\bxã\b)[^.;:]){{0,90}}?)\bthêm\s+(?:được\s+)?(?:từ\s+)?"
    r"(?P<least>\d{1,2})(?:\s*(?:-|–|đến)\s*(?P<most>\d{1,2}))?\s+tiêu chí(?P<after>[^.;,]{0,40})"
)
_EACH = re.compile(
    r"mỗi\s+xã[^.;:]{0,60}?thêm\s+(?:được\s+)?(?:ít nhất\s+)?(?:từ\s+)?(?P<least>\d{1,2})"
    r"(?:\s*(?:-|–|đến)\s*\d{1,2})?\s+tiêu chí"
)
_ANOTHER = re.compile(rf"\s*,\s*{CAPITAL}|\s+và\s+{CAPITAL}")  # "xã Vũ Lễ, Tân Lập …"
_OTHER_SET = re.compile(r"nâng cao|kiểu mẫu")
_FINISH = re.compile(
    r"số xã (?:\w+ ){0,3}?đạt chuẩn nông thôn mới\s*(?:là|:|đạt)?\s*(?P<count>\d{1,3})\s+xã\s*"
    r"\((?P<names>[^()]{2,300})\)",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"xã\s+(?:\w+\s+){0,3}?đạt\s+(?:từ\s+)?(?P<under>dưới\s+)?(?P<first>\d{1,2})"
    r"(?:\s*(?:[-–]|đến)\s*(?P<last>\d{1,2}))?\s*(?:/\d{1,2}\s*)?tiêu chí(?P<up>\s+trở lên)?"
    r"[^.;\d]{0,30}?(?P<count>\d{1,4})\s*/\s*(?P<of>\d{1,4})\s*xã",
    re.IGNORECASE,
)
_AVERAGE = re.compile(
    rf"bình quân(?P<between>[^.;]{{0,90}}?)(?P<value>{figures.NUMBER})\s*tiêu chí"
    r"(?P<up>\s*(?:/\s*xã\s*)?trở lên)?",
    re.IGNORECASE,
)
_YEARS = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_CRITERIA = 19  # of the sets of 2016 and 2021, where the text sets no targets
_WIDER = re.compile(r"toàn tỉnh|cả nước|toàn quốc|của tỉnh", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """The criteria table and the targets as read, and the plan's year."""

    lines: tuple[DraftLine, ...]
    targets: tuple[DraftTarget, ...]
    year: int | None

    @property
    def by_commune(self) -> dict[str, list[DraftLine]]:
        """The lines that name each commune, under its folded name."""
        found: dict[str, list[DraftLine]] = defaultdict(list)
        for line in self.lines:
            for name in dict.fromkeys(map(fold, named(line.implementing))):
                found[name].append(line)
        return found

    @property
    def complete(self) -> bool:
        """True where every criterion from 1 on has its target, all of the same communes."""
        numbers = sorted(one.criterion for one in self.targets)
        whole = numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 10
        return whole and len({one.of for one in self.targets}) == 1


def named(cell: str) -> list[str]:
    """The communes of a cell: "Xã Vũ Lễ, Tân Lập" → Vũ Lễ, Tân Lập."""
    parts = re.split(r"[,;\n]|\s+và\s+", cell)
    bare = (re.sub(r"^(?:các\s+)?(?:xã|phường|thị trấn)\s+", "", p.strip(" ."), flags=re.I)
            for p in parts)  # fmt: skip
    return [squash(one) for one in bare if one]


def find(passages: Sequence[Passage], table: Table) -> Iterator[Finding]:
    groups = _groups(passages)
    yield from _gains(passages, table)
    yield from _partition(groups)
    if table.complete:
        yield from _averages(passages, table)
        yield from _at_most(groups, table)
    yield from _without(passages, groups, table)


def _line_quote(line: DraftLine) -> Quote:
    return Quote(f"dòng {line.id}", squash(line.implementing))


# -- one commune ---------------------------------------------------------------------


def _gains(passages: Sequence[Passage], table: Table) -> Iterator[Finding]:
    """ "xã Vũ Lễ … đạt thêm 5 tiêu chí" against the lines that name Vũ Lễ."""
    by_commune = table.by_commune
    for passage in passages if by_commune else ():
        for found in _GAINS.finditer(passage.text):
            between = found["between"]
            several = _ANOTHER.match(between)
            if not several and not _OTHER_SET.search(between + found["after"]):
                yield from _gain(passage, found, by_commune.get(fold(found["name"]), []))


def _gain(passage: Passage, found: re.Match[str], lines: list[DraftLine]) -> Iterator[Finding]:
    least, most = int(found["least"]), int(found["most"] or found["least"])
    if "trở lên" in found["after"]:
        most = max(most, len(lines))
    if least <= len(lines) <= most:
        return
    data: dict[str, object] = {
        "name": found["name"], "said": f"{least}-{most}" if most != least else str(least),
        "count": len(lines), "lines": ", ".join(line.id for line in lines) or "–",
    }  # fmt: skip
    quote = passage.quote(found.start(), found.start("after"))
    yield Finding("commune.criteria", passage.place, data, (quote, *map(_line_quote, lines)))


# -- groups by the number of criteria ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """ "Số xã đạt 15-18 tiêu chí là 01/17 xã"."""

    first: int
    last: int
    count: int
    of: int
    passage: Passage
    quote: Quote


def _groups(passages: Sequence[Passage]) -> list[list[Group]]:
    """Groups that stand together, as lists of one or more."""
    found: list[list[Group]] = []
    before: Passage | None = None
    for passage in passages:
        said = [_group(m, passage) for m in _GROUP.finditer(passage.text)]
        if not said:
            continue
        together = before is not None and found and found[-1][-1].of == said[0].of
        if together and before and (before.place, before.level) == (passage.place, passage.level):
            found[-1] += said
        else:
            found.append(said)
        before = passage
    return found


def _group(found: re.Match[str], passage: Passage) -> Group:
    first = int(found["first"])
    last = int(found["last"]) if found["last"] else first
    if found["under"]:
        first, last = 0, first - 1
    if found["up"]:
        last = 99
    quote = passage.quote(found.start(), found.end())
    return Group(first, last, int(found["count"]), int(found["of"]), passage, quote)


def _partition(groups: list[list[Group]]) -> Iterator[Finding]:
    """Groups that exclude each other must make the whole."""
    for together in groups:
        if len(together) < 3 or not _apart(together):
            continue
        added, of = sum(one.count for one in together), together[0].of
        if added != of:
            data: dict[str, object] = {
                "added": added, "of": of,
                "parts": " + ".join(str(one.count) for one in together),
            }  # fmt: skip
            quotes = tuple(one.quote for one in together)
            yield Finding("groups.differ", together[0].passage.place, data, quotes)


def _apart(together: list[Group]) -> bool:
    """True where the groups leave no number out between them and share none."""
    spans = sorted((one.first, one.last) for one in together)
    return all(b[0] == a[1] + 1 for a, b in pairwise(spans))


def _at_most(groups: list[list[Group]], table: Table) -> Iterator[Finding]:
    """As many communes with all criteria as that, and each criterion needs as many."""
    lowest = min(table.targets, key=lambda one: one.reached)
    for group in (one for together in groups for one in together):
        everything = group.first >= len(table.targets)
        if everything and group.of == lowest.of and group.count > lowest.reached:
            data: dict[str, object] = {
                "count": group.count, "criteria": group.first, "criterion": lowest.criterion,
                "reached": lowest.reached,
            }  # fmt: skip
            quotes = (group.quote, Quote(lowest.place, lowest.quote))
            yield Finding("groups.above_target", group.passage.place, data, quotes)


# -- averages ---------------------------------------------------------------------------


def _averages(passages: Sequence[Passage], table: Table) -> Iterator[Finding]:
    """ "bình quân 01 xã đạt từ 13 tiêu chí trở lên" against the sum of the targets."""
    of = table.targets[0].of
    reached = sum(one.reached for one in table.targets)
    before = reached - sum(one.added for one in table.targets)
    if not of:
        return
    for passage in passages:
        for found in _AVERAGE.finditer(passage.text):
            said = figures.figure(found["value"])
            if said is None or not _own_year(found[0], table.year) or said.value > 99:
                continue
            up = bool(found["up"]) or bool(re.search(r"\b(?:trên|ít nhất)\s*$", found["between"]))
            if any(_fits(said, Fraction(value, of), up) for value in (reached, before)):
                continue
            data: dict[str, object] = {
                "said": found["value"], "reached": reached, "of": of,
                "average": figures.shown(Fraction(reached, of)),
                "before": figures.shown(Fraction(before, of)),
            }  # fmt: skip
            quote = passage.quote(found.start(), found.end())
            yield Finding("average.differs", passage.place, data, (quote,))


def _own_year(said: str, year: int | None) -> bool:
    years = {int(one) for one in _YEARS.findall(said)}
    return not _WIDER.search(said) and years <= {year, (year or 0) - 1}


def _fits(said: figures.Figure, average: Fraction, up: bool) -> bool:
    if up and said.value <= average:
        return True
    steps = average / said.step
    return said.value / said.step in (figures.rounded(steps), steps.numerator // steps.denominator)


# -- communes that get nothing ---------------------------------------------------------------


def _without(
    passages: Sequence[Passage], groups: list[list[Group]], table: Table
) -> Iterator[Finding]:
    """ "mỗi xã … thêm 01 tiêu chí", and more communes are unfinished than the table names."""
    each = next(((p, m) for p in passages if (m := _EACH.search(p.text))), None)
    everything = len(table.targets) if table.complete else _CRITERIA
    finished = next((g for together in groups for g in together if g.first >= everything), None)
    if each is None or finished is None or not table.lines:
        return
    passage, found = each
    finishing = _finishing(passages)
    if finishing is None:
        return
    listed = Counter(name for name in table.by_commune if name not in finishing)
    unfinished = finished.of - finished.count
    if unfinished > len(listed):
        data: dict[str, object] = {
            "unfinished": unfinished, "of": finished.of, "named": len(listed),
            "short": unfinished - len(listed),
        }  # fmt: skip
        quotes = (passage.quote(found.start(), found.end()), finished.quote)
        yield Finding("communes.without", passage.place, data, quotes)


def _finishing(passages: Sequence[Passage]) -> set[str] | None:
    """The communes that reach the standard this year, None where the paper does not name them."""
    for passage in passages:
        for found in _FINISH.finditer(passage.text):
            read = counts.listed(passage.text[found.start("names") : found.end("names") + 1], "xã")
            if read and len(read.names) == int(found["count"]):
                return {fold(name) for name in read.names}
    return None
