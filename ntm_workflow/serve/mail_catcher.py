"""A mail server on loopback that keeps what it is given, for simulations and trials.

    python -m ntm_workflow.serve.mail_catcher --port 8025 --dir var/mail

Each message becomes one .eml file named after its Message-ID, so that one sent
twice shows as two files.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from ntm_workflow.serve.supervisor import ready

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Caught:
    """One message as listed: its headers, decoded, and when it came in (UTC)."""

    path: Path
    message_id: str
    subject: str
    sender: str
    to: str
    date: datetime


def caught(folder: Path, limit: int | None = None) -> list[Caught]:
    """List the newest messages first; reads the headers of `limit` files only."""
    newest = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [_listed(path) for path in newest[:limit]]


def find(folder: Path, message_id: str) -> list[Path]:
    """The files of one Message-ID, in the order they came in; two if it came twice."""
    found = folder.glob(f"{_digest(message_id)}.*.eml")
    return sorted(found, key=lambda path: int(path.name.split(".")[1]))


def read(path: Path) -> EmailMessage:
    """Return the whole message."""
    return BytesParser(EmailMessage, policy=default).parsebytes(path.read_bytes())


def keep(folder: Path, content: bytes, sender: str | None, recipients: list[str]) -> Path:
    """Store a message under a new name. It appears whole or not at all."""
    headers = BytesHeaderParser(policy=default).parsebytes(content)
    envelope = [f"Return-Path: <{sender or ''}>", *(f"Delivered-To: {to}" for to in recipients)]
    draft = folder / f".{secrets.token_hex(8)}.tmp"
    draft.write_bytes("".join(f"{line}\r\n" for line in envelope).encode() + content)
    try:
        return next(_linked(draft, folder, str(headers.get("Message-ID", ""))))
    finally:
        draft.unlink()


def _linked(draft: Path, folder: Path, message_id: str) -> Iterator[Path]:
    for number in itertools.count(1):
        path = folder / f"{_digest(message_id)}.{number}.eml"
        try:
            os.link(draft, path)  # unlike a rename, never takes the place of another
        except FileExistsError:
            continue
        yield path


def _digest(message_id: str) -> str:
    return hashlib.sha256(message_id.strip().encode()).hexdigest()


def _listed(path: Path) -> Caught:
    with path.open("rb") as file:
        headers = BytesHeaderParser(policy=default).parse(file)
    return Caught(
        path=path,
        message_id=str(headers.get("Message-ID", "")),
        subject=str(headers.get("Subject", "")),
        sender=str(headers.get("From", "")),
        to=str(headers.get("To", "")),
        date=datetime.fromtimestamp(path.stat().st_mtime, UTC),
    )


class Keeper:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        keep(self.folder, content, envelope.mail_from, envelope.rcpt_tos)
        return "250 OK"


async def serve(folder: Path, port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    loop, keeper = asyncio.get_running_loop(), Keeper(folder)
    server = await loop.create_server(
        lambda: SMTP(keeper, enable_SMTPUTF8=True, hostname="localhost", loop=loop), HOST, port
    )
    ready()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep every mail that is sent here.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.dir, options.port))


if __name__ == "__main__":
    main()
