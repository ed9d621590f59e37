"""What Zalo's error numbers ask of us. The same number means other things to other services.

Source: Zalo's error tables for the Official Account, ZBS Template Message and
Bot APIs, read in 2026. A number that is in no table stops the channel and is
shown to a person.
"""

from __future__ import annotations

from ntm_workflow.channels.result import Outcome

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


def outcome(table: dict[int, Outcome], code: int) -> Outcome:
    """The class of a number; one that is in no table is for a person to look at."""
    return Outcome.OK if code == 0 else table.get(code, Outcome.CONFIG)
