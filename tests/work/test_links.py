"""Personal links: what opens, for how long, what revokes them, and that nothing else opens."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from ntm_workflow.errors import NotFound
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import AuditEntry, Contact, PersonalLink
from ntm_workflow.work import links
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By
from tests.scene import Scene

NOW = datetime(2020, 6, 22, 1, 0, 0, 123_456, tzinfo=UTC)
BY = By(Actor("kiểm thử", via="test"), NOW)
DAYS = 45


@pytest.fixture
def town(rt: Runtime) -> Runtime:
    scene = Scene(rt)
    scene.contact("tan-lap", "bql-tan-lap")
    scene.contact("vu-le", "bql-vu-le")
    return rt


@pytest.fixture
def contact(town: Runtime) -> int:
    return number(town, "tan-lap")


def number(rt: Runtime, name: str) -> int:
    with rt.reader() as session:
        return session.scalars(select(Contact.id).where(Contact.name == name)).one()


def made(rt: Runtime, contact: int) -> tuple[int, str]:
    with rt.sessions.begin() as session:
        link = links.make(session, contact, DAYS, BY)
        return link.id, links.token(rt.keys, link)


def state(rt: Runtime, token: str, now: datetime = NOW) -> str:
    with rt.reader() as session:
        return links.held(session, rt.keys, token, now).state


def unknown(rt: Runtime, token: str) -> bool:
    try:
        state(rt, token)
    except NotFound as error:
        return error.key == "link.unknown"
    return False


def test_a_link_opens_for_its_days_and_not_a_second_longer(town: Runtime, contact: int) -> None:
    _, token = made(town, contact)
    end = NOW + timedelta(days=DAYS)
    assert state(town, token) == state(town, token, end - timedelta(seconds=1)) == "live"
    assert state(town, token, end) == "expired"
    assert state(town, token.upper()) == "live"  # typed from paper


def test_a_link_says_whose_it_is(town: Runtime, contact: int) -> None:
    _, token = made(town, contact)
    with town.reader() as session:
        assert links.held(session, town.keys, token, NOW).contact.id == contact


def test_no_altered_or_invented_link_opens(town: Runtime, contact: int) -> None:
    number_, token = made(town, contact)
    other, _ = made(town, contact)
    seal = token.partition("-")[2]
    for at, letter in enumerate(seal):
        for new in set(string.ascii_lowercase + "234567") - {letter}:
            if at in (0, 11, 23):
                assert unknown(town, f"{number_}-{seal[:at]}{new}{seal[at + 1 :]}")
    for wrong in (f"{other}-{seal}", f"0{token}", f"{token}a", token[:-1], f" {token}", "",
                  f"{number_}-", "999999999-" + seal, "9" * 30 + "-" + seal, f"{token}\n",
                  f"{number_}-{'é' * 24}", f"\u0661-{seal}", seal):  # fmt: skip
        assert unknown(town, wrong), wrong


def test_a_link_of_another_key_opens_nothing_and_of_an_older_one_it_does(
    town: Runtime, contact: int
) -> None:
    number_, token = made(town, contact)
    first, second = b"1" * 32, b"2" * 32
    with town.reader() as session:
        link = session.get_one(PersonalLink, number_)
        old = links.token(Keys((first,)), link)
        with pytest.raises(NotFound):
            links.held(session, town.keys, old, NOW)
        with pytest.raises(NotFound):
            links.held(session, Keys((second,)), old, NOW)
        assert links.held(session, Keys((second, first)), old, NOW).state == "live"
        assert links.token(Keys((second, first)), link) != old != token


@pytest.mark.parametrize("change", ["contact_id", "version", "expires_at"])
def test_a_record_altered_in_the_database_opens_nothing(
    town: Runtime, contact: int, change: str
) -> None:
    _, token = made(town, contact)
    value = {
        "contact_id": number(town, "vu-le"), "version": 7,
        "expires_at": NOW + timedelta(days=999),
    }[change]  # fmt: skip
    with town.sessions.begin() as session:
        session.execute(update(PersonalLink).values({change: value}))
    assert unknown(town, token)


def test_revoking_by_contact_revokes_all_of_its_links_and_nobody_elses(
    town: Runtime, contact: int
) -> None:
    mine = [made(town, contact)[1] for _ in range(2)]
    _, theirs = made(town, number(town, "vu-le"))
    with town.sessions.begin() as session:
        links.revoke_all(session, session.get_one(Contact, contact), BY)
    late = NOW + timedelta(days=2 * DAYS)
    assert {state(town, one) for one in mine} == {"revoked"} == {state(town, mine[0], late)}
    assert state(town, theirs) == "live"
    assert state(town, made(town, contact)[1]) == "live"


def test_revoking_one_link_leaves_the_others(town: Runtime, contact: int) -> None:
    (first, token), (_, other) = made(town, contact), made(town, contact)
    with town.sessions.begin() as session:
        one = session.get_one(Contact, contact)
        for _ in range(2):
            links.revoke(session, one, first, BY)
        stranger = session.get_one(Contact, number(town, "vu-le"))
        for wrong in (999, first):
            with pytest.raises(NotFound):
                links.revoke(session, stranger, wrong, BY)
    assert (state(town, token), state(town, other)) == ("revoked", "live")
    with town.reader() as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject == f"contact/{contact}")
        ).all()
    assert [one for one in actions if one.startswith("link.")] == [
        "link.made", "link.made", "link.revoked",
    ]  # fmt: skip


def test_a_contact_out_of_use_has_no_link_that_opens(town: Runtime, contact: int) -> None:
    _, token = made(town, contact)
    with town.sessions.begin() as session:
        session.get_one(Contact, contact).active = False
    assert state(town, token) == "revoked"


def test_a_link_is_used_again_while_it_opens_long_enough(town: Runtime, contact: int) -> None:
    first, _ = made(town, contact)

    def current(day: int) -> int | None:
        with town.reader() as session:
            found = links.current(session, contact, NOW + timedelta(days=day), DAYS)
            return found.id if found else None

    assert [current(day) for day in (0, 15, 16)] == [first, first, None]
    with town.sessions.begin() as session:
        links.revoke(session, session.get_one(Contact, contact), first, BY)
    assert current(0) is None


def test_nothing_in_the_database_opens_a_link(
    town: Runtime, contact: int, make_dump: Callable[[Runtime], str]
) -> None:
    _, token = made(town, contact)
    assert token.partition("-")[2] not in make_dump(town).lower()


@pytest.fixture
def make_dump() -> Callable[[Runtime], str]:
    def dump(rt: Runtime) -> str:
        from ntm_workflow.store.tables import Base

        with rt.reader() as session:
            return repr([session.execute(select(t)).all() for t in Base.metadata.sorted_tables])

    return dump


def test_a_text_is_kept_without_its_link(town: Runtime, contact: int) -> None:
    _, token = made(town, contact)
    text = f'<a href="https://x.vn/v/{token}/viec/12">Nộp</a> https://x.vn/v/{token} /viec/12'
    kept = links.masked(text)
    assert token not in kept
    assert kept == '<a href="https://x.vn/v/…/viec/12">Nộp</a> https://x.vn/v/… /viec/12'
