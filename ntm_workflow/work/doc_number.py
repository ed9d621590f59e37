"""Which document somebody speaks of: "123/BC-UBND ngày 25/6/2020". Pure; never a guess.

Everything that can be one is returned: whoever asks decides what several mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ntm_workflow.appendix.text import nfc
from ntm_workflow.work.evidence import DOC_TYPES

_TYPES = "|".join(sorted(DOC_TYPES, key=len, reverse=True))
_ORGAN = r"[A-ZĐ][A-Za-zĐđ]*(?:[-.][A-ZĐ][A-Za-zĐđ0-9]*)*"
# "123/BC-UBND", "Số: 05 / BC-UBND"; "45/UBND-VP" where the number stands after "số".
_WRITTEN = re.compile(rf"(?<![\d/.,-])(\d{{1,6}})\s*/\s*((?:{_TYPES})(?:-{_ORGAN})?)(?![\w/])")
_LETTER = re.compile(rf"(?i:\bsố)\s*:?\s*(\d{{1,6}})\s*/\s*({_ORGAN}-{_ORGAN})(?![\w/])")
# A file's name has no "/": "123-BC-UBND.pdf", "123_BC-UBND ngay 25-6-2020.pdf", "BC 123".
_NAMED = re.compile(rf"(?<![\d./-])(\d{{1,6}})[-_. ]+((?:{_TYPES})[-_ ]{_ORGAN})(?![A-Za-zĐđ])")
_DAY = re.compile(
    r"(?:ngày|ngay)\s*:?\s*(\d{1,2})\s*(?:[/.\-_]|tháng|thang)\s*(\d{1,2})\s*(?:[/.\-_]|năm|nam)\s*(\d{4})(?!\d)",
    re.I,
)
_NEAR = 40  # letters between a number and its day
_FIELD = re.compile(r"^\s*([^:\n]{2,20}):[ \t]*(.+?)\s*$", re.M)


@dataclass(frozen=True, slots=True)
class Read:
    """What can be the number ("123/BC-UBND") and the day of a document, each once, in order."""

    numbers: tuple[str, ...]
    days: tuple[date, ...]


def read(texts: Iterable[str], names: Iterable[str], known: Iterable[str] = ()) -> Read:
    """Look through what was written and the names of files.

    `known` are documents that are cited, not handed in: the plans themselves.
    """
    numbers: dict[str, str] = {}  # each as it was first written, by the one spelling of all
    days: dict[str, list[date]] = {}
    cited = {_spelt(*one.split("/", 1)) for one in known if "/" in one}
    sources: list[tuple[str, tuple[re.Pattern[str], ...]]]
    sources = [(nfc(one), (_WRITTEN, _LETTER)) for one in texts]
    sources += [(_bare(nfc(one)), (_NAMED,)) for one in names]
    for text, patterns in sources:
        for pattern in patterns:
            for found in pattern.finditer(text):
                number = _spelt(found[1], found[2])
                symbol = number.partition("/")[2]
                numbers.setdefault(number, f"{found[1]}/{symbol}")
                if day := _day_after(text, found.end()):
                    days.setdefault(number, []).append(day)
    meant = [one for one in numbers if one not in cited]
    written = tuple(numbers[one] for one in meant)
    return Read(written, tuple(dict.fromkeys(d for one in meant for d in days.get(one, []))))


def fields(text: str, known: dict[str, str]) -> dict[str, str]:
    """Lines "Trích yếu: …" by the names that `known` gives to folded labels; the first counts."""
    from ntm_workflow.appendix.text import fold

    found: dict[str, str] = {}
    for label, value in _FIELD.findall(nfc(text)):
        if (name := known.get(fold(label))) and name not in found:
            found[name] = value
    return found


def _spelt(number: str, symbol: str) -> str:
    """One spelling for "05/BC-UBND" and "5_BC UBND"."""
    return f"{int(number)}/{re.sub(r'[-_ ]+', '-', symbol)}" if number.isdigit() else ""


def _bare(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and len(suffix) <= 5 and suffix.isalnum() and not suffix.isdigit() else name


def _day_after(text: str, at: int) -> date | None:
    found = _DAY.search(text, at, at + _NEAR)
    if not found:
        return None
    try:
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return None
