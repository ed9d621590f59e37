"""Strange input, and the requests that are made of it: what fuzzing draws from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import strategies as st

from tests.scene import ROOT

PACKAGE = ROOT / "ntm_workflow"
LONG = "ơ" * 20_000
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64 + 1, 10**40)
WORDS = (
    "", " ", "\x00", "a\x00b", "\ufeff", "\u202egpj.exe", "a\u200db", "e\u0301", "\ufffd", "..",
    "../../etc/passwd", "..\\..\\x", "%00", "%2e%2e%2f", "{{7*7}}", "{0}", "%s%n", "'; --",
    '"><b>',
    "=1+1", "http://[::1", "\r\nBcc: a@b.vn", "<!-- -->", "٣", "１２", "²", "Ⅳ", "ßẞ", "İı", "🧨",
    "\ud7ff", "null", "true", "NaN", "Infinity", "1e400", "-0", "0x10", "2020-02-30",
    "31/6/2020", "0000-00-00", "9999-12-31", "99999-01-01", "01/01/0001", "2020-Q5", "2020-13",
    "x" * 300, LONG,
    *map(str, NUMBERS),
)  # fmt: skip


def text(most: int = 60) -> st.SearchStrategy[str]:
    """Words known to hurt, and any text that a browser can send: no lone surrogates."""
    drawn = st.text(st.characters(exclude_categories=["Cs"]), max_size=most)
    return st.sampled_from(WORDS) | drawn


# -- what our own pages and code call things ------------------------------------------


def _found(pattern: str, glob: str) -> list[str]:
    said = (path.read_text("utf-8") for path in sorted((PACKAGE / "web").rglob(glob)))
    return sorted({one for page in said for one in re.findall(pattern, page)})


FIELDS = _found(r'\bname="([a-z_]+)"', "*.html") + _found(r'\.get(?:list)?\("([a-z_]+)"', "*.py")
PLAIN = _found(r'"([a-z]+(?:-[a-z]+)*)"', "*.py")  # the words that acts and filters go by


@dataclass(frozen=True)
class Known:
    """What is there on the pages that are fuzzed: parts of addresses that lead somewhere."""

    parts: dict[str, list[str]]
    values: list[str]
    pages: list[str] = field(default_factory=list)  # pages with forms


@dataclass(frozen=True)
class Asked:
    """One request. `who` names a visitor; `ours` whether the form carries its token."""

    method: str
    path: str
    who: str
    ours: bool
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    raw: bytes | None = None
    headers: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Filled:
    """A form of a page as it was drawn, with some fields filled in strangely.

    `which` is the number of the form on the page, `changes` (number of the field,
    what is put there; None leaves the field out), both counted round and round.
    """

    page: str
    who: str
    which: int
    changes: list[tuple[int, str | None]]
    files: list[tuple[str, bytes]] = field(default_factory=list)


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route."""
    return sorted(
        (method, route.path) for route in _routes(app) for method in (route.methods or ())
    )


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        yield from (one for one in (inner.routes if inner else [route])
                    if isinstance(one, APIRoute))  # fmt: skip


@st.composite
def requests(
    draw: Callable[[Any], Any], method: str, path: str, known: Known, visitors: tuple[str, ...]
) -> Asked:
    """A request to one route: half of what it is made of is as it should be."""
    value = text() | st.sampled_from(known.values) | st.sampled_from(PLAIN)
    short = value.map(lambda said: said[:800])  # an address has no room for more
    for name in re.findall(r"\{(\w+)\}", path):
        right = st.sampled_from(known.parts.get(name) or PLAIN)
        part = draw(right | right | short)
        path = path.replace(f"{{{name}}}", quote(part, safe="") or "0", 1)
    pairs = st.lists(st.tuples(st.sampled_from(FIELDS), short), max_size=6)
    query = draw(st.just([]) | pairs)
    address = path + (f"?{urlencode(query)}" if query else "")
    if draw(st.integers(0, 15)) == 0:
        address += ("&" if query else "?") + quote(draw(st.binary(max_size=40)), safe="=&;%+")
    who = draw(st.sampled_from(visitors))
    headers = draw(st.just({}) | st.just({}) | _headers)
    if method == "GET":
        return Asked(method, address, who, True, headers=headers)
    asked = Asked(method, address, who, draw(st.sampled_from([True, True, True, False])),
                  fields=draw(st.lists(st.tuples(st.sampled_from(FIELDS), value), max_size=12)),
                  headers=headers)  # fmt: skip
    if draw(st.integers(0, 7)) == 0:
        headers = {**headers, "content-type": draw(st.sampled_from(_TYPES))}
        raw = draw(st.binary(max_size=400))
        return Asked(method, address, who, True, raw=raw, headers=headers)
    if draw(st.integers(0, 3)) == 0:
        file = st.tuples(text(), st.binary(max_size=200) | st.sampled_from(FILES))
        asked.files.extend(draw(st.lists(file, min_size=1, max_size=3)))
    return asked


@st.composite
def filled(draw: Callable[[Any], Any], known: Known, visitors: tuple[str, ...]) -> Filled:
    """A form that is filled in as it should be, but for a field or three."""
    value = text() | st.sampled_from(known.values) | st.none()
    page = draw(st.sampled_from(known.pages))
    changes = st.lists(st.tuples(st.integers(0, 40), value), min_size=1, max_size=3)
    file = st.tuples(text(), st.binary(max_size=100) | st.sampled_from(FILES))
    return Filled(page, draw(st.sampled_from(visitors)), draw(st.integers(0, 20)), draw(changes),
                  draw(st.lists(file, max_size=2)))  # fmt: skip


_TYPES = (
    b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x",
    b"multipart/form-data", b"multipart/form-data; boundary=" + b"b" * 300,
    b"application/json", b"text/plain", b"\xff\xfe",
    b"application/x-www-form-urlencoded; charset=utf-16",
)  # fmt: skip
FILES = (
    b"%PDF-1.4\n%%EOF", b"PK\x03\x04" + bytes(30), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\xff\xd8\xff",
    b"body,name,email\nbql-tan-lap,An,an@xa.example.vn\n", "Mục,Nội dung\nI,x\n".encode("utf-16"),
    b"<html><table><tr><td>I</td></tr></table></html>", b"X5O!P%@AP", bytes(1000), b"#!/bin/sh\n",
)  # fmt: skip
_headers = st.dictionaries(
    st.sampled_from(["cookie", "user-agent", "accept", "accept-language", "origin", "referer",
                     "sec-fetch-site", "x-forwarded-for", "x-zevent-signature", "range",
                     "x-bot-api-secret-token", "if-none-match", "content-length", "host"]),
    st.sampled_from([b"http://[::1", b"[", b"\xb2", b"9" * 5000, b"null", b"a@b",
                     b"127.0.0.1:99999"])
    | st.binary(max_size=60).map(lambda raw: re.sub(rb"[\r\n\0]", b"", raw)),
    max_size=2,
)  # fmt: skip
