"""Frankfurter's answers, the statuses that mislead, and every trap on the way to a rate."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import CallFailed, Fault, HttpFailed, InvalidInput, SchemaDrift
from integrations.outcome import Response
from integrations.vendors.frankfurter import VENDOR, Frankfurter
from tests.contracts import contract
from tests.integrations.vendors.exchange import NOON, Answer, FakeExchange, answer, run
from tests.integrations.vendors.openapi import problems
from tests.integrations.vendors.wire import on_the_wire

BODY = b'{"amount":1.0,"base":"EUR","date":"2026-10-01","rates":{"USD":1.1650,"JPY":171.05,"GBP":0.875}}'


async def _run(operation: str, value: dict[str, Any], *answers: Answer, **options: Any) -> tuple[Any, FakeExchange]:
    exchange = FakeExchange(Frankfurter({}), operation, answers, **options)
    return await run(Frankfurter({}), exchange, value), exchange


async def test_only_the_euro_table_is_asked_for_because_other_bases_are_binary_floats_there() -> None:
    rates, exchange = await _run("latest_rates", {"base": "USD", "symbols": ["EUR", "JPY"]}, answer(BODY))

    assert (exchange.last.path, list(exchange.last.query)) == ("/v1/2026-10-01", [("base", "EUR")])
    assert rates.rates == {"EUR": 1 / Decimal("1.1650"), "JPY": Decimal("171.05") / Decimal("1.1650")}


async def test_digits_are_kept_as_they_were_written() -> None:
    rates, _ = await _run("latest_rates", {"base": "EUR", "symbols": ["USD"]}, answer(BODY))

    assert str(rates.rates["USD"]) == "1.1650"


async def test_the_latest_is_asked_for_by_date_so_that_a_cache_cannot_give_yesterdays() -> None:
    _, exchange = await _run("latest_rates", {"base": "EUR"}, answer(BODY), now=NOON.replace(hour=23))

    assert exchange.last.path == "/v1/2026-10-02"  # in Frankfurt it is tomorrow already


async def test_a_weekend_is_answered_with_the_day_before_and_says_so() -> None:
    friday = BODY.replace(b"2026-10-01", b"2026-09-25")
    rates, _ = await _run("historical_rates", {"date": "2026-09-27", "base": "EUR"}, answer(friday))

    assert rates.as_of == datetime(2026, 9, 25, 14, 0, tzinfo=UTC)


async def test_an_etag_is_not_sent_back_because_it_is_of_the_date_alone() -> None:
    _, exchange = await _run("latest_rates", {"base": "EUR"}, answer(BODY, 200, {"ETag": 'W/"1"'}))

    assert not {"if-none-match", "If-None-Match"} & exchange.last.headers.keys()


async def test_a_day_to_come_is_refused_because_it_would_be_answered_with_the_latest() -> None:
    with pytest.raises(InvalidInput, match="2026-10-02 is in the future") as caught:
        await _run("historical_rates", {"date": "2026-10-02", "base": "EUR"})

    assert caught.value.field == "date"


@pytest.mark.parametrize(
    ("operation", "value", "field", "says"),
    [
        ("historical_rates", {"date": "1999-01-03"}, "date", "Frankfurter has no rates before 1999-01-04."),
        ("latest_rates", {"base": "AED"}, "base", "Frankfurter does not quote AED."),
    ],
)
async def test_what_it_cannot_answer_is_refused_by_name(
    operation: str, value: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await _run(operation, value, answer(BODY))

    assert (caught.value.field, caught.value.message) == (field, says)


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "counts"),
    [
        (answer({"message": "bad currency pair"}, 422), "http_422", "theirs", True, True),
        (answer({"message": "not found"}, 404), "not_found", "ours", False, False),
        (answer("", 429, {"Retry-After": "7"}), "rate_limited", "ours", True, False),
        (answer({"status": 503, "message": "deadline exceeded"}, 503), "http_503", "theirs", True, True),
        (answer({"status": 500, "message": "internal server error"}, 500), "http_500", "theirs", True, True),
    ],
    ids=["any trouble of its own", "no such day", "throttled by the network", "deadline", "broken"],
)
async def test_recorded_errors_have_their_class(
    response: Response, error_type: str, fault: Fault, retryable: bool, counts: bool
) -> None:
    with pytest.raises(HttpFailed) as caught:
        await _run("latest_rates", {"base": "EUR"}, response)
    verdict = Frankfurter({}).classify(FakeExchange(Frankfurter({}), "latest_rates").requests, response)  # type: ignore[arg-type]

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)
    assert verdict is not None
    assert verdict.counts is counts


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"base":"EUR","date":"2026-10-01"}', "rates"),
        (b'{"base":"EUR","date":"2026-10-01","rates":{}}', "rates"),
        (b'{"base":"EUR","date":"2026-10-01","rates":{"USD":0}}', "rates"),
        (b'{"base":"EUR","date":"2026-10-01","rates":{"USD":"many"}}', "rates.USD"),
        (b'{"base":"EUR","date":"soon","rates":{"USD":1.1}}', "date"),
        (b'{"base":"EUR","date":"2026-10-02","rates":{"USD":1.1}}', "date"),
        (b'{"base":"USD","date":"2026-10-01","rates":{"EUR":0.9}}', "base"),
        (b"<html>", "body"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_drift_naming_the_field(body: bytes, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await _run("latest_rates", {"base": "EUR"}, answer(body))

    assert caught.value.field == field


async def test_requests_and_answers_keep_to_the_published_contract() -> None:
    published = json.loads(contract("frankfurter/openapi-v1.json").read_bytes())
    _, exchange = await _run("historical_rates", {"date": "2026-10-01", "base": "GBP"}, answer(BODY))
    path = published["paths"]["/{date}"] if "/{date}" in published["paths"] else published["paths"]["/v1/{date}"]
    parameters = {one["name"] for one in (_resolved(published, found) for found in path["get"]["parameters"])}
    schema = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    assert {name for name, _ in exchange.last.query} <= parameters
    assert problems(published, schema, json.loads(BODY)) == []


def _resolved(published: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in found:
        target: Any = published
        for part in found["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        found = target
    return found


@pytest.mark.parametrize("operation", [operation.name for operation in VENDOR.operations])
async def test_the_sandbox_answers_every_example(operation: str) -> None:
    found = next(one for one in VENDOR.operations if one.name == operation)
    async with on_the_wire("frankfurter") as wire:
        rates = await wire.call(operation, dict(found.example))

    assert set(rates.rates) == set(found.example["symbols"])
    assert rates.as_of.date() <= date(2026, 10, 1)


async def test_a_fault_of_the_sandbox_is_theirs() -> None:
    async with on_the_wire("frankfurter") as wire:
        await wire.control("POST", "faults", [{"vendor": "frankfurter", "fault": "status:503"}])
        with pytest.raises(CallFailed) as caught:
            await wire.call("latest_rates", {"base": "EUR"})

    assert (caught.value.error_type, caught.value.fault) == ("http_503", "theirs")
