"""What people type: read, cleaned, and kept when a form must be shown again."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from ntm_workflow import texts
from ntm_workflow.appendix.text import nfc
from ntm_workflow.calendar.typed import day as typed_day
from ntm_workflow.errors import NtmError, Refused, StaleEdit
from ntm_workflow.store.evidence_files import MOST_FILES, EvidenceFiles, Stored, safe_name
from ntm_workflow.web import guard

_MOST_FIELDS = 200  # a tick for each task of a body, and what is typed
LONGEST = 5_000  # characters of one field; the rules set narrower limits of their own


def read(request: Request) -> AbstractAsyncContextManager[FormData]:
    """The form of a request, as much of it as one may bring."""
    return request.form(max_files=2 * MOST_FILES, max_fields=_MOST_FIELDS)


async def _posted(request: Request) -> AsyncIterator[FormData]:
    async with read(request) as form:
        yield form


Posted = Annotated[FormData, Depends(_posted)]


@dataclass(slots=True)
class Typed:
    """One form as it came in: what was typed, and the files that have arrived so far.

    `ticked` are other tasks that the form is about too, each with the version that was seen.
    """

    act: str
    values: dict[str, str]
    files: list[Stored] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    ticked: dict[int, int] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def day(self, name: str) -> date:
        return day(self.get(name))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a form is shown again: sentences, each with the field it is about ("" for none)."""

    act: str
    problems: tuple[tuple[str, str], ...]
    stale: bool = False
    status: int = 422

    def at(self, name: str) -> str:
        """What is wrong with a field."""
        return next((sentence for field, sentence in self.problems if field == name), "")


class Several(Refused):
    """A form with more than one thing wrong: all of it is said at once."""

    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__(refusals[0].key, **refusals[0].data)
        self.refusals = refusals


def check(*steps: Callable[[], object]) -> None:
    """Try every step, so that a person hears of all that is wrong in one go.

    Raises:
        Several: what was refused, in the order of the steps.
    """
    refusals: list[Refused] = []
    for step in steps:
        try:
            step()
        except Refused as error:
            refusals.append(error)
    if refusals:
        raise Several(refusals)


# The field that a refusal is about.
_FIELDS = {
    "form.no_number": "so_van_ban", "evidence.number": "so_van_ban",
    "form.no_day": "ngay", "evidence.date": "ngay", "evidence.future": "ngay",
    "extension.earlier": "ngay",
    "evidence.no_subject": "trich_yeu", "evidence.long_subject": "trich_yeu",
    "evidence.doc_type": "loai", "handin.not_one": "chon", "reassign.no_body": "don_vi",
    "reassign.itself": "don_vi", "reassign.twin": "don_vi",
    "page.body.unknown": "don_vi", "page.handover.choose": "don_vi",
    "page.handover.itself": "don_vi", "page.handover.twin_accepted": "don_vi",
    "page.handover.twin_cancelled": "don_vi", "page.event.ended": "don_vi",
    "page.event.not_yet": "don_vi",
    "task.unknown": "viec", "received.no_task": "viec", "task.several_plans": "viec",
    "evidence.late_reason": "ly_do_qua_han", "reason.missing": "ly_do",
    "evidence.too_large": "tep", "evidence.empty": "tep", "form.too_many_files": "tep",
    "evidence.infected": "tep", "evidence.store_away": "tep", "evidence.disk": "tep",
    "evidence.scanner_away": "tep", "evidence.swept": "tep",
    **{f"evidence.kind.{why}": "tep" for why in (
        "program", "script", "macro", "inside", "locked", "password", "unreadable")},
}  # fmt: skip


def typed(act: str, form: FormData) -> Typed:
    """The text fields of a form, cleaned."""
    values = {name: clean(value) for name, value in form.multi_items() if isinstance(value, str)}
    return Typed(act, values)


def clean(text: str) -> str:
    """NFC, without control characters (a database cannot keep all of them), not endless."""
    kept = (c for c in nfc(text[: 2 * LONGEST]) if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return "".join(kept).strip()[:LONGEST]


def day(text: str) -> date:
    """A day as people write it: 25/6/2020, 25-6-2020, 25.6.2020 or 2020-06-25.

    Raises:
        Refused: it is none of these, or no such day.
    """
    if not text:
        raise Refused("form.no_day")
    found = typed_day(text)
    if found is None:
        raise Refused("evidence.date", value=text)
    return found


def trouble(act: str, error: NtmError) -> Trouble:
    """What to say of a refusal, and at which fields."""
    each = error.refusals if isinstance(error, Several) else [error]
    stale = isinstance(error, StaleEdit)
    problems = tuple((_FIELDS.get(one.key, ""), sentence(one)) for one in each)
    return Trouble(act, problems, stale, 409 if stale else 422)


def sentence(error: NtmError) -> str:
    data = dict(error.data)
    if error.key == "task.state":
        data["state"] = texts.say(f"state.{data['state']}")
    return texts.say(error.key, **data)


# -- files ------------------------------------------------------------------------


def keep_files(
    form: FormData, mine: Typed, store: EvidenceFiles, secret: bytes, owner: str
) -> None:
    """Put what was uploaded into the store, beside what an earlier try of this form brought.

    A file that is refused (too large, empty, one too many) does not cost the
    others, nor what was typed: it is noted in `mine.refused`.
    """
    kept = [_unseal(str(value), secret, owner) for value in form.getlist("giu")]
    mine.files = [one for one in kept if one]
    sent = [u for u in form.getlist("tep") if isinstance(u, UploadFile) and u.filename]
    if len(sent) + len(mine.files) > MOST_FILES:
        mine.refused.append(Refused("form.too_many_files", limit=MOST_FILES))
        return
    for upload in sent:
        name = safe_name(upload.filename or "")
        try:
            _add(mine.files, store.put(name, upload.file))
        except Refused as error:
            mine.refused.append(error)
        except OSError as error:  # of a disk it has a number, of a bucket none
            why = "evidence.disk" if error.errno else "evidence.store_away"
            mine.refused.append(Refused(why, name=name))


def _add(files: list[Stored], new: Stored) -> None:
    """The same file under the same name twice is one file."""
    if all((one.sha256, one.name) != (new.sha256, new.name) for one in files):
        files.append(new)


def seal(stored: Stored, secret: bytes, owner: str) -> str:
    """What a form carries for a file that has arrived: only we can have written it."""
    told = f"{stored.sha256}.{stored.size}.{stored.kind}.{stored.scan}.{stored.name}"
    return f"{_signature(told, secret, owner)}.{told}"


def _unseal(text: str, secret: bytes, owner: str) -> Stored | None:
    signature, _, told = text.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(told, secret, owner).encode()):
        return None
    sha256, size, kind, scan, name = told.split(".", 4)
    return Stored(name, sha256, int(size), kind, scan)


def _signature(told: str, secret: bytes, owner: str) -> str:
    return hmac.new(secret, f"{owner}\n{told}".encode(), "sha256").hexdigest()


def from_us(request: Request, form: FormData) -> bool:
    return guard.ours(request, str(form.get(guard.FIELD, "")))


def integer(value: Any) -> int | None:
    """A number that a form or an address carries; None where it is no sensible one."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
