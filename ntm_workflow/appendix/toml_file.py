"""appendix.toml → Plan. Every fault at once, each with its line, row, key and candidates."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

from ntm_workflow.appendix import findings, toml_plan
from ntm_workflow.appendix.model import Fault, Plan
from ntm_workflow.appendix.places import Places
from ntm_workflow.appendix.toml_tables import Tables
from ntm_workflow.errors import AppendixFaults


def load(path: Path) -> Plan:
    """Read and check an appendix file.

    Raises:
        AppendixFaults: the file cannot be used; carries every fault with its place.
    """
    return parse(read(path), str(path))


def read(path: Path) -> bytes:
    """The bytes of an appendix file. Raises AppendixFaults where they cannot be had."""
    try:
        return path.read_bytes()
    except OSError as error:
        fault = Fault(0, "", "fault.file.unreadable", "file.unreadable", {"why": error.strerror})
        raise AppendixFaults(str(path), (fault,)) from error


def parse(data: bytes, name: str = "appendix.toml") -> Plan:
    """Read and check the bytes of an appendix file; `name` is for messages."""
    if faults := _bad_encoding(data):
        raise AppendixFaults(name, faults)
    text = data.decode("utf-8")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AppendixFaults(name, (_syntax_fault(text, error),)) from error
    tables = Tables(tree, Places(text))
    plan = toml_plan.read(tables)
    if tables.faults:
        raise AppendixFaults(name, tuple(sorted(tables.faults, key=lambda f: f.line)))
    assert plan is not None
    plan = replace(plan, digest=hashlib.sha256(data).hexdigest())
    return replace(plan, findings=findings.find(plan))


def tidy(data: bytes) -> bytes:
    """The same file without a BOM, with LF line ends, in NFC. Undecodable bytes raise."""
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text).encode("utf-8")


def _bad_encoding(data: bytes) -> tuple[Fault, ...]:
    def fault(code: str, line: int = 1, **details: Any) -> Fault:
        return Fault(line, "", f"fault.{code}", code, details)

    if not data.strip():
        return (fault("file.empty", 0),)
    found: list[Fault] = []
    if data.startswith(b"\xef\xbb\xbf"):
        found.append(fault("file.bom"))
    if (at := data.find(b"\r")) >= 0:
        found.append(fault("file.crlf", data.count(b"\n", 0, at) + 1))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return (*found, fault("file.not_utf8", line))
    if not unicodedata.is_normalized("NFC", text):
        lines = text.split("\n")
        bad = (n for n, ln in enumerate(lines, 1) if not unicodedata.is_normalized("NFC", ln))
        line = next(bad, 1)
        found.append(fault("file.nfd", line, text=lines[line - 1].strip()[:60]))
    return tuple(found)


def _syntax_fault(text: str, error: tomllib.TOMLDecodeError) -> Fault:
    message = str(error)
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(place[1]) if place else text.count("\n") + 1
    reason = re.sub(r"\s*\(at .*\)$", "", message)
    quote = text.split("\n")[line - 1].strip()[:60]
    if "Cannot declare" in reason and "'plan'" in reason:
        return Fault(line, "[plan]", "fault.plan.twice", "plan.twice", {})
    return Fault(line, "", "fault.toml.syntax", "toml.syntax", {"why": reason, "text": quote})
