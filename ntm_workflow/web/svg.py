"""Pictures as SVG, drawn here and not in the browser. Pure: numbers in, markup out.

Colours come from the style sheet by class, since no page may carry a style of
its own. Each state has a pattern or a shape beside its colour, so that it is
told apart by those who see no red and green, and on paper printed in grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import segno
from markupsafe import Markup, escape

from ntm_workflow import texts

STATES = ("done_on_time", "done_late", "open_in_time", "open_overdue", "to_open")


def tag(name: str, *inside: object, **attributes: object) -> Markup:
    """One element. `class_` is class, `stroke_width` stroke-width; None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    body = Markup("").join(escape(one) for one in inside)
    whole = f"<{name}{said}>{body}</{name}>" if inside else f"<{name}{said}/>"
    return Markup(whole)  # all in it was escaped  # noqa: S704  # nosec B704


def _plain(value: object) -> object:
    """A number in few letters: 12.5, not 12.500000001."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def picture(
    name: str, width: int, height: int, title: str, said: str, *inside: object, class_: str = ""
) -> Markup:
    """An image with its name and what it says, for those who do not see it."""
    return tag(
        "svg", tag("title", title, id=f"{name}-t"), tag("desc", said, id=f"{name}-d"), *inside,
        class_=f"picture {class_}".rstrip(), viewBox=f"0 0 {width} {height}", role="img",
        aria_labelledby=f"{name}-t", aria_describedby=f"{name}-d",
    )  # fmt: skip


# -- states -----------------------------------------------------------------------


def patterns(name: str) -> Markup:
    """What `fill` points to; the name keeps those of two pictures of a page apart."""
    late = tag(
        "pattern", tag("rect", class_="f-open_overdue", width=7, height=7),
        tag("rect", class_="f-line", width=2.2, height=7), id=f"{name}-open_overdue", width=7,
        height=7, patternUnits="userSpaceOnUse", patternTransform="rotate(45)",
    )  # fmt: skip
    dots = tag(
        "pattern", tag("rect", class_="f-done_late", width=6, height=6),
        tag("circle", class_="f-done_on_time", cx=3, cy=3, r=1.3), id=f"{name}-done_late", width=6,
        height=6, patternUnits="userSpaceOnUse",
    )  # fmt: skip
    return tag("defs", late, dots)


def block(name: str, state: str, x: float, y: float, width: float, height: float) -> Markup:
    """A rectangle in the colour and pattern of a state."""
    own = state in ("open_overdue", "done_late")
    return tag(
        "rect", class_=None if own else f"f-{state}",
        fill=f"url(#{name}-{state})" if own else None, x=x, y=y, width=width, height=height,
    )  # fmt: skip


def swatch(name: str, state: str) -> Markup:
    """A state as a legend shows it, in the patterns of a picture of the same page."""
    return tag(
        "svg", block(name, state, 0.5, 0.5, 17, 13), class_="swatch", viewBox="0 0 18 14",
        aria_hidden="true", focusable="false",
    )  # fmt: skip


SIGNS: dict[str, tuple[Markup, ...]] = {
    "done": (
        tag("rect", class_="g-done", x=1, y=1, width=22, height=22, rx=3),
        tag("path", class_="g-mark", d="M6 12.5l4 4 8-9"),
    ),
    "done_late": (
        tag("rect", class_="g-done-late", x=1.5, y=1.5, width=21, height=21, rx=3),
        tag("path", class_="g-mark-dark", d="M6 12.5l4 4 8-9"),
    ),
    "submitted": (
        tag("circle", class_="g-wait", cx=12, cy=12, r=11),
        *(tag("circle", class_="g-hole", cx=x, cy=12, r=1.9) for x in (6.5, 12, 17.5)),
    ),
    "late": (
        tag("path", class_="g-late", d="M12 1l11.5 21H.5z"),
        tag("path", class_="g-mark", d="M12 9v6"),
        tag("circle", class_="g-hole", cx=12, cy=18.6, r=1.5),
    ),
    "running": (
        tag("circle", class_="g-ring", cx=12, cy=12, r=9.5),
        tag("path", class_="g-half", d="M12 2.5a9.5 9.5 0 010 19z"),
    ),
    "suspended": (
        tag("rect", class_="g-calm", x=5, y=3, width=5, height=18),
        tag("rect", class_="g-calm", x=14, y=3, width=5, height=18),
    ),
    "to_open": (tag("circle", class_="g-dashed", cx=12, cy=12, r=9.5),),
    "none": (tag("circle", class_="g-dot", cx=12, cy=12, r=1.5),),
}


def sign(kind: str) -> Markup:
    """A state as a shape of its own; what it means always stands beside it as text."""
    return tag(
        "svg", *SIGNS[kind], class_="sign", viewBox="0 0 24 24", aria_hidden="true",
        focusable="false",
    )  # fmt: skip


# -- charts -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart's numbers lie: `steps` columns from left to right, 0 to `top` upwards."""

    steps: int
    top: int
    width: int = 760
    height: int = 330
    left: int = 52
    right: int = 14
    upper: int = 26
    lower: int = 34

    @property
    def floor(self) -> int:
        return self.height - self.lower

    @property
    def step(self) -> float:
        return (self.width - self.left - self.right) / max(self.steps, 1)

    def x(self, place: float) -> float:
        return self.left + place * self.step

    def y(self, value: float) -> float:
        return self.floor - (self.floor - self.upper) * value / max(self.top, 1)


def scale(most: int) -> list[int]:
    """Round numbers from 0 to at least `most`, at most seven of them: 0, 20, 40 …"""
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if most <= 6 * step:
                return list(range(0, (-(-most // step) or 1) * step + 1, step))
        size *= 10


def axes(frame: Frame, ticks: Iterable[int], months: Iterable[tuple[float, str]]) -> Markup:
    """The lines and words around a chart; `months` are (place, word)."""
    right = frame.width - frame.right
    lines = [
        Markup("").join((
            tag("line", class_="c-line", x1=frame.left, x2=right, y1=frame.y(n), y2=frame.y(n)),
            tag("text", number(n), class_="c-num", x=frame.left - 7, y=frame.y(n) + 5),
        ))
        for n in ticks
    ]  # fmt: skip
    words = [
        Markup("").join((
            tag("line", class_="c-tick", x1=frame.x(at), x2=frame.x(at), y1=frame.floor,
                y2=frame.floor + 6),
            tag("text", word, class_="c-word", x=frame.x(at) + 3, y=frame.floor + 20),
        ))
        for at, word in months
    ]  # fmt: skip
    return Markup("").join([*lines, *words])


def as_of(frame: Frame, place: float, word: str) -> Markup:
    """The line of today; its word on the side where there is room."""
    x = frame.x(place)
    end = x > frame.width * 0.8
    return tag(
        "g", tag("line", class_="c-today", x1=x, x2=x, y1=frame.upper - 6, y2=frame.floor),
        tag("text", word, class_="c-day c-end" if end else "c-day", x=x - 5 if end else x + 5,
            y=frame.upper - 10),
    )  # fmt: skip


def stacks(name: str, frame: Frame, columns: Sequence[Sequence[int]]) -> Markup:
    """Bars, each of the numbers of STATES one above the other, the first one lowest."""
    gap = min(3.0, frame.step * 0.2)
    made = []
    for place, numbers in enumerate(columns):
        below = 0
        for state, n in zip(STATES, numbers, strict=True):
            if n:
                y = frame.y(below + n)
                made.append(block(name, state, frame.x(place) + gap / 2, y, frame.step - gap,
                                  frame.y(below) - y))  # fmt: skip
            below += n
    return tag("g", *made) if made else Markup("")


def curve(frame: Frame, points: Iterable[tuple[float, int]], class_: str) -> Markup:
    """A line through (place, value)."""
    said = " ".join(f"{frame.x(place):.1f},{frame.y(value):.1f}" for place, value in points)
    return tag("polyline", class_=class_, points=said)


COLUMN = 84  # of a grid of squares


def names_width(names: Sequence[str]) -> int:
    """How wide the first column of a grid must be, since nobody measures the letters."""
    return max(70, 9 * max(map(len, names), default=0))


def bubbles(
    name: str, heads: Sequence[str], lines: Sequence[tuple[str, Sequence[int]]], most: int
) -> Markup:
    """A grid of lines × states: a square in proportion to its number, and the number."""
    made, cell, head = [patterns(name)], 30, 58
    left = names_width([word for word, _ in lines])
    for column, word in enumerate(heads):
        x = left + column * COLUMN + COLUMN // 2
        for n, part in enumerate(word.split("\n")):
            made.append(tag("text", part, class_="c-head", x=x, y=16 + 17 * n))
    for row, (word, numbers) in enumerate(lines):
        y = head + row * cell
        made.append(tag("line", class_="c-line", x1=0, x2=left + COLUMN * len(heads), y1=y, y2=y))
        made.append(tag("text", word, class_="c-name", x=0, y=y + 20))
        for column, n in enumerate(numbers):
            x = left + column * COLUMN
            if n:
                side = max(3.0, 24 * (n / max(most, 1)) ** 0.5)
                made.append(block(name, STATES[column], x + 24 - side / 2, y + 15 - side / 2, side,
                                  side))  # fmt: skip
            made.append(tag("text", number(n), class_="c-count" if n else "c-count c-none",
                            x=x + 44, y=y + 20))  # fmt: skip
    return Markup("").join(made)


def qr(text: str) -> Markup:
    """A text as a QR code, dark on white whatever the colours of the page; 4 units a square."""
    made = segno.make(text, error="m", micro=False)
    drawn = made.svg_inline(scale=4, border=4, light="#fff", svgclass=None, lineclass=None)
    return Markup(drawn)  # noqa: S704 # nosec B704


def number(value: int) -> str:
    """ "1.234", "1,234"."""
    return texts.number(value)


# -- a year -----------------------------------------------------------------------

_DAY = 2  # a day's width: a year is 732 wide
_LANE = 13


def year_head(year: int, months: Sequence[str]) -> Markup:
    """The names of the months above the bars of a year."""
    words = [
        tag("text", word, class_="c-word", x=_at(year, date(year, n, 1)) + 4, y=16)
        for n, word in enumerate(months, 1)
    ]
    return tag(
        "svg", *words, class_="lane", viewBox="0 0 732 22", aria_hidden="true", focusable="false"
    )


def year_bars(
    name: str, year: int, bars: Sequence[tuple[date, date, str]], off: Iterable[date],
    today: date | None,
) -> Markup:  # fmt: skip
    """Bars from opening to due day, those that overlap one below the other; for eyes only."""
    placed, lanes = _placed(bars)
    height = max(lanes, 1) * _LANE + 5
    months = (_at(year, date(year, n, 1)) for n in range(2, 13))
    parts = [tag("rect", class_="c-off", x=_at(year, day), y=0, width=_DAY, height=height)
             for day in off]  # fmt: skip
    parts += [tag("line", class_="c-line", x1=x, x2=x, y1=0, y2=height) for x in months]
    for (opens, due, state), lane in placed:
        left, right = _at(year, opens), max(_at(year, due), 0) + _DAY
        y = 3 + lane * _LANE
        parts.append(block(name, state, left, y, max(right - left, 4), 9))
        if due.year == year:
            parts.append(tag("rect", class_="c-due", x=max(right - 4, 0), y=y - 2, width=4,
                             height=_LANE))  # fmt: skip
    if today:
        x = _at(year, today) + 1
        parts.append(tag("line", class_="c-today", x1=x, x2=x, y1=0, y2=height))
    return tag(
        "svg", *parts, class_=f"lane l{min(lanes, 6)}", viewBox=f"0 0 732 {height}",
        preserveAspectRatio="none", aria_hidden="true", focusable="false",
    )  # fmt: skip


def _at(year: int, day: date) -> int:
    """Where a day begins; what is outside the year lies on its edge."""
    return max(0, min((day - date(year, 1, 1)).days, 365)) * _DAY


def _placed(
    bars: Sequence[tuple[date, date, str]],
) -> tuple[list[tuple[tuple[date, date, str], int]], int]:
    """Each bar with its lane, the first that is free; and how many lanes that takes."""
    ends: list[date] = []
    placed = []
    for bar in sorted(bars, key=lambda one: (one[0], -one[1].toordinal())):
        lane = next((n for n, end in enumerate(ends) if end < bar[0]), len(ends))
        ends[lane:lane + 1] = [bar[1]]  # fmt: skip
        placed.append((bar, lane))
    return placed, len(ends)


# -- a target ---------------------------------------------------------------------


def target_bar(of: int, had: int, now: int, wanted: int) -> Markup:
    """A box for each of `of`: those there were, those reached since, those still wanted."""
    size = 8
    parts = []
    for place in range(of):
        kind = "had" if place < had else "now" if place < had + now else "wanted"
        kind = kind if place < max(wanted, had + now) else "rest"
        parts.append(tag("rect", class_=f"t-{kind}", x=place * size + 0.75, y=0.75,
                         width=size - 1.5, height=12.5))  # fmt: skip
    return tag(
        "svg", *parts, class_="target", viewBox=f"0 0 {of * size} 14", aria_hidden="true",
        focusable="false",
    )  # fmt: skip
