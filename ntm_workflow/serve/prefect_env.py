"""The Prefect settings of an embedded installation: nothing inherited, nothing phones home."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

LOOPBACK = "127.0.0.1"
KEPT = ("PREFECT_LOGGING_", "PREFECT_SERVER_LOGGING_")  # may be set by whoever starts us
YEAR_AND_A_MONTH = 400 * 86_400

# A notch above Prefect's defaults: one server process, a few hundred runs a day.
_BATCHES = (
    "TASK_RUN_RECORDER_BATCH_SIZE",
    "TASK_RUN_RECORDER_READ_BATCH_SIZE",
    "EVENT_PERSISTER_BATCH_SIZE",
    "EVENT_PERSISTER_READ_BATCH_SIZE",
    "TRIGGERS_READ_BATCH_SIZE",
)


def api_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/api"


def embedded(
    var: Path, port: int, *, simulated: bool = False, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the whole environment for the processes of `ntm up`.

    Prefect's own data live in `var`/prefect. An inherited PREFECT_* setting (a
    key, a profile, another server) would send our runs elsewhere, so none is
    kept but those of logging.
    """
    home = var / "prefect"
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("PREFECT_") or name.startswith(KEPT)
    }
    direct = ",".join(filter(None, [kept.get("NO_PROXY"), kept.get("no_proxy"), LOOPBACK]))
    return kept | {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": api_url(port),
        "PREFECT_SERVER_API_HOST": LOOPBACK,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_UI_API_URL": api_url(port),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),  # else it writes in site-packages
        "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME": "P400D",
        # On SQLite marking runs late locks the database; late runs start all the same.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(YEAR_AND_A_MONTH),
        "PREFECT_RUNNER_POLL_FREQUENCY": "2" if simulated else "5",
        "PREFECT_LOGGING_COLORS": "false",
        "NO_PROXY": direct,
        "no_proxy": direct,
        **{f"PREFECT_SERVER_SERVICES_{name}": "100" for name in _BATCHES},
    }


def quiet(environ: MutableMapping[str, str] = os.environ) -> None:
    """Before Prefect is imported outside `ntm up`: no temporary server, nothing phones home.

    Without an address Prefect would start a server of its own that has no
    scheduler and reports to its makers.
    """
    for name in (
        "PREFECT_SERVER_EPHEMERAL_ENABLED",
        "PREFECT_SERVER_ANALYTICS_ENABLED",
    ):
        environ.setdefault(name, "false")
    environ.setdefault("DO_NOT_TRACK", "1")
