"""Reading a file in a process of its own, so that no file can take the whole machine."""

from __future__ import annotations

import json
import subprocess  # nosec B404
import sys
from dataclasses import asdict
from typing import Any

from ntm_workflow.appendix.importers import files, limits
from ntm_workflow.appendix.importers.document import Cell, Document, Paragraph, Table
from ntm_workflow.errors import Refused

_WALL = 2 * limits.SECONDS  # the machine may be busy with other things


def read(data: bytes) -> Document:
    """Read a file as `files.read` does, in bounded time and memory. Raises Refused."""
    limits.size(len(data))
    try:
        done = subprocess.run(  # noqa: S603 # nosec B603
            [sys.executable, "-m", f"{__package__}.guard"],
            input=data, capture_output=True, timeout=_WALL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Refused("import.too_long", seconds=_WALL) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:  # killed by a limit in mid-work, or by the system
        raise Refused("import.too_heavy") from None
    if "refused" in answer:
        raise Refused(answer["refused"], **answer["data"])
    return _document(answer)


def main() -> None:
    """In the child: bound it, read the file from standard input, say what was found."""
    _bound()
    try:
        answer = asdict(files.read(sys.stdin.buffer.read()))
    except Refused as error:
        answer = {"refused": error.key, "data": error.data}
    except (MemoryError, RecursionError):
        answer = {"refused": "import.too_heavy", "data": {}}
    sys.stdout.buffer.write(json.dumps(answer).encode())


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
