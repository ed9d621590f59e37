"""What libraries may say in the log about a call: never an address, a number or a token."""

from __future__ import annotations

import logging
import re

_CALLERS = ("httpx", "httpcore", "urllib3", "urllib3.connectionpool")  # log each address they call
_SECRETS = (
    (re.compile(r"\w+://\S+"), "…://…"),
    (re.compile(r"(?<![\w<:/])/\S+"), "/…"),  # the path of a URL
    (re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+"), "…@…"),
    (re.compile(r"[\w.:+-]*\d{6,}[\w.:+-]*"), "…"),
)


class _Masked(logging.Filter):
    """Lets every record pass, without what could be somebody's."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        return True


_MASKED = _Masked()


def masked(text: str) -> str:
    """A text without URLs, their paths, mail addresses and long numbers."""
    for found, instead in _SECRETS:
        text = found.sub(instead, text)
    return text


def unaddressed(text: str) -> str:
    """A text in which mail addresses keep nothing but their domain: for what is kept for ever."""
    return _LOCAL.sub("…@", text)


_LOCAL = re.compile(r"[^\s@<>\"'(:,;]+@(?=[^\s@])")


def hush() -> None:
    """Tell Apprise to mask what it logs, and what it calls with to log no calls. Again: no change.

    An address that Apprise is given holds the recipient, and often a token.
    """
    logging.getLogger("apprise").addFilter(_MASKED)
    for name in _CALLERS:
        logging.getLogger(name).setLevel(logging.ERROR)
