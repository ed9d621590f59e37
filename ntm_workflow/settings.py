"""Settings of the installation, from the environment. docs/install.md lists them all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ntm_workflow.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are and how messages leave.

    `database_url` may hold a password, as may `mail_url`, `mailbox_url` (the
    IMAP mailbox that replies come to) and `ping_url` (called while all is well):
    `repr` leaves them out. So does it `oidc_secret`. `evidence_limit` is in bytes; a personal
    link opens for `link_days` days. `head_to` is the mail address that keeps
    the audit's daily heads; `backup_keep` nightly backups are kept. Received mails, and
    contacts out of use, are kept for so many days; 0: for ever. `evidence_url`
    is the bucket that evidence is kept in, "" for the folder under `var`; it holds a
    secret too. `clamd_url` is the virus scanner's socket, "" for none; while it is
    away a file is refused, or waits.
    """

    root: Path
    var: Path
    appendix: Path
    database_url: str
    mail_url: str
    base_url: str
    language: str
    evidence_limit: int
    key_file: Path
    mailbox_url: str = ""
    ping_url: str = ""
    link_days: int = 45
    head_to: str = ""
    backup_dir: Path | None = None
    backup_keep: int = 14
    keep_mail_days: int = 730
    keep_contact_days: int = 730
    keep_loose_days: int = 7
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret: str = ""
    oidc_name: str = ""
    evidence_url: str = ""
    clamd_url: str = ""
    clamd_away: str = "refuse"

    @property
    def signing_file(self) -> Path:
        """The keys that sign the audit; they lie beside the key file."""
        return self.key_file.with_name("audit.key")

    @property
    def backups(self) -> Path:
        """The folder of the nightly backups."""
        return self.backup_dir or self.var / "backup"

    def __repr__(self) -> str:
        return f"Settings(root={str(self.root)!r}, var={str(self.var)!r})"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: a value cannot be used; names the variable.
    """
    root = Path(environ.get("NTM_ROOT") or _root()).resolve()
    var = Path(environ.get("NTM_VAR") or root / "var").resolve()
    limit = _whole(environ, "NTM_EVIDENCE_LIMIT_MB", "25")
    return Settings(
        root=root,
        var=var,
        appendix=Path(environ.get("NTM_APPENDIX") or root / "config" / "appendix.toml"),
        database_url=_secret(environ, "NTM_DATABASE_URL") or f"sqlite:///{var / 'ntm.db'}",
        mail_url=_secret(environ, "NTM_MAIL_URL"),
        base_url=environ.get("NTM_BASE_URL", "http://127.0.0.1:8080").rstrip("/"),
        language=environ.get("NTM_LANG", "vi"),
        evidence_limit=limit * 1_000_000,
        key_file=Path(environ.get("NTM_KEY_FILE") or var / "secret.key"),
        mailbox_url=_secret(environ, "NTM_MAILBOX_URL"),
        ping_url=_secret(environ, "NTM_PING_URL"),
        link_days=_whole(environ, "NTM_LINK_DAYS", "45"),
        head_to=_address(environ, "NTM_HEAD_TO"),
        backup_dir=Path(folder).resolve() if (folder := environ.get("NTM_BACKUP_DIR")) else None,
        backup_keep=_whole(environ, "NTM_BACKUP_KEEP", "14"),
        keep_mail_days=_whole(environ, "NTM_KEEP_MAIL_DAYS", "730", least=0),
        keep_contact_days=_whole(environ, "NTM_KEEP_CONTACT_DAYS", "730", least=0),
        keep_loose_days=_whole(environ, "NTM_KEEP_LOOSE_DAYS", "7", least=0),
        oidc_issuer=_issuer(environ.get("NTM_OIDC_ISSUER", "")),
        oidc_client=environ.get("NTM_OIDC_CLIENT_ID", ""),
        oidc_secret=_secret(environ, "NTM_OIDC_CLIENT_SECRET"),
        oidc_name=environ.get("NTM_OIDC_NAME", ""),
        evidence_url=environ.get("NTM_EVIDENCE_URL", ""),
        clamd_url=environ.get("NTM_CLAMD", ""),
        clamd_away=_one_of(environ, "NTM_CLAMD_AWAY", ("refuse", "wait")),
    )


def _issuer(url: str) -> str:
    """Where single sign-on is; https, but on the machine itself. Raises ConfigError."""
    parts = urlsplit(url)
    if url and parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError("oidc.https", url=url)
    return url


def _secret(environ: Mapping[str, str], name: str) -> str:
    """A secret, or what the file holds that `…_FILE` names. Raises ConfigError."""
    path = environ.get(f"{name}_FILE", "")
    if not path:
        return environ.get(name, "")
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError("settings.file", name=f"{name}_FILE", path=path) from error


def _whole(environ: Mapping[str, str], name: str, default: str, least: int = 1) -> int:
    """A whole number from `least` to 9999. Raises ConfigError."""
    value = environ.get(name, default)
    if not (value.isascii() and value.isdigit() and len(value) < 5 and int(value) >= least):
        raise ConfigError("settings.number", name=name, value=value)
    return int(value)


def _one_of(environ: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """One of the known words, the first where none is set. Raises ConfigError."""
    value = environ.get(name) or known[0]
    if value not in known:
        raise ConfigError("settings.word", name=name, value=value, known=", ".join(known))
    return value


def _address(environ: Mapping[str, str], name: str) -> str:
    """A mail address, or "". Raises ConfigError."""
    value = environ.get(name, "").strip().lower()
    if value and (value.count("@") != 1 or any(c.isspace() or c in ",;<>" for c in value)):
        raise ConfigError("settings.address", name=name, value=value)
    return value


def _root() -> Path:
    """The folder that holds config/: where the command was called, else the checkout."""
    here = Path.cwd()
    if (here / "config" / "appendix.toml").exists():
        return here
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "config" / "appendix.toml").exists() else here
