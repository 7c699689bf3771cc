"""Quotes of all carriers at once: in time, named failures, stale ones marked, ranked in the buyer's currency."""

from __future__ import annotations

import time
from typing import Any

import pytest

from db.circuit_acts import set_by_hand
from integrations.checkout.carriers import COVERAGE, too_many, why_not
from integrations.checkout.quotes import Quote, QuoteRequest, ranked
from integrations.errors import InvalidInput
from integrations.registry import VENDORS, adapter_class
from integrations.types.shipping import Shipment
from tests.integrations.checkout.conftest import Counter, OpenCounter, now, save_rates
from tests.waiting import until

CARRIERS = [name for name in VENDORS if adapter_class(name).vendor.kind == "shipping"]
HOMES: dict[str, dict[str, Any]] = {
    "US": {"lines": ["3600 Lamar Avenue"], "city": "Memphis", "state": "TN", "postal_code": "38118", "country": "US"},
    "CA": {"lines": ["111 Wellington St"], "city": "Ottawa", "state": "ON", "postal_code": "K1A0A9", "country": "CA"},
    "AU": {"lines": ["1 Bourke St"], "city": "Melbourne", "state": "VIC", "postal_code": "3000", "country": "AU"},
    "SA": {"lines": ["King Fahd Road"], "city": "Riyadh", "postal_code": "12271", "country": "SA"},
    "AE": {"lines": ["Al Quoz 3"], "city": "Dubai", "country": "AE"},
    "DE": {"lines": ["Musterweg 5"], "city": "Berlin", "postal_code": "10115", "country": "DE"},
    "GB": {"lines": ["10 Downing Street"], "city": "London", "postal_code": "SW1A 2AA", "country": "GB"},
}
HOME_OF = {"australia_post": "AU", "canada_post": "CA", "smsa": "SA", "aramex": "AE"}


def basket(origin: str = "US", to: str = "DE", **more: Any) -> dict[str, Any]:
    person = {"name": "Erika Mustermann", "phone": "+49301234567", "email": "erika@example.com"}
    return {
        "reference": "BASKET-1",
        "origin": {**HOMES[origin], "name": "Dispatch", "phone": "+19015550100", "email": "dispatch@quayside.example"},
        "destination": {**HOMES[to], **person},
        "parcels": [{"weight_kg": "1.2", "length_cm": "30", "width_cm": "20", "height_cm": "10"}],
        "declared_value": {"amount": "80.00", "currency": "USD"},
        "contents": [
            {
                "description": "Canvas bag",
                "quantity": 2,
                "value": {"amount": "40.00", "currency": "USD"},
                "hs_code": "420292",
                "origin_country": "US",
                "weight_kg": "0.6",
            }
        ],
        **more,
    }


def asking(shipment: dict[str, Any] | None = None, **more: Any) -> QuoteRequest:
    return QuoteRequest.model_validate({"shipment": shipment or basket(), "currency": "EUR", **more})


async def opened_circuit(counter: Counter, vendor: str) -> None:
    """Hold a vendor's circuit open, and wait until this process has heard of it."""
    await set_by_hand(
        counter.harbour.db, vendor, vendor, "forced_open", reason="test", by="ada", expires_at=None, now=now()
    )

    async def refuses() -> bool:
        found = await counter.quotes.quote(asking(carriers=(vendor,)), correlation_id="c")
        return bool(found.failures) or all(quote.stale for quote in found.quotes)

    await until(refuses)


@pytest.mark.parametrize("vendor", CARRIERS)
async def test_every_carrier_prices_the_same_shipment_from_its_home(open_counter: OpenCounter, vendor: str) -> None:
    origin = HOME_OF.get(vendor, "US")
    async with open_counter(quote_deadline=10.0) as counter:
        await save_rates(counter.harbour.db)
        found = await counter.quotes.quote(asking(basket(origin, "GB"), carriers=(vendor,)), correlation_id="case-1")

    assert found.failures == (), found.failures
    assert found.quotes
    assert {quote.price.currency for quote in found.quotes} == {"EUR"}
    assert all(0 < quote.price.amount < 2000 and not quote.stale for quote in found.quotes)
    assert all(quote.service_code and quote.service_name and quote.vendor == vendor for quote in found.quotes)
    assert [quote.price.amount for quote in found.quotes] == sorted(quote.price.amount for quote in found.quotes)
    assert found.correlation_id == "case-1"
    for quote in found.quotes:
        assert (quote.rate_as_of is None) == (quote.original_price.currency == "EUR")


async def test_carriers_that_serve_the_route_are_asked_at_once_and_ranked_together(open_counter: OpenCounter) -> None:
    async with open_counter(quote_deadline=10.0) as counter:
        await save_rates(counter.harbour.db)
        found = await counter.quotes.quote(asking(), correlation_id="c")
        asked = {row["vendor"] for row in counter.harbour.requests() if row["operation"] == "quote_rates"}

    assert {quote.vendor for quote in found.quotes} >= {"fedex", "dhl_express"}
    assert not asked & {"canada_post", "australia_post", "smsa"}  # they pick up nothing in the US
    assert [quote.price.amount for quote in found.quotes] == sorted(quote.price.amount for quote in found.quotes)


async def test_who_buys_is_told_to_no_carrier(open_counter: OpenCounter) -> None:
    async with open_counter() as counter:
        await save_rates(counter.harbour.db)
        await counter.quotes.quote(asking(), correlation_id="c")
        await counter.harbour.runtime.recorder.flush()
        async with counter.harbour.db.read() as connection:
            from sqlalchemy import text

            bodies = (await connection.execute(text("SELECT request FROM bodies"))).all()

    assert bodies
    assert not any("Mustermann" in str(row) for row in bodies)


async def test_a_carrier_that_hangs_another_with_an_open_circuit_and_one_that_talks_garbage_cost_no_quote_of_the_others(
    open_counter: OpenCounter,
) -> None:
    toml = {"vendors": {"aramex": {"attempt_timeout": 30.0}}}
    async with open_counter(toml=toml, quote_deadline=2.0) as counter:
        await save_rates(counter.harbour.db)
        first = await counter.quotes.quote(asking(basket("AE", "GB")), correlation_id="c")
        kept = {quote.vendor for quote in first.quotes}
        assert {"aramex", "dhl_express", "fedex"} <= kept
        await until(lambda: _kept(counter))
        await opened_circuit(counter, "fedex")
        counter.fault("aramex", "timeout")
        counter.fault("dhl_express", "garbage")
        other = basket("AE", "GB", parcels=[{"weight_kg": "2.5"}])  # no answer is kept for this one
        sent = len(counter.harbour.requests("fedex"))
        began = time.monotonic()
        stale = await counter.quotes.quote(asking(basket("AE", "GB")), correlation_id="c")
        fresh = await counter.quotes.quote(asking(other), correlation_id="c")
        took = time.monotonic() - began

    assert took < 2 * 2.0 + 1.0
    assert len(counter.harbour.requests("fedex")) == sent
    assert {quote.vendor for quote in stale.quotes if quote.stale} >= {"fedex", "aramex"}
    assert all(quote.age > 0 for quote in stale.quotes if quote.stale)
    failed = {failure.vendor: failure.error_type for failure in fresh.failures}
    assert failed["fedex"] == "circuit_open"
    assert failed["dhl_express"] == "schema_drift"
    assert failed["aramex"] in ("timeout", "deadline")
    others = set(kept) - {"fedex", "dhl_express", "aramex"}
    assert {quote.vendor for quote in fresh.quotes} == others


async def _kept(counter: Counter) -> bool:
    await counter.harbour.runtime.gateway.close()
    return True


async def test_without_rates_only_quotes_in_another_currency_are_missing(open_counter: OpenCounter) -> None:
    async with open_counter(quote_deadline=10.0) as counter:
        found = await counter.quotes.quote(asking(currency="USD"), correlation_id="c")
        none = await counter.quotes.quote(asking(currency="JPY"), correlation_id="c")

    assert {quote.original_price.currency for quote in found.quotes} == {"USD"}
    assert none.quotes == ()
    assert {failure.error_type for failure in none.failures} == {"unsupported"}
    assert "no exchange rate to JPY" in none.failures[0].message


async def test_a_carrier_that_is_not_set_up_is_named(open_counter: OpenCounter) -> None:
    async with open_counter(without=("fedex",)) as counter:
        with pytest.raises(InvalidInput, match="is no carrier that is set up") as caught:
            await counter.quotes.quote(asking(carriers=("dhl_express", "fedex")), correlation_id="c")

    assert caught.value.field == "carriers.1"


async def test_a_carrier_named_for_a_route_it_does_not_serve_says_so_without_being_asked(
    open_counter: OpenCounter,
) -> None:
    async with open_counter() as counter:
        found = await counter.quotes.quote(asking(carriers=("canada_post",)), correlation_id="c")
        sent = counter.harbour.requests("canada_post")

    (failure,) = found.failures
    assert (failure.error_type, failure.message) == ("unsupported", "Canada Post picks up nothing in US.")
    assert (found.quotes, sent) == ((), [])


async def test_a_shipment_that_no_carrier_can_price_for_the_same_field_is_refused_by_that_field(
    open_counter: OpenCounter,
) -> None:
    bad = basket()
    bad["destination"] = {**bad["destination"], "postal_code": ""}
    async with open_counter() as counter:
        with pytest.raises(InvalidInput) as caught:
            await counter.quotes.quote(asking(bad, carriers=("fedex",)), correlation_id="c")

    assert caught.value.field == "shipment.destination.postal_code"


@pytest.mark.parametrize(
    ("vendor", "origin", "weight", "to", "says"),
    [
        ("canada_post", "US", "1", "CA", "picks up nothing in US"),
        ("canada_post", "CA", "31", "CA", "takes parcels up to 30 kg"),
        ("australia_post", "AU", "21", "AU", None),
        ("australia_post", "AU", "21", "GB", "takes parcels up to 20 kg"),
        ("fedex", "US", "69", "DE", "takes parcels up to 68 kg"),
        ("aramex", "AE", "500", "GB", None),
    ],
)
def test_what_a_carrier_serves_is_data(vendor: str, origin: str, weight: str, to: str, says: str | None) -> None:
    shipment = Shipment.model_validate(basket(origin, to, parcels=[{"weight_kg": "1"}, {"weight_kg": weight}]))

    assert why_not(vendor, shipment) == says


@pytest.mark.parametrize(
    ("vendor", "to", "most"),
    [
        ("canada_post", "CA", 1),
        ("australia_post", "AU", 20),
        ("australia_post", "GB", 1),
        ("fedex", "GB", 40),
        ("ups", "GB", 100),
        ("dhl_express", "GB", 999),
    ],
)
async def test_a_carrier_that_cannot_price_so_many_parcels_is_a_named_failure_and_is_not_asked(
    open_counter: OpenCounter, vendor: str, to: str, most: int
) -> None:
    parcel = {"weight_kg": "0.5", "length_cm": "20", "width_cm": "15", "height_cm": "10"}
    shipment = basket(HOME_OF.get(vendor, "US"), to, parcels=[parcel] * (most + 1))
    async with open_counter() as counter:
        found = await counter.quotes.quote(asking(shipment, carriers=("aramex", vendor)), correlation_id="c")
        sent = counter.harbour.requests(vendor)

    failure = next(failure for failure in found.failures if failure.vendor == vendor)
    assert (failure.error_type, sent) == ("unsupported", [])
    assert too_many(vendor, Shipment.model_validate(shipment)) is not None
    assert too_many(vendor, Shipment.model_validate({**shipment, "parcels": [parcel] * most})) is None


def test_every_carrier_of_the_table_exists() -> None:
    assert set(COVERAGE) <= {*CARRIERS, "smsa", "ups"}


def quote(vendor: str, price: str, days: int | None, *, stale: bool = False) -> Quote:
    money = {"amount": price, "currency": "EUR"}
    facts = {"vendor": vendor, "service_code": "S", "service_name": "S", "price": money, "original_price": money}
    return Quote.model_validate({**facts, "transit_days": days, "stale": stale, "as_of": now()})


@pytest.mark.parametrize(
    ("sort", "order"),
    [("price", ["c", "b", "a", "d"]), ("speed", ["a", "b", "c", "d"]), ("both", ["b", "a", "c", "d"])],
)
def test_quotes_are_ranked_by_price_by_speed_or_by_both(sort: Any, order: list[str]) -> None:
    quotes = [quote("a", "30", 1), quote("b", "12", 2), quote("c", "10", 5), quote("d", "40", None)]

    assert [one.vendor for one in ranked(quotes, sort)] == order


def test_a_fresh_quote_goes_before_a_stale_one_of_the_same_price() -> None:
    assert [one.vendor for one in ranked([quote("a", "10", 1, stale=True), quote("b", "10", 1)], "price")] == ["b", "a"]
