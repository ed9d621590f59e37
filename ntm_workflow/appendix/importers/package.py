"""The zip archive of a .docx or .xlsx: opened only after its figures were found bearable."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from lxml import etree

from ntm_workflow.appendix.importers import limits
from ntm_workflow.errors import Refused

_XML = (".xml", ".rels")
# A document type brings entities: a few hundred bytes of them unfold to gigabytes.
# No office program writes one.
_DOCTYPE = tuple(word.encode(code) for word in ("<!DOCTYPE", "<!ENTITY")
                 for code in ("utf-8", "utf-16-le", "utf-16-be"))  # fmt: skip
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError)


class Package:
    """Reads parts of one archive; parsers never resolve entities nor reach the network."""

    def __init__(self, data: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN:
            raise Refused("import.damaged") from None
        infos = self._archive.infolist()
        _bearable(infos)
        self.names = {info.filename for info in infos}

    def part(self, name: str) -> bytes | None:
        """The bytes of a part, None where there is none. Raises Refused."""
        if name not in self.names:
            return None
        if self._archive.getinfo(name).file_size > limits.PART:
            raise Refused("import.bomb")
        try:
            data = self._archive.read(name)
        except RuntimeError:  # encrypted
            raise Refused("import.password") from None
        except _BROKEN:
            raise Refused("import.damaged") from None
        if name.lower().endswith(_XML) and any(word in data for word in _DOCTYPE):
            raise Refused("import.entities")
        return data

    def tree(self, name: str) -> Any:
        """The root element of an XML part, None where there is none. Raises Refused."""
        data = self.part(name)
        return None if data is None else parse(data)

    def stream(self, name: str, *tags: str) -> Iterator[Any]:
        """The elements of these tags in an XML part, each dropped once it was seen."""
        data = self.part(name)
        if data is None:
            return
        steps = etree.iterparse(
            io.BytesIO(data), tag=tags, resolve_entities=False, no_network=True, huge_tree=False
        )
        try:
            for _, element in steps:
                yield element
                element.clear(keep_tail=False)
        except etree.XMLSyntaxError:
            raise Refused("import.damaged") from None


def parse(data: bytes) -> Any:
    """Parse XML that nobody vouches for. Raises Refused."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Refused("import.damaged") from None


def count(data: bytes, tag: bytes) -> int:
    """How many elements of this tag the text of an XML part opens, without parsing it."""
    return len(re.findall(rb"<" + tag + rb"[\s/>]", data))


def _bearable(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse by the figures in the directory: zipfile never unpacks more than they say."""
    if len(infos) > limits.PARTS or sum(info.file_size for info in infos) > limits.UNPACKED:
        raise Refused("import.bomb")
    for info in infos:
        if info.flag_bits & 1:
            raise Refused("import.password")
        packed = max(info.compress_size, 1)
        if info.file_size > limits.RATIO_FROM and info.file_size > limits.RATIO * packed:
            raise Refused("import.bomb")
