"""What is taken as evidence and what is not, by its content; the virus scanner."""

from __future__ import annotations

import contextlib
import hashlib
import io
import socket
import socketserver
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.commands import doctor
from ntm_workflow.errors import ConfigError, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import clamd as clamd_client
from ntm_workflow.store import evidence_check, file_kind
from ntm_workflow.store.clamd import Clamd
from ntm_workflow.store.tables import EvidenceFile
from ntm_workflow.texts import has, say
from ntm_workflow.work import hand_in, scanning, tasks
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.hand_in import Paper
from tests.scene import SYSTEM, Scene, only

TASK, DAY = "III.1/2020-06/bql-tan-lap", date(2020, 6, 16)
TYPES = ("[Content_Types].xml", b"<Types/>")


def archive(*members: tuple[str, bytes], locked: bool = False) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, data in members:
            file.writestr(name, data)
    data = made.getvalue()
    if locked:  # the flag of each member, in its own header and in the list
        for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            start = data.find(sign)
            while start >= 0:
                data = data[: start + at] + b"\x01\x08" + data[start + at + 2 :]
                start = data.find(sign, start + 4)
    return data


def pdf(user: bytes | None = None) -> bytes:
    """A PDF; with a password to open, b"" for one that only forbids printing."""
    if user is None:
        return b"%PDF-1.4\n1 0 obj <</Type/Catalog>> endobj\n" + _trailer(b"")
    pad = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    owner, number = bytes(range(32)), b"\x01" * 16
    key = hashlib.md5((user + pad)[:32] + owner + struct.pack("<i", -4) + number).digest()[:5]
    entry = (
        b"/Encrypt <</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>> /ID[<%s><%s>]"
        % tuple(one.hex().encode() for one in (owner, _rc4(key, pad), number, number))
    )  # fmt: skip
    return b"%PDF-1.4\n1 0 obj <</Type/Catalog>> endobj\n" + _trailer(entry)


def _trailer(entry: bytes) -> bytes:
    return (
        b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n"
        b"trailer <</Size 2/Root 1 0 R %s>>\nstartxref\n43\n%%%%EOF\n" % entry
    )


def _rc4(key: bytes, data: bytes) -> bytes:
    box, at = list(range(256)), 0
    for n in range(256):
        at = (at + box[n] + key[n % len(key)]) % 256
        box[n], box[at] = box[at], box[n]
    out, i, j = bytearray(), 0, 0
    for one in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(one ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def ole(*paths: str, start: bytes = b"", clsid: bytes = bytes(16)) -> bytes:
    """A compound file with a stream of 4096 bytes at each path; the first begins with `start`."""
    names: dict[str, int] = {}
    for path in paths:
        parts = path.split("/")
        for n in range(1, len(parts) + 1):
            names.setdefault("/".join(parts[:n]), len(names) + 1)
    children: dict[str, list[str]] = {}
    for name in names:
        children.setdefault(name.rpartition("/")[0], []).append(name)
    none, entries, streams = 0xFFFFFFFF, list[bytes](), list[bytes]()

    def entry(name: str, kind: int, right: int, child: int, sector: int, size: int) -> bytes:
        said = name.encode("utf-16-le")
        return (
            said.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(said) + 2, kind, 1, none, right, child)
            + (clsid if kind == 5 else bytes(16)) + bytes(20) + struct.pack("<IQ", sector, size)
        )  # fmt: skip

    def first(path: str) -> int:
        return names[children[path][0]] if children.get(path) else none

    entries.append(entry("Root Entry", 5, none, first(""), none - 1, 0))
    directory = (len(names) + 1 + 3) // 4
    for name in names:
        peers = children[name.rpartition("/")[0]]
        after = peers[peers.index(name) + 1 :]
        right = names[after[0]] if after else none
        if name in children:
            entries.append(entry(name.rpartition("/")[2], 1, right, first(name), 0, 0))
            continue
        sector = 1 + directory + 8 * len(streams)
        streams.append((start if name == paths[0] else b"").ljust(4096, b"\0"))
        entries.append(entry(name.rpartition("/")[2], 2, right, none, sector, 4096))
    fat = [none - 2] + [n + 2 for n in range(directory - 1)] + [none - 1]
    for n in range(len(streams)):
        base = 1 + directory + 8 * n
        fat += [base + k + 1 for k in range(7)] + [none - 1]
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
        + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096,
                      none - 1, 0, none - 1, 0)
    )  # fmt: skip
    header += struct.pack("<I", 0) + struct.pack("<I", none) * 108
    table = b"".join(struct.pack("<I", one) for one in fat).ljust(512, b"\xff")
    return header + table + b"".join(entries).ljust(512 * directory, b"\0") + b"".join(streams)


def rar5(kind: int, extra: bytes = b"") -> bytes:
    flags = 1 if extra else 0
    rest = bytes([kind, flags]) + (bytes([len(extra)]) if extra else b"") + b"\0\0" + extra
    return b"Rar!\x1a\x07\x01\0" + b"crc4" + bytes([len(rest)]) + rest + bytes(20)


def rar4(kind: int, flags: int) -> bytes:
    return b"Rar!\x1a\x07\0" + b"cc" + struct.pack("<BHH", kind, flags, 13) + bytes(20)


TAKEN = {
    "pdf": pdf(), "pdf that forbids printing": pdf(b""), "jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "png": b"\x89PNG\r\n\x1a\n", "txt": "Kính gửi VPĐP".encode(),
    "txt in utf-16": "Số".encode("utf-16"),
    "docx": archive(TYPES, ("word/document.xml", b"x")),
    "xlsx": archive(TYPES, ("xl/workbook.xml", b"x")),
    "odt": archive(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"x")),
    "zip": archive(("báo cáo.pdf", pdf())), "doc": ole("WordDocument", start=bytes(12)),
    "xls": ole("Workbook", start=struct.pack("<HH4xHH", 0x809, 4, 0x85, 0)),
    "rar": rar5(2), "rar of version 4": rar4(0x74, 0),
    " of no known kind": bytes(range(1, 250)) * 9,
}  # fmt: skip
REFUSED = {
    "program a windows program": b"MZ\x90\0\x03" + bytes(99),
    "program a linux one": b"\x7fELF\x02" + bytes(99),
    "program an installer": ole("x", clsid=bytes.fromhex("84100C0000000000C000000000000046")),
    "script a shell script": b"#!/bin/sh\nrm -rf /\n", "script a page": b"  <!DOCTYPE html><p>x",
    "script a picture that runs": b'<svg xmlns="x"><script>1</script></svg>',
    "macro a word file": archive(TYPES, ("word/document.xml", b"x"), ("word/vbaProject.bin", b"x")),
    "macro an old sheet": ole("Workbook", "_VBA_PROJECT_CUR/VBA/dir"),
    "macro an old letter": ole("WordDocument", "Macros/VBA/dir", start=bytes(12)),
    "inside an archive with a program": archive(("a/cai-dat.exe", b"x")),
    "inside a program by another name": archive(("anh.jpg", b"MZ\x90\0\x03\x01")),
    "inside a script by another name": archive(("anh.jpg", b"#!/bin/sh\n")),
    "locked an archive": archive(("báo cáo.pdf", pdf()), locked=True),
    "locked a rar": rar5(4), "locked a file of a rar": rar5(2, bytes([2, 1, 0])),
    "locked a rar of version 4": rar4(0x73, 0x80), "locked a file of one": rar4(0x74, 0x04),
    "password a pdf": pdf(b"mo"), "password an office file": ole("EncryptedPackage",
    "EncryptionInfo"),
    "password an old letter": ole("WordDocument", start=bytes(11) + b"\x01"),
    "password an old sheet": ole("Workbook", start=struct.pack("<HH4xHH", 0x809, 4, 0x2F, 6)),
    "unreadable half an archive": archive(("a.pdf", bytes(999)))[:200],
    "unreadable a 7z": b"7z\xbc\xaf\x27\x1c" + bytes(30),
    "unreadable a broken old file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
}  # fmt: skip


def kind_of(tmp_path: Path, data: bytes, name: str = "báo cáo.pdf") -> str:
    path = tmp_path / "tệp"
    path.write_bytes(data)
    return file_kind.of(path, name)


@pytest.mark.parametrize("which", TAKEN)
def test_documents_and_pictures_are_known_by_their_content(tmp_path: Path, which: str) -> None:
    assert kind_of(tmp_path, TAKEN[which]) == which.partition(" ")[0]


@pytest.mark.parametrize("which", REFUSED)
def test_what_may_run_and_what_nobody_can_open_is_refused_in_a_sentence(
    tmp_path: Path, which: str
) -> None:
    with pytest.raises(Refused) as error:
        kind_of(tmp_path, REFUSED[which])
    assert error.value.key == f"evidence.kind.{which.partition(' ')[0]}"
    assert has(error.value.key)
    assert "báo cáo.pdf" in say(error.value.key, **error.value.data)


def test_a_text_is_a_script_by_its_name_and_a_picture_is_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="script"):
        kind_of(tmp_path, b"del *.*", "don dep.BAT")
    assert kind_of(tmp_path, TAKEN["jpg"], "cai-dat.exe") == "jpg"


def test_no_damage_to_a_file_stops_the_look(tmp_path: Path) -> None:
    for data in {**TAKEN, **REFUSED}.values():
        for part in (0.01, 0.1, 0.3, 0.5, 0.9, 0.99):
            cut = max(1, int(len(data) * part))
            broken = data[:cut] + bytes([255 - data[cut - 1]]) + data[cut + 1 :]
            with contextlib.suppress(Refused):  # and nothing else
                kind_of(tmp_path, broken)


# -- the scanner ---------------------------------------------------------------------------


@dataclass
class Scanner:
    """Answers PING and INSTREAM as clamd does, which finds EICAR."""

    port: int = 0
    files: list[bytes] = field(default_factory=list)
    limit: int = 10_000_000

    def answer(self, data: bytes) -> bytes:
        self.files.append(data)
        if len(data) > self.limit:
            return b"INSTREAM size limit exceeded. ERROR\0"
        return b"stream: Eicar-Signature FOUND\0" if b"EICAR" in data else b"stream: OK\0"


@contextmanager
def clamd() -> Iterator[Scanner]:
    scanner = Scanner()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            command = b"".join(iter(lambda: self.rfile.read(1), b"\0"))
            if command == b"zPING":
                self.wfile.write(b"PONG\0")
                return
            assert command == b"zINSTREAM"
            data = b""
            while size := struct.unpack(">I", self.rfile.read(4))[0]:
                data += self.rfile.read(size)
            self.wfile.write(scanner.answer(data))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        scanner.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield scanner
        server.shutdown()
        thread.join(5)


def with_scanner(rt: Runtime, port: int, away: str = "refuse") -> Runtime:
    settings = replace(rt.settings, clamd_url=f"tcp://127.0.0.1:{port}", clamd_away=away)
    return replace(rt, settings=settings, files=evidence_check.files(settings))


@pytest.fixture
def scene(make_runtime: Callable[..., Runtime], tmp_path: Path, plan: Plan) -> Scene:
    scene = Scene(make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}", plan=only(plan, "III.1")))
    scene.open(date(2020, 6, 1))
    scene.rt.set_simulated(DAY, SYSTEM)
    return scene


def submit(rt: Runtime, data: bytes) -> None:
    files = hand_in.keep(rt.files, [("báo cáo.txt", io.BytesIO(data))])
    with rt.sessions.begin() as session:
        by = Actor("An", "office", "bql-tan-lap", "test")
        task = tasks.find(session, TASK)
        hand_in.hand_in(session, rt, task, Paper("12/BC-BQL", DAY, "x"), files, by=by,
                        now=rt.now(), today=DAY)  # fmt: skip


def scans(rt: Runtime) -> list[str]:
    with rt.reader() as session:
        return [one.scan for one in session.query(EvidenceFile)]


def test_the_scanner_sees_every_file_and_what_it_finds_is_not_kept(scene: Scene) -> None:
    with clamd() as scanner:
        rt = with_scanner(scene.rt, scanner.port)
        with pytest.raises(Refused, match="Eicar-Signature"):
            submit(rt, b"X5O EICAR")
        assert list(rt.files.every()) == []
        submit(rt, b"sach " * 50_000)
        assert scanner.files[-1] == b"sach " * 50_000
        assert scans(rt) == ["clean"]


def test_a_scanner_that_is_away_or_says_nothing_refuses_in_words(scene: Scene) -> None:
    rt = with_scanner(scene.rt, 9)
    with pytest.raises(Refused) as error:
        submit(rt, b"x")
    assert error.value.key == "evidence.scanner_away"
    with clamd() as scanner:
        scanner.limit = 10
        with pytest.raises(Refused, match="scanner_away"):
            submit(with_scanner(scene.rt, scanner.port), b"x" * 100)
    assert list(rt.files.every()) == []


@pytest.mark.parametrize(("data", "found"), [(b"sach", "clean"), (b"EICAR", "infected")])
def test_what_was_let_wait_opens_and_is_accepted_only_after_its_scan(
    scene: Scene, data: bytes, found: str
) -> None:
    rt = with_scanner(scene.rt, 9, away="wait")
    submit(rt, data)
    assert scans(rt) == ["waiting"]
    with pytest.raises(Refused, match=r"review\.unscanned"):
        scene.accept(TASK, DAY)
    assert scanning.catch_up(rt, actor=SYSTEM) == 0  # still away
    with clamd() as scanner:
        back = with_scanner(scene.rt, scanner.port, away="wait")
        assert scanning.catch_up(back, actor=SYSTEM) == 1
        assert scanning.catch_up(back, actor=SYSTEM) == 0
    assert scans(rt) == [found]
    if found == "infected":
        with pytest.raises(Refused, match=r"review\.infected"):
            scene.accept(TASK, DAY)
        scene.return_(TASK, DAY)
    else:
        scene.accept(TASK, DAY)
    assert scene.broken_audit() is None


@pytest.mark.parametrize("url", ["", "clamd", "http://x", "unix:", "tcp://:1", "tcp://x:yy"])
def test_what_is_no_scanner_is_said_at_the_start(url: str) -> Any:
    with pytest.raises(ConfigError):
        Clamd(url)


@pytest.mark.parametrize("away", ["refuse", "wait"])
def test_doctor_says_that_the_scanner_is_away_and_what_to_do(
    scene: Scene, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys(port: int) -> list[str]:
        return [
            key for key, _, _ in doctor._neighbours(with_scanner(scene.rt, port, away).settings)
        ]

    with clamd() as scanner:
        assert keys(scanner.port) == []
        assert scanner.files == []
    assert keys(9) == [f"doctor.scanner_away.{away}"]
    monkeypatch.setattr(clamd_client, "PING_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the call and says nothing
        assert keys(mute.getsockname()[1]) == [f"doctor.scanner_away.{away}"]
