"""Reading a file in a process of its own, so that no file can take the whole machine."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import IO, Any

from ntm_workflow.appendix.importers import files, limits
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Table
from ntm_workflow.errors import Refused

_WALL = 2 * limits.SECONDS  # the machine may be busy with other things
_PAGE = re.compile(rb"page (\d+)/(\d+)")


def read(data: bytes, tell: Callable[[int, int], object] | None = None) -> Document:
    """Read a file as `files.read` does, in bounded time and memory. Raises Refused.

    `tell(page, pages)` hears how far a PDF is.
    """
    limits.size(len(data))
    with subprocess.Popen(  # noqa: S603 # nosec B603
        [sys.executable, "-m", f"{__package__}.guard"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        said = _talk(child, data, tell or (lambda _page, _pages: None))
    try:
        answer = json.loads(said)
    except ValueError:  # killed by a limit in mid-work, or by the system
        raise Refused("import.too_heavy") from None
    if "refused" in answer:
        raise Refused(answer["refused"], **answer["data"])
    return _document(answer)


def _talk(child: subprocess.Popen[bytes], data: bytes, tell: Callable[[int, int], object]) -> bytes:
    """Give the child its file, listen to its pages, and take its answer; end it when late."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    listener = threading.Thread(target=_listen, args=(child.stderr, tell), daemon=True)
    clock = threading.Timer(_WALL, stop)
    feeder = threading.Thread(target=_feed, args=(child.stdin, data), daemon=True)
    for thread in (listener, clock, feeder):
        thread.start()
    try:
        assert child.stdout is not None
        said = child.stdout.read()
        child.wait()
        if late.is_set():
            raise Refused("import.too_long", seconds=_WALL)
        return said
    finally:
        clock.cancel()
        child.kill()
        for thread in (listener, feeder):
            thread.join()


def _feed(pipe: IO[bytes] | None, data: bytes) -> None:
    assert pipe is not None
    with contextlib.suppress(OSError), pipe:  # a child that died reads no further
        pipe.write(data)


def _listen(pipe: IO[bytes] | None, tell: Callable[[int, int], object]) -> None:
    assert pipe is not None
    for line in pipe:
        if found := _PAGE.fullmatch(line.strip()):
            tell(int(found[1]), int(found[2]))


def main() -> None:
    """In the child: bound it, read the file from standard input, say what was found."""
    _bound()
    limits.told.append(lambda page, pages: print(f"page {page}/{pages}", file=sys.stderr))
    try:
        answer = asdict(files.read(sys.stdin.buffer.read()))
    except Refused as error:
        answer = {"refused": error.key, "data": error.data}
    except (MemoryError, RecursionError):
        answer = {"refused": "import.too_heavy", "data": {}}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def keep(document: Document) -> bytes:
    """A document as bytes, so that a file need not be read twice."""
    return json.dumps(asdict(document)).encode()


def kept(data: bytes) -> Document:
    return _document(json.loads(data))


def _bound() -> None:
    try:
        import resource
    except ImportError:  # not on Windows: the time limit of the parent remains
        return
    resource.setrlimit(resource.RLIMIT_CPU, (limits.SECONDS, limits.SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (limits.MEMORY, limits.MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _document(answer: dict[str, Any]) -> Document:
    return Document(answer["kind"], tuple(_block(block) for block in answer["blocks"]))


def _block(block: dict[str, Any]) -> Paragraph | Table:
    if "cells" not in block:
        return Paragraph(**block)
    cells = tuple(Cell(**{**cell, "notes": tuple(cell["notes"])}) for cell in block["cells"])
    return Table(**{**block, "cells": cells, "edges": tuple(block["edges"])})


if __name__ == "__main__":
    main()
