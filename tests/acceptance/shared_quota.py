"""Several processes on one quota of the sandbox's FedEx, and what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from sqlalchemy import select

from db.engine import Database
from db.schema import attempts
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer

ROOT = Path(__file__).parents[2]
RATE = 20  # permits a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the vendor and the record say. ``waits`` are the throttle waits of interactive attempts, in seconds."""

    statuses: list[int | None]
    arrivals: list[float]
    waits: list[float]
    granted: float  # requests a second while everybody was busy, as the vendor counts them

    @property
    def ratio(self) -> float:
        """Granted of the allowance."""
        return self.granted / RATE

    @property
    def p95_wait(self) -> float:
        return quantiles(self.waits, n=20, method="inclusive")[-1] if len(self.waits) > 1 else 0.0


async def share(url: str, db: Database, folder: Path, orders: list[dict[str, Any]], *, seconds: float) -> Shared:
    """Let a process per order call for some seconds; return what came of it."""
    sandbox = SandboxServer(SandboxOptions(port=0, settings={"fedex": {"quotas": [["project", RATE, 1.0]]}}))
    port = await sandbox.start()
    toml = {"vendors": {"fedex": {"quotas": [{"name": "project", "limit": RATE, "seconds": 1.0}]}}}
    shared = {"url": url, "port": port, "folder": str(folder), "toml": toml, "seconds": seconds}
    try:
        processes = [await _start({**shared, "seed": number, **order}) for number, order in enumerate(orders)]
        for process in processes:
            await _says(process, "ready")
        begin = time.time() + 0.5
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{begin}\n".encode())
        for process in processes:
            _, errors = await asyncio.wait_for(process.communicate(), seconds + 60.0)
            assert process.returncode == 0, errors.decode()[-4000:]
    finally:
        await sandbox.stop()
    seen = [request for request in sandbox.ledger.view(vendor="fedex")["requests"] if request["operation"] != "sign_in"]
    arrivals = [_seconds(request["at"]) for request in seen]
    busy = [at for at in arrivals if begin + 1.0 <= at < begin + seconds - 0.5]
    async with db.read() as connection:
        waits = await connection.scalars(
            select(attempts.c.throttle_wait).where(
                attempts.c.operation == "track_shipment", attempts.c.priority == "interactive"
            )
        )
        return Shared(
            statuses=[request["status"] for request in seen],
            arrivals=arrivals,
            waits=[float(wait) for wait in waits],
            granted=(len(busy) - 1) / (busy[-1] - busy[0]),
        )


async def _start(order: dict[str, Any]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.acceptance.quota_process",
        json.dumps(order),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


async def _says(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    said = (await process.stdout.readline()).decode().strip()
    assert said == word, (await process.stderr.read()).decode()[-4000:]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
