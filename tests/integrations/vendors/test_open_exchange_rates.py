"""Open Exchange Rates against its documentation and the third-party OpenAPI file made from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml

from integrations.errors import HttpFailed, InvalidInput, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.open_exchange_rates import VENDOR, OpenExchangeRates
from tests.contracts import contract
from tests.integrations.vendors.exchange import Answer, FakeExchange, adapter_with_sandbox_credentials, answer, run

LATEST = (
    b'{"disclaimer":"x","license":"x","timestamp":1760000400,"base":"USD",'
    b'"rates":{"AED":3.6725,"EUR":0.8571,"JPY":147.2,"USD":1,"XAU":0.000248193212,"BTC":0.0000081412}}'
)


def _exchange(operation: str, *answers: Answer) -> FakeExchange:
    return FakeExchange(adapter_with_sandbox_credentials(OpenExchangeRates), operation, answers)


async def _latest(query: dict[str, Any], *answers: Answer) -> tuple[Any, FakeExchange]:
    exchange = _exchange("latest_rates", *answers)
    return await run(adapter_with_sandbox_credentials(OpenExchangeRates), exchange, query), exchange


async def test_latest_rates_are_read_with_every_digit_and_the_vendors_own_time() -> None:
    rates, exchange = await _latest({}, answer(LATEST))

    assert rates.base == "USD"
    assert rates.as_of.isoformat() == "2025-10-09T09:00:00+00:00"
    assert rates.rates["XAU"] == Decimal("0.000248193212")
    assert rates.rates["BTC"] == Decimal("0.0000081412")
    assert exchange.last.path == "/api/latest.json"


async def test_metals_and_codes_that_are_no_iso_currency_are_rates_like_any_other() -> None:
    rates, _ = await _latest({"symbols": ["XAU", "BTC"]}, answer(LATEST))

    assert rates.rates == {"XAU": Decimal("0.000248193212"), "BTC": Decimal("0.0000081412")}


async def test_another_base_is_a_cross_rate_of_ours_because_the_free_plan_refuses_base() -> None:
    rates, exchange = await _latest({"base": "EUR", "symbols": ["USD", "JPY"]}, answer(LATEST))

    assert rates.base == "EUR"
    assert rates.rates == {"USD": 1 / Decimal("0.8571"), "JPY": Decimal("147.2") / Decimal("0.8571")}
    assert list(exchange.last.query) == []


async def test_a_base_that_is_not_quoted_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="does not quote ZZZ"):
        await _latest({"base": "ZZZ"}, answer(LATEST))


async def test_the_app_id_travels_in_a_header_and_never_in_the_url() -> None:
    _, exchange = await _latest({}, answer(LATEST))
    secret = VENDOR.credentials[0].sandbox

    assert exchange.authorised[0] == {"Authorization": f"Token {secret}"}
    assert secret not in exchange.last.path
    assert VENDOR.base_url.startswith("https://")


async def test_historical_rates_ask_for_the_day_and_are_grouped_by_template() -> None:
    exchange = _exchange("historical_rates", answer(LATEST))
    adapter = adapter_with_sandbox_credentials(OpenExchangeRates)
    rates = await run(adapter, exchange, {"date": "2025-10-09"})

    assert exchange.last.path == "/api/historical/2025-10-09.json"
    assert exchange.last.template == "/api/historical/{date}.json"
    assert rates.as_of.isoformat() == "2025-10-09T09:00:00+00:00"


@pytest.mark.parametrize(
    ("day", "reason"), [("1998-12-31", "no rates before 1999-01-01"), ("2026-10-02", "in the future")]
)
async def test_a_day_without_rates_is_refused_before_anything_is_sent(day: str, reason: str) -> None:
    exchange = _exchange("historical_rates")
    with pytest.raises(InvalidInput, match=reason) as caught:
        await run(adapter_with_sandbox_credentials(OpenExchangeRates), exchange, {"date": day})

    assert caught.value.field == "date"
    assert exchange.requests == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"<html>maintenance</html>", "body"),
        (b"[]", "body"),
        (b'{"timestamp":1760000400,"base":"USD"}', "rates"),
        (b'{"timestamp":1760000400,"base":"USD","rates":{}}', "rates"),
        (b'{"timestamp":1760000400,"base":"USD","rates":{"EUR":"0.8"}}', "rates.EUR"),
        (b'{"timestamp":1760000400,"base":"USD","rates":{"EUR":0}}', "rates.EUR"),
        (b'{"timestamp":1760000400,"base":"USD","rates":{"EUR":true}}', "rates.EUR"),
        (b'{"timestamp":"now","base":"USD","rates":{"EUR":1}}', "timestamp"),
        (b'{"timestamp":1760000400,"base":7,"rates":{"EUR":1}}', "base"),
        (b'{"timestamp":99999999999999999,"base":"USD","rates":{"EUR":1}}', "timestamp"),
    ],
)
async def test_an_answer_that_is_not_as_documented_names_the_field(body: bytes, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await _latest({}, answer(body))

    assert caught.value.field == field


def _error(status: int, message: str) -> Response:
    return answer({"error": True, "status": status, "message": message, "description": "x"}, status)


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        (_error(400, "invalid_base"), ("invalid_base", "ours", False)),
        (_error(401, "missing_app_id"), ("unauthorized", "configuration", False)),
        (_error(401, "invalid_app_id"), ("unauthorized", "configuration", False)),
        (_error(403, "access_restricted"), ("access_restricted", "configuration", False)),
        (_error(404, "not_found"), ("not_found", "ours", False)),
        (_error(429, "not_allowed"), ("not_allowed", "configuration", False)),
        (_error(429, "too_many_requests"), ("quota_exhausted", "configuration", False)),
        (answer(b"<html>busy</html>", 503, {"Retry-After": "7"}), ("http_503", "theirs", True)),
        (answer(b"", 429), ("rate_limited", "ours", True)),
    ],
)
def test_errors_are_judged_by_message_and_not_by_status(response: Response, verdict: tuple[str, str, bool]) -> None:
    judged = adapter_with_sandbox_credentials(OpenExchangeRates).classify(Request(method="GET", path="/"), response)

    assert judged is not None
    assert (judged.error_type, judged.fault, judged.retryable) == verdict
    assert judged.counts is (judged.fault == "theirs")


async def test_429_not_allowed_is_permanent_and_asks_for_no_back_off() -> None:
    with pytest.raises(HttpFailed) as caught:
        await _latest({}, _error(429, "not_allowed"))

    assert caught.value.retryable is False
    assert caught.value.retry_after is None
    assert "larger plan" in caught.value.message


def test_an_error_inside_a_success_is_a_business_error() -> None:
    adapter = adapter_with_sandbox_credentials(OpenExchangeRates)
    judged = adapter.classify(Request(method="GET", path="/"), answer({"error": True, "message": "odd"}))

    assert judged == Verdict(
        error_type="vendor_error",
        fault="theirs",
        message="Open Exchange Rates reports an error inside a success; its error page may explain it.",
        business=True,
    )


async def test_each_request_is_one_the_openapi_file_describes() -> None:
    spec = yaml.safe_load(contract("open_exchange_rates/thirdparty-openexchangerates-openapi.yml").read_text())
    adapter = adapter_with_sandbox_credentials(OpenExchangeRates)
    for operation in VENDOR.operations:
        exchange = _exchange(operation.name, answer(LATEST))
        await run(adapter, exchange, operation.example)
        server = VENDOR.base_url + exchange.last.template.removesuffix(exchange.last.template.split("/api")[1])
        path = exchange.last.template.removeprefix("/api")

        assert server == spec["servers"][0]["url"]
        assert exchange.last.method.lower() in spec["paths"][path]
        known = {spec["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]]["name"]
                 for p in spec["paths"][path]["get"]["parameters"] if "$ref" in p}  # fmt: skip
        assert {name for name, _ in exchange.last.query} <= known
    scheme = spec["components"]["securitySchemes"]["appIdHeader"]
    assert (scheme["in"], scheme["name"]) == ("header", "Authorization")


async def test_the_specs_own_example_is_read() -> None:
    spec = yaml.safe_load(contract("open_exchange_rates/thirdparty-openexchangerates-openapi.yml").read_text())
    content = spec["paths"]["/latest.json"]["get"]["responses"]["200"]["content"]
    rates, _ = await _latest({}, answer(content["application/json"]["example"]))

    assert rates.rates["JPY"] == Decimal("111.7962")


def test_every_error_the_spec_shows_is_in_the_table() -> None:
    spec = yaml.safe_load(contract("open_exchange_rates/thirdparty-openexchangerates-openapi.yml").read_text())
    adapter = adapter_with_sandbox_credentials(OpenExchangeRates)
    for shown in spec["components"]["responses"].values():
        example = shown["content"]["application/json"].get("example")
        if example:
            judged = adapter.classify(Request(method="GET", path="/"), answer(example, example["status"]))
            assert judged is not None
            assert judged.error_type in ("unauthorized", "access_restricted")
