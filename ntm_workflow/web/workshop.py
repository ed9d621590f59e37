"""Files on their way to a plan: read one or two at a time, kept as read, understood again."""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request

from ntm_workflow import __version__
from ntm_workflow.appendix.importers import answers, guard, known, limits
from ntm_workflow.appendix.importers.document import Document, Table
from ntm_workflow.appendix.importers.drafting import Made
from ntm_workflow.appendix.importers.known import Known
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.evidence_files import EvidenceFiles, Stored
from ntm_workflow.store.tables import ImportDraft
from ntm_workflow.work import import_drafts, plans
from ntm_workflow.work.audit import Actor

log = logging.getLogger("ntm.web")
AT_ONCE = 2  # files that are read at the same time
WAITING = 8  # files that may wait for their turn
MOST_ROWS = 800  # of a file's tables: more is no appendix, and takes seconds for each answer
MOST_QUESTIONS = 500  # that a new file may raise: nobody answers more
_KEPT = 16  # drafts as understood, and documents as read, that stay in memory


@dataclass(slots=True)
class Reading:
    """One file that is being read. `stage` is wait, read, page, make, done or refused."""

    token: str
    name: str
    stage: str = "wait"
    page: int = 0
    pages: int = 0
    draft: int = 0
    refused: Refused | None = None


class Workshop:
    """Reads files in processes of their own and remembers what it understood of them."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.files = EvidenceFiles(rt.settings.var / "import", limits.FILE)
        self._turn = threading.Semaphore(AT_ONCE)
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._documents: OrderedDict[Any, Document] = OrderedDict()
        self._made: OrderedDict[Any, Made] = OrderedDict()
        self._lock = threading.Lock()

    # -- a file comes in ---------------------------------------------------------

    def start(self, stored: Stored, by: Actor) -> Reading:
        """Begin to read a file that is in the store. Raises Refused where too many wait."""
        with self._lock:
            busy = [one for one in self._readings.values() if one.stage not in ("done", "refused")]
            if len(busy) >= AT_ONCE + WAITING:
                raise Refused("nhap.busy")
            reading = Reading(secrets.token_urlsafe(12), stored.name)
            _remember(self._readings, reading.token, reading, 100)
        threading.Thread(target=self._read, args=(reading, stored, by), daemon=True).start()
        return reading

    def reading(self, token: str) -> Reading | None:
        return self._readings.get(token)

    def _read(self, reading: Reading, stored: Stored, by: Actor) -> None:
        try:
            with self._turn:
                reading.stage = "read"
                reading.draft = self._draft_of(stored, reading, by)
            reading.stage = "done"
        except Refused as error:
            self._forget(stored)
            log.info("file refused key=%s size=%d", error.key, stored.size)
            reading.refused, reading.stage = error, "refused"
        except Exception:
            self._forget(stored)
            log.exception("file cannot be read size=%d", stored.size)
            reading.refused, reading.stage = Refused("import.damaged"), "refused"

    def _draft_of(self, stored: Stored, reading: Reading, by: Actor) -> int:
        def tell(page: int, pages: int) -> None:
            reading.stage, reading.page, reading.pages = "page", page, pages

        document = guard.read(self.files.path(stored.sha256).read_bytes(), tell)
        rows = sum(table.height for table in document.tables)
        if rows > MOST_ROWS:
            raise Refused("nhap.too_long", count=rows, limit=MOST_ROWS)
        reading.stage = "make"
        asked = self._questions(document, stored.name)
        if asked > MOST_QUESTIONS:
            raise Refused("nhap.too_many_questions", count=asked, limit=MOST_QUESTIONS)
        self._keep(stored.sha256, document)
        with self.rt.sessions.begin() as session:
            draft = import_drafts.create(session, stored, asked, now=self.rt.now(), actor=by)
            return draft.id

    def _questions(self, document: Document, name: str) -> int:
        """How many questions a new file has; one where a person must point at the table."""
        try:
            made = answers.make(document, self.known(), {}, name)
        except Refused as error:
            if error.key == "import.no_table" and unread(document):
                return 1
            raise
        return len({ask.key for ask in made.found.draft.asks})

    def _forget(self, stored: Stored) -> None:
        """Nothing is kept of a file that was refused, unless a draft had it before."""
        with self.rt.reader() as session:
            if import_drafts.of_file(session, stored.sha256):
                return
        self.files.path(stored.sha256).unlink(missing_ok=True)
        self._as_read(stored.sha256).unlink(missing_ok=True)

    # -- what is known of it -----------------------------------------------------

    def document(self, draft: ImportDraft) -> Document:
        """The file as it was read. Raises NotFound where it is gone from the store."""
        found = self._documents.get(draft.sha256)
        if found is None:
            found = self._again(draft)
            with self._lock:
                _remember(self._documents, draft.sha256, found, _KEPT)
        return found

    def _again(self, draft: ImportDraft) -> Document:
        try:
            return guard.kept(self._as_read(draft.sha256).read_bytes())
        except (OSError, ValueError, TypeError, KeyError):  # gone, or of another version of us
            pass
        try:
            data = self.files.path(draft.sha256).read_bytes()
        except OSError:
            raise NotFound("nhap.file_lost", name=draft.name) from None
        document = guard.read(data)
        self._keep(draft.sha256, document)
        return document

    def _keep(self, digest: str, document: Document) -> None:
        path = self._as_read(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{secrets.token_hex(4)}")
        new.write_bytes(guard.keep(document))
        new.replace(path)

    def _as_read(self, digest: str) -> Path:
        return self.files.path(digest).with_name(f"{digest}.{__version__}.json")

    def known(self) -> Known:
        """The bodies of the running plan: the register that imports begin with."""
        return known.load(self._register())

    def _register(self) -> bytes:
        """The text whose bodies are known: the installation's file, else the running plan's."""
        path = self.rt.settings.appendix
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return self._register_of_running()
        except OSError as error:
            raise Refused("import.unreadable", path=str(path), why=error.strerror) from error

    def _register_of_running(self) -> bytes:
        rt = self.rt.refreshed()
        with rt.reader() as session:
            return plans.text_of(session, rt.plan.id)

    def made(self, draft: ImportDraft, said: dict[str, Any] | None = None) -> Made:
        """The draft as understood with its answers, or with `said` instead. Raises Refused."""
        given = draft.answers if said is None else said
        register = self._register()
        text = json.dumps(given, sort_keys=False).encode()
        key = (draft.sha256, sha256(text).digest(), sha256(register).digest())
        found = self._made.get(key)
        if found is None:
            base = known.load(register)
            found = answers.make(self.document(draft), base, given, draft.name)
            with self._lock:
                _remember(self._made, key, found, _KEPT)
        return found


def unread(document: Document) -> list[Table]:
    """The tables that may be an appendix though nothing says so, the tallest first."""
    found = [one for one in document.tables if one.height >= 2 and one.width >= 2]
    return sorted(found, key=lambda one: -one.height)


def _remember(memory: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > most:
        memory.popitem(last=False)


def shop(request: Request) -> Workshop:
    """The workshop of this server."""
    found: Workshop = request.app.state.workshop
    return found
