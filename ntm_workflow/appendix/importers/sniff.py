"""What a file is, by its content; its name only says what its sender believed."""

from __future__ import annotations

import io
import re
import zipfile

from ntm_workflow.errors import Refused

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8", b"BM")
_HTML = re.compile(
    rb"<(!doctype\s+html|html|head|body|table|div|p|span|meta|title|h[1-6])\b", re.IGNORECASE
)
_SUFFIXES = {"htm": "html", "text": "txt", "tsv": "txt", "docm": "docx", "xlsm": "xlsx"}


def kind(data: bytes) -> str:
    """Return docx, xlsx, html, pdf or txt.

    Raises:
        Refused: anything else, with what to do about it.
    """
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(data)
    if data.startswith(_OLE):
        raise Refused(_ole(data))
    if start.startswith(b"{\\rtf"):
        raise Refused("import.old_format", name="RTF")
    if data.startswith(_PICTURES):
        raise Refused("import.picture")
    if start[:13].lower() == b"mime-version:":
        raise Refused("import.old_format", name="MHTML")
    if _HTML.match(start) or (start.startswith((b"<?xml", b"<!--")) and _HTML.search(start)):
        return "html"
    if start.startswith(b"<?xml"):
        raise Refused("import.old_format", name="XML")
    return "txt"


def claimed(name: str) -> str:
    """What the file's name says it is: its ending, one spelling for each kind."""
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return _SUFFIXES.get(suffix, suffix)


def _archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise Refused("import.damaged") from None
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refused("import.macro")
    if "word/document.xml" in names:
        return "docx"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise Refused("import.old_format", name="XLSB")
    if "content.xml" in names and "mimetype" in names:
        raise Refused("import.old_format", name="OpenDocument")
    raise Refused("import.archive")


def _ole(data: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "import.password"
    return "import.old_office"
