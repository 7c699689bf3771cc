"""A silence on the real way to people: made over the API, honoured by the alerts of another process, over a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from app import alerts
from db.circuit_acts import set_by_hand
from db.engine import Database
from db.incidents import list_incidents
from db.owner import new_owner
from integrations.runtime import open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import understand
from monitoring.alerts.incidents import Alerts
from monitoring.commands import add_token
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.acceptance.test_call_to_alert import messages
from tests.waiting import until

TOML = {"alerts": {"channels": ["C0ALERTS01"], "edit_every": 0}}


async def test_a_silenced_incident_sends_nothing_a_new_one_does_and_after_the_silence_it_is_told_once(
    database: Database, tmp_path: Path
) -> None:
    sandbox = SandboxServer(SandboxOptions(port=0))
    port = await sandbox.start()
    url = f"http://127.0.0.1:{port}/_sandbox"
    settings = understand({"QUAYSIDE_SANDBOX_PORT": str(port)}, TOML, var=tmp_path)
    token = await add_token(database, "ops", ["read", "operate"], now=datetime.now(UTC))
    web = create_web(database, WebOptions(), [], [])
    try:
        async with (
            open_runtime(database, settings.integrations, new_owner("test")) as runtime,
            aiohttp.ClientSession() as http,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=web),
                base_url="http://127.0.0.1:8050",
                headers={"authorization": f"Bearer {token}"},
            ) as ops,
        ):
            rules = alerts(settings, database, runtime)
            await open_circuit(database, "fedex")
            await rules.evaluate()
            (incident,) = await list_incidents(database)
            address = f"/api/v1/incidents/{incident.id}"
            for_now = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            assert (await ops.post(f"{address}/silence", json={"reason": "known", "until": for_now})).is_success
            await told(rules)
            assert await messages(http, url) == []

            # A new trouble is told, by a scheduler that has started meanwhile too.
            await open_circuit(database, "ups")
            rules = alerts(settings, database, runtime)
            await told(rules)
            assert [about(message) for message in await messages(http, url)] == ["UPS"]

            # Its time is over: it still fires, and is told once. The message leads to its own page.
            soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
            assert (await ops.post(f"{address}/silence", json={"reason": "known", "until": soon})).is_success
            await until(lambda: has_ended(rules, database))
            await told(rules)
            await told(rules)
            found = await messages(http, url)
            timeline = (await ops.get(f"{address}/timeline")).json()["happenings"]

            assert sorted(about(message) for message in found) == ["FedEx", "UPS"]
            (ours,) = [message for message in found if about(message) == "FedEx"]
            assert f"/incidents/{incident.id}|Open the incident" in str(ours["blocks"])
            assert [one["kind"] for one in timeline if one["kind"] != "circuit"] == [
                "opened",
                "silenced",
                "silenced",
                "unsilenced",
                "told",
            ]
    finally:
        await sandbox.stop()


async def open_circuit(database: Database, vendor: str) -> None:
    now = datetime.now(UTC)
    done = await set_by_hand(
        database, vendor, vendor, "forced_open", reason="maintenance", by="ada", expires_at=None, now=now
    )
    assert done is not None


async def told(rules: Alerts) -> None:
    await rules.evaluate()
    await rules.deliver()


async def has_ended(rules: Alerts, database: Database) -> bool:
    await rules.evaluate()
    return all(one.silenced_by is None for one in await list_incidents(database))


def about(message: dict[str, Any]) -> str:
    return next(name for name in ("FedEx", "UPS") if name in message["text"])
