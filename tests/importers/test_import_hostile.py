"""Files that nobody should open: a clear sentence, soon, and in little memory."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from ntm_workflow import texts
from ntm_workflow.appendix.importers import files, guard, limits, sniff
from ntm_workflow.errors import Refused
from tests.importers import makers
from tests.importers.makers import with_part

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 10) for c in range(98, 110))
    + b"]>"
)


def small_word() -> bytes:
    return makers.document_with(lambda made: made.add_paragraph("x"))


def bombed(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        part = old.read(name)
    start = part.find(b"?>") + 2 if b"?>" in part else 0
    return with_part(data, name, part[:start] + BOMB + part[start:].replace(b"x<", b"&m;<"))


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(name.replace("__", "/"), part)
    return out.getvalue()


def locked_pdf() -> bytes:
    """A PDF that wants a password: its encryption keys fit no empty one."""
    keys = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"11" * 32, b"22" * 32)
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>", keys]
    return pdf(objects, b"/Encrypt 3 0 R /ID [<00> <00>]")


def pdf(objects: list[bytes], trailer: bytes = b"") -> bytes:
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R %s >>" % (len(objects) + 1, trailer)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s%s\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, end, len(out),
    )  # fmt: skip


def scan_pdf() -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>",
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page])  # fmt: skip


def many_pages() -> bytes:
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 304))
    tree = b"<< /Type /Pages /Kids [%s] /Count 301 >>" % kids
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", tree, *[page] * 301])


def many_rows_xlsx() -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(100_000):
        sheet.append([number])
    return makers.book_bytes(book)


def many_rows_docx() -> bytes:
    row = b"".join(
        b"<w:tr><w:tc><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:tc></w:tr>"
        % hashlib.sha256(b"%d" % n).hexdigest().encode()
        for n in range(100_000)
    )
    with zipfile.ZipFile(io.BytesIO(small_word())) as old:
        part = old.read("word/document.xml")
    table = b"<w:body><w:tbl>" + row + b"</w:tbl>"
    return with_part(small_word(), "word/document.xml", part.replace(b"<w:body>", table))


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "an empty file": (lambda: b"", "import.empty"),
    "white space": (lambda: b" \r\n\t\n", "import.empty"),
    "a document without a word": (lambda: makers.document_with(lambda made: None), "import.empty"),
    "a zip bomb": (lambda: with_part(small_word(), "word/x.xml", b" " * 60_000_000), "import.bomb"),
    "a part too large to parse": (
        lambda: with_part(small_word(), "word/document.xml", zlib.compress(b"a") * 3_000_000),
        "import.bomb",
    ),
    "too many parts": (
        lambda: archive(**{"word__document.xml": b"x"}, **{f"p{n}": b"" for n in range(5_001)}),
        "import.bomb",
    ),
    "entities in Word": (lambda: bombed(small_word(), "word/document.xml"), "import.entities"),
    "entities in Excel": (
        lambda: bombed(makers.sheet_of([["x"]]), "xl/worksheets/sheet1.xml"), "import.entities",
    ),
    "entities in numbering": (
        lambda: bombed(small_word(), "word/numbering.xml"), "import.entities",
    ),
    "an external entity": (
        lambda: with_part(
            small_word(), "word/document.xml",
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'.encode("utf-16"),
        ),
        "import.entities",
    ),
    "Word with macros": (
        lambda: with_part(small_word(), "word/vbaProject.bin", OLE), "import.macro",
    ),
    "Excel with macros": (
        lambda: with_part(makers.sheet_of([["x"]]), "xl/vbaProject.bin", OLE), "import.macro",
    ),
    "Office with a password": (
        lambda: OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le"), "import.password",
    ),
    "PDF with a password": (locked_pdf, "import.password"),
    "old Word": (lambda: OLE + bytes(504) + "WordDocument".encode("utf-16-le"),
                 "import.old_office"),
    "RTF": (lambda: b"{\\rtf1 x}", "import.old_format"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n", "import.picture"),
    "a scan": (scan_pdf, "import.scan"),
    "an archive": (lambda: archive(a=b"x"), "import.archive"),
    "a cut archive": (lambda: small_word()[:3_000], "import.damaged"),
    "a damaged part": (
        lambda: with_part(small_word(), "word/document.xml", b"<w:document"), "import.damaged",
    ),
    "a cut PDF": (lambda: b"%PDF-1.7\n1 0 obj <<", "import.damaged"),
    "an old encoding": (lambda: b"K\xd5 ho\xb9ch x\xb7", "import.encoding"),
    "bytes of a program": (lambda: b"\x7fELF\0\0\0", "import.unknown"),
    "100,000 rows of Excel": (many_rows_xlsx, "import.too_many_rows"),
    "100,000 rows of Word": (many_rows_docx, "import.too_many_rows"),
    "100,000 rows of HTML": (
        lambda: b"<table>" + b"<tr><td>x" * 100_000, "import.too_many_rows",
    ),
    "100,000 rows of text": (lambda: b"x\ty\n" * 100_000, "import.too_many_rows"),
    "too many pages": (many_pages, "import.too_many_pages"),
    "HTML nested without end": (lambda: b"<div>" * 50_000 + b"x", "import.damaged"),
    "HTML spans without end": (
        lambda: b"<table>" + b"<tr><td colspan=100 rowspan=9999>x" * 9_000, "import.bomb",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_a_hostile_file_is_refused_with_a_sentence_in_seconds(name: str) -> None:
    data, key = CASES[name][0](), CASES[name][1]
    started = time.monotonic()
    with pytest.raises(Refused) as refused:
        files.read(data)
    assert refused.value.key == key
    assert time.monotonic() - started < 10
    said = texts.say(key, **refused.value.data)
    assert said.endswith(".")
    assert "{" not in said


def test_300_megabytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from ntm_workflow.commands.plan_import import import_

    large = tmp_path / "large.docx"
    with large.open("wb") as file:
        file.truncate(300_000_000)
    done = CliRunner().invoke(import_, [str(large)])
    assert isinstance(done.exception, Refused)
    assert done.exception.key == "import.too_large"
    assert done.exception.data["size_mb"] == 300


def test_a_merged_range_over_a_whole_sheet_costs_nothing() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "x"
    book.active["C3"] = "y"
    book.active.merge_cells("A1:B2")
    data = makers.book_bytes(book)
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        sheet = old.read("xl/worksheets/sheet1.xml")
    vast = with_part(data, "xl/worksheets/sheet1.xml", sheet.replace(b"A1:B2", b"A1:XFD1048576"))
    table = files.read(vast).tables[0]
    assert (table.height, table.width) == (3, 3)


def test_a_file_is_known_by_its_content_not_by_its_name() -> None:
    assert sniff.kind(small_word()) == "docx"
    assert sniff.kind(makers.sheet_of([["x"]])) == "xlsx"
    assert sniff.kind(b"\xef\xbb\xbf<!DOCTYPE html><html>") == "html"
    assert sniff.kind("Kế hoạch".encode()) == "txt"
    assert sniff.claimed("ke-hoach.PDF") == "pdf"


def test_the_guard_gives_the_same_document_as_reading_in_place() -> None:
    assert guard.read(makers.TEXT) == files.read(makers.TEXT)
    data = makers.document_with(lambda made: makers.add_table(made, [["a", "b"], ["c", "d"]]))
    assert guard.read(data) == files.read(data)


def test_the_guard_passes_on_what_the_reader_refused() -> None:
    with pytest.raises(Refused) as refused:
        guard.read(b"\x89PNG")
    assert refused.value.key == "import.picture"


def test_a_reader_that_takes_all_memory_is_stopped_and_said_so() -> None:
    """A stream of a PDF that unpacks to far more than a reading may hold."""
    size = limits.MEMORY + 500_000_000
    packer = zlib.compressobj(9)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = b"\3\0" + ((size % 65_521) << 16 | 1).to_bytes(4, "big")  # of so many zeros
    packed = start + block * (size // 10_000_000) + end
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>"
    data = pdf([b"<< /Type /Catalog /Pages 2 0 R >>",
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, stream])  # fmt: skip
    with pytest.raises(Refused) as refused:
        guard.read(data)
    assert refused.value.key in ("import.too_heavy", "import.damaged", "import.scan")
