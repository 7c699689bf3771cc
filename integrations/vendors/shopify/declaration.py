"""What Shopify's Admin API is: its credentials, the points a query costs, and its operations."""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, SignIn, Vendor, Webhook
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

NAME, LABEL = "shopify", "Shopify"
VERSION = "2026-07"  # each is served for about a year; an expired one falls forward without a word
PATH = f"/admin/api/{VERSION}/graphql.json"
TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105  # a path
EVENTS = (
    *("orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/fulfilled"),
    *("refunds/create", "inventory_levels/update"),
)
_KEPT = (
    "data errors extensions code message path line column locations field userErrors cost requestedQueryCost "
    "actualQueryCost throttleStatus maximumAvailable currentlyAvailable restoreRate pageInfo hasNextPage endCursor "
    "nodes id legacyResourceId createdAt updatedAt processedAt cancelledAt closed test displayFinancialStatus "
    "displayFulfillmentStatus currencyCode amount shopMoney sku quantity currentQuantity tracked available "
    "changeFromQuantity inventoryItemId locationId reason referenceDocumentUri status action supportedActions "
    "fulfillment fulfillmentOrderId lineItemsByFulfillmentOrder expires_in scope grant_type topic"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="store",
    base_url="",  # every shop has its own: https://{shop}.myshopify.com
    docs_url="https://shopify.dev/docs/api/admin-graphql",
    check="list_stock",
    credentials=(
        Credential(name="CLIENT_ID", sandbox="quayside-client-id", secret=False),
        Credential(name="CLIENT_SECRET", sandbox="shpss_quayside"),  # deliveries are signed with it too
        # An app made in the shop's own admin has a token that never changes; then nothing is signed in.
        Credential(name="ACCESS_TOKEN", sandbox="", required=False),
        # The number of the location whose stock is kept; without it a SKU must lie at one location only.
        Credential(name="LOCATION", sandbox="68000000001", required=False, secret=False),
    ),
    # What the smallest plan restores: 100 points a second into a bucket of 2,000. The answers tell the shop's own.
    quotas=(QuotaPolicy(name="points", limit=2000, seconds=20, paced=False),),
    sign_in=SignIn(kind="token", header="x-shopify-access-token"),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="x-request-id",
    version_headers=("x-shopify-api-version", "x-shopify-api-deprecated-reason"),
    slow_call_duration=8.0,
    webhook=Webhook(credential="CLIENT_SECRET", events=EVENTS),
    operations=(
        Operation(
            name="list_orders",
            input=OrderQuery,
            result=StoreOrderPage,
            example={"limit": 10},
            deadline=60.0,
            attempt_timeout=20.0,
        ),
        Operation(
            name="get_order",
            input=StoreOrderQuery,
            result=StoreOrder,
            example={"order_id": "6100000000048"},
            deadline=30.0,
        ),
        Operation(
            name="list_stock",
            input=StockQuery,
            result=StockPage,
            example={"limit": 10},
            deadline=60.0,
            attempt_timeout=20.0,
        ),
        Operation(
            name="set_stock",
            input=StockSet,
            result=StockSetResult,
            example={"reference": "EXAMPLE-3601", "levels": [{"sku": "TOY-00001", "quantity": "7"}]},
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=90.0,
            attempt_timeout=20.0,
            max_attempts=4,
        ),
        Operation(
            name="mark_fulfilled",
            input=Fulfilment,
            result=Fulfilled,
            example={
                "reference": "EXAMPLE-3602",
                "order_id": "6100000000048",
                "tracking_number": "1Z999AA10123456784",
                "carrier": "UPS",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=60.0,
        ),
    ),
)
