"""The ways that one run of delivery may use, and what it learns of them."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.channels.result import Outcome, Result
from ntm_workflow.chase import alerts, circuits, pace, ways
from ntm_workflow.chase.ways import Way
from ntm_workflow.errors import ConfigError
from ntm_workflow.store.tables import Channel
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work.audit import Actor

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

GIVE_UP_AFTER = 3  # failures of a channel in a row: what else it has to send waits
_NOT_ITS_FAULT = (Outcome.TRANSIENT, Outcome.AUTH, Outcome.CONFIG, Outcome.QUOTA, Outcome.NIGHT)
_EARLY = datetime.min.replace(tzinfo=UTC)


class OpenWays:
    """The open ways of one run: `ready` are those that may be used.

    A way that fails `GIVE_UP_AFTER` times in a row rests for this run. What only
    a person can mend breaks its circuit as well.
    """

    def __init__(self, rt: Runtime, now: datetime, actor: Actor, by_hand: bool) -> None:
        self._rt, self._actor = rt, actor
        self._opened: list[Way] = []
        self._failed: Counter[str] = Counter()
        self.ready: dict[str, Way] = {}
        self.trouble, self.no_mail = "", not rt.settings.mail_url
        with rt.reader() as session:
            known = session.scalars(select(Channel).where(Channel.state != "closed")).all()
        self._broken = {one.name for one in known if one.state == "broken"}
        self._pace = {one.name: one.per_minute for one in known if one.per_minute}
        self._mail = {one.name for one in known if one.kind == MAIL}
        self._busy: dict[str, datetime] = {}
        for channel in known:
            if channel.kind == MAIL and self.no_mail:
                continue
            if by_hand or channel.name not in self._broken or _over(channel.retry_at, now):
                self._open(channel, now)

    def _open(self, channel: Channel, now: datetime) -> None:
        try:
            self.ready[channel.name] = ways.opened(self._rt, channel)
            self._opened.append(self.ready[channel.name])
        except ConfigError as error:
            if channel.kind == MAIL:
                raise
            result = Result(Outcome.CONFIG, str(error))
            circuits.tripped(self._rt, channel.name, result, now, self._actor)

    def learnt(self, name: str, state: str, result: Result, now: datetime) -> None:
        """Count what came of one try, and break or close the circuit."""
        alerts.note(self._rt, name, result, now, self._actor)
        if result.outcome in (Outcome.AUTH, Outcome.CONFIG):
            circuits.tripped(self._rt, name, result, now, self._actor)
            self._broken.add(name)
        elif state == "sent" and name in self._broken:
            circuits.mended(self._rt, name, now, self._actor)
            self._broken.discard(name)
        self._failed[name] = self._failed[name] + 1 if result.outcome in _NOT_ITS_FAULT else 0
        if self._failed[name] >= GIVE_UP_AFTER:
            self.trouble = result.detail
            del self.ready[name]

    def bundled(self) -> list[str]:
        """The ways whose messages leave in bundles: mail without a pace that is well."""
        return [name for name in self.ready if self._in_bundles(name)]

    def single(self) -> list[str]:
        """The other ways that may be used at this instant."""
        return [
            name for name in self.ready
            if not self._in_bundles(name) and self._busy.get(name, _EARLY) <= _clock()
        ]  # fmt: skip

    def _in_bundles(self, name: str) -> bool:
        return name in self._mail and name not in self._pace and name not in self._broken

    def take(self, session: Session, name: str) -> bool:
        """True where the pace of a way allows a message now; else the way rests a moment."""
        if (per_minute := self._pace.get(name)) is None:
            return True
        now = _clock()
        if pace.taken(session, name, per_minute, now):
            return True
        self._busy[name] = now + pace.gap(per_minute)
        return False

    def wait(self) -> bool:
        """Wait until a way that rests is free again; False where none rests."""
        resting = [until for name, until in self._busy.items() if name in self.ready]
        ahead = [until for until in resting if until > _clock()]
        if not ahead:
            return False
        time.sleep(max(0.0, (min(ahead) - _clock()).total_seconds()))
        return True

    def close(self) -> None:
        for way in self._opened:
            way.close()


def _clock() -> datetime:
    """The real clock, which providers count by."""
    return datetime.now(UTC)


def _over(moment: datetime | None, now: datetime) -> bool:
    return moment is None or moment <= now
