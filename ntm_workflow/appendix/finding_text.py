"""A finding as a sentence, with the words of the paper that it is about."""

from __future__ import annotations

from ntm_workflow import texts
from ntm_workflow.appendix.finding_codes import FindingKind, kind
from ntm_workflow.appendix.model import Finding


def sentence(one: Finding) -> str:
    """What is wrong, with the sum done; without its quotes."""
    data = dict(one.data)
    if one.code in ("spelling", "range.and_up"):
        data["places"] = "; ".join(named(place) for place in str(data["places"]).split("; "))
    return texts.say(f"finding.{one.code}", **data)


def named(where: str) -> str:
    """A finding's place as a person calls it: a row's id, "phần I.1", "biểu tiêu chí"."""
    name, _, number = where.partition(" ")
    key = f"finding.where.{name}"
    return texts.say(key, number=number) if texts.has(key) else placed(where)


_PLACES = {"dòng": "row", "mục": "section", "phần": "part", "tiêu chí": "criterion",
           "biểu tiêu chí": "criteria", "đầu văn bản": "head", "phụ lục": "appendix"}  # fmt: skip


def placed(place: str) -> str:
    """Where a quote stands, in the language that is spoken: "part I.2, criterion 11"."""
    return ", ".join(map(_placed, place.split(", ")))


def _placed(part: str) -> str:
    for printed, key in _PLACES.items():
        if part == printed or part.startswith(f"{printed} "):
            return texts.say(f"finding.at.{key}", rest=part.removeprefix(printed))
    return part


def quotes(one: Finding) -> list[str]:
    """ "phần III.1: “Tổng nguồn vốn … 222.500 triệu đồng”", one for each."""
    return [texts.say("finding.quote", place=placed(q.place), text=q.text) for q in one.quotes]


def full(one: Finding) -> str:
    """The sentence and, unless it is a slip, the quotes from elsewhere in brackets."""
    said = sentence(one)
    here = f"dòng {one.where}"
    told = [quote for quote, q in zip(quotes(one), one.quotes, strict=True) if q.place != here]
    return said if kind(one.code) is FindingKind.SLIP or not told else f"{said} ({'; '.join(told)})"
