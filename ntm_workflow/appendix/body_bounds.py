"""Where the names of a body cell begin and end, and the levels they carry."""

from __future__ import annotations

from ntm_workflow.appendix.body_share import Item, Level
from ntm_workflow.appendix.body_words import Words
from ntm_workflow.appendix.text import fold

OPEN, CLOSE = {"(", "[", "{"}, {")", "]", "}"}
HARD = {";", ":", "•", "●", "*", "▪", "|", "…", "", "·", "?", "!"}
_STOPPED = {"tp", "tx", "tt", "p", "h", "q", "st", "cty", "n", "t", "cp", "hcm", "vp"}  # "TP. Huế"
_SHORT = {"h": "huyện", "q": "quận", "x": "xã"}
_OWNERS = {"tinh uy", "huyen uy", "thanh uy", "thi uy", "quan uy"}
_LOUD = {"Sở", "Phòng", "UBND", "HĐND", "BCĐ", "BQL", "VPĐP", "MTTQ"}  # begin a name anywhere


class Bounds:
    """Looks at a cell without changing anything. `at` is always a place among the tokens."""

    def __init__(self, text: str) -> None:
        self.words = Words(text)
        self.heads: list[Item] = []  # what a name without a head may take it from
        self.until = len(self.words)

    def _number(self, at: int) -> int:
        """ "1.", "2)", "a)": the end of a list's number, or 0."""
        w = self.words
        raw, sign = w.tokens[at].raw, w.key(at + 1)
        if raw.isdigit() and len(raw) < 3 and sign in {".", ")", "/"}:
            return 0 if w.key(at + 2).isdigit() else at + 2
        if len(raw) == 1 and (sign == ")" or (sign == "." and w.key(at) not in _STOPPED)):
            return at + 2
        noise = w.phrase("noise", at)
        return noise[1] if noise and self._ends(noise[1]) else 0

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
            return "class" if self._class_at(at) else "head"
        if w.phrase("plural", at):
            return "plural"
        if self._class_at(at):
            return "class"
        if w.phrase("titles", at):
            return "title"
        if self._listed(at):
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
        if self._blocked(*found) or (w.plain and self._doubtful(*found)):
            return None
        return found

    def _doubtful(self, head: str, end: int) -> bool:
        """Without marks "Vu Le" is no "Vụ": such a head needs a known name behind it."""
        w = self.words
        family = w.lexicon.heads[head][0]
        strict = head.casefold() in w.lexicon.strict and bool(family)
        return strict and not w.field_ends(family, w.soft(end)) and not self._ends(end)

    def _blocked(self, head: str, end: int) -> bool:
        w = self.words
        end = w.soft(end)
        return any(w.spells(written, end) for written in w.lexicon.blocks.get(head, ()))

    def _class_at(self, at: int) -> bool:
        """A class begins here, though it has no "các": "Ban, ngành", "Đơn vị liên quan"."""
        w = self.words
        noun, head = w.phrase("bare_classes", at), self._head(at)
        alone = w.phrase("alone", at)
        if alone and self._ends(w.soft(alone[1])):
            return True
        if noun and (not head or noun[1] > head[1]):
            title = w.phrase("titles", at)
            return not title or noun[1] > title[1]
        return self._idiom(at) and not self._proper_head(at)

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

    def _listed(self, at: int) -> tuple[Item, list[int]] | None:
        """The earlier head, and the ends, of a known name that stands here without its own.

        A head that stands here itself goes first, unless the known name is
        longer ("TT&TT"), or ends here in a list of its kind ("Các Bộ: Công an, …").
        """
        w = self.words
        head, title = self._head(at), w.phrase("titles", at)
        for earlier in reversed(self.heads):
            ends = w.field_ends(earlier.family, at)
            if not ends:
                continue
            whole = self._ends(w.soft(ends[0]))
            longer = ends[0] > head[1] if head else True
            kin = whole and head is not None and (ends[0], earlier.family) == (head[1], "ministry")
            if (longer or kin) and (whole or not title):
                return earlier, ends
        return None

    def _stops(self, at: int, item: Item) -> bool:
        """True when the name that is being read ends before this token."""
        w = self.words
        key = w.key(at)
        if at >= self.until or key in OPEN or key in CLOSE or key in HARD:
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
            return self._stops_at_word(at, item)
        return not w.is_word(at + 1) and key not in {'"', "”"}

    def _stops_at_word(self, at: int, item: Item) -> bool:
        """A word about roles ends a name; so does another name whose comma was lost."""
        w = self.words
        if role := w.phrase("role_stops", at):
            return not (item.collective and self._ends(role[1]))
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
        if self._number(after):
            return True
        if w.phrase("persons", item.start) and w.phrase("titles", after):
            return w.phrase("persons", after) is not None
        if item.collective:
            return self._leaves_class(after, item)
        return bool(self._starts(after)) or w.capital(after) or not w.cased

    def _stops_at_dash(self, at: int, item: Item) -> bool:
        w = self.words
        after = w.soft(at + 1)
        head = self._head(after)
        if w.phrase("titles", after) and w.phrase("persons", item.start):
            return False
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
        return bool(w.phrase("titles", after)) or w.capital(after)

    def _level(self, at: int) -> tuple[Level, int] | None:
        """Read "cấp huyện, xã", "các huyện, thành phố", "xã Tân Lập", "Huyện ủy"."""
        w = self.words
        start, prefix = at, ""
        owner = w.phrase("heads", at)
        if owner and fold(owner[0]) in _OWNERS:
            return Level(self._text(at, owner[1]), owner[0], "o"), owner[1]
        if found := w.phrase("plural", at) or w.phrase("prefixes", at):
            at = w.soft(found[1])
            prefix = self._text(start, found[1])
        key = w.key(start)
        plural = key in {"cac", "moi", "tung", "nhung", "mot", "tat", "toan"} and at > start
        if key == "cap" and w.phrase("plural", at):
            return None
        if w.key(at).isdigit():
            at, plural = w.soft(at + 1), True
            if w.key(at) == "/" and w.key(at + 1).isdigit():
                at = w.soft(at + 2)
        if plural and w.key(at) == "cap" and self._ends(at + 1):
            return Level(self._text(start, at + 1), "cấp", "pdx", True), at + 1
        word = w.phrase("levels", at)
        if not word and w.key(at) in _SHORT and w.key(at + 1) == "." and self._proper(at + 2):
            word = (_SHORT[w.key(at)], at + 2)  # "H. Bắc Sơn"
        if word and w.plain and word[0] == "bản":
            return None  # without marks "ban" is a board far more often
        if not word or self._blocked(word[0], word[1]):
            return None
        end = word[1]
        if w.key(end) in {"-", "&"} and w.tokens[end].start == w.tokens[end - 1].end:
            return None  # the "TT" of "Đài TT-TH"
        if w.key(end) == "." and w.is_word(end + 1) and w.key(end - 1) in _STOPPED:
            end += 1
        tier = w.lexicon.levels[word[0]]
        merged = end
        if not prefix or plural:
            merged = self._same_tier(end, tier)
        text = self._text(start, merged)
        level = Level(text, self._text(at, word[1]), tier, plural or merged > end, start=start)
        return level, merged

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
        if self._starts(at) or w.phrase("and", at):
            return False
        narrows = not w.cased and w.phrase("narrows", at) is not None
        return w.is_word(at) and w.capital(at) and not narrows

    def _place_next(self, at: int, item: Item) -> bool:
        """Another place of a list: "UBND xã Tân Lập, Vũ Lễ"; four capitalised words at most."""
        if not (item.levels and item.levels[-1].place and self._proper(at)):
            return False
        end = at
        while not self._ends(end):
            if not self.words.capital(end):
                return False
            end += 1
        return end - at <= 4

    def _text(self, start: int, end: int) -> str:
        """The printed words between two places, line breaks as spaces."""
        w = self.words
        found = ""
        for number, token in enumerate(w.tokens[start:end], start=start):
            gap = number > start and token.start > w.tokens[number - 1].end
            found += (" " if gap or token.raw == "\n" else "") + token.text.replace("\n", " ")
        return " ".join(found.split())
