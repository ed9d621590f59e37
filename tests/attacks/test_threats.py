"""The threat model names a test for each threat; each of them is there."""

from __future__ import annotations

import ast
import re

from tests.scene import ROOT


def test_every_test_that_the_threat_model_names_is_there() -> None:
    page = (ROOT / "docs" / "threats.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 40
    missing = []
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text("utf-8")) if (ROOT / file).exists() else None
        if tree is None or name not in {
            n.name for n in tree.body if isinstance(n, ast.FunctionDef)
        }:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_every_threat_has_a_test() -> None:
    page = (ROOT / "docs" / "threats.md").read_text("utf-8")
    tables = page.partition("## Nhật ký bị viết lại")[2].partition("## Điều hệ thống không")[0]
    lines = [line for line in tables.splitlines() if line.startswith("| ") and "---" not in line]
    bare = [line for line in lines if "::test_" not in line]
    assert {line.split("|")[1].strip() for line in bare} <= {"mối đe dọa", "sự cố"}
