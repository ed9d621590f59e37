"""What the logs of a day hold when every logger says all it can: nobody's address, no secret."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.hush import masked
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Address
from ntm_workflow.work import channels
from tests.fake_zalo import BOT_TOKEN, SECRET
from tests.faults.chaos import (
    DAY,
    WAYS,
    Chance,
    accounts,
    people,
    unreliable_mail,
    unreliable_zalo,
    value,
)
from tests.scene import SYSTEM, Scene, only

CONTACTS = 41  # the last of them is known to no Zalo account
TOKENS = re.compile(r"\d-[a-z2-7]{24}|/v/(?!…)|\b[AR]T-\d|Bearer ")


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger there is, at DEBUG."""
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    before = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        yield caplog
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)


@pytest.mark.parametrize("calm", [True, False])
def test_a_day_of_delivery_tells_the_log_no_address_and_no_secret(
    everything: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    make_runtime: Callable[..., Runtime],
    database_url: str,
    plan: Plan,
    calm: bool,
) -> None:
    chance = Chance(seed=4, one_in=0 if calm else 2)
    with unreliable_zalo(chance) as zalo, unreliable_mail(chance) as mail:
        scene = Scene(make_runtime(database_url, plan=only(plan, "III.1"), mail_url=mail.url))
        scene.contact("vpdp", "vpdp-huyen")
        scene.open(date(2020, 6, 1))
        accounts(scene, zalo)
        people(scene, zalo, CONTACTS)
        other = _another_channel(scene, zalo.port)
        scene.remind(DAY)
        scene.deliver(DAY)
        assert calm or scene.states().keys() & {"pending", "unknown"}
        assert not calm or scene.states()["sent"] > CONTACTS
    said = capfd.readouterr()
    lines = [*everything.text.splitlines(), *said.out.splitlines(), *said.err.splitlines()]
    assert any("outcome=" in line for line in lines)  # what does not leave is said
    whole = {SECRET, BOT_TOKEN, other}
    whole |= {value(way, n) for way in WAYS for n in range(1, CONTACTS + 1)}
    words = re.compile("|".join(map(re.escape, whole)))
    assert [line for line in lines if words.search(line) or TOKENS.search(line)] == []


def _another_channel(scene: Scene, port: int) -> str:
    """Tell one contact through a service of Apprise too; return the address it has there."""
    there = "0912345678"
    with scene.rt.sessions.begin() as session:
        channels.put(
            session, "khac", "apprise", f"json://127.0.0.1:{port}/bot{BOT_TOKEN}/{{address}}",
            scene.rt.keys, now=scene.rt.now(), actor=SYSTEM,
        )  # fmt: skip
        session.execute(
            insert(Address).values(
                contact_id=1001, channel="khac", value=there, rank=9, always=True,
                added_at=scene.rt.now(), unusable_why="",
            )
        )  # fmt: skip
    return there


def test_an_error_of_the_database_does_not_repeat_the_values(
    make_runtime: Callable[..., Runtime], database_url: str
) -> None:
    scene = Scene(make_runtime(database_url))
    scene.contact("an", "bql-tan-lap")
    twice = {
        "contact_id": 99, "channel": "mail", "value": "binh@example.vn.invalid", "rank": 0,
        "always": False, "added_at": scene.rt.now(), "unusable_why": "",
    }  # fmt: skip
    with scene.rt.sessions() as session, pytest.raises(IntegrityError) as error:
        session.execute(insert(Address).values(**twice, id=1))  # there is one already
    assert "binh@" not in str(error.value)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Failed to send SMS to +84912345678.", "Failed to send SMS to …"),
        ("Loaded JSON URL: json://127.0.0.1/bot1:abc/99?x=1", "Loaded JSON URL: …://…"),
        (
            "Max retries exceeded with url: /bot1:abc/sendMessage",
            "Max retries exceeded with url: /…",
        ),
        ("550 <binh@example.vn>: no such user", "550 <…@…>: no such user"),
        ("mail not sent outcome=recipient", "mail not sent outcome=recipient"),
    ],
)
def test_what_apprise_says_is_masked_and_can_still_be_read(said: str, left: str) -> None:
    assert masked(said) == left
