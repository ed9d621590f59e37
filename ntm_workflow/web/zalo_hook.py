"""Where Zalo calls: one address for each Official Account and bot. Says nothing but a status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from ntm_workflow.channels.zalo.webhook import Call
from ntm_workflow.chase import inbound

router = APIRouter()


async def _call(request: Request) -> Call:
    headers = request.headers
    return Call(
        body=await request.body(), signature=headers.get("x-zevent-signature", ""),
        secret=headers.get("x-bot-api-secret-token", ""),
        retry=any(name in headers for name in ("num_retry", "num-retry")),
        server="ZNS" if headers.get("x-zevent-server", "").upper() == "ZNS" else "",
    )  # fmt: skip


@router.post("/zalo/{channel}")
def take(request: Request, channel: str, call: Annotated[Call, Depends(_call)]) -> Response:
    """Keep what is Zalo's and answer at once; the rest follows when the answer has left."""
    state = request.app.state
    taken = inbound.take(state.rt, channel, call, datetime.now(UTC))
    if taken.number is not None:
        state.porter.give(taken.number)
    return Response(status_code=taken.status)
