"""Why a due day is that day: the steps from the text to the day, a sentence each."""

from __future__ import annotations

from datetime import date

from ntm_workflow import texts
from ntm_workflow.reports import days_off


def steps(period: str, nominal: date, due: date, rule: str, day_off: str) -> list[str]:
    """Explain one due day: the nominal day, and the shift with its law.

    `rule` is "as-written", "day-off" (`day_off` says what the nominal day is)
    or "send-within", as `calendar.occurrences` gives them.
    """
    said, shown = texts.period(period), texts.full_day(due)
    if rule == "send-within":
        return [
            texts.say("why.cut_off", period=said, day=texts.full_day(nominal)),
            texts.say("why.send_within", due=shown),
        ]
    lines = [texts.say("why.nominal", period=said, day=texts.full_day(nominal))]
    if rule == "day-off":
        lines.append(texts.say("why.day_off", reason=days_off.said(day_off), due=shown))
    return lines
