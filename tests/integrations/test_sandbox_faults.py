"""The hand that injects faults: into the sandbox of this machine, for vendors whose calls go there, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integrations.errors import InvalidInput
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.sandbox_faults import SandboxAway, SandboxFaults
from integrations.settings import understand

FAULT = {"vendor": "fedex", "fault": "status:503", "rate": 1.0, "seed": 7, "seconds": 60}


@pytest.fixture
async def sandbox() -> AsyncIterator[tuple[SandboxServer, int]]:
    server = SandboxServer(SandboxOptions(port=0, vendors=("fedex", "stripe")))
    port = await server.start()
    yield server, port
    await server.stop()


def hand(port: int, folder: Path, **environment: str) -> SandboxFaults:
    return SandboxFaults(understand({"QUAYSIDE_SANDBOX": "on", **environment}, {}, var=folder).integrations, port)


async def test_faults_are_injected_listed_and_stopped_one_by_one(
    sandbox: tuple[SandboxServer, int], tmp_path: Path
) -> None:
    server, port = sandbox
    server.weather = True
    faults = hand(port, tmp_path)
    found = await faults.inject([FAULT, {**FAULT, "vendor": "stripe", "fault": "lost_answer"}])
    first, second = found
    left = await faults.stop(first["id"])
    with pytest.raises(InvalidInput, match="no fault 1 is in force"):
        await faults.stop(first["id"])
    weather = server.weather
    none = await faults.stop(None)

    assert [(one["vendor"], one["fault"]) for one in found] == [("fedex", "status:503"), ("stripe", "lost_answer")]
    assert left == [second]
    assert await faults.active() == none == []
    assert (weather, server.weather) == (True, False)


async def test_what_the_sandbox_refuses_is_said_and_nothing_is_in_force(
    sandbox: tuple[SandboxServer, int], tmp_path: Path
) -> None:
    faults = hand(sandbox[1], tmp_path)
    with pytest.raises(
        InvalidInput, match=r"The sandbox refuses it: \[1\]\.rate must be a number above 0 and up to 1\."
    ):
        await faults.inject([FAULT, {**FAULT, "rate": 2}])

    assert await faults.active() == []


async def test_nothing_is_injected_for_a_vendor_with_an_address_of_its_own(
    sandbox: tuple[SandboxServer, int], tmp_path: Path
) -> None:
    faults = hand(sandbox[1], tmp_path, QUAYSIDE_FEDEX_BASE_URL="https://apis.fedex.com")
    with pytest.raises(InvalidInput, match="The calls of fedex do not go to the sandbox"):
        await faults.inject([FAULT])

    assert "fedex" not in faults.vendors()
    assert "create_payment" in faults.vendors()["stripe"]
    assert await faults.active() == []


async def test_a_sandbox_that_is_away_is_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SandboxAway, match=r"start it with: python app\.py sandbox"):
        await hand(1, tmp_path).active()


async def test_the_same_fault_is_not_put_in_force_twice_by_a_second_click(
    sandbox: tuple[SandboxServer, int], tmp_path: Path
) -> None:
    faults = hand(sandbox[1], tmp_path)
    clicks = await asyncio.gather(faults.inject([FAULT]), faults.inject([FAULT]), return_exceptions=True)
    refused = [one for one in clicks if isinstance(one, InvalidInput)]
    other = await faults.inject([{**FAULT, "operation": "quote_rates"}])

    assert [one.message for one in refused] == ["fedex has status:503 on every operation already; stop it first."]
    assert [one["operation"] for one in other] == [None, "quote_rates"]


async def test_a_fault_ends_by_itself(tmp_path: Path) -> None:
    at = [1_000_000.0]
    server = SandboxServer(SandboxOptions(port=0, vendors=("fedex",)), now=lambda: at[0])
    port = await server.start()
    faults = hand(port, tmp_path)
    await faults.inject([FAULT])
    at[0] += 59.0
    before = await faults.active()
    at[0] += 2.0
    after = await faults.active()
    await server.stop()

    assert (len(before), len(after)) == (1, 0)
