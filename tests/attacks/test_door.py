"""What the outermost layer takes from somebody who does not behave like a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.web import guard
from ntm_workflow.web.app import create_app
from tests.scene import fresh, only


async def _ask(app: Any, messages: list[dict[str, Any]], **headers: str) -> list[dict[str, Any]]:
    """Send what there is and then nothing more; what was answered."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/vao", "raw_path": b"/vao", "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode())
                    for name, value in {"host": "127.0.0.1", **headers}.items()],
        "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 5), "root_path": "",
        "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await asyncio.wait_for(app(scope, receive, send), 20)
    return sent


def test_a_body_that_stands_still_is_given_up(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "STALL_SECONDS", 0.05)
    scene = fresh(f"sqlite:///{tmp_path / 'ntm.db'}", only(plan, "II.1"), tmp_path)
    app = create_app(scene.rt)
    begun = [{"type": "http.request", "body": b"ten=a&mat", "more_body": True}]
    form = "application/x-www-form-urlencoded"
    sent = asyncio.run(_ask(app, begun, content_type=form, content_length="100"))
    assert sent[0]["status"] == 408
    assert "một phút".encode() in sent[1]["body"].lower()
    scene.rt.engine.dispose()
