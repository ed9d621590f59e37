"""Several timings in one cell, merged into what they say together."""

from __future__ import annotations

from dataclasses import replace

from ntm_workflow.appendix.model import Kind, Question, Window
from ntm_workflow.appendix.timing_days import between, join, phrase
from ntm_workflow.appendix.timing_item import Item, cap
from ntm_workflow.appendix.timing_steps import merge_steps
from ntm_workflow.texts import later


def merge(items: list[Item], year: int) -> list[Item]:
    """Join what says one thing: "hàng năm" with "quý IV", "ngày 25" with "hàng tháng"."""
    choice = any(i.rule == "choice" for i in items)
    items = [i for i in items if i.rule not in ("by-document", "by-rule", "choice")] or items
    items = merge_steps(items, year)
    items = [i for at, i in enumerate(items) if not _says_no_more(items, at)]
    items = _merge_dates(_by_kind(_tighter(items)))
    dated = [i for i in items if i.windows]
    if choice and dated:
        said = tuple(cap(phrase(w.period, None)) for i in dated for w in i.windows)
        dated[0].ask = Question(later("timing.or"), said)
    return _firm(items)


def _by_kind(items: list[Item]) -> list[Item]:
    found: dict[Kind, Item] = {}
    for item in items:
        known = found.setdefault(item.kind, item)
        if known is not item:
            known.windows = tuple(dict.fromkeys(known.windows + item.windows))
            known.ask = known.ask or item.ask
    return list(found.values())


def _firm(items: list[Item]) -> list[Item]:
    """Leave out what has no date beside what has one, and ask about it."""
    firm = [i for i in items if i.kind not in (Kind.RELATIVE, Kind.UNREADABLE)]
    if firm and len(firm) < len(items):
        firm[0].ask = firm[0].ask or Question(later("timing.more_unclear"))
    return firm or items[:1]


def _tighter(items: list[Item]) -> list[Item]:
    """Drop the wider of "hoàn thành trong quý I, chậm nhất ngày 15/3"."""
    days = [i.windows[0].due_on for i in items if i.kind is Kind.DEADLINE and not i.opens]
    return [
        i for i in items if not (i.opens and any(i.opens <= d <= i.windows[0].due_on for d in days))
    ]


def _says_no_more(items: list[Item], at: int) -> bool:
    """True for the years in "Thường xuyên, giai đoạn 2021-2025", said in the same breath."""
    item, after = items[at], items[at + 1] if at + 1 < len(items) else None
    years = ("year", "year-range", "from-year", "every-year", "by-year", "by-year-range")
    before = items[at - 1] if at and not item.hard else None
    after = None if after is None or after.hard else after
    return item.rule in years and any(i and i.kind is Kind.CONTINUOUS for i in (before, after))


def _merge_dates(items: list[Item]) -> list[Item]:
    """Join "Tháng 6 (trước ngày 15/6)" and "Từ tháng 3, hoàn thành tháng 7" into one window."""
    if len(items) != 2:
        return items
    one, two = items
    if one.kind is Kind.DEADLINE and two.kind is Kind.WINDOW:
        one, two = two, one
    if one.kind is not Kind.WINDOW or len(one.windows) != 1:
        return items
    opens = one.windows[0].opens_on or one.windows[0].due_on
    if two.rule == "day-alone" and two.day:
        try:
            day = opens.replace(day=two.day)
            start = opens.replace(day=two.first_day or two.day)
        except ValueError:
            return items
        if two.first_day:
            return [Item(Kind.WINDOW, "from-day-by-day", (between(start, day),), ask=one.ask)]
        return [Item(Kind.DEADLINE, "by-day", (Window(None, day, day.isoformat()),), ask=one.ask)]
    if two.kind is not Kind.DEADLINE or len(two.windows) != 1:
        return items
    due = two.windows[0].due_on
    if one.bound == "FROM" and opens <= due:
        whole = join(replace(one.windows[0], due_on=due), two.windows[0])
        return [Item(Kind.WINDOW, "from-by", (replace(whole, opens_on=opens, due_on=due),))]
    if opens <= due <= one.windows[0].due_on:
        return [Item(Kind.WINDOW, "window-by", (between(opens, due),), ask=two.ask)]
    return items
