"""Our mails as a real mail program reads them: from the wire, through an IMAP server."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from datetime import date

import pytest
from docx import Document
from imap_tools import MailMessage

from ntm_workflow.work import contacts
from tests.chase import sqlite_first
from tests.imap_server import Imap
from tests.scene import Scene
from tests.smtp_sink import Sink

OPENED = date(2020, 6, 1)
NAME = "Bộ phận văn thư xã Tân Lập"
database_url = sqlite_first.database_url  # what a mail looks like does not depend on it


@pytest.fixture
def scene(stage: Callable[..., Scene], imap: Imap) -> Scene:
    made = stage("III.1", mailbox_url=imap.url, base_url="https://nhac.huyen.vn.invalid")
    made.contact("an", "bql-tan-lap")
    made.contact("binh", "vpdp-huyen")
    with made.rt.sessions.begin() as session:
        contacts.find(session, Scene.email("an")).name = NAME
    made.open(OPENED)
    return made


def read(imap: Imap, sink: Sink, to: str) -> list[MailMessage]:
    """What lies in the mailbox for somebody, once all that was sent has arrived there."""
    imap.put(*sink.raw)
    return [one for one in imap.lying() if one.to == (Scene.email(to),)]


def one(mail: MailMessage, name: str) -> str:
    (value,) = mail.headers[name]
    return " ".join(value.split())


def test_a_digest_reads_as_it_was_written_with_both_parts_and_its_thread(
    scene: Scene, sink: Sink, imap: Imap
) -> None:
    for day in (date(2020, 6, 16), date(2020, 6, 23)):
        scene.remind(day)
        scene.deliver(day)
    first, second = read(imap, sink, "an")
    assert second.subject == "1 việc sắp đến hạn – 23/6/2020"
    assert second.to_values[0].name == NAME
    assert second.from_values is not None
    assert second.from_values.name == "VPĐP huyện"
    assert "thứ Ba 30/6/2020 (còn 7 ngày)" in second.text
    assert "<strong>còn 7 ngày</strong>" in second.html
    assert "Có điều cần trao đổi: trả lời thẳng thư này" in second.text
    assert "trả lời thẳng thư này" in second.html
    for text in (second.text, second.html, second.subject):
        assert text == unicodedata.normalize("NFC", text)
    (kept,) = [n for n in scene.notices() if n.message_id == one(first, "message-id")]
    assert "references" not in first.headers
    assert one(second, "in-reply-to") == one(second, "references") == kept.message_id
    assert one(second, "list-unsubscribe-post") == "List-Unsubscribe=One-Click"
    assert one(second, "list-unsubscribe").startswith("<https://nhac.huyen.vn.invalid/v/ngung/")
    (back,) = second.reply_to
    assert back.startswith("traloi+")
    assert sink.senders[-1] == back


def test_the_quarters_letter_arrives_under_its_vietnamese_name_and_opens(
    scene: Scene, sink: Sink, imap: Imap
) -> None:
    scene.quarter(date(2020, 6, 2))
    scene.deliver(date(2020, 6, 2))
    (mail,) = [found for found in read(imap, sink, "binh") if found.attachments]
    (letter,) = mail.attachments
    (notice,) = [n for n in scene.notices() if n.message_id == one(mail, "message-id")]
    assert [letter.filename] == notice.attachments
    assert letter.filename.endswith(".docx")
    assert letter.filename == unicodedata.normalize("NFC", letter.filename)
    assert not letter.filename.isascii()
    assert len(Document(io.BytesIO(letter.payload)).paragraphs) > 5
    assert mail.subject == notice.subject
    assert mail.text.strip()
    assert mail.html.strip()
