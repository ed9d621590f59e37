"""What came of a message in a person's words: what happened, and what to do about it.

A class of outcome has a sentence; so has a number after which a person must do
one particular thing. The words are in locale/, under "because.".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ntm_workflow import texts

_NUMBER = re.compile(r"-?\d+(?= |$)")


def _topics(**found: str) -> dict[str, str]:
    """topic="-204 -205" → {"-204": "topic", "-205": "topic"}."""
    return {code: topic for topic, codes in found.items() for code in codes.split()}


# (kind of channel, class) → number → topic: "because.oa.package" is what to say of it.
# The same number means other things to other services, and at other steps of one.
_TOPICS: dict[tuple[str, str], dict[str, str]] = {
    ("mail", "auth"): _topics(login="530 534 535"),
    ("mail", "recipient"): _topics(
        nobody="550 551 553", refused="554 556 521 541 571"
    ),
    ("mail", "payload"): _topics(too_big="552 523", spam="550 554 571"),
    ("mail", "transient"): _topics(full="552 452", busy="421 450 451 454"),
    ("zalooa", "transient"): _topics(pace="-32", asset="-100", few="-200"),
    ("zalooa", "auth"): _topics(sign_in="-14014 -118", access="-216 -220 216 401 -401"),
    ("zalooa", "recipient"): _topics(
        window="-230 -232 -305", follow="-213", asleep="-227 -222", refuses="-217 -244",
        group="-403",
    ),
    ("zalooa", "payload"): _topics(
        user_id="-201", too_long="-210", kind="-233", standards="-248"
    ),
    ("zalooa", "quota"): _topics(package_used="-211 -311", reader_full="-218"),
    ("zalooa", "night"): _topics(night="-234"),
    ("zalooa", "config"): _topics(
        disabled="-204 -205", consent="-209 -212 -223", app="-202 -207 -208 -215 -219 -14002",
        verify="-221", package="-224 -235", group_over="-237 -238 -241", software="-240",
        app_key="-242 -14004", callback="-14003", by_uid="-249", cloud="-320", money="-321",
    ),
    ("zbs", "auth"): _topics(access="-124"),
    ("zbs", "transient"): _topics(unknown="-100"),
    ("zbs", "recipient"): _topics(
        phone="-108", old_zalo="-110", asleep="-114 -119", no_zalo="-118", refuses="-139 -141",
        not_eligible="-140",
    ),
    ("zbs", "payload"): _topics(too_long="-1121 -130", missing="-1122 -111 -121"),
    ("zbs", "quota"): _topics(
        day="-144 -147", month="-1441", kind="-145", reader="-1471 -1472"
    ),
    ("zbs", "night"): _topics(night="-133"),
    ("zbs", "config"): _topics(
        app="-101 -102 -103 -104 -105 -138", template="-109 -117 -131", disabled="-146",
        money="-115 -137", cloud="-136 -1381", permission="-120 -1201 -1202", app_key="-1241",
        oa="-125 -135", blocked="-1351", testing="-126 -127", keys="-123 -128 -129 -142 -143",
        encryption="-151 -152 -153",
    ),
    ("zalobot", "config"): _topics(access="401", address="404"),
    ("zalobot", "recipient"): _topics(chat="400"),
    ("zalobot", "payload"): _topics(text="400"),
    ("zalobot", "transient"): _topics(fault="403"),
    ("zalobot", "ambiguous"): _topics(silence="408"),
    ("zalobot", "quota"): _topics(quota="429"),
}  # fmt: skip


def because(kind: str, outcome: str, code: str = "") -> str:
    """The most exact sentence there is for an answer on a channel of this kind."""
    return texts.say(next(key for key in _keys(kind, outcome, code) if texts.has(key)))


def exact(kind: str, outcome: str, code: str) -> bool:
    """True where this number has words of its own, which say what is to be done."""
    return any(code in _TOPICS.get((one, outcome), ()) for one in _family(kind))


def of_detail(kind: str, outcome: str, detail: str) -> str:
    """The same, the number read from the beginning of what was answered."""
    return because(kind, outcome, code_of(detail))


def code_of(detail: str) -> str:
    """The number with which an answer begins, "" where it begins with none."""
    found = _NUMBER.match(detail)
    return found[0] if found else ""


def _family(kind: str) -> tuple[str, ...]:
    """A template by user id is answered with the Official Account's numbers."""
    return (kind, "zalooa") if kind == "zbs" else (kind,)


def _keys(kind: str, outcome: str, code: str) -> Iterator[str]:
    for one in _family(kind):
        if topic := _TOPICS.get((one, outcome), {}).get(code):
            yield f"because.{one}.{outcome}.{topic}"
    silent = "" if code else ".silent"
    yield f"because.{kind}.{outcome}{silent}"
    yield f"because.{kind}.{outcome}"
    yield f"because.{outcome}{silent}"
    yield f"because.{outcome}"
    yield "because.other"
