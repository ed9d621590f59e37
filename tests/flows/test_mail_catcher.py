"""The mail server of simulations."""

from __future__ import annotations

import smtplib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import pytest

from ntm_workflow.serve import mail_catcher, supervisor
from tests.flows.prefect_helpers import free_port, wait_for


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "ntm_workflow.serve.mail_catcher"]
    server = subprocess.Popen([*command, "--port", str(port), "--dir", str(tmp_path)])
    try:
        wait_for(lambda: not supervisor.port_free(port))
        yield port
    finally:
        server.terminate()
        server.wait(5)


def mail(number: int, subject: str = "Nhắc việc đến hạn") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = subject, "vpdp@example.vn.invalid"
    message["To"], message["Message-ID"] = "xa@example.vn.invalid", f"<{number}@ntm.invalid>"
    message.set_content("Còn 3 ngày: xã Tân Lập nộp báo cáo.")
    return message


def send(port: int, *messages: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for message in messages:
            server.send_message(message)


def test_what_is_sent_is_kept_and_read_newest_first(port: int, tmp_path: Path) -> None:
    send(port, mail(1, "Việc thứ nhất"), mail(2, "Việc thứ hai"))
    newest, oldest = mail_catcher.caught(tmp_path)
    assert (newest.subject, oldest.subject) == ("Việc thứ hai", "Việc thứ nhất")
    assert newest.to == "xa@example.vn.invalid"
    whole = mail_catcher.read(newest.path)
    assert whole.get_content().strip() == "Còn 3 ngày: xã Tân Lập nộp báo cáo."
    assert whole["Delivered-To"] == "xa@example.vn.invalid"
    assert mail_catcher.caught(tmp_path, limit=1) == [newest]


def test_one_message_that_comes_twice_shows_as_two_files(port: int, tmp_path: Path) -> None:
    send(port, mail(1), mail(2), mail(1))
    assert len(mail_catcher.find(tmp_path, "<1@ntm.invalid>")) == 2
    assert len(mail_catcher.find(tmp_path, "<2@ntm.invalid>")) == 1
    assert mail_catcher.find(tmp_path, "<3@ntm.invalid>") == []


def test_many_senders_at_once_lose_nothing_and_leave_no_half_file(
    port: int, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: send(port, *[mail(n)] * 5), range(20)))
    assert len(mail_catcher.caught(tmp_path)) == 100
    assert {len(mail_catcher.find(tmp_path, f"<{n}@ntm.invalid>")) for n in range(20)} == {5}
    assert not list(tmp_path.glob(".*"))


def test_it_is_reached_from_this_machine_only(port: int) -> None:
    import psutil

    [listening] = [
        c for c in psutil.net_connections("tcp") if c.laddr.port == port and c.status == "LISTEN"
    ]
    assert listening.laddr.ip == "127.0.0.1"
