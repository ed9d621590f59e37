"""Every use case and every form leads to the audit: read from the code itself.

The tests of pages and use cases watch what is really written (changes.py);
this one finds the use case that nobody wrote a test for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text

from ntm_workflow.runtime import Runtime
from ntm_workflow.web.app import create_app
from tests import changes
from tests.conftest import ROOT

PACKAGE = ROOT / "ntm_workflow"
ACTING = {"actor", "by"}
# Take an actor and change nothing of their own.
CHANGE_NOTHING: set[str] = set()
# Forms that change nothing that is kept: what is typed is read, shown or asked for again.
NOT_KEPT = {"/ngon-ngu"}  # a cookie in the browser


@pytest.fixture(autouse=True)
def told() -> None:
    """Here somebody forgets on purpose."""


@cache
def leading_to_the_audit() -> frozenset[str]:
    """What reaches `audit.append`, however far: "work.tasks.cancel", "web.acts.ACTS"."""
    uses = {name: names for path in sorted(PACKAGE.rglob("*.py")) for name, names in _uses(path)}
    reached = {"work.audit.append"}
    while more := {name for name, names in uses.items() if names & reached} - reached:
        reached |= more
    return frozenset(reached)


def _uses(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Each function, method, class and value of a module, and what of ours it names."""
    module = _module(path)
    tree = ast.parse(path.read_text("utf-8"))
    known = dict(_imported(tree))
    local = {name for name, _ in _named(tree)}
    for name, node in _named(tree):
        found = set()
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and (one.id in known or one.id in local):
                found.add(known.get(one.id, f"{module}.{one.id}"))
            elif isinstance(one, ast.Attribute):
                owner = one.value.id if isinstance(one.value, ast.Name) else ""
                found.add(f"{known.get(owner, module)}.{one.attr}")
        yield f"{module}.{name}", found


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ntm_workflow"):
            inside = (node.module or "").removeprefix("ntm_workflow").lstrip(".")
            for one in node.names:
                yield one.asname or one.name, f"{inside}.{one.name}".lstrip(".")


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id, node


def use_cases() -> list[str]:
    """Public functions of work/ and chase/ that take a session or a runtime, and somebody."""
    found = []
    for room in ("work", "chase"):
        for path in sorted((PACKAGE / room).glob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    names = [arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)]
                    if names[:1] in (["session"], ["rt"]) and ACTING & set(names):
                        found.append(f"{room}.{path.stem}.{node.name}")
    return found


def test_every_use_case_in_which_somebody_acts_leads_to_the_audit() -> None:
    cases = use_cases()
    assert len(cases) > 40
    assert set(cases) - leading_to_the_audit() == CHANGE_NOTHING


def test_what_only_reads_does_not_count_as_leading_there() -> None:
    for name in ("reports.counts.counts", "work.audit.verify", "chase.digest.compose"):
        assert name not in leading_to_the_audit()


def test_every_form_leads_to_the_audit(rt: Runtime) -> None:
    posts = {}
    for route in _routes(create_app(rt)):
        if "POST" in (route.methods or ()):
            place = Path(route.endpoint.__code__.co_filename)
            posts[route.path] = f"{_module(place)}.{route.endpoint.__name__}"
    assert len(posts) > 10
    silent = {path for path, name in posts.items() if name not in leading_to_the_audit()}
    assert silent == NOT_KEPT


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        found = inner.routes if inner else [route]
        yield from (one for one in found if isinstance(one, APIRoute))


def test_a_use_case_that_forgets_its_entry_is_seen(rt: Runtime) -> None:
    from ntm_workflow.store import schema

    with changes.watched() as silent, rt.sessions.begin() as session:
        session.execute(text("UPDATE contact SET name = name"))  # a test's own: not counted
    assert silent == []
    forgetful = compile(
        "def rename(session, text):\n    session.execute(text('UPDATE contact SET name = name'))",
        str(Path(schema.__file__).with_name("forgetful.py")), "exec",
    )  # fmt: skip
    space: dict[str, Any] = {}
    exec(forgetful, space)
    with changes.watched() as silent, rt.sessions.begin() as session:
        space["rename"](session, text)
    assert silent == ["contact by store/forgetful.py:rename"]
    with changes.watched() as silent, rt.sessions() as session:
        space["rename"](session, text)
        session.rollback()
    assert silent == []
