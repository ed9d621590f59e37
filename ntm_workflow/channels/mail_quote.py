"""What somebody wrote in a reply, without what their program put below it."""

from __future__ import annotations

import re

from ntm_workflow.appendix.text import nfc

_WROTE = re.compile(r"(vào|on|trong|lúc|ngày)\b.{4,300}(đã viết|viết|wrote)\s*:", re.I | re.S)
_WROTE_ENDS = re.compile(r"(đã viết|viết|wrote)\s*:\s*$", re.I)
_LINE = re.compile(
    r"[-_ ]{2,}\s*(original message|thư gốc|tin nhắn gốc|thư ban đầu|forwarded message|"
    r"thư (đã )?(được )?chuyển tiếp|tin nhắn (đã )?(được )?chuyển tiếp)\s*[-_ ]{2,}",
    re.I,
)
_FROM = re.compile(r"\s*[*>]*\s*(từ|from|người gửi)\s*:\**\s*\S", re.I)
_NEXT = re.compile(
    r"\s*[*>]*\s*(đã gửi|gửi|sent|ngày|date|tới|đến|to|cc|chủ đề|tiêu đề|subject)\s*:", re.I
)
_RULE = re.compile(r"\s*_{10,}\s*")
_HEADER_LINES = 3  # a "Vào … đã viết:" may be broken over so many lines


def fresh(text: str) -> str:
    """The new words of a reply.

    Below "Vào … đã viết:" what is quoted by ">" goes and answers between the
    lines stay; a program that quotes without ">" quotes to the end. Where
    nothing would be left, the text stays as it is.
    """
    lines = nfc(text).replace("\r\n", "\n").split("\n")
    at, length = _cut(lines)
    above, below = lines[:at], lines[at + length :]
    kept = [line for line in above if not line.startswith(">")]
    if any(line.startswith(">") for line in below):
        kept += [line for line in below if not line.startswith(">")]
    found = _spaced(kept)
    return found or _spaced(lines)


def _cut(lines: list[str]) -> tuple[int, int]:
    """Where the quotation begins, and over how many lines its heading runs."""
    for at, line in enumerate(lines):
        if _LINE.match(line):
            return at, len(lines)
        if _FROM.match(line) and any(_NEXT.match(one) for one in lines[at + 1 : at + 4]):
            rule = at > 0 and bool(_RULE.fullmatch(lines[at - 1]))
            return at - rule, len(lines)
        for more in range(1, _HEADER_LINES + 1):
            heading = " ".join(lines[at : at + more]).strip().lstrip("> ")
            if len(heading) > 400:
                break
            if _WROTE_ENDS.search(heading) and _WROTE.match(heading):
                return at, more
    return len(lines), 0


def _spaced(lines: list[str]) -> str:
    """The lines without spaces at their ends; no two empty lines in a row."""
    text = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
