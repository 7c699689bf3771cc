"""The tax of a sale over real connections: table, register, refusal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import HttpFailed, Unsupported
from integrations.types.tax import TaxRequest
from tests.integrations.checkout.conftest import OpenCounter, save_rates

TEXAS = {"lines": ["600 Congress Ave"], "city": "Austin", "state": "TX", "postal_code": "78701", "country": "US"}
IRVINE = {"lines": ["2000 Main Street"], "city": "Irvine", "state": "CA", "postal_code": "92614", "country": "US"}
VALID, INVALID = "FR40300000122", "FR40303265045"


def sale(origin: str = "DE", to: str = "FR", currency: str = "EUR", **more: Any) -> TaxRequest:
    places: dict[str, Any] = {"California": IRVINE, "Texas": TEXAS}
    facts = {
        "reference": "S-1",
        "currency": currency,
        "origin": places.get(origin, {"country": origin}),
        "destination": places.get(to, {"country": to}),
        "lines": [{"sku": "BAG", "quantity": "1", "amount": {"amount": "100.00", "currency": currency}}],
        **more,
    }
    return TaxRequest.model_validate(facts)


async def test_a_consumer_in_the_union_pays_the_rate_of_the_destination(open_counter: OpenCounter) -> None:
    async with open_counter() as counter:
        found = await counter.tax.quote(sale())
        asked = counter.harbour.requests("vies")

    assert (found.source, str(found.total_tax.amount), asked) == ("vat_table", "20.00", [])
    assert found.rule == f"Sold from DE to a consumer in FR: VAT 20 % as in force on {found.as_of.date().isoformat()}."


async def test_a_business_whose_number_is_confirmed_owes_nothing_here(open_counter: OpenCounter) -> None:
    async with open_counter() as counter:
        found = await counter.tax.quote(sale(customer={"vat_number": VALID}))
        asked = counter.harbour.requests("vies")

    assert (found.total_tax.amount, found.lines[0].treatment, len(asked)) == (Decimal(0), "reverse_charge", 1)
    assert "confirmed by VIES" in found.rule


@pytest.mark.parametrize("number", ["FR00", "nonsense", "FR99999999999"])
async def test_a_number_without_the_form_of_one_is_no_number(open_counter: OpenCounter, number: str) -> None:
    async with open_counter() as counter:
        found = await counter.tax.quote(sale(customer={"vat_number": number}))

    assert found.total_tax.amount == Decimal(20)
    assert "a business whose VAT number is not confirmed" in found.rule


@pytest.mark.parametrize(("policy", "tax"), [("charge", "20.00"), ("accept", "0.00")])
async def test_a_register_that_is_down_is_unknown_and_never_invalid(
    open_counter: OpenCounter, policy: str, tax: str
) -> None:
    async with open_counter(unknown_number=policy) as counter:
        counter.fault("vies", "status:503")
        found = await counter.tax.quote(sale(customer={"vat_number": VALID}))

    assert f"{found.total_tax.amount:.2f}" == tax


async def test_ioss_needs_the_value_in_euros_and_converts_it(open_counter: OpenCounter) -> None:
    async with open_counter(ioss=True) as counter:
        await save_rates(counter.harbour.db)
        small = await counter.tax.quote(sale("US", "FR", "USD"))
        large = await counter.tax.quote(
            sale("US", "FR", "USD", lines=[{"quantity": "1", "amount": {"amount": "170.00", "currency": "USD"}}])
        )

    assert (str(small.total_tax.amount), "under IOSS" in small.rule) == ("20.00", True)
    assert (large.total_tax.amount, "above EUR 150" in large.rule) == (Decimal(0), True)


async def test_a_three_decimal_currency_keeps_its_decimals(open_counter: OpenCounter) -> None:
    lines = [{"quantity": "1", "amount": {"amount": "7.125", "currency": "BHD"}}]
    async with open_counter() as counter:
        found = await counter.tax.quote(sale("BH", "BH", "BHD", lines=lines))

    assert str(found.total_tax.amount) == "0.713"


async def test_a_destination_nobody_can_tax_is_a_refusal_and_never_nothing(open_counter: OpenCounter) -> None:
    async with open_counter(without=("avalara",)) as counter:
        with pytest.raises(Unsupported) as caught:
            await counter.tax.quote(sale("US", "US", "USD"))

    assert caught.value.field == "destination.country"
    assert "QUAYSIDE_AVALARA_" in caught.value.message


async def test_the_united_states_are_the_engines_and_a_sale_is_stored_and_voided_once(
    open_counter: OpenCounter,
) -> None:
    asked = sale("California", "Texas", "USD")
    async with open_counter() as counter:
        quote = await counter.tax.quote(asked)
        nothing = counter.harbour.effects("avalara")
        stored = await counter.tax.commit(asked, key="k-1")
        again = await counter.tax.commit(asked, key="k-1")
        voided = await counter.tax.void("S-1", key="k-2")
        effects = [effect["kind"] for effect in counter.harbour.effects("avalara")]

    assert (quote.source, quote.total_tax, nothing) == ("avalara", stored.total_tax, [])
    assert quote.rule.startswith("Computed by Avalara")
    assert stored == again
    assert (voided.status, effects) == ("voided", ["tax", "void"])


async def test_an_engine_that_is_down_is_an_error_and_never_no_tax(open_counter: OpenCounter) -> None:
    async with open_counter() as counter:
        counter.fault("avalara", "status:503")
        with pytest.raises(HttpFailed):
            await counter.tax.quote(sale("California", "Texas", "USD"))


async def test_a_country_of_the_tables_stores_nothing(open_counter: OpenCounter) -> None:
    async with open_counter() as counter:
        with pytest.raises(Unsupported) as caught:
            await counter.tax.commit(sale(), key="k-1")
        assert counter.tax.stores("US")
        assert not counter.tax.stores("FR")

    assert caught.value.field == "destination.country"
