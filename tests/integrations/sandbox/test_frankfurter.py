from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from integrations.sandbox.reference_rates import reference_rates
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start

SEED = 7
HELD = [  # path, path in the contract
    ("/v1/latest", "/latest"),
    ("/v1/latest?base=USD&symbols=EUR,GBP", "/latest"),
    ("/v1/2026-09-01", "/{date}"),
    ("/v1/2026-09-01..2026-09-30?base=GBP&symbols=USD", "/{start_date}..{end_date}"),
    ("/v1/2026-09-01..", "/{start_date}.."),
    ("/v1/currencies", "/currencies"),
    ("/v2/rates", "/rates"),
    ("/v2/rates?base=USD&quotes=EUR,GBP&providers=ECB&date=2026-09-06", "/rates"),
    ("/v2/rates?from=2026-09-01&to=2026-09-10&expand=providers", "/rates"),
    ("/v2/rates?from=2026-01-01&group=month&quotes=USD", "/rates"),
    ("/v2/rate/EUR/USD", "/rate/{base}/{quote}"),
    ("/v2/currencies", "/currencies"),
    ("/v2/currencies?scope=all", "/currencies"),
    ("/v2/currency/SAR", "/currency/{code}"),
    ("/v2/providers", "/providers"),
]


@lru_cache(maxsize=2)
def described(version: str) -> Any:
    return json.loads(contract(f"frankfurter/openapi-{version}.json").read_bytes(), parse_float=Decimal)


def check(body: bytes, version: str, path: str, status: int = 200) -> None:
    """Hold an answer against the published description; decimals, because its multipleOf fails on binary fractions."""
    document = described(version)
    response = document["paths"][path]["get"]["responses"][str(status)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    Draft202012Validator({**document, **schema}).validate(json.loads(body, parse_float=Decimal))


@pytest.fixture
async def frankfurter(start: Start) -> Sandbox:
    return await start("frankfurter")


async def ask(frankfurter: Sandbox, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    async with frankfurter.client.get(f"{frankfurter.url}/frankfurter{path}", headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


async def get(frankfurter: Sandbox, path: str) -> Any:
    status, _, body = await ask(frankfurter, path)

    assert status == 200, body
    return json.loads(body)


def set_clock(frankfurter: Sandbox, text: str) -> None:
    frankfurter.clock.time = datetime.fromisoformat(text).astimezone(UTC).timestamp()


@pytest.mark.parametrize(("path", "described_as"), HELD)
async def test_answers_hold_to_the_published_description(frankfurter: Sandbox, path: str, described_as: str) -> None:
    status, headers, body = await ask(frankfurter, path)

    assert status == 200
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    check(body, path[1:3], described_as)


async def test_version_one_gives_the_banks_own_digits_for_one_euro(frankfurter: Sandbox) -> None:
    latest = await get(frankfurter, "/v1/latest")
    day = datetime.fromisoformat(latest["date"]).date()

    assert latest["date"] == "2026-09-30"  # asked on Thursday at noon, before the publication
    assert latest["rates"] == {code: float(rate) for code, rate in reference_rates(SEED, day).items()}
    assert latest["amount"] == 1.0
    assert latest == await get(frankfurter, "/v1/current")


@pytest.mark.parametrize(
    ("now", "asked", "dated"),
    [
        ("2026-10-01T15:59:00+02:00", "latest", "2026-09-30"),
        ("2026-10-01T16:00:00+02:00", "latest", "2026-10-01"),
        ("2026-10-04T12:00:00+02:00", "latest", "2026-10-02"),  # a Sunday
        ("2026-10-05T09:00:00+02:00", "2026-10-03", "2026-10-02"),  # a Saturday
        ("2026-10-05T09:00:00+02:00", "2026-10-09", "2026-10-02"),  # lies ahead
        ("2026-10-05T09:00:00+02:00", "2026-04-06", "2026-04-02"),  # Easter Monday
    ],
)
async def test_a_day_without_rates_is_answered_with_an_earlier_one(
    frankfurter: Sandbox, now: str, asked: str, dated: str
) -> None:
    set_clock(frankfurter, now)

    assert (await get(frankfurter, f"/v1/{asked}"))["date"] == dated


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/1998-12-31", 404, "not found"),
        ("/v1/2026-10-30", 404, "not found"),  # more than a fortnight ahead of the last rates
        ("/v1/2026-10-02..2026-10-03", 404, "not found"),
        ("/v1/latest?base=AED", 404, "not found"),
        ("/v1/latest?symbols=AED", 404, "not found"),
        ("/v1/latest?symbols=EUR", 404, "not found"),
        ("/v1/2026-13-01", 422, "invalid date"),
        ("/v1/2026-09-01..2026-09-31", 422, "invalid date"),
        ("/v1/latest?base=USD&symbols=usd", 422, "bad currency pair"),
        ("/v1/latest?base=EUR&symbols=EUR", 422, "bad currency pair"),
        ("/v1/latest?amount=-5", 422, "invalid amount"),
        ("/v1/latest?amount=ten", 422, "invalid amount"),
    ],
)
async def test_version_one_refuses_with_422_what_is_wrong_and_with_404_what_it_has_not(
    frankfurter: Sandbox, path: str, status: int, message: str
) -> None:
    seen, headers, body = await ask(frankfurter, path)

    assert (seen, json.loads(body)) == (status, {"message": message})
    assert headers["Cache-Control"] == "no-store"
    assert "ETag" not in headers


async def test_base_symbols_and_amount_go_by_two_names_and_any_case(frankfurter: Sandbox) -> None:
    by_one_name = await get(frankfurter, "/v1/latest?base=gbp&symbols=usd,jpy&amount=100")
    by_the_other = await get(frankfurter, "/v1/latest?from=GBP&to=USD,JPY&amount=100&unknown=1")

    assert by_one_name == by_the_other
    assert (by_one_name["amount"], by_one_name["base"]) == (100.0, "GBP")
    assert list(by_one_name["rates"]) == ["JPY", "USD"]


async def test_from_and_to_are_currencies_in_version_one_and_days_in_version_two(frankfurter: Sandbox) -> None:
    one = await get(frankfurter, "/v1/latest?from=GBP&to=USD")
    two = await get(frankfurter, "/v2/rates?from=2026-09-01&to=2026-09-02&quotes=USD")

    assert (one["base"], list(one["rates"])) == ("GBP", ["USD"])
    assert {row["date"] for row in two} == {"2026-09-01", "2026-09-02"}
    assert (await ask(frankfurter, "/v2/rates?from=GBP&to=USD"))[0] == 422


async def test_an_open_range_ends_with_the_newest_day(frankfurter: Sandbox) -> None:
    latest = await get(frankfurter, "/v1/latest")
    body = await get(frankfurter, "/v1/2026-09-01..?symbols=USD")

    assert body["end_date"] == max(body["rates"]) == latest["date"]


async def test_version_one_has_the_banks_currencies_and_version_two_far_more(frankfurter: Sandbox) -> None:
    one = await get(frankfurter, "/v1/currencies")
    two = {row["iso_code"] for row in await get(frankfurter, "/v2/currencies?scope=all")}

    assert set(one) < two
    assert "AED" in two - set(one)


async def test_another_base_loses_digits(frankfurter: Sandbox) -> None:
    euros = (await get(frankfurter, "/v1/latest"))["rates"]
    dollars = (await get(frankfurter, "/v1/latest?base=USD"))["rates"]

    assert "USD" not in dollars
    assert dollars["EUR"] == float(f"{1 / euros['USD']:.5f}")
    assert dollars["JPY"] == float(f"{euros['JPY'] / euros['USD']:.2f}")
    assert isinstance(dollars["IDR"], int)  # no decimals above 5000
    assert (await get(frankfurter, "/v1/latest?base=IDR&symbols=EUR"))["rates"]["EUR"] < 0.0001


async def test_a_range_begins_with_the_last_rates_before_it_and_holds_working_days(frankfurter: Sandbox) -> None:
    body = await get(frankfurter, "/v1/2026-09-05..2026-09-08?symbols=USD")  # from a Saturday
    open_ended = await get(frankfurter, "/v1/2026-09-28..?symbols=USD")
    between = await get(frankfurter, "/v1/2026-09-05..2026-09-06?symbols=USD")

    assert list(body["rates"]) == ["2026-09-04", "2026-09-07", "2026-09-08"]
    assert (body["start_date"], body["end_date"]) == ("2026-09-04", "2026-09-08")
    assert open_ended["end_date"] == "2026-09-30"
    assert list(between["rates"]) == ["2026-09-04"]
    assert (await ask(frankfurter, "/v1/2026-09-10..2026-09-07"))[0] == 404


async def test_the_etag_is_of_the_date_alone_and_so_a_false_304_lurks(frankfurter: Sandbox) -> None:
    _, headers, _ = await ask(frankfurter, "/v1/latest")
    status, again, body = await ask(frankfurter, "/v1/latest?base=USD", **{"If-None-Match": headers["ETag"]})
    set_clock(frankfurter, "2026-10-01T16:00:00+02:00")
    fresh, _, _ = await ask(frankfurter, "/v1/latest?base=USD", **{"If-None-Match": headers["ETag"]})

    assert headers["Cache-Control"] == "public, max-age=86400"
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    assert fresh == 200


async def test_the_cache_in_front_may_give_yesterdays_latest(frankfurter: Sandbox) -> None:
    set_clock(frankfurter, "2026-10-01T17:00:00+02:00")
    await frankfurter.control("PUT", "settings", {"frankfurter": {"cached_for": 7200}})
    _, headers, body = await ask(frankfurter, "/v1/latest")

    assert json.loads(body)["date"] == "2026-09-30"
    assert headers["Age"] == "7200"


async def test_names_are_of_the_currencies_with_rates(frankfurter: Sandbox) -> None:
    names = await get(frankfurter, "/v1/currencies")

    assert list(names) == sorted(names)
    assert len(names) == 30
    assert names["EUR"] == "Euro"


async def test_version_two_has_rows_with_the_base_among_them(frankfurter: Sandbox) -> None:
    rows = await get(frankfurter, "/v2/rates?base=USD&quotes=EUR,USD")

    assert [(row["quote"], row["base"]) for row in rows] == [("EUR", "USD"), ("USD", "USD")]
    assert rows[1]["rate"] == 1.0
    assert len(await get(frankfurter, "/v2/rates")) > len((await get(frankfurter, "/v1/latest"))["rates"]) + 1


async def test_only_the_bank_named_gives_its_own_digits(frankfurter: Sandbox) -> None:
    official = (await get(frankfurter, "/v1/2026-09-30?symbols=GBP"))["rates"]["GBP"]
    (named,) = await get(frankfurter, "/v2/rates?date=2026-09-30&quotes=GBP&providers=ecb")
    (blend,) = await get(frankfurter, "/v2/rates?date=2026-09-30&quotes=GBP&expand=providers")

    assert named == {"date": "2026-09-30", "base": "EUR", "quote": "GBP", "rate": official}
    assert [source["key"] for source in blend["providers"]] == ["BOC", "ECB", "IMF", "TCMB"]
    assert blend["rate"] == pytest.approx(official, rel=0.01)


async def test_latest_rates_may_be_dated_tomorrow(frankfurter: Sandbox) -> None:
    set_clock(frankfurter, "2026-10-01T18:00:00+02:00")
    latest = await get(frankfurter, "/v2/rate/EUR/USD")
    official = await get(frankfurter, "/v2/rate/EUR/USD?providers=ECB")
    today = await get(frankfurter, "/v2/rate/EUR/USD?date=2026-10-01")

    assert (latest["date"], official["date"], today["date"]) == ("2026-10-02", "2026-10-01", "2026-10-01")


async def test_a_pegged_currency_stays_at_its_peg_in_the_blend_alone(frankfurter: Sandbox) -> None:
    (blend,) = await get(frankfurter, "/v2/rates?base=USD&quotes=SAR&expand=providers")
    (named,) = await get(frankfurter, "/v2/rates?base=USD&quotes=SAR&providers=IMF")

    assert blend["rate"] == 3.75
    assert all(source["excluded"] for source in blend["providers"])
    assert 3.75 < named["rate"] < 3.76  # as the source published it
    assert await get(frankfurter, "/v2/rates?base=SAR&providers=IMF") == []
    assert (await get(frankfurter, "/v2/currency/sar"))["peg"]["base"] == "USD"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v2/rates?symbols=USD", 422, "unknown parameter: symbols"),
        ("/v2/rates?date=2026-13-01", 422, "invalid date"),
        ("/v2/rates?date=2026-09-01&from=2026-09-01", 422, "conflicting params"),
        ("/v2/rates?from=2026-09-01&group=day", 422, "invalid group"),
        ("/v2/rates?expand=weights", 422, "invalid expand: weights"),
        ("/v2/rates?base=XYZ&quotes=USD,ABC", 422, "invalid currency: XYZ,ABC"),
        ("/v2/rate/EUR/XYZ", 422, "invalid currency: XYZ"),
        ("/v2/rate/EUR/RUB", 404, "not found"),
        ("/v2/rate/EUR/USD?date=1998-12-31", 404, "not found"),
        ("/v2/currency/xyz", 404, "not found"),
    ],
)
async def test_version_two_refuses_with_its_status_in_the_body(
    frankfurter: Sandbox, path: str, status: int, message: str
) -> None:
    seen, headers, body = await ask(frankfurter, path)

    assert (seen, json.loads(body)) == (status, {"status": status, "message": message})
    assert headers["Cache-Control"] == "no-store"


async def test_a_long_daily_range_of_one_bank_is_refused_unless_few_currencies_are_asked(frankfurter: Sandbox) -> None:
    long = "/v2/rates?from=2020-01-01&to=2026-01-01&providers=ECB"
    status, _, body = await ask(frankfurter, long)

    assert status == 422
    assert json.loads(body)["message"].startswith("date range exceeds 5 years")
    assert len(await get(frankfurter, f"{long}&quotes=USD")) > 1400
    assert len(await get(frankfurter, f"{long}&group=month&quotes=USD")) == 73


async def test_a_range_of_version_two_gives_each_rate_once_and_begins_before_a_silent_day(frankfurter: Sandbox) -> None:
    rows = await get(frankfurter, "/v2/rates?from=2026-09-05&to=2026-09-08&providers=ECB&quotes=USD")

    assert [row["date"] for row in rows] == ["2026-09-04", "2026-09-07", "2026-09-08"]


async def test_rates_come_as_lines_and_as_csv(frankfurter: Sandbox) -> None:
    path = "/v2/rates?from=2026-09-01&to=2026-09-02&quotes=USD&expand=providers"
    _, headers, lines = await ask(frankfurter, path, Accept="application/x-ndjson")
    _, csv_headers, table = await ask(frankfurter, path.replace("rates?", "rates.csv?"))
    rows = list(csv.DictReader(io.StringIO(table.decode())))

    assert (headers["Content-Type"], headers["Vary"]) == ("application/x-ndjson", "Accept")
    assert [json.loads(line)["date"] for line in lines.splitlines()] == [row["date"] for row in rows]
    assert csv_headers["Content-Type"] == "text/csv"
    assert rows[-1]["providers"].startswith("BOC:")
    assert (await ask(frankfurter, "/v2/currencies.csv"))[0] == 406


async def test_what_depends_on_today_is_cached_until_midnight(frankfurter: Sandbox) -> None:
    _, latest, _ = await ask(frankfurter, "/v2/rates")
    _, past, _ = await ask(frankfurter, "/v2/rates?date=2026-09-01")
    status, _, _ = await ask(frankfurter, "/v2/rates?base=USD", **{"If-None-Match": latest["ETag"]})

    assert latest["Cache-Control"] == "public, max-age=43200, stale-if-error=86400"  # asked at noon
    assert past["Cache-Control"] == "public, max-age=86400, stale-while-revalidate=86400, stale-if-error=86400"
    assert status == 304


async def test_roots_tell_the_versions(frankfurter: Sandbox) -> None:
    assert (await get(frankfurter, "/"))["versions"]["v1"]["status"] == "frozen"
    assert (await get(frankfurter, "/v1"))["version"] == "v1"
    assert (await get(frankfurter, "/v2"))["version"] == "v2"


async def test_requests_are_noted_by_what_they_ask(frankfurter: Sandbox) -> None:
    for path in ("/v1/latest", "/v1/2026-09-01", "/v2/rates", "/v2/rate/EUR/USD?date=2026-09-01", "/v2/providers"):
        await get(frankfurter, path)

    assert [seen["operation"] for seen in await frankfurter.requests("frankfurter")] == [
        "latest_rates",
        "historical_rates",
        "latest_rates",
        "historical_rates",
        "look_up",
    ]
    assert await frankfurter.effects("frankfurter") == []


async def test_trouble_has_a_message_and_unknown_paths_too(frankfurter: Sandbox) -> None:
    unknown, _, body = await ask(frankfurter, "/latest")
    await frankfurter.fault("frankfurter", "status:503")
    status, headers, trouble = await ask(frankfurter, "/v2/rates")
    await frankfurter.control("DELETE", "faults")
    await frankfurter.fault("frankfurter", "rate_limit:60")
    limited, limits, _ = await ask(frankfurter, "/v1/latest")

    assert (unknown, json.loads(body)) == (404, {"status": 404, "message": "not found"})
    assert (status, headers["Cache-Control"]) == (503, "no-store")
    check(trouble, "v2", "/rates", 503)
    assert (limited, "Retry-After" in limits) == (429, False)


async def test_schema_fault_takes_the_rates_away(frankfurter: Sandbox) -> None:
    await frankfurter.fault("frankfurter", "schema")

    assert "rates" not in await get(frankfurter, "/v1/latest")
    assert all("rate" not in row for row in await get(frankfurter, "/v2/rates"))
