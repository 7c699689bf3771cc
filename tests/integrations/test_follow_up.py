"""A label that was bought is a shipment to be tracked, whoever bought it; a cancelled one is left alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from db import shipments
from db.engine import StoreUnavailable
from integrations.registry import adapter_class
from tests.acceptance.conftest import OpenHarbour, open_harbour

__all__ = ["open_harbour"]  # the fixture


def example(operation: str) -> dict[str, Any]:
    found = adapter_class("fedex").vendor.operation(operation)
    assert found is not None
    return dict(found.example)


async def test_a_bought_label_is_tracked_and_a_cancelled_one_is_not(open_harbour: OpenHarbour) -> None:
    order = example("create_shipment")
    async with open_harbour() as harbour:
        made = await harbour.runtime.gateway.call("fedex", "create_shipment", order)
        again = await harbour.runtime.gateway.call("fedex", "create_shipment", order)
        [row] = await shipments.of_reference(harbour.db, order["shipment"]["reference"])
        number = {"tracking_number": made.value.tracking_number}
        await harbour.runtime.gateway.call("fedex", "cancel_shipment", number)
        [cancelled] = await shipments.of_reference(harbour.db, order["shipment"]["reference"])

    assert again.replayed
    assert (row.vendor, row.tracking_number, row.status) == ("fedex", made.value.tracking_number, "created")
    assert row.price is None or row.price > Decimal(0)
    assert cancelled.status == "cancelled"


async def test_a_label_is_bought_even_when_it_cannot_be_noted(
    open_harbour: OpenHarbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("the database is locked")

    monkeypatch.setattr(shipments, "note_created", away)
    async with open_harbour() as harbour:
        made = await harbour.runtime.gateway.call("fedex", "create_shipment", example("create_shipment"))

    assert made.value.tracking_number
