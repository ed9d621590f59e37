"""Every answer that mail servers and Zalo are known to give: what becomes of the message, in words.

every_class.tsv has a line for each: the fault, the class it is, the state of the
notice, of the channel's circuit and of the address, whether the contact's next
channel is used, when it is tried again, and words that a person must read.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels import because
from ntm_workflow.channels.result import Again, Outcome, Result
from ntm_workflow.chase import ending
from ntm_workflow.store.tables import Notice
from ntm_workflow.texts import ZONE
from ntm_workflow.work.audit import Action
from tests import smtp_sink
from tests.chase import outcomes_scene
from tests.chase.outcomes_scene import BODY, DAY, SAID, Office, Row, Seen, open_office, table
from tests.scene import fresh, only

ROWS = table()

# The numbers of the services' own tables, written down a second time.
KNOWN = {
    "oa": """-32 -100 -200 -201 -202 -204 -205 -207 -208 -209 -210 -211 -212 -213 -214 -215 -216
        -217 -218 -219 -220 -221 -222 -223 -224 -227 -230 -232 -233 -234 -235 -237 -238 -240 -241
        -242 -244 -248 -249 -305 -311 -320 -321 -403 401 -401 216 -118""",
    "zbs": """-100 -101 -102 -103 -104 -105 -106 -107 -108 -109 -1091 -110 -111 -112 -1121 -1122
        -1123 -1124 -113 -1131 -114 -115 -116 -117 -118 -119 -120 -1201 -1202 -121 -122 -123 -124
        -1241 -125 -126 -127 -128 -129 -130 -131 -132 -133 -135 -1351 -136 -137 -138 -1381 -139
        -140 -141 -142 -143 -144 -1441 -145 -146 -147 -1471 -1472 -148 -149 -150 -151 -152 -153
        -158 -159 -160 -161 -162""",
    "bot": "400 401 403 404 408 429 500",
    "oauth": "-14002 -14003 -14004 -14014 -118 -32",
    "mail": "421 450 451 452 454 530 535 550 551 552 553 554",
}
FAULTS = {  # what goes wrong where no number is answered, or one in another dress
    "oa": {"quoted", "refused", "silence", "lost", "http 502", "http 503"},
    "uid": {"lost"},
    "zbs": {"quoted", "refused", "silence", "lost", "http 502"},
    "bot": {"chat", "http 429", "refused", "silence", "lost", "http 502"},
    "oauth": {"quoted", "empty", "http 502", "http 200", "silence", "refused"},
    "mail": {"lost", "refused", "silence"},
}
DONE = {  # what the audit must hold beside the notice's own entry
    "unusable": Action.ADDRESS_UNUSABLE, "failed": Action.NOTICE_FAILED,
    "broken": Action.CHANNEL_BROKEN,
}  # fmt: skip


@pytest.fixture(scope="module")
def office(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """All of the table on one SQLite database: delivered once, looked at, delivered again."""
    var = tmp_path_factory.mktemp("outcomes")
    with lived(f"sqlite:///{var / 'ntm.db'}", plan, var, ROWS) as found:
        found.live_on()
        yield found


def lived(url: str, plan: Plan, var: Path, rows: list[Row]):  # type: ignore[no-untyped-def]
    from contextlib import contextmanager

    @contextmanager
    def act() -> Iterator[Office]:
        with smtp_sink.running(password="bi-mat") as sink:
            scene = fresh(url, only(plan, "III.1"), var, mail_url=sink.url)
            with open_office(scene, rows, sink) as made:
                made.live()
                yield made
            scene.rt.engine.dispose()

    return act()


def test_the_table_has_a_line_for_every_number_and_every_fault() -> None:
    for channel, codes in KNOWN.items():
        listed = {row.code for row in ROWS if row.channel == channel and row.code}
        assert listed == set(codes.split()), channel
    for channel, faults in FAULTS.items():
        assert faults <= {row.fault for row in ROWS if row.channel == channel}, channel
    assert len({(row.channel, row.code) for row in ROWS if row.code}) == 48 + 72 + 7 + 6 + 12 + 4
    assert len(ROWS) == 181


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_it_ends_as_the_table_says_and_its_pages_say_so(office: Office, row: Row) -> None:
    check(row, office.seen[row])


def test_each_class_on_postgresql_ends_as_the_table_says(
    plan: Plan, postgres_url: str, tmp_path: Path
) -> None:
    """One line of each channel, class and state."""
    sample = list({(row.channel, row.outcome, row.state): row for row in ROWS}.values())
    with lived(postgres_url, plan, tmp_path, sample) as office:
        for row in sample:
            check(row, office.seen[row])
        assert len(sample) > 25
        assert office.scene.broken_audit() is None


def check(row: Row, seen: Seen) -> None:
    notice = seen.notice
    assert (notice.outcome, notice.state, notice.code) == (row.outcome, row.state, row.code)
    assert seen.circuit.state == row.circuit
    assert seen.usable == (row.address == "ok")
    (tried,) = seen.tried
    assert (tried.outcome, tried.code, tried.detail) == (row.outcome, row.code, notice.error)
    check_fallback(row, seen)
    check_time(row, seen)
    check_audit(row, seen)
    check_pages(row, seen)


def check_fallback(row: Row, seen: Seen) -> None:
    other = "bot" if row.channel == "mail" else "mail"
    found = [(one.channel, one.state) for one in seen.instead]
    assert found == ([(other, "sent")] if row.fallback == "yes" else [])


def check_time(row: Row, seen: Seen) -> None:
    now = datetime.combine(DAY, time(8), ZONE)
    tomorrow = datetime.combine(DAY + timedelta(days=1), time(6, 5), ZONE)
    minute = timedelta(minutes=1)
    first, last = {
        "backoff": (now, now + 4 * minute),
        "minute": (now + minute, now + 2 * minute),
        "pause": (now + minute, now + 2 * minute),
        "morning": (tomorrow, tomorrow + 8 * minute),
        "six": (tomorrow, tomorrow + 8 * minute),
        "-": (datetime.min.replace(tzinfo=UTC), now),
    }[row.again]
    assert first <= seen.notice.not_before <= last


def check_audit(row: Row, seen: Seen) -> None:
    wanted = {DONE[word] for word in (row.address, row.state, row.circuit) if word in DONE}
    assert wanted <= seen.actions
    assert not (set(DONE.values()) - wanted) & seen.actions


def check_pages(row: Row, seen: Seen) -> None:
    page = read(seen.page)
    assert row.words in page
    if row.state == "unknown":
        assert "hệ thống không tự gửi lại" in page
        assert "Hãy hỏi người nhận" in page
    if row.code and row.channel != "mail":
        said = "Bad Request: chat not found" if row.fault == "chat" else SAID
        said = "HTTP 429" if row.fault == "http 429" else f"{row.code} {said}"
        assert f"“{said}”" in page or said == "HTTP 429"
    if row.channel == "mail" and row.code:
        assert f"“{row.code} {row.fault.partition(' ')[2]}”" in page
    (section,) = (
        part for part in seen.channels.split("<section")[1:] if f">{row.name}</span>" in part
    )
    others = ("lost", "refused", "silence")  # mail's list is of five, and what they are comes later
    assert row.words in read(section) or (row.channel == "mail" and row.fault in others)
    if row.circuit == "broken":
        assert "đang hỏng" in read(section)
        assert row.words in seen.alert  # the office is told through another channel
    elif row.code in ("-211", "-248"):
        assert row.words in seen.alert
    else:
        assert seen.alert == ""


def read(page: str) -> str:
    without = re.sub(r"<(style|head)\b.*?</\1>|<[^>]+>", " ", page, flags=re.S)
    return " ".join(html.unescape(without).split())


# -- what comes after -----------------------------------------------------------------


def test_free_text_in_doubt_is_sent_again_once_and_is_then_for_a_person(office: Office) -> None:
    doubted = [row for row in office.later if row.outcome == "ambiguous"]
    assert len(doubted) == 8
    for row in doubted:
        seen = office.later[row]
        assert (seen.notice.state, len(seen.tried)) == ("unknown", 2), row
        assert "Hệ thống đã gửi lại một lần" in read(seen.page)
        assert "Đã tới nơi" in read(seen.page)


def test_a_bots_quota_met_twice_waits_for_the_morning(office: Office) -> None:
    for row in (row for row in office.later if row.code == "429"):
        morning = datetime.combine(DAY + timedelta(days=2), time(6, 5), ZONE)
        assert office.later[row].notice.state == "pending"
        assert office.later[row].notice.not_before >= morning


def test_a_send_that_fails_without_a_reason_is_tried_a_few_times_and_then_elsewhere(
    office: Office,
) -> None:
    (row,) = (row for row in office.later if row.code == "-200")
    seen = office.later[row]
    assert (seen.notice.state, len(seen.tried)) == ("failed", ending.FEW)
    assert [(one.channel, one.state) for one in seen.instead] == [("mail", "sent")]
    assert seen.usable
    assert "đã chuyển sang kênh khác" in read(seen.page)


def test_the_audit_of_it_all_verifies(office: Office) -> None:
    assert office.scene.broken_audit() is None
    assert office.scene.task(f"III.1/2020-06/{BODY}").state == "open"


# -- in English, and whatever the number ------------------------------------------------


def test_the_pages_say_it_in_english_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = {because_of(row): row for row in ROWS if row not in office.later}
    monkeypatch.setenv("NTM_LANG", "en")
    for row in list(sample.values())[::4]:
        said = because_of(row)
        assert said in read(office.read(f"/thong-bao/{office.seen[row].notice.id}")), row


def because_of(row: Row) -> str:
    kind = "mail" if row.channel == "mail" else outcomes_scene.KINDS[row.channel]
    return because.because(kind, row.outcome, row.code)


ACTS = re.compile(
    r"[Hh]ãy |cần |Cần |Chưa phải làm gì|Hệ thống (tự|thử)|tự đi|không biết (tin|đã)|đã nhận tin"
)
ACTS_EN = re.compile(
    r"must|Ask |ask |Check |Mend |Show |Nothing to do|It is (sent|tried)|Use |use |Look |Upgrade"
    r"|Renew|Top (it )?up|Tell |Add |Send |buy |nobody knows|took the message|tried"
)


def test_every_sentence_says_what_to_do_in_both_languages() -> None:
    then = ("again", "waits", "replaced", "nobody_told", "unknown_paid", "unknown_twice", "said",
            "technical", "counted")  # fmt: skip
    found = {
        key: (said[-1], texts.catalogue("texts", "en")[key][-1])
        for key, said in texts.catalogue("texts", "vi").items()
        if key.startswith("because.") and key.removeprefix("because.") not in then
    }
    assert len(found) > 85
    for key, (vietnamese, english) in found.items():
        assert ACTS.search(vietnamese), key
        assert ACTS_EN.search(english), key
        assert not re.search(r"-?\d{3,}", vietnamese + english), key  # words, not a number
    assert {f"because.{one}" for one in Outcome} <= found.keys()


def test_every_exact_sentence_is_there_and_each_is_used() -> None:
    topics = {
        f"because.{kind}.{outcome}.{topic}"
        for (kind, outcome), found in because._TOPICS.items()
        for topic in found.values()
    }
    exact = {
        key
        for key in texts.catalogue("texts", "vi")
        if key.startswith("because.") and key.count(".") == 3 and not key.endswith(".silent")
    }
    assert topics == exact


def test_a_number_that_nobody_knows_is_said_in_words_as_well() -> None:
    assert "Người quản trị cần" in because.because("zbs", "config", "-999")
    assert because.because("apprise", "ambiguous", "") == texts.say("because.ambiguous")
    assert because.because("mail", "of tomorrow", "") == texts.say("because.other")


# -- when it is tried again ---------------------------------------------------------------


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


@pytest.mark.parametrize(("spread", "more"), [(0.0, 0), (0.999999, 8)])
@pytest.mark.parametrize(
    ("now", "morning"),
    [(at(22), at(6, 5, DAY + timedelta(days=1))), (at(23, 59), at(6, 5, DAY + timedelta(days=1))),
     (at(0), at(6, 5)), (at(6, 4), at(6, 5)), (at(6, 5), at(6, 5, DAY + timedelta(days=1)))],
)  # fmt: skip
def test_a_night_is_over_at_five_past_six_and_not_for_everybody_at_once(
    monkeypatch: pytest.MonkeyPatch, now: datetime, morning: datetime, spread: float, more: int
) -> None:
    monkeypatch.setattr(random, "random", lambda: spread)
    found = ending.again_at(Notice(tries=1), Result(Outcome.NIGHT), now.astimezone(UTC))
    assert 0 <= (morning + timedelta(minutes=more) - found).total_seconds() < 1


@pytest.mark.parametrize("tries", [1, 2, 3, 5, 8, 40])
def test_a_pause_is_anything_up_to_twice_the_one_before_and_never_over_six_hours(
    monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    longest = min(timedelta(minutes=2) * 2 ** min(tries, 20), timedelta(hours=6))
    for spread in (0.0, 0.25, 0.999999):
        monkeypatch.setattr(random, "random", lambda spread=spread: spread)
        found = ending.again_at(Notice(tries=tries), Result(Outcome.TRANSIENT), at(8)) - at(8)
        assert abs(found - longest * spread) < timedelta(seconds=1)


def test_a_limit_by_the_minute_waits_for_the_next_minute_and_longer_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = Result(Outcome.TRANSIENT, again=Again.MINUTE)
    now = at(8, 3) + timedelta(seconds=41)
    monkeypatch.setattr(random, "random", lambda: 0.0)
    assert ending.again_at(Notice(tries=1), over, now) == at(8, 4)
    assert ending.again_at(Notice(tries=9), over, now) == at(8, 4)
    monkeypatch.setattr(random, "random", lambda: 0.5)
    later = [ending.again_at(Notice(tries=tries), over, now) for tries in (1, 2, 3, 50)]
    assert later == [at(8, 4) + timedelta(seconds=30 * 2**n) for n in (0, 1, 2)] + [
        at(8, 4) + timedelta(minutes=180)
    ]
