"""A body cell → the names a clerk would list, without a register.

    split("BCĐ, BQL cấp xã").bodies == ("BCĐ cấp xã", "BQL cấp xã")

A cell is read once, left to right, as names, classes, remarks and separators
(`body_words.py` knows the words, `body_lexicon.toml` the names). Afterwards
what was written once for several names is given to each (`body_share.py`).
Any text is read, nothing is dropped: `pieces` says of every letter what it was
taken for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ntm_workflow.appendix.body_bounds import CLOSE, HARD, OPEN, Bounds
from ntm_workflow.appendix.body_share import Item, Level, share, tidy
from ntm_workflow.appendix.text import fold, nfc

_SHARING = {"office", "society", "party"}
_NEEDS_LEVEL = {"committee", "board", "coord", "society", "force"}


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


class _Reader(Bounds):
    """Reads one cell, once, from left to right."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.items: list[Item] = []
        self.remarks: list[tuple[int, int]] = []
        self.segment = 0

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
        if w.key(follows) in {":", "-", ",", "", ";", "."}:
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
        person = bool(self.items) and self.words.phrase("persons", self.items[-1].start)
        if person or self.words.phrase("asides", at + 1):
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
        if kind in {"head", "class", "plural"} and not self._shortens(at):
            return self._name(at)
        if kind == "field" and last is not None and last.collective:
            return self._name(at)
        self.remarks.append((at, at + 1))
        return at + 1

    def _shortens(self, at: int) -> bool:
        """ "Văn phòng Điều phối (VPĐP)": the letters of the name just read."""
        w = self.words
        if not self.items or not self.items[-1].spans or w.is_word(at + 1):
            return False
        first, last = self.items[-1].spans[-1]
        letters = "".join(t.key[0] for t in w.tokens[first:last] if t.word)
        return len(w.key(at)) > 1 and letters.startswith(w.key(at))

    def _announced(self, at: int) -> Item | None:
        """A list of places in brackets after "UBND các xã" takes its place; None otherwise."""
        last = self.items[-1] if self.items else None
        if not last or not last.levels or not last.levels[-1].plural or last.levels[-1].place:
            return None
        if not self._proper(at) or self.words.key(at).isdigit():
            return None
        self.items.pop()
        self._announce(last)
        return last

    def _announce(self, item: Item) -> None:
        """Its places follow: "các xã" was said of all of them, and goes when each is named."""
        level = item.levels[-1]
        item.levels[-1] = replace(level, text="", plural=False, place=True)
        start, end = item.spans.pop()
        if start < level.start:
            item.spans.append((start, level.start))
        self.remarks.append((level.start, end))

    # -- names ------------------------------------------------------------

    def _name(self, at: int) -> int:
        """Read the name that begins here; return where it ends."""
        w = self.words
        item = Item(at, segment=self.segment)
        if self._class_at(at):
            return self._untitled(item, at)
        if listed := self._listed(at):
            return self._headless(item, *listed, at)
        start = at
        while title := w.phrase("titles", at):
            at = title[1]
        return self._titled(item, start, at) if at > start else self._untitled(item, at)

    def _titled(self, item: Item, start: int, at: int) -> int:
        item.title = self._text(start, at)
        follows = self.words.soft(at)
        if self.words.phrase("plural_persons", start):
            item.collective, item.sort = True, "class"
        if self.words.phrase("persons", start):
            return self._finish(item, at)
        if self._ends(follows):
            self._keep(item, at)
            return at
        return self._untitled(item, follows)

    def _untitled(self, item: Item, at: int) -> int:
        w = self.words
        if plural := w.phrase("plural", at):
            end = w.soft(plural[1])
            if self._head(end) and (led := self._lead(item, at, end)):
                return led
            if not self._level(at):
                item.collective, item.sort = True, "class"
                return self._finish(item, at)
        elif self._class_at(at):
            item.collective, item.sort = True, "class"
            item.family = "" if w.phrase("idiom", at) else "bare"
            noun = w.phrase("bare_classes", at)
            return self._finish(item, at, noun[1] if noun else at)
        if head := self._head(at):
            item.head = self._text(at, head[1])
            item.family, item.sort = w.lexicon.heads[head[0]]
            if w.key(head[1]) == ":" and (led := self._lead(item, at, at)):
                return led
            return self._field(item, self._after_stop(item, head[1]))
        if level := self._level(at):
            item.levels, item.sort = [level[0]], "place"
            return self._after_levels(item, level[1])
        return self._finish(item, at)

    def _lead(self, item: Item, at: int, head_at: int) -> int:
        """ "Các Sở: …", "Các phòng Nội vụ, Tư pháp": a head for what follows; 0 if a class."""
        w = self.words
        head = self._head(head_at)
        assert head is not None
        family, sort = w.lexicon.heads[head[0]]
        follows = w.soft(head[1])
        if not family:
            return 0
        if w.key(follows) == ":" or w.key(follows) in OPEN:
            begins = w.soft(follows + 1)
            sure = sort in _SHARING and w.key(follows) == ":"
            if not sure and not w.field_ends(family, begins):
                return 0
        elif sort not in _SHARING:
            return 0
        else:
            ends = w.field_ends(family, follows)
            then = w.soft(ends[0]) if ends else self.until
            step = w.phrase("and", then)
            then = w.soft(step[1] if step else then + 1)
            if not ends or not w.field_ends(family, then):
                return 0
            begins = follows
        if begins >= self.until:
            return 0
        printed = self._text(head_at, head[1])
        self.heads.append(
            Item(at, sort, family, title=item.title, head=printed[:1].upper() + printed[1:])
        )
        self.remarks.append((item.start, head[1]))
        return begins

    def _after_stop(self, item: Item, at: int) -> int:
        """Past the full stop of a shortened head: "P. Nội vụ", "VP.HĐND"."""
        w = self.words
        if w.key(at) == "." and len(item.head) <= 3 and w.is_word(at + 1):
            item.head += "."
            at += 1
        item.glued = item.head.endswith(".") and w.tokens[at].start == w.tokens[at - 1].end
        return w.soft(at)

    def _headless(self, item: Item, earlier: Item, ends: list[int], at: int) -> int:
        item.head, item.family, item.sort = earlier.head, earlier.family, earlier.sort
        item.title = item.title or earlier.title
        return self._field(item, at, ends)

    def _field(self, item: Item, at: int, ends: list[int] | None = None) -> int:
        """Take the known name behind a head, the longest that leaves no orphan behind."""
        w = self.words
        ends = w.field_ends(item.family, at) if ends is None else ends
        chosen = next((end for end in ends if self._sound(end, item)), ends[0] if ends else at)
        if item.family and item.sort in _SHARING:
            self.heads = [*(h for h in self.heads if h is not item), item]
        return self._finish(item, at, chosen)

    def _sound(self, end: int, item: Item) -> bool:
        """A known name may end here: what follows is no torn-off part of another."""
        w = self.words
        step = w.phrase("and", w.soft(end))
        if not step:
            return True
        after = w.soft(step[1])
        return bool(self._starts(after) or w.field_ends(item.family, after))

    def _finish(self, item: Item, at: int, known: int = 0) -> int:
        """Read on to the end of the name: its own words, then its levels."""
        end = max(at, known)
        while end < self.until and not (end > item.start and self._stops(end, item)):
            level = self._level(end) if self._may_be_level(end, item) else None
            level = level or self._council(end, item)
            if level:
                item.core = self._text(at, end)
                item.levels = [level[0]]
                return self._after_levels(item, level[1])
            end = self._past(end)
        item.core = self._text(at, end)
        if item.collective:
            return self._class(item, end)
        self._keep(item, end)
        return end

    def _may_be_level(self, at: int, item: Item) -> bool:
        """Not the "TT" of "Đài TT-TH", which does not stand apart, nor "BCĐ 389 tỉnh"."""
        w = self.words
        if item.collective or at <= item.start or w.tokens[at].start == w.tokens[at - 1].end:
            return False
        numbered = item.sort == "board" and w.key(at).isdigit()
        return not numbered or w.key(at + 1) in {"xa", "phuong", "thon"}

    def _council(self, at: int, item: Item) -> tuple[Level, int] | None:
        """ "Ban Pháp chế HĐND tỉnh": the council that a board belongs to."""
        head = self._head(at)
        if item.sort != "party" or not head or head[0] not in {"HĐND", "hội đồng nhân dân"}:
            return None
        level = self._level(head[1])
        end = level[1] if level else head[1]
        return Level(self._text(at, end), head[0], "o"), end

    def _past(self, at: int) -> int:
        """Step over a word, or over a whole known name inside a longer one."""
        w = self.words
        if head := self._head(at):
            ends = w.field_ends(w.lexicon.heads[head[0]][0], w.soft(head[1]))
            return ends[0] if ends else head[1]
        if known := w.field_ends("purpose", at) or w.field_ends("office", at):
            return known[0] if known[0] > at + 1 else at + 1
        return at + 1

    def _class(self, item: Item, end: int) -> int:
        w = self.words
        for at in range(item.start + 1, end):
            level = self._level(at) if w.is_word(at) else None
            if level and level[1] == end and w.key(at - 1) != "den":
                item.lends = [level[0]]
                break
        if w.key(end) == ":" and w.is_word(w.soft(end + 1)):
            self._shared_nouns(item, end)
            self.remarks.append((item.start, end))
            return end + 1
        if w.key(end) in OPEN:
            self._shared_nouns(item, end)
        self._keep(item, end)
        return end

    def _shared_nouns(self, item: Item, end: int) -> None:
        """ "Các sở, ngành: Tài chính, Nội vụ": its nouns are heads for the list it announces."""
        w = self.words
        heads = []
        at = item.start
        while at < end:
            head = w.phrase("heads", at)
            if head and w.lexicon.heads[head[0]][1] in _SHARING:
                family, sort = w.lexicon.heads[head[0]]
                printed = self._text(at, head[1])
                heads.append(Item(at, sort, family, head=printed[:1].upper() + printed[1:]))
            at = head[1] if head else at + 1
        self.heads += reversed(heads)

    def _keep(self, item: Item, end: int) -> None:
        item.spans.append((item.start, end))
        self.items.append(item)

    # -- levels -----------------------------------------------------------

    def _after_levels(self, item: Item, at: int) -> int:
        """What follows a level: a place, a list of places, or words that narrow it."""
        w = self.words
        end = at
        follows = w.soft(at)
        named = self._proper(follows)
        if named:
            item.levels[-1] = replace(item.levels[-1], place=True)
        while end < self.until and not self._stops(end, item):
            end += 1
        words = self._text(at, end)
        last = item.levels[-1]
        if words and named:
            word = last.word if last.plural else last.text
            if last.plural and not item.head and not item.title and not item.core:
                word = last.word[:1].upper() + last.word[1:]
            text = tidy(f"{word} {words}")
            item.levels[-1] = replace(last, text=text, plural=False, place=True)
        elif words:
            item.levels[-1] = replace(last, text=tidy(f"{last.text} {words}"))
        elif w.key(w.soft(end)) == ":" and self._proper(w.soft(w.soft(end) + 1)):
            self._keep(item, end)
            self._announce(item)
            return w.soft(end) + 1
        self._keep(item, end)
        return end

    def _more_levels(self, at: int) -> int:
        """ "…, xã", "…, Bình Gia": the name before goes on with another level; 0 if not."""
        w = self.words
        item = self.items[-1] if self.items else None
        if item is None or item.collective:
            return 0
        if self._place_next(at, item):
            end = at
            while end < self.until and not self._stops(end, item):
                end += 1
            place = f"{self._word(item)} {self._text(at, end)}"
            self._add(item, replace(item.levels[-1], text=place), at, end)
            return end
        apart = w.key(at - 1) in CLOSE or (w.key(at - 1) == ":" and item.sort in _NEEDS_LEVEL)
        if not item.levels and apart and (found := self._level(at)):
            item.levels, item.segment = [found[0]], self.segment
            item.spans.append((at, found[1]))
            return found[1]
        if not item.levels or (item.segment != self.segment and not item.levels[-1].place):
            return 0
        found = self._level(at)
        if not found or found[0].tier in {"o", "v"}:
            return 0
        may = item.sort in _NEEDS_LEVEL | {"place"} or item.title or item.levels[-1].place
        if not may:
            return 0
        return self._another(item, at, found)

    def _another(self, item: Item, at: int, found: tuple[Level, int]) -> int:
        level, end = found
        prefix = item.levels[0].text.split(" ")[0]
        if fold(prefix) == "cap" and fold(level.text) == fold(level.word):
            level = replace(level, text=f"{prefix} {level.text}")
        fresh = Item(at, levels=[level], head=item.head, segment=item.segment)
        mark = len(self.items)
        end = self._after_levels(fresh, end)
        del self.items[mark:]
        self._add(item, fresh.levels[0], at, end)
        return end

    def _add(self, item: Item, level: Level, at: int, end: int) -> None:
        if item.levels[-1].place and not item.levels[-1].text:
            item.levels.pop()
        item.levels.append(level)
        item.spans.append((at, end))

    def _word(self, item: Item) -> str:
        word = item.levels[-1].word
        alone = not item.head and not item.title and not item.core
        return word[:1].upper() + word[1:] if alone else word
