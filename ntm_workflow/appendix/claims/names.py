"""One name printed two ways: "Bắc Quỳnh" and "Bắc Quýnh", "Nhất Hoà" and "Nhất Hòa"."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.claims.passages import Passage
from ntm_workflow.appendix.claims.words import FULL_NAME
from ntm_workflow.appendix.model import Finding, Quote
from ntm_workflow.appendix.text import fold, sort_key

# Whose name follows. A place and a person may share a name; two places may not.
_LED = re.compile(
    rf"(?P<lead>\b(?:[Xx]ã|[Pp]hường|[Tt]hị trấn|[Hh]uyện|[Tt]hành phố|[Tt]hị xã|[Tt]ỉnh|[Ôô]ng|"
    rf"[Bb]à|[Đđ]ồng chí|[Đđ]/c))[ ]+(?P<name>{FULL_NAME})"
)
_PERSON = ("ông", "bà", "đồng chí", "đ/c")
_LISTED = re.compile(rf"(?:^|[,;:(]|\bvà)\s*(?P<name>{FULL_NAME})")  # in a row of names


@dataclass(frozen=True, slots=True)
class _Mention:
    printed: str
    quote: Quote


def find(
    passages: Sequence[Passage], cells: Sequence[Passage], register: Register | None
) -> Iterator[Finding]:
    """Names that differ by their marks alone. What the register knows under both is two names."""
    known = _known(register)
    tones: list[tuple[_Mention, _Mention]] = []
    for mentions in _mentions((*passages, *cells), known).values():
        counted = Counter(_spelling(one.printed) for one in mentions)
        if len(counted) > 1:
            yield from _variants(mentions, counted, known)
        tones += _tone(mentions)
    if tones:
        first, second = tones[0]
        pairs = ", ".join(f"{a.printed} / {b.printed}" for a, b in tones)
        yield Finding("name.tone", first.quote.place, {"pairs": pairs},
                      (first.quote, second.quote))  # fmt: skip


def _known(register: Register | None) -> dict[str, set[str]]:
    """Spellings of the register's units, under the name without marks."""
    known: dict[str, set[str]] = defaultdict(set)
    for unit in register.units.values() if register else ():
        known[fold(unit.name)].add(_spelling(unit.name))
    return known


def _mentions(
    passages: Iterable[Passage], known: dict[str, set[str]]
) -> dict[tuple[str, str], list[_Mention]]:
    """Names under what they are without marks: after "xã", "ông" …, and the register's anywhere."""
    found: dict[tuple[str, str], list[_Mention]] = defaultdict(list)
    for passage in passages:
        for match in _LED.finditer(passage.text):
            name, lead = match["name"], match["lead"].lower()
            kind = "person" if lead in _PERSON else "place"
            if not name.isupper():
                mention = _Mention(name, passage.around(*match.span("name")))
                found[kind, fold(name)].append(mention)
        for match in _LISTED.finditer(passage.text):
            if fold(match["name"]) in known:
                mention = _Mention(match["name"], passage.around(*match.span("name")))
                found["place", fold(match["name"])].append(mention)
    return found


def _spelling(name: str) -> str:
    """A name in a form in which the place of a tone does not matter, and its marks do."""
    letters, tones, _ = sort_key(name)
    return f"{letters}{tones}"


def _variants(
    mentions: list[_Mention], counted: Counter[str], known: dict[str, set[str]]
) -> Iterator[Finding]:
    right = known.get(fold(mentions[0].printed), set())
    usual = next((s for s, _ in counted.most_common() if s in right), counted.most_common(1)[0][0])
    meant = next(one for one in mentions if _spelling(one.printed) == usual)
    for spelling in counted:
        if spelling == usual or spelling in right:
            continue
        other = next(one for one in mentions if _spelling(one.printed) == spelling)
        data: dict[str, object] = {"printed": other.printed, "meant": meant.printed}
        yield Finding("name.variant", other.quote.place, data, (other.quote, meant.quote))


def _tone(mentions: list[_Mention]) -> list[tuple[_Mention, _Mention]]:
    """Two mentions that differ by where the tone stands, if there are such."""
    first = mentions[0]
    other = next((one for one in mentions if one.printed.lower() != first.printed.lower()
                  and _spelling(one.printed) == _spelling(first.printed)), None)  # fmt: skip
    return [(first, other)] if other else []
