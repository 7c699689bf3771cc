from __future__ import annotations

import pytest

from integrations.paths import filled


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("pay_1", "/v1/payments/pay_1/refunds"),
        ("../customers?x=1#y", "/v1/payments/..%2Fcustomers%3Fx%3D1%23y/refunds"),
        ("a b", "/v1/payments/a%20b/refunds"),
    ],
)
def test_a_part_of_a_path_stays_one_part(value: str, path: str) -> None:
    assert filled("/v1/payments/{id}/refunds", id=value) == path


def test_every_part_takes_its_own_place() -> None:
    assert filled("/{shop}/orders/{id}", shop="1", id="{shop}") == "/1/orders/%7Bshop%7D"
