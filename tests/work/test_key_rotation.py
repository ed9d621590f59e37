"""A new key opens all that was kept with the old one, which goes when nothing needs it."""

from __future__ import annotations

import base64
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select

from ntm_workflow.errors import ConfigError, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import keys as store
from ntm_workflow.store.tables import Account, AuditEntry, Base, Channel, Contact, Inbound
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit, backups, channels, key_rotation, links
from ntm_workflow.work.contacts import By
from tests.conftest import ROOT
from tests.scene import SYSTEM

SECRETS = ("tok-9999-bí-mật", "JBSWY3DPEHPK3PXP", "thư riêng của bà Chi")
CLEAR = {  # binary columns that hold nothing to hide
    "audit.prev", "audit.hash", "audit_head.hash", "signed_head.hash", "signed_head.key",
    "signed_head.signature", "plan_version.text",
}  # fmt: skip


@pytest.fixture
def full(rt: Runtime) -> Runtime:
    """One secret of each kind, and five mails so that there are several batches."""
    token, totp, mail = (one.encode() for one in SECRETS)
    with rt.sessions.begin() as session:
        channels.put(session, "bot", "zalobot", token.decode(), rt.keys, now=rt.now(), actor=SYSTEM)
        session.add(Account(login="an", name="An", role="administrator", made_at=rt.now(),
                            totp=rt.keys.hide(totp)))  # fmt: skip
        session.add_all(
            Inbound(channel=MAIL, key=f"m{n}", received_at=rt.now(), raw=rt.keys.hide(mail))
            for n in range(5)
        )
        session.add(Inbound(channel="bot", key="b", received_at=rt.now(), raw=b"{}"))
    return rt


def opened(rt: Runtime) -> set[str]:
    """What is kept encrypted, as a process that starts now reads it."""
    keys = store.load(rt.settings.key_file)
    with rt.reader() as session:
        kept = [*session.scalars(select(Channel.secret).where(Channel.secret.is_not(None))),
                *session.scalars(select(Account.totp)),
                *session.scalars(select(Inbound.raw).where(Inbound.channel == MAIL))]  # fmt: skip
    return {keys.reveal(one).decode() for one in kept if one}


def test_everything_is_moved_to_the_new_key_and_the_old_one_can_go(full: Runtime) -> None:
    before = full.settings.key_file if full.keys else None
    assert before
    old = before.read_text().strip()
    moved = key_rotation.rotate(full, SYSTEM)
    assert moved == {"channel.secret": 1, "account.totp": 1, "inbound.raw": 5}
    assert before.read_text().split()[1:] == [old]
    assert opened(full) == set(SECRETS)
    assert key_rotation.drop(full, SYSTEM) == 1
    assert old not in before.read_text()
    assert before.stat().st_mode & 0o077 == 0
    assert opened(full) == set(SECRETS)
    with pytest.raises(Refused, match=r"keys\.only_one"):
        key_rotation.drop(full, SYSTEM)
    with full.reader() as session:
        assert audit.verify(session) is None


def test_a_rotation_that_was_killed_goes_on_with_the_same_key(
    full: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = full.keys.names[0]
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    append, left = audit.append, [5]

    def dies(*args: Any, **more: Any) -> int:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return append(*args, **more)

    monkeypatch.setattr(audit, "append", dies)
    with pytest.raises(KeyboardInterrupt):
        key_rotation.rotate(full, SYSTEM)
    monkeypatch.setattr(audit, "append", append)
    half = full.keys.names
    assert len(half) == 2
    assert opened(full) == set(SECRETS)
    with pytest.raises(Refused, match=r"keys\.still_hidden"):
        key_rotation.drop(full, SYSTEM, force=True)
    left_over = key_rotation.rotate(full, SYSTEM)
    assert 0 < sum(left_over.values()) < 7
    assert full.keys.names == half
    assert half[1] == old
    assert key_rotation.rotate(full, SYSTEM)["inbound.raw"] == 5  # a third key: all anew
    assert len(full.keys.names) == 3


def test_a_process_that_runs_takes_up_the_new_key_by_itself(full: Runtime) -> None:
    running = store.load(full.settings.key_file)
    hidden = running.hide(b"x")
    key_rotation.rotate(full, SYSTEM)
    fresh = store.load(full.settings.key_file)
    assert fresh.newest.reveal(running.hide(b"y")) == b"y"  # it hides with the new one
    assert running.reveal(fresh.hide(b"z")) == b"z"
    with pytest.raises(ConfigError):
        fresh.newest.reveal(hidden)


def test_a_link_that_was_sent_keeps_the_old_key_until_it_ends(full: Runtime) -> None:
    with full.sessions.begin() as session:
        contact = Contact(name="An")
        session.add(contact)
        session.flush()
        token = links.token(full.keys, links.make(session, contact.id, 45, By(SYSTEM, full.now())))
    key_rotation.rotate(full, SYSTEM)
    with full.reader() as session:
        assert links.held(session, full.keys, token, full.now()).state == "live"
        later = full.now() + timedelta(days=46)
        assert key_rotation.needed(session, full.keys, later).links == 0
    with pytest.raises(Refused, match=r"keys\.still_links"):
        key_rotation.drop(full, SYSTEM)
    assert len(full.keys.names) == 2
    assert key_rotation.drop(full, SYSTEM, force=True) == 1


def test_what_no_key_opens_is_counted_and_left_alone(full: Runtime) -> None:
    stranger = store.Keys((b"z" * 32,)).hide(b"x")
    with full.sessions.begin() as session:
        session.add(Inbound(channel=MAIL, key="z", received_at=full.now(), raw=stranger))
    key_rotation.rotate(full, SYSTEM)
    with full.reader() as session:
        assert key_rotation.needed(session, full.keys, full.now()).lost == {"inbound.raw": 1}
        assert session.scalars(select(Inbound.raw).where(Inbound.key == "z")).one() == stranger


def test_every_binary_column_is_moved_or_holds_nothing_to_hide() -> None:
    """Whoever adds a column says which of the two it is."""
    binary = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert {one.name for one in key_rotation.HIDDEN} == binary - CLEAR


def test_no_secret_stands_in_clear_in_a_backup_the_audit_the_log_or_an_error(
    full: Runtime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In a backup without the keys nothing opens; searched byte by byte, also as base64."""
    caplog.set_level(logging.DEBUG)
    key_rotation.rotate(full, SYSTEM)
    made = tmp_path / "made"
    backups.make(full, made, actor=SYSTEM)
    keys = full.settings.key_file.read_text("ascii").split()
    every = [*SECRETS, *keys, *(base64.urlsafe_b64decode(key).hex() for key in keys)]
    shapes = {shape for one in every for shape in (one.encode(), base64.b64encode(one.encode()))}
    read = [path for path in made.rglob("*") if path.is_file()]
    assert len(read) >= 2
    for path in read:
        found = path.read_bytes()
        assert not [shape for shape in shapes if shape in found], path
    with full.reader() as session:
        told = " ".join(f"{e.actor} {e.subject} {e.data}" for e in session.scalars(
            select(AuditEntry)))  # fmt: skip
        with pytest.raises(ConfigError) as refused:
            store.Keys((b"q" * 32,)).reveal(session.scalars(select(Channel.secret)).first() or b"")
    for text in (told, caplog.text, str(refused.value), repr(full), repr(full.settings)):
        assert not [one for one in every if one in text]


def test_only_these_places_hide_anything() -> None:
    """A new caller of `hide` that keeps what it made belongs into HIDDEN."""
    package = ROOT / "ntm_workflow"
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if ".hide(" in path.read_text("utf-8")
    }
    kept = {"chase/hooks.py", "chase/tokens.py", "work/channels.py",  # channel.secret
            "work/second_factor.py",  # account.totp, and a form that lives for minutes
            "chase/incoming.py", "work/key_rotation.py"}  # fmt: skip
    assert found == kept | {"web/single_sign_on.py"}  # a cookie that lives for minutes
