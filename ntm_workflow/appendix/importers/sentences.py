"""What to ask, as a sentence: in the draft's remarks, on the command line, on the page."""

from __future__ import annotations

from ntm_workflow import texts
from ntm_workflow.appendix.importers.document import Place
from ntm_workflow.appendix.importers.pieces import Answer, Ask

_LONGEST = 200
_WHOLE = ("cell.aside", "row.unread", "line.count", "row.no_content", "row.no_implementing",
          "row.no_timing", "line.no_implementing", "line.no_directing")  # fmt: skip


def ask(one: Ask) -> str:
    """The question, what is nearest, and where it stands in the source."""
    said = texts.say(f"import.ask.{one.code}", quote=_short(one), **one.data)
    if one.choices:
        asked = "import.ask.which" if said.endswith(":") else "import.ask.choices"
        said += " " + texts.say(asked, choices="”, “".join(one.choices))
    where = place(one.place)
    return f"{said} ({where})" if where else said


def answered(one: Ask, answer: Answer) -> str:
    """A question and the answer that it was given, as a remark of the draft."""
    return texts.say("import.answered", ask=ask(one), answer=meaning(answer))


def meaning(answer: Answer) -> str:
    """An answer in words: "là BQL cấp xã", "thêm đơn vị mới: Hội Nông dân xã"."""
    data = {key: answer.get(key, "") for key in ("text", "name", "added", "reached", "of")}
    data["text"] = data["text"] or answer.get("shown") or answer.get("body", "")
    return texts.say(f"import.answer.{answer.get('do')}", **data)


def place(one: Place) -> str:
    """ "trang 3, bảng 2, dòng 5, cột 4": what is known of it."""
    keys = (("sheet", one.sheet), ("page", one.page), ("table", one.table), ("row", one.row),
            ("column", one.column))  # fmt: skip
    if not one.table:
        return ""
    shown = [(key, value) for key, value in keys if value and not (key == "table" and one.sheet)]
    return ", ".join(texts.say(f"import.place.{key}", value=value) for key, value in shown)


def _short(one: Ask) -> str:
    """The quote; a cell that is nowhere else in the draft is quoted whole."""
    whole = one.code in _WHOLE
    return one.quote if whole or len(one.quote) <= _LONGEST else one.quote[:_LONGEST] + "…"
