"""A message for a channel that takes few letters: whole lines, and where the rest is."""

from __future__ import annotations

from dataclasses import replace

from ntm_workflow import texts
from ntm_workflow.appendix.text import nfc
from ntm_workflow.channels.result import Message
from ntm_workflow.store.tables.people import MAIL

LIMIT = 1900  # letters, NFC: what every chat channel takes, with some to spare


def fitted(message: Message, address: str, kind: str, base_url: str) -> Message:
    """The message as a channel of this kind takes it: a mail whole, anything else short."""
    return message if kind == MAIL else shortened(message, address, base_url)


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
