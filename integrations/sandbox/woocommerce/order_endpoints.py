"""The endpoints of orders: listed, read, made, changed and thrown away, one by one or in a batch."""

from __future__ import annotations

from integrations.sandbox.woocommerce import ordering, php, schemas
from integrations.sandbox.woocommerce.batches import batch
from integrations.sandbox.woocommerce.call import Call, Reply
from integrations.sandbox.woocommerce.endpoint import EDITING, Endpoint, at, created
from integrations.sandbox.woocommerce.errors import refused
from integrations.sandbox.woocommerce.listing import page
from integrations.sandbox.woocommerce.order_views import OrderViews, zone_of
from integrations.sandbox.woocommerce.records import Order, Product
from integrations.sandbox.woocommerce.shop import Shop

_ONE = "orders/(?P<id>\\d+)"


class OrderEndpoints:
    """``orders``, ``orders/<id>`` and ``orders/batch``."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.all: tuple[Endpoint, ...] = (
            at("orders", "GET", "list_orders", "list", schemas.LIST_ORDERS, self._list_orders),
            at("orders", "POST", "create_order", "create", schemas.ORDER, self._create_order),
            at("orders/batch", EDITING, "update_order", "batch", {}, self._batch_orders),
            at(_ONE, "GET", "get_order", "view", schemas.VIEW, self.get),
            at(_ONE, EDITING, "update_order", "edit", schemas.ORDER, self._update_order),
            at(_ONE, "DELETE", "delete_order", "delete", schemas.DELETE, self._delete_order),
        )

    def __repr__(self) -> str:
        return f"<OrderEndpoints {len(self.all)}>"

    def _list_orders(self, call: Call) -> Reply:
        params = call.params
        statuses = php.texts(params["status"])
        product = params.get("product")
        search = str(params.get("search") or "").lower()
        found = [
            order
            for order in self._shop.orders.values()
            if ((order.status not in ("trash", "auto-draft")) if "any" in statuses else order.status in statuses)
            and params.get("customer") in (None, order.customer_id)
            and (not product or any(_is_of(line.product, product) for line in order.lines))
            and (not search or search in " ".join([order.number, *order.billing.values()]).lower())
        ]
        shown, more = page(call, "orders", found, zone_of(self._shop))
        views = OrderViews(self._shop, call)
        return Reply(value=[views.order(order) for order in shown], headers=more)

    def get(self, call: Call) -> Reply:
        """Return one order."""
        return Reply(value=OrderViews(self._shop, call).order(self._order(call, 404)))

    def _create_order(self, call: Call) -> Reply:
        if call.params.get("id"):
            raise refused("woocommerce_rest_shop_order_exists", "Cannot create existing shop_order.", 400)
        order = ordering.create(self._shop, call)
        return created(call, f"orders/{order.id}", OrderViews(self._shop, call).order(order))

    def _update_order(self, call: Call) -> Reply:
        order = ordering.update(self._shop, self._order(call, 400), call)
        return Reply(value=OrderViews(self._shop, call).order(order))

    def _delete_order(self, call: Call) -> Reply:
        order = self._order(call, 404)
        shown = OrderViews(self._shop, call).order(order)
        ordering.delete(self._shop, order, force=bool(call.params.get("force")))
        return Reply(value=shown)

    def _batch_orders(self, call: Call) -> Reply:
        return batch(call, self._create_order, self._update_order, self._delete_order)

    def _order(self, call: Call, status: int) -> Order:
        """Return the order of an id; one that is unknown is 404 to a look and 400 to a change."""
        found = self._shop.orders.get(php.integer(call.params.get("id")))
        if found is None:
            raise refused("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", status)
        return found


def _is_of(product: Product | None, id: int) -> bool:
    return product is not None and id == (product.parent or product).id
