"""The error tree. Errors carry a key and data; sentences are made at the edge.

NtmError
├── AppendixFaults      the appendix file cannot be used; every fault at once
├── UndatedTiming       a timing that cannot be dated; carries the question
├── Refused             a person asked for something the rules do not allow
│   └── StaleEdit       somebody else changed the same thing first
├── NotFound            a task, row, body or notice nobody knows
├── SchemaOutdated      the database needs `ntm db upgrade`
└── ConfigError         a setting that cannot be used
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ntm_workflow.appendix.model import Fault, Question


class NtmError(Exception):
    """Base of all our errors: `key` names the sentence in locale/, `data` fills it."""

    exit_code = 1

    def __init__(self, key: str, **data: Any) -> None:
        super().__init__(key, data)
        self.key = key
        self.data = data

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{self.key}({details})"


class AppendixFaults(NtmError):
    """The appendix cannot be used. `faults` holds every one of them, in file order."""

    def __init__(self, path: str, faults: tuple[Fault, ...]) -> None:
        super().__init__("appendix.faults", path=path, count=len(faults))
        self.path = path
        self.faults = faults


class UndatedTiming(NtmError):
    """A timing that cannot be dated; `question` is what to ask a person."""

    def __init__(self, row: str, question: Question) -> None:
        super().__init__("timing.undated", row=row, text=question.ask)
        self.question = question


class Refused(NtmError):
    """The rules do not allow what was asked; nothing was changed."""


class StaleEdit(Refused):
    """Somebody else changed the same thing after it was read; nothing was changed."""


class NotFound(NtmError):
    """Nobody knows the thing that was named."""


class SchemaOutdated(NtmError):
    """The database was made by another version; `ntm db upgrade` mends it."""


class ConfigError(NtmError):
    """A setting, option or file of the installation cannot be used."""

    exit_code = 2
