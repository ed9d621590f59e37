"""A real IMAP server on loopback, with one mailbox, for those who read mail."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from imap_tools import MailBoxUnencrypted, MailMessage

HOST, USER, PASSWORD = "127.0.0.1", "traloi", "mat khau"
ADDRESS = "traloi@bacson.example.vn.invalid"


@dataclass(frozen=True)
class Imap:
    """The server's port, and what a person does at the mailbox."""

    port: int

    @property
    def url(self) -> str:
        login = f"{USER}:{PASSWORD.replace(' ', '%20')}"
        return f"imap://{login}@{HOST}:{self.port}/INBOX?address={ADDRESS}"

    @contextmanager
    def open(self) -> Iterator[MailBoxUnencrypted]:
        with MailBoxUnencrypted(HOST, self.port, timeout=20).login(USER, PASSWORD) as box:
            yield box

    def put(self, *mails: bytes) -> None:
        """Let mails arrive, in this order."""
        with self.open() as box:
            for mail in mails:
                box.append(mail, "INBOX")

    def lying(self, folder: str = "INBOX") -> list[MailMessage]:
        """What lies in a folder, as a mail program reads it."""
        with self.open() as box:
            if not box.folder.exists(folder):
                return []
            box.folder.set(folder)
            return list(box.fetch(mark_seen=False))

    def empty(self) -> None:
        with self.open() as box:
            for folder in filter(box.folder.exists, ("INBOX", "Processed")):
                box.folder.set(folder)
                box.delete(box.uids())


@contextmanager
def running() -> Iterator[Imap]:
    """A server that answers until the block ends."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    start = "import sys; from pymap.main import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "--host", HOST, "--port", str(port), "--no-tls",
               "dict", "--demo-data", "--demo-user", USER, "--demo-password", PASSWORD]  # fmt: skip
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        _wait(port, server)
        yield Imap(port)
    finally:
        server.terminate()
        server.wait(10)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, "the IMAP server did not start"
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the IMAP server does not answer")
