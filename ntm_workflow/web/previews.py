"""A look at evidence that can run nothing: pictures as they are, pages of a PDF as pictures.

What a file is its first bytes say, never its name. A PDF is drawn by a process of
its own, bounded in time and memory; what comes back is pictures and nothing else.
"""

from __future__ import annotations

import logging
import subprocess  # nosec B404
import sys
import threading
from collections import OrderedDict
from pathlib import Path

log = logging.getLogger("ntm.web")
PAGES = 10  # of a PDF that are drawn
SECONDS = 20  # that drawing may take
POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
_KEPT = 12  # documents whose pages stay in memory
_AT_ONCE = threading.Semaphore(2)
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif", b"GIF89a": "image/gif",
}  # fmt: skip


def kind(path: Path) -> str:
    """ "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"; "" for others."""
    try:
        with path.open("rb") as file:
            start = file.read(1024)
    except OSError:
        return ""
    if start.startswith(b"%PDF-"):
        return "application/pdf"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((name for mark, name in _PICTURES.items() if start.startswith(mark)), "")


class Previews:
    """The pages of PDF files as PNG, drawn when they are first asked for."""

    def __init__(self) -> None:
        self._drawn: OrderedDict[str, tuple[int, list[bytes]]] = OrderedDict()
        self._lock = threading.Lock()

    def pages(self, path: Path) -> tuple[int, list[bytes]]:
        """How many pages a PDF has, and the first few; (0, []) where it cannot be drawn."""
        with self._lock:
            known = self._drawn.get(path.name)
        if known is None:
            with _AT_ONCE:
                known = _draw(path)
            with self._lock:
                self._drawn[path.name] = known
                while len(self._drawn) > _KEPT:
                    self._drawn.popitem(last=False)
        return known


def _draw(path: Path) -> tuple[int, list[bytes]]:
    command = [sys.executable, "-m", "ntm_workflow.web.pdf_pages", str(path), str(PAGES)]
    try:
        done = subprocess.run(  # noqa: S603 # nosec B603
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SECONDS, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        log.info("pdf not drawn why=%s", type(error).__name__)
        return 0, []
    return _told(done.stdout)


def _told(said: bytes) -> tuple[int, list[bytes]]:
    """What the process says: the number of pages, then each picture behind its length."""
    total, at, pages = int.from_bytes(said[:4], "big"), 4, []
    while at < len(said):
        size = int.from_bytes(said[at : at + 4], "big")
        pages.append(said[at + 4 : at + 4 + size])
        at += 4 + size
    return total, pages
