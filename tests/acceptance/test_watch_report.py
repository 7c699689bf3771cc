"""The watch-only report held against a real run in the sandbox: the same settings make the same changes of state."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from db.circuits import Transition, states, transitions
from db.engine import Database
from db.owner import new_owner
from integrations.correlation import origin
from integrations.errors import QuaysideError
from integrations.runtime import Runtime, open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import Settings, understand
from integrations.watch_report import WatchReport, watch_report

TOML = {
    "vendors": {"breaker": {"wait_duration_in_open_state": 0.4, "minimum_number_of_calls": 8}},
    "retry": {"base": 0.01, "cap": 0.02},
}


async def recorded_run(database: Database, folder: Path) -> tuple[Settings, datetime, datetime]:
    """Ask Frankfurter for rates while the sandbox fails in several ways; return the settings and the time it took."""
    sandbox = SandboxServer(SandboxOptions(port=0))
    port = await sandbox.start()
    settings = understand({"QUAYSIDE_SANDBOX_PORT": str(port)}, TOML, var=folder)
    begun = datetime.now(UTC)
    try:
        async with (
            open_runtime(database, settings.integrations, new_owner("test")) as runtime,
            aiohttp.ClientSession() as http,
        ):
            for fault, rate, calls in (
                ("status:503", 0.5, 30),
                ("garbage", 1.0, 12),
                ("reset", 0.6, 30),
                ("status:404", 1.0, 6),
                ("status:503", 0.05, 30),
            ):
                await http.post(
                    f"http://127.0.0.1:{port}/_sandbox/faults",
                    json=[{"vendor": "frankfurter", "fault": fault, "rate": rate, "seed": 11}],
                )
                for _ in range(calls):
                    await ask(runtime)
                await http.delete(f"http://127.0.0.1:{port}/_sandbox/faults")
            await runtime.recorder.flush()
    finally:
        await sandbox.stop()
    return settings, begun, datetime.now(UTC) + timedelta(seconds=1)


async def ask(runtime: Runtime) -> None:
    """Make one call, whatever comes of it, and let some time pass so that waits end on the way."""
    with origin("api"), contextlib.suppress(QuaysideError):
        await runtime.gateway.call("frankfurter", "latest_rates", {"base": "EUR"}, priority="interactive")
    await asyncio.sleep(0.03)


def told(changes: list[Transition]) -> list[tuple[str, str, str, str | None, float | None]]:
    return [
        (change.from_state, change.to_state, change.reason, change.correlation_id, change.wait) for change in changes
    ]


async def report(database: Database, run: tuple[Settings, datetime, datetime], **tried: float) -> WatchReport:
    settings, since, until = run
    values = {f"breaker.{name}": value for name, value in tried.items()}
    return await watch_report(database, settings.integrations, "frankfurter", "frankfurter", since, until, values)


@pytest.mark.timeout(120)
async def test_the_same_settings_make_the_same_changes_and_others_guess_nothing(
    database: Database, tmp_path: Path
) -> None:
    run = await recorded_run(database, tmp_path)
    real = list(reversed(await transitions(database, "frankfurter", run[1], run[2])))
    same = await report(database, run)
    lenient = await report(database, run, consecutive_failures=1000, failure_rate_threshold=1.0)
    strict = await report(database, run, consecutive_failures=1)
    (row,) = [one for one in await states(database) if one.name == "frankfurter"]

    assert len(real) >= 5
    assert {"open", "half_open", "closed"} <= {change.to_state for change in real}
    assert told(list(same.real)) == told(real)
    assert told(list(same.would)) == told(real)
    assert [one.at for one in same.would if one.to_state != "half_open"] == [
        one.at for one in real if one.to_state != "half_open"
    ]
    # A probe is let pass a moment before it goes out; the record has the latter.
    late = [(one.at - other.at).total_seconds() for one, other in zip(same.would, real, strict=True)]
    assert 0.0 <= min(late) <= max(late) < 1.0
    assert (same.refused, same.unknown, same.derived) == (0, 0, 0)
    assert same.refused_by_both > 0
    assert row.state == same.would[-1].to_state

    assert lenient.would == []
    assert (lenient.unknown, lenient.refused_by_both) == (same.refused_by_both, 0)
    assert lenient.refused == 0

    assert strict.would[0].reason.startswith("1 calls in a row failed")
    assert strict.refused_successful > 0
    assert strict.refused_failed > 0
    assert strict.refused >= strict.refused_successful + strict.refused_failed  # the rest said nothing of the vendor
    assert strict.attempts == same.attempts
