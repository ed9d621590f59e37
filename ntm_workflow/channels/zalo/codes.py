"""What Zalo's error numbers ask of us. The same number means other things to other services.

Source: Zalo's error tables for the Official Account, ZBS Template Message and
Bot APIs, read in 2026. A number that is in no table stops the channel and is
shown to a person.
"""

from __future__ import annotations

from ntm_workflow.channels.result import Again, Outcome

OA: dict[int, Outcome] = {
    **dict.fromkeys((-32, -100, -200), Outcome.TRANSIENT),
    **dict.fromkeys((-216, -220, 216, 401, -401), Outcome.AUTH),
    **dict.fromkeys(
        (-213, -217, -222, -227, -230, -232, -244, -305, -403), Outcome.RECIPIENT
    ),
    **dict.fromkeys((-201, -210, -233, -248), Outcome.PAYLOAD),
    **dict.fromkeys((-211, -218, -311), Outcome.QUOTA),
    -234: Outcome.NIGHT,
}  # fmt: skip

# Templates by UID go through the Official Account's server and answer with its numbers.
ZBS: dict[int, Outcome] = {
    -100: Outcome.TRANSIENT,
    -124: Outcome.AUTH,
    -133: Outcome.NIGHT,
    **dict.fromkeys((-144, -1441, -145, -147, -1471, -1472), Outcome.QUOTA),
    **dict.fromkeys((-108, -110, -114, -118, -119, -139, -140, -141), Outcome.RECIPIENT),
    **dict.fromkeys(
        (-111, -112, -1121, -1122, -1123, -1124, -113, -1131, -116, -121, -122, -130, -132,
         -161, -162), Outcome.PAYLOAD
    ),
}  # fmt: skip

BOT: dict[int, Outcome] = {
    400: Outcome.PAYLOAD,
    401: Outcome.CONFIG,
    403: Outcome.TRANSIENT,  # "Internal server error" by Zalo's own table
    404: Outcome.CONFIG,
    408: Outcome.AMBIGUOUS,
    429: Outcome.QUOTA,
}

# The sign-in's server. A number that is not here means that a person must sign in again.
OAUTH: dict[int, Outcome] = {
    -32: Outcome.TRANSIENT,
    **dict.fromkeys((-14002, -14003, -14004), Outcome.CONFIG),
    -14014: Outcome.AUTH,
}  # fmt: skip

# What is counted by the minute, and what is worth a few tries only.
_AGAIN: dict[int, Again] = {-32: Again.MINUTE, 429: Again.MINUTE, -200: Again.FEW}
# What the office must hear of though the channel goes on: its quota, its contents.
TELL = (-211, -248)


def again(code: int) -> Again:
    """How a message that was answered with this number is tried again."""
    return _AGAIN.get(code, Again.LATER)


def outcome(table: dict[int, Outcome], code: int) -> Outcome:
    """The class of a number; one that is in no table is for a person to look at."""
    return Outcome.OK if code == 0 else table.get(code, Outcome.CONFIG)
