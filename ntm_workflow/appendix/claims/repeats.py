"""Words, sentences and items that stand there twice, and ranges that go on for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from ntm_workflow.appendix.claims.passages import END, Passage
from ntm_workflow.appendix.model import Finding, Quote

_SMALL = "của|các|những|và|với|để|tại|theo|trong|cho|trên|về|là|bằng"
_WORDS = re.compile(rf"\b(?P<said>[^\W\d_]+ [^\W\d_]+|{_SMALL}) (?P=said)\b", re.IGNORECASE)
# Said twice on purpose, or once as a noun and once as a verb.
_MEANT = {"từng bước", "từng ngày", "hàng ngày", "muôn năm", "kiểm sát", "điều tra", "ủy thác",
          "yêu cầu", "xuất bản", "có quyền"}  # fmt: skip
_UP = re.compile(
    r"(?:từ\s+)?\d+(?:,\d+)?\s*%?\s*(?:-|–|đến)\s*\d+(?:,\d+)?\s*(?:%|[^\W\d_]+(?:\s[^\W\d_]+){0,2})"
    r"\s*(?:trở lên|trở xuống)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_])")
_ITEM = re.compile(r"[,;]\s*")
_LONG = 14  # words in a row that two sentences share
_EARLY = 3  # words before them, in each: both begin alike
_ITEM_WORDS = 5
# What a plan lists are things to do; nouns come twice in one sentence by right.
_DOING = (
    "xây dựng", "nâng cao", "thực hiện", "tăng cường", "tiếp tục", "đẩy mạnh", "phát triển",
    "huy động", "tuyên truyền", "hướng dẫn", "kiểm tra", "đôn đốc", "duy trì", "bảo đảm",
    "đảm bảo", "tạo", "hỗ trợ", "củng cố", "tổ chức thực hiện", "chỉ đạo", "vận động",
    "triển khai", "rà soát", "đầu tư", "đổi mới", "phối hợp", "chủ động", "giữ vững",
)  # fmt: skip


def find(passages: Sequence[Passage]) -> Iterator[Finding]:
    body = [one for one in passages if one.place != END]
    for passage in body:
        yield from _words(passage)
        yield from _sentences(passage)
        yield from _items(passage)
    yield from _ranges(body)


def _words(passage: Passage) -> Iterator[Finding]:
    for found in _WORDS.finditer(passage.text):
        said = found["said"].lower()
        first, _, last = said.partition(" ")
        if said in _MEANT or first == last:
            continue
        quote = passage.around(found.start(), found.end())
        yield Finding("repeat.words", passage.place, {"printed": found[0]}, (quote,))


def _sentences(passage: Passage) -> Iterator[Finding]:
    """Neighbouring sentences that begin alike and are so for more than half of the shorter."""
    said = _SENTENCE.split(passage.text)
    for one, other in pairwise(said):
        if common := _run(one, other):
            shown = _short(common, 120)
            data: dict[str, object] = {"printed": shown, "words": len(common.split())}
            quotes = tuple(Quote(passage.place, _short(s, 160)) for s in (one, other))
            yield Finding("repeat.sentence", passage.place, data, quotes)


def _short(text: str, most: int) -> str:
    """The beginning of a text, up to a whole word."""
    return text if len(text) <= most else text[: text.rfind(" ", 0, most)]


def _run(one: str, other: str) -> str:
    """The words that both have from their beginnings on, "" where they are few."""
    a, b = one.split(), other.split()
    for skip_a in range(_EARLY):
        for skip_b in range(_EARLY):
            pairs = zip(a[skip_a:], b[skip_b:], strict=False)
            same = list(takewhile(lambda pair: pair[0].lower() == pair[1].lower(), pairs))
            if len(same) >= _LONG and 2 * len(same) > min(len(a), len(b)):
                return " ".join(pair[0] for pair in same)
    return ""


def _items(passage: Passage) -> Iterator[Finding]:
    """An item of one sentence that an earlier item of it ends with, word for word."""
    for sentence in re.split(r"(?<=[.;:])\s", passage.text):
        items = [item.strip(" .;:") for item in _ITEM.split(sentence)]
        seen: dict[str, str] = {}  # the last words of each item → the item
        for at, item in enumerate(items):
            words = item.lower().split()
            doing = item.lower().startswith(_DOING) and len(words) >= _ITEM_WORDS
            if doing and (before := seen.get(" ".join(words))):
                neighbour = f"{items[at - 1]}, {item}" if at else item
                shown = neighbour if neighbour in sentence else item
                quotes = (Quote(passage.place, before[-160:]), Quote(passage.place, shown))
                data: dict[str, object] = {"printed": item}
                yield Finding("repeat.item", passage.place, data, quotes)
            for start in range(max(0, len(words) - 12), len(words) - _ITEM_WORDS + 1):
                seen.setdefault(" ".join(words[start:]), item)


def _ranges(passages: Sequence[Passage]) -> Iterator[Finding]:
    """ "từ 01 đến 02 tiêu chí trở lên": two ends and none."""
    quotes = [p.around(m.start(), m.end()) for p in passages for m in _UP.finditer(p.text)]
    if quotes:
        places = "; ".join(dict.fromkeys(one.place for one in quotes))
        yield Finding("range.and_up", quotes[0].place, {"places": places}, tuple(quotes))
