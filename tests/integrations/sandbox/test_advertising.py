from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from integrations.sandbox.advertising import DAY, age, campaigns, days, delivery, local_day

ALL = campaigns(7, "meta_ads", "1001")
MONDAY = date(2026, 9, 28)


def test_same_seed_gives_the_same_campaigns_and_days() -> None:
    again = campaigns(7, "meta_ads", "1001")
    other = campaigns(8, "meta_ads", "1001")
    days_of = [delivery(7, "meta_ads", "1001", ALL[0], MONDAY, currency="USD", age=9 * DAY) for _ in range(2)]

    assert again == ALL
    assert other != ALL
    assert days_of[0] == days_of[1]


def test_paused_campaign_delivers_nothing_and_a_seasonal_one_pauses_by_weeks() -> None:
    delivered = {
        campaign.number: [
            delivery(7, "meta_ads", "1001", campaign, day, currency="USD", age=9 * DAY) is not None
            for day in days(date(2026, 6, 1), date(2026, 8, 30))
        ]
        for campaign in ALL
    }

    for campaign in ALL:
        ran = delivered[campaign.number]
        weeks = [ran[start : start + 7] for start in range(0, len(ran), 7)]
        assert any(ran) is not campaign.paused
        assert all(ran) is (not campaign.paused and not campaign.seasonal)
        assert all(len(set(week)) == 1 for week in weeks)


def test_day_grows_until_it_is_over_and_is_restated_until_it_is_settled() -> None:
    ages = [0.0, DAY / 2, DAY, 2 * DAY, 4 * DAY, 8 * DAY, 9 * DAY]
    found = [delivery(7, "meta_ads", "1001", ALL[0], MONDAY, currency="USD", age=one) for one in ages]
    costs = [one.cost for one in found if one]
    sales = [one.sales for one in found if one]

    assert found[0] is None
    assert costs[0] < costs[1] < costs[2] < costs[3] == costs[4] == costs[5]
    assert sales[1] < sales[4] == sales[5]


@pytest.mark.parametrize(("currency", "exponent"), [("USD", -2), ("JPY", 0), ("KWD", -3)])
def test_cost_has_the_currencys_decimals(currency: str, exponent: int) -> None:
    found = delivery(7, "meta_ads", "1001", ALL[0], MONDAY, currency=currency, age=9 * DAY)

    assert found is not None
    assert found.cost.as_tuple().exponent == exponent
    assert isinstance(found.sales_value, Decimal)


def test_day_begins_at_the_accounts_own_midnight() -> None:
    noon = 1_790_856_000.0  # 2026-10-01T12:00:00Z

    assert local_day(noon - 6 * 3600, "America/Los_Angeles") == date(2026, 9, 30)
    assert age(date(2026, 10, 1), noon, "America/Los_Angeles") == 5 * 3600
    assert age(date(2026, 10, 2), noon, "UTC") == -12 * 3600
