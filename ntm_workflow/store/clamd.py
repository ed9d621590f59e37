"""ClamAV by its socket: one file, one INSTREAM. Source: clamd(8), "COMMANDS"."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from urllib.parse import urlsplit

from ntm_workflow.errors import ConfigError

PORT = 3310
TIMEOUT_SECONDS = 30
PING_SECONDS = 3
_CHUNK = 1 << 16
_LONGEST_ANSWER = 4096


class Away(Exception):
    """The scanner cannot be asked, or gave no verdict; says why."""


class Clamd:
    """A scanner at "unix:/run/clamav/clamd.ctl" or "tcp://127.0.0.1:3310"."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError: no such address."""
        try:
            parts = urlsplit(url)
            self._tcp = (parts.hostname or "", parts.port or PORT)
        except ValueError as error:
            raise ConfigError("clamd.url", url=url) from error
        self._path = parts.path if parts.scheme == "unix" else ""
        if not self._path.startswith("/") and not (parts.scheme == "tcp" and self._tcp[0]):
            raise ConfigError("clamd.url", url=url)

    def scan(self, path: Path) -> str:
        """The name of what was found in a file; "" where it is clean. Raises Away."""
        try:
            with self._connected(TIMEOUT_SECONDS) as link, path.open("rb") as source:
                link.sendall(b"zINSTREAM\0")
                while chunk := source.read(_CHUNK):
                    link.sendall(struct.pack(">I", len(chunk)) + chunk)
                link.sendall(struct.pack(">I", 0))
                said = _answer(link)
        except OSError as error:
            raise Away(type(error).__name__) from error
        return _verdict(said)

    def ping(self) -> None:
        """Ask whether it is there, for a few seconds. Raises Away."""
        try:
            with self._connected(PING_SECONDS) as link:
                link.sendall(b"zPING\0")
                said = _answer(link)
        except OSError as error:
            raise Away(type(error).__name__) from error
        if said != "PONG":
            raise Away(said[:100] or "no answer")

    def _connected(self, seconds: float) -> socket.socket:
        if not self._path:
            return socket.create_connection(self._tcp, seconds)
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(seconds)
        try:
            link.connect(self._path)
        except OSError:
            link.close()
            raise
        return link


def _answer(link: socket.socket) -> str:
    said = b""
    while b"\0" not in said and len(said) < _LONGEST_ANSWER and (part := link.recv(1024)):
        said += part
    return said.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _verdict(said: str) -> str:
    """ "stream: OK" → "", "stream: Eicar-Signature FOUND" → "Eicar-Signature"."""
    told = said.removeprefix("stream: ")
    if told == "OK":
        return ""
    if told.endswith(" FOUND"):
        return told.removesuffix(" FOUND")
    raise Away(said[:100] or "no answer")
