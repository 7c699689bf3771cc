from __future__ import annotations

from decimal import Decimal
from itertools import islice

from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.shopper import shopper


def test_same_seed_gives_the_same_goods_and_a_larger_catalogue_begins_with_the_smaller() -> None:
    assert catalogue(7, 50) == catalogue(7, 3000)[:50]
    assert catalogue(8, 50) != catalogue(7, 50)


def test_goods_are_fit_for_sale_and_for_customs() -> None:
    items = catalogue(7)

    assert len({item.sku for item in items}) == 3000
    assert all(item.price > item.cost > 0 for item in items)
    assert all(len(item.hs_code) == 6 and item.hs_code.isdigit() for item in items)
    assert all(Decimal("0.02") < item.weight_kg < 5 for item in items)
    assert 50 < sum(item.quantity == 0 for item in items) < 250


def test_shopper_buys_in_the_customers_currency_with_its_number_of_decimals() -> None:
    baskets = list(islice(shopper(7, catalogue(7)), 500))

    assert baskets == list(islice(shopper(7, catalogue(7)), 500))
    assert {basket.currency for basket in baskets} == {"USD", "GBP", "EUR", "JPY", "AED", "SAR", "KWD", "AUD", "CAD"}
    assert {basket.customer.country for basket in baskets} >= {"US", "GB", "DE", "FR", "JP", "AE", "SA", "KW", "AU"}
    for basket in baskets:
        decimals = {"JPY": 0, "KWD": -3}.get(basket.currency, -2)

        assert {line.unit_price.as_tuple().exponent for line in basket.lines} == {decimals}
        assert basket.total == sum(line.unit_price * line.quantity for line in basket.lines)
        assert basket.weight_kg > 0
