"""What a notice puts into the blanks of an approved template.

Templates hold few letters, so they speak of the most urgent task and count the
rest. An office names its own blanks as it likes: `parameters` in the settings of
the channel says which of these goes where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ntm_workflow import texts

if TYPE_CHECKING:
    from ntm_workflow.chase.digest import Line

# Letters that Zalo allows at most, by the class of a blank.
LIMITS = {
    "ten": 30, "so_viec": 20, "qua_han": 20, "ma": 30, "noi_dung": 90, "don_vi": 90, "han": 20,
    "trang_thai": 30, "duong_dan": 200,
}  # fmt: skip


def fill(
    to: str, lines: Sequence[Line], count: int, overdue: int, url: str, today: date
) -> dict[str, str]:
    """Every value, each short enough for its blank; words are left out whole.

    `lines` are those that are named of `count` tasks, the most urgent first.
    Of confidential tasks, which say nothing of themselves, none is chosen if
    there is another; a blank may not stay empty.
    """
    first = next((line for line in lines if line.code), lines[0])
    secret = texts.say("digest.secret_short")
    values = {
        "ten": to, "so_viec": str(count), "qua_han": str(overdue),
        "ma": first.code or secret, "noi_dung": first.content, "don_vi": first.body or to,
        "han": texts.day(first.due_on if first.code else today),
        "trang_thai": first.distance or secret, "duong_dan": first.url or url,
    }  # fmt: skip
    return {name: whole_words(value, LIMITS[name]) for name, value in values.items()}


def named(values: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """The values under an office's own names: {"ma_nv": "ma"}; without names, under ours."""
    if not names:
        return dict(values)
    return {theirs: values[ours] for theirs, ours in names.items() if ours in values}


def whole_words(text: str, most: int) -> str:
    """At most so many letters: whole words and "…"; a single long word is kept as it is."""
    if len(text) <= most or " " not in text:
        return text
    kept = text[:most]
    return f"{kept[: kept.rfind(' ')].rstrip(' ,;:')}…" if " " in kept else text
