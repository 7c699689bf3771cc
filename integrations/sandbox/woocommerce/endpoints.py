"""All endpoints of wc/v3 that are played, by path and method."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.woocommerce import php
from integrations.sandbox.woocommerce.call import Call
from integrations.sandbox.woocommerce.endpoint import Endpoint
from integrations.sandbox.woocommerce.errors import Refused
from integrations.sandbox.woocommerce.goods_endpoints import GoodsEndpoints
from integrations.sandbox.woocommerce.order_endpoints import OrderEndpoints
from integrations.sandbox.woocommerce.order_parts import OrderParts
from integrations.sandbox.woocommerce.shop import Shop
from integrations.sandbox.woocommerce.webhook_endpoints import WebhookEndpoints
from integrations.sandbox.woocommerce.webhooks import Webhooks


class Endpoints:
    """All endpoints of one store."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._orders = OrderEndpoints(shop)
        self._goods = GoodsEndpoints(shop)
        self.webhooks = Webhooks(shop, self._resource)
        self.all: tuple[Endpoint, ...] = (
            *self._orders.all,
            *OrderParts(shop).all,
            *self._goods.all,
            *WebhookEndpoints(shop, self.webhooks).all,
        )

    def __repr__(self) -> str:
        return f"<Endpoints {len(self.all)}>"

    def find(self, method: str, route: str) -> tuple[Endpoint, dict[str, str]] | None:
        """Return the endpoint and the parameters in its path; None when there is none of that method."""
        for endpoint in self.all:
            match = endpoint.path.fullmatch(route)
            if match and method in endpoint.methods:
                return endpoint, match.groupdict()
        return None

    def methods(self, route: str) -> list[str]:
        """Return the methods that a route has, [] for a route there is not."""
        return [name for one in self.all if one.path.fullmatch(route) for name in one.methods]

    def exists(self, endpoint: Endpoint, call: Call) -> bool:
        """Say whether what is asked for is there. Of goods that are not, a stranger is told so; of orders never."""
        if endpoint.resource != "products" or endpoint.action in ("list", "create", "batch"):
            return True
        return php.integer(call.params.get("id")) in self._shop.products

    def _resource(self, resource: str, id: int, home: str) -> dict[str, Any] | None:
        """Return what a delivery says of an order or a product; None when it is gone."""
        call = Call(params={"id": id}, query={}, home=home)
        try:
            found: dict[str, Any] = (self._orders if resource == "order" else self._goods).get(call).value
        except Refused:
            return None
        return found
