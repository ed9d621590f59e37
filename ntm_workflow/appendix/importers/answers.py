"""What may be answered to each question, whether an answer can be used, and a draft made with it.

An answer is a mapping: `do` is one of the verbs of its question, `printed` the
words it is about; the other keys depend on the verb. Answers stand under the
key of their question (`Ask.key`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from ntm_workflow.appendix import timing
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.importers import drafting, meant
from ntm_workflow.appendix.importers.checks import meaning_of
from ntm_workflow.appendix.importers.document import Document
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.headers import LINE_ROLES, ROLES
from ntm_workflow.appendix.importers.known import Known
from ntm_workflow.appendix.importers.pieces import NO_ANSWERS, Answer, Answers, Ask
from ntm_workflow.appendix.model import BodyKind, Level
from ntm_workflow.errors import Refused

_BODY = ("is", "new", "group", "skip")
_TIMING = ("read", "day", "wait")
_FILL = ("fill", "drop")
VERBS: dict[str, tuple[str, ...]] = {
    "register.which": ("fresh", "own"),
    "head.no_number": ("text",), "head.no_symbol": ("text",), "head.no_issued_on": ("text",),
    "head.no_title": ("text",), "head.no_place": ("text",), "head.no_year": ("text",),
    "head.no_level": ("text",), "head.differs": ("text",), "head.amends_unknown": ("text",),
    "head.no_issuer": ("is", "new"), "head.issuer_unknown": ("is", "new"),
    "head.no_coordination_office": ("is", "new"),
    "column.unknown": ("role",), "column.doubled": ("role",), "table.left": ("skip", "columns"),
    "section.twice": ("yes", "number"), "section.number": ("yes", "number"),
    "section.none": ("yes", "title"), "section.unsure": ("yes", "row"),
    "row.no_content": _FILL, "row.no_implementing": _FILL,
    "row.no_timing": ("fill", "wait", "drop"),
    "row.cut": ("yes", "apart"), "row.unread": ("skip", "row"),
    "cell.aside": ("skip", "note"), "cell.wide": ("yes", "all"),
    "line.number": ("yes", "number"), "line.count": ("count", "skip"),
    "line.no_implementing": _FILL, "line.no_directing": _FILL,
    "unit.unknown": ("is", "unit", "skip"),
    "body.unknown": _BODY, "body.ambiguous": _BODY, "body.none": ("is", "new", "skip"),
    "timing.question": _TIMING, "timing.header": _TIMING,
    "target.no_figures": ("skip", "target"), "target.no_added": ("skip", "target"),
    "target.twice": ("skip", "target"),
}  # fmt: skip
_ANY_YEAR = 2000  # which timing can be dated at all is the same in every year
_TEXTS = ("text", "fill", "read", "day", "number", "title", "count", "role")
_NUMBER = re.compile(r"\d{1,5}")


def verbs(ask: Ask) -> tuple[str, ...]:
    """What may be answered to this question, in the order in which it is offered."""
    allowed = VERBS[ask.code]
    if ask.code == "cell.aside" and ask.where[0] != "row":
        return ("skip",)
    if ask.code == "row.unread" and ask.where[0] != "rows":
        return ("skip",)
    if ask.code == "body.none" and ask.where[2] == "implementing":
        return ("is", "new")
    return allowed


def check(ask: Ask, answer: Answer, year: int | None, register: Register | None) -> None:
    """Refuse an answer that cannot be used, and say why.

    Raises:
        Refused: nothing was chosen, or what was typed is no number, day, timing or body.
    """
    do, text = str(answer.get("do", "")), str(answer.get("text", "")).strip()
    if do not in verbs(ask):
        raise Refused("import.bad.none")
    if do in _TEXTS and not text:
        raise Refused("import.bad.text")
    if do in ("new", "group", "unit") and not str(answer.get("name", "")).strip():
        raise Refused("import.bad.text")
    if do == "new" and not (answer.get("kind") in set(BodyKind) and answer.get("level") in
                            set(Level)):  # fmt: skip
        raise Refused("import.bad.none")
    if do == "is":
        _check_body(ask, answer, register)
    elif do in ("read", "day") or (do == "fill" and ask.where[2] == "timing"):
        _check_timing(answer, text, year)
    elif do == "count" and not _NUMBER.fullmatch(text):
        raise Refused("import.bad.number", value=text)
    elif do == "number":
        _check_number(ask, text)
    elif do == "role" and text not in (*ROLES, *LINE_ROLES):
        raise Refused("import.bad.none")
    elif do == "columns" and not {"content", "implementing"} <= {
        role for role, at in answer.get("columns", {}).items() if at
    }:
        raise Refused("import.bad.columns")
    elif do == "target":
        for key in ("added", "reached", "of"):
            if not _NUMBER.fullmatch(str(answer.get(key, ""))):
                raise Refused("import.bad.number", value=answer.get(key, ""))
    elif do == "text":
        _check_head(ask.where[2], text)


def _check_head(key: str, text: str) -> None:
    if key == "number" and not _NUMBER.fullmatch(text):
        raise Refused("import.bad.number", value=text)
    if key == "year" and not re.fullmatch(r"(19|20|21)\d\d", text):
        raise Refused("import.bad.year", value=text)
    if key == "level" and text not in set(Level):
        raise Refused("import.bad.none")
    if key == "issued_on":
        _day(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("import.bad.date", value=text) from None


def _check_number(ask: Ask, text: str) -> None:
    if ask.code == "line.number":
        if not (text.isdigit() and 0 < int(text) < 100):
            raise Refused("import.bad.criterion", value=text)
    elif not re.fullmatch(r"[A-Za-z0-9]{1,12}(\.[0-9]{1,3})*", text.strip(" .")):
        raise Refused("import.bad.section", value=text)


def _check_timing(answer: Answer, text: str, year: int | None) -> None:
    if answer["do"] == "day":
        _day(text)
    reading = timing.read(meaning_of({**answer, "text": text}), year or _ANY_YEAR)
    if reading.question:
        raise Refused("import.bad.timing", value=text, why=reading.question.ask)


def _check_body(ask: Ask, answer: Answer, register: Register | None) -> None:
    said = str(answer.get("body", "")).strip()
    if not said:
        raise Refused("import.bad.none")
    if register is None:
        raise Refused("import.bad.body", value=said)
    if ask.code == "unit.unknown":
        if said not in register.units and register.read_units(said)[1]:
            raise Refused("import.bad.body", value=said)
    elif ask.code.startswith("head."):
        if not meant.body_id(register, answer):
            raise Refused("import.bad.body", value=said)
    elif said not in register.bodies:
        named, lost = register.resolve(said)
        if lost or not named:
            raise Refused("import.bad.body", value=lost[0].printed if lost else said)


# -- the draft ---------------------------------------------------------------------


def make(
    document: Document, known: Known, said: Answers = NO_ANSWERS, source: str = ""
) -> Made:  # fmt: skip
    """Make the draft of a document with what was answered so far. Raises Refused.

    Where the issuer is no body of the register it is first asked whether that is
    the right one: a plan of another place has other bodies.
    """
    which = said.get("register", {}).get("do")
    base = fresh(said) if which == "fresh" else known
    made = drafting.make(document, base, source, said=said)
    ask = _which(made, known)
    if which:
        settled = ((ask, said["register"]), *made.found.draft.settled)
        return _with(made, settled=settled)
    if _foreign(made):
        return _with(made, asks=(ask, *made.found.draft.asks))
    return made


def fresh(said: Answers) -> Known:
    """A register of nobody yet, at the level of the issuer where that was said."""
    new = said.get("head|issuer", {})
    level = said.get("head|level", {}).get("text") or new.get("level") or Level.COMMUNE
    own = Level(level) if level in set(Level) else Level.COMMUNE
    return Known(Register((), (), own))


def _foreign(made: Made) -> bool:
    """True where the printed issuer is unknown to a register that knows others."""
    asked = {ask.code for ask in made.found.draft.asks}
    register = made.found.register
    return "head.issuer_unknown" in asked and register is not None and bool(register.bodies)


def _which(made: Made, known: Known) -> Ask:
    own = next(iter(known.offices), "")
    name = known.register.bodies[own].name if known.register and own else ""
    return Ask("register.which", ("plan", "", ""), made.found.draft.head.issuer_text,
               data={"own": name})  # fmt: skip


def _with(made: Made, **changes: Any) -> Made:
    draft = replace(made.found.draft, **changes)
    return replace(made, found=replace(made.found, draft=draft))
