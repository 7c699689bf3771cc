"""Orders: what hands shipments over to Australia Post. Without one no parcel is expected, tracked or charged for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.sandbox import labels
from integrations.sandbox.australia_post import prices, reading
from integrations.sandbox.australia_post.errors import Refused, shipping
from integrations.sandbox.australia_post.reading import Reader
from integrations.sandbox.australia_post.shipments import Kept, Shipments, stamp
from integrations.sandbox.shelf import Shelf
from integrations.sandbox.twin import World

_MOST_ITEMS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order of one account."""

    id: str
    account: str
    reference: str
    shipments: tuple[Kept, ...]
    made: float
    consignor: str

    @property
    def cost(self) -> Decimal:
        """Return what is charged to the account."""
        return sum((prices.summary(kept.wish, "")["total_cost"] for kept in self.shipments), Decimal(0))


class Orders:
    """All orders of all accounts."""

    def __init__(self, world: World, shipments: Shipments) -> None:
        self._world = world
        self._shipments = shipments
        self._last = 2_000 + world.chance(f"australia_post.orders:{world.now():.0f}").randrange(10**6)
        self._orders: Shelf[Order] = Shelf()

    def __repr__(self) -> str:
        return f"<Orders {len(self._orders)} orders>"

    def from_shipments(self, asked: Reader, account: str) -> dict[str, Any]:
        """Make an order of shipments made before (PUT); raises Refused when one is ordered already or is not there."""
        _check(asked)
        if not asked.value.get("shipments"):
            asked.problems.append(shipping("44015"))
            reading.done(asked)
        ids = [one.text("shipment_id", needed=True) for one in asked.objects("shipments")]
        reading.done(asked)
        return self._order(asked, account, [self._shipments.find(id, account) for id in dict.fromkeys(ids)])

    def with_shipments(self, asked: Reader, account: str, allowed: Sequence[str]) -> dict[str, Any]:
        """Make shipments and their order in one (POST); what only names shipments lacks all their fields."""
        _check(asked)
        wishes = reading.wishes(asked, allowed)
        _count(sum(len(wish.parcels) for wish in wishes))
        return self._order(asked, account, [self._shipments.create(wish, account) for wish in wishes])

    def find(self, id: str, account: str, *, status: int = 404) -> Order:
        """Return an order; raises Refused with the status for one there is not."""
        found = self._orders.get(id)
        if found is None or found.account != account:
            raise Refused(status, shipping("44026", id))
        return found

    def told(self, order: Order, *, whole: bool = False, status: str | None = None) -> dict[str, Any]:
        """Return ``order`` as the API tells it."""
        items = [item for kept in order.shipments for item in kept.items]
        summaries = [prices.summary(kept.wish, "") for kept in order.shipments]
        methods: dict[str, int] = {}
        for item in items:
            name = item.parcel.product.id if item.parcel.product else ""
            methods[name] = methods.get(name, 0) + 1
        shipments = [self._shipments.told(kept, whole=whole, status=status) for kept in order.shipments]
        statuses = [one["shipment_summary"]["status"] for one in shipments for _ in one["items"]]
        told: dict[str, Any] = {"order_id": order.id}
        if order.reference:
            told["order_reference"] = order.reference
        told |= {
            "order_creation_date": stamp(order.made),
            "order_summary": {
                **{
                    name: sum((one[name] for one in summaries), Decimal(0))
                    for name in ("total_cost", "total_cost_ex_gst", "total_gst")
                },
                "status": "Initiated",
                "tracking_summary": {name: statuses.count(name) for name in dict.fromkeys(statuses)},
                "number_of_shipments": len(order.shipments),
                "number_of_items": len(items),
                "dangerous_goods_included": False,
                "total_weight": sum((item.parcel.kg for item in items), Decimal(0)),
                "shipping_methods": methods,
            },
            "shipments": shipments,
            "payment_method": "CHARGE_TO_ACCOUNT",
        }
        return {"order": {**told, "consignor": order.consignor} if order.consignor else told}

    def summary(self, order: Order) -> bytes:
        """Return the order summary: a PDF that goes with the parcels."""
        lines = ["SANDBOX ORDER SUMMARY", order.id, f"SHIPMENTS {len(order.shipments)}", f"TOTAL AUD {order.cost}"]
        return labels.pdf(lines)

    def _order(self, asked: Reader, account: str, shipments: list[Kept]) -> dict[str, Any]:
        for kept in shipments:
            if kept.order is not None:
                raise Refused(400, shipping("44016", kept.id, shipment_id=kept.id))
        _count(sum(len(kept.items) for kept in shipments))
        self._last += 1
        order = Order(
            id=f"AP{self._last:010d}",
            account=account,
            reference=asked.text("order_reference"),
            shipments=tuple(shipments),
            made=self._world.now(),
            consignor=asked.text("consignor"),
        )
        for kept in shipments:
            kept.order, kept.ordered = order.id, order.made
        self._orders.put(order.id, order)
        self._world.ledger.effect(
            vendor="australia_post",
            kind="order",
            reference=order.reference,
            id=order.id,
            amount=f"{order.cost} AUD",
        )
        return self.told(order, status="Sealed")


def _check(asked: Reader) -> None:
    """Note an order's own fields that are wrong."""
    asked.text("order_reference", most=50)
    if asked.text("payment_method") not in ("", "CHARGE_TO_ACCOUNT"):
        asked.missing("payment_method")


def _count(items: int) -> None:
    if items > _MOST_ITEMS:
        raise Refused(400, shipping("44031", str(_MOST_ITEMS)))
