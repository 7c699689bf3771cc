"""What WooCommerce's REST API is: its keys, its operations, and what of an answer may stand in a record.

Every shop is a server of its own, with its own speed, proxies and plug-ins. The API itself has no quota and tells none;
one or two requests at a time are what a small shop bears. Source: github.com/woocommerce/woocommerce-rest-api-docs.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, Vendor, Webhook
from integrations.types.erp import StockPage, StockQuery
from integrations.types.store import (
    Fulfilled,
    Fulfilment,
    OrderQuery,
    StockSet,
    StockSetResult,
    StoreOrder,
    StoreOrderPage,
    StoreOrderQuery,
)

NAME, LABEL = "woocommerce", "WooCommerce"
BASE = "/wp-json/wc/v3"
EVENTS = (
    *("order.created", "order.updated", "order.deleted", "order.restored"),
    *("product.created", "product.updated", "product.deleted", "product.restored"),
)
_KEPT = (
    "id parent_id number status currency total total_tax date_created_gmt date_modified_gmt date_paid_gmt "
    "date_completed_gmt line_items quantity product_id variation_id sku price refunds type manage_stock stock_quantity "
    "stock_status backorders update error code data topic resource event page per_page offset orderby order "
    "modified_after dates_are_gmt customer_note"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="store",
    base_url="",  # every shop has its own: https://{shop}, and the folder it lives in
    docs_url="https://woocommerce.github.io/woocommerce-rest-api-docs/",
    check="list_orders",
    credentials=(
        Credential(name="CONSUMER_KEY", sandbox="ck_quayside"),
        Credential(name="CONSUMER_SECRET", sandbox="cs_quayside"),
        Credential(name="WEBHOOK_SECRET", sandbox="quayside-webhook-secret", required=False),
    ),
    concurrency=2,
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=10.0,
    webhook=Webhook(credential="WEBHOOK_SECRET", events=EVENTS),
    operations=(
        Operation(
            name="list_orders",
            input=OrderQuery,
            result=StoreOrderPage,
            example={"limit": 10},
            deadline=90.0,
            attempt_timeout=30.0,  # the official client's 5 s are too short for many a shop
        ),
        Operation(
            name="get_order",
            input=StoreOrderQuery,
            result=StoreOrder,
            example={"order_id": "5048"},
            deadline=60.0,
            attempt_timeout=30.0,
        ),
        Operation(
            name="list_stock",
            input=StockQuery,
            result=StockPage,
            example={"limit": 10},
            deadline=90.0,
            attempt_timeout=30.0,
        ),
        Operation(
            name="set_stock",
            input=StockSet,
            result=StockSetResult,
            example={"reference": "EXAMPLE-3701", "levels": [{"sku": "TOY-00001", "quantity": "7"}]},
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=120.0,  # a hundred variations of as many products are as many requests
            attempt_timeout=30.0,
        ),
        Operation(
            name="mark_fulfilled",
            input=Fulfilment,
            result=Fulfilled,
            example={
                "reference": "EXAMPLE-3702",
                "order_id": "5048",
                "tracking_number": "1Z999AA10123456784",
                "carrier": "UPS",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=90.0,
            attempt_timeout=30.0,
        ),
    ),
)
