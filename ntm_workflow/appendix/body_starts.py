"""What begins at a place of a body cell: a head, a class, a level, a number, a role."""

from __future__ import annotations

from ntm_workflow.appendix.body_share import Item, Level
from ntm_workflow.appendix.body_words import Words
from ntm_workflow.appendix.text import fold

OPEN, CLOSE = {"(", "[", "{"}, {")", "]", "}"}
HARD = {";", ":", "•", "●", "*", "▪", "|", "…", "", "·", "?", "!"}
STOPPED = {"tp", "tx", "tt", "p", "h", "q", "st", "cty", "n", "t", "cp", "hcm", "vp"}  # "TP. Huế"
_SHORT = {"h": "huyện", "q": "quận", "x": "xã"}
_OWNERS = {"tinh uy", "huyen uy", "thanh uy", "thi uy", "quan uy"}


class Starts:
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
        if len(raw) == 1 and (sign == ")" or (sign == "." and w.key(at) not in STOPPED)):
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

    def _title(self, at: int) -> int:
        """The end of a title, or 0. "Trưởng Ban Chỉ đạo" is "Trưởng" of a Ban Chỉ đạo."""
        title = self.words.phrase("titles", at)
        if title is None or self._school(at, title[1]):
            return 0
        inner = self._head(title[1] - 1) if title[1] - at > 1 else None
        return title[1] - 1 if inner and inner[1] > title[1] else title[1]

    def _school(self, at: int, end: int) -> bool:
        """Without marks "Truong Tieu hoc" is a "Trường", no "Trưởng"."""
        w = self.words
        head = self._head(at) if w.plain else None
        return head is not None and head[1] == end and bool(w.field_ends("school", w.soft(end)))

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
        noun = w.phrase("classes", at)
        if noun is None or head[1] > noun[1]:
            return True
        family, sort = w.lexicon.heads[head[0]]
        if w.cased and not w.capital(at) and noun[1] > head[1]:
            return False  # "các bệnh viện, trung tâm y tế"
        if w.cased and w.capital(at) and sort in {"fixed", "committee"}:
            return True  # "các ban, ngành, Huyện ủy"
        end = w.soft(head[1])
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
        if word and word[0] == "TT" and w.field_ends("other", word[1]):
            return None  # "TT Y tế" is a centre
        if word and word[0] == "cơ sở" and not self._ends(w.soft(word[1])):
            return None  # "các cơ sở công nghiệp"
        if word and w.plain and word[0] == "bản":
            return None  # without marks "ban" is a board far more often
        if not word or self._blocked(word[0], word[1]):
            return None
        end = word[1]
        if w.key(end) in {"-", "&"} and w.tokens[end].start == w.tokens[end - 1].end:
            return None  # the "TT" of "Đài TT-TH"
        if w.key(end) == "." and w.is_word(end + 1) and w.key(end - 1) in STOPPED:
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
            short = w.phrase("short_levels", after)
            if short and "d" in tier and self._ends(short[1]):
                end = short[1]
                continue
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
        if w.key(at) == "so" and w.key(at + 1).isdigit():
            return True  # "Tổ dân phố số 1, số 2"
        narrows = not w.cased and w.phrase("narrows", at) is not None
        return w.is_word(at) and w.capital(at) and not narrows

    def _text(self, start: int, end: int) -> str:
        """The printed words between two places, line breaks as spaces."""
        w = self.words
        found = ""
        for number, token in enumerate(w.tokens[start:end], start=start):
            gap = number > start and token.start > w.tokens[number - 1].end
            found += (" " if gap or token.raw == "\n" else "") + token.text.replace("\n", " ")
        return " ".join(found.split())
