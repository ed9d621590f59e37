"""A file's bytes → a document: the reader that its content asks for."""

from __future__ import annotations

import importlib

from ntm_workflow.appendix.importers import limits, sniff
from ntm_workflow.appendix.importers.document import Document
from ntm_workflow.errors import Refused

_READERS = {"docx": "word", "xlsx": "excel", "html": "web", "pdf": "pdf", "txt": "plain"}


def read(data: bytes) -> Document:
    """Read a file whatever its name says. Nothing in it is run, resolved or fetched.

    Takes the time and memory that the file makes it take, within the limits;
    `guard.read` bounds both for a file that nobody vouches for.

    Raises:
        Refused: a file that cannot or must not be read; says what to do.
    """
    limits.size(len(data))
    if not data.strip():
        raise Refused("import.empty")
    kind = sniff.kind(data)
    reader = importlib.import_module(f"{__package__}.{_READERS[kind]}")
    document: Document = reader.read(data)
    limits.rows(sum(table.height for table in document.tables))
    if not document.blocks:
        raise Refused("import.empty")
    return document
