"""The endpoints of webhooks."""

from __future__ import annotations

from integrations.sandbox.woocommerce import php, schemas
from integrations.sandbox.woocommerce.batches import batch
from integrations.sandbox.woocommerce.call import Call, Reply
from integrations.sandbox.woocommerce.endpoint import EDITING, Endpoint, at, created
from integrations.sandbox.woocommerce.errors import refused
from integrations.sandbox.woocommerce.listing import page
from integrations.sandbox.woocommerce.order_views import zone_of
from integrations.sandbox.woocommerce.shop import Shop
from integrations.sandbox.woocommerce.webhooks import Webhook, Webhooks

_ONE = "webhooks/(?P<id>\\d+)"


class WebhookEndpoints:
    """``webhooks``, ``webhooks/<id>`` and ``webhooks/batch``."""

    def __init__(self, shop: Shop, webhooks: Webhooks) -> None:
        self._shop = shop
        self._webhooks = webhooks
        self.all: tuple[Endpoint, ...] = (
            at("webhooks", "GET", "look_up", "list", schemas.LIST_WEBHOOKS, self._list_webhooks),
            at("webhooks", "POST", "subscribe", "create", schemas.NEW_WEBHOOK, self._create_webhook),
            at("webhooks/batch", EDITING, "subscribe", "batch", {}, self._batch_webhooks),
            at(_ONE, "GET", "look_up", "view", schemas.VIEW, self._get_webhook),
            at(_ONE, EDITING, "subscribe", "edit", schemas.WEBHOOK, self._update_webhook),
            at(_ONE, "DELETE", "subscribe", "delete", schemas.DELETE, self._delete_webhook),
        )

    def __repr__(self) -> str:
        return f"<WebhookEndpoints {len(self.all)}>"

    def _list_webhooks(self, call: Call) -> Reply:
        status = call.params["status"]
        found = [one for one in self._webhooks.all.values() if status in ("all", one.status)]
        shown, more = page(call, "webhooks", found, zone_of(self._shop))
        return Reply(value=[self._webhooks.json(one, call) for one in shown], headers=more)

    def _get_webhook(self, call: Call) -> Reply:
        return Reply(value=self._webhooks.json(self._webhook(call, "ID is invalid.", 400), call))

    def _create_webhook(self, call: Call) -> Reply:
        made = self._webhooks.create(call)
        return created(call, f"webhooks/{made.id}", self._webhooks.json(made, call))

    def _update_webhook(self, call: Call) -> Reply:
        found = self._webhooks.update(self._webhook(call, "ID is invalid.", 400), call)
        return Reply(value=self._webhooks.json(found, call))

    def _delete_webhook(self, call: Call) -> Reply:
        if not call.params.get("force"):
            raise refused("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
        found = self._webhook(call, "Invalid ID.", 404)
        del self._webhooks.all[found.id]
        return Reply(value=self._webhooks.json(found, call))

    def _batch_webhooks(self, call: Call) -> Reply:
        return batch(call, self._create_webhook, self._update_webhook, self._delete_webhook)

    def _webhook(self, call: Call, message: str, status: int) -> Webhook:
        found = self._webhooks.all.get(php.integer(call.params.get("id")))
        if found is None:
            raise refused("woocommerce_rest_shop_webhook_invalid_id", message, status)
        return found
