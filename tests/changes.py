"""Watching that nothing is changed without an entry in the audit, whatever a test is about.

For each transaction that commits: which tables our code wrote to, and whether
the audit was appended to in the same one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sqlalchemy import Engine, event

# What no person decides: where a run has got to, what a machine answered, what is learnt.
# Each is told of by the entry of what it belongs to, or says nothing of anybody's work.
KEEPING = {
    "alembic_version", "daily_run", "simulated_clock", "occurrence", "plan_version",
    "reminder_run", "notice", "notice_item", "notice_attempt", "notice_event", "inbound",
    "mailbox_look",  # when the mailbox was last looked into
    # What opens once and soon, and what counts wrong tries: what comes of them is told of.
    "ticket", "login_try",
    "draft",  # what is typed and not sent: nobody has done anything yet
    "swept_file",  # what is about to be removed; that it was is told of
    "owed_item",  # a temporary table of one transaction
}  # fmt: skip
# That a browser was used, and that it has not been for long; signing in and out is told of.
# That a mail came in; what a person or we make of it is told of.
ASIDE = {
    ("received_mail", "chase/incoming.py:_written"),
    ("web_session", "work/web_sessions.py:touch"),
    ("web_session", "work/web_sessions.py:forget_old"),
}
SETTING = (  # what sets the scene of a test
    ("scene.py", "put"), ("signing.py", "signed_in"), ("test_body_events.py", "register"),
)  # fmt: skip
NOTED = {"audit", "audit_head"}
_WRITES = re.compile(r'\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)', re.IGNORECASE)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect, one line each, the commits of changes that no entry tells of."""
    silent: list[str] = []

    def executed(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found = _WRITES.match(statement)
        if not found:
            return
        table = found[1].lower()
        if table in KEEPING:
            return
        place = "" if table in NOTED else _ours()
        if table in NOTED or (place and (table, place) not in ASIDE):
            connection.info.setdefault("wrote", {})[table] = place

    def committed(connection: Any) -> None:
        wrote = connection.info.pop("wrote", {})
        if wrote and not NOTED & set(wrote):
            silent.append("; ".join(f"{table} by {place}" for table, place in wrote.items()))

    def undone(connection: Any, *_: Any) -> None:
        connection.info.pop("wrote", None)

    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": executed, "commit": committed, "rollback": undone,
        "begin": undone,
    }  # fmt: skip
    for name, act in listeners.items():
        event.listen(Engine, name, act)
    try:
        yield silent
    finally:
        for name, act in listeners.items():
            event.remove(Engine, name, act)


def _ours() -> str:
    """Where our code wrote; "" where a test did, or set the scene."""
    frame: FrameType | None = sys._getframe(2)
    place = ""
    while frame is not None:
        path, name = frame.f_code.co_filename, frame.f_code.co_name
        setting = any(path.endswith(f"/{file}") and name == act for file, act in SETTING)
        if "/tests/" in path and (not place or setting):
            return ""
        if "/store/migrations/" in path:  # an upgrade is nobody's act
            return ""
        if "/ntm_workflow/" in path and not place:
            place = f"{path.rpartition('/ntm_workflow/')[2]}:{name}"
        frame = frame.f_back
    return place
