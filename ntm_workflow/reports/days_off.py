"""Why a day is off, in the language that is spoken; calendar and tasks say it in Vietnamese."""

from __future__ import annotations

import re

from ntm_workflow import texts
from ntm_workflow.texts import say

_INSTEAD = re.compile(r"Ngày nghỉ \(thay cho ngày (.+)\)")
_OBSERVED = " (nghỉ bù)"


def said(reason: str) -> str:
    """ "Quốc khánh, theo 9859/VPCP-KGVX" → "National Day, by 9859/VPCP-KGVX"."""
    name, by, document = reason.rpartition(" theo ")
    if by and name == "nghỉ":
        return say("off.ordered", document=document)
    if by and name.endswith(","):
        return say("off.named", name=named(name[:-1]), document=document)
    return named(reason)


def named(name: str) -> str:
    """A holiday or a day of the week, by its Vietnamese name."""
    if instead := _INSTEAD.fullmatch(name):
        return say("off.instead", day=instead[1])
    if name.endswith(_OBSERVED):
        return say("off.observed", name=texts.translated(name.removesuffix(_OBSERVED)))
    return texts.translated(name)
