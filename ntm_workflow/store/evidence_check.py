"""What every file of evidence goes through before it is kept, and where it is kept then."""

from __future__ import annotations

import logging
from pathlib import Path

from ntm_workflow.errors import Refused
from ntm_workflow.settings import Settings
from ntm_workflow.store import clamd, file_kind
from ntm_workflow.store.clamd import Clamd
from ntm_workflow.store.evidence_files import EvidenceFiles

log = logging.getLogger("ntm")


def files(settings: Settings) -> EvidenceFiles:
    """The evidence store that the settings name. Raises ConfigError."""
    check, folder = Check(settings), settings.var / "evidence"
    if not settings.evidence_url:
        return EvidenceFiles(folder, settings.evidence_limit, check)
    from ntm_workflow.store.bucket_files import BucketFiles  # only who has one pays for it

    return BucketFiles(settings.evidence_url, folder, settings.evidence_limit, check)


class Check:
    """By content: is this kind of file taken, and does the scanner find anything in it?"""

    def __init__(self, settings: Settings) -> None:
        self._scanner = Clamd(settings.clamd_url) if settings.clamd_url else None
        self._wait = settings.clamd_away == "wait"

    def __call__(self, path: Path, name: str) -> tuple[str, str]:
        """Return the kind of a file and its scan: "clean", "waiting" or "" without a scanner.

        Raises:
            Refused: a kind that is not taken, something was found, or the scanner is
                away and nothing may wait for it.
        """
        kind = file_kind.of(path, name)
        try:
            return kind, self.scan(path, name)
        except clamd.Away as error:
            log.warning("scanner away: %s", error)
            if not self._wait:
                raise Refused("evidence.scanner_away", name=name) from error
            return kind, "waiting"

    def scan(self, path: Path, name: str) -> str:
        """ "clean", or "" where there is no scanner. Raises Refused, clamd.Away."""
        if self._scanner is None:
            return ""
        if found := self._scanner.scan(path):
            raise Refused("evidence.infected", name=name, found=found)
        return "clean"
