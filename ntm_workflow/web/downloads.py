"""Files that somebody sent in, only ever as downloads: what is in them cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import StreamingResponse

from ntm_workflow.errors import NotFound
from ntm_workflow.store.evidence_files import CHUNK, EvidenceFiles

_KIND = "application/octet-stream"


def stored(files: EvidenceFiles, sha256: str, name: str, size: int) -> Response:
    """A file of the store, read whole and held against its hash before a byte of it leaves.

    Raises:
        NotFound: it is not there, has changed since it was handed in, or the store is away.
    """
    with ExitStack() as until_sent:
        try:
            source = until_sent.enter_context(files.opened(sha256, name))
        except OSError as error:
            raise NotFound("file.store_away", name=name) from error
        kept = until_sent.pop_all()
    headers = {**_headers(name), "content-length": str(size)}
    return StreamingResponse(_parts(source, kept), media_type=_KIND, headers=headers)


def held(data: bytes, name: str) -> Response:
    """A file that is at hand."""
    return Response(data, media_type=_KIND, headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {
        "content-disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}",
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
    }


def _parts(source: BinaryIO, kept: ExitStack) -> Iterator[bytes]:
    with kept:
        while part := source.read(CHUNK):
            yield part
