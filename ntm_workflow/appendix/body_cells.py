"""A body cell → the names a clerk would list, without a register.

    split("BCĐ, BQL cấp xã").bodies == ("BCĐ cấp xã", "BQL cấp xã")

A cell is read once, left to right, as names, classes, remarks and separators
(`body_words.py` knows the words, `body_lexicon.toml` the names). Afterwards
what was written once for several names is given to each (`body_share.py`).
Any text is read, nothing is dropped: `pieces` says of every letter what it was
taken for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ntm_workflow.appendix.body_names import Names
from ntm_workflow.appendix.body_share import Item, share
from ntm_workflow.appendix.body_starts import CLOSE, HARD, OPEN
from ntm_workflow.appendix.body_words import keys
from ntm_workflow.appendix.text import fold, nfc


@dataclass(frozen=True, slots=True)
class Split:
    """The names of a cell in the order printed, and those of them that are classes."""

    bodies: tuple[str, ...]
    collective: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the cell and what it was taken for: body, separator or remark."""

    kind: str
    text: str
    names: tuple[str, ...] = ()


def split(text: str) -> Split:
    """The bodies a cell names, each written out in full."""
    items = _Reader(nfc(text)).read()
    names = [(name, name in item.classes()) for item in items for name in item.names() if name]
    listed = dict.fromkeys(name for name, _ in names)
    return Split(tuple(listed), tuple(dict.fromkeys(name for name, plural in names if plural)))


def pieces(text: str) -> tuple[Piece, ...]:
    """The whole cell in order, each stretch as what it was taken for.

    The texts joined are the cell in NFC. A body's piece carries its names; each
    of its words is in one of them.
    """
    reader = _Reader(nfc(text))
    spans = [(a, b, "body", tuple(i.names())) for i in reader.read() for a, b in i.spans]
    spans += [(a, b, "remark", ()) for a, b in reader.remarks]
    found: list[Piece] = []
    at = 0
    tokens, whole = reader.words.tokens, reader.words.text
    for first, last, kind, names in sorted(spans):
        start, end = max(tokens[first].start, at), tokens[last - 1].end
        if at < start:
            found.append(Piece("separator", whole[at:start]))
        if start < end:
            found.append(Piece(kind, whole[start:end], names))
        at = max(at, end)
    if at < len(whole):
        found.append(Piece("separator", whole[at:]))
    return tuple(found)


class _Reader(Names):
    """Reads one cell, once, from left to right."""

    def read(self) -> list[Item]:
        at = 0
        while at < self.until:
            at = max(self._step(at), at + 1)  # always forward, whatever the text
        share(self.items)
        return self.items

    def _step(self, at: int) -> int:
        w = self.words
        if not w.is_word(at):
            if w.key(at) in OPEN:
                return self._bracket(at)
            if w.key(at) in HARD or w.key(at) == "\n":
                self.segment += 1
            return at + 1
        for passed in (self._number(at), self._role(at)):
            if passed:
                self.remarks.append((at, passed))
                return passed
        if joined := w.phrase("and", at):
            return joined[1]
        return self._more_levels(at) or self._name(at)

    # -- what is no name --------------------------------------------------

    def _role(self, at: int) -> int:
        """ "Chủ trì:", "phối hợp với": the end of the words about a role, or 0."""
        w = self.words
        role = w.phrase("roles", at)
        if role is None or w.field_ends("office", at):  # "Giao" of "Giao thông"
            return 0
        follows = w.soft(role[1])
        if w.key(at - 1) == "-" and w.phrase("offices", at) and w.key(follows) != ":":
            while not self._ends(follows):
                follows += 1
            return follows
        if w.key(follows) in {":", "-", ",", "", ";", ".", '"', "”"}:
            return follows + 1 if w.key(follows) == ":" else role[1]
        known = self._starts(follows) or w.key(follows) in {"va", *OPEN} or w.capital(follows)
        return role[1] if known else 0

    def _bracket(self, at: int) -> int:
        """A bracketed remark; a body named inside is a name of its own."""
        close, depth = at + 1, 1
        while close < self.until:
            key = self.words.key(close)
            depth += (key in OPEN) - (key in CLOSE)
            if not depth:
                break
            close += 1
        if self._of_person(close):
            return close + 1
        if self.words.phrase("asides", at + 1) or self._parent(at + 1, close):
            self.remarks.append((at, close))
            return close + 1
        listed = self._announced(at + 1)
        if listed:
            self.items.append(listed)
        inside, self.until = self.until, close
        start = at + 1
        while start < close:
            start = max(self._inside(start, listed), start + 1)
        self.until = inside
        return close + 1

    def _inside(self, at: int, listed: Item | None) -> int:
        w = self.words
        if not w.is_word(at) or w.phrase("and", at):
            return at + 1
        if role := w.phrase("roles", at):
            self.remarks.append((at, role[1]))
            return role[1]
        last = self.items[-1] if self.items else None
        if listed and last is listed and (self._place_next(at, listed) or self._level(at)):
            return self._more_levels(at)
        kind = self._starts(at)
        named = kind in {"head", "class", "plural"} and self._part_begins(at)
        if named and not self._shortens(at):
            return self._name(at)
        if kind == "field" and last is not None and last.collective:
            return self._name(at)
        self.remarks.append((at, at + 1))
        return at + 1

    def _of_person(self, close: int) -> bool:
        """ "Bà A (Chủ tịch UBND xã)": the office a person holds is part of the name."""
        item = self.items[-1] if self.items else None
        if item is None or not self.words.phrase("persons", item.start):
            return False
        end = min(close + 1, self.until)
        if not item.core and not any(map(self.words.is_word, range(item.spans[-1][1], end))):
            return False  # "Đ/c (": nobody is named
        item.core = self._text(item.spans[-1][1] if not item.core else item.spans[0][0], end)
        item.title, item.head = "", ""
        item.spans[-1] = (item.spans[-1][0], end)
        return True

    def _parent(self, at: int, close: int) -> bool:
        """ "Chi cục Kiểm lâm (Sở NN&PTNT)": the bracket only says whose it is."""
        head = self._head(at)
        if not self.items or not head:
            return False
        wholes = self.words.lexicon.parents.get(fold(self.items[-1].head), ())
        signs = {self.words.key(one) for one in range(at, close)}
        return fold(head[0]) in wholes and not signs & {",", ";", "\n"}

    def _part_begins(self, at: int) -> bool:
        """A name may stand here inside a bracket: not the "vụ" of "nhiệm vụ"."""
        w = self.words
        if not w.is_word(at - 1) or (w.cased and w.capital(at)):
            return True
        leads = (w.phrase("leads", at - back) for back in range(1, 5) if at >= back)
        return any(lead is not None and lead[1] == at for lead in leads)

    def _shortens(self, at: int) -> bool:
        """ "Văn phòng Điều phối (VPĐP)": the letters of the name just read."""
        w = self.words
        if not self.items or not self.items[-1].spans or w.is_word(at + 1):
            return False
        first, last = self.items[-1].spans[-1]
        words = [t.key for t in w.tokens[first:last] if t.word and t.key != "va"]
        if (brand := w.phrase("full", at)) and keys(w.lexicon.full[brand[0]]) == tuple(words):
            return True
        letters = "".join(word[0] for word in words)
        return len(w.key(at)) > 1 and letters.startswith(w.key(at))

    def _announced(self, at: int) -> Item | None:
        """A list of places in brackets after "UBND các xã" takes its place; None otherwise."""
        last = self.items[-1] if self.items else None
        if not last or not last.levels or not last.levels[-1].plural or last.levels[-1].place:
            return None
        if not self._proper(at) or self.words.key(at).isdigit() or not self._named(at):
            return None
        self.items.pop()
        self._announce(last)
        return last

    def _named(self, at: int) -> bool:
        """The words up to the next sign are a place's name, no "GPMB" and no sentence."""
        w = self.words
        end = at
        while not self._ends(end):
            token = w.tokens[end].raw
            if not w.capital(end) or (w.cased and len(token) > 1 and token.isupper()):
                return False
            end += 1
        return end - at <= 4
