"""What a file is, by its content, and whether its kind is taken as evidence.

Refused is what could do something to whoever opens it, and what nobody can look
into: programs, scripts, Office files with macros, what needs a password.
"""

from __future__ import annotations

import mmap
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import olefile
import puremagic
from pdfminer.pdfdocument import PDFDocument, PDFPasswordIncorrect
from pdfminer.pdfparser import PDFParser

from ntm_workflow.errors import Refused

_HEAD = 8192  # bytes that say what a file is
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RAR4, _RAR5, _7Z = b"Rar!\x1a\x07\0", b"Rar!\x1a\x07\x01\0", b"7z\xbc\xaf\x27\x1c"
_PROGRAMS = (
    b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\0asm", b"dex\n", b"L\0\0\0\x01\x14\x02\0", b"MSCF",
)  # fmt: skip
_INSTALLER = "000C1084-0000-0000-C000-000000000046"  # the class of an .msi
# A text becomes a program by its name alone, and so does what an archive unpacks.
_PROGRAM_NAMES = {
    "exe", "com", "scr", "pif", "cpl", "dll", "msi", "msp", "jar", "apk", "app", "deb", "rpm",
    "dmg", "lnk", "reg",
}  # fmt: skip
_SCRIPT_NAMES = {
    "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "js", "jse", "wsf", "wsh", "hta", "sct", "sh",
    "bash", "py", "pl", "php", "rb", "htm", "html", "xhtml", "svg", "mht", "mhtml", "url",
}  # fmt: skip
_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body|script|svg|iframe)\b", re.I)
_LOCKED_PDF = re.compile(rb"/Encrypt\s*(\d+\s+\d+\s+R|<<)")
_MOST_MEMBERS = 2000
_OOXML = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_ODF = {b"text": "odt", b"spreadsheet": "ods", b"presentation": "odp"}


def of(path: Path, name: str) -> str:
    """Return what a file is ("pdf", "docx", "jpg", "txt", …); "" where nobody knows.

    Raises:
        Refused: its kind is not taken; the key says why, `name` is the file's.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    try:
        return _of(path, name, head)
    except Refused:
        raise
    except Exception as error:  # readers of hostile files: they may raise anything
        raise Refused("evidence.kind.unreadable", name=name) from error


def _of(path: Path, name: str, head: bytes) -> str:
    if head.startswith(_PROGRAMS) and not _is_words(head):
        raise Refused("evidence.kind.program", name=name)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(path, name)
    if b"%PDF-" in head[:1024]:
        return _pdf(path, name)
    if head.startswith(_OLE):
        return _ole(path, name)
    if head.startswith((_RAR4, _RAR5)):
        return _rar(path, name)
    if head.startswith(_7Z):  # its list of files is packed too: nobody can look for a password
        raise Refused("evidence.kind.unreadable", name=name)
    if head.startswith(b"#!") or _PAGE.search(head):
        raise Refused("evidence.kind.script", name=name)
    if _is_words(head):
        if _suffix(name) in _SCRIPT_NAMES | _PROGRAM_NAMES:
            raise Refused("evidence.kind.script", name=name)
        return "rtf" if head.startswith(b"{\\rtf") else "txt"
    return _known(head)


def _known(head: bytes) -> str:
    try:
        found = puremagic.from_string(head).removeprefix(".")
    except (puremagic.PureError, ValueError):
        return ""
    return {"jfif": "jpg", "jpeg": "jpg", "tif": "tiff", "heif": "heic"}.get(found, found)[:10]


def _is_words(head: bytes) -> bool:
    """Text in UTF-8 or UTF-16, without what no text holds."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        said = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not a letter that was cut at the end
            return False
        said = head[: error.start].decode()
    return not any(c < " " and c not in "\t\r\n\f" for c in said)


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower().strip() if "." in name else ""


# -- PDF --------------------------------------------------------------------------------


def _pdf(path: Path, name: str) -> str:
    """One that opens without a password may forbid printing: that is its author's affair."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        locked = _LOCKED_PDF.search(whole) is not None
    if locked:
        try:
            with path.open("rb") as file:
                PDFDocument(PDFParser(file))
        except PDFPasswordIncorrect as error:
            raise Refused("evidence.kind.password", name=name) from error
    return "pdf"


# -- archives, and the Office files that are some ------------------------------------------


def _zip(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_members(archive, members, name)
        names = [one.filename for one in members]
        mime = b""
        if "mimetype" in names:
            with archive.open("mimetype") as file:
                mime = file.read(200)
    if "[Content_Types].xml" in names:
        folders = {one.partition("/")[0] + "/" for one in names}
        return next((kind for folder, kind in _OOXML.items() if folder in folders), "zip")
    return next((kind for word, kind in _ODF.items() if mime.endswith(word)), "zip")


def _check_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> None:
    if len(members) > _MOST_MEMBERS:
        raise Refused("evidence.kind.unreadable", name=name)
    for one in members:
        inner = one.filename.replace("\\", "/").lower()
        if one.flag_bits & 1:
            raise Refused("evidence.kind.locked", name=name)
        if inner.endswith(("vbaproject.bin", "/script-lb.xml")) or "/macrosheets/" in inner:
            raise Refused("evidence.kind.macro", name=name)
        if _suffix(inner) in _PROGRAM_NAMES | _SCRIPT_NAMES:
            raise Refused("evidence.kind.inside", name=name, inner=one.filename[:100])
        if one.is_dir():
            continue
        with archive.open(one) as file:
            start = file.read(64)
        if start.startswith(b"#!") or (start.startswith(_PROGRAMS) and not _is_words(start)):
            raise Refused("evidence.kind.inside", name=name, inner=one.filename[:100])


def _ole(path: Path, name: str) -> str:
    """Office before 2007, and every Office file that has a password."""
    with olefile.OleFileIO(str(path)) as ole:
        streams = {"/".join(one).lower() for one in ole.listdir()}
        if ole.root.clsid == _INSTALLER:
            raise Refused("evidence.kind.program", name=name)
        if "encryptedpackage" in streams or _locked_ole(ole, streams):
            raise Refused("evidence.kind.password", name=name)
    if any(part.split("/")[-1] in ("_vba_project", "vba", "dir") and "vba" in part
           for part in streams):  # fmt: skip
        raise Refused("evidence.kind.macro", name=name)
    found = {"worddocument": "doc", "workbook": "xls", "book": "xls", "powerpoint document": "ppt"}
    return next((kind for stream, kind in found.items() if stream in streams), "ole")


def _locked_ole(ole: olefile.OleFileIO, streams: set[str]) -> bool:
    """Source: [MS-DOC] 2.5.1 (FibBase), [MS-XLS] 2.4.117 (FilePass), [MS-PPT] 2.3.2."""
    if "worddocument" in streams:
        return bool(ole.openstream("WordDocument").read(12)[11] & 0x01)
    for stream in ("workbook", "book"):
        if stream in streams:
            return any(kind == 0x2F for kind in _biff(ole.openstream(stream).read(512)))
    return "encryptedsummary" in streams


def _biff(data: bytes) -> Iterator[int]:
    at = 0
    while at + 4 <= len(data):
        yield int.from_bytes(data[at : at + 2], "little")
        at += 4 + int.from_bytes(data[at + 2 : at + 4], "little")


def _rar(path: Path, name: str) -> str:
    with path.open("rb") as file:
        data = BytesIO(file.read())
    whole = data.getvalue()
    if _locked_rar5(data) if whole.startswith(_RAR5) else _locked_rar4(data):
        raise Refused("evidence.kind.locked", name=name)
    return "rar"


def _locked_rar4(data: BytesIO) -> bool:
    raw, at = data.getvalue(), len(_RAR4)
    for _ in range(_MOST_MEMBERS):
        if at + 7 > len(raw):
            return False
        kind, flags = raw[at + 2], int.from_bytes(raw[at + 3 : at + 5], "little")
        size = int.from_bytes(raw[at + 5 : at + 7], "little")
        if (kind == 0x73 and flags & 0x80) or (kind == 0x74 and flags & 0x04):
            return True
        more = int.from_bytes(raw[at + 7 : at + 11], "little") if flags & 0x8000 else 0
        at += max(size, 7) + more
    return False


def _locked_rar5(data: BytesIO) -> bool:
    """Source: RAR 5.0 archive format, headers 2 (file) and 4 (encryption)."""
    raw, at = data.getvalue(), len(_RAR5)
    for _ in range(_MOST_MEMBERS):
        if at + 7 > len(raw):
            return False
        size, start = _vint(raw, at + 4)
        end = start + size
        kind, here = _vint(raw, start)
        flags, here = _vint(raw, here)
        extra, here = _vint(raw, here) if flags & 1 else (0, here)
        packed, here = _vint(raw, here) if flags & 2 else (0, here)
        if kind == 4 or (kind == 2 and 1 in _extras(raw[end - extra : end])):
            return True
        at = end + packed
    return False


def _extras(area: bytes) -> Iterator[int]:
    at = 0
    while at < len(area):
        size, start = _vint(area, at)
        yield _vint(area, start)[0]
        at = start + max(size, 1)


def _vint(raw: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where the next one begins. Raises IndexError."""
    found = shift = 0
    while True:
        found |= (raw[at] & 0x7F) << shift
        if not raw[at] & 0x80:
            return found, at + 1
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ValueError("no number")
