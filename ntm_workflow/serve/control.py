"""The simulation's control, for the web page: starts a step through Prefect's API.

Does not import Prefect: the web process stays light.
"""

from __future__ import annotations

import os
import ssl
import time
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import httpx

from ntm_workflow.errors import NotFound, Refused

DEPLOYMENT = "simulate/simulate"
PAUSES = (0.1, 0.3, 0.9, 0)  # seconds after an answer of "busy"
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Progress(NamedTuple):
    """The newest step: whether it is still to end, and the name of its Prefect state."""

    running: bool
    state: str = ""


def start_advance(to: date) -> str:
    """Ask for a step up to and including `to`; return the id of its Prefect run.

    Asked twice, or while another step runs, it is the one that is under way.

    Raises:
        Refused: Prefect does not answer.
        NotFound: there is no simulation.
    """
    with _client() as client:
        runs = _runs(client)
        if runs and not _ended(runs[0]):
            return str(runs[0]["id"])
        answer = _ask(client, "GET", f"/deployments/name/{DEPLOYMENT}")
        if answer.status_code == 404:
            raise NotFound("control.no_simulation")
        body = {
            "parameters": {"to": to.isoformat()},
            # the same until that run is over: two clicks at once start one
            "idempotency_key": f"to-{to}-after-{runs[0]['id'] if runs else 'nothing'}",
            "state": {"type": "SCHEDULED", "message": "asked for on the board"},
        }
        made = _ask(client, "POST", f"/deployments/{answer.json()['id']}/create_flow_run", body)
        return str(made.raise_for_status().json()["id"])


def progress() -> Progress:
    """How the newest step stands. Raises Refused when Prefect does not answer."""
    with _client() as client:
        runs = _runs(client)
    if not runs:
        return Progress(running=False)
    return Progress(not _ended(runs[0]), str(runs[0]["state_name"]))


def _client() -> httpx.Client:
    api = os.environ.get("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    login = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    auth = (login[0], login[2]) if login[0] else None
    # Past any proxy; what it trusts is read from disk once, which takes longer than the call.
    return httpx.Client(base_url=api, auth=auth, timeout=5, trust_env=False, verify=_tls())


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _runs(client: httpx.Client) -> list[dict[str, Any]]:
    flow, name = DEPLOYMENT.split("/")
    body = {
        "flows": {"name": {"any_": [flow]}},
        "deployments": {"name": {"any_": [name]}},
        "sort": "EXPECTED_START_TIME_DESC",
        "limit": 1,
    }
    runs: list[dict[str, Any]] = _ask(client, "POST", "/flow_runs/filter", body).json()
    return runs


def _ask(
    client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None
) -> httpx.Response:
    """One call. Each may be repeated, and is where Prefect's database was busy."""
    for pause in PAUSES:
        try:
            answer = client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise Refused("control.no_prefect", url=str(client.base_url)) from error
        if answer.status_code < 500:
            return answer
        time.sleep(pause)
    raise Refused("control.no_prefect", url=str(client.base_url))


def _ended(run: dict[str, Any]) -> bool:
    return run["state_type"] in FINAL
