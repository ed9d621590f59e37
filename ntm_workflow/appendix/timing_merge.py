"""Several timings in one cell, merged into what they say together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from ntm_workflow.appendix.model import Every, Kind, Question, Window
from ntm_workflow.appendix.timing_days import between, join, phrase

STEP = {Every.WEEK: "tuần", Every.MONTH: "tháng", Every.QUARTER: "quý"} | {
    Every.HALF_YEAR: "6 tháng",
    Every.NINE_MONTH: "9 tháng",
    Every.YEAR: "năm",
}


@dataclass(slots=True)
class Item:
    """One timing of the cell, before it is merged with its neighbours."""

    kind: Kind
    rule: str
    windows: tuple[Window, ...] = ()
    every: tuple[Every, ...] = ()
    day: int | None = None
    ask: Question | None = None
    loose: bool = False
    bound: str = ""
    apart: bool = False  # a separator stands before it
    hard: bool = False  # and that is a semicolon
    opens: date | None = None  # first day of the period that a deadline closes


def merge(items: list[Item]) -> list[Item]:
    """Join what says one thing: "hàng năm" with "quý IV", "ngày 25" with "hàng tháng"."""
    choice = any(i.rule == "choice" for i in items)
    items = [i for i in items if i.rule not in ("by-document", "by-rule", "choice")] or items
    items = _merge_periodic(items)
    continuous = [i for i in items if i.kind is Kind.CONTINUOUS]
    if continuous:
        items = [i for i in items if not _says_no_more(i)]
    items = _merge_dates(_by_kind(_tighter(items)))
    dated = [i for i in items if i.windows]
    if choice and dated:
        said = tuple(cap(phrase(w.period, None)) for i in dated for w in i.windows)
        dated[0].ask = Question("“Hoặc”: hãy chọn một.", said)
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
        why = "Đã hiểu thời gian, nhưng còn điều kiện hoặc con số chưa rõ. Vẫn theo thời gian này?"
        firm[0].ask = firm[0].ask or Question(why)
    return firm or items[:1]


def _tighter(items: list[Item]) -> list[Item]:
    """Drop the wider of "hoàn thành trong quý I, chậm nhất ngày 15/3"."""
    days = [i.windows[0].due_on for i in items if i.kind is Kind.DEADLINE and not i.opens]
    return [
        i for i in items if not (i.opens and any(i.opens <= d <= i.windows[0].due_on for d in days))
    ]


def _says_no_more(item: Item) -> bool:
    """True for the year in "Thường xuyên trong năm", and "hàng năm" said in the same breath."""
    if item.kind is Kind.WINDOW:
        return item.rule == "year"
    return item.rule == "every-year" and not item.apart


def _merge_periodic(items: list[Item]) -> list[Item]:
    steps = [i for i in items if i.kind is Kind.PERIODIC]
    if not steps:
        return items
    rest = [i for i in items if i.kind is not Kind.PERIODIC]
    if rest and all(i.loose for i in steps):
        return rest  # "báo cáo 6 tháng trước 15/6": the step only names the report
    one = _one_step(steps)
    if len(items) == 1 and one.loose:
        said = f"Hàng {STEP[one.every[0]]}"
        one.ask = Question(f"Có phải là “{said}”?", (said,))
    at = items.index(steps[0])
    return [*rest[:at], one, *rest[at:]] if not rest else _with_dates(one, rest, at)


def _one_step(steps: list[Item]) -> Item:
    """Join "hàng quý, 6 tháng, năm", and a step with its day; ask where several have one."""
    one = next((i for i in steps if i.day), None) or next((i for i in steps if i.every), steps[0])
    every = tuple(dict.fromkeys(e for i in steps for e in i.every))
    one.ask = next((i.ask for i in steps if i.ask), None)
    if one.day and (len(every) > 1 or len({(i.rule, i.day) for i in steps if i.day}) > 1):
        choices = tuple(f"Hàng {STEP[e]}" for e in every)
        one.ask = Question("Đã hiểu là nhiều kỳ, có ngày riêng. Hãy tách thành từng dòng.", choices)
    one.every = every if not one.windows else one.every
    return one


def _with_dates(one: Item, rest: list[Item], at: int) -> list[Item]:
    dated = [i for i in rest if i.windows]
    alone = [i for i in rest if i.rule == "day-alone"]
    taken: list[Item] = [i for i in dated if i.rule == "year"]
    if one.every == (Every.YEAR,) and dated:
        inside = [i for i in dated if i not in taken]
        if inside and one.windows:
            one.ask = Question("Đã hiểu là nhiều hạn trong một năm. Hãy tách thành từng dòng.")
        one.windows = tuple(dict.fromkeys([*one.windows, *(w for i in inside for w in i.windows)]))
        one.rule = next((f"every-year-{i.rule}" for i in inside), one.rule)
        one.day = None if inside else one.day
        one.ask = one.ask or next((i.ask for i in dated if i.ask), None)
        taken = dated
    elif alone and one.every and not (one.day or one.windows):
        one.day, one.rule = alone[0].day, "every-month-day"
        one.ask = one.ask or _which_day(one, alone)
        taken += alone
    elif one.every in ((Every.MONTH,), (Every.QUARTER,)) and not one.windows:
        inside = [i for i in dated if i.kind is Kind.WINDOW and i not in taken]
        inside = [i for i in inside if not (i.hard or one.hard)]
        if inside:
            said = phrase(inside[0].windows[0].period, None)
            one.ask = Question(f"Đã hiểu là hàng {STEP[one.every[0]]}, nhưng chỉ {said}? "
                               "Nếu đúng, hãy nhập từng tháng hoặc từng quý.")  # fmt: skip
            taken += inside
    left = [i for i in rest[:at] if i not in taken]
    return [*left, one, *(i for i in rest[at:] if i not in taken)]


def _which_day(one: Item, alone: list[Item]) -> Question | None:
    if one.every != (Every.MONTH,):
        where = (f"Ngày {one.day} của tháng cuối quý", f"Ngày {one.day} tháng đầu quý sau")
        return Question(f"Ngày {one.day} của tháng nào trong kỳ?", where)
    if len(alone) == 1:
        return None
    days = tuple(f"Ngày {i.day} hàng tháng" for i in alone)
    return Question("Đã hiểu là nhiều ngày trong một tháng. Hãy chọn một, hoặc tách dòng.", days)


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
        except ValueError:
            return items
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


def cap(text: str) -> str:
    return text[:1].upper() + text[1:]
