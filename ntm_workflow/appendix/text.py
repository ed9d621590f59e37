"""Vietnamese text: one spelling to store, one to compare by, one to sort by."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose into a base and a mark. Eth (Ð, ð) is
# not a Vietnamese letter: keyboards and OCR put it where Đ belongs.
_BARRED = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ɖ": "d", "Ɖ": "d"})

_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_RANK = {letter: rank for rank, letter in enumerate(_ALPHABET, start=200)}

_PARTS = re.compile(r"[0-9]+|.", re.DOTALL)
_DIGITS = frozenset("0123456789")

# The order in which Vietnamese dictionaries list the tones of one syllable.
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}

SortKey = tuple[tuple[int, ...], tuple[int, ...], str]


def nfc(s: str) -> str:
    """Return `s` in NFC, the form in which all text is stored. Nothing else changes."""
    return unicodedata.normalize("NFC", s)


def fold(s: str) -> str:
    """Return `s` as it is compared: no case, no marks, đ as d, single spaces.

    "Hoà", "Hòa", "HOA" and the NFD of each are the same; so are full-width and
    ordinary forms. Zero-width characters vanish; every run of white space,
    line breaks included, is one space; none is left at either end.
    Folding twice changes nothing.
    """
    return _known(s) if len(s) <= _SHORT else _folded(s)


_SHORT = 200  # letters: mostly words, and the same ones again; a page is not kept


def _folded(s: str) -> str:
    if s.isascii():
        return " ".join(s.lower().split())
    # Twice, because casefold can bring back a mark ("İ") and a decomposition a capital.
    return " ".join(_bare(_bare(s)).split())


_known = lru_cache(maxsize=4_096)(_folded)


def _bare(s: str) -> str:
    plain = unicodedata.normalize("NFKD", s.translate(_BARRED)).casefold()
    if plain.isascii():
        return plain
    return "".join(c for c in plain if unicodedata.category(c) not in ("Mn", "Me", "Cf"))


def sort_key(s: str) -> SortKey:
    """Return a key that sorts by the Vietnamese alphabet (a ă â b c d đ e ê …).

    Letters first, then the tone of each word (none, huyền, hỏi, ngã, sắc,
    nặng), then the text itself so that the order is total. Where in its
    syllable a tone is written does not matter: "Hoà" and "Hòa" stand together.
    A space sorts before any letter, a digit before any letter, and numbers as
    numbers: "Phường 2" before "Phường 10". Leading zeros do not count.
    """
    letters: list[int] = []
    tones: list[int] = []
    for word in unicodedata.normalize("NFD", s.replace("Ð", "Đ").replace("ð", "đ")).split():
        bare = unicodedata.normalize("NFC", "".join(c for c in word if c not in _TONES))
        letters.append(0)
        letters.extend(rank for part in _PARTS.findall(bare.casefold()) for rank in _ranks(part))
        tones.append(max((_TONES.get(c, 0) for c in word), default=0))
    return tuple(letters), tuple(tones), nfc(s)


def _ranks(part: str) -> tuple[int, ...]:
    """Places of a run of digits, the shorter number first; or that of one letter."""
    if not _DIGITS.issuperset(part):
        return (_rank(part),)
    number = part.lstrip("0")
    return (ord("0"), len(number), *map(ord, number))


def _rank(letter: str) -> int:
    """Place of a letter; other characters keep their code order, ASCII ones first."""
    rank = _RANK.get(letter)
    if rank is not None:
        return rank
    code = ord(letter)
    return code if code < 128 else code + 1000
