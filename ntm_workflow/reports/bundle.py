"""The inspector's bundle: a stretch of the audit with all that is needed to check it elsewhere.

One zip: the entries in canonical form, the signed heads, the files that were
handed in, the public keys, and a verifier that needs nothing of ours
(kiem_tra.py). Its list of contents is signed.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.errors import Refused
from ntm_workflow.store import whole_file
from ntm_workflow.store.evidence_files import CHUNK, EvidenceFiles
from ntm_workflow.store.signing import Signer
from ntm_workflow.store.tables import AuditEntry, EvidenceFile, SignedHead
from ntm_workflow.texts import ZONE, clock, say
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action

FORMAT = 1
VERIFIER = Path(__file__).with_name("kiem_tra.py")
README, ENTRIES, HEADS = "DOC-TRUOC.txt", "nhat-ky.jsonl", "dau-ngay.jsonl"
FILES, FOLDER, KEYS = "minh-chung.jsonl", "minh-chung/", "khoa.pub"
LINKS = 1000  # that are named at most
LIST, SEAL = "muc-luc.json", "muc-luc.sig"


@dataclass(frozen=True, slots=True)
class Made:
    """What is in a bundle. `missing` are files that were lost before it was made."""

    first: int
    last: int
    heads: int
    files: int
    missing: tuple[str, ...]


def write(
    session: Session, store: EvidenceFiles, signer: Signer, days: tuple[date, date], out: Path,
    now: datetime,
) -> Made:  # fmt: skip
    """Write the bundle of the entries made from one day to another, both inclusive.

    Streamed: memory does not grow with the number of entries or the size of
    files. What is between the first entry of the first day and the last of the
    last is in it without a gap. One state of the database, however long it takes.

    Raises:
        Refused: nothing was done in these days, or `out` is there already.
        OSError: it could not be written; nothing of it stays.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    first, last = _stretch(session, days)
    if out.exists():
        raise Refused("bundle.exists", path=str(out))
    with whole_file.appearing(out) as file, zipfile.ZipFile(file, "w") as made:
        return _Writer(session, made, now).all(store, signer, days, first, last)


def _stretch(session: Session, days: tuple[date, date]) -> tuple[int, int]:
    start = datetime.combine(days[0], time(), ZONE)
    end = datetime.combine(days[1], time(), ZONE) + timedelta(days=1)
    query = select(func.min(AuditEntry.seq), func.max(AuditEntry.seq)).where(
        AuditEntry.at >= start, AuditEntry.at < end
    )
    first, last = session.execute(query).one()
    if first is None:
        raise Refused("bundle.empty", first=days[0], last=days[1])
    return first, last


@dataclass
class _Writer:
    """A bundle in the making; `digests` is its list of contents."""

    session: Session
    made: zipfile.ZipFile
    now: datetime
    digests: dict[str, str | None] = field(default_factory=dict)
    ends: list[str] = field(default_factory=lambda: ["", ""])
    links: list[int] = field(default_factory=list)  # entries whose hash before is another

    def all(
        self, store: EvidenceFiles, signer: Signer, days: tuple[date, date], first: int, last: int
    ) -> Made:
        handed_in: dict[str, str] = {}
        self.put(ENTRIES, self._entries(first, last, handed_in))
        heads = self._heads(first, last, days[1])
        self.put(HEADS, map(_line, heads))
        self.put(KEYS, (f"{key.hex()}\n".encode() for key in sorted(signer.trusted)))
        self.put(FILES, map(_line, self._names(handed_in)))
        missing = tuple(one for one in handed_in if not self._file(store, one))
        said = {"first": days[0], "last": days[1], "made": clock(self.now), "from_seq": first,
                "to_seq": last, "key": signer.public.hex()}  # fmt: skip
        self.put(README, [say("bundle.readme", **said).encode()])
        self.put(VERIFIER.name, [VERIFIER.read_bytes()])
        self._list(signer, days, first, last)
        return Made(first, last, len(heads), len(handed_in) - len(missing), missing)

    def put(self, name: str, parts: Iterable[bytes], pack: int = zipfile.ZIP_DEFLATED) -> None:
        """Write one member, part by part."""
        about = zipfile.ZipInfo(name, self.now.astimezone(ZONE).timetuple()[:6])
        about.compress_type, about.external_attr = pack, 0o644 << 16
        digest = hashlib.sha256()
        with self.made.open(about, "w", force_zip64=True) as target:
            for part in parts:
                digest.update(part)
                target.write(part)
        self.digests[name] = digest.hexdigest()

    def _entries(self, first: int, last: int, handed_in: dict[str, str]) -> Iterator[bytes]:
        """Each entry on a line: ["<its hash>",<its canonical form>]."""
        before = ""
        for seq, hashed, text, row in audit.lines(self.session, first, last):
            if seq == first:
                self.ends[0] = before = row.prev.hex()
            if row.prev.hex() != before:
                self.links.append(seq)
            self.ends[1] = before = hashed
            if row.action == Action.TASK_SUBMITTED:
                for sha256 in json.loads(row.data).get("files", ()):
                    handed_in.setdefault(sha256, row.subject)
            yield f'["{hashed}",{text}]\n'.encode()

    def _heads(self, first: int, last: int, until: date) -> list[dict[str, Any]]:
        """Heads of entries in it; one of these days whose entry is gone is in it too."""
        query = select(SignedHead).where(
            SignedHead.seq >= first, or_(SignedHead.seq <= last, SignedHead.day <= until)
        )
        return [
            {"day": head.day.isoformat(), "seq": head.seq, "hash": head.hash.hex(),
             "key": head.key.hex(), "signature": head.signature.hex()}
            for head in self.session.scalars(query.order_by(SignedHead.day))
        ]  # fmt: skip

    def _names(self, handed_in: dict[str, str]) -> Iterator[dict[str, Any]]:
        """What each file was called when it was handed in."""
        for sha256, task in handed_in.items():
            query = select(EvidenceFile.name).where(EvidenceFile.sha256 == sha256)
            name = self.session.scalar(query.order_by(EvidenceFile.id).limit(1))
            yield {"sha256": sha256, "name": name or "", "task": task}

    def _file(self, store: EvidenceFiles, sha256: str) -> bool:
        """Put a file in as it is, whatever it has become; False where it is gone."""
        try:
            source = store.raw(sha256)
        except FileNotFoundError:
            self.digests[FOLDER + sha256] = None
            return False
        with source:
            self.put(FOLDER + sha256, _parts(source), zipfile.ZIP_STORED)
        self.digests[FOLDER + sha256] = sha256  # what it must be, not what it is
        return True

    def _list(self, signer: Signer, days: tuple[date, date], first: int, last: int) -> None:
        told = {
            "format": FORMAT, "from": days[0].isoformat(), "to": days[1].isoformat(),
            "made_at": self.now.isoformat(), "first": first, "last": last,
            "before": self.ends[0], "end": self.ends[1], "files": self.digests,
            "links": self.links[:LINKS],
        }  # fmt: skip
        raw = json.dumps(told, ensure_ascii=False, indent=1).encode()
        self.put(LIST, [raw])
        self.put(SEAL, [f"{signer.public.hex()} {signer.sign(raw).hex()}\n".encode()])


def _line(about: dict[str, Any]) -> bytes:
    return json.dumps(about, ensure_ascii=False).encode() + b"\n"


def _parts(source: BinaryIO) -> Iterator[bytes]:
    while part := source.read(CHUNK):
        yield part
