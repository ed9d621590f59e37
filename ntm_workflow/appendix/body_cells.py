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

from ntm_workflow.appendix.body_share import Item, Level, share, tidy
from ntm_workflow.appendix.body_words import Words
from ntm_workflow.appendix.text import nfc

_OPEN, _CLOSE = {"(", "[", "{"}, {")", "]", "}"}
_HARD = {";", ":", "•", "●", "*", "▪", "|", "…", "", "·", "–", "?", "!"}
_STOPPED = {"tp", "tx", "tt", "p", "h", "q", "st", "cty", "n", "t", "cp", "hcm"}  # "TP. Huế"
_OWNERS = {"tinh uy", "huyen uy", "thanh uy", "thi uy", "quan uy"}
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


class _Reader:
    """Reads one cell. `at` and `end` are always places among the tokens."""

    def __init__(self, text: str) -> None:
        self.words = Words(text)
        self.items: list[Item] = []
        self.remarks: list[tuple[int, int]] = []
        self.heads: list[Item] = []  # what a name without a head may take it from
        self.segment = 0
        self.until = len(self.words)

    def read(self) -> list[Item]:
        at = 0
        while at < self.until:
            at = max(self._step(at), at + 1)  # always forward, whatever the text
        share(self.items)
        return self.items

    def _step(self, at: int) -> int:
        w = self.words
        if not w.is_word(at):
            if w.key(at) in _OPEN:
                return self._bracket(at)
            if w.key(at) in _HARD or w.key(at) == "\n":
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

    def _number(self, at: int) -> int:
        """ "1.", "2)", "a)": the end of a list's number, or 0."""
        w = self.words
        raw, sign = w.tokens[at].raw, w.key(at + 1)
        if raw.isdigit() and len(raw) < 3 and sign in {".", ")", "/"} and not w.key(at + 2).isdigit():
            return at + 2
        if len(raw) == 1 and (sign == ")" or (sign == "." and w.key(at) not in _STOPPED)):
            return at + 2
        noise = w.phrase("noise", at)
        return noise[1] if noise and self._ends(noise[1]) else 0

    def _role(self, at: int) -> int:
        """ "Chủ trì:", "phối hợp với": the end of the words about a role, or 0."""
        w = self.words
        role = w.phrase("roles", at)
        if role is None:
            return 0
        follows = w.soft(role[1])
        if w.key(follows) in {":", "-", ",", "", ";", "."}:
            return follows + 1 if w.key(follows) == ":" else role[1]
        known = self._starts(follows) or w.key(follows) in {"va", *_OPEN} or w.capital(follows)
        return role[1] if known else 0

    def _bracket(self, at: int) -> int:
        """A bracketed remark; a body named inside is a name of its own."""
        close, depth = at + 1, 1
        while close < self.until:
            key = self.words.key(close)
            depth += (key in _OPEN) - (key in _CLOSE)
            if not depth:
                break
            close += 1
        if listed := self._announced(at + 1, close):
            self.items.append(listed)
        inside, self.until = self.until, close
        start = at + 1
        while start < close:
            start = max(self._inside(start), start + 1)
        self.until = inside
        return close + 1

    def _inside(self, at: int) -> int:
        w = self.words
        if w.key(at) in _OPEN:
            return self._bracket(at)
        if not w.is_word(at) or w.phrase("and", at):
            return at + 1
        last = self.items[-1] if self.items else None
        if last and last.levels and last.levels[-1].place and self._place_next(at, last):
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

    def _announced(self, at: int, end: int) -> Item | None:
        """A list of places in brackets after "UBND các xã" takes its place; None otherwise."""
        last = self.items[-1] if self.items else None
        if not last or not last.levels or not last.levels[-1].plural or last.levels[-1].place:
            return None
        if not self._proper(at) or self.words.key(at).isdigit():
            return None
        self.items.pop()
        return replace(last, levels=[replace(last.levels[-1], place=True, text="")])

    # -- where a name ends ------------------------------------------------

    def _ends(self, at: int) -> bool:
        """True where nothing of a name can follow: the end, a sign, "và"."""
        w = self.words
        if at >= self.until or not w.is_word(at):
            return True
        return w.phrase("and", at) is not None

    def _starts(self, at: int) -> str:
        """What begins here: role, plural, title, head, class, field, level; "" if unknown."""
        w = self.words
        if at >= self.until or not w.is_word(at):
            return ""
        if self._head(at):
            return "head"
        for kind, table in (("plural", "plural"), ("class", "bare_classes"), ("title", "titles")):
            if w.phrase(table, at):
                return kind
        if self._idiom(at):
            return "class"
        if any(w.field_ends(item.family, at) for item in self.heads):
            return "field"
        if self._level(at):
            return "level"
        return "role" if w.phrase("roles", at) else ""

    def _head(self, at: int) -> tuple[str, int] | None:
        w = self.words
        found = w.phrase("heads", at)
        if found is None and w.key(at) == "p" and w.key(at + 1) == ".":
            found = ("p.", at + 2)
        if found is None or w.lexicon.heads[found[0]][1] == "place":
            return None
        return None if self._blocked(*found) else found

    def _blocked(self, head: str, end: int) -> bool:
        w = self.words
        end = w.soft(end)
        return any(w.spells(written, end) for written in w.lexicon.blocks.get(head, ()))

    def _idiom(self, at: int) -> bool:
        """ "Ban, ngành, đoàn thể": two nouns of a class in a row, each without a name."""
        w = self.words
        first = w.phrase("idiom", at)
        if not first:
            return False
        if w.key(first[1]) not in {",", "-", "/"} and not w.phrase("and", first[1]):
            return False
        second = w.phrase("idiom", w.soft(first[1] + 1))
        return bool(second) and not self._proper_head(w.soft(first[1] + 1))

    def _proper_head(self, at: int) -> bool:
        """A head that names one body: "Hội Nông dân", not the "hội" of "hội, đoàn thể"."""
        w = self.words
        head = self._head(at)
        if not head:
            return False
        if w.phrase("classes", at) is None:
            return True
        family, end = w.lexicon.heads[head[0]][0], w.soft(head[1])
        if w.field_ends(family, end):
            return True
        return w.is_word(end) and w.cased and w.capital(end) and not w.phrase("classes", end)

    def _stops(self, at: int, item: Item) -> bool:
        """True when the name that is being read ends before this token."""
        w = self.words
        key = w.key(at)
        if at >= self.until or key in _OPEN or key in _CLOSE or key in _HARD:
            return True
        if key == "\n":
            return self._stops_at_break(at, item)
        if key == ".":
            short = w.key(at - 1) in _STOPPED and w.is_word(at + 1)
            return not short and (w.capital(w.soft(at + 1)) or self._ends(w.soft(at + 1)))
        if key in {",", "/"}:
            return self._stops_at_comma(at, item)
        if key in {"-", "&", "+"}:
            return self._stops_at_dash(at, item)
        if w.is_word(at):
            if joined := w.phrase("and", at):
                return self._goes_apart(w.soft(joined[1]), item)
            if w.phrase("role_stops", at):
                return not (item.collective and self._ends(w.phrase("role_stops", at)[1]))  # type: ignore[index]
            return False
        return not w.is_word(at + 1)

    def _stops_at_break(self, at: int, item: Item) -> bool:
        """A line break ends a name unless the line merely ran out in its middle."""
        w = self.words
        before, after = w.key(at - 1), w.soft(at)
        if after >= self.until or (not w.is_word(after) and w.key(after) != "&"):
            return True
        if w.phrase("and", after):
            return self._stops(after, item)
        if before in {"va", "&", "-"} and w.key(after - 1) == "\n":
            return False
        if self._number(after):
            return True
        begins = self._starts(after)
        return begins not in {"", "level"} or w.capital(after)

    def _stops_at_comma(self, at: int, item: Item) -> bool:
        w = self.words
        after = w.soft(at + 1)
        if w.key(at) == "/" and w.key(at - 1).isdigit() and w.key(after).isdigit():
            return False
        if not w.is_word(after) or w.phrase("and", after):
            return True
        if item.collective:
            return self._leaves_class(after)
        return bool(self._starts(after)) or w.capital(after) or not w.cased

    def _stops_at_dash(self, at: int, item: Item) -> bool:
        w = self.words
        after = w.soft(at + 1)
        head = self._head(after)
        if w.phrase("titles", after) and w.phrase("persons", item.start):
            return False
        spaced = w.tokens[at].start > w.tokens[at - 1].end
        if head:
            return spaced or w.lexicon.heads[head[0]][1] != "open"
        return spaced and bool(w.phrase("plural", after) or w.phrase("roles", after))

    def _goes_apart(self, after: int, item: Item) -> bool:
        """What follows "và" is another name, not the rest of this one."""
        if item.collective:
            return self._leaves_class(after)
        if after >= self.until or not self.words.is_word(after):
            return True
        return bool(self._starts(after)) or self._place_next(after, item)

    def _leaves_class(self, after: int) -> bool:
        """What follows is no further noun of the class that is being read."""
        w = self.words
        if w.phrase("plural", after) or self._proper_head(after):
            return True
        if noun := w.phrase("classes", after):
            named = w.cased and w.capital(noun[1]) and not w.phrase("classes", noun[1])
            return named and not w.tokens[noun[1]].raw.isupper() and bool(w.phrase("levels", after))
        return bool(w.phrase("titles", after)) or w.capital(after)

    # -- names ------------------------------------------------------------

    def _name(self, at: int) -> int:
        """Read the name that begins here; return where it ends."""
        w = self.words
        item = Item(at, segment=self.segment)
        start = at
        while title := w.phrase("titles", at):
            if self._head(at) and not self._head(title[1]) and title[0] == "trưởng":
                break
            at = title[1]
        if at > start:
            return self._titled(item, start, at)
        return self._untitled(item, at)

    def _titled(self, item: Item, start: int, at: int) -> int:
        item.title = self._text(start, at)
        follows = self.words.soft(at)
        if self.words.phrase("persons", start) or self._ends(follows):
            return self._finish(item, at)
        end = self._untitled(item, follows)
        return end

    def _untitled(self, item: Item, at: int) -> int:
        w = self.words
        if plural := w.phrase("plural", at):
            end = w.soft(plural[1])
            if self._head(end) and (led := self._lead(item, at, end)):
                return led
            if not w.phrase("levels", end):
                item.collective, item.sort = True, "class"
                return self._finish(item, at)
        elif not self._proper_head(at) and (w.phrase("bare_classes", at) or self._idiom(at)):
            item.collective, item.sort = True, "class"
            return self._finish(item, at)
        if head := self._head(at):
            item.head = self._text(at, head[1])
            item.family, item.sort = w.lexicon.heads[head[0]]
            return self._field(item, w.soft(head[1]))
        for earlier in reversed(self.heads):
            if ends := w.field_ends(earlier.family, at):
                return self._headless(item, earlier, at, ends)
        if level := self._level(at):
            item.levels, end = level
            item.sort = "place"
            return self._after_levels(item, end)
        return self._finish(item, at)

    def _lead(self, item: Item, at: int, head_at: int) -> int:
        """ "Các Sở: …", "Các phòng Nội vụ, Tư pháp": a head for what follows; 0 if it is a class."""
        w = self.words
        head = self._head(head_at)
        assert head is not None
        family, sort = w.lexicon.heads[head[0]]
        follows = w.soft(head[1])
        if sort not in _SHARING or not family:
            return 0
        if w.key(follows) == ":" or w.key(follows) in _OPEN:
            begins = w.soft(follows + 1)
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

    def _headless(self, item: Item, earlier: Item, at: int, ends: list[int]) -> int:
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
            after = w.soft(end)
            return self._ends(after) or bool(self._level(after)) or after != end
        after = w.soft(step[1])
        return bool(self._starts(after) or w.field_ends(item.family, after))

    def _finish(self, item: Item, at: int, known: int = 0) -> int:
        """Read on to the end of the name: its own words, then its levels."""
        w = self.words
        end = max(at, known)
        while end < self.until and not (end > item.start and self._stops(end, item)):
            if not item.collective and end > item.start and (level := self._level(end)):
                item.core = self._text(at, end)
                item.levels, after = level
                return self._after_levels(item, after)
            end = self._past(end)
        item.core = self._text(at, end)
        if item.collective:
            return self._class(item, end)
        self._keep(item, end)
        return end

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
            if level and level[1] == end:
                item.lends = level[0]
                break
        if w.key(end) == ":" and w.is_word(w.soft(end + 1)) and self._shared_nouns(item, end):
            self.remarks.append((item.start, end))
            return end + 1
        self._shared_nouns(item, end) if w.key(end) in _OPEN else None
        self._keep(item, end)
        return end

    def _shared_nouns(self, item: Item, end: int) -> bool:
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
        return True

    def _keep(self, item: Item, end: int) -> None:
        item.spans.append((item.start, end))
        self.items.append(item)

    def _text(self, start: int, end: int) -> str:
        """The printed words between two places, line breaks as spaces."""
        w = self.words
        found = ""
        for number, token in enumerate(w.tokens[start:end], start=start):
            gap = number > start and token.start > w.tokens[number - 1].end
            found += (" " if gap or token.raw == "\n" else "") + token.text.replace("\n", " ")
        return tidy(found)

    # -- levels -----------------------------------------------------------

    def _level(self, at: int, prefix: str = "") -> tuple[list[Level], int] | None:
        """Read "cấp huyện, xã", "các huyện, thành phố", "xã Tân Lập", "Huyện ủy"."""
        w = self.words
        start = at
        if owner := w.phrase("heads", at):
            if owner[0] and " ".join(w.key(i) for i in range(at, owner[1])) in _OWNERS:
                return [Level(self._text(at, owner[1]), owner[0], "o")], owner[1]
        if found := w.phrase("plural", at) or w.phrase("prefixes", at):
            at = w.soft(found[1])
            prefix = self._text(start, found[1])
        key = w.key(start)
        plural = key in {"cac", "moi", "tung", "nhung", "mot", "tat", "toan"} and at > start
        if key == "cap" and w.phrase("plural", at):
            return None
        if w.key(at).isdigit():
            at, plural = w.soft(at + 1), True
        if plural and w.key(at) == "cap" and self._ends(at + 1):
            return [Level(self._text(start, at + 1), "cấp", "pdx", True)], at + 1
        word = w.phrase("levels", at)
        if not word or self._blocked(word[0], word[1]):
            return None
        end = word[1]
        if w.key(end) == "." and w.is_word(end + 1) and w.key(end - 1) in _STOPPED:
            end += 1
        tier = w.lexicon.levels[word[0]]
        merged = end
        if not prefix or plural:
            merged = self._same_tier(end, tier)
        text = self._text(start, merged)
        if not plural and w.key(start) in {"thuoc", "cua", "tai", "o"} and not self._ends(end):
            pass
        level = Level(text, word[0], tier, plural or merged > end)
        return [level], merged

    def _same_tier(self, end: int, tier: str) -> int:
        """Past further words of the same tier: "huyện, thị xã, thành phố"."""
        w = self.words
        while True:
            sign = w.soft(end)
            joined = w.phrase("and", sign)
            if w.key(sign) not in {",", "-", "/"} and not joined:
                return end
            after = w.soft(joined[1] if joined else sign + 1)
            word = w.phrase("levels", after)
            if not word or self._blocked(word[0], word[1]):
                return end
            if not set(w.lexicon.levels[word[0]]) & set(tier) or self._proper(w.soft(word[1])):
                return end
            end = word[1]

    def _proper(self, at: int) -> bool:
        """A proper name of a place begins here: a capital, and nothing known."""
        w = self.words
        return w.is_word(at) and w.capital(at) and not self._starts(at) and not w.phrase("and", at)

    def _after_levels(self, item: Item, at: int) -> int:
        """What follows a level: a place, a list of places, or words that narrow it."""
        w = self.words
        end = at
        follows = w.soft(at)
        while end < self.until and not self._stops(end, item):
            end += 1
        words = self._text(at, end)
        last = item.levels[-1]
        if words and self._proper(follows):
            word = last.word if last.plural else last.text
            if last.plural and not item.head and not item.title and not item.core:
                word = last.word[:1].upper() + last.word[1:]
            text = tidy(f"{word} {words}")
            item.levels[-1] = replace(last, text=text, plural=False, place=True)
        elif words:
            item.levels[-1] = replace(last, text=tidy(f"{last.text} {words}"))
        elif w.key(w.soft(end)) == ":" and last.plural and self._proper(w.soft(w.soft(end) + 1)):
            item.levels[-1] = replace(last, text="", plural=False, place=True)
            self._keep(item, end)
            return self._places(item, w.soft(end) + 1)
        self._keep(item, end)
        return end

    def _places(self, item: Item, at: int) -> int:
        """The list that "UBND các xã:" announces; its first place opens it."""
        template = item.levels.pop()
        item.levels.append(template)
        return at

    def _place_next(self, at: int, item: Item) -> bool:
        return bool(item.levels) and item.levels[-1].place and self._proper(at)

    def _more_levels(self, at: int) -> int:
        """ "…, xã", "…, Bình Gia": the name before goes on with another level; 0 if not."""
        w = self.words
        item = self.items[-1] if self.items else None
        if item is None or item.collective or not item.spans:
            return 0
        if self._place_next(at, item):
            end = at
            while end < self.until and not self._stops(end, item):
                end += 1
            before = item.levels[-1]
            self._add(item, replace(before, text=f"{self._word(item)} {self._text(at, end)}"), at, end)
            return end
        if not item.levels or item.segment != self.segment and not item.levels[-1].place:
            return 0
        found = self._level(at)
        if not found or found[0][0].tier == "o":
            return 0
        if item.sort not in _NEEDS_LEVEL | {"place"} and not item.title and not item.levels[-1].place:
            return 0
        return self._another(item, at, found)

    def _another(self, item: Item, at: int, found: tuple[list[Level], int]) -> int:
        (level,), end = found
        first = item.levels[0].text.split()
        if first and first[0].casefold() == "cấp" and level.text.casefold() == level.word.casefold():
            level = replace(level, text=f"{first[0]} {level.text}")
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
