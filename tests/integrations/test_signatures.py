"""Signatures of webhook deliveries: what is missing, wrong or too old is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.adapter import Delivery
from integrations.errors import DeliveryRefused
from integrations.signatures import refuse_unless_fresh, refuse_unless_signed

NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)


def delivery(**headers: str) -> Delivery:
    return Delivery(url="https://shop.example/webhooks/acme", headers=headers, body=b"{}", received_at=NOON)


@pytest.mark.parametrize("expected", [["good"], ["old", "good"], ["good", "old"]])
def test_one_of_the_expected_signatures_is_enough(expected: list[str]) -> None:
    refuse_unless_signed("Acme", delivery(signature="good"), "signature", expected)


@pytest.mark.parametrize(
    ("headers", "expected", "says"),
    [
        ({}, ["good"], "carries no signature; it is not Acme's"),
        ({"signature": "bad"}, ["good"], "check the webhook secret set here"),
        ({"signature": "good"}, [], "check the webhook secret set here"),
        ({"signature": "gööd"}, ["good"], "check the webhook secret set here"),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], expected: list[str], says: str) -> None:
    with pytest.raises(DeliveryRefused, match=says) as caught:
        refuse_unless_signed("Acme", delivery(**headers), "signature", expected)

    assert caught.value.field == "signature"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_time_stamp_inside_the_window_passes(seconds: int) -> None:
    refuse_unless_fresh("Acme", delivery(), NOON + timedelta(seconds=seconds), 300.0)


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_time_stamp_outside_the_window_is_a_replay(seconds: int) -> None:
    with pytest.raises(DeliveryRefused, match="it is a replay, or a clock is wrong"):
        refuse_unless_fresh("Acme", delivery(), NOON + timedelta(seconds=seconds), 300.0)
