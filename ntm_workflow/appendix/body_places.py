"""The levels and places behind a name: "xã", "xã Tân Lập, Vũ Lễ", "các xã đạt chuẩn"."""

from __future__ import annotations

from dataclasses import replace

from ntm_workflow.appendix.body_bounds import Bounds
from ntm_workflow.appendix.body_share import Item, Level, tidy
from ntm_workflow.appendix.body_starts import CLOSE
from ntm_workflow.appendix.text import fold

_RANK = {"v": 0, "x": 1, "d": 2, "pd": 3, "p": 3}  # of a place: which may lie in which
_NEEDS_LEVEL = {"committee", "board", "coord", "society", "force"}


class Places(Bounds):
    """Keeps the names read so far; reads what their levels add to the last of them."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.items: list[Item] = []
        self.remarks: list[tuple[int, int]] = []
        self.segment = 0

    def _keep(self, item: Item, end: int) -> None:
        item.spans.append((item.start, end))
        self.items.append(item)

    def _announce(self, item: Item) -> None:
        """Its places follow: "các xã" was said of all of them, and goes when each is named."""
        level = item.levels[-1]
        item.levels[-1] = replace(level, text="", plural=False, place=True)
        item.listing = True
        start, end = item.spans.pop()
        if start < level.start:
            item.spans.append((start, level.start))
        self.remarks.append((level.start, end))

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
            item.listing = last.plural
            item.levels[-1] = replace(last, text=text, plural=False, place=True)
        elif w.key(w.soft(end)) == ":" and self._listed_place(w.soft(w.soft(end) + 1), last):
            self._keep(item, end)
            self._announce(item)
            return w.soft(end) + 1
        elif words:
            item.levels[-1] = replace(last, text=tidy(f"{last.text} {words}"))
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
        if not found or found[0].tier == "o" or self._own_hamlet(item, found[0]):
            return 0
        if self._lies_in(item, at, found):
            return self._address(item, at, found[1])
        may = item.sort in _NEEDS_LEVEL | {"place"} or item.title or item.levels[-1].place
        if not may:
            return 0
        return self._another(item, at, found)

    @staticmethod
    def _own_hamlet(item: Item, level: Level) -> bool:
        """ "UBND xã, thôn 2": a name of its own; but "Ban phát triển thôn 1, thôn 2" goes on."""
        last = item.levels[-1]
        return level.tier == "v" and not (item.head and last.tier == "v" and last.place)

    def _lies_in(self, item: Item, at: int, found: tuple[Level, int]) -> bool:
        """ "Thôn X, xã Y": the second place says where the first one lies."""
        level, end = found
        last = item.levels[-1]
        outer = _RANK.get(level.tier, -1) > _RANK.get(last.tier, 9)
        single = last.place and last.text and not level.plural
        return bool(outer and single and self.words.key(at - 1) == "," and self._proper(end))

    def _address(self, item: Item, at: int, end: int) -> int:
        while end < self.until and not self._stops(end, item):
            end += 1
        if len(item.levels) > 1:
            self.remarks.append((at, end))
            return end
        last = item.levels[-1]
        item.levels[-1] = replace(last, text=f"{last.text}, {self._text(at, end)}")
        item.spans[-1] = (item.spans[-1][0], end)
        return end

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
