"""Timing text before it is read: folded, slips of typing and OCR put right."""

from __future__ import annotations

import re
from collections.abc import Callable

from rapidfuzz.distance import OSA

from ntm_workflow.appendix.text import fold, nfc

LONGEST = 2000  # characters; a timing cell is never longer, a pasted page is

# Dashes are one dash; footnote digits set above the line are no part of a number.
_CHARACTERS = str.maketrans(
    dict.fromkeys("–—−‐‑‒―~÷→", "-")
    | dict.fromkeys("⁄∕\\", "/")
    | dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹", "")
    | dict.fromkeys("“”„‟‘’«»", '"')
    | dict.fromkeys("▪●◦■□►➢➤✓✔❖\uf0b7\uf02d\uf0a7", "•")
)

# What OCR makes of the numeral of a quarter, once i, l, 1, | and ! are all "i".
_NUMERALS = {
    **{"i": 1, "ii": 2, "iii": 3, "iv": 4, "iiii": 4, "ui": 3, "iu": 3, "u": 2, "n": 2, "h": 2},
    **{"m": 3, "ni": 3, "in": 3, "hi": 3, "ih": 3, "tv": 4, "rv": 4, "nt": 3, "v": 5, "vi": 6},
}
_WORDS = {"mot": 1, "nhat": 1, "hai": 2, "ba": 3, "bon": 4, "tu": 4, "nam": 5, "sau": 6} | {
    "bay": 7,
    "tam": 8,
    "chin": 9,
    "muoi": 10,
    "muoi mot": 11,
    "muoi hai": 12,
}

Slip = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _quarter(match: re.Match[str]) -> str:
    numeral = match[1]
    if numeral.isdigit() and numeral not in ("11", "111"):
        return f"quy {numeral}"
    number = _NUMERALS.get(re.sub(r"[l1|!]", "i", numeral))
    return f"quy {number}" if number else match[0]


def _number(match: re.Match[str]) -> str:
    return f"{match[1]} {_WORDS[match[2]]}"


def _length(match: re.Match[str]) -> str:
    return f"{_WORDS[match[1]]} {match[2]}"


# Applied in order to the folded text. A slip that could also be a word is not here.
_SLIPS: tuple[Slip, ...] = (
    (re.compile(r"[\s./;§]+$"), ""),
    (re.compile(r"§"), " "),
    (re.compile(r"-?-+>|=>"), "-"),
    (re.compile(r"\bqu y\b|\bqui\b(?! ?[ivl1-4])"), "quy"),
    (re.compile(r"\bth ang\b"), "thang"),
    (re.compile(r"\bng ay\b"), "ngay"),
    (re.compile(r"(?<=dinh )ki\b"), "ky"),
    (re.compile(r"\bdot suat\b"), "dot xuat"),
    (re.compile(r"\bthuong suyen\b"), "thuong xuyen"),
    (re.compile(r"(?<=thuong xuyen) ?\(?24/(?:7|24)\)?|(?<=thuong xuyen, )24/(?:7|24)"), ""),
    (re.compile(r"\b24/24(?: ?(?:h|gio))?\b"), "lien tuc"),
    (re.compile(r"(?<![\d/.-])0 (?=[1-9](?!\d))"), "0"),
    # 2025-06-30, 2025/6, 30-6, "ngày 5.6"
    (
        re.compile(r"(?<![\d/.-])((?:19|20)\d\d)[-/](0?[1-9]|1[0-2])[-/](\d{1,2})(?![\d/])"),
        r"\3/\2/\1",
    ),
    (re.compile(r"(?<![\d/.-])((?:19|20)\d\d)/(1[0-2]|0?[1-9])(?![\d/])"), r"\2/\1"),
    (re.compile(r"(?<![\d/.-])(1[3-9]|2\d|3[01])[-.](1[0-2]|0?[1-9])(?![\d/.-])"), r"\1/\2"),
    (re.compile(r"(?<=ngay )(\d{1,2})\.(1[0-2]|0?[1-9])(?![\d/.-])"), r"\1/\2"),
    # "tuần 1, 2 tháng 5" is two weeks of May, not the second of May
    (
        re.compile(
            r"\btuan (?:thu )?(\d)( ?[-,] ?| va | den )(?:tuan )?(?:thu )?(\d)"
            r" (?:cua )?(thang \d{1,2}(?:/\d{4}| nam \d{4})?)"
        ),
        r"tuan \1 \4\2tuan \3 \4",
    ),
    (re.compile(r"\b(?:nhan |vao )?dip (?=(?:ngay )?\d)"), ""),
    (re.compile(r"\btrong vong (?=(?:thang|quy|nam) ?\d)"), "trong "),
    # spaces and doubling inside 30 // 6 / 2020
    (re.compile(r" ?/[ /]*"), "/"),
    # run-on words: "Trướcngày", "QuýIIQuýIV", "Thườngxuyên"
    (
        re.compile(
            r"(?<![a-z])(truoc|den|tu|het|trong|va|nhat|hang|moi|thanh|xong|cuoi|dau|giua)"
            r"(?=(?:ngay|thang|quy|nam|het)(?![a-z]))"
        ),
        r"\1 ",
    ),
    (
        re.compile(r"\b(thuong|dot|dinh|lien|cham|hoan)(?=(?:xuyen|xuat|ky|tuc|nhat|thanh)\b)"),
        r"\1 ",
    ),
    (re.compile(r"(?<=[ivl\d])(?=(?:quy|thang|ngay|nam|thuong xuyen|truoc)\b)"), " "),
    # "ngày tháng 11/2025", "ngay trong quý III"
    (re.compile(r"(?<!hang )(?<!moi )\bngay (?=(?:trong )?(?:thang|quy|nam) ?[\divl])"), ""),
    (re.compile(r"\bthang thu (?:3|ba)(?= (?:cua |moi |hang )*quy\b)"), "thang cuoi"),
    (re.compile(r"\bthang thu (?:1|nhat)(?= (?:cua |moi |hang )*quy\b)"), "thang dau"),
    # a share of the work is no number of a month: "Quý I: 30%"
    (re.compile(r"\d+(?:[.,]\d+)? ?(?=%)"), ""),
    # "5 năm 2021-2025" counts what it names
    (re.compile(r"\b\d{1,2} (?=nam (?:19|20)\d\d ?- ?(?:19|20)\d\d)"), ""),
    (re.compile(r"\b(?:toi thieu|it nhat|khong it hon)(?= (?:\d|moi|mot|hang))"), ""),
    # "tháng/quý/năm"
    (re.compile(r"(?<=[a-z])/(?=(?:\d{1,2} )?(?:tuan|thang|quy|nam)\b(?! ?\d))(?<!lan/)"), ", "),
    # "lần 1:", "a)", "- " number the timings of a cell and are no timing themselves
    (
        re.compile(
            r"(?:^|(?<=[;,( ]))(?:lan|dot|ky|buoc) (?:thu )?(?:\d|[ivl]+|nhat|hai|ba)"
            r" ?(?::|\(|\)|-|$)"
        ),
        " ",
    ),
    (re.compile(r"(?:^|(?<=[;,.] )|(?<=[;,.]))\(?(?:[a-h1-9]|i{1,3}|iv|v)\) "), " "),
    (re.compile(r" \((?:[a-h1-9]|i{1,3}|iv|v)\) | [a-h]\) "), "; "),
    (re.compile(r"(?:(?<=; )|^)(?:[-+*•] ?)+"), ""),
    # "Báo cáo 6 tháng: trước 15/6" is told by what follows the colon
    (re.compile(r"(?:bao cao|thoi gian|tong ket|so ket)[^:;]{0,40}:(?! ?$)"), " "),
    (re.compile(r"\b(?:thoi han|han)\b[^:;]{0,40}:(?! ?$)"), "thoi han "),
    (re.compile(r"(?<=\d)o(?![a-z])|(?<![a-z0-9])o(?=\d)"), "0"),
    (re.compile(r"\bq(?:u[yi]?|y)?\.? ?([ivlnhmutr1-9|!]{1,4})(?![a-z0-9])"), _quarter),
    (re.compile(r"(?<![a-z0-9])([il1]*[il][il1]*v?|[il1]v)(?![a-z0-9])"), _quarter),
    (re.compile(r"/(?=quy \d)"), ", "),
    (re.compile(r"(?<![a-z0-9])[l|](?=\d)"), "1"),
    (re.compile(r"\bth?\.? ?(\d{1,2})(?!\d)"), r"thang \1"),
    # "7h30 - 11h30 ngày 3/2" is that day
    (
        re.compile(
            r"\b(?:tu )?\d{1,2}(?:h|g|:| gio) ?\d{0,2}(?: phut)? ?(?:den|-) ?"
            r"\d{1,2}(?:h|g|:| gio) ?\d{0,2}(?: phut)?,? (?=ngay|\d)"
        ),
        "",
    ),
    # numbers in words
    (
        re.compile(r"\b(hai|ba|bon|nam|sau) (tuan|thang|quy|nam)(?=[ /](?:0?1 |mot )?lan\b)"),
        _length,
    ),
    (re.compile(r"\b(quy) thu (nhat|hai|ba|tu)\b"), _number),
    (re.compile(r"\bquy thu (?=[1-4]\b)"), "quy "),
    (re.compile(r"\b(thang) (muoi hai|muoi mot|muoi|mot|hai|ba|bay|tam|chin)\b"), _number),
    (re.compile(r"\b(thang|quy) (tu)\b(?! (?:thang|quy|nam|ngay|\d))"), _number),
    (re.compile(r"\b(quy) (nhat|mot|hai|ba|bon)\b"), _number),
    (re.compile(r"(?:^|(?<=den )|(?<=va )|(?<=tu ))(thang) (nam)\b(?! (?:19|20)\d)"), _number),
    (re.compile(r"\b(?:mot|01) (?=(?:thang|nam|quy|tuan)\b)"), "1 "),
    (re.compile(r"\bba (?=(?:thang|nam)\b(?! \d))"), "3 "),
    (re.compile(r"\bsau (?=thang(?: (?:dau|cuoi)|/| mot lan| 1 lan|,| va|$))"), "6 "),
    (re.compile(r"\bchin (?=thang\b(?! \d))"), "9 "),
    # "1 lần/tháng", "6 tháng một lần", "quý/lần" are "hàng …"
    (
        re.compile(r"\b(?:0?1|mot) lan ?(?:/|moi|trong|mot)? ?(?:0?1 )?(tuan|thang|quy|nam)\b"),
        r"hang \1",
    ),
    (
        re.compile(
            r"\b(?:hang |moi |dinh ky )?((?:\d{1,2} )?(?:tuan|thang|quy|nam))"
            r"(?:/| )(?:0?1 |mot )?lan\b(?: mot)?"
        ),
        r"hang \1",
    ),
    (re.compile(r"\bhang 0?1 (?=(?:tuan|thang|quy|nam)\b)"), "hang "),
    (
        re.compile(r"\bthuong nien\b|\b(?:cac|nhung) nam (?:tiep theo|ke tiep|tiep|sau)\b"),
        "hang nam",
    ),
    (re.compile(r"\b(?:tu nay|tu bay gio)\b(?= ?(?:den|toi|cho))"), ""),
    (re.compile(r"\bcho (?=den\b)"), ""),
    # a bracket that holds no timing is a remark
    (
        re.compile(
            r"(?<=.)\((?![^()]*(?:\d|\b(?:thang|quy|nam|ngay|tuan|hang|moi|dinh ky|thuong xuyen|khi"
            r"|sau|dot xuat|truoc|am lich|ke tu|trong vong|lien tuc|hoan thanh|yeu cau|phat sinh"
            r"|nhat)\b))[^()]*\)?"
        ),
        " ",
    ),
)

_VOCABULARY = (
    *("thang", "quy", "ngay", "nam", "truoc", "thuong", "xuyen", "hang", "dinh", "dot", "xuat"),
    *("cham", "nhat", "hoan", "thanh", "tuan", "dau", "cuoi", "lien", "tuc", "ky", "trong", "den"),
)


_MARKED = re.compile(r"(tháng|quý)\s+(sáu|tư)\b", re.IGNORECASE)
_BULLET = re.compile(r"[-+*•–] *[^\W\d]")
_NUMBERED = re.compile(r"^(?:\d{1,2}[.)/]|\(\d{1,2}\)) +(?=[^\W\d])")


def prepare(text: str) -> str:
    """Return the text folded and with its slips put right, ready for the grammar.

    A line that begins with a bullet or a number and a word is set apart by ";";
    any other line break is a space. `text` is at most LONGEST characters.
    """
    text = nfc(text)
    lines = [_NUMBERED.sub("- ", line.strip(), count=1) for line in text.splitlines()]
    text = " ".join(f"; {line}" if _BULLET.match(line) else line for line in lines if line)
    # Without marks "tháng sáu" is "tháng sau", next month, and "tư" is "từ".
    text = _MARKED.sub(lambda m: f"{m[1]} {6 if len(m[2]) == 3 else 4}", text)
    text = fold(text.translate(_CHARACTERS))
    for pattern, right in _SLIPS:
        text = pattern.sub(right, text)
    return text


def mended(text: str) -> str:
    """Return the folded `text` with each word that is one slip from a timing word replaced."""
    return re.sub(r"[a-z]{3,}", lambda m: _nearest(m[0]), fold(text))


def _nearest(word: str) -> str:
    near = [known for known in _VOCABULARY if OSA.distance(word, known, score_cutoff=1) <= 1]
    return word if word in _VOCABULARY or not near else near[0]
