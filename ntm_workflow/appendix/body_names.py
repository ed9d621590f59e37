"""One name of a body cell: its title, head, own words and level; or a class."""

from __future__ import annotations

from ntm_workflow.appendix.body_places import Places
from ntm_workflow.appendix.body_share import Item, Level
from ntm_workflow.appendix.body_starts import OPEN

_SHARING = {"office", "society", "party"}


class Names(Places):
    """Reads one name at a time, from where it begins."""

    def _name(self, at: int) -> int:
        """Read the name that begins here; return where it ends."""
        item = Item(at, segment=self.segment)
        if self._class_at(at):
            return self._untitled(item, at)
        if listed := self._listed(at):
            return self._headless(item, *listed, at)
        start = at
        while end := self._title(at):
            at = end
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
        if whole := w.phrase("whole_classes", at):
            item.collective, item.sort = True, "class"
            return self._finish(item, at, whole[1])
        if plural := w.phrase("plural", at):
            end = w.soft(plural[1])
            if (ranks := self._title(end)) and not w.phrase("persons", end):
                return self._ranks(item, at, ranks)
            if self._head(end) and (led := self._lead(item, at, end)):
                return led
            if not self._level(at):
                item.collective, item.sort = True, "class"
                return self._finish(item, at)
        elif self._class_at(at):
            item.collective, item.sort = True, "class"
            item.family = "" if self._idiom(at) else "bare"
            noun = w.phrase("bare_classes", at)
            return self._finish(item, at, noun[1] if noun else at)
        if head := self._head(at):
            item.head, item.named = self._text(at, head[1]), True
            item.family, item.sort = w.lexicon.heads[head[0]]
            if w.key(head[1]) == ":" and (led := self._lead(item, at, at)):
                return led
            return self._field(item, self._after_stop(item, head[1]))
        if level := self._level(at):
            item.levels, item.sort = [level[0]], "place"
            return self._after_levels(item, level[1])
        return self._finish(item, at)

    def _ranks(self, item: Item, at: int, end: int) -> int:
        """ "các Phó Chủ tịch UBND xã": several people, of one body."""
        item.title = self._text(item.start, end)
        follows = self.words.soft(end)
        body = not self._ends(follows) and self._head(follows)
        item.collective, item.sort = not body, "class"
        after = self._untitled(item, follows) if body else self._finish(item, end)
        item.collective = True
        return after

    def _lead(self, item: Item, at: int, head_at: int) -> int:
        """ "Các Sở: …", "Các phòng Nội vụ, Tư pháp": a head for what follows; 0 if a class."""
        w = self.words
        head = self._head(head_at)
        assert head is not None
        family, sort = w.lexicon.heads[head[0]]
        follows = w.soft(head[1])
        if not family or (family == "school" and w.key(follows) != ":"):
            return 0  # "các trường Mầm non, Tiểu học" are all of each kind
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
            again = self._head(then) if then < self.until else None
            twin = again is not None and w.lexicon.heads[again[0]] == [family, sort]
            if not ends or not (w.field_ends(family, then) or twin):
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
        if not item.collective and self._of_each(item, end):
            item.collective, item.sort, item.family = True, "class", ""
        while end < self.until and not (end > item.start and self._stops(end, item)):
            level = self._level(end) if self._may_be_level(end, item) else None
            level = level or self._council(end, item)
            if level:
                item.core = self._text(at, end)
                item.levels = [level[0]]
                return self._after_levels(item, level[1])
            end = self._past(end)
        item.core, item.known = self._text(at, end), end == known
        if item.collective:
            return self._class(item, end)
        self._keep(item, end)
        return end

    def _of_each(self, item: Item, at: int) -> bool:
        """ "Công an các đơn vị, địa phương": a body that each of a class has."""
        plural = self.words.phrase("plural", at) if item.head else None
        return plural is not None and bool(self.words.phrase("owners", self.words.soft(plural[1])))

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
