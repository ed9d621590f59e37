"""The whole way: a document and a register → a draft, its bytes, and the proof of both."""

from __future__ import annotations

from dataclasses import dataclass

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.importers import assemble, coverage, sentences, writer
from ntm_workflow.appendix.importers.assemble import Import
from ntm_workflow.appendix.importers.coverage import Coverage
from ntm_workflow.appendix.importers.document import Document
from ntm_workflow.appendix.importers.known import Known
from ntm_workflow.appendix.importers.pieces import NO_ANSWERS, Answers
from ntm_workflow.appendix.model import Fault, Plan
from ntm_workflow.errors import AppendixFaults


@dataclass(frozen=True)
class Made:
    """A draft, ready to be kept. `plan` is what it reads as, None while it has `faults`."""

    found: Import
    written: bytes
    coverage: Coverage
    plan: Plan | None
    faults: tuple[Fault, ...]


def make(
    document: Document, known: Known, source: str = "", by_hand: dict[str, int] | None = None,
    said: Answers = NO_ANSWERS,
) -> Made:  # fmt: skip
    """Make the draft of a document; `source` is its name. Raises Refused."""
    found = assemble.assemble(document, known, by_hand, said)
    written = writer.write(found.draft, sentences.ask, source, sentences.answered)
    proof = coverage.check(found, written)
    try:
        return Made(found, written, proof, toml_file.parse(written), ())
    except AppendixFaults as error:
        return Made(found, written, proof, None, error.faults)
