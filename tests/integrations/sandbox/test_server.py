from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from tests.integrations.sandbox.conftest import Sandbox, Start

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def till(start: Start) -> Sandbox:
    return await start("till")


async def test_request_and_effect_stand_in_the_ledger_in_the_fixed_form(till: Sandbox) -> None:
    headers = {"traceparent": TRACE, "Idempotency-Key": "k-1"}
    async with till.client.post(f"{till.url}/till/sales", json={"reference": "o-1"}, headers=headers) as answer:
        assert await answer.json() == {"sold": "o-1", "number": 1}
        assert answer.headers.getall("X-A") == ["1", "2"]

    assert await till.control("GET", "ledger") == {
        "requests": [
            {
                "vendor": "till",
                "operation": "ring_up",
                "method": "POST",
                "path": "/sales",
                "traceparent": TRACE,
                "idempotency_key": "k-1",
                "status": 200,
                "at": "2026-10-01T12:00:00.000000Z",
            }
        ],
        "effects": [
            {
                "vendor": "till",
                "kind": "sale",
                "reference": "o-1",
                "id": "1",
                "amount": "1",
                "at": "2026-10-01T12:00:00.000000Z",
            }
        ],
    }


async def test_what_only_the_body_tells_completes_the_row_and_decides_which_fault_strikes(till: Sandbox) -> None:
    await till.fault("till", "status:503", operation="pay_out")
    statuses = []
    for body in (b"in:k-1", b"out:k-2", b""):
        async with till.client.post(f"{till.url}/till/counter", data=body) as answer:
            statuses.append(answer.status)
    rows = [(row["operation"], row["idempotency_key"], row["status"]) for row in await till.requests("till")]

    assert statuses == [200, 503, 200]
    assert rows == [("pay_in", "k-1", 200), ("pay_out", "k-2", 503), ("pay_in", None, 200)]


async def test_ledger_is_filtered_by_vendor_and_moment(till: Sandbox) -> None:
    await till.client.get(f"{till.url}/till/sales/1")
    till.clock.move(10)
    await till.client.get(f"{till.url}/till/sales/2")

    later = await till.control("GET", "ledger?vendor=till&since=2026-10-01T12:00:05Z")
    same = await till.control("GET", f"ledger?since={till.clock.time}")

    assert [seen["path"] for seen in later["requests"]] == ["/sales/2"]
    assert same == later
    assert await till.control("GET", "ledger?vendor=nobody") == {"error": "vendor must be one of till"}
    assert "RFC 3339" in (await till.control("GET", "ledger?since=yesterday"))["error"]


async def test_twin_sees_the_path_without_the_prefix_and_the_address_it_was_called_by(till: Sandbox) -> None:
    async with till.client.get(f"{till.url}/till/sales/7%2F8") as answer:
        assert await answer.json() == {"till_error": 404}
    async with till.client.get(f"{till.url}/till/sales/7") as answer:
        assert await answer.json() == {"number": "7", "base_url": f"{till.url}/till", "path": "/sales/7"}


async def test_path_and_method_the_vendor_does_not_have_get_its_own_error(till: Sandbox) -> None:
    statuses = []
    for method, path in (("GET", "/nothing"), ("DELETE", "/sales"), ("DELETE", "/sales/1")):
        async with till.client.request(method, f"{till.url}/till{path}") as answer:
            statuses.append((answer.status, await answer.json()))

    assert statuses == [(404, {"till_error": 404}), (405, {"till_error": 405}), (405, {"till_error": 405})]
    assert {seen["operation"] for seen in await till.requests("till")} == {"unknown"}


async def test_vendor_not_served_is_named(till: Sandbox) -> None:
    async with till.client.get(f"{till.url}/nobody/x") as answer:
        assert answer.status == 404
        assert await answer.json() == {"error": "no such vendor here: 'nobody'"}


async def test_bug_in_a_twin_becomes_the_vendors_500_and_a_log_line(
    till: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with till.client.get(f"{till.url}/till/broken") as answer:
            assert answer.status == 500

    assert "The till twin failed on GET /broken." in caplog.text


async def test_a_twin_may_tell_how_the_quotas_stand_that_cover_a_request(till: Sandbox) -> None:
    await till.control("PUT", "settings", {"till": {"quotas": [["sales", 2, 10], ["other", 5, 60]]}})
    told = []
    for method, path, move in (("POST", "sales", 0), ("POST", "sales", 4), ("POST", "sales", 0), ("GET", "sales/1", 6)):
        till.clock.move(move)
        async with till.client.request(method, f"{till.url}/till/{path}", json={"reference": "A-1"}) as answer:
            told.append((answer.status, answer.headers.getall("X-Left", [])))
    async with till.client.get(f"{till.url}/till/free") as answer:
        uncounted = answer.headers.getall("X-Left", [])

    assert told == [
        (200, ["sales 1/2 for 10", "other 4/5 for 60"]),
        (200, ["sales 0/2 for 6", "other 3/5 for 56"]),
        (429, []),  # a quota of a known name goes on covering ring_up alone; one refused spends nothing
        (200, ["other 2/5 for 50"]),
    ]
    assert uncounted == []


async def test_quota_is_counted_per_credential_and_its_window_ends(till: Sandbox) -> None:
    await till.control("PUT", "settings", {"till": {"quotas": [["burst", 2, 10]]}})

    async def status(token: str, path: str = "/sales/1") -> tuple[int, str | None]:
        async with till.client.get(f"{till.url}/till{path}", headers={"Authorization": token}) as answer:
            return answer.status, answer.headers.get("Retry-After")

    assert [await status("a"), await status("a")] == [(200, None), (200, None)]
    till.clock.move(4)
    assert await status("a") == (429, "6")
    assert await status("b") == (200, None)
    assert await status("a", "/free") == (200, None)
    till.clock.move(6)
    assert await status("a") == (200, None)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ([], "the body must be a JSON object"),
        ({"nobody": {}}, "nobody is no vendor served here; the vendors are till"),
        ({"till": 3}, "till must be an object"),
        ({"till": {"quotas": [["x", 0, 1]]}}, "till.quotas must be a list of [name, limit, seconds]"),
    ],
)
async def test_bad_settings_are_refused_by_name(till: Sandbox, settings: Any, problem: str) -> None:
    answer = await till.control("PUT", "settings", settings)

    assert problem in answer["error"]
    assert await till.control("GET", "settings") == {}


async def test_setting_of_null_goes_back_to_the_default(till: Sandbox) -> None:
    await till.control("PUT", "settings", {"till": {"a": 1, "b": 2}})

    assert await till.control("PUT", "settings", {"till": {"a": None}}) == {"till": {"b": 2}}


async def test_reset_makes_state_ledger_and_faults_new_and_keeps_settings(till: Sandbox) -> None:
    await till.control("PUT", "settings", {"till": {"a": 1}})
    await till.fault("till", "status:503", operation="get_sale")
    await till.client.post(f"{till.url}/till/sales", json={"reference": "o-1"})

    assert await till.control("GET", "till/sales") == ["o-1"]

    await till.control("POST", "reset")

    assert await till.control("GET", "till/sales") == []
    assert await till.control("GET", "ledger") == {"requests": [], "effects": []}
    assert await till.control("GET", "faults") == {"faults": [], "weather": False}
    assert await till.control("GET", "settings") == {"till": {"a": 1}}


async def test_health_ping_and_unknown_control(till: Sandbox) -> None:
    assert await till.control("GET", "health") == {"status": "ok", "vendors": ["till"], "seed": 7, "demo": False}
    assert await till.control("GET", "ping") == {"ok": True}
    assert await till.control("GET", "till/nothing") == {"error": "no such control: GET /_sandbox/till/nothing"}


async def test_body_over_the_limit_is_a_413_without_effect(start: Start) -> None:
    till = await start("till", body_limit=1000)
    body = {"reference": "o" * 2000}
    async with till.client.post(f"{till.url}/till/sales", json=body) as answer:
        assert answer.status == 413

    assert await till.effects("till") == []
    assert [seen["status"] for seen in await till.requests("till")] == [413]


async def test_one_connection_serves_many_requests(till: Sandbox) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as client:
        for _ in range(3):
            async with client.get(f"{till.url}/till/sales/1") as answer:
                await answer.read()
                assert answer.connection is None or answer.connection.transport is not None
        assert len(connector._conns) == 1


async def test_demo_weather_comes_and_goes_with_the_seed_and_delete_stops_it(start: Start) -> None:
    till = await start("till", demo=True)

    async def bad_answers(requests: int) -> int:
        bad = 0
        for _ in range(requests):
            async with till.client.get(f"{till.url}/till/free") as answer:
                bad += answer.status == 503
        return bad

    from integrations.sandbox.weather import sky

    minute = int(till.clock.time // 60)
    storm = next(later for later in range(minute, minute + 5000) if sky(7, "till", later).error_rate > 0.15)
    till.clock.move((storm - minute) * 60)

    assert 0 < await bad_answers(60) < 40

    await till.control("DELETE", "faults")

    assert await bad_answers(60) == 0


async def test_unknown_vendor_or_bad_setting_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="'nobody' has no twin"):
        SandboxServer(SandboxOptions(vendors=("nobody",)))
    with pytest.raises(ValueError, match=r"sandbox settings: slack\.quotas must be a list"):
        SandboxServer(SandboxOptions(vendors=("slack",), settings={"slack": {"quotas": 3}}))


@pytest.mark.parametrize("change", [{"port": 70_000}, {"ledger_limit": 0}, {"body_limit": 0}, {"hold_limit": 0}])
def test_options_out_of_range_are_refused_with_the_remedy(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"sandbox {next(iter(change))} is .*; give"):
        replace(SandboxOptions(), **change)


async def test_repr_shows_the_state(till: Sandbox) -> None:
    port = till.url.rsplit(":", 1)[1]

    assert repr(till.server) == (
        f"<SandboxServer listening on [('127.0.0.1', {port})], 1 vendors, <Ledger 0 requests, 0 effects>>"
    )


async def test_server_stops_at_once_though_a_client_is_held(start: Start) -> None:
    till = await start("till")
    await till.fault("till", "timeout")
    held = asyncio.ensure_future(till.client.get(f"{till.url}/till/free"))
    while not await till.requests("till"):  # its headers are on their way
        pass

    await asyncio.wait_for(till.server.stop(), 3)

    with pytest.raises(aiohttp.ClientError):
        await held
