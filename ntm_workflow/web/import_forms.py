"""What the import page's forms hold → answers, as `importers.answers` takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData

from ntm_workflow.appendix.importers import answers, meant
from ntm_workflow.appendix.importers.headers import LINE_ROLES, ROLES
from ntm_workflow.appendix.importers.pieces import Ask
from ntm_workflow.appendix.model import Level
from ntm_workflow.errors import Refused
from ntm_workflow.web import forms
from ntm_workflow.web.forms import Typed

_MOST_FIELDS = 2_000  # the page of all unknown names has five for each

_TYPED = ("text", "fill", "read", "day", "number", "title", "count", "new", "group", "unit")


async def _posted(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=2, max_fields=_MOST_FIELDS) as form:
        yield form


Posted = Annotated[FormData, Depends(_posted)]


def roles(kind: str) -> tuple[str, ...]:
    """What a column can be, in a table of this kind."""
    return LINE_ROLES if kind == "criteria" else ROLES


def read(ask: Ask, typed: Typed) -> dict[str, Any]:
    """The answer that a form holds.

    The radio button says "verb|value". Who typed into the only field that was
    filled and chose nothing has chosen that field.
    """
    verb, _, value = (typed.get("do") or _only_filled(ask, typed)).partition("|")
    answer: dict[str, Any] = {"do": verb, "printed": ask.quote}
    text = value or typed.get(f"text_{verb}")
    if verb == "is":
        answer["body"] = value or typed.get("don_vi")
        answer["shown"] = typed.get(f"shown_{value}") or value or typed.get("don_vi")
    elif verb in ("new", "group", "unit"):
        answer["name"] = typed.get(f"text_{verb}") or ask.quote
        if verb == "new":
            answer |= {"level": typed.get("cap"), "kind": typed.get("loai")}
            answer |= {"each": True} if typed.get("moi_xa") else {}
    elif verb == "target":
        answer |= {key: typed.get(key) for key in ("added", "reached", "of")}
    elif verb == "columns":
        columns = {role: forms.integer(typed.get(f"cot_{role}")) or 0 for role in ROLES}
        answer["columns"] = {**columns, "first": forms.integer(typed.get("dong_dau")) or 2}
    else:
        answer |= {"text": _day(text) if _is_day(ask, verb) else text} if text else {}
    if verb == "role" and typed.get("was"):
        answer["was"] = typed.get("was")
    return answer


def _is_day(ask: Ask, verb: str) -> bool:
    return verb == "day" or (verb == "text" and ask.where[2] == "issued_on")


def _day(text: str) -> str:
    """A day as people write it, in ISO form; as typed where it is none."""
    try:
        return forms.day(text).isoformat()
    except Refused:
        return text


def _only_filled(ask: Ask, typed: Typed) -> str:
    filled = [verb for verb in answers.verbs(ask)
              if verb in _TYPED and typed.get(f"text_{verb}")
              and typed.get(f"text_{verb}") != typed.get(f"san_{verb}")]  # fmt: skip
    if "is" in answers.verbs(ask) and typed.get("don_vi"):
        filled.append("is")
    return filled[0] if len(filled) == 1 else ""


def proposed(printed: str, own: Level) -> tuple[str, str]:
    """The level and kind that a new body's printed name speaks of."""
    return str(meant.level_of(printed, own)), str(meant.kind_of(printed))
