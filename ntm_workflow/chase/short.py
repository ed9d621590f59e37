"""A message for a channel that takes few letters: whole lines, and where the rest is."""

from __future__ import annotations

from dataclasses import replace

from ntm_workflow import texts
from ntm_workflow.appendix.text import nfc
from ntm_workflow.channels.result import Message

LIMIT = 1900  # letters, NFC: what every chat channel takes, with some to spare


def shortened(message: Message, address: str, base_url: str) -> Message:
    """The message to `address` as plain text of at most LIMIT letters; no word is cut."""
    text = nfc(message.text).strip()
    rest = texts.say("short.rest", url=base_url)
    if len(text) > LIMIT:
        text = f"{_whole(text, LIMIT - len(rest) - 2)}\n\n{rest}"
    return replace(message, to_address=address, text=text, html="")


def _whole(text: str, room: int) -> str:
    """As many whole lines as fit; of a first line that is too long, as many whole words."""
    kept = text[: room + 1]
    for gap in ("\n", " "):
        if gap in kept:
            return kept.rpartition(gap)[0].rstrip()
    return kept[:room]
