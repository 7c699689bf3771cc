from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from integrations.sandbox.geography import (
    COUNTRIES,
    business_days_after,
    distance,
    dollars_in,
    local,
    same_customs_territory,
    unit,
)
from integrations.sandbox.rates import CURRENCIES
from tests.integrations.sandbox.conftest import START


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_country_has_a_known_currency_and_a_clock(country: str) -> None:
    assert COUNTRIES[country].currency in CURRENCIES
    assert local(country, START).timestamp() == START


def test_clock_of_a_country_keeps_summer_time() -> None:
    winter = START + 60 * 86_400

    assert (local("DE", START).hour, local("DE", winter).hour) == (14, 13)
    assert (local("AE", START).hour, local("AE", winter).hour) == (16, 16)


@pytest.mark.parametrize(
    ("origin", "destination", "far", "same"),
    [
        ("DE", "DE", 0, True),
        ("DE", "FR", 0, True),
        ("DE", "CH", 0, False),
        ("GB", "IE", 0, False),
        ("DE", "AE", 1, False),
        ("US", "AU", 2, False),
        ("BR", "JP", 3, False),
    ],
)
def test_distance_and_customs_territory(origin: str, destination: str, far: int, same: bool) -> None:
    assert (distance(origin, destination), distance(destination, origin)) == (far, far)
    assert same_customs_territory(origin, destination) is same


def test_amounts_have_the_decimals_of_their_currency() -> None:
    assert [unit(currency) for currency in ("JPY", "EUR", "KWD")] == [Decimal(1), Decimal("0.01"), Decimal("0.001")]
    assert dollars_in(7, "AED", START, Decimal(100)) == Decimal("367.25")
    assert dollars_in(7, "KWD", START, Decimal(10)).as_tuple().exponent == -3


def test_working_days_leave_weekends_out() -> None:
    friday = date(2026, 10, 2)

    assert business_days_after(friday, 0) == friday
    assert business_days_after(friday, 1) == date(2026, 10, 5)
    assert business_days_after(date(2026, 10, 3), 1) == date(2026, 10, 5)
    assert business_days_after(friday, 6) == date(2026, 10, 12)
