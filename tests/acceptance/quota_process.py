"""One process that wants more of FedEx's quota than there is, for ``test_shared_quota.py`` and the permits benchmark.

``python -m tests.acceptance.quota_process '{"url": …}'`` says ``ready``, reads from standard input when to begin (Unix
seconds), calls for ``seconds``, stores what it recorded and prints ``{"batch": n, "interactive": n, "<error type>": n}``.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from db.engine import open_database
from db.owner import new_owner
from db.sealed import Seal
from integrations.errors import QuaysideError
from integrations.outcome import Priority
from integrations.runtime import Runtime, open_runtime
from integrations.settings import understand


async def run(order: dict[str, Any]) -> Counter[str]:
    """Call as ordered; return how many calls of each priority succeeded."""
    environment = {
        "QUAYSIDE_SANDBOX": "on",
        "QUAYSIDE_SANDBOX_PORT": str(order["port"]),
        "QUAYSIDE_SANDBOX_DEMO": "off",
    }
    settings = understand(environment, order["toml"], var=Path(order["folder"]))
    db = open_database(order["url"], Seal(["a key that only this test knows"]))
    done: Counter[str] = Counter()
    try:
        async with open_runtime(db, settings.integrations, new_owner("quota")) as runtime:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            begin = float(await asyncio.to_thread(sys.stdin.readline))
            await asyncio.sleep(max(0.0, begin - time.time()))
            end = begin + order["seconds"]
            async with asyncio.TaskGroup() as tasks:
                for _ in range(order["batch_workers"]):
                    tasks.create_task(_saturate(runtime, "batch", end, done))
                for _ in range(order.get("interactive_workers", 0)):
                    tasks.create_task(_saturate(runtime, "interactive", end, done))
                if order.get("interactive_rate"):
                    await _demand(runtime, order["interactive_rate"], end, done, random.Random(order["seed"]), tasks)
    finally:
        await db.close()
    return done


async def _saturate(runtime: Runtime, priority: Priority, end: float, done: Counter[str]) -> None:
    while time.time() < end:
        await _one(runtime, priority, end, done)


async def _demand(
    runtime: Runtime, rate: float, end: float, done: Counter[str], draw: random.Random, tasks: asyncio.TaskGroup
) -> None:
    """Start interactive calls as people do: independently of each other, ``rate`` a second."""
    while (pause := draw.expovariate(rate)) < end - time.time():
        await asyncio.sleep(pause)
        tasks.create_task(_one(runtime, "interactive", end, done))


async def _one(runtime: Runtime, priority: Priority, end: float, done: Counter[str]) -> None:
    left = max(0.2, end - time.time())
    try:
        await runtime.gateway.call(
            "fedex", "track_shipment", {"tracking_number": "794600000001"}, priority=priority, deadline=left
        )
        done[priority] += 1
    except QuaysideError as error:
        done[error.error_type] += 1
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
