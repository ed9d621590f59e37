"""A draft → the bytes of an appendix file: always the same for the same draft.

The cells are verbatim; a question is a comment beginning with HỎI at its place.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from datetime import date

from ntm_workflow.appendix.importers.document import squash
from ntm_workflow.appendix.importers.pieces import Answer, Ask, Draft, DraftLine, DraftRow

Say = Callable[[Ask], str]  # the sentence of a question
Told = Callable[[Ask, Answer], str]  # that of a question with its answer
_RULE = "# " + "-" * 75
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def write(draft: Draft, say: Say, source: str = "", told: Told | None = None) -> bytes:
    """Write a draft; `source` is the name of the file it came from."""
    out = _Writer(draft, say, told or (lambda ask, _answer: say(ask)))
    out.top(source)
    out.plan()
    out.known()
    out.appendix()
    out.criteria()
    out.targets()
    out.findings()
    out.rest()
    return unicodedata.normalize("NFC", "\n".join(out.lines) + "\n").encode()


class _Writer:
    def __init__(self, draft: Draft, say: Say, told: Told) -> None:
        self.draft = draft
        self.lines: list[str] = []
        self._asked: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for ask in draft.asks:
            self._asked[ask.where].append(f"HỎI: {say(ask)}")
        for ask, answer in draft.settled:
            self._asked[ask.where].append(told(ask, answer))

    # -- parts --------------------------------------------------------------

    def top(self, source: str) -> None:
        draft = self.draft
        self._remark(f"Bản nháp đọc từ tệp: {source}" if source else "Bản nháp")
        if draft.asks:
            self._remark(f"Còn {len(draft.asks)} câu hỏi; mỗi câu bắt đầu bằng chữ HỎI, "
                         "đứng ngay trên chỗ cần sửa. Sửa xong, xóa dòng HỎI.")  # fmt: skip
        else:
            self._remark("Không có câu hỏi nào.")
        self._remark("Chữ trong các ô là nguyên văn. Sửa xong, chạy: ntm plan check TỆP")
        self.lines += ["", "schema = 1", ""]

    def plan(self) -> None:
        head = self.draft.head
        self.lines.append("[plan]")
        for key in ("id", "number", "symbol", "issuer", "title", "place", "issued_on", "year",
                    "level", "coordination_office", "amends"):  # fmt: skip
            self._asks("plan", "", key)
            if (value := getattr(head, key)) not in (None, ""):
                self._key(key, value)
        for key in ("columns", "tables"):
            self._asks("plan", "", key)
        self.lines.append("")

    def known(self) -> None:
        for table, entries in self.draft.register.items():
            self.lines += [_RULE, ""]
            for entry in entries:
                self._entry(table, entry)

    def appendix(self) -> None:
        self.lines.append(_RULE)
        for remark in self.draft.remarks:
            self._remark(f"Bản giấy: {remark}")
        for table, column, label, role in self.draft.columns:
            self._remark(f"Bảng {table}, cột {column} “{squash(label)}”: {role or 'chưa rõ'}")
        self._asks("rows", "", "")
        self.lines.append("")
        for section in self.draft.sections:
            for key in ("id", "title"):
                self._asks("section", section.id, key)
            self._entry("section", {"id": section.id, "title": section.title})
            for row in self.draft.rows:
                if row.section == section.id:
                    self._row(row)

    def _row(self, row: DraftRow) -> None:
        self.lines.append("[[row]]")
        self._key("id", row.id)
        for key in ("content", "directing", "implementing", "coordinating", "timing", "read_as",
                    "note"):  # fmt: skip
            self._asks("row", row.id, key)
            value = getattr(row, key)
            if value or key in ("content", "implementing", "timing"):
                self._key(key, value)
        self.lines.append("")

    def criteria(self) -> None:
        draft = self.draft
        if not draft.lines:
            return
        year = draft.head.year
        self.lines += [_RULE, "# Biểu không có cột thời gian và kỳ kiểm: ba khóa dưới là mặc định.",
                       "", "[criteria]"]  # fmt: skip
        if draft.criteria_title:
            self._key("title", draft.criteria_title)
        if draft.criteria_total is not None:
            self._key("total", draft.criteria_total)
        self._key("body", draft.criteria_rules.get("body", "ubnd-{unit}"))
        self._key("timing", f"Trong năm {year}" if year else "Trong năm")
        self._key("check_in", draft.criteria_rules.get("check_in", "quarter"))
        self._asks("criteria", "", "")
        self.lines.append("")
        for line in draft.lines:
            self._line(line)

    def _line(self, line: DraftLine) -> None:
        self.lines.append("[[criterion]]")
        if line.printed:
            self._remark(f"Số thứ tự trong bản giấy: {line.printed}")
        for key in ("id", "name", "count", "implementing", "directing"):
            self._asks("criterion", line.id, key)
            value = getattr(line, key)
            if value is not None:
                self._key(key, value)
        self._asks("criterion", line.id, "")
        self.lines.append("")

    def targets(self) -> None:
        asked = [where for where in self._asked if where[0] == "target"]
        if self.draft.targets or asked:
            self.lines += [_RULE, "# Chỉ tiêu từng tiêu chí trong phần lời, để đối chiếu.", ""]
        for where in asked:
            self._asks(*where)
        for target in self.draft.targets:
            values: dict[str, object] = {
                "criterion": target.criterion, "name": target.name, "added": target.added,
                "reached": target.reached, "of": target.of,
            }  # fmt: skip
            if target.percent:
                values["percent"] = target.percent
            if target.quote:
                values |= {"place": target.place, "quote": target.quote}
            self._entry("target", values)

    def findings(self) -> None:
        """What the text contradicts; what the tables do is found when the file is read."""
        if self.draft.findings:
            self.lines += [_RULE, "# Những chỗ phần lời của bản giấy tự mâu thuẫn, bỏ ngỏ hoặc in "
                           "sai: máy ghi khi đọc tệp,", "# kèm nguyên văn và chỗ in. "
                           "`ntm plan check` diễn thành câu.", ""]  # fmt: skip
        for one in self.draft.findings:
            self.lines.append("[[finding]]")
            self._key("code", one.code)
            self._key("where", one.where)
            self._key("data", one.data)
            self.lines.append("quotes = [")
            self.lines += [f"    {_value([q.place, q.text])}," for q in one.quotes]
            self.lines += ["]", ""]

    def rest(self) -> None:
        """What is said of entries that are not in the draft: rows that were left out."""
        for where in list(self._asked):
            self._asks(*where)

    # -- lines --------------------------------------------------------------

    def _entry(self, table: str, values: dict[str, object]) -> None:
        self.lines.append(f"[[{table}]]")
        for key, value in values.items():
            self._key(key, value)
        self.lines.append("")

    def _key(self, key: str, value: object) -> None:
        self.lines.append(f"{key} = {_value(value)}")

    def _remark(self, text: str) -> None:
        printable = "".join(c if c.isprintable() else " " for c in squash(text))
        self.lines.append(f"# {printable}")

    def _asks(self, *where: str) -> None:
        for said in self._asked.pop(where, ()):
            self._remark(said)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) else _string(str(value))


def _string(text: str) -> str:
    """A basic TOML string; whatever has no sign of its own is written by its number."""
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() or c == " " else _code(c))
                         for c in text) + '"'  # fmt: skip


def _code(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"
