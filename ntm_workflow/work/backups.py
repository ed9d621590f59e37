"""Backups as something that was done: an entry for each, and the rotation of the nightly ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ntm_workflow.errors import Refused
from ntm_workflow.store import backup
from ntm_workflow.store.backup import About
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

_NIGHTLY = re.compile(r"ntm-\d{4}-\d{2}-\d{2}")


def make(rt: Runtime, out: Path, *, actor: Actor, with_key: bool = False,
         like: Path | None = None) -> About:  # fmt: skip
    """Make a backup and write down that there is one. Raises as `backup.make` does.

    The entry is not in the backup: it is made once that is there.
    """
    made = backup.make(rt.settings, out, rt.now(), with_key=with_key, like=like)
    data = {"file": out.name, "seq": made.seq, "with_key": with_key}
    with rt.sessions.begin() as session:
        audit.append(session, actor, rt.now(), [Entry(Action.BACKUP_MADE, "backup", data)])
    return made


def nightly(rt: Runtime, *, actor: Actor) -> Path:
    """Make today's backup unless it is there, read it back, and drop the oldest.

    None is dropped while the newest does not read back.

    Raises:
        Refused: the new one does not read back; it stays, to be looked at.
        OSError: it could not be written.
    """
    folder = rt.settings.backups
    folder.mkdir(parents=True, exist_ok=True)
    out, older = folder / f"ntm-{rt.today().isoformat()}", kept(folder)
    if out not in older:
        make(rt, out, actor=actor, like=older[-1] if older else None)
    if bad := next(backup.damaged(out), None):
        raise Refused(f"backup.{bad.why}", path=str(out), name=bad.name)
    for one in kept(folder)[: -rt.settings.backup_keep]:
        shutil.rmtree(one)
    for left in folder.glob(".ntm-*.part"):  # of one that was killed; it runs one at a time
        shutil.rmtree(left, ignore_errors=True)
    return out


def kept(folder: Path) -> list[Path]:
    """The nightly backups of a folder, oldest first."""
    return sorted(path for path in folder.glob("ntm-*") if _NIGHTLY.fullmatch(path.name))


def restored(rt: Runtime, place: Path, told: About, *, actor: Actor) -> None:
    """Write down, in what was restored, from which backup and by whom."""
    data = {"file": place.name, "seq": told.seq, "made_at": told.made_at}
    with rt.sessions.begin() as session:
        audit.append(session, actor, rt.now(), [Entry(Action.BACKUP_RESTORED, "backup", data)])
