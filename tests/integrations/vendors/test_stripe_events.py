"""Stripe's webhook deliveries: proven by the signature, held to a window, told apart by id."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from integrations.adapter import Delivery
from integrations.errors import DeliveryRefused
from integrations.vendors.stripe.declaration import VENDOR
from integrations.vendors.stripe.events import event
from tests.integrations.vendors.wire import Wire, on_the_wire

SECRET = "whsec_quayside"
URL = "https://shop.example/webhooks/stripe"
CREATE = dict(VENDOR.operations[0].example)


async def delivered(wire: Wire, secret: str = SECRET) -> list[Delivery]:
    """Return what the sandbox has to deliver, as it would come in now."""
    found = await wire.control("POST", "stripe/deliveries", {"url": URL, "secret": secret})
    return [
        Delivery(
            url=URL,
            headers={name.lower(): value for name, value in one["headers"].items()},
            body=one["body"].encode(),
            received_at=datetime.fromtimestamp(wire.time, UTC),
        )
        for one in found["deliveries"]
    ]


async def test_a_payments_life_is_told_with_our_reference_and_its_status() -> None:
    async with on_the_wire("stripe") as wire:
        held = await wire.call("create_payment", {**CREATE, "capture": False}, "k-1")
        payment_id = held.payment_id
        await wire.call("capture_payment", {"reference": "c", "payment_id": payment_id}, "k-2")
        some = {"amount": "9.90", "currency": "USD"}
        await wire.call("refund_payment", {"reference": "r-1", "payment_id": payment_id, "amount": some}, "k-3")
        await wire.call("refund_payment", {"reference": "r-2", "payment_id": payment_id}, "k-4")
        told = [event(one, SECRET) for one in await delivered(wire)]

    mine = [one for one in told if one.resource == payment_id and one.data]
    assert [one.data["status"] for one in mine] == ["authorized", "captured", "partially_refunded", "refunded"]
    assert {one.reference for one in mine[:2]} == {"EXAMPLE-3001"}
    assert len({one.id for one in told}) == len(told)


async def test_a_decline_is_told(wire_declined: list[Delivery]) -> None:
    assert "declined" in [event(one, SECRET).data.get("status") for one in wire_declined]


@pytest.fixture
async def wire_declined() -> list[Delivery]:
    async with on_the_wire("stripe") as wire:
        await wire.call("create_payment", {**CREATE, "payment_method": "pm_card_chargeDeclined"})
        return await delivered(wire)


@pytest.fixture
async def one() -> Delivery:
    async with on_the_wire("stripe") as wire:
        await wire.call("create_payment", CREATE)
        return (await delivered(wire))[-1]


async def test_the_official_client_proves_the_same_delivery(one: Delivery) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: one.received_at.timestamp())
        theirs: Any = stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], SECRET)

    assert theirs["id"] == event(one, SECRET).id


async def test_a_secret_being_rotated_is_no_trouble(one: Delivery) -> None:
    stamp, good = one.headers["stripe-signature"].split(",")
    rotating = replace(one, headers={"stripe-signature": f"{stamp},v1={'0' * 64},{good}"})

    assert event(rotating, SECRET).id == event(one, SECRET).id


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "carries no stripe-signature"),
        ("", "carries no stripe-signature"),
        ("t=1790856000", "carries no stripe-signature"),
        ("v1=aa", "carries no stripe-signature"),
        ("t=soon,v1=aa", "carries no stripe-signature"),
        ("t=1790856000,v1=" + "0" * 64, "The signature is not Stripe's"),
        ("t=1790856000,v0={good}", "carries no stripe-signature"),
    ],
)
async def test_a_delivery_that_is_not_proven_is_refused(one: Delivery, header: str | None, says: str) -> None:
    good = one.headers["stripe-signature"].partition("v1=")[2]
    headers = {} if header is None else {"stripe-signature": header.replace("{good}", good)}

    with pytest.raises(DeliveryRefused, match=says):
        event(replace(one, headers=headers), SECRET)


async def test_another_body_under_the_same_signature_is_refused(one: Delivery) -> None:
    with pytest.raises(DeliveryRefused):
        event(replace(one, body=one.body + b" "), SECRET)


async def test_another_secret_is_refused(one: Delivery) -> None:
    with pytest.raises(DeliveryRefused):
        event(one, "whsec_other")


async def test_a_delivery_played_again_after_five_minutes_is_refused(one: Delivery) -> None:
    late = replace(one, received_at=one.received_at + timedelta(seconds=301))

    with pytest.raises(DeliveryRefused, match="it is a replay"):
        event(late, SECRET)
