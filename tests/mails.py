"""Mails as programs and servers write them, for the tests of what comes in."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid

OURS = "vpdp@bacson.example.vn.invalid"


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """What a mail says in one of its forms, which it must have."""
    part = mail.get_body((kind,))
    assert part, kind
    return str(part.get_content())


def reply(
    to: str, sender: str, text: str, *, subject: str = "Re: 1 việc sắp đến hạn",
    answers: str = "", message_id: str = "", files: dict[str, bytes] | None = None,
    **headers: str,
) -> bytes:  # fmt: skip
    """A mail that a person wrote; headers with "_" for "-"."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=998))
    mail["From"], mail["To"], mail["Subject"] = f"Nguyễn Thị An <{sender}>", to, subject
    mail["Message-ID"] = message_id or make_msgid(domain="xa.invalid")
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    for name, data in (files or {}).items():
        mail.add_attachment(data, "application", "octet-stream", filename=name)
    return mail.as_bytes()


def postfix(to: str, failed: str, original: str, status: str = "5.1.1") -> bytes:
    return _crlf(f"""\
Return-Path: <>
Delivered-To: {to}
Date: Tue, 16 Jun 2020 08:12:01 +0700 (+07)
From: MAILER-DAEMON@mx.bacson.invalid (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="5C1E83F7A1.1592269921/mx.bacson.invalid"
Message-Id: <20200616011201.9B4F73F7B2@mx.bacson.invalid>

This is a MIME-encapsulated message.

--5C1E83F7A1.1592269921/mx.bacson.invalid
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.bacson.invalid.

<{failed}>: host mail.xa.invalid[192.0.2.7] said: 550 {status}
    <{failed}>: Recipient address rejected: User unknown in virtual
    mailbox table (in reply to RCPT TO command)

--5C1E83F7A1.1592269921/mx.bacson.invalid
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.bacson.invalid
X-Postfix-Queue-ID: 5C1E83F7A1
X-Postfix-Sender: rfc822; {to}
Arrival-Date: Tue, 16 Jun 2020 08:12:00 +0700 (+07)

Final-Recipient: rfc822; {failed}
Original-Recipient: rfc822;{failed}
Action: {"failed" if status[0] == "5" else "delayed"}
Status: {status}
Remote-MTA: dns; mail.xa.invalid
Diagnostic-Code: smtp; 550 {status} <{failed}>: Recipient address rejected:
    User unknown in virtual mailbox table

--5C1E83F7A1.1592269921/mx.bacson.invalid
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{original}
--5C1E83F7A1.1592269921/mx.bacson.invalid--
""")


def exim(to: str, failed: str, original: str) -> bytes:
    """Exim before 4.88: no report, the mail itself below a line."""
    return _crlf(f"""\
Return-path: <>
Envelope-to: {to}
Received: from exim by mail.xa.invalid with local (Exim 4.84)
X-Failed-Recipients: {failed}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.xa.invalid>
To: {to}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1jl0aB-0003fE-Qk@mail.xa.invalid>
Date: Tue, 16 Jun 2020 08:12:03 +0700

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {failed}
    SMTP error from remote mail server after RCPT TO:<{failed}>:
    host mail.xa.invalid [192.0.2.7]: 550 5.1.1 No such person at this address

------ This is a copy of the message, including all the headers. ------

{original}
""")


def exchange(to: str, failed: str, original: str) -> bytes:
    return _crlf(f"""\
From: =?utf-8?B?TWljcm9zb2Z0IE91dGxvb2s=?=
\t<MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@xa.invalid>
To: <{to}>
Date: Tue, 16 Jun 2020 01:12:05 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="5d1f8c2e-98c1-4a0f-9d0a-2f1a7b9e0c11"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: vi-VN
Message-ID: <5d1f8c2e-98c1-4a0f@xa.invalid>
In-Reply-To: <khac@xa.invalid>
Subject: =?utf-8?B?S2jDtG5nIGfhu61pIMSRxrDhu6Nj?=
Auto-Submitted: auto-replied
MIME-Version: 1.0

--5d1f8c2e-98c1-4a0f-9d0a-2f1a7b9e0c11
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="0a1b2c3d"

--0a1b2c3d
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

S2jDtG5nIGfhu61pIMSRxrDhu6Nj

--0a1b2c3d
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: base64

PHA+S2jDtG5nIGfhu61pIMSRxrDhu6NjPC9wPg==

--0a1b2c3d--

--5d1f8c2e-98c1-4a0f-9d0a-2f1a7b9e0c11
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.xa.invalid
Received-From-MTA: dns;mx.bacson.invalid
Arrival-Date: Tue, 16 Jun 2020 01:12:04 +0000

Original-Recipient: rfc822;{failed}
Final-Recipient: rfc822;{failed.upper()}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound;
 Recipient not found by SMTP address lookup

--5d1f8c2e-98c1-4a0f-9d0a-2f1a7b9e0c11
Content-Type: message/rfc822

{original}

--5d1f8c2e-98c1-4a0f-9d0a-2f1a7b9e0c11--
""")


def gmail(to: str, failed: str, original: str) -> bytes:
    return _crlf(f"""\
Delivered-To: {to}
Return-Path: <>
MIME-Version: 1.0
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: {to}
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: <khac@mail.gmail.invalid>
In-Reply-To: <khac@mail.gmail.invalid>
X-Failed-Recipients: {failed}
Message-ID: <5ee81c05.1c69fb81.d2a.GMR@mx.google.invalid>
Date: Mon, 15 Jun 2020 18:12:05 -0700 (PDT)
Content-Type: multipart/report; boundary="00000000000026b4d005a8233a11"; report-type=delivery-status

--00000000000026b4d005a8233a11
Content-Type: multipart/related; boundary="00000000000026b4e705a8233a13"

--00000000000026b4e705a8233a13
Content-Type: multipart/alternative; boundary="00000000000026b4ee05a8233a14"

--00000000000026b4ee05a8233a14
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

** Kh=C3=B4ng t=C3=ACm th=E1=BA=A5y =C4=91=E1=BB=8Ba ch=E1=BB=89 **

--00000000000026b4ee05a8233a14--
--00000000000026b4e705a8233a13
Content-Type: image/png; name="icon.png"
Content-Disposition: attachment; filename="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--00000000000026b4e705a8233a13--
--00000000000026b4d005a8233a11
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Received-From-MTA: dns; {OURS}
Arrival-Date: Mon, 15 Jun 2020 18:12:04 -0700 (PDT)
X-Original-Message-ID: <khac@mail.gmail.invalid>

Final-Recipient: rfc822; {failed}
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.invalid. (192.0.2.8, the server for the domain gmail.com.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not
 550-5.1.1 exist. Please try double-checking the recipient's email address for typos or
 550 5.1.1 unnecessary spaces.
Last-Attempt-Date: Mon, 15 Jun 2020 18:12:05 -0700 (PDT)

--00000000000026b4d005a8233a11
Content-Type: message/rfc822

{original}

--00000000000026b4d005a8233a11--
""")


def _crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def message_from(raw: bytes) -> EmailMessage:
    """A mail as its reader has it."""
    read = message_from_bytes(raw, policy=SMTP)
    assert isinstance(read, EmailMessage)
    return read
