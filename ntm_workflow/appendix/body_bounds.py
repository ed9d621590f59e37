"""Where the names of a body cell end."""

from __future__ import annotations

from ntm_workflow.appendix.body_share import Item, Level
from ntm_workflow.appendix.body_starts import CLOSE, HARD, OPEN, STOPPED, Starts
from ntm_workflow.appendix.text import fold

_LOUD = {"Sở", "Phòng", "UBND", "HĐND", "BCĐ", "BQL", "VPĐP", "MTTQ"}  # begin a name anywhere


class Bounds(Starts):
    """Looks at a cell without changing anything: does the name being read end here?"""

    def _stops(self, at: int, item: Item) -> bool:
        """True when the name that is being read ends before this token."""
        w = self.words
        key = w.key(at)
        if at >= self.until or key in OPEN or key in CLOSE or key in HARD:
            return True
        if key == "\n":
            return self._stops_at_break(at, item)
        if key == ".":
            short = w.key(at - 1) in STOPPED and w.is_word(at + 1)
            return not short and (w.capital(w.soft(at + 1)) or self._ends(w.soft(at + 1)))
        if key in {",", "/"}:
            return self._stops_at_comma(at, item)
        if key in {"-", "&", "+"}:
            return self._stops_at_dash(at, item)
        if w.is_word(at):
            if joined := w.phrase("and", at):
                return self._goes_apart(w.soft(joined[1]), item)
            return self._stops_at_word(at, item)
        return not w.is_word(at + 1) and key not in {'"', "”"}

    def _stops_at_word(self, at: int, item: Item) -> bool:
        """A word about roles ends a name; so does another name whose comma was lost."""
        w = self.words
        if role := w.phrase("role_stops", at):
            related = w.key(at - 1) == "quan"  # "…liên quan phối hợp", not "các đơn vị phối hợp"
            return related or not (item.collective and self._ends(role[1]))
        own = self._head(item.start)
        last = w.phrase("role_ends", at) if at > (own[1] if own else item.start + 1) else None
        if last and (last[1] >= self.until or w.key(last[1]) in HARD | {".", ",", "\n"}):
            return True
        if verb := w.phrase("role_verbs", at):
            return self._head(w.soft(verb[1])) is not None
        if not w.cased or w.tokens[at].raw not in _LOUD or at == item.start:
            return False
        head = self._head(at)
        before = {"van", "thuoc", "cua", "so", "tra", "dao", "vien", "doc", "tich", "phong"}
        if (
            not head
            or w.key(at - 1) in before
            or not item.head
            or item.sort not in {"office", "committee"}
        ):
            return False
        family = w.lexicon.heads[head[0]][0]
        return bool(w.field_ends(family, head[1]) or self._level(head[1]))

    def _stops_at_break(self, at: int, item: Item) -> bool:
        """A line break ends a name unless the line merely ran out in its middle."""
        w = self.words
        before, after = w.key(at - 1), w.soft(at)
        if item.collective and before == "," and self.words.is_word(after):
            return self._leaves_class(after, item)
        if after >= self.until or (not w.is_word(after) and w.key(after) != "&"):
            return True
        if w.phrase("and", after):
            return self._stops(after, item)
        if before in {"va", "&", "-"} and w.key(after - 1) == "\n":
            return False
        if self._number(after):
            return True
        begins = self._starts(after)
        if not w.cased and (begins == "level" or w.phrase("narrows", after)):
            return False  # capitals or small letters throughout: they tell nothing
        return begins not in {"", "level"} or w.capital(after)

    def _stops_at_comma(self, at: int, item: Item) -> bool:
        w = self.words
        after = w.soft(at + 1)
        if w.key(at) == "/" and w.key(at - 1).isdigit() and w.key(after).isdigit():
            return False
        if not w.is_word(after) or w.phrase("and", after):
            return True
        if self._number(after):
            return True
        if w.phrase("persons", item.start) and w.phrase("titles", after):
            return w.phrase("persons", after) is not None
        if item.collective:
            return self._leaves_class(after, item)
        if item.levels and not item.levels[-1].plural:
            return True  # "Trạm Y tế xã, …": the level closed the name
        return bool(self._starts(after)) or w.capital(after) or not w.cased

    def _stops_at_dash(self, at: int, item: Item) -> bool:
        w = self.words
        after = w.soft(at + 1)
        head = self._head(after)
        if w.phrase("titles", after) and w.phrase("persons", item.start):
            return False
        if head and fold(head[0]) in w.lexicon.parents.get(fold(item.head), ()):
            return False  # "Cục Thống kê - Bộ Tài chính": whose it is
        if item.collective and w.key(at) == "-" and self._class_at(item.start):
            return self._leaves_class(after, item)
        spaced = w.tokens[at].start > w.tokens[at - 1].end
        if spaced and w.key(at) != "-" and self._class_at(after):
            return True
        if head:
            return spaced or w.lexicon.heads[head[0]][1] != "open"
        return spaced and bool(w.phrase("plural", after) or w.phrase("roles", after))

    def _goes_apart(self, after: int, item: Item) -> bool:
        """What follows "và" is another name, not the rest of this one."""
        if item.collective:
            return self._leaves_class(after, item)
        if after >= self.until or not self.words.is_word(after):
            return True
        return bool(self._starts(after)) or self._place_next(after, item)

    def _leaves_class(self, after: int, item: Item) -> bool:
        """What follows is no further noun of the class that is being read."""
        w = self.words
        if w.phrase("plural", after) or w.phrase("apart", after) or self._proper_head(after):
            return True
        if item.family == "bare" and (w.phrase("bare_classes", after) or self._class_at(after)):
            return True
        if noun := w.phrase("classes", after):
            named = w.cased and w.capital(noun[1]) and not w.phrase("classes", noun[1])
            return named and not w.tokens[noun[1]].raw.isupper() and bool(w.phrase("levels", after))
        return bool(w.phrase("titles", after)) or (w.cased and w.capital(after))

    def _place_next(self, at: int, item: Item) -> bool:
        """Another place of a list: "UBND xã Tân Lập, Vũ Lễ"; four capitalised words at most."""
        if not (item.levels and item.levels[-1].place):
            return False
        if not (self._proper(at) or (item.listing and self._listed_place(at, item.levels[-1]))):
            return False
        end = at
        while not self._ends(end):
            if not self.words.capital(end) and self.words.key(end) != "so":
                return False
            end += 1
        return end - at <= 4

    def _listed_place(self, at: int, level: Level) -> bool:
        """A place in a list of them: "Bản Thí" among "các thôn" is the thôn of that name."""
        word = self.words.phrase("levels", at)
        hamlet = word and level.tier == "v" and self.words.lexicon.levels[word[0]] == "v"
        if hamlet and word and self.words.cased and self.words.capital(at):
            return self._proper(word[1])
        return self._proper(at)
