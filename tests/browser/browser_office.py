"""A real browser on a real server: where Chromium is, and what a person does in it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from ntm_workflow.runtime import Runtime
from ntm_workflow.web.app import create_app

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome")
     if (path := shutil.which(name))),
    None,
)  # fmt: skip
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@contextmanager
def served(rt: Runtime) -> Iterator[str]:
    """The application behind a real server on a port of its own; yields its address."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(rt), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [held]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def a_file(folder: Path) -> Path:
    """A document as a clerk would name it."""
    path = folder / "Báo cáo rà soát.pdf"
    path.write_bytes(b"%PDF-1.4\n" + b"x" * 5_000)
    return path
