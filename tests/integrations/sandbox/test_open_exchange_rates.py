from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start


@pytest.fixture
async def oxr(start: Start) -> Sandbox:
    return await start("open_exchange_rates")


async def get(oxr: Sandbox, path: str, **query: str) -> tuple[int, Any]:
    query = {"app_id": "test", **query}
    url = f"{oxr.url}/open_exchange_rates/api/{path}"
    async with oxr.client.get(url, params=query) as answer:
        return answer.status, None if answer.status == 304 else await answer.json()


def check(value: Any, name: str) -> None:
    """Hold an answer against the third-party description of the service."""
    document = yaml.safe_load(
        contract("open_exchange_rates/thirdparty-openexchangerates-openapi.yml").read_text(encoding="utf-8")
    )
    Draft202012Validator({**document, "$ref": f"#/components/schemas/{name}"}).validate(value)


async def set_to(oxr: Sandbox, **values: Any) -> None:
    await oxr.control("PUT", "settings", {"open_exchange_rates": values})


async def test_latest_rates_are_of_the_hour_and_hold_to_the_description(oxr: Sandbox) -> None:
    oxr.clock.move(1800)
    status, latest = await get(oxr, "latest.json")
    check(latest, "Rates")

    assert (status, latest["base"], latest["timestamp"]) == (200, "USD", oxr.clock.time - 1800)
    assert latest["rates"]["AED"] == 3.6725
    assert 0.8 < latest["rates"]["EUR"] < 0.92
    assert "XAU" not in latest["rates"]


async def test_symbols_limit_the_rates_and_the_key_may_stand_in_the_header(oxr: Sandbox) -> None:
    url, headers = f"{oxr.url}/open_exchange_rates/api/latest.json", {"Authorization": "Token test"}
    async with oxr.client.get(url, params={"symbols": "EUR,gbp"}, headers=headers) as answer:
        latest = await answer.json()

    assert latest["rates"].keys() == {"EUR", "GBP"}


async def test_rates_move_slowly_from_day_to_day(oxr: Sandbox) -> None:
    rates = [(await get(oxr, f"historical/2026-09-{day:02d}.json"))[1]["rates"]["JPY"] for day in range(1, 31)]
    steps = [abs(after / before - 1) for before, after in pairwise(rates)]

    assert len(set(rates)) == 30
    assert max(steps) < 0.02


async def test_historical_day_ends_with_its_last_second_and_today_with_now(oxr: Sandbox) -> None:
    _, past = await get(oxr, "historical/2026-09-30.json")
    _, today = await get(oxr, "historical/2026-10-01.json")
    check(past, "Rates")

    assert past["timestamp"] == 1_790_812_799  # 2026-09-30T23:59:59Z
    assert today["timestamp"] == oxr.clock.time


@pytest.mark.parametrize(
    ("path", "query", "status", "message"),
    [
        ("latest.json", {"app_id": ""}, 401, "missing_app_id"),
        ("latest.json", {"app_id": "invalid"}, 401, "invalid_app_id"),
        ("latest.json", {"base": "EUR"}, 429, "not_allowed"),
        ("historical/2026-10-02.json", {}, 400, "not_available"),
        ("historical/1998-12-31.json", {}, 400, "not_available"),
        ("historical/yesterday.json", {}, 400, "invalid_date"),
        ("convert/100/EUR/USD", {}, 429, "not_allowed"),
        ("nothing.json", {}, 404, "not_found"),
    ],
)
async def test_errors_are_told_by_their_message(
    oxr: Sandbox, path: str, query: dict[str, str], status: int, message: str
) -> None:
    seen, value = await get(oxr, path, **query)
    check(value, "Error")

    assert (seen, value["status"], value["message"]) == (status, status, message)


async def test_paid_plan_changes_the_base(oxr: Sandbox) -> None:
    _, dollars = await get(oxr, "latest.json", symbols="EUR")
    await set_to(oxr, plan="developer")
    status, euros = await get(oxr, "latest.json", base="EUR", symbols="USD")

    assert (status, euros["base"]) == (200, "EUR")
    assert euros["rates"]["USD"] == pytest.approx(1 / dollars["rates"]["EUR"], abs=1e-5)
    assert (await get(oxr, "latest.json", base="ABC"))[1]["message"] == "invalid_base"


async def test_month_ends_in_403_until_the_next_and_usage_stays_free(oxr: Sandbox) -> None:
    await set_to(oxr, monthly_quota=2)
    statuses = [(await get(oxr, "latest.json"))[0] for _ in range(2)]
    status, refused = await get(oxr, "latest.json")
    _, usage = await get(oxr, "usage.json")
    check(usage, "Usage")
    oxr.clock.move(31 * 86_400)

    assert statuses == [200, 200]
    assert (status, refused["message"]) == (403, "access_restricted")
    assert "over-use" in refused["description"]
    assert usage["data"]["usage"]["requests_remaining"] == 0
    assert (await get(oxr, "latest.json"))[0] == 200


async def test_unchanged_rates_are_a_304_that_counts(oxr: Sandbox) -> None:
    url, params = f"{oxr.url}/open_exchange_rates/api/latest.json", {"app_id": "test"}
    async with oxr.client.get(url, params=params) as answer:
        tag = answer.headers["ETag"]
    async with oxr.client.get(url, params=params, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    oxr.clock.move(3600)
    async with oxr.client.get(url, params=params, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200

    assert (await get(oxr, "usage.json"))[1]["data"]["usage"]["requests"] == 3


async def test_currencies_need_no_key(oxr: Sandbox) -> None:
    status, names = await get(oxr, "currencies.json", app_id="")

    assert (status, names["KWD"]) == (200, "Kuwaiti Dinar")
    assert {seen["operation"] for seen in await oxr.requests("open_exchange_rates")} == {"look_up"}


async def test_schema_fault_takes_the_rates_away(oxr: Sandbox) -> None:
    await oxr.fault("open_exchange_rates", "schema")

    assert "rates" not in (await get(oxr, "latest.json"))[1]
