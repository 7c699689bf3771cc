"""The fields of ``Mutation``: what each does, what its payload shows, and which of them want an idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, VariableNode
from graphql.execution.values import get_directive_values

from integrations.sandbox.shopify import (
    fulfilling,
    fulfilment_views,
    inventory,
    order_views,
    ordering,
    product_views,
    refunding,
)
from integrations.sandbox.shopify.access import allowed
from integrations.sandbox.shopify.connection import bad_request
from integrations.sandbox.shopify.engine import Call
from integrations.sandbox.shopify.gid import gid, number_of
from integrations.sandbox.shopify.idempotency import MISSING, Keys, in_progress
from integrations.sandbox.shopify.jobs import Jobs
from integrations.sandbox.shopify.refusal import UserRefused
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.shopify.webhook_views import subscription
from integrations.sandbox.shopify.webhooks import Subscription, Webhooks

View = dict[str, Any]
KEYED = frozenset({"inventoryAdjustQuantities", "inventorySetQuantities", "refundCreate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deed:
    """A mutation: what it does with its arguments, and what its payload shows of the result (None when refused)."""

    run: Callable[[Mapping[str, Any]], Any]
    show: Callable[[Any], View]


class Mutations:
    """Does what one request asks for."""

    def __init__(self, shop: Shop, jobs: Jobs, webhooks: Webhooks, keys: Keys, call: Call) -> None:
        self._shop = shop
        self._jobs = jobs
        self._webhooks = webhooks
        self._keys = keys
        self._call = call

    def root(self) -> Mapping[str, Any]:
        """Return the resolvers by field, each behind the scopes it needs."""
        resolvers = {name: self._resolver(name, deed) for name, deed in self._deeds().items()}
        resolvers["orderCancel"] = self._cancel
        return {name: allowed(name, resolver) for name, resolver in resolvers.items()}

    def _deeds(self) -> dict[str, _Deed]:
        shop = self._shop

        def parcel(made: Any) -> View:
            return {"fulfillment": None if made is None else fulfilment_views.fulfilment(shop, made)}

        def order(made: Any) -> View:
            return {"order": None if made is None else order_views.order(shop, made)}

        def node(made: Any) -> View:
            return {"node": None if made is None else order_views.order(shop, made)}

        def group(made: Any) -> View:
            view = None if made is None else product_views.adjustment_group(shop, made)
            return {"inventoryAdjustmentGroup": view}

        def refund(made: Any) -> View:
            if made is None:
                return {"refund": None, "order": None}
            return {"refund": order_views.refund(shop, made), "order": order_views.order(shop, made.order)}

        def hook(made: Any) -> View:
            return {"webhookSubscription": None if made is None else subscription(made)}

        return {
            "fulfillmentCreate": _Deed(run=lambda given: fulfilling.create(shop, given["fulfillment"]), show=parcel),
            "fulfillmentTrackingInfoUpdate": _Deed(
                run=lambda given: fulfilling.track(shop, given["fulfillmentId"], given["trackingInfoInput"]),
                show=parcel,
            ),
            "fulfillmentCancel": _Deed(run=lambda given: fulfilling.cancel(shop, given["id"]), show=parcel),
            "inventorySetQuantities": _Deed(
                run=lambda given: inventory.set_quantities(shop, given["input"]), show=group
            ),
            "inventoryAdjustQuantities": _Deed(
                run=lambda given: inventory.adjust_quantities(shop, given["input"]), show=group
            ),
            "refundCreate": _Deed(run=lambda given: refunding.refund(shop, given["input"]), show=refund),
            "orderUpdate": _Deed(run=lambda given: ordering.update(shop, given["input"]), show=order),
            "orderClose": _Deed(run=lambda given: ordering.close(shop, given["input"]["id"]), show=order),
            "orderOpen": _Deed(run=lambda given: ordering.reopen(shop, given["input"]["id"]), show=order),
            "orderMarkAsPaid": _Deed(run=lambda given: ordering.mark_as_paid(shop, given["input"]["id"]), show=order),
            "tagsAdd": _Deed(run=lambda given: ordering.add_tags(shop, given["id"], given["tags"]), show=node),
            "tagsRemove": _Deed(run=lambda given: ordering.remove_tags(shop, given["id"], given["tags"]), show=node),
            "webhookSubscriptionCreate": _Deed(
                run=lambda given: self._webhooks.create(given["topic"], given["webhookSubscription"]), show=hook
            ),
            "webhookSubscriptionUpdate": _Deed(
                run=lambda given: self._webhooks.update(self._subscription(given["id"]), given["webhookSubscription"]),
                show=hook,
            ),
            "webhookSubscriptionDelete": _Deed(
                run=lambda given: self._webhooks.subscriptions.pop(self._subscription(given["id"]).id),
                show=lambda made: {
                    "deletedWebhookSubscriptionId": None if made is None else gid("WebhookSubscription", made.id)
                },
            ),
        }

    def _resolver(self, name: str, deed: _Deed) -> Callable[..., View]:
        def resolve(info: Any, **arguments: Any) -> View:
            try:
                if name not in KEYED:
                    made = deed.run(arguments)
                else:
                    key = self._key(info)
                    _check_expectations(name, info, arguments)
                    made = self._keys.once(self._call.credential, key, name, arguments, lambda: deed.run(arguments))
            except UserRefused as refused:
                shown = deed.show(None)
                if name == "refundCreate":  # it shows the order that was not refunded
                    shown["order"] = self._order_of(arguments["input"]["orderId"])
                return {**shown, "userErrors": refused.errors}
            return {**deed.show(made), "userErrors": []}

        return resolve

    def _key(self, info: Any) -> str:
        """Return the key on the field. Raises GraphQLError without one, UserRefused while another request holds it."""
        given = get_directive_values(info.schema.get_directive("idempotent"), info.field_nodes[0], info.variable_values)
        if given is None:
            raise bad_request(MISSING)
        key = str(given["key"])
        if not key.strip():
            raise bad_request("The idempotency key cannot be an empty string or whitespace only.")
        if key in self._call.busy:
            raise in_progress()
        return key

    def _cancel(self, info: Any, **arguments: Any) -> View:
        order = self._shop.orders.get(number_of(arguments["orderId"], "Order") or 0)
        try:
            found = refunding.check_cancel(order, arguments)
        except UserRefused as refused:
            return {"job": None, "orderCancelUserErrors": refused.errors, "userErrors": refused.errors}
        method = arguments.get("refundMethod") or {}
        wanted = {
            "reason": arguments["reason"],
            "restock": arguments["restock"],
            "refund": bool(arguments.get("refund") or method.get("originalPaymentMethodsRefund")),
            "note": arguments.get("staffNote"),
        }

        def act(at: float) -> None:
            if found.cancelled_at is None:
                refunding.cancel(self._shop, found, at=at, **wanted)

        job = self._jobs.add(act)
        self._shop.effect("void", reference=found.name, id=arguments["orderId"], amount=f"{found.total.shop:f}")
        return {"job": {"id": job.id, "done": False}, "orderCancelUserErrors": [], "userErrors": []}

    def _order_of(self, id: str) -> View | None:
        found = self._shop.orders.get(number_of(id, "Order") or 0)
        return None if found is None else order_views.order(self._shop, found)

    def _subscription(self, id: str) -> Subscription:
        found = self._webhooks.subscriptions.get(number_of(id, "WebhookSubscription") or 0)
        if found is None:
            raise UserRefused("Webhook subscription does not exist", ["id"])
        return found


def _check_expectations(name: str, info: Any, arguments: Mapping[str, Any]) -> None:
    """Raise GraphQLError when an entry leaves ``changeFromQuantity`` out; an explicit null asks for no comparison."""
    rows, kind = {
        "inventorySetQuantities": ("quantities", "InventoryQuantityInput"),
        "inventoryAdjustQuantities": ("changes", "InventoryChangeInput"),
    }.get(name, ("", ""))
    if not rows or all("changeFromQuantity" in row for row in arguments["input"][rows]):
        return
    node = info.field_nodes[0]
    used = {argument.value.name.value for argument in node.arguments if isinstance(argument.value, VariableNode)}
    declared = [one for one in info.operation.variable_definitions or () if one.variable.name.value in used]
    raise GraphQLError(
        f"{kind} must include the following argument: changeFromQuantity.",
        nodes=[node, *declared[:1]],
        extensions={"code": "INVALID_FIELD_ARGUMENTS"},
    )
