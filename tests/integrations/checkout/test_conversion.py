"""Conversions: cross rates, each currency's own decimals, and a refusal beyond an age; on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from db.engine import Database
from integrations.checkout.conversion import rate_table
from integrations.checkout.options import CheckoutOptions
from integrations.errors import InvalidInput, RatesTooOld
from integrations.types.base import Money
from tests.integrations.checkout.conftest import now, save_rates

DAY = 86_400.0


@pytest.mark.parametrize(
    ("amount", "source", "target", "converted", "rate"),
    [
        ("10.00", "USD", "EUR", "9.00", "0.9"),
        ("9.00", "EUR", "USD", "10.00", None),
        ("10.00", "EUR", "GBP", "8.89", None),  # by way of the snapshot's base
        ("10.00", "USD", "JPY", "1500", "150"),
        ("10.005", "USD", "KWD", "3.002", "0.3"),  # half up at the third decimal
        ("0.01", "USD", "JPY", "2", "150"),
        ("-10.00", "USD", "EUR", "-9.00", "0.9"),
        ("12.34", "EUR", "EUR", "12.34", "1"),
        ("12.345", "EUR", "EUR", "12.35", "1"),
    ],
)
async def test_an_amount_is_rounded_once_to_the_decimals_of_its_currency(
    database: Database, amount: str, source: str, target: str, converted: str, rate: str | None
) -> None:
    await save_rates(database)
    table = await rate_table(database, now=now(), max_age=DAY)
    found = table.convert(Money(amount=Decimal(amount), currency=source), target)

    assert (format(found.converted.amount, "f"), found.converted.currency) == (converted, target)
    if rate is not None:
        assert found.rate == Decimal(rate)
    assert (found.source, len(found.snapshot)) == ("test", 32)
    assert 0 <= found.age < 60


@pytest.mark.parametrize(("source", "target", "field"), [("XXX", "EUR", "from"), ("EUR", "XXX", "to")])
async def test_a_currency_without_a_rate_is_named(database: Database, source: str, target: str, field: str) -> None:
    await save_rates(database)
    table = await rate_table(database, now=now(), max_age=DAY)
    with pytest.raises(InvalidInput, match="XXX") as caught:
        table.convert(Money(amount=Decimal(1), currency=source), target)

    assert caught.value.field == field


async def test_rates_that_are_too_old_or_not_there_convert_nothing(database: Database) -> None:
    with pytest.raises(RatesTooOld, match="run the currency sync"):
        await rate_table(database, now=now(), max_age=DAY)
    await save_rates(database, as_of=now() - timedelta(days=2))
    with pytest.raises(RatesTooOld, match="older than 1 day"):
        await rate_table(database, now=now(), max_age=DAY)
    found = await rate_table(database, now=now(), max_age=3 * DAY)

    assert 2 * DAY <= found.age < 2 * DAY + 60


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"quote_deadline": 0.1}, "checkout.quote_deadline is 0.1; give a number from 0.5 to 30"),
        ({"max_rate_age": 60.0}, "checkout.max_rate_age"),
        ({"unknown_number": "ignore"}, 'checkout.unknown_number is "ignore"; give charge or accept'),
    ],
)
def test_a_bad_setting_is_named_with_what_it_may_be(bad: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        CheckoutOptions(**bad)  # type: ignore[arg-type]
