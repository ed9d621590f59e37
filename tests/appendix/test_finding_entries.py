"""The [[finding]] tables of a file: kept as they are, and each fault in them said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Finding, Quote
from ntm_workflow.errors import AppendixFaults
from tests.conftest import ROOT

FILE = (ROOT / "config" / "appendix.toml").read_text("utf-8")
ENTRY = """
[[finding]]
code = "count.names"
where = "phần II"
data = { count = 3, noun = "xã", named = 2, names = "Vũ Lễ, Tân Lập" }
quotes = [["phần II", "03 xã (Vũ Lễ, Tân Lập)"]]
"""


def faults(entry: str) -> list[tuple[str, str]]:
    with pytest.raises(AppendixFaults) as error:
        toml_file.parse((FILE + entry).encode())
    return [(one.code, one.where) for one in error.value.faults]


def change(old: str, new: str) -> Callable[[], str]:
    assert old in ENTRY
    return lambda: ENTRY.replace(old, new)


def test_an_entry_is_kept_with_its_quotes_and_stands_among_the_findings() -> None:
    plan = toml_file.parse((FILE + ENTRY).encode())
    data: dict[str, object] = {"count": 3, "noun": "xã", "named": 2, "names": "Vũ Lễ, Tân Lập"}
    kept = Finding("count.names", "phần II", data, (Quote("phần II", "03 xã (Vũ Lễ, Tân Lập)"),))
    assert plan.paper[-1] == kept
    assert kept in plan.findings


@pytest.mark.parametrize(
    ("entry", "code", "key"),
    [
        (change("count.names", "count.name"), "finding.unknown", "code"),
        (change("count.names", "criteria.count"), "finding.unknown", "code"),
        (change("named = 2, ", ""), "finding.data", "data"),
        (change('[["phần II", "03 xã (Vũ Lễ, Tân Lập)"]]', '["phần II"]'), "key.type", "quotes"),
        (change('[["phần II", "03 xã (Vũ Lễ, Tân Lập)"]]', '[["phần II"]]'), "key.type", "quotes"),
        (change("count = 3", "count = 3.5"), "key.type", "data"),
        (change("where =", "place ="), "key.unknown", "place"),
    ],
)
def test_an_entry_that_cannot_be_said_is_a_fault_at_its_place(
    entry: Callable[[], str], code: str, key: str
) -> None:
    number = FILE.count("[[finding]]") + 1
    assert (code, f"finding #{number} {key}") in faults(entry())


def test_a_file_without_entries_is_sound() -> None:
    head, _, _ = FILE.partition("[[finding]]")
    assert toml_file.parse(head.encode()).paper == ()
