"""The endpoints below an order: its notes and its refunds."""

from __future__ import annotations

from integrations.sandbox.woocommerce import php, refunds, schemas
from integrations.sandbox.woocommerce.call import Call, Reply
from integrations.sandbox.woocommerce.endpoint import Endpoint, at, created
from integrations.sandbox.woocommerce.errors import Refused, refused
from integrations.sandbox.woocommerce.listing import page
from integrations.sandbox.woocommerce.order_views import OrderViews, zone_of
from integrations.sandbox.woocommerce.records import Order, Refund
from integrations.sandbox.woocommerce.shop import Shop

_NOTES = "orders/(?P<order_id>\\d+)/notes"
_NOTE = f"{_NOTES}/(?P<id>\\d+)"
_REFUNDS = "orders/(?P<order_id>\\d+)/refunds"
_REFUND = f"{_REFUNDS}/(?P<id>\\d+)"


class OrderParts:
    """``orders/<id>/notes`` and ``orders/<id>/refunds``."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.all: tuple[Endpoint, ...] = (
            at(_NOTES, "GET", "look_up", "list", schemas.LIST_NOTES, self._list_notes),
            at(_NOTES, "POST", "add_note", "create", schemas.NOTE, self._add_note),
            at(_NOTE, "GET", "look_up", "view", schemas.VIEW, self._get_note),
            at(_NOTE, "DELETE", "delete_note", "delete", schemas.DELETE, self._delete_note),
            at(_REFUNDS, "GET", "look_up", "list", schemas.LIST_REFUNDS, self._list_refunds),
            at(_REFUNDS, "POST", "refund_order", "create", schemas.REFUND, self._refund),
            at(_REFUND, "GET", "look_up", "view", schemas.VIEW, self._get_refund),
            at(_REFUND, "DELETE", "delete_refund", "delete", schemas.DELETE_REFUND, self._delete_refund),
        )

    def __repr__(self) -> str:
        return f"<OrderParts {len(self.all)}>"

    # Notes

    def _list_notes(self, call: Call) -> Reply:
        order, kind = self._order_of(call, "shop_order_invalid_id"), call.params["type"]
        views = OrderViews(self._shop, call)
        shown = [note for note in reversed(order.notes) if kind == "any" or note.for_customer == (kind == "customer")]
        return Reply(value=[views.note(order, note) for note in shown])

    def _add_note(self, call: Call) -> Reply:
        order, params = self._order_of(call, "order_invalid_id"), call.params
        author = "quayside" if params.get("added_by_user") else "system"
        for_customer = bool(params.get("customer_note"))
        note = self._shop.note(order, params["note"], self._shop.now(), author=author, for_customer=for_customer)
        self._shop.effect("message" if for_customer else "note", reference=order.number, id=note.id)
        return created(call, f"orders/{order.id}/notes/{note.id}", OrderViews(self._shop, call).note(order, note))

    def _get_note(self, call: Call) -> Reply:
        order = self._order_of(call, "order_invalid_id")
        found = next((note for note in order.notes if note.id == php.integer(call.params["id"])), None)
        if found is None:
            raise refused("woocommerce_rest_invalid_id", "Invalid resource ID.", 404)
        return Reply(value=OrderViews(self._shop, call).note(order, found))

    def _delete_note(self, call: Call) -> Reply:
        if not call.params.get("force"):
            raise refused("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
        shown = self._get_note(call)
        order = self._order_of(call, "order_invalid_id")
        order.notes[:] = [note for note in order.notes if note.id != php.integer(call.params["id"])]
        return shown

    def _order_of(self, call: Call, code: str) -> Order:
        found = self._shop.orders.get(php.integer(call.params.get("order_id")))
        if found is None:
            raise refused(f"woocommerce_rest_{code}", "Invalid order ID.", 404)
        return found

    # Refunds

    def _list_refunds(self, call: Call) -> Reply:
        order = self._shop.orders.get(php.integer(call.params["order_id"]))
        if order is None:
            return Reply(value=[], headers=(("X-WP-Total", "0"), ("X-WP-TotalPages", "0")))
        shown, more = page(call, f"orders/{order.id}/refunds", order.refunds, zone_of(self._shop))
        views = OrderViews(self._shop, call)
        return Reply(value=[views.refund(order, one) for one in shown], headers=more)

    def _refund(self, call: Call) -> Reply:
        order = self._refunded_order(call)
        made = refunds.create(self._shop, order, call.params)
        return created(call, f"orders/{order.id}/refunds/{made.id}", OrderViews(self._shop, call).refund(order, made))

    def _get_refund(self, call: Call) -> Reply:
        order, found = self._found_refund(call)
        return Reply(value=OrderViews(self._shop, call).refund(order, found))

    def _delete_refund(self, call: Call) -> Reply:
        """Take a refund out of the books; no money comes back by it."""
        if not call.params.get("force"):
            raise refused(
                "woocommerce_rest_trash_not_supported", "The shop_order_refund does not support trashing.", 501
            )
        order, found = self._found_refund(call)
        shown = OrderViews(self._shop, call).refund(order, found)
        order.refunds.remove(found)
        self._shop.touch(order, self._shop.now())
        return Reply(value=shown)

    def _refunded_order(self, call: Call) -> Order:
        found = self._shop.orders.get(php.integer(call.params["order_id"]))
        if found is None:
            raise Refused("woocommerce_rest_invalid_order_id", "Invalid order ID.", 404)
        return found

    def _found_refund(self, call: Call) -> tuple[Order, Refund]:
        order = self._refunded_order(call)
        found = next((one for one in order.refunds if one.id == php.integer(call.params["id"])), None)
        if found is None:
            raise Refused("woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.", 404)
        return order, found
