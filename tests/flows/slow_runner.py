"""A runner of ours with one flow that takes its time; run by test_runner.py."""

from __future__ import annotations

import asyncio
import time

from prefect import flow

from ntm_workflow.serve import runner


@flow(name="slow")
def slow(seconds: float) -> None:
    time.sleep(seconds)


async def main() -> None:
    ours = runner.DrainingRunner(name="slow", limit=4, pause_on_shutdown=False)
    await ours.aadd_deployment(await slow.ato_deployment("slow"))
    await runner.reap(["slow"])
    await ours.start()


if __name__ == "__main__":
    asyncio.run(main())
