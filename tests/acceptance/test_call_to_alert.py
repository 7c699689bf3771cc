"""The whole story in one test: a vendor fails, its circuit opens, people read it in Slack, it heals, the message says so.

Read this first: every part it names is where the story goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from app import alerts
from db.circuits import states, transitions
from db.engine import Database
from db.incidents import list_incidents
from db.owner import new_owner
from integrations.correlation import origin
from integrations.outcome import CallResult
from integrations.prober import probe_due_circuits
from integrations.runtime import Runtime, open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import understand
from tests.waiting import until

TOML = {
    "vendors": {"breaker": {"wait_duration_in_open_state": 2.0}},
    "retry": {"base": 0.01, "cap": 0.02},
    "alerts": {"channels": ["C0ALERTS01"], "edit_every": 0},
}
QUOTE = {
    "reference": "A-1",
    "origin": {"lines": ["1 Dock Street"], "city": "Memphis", "state": "TN", "postal_code": "38118", "country": "US"},
    "destination": {"lines": ["5 Pine"], "city": "Irving", "state": "TX", "postal_code": "75063", "country": "US"},
    "parcels": [{"weight_kg": "2.5"}],
}


async def test_a_failing_vendor_becomes_one_slack_message_that_ends_with_all_clear(
    database: Database, tmp_path: Path
) -> None:
    sandbox = SandboxServer(SandboxOptions(port=0))
    port = await sandbox.start()
    url = f"http://127.0.0.1:{port}/_sandbox"
    settings = understand({"QUAYSIDE_SANDBOX_PORT": str(port)}, TOML, var=tmp_path)
    try:
        async with (
            open_runtime(database, settings.integrations, new_owner("test")) as runtime,
            aiohttp.ClientSession() as http,
        ):
            rules = alerts(settings, database, runtime)

            # FedEx answers, then it does not: the last good quotes stand in, marked stale, until the circuit opens.
            assert not (await quote(runtime)).stale
            await http.post(
                f"{url}/faults", json=[{"vendor": "fedex", "fault": "status:503", "rate": 1.0, "seconds": 60}]
            )
            await until(lambda: is_open_after_one_more(database, runtime))
            (opened,) = await states(database)
            assert (opened.name, opened.state) == ("fedex", "open")

            # The rules see it, and one message goes out through the same gateway.
            await rules.evaluate()
            await rules.deliver()
            (incident,) = [one for one in await list_incidents(database) if one.subject == "fedex"]
            (first,) = await messages(http, url)
            assert incident.state == "firing"
            assert "FedEx" in first["text"]

            # FedEx is back; probes prove it, nobody has to do anything.
            await http.delete(f"{url}/faults")
            await until(lambda: is_closed_after_probes(database, runtime))
            await rules.evaluate()
            await rules.deliver()
            (last,) = await messages(http, url)
            (resolved,) = [one for one in await list_incidents(database) if one.subject == "fedex"]
            changes = await transitions(database, "fedex", datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC))

            assert [change.to_state for change in reversed(changes)] == ["open", "half_open", "closed"]
            assert resolved.state == "resolved"
            assert last["ts"] == first["ts"]
            assert last["text"] != first["text"]
            assert "resolved" in last["text"].lower()
    finally:
        await sandbox.stop()


async def quote(runtime: Runtime) -> CallResult:
    with origin("api"):
        return await runtime.gateway.call("fedex", "quote_rates", QUOTE, priority="interactive")


async def is_open_after_one_more(database: Database, runtime: Runtime) -> bool:
    assert (await quote(runtime)).stale
    return any(row.state == "open" for row in await states(database))


async def is_closed_after_probes(database: Database, runtime: Runtime) -> bool:
    await probe_due_circuits(database, runtime)
    return all(row.state == "closed" for row in await states(database))


async def messages(http: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    async with http.get(f"{url}/slack/messages") as answer:
        found = await answer.json()
    return [message for message in found if message["channel"] == "C0ALERTS01"]
