"""The tax of a sale over real connections: table, register, refusal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import Unsupported
from integrations.types.tax import TaxRequest
from tests.integrations.checkout.conftest import OpenCounter, save_rates

VALID, INVALID = "FR40300000122", "FR40303265045"


def sale(origin: str = "DE", to: str = "FR", currency: str = "EUR", **more: Any) -> TaxRequest:
    facts = {
        "reference": "S-1",
        "currency": currency,
        "origin": {"country": origin},
        "destination": {"country": to},
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
