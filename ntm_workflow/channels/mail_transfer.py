"""One mail on a connection that is open: what the server answers, and what that means.

A server that takes commands in a group (RFC 2920) is asked once for sender,
recipient and leave to begin, not three times: on a slow line that is two waits
a mail fewer. What it then says of each counts as if it had been asked alone.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
from collections.abc import Callable
from functools import lru_cache

from ntm_workflow.channels.result import Outcome

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_GOOD = ((250,), (250, 251), (354,))  # answers to MAIL, RCPT and DATA that let us go on
_REFUSED = (Outcome.CONFIG, Outcome.RECIPIENT, Outcome.PAYLOAD)  # what a refusal of each speaks of
_BROKEN = (OSError, smtplib.SMTPException)

Answer = tuple[int, bytes]
Ended = tuple[Outcome, str, bool]  # the last says that the connection is gone


def plain(address: str) -> bool:
    """True for what is an address at first sight: no quotes, no comment, ASCII."""
    return _PLAIN.fullmatch(address) is not None


def path(address: str) -> str:
    """An address as commands name it: "<a@example.vn>". Raises ValueError: it is none."""
    return f"<{address}>" if plain(address) else _quoted(address)


@lru_cache(maxsize=64)  # the sender is the same each time
def _quoted(address: str) -> str:
    if not address.isascii() or not address.isprintable():
        raise ValueError(f"not an address: {address!r}")
    return smtplib.quoteaddr(address)


def transfer(
    connection: smtplib.SMTP, sender: str, to: str, mail: bytes,
    meanwhile: Callable[[], None] | None = None,
) -> Ended:  # fmt: skip
    """Hand over a mail whose lines end in CR LF; sender and recipient are paths.

    Only what breaks off after the text has begun to leave is in doubt.
    `meanwhile` is called while the server has the text and has not answered; it
    must not raise.
    """
    answers: list[Answer] = []
    try:
        _announce(connection, sender, to, answers)
    except _BROKEN as error:
        if (at := _refusal_at(answers)) is not None:  # it refused, and hung up
            return *class_of(*answers[at], _REFUSED[at])[:2], True
        return Outcome.TRANSIENT, reply_of(error), True
    if (at := _refusal_at(answers)) is not None:
        return _taken_back(connection, answers, at)
    try:
        connection.send(dotted(mail) + b".\r\n")
        if meanwhile:
            meanwhile()
        code, reply = connection.getreply()
    except _BROKEN as error:
        return Outcome.AMBIGUOUS, reply_of(error), True
    if code == 250:
        return Outcome.OK, words(reply), False
    return _reset(connection, class_of(code, reply, Outcome.PAYLOAD))


def _announce(connection: smtplib.SMTP, sender: str, to: str, answers: list[Answer]) -> None:
    """Say MAIL, RCPT and DATA and fill in the answers, up to a refusal where they go singly."""
    commands = [f"MAIL FROM:{sender}\r\n", f"RCPT TO:{to}\r\n", "DATA\r\n"]
    if connection.has_extn("pipelining"):
        connection.send("".join(commands))
        answers.extend(connection.getreply() for _ in commands)  # those before a break stay
        return
    for command in commands:
        answers.append(_say(connection, command))
        if _refusal_at(answers) is not None:
            return


def _say(connection: smtplib.SMTP, what: str | bytes) -> Answer:
    connection.send(what)
    return connection.getreply()


def _refusal_at(answers: list[Answer]) -> int | None:
    """Which of the answers is the first refusal."""
    pairs = zip(answers, _GOOD, strict=False)  # the server may have gone before the last
    return next((n for n, ((code, _), good) in enumerate(pairs) if code not in good), None)


def _taken_back(connection: smtplib.SMTP, answers: list[Answer], at: int) -> Ended:
    """End what was refused; a server that waits for a text all the same gets an empty one."""
    ended = class_of(*answers[at], _REFUSED[at])
    if len(answers) == len(_GOOD) and answers[-1][0] == _GOOD[-1][0]:
        with contextlib.suppress(*_BROKEN):
            _say(connection, b".\r\n")
    return _reset(connection, ended)


def _reset(connection: smtplib.SMTP, ended: Ended) -> Ended:
    """The server may hang up on what it refused: the refusal counts all the same."""
    outcome, detail, gone = ended
    try:
        connection.rset()
    except _BROKEN:
        gone = True
    return outcome, detail, gone


def dotted(mail: bytes) -> bytes:
    """A text of whole lines as it is sent: a line that begins with a dot gets a second one."""
    return (b"." + mail if mail.startswith(b".") else mail).replace(b"\r\n.", b"\r\n..")


def class_of(code: int, reply: bytes | str, permanent: Outcome) -> Ended:
    """The class of a refusal; `permanent` is what one for good speaks of."""
    detail = f"{code} {words(reply)}"
    if code in (530, 535):
        return Outcome.AUTH, detail, False
    if code == 552 and "5.3.4" in detail:
        return Outcome.PAYLOAD, detail, False  # too large for any mailbox of this server
    if code >= 500 and code != 552:  # 552: the mailbox is full, which passes
        return permanent, detail, False
    return Outcome.TRANSIENT, detail, code in (-1, 421)


def reply_of(error: Exception) -> str:
    """What an error says, with the server's own answer where there is one."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {words(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"[:200]


def words(reply: bytes | str) -> str:
    """A server's answer on one line."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(text.split())[:200]
