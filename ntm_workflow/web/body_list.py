"""A long list of bodies on a page: searched by name, and one part of it at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from ntm_workflow.reports import paging, register
from ntm_workflow.reports.paging import Part
from ntm_workflow.web import forms
from ntm_workflow.web.desk import Desk

PAGE = 100  # bodies on one page


@dataclass(frozen=True, slots=True)
class Shown:
    """What an address shows of a list. `many`: the whole of it is more than a page."""

    text: str
    found: Sequence[str]
    part: Part
    many: bool

    @property
    def first(self) -> bool:
        """True at the head of the whole list."""
        return not self.text and self.part.before is None

    @property
    def rest(self) -> str:
        """What keeps the search in the address of another part."""
        return f"{urlencode({'tim': self.text})}&" if self.text else ""


def shown(desk: Desk, everyone: Sequence[str]) -> Shown:
    """The part of a list in order that `?tim=`, `?sau=` and `?truoc=` ask for."""
    asked = desk.request.query_params
    text = forms.clean(asked.get("tim", ""))[:200]
    found = register.found(desk.plan, desk.given, everyone, text) if text else everyone
    part = paging.part(found, asked.get("sau", ""), asked.get("truoc", ""), PAGE)
    return Shown(text, found, part, len(everyone) > PAGE)
