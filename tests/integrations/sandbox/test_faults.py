from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from integrations.sandbox.faults import BadFault, Faults
from tests.integrations.sandbox.conftest import Clock, Sandbox, Start


@pytest.fixture
async def till(start: Start) -> Sandbox:
    return await start("till")


async def sell(till: Sandbox, reference: str = "o-1", wait: float = 5.0) -> tuple[int, bytes]:
    timeout = aiohttp.ClientTimeout(total=wait)
    async with till.client.post(f"{till.url}/till/sales", json={"reference": reference}, timeout=timeout) as answer:
        return answer.status, await answer.read()


async def seen(till: Sandbox) -> tuple[list[int | None], list[str]]:
    """Return the statuses of the requests and the references of the effects."""
    requests, effects = await till.requests("till"), await till.effects("till")
    return [request["status"] for request in requests], [effect["reference"] for effect in effects]


async def test_status_is_the_vendors_own_error_and_prevents_the_effect(till: Sandbox) -> None:
    await till.fault("till", "status:502")

    assert await sell(till) == (502, b'{"till_error":502}')
    assert await seen(till) == ([502], [])


async def test_timeout_says_nothing_until_the_client_leaves(till: Sandbox) -> None:
    await till.fault("till", "timeout")

    with pytest.raises(TimeoutError):
        await sell(till, wait=0.2)

    assert await seen(till) == ([None], [])


async def test_timeout_is_bounded_for_a_client_that_does_not_leave(start: Start) -> None:
    till = await start("till", hold_limit=0.1)
    await till.fault("till", "timeout")

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await sell(till)


async def test_reset_is_a_tcp_reset(till: Sandbox) -> None:
    await till.fault("till", "reset")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(till.url.rsplit(":", 1)[1]))
    writer.write(b'POST /till/sales HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n{"reference":"o-1"}')

    with pytest.raises(ConnectionResetError):
        await reader.read()

    writer.close()

    assert await seen(till) == ([None], [])


async def test_truncate_promises_more_than_it_sends(till: Sandbox) -> None:
    await till.fault("till", "truncate")

    with pytest.raises(aiohttp.ClientPayloadError):
        await sell(till)

    assert await seen(till) == ([200], ["o-1"])


async def test_garbage_has_the_right_type_and_does_not_parse(till: Sandbox) -> None:
    await till.fault("till", "garbage")
    async with till.client.post(f"{till.url}/till/sales", json={"reference": "o-1"}) as answer:
        with pytest.raises(ValueError, match="codec can't decode"):
            await answer.json()

        assert (answer.status, answer.content_type) == (200, "application/json")
    assert await seen(till) == ([200], ["o-1"])


async def test_slow_answers_late(till: Sandbox) -> None:
    await till.fault("till", "slow:0.3")

    with pytest.raises(TimeoutError):
        await sell(till, wait=0.1)

    assert (await sell(till, "o-2", wait=2))[0] == 200
    assert await seen(till) == ([None, 200], ["o-1", "o-2"])


async def test_drip_never_ends(till: Sandbox) -> None:
    await till.fault("till", "drip")
    got = b""
    with pytest.raises(TimeoutError):  # noqa: PT012 - the stream breaks off while it is read
        async with till.client.post(
            f"{till.url}/till/sales", json={"reference": "o-1"}, timeout=aiohttp.ClientTimeout(total=0.5)
        ) as answer:
            async for part in answer.content.iter_any():
                got += part

    assert b'{"sold":"o-1","number":1}'.startswith(got)
    assert 1 < len(got) < 10
    assert await seen(till) == ([200], ["o-1"])


async def test_rate_limit_is_the_vendors_own_429_for_so_long(till: Sandbox) -> None:
    await till.fault("till", "rate_limit:60")
    till.clock.move(45)
    async with till.client.get(f"{till.url}/till/free") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "15")
    till.clock.move(15)

    assert (await sell(till))[0] == 200


async def test_schema_breaks_a_good_answer_only(till: Sandbox) -> None:
    await till.fault("till", "schema")

    assert await sell(till) == (200, b'{"number":1}')
    async with till.client.get(f"{till.url}/till/nothing") as answer:
        assert await answer.json() == {"till_error": 404}


async def test_lost_answer_performs_the_effect_and_drops_the_connection(till: Sandbox) -> None:
    await till.fault("till", "lost_answer")

    with pytest.raises(aiohttp.ClientConnectionError):
        await sell(till)

    assert await seen(till) == ([None], ["o-1"])


async def test_fault_hits_its_operation_only_and_ends_by_time_or_delete(till: Sandbox) -> None:
    await till.fault("till", "status:503", operation="ring_up", seconds=30)

    async with till.client.get(f"{till.url}/till/free") as answer:
        assert answer.status == 200
    assert (await sell(till))[0] == 503
    till.clock.move(30)
    assert (await sell(till))[0] == 200
    await till.fault("till", "status:503")
    assert (await sell(till))[0] == 503
    assert await till.control("DELETE", "faults") == {"faults": [], "weather": False}
    assert (await sell(till))[0] == 200


async def test_rate_hits_that_share_the_same_way_for_the_same_seed(till: Sandbox) -> None:
    async def hits(seed: int) -> list[int]:
        await till.control("DELETE", "faults")
        await till.fault("till", "status:503", rate=0.3, seed=seed)
        return [(await sell(till))[0] for _ in range(100)]

    first = await hits(7)

    assert await hits(7) == first
    assert await hits(8) != first
    assert 15 < first.count(503) < 45


async def test_faults_are_listed_as_asked_with_the_moment_they_end(till: Sandbox) -> None:
    await till.fault("till", "slow:2.5", rate=0.5, seed=3, seconds=120)

    assert (await till.control("GET", "faults"))["faults"] == [
        {
            "id": 1,
            "vendor": "till",
            "operation": None,
            "fault": "slow:2.5",
            "rate": 0.5,
            "seed": 3,
            "seconds": 120.0,
            "until": "2026-10-01T12:02:00.000000Z",
        }
    ]


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({}, "the body must be a JSON list of faults"),
        ([3], r"\[0\] must be an object"),
        ([{"vendor": "nobody", "fault": "reset"}], r"\[0\]\.vendor must be one of till"),
        ([{"vendor": "till"}], r"\[0\]\.fault must be status:503, timeout"),
        ([{"vendor": "till", "fault": "explode"}], r"\[0\]\.fault must be .*'explode' is none of them"),
        ([{"vendor": "till", "fault": "status:99"}], r"\[0\]\.fault"),
        ([{"vendor": "till", "fault": "slow"}], r"\[0\]\.fault"),
        ([{"vendor": "till", "fault": "slow:0"}], r"\[0\]\.fault"),
        ([{"vendor": "till", "fault": "reset:3"}], r"\[0\]\.fault"),
        ([{"vendor": "till", "fault": "reset", "rate": 1.5}], r"\[0\]\.rate must be a number above 0 and up to 1"),
        ([{"vendor": "till", "fault": "reset", "rate": "0.5"}], r"\[0\]\.rate"),
        ([{"vendor": "till", "fault": "reset", "rate": 0}], r"\[0\]\.rate"),
        ([{"vendor": "till", "fault": "reset", "seed": 1.5}], r"\[0\]\.seed must be a whole number or null"),
        ([{"vendor": "till", "fault": "reset", "seconds": -1}], r"\[0\]\.seconds must be seconds above 0 or null"),
        ([{"vendor": "till", "fault": "reset", "seconds": 0}], r"\[0\]\.seconds"),
        ([{"vendor": "till", "fault": "reset", "operation": "x"}], r"\[0\]\.operation must be null or one of ring_up"),
        ([{"vendor": "till", "fault": "reset", "ratio": 1}], r"\[0\]\.ratio is not a field of a fault"),
        ([{"vendor": "till", "fault": "reset"}, 3], r"\[1\] must be an object"),
    ],
)
def test_bad_faults_are_refused_by_field_and_none_is_in_force(clock: Clock, wanted: Any, problem: str) -> None:
    faults = Faults(clock, {"till": {"ring_up"}})

    with pytest.raises(BadFault, match=problem):
        faults.add(wanted)

    assert faults.json() == []


async def test_bad_fault_is_a_400(till: Sandbox) -> None:
    async with till.client.post(f"{till.url}/_sandbox/faults", data=b"not json") as answer:
        assert answer.status == 400
        assert (await answer.json())["error"].startswith("the body must be JSON")
